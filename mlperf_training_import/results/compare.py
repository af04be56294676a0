"""Compares the results of one round: results in, places and speed-ups out."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from ..tables.rules import THROUGHPUT, TIME_TO_TRAIN
from ..values import finite_number, short_digest
from .metrics import _present, accelerator_minutes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..model import Result, Run


def compare(results: Sequence[Result], stored: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, object]]:
    """Places results of one round among those with the same division, benchmark and metric.

    ``speedup_per_accelerator`` is the median accelerator minutes of the group over those of the result: 2 means that an
    accelerator gets the work done in half the time of the middle system. Minutes alone would only tell who has most
    accelerators; the median, unlike the best or a chosen system, does not move when one extreme result comes or goes.
    Places start at 1; equal figures share the better place and the next one is left out (1, 2, 2, 4).

    Results whose runs are the same (one set of runs, submitted by three) share one place and count once.

    Args:
        results: of one round, with scores; all of them, as every place depends on the others.
        stored: entries of the same round that the results are compared with too.

    Returns:
        The figures of each result, in the same order.
    """
    contenders = [*map(_from_result, results), *filter(None, map(_from_entry, stored))]
    groups = defaultdict(list)
    for number, contender in enumerate(contenders):
        groups[contender.group].append(number)
    figures: dict[int, dict[str, object]] = {}
    for group in groups.values():
        runs_of = {number: contenders[number].runs or str(number) for number in group}
        minutes = {number: contenders[number].minutes for number in group}
        accelerator_minutes = {number: contenders[number].accelerator_minutes for number in group}
        per_accelerator = {number: figure for number, figure in accelerator_minutes.items() if figure is not None}
        places, places_per_accelerator = _places(minutes, runs_of), _places(per_accelerator, runs_of)
        median = statistics.median(_best(per_accelerator, runs_of).values()) if per_accelerator else 0.0
        for number in group:
            figures[number] = {"compared_results": len(set(runs_of.values())), "rank": places[number]}
            if number in per_accelerator:
                figures[number]["rank_per_accelerator"] = places_per_accelerator[number]
                figures[number]["speedup_per_accelerator"] = median / per_accelerator[number]
    return [_present(figures[number]) for number in range(len(results))]


class _Contender(NamedTuple):
    """What is compared of a result: only with those of its group; ``runs`` tells whose runs they are."""

    group: tuple[object, ...]
    runs: str | None
    minutes: float
    accelerator_minutes: float | None


def _from_result(result: Result) -> _Contender:
    group = (result.round.label, result.division, result.benchmark, result.submission.metric)
    return _Contender(group, runs_digest(result.score.runs), result.minutes, accelerator_minutes(result))


def _from_entry(entry: Mapping[str, Any]) -> _Contender | None:
    minutes, runs = finite_number(entry.get("Result")), entry.get("runs_digest")
    if entry.get("metric") == THROUGHPUT:
        whole, models = (finite_number(entry.get(key)) for key in ("minutes_to_train_all", "models_trained"))
        minutes = whole / models if whole and models else None
    if minutes is None:
        return None
    group = (entry.get("version"), entry.get("division"), entry.get("Model_ID"), entry.get("metric") or TIME_TO_TRAIN)
    runs = runs if isinstance(runs, str) else None
    return _Contender(group, runs, minutes, finite_number(entry.get("accelerator_minutes")))


def runs_digest(runs: Iterable[Run]) -> str | None:
    """What two results have in common exactly if their runs are the same: 16 hexadecimal digits.

    It depends on the start and the stop of every run that has both, whether it counts or not, and on nothing else.
    """
    spans = {(run.log.run_start_ms, run.log.run_stop_ms) for run in runs if run.log.run_stop_ms is not None}
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
