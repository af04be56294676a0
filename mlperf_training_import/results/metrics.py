"""Computes the figures to analyse: a judged result in, keys of its entry out.

Every figure is a finite number, a list of such, or absent; a key has the same type in every entry. Units are in the names.
``docs/analysis.md`` has the formulas in one table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..values import median_of, only
from .convergence import convergence_figures, convergence_point, samples_in_unit, speed_since_checkpoint
from .score import fastest_first, known_mean, minutes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Judged, RunLog
    from ..tables.rules import Benchmark

_JOULES_PER_KWH = 3.6e6
_SECONDS_PER_HOUR = 3600


def metrics_of(judged: Judged) -> dict[str, object]:
    """The figures of a result that has a score, without those that its data does not give."""
    minutes = minutes_of(fastest_first(judged.runs))
    samples = known_mean(samples_of(run.log, judged.benchmark) for run in judged.score.kept)
    samples_per_second, count = _samples_per_second(judged, samples), judged.submission.system_record.accelerators_count
    figures = {
        **judged.score.figures,
        "runs_count": len(judged.runs),
        "runs_counted": len(minutes),
        "runs_minutes": minutes,
        "minutes_min": minutes[0],
        "minutes_max": minutes[-1],
        "minutes_spread": (minutes[-1] - minutes[0]) / median_of(minutes),
        "scaling_factor": judged.scaling_factor,
        **convergence_figures(judged),
        "accelerator_minutes": judged.minutes * count if count else None,
        "samples_per_epoch": _samples_per_epoch(judged),
        "samples_trained": samples,
        "samples_per_second": samples_per_second,
        "samples_per_second_per_accelerator": _per_accelerator(samples_per_second, judged),
        **_energy_figures(judged),
    }
    return present(figures)


def _energy_figures(judged: Judged) -> dict[str, object]:
    energy = judged.energy
    if energy is None:
        return {}
    figures: dict[str, object] = {
        "energy_coverage": energy.coverage,
        "energy_with_switches_joules": energy.with_switches_joules,
        "energy_runs_joules": None if energy.runs_joules is None else list(energy.runs_joules),
    }
    if energy.joules:
        watts = energy.joules / (judged.minutes * 60)
        figures |= {
            "energy_joules": energy.joules,
            "energy_kwh": energy.joules / _JOULES_PER_KWH,
            "energy_joules_per_accelerator": _per_accelerator(energy.joules, judged),
            "average_power_watts": watts,
            "average_power_watts_per_accelerator": _per_accelerator(watts, judged),
            "performance_per_watt": _SECONDS_PER_HOUR / energy.joules,
        }
    return figures


def _samples_per_epoch(judged: Judged) -> float | None:
    progress = judged.benchmark.progress
    if progress is None or progress.unit != "epochs":
        return None
    samples = only(samples_in_unit(run.log, progress) for run in judged.score.kept)
    return None if samples is None else float(samples)


def _samples_per_second(judged: Judged, samples: float | None) -> float | None:
    """Mean training samples of the runs of the score over its seconds; evaluation takes its share of the time.

    Of runs that went on from a checkpoint, the mean of their speeds since then.
    """
    score = judged.score
    speed = known_mean(speed_since_checkpoint(run.log, judged.benchmark) for run in score.kept)
    if speed is not None or samples is None or score.seconds is None:
        return speed
    return samples / score.seconds


def samples_of(log: RunLog, benchmark: Benchmark) -> float | None:
    """Training samples that a run took to converge."""
    if benchmark.progress is None:
        return None
    factor, point = samples_in_unit(log, benchmark.progress), convergence_point(log, benchmark)
    return None if factor is None or point is None else point * factor


def _per_accelerator(figure: float | None, judged: Judged) -> float | None:
    count = judged.submission.system_record.accelerators_count
    return figure / count if figure is not None and count else None


def present(figures: Mapping[str, object]) -> dict[str, object]:
    """Leaves out what is None or, after an overflow, not finite."""
    return {
        key: value
        for key, value in figures.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
