"""Computes the figures to analyse: a result in, keys of its entry out; and compares the results of one round.

Every figure is a finite number, a list of such, or absent; a key has the same type in every entry. Units are in the names.
``docs/analysis.md`` has the formulas in one table.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from .convergence import convergence_figures, convergence_point
from .score import duration_ms, fastest_first, known_mean, mean, minutes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Result, RunLog
    from ..tables.rules import Benchmark

_JOULES_PER_KWH = 3.6e6
_SECONDS_PER_HOUR = 3600


def metrics_of(result: Result, benchmark: Benchmark) -> dict[str, object]:
    """The figures of a result that has a score, without those that its data does not give."""
    figures = {
        **_run_figures(result),
        **convergence_figures(result, benchmark),
        **_scale_figures(result, benchmark),
        **_energy_figures(result),
    }
    return _present(figures)


def _run_figures(result: Result) -> dict[str, object]:
    minutes = minutes_of(fastest_first(result.score.runs))
    whole = result.score.minutes_to_train_all
    return {
        "models_trained": None if whole is None else len(result.score.kept),
        "minutes_to_train_all": whole,
        "runs_count": len(result.score.runs),
        "runs_counted": len(minutes),
        "runs_minutes": minutes,
        "minutes_min": minutes[0],
        "minutes_max": minutes[-1],
        "minutes_spread": (minutes[-1] - minutes[0]) / statistics.median(minutes),
        "scaling_factor": result.score.scaling_factor,
    }


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


def _samples_per_second(result: Result, benchmark: Benchmark) -> float | None:
    """Training samples over seconds, both added up over the runs of the score; evaluation takes its share of the time.

    Instances run at the same time: the seconds of a throughput are those from the first start to the last stop.
    """
    if benchmark.progress is None:
        return None
    samples = known_mean(samples_of(run.log, benchmark) for run in result.score.kept)
    if samples is None:
        return None
    if result.score.minutes_to_train_all is not None:
        return samples / (result.minutes * 60)
    return samples / mean([duration_ms(run.log) / 1000 for run in result.score.kept])


def samples_of(log: RunLog, benchmark: Benchmark) -> float | None:
    """Training samples that a run took to converge."""
    if benchmark.progress is None:
        return None
    factor = benchmark.progress.samples
    if isinstance(factor, str):
        factor = {"train_samples": log.train_samples, "global_batch_size": log.global_batch_size}[factor]
    point = convergence_point(log, benchmark)
    return None if factor is None or point is None else point * factor


def accelerator_minutes(result: Result) -> float | None:
    count = result.submission.system_record.accelerators_count
    return result.minutes * count if count else None


def _per_accelerator(figure: float | None, result: Result) -> float | None:
    count = result.submission.system_record.accelerators_count
    return figure / count if figure is not None and count else None


def _present(figures: Mapping[str, object]) -> dict[str, object]:
    """Leaves out what is None or, after an overflow, not finite."""
    return {key: value for key, value in figures.items() if _is_finite(value)}


def _is_finite(value: object) -> bool:
    if isinstance(value, list):
        return all(map(math.isfinite, value))
    return isinstance(value, (int, float)) and math.isfinite(value)
