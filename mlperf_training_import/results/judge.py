"""Judges a result: facts in, all that is known about it out. Reads nothing and reports nothing.

Folders of a round and loose logs are judged here alike.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from . import checks
from .doubts import doubts_of
from .energy import measure
from .metrics import metrics_of
from .review import verdict_figures
from .scored import with_score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..model import Doubt, Facts, Judged, PowerLog


def judge_result(facts: Facts, power_logs: Mapping[str, PowerLog] = MappingProxyType({})) -> Judged:
    """All that is known about a result: with its runs and doubts, and with figures where it has a score.

    Args:
        facts: what is known before.
        power_logs: what the power logs of the runs that count say, by path.
    """
    judged = with_score(facts)
    if judged.score.minutes is not None:
        energy = None if facts.submission.power is None else measure(judged, power_logs)
        judged = msgspec.structs.replace(judged, energy=energy)
        judged = msgspec.structs.replace(judged, figures=metrics_of(judged) | verdict_figures(judged))
    return _with_doubts(judged, doubts_of(judged, checks.OF_RESULT))


def judge_among(results: Sequence[Judged]) -> list[Judged]:
    """The results of a round, in the same order, with what is odd about each beside the others."""
    doubts: dict[str, list[Doubt]] = defaultdict(list)
    for judged, doubt in checks.doubts_among(results):
        doubts[judged.submission.folder].append(doubt)
    return [_with_doubts(judged, found) if (found := doubts.get(judged.submission.folder)) else judged for judged in results]


def _with_doubts(judged: Judged, more: Iterable[Doubt]) -> Judged:
    doubts, of_runs = (*judged.doubts, *more), {log.path for log in judged.logs}
    codes = list(dict.fromkeys(doubt.code for doubt in doubts if doubt.where not in of_runs))
    figures = dict(judged.figures) | ({"doubts": codes} if codes else {})
    return msgspec.structs.replace(judged, doubts=doubts, figures=figures)
