"""Makes the rows of the data set: what came out of a round in, rows by column out. Knows no format of files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..logs.details import unpack
from ..model import LogDetails
from ..results.convergence import convergence_point, quality_of
from ..results.metrics import samples_of
from ..results.names import name_keys
from ..results.score import fastest_first
from ..rounds.description import read_object
from ..values import finite_number, short_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..findings import Finding
    from ..model import Judged, Run, RunLog, Submission
    from ..outcome import RoundOutcome
    from ..tables.rules import Benchmark

Row = dict[str, Any]


def rows_of_round(done: RoundOutcome, findings: Sequence[Finding]) -> dict[str, Iterator[Row]]:
    """The rows of each table, without the columns that all tables have.

    Args:
        done: a round that was read with details.
        findings: those about the round.
    """
    runs = list(_iter_runs(done))
    return {
        "results": (result.entry for result in done.results),
        "runs": (_run_row(run) for run in runs),
        "evaluations": (row for run in runs for row in _iter_evaluation_rows(run)),
        "hyperparameters": (
            {"uid": run.uid, "log": run.log.path, **setting._asdict()} for run in runs for setting in run.details().settings
        ),
        "systems": _iter_system_rows(done),
        "findings": (
            {"code": finding.code, "weight": finding.kind.weight, "where": finding.where, "what": finding.what}
            for finding in findings
        ),
    }


@dataclass(frozen=True, slots=True)
class _LoggedRun:
    """A run with the result that it is of, what only the data set needs of its log, and its energy."""

    run: Run
    judged: Judged
    packed: bytes | None
    joules: float | None

    def details(self, *, with_evaluations: bool = False) -> LogDetails:
        """What only the data set needs of the log; made anew each time, since those of a round are many objects."""
        return LogDetails() if self.packed is None else unpack(self.packed, with_evaluations=with_evaluations)

    @property
    def log(self) -> RunLog:
        return self.run.log

    @property
    def uid(self) -> str | None:
        return self.judged.entry.get("uid")


def _iter_runs(done: RoundOutcome) -> Iterator[_LoggedRun]:
    """Every run, in the order of the folders and logs."""
    for judged in done.judged:
        joules = _joules_of_runs(judged)
        for run in judged.runs:
            yield _LoggedRun(run, judged, done.details.get(run.log.path), joules.get(run.log.path))


def _joules_of_runs(judged: Judged) -> Mapping[str, float]:
    """Energy of the runs that count, by log."""
    if judged.energy is None or judged.energy.runs_joules is None:
        return {}
    counted = [run.log.path for run in fastest_first(judged.runs)]
    return dict(zip(counted, judged.energy.runs_joules, strict=True))


def _run_row(run: _LoggedRun) -> Row:
    log, submission, benchmark, details = run.log, run.judged.submission, run.judged.benchmark, run.details()
    seed = next((setting.value for setting in details.settings if setting.key == "seed"), None)
    return {
        "uid": run.uid,
        "log": log.path,
        "submitter_folder": submission.submitter,
        "system_file": submission.system,
        "benchmark": benchmark.key or None,
        "minutes": run.run.minutes,
        "is_kept": any(other is run.run for other in run.judged.score.kept),
        "reason": run.run.reason,
        "repeats": next((f"{submission.folder}/{first}" for first, *more in run.judged.repeated if log.name in more), None),
        "status": log.status,
        "run_start_ms": log.run_start_ms,
        "run_stop_ms": log.run_stop_ms,
        "init_start_ms": log.init_start_ms,
        "init_stop_ms": log.init_stop_ms,
        "evaluation_ms": details.evaluation_ms,
        "evaluations_count": details.evaluation_lines,
        "seed": seed,
        "global_batch_size": log.global_batch_size,
        "train_samples": log.train_samples,
        **_convergence(run.run, benchmark),
        "digest": _digest(log),
        "energy_joules": run.joules,
        "log_lines": log.lines,
        "malformed_lines": log.malformed_lines,
    }


def _convergence(run: Run, benchmark: Benchmark) -> Row:
    """How far a run got; nothing where it did not reach its target, or the tables do not know what it counts."""
    log = run.log
    if not (log.succeeded or run.minutes is not None):  # one whose log gives the duration has no status
        return {}
    figures: Row = {}
    if benchmark.progress is not None and (point := convergence_point(log, benchmark)) is not None:
        figures = {"progress": point, "progress_unit": benchmark.progress.unit, "samples": samples_of(log, benchmark)}
    qualities = [quality_of(log, benchmark, target) for target in benchmark.targets]
    return figures | dict(zip(("quality", "second_quality"), qualities, strict=False))


def _digest(log: RunLog) -> str | None:
    if log.run_start_ms is None or log.run_stop_ms is None:
        return None
    return short_digest(repr((log.run_start_ms, log.run_stop_ms)).encode("ascii"))


def _iter_evaluation_rows(run: _LoggedRun) -> Iterator[Row]:
    targets = run.judged.benchmark.targets
    start_ms = run.log.run_start_ms
    for number, time_ms, key, is_over, evaluation in run.details(with_evaluations=True).evaluations:
        row = {
            "uid": run.uid,
            "log": run.log.path,
            "line": number,
            "key": key,
            "time_ms": None if start_ms is None else time_ms - start_ms,
            "is_after_stop": is_over,
            "epoch": evaluation.epoch,
            "samples": evaluation.samples,
            "step": evaluation.step,
        }
        for metric, logged in _iter_figures(evaluation.value, evaluation.metric, [target.field for target in targets]):
            value = finite_number(logged)
            target = next((target for target in targets if len(targets) == 1 or target.field == metric), None)
            quality = None
            if value is not None and target is not None:
                quality = float(value) * round(target.value / target.logged, 6)
            yield {**row, "metric": metric, "value": value, "quality": quality}


def _iter_figures(value: object, metric: str | None, fields: Sequence[str | None]) -> Iterator[tuple[str | None, object]]:
    """The figures of a line with their names; one without a value where there is none."""
    if isinstance(value, dict) and value:
        yield from value.items()
    elif isinstance(value, list) and value:
        for place, figure in enumerate(value):
            yield (fields[place] if place < len(fields) else None) or str(place), figure
    else:
        yield metric, value


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
    """The description as it stands in its file; None where it cannot be read, of which a finding tells."""
    if submission.description is None:
        return None
    try:
        return json.dumps(read_object(done.round.path / submission.description), ensure_ascii=False)
    except (OSError, ValueError):
        return None


def _text(value: object) -> str | None:
    """Names of files that are no UTF-8 have marks where they are not."""
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


#: What makes a value of a column from one of a row: of the type of the column, or None where that cannot be.
CONVERTERS: dict[str, Callable[[object], object]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "numbers": _list_of(_number),
    "texts": _list_of(_text),
}
