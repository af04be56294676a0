"""What people see: messages while work goes on, and the table at the end."""

from __future__ import annotations

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .pipeline import Outcome, RoundOutcome
from .store import Changes

#: Findings that are shown; the report has them all.
_SHOWN_FINDINGS = 5
#: Wide enough for a table and its addresses where there is no terminal to ask.
_PIPE_WIDTH = 160


class Screen:
    """Writes results to standard output and messages to standard error; colours only on a terminal."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        self._out = Console(width=width, highlight=False, markup=False)
        self._err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def tell(self, message: str) -> None:
        """Shows a message for people, on standard error."""
        self._err.print(message)

    def show(self, outcome: Outcome) -> None:
        """Shows what a run did: one line per round, the first findings, and where the rest lies."""
        table = Table("round", *("results", "new", "updated", "unchanged", "kept", "removed", "findings"), box=SIMPLE_HEAD)
        for column in table.columns[1:]:
            column.justify = "right"
        for round_outcome in outcome.rounds:
            table.add_row(*_row(round_outcome, outcome))
        self._out.print(table)
        self._show_findings(outcome)
        for file in outcome.files:
            self._out.print(f"wrote {file}", soft_wrap=True)

    def _show_findings(self, outcome: Outcome) -> None:
        shown = outcome.findings[:_SHOWN_FINDINGS]
        for finding in shown:
            place = f"{finding.round} {finding.where}".strip()
            self._out.print(f"{finding.code}: {place}: {finding.what}", soft_wrap=True)
        rest = len(outcome.findings) - len(shown)
        if rest > 0:
            self._out.print(f"... and {rest} more findings; the report has them all")


def _row(round_outcome: RoundOutcome, outcome: Outcome) -> list[str]:
    label = round_outcome.round.label
    changes = Changes()
    for experiment in outcome.experiments:
        if experiment.scope == label:
            changes += experiment.changes
    counts = (changes.added, changes.updated, changes.unchanged, changes.kept, changes.removed)
    findings = sum(finding.round == label for finding in outcome.findings)
    return [label, *(str(count) for count in (len(round_outcome.results), *counts, findings))]
