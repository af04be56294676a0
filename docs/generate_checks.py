"""The generated parts of ``docs/checks.md``: the requirements in the tables of the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_training_import.checks.remarks import remark_kinds, words_of_formula
from mlperf_training_import.tables.checks import CHECKS_FILE, checked_rounds
from mlperf_training_import.tables.files import csv_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def rounds_with_rules() -> str:
    """A sentence with the rounds that have rules."""
    return f"Rounds with rules: {', '.join(checked_rounds())}."


def remarks_table() -> str:
    """The remarks about folders, descriptions and whole runs."""
    rows = (
        f"| `{name}` | {kind.weight} | {kind.source} | {_cell(kind.asked)} | {_cell(kind.mend)} |"
        for name, kind in remark_kinds().items()
    )
    return "\n".join(["| rule | weight | source | required | what to do |", "| --- | --- | --- | --- | --- |", *rows])


def rules_tables() -> str:
    """The requirements on the lines of a log, in a table for each scope."""
    tables: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in csv_rows(CHECKS_FILE):
        if row["when"] not in ("begin", "gather"):
            tables.setdefault((row["suite"], row["scope"]), []).append(row)
    parts = []
    for (suite, scope), rows in tables.items():
        title = f"### {scope}{' (MLPerf HPC)' if suite == 'hpc' else ''}"
        parts += [title, "", "| rule | rounds | required | weight |", "| --- | --- | --- | --- |", *_rows(rows), ""]
    return "\n".join(parts).rstrip()


def _rows(rows: Iterable[Mapping[str, str]]) -> Iterable[str]:
    for row in rows:
        rounds = row["from"] if row["from"] == row["to"] else f"{row['from']} to {row['to']}"
        weight = row["weight"]
        if row["lenient"]:
            where = "" if row["lenient"] == "true" else f" where {row['lenient']}"
            weight = f"{weight}; lenient{where}: {row['wrong']}"
        yield f"| `{row['id']}` | {rounds} | {_cell(_asked(row))} | {_cell(weight)} |"


def _asked(row: Mapping[str, str]) -> str:
    counts = {"": "", "one": "one line", "optional": "if present"}
    count = counts.get(
        row["count"], row["count"].replace("some, or", "at least one line, or").replace("some", "at least one line")
    )
    test = row["text"] or (words_of_formula(row["test"]) if row["test"] and row["test"] != "true" else "")
    reach = {"any": "at least one line: ", "first": "the first line: "}.get(row["when"], "") if test else ""
    return "; ".join(filter(None, (count, f"{reach}{test}")))


def _cell(text: str) -> str:
    """A text escaped for a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


#: The functions that make the parts of the page.
CHECKS_PARTS: dict[str, Callable[[], str]] = {
    "rounds with rules": rounds_with_rules,
    "remarks": remarks_table,
    "rules": rules_tables,
}
