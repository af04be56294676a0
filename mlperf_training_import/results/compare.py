"""Compares the results of one round: entries in, places and speed-ups out."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING

from ..tables.metrics import metric_in
from ..values import finite_number, median_of, short_digest
from .metrics import present

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..model import RunLog


def compare(entries: Sequence[Mapping[str, object]], stored: Sequence[Mapping[str, object]] = ()) -> list[dict[str, object]]:
    """Places results of one round among those with the same division, benchmark and metric.

    ``speedup_per_accelerator`` is the median accelerator minutes of the group over those of the result: 2 means that an
    accelerator gets the work done in half the time of the middle system. Minutes alone would only tell who has most
    accelerators; the median, unlike the best or a chosen system, does not move when one extreme result comes or goes.
    Places start at 1; equal figures share the better place and the next one is left out (1, 2, 2, 4).

    Results whose runs are the same (one set of runs, submitted by three) share one place and count once.

    Args:
        entries: of the results of one round; all of them, as every place depends on the others.
        stored: entries of the same round that the results are compared with too.

    Returns:
        The figures of each result, in the same order.
    """
    groups = defaultdict(list)
    for number, entry in enumerate((*entries, *stored)):
        if (score := finite_number(entry.get("Result"))) is not None:
            metric, digest = metric_in(entry), entry.get("runs_digest")
            key = (entry.get("version"), entry.get("division"), entry.get("Model_ID"), metric.name)
            runs = digest if isinstance(digest, str) else str(number)
            groups[key].append((number, runs, metric.order(score), finite_number(entry.get("accelerator_minutes"))))
    figures: dict[int, dict[str, object]] = {}
    for group in groups.values():
        best = _best((runs, order) for _, runs, order, _ in group)
        fewest = _best((runs, minutes) for _, runs, _, minutes in group if minutes is not None)
        for number, runs, _, minutes in group:
            figures[number] = {"compared_results": len(best), "rank": _place(runs, best)}
            if minutes is not None:
                figures[number]["rank_per_accelerator"] = _place(runs, fewest)
                figures[number]["speedup_per_accelerator"] = median_of(fewest.values()) / minutes
    return [present(figures[number]) for number in range(len(entries))]


def runs_digest(logs: Iterable[RunLog]) -> str | None:
    """What two results have in common exactly if their runs are the same: 16 hexadecimal digits.

    It depends on the start and the stop of every run that has both, whether it counts or not, and on nothing else.
    """
    spans = {(log.run_start_ms, log.run_stop_ms) for log in logs if log.run_stop_ms is not None}
    if not spans:
        return None
    return short_digest(repr(sorted(spans)).encode("ascii"))


def _best(figures: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The smallest of the figures of each set of runs."""
    return dict(sorted(figures, key=itemgetter(1), reverse=True))  # of a set that is there several times the last one stays


def _place(runs: str, best: Mapping[str, float]) -> int:
    """The place of a set of runs by the smallest of its figures, 1 for the smallest of all."""
    return 1 + sum(figure < best[runs] for figure in best.values())
