"""What is wrong with one file or folder: the kinds of findings, their record, and the function that collects them.

A finding never ends a run: it is counted, shown and written to the report.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import msgspec

from .tables.files import Name, Row, table_in


class Kind(Row, frozen=True):
    """A row of ``tables/findings.yaml``: the fields of the table, the row's position, and the weight in words.

    A finding that ``fails`` makes the run fail, after everything else is written.
    """

    advice: Name
    looks_like: Name
    why: Name
    seen: str = ""
    fails: bool = False
    place: int = -1
    weight: str = ""


_groups = table_in("findings.yaml", dict[str, dict[str, Kind]])


@functools.cache
def kinds_of_findings() -> dict[str, Kind]:
    """Every kind of finding by its code, most serious first."""
    rows = [(code, weight, kind) for weight, group in _groups().items() for code, kind in group.items()]
    return {
        code: msgspec.structs.replace(kind, place=place, weight=weight) for place, (code, weight, kind) in enumerate(rows)
    }


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with one file or folder.

    ``code`` is one of ``tables/findings.yaml``; ``where`` a path relative to the round's clone (or the store), optionally
    with ``:line``; ``what`` a lower-case phrase. ``folder`` is that of the submission concerned, None for a round or the
    store.
    """

    code: str
    round: str
    where: str
    what: str
    folder: str | None = None

    @property
    def kind(self) -> Kind:
        """Weight and advice."""
        return kinds_of_findings()[self.code]

    def to_json(self) -> dict[str, str | None]:
        """The finding in the form of the report."""
        return {
            "code": self.code,
            "round": self.round,
            "folder": self.folder,
            "where": self.where,
            "what": self.what,
            "advice": self.kind.advice,
        }


def by_weight(finding: Finding) -> tuple[int, str, str, str]:
    """Sort key: serious findings first, then by place."""
    return (finding.kind.place, finding.round, finding.where, finding.what)


#: Takes a finding's code, path and text.
Report = Callable[[str, str, str], None]


def as_one(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for several that are usual in a round: the first, with their number."""
    if len(findings) < 2:
        return list(findings)
    first = findings[0]
    what = f"{first.what}; {len(findings)} like this one, as is usual in this round"
    return [msgspec.structs.replace(first, what=what, folder=None)]


def reporter(findings: list[Finding], label: str = "") -> Report:
    """Returns a function that adds findings to a list: about a round, or about the store if the label is empty."""

    def report(code: str, where: str, what: str) -> None:
        findings.append(Finding(code, label, where, what))

    return report
