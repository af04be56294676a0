"""Scores a result: facts in, its runs, score and verdict out, and what is odd about these. Reads and reports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..model import Judged, Score
from .doubts import doubts_with
from .independence import OF_SUBMISSION
from .review import verdict_of
from .score import SCORINGS, judge

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from ..model import Doubt, Facts, Run


def iter_doubts(facts: Facts, codes: Container[str]) -> Iterator[Doubt]:
    """The doubts with some codes about a result as a whole; figures, which none of them needs, are not computed."""
    return doubts_with(codes, with_score(facts), OF_SUBMISSION)


def with_score(facts: Facts) -> Judged:
    """A result with its runs, its score and, if it has one, the verdict by the reference points."""
    runs = tuple(judge(log, facts.rules, facts.benchmark.targets) for log in facts.logs)
    known = {name: getattr(facts, name) for name in facts.__struct_fields__}
    judged = Judged(**known, runs=runs, score=_score(facts, runs))
    return judged if judged.score.minutes is None else msgspec.structs.replace(judged, verdict=verdict_of(judged))


def _score(facts: Facts, runs: Sequence[Run]) -> Score:
    if not facts.benchmark.key:
        reason = f" ({runs[0].log.name}: {runs[0].reason})" if runs[0].reason else ""
        what = f"the logs are in no benchmark folder and name no benchmark of the table{reason}"
        return Score(code="no-logs", reason=what)
    if facts.scaling_trouble is not None:
        return Score(code="invalid-scaling-file", reason=facts.scaling_trouble)
    return SCORINGS[facts.metric.scoring](runs, facts.benchmark, facts.scaling_factor)
