"""What is shown on the screen: lines that are not cut, and tables that fit, however narrow it is."""

from __future__ import annotations

import errno
import os
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..values import one_line

_ANY_WIDTH = 100_000
#: Wide enough for a table and its addresses where there is no terminal to ask.
_PIPE_WIDTH = 160


class Output(Console):
    """A console that takes no text for a command, and leaves it to the edges what happens when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Lets the error out, of which rich would make an end without a word."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def say(self, text: str) -> None:
        """Shows a text as one line, however long."""
        self.print(one_line(text), soft_wrap=True)


def standard_output() -> Output:
    """Standard output: as wide as the terminal, or wide enough in a pipe."""
    return Output(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, markup=False)


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
