"""Tells whether a round may still hold a result: its submissions and what could not be read in, yes or no out."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .walk import PACKAGE_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..findings import Finding
    from ..model import Identity, Submission

#: Findings about a folder or file that was there and was not read.
_NOT_READ = ("unreadable", "unsafe-path", "too-deep")
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
        aliases: benchmark keys by what folders are called instead.
    """

    def __init__(self, submissions: Iterable[Submission], findings: Iterable[Finding], aliases: Mapping[str, str]) -> None:
        self._present = {
            (submitter, s.system, s.benchmark) for s in submissions for submitter in (s.submitter, s.system_record.submitter)
        }
        self._not_read = [_parts(finding.where, aliases) for finding in findings if finding.code in _NOT_READ]

    def may_hold(self, identity: Identity) -> bool:
        """Whether the round has a result, or has something in the place of it that could not be read."""
        _, submitter, system, benchmark = identity
        if {(submitter, system, benchmark), (submitter, system, None)} & self._present:
            return True
        place = (submitter, *system.split("/"), benchmark)
        # one of the paths leads to the other
        return any(all(a == b for a, b in zip(parts, place, strict=False)) for parts in self._not_read)


def _parts(where: str, aliases: Mapping[str, str]) -> list[str]:
    """The parts of a path as they are in an identity, which has no folder of a round 0.5 and none called ``results``."""
    parts = [aliases.get(part, part) for part in where.split("/") if part not in ("", _RESULTS)]
    return parts[1:] if parts and PACKAGE_ROOT.fullmatch(parts[0]) else parts
