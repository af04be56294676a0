"""Writes CSV: a head and rows in, text out."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: A cell that begins so may be a formula, which can run a program or send what is in other cells.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(head: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """One line per row, with the columns of the head; nothing where a row has no value, lists as JSON.

    People open such files: an apostrophe stands before a text that a spreadsheet would take for a formula, which makes it
    text. Programs have JSON and Parquet, where texts stand as they are.

    Args:
        head: the names of the columns.
        rows: values by column; those of other columns are left out.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(row.get(name)) for name in head] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, (bool, list)):
        return json.dumps(value)
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value
