"""Turns the learning curves of a data set into what the page's scripts read, by uid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...dataset.curves import iter_curves
from ...experiments.identity import stored_identity
from ..entries import text_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ...dataset.curves import Curves
    from ...values import Tell
    from .records import Entry

#: Points that are drawn of a run, at most: a chart in the panel has hardly more pixels.
_MOST_POINTS = 100
#: Digits of a quality, and decimals of minutes: nobody can see more.
_DIGITS = 5
_DECIMALS = 3
#: A uid that can safely name a file; entries of other people may have any uid.
_PLAIN_UID = re.compile(r"[0-9A-Za-z]{1,64}")


def iter_drawn(entries: Iterable[Entry], dataset: Path, tell: Tell) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """For each result that has learning curves its uid, and a chart for each of its targets.

    Args:
        entries: those on the page, with the uids that they have there.
        dataset: the folder of a data set.
        tell: is told which of its files cannot be read.

    Raises:
        ImportFailure: there is no data set, or nothing that reads it.
    """
    named = ((stored_identity(entry), text_in(entry, "uid")) for entry in entries)
    uids = {identity: uid for identity, uid in named if identity and _PLAIN_UID.fullmatch(uid)}
    for identity, curves in iter_curves(dataset, tell):
        if identity in uids:
            yield uids[identity], [_chart(of_target) for of_target in curves]


def _chart(curves: Curves) -> dict[str, Any]:
    return {
        "metric": curves.target.metric,
        "target": curves.target.value,
        "unit": curves.unit,
        "runs": [
            {
                "log": curve.log.rpartition("/")[2],
                "is_kept": curve.is_kept,
                "evaluations": len(curve.points),
                "at": [round(place, _DECIMALS) for place, _ in points],
                "quality": [float(f"{quality:.{_DIGITS}g}") for _, quality in points],
            }
            for curve in curves.runs
            if (points := _thinned(curve.points))
        ],
    }


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """At most as many points as are drawn, evenly spaced, with the first and the last."""
    if len(points) <= _MOST_POINTS:
        return points
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(place * step)] for place in range(_MOST_POINTS)]
