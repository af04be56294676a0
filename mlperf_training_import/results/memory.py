"""Remembers the outcome of a round, so that a round that did not change is not walked, read or judged again.

What is remembered has a key, a digest of all that it depends on: the code and the tables of this package, the round and its
commit, and what every file of its tree looks like from outside. A record is never needed: if it is missing, damaged, too
large, from another version, or somebody else may have written it, the round is judged again.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import msgspec

from ..findings import Finding
from ..logs.cache import KeptRecord, fingerprint_of
from ..logs.contents import devices_that_keep_times
from ..model import Doubt, Energy, Judged, Run, RunLog, Score, Submission, Verdict
from ..outcome import RoundOutcome
from ..rounds.stamp import stamp_of
from ..tables.rules import benchmark_of, rules_of

if TYPE_CHECKING:
    from collections.abc import Set

    from ..model import Round
    from .score_round import RunsOfResult

_DIGEST_BYTES = 32
#: What a result has that is kept as it is.
_SAME = (
    *("division", "logs", "repeated", "scaling_factor", "scaling_trouble", "is_repeat"),
    *("verdict", "energy", "figures", "doubts", "entry"),
)
#: What is kept of a round is no more than this for each file of its tree, and twice the size of all.
_MOST_BYTES_OF_FILE = 4 << 10


class _Result(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A judged result without what follows from the others: its submission by its place, its benchmark by its key."""

    submission: int
    benchmark: str
    division: str
    logs: tuple[RunLog, ...]
    repeated: tuple[tuple[str, ...], ...]
    scaling_factor: float | None
    scaling_trouble: str | None
    is_repeat: bool
    runs: tuple[tuple[float | None, str | None, str | None], ...]
    kept: tuple[int, ...]
    score: Score
    verdict: Verdict | None
    energy: Energy | None
    figures: dict[str, Any]
    doubts: tuple[Doubt, ...]
    entry: dict[str, Any]


class _Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of a round; ``results`` are the places of those ``judged`` that have entries."""

    submissions: tuple[Submission, ...]
    judged: tuple[_Result, ...]
    results: tuple[int, ...]
    findings: tuple[Finding, ...]


class RoundMemory:
    """What is remembered of one round. Make it before the round is walked: what changes later has another key then.

    Args:
        round_: the round, as it was located.
        record: the file that remembers; None remembers nothing.
        largest_mb: a larger log is not read.
        seen: the runs of the results of earlier rounds, which decide what is a repeat.
    """

    def __init__(
        self, round_: Round, record: KeptRecord | None, largest_mb: int, seen: Set[RunsOfResult] = frozenset()
    ) -> None:
        self._round = round_
        self._record = record
        self._devices = devices_that_keep_times() if record else frozenset()
        self._stamp = stamp_of(round_.path, self._devices) if record else None
        about = repr((round_, largest_mb, os.geteuid(), sorted(seen)))  # escapes half of a surrogate, as in a path
        digest = hashlib.blake2b(about.encode(), key=fingerprint_of("."), digest_size=_DIGEST_BYTES)
        if self._stamp is not None:
            digest.update(self._stamp.digest)
        self._key = digest.digest()

    def recall(self) -> RoundOutcome | None:
        """What came out of the whole round, if nothing that it depends on changed."""
        if self._record is None or self._stamp is None:
            return None
        most_bytes = _MOST_BYTES_OF_FILE * self._stamp.files + 2 * self._stamp.size
        packed = self._record.recall(self._key, most_bytes, younger_than_ns=self._stamp.newest_ns)
        try:
            return None if packed is None else _unpacked(packed, self._round)
        except (LookupError, TypeError, ValueError, RecursionError):  # among them what msgspec raises
            return None

    def keep(self, outcome: RoundOutcome) -> None:
        """Remembers what came out of the whole round, unless it may have changed meanwhile, or could be read better."""
        if self._record is None or self._stamp is None or _has_trouble(outcome):
            return
        if not self._record.is_old(self._stamp.newest_ns) or stamp_of(self._round.path, self._devices) != self._stamp:
            return
        try:
            self._record.keep(self._key, _packed(outcome))
        except (OverflowError, ValueError):  # half of a surrogate, or an integer of more than 64 bits
            return


def _has_trouble(outcome: RoundOutcome) -> bool:
    """Whether something could not be read, which another import may be able to read though nothing changes."""
    of_logs = any(log.trouble for judged in outcome.judged for log in judged.logs)
    of_results = any(judged.scaling_trouble or (judged.energy and judged.energy.is_unread) for judged in outcome.judged)
    return of_logs or of_results or any(finding.code == "unreadable" for finding in outcome.findings)


def _packed(outcome: RoundOutcome) -> bytes:
    places = {id(judged): place for place, judged in enumerate(outcome.judged)}
    submissions = {submission.folder: place for place, submission in enumerate(outcome.walked)}
    results = tuple(places[id(result)] for result in outcome.results)
    judged = tuple(_result(one, submissions[one.submission.folder]) for one in outcome.judged)
    return msgspec.msgpack.encode(_Kept(outcome.walked, judged, results, outcome.findings))


def _result(judged: Judged, submission: int) -> _Result:
    return _Result(
        submission=submission,
        benchmark=judged.benchmark.key,
        runs=tuple((run.minutes, run.reason, run.code) for run in judged.runs),
        kept=tuple(judged.runs.index(run) for run in judged.score.kept),
        score=msgspec.structs.replace(judged.score, kept=()),
        **{name: getattr(judged, name) for name in _SAME},
    )


def _unpacked(packed: bytes, round_: Round) -> RoundOutcome:
    kept = msgspec.msgpack.decode(packed, type=_Kept)
    judged = tuple(_judged(one, kept.submissions[one.submission], round_) for one in kept.judged)
    results = tuple(judged[place] for place in kept.results)
    return RoundOutcome(round_, kept.submissions, kept.submissions, results, judged, kept.findings)


def _judged(kept: _Result, submission: Submission, round_: Round) -> Judged:
    rules = rules_of(round_.version)
    runs = tuple(Run(log, *of_run) for log, of_run in zip(kept.logs, kept.runs, strict=True))
    return Judged(
        round=round_,
        rules=rules,
        submission=submission,
        benchmark=benchmark_of(kept.benchmark, rules.version),
        runs=runs,
        score=msgspec.structs.replace(kept.score, kept=tuple(runs[place] for place in kept.kept)),
        **{name: getattr(kept, name) for name in _SAME},
    )
