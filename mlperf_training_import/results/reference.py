"""Judges how fast a result converged against the reference convergence points: numbers in, verdict and factor out.

Source: ``mlperf_logging.rcp_checker`` 4.1.68, with which the review committee judges closed results; ``docs/convergence.md``
has the rule in words.
"""

from __future__ import annotations

import functools
import math
from itertools import pairwise
from typing import TYPE_CHECKING

from ..model import Reference, Verdict
from ..values import mean_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..tables.references import ReferenceRuns

#: A submission is too fast where the chance of being that fast with runs like those of the reference is not above this.
_SIGNIFICANCE = 0.05
#: The least acceptable mean is looked for until it is known to within this.
_WIDEST_INTERVAL = 1e-4
#: By how much a reference has to lie above the line between its neighbours; less is rounding.
_ROUNDING = 1e-12
#: More than this is no progress of a training, and its mean may be no number.
_LARGEST_POINT = 1e18


def prune(references: Iterable[ReferenceRuns], drop: int) -> tuple[Reference, ...]:
    """The references that count: those from the fastest one on that do not lie above the line between their neighbours.

    With a larger batch nothing converges faster, so that a slower reference with a smaller one was not tuned well.

    Args:
        references: by batch size.
        drop: runs left out at each end.
    """
    kept = [_summary(runs, drop) for runs in references]
    fastest = min(range(len(kept)), key=lambda index: kept[index].mean, default=0)
    kept = kept[fastest:]
    index = 1
    while index < len(kept) - 1:
        line, _ = _between(kept[index - 1], kept[index + 1], kept[index].batch_sizes[0])
        if kept[index].mean > line * (1 + _ROUNDING):
            del kept[index]
        else:
            index += 1
    return tuple(kept)


def judge_convergence(
    points: Sequence[float], batch_size: float, references: Sequence[Reference], runs: int, drop: int, allowance: float = 0
) -> Verdict | None:
    """The verdict on a submission; None where it has too few runs to be judged, or figures that cannot be.

    Args:
        points: progress of each of its runs when it converged, in the unit of the references; infinite for a failed one.
        batch_size: the global batch size of its runs.
        references: as :func:`prune` leaves them; at least one.
        runs: how many the round asks for.
        drop: runs left out at each end, and how many may fail.
        allowance: by how much the mean may be lower than the test allows.
    """
    if sum(map(math.isinf, points)) > drop:
        return Verdict("insufficient")
    kept = sorted(points)[drop : len(points) - drop]
    if not kept or kept[-1] > _LARGEST_POINT:
        return None
    mean = mean_of(kept)
    reference = reference_for(batch_size, references, runs)
    if reference is None:
        return Verdict("missing", mean=mean)
    least = least_acceptable_mean(reference.mean, reference.deviation, reference.count, runs - 2) - allowance
    if mean >= least:
        name = "pass"
    elif batch_size < references[0].batch_sizes[0]:
        return Verdict("missing", None, reference, least, mean)
    else:
        name = "fail"
    return Verdict(name, max(1.0, reference.mean / mean) if mean > 0 else None, reference, least, mean)


def least_acceptable_mean(mean: float, deviation: float, count: int, submitted: int) -> float:
    """The lowest mean of ``submitted`` runs that is not significantly below the ``mean`` of ``count`` reference runs.

    Student's t-test for two independent samples with equal variances, one-sided. Both are taken to have the same standard
    deviation, which then is the pooled one too.
    """
    if deviation == 0:
        return mean
    widest = critical_t(count + submitted - 2) * deviation * math.sqrt(1 / count + 1 / submitted)
    low, high = 0.0, mean
    while high - low > _WIDEST_INTERVAL:
        middle = (low + high) / 2
        if mean - middle < widest:
            high = middle
        else:
            low = middle
    return (low + high) / 2


@functools.cache
def critical_t(degrees: int) -> float:
    """The t below which a share of :data:`_SIGNIFICANCE` of Student's distribution lies, without its sign."""
    low, high = 0.0, 10.0  # one degree of freedom has the largest, 6.3
    while (middle := (low + high) / 2) not in (low, high):
        if _share_within(middle, degrees) < 1 - 2 * _SIGNIFICANCE:
            low = middle
        else:
            high = middle
    return middle


def _share_within(t: float, degrees: int) -> float:
    """The share of Student's distribution between -t and t.

    For whole degrees of freedom the regularised incomplete beta function is a finite sum: Abramowitz and Stegun, Handbook of
    Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    total, term = 0.0, cosine if odd else 1.0
    for power in range(odd, degrees - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    return (angle + sine * total) * 2 / math.pi if odd else sine * total


def _summary(runs: ReferenceRuns, drop: int) -> Reference:
    kept = sorted(runs.points)[drop : len(runs.points) - drop]
    middle = mean_of(runs.points)
    deviation = math.sqrt(mean_of([(point - middle) ** 2 for point in runs.points]))
    return Reference((runs.global_batch_size,), mean_of(kept), deviation, len(kept))


def reference_for(batch_size: float, references: Sequence[Reference], runs: int) -> Reference | None:
    """The reference with a batch size, else one between its neighbours, else the smallest; None above the largest."""
    for reference in references:
        if batch_size == reference.batch_sizes[0]:
            return reference
    if batch_size < references[0].batch_sizes[0]:
        return references[0]
    for low, high in pairwise(references):
        if batch_size < high.batch_sizes[0]:
            mean, deviation = _between(low, high, batch_size)
            return Reference((*low.batch_sizes, *high.batch_sizes), mean, deviation, 2 * runs)
    return None


def _between(low: Reference, high: Reference, batch_size: float) -> tuple[float, float]:
    """Mean and standard deviation on the straight line from one reference to another."""
    (start,), (end,) = low.batch_sizes, high.batch_sizes
    share = (batch_size - start) / (end - start)
    return low.mean + share * (high.mean - low.mean), low.deviation + share * (high.deviation - low.deviation)
