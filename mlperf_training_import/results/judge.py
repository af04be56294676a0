"""Judges a result: facts in, all that is known about it out. Reads nothing and reports nothing.

Folders of a round and loose logs are judged here alike.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from ..model import Judged, Score
from .doubts import doubts_among, doubts_of, doubts_with
from .energy import measure
from .metrics import metrics_of
from .review import verdict_figures, verdict_of
from .score import SCORINGS, judge

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from ..model import Doubt, Facts, PowerLog, Run


def judge_result(facts: Facts, power_logs: Mapping[str, PowerLog] = MappingProxyType({})) -> Judged:
    """All that is known about a result: with its runs and doubts, and with figures where it has a score.

    Args:
        facts: what is known before.
        power_logs: what the power logs of the runs that count say, by path.
    """
    judged = _with_score(facts)
    if judged.score.minutes is not None:
        energy = None if facts.submission.power is None else measure(judged, power_logs)
        judged = msgspec.structs.replace(judged, energy=energy)
        judged = msgspec.structs.replace(judged, figures=metrics_of(judged) | verdict_figures(judged))
    return _with_doubts(judged, doubts_of(judged))


def iter_doubts(facts: Facts, codes: Container[str]) -> Iterator[Doubt]:
    """The doubts with some codes about a result as a whole; figures, which none of them needs, are not computed."""
    return doubts_with(codes, _with_score(facts))


def _with_score(facts: Facts) -> Judged:
    """A result with its runs, its score and, if it has one, the verdict by the reference points."""
    runs = tuple(judge(log, facts.rules, facts.benchmark.targets) for log in facts.logs)
    known = {name: getattr(facts, name) for name in facts.__struct_fields__}
    judged = Judged(**known, runs=runs, score=_score(facts, runs))
    return judged if judged.score.minutes is None else msgspec.structs.replace(judged, verdict=verdict_of(judged))


def judge_among(results: Sequence[Judged]) -> list[Judged]:
    """The results of a round, in the same order, with what is odd about each beside the others."""
    doubts: dict[str, list[Doubt]] = defaultdict(list)
    for judged, doubt in doubts_among(results):
        doubts[judged.submission.folder].append(doubt)
    return [_with_doubts(judged, found) if (found := doubts.get(judged.submission.folder)) else judged for judged in results]


def _with_doubts(judged: Judged, more: Iterable[Doubt]) -> Judged:
    doubts, of_runs = (*judged.doubts, *more), {log.path for log in judged.logs}
    codes = list(dict.fromkeys(doubt.code for doubt in doubts if doubt.where not in of_runs))
    figures = dict(judged.figures) | ({"doubts": codes} if codes else {})
    return msgspec.structs.replace(judged, doubts=doubts, figures=figures)


def _score(facts: Facts, runs: Sequence[Run]) -> Score:
    if not facts.benchmark.key:
        reason = f" ({runs[0].log.name}: {runs[0].reason})" if runs[0].reason else ""
        what = f"the logs are in no benchmark folder and name no benchmark of the table{reason}"
        return Score(code="no-logs", reason=what)
    if facts.scaling_trouble is not None:
        return Score(code="invalid-scaling-file", reason=facts.scaling_trouble)
    return SCORINGS[facts.metric.scoring](runs, facts.benchmark, facts.scaling_factor)
