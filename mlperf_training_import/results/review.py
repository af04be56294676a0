"""Whether a closed result would pass the review of its convergence: a judged result in, verdict and keys of an entry out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..tables.labels import round_label
from ..tables.references import have_references_ended, reference_runs
from .convergence import global_batch_size, logged_point, points_of
from .metrics import present
from .reference import judge_convergence, prune

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..model import Judged, Reference, Verdict

#: A scaling factor that differs by more is another one than that of the reference.
_FACTOR_TOLERANCE = 1e-3


def verdict_of(judged: Judged, batch_sizes: Collection[int] | None = None) -> Verdict | None:
    """How fast a result that has a score converged beside the reference.

    Open results and throughputs are not judged, nor are benchmarks and rounds without references, nor results whose logs do
    not agree on a batch size or do not say when they converged.

    Args:
        judged: with its runs and score.
        batch_sizes: of the references to compare with; all that the round has where None.
    """
    benchmark, batch_size = judged.benchmark, global_batch_size(judged)
    sizes = None if batch_sizes is None else frozenset(batch_sizes)
    references = references_of(benchmark.key, judged.round.version, benchmark.drop, sizes)
    if not _is_judged(judged) or batch_size is None or not references or benchmark.runs is None:
        return None
    points = points_of(judged, logged_point)
    if points is None:
        return None
    return judge_convergence(points, batch_size, references, benchmark.runs, benchmark.drop, benchmark.rcp_allowance)


def lacks_references(judged: Judged) -> bool:
    """Whether the references of the benchmark end before the round of a result that would be compared with them."""
    version = judged.round.version
    return _is_judged(judged) and have_references_ended(round_label(version).suite, judged.benchmark.key, version)


def _is_judged(judged: Judged) -> bool:
    return judged.division == "closed" and judged.metric.has_factor


def verdict_figures(judged: Judged) -> dict[str, object]:
    """The keys that say how fast a result converged beside the reference, without those that have no value."""
    verdict, batch_size = judged.verdict, global_batch_size(judged)
    if verdict is None or batch_size is None:
        return {}
    factor = judged.scaling_factor
    figures = {
        "rcp_verdict": verdict.name,
        "rcp_factor": verdict.factor,
        "rcp_factor_applied": None if None in (factor, verdict.factor) else is_factor_of(verdict, factor),
        "rcp_judged_mean": verdict.mean,
        "rcp_least_acceptable": verdict.least_acceptable,
    }
    if verdict.reference is not None:
        figures |= {"rcp_reference": _described(verdict.reference, batch_size), "rcp_mean": verdict.reference.mean}
    return present(figures)


def is_factor_of(verdict: Verdict | None, factor: float | None) -> bool:
    """Whether a ``scaling_factor`` is what a verdict multiplies a score by."""
    if verdict is None or verdict.factor is None or factor is None:
        return False
    return abs(factor - verdict.factor) <= _FACTOR_TOLERANCE


def _described(reference: Reference, batch_size: float) -> str:
    sizes = " to ".join(map(str, reference.batch_sizes))
    if len(reference.batch_sizes) > 1:
        return f"{sizes}, interpolated"
    return sizes if batch_size == reference.batch_sizes[0] else f"{sizes}, the smallest"


@functools.cache
def references_of(
    benchmark: str, version: str, drop: int, batch_sizes: frozenset[int] | None = None
) -> tuple[Reference, ...]:
    """The references of a benchmark that count in a round; those with some batch sizes only, if these are given."""
    runs = reference_runs(round_label(version).suite, benchmark, version)
    return prune([of_size for of_size in runs if batch_sizes is None or of_size.global_batch_size in batch_sizes], drop)
