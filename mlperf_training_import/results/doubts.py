"""Says what is odd about a submission: its judged runs in, findings out. No score depends on it.

Source: sound results of all published rounds pass; ``docs/findings.md`` says how many do not.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from ..regular import open_regular
from ..rounds.description import normal_division
from ..values import first_of
from .convergence import logged_quality
from .score import odd_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ..findings import Report
    from ..model import LogFile, Run, RunLog, Submission
    from ..tables.rules import Benchmark, Target

#: So many logs are named; the report names the others with their minutes.
_NAMED_LOGS = 10
#: Training that starts so long before the end of initialisation was not started by what logged it.
_EARLIEST_START_MS = -60_000


class Case(NamedTuple):
    """What is looked at: a submission, what its benchmark asks for, its runs in the order of its logs.

    ``aliases`` are other names of benchmarks in the round, which lies in ``root``.
    """

    submission: Submission
    benchmark: Benchmark
    runs: Sequence[Run]
    aliases: Mapping[str, str]
    root: Path


def report_doubts(case: Case, report: Report) -> None:
    """Reports what is odd: at most one finding of a kind, with the number of logs and their names."""
    for code, check in _CHECKS.items():
        if what := check(case):
            report(code, case.submission.folder, what)


def _target_missed(case: Case) -> str | None:
    successes = [run.log for run in case.runs if run.log.succeeded and run.reason is None]
    missed = {log.name: why for log in successes if (why := _why_missed(log, case.benchmark))}
    return _counted(case, missed, "say success although the last quality figure does not reach the target")


def _why_missed(log: RunLog, benchmark: Benchmark) -> str | None:
    for target in benchmark.targets:
        figure = logged_quality(log, benchmark, target)
        asked = f"{'at most' if target.lower_is_better else 'at least'} {target.logged:g} is asked for"
        if figure is None:
            several = any(evaluation.metric for evaluation in log.evaluations)
            if several:
                return "at no point all figures reach their targets"
            return f"{'no figure' if not log.evaluations else 'a figure that is no number'}, {asked}"
        if not _is_met(target, figure):
            return f"{figure:g}, {asked}"
    return None


def _is_met(target: Target, figure: float) -> bool:
    """Whether a figure reaches the target with the precision in which it was computed: 21.799999237 is 21.8."""
    try:
        (rounded,) = struct.unpack("f", struct.pack("f", figure))
        (logged,) = struct.unpack("f", struct.pack("f", target.logged))
    except OverflowError:
        return target.is_met(figure)
    return bool(rounded <= logged if target.lower_is_better else rounded >= logged)


def _several_runs(case: Case) -> str | None:
    several = {run.log.name: text for run in case.runs if (text := _count_of_runs(run))}
    return _counted(case, several, "begin more than one run")


def _count_of_runs(run: Run) -> str | None:
    log = run.log
    if max(log.run_starts, log.run_stops, log.attempts) < 2:
        return None
    parts = [f"{log.run_starts} run_start and {log.run_stops} run_stop"]
    if log.attempts > 1:
        parts.append(f"initialisation began {log.attempts} times")
    if log.start_number is not None and log.stop_number is not None:
        minutes = f", {run.minutes:.2f} minutes" if run.minutes is not None else ""
        parts.append(f"run_start {log.start_number} and run_stop {log.stop_number} were taken{minutes}")
    return "; ".join(parts)


def _repeated_runs(case: Case) -> str | None:
    groups: dict[object, list[LogFile]] = defaultdict(list)
    for file, run in zip(case.submission.logs, case.runs, strict=True):
        if run.log.run_start_ms is not None and run.log.run_stop_ms is not None:
            groups[run.log.run_start_ms, run.log.run_stop_ms].append(file)
        elif run.log.lines:
            groups[file.size, _without_path(run.log)].append(file)
    repeated = [files for files in groups.values() if len(files) > 1]
    if not case.submission.metric.equal_times_repeat:
        repeated = [same for files in repeated for same in _with_equal_bytes(case.root, files)]
    if not repeated:
        return None
    sets = "; ".join(_named([file.name for file in files]) for files in repeated[:_NAMED_LOGS])
    count = sum(map(len, repeated))
    return f"{count} of {len(case.runs)} logs are of no run of their own, but the same as another: {sets}"


def _with_equal_bytes(root: Path, files: Sequence[LogFile]) -> list[list[LogFile]]:
    groups: dict[bytes, list[LogFile]] = defaultdict(list)
    for file in files:
        # one that cannot be read is no run of which anything is known
        with contextlib.suppress(OSError), open_regular(root / file.path) as stream:
            content = hashlib.sha256()
            while chunk := stream.read(1 << 20):
                content.update(chunk)
            groups[content.digest()].append(file)
    return [same for same in groups.values() if len(same) > 1]


def _without_path(log: RunLog) -> tuple[object, ...]:
    return tuple(str(getattr(log, name)) for name in log.__struct_fields__ if name != "path")


def _division_conflict(case: Case) -> str | None:
    logged = {run.log.name: division for run in case.runs if (division := normal_division(run.log.division))}
    described = case.submission.system_record.division
    taken = described or next(iter(logged.values()), None)
    others = {path: division for path, division in logged.items() if division != taken}
    source = "the description says" if described else "the first log says"
    return _counted(case, others, f"name another division; {source} {taken}, which counts")


def _log_mismatch(case: Case) -> str | None:
    others = {}
    for run in case.runs:
        named = run.log.benchmark
        if named and case.aliases.get(named, named) != case.benchmark.key:
            others[run.log.name] = named if run.minutes is None else f"{named}, {run.minutes:.2f} minutes"
    return _counted(case, others, f"name another benchmark than {case.benchmark.key}, as which they count")


def _odd_times(case: Case) -> str | None:
    odd = {run.log.name: why for run in case.runs if (why := odd_time(run.log))}
    return _counted(case, odd, "have times that are no milliseconds since 1970, so their minutes may be wrong")


def _early_start(case: Case) -> str | None:
    early = {
        run.log.name: f"{-wait / 60_000:.1f} minutes"
        for run in case.runs
        if (wait := _wait_ms(run.log)) < _EARLIEST_START_MS
    }
    return _counted(case, early, "have a run_start more than a minute before init_stop")


def _wait_ms(log: RunLog) -> float:
    """Milliseconds from the end of initialisation to the start of the run; 0 where one of them is not known."""
    return 0.0 if log.init_stop_ms is None or log.run_start_ms is None else log.run_start_ms - log.init_stop_ms


_CHECKS: dict[str, Callable[[Case], str | None]] = {
    "target-missed": _target_missed,
    "several-runs": _several_runs,
    "repeated-runs": _repeated_runs,
    "division-conflict": _division_conflict,
    "log-mismatch": _log_mismatch,
    "odd-times": _odd_times,
    "early-start": _early_start,
}


def _counted(case: Case, odd: dict[str, str], what: str) -> str | None:
    """``3 of 10 logs <what>: result_0.txt (<why>), result_1.txt, result_2.txt``; None where nothing is odd."""
    if not odd:
        return None
    why = next(iter(odd.values()))
    return f"{len(odd)} of {len(case.runs)} logs {what}: {_named(list(odd), why)}"


def _named(names: Sequence[str], why: str | None = None) -> str:
    """Names of logs, the first with what is wrong with it."""
    first, *others = names
    return first_of([f"{first} ({why})" if why else first, *others], _NAMED_LOGS)
