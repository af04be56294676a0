"""The table of the rounds in README: ``python -m mlperf_training_import.roundtable [REPORT]``.

What the tables know of a round is known for all of them. What was found in a round is measured, by importing it:
``tables/measured.yaml`` keeps the figures. Given the report of an import of whole rounds, this command takes them from
there, round by round; then it writes the table anew. Rounds that nobody measured have empty cells.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from .report import REPORT_FILE
from .tables import FOLDER, known_rounds, public_rounds, rules_of

MEASURED_FILE = FOLDER / "measured.yaml"
README = FOLDER.parent.parent / "README.md"

_HEAD = """\
# What an import found in each round that was at hand. Not written by hand, but from the report of an import without filters:
# python -m mlperf_training_import.roundtable mlperf-training-report.json
"""
_COLUMNS = ("submitters", "systems", "folders", "logs", "results", "without a score", "findings")
_BLOCK = re.compile(r"(<!-- rounds:[^\n]*-->\n).*?(<!-- end of rounds -->)", re.DOTALL)


def measure(round_report: Mapping) -> dict[str, int]:
    """The figures of one round, from its part of the report: a number for each column."""
    folders = round_report["folders"]
    return {
        "submitters": len({folder["submitter"] for folder in folders}),
        "systems": len({(folder["submitter"], folder["system"]) for folder in folders}),
        "folders": len(folders),
        "logs": sum(folder["logs"] for folder in folders),
        "results": round_report["results"],
        "without a score": sum("minutes" not in folder for folder in folders),
        "findings": round_report["findings"],
    }


def measured_rounds(report: Mapping) -> dict[str, dict[str, int]]:
    """The figures of the rounds of a report that the table lists, by round; others, such as private ones, are left out."""
    return {part["version"]: measure(part) for part in report["rounds"] if part["version"] in known_rounds()}


def known_measures() -> dict[str, dict[str, int]]:
    """The figures that are stored, by round."""
    return yaml.safe_load(MEASURED_FILE.read_text(encoding="utf-8"))


def store(measures: Mapping[str, Mapping[str, int]]) -> None:
    """Writes the figures, oldest round first."""
    rows = [f"'{version}': {{{_flow(measures[version])}}}\n" for version in known_rounds() if version in measures]
    MEASURED_FILE.write_text(_HEAD + "".join(rows), encoding="utf-8")


def table() -> str:
    """The table in Markdown."""
    lines = [("round", "branch", "log lines", "benchmarks", *_COLUMNS), ("---",) * 4 + ("---:",) * len(_COLUMNS)]
    measures = known_measures()
    for version in public_rounds():
        rules = rules_of(version)
        found = [str(measures[version][name]) if version in measures else "" for name in _COLUMNS]
        token = f"`{rules.dialect.token.decode().strip()}`"
        lines.append((version, rules.branch, token, ", ".join(rules.benchmarks), *found))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def updated(text: str) -> str:
    """The text of README with its table made anew.

    Raises:
        ValueError: the marks are not there, or not just once.
    """
    text, count = _BLOCK.subn(lambda match: f"{match[1]}{table()}\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"README.md: expected one part named rounds, found {count}")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(f"usage: python -m {__package__}.roundtable [{REPORT_FILE}]", file=sys.stderr)
        return 2
    if arguments:
        try:
            report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
            measures = measured_rounds(report)
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{arguments[0]}: not the report of an import ({error!r})", file=sys.stderr)
            return 1
        store(known_measures() | measures)
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def _flow(figures: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {figures[name]}" for name in _COLUMNS)


if __name__ == "__main__":
    sys.exit(main())
