"""Whether a closed result would pass the review of its convergence: a judged result in, verdict and keys of an entry out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..tables.references import reference_runs
from .convergence import convergence_points, global_batch_size
from .reference import judge_convergence, prune

if TYPE_CHECKING:
    from ..model import Judged, Reference, Verdict


def verdict_of(judged: Judged) -> Verdict | None:
    """How fast a result that has a score converged beside the reference.

    Open results are not judged, nor are benchmarks and rounds without references, nor results whose logs do not agree on a
    batch size or do not say when they converged.
    """
    benchmark, batch_size = judged.benchmark, global_batch_size(judged)
    references = _references("training", benchmark.key, judged.round.version, benchmark.drop)
    if batch_size is None or judged.division != "closed" or not references or benchmark.runs is None:
        return None
    points = convergence_points(judged)
    if points is None:
        return None
    return judge_convergence(points, batch_size, references, benchmark.runs, benchmark.drop, benchmark.rcp_allowance)


def verdict_figures(judged: Judged) -> dict[str, object]:
    """The keys that say how fast a result converged beside the reference, without those that there is nothing for."""
    verdict, batch_size = judged.verdict, global_batch_size(judged)
    if verdict is None or batch_size is None:
        return {}
    figures = {"rcp_verdict": verdict.name, "rcp_factor": verdict.factor, "rcp_least_acceptable": verdict.least_acceptable}
    if verdict.reference is not None:
        figures |= {"rcp_reference": _described(verdict.reference, batch_size), "rcp_mean": verdict.reference.mean}
    return {key: value for key, value in figures.items() if value is not None}


def _described(reference: Reference, batch_size: float) -> str:
    sizes = " to ".join(map(str, reference.batch_sizes))
    if len(reference.batch_sizes) > 1:
        return f"{sizes}, interpolated"
    return sizes if batch_size == reference.batch_sizes[0] else f"{sizes}, the smallest"


@functools.cache
def _references(suite: str, benchmark: str, version: str, drop: int) -> tuple[Reference, ...]:
    return prune(reference_runs(suite, benchmark, version), drop)
