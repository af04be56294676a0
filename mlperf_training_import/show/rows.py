"""Tables on the screen, of which nothing is cut, however narrow it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

_ANY_WIDTH = 100_000


def rows(first: str, *numbers: str, last: str | None = None) -> Table:
    """An empty table: a column that says what each row is, columns of numbers, and one more of text."""
    table = Table(first, box=SIMPLE_HEAD)
    for name in numbers:
        table.add_column(name, justify="right")
    if last is not None:
        table.add_column(last)
    return table


def print_rows(out: Console, table: Table) -> None:
    """Prints a table; on a terminal that is too narrow each row as lines: its first cell, then the others with their names.

    Args:
        out: where to.
        table: its cells are texts of one line; a row whose first cell is empty goes on with the one before.
    """
    needed = out.measure(table, options=out.options.update(width=_ANY_WIDTH)).maximum
    if needed <= out.width:
        out.print(table)
        return
    first, *others = table.columns
    for title, *cells in zip(*(column.cells for column in table.columns), strict=True):
        if title:
            out.print(f"{first.header} {title}", soft_wrap=True)
        named = zip(others, cells, strict=True)
        out.print("  " + ", ".join(f"{column.header} {cell}" for column, cell in named if cell), soft_wrap=True)
