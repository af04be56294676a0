"""Computes the figures to analyse: a result in, keys of its entry out; and compares the results of one round.

Every figure is a finite number, a list of such, or absent; a key has the same type in every entry. Units are in the names.
``docs/analysis.md`` has the formulas in one table.

Convergence is computed as ``mlperf_logging.rcp_checker.get_submission_epochs`` and ``result_summarizer`` do it, bit for
bit, so that it equals the columns ``GBS`` and ``samples_to_converge`` of the detailed summaries. Other than there, failed
runs are never part of a mean, and figures of the open division are computed too.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..values import finite_number
from .score import duration_ms, fastest_first, known_mean, mean, minutes_of

if TYPE_CHECKING:
    from ..model import Evaluation, Result, RunLog
    from ..tables.rules import Benchmark, Target

_JOULES_PER_KWH = 3.6e6
_SECONDS_PER_HOUR = 3600


def metrics_of(result: Result, benchmark: Benchmark) -> dict[str, object]:
    """The figures of a result that has a score, without those that its data does not give."""
    figures = {
        **_run_figures(result),
        **_convergence_figures(result, benchmark),
        **_scale_figures(result, benchmark),
        **_energy_figures(result),
    }
    return _present(figures)


def _run_figures(result: Result) -> dict[str, object]:
    minutes = minutes_of(fastest_first(result.score.runs))
    return {
        "runs_count": len(result.score.runs),
        "runs_counted": len(minutes),
        "runs_minutes": minutes,
        "minutes_min": minutes[0],
        "minutes_max": minutes[-1],
        "minutes_spread": (minutes[-1] - minutes[0]) / statistics.median(minutes),
        "scaling_factor": _number(result.score.scaling_factor),
    }


def _convergence_figures(result: Result, benchmark: Benchmark) -> dict[str, object]:
    logs = [run.log for run in result.score.runs]
    figures: dict[str, object] = {"global_batch_size": _global_batch_size(logs)}
    if benchmark.progress is not None:
        figures[f"{benchmark.progress.unit}_to_converge"] = _mean_to_converge(logs, benchmark)
    for name, target in zip(("quality_reached", "second_quality_reached"), benchmark.targets, strict=False):
        figures[name] = known_mean(_quality(run.log, benchmark, target) for run in result.score.kept)
    return figures


def _scale_figures(result: Result, benchmark: Benchmark) -> dict[str, object]:
    samples_per_second = _samples_per_second(result, benchmark)
    return {
        "accelerator_minutes": accelerator_minutes(result),
        "samples_per_second": samples_per_second,
        "samples_per_second_per_accelerator": _per_accelerator(samples_per_second, result),
    }


def _energy_figures(result: Result) -> dict[str, object]:
    energy = result.energy
    if energy is None:
        return {}
    figures: dict[str, object] = {
        "energy_coverage": energy.coverage,
        "energy_with_switches_joules": energy.with_switches_joules,
        "energy_runs_joules": None if energy.runs_joules is None else list(energy.runs_joules),
    }
    if energy.joules:
        watts = energy.joules / (result.minutes * 60)
        figures |= {
            "energy_joules": energy.joules,
            "energy_kwh": energy.joules / _JOULES_PER_KWH,
            "energy_joules_per_accelerator": _per_accelerator(energy.joules, result),
            "average_power_watts": watts,
            "average_power_watts_per_accelerator": _per_accelerator(watts, result),
            "performance_per_watt": _SECONDS_PER_HOUR / energy.joules,
        }
    return figures


def _global_batch_size(logs: Sequence[RunLog]) -> float | None:
    """What all logs of the result agree on."""
    sizes = {log.global_batch_size for log in logs}
    return _number(sizes.pop()) if len(sizes) == 1 else None


def _mean_to_converge(logs: Sequence[RunLog], benchmark: Benchmark) -> float | None:
    """Mean progress at convergence without the best and the worst run.

    One run is left out at each end for every benchmark, as the peer does; a run that failed is worse than any other. Where
    more runs failed (unet3d may have four), as many are left out at each end as for the score: the peer takes 1e9 for each
    failed run then, and its figure says nothing.
    """
    every = [_convergence_point(log, benchmark) if log.succeeded else math.inf for log in logs]
    points = sorted(point for point in every if point is not None)
    if len(points) < len(every):
        return None
    for drop in (1, benchmark.drop):
        kept = points[drop : len(points) - drop]
        if kept and kept[-1] < math.inf:
            return mean_like_numpy(kept)
    return None


def mean_like_numpy(values: Sequence[float]) -> float:
    """The mean with the last bit that ``numpy.mean`` gives for up to 128 numbers.

    NumPy adds from left to right below eight numbers, else every eighth to the same of eight sums, and these in pairs.
    """
    whole = len(values) // 8 * 8
    if whole:
        lanes = [0.0] * 8
        for index, value in enumerate(values[:whole]):
            lanes[index % 8] += value
        a, b, c, d, e, f, g, h = lanes
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    else:
        total = 0.0
    for value in values[whole:]:
        total += value
    return total / len(values)


def _convergence_point(log: RunLog, benchmark: Benchmark) -> float | None:
    """Progress of a run when it converged, in the unit of the benchmark; rounded to 3 digits, as the peer does.

    That is the last quality figure before the stop or, where several figures are logged one by one, the first point at
    which all of them reach their targets.
    """
    if (evaluations := _evaluations_by_progress(log, benchmark)) is not None:
        return min(_iter_points_on_target(evaluations, benchmark), default=None)
    progress = _progress(log.evaluations[-1], benchmark) if log.evaluations else None
    return None if progress is None else float(round(progress, 3))


def _progress(evaluation: Evaluation, benchmark: Benchmark) -> float | None:
    if benchmark.progress is None:
        return None
    fields = {"epoch_num": evaluation.epoch, "samples_count": evaluation.samples, "step_num": evaluation.step}
    return fields[benchmark.progress.field]


def _evaluations_by_progress(log: RunLog, benchmark: Benchmark) -> dict[float, dict[str, float]] | None:
    """The figures by their names, by progress; None where a log has a single figure, or all of them in one line."""
    if len(benchmark.targets) < 2 or not any(evaluation.metric for evaluation in log.evaluations):
        return None
    figures: dict[float, dict[str, float]] = defaultdict(dict)
    for evaluation in log.evaluations:
        point, value = _progress(evaluation, benchmark), _number(evaluation.value)
        if point is not None and value is not None and evaluation.metric is not None:
            figures[float(point)][evaluation.metric] = value
    return figures


def _iter_points_on_target(evaluations: Mapping[float, Mapping[str, float]], benchmark: Benchmark) -> Iterator[float]:
    targets = {target.field or "": target for target in benchmark.targets}
    for point, figures in evaluations.items():
        if all(name in figures and target.is_met(figures[name]) for name, target in targets.items()):
            yield point


def _quality(log: RunLog, benchmark: Benchmark, target: Target) -> float | None:
    """The figure with which a run converged, in the unit of the rules (the log may write 0.76 for 76 %)."""
    value = logged_quality(log, benchmark, target)
    return None if value is None else value * round(target.value / target.logged, 6)


def logged_quality(log: RunLog, benchmark: Benchmark, target: Target) -> float | None:
    """The figure with which a run converged, as the log writes it; None where there is none, or it is no finite number."""
    if not log.evaluations:
        return None
    if benchmark.progress is not None and (evaluations := _evaluations_by_progress(log, benchmark)) is not None:
        point = min(_iter_points_on_target(evaluations, benchmark), default=None)
        return None if point is None or target.field is None else evaluations[point][target.field]
    value = log.evaluations[-1].value
    if isinstance(value, Mapping):
        value = value.get(target.field)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        index = benchmark.targets.index(target)
        value = value[index] if index < len(value) else None
    return _number(value)


def _samples_per_second(result: Result, benchmark: Benchmark) -> float | None:
    """Training samples over seconds, both added up over the runs of the score; evaluation takes its share of the time."""
    if benchmark.progress is None:
        return None
    samples = known_mean(_samples(run.log, benchmark) for run in result.score.kept)
    if samples is None:
        return None
    return samples / mean([duration_ms(run.log) / 1000 for run in result.score.kept])


def _samples(log: RunLog, benchmark: Benchmark) -> float | None:
    """Training samples that a run took to converge."""
    if benchmark.progress is None:
        return None
    factor = benchmark.progress.samples
    if isinstance(factor, str):
        factor = {"train_samples": log.train_samples, "global_batch_size": log.global_batch_size}[factor]
    point = _convergence_point(log, benchmark)
    return None if factor is None or point is None else point * factor


def accelerator_minutes(result: Result) -> float | None:
    count = result.submission.system_record.accelerators_count
    return result.minutes * count if count else None


def _per_accelerator(figure: float | None, result: Result) -> float | None:
    count = result.submission.system_record.accelerators_count
    return figure / count if figure is not None and count else None


def _number(value: object) -> float | None:
    """A number of a log as a float, None for anything else."""
    number = finite_number(value)
    return None if number is None else float(number)


def _present(figures: Mapping[str, object]) -> dict[str, object]:
    """Leaves out what is None or, after an overflow, not finite."""
    return {key: value for key, value in figures.items() if _is_finite(value)}


def _is_finite(value: object) -> bool:
    if isinstance(value, list):
        return all(map(math.isfinite, value))
    return isinstance(value, (int, float)) and math.isfinite(value)
