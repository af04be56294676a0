"""How much a result was trained on when it converged, and how good it was then: a judged result in, keys of its entry out.

As ``mlperf_logging.rcp_checker.get_submission_epochs`` and ``result_summarizer`` do it, bit for bit, so that it equals the
columns ``GBS`` and ``samples_to_converge`` of the detailed summaries. Other than there, failed runs are never part of a
mean, figures of the open division are computed too, and what the logs count in another unit is put right.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from ..values import add_up, all_known, counted, finite_number, only
from .score import known_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..model import Evaluation, Judged, RunLog
    from ..tables.rules import Benchmark, Progress, Target

_MS_PER_SECOND = 1000
#: A run whose log has fewer different values of progress says nothing about its speed.
_FEWEST_MILESTONES = 3
#: A run that was so many times faster until its first evaluation than from then on did not begin at its start.
_LARGEST_SPEED_UP = 3


def convergence_figures(judged: Judged) -> dict[str, object]:
    """Batch size, progress and quality; None for what the logs do not say."""
    benchmark = judged.benchmark
    figures: dict[str, object] = {"global_batch_size": global_batch_size(judged)}
    if benchmark.progress is not None:
        figures[f"{benchmark.progress.unit}_to_converge"] = _mean_to_converge(judged)
    for name, target in zip(("quality_reached", "second_quality_reached"), benchmark.targets, strict=False):
        figures[name] = known_mean(quality_of(run.log, benchmark, target) for run in judged.score.kept)
    return figures


def global_batch_size(judged: Judged) -> float | None:
    """What all logs of the result agree on."""
    return _number(only(log.global_batch_size for log in judged.logs))


def points_of(judged: Judged, point_of: Callable[[RunLog, Benchmark], float | None]) -> list[float] | None:
    """Progress of each run when it converged, infinite for one that failed; None where a log does not say it.

    A run that failed is left out where the metric leaves it out of the score.
    """
    logs = judged.logs if judged.metric.failed_runs_count else [run.log for run in judged.score.kept]
    return all_known(point_of(log, judged.benchmark) if log.succeeded else math.inf for log in logs)


def logged_point(log: RunLog, benchmark: Benchmark) -> float | None:
    """Progress of a run when it converged, as reference points count it; rounded to 3 digits, as the peer does."""
    point = _point(log, benchmark)
    return None if point is None else float(round(point, 3))


def convergence_point(log: RunLog, benchmark: Benchmark) -> float | None:
    """How much a run was trained until it converged, in the unit of the benchmark; to 3 digits.

    That is :func:`logged_point`, but where logs call the first epoch 1 and have seen 0.75 of one when they say 1.75.
    """
    point = _since_begin(logged_point(log, benchmark), benchmark.progress)
    return None if point is None else round(point, 3)


def unrounded_point(log: RunLog, benchmark: Benchmark) -> float | None:
    """The same as :func:`convergence_point` with all digits that the log has."""
    return _since_begin(_point(log, benchmark), benchmark.progress)


def point_of_evaluation(
    evaluation: Evaluation, samples_after: float | None, log: RunLog, benchmark: Benchmark
) -> float | None:
    """Progress at any evaluation of a log, as :func:`unrounded_point` has that of the one with which the run converged.

    Args:
        evaluation: of a log that :func:`counts_progress`.
        samples_after: the ``train_samples`` between it and the next one.
        log: that it is of.
        benchmark: that the run is of.
    """
    progress = benchmark.progress
    if progress is None:
        return None
    return _since_begin(_in_unit(_logged_progress(evaluation, progress), evaluation, samples_after, log, progress), progress)


def _since_begin(point: float | None, progress: Progress | None) -> float | None:
    """A logged progress without what the logs say before any training."""
    return None if point is None or progress is None else point - progress.begins_at


def counts_progress(log: RunLog, benchmark: Benchmark) -> bool:
    """Whether a log counts what the run was trained on since its start, in a unit that the tables know."""
    progress = benchmark.progress
    if progress is None or speed_since_checkpoint(log, benchmark) is not None:
        return False
    return not (progress.fractional and log.history is not None and log.history.has_whole_epochs)


def speed_since_checkpoint(log: RunLog, benchmark: Benchmark) -> float | None:
    """Samples per second between the first evaluation and the last one, of a run that went on from a checkpoint.

    None for any other: where the progress at the first evaluation is about what the run makes in the time until then.
    """
    history, progress, start_ms = log.history, benchmark.progress, log.run_start_ms
    if history is None or progress is None or start_ms is None or len(history.milestones) < _FEWEST_MILESTONES:
        return None
    evaluations = [evaluation for _, evaluation in history.milestones]
    points = [_logged_progress(evaluation, progress) for evaluation in evaluations]
    samples_in_one = samples_in_unit(log, progress)
    if points[0] == points[-1]:  # where this does not move, the samples may be logged beside it
        points, samples_in_one = [evaluation.trained_samples for evaluation in evaluations], 1
    known = [point for point in points if point is not None]
    if samples_in_one is None or len(set(known)) < _FEWEST_MILESTONES:
        return None
    (first_ms, _), *_, (last_ms, _) = history.milestones
    if not start_ms < first_ms < last_ms:
        return None
    speed = (known[-1] - known[0]) / (last_ms - first_ms)
    if not 0 < speed * _LARGEST_SPEED_UP < (known[0] - progress.begins_at) / (first_ms - start_ms):
        return None
    return speed * samples_in_one * _MS_PER_SECOND


def samples_in_unit(log: RunLog, progress: Progress) -> float | None:
    """Training samples in one unit of progress, as the table or the log says it."""
    factor = progress.samples
    if isinstance(factor, str):
        return {"train_samples": log.train_samples, "global_batch_size": log.global_batch_size}[factor]
    return factor


def other_unit(judged: Judged) -> str | None:
    """Says which logs count in another unit than the benchmark, and what counts instead; None where none does."""
    progress, benchmark = judged.benchmark.progress, judged.benchmark
    if progress is None:
        return None
    points = [(log, point) for log in judged.logs if log.succeeded and (point := _logged_point(log, benchmark)) is not None]
    other = [(log, point) for log, point in points if _is_other_unit(point, log, progress)]
    if not other:
        return None
    if not isinstance(progress.instead, str):
        taken = f"these are epochs; {progress.instead} times as many are taken"
    elif all(unrounded_point(log, benchmark) is not None for log, _ in other):
        taken = "the samples that they log beside it are taken"
    else:
        taken = "the number is missing, and the figure is left out"
    log, point = other[0]
    first = f"{log.name} after {point:.10g}"
    return f"{counted(len(other), 'log')} converged in fewer {progress.unit} than is possible, {first}; {taken}"


def mean_like_numpy(values: Sequence[float]) -> float:
    """The mean with the last bit that ``numpy.mean`` gives for up to 128 numbers.

    NumPy adds from left to right below eight numbers, else every eighth to the same of eight sums, and these in pairs.
    """
    whole = len(values) // 8 * 8
    sums = [add_up(values[lane:whole:8]) for lane in range(8)]
    while len(sums) > 1:
        sums = [one + other for one, other in zip(sums[::2], sums[1::2], strict=True)]
    return add_up((*sums, *values[whole:])) / len(values)


def _mean_to_converge(judged: Judged) -> float | None:
    """Mean progress at convergence without the best and the worst run, if failed runs count; else that of all that count.

    One run is left out at each end for every benchmark, as the peer does; a run that failed is worse than any other. Where
    more runs failed (unet3d may have four), as many are left out at each end as for the score: the peer takes 1e9 for each
    failed run then, and its figure says nothing.
    """
    points = sorted(points_of(judged, convergence_point) or ())
    for drop in (1, judged.benchmark.drop) if judged.metric.failed_runs_count else (0,):
        kept = points[drop : len(points) - drop]
        if kept and kept[-1] < math.inf:
            return mean_like_numpy(kept)
    return None


def _point(log: RunLog, benchmark: Benchmark) -> float | None:
    """Progress of a run when it converged, in the unit of the benchmark."""
    progress, point = benchmark.progress, _logged_point(log, benchmark)
    if progress is None or point is None:
        return None
    return _in_unit(point, log.evaluations[-1], log.samples_after_evaluation, log, progress)


def _logged_point(log: RunLog, benchmark: Benchmark) -> float | None:
    """Progress as the log says it: at the last quality figure before the stop or, where several figures are logged one by
    one, at the first point where all of them reach their targets."""
    progress = benchmark.progress
    if progress is None or not log.evaluations or not counts_progress(log, benchmark):
        return None
    if (evaluations := _evaluations_by_progress(log, benchmark, progress)) is not None:
        return _point_on_target(evaluations, benchmark)
    return _logged_progress(log.evaluations[-1], progress)


def _is_other_unit(point: float, log: RunLog, progress: Progress) -> bool:
    """Whether a figure is too small to be in the unit of the benchmark."""
    least = log.global_batch_size if isinstance(progress.least, str) else progress.least
    return least is not None and point < least


def _in_unit(
    point: float | None, evaluation: Evaluation, samples_after: float | None, log: RunLog, progress: Progress
) -> float | None:
    """Progress in the unit of the benchmark, where the log may count in another one."""
    if point is None or not _is_other_unit(point, log, progress):
        return point
    if isinstance(progress.instead, str):
        return _trained_samples(evaluation, samples_after, log, progress)
    return point * progress.instead


def _trained_samples(evaluation: Evaluation, samples_after: float | None, log: RunLog, progress: Progress) -> float | None:
    """The samples that a run was trained on, as it says them with a quality figure or after it.

    As many as the data set has are those of the data set: what that line says otherwise.
    """
    samples = evaluation.trained_samples
    if samples is None and samples_after != progress.dataset_samples:
        samples = samples_after
    return None if samples is None or _is_other_unit(samples, log, progress) else samples


def _logged_progress(evaluation: Evaluation, progress: Progress) -> float | None:
    fields = {"epoch_num": evaluation.epoch, "samples_count": evaluation.samples, "step_num": evaluation.step}
    return fields[progress.field]


def _evaluations_by_progress(log: RunLog, benchmark: Benchmark, progress: Progress) -> dict[float, dict[str, float]] | None:
    """The figures by their names, by progress; None where a log has a single figure, or all of them in one line."""
    if len(benchmark.targets) < 2 or not any(evaluation.metric for evaluation in log.evaluations):
        return None
    figures: dict[float, dict[str, float]] = defaultdict(dict)
    for evaluation in log.evaluations:
        point, value = _logged_progress(evaluation, progress), _number(evaluation.value)
        if point is not None and value is not None and evaluation.metric is not None:
            figures[float(point)][evaluation.metric] = value
    return figures


def _point_on_target(evaluations: Mapping[float, Mapping[str, float]], benchmark: Benchmark) -> float | None:
    """The first point at which all figures reach their targets."""
    targets = {target.field or "": target for target in benchmark.targets}
    reached = (
        point
        for point, figures in evaluations.items()
        if all(name in figures and target.is_met(figures[name]) for name, target in targets.items())
    )
    return min(reached, default=None)


def quality_of(log: RunLog, benchmark: Benchmark, target: Target) -> float | None:
    """The figure with which a run converged, in the unit of the rules (the log may write 0.76 for 76 %)."""
    value = logged_quality(log, benchmark, target)
    return None if value is None or target.why_odd(value) else target.in_unit_of_rules(value)


def quality_of_figure(value: float, name: str | None, key: str, benchmark: Benchmark) -> float | None:
    """Any quality figure of a log in the unit of the rules; None where the benchmark is not judged by it.

    Args:
        value: as logged.
        name: of the figure, where the line says it.
        key: of its line; some logs repeat the figure under another one, negated.
        benchmark: that the run is of.
    """
    targets = benchmark.targets
    target = next((target for target in targets if len(targets) == 1 or target.field == name), None)
    if target is None or benchmark.quality not in (None, key):
        return None
    if value < 0 or (target.share and target.why_odd(value)):  # before it converges, a per cent may be far below the target
        return None
    return target.in_unit_of_rules(value)


def logged_quality(log: RunLog, benchmark: Benchmark, target: Target) -> float | None:
    """The figure with which a run converged, as the log writes it; None where there is none, or it is no finite number."""
    if not log.evaluations:
        return None
    progress = benchmark.progress
    if progress is not None and (evaluations := _evaluations_by_progress(log, benchmark, progress)) is not None:
        point = _point_on_target(evaluations, benchmark)
        return None if point is None or target.field is None else evaluations[point][target.field]
    value: object = log.evaluations[-1].value
    if isinstance(value, dict):
        value = value.get(target.field)
    elif isinstance(value, list):
        index = benchmark.targets.index(target)
        value = value[index] if index < len(value) else None
    return _number(value)


def _number(value: object) -> float | None:
    """A number of a log as a float, None for anything else."""
    number = finite_number(value)
    return None if number is None else float(number)
