"""Compares the results of one round: results in, places and speed-ups out."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from .metrics import _present, accelerator_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..model import Result


def compare(results: Sequence[Result]) -> list[dict[str, object]]:
    """Places results of one round among those with the same division and benchmark.

    ``speedup_per_accelerator`` is the median accelerator minutes of the group over those of the result: 2 means that an
    accelerator gets the work done in half the time of the middle system. Minutes alone would only tell who has most
    accelerators; the median, unlike the best or a chosen system, does not move when one extreme result comes or goes.
    Places start at 1; equal figures share the better place and the next one is left out (1, 2, 2, 4).

    Args:
        results: of one round, with scores; all of them, as every place depends on the others.

    Returns:
        The figures of each result, in the same order.
    """
    groups = defaultdict(list)
    for result in results:
        groups[result.round.label, result.division, result.benchmark].append(result)
    figures: dict[int, dict[str, object]] = {}
    for group in groups.values():
        minutes = {id(result): result.minutes for result in group}
        per_accelerator = {id(result): figure for result in group if (figure := accelerator_minutes(result)) is not None}
        places, places_per_accelerator = _places(minutes), _places(per_accelerator)
        median = statistics.median(per_accelerator.values()) if per_accelerator else 0.0
        for key in minutes:
            figures[key] = {"compared_results": len(group), "rank": places[key]}
            if key in per_accelerator:
                figures[key]["rank_per_accelerator"] = places_per_accelerator[key]
                figures[key]["speedup_per_accelerator"] = median / per_accelerator[key]
    return [_present(figures[id(result)]) for result in results]


def _places(figures: Mapping[int, float]) -> dict[int, int]:
    """The place of each figure, 1 for the smallest."""
    ordered = sorted(figures.values())
    return {key: ordered.index(figure) + 1 for key, figure in figures.items()}
