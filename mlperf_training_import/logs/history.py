"""Collects all quality figures of a log, for what only all of them together can show: lines in, a history out."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ..model import History
from .evaluation import evaluation_of
from .line import evaluation_parts, value_and_metadata

if TYPE_CHECKING:
    from ..model import Evaluation

#: A log with more evaluations gets no history. Published ones have a few hundred at most.
_MOST_EVALUATIONS = 10_000
_DIGEST_BYTES = 8

#: The line of an evaluation, or value and metadata of one that was parsed already.
_Said = bytes | tuple[object, dict[str, Any]]


class HistoryReader:
    """Takes the evaluations of one log in order, and parses them once, when all are there."""

    def __init__(self) -> None:
        self._taken: list[tuple[float, _Said]] = []
        self._begin = 0
        self._end: int | None = None

    def take(self, time_ms: float, said: _Said) -> None:
        """Takes an evaluation."""
        if len(self._taken) <= _MOST_EVALUATIONS:
            self._taken.append((time_ms, said))

    def begin(self) -> None:
        """Marks the beginning of the run here, unless a later line begins it."""
        self._begin = len(self._taken)

    def end(self) -> None:
        """Marks the end of the run that counts."""
        self._end = len(self._taken)

    def history(self, run_start_ms: float | None, run_stop_ms: float | None, *, with_digest: bool) -> History | None:
        """The history of the run that counts; None for a log without evaluations, or with too many."""
        if not 0 < len(self._taken) <= _MOST_EVALUATIONS:
            return None
        before = self._before()
        return History(
            count=len(before),
            digest=_digest(before) if with_digest else None,
            milestones=_milestones(before),
            has_whole_epochs=all(each.epoch is not None and each.epoch == int(each.epoch) for _, each in before),
            is_outside=_is_outside([time_ms for time_ms, _ in self._taken], run_start_ms, run_stop_ms),
            set_back_ms=_set_back(run_start_ms, [time_ms for time_ms, _ in before[self._begin :]]),
        )

    def digest(self) -> str:
        """The digest of the evaluations, if a history without one turns out to need it."""
        return _digest(self._before())

    def _before(self) -> list[tuple[float, Evaluation]]:
        """The evaluations up to the end of the run that counts, with their times."""
        return [
            (time_ms, evaluation_of(*(evaluation_parts(*value_and_metadata(said)) if isinstance(said, bytes) else said)))
            for time_ms, said in self._taken[: self._end]
        ]


def _digest(evaluations: list[tuple[float, Evaluation]]) -> str:
    import hashlib  # OpenSSL, without which a check does

    figures = [(each.value, each.metric, each.epoch, each.samples, each.step) for _, each in evaluations]
    return hashlib.blake2b(repr(figures).encode("utf-8", "backslashreplace"), digest_size=_DIGEST_BYTES).hexdigest()


def _milestones(evaluations: list[tuple[float, Evaluation]]) -> tuple[tuple[float, Evaluation], ...]:
    """The first evaluation, one in the middle, and the last one; where several have the same progress (epoch), the last."""
    places = [(each.epoch, each.samples, each.trained_samples) for _, each in evaluations]
    moves = [here != next_ for here, next_ in itertools.pairwise(places)]
    moved = [*itertools.compress(evaluations, moves), *evaluations[-1:]]
    return tuple(moved[index] for index in (0, len(moved) // 2, -1)) if moved else ()


def _is_outside(times_ms: list[float], run_start_ms: float | None, run_stop_ms: float | None) -> bool:
    """Whether the run has a start and a stop, and no time lies between them."""
    if run_start_ms is None or run_stop_ms is None:
        return False
    return not any(run_start_ms <= time_ms <= run_stop_ms for time_ms in times_ms)


def _set_back(run_start_ms: float | None, times_ms: list[float]) -> float:
    """The largest step back in time, in milliseconds: by how much a time is earlier than one before it."""
    latest_ms, most_ms = run_start_ms, 0.0
    for time_ms in times_ms:
        if latest_ms is None or time_ms > latest_ms:
            latest_ms = time_ms
        most_ms = max(most_ms, latest_ms - time_ms)
    return most_ms
