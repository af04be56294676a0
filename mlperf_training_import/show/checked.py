"""Writes what a check found: readable text, JSON, SARIF 2.1.0, JUnit XML, and GitHub workflow commands."""

from __future__ import annotations

import functools
import json
import os
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import __version__
from ..checks.check import Checked, last_line
from ..checks.remarks import WEIGHTS, Remark
from ..tables.checks import PEER_VERSION
from ..values import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

#: The version of the JSON format; it increases when an existing key changes its meaning.
SCHEMA_VERSION = 1
#: The text of a result shows at most this many remarks per rule.
_MOST_PER_RULE = 5
_LEVELS = {"rejects": "error", "objection": "warning", "lenient": "note", "note": "note"}
_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


def to_text(checked: Checked) -> str:
    """A block for each result with its remarks by weight, and the summary as the last line."""
    lines = [f"{checked.root}: by the rules of {checked.version}"]
    for folder, remarks in groupby(checked.remarks, key=lambda said: said.folder):
        lines += ["", folder, *_block(list(remarks))]
    counts = ", ".join(f"{number} {weight}" for weight, number in checked.counts().items() if number)
    lines += ["", f"remarks: {counts}" if counts else "no remarks"]
    if checked.refused_wrongly:
        lines.append(f"refused wrongly: {checked.refused_wrongly} (see the remarks of weight lenient)")
    return _shown([*lines, last_line(checked)])


def _shown(lines: Iterable[str]) -> str:
    return "\n".join(map(one_line, lines))


def _block(remarks: list[Remark]) -> Iterator[str]:
    ordered = sorted(remarks, key=lambda said: (WEIGHTS.index(said.weight), said.rule))
    for (weight, rule), group in groupby(ordered, key=lambda said: (said.weight, said.rule)):
        of_rule = list(group)
        for said in of_rule[:_MOST_PER_RULE]:
            place = f"{said.where_in_result}: " if said.where_in_result else ""
            yield f"  {weight}: {place}{said.text} [{rule}]"
        if len(of_rule) > _MOST_PER_RULE:
            yield f"  {weight}: and {len(of_rule) - _MOST_PER_RULE} more like these [{rule}]"
        yield f"    {of_rule[0].mend}"


def to_json(checked: Checked) -> str:
    """A document with one object for each remark, and the version of its format."""
    document = _head(checked) | {
        "results": checked.results,
        "would_pass": checked.passing,
        "refused_wrongly": checked.refused_wrongly,
        "counts": checked.counts(),
        "remarks": [_as_object(said) for said in checked.remarks],
    }
    return json.dumps(document, indent=1)


def _head(checked: Checked) -> dict[str, object]:
    return {"schema_version": SCHEMA_VERSION, "round": checked.version, "rules": f"mlperf_logging {PEER_VERSION}"}


def _as_object(said: Remark) -> dict[str, object]:
    return {
        "rule": said.rule,
        "weight": said.weight,
        "file": said.place,
        "line": said.line,
        "result": said.folder,
        "found": said.found,
        "asked": said.asked,
        "mend": said.mend,
    }


def to_peer_json(checked: Checked) -> str:
    """The verdicts of the programs of mlperf_logging: an object for each log, folder, package and description."""
    document = _head(checked) | {
        "logs": [
            {
                "log": log.path,
                "verdict": log.judged.verdict,
                "codes": {"errors": log.judged.errors, "warnings": log.judged.warnings},
            }
            for log in checked.logs
        ],
        "folders": [
            {
                "folder": folder.folder,
                "errors": folder.errors,
                "warnings": folder.warnings,
                "rcp": None if folder.rcp is None else dict(zip(("verdict", "message", "factor"), folder.rcp, strict=True)),
            }
            for folder in checked.folders
        ],
        "packages": [
            {"submitter": package.submitter, "verdict": package.verdict, "errors": package.errors}
            for package in checked.packages
        ],
        "descriptions": [
            {"file": said.path, "verdict": said.verdict, "reasons": said.reasons} for said in checked.descriptions
        ],
    }
    return json.dumps(document, indent=1)


def to_peer_text(checked: Checked) -> str:
    """The same verdicts as text: only what does not pass, with its codes."""
    lines = [f"{checked.root}: as mlperf_logging {PEER_VERSION} judges it by the rules of {checked.version}"]
    for log in checked.logs:
        if log.judged.verdict != "pass":
            codes = [*log.judged.errors, *_stop_of(log.judged.stops)]
            lines.append(f"{log.path}: {log.judged.verdict}: {' '.join(codes)}")
    for package in checked.packages:
        for said in package.descriptions:
            if said.verdict != "pass":
                why = " ".join(said.reasons) or "the checker stops here"
                lines.append(f"{said.path}: {said.verdict}: {why}")
        refused = [folder for folder in package.folders if folder.errors or folder.stops is not None]
        lines += [f"{said.folder}: {' '.join([*said.errors, *_stop_of(said.stops)])}" for said in refused]
        lines.append(f"{package.submitter}: {' '.join([package.verdict, *_stop_of(package.stops)])}")
    return _shown([*lines, last_line(checked, as_peer=True)])


def _stop_of(why: str | None) -> list[str]:
    return [] if why is None else [f"the checker stops here: {why}"]


def to_sarif(checked: Checked) -> str:
    """SARIF 2.1.0, as GitHub and editors read it."""
    rules = {said.rule: said for said in checked.remarks}
    names = sorted(rules)
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mlperf-training check",
                        "version": __version__,
                        "rules": [
                            {
                                "id": name,
                                "shortDescription": {"text": rules[name].asked or name},
                                "help": {"text": rules[name].mend or name},
                                "defaultConfiguration": {"level": _LEVELS[rules[name].weight]},
                            }
                            for name in names
                        ],
                    }
                },
                "columnKind": "utf16CodeUnits",
                "results": [
                    _sarif_result(said, names.index(said.rule), _here(checked.root, said.place)) for said in checked.remarks
                ],
            }
        ],
    }
    return json.dumps(document, indent=1)


def _here(root: Path, place: str) -> str:
    """A path from the working directory, which is the repository in a workflow; as it is where it lies outside."""
    path = os.path.relpath(root / place)
    return place if path.split(os.sep, 1)[0] == os.pardir else path


def _sarif_result(said: Remark, index: int, place: str) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(place, errors="surrogateescape")}}
    if said.line is not None:
        location["region"] = {"startLine": said.line}
    return {
        "ruleId": said.rule,
        "ruleIndex": index,
        "level": _LEVELS[said.weight],
        "message": {"text": f"{said.text}. {said.mend}"},
        "locations": [{"physicalLocation": location}],
        "properties": {"weight": said.weight},
    }


def to_junit(checked: Checked) -> str:
    """JUnit XML: a test case for each log, folder and description; a remark that rejects it is its failure."""
    from xml.etree import ElementTree  # imported here so that other formats need not wait for it

    by_place: dict[str, list[Remark]] = {}
    for said in checked.remarks:
        by_place.setdefault(said.place, []).append(said)
    logs, folders = (log.path for log in checked.logs), (folder.folder for folder in checked.folders)
    places = dict.fromkeys((*logs, *folders, *(said.path for said in checked.descriptions), *by_place))
    suite = ElementTree.Element("testsuite", name=f"mlperf-training check {checked.version}")
    failures = 0
    for place in places:
        of_place = by_place.get(place, [])
        folder, _, name = place.rpartition("/")
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(folder or checked.version), name=_xml(name), time="0"
        )
        rejecting = [said for said in of_place if said.weight == "rejects"]
        if rejecting:
            failures += 1
            failure = ElementTree.SubElement(case, "failure", type=rejecting[0].rule, message=_xml(rejecting[0].found))
            failure.text = _xml(_shown(map(_line, rejecting)))
        others = [said for said in of_place if said.weight != "rejects"]
        if others:
            ElementTree.SubElement(case, "system-out").text = _xml(_shown(map(_line, others)))
    suite.attrib |= {"tests": str(len(places)), "failures": str(failures), "errors": "0", "skipped": "0", "time": "0"}
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


@functools.cache
def _no_xml() -> re.Pattern[str]:
    """Matches characters that XML 1.0 does not allow."""
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml(text: str) -> str:
    return _no_xml().sub("\ufffd", text)


def _line(said: Remark) -> str:
    return f"{said.weight}: {said.where}: {said.text}. {said.mend} [{said.rule}]"


def to_github(checked: Checked) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request; then the summary."""
    lines = []
    for said in checked.remarks:
        file, line = _here(checked.root, said.place), "" if said.line is None else f",line={said.line}"
        place = f"file={_github_value(file)}{line},title={_github_value(said.rule)}"
        text = _github_text(f"{said.text}. {said.mend}")
        lines.append(f"::{_GITHUB[_LEVELS[said.weight]]} {place}::{text}")
    return _shown([*lines, last_line(checked)])


def _github_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_value(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")


#: The formats by name.
FORMATS: dict[str, Callable[[Checked], str]] = {
    "text": to_text,
    "json": to_json,
    "sarif": to_sarif,
    "junit": to_junit,
    "github": to_github,
}
