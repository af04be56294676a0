"""Decides whether a round may still hold a result: its submissions and what could not be read in, yes or no out."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .walk import PACKAGE_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..findings import Finding
    from ..model import Identity, Submission
    from ..tables.rules import Rules

#: Findings about a folder or file that was there and was not read.
_NOT_READ = ("unreadable", "unread-logs", "unsafe-path", "too-deep")
#: Folders that are in the path of a result and not in its identity.
_RESULTS = "results"


class Presence(enum.Enum):
    """What an import knows of a stored result that it has no entry for."""

    OUT_OF_SCOPE = "it was not looked for"
    PRESENT = "the clone has it, or may have it where it could not be read"
    GONE = "the clone does not have it"


class Contents:
    """What a round holds, whether it was read and scored or not.

    Args:
        submissions: all that the walk found.
        findings: those of the round.
        rules: those of the round, which say what its folders are called.
    """

    def __init__(self, submissions: Iterable[Submission], findings: Iterable[Finding], rules: Rules) -> None:
        self._present = {
            (submitter, s.system, s.benchmark, *s.metric.identity)
            for s in submissions
            for submitter in (s.submitter, s.system_record.submitter)
        }
        self._not_read = [_parts(finding.where, rules) for finding in findings if finding.code in _NOT_READ]

    def may_hold(self, identity: Identity) -> bool:
        """Whether the round has a result, or has something in the place of it that could not be read."""
        _, submitter, system, benchmark, *rest = identity
        if {(submitter, system, benchmark, *rest), (submitter, system, None, *rest)} & self._present:
            return True
        place = (submitter, *system.split("/"), benchmark)
        # one of the paths leads to the other
        return any(all(a == b for a, b in zip(parts, place, strict=False)) for parts in self._not_read)


def _parts(where: str, rules: Rules) -> list[str]:
    """The parts of a path as they are in an identity: without ``results``, a metric, and the folder of a round 0.5."""
    left_out = {"", _RESULTS, *rules.layout.metrics}
    parts = [rules.aliases.get(part, part) for part in where.split("/") if part not in left_out]
    return parts[1:] if parts and PACKAGE_ROOT.fullmatch(parts[0]) else parts
