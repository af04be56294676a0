"""Whether a closed result would pass the review of its convergence: a result in, keys of its entry and findings out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..tables.references import reference_runs
from .convergence import convergence_points, global_batch_size
from .reference import Reference, Verdict, judge_convergence, prune

if TYPE_CHECKING:
    from ..findings import Report
    from ..model import Result
    from ..tables.rules import Benchmark

#: A scaling factor that differs by more is another one than that of the reference.
_FACTOR_TOLERANCE = 1e-3


def review(result: Result, benchmark: Benchmark, report: Report) -> dict[str, object]:
    """The keys that say how fast a result converged beside the reference, without those that there is nothing for.

    Open results are not judged, nor are benchmarks and rounds without references, nor results whose logs do not agree on a
    batch size or do not say when they converged.
    """
    batch_size = global_batch_size(result)
    verdict = None if batch_size is None else _verdict(result, benchmark, batch_size)
    _check_scaling(result, verdict, report)
    if verdict is None or batch_size is None:
        return {}
    reference = verdict.reference
    if verdict.name == "fail":
        unit = benchmark.progress.unit if benchmark.progress is not None else ""
        least = f"{verdict.least_acceptable:.10g} {unit}, the least at batch size {batch_size:.10g}"
        report("rcp-fail", result.submission.folder, f"converged in fewer than {least}")
    elif verdict.name == "missing":
        where = "larger than all" if reference is None else "smaller than all, and it converged faster than the smallest may"
        report("rcp-missing", result.submission.folder, f"no reference for batch size {batch_size:.10g}, which is {where}")
    figures = {"rcp_verdict": verdict.name, "rcp_factor": verdict.factor, "rcp_least_acceptable": verdict.least_acceptable}
    if reference is not None:
        figures |= {"rcp_reference": _described(reference, batch_size), "rcp_mean": reference.mean}
    return {key: value for key, value in figures.items() if value is not None}


def _verdict(result: Result, benchmark: Benchmark, batch_size: float) -> Verdict | None:
    references = _references("training", benchmark.key, result.round.version, benchmark.drop)
    if result.division != "closed" or not references or benchmark.runs is None:
        return None
    points = convergence_points(result, benchmark)
    known = [point for point in points if point is not None]
    if len(known) < len(points):
        return None
    return judge_convergence(known, batch_size, references, benchmark.runs, benchmark.drop, benchmark.rcp_allowance)


def _check_scaling(result: Result, verdict: Verdict | None, report: Report) -> None:
    factor, expected = result.score.scaling_factor, verdict.factor if verdict is not None else None
    if factor is None:
        return
    if expected is not None and abs(factor - expected) > _FACTOR_TOLERANCE:
        what = f"scaling_factor is {factor:.6g}; by the reference convergence points it would be {expected:.6g}"
    elif factor < 1:
        what = f"scaling_factor is {factor:.6g}; no review makes a result faster"
    else:
        return
    report("odd-scaling", result.submission.scaling or result.submission.folder, what)


def _described(reference: Reference, batch_size: float) -> str:
    sizes = " to ".join(map(str, reference.batch_sizes))
    if len(reference.batch_sizes) > 1:
        return f"{sizes}, interpolated"
    return sizes if batch_size == reference.batch_sizes[0] else f"{sizes}, the smallest"


@functools.cache
def _references(suite: str, benchmark: str, version: str, drop: int) -> tuple[Reference, ...]:
    return prune(reference_runs(suite, benchmark, version), drop)
