"""Makes the rows of the data set: the outcome of a round in, rows by column out. Knows no file format."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.details import unpack, unpack_series
from ..model import LogDetails
from ..results.convergence import (
    counts_progress,
    point_of_evaluation,
    quality_of,
    quality_of_figure,
    samples_in_unit,
    unrounded_point,
)
from ..results.names import name_keys
from ..results.score import fastest_first
from ..rounds.description import read_object
from ..tables.log_keys import batch_size_keys, seed_keys, spelt_alike, unit_of
from ..values import finite_number
from .facts import iter_benchmark_rows, iter_reference_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..findings import Finding
    from ..model import Judged, LoggedSetting, Run, RunLog, Submission
    from ..outcome import RoundOutcome
    from ..tables.rules import Benchmark

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """``count`` rows at once: ``same`` are values that all of them have, ``columns`` the others as bytes.

    A value has 64 bits in the byte order of the machine; NaN means that there is none.
    """

    count: int
    same: Row
    columns: Mapping[str, bytes | array[float]]


def rows_of_round(done: RoundOutcome, findings: Sequence[Finding]) -> dict[str, Iterator[Row]]:
    """The rows of each table but those of :func:`series_of_round`, without the columns that all tables have.

    Args:
        done: a round that was read with details.
        findings: about the round.
    """
    runs = list(_iter_runs(done))
    return {
        "results": ({**result.entry, "benchmark": result.benchmark.key} for result in done.results),
        "runs": (_run_row(run) for run in runs),
        "evaluations": (row for run in runs for row in _iter_evaluation_rows(run)),
        "hyperparameters": (
            {**run.place, **msgspec.structs.asdict(setting)} for run in runs for setting in run.details().settings
        ),
        "systems": _iter_system_rows(done),
        "benchmarks": iter_benchmark_rows(done),
        "reference_points": iter_reference_rows(done),
        "findings": (
            {"code": finding.code, "weight": finding.kind.weight, "where": finding.where, "what": finding.what}
            for finding in findings
        ),
    }


def series_of_round(done: RoundOutcome) -> dict[str, Iterator[Columns]]:
    """The other tables, a series of a run at a time. Without measurements in the details they are empty."""
    return {name: _iter_series(done, packed) for name, packed in _SERIES.items()}


@dataclass(frozen=True, slots=True)
class _LoggedRun:
    """A run with its result, the columns that say which run it is, its packed details, and its energy."""

    run: Run
    judged: Judged
    place: Row
    packed: bytes | None
    joules: float | None

    def details(self, *, with_series: bool = False) -> LogDetails:
        """The details of its log, unpacked at each call: those of a round are too many objects to keep."""
        return LogDetails() if self.packed is None else unpack(self.packed, with_series=with_series)

    @property
    def log(self) -> RunLog:
        return self.run.log


def _iter_runs(done: RoundOutcome) -> Iterator[_LoggedRun]:
    """Every run, in the order of the folders and logs."""
    for judged in done.judged:
        joules, submission = _joules_of_runs(judged), judged.submission
        names, _ = name_keys(submission.system_record, submission.submitter, submission.system)
        common = {
            "uid": judged.entry.get("uid"),
            "benchmark": judged.benchmark.key or None,
            "submitter": submission.system_record.submitter or submission.submitter,
            "submitter_name": names.get("submitter_name"),
        }
        for run in judged.runs:
            path = run.log.path
            yield _LoggedRun(run, judged, {**common, "log": path}, done.details.get(path), joules.get(path))


def _joules_of_runs(judged: Judged) -> Mapping[str, float]:
    """Energy of the runs that count, by log."""
    if judged.energy is None or judged.energy.runs_joules is None:
        return {}
    counted = [run.log.path for run in fastest_first(judged.runs)]
    return dict(zip(counted, judged.energy.runs_joules, strict=True))


def _run_row(run: _LoggedRun) -> Row:
    log, submission, details = run.log, run.judged.submission, run.details()
    settings = {setting.key: setting for setting in details.settings}
    seed, batch_size = _first(settings, seed_keys()), _first(settings, batch_size_keys())
    optimizer = settings.get("opt_name")
    logged_size = batch_size.number if batch_size else None
    return {
        **run.place,
        "submitter_folder": submission.submitter,
        "system_file": submission.system,
        "division": run.judged.division,
        "minutes": run.run.minutes,
        "is_kept": any(other is run.run for other in run.judged.score.kept),
        "reason": run.run.reason,
        "reason_code": run.run.code,
        "repeat_of": next(
            (f"{submission.folder}/{first}" for first, *more in run.judged.repeated if log.name in more), None
        ),
        "status": log.status,
        "run_start_ms": log.run_start_ms,
        "run_stop_ms": log.run_stop_ms,
        "init_start_ms": log.init_start_ms,
        "init_stop_ms": log.init_stop_ms,
        "evaluation_ms": details.evaluation_ms,
        "evaluations_count": details.evaluation_lines,
        "seed": seed.value if seed else None,
        "optimizer": spelt_alike(optimizer.value) if optimizer else None,
        "global_batch_size": logged_size if log.global_batch_size is None else log.global_batch_size,
        "train_samples": log.train_samples,
        **_convergence(run.run, run.judged.benchmark),
        "digest": details.digest,
        "energy_joules": run.joules,
        "log_lines": log.lines,
        "malformed_lines": log.malformed_lines,
    }


def _first(settings: Mapping[str, LoggedSetting], keys: Iterable[str]) -> LoggedSetting | None:
    return next((settings[key] for key in keys if key in settings), None)


def _convergence(run: Run, benchmark: Benchmark) -> Row:
    """How far a run got; nothing where it did not reach its target, or the tables do not know what it counts."""
    log = run.log
    if not (log.succeeded or run.minutes is not None):  # one whose log gives the duration has no status
        return {}
    qualities = [quality_of(log, benchmark, target) for target in benchmark.targets]
    return {
        **_progress(unrounded_point(log, benchmark), log, benchmark),
        **dict(zip(("quality", "second_quality"), qualities, strict=False)),
    }


def _progress(point: float | None, log: RunLog, benchmark: Benchmark) -> Row:
    if benchmark.progress is None or point is None:
        return {}
    factor = samples_in_unit(log, benchmark.progress)
    samples = None if factor is None else float(point * factor)
    return {"progress": float(point), "progress_unit": benchmark.progress.unit, "samples": samples}


def _iter_evaluation_rows(run: _LoggedRun) -> Iterator[Row]:
    log, benchmark = run.log, run.judged.benchmark
    fields = [target.field for target in benchmark.targets]
    is_counted = counts_progress(log, benchmark)
    for timed in run.details(with_series=True).evaluations:
        evaluation = timed.evaluation
        point = point_of_evaluation(evaluation, timed.samples_after, log, benchmark) if is_counted else None
        row = {
            **run.place,
            "line": timed.number,
            "key": timed.key,
            "time_ms": _since_start(timed.time_ms, log),
            "start_ms": _since_start(timed.start_ms, log),
            "stop_ms": _since_start(timed.stop_ms, log),
            "is_after_stop": timed.is_over,
            **_progress(point, log, benchmark),
            "logged_epoch": evaluation.epoch,
            "logged_samples": evaluation.samples,
            "logged_step": evaluation.step,
        }
        for metric, logged in _iter_figures(evaluation.value, evaluation.metric, fields):
            value = finite_number(logged)
            quality = None if value is None else quality_of_figure(float(value), metric, timed.key, benchmark)
            yield {**row, "metric": metric, "value": value, "quality": quality}


def _since_start(time_ms: float | None, log: RunLog) -> float | None:
    return None if time_ms is None or log.run_start_ms is None else time_ms - log.run_start_ms


def _iter_figures(value: object, metric: str | None, fields: Sequence[str | None]) -> Iterator[tuple[str | None, object]]:
    """The figures of a line with their names; a single empty one where the line has none."""
    if isinstance(value, dict) and value:
        yield from value.items()
    elif isinstance(value, list) and value:
        for place, figure in enumerate(value):
            yield (fields[place] if place < len(fields) else None) or str(place), figure
    else:
        yield metric, value


def _iter_series(done: RoundOutcome, packed: Callable[[LogDetails], bytes]) -> Iterator[Columns]:
    """The series that the details of the runs have somewhere. Without a start of the run they have no time."""
    for run in _iter_runs(done):
        start_ms = math.nan if run.log.run_start_ms is None else run.log.run_start_ms
        for series in unpack_series(packed(run.details(with_series=True))):
            times = array("d", (time_ms - start_ms for time_ms in memoryview(series.times_ms).cast("d")))
            unit = unit_of(series.name) or unit_of(series.key)
            yield Columns(
                len(times),
                same={**run.place, "key": series.key, "name": series.name, "unit": unit},
                columns={
                    "line": series.lines,
                    "time_ms": times,
                    "value": series.values,
                    "logged_epoch": series.epochs,
                    "logged_samples": series.samples,
                    "logged_step": series.steps,
                },
            )


#: The tables of series, and where the details of a run have them.
_SERIES: dict[str, Callable[[LogDetails], bytes]] = {"measurements": attrgetter("measured"), "power": attrgetter("power")}


def _iter_system_rows(done: RoundOutcome) -> Iterator[Row]:
    systems = {(submission.submitter, submission.system): submission for submission in done.submissions}
    for (submitter, system), submission in sorted(systems.items()):
        record = submission.system_record
        yield {
            "submitter_folder": submitter,
            "system_file": system,
            "path": submission.description,
            "description": _description(done, submission),
            "submitter": record.submitter,
            "system": record.name,
            "division": record.division,
            **record.described(),
            **name_keys(record, submitter, system)[0],
        }


def _description(done: RoundOutcome, submission: Submission) -> str | None:
    """The description as in its file; None where it cannot be read, which is a finding."""
    if submission.description is None:
        return None
    try:
        return json.dumps(read_object(done.round.path / submission.description), ensure_ascii=False)
    except (OSError, ValueError):
        return None


def _text(value: object) -> str | None:
    """File names that are not UTF-8 get question marks."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else None


def _number(value: object) -> float | None:
    number = finite_number(value) if isinstance(value, (int, float)) else None
    return None if number is None else float(number)


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _list_of(convert: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: [convert(part) for part in value] if isinstance(value, (list, tuple)) else None


#: What turns a value of a row into one of the type of its column, or None where it is of another.
CONVERTERS: dict[str, Callable[[object], object]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "numbers": _list_of(_number),
    "texts": _list_of(_text),
}
