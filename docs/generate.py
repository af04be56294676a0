"""Generates parts of the documentation: ``python docs/generate.py [--check] [REPORT]``.

A generated part is between the lines ``<!-- NAME: ... -->`` and ``<!-- end of NAME -->``; ``PARTS`` names the function that
makes it. ``--check`` only compares. With the report of an import of whole rounds, it first counts what the import found in
these rounds, and writes the numbers to ``measured.yaml``; other rounds keep theirs.

``tests/dataset/schema.json`` is generated as a whole, from the tables of the data set.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
import textwrap
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from typing import TYPE_CHECKING, Any
from unittest import mock

from docs.generate_checks import CHECKS_PARTS
from mlperf_training_import.commands.line import iter_help
from mlperf_training_import.findings import kinds_of_findings
from mlperf_training_import.results.names import (
    find_accelerator,
    find_availability,
    find_framework,
    find_processor,
    find_submitter,
    means_nothing,
)
from mlperf_training_import.rounds.locate import fetch_command
from mlperf_training_import.tables.dataset import dataset_tables, schema_version
from mlperf_training_import.tables.editions import Edition, edition_of
from mlperf_training_import.tables.files import FOLDER
from mlperf_training_import.tables.keys import entry_keys
from mlperf_training_import.tables.labels import round_label
from mlperf_training_import.tables.log_keys import left_out_keys
from mlperf_training_import.tables.rules import known_rounds, public_rounds, rules_of
from mlperf_training_import.tables.suites import source_of, suites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: Every spelling in the descriptions of rounds 0.5 to 5.1, with its number of results and its rounds.
SPELLINGS_FILE = FOLDER / "spellings.csv"
MISTAKES_FILE = PROJECT / "docs" / "mistakes.yaml"
MEASURED_FILE = PROJECT / "docs" / "measured.yaml"
SCHEMA_FILE = PROJECT / "tests" / "dataset" / "schema.json"

_MEASURED_HEAD = """\
# What an import found in copies of the rounds. Do not edit by hand; make it from the report of an import without filters:
# python docs/generate.py mlperf-training-report.json
#
#   counted  day of the count
#   copy     commit of the clone
#   kinds    number of findings of each kind; absent where the round was counted before the kinds were
"""
_MEASURES = ("submitters", "systems", "folders", "logs", "results", "without a score", "findings")


def flags_table() -> str:
    """The flags of ``_cm.yaml`` with their sentences."""
    flags = yaml.safe_load((PROJECT / "_cm.yaml").read_text(encoding="utf-8"))["input_description"]
    return _table(("flag", "what it does"), ((f"`--{name}`", row["desc"]) for name, row in flags.items()))


def findings_text() -> str:
    """The kinds of findings, most serious first: how each looks, why it matters, how often it occurs, and what to do."""
    parts = []
    weight = None
    kinds = {version: row["kinds"] for version, row in known_measures().items() if "kinds" in row}
    for code, kind in kinds_of_findings().items():
        if kind.weight != weight:
            weight = kind.weight
            parts.append(f"## {weight[0].upper()}{weight[1:]}\n")
        advice = kind.advice.replace("<", "&lt;")
        parts.append(
            f"### `{code}`\n\n{kind.looks_like} {kind.why}\n\n- In published rounds: {_seen(code, kinds, kind.seen)}.\n"
            f"- What to do: {advice}.\n"
        )
    return "\n".join(parts)


def counted_rounds() -> str:
    """The rounds whose findings are counted by kind, with the day of the count."""
    rows = ((version, row["copy"], row["counted"]) for version, row in known_measures().items() if "kinds" in row)
    return _table(("round", "commit of the copy", "counted on"), rows)


def dataset_schema(recorded: str) -> str:
    """Every column of the data set with its type.

    Args:
        recorded: the schema before.

    Raises:
        ValueError: columns were removed or changed their type, but the version of the schema was not increased.
    """
    old = json.loads(recorded)
    tables = {name: {column.name: column.type for column in table.columns} for name, table in dataset_tables().items()}
    before, now = ({(name, *column) for name in part for column in part[name].items()} for part in (old["tables"], tables))
    old_version, version = (int(text.partition(".")[0]) for text in (old["version"], schema_version()))
    if before - now and version <= old_version:
        raise ValueError(f"dataset.yaml: {sorted(before - now)[0]} is another or gone: count up the first number of version")
    return json.dumps({"version": schema_version(), "tables": tables}, indent=1) + "\n"


def rounds_table() -> str:
    """The public rounds: facts from the tables, and counts with their day; cells without a count are empty."""
    measures = known_measures()
    rows = []
    for version in public_rounds():
        rules = rules_of(version)
        row = measures.get(version, {})
        found = [str(row.get(name, "")) for name in ("counted", *_MEASURES)]
        token = f"`{rules.dialect.token.decode().strip()}`"
        rows.append((version, rules.branch, token, ", ".join(rules.benchmarks), *found))
    return _table(("round", "branch", "log lines", "benchmarks", "counted on", *_MEASURES), rows, numbers=len(_MEASURES))


def keys_table() -> str:
    """Every key of an entry except the figures, which have their own page."""
    rows = ((f"`{key.name}`", key.type, key.unit, key.text, key.source) for key in entry_keys().values() if not key.figure)
    return _table(("key", "type", "unit", "what it is", "from"), rows)


def figures_table() -> str:
    """The keys that are figures to analyse."""
    figures = (key for key in entry_keys().values() if key.figure)
    return _table(("key", "unit", "what it is"), ((f"`{key.name}`", key.unit, key.text) for key in figures))


def dataset_columns() -> str:
    """The tables of the data set with their columns, except the keys of entries, which have their own pages."""
    parts = [f"Version {schema_version()} of the schema. Each table begins with `suite` and `round`."]
    for table in dataset_tables().values():
        parts.append(f"### {table.name}\n\n{table.text[0].upper()}{table.text[1:]}.")
        own = [column for column in table.columns[2:] if table.name != "results" or column.name not in entry_keys()]
        rows = (
            (f"`{column.name}`", column.type, column.unit, column.text, "yes" if column.derived else "") for column in own
        )
        parts.append(_table(("column", "type", "unit", "what it is", "derived"), rows))
        if table.name == "results":
            parts.append("The others are the [keys of entries](keys.md) and their [figures](analysis.md).")
    return "\n\n".join(parts)


def left_out_table() -> str:
    """The keys of log lines that are not settings, by reason."""
    keys: dict[str, list[str]] = {}
    for key, reason in left_out_keys().items():
        keys.setdefault(reason, []).append(f"`{key}`")
    return _table(("why", "keys"), ((reason, ", ".join(names)) for reason, names in keys.items()))


def accelerators_table() -> str:
    """The names of the published spellings of accelerators."""

    def describe(spelling: str) -> tuple[str, ...] | None:
        found = find_accelerator(spelling)
        return found and (found.name, found.vendor, found.generation)

    return _names_table("accelerator_model_name", "accelerator", ("accelerator", "vendor", "generation"), describe)


def submitters_table() -> str:
    """The names of the published spellings of submitters."""

    def describe(spelling: str) -> tuple[str, ...] | None:
        found = find_submitter(spelling)
        return found and (found.name, ", ".join(found.members))

    return _names_table("submitter", "submitter", ("submitter", "members"), describe)


def availability_table() -> str:
    """The categories of the published spellings of availability."""
    return _names_table("availability", "availability", ("category",), lambda text: _alone(find_availability(text)))


def processors_table() -> str:
    """The names of the published spellings of host processors."""

    def describe(spelling: str) -> tuple[str, ...] | None:
        found = find_processor(spelling)
        return found and (found.name, found.vendor or "")

    return _names_table("host_processor_model_name", "processor", ("processor", "vendor"), describe)


def frameworks_table() -> str:
    """The names of the published spellings of frameworks."""
    return _names_table("framework", "framework", ("framework",), lambda text: _alone(find_framework(text)))


def editions_table() -> str:
    """The editions of the benchmarks, with their rounds and the keys of the benchmark in these."""
    rounds: dict[Edition, list[tuple[str, str]]] = {}
    for version in known_rounds():
        for key in rules_of(version).benchmarks:
            if (edition := edition_of(key, version)) is not None:
                rounds.setdefault(edition, []).append((version, key))
    rows = (
        (f"`{edition.id}`", edition.title, ", ".join(version for version, _ in found), ", ".join(dict(map(reversed, found))))
        for edition, found in sorted(rounds.items(), key=lambda item: item[0].title.casefold())
    )
    return _table(("id", "title", "rounds", "keys"), rows)


def fetch_lines() -> str:
    """The command that fetches each public round."""
    return "```bash\n" + "\n".join(map(fetch_command, public_rounds())) + "\n```"


def commands_help() -> str:
    """The output of ``--help`` for each command on a wide terminal."""
    with mock.patch.dict(os.environ, COLUMNS="110"):
        shown = [(asked, *text.rstrip().split("\n\n", 1)) for asked, text in iter_help("run.py")]
    # versions of Python break the lines of the usage in different places
    return "\n\n".join(
        f"## `{asked}`\n\n```text\n{textwrap.fill(' '.join(usage.split()), 100, subsequent_indent='  ')}\n\n{rest}\n```"
        for asked, usage, rest in shown
    )


def mistakes_table() -> str:
    """Common mistakes with their messages, which the tests try."""
    rows = (
        (f"`{row['typed']}`", "<br>".join(f"`{line}`" for line in shown(row).split("\n")), str(row["code"]))
        for row in known_mistakes()
    )
    return _table(("typed", "shown", "exit code"), rows)


def known_mistakes() -> list[dict[str, Any]]:
    """The mistakes of ``mistakes.yaml``."""
    return yaml.safe_load(MISTAKES_FILE.read_text(encoding="utf-8"))


def shown(mistake: Mapping[str, Any]) -> str:
    """The message of a mistake, with the rounds in the table of rounds."""
    newest = public_rounds("training")[-1]
    published, known = ", ".join(public_rounds()), ", ".join(known_rounds())
    return mistake["shown"].strip().format(newest=newest, published=published, known=known)


def variations() -> str:
    """The variations of ``_cm.yaml``: one for each public round, and one for all rounds of a suite."""
    lines = []
    for version in public_rounds():
        source = source_of(version)
        lines += [
            f"  {_variation(version)}:",
            "    env:",
            f'      CM_IMPORT_MLPERF_TRAINING_ROUND_{re.sub("[-.]", "_", version.upper())}: "yes"',
            "    deps:",
            f"      - tags: get,git,repo,_repo.{source.address}",
            f"        extra_cache_tags: {source.cache_tags}",
            "        env:",
            f"          CM_GIT_BRANCH: {source.branch}",
            '          CM_GIT_RECURSE_SUBMODULES: ""',
        ]
    for suite in suites().values():
        lines += [f"  {suite.label}all:", "    base:"]
        lines += [f"      - {_variation(version)}" for version in public_rounds(suite.name)]
    return "\n".join(lines)


def mlc_description() -> str:
    """The description of the script for MLCFlow, made from that for Collective Mind; dependencies have variables of both."""
    text = (PROJECT / "_cm.yaml").read_text(encoding="utf-8")
    description = yaml.safe_load(updated(text, PARTS["_cm.yaml"]))
    for variation in description["variations"].values():
        for dependency in variation.get("deps", ()):
            env = dependency["env"]
            env |= {name.replace("CM_", "MLC_", 1): value for name, value in env.items()}
    return yaml.safe_dump(description, sort_keys=False, width=120).rstrip()


#: The files with generated parts, and the function that makes each part.
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "_cm.yaml": {"variations": variations},
    "docs/analysis.md": {"figures": figures_table},
    "docs/checks.md": CHECKS_PARTS,
    "docs/commands.md": {"help": commands_help},
    "docs/dataset.md": {"columns": dataset_columns, "left out": left_out_table},
    "docs/findings.md": {"counted": counted_rounds, "findings": findings_text},
    "docs/flags.md": {"flags": flags_table},
    "docs/keys.md": {"keys": keys_table},
    "docs/names.md": {
        "accelerators": accelerators_table,
        "submitters": submitters_table,
        "availability": availability_table,
        "processors": processors_table,
        "frameworks": frameworks_table,
        "editions": editions_table,
    },
    "docs/mistakes.md": {"mistakes": mistakes_table},
    "docs/rounds.md": {"rounds": rounds_table, "fetch": fetch_lines},
    "script/import-mlperf-training-to-experiment/meta.yaml": {"description": mlc_description},
}


def measured_rounds(report: Mapping) -> dict[str, dict[str, Any]]:
    """The counts of a report by round; rounds that the table lacks (private ones) are left out."""
    return {
        part["version"]: _measure(part, [finding for finding in report["findings"] if finding["round"] == part["version"]])
        for part in report["rounds"]
        if part["version"] in known_rounds()
    }


def known_measures() -> dict[str, dict[str, Any]]:
    """The stored counts by round."""
    return yaml.safe_load(MEASURED_FILE.read_text(encoding="utf-8"))


def store(measures: Mapping[str, Mapping[str, Any]]) -> None:
    """Stores counts, oldest round first."""
    rows = {version: dict(measures[version]) for version in known_rounds() if version in measures}
    text = yaml.safe_dump(rows, sort_keys=False, width=120, default_flow_style=None)
    MEASURED_FILE.write_text(_MEASURED_HEAD + text, encoding="utf-8")


def updated(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """A text with its generated parts updated.

    Raises:
        ValueError: the marks of a part are missing, or there more than once.
    """
    for name, make in parts.items():
        begin, end = rf"^.*(?:<!--|#) {name}:.*\n", rf"^.*(?:<!--|#) end of {name}\b"
        pattern = re.compile(rf"({begin})(?s:.*?)({end})", re.MULTILINE)
        part = make()
        text, count = pattern.subn(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
        if count != 1:
            raise ValueError(f"expected one part named {name}, found {count}")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 1 if a check finds an outdated part."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("report", nargs="?", type=Path, help="report of an import of whole rounds")
    options = parser.parse_args(arguments)
    if options.report is not None:
        try:
            measures = measured_rounds(json.loads(options.report.read_text(encoding="utf-8")))
            today = {"counted": datetime.now(timezone.utc).date().isoformat()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{options.report}: not the report of an import ({error!r})", file=sys.stderr)
            return 1
        store(known_measures() | {version: row | today for version, row in measures.items()})
    old = {name: (PROJECT / name).read_text(encoding="utf-8") for name in PARTS}
    new = {name: updated(old[name], parts) for name, parts in PARTS.items()}
    schema = SCHEMA_FILE.relative_to(PROJECT).as_posix()
    old[schema] = SCHEMA_FILE.read_text(encoding="utf-8")
    try:
        new[schema] = dataset_schema(old[schema])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    stale = {name: text for name, text in new.items() if text != old[name]}
    for name, text in stale.items():
        if options.check:
            print(f"{name}: not up to date; run: python docs/generate.py", file=sys.stderr)
        else:
            (PROJECT / name).write_text(text, encoding="utf-8")
    return 1 if options.check and stale else 0


def _variation(version: str) -> str:
    """The name of the variation that fetches a round: ``v3.0``, ``hpc-v3.0``."""
    label = round_label(version)
    return f"{suites()[label.suite].label}v{label.scope}"


def _seen(code: str, kinds: Mapping[str, Mapping[str, int]], more: str) -> str:
    """How often a finding occurs in the counted rounds, and what else is known about it."""
    counts = [f"{found[code]} in {version}" for version, found in kinds.items() if code in found]
    return "; ".join(filter(None, (", ".join(counts), more))) or "none in the counted rounds"


def _measure(round_report: Mapping, findings: Sequence[Mapping]) -> dict[str, Any]:
    """The counts of one round from its part of the report: a number for each column, and the findings by kind."""
    counts = Counter(finding["code"] for finding in findings)
    folders = round_report["folders"]
    return {
        "submitters": len({folder["submitter"] for folder in folders}),
        "systems": len({(folder["submitter"], folder["system"]) for folder in folders}),
        "folders": len(folders),
        "logs": sum(folder["logs"] for folder in folders),
        "results": round_report["results"],
        "without a score": sum(folder.get("not_scored", False) for folder in folders),
        "findings": round_report["findings"],
        "copy": round_report.get("git_commit") or "",
        "kinds": {code: counts[code] for code in kinds_of_findings() if code in counts},
    }


def _names_table(key: str, kind: str, head: Sequence[str], describe: Callable[[str], tuple[str, ...] | None]) -> str:
    """The names of the spellings of a key, each with its number of results, and with its spellings and their numbers."""
    spellings: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    with SPELLINGS_FILE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["key"] == key:
                why = "*(no name)*" if means_nothing(kind, row["spelling"]) else "*(the name of the system decides)*"
                name = describe(row["spelling"]) or (why, *("" for _ in head[1:]))
                spellings.setdefault(name, []).append((row["spelling"], int(row["results"])))
    rows = (
        (*name, "; ".join(f"{spelling} ({count})" for spelling, count in found), str(sum(count for _, count in found)))
        for name, found in sorted(spellings.items(), key=lambda item: (item[0][0].startswith("*"), item[0][0].casefold()))
    )
    return _table((*head, "spellings (results)", "results"), rows, numbers=1)


def _alone(name: str | None) -> tuple[str, ...] | None:
    return None if name is None else (name,)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A Markdown table; ``numbers`` is the number of columns at the end that have numbers."""
    ruler = ("---",) * (len(head) - numbers) + ("---:",) * numbers
    return "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in (head, ruler, *rows))


def _escaped(cell: str) -> str:
    """Text as a cell: a bar would end it, and text in angle brackets would be treated as HTML."""
    in_code = cell.startswith("`")
    return cell.replace("|", "\\|") if in_code else cell.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
