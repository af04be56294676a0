"""Compares the results of one round: entries in, places and speed-ups out."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from ..tables.metrics import metric_in
from ..values import finite_number, short_digest
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
        runs_of = {number: runs for number, runs, _, _ in group}
        per_accelerator = {number: minutes for number, _, _, minutes in group if minutes is not None}
        places = _places({number: order for number, _, order, _ in group}, runs_of)
        places_per_accelerator = _places(per_accelerator, runs_of)
        median = statistics.median(_best(per_accelerator, runs_of).values()) if per_accelerator else 0.0
        for number in runs_of:
            figures[number] = {"compared_results": len(set(runs_of.values())), "rank": places[number]}
            if number in per_accelerator:
                figures[number]["rank_per_accelerator"] = places_per_accelerator[number]
                figures[number]["speedup_per_accelerator"] = median / per_accelerator[number]
    return [present(figures[number]) for number in range(len(entries))]


def runs_digest(logs: Iterable[RunLog]) -> str | None:
    """What two results have in common exactly if their runs are the same: 16 hexadecimal digits.

    It depends on the start and the stop of every run that has both, whether it counts or not, and on nothing else.
    """
    spans = {(log.run_start_ms, log.run_stop_ms) for log in logs if log.run_stop_ms is not None}
    if not spans:
        return None
    return short_digest(repr(sorted(spans)).encode("ascii"))


def _best(figures: Mapping[int, float], runs_of: Mapping[int, str]) -> dict[str, float]:
    """The smallest of the figures of each set of runs."""
    best: dict[str, float] = {}
    for key, figure in figures.items():
        best[runs_of[key]] = min(figure, best.get(runs_of[key], figure))
    return best


def _places(figures: Mapping[int, float], runs_of: Mapping[int, str]) -> dict[int, int]:
    """The place of each figure, 1 for the smallest; figures of the same runs have the place of the smallest of them."""
    best = _best(figures, runs_of)
    ordered = sorted(best.values())
    return {key: ordered.index(best[runs_of[key]]) + 1 for key in figures}
