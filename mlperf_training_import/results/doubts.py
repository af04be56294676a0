"""Says what is odd about runs, results and rounds: a check for each kind of finding, which has a row in ``findings.yaml``.

No score depends on it. Source: sound results of all published rounds pass; ``docs/findings.md`` says how many do not.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..findings import Finding
from ..model import Doubt, Judged, Run
from ..rounds.description import normal_division
from ..tables.editions import edition_of
from ..tables.files import place_to_extend
from ..tables.names import row_to_add
from ..tables.rules import BENCHMARKS_FILE, ROUNDS_FILE, known_benchmarks
from ..values import first_of
from .convergence import global_batch_size, logged_quality, other_unit
from .facts import UNKNOWN_DIVISION
from .names import name_keys
from .score import odd_time

if TYPE_CHECKING:
    from ..model import Round, RunLog
    from ..tables.rules import Benchmark, Rules, Target

#: So many logs are named; the report names the others with their minutes.
_NAMED_LOGS = 10
#: Training that starts so long before the end of initialisation was not started by what logged it.
_EARLIEST_START_MS = -60_000
#: A scaling factor that differs by more is another one than that of the reference.
_FACTOR_TOLERANCE = 1e-3
#: More of a spelling is not shown.
_LONGEST_SPELLING = 120
#: What is about the file with the factor, where there is one.
_ABOUT_SCALING = ("invalid-scaling-file", "odd-scaling")

_Check = TypeVar("_Check", bound=Callable[..., object])
#: Checks of one run: what is odd about it, which is said of its log.
_OF_RUN: dict[str, Callable[[Run], str | None]] = {}
#: Checks of one result: what is odd about it, which is said of its folder.
_OF_RESULT: dict[str, Callable[[Judged], str | None]] = {}
#: Checks of a whole round: places, and what is odd about them.
_OF_ROUND: dict[str, Callable[[Rules, Sequence[Judged]], Iterator[tuple[str, str]]]] = {}


def doubts_of(judged: Judged) -> Iterator[Doubt]:
    """What is odd about one result and its runs."""
    folder, score = judged.submission.folder, judged.score
    yield from (
        Doubt(code, run.log.path, what) for run in judged.runs for code, check in _OF_RUN.items() if (what := check(run))
    )
    found = [(score.code, score.reason)]
    if judged.benchmark.key:
        found += [(code, check(judged)) for code, check in _OF_RESULT.items()]
    for code, what in found:
        if code and what:
            yield Doubt(code, (code in _ABOUT_SCALING and judged.submission.scaling) or folder, what)
    if judged.energy is not None:
        yield from judged.energy.doubts


def iter_findings(round_: Round, rules: Rules, results: Sequence[Judged]) -> Iterator[Finding]:
    """All that is to be said about the results of a round, and about the round as a whole."""
    for judged in results:
        for doubt in judged.doubts:
            yield Finding(doubt.code, round_.label, doubt.where, doubt.what, judged.submission.folder)
    for code, check in _OF_ROUND.items():
        yield from (Finding(code, round_.label, where, what) for where, what in check(rules, results))


def _check(checks: dict[str, _Check], code: str) -> Callable[[_Check], _Check]:
    """Registers a check under the code of what it finds."""

    def register(check: _Check) -> _Check:
        checks[code] = check
        return check

    return register


# Of one run


@_check(_OF_RUN, "run-not-counted")
def _not_counted(run: Run) -> str | None:
    return run.reason


@_check(_OF_RUN, "malformed-line")
def _malformed_line(run: Run) -> str | None:
    """What of a log could not be read although its run counts."""
    log = run.log
    if run.reason is not None or not (log.two_records or log.malformed_lines):
        return None
    return log.two_records or f"{log.malformed}; {log.malformed_lines} in all"


# Of one result


@_check(_OF_RESULT, "misnamed-folder")
def _misnamed_folder(judged: Judged) -> str | None:
    folder, key = judged.submission.benchmark, judged.benchmark.key
    return f"{folder} is no benchmark, and all logs say {key}; imported as {key}" if folder not in (None, key) else None


@_check(_OF_RESULT, "run-count")
def _run_count(judged: Judged) -> str | None:
    count, asked = len(judged.runs), judged.benchmark.runs
    if asked is None or count == asked or (count > asked and judged.metric.surplus_runs):
        return None
    return f"{count} logs, the round asks for {asked}"


@_check(_OF_RESULT, "unknown-division")
def _unknown_division(judged: Judged) -> str | None:
    is_known = judged.division != UNKNOWN_DIVISION
    return None if is_known else "neither the description nor a log says closed or open"


@_check(_OF_RESULT, "target-missed")
def _target_missed(judged: Judged) -> str | None:
    successes = [run.log for run in judged.runs if run.log.succeeded and run.reason is None]
    missed = {log.name: why for log in successes if (why := _why_missed(log, judged.benchmark))}
    return _counted(judged, missed, "say success although the last quality figure does not reach the target")


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


@_check(_OF_RESULT, "several-runs")
def _several_runs(judged: Judged) -> str | None:
    several = {run.log.name: text for run in judged.runs if (text := _count_of_runs(run))}
    return _counted(judged, several, "begin more than one run")


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


@_check(_OF_RESULT, "repeated-runs")
def _repeated_runs(judged: Judged) -> str | None:
    if not judged.repeated:
        return None
    sets = "; ".join(_named(names) for names in judged.repeated[:_NAMED_LOGS])
    count = sum(map(len, judged.repeated))
    return f"{count} of {len(judged.runs)} logs are of no run of their own, but the same as another: {sets}"


@_check(_OF_RESULT, "division-conflict")
def _division_conflict(judged: Judged) -> str | None:
    logged = {run.log.name: division for run in judged.runs if (division := normal_division(run.log.division))}
    described = judged.submission.system_record.division
    taken = described or next(iter(logged.values()), None)
    others = {path: division for path, division in logged.items() if division != taken}
    source = "the description says" if described else "the first log says"
    return _counted(judged, others, f"name another division; {source} {taken}, which counts")


@_check(_OF_RESULT, "log-mismatch")
def _log_mismatch(judged: Judged) -> str | None:
    others = {}
    for run in judged.runs:
        named = run.log.benchmark
        if named and judged.rules.aliases.get(named, named) != judged.benchmark.key:
            others[run.log.name] = named if run.minutes is None else f"{named}, {run.minutes:.2f} minutes"
    return _counted(judged, others, f"name another benchmark than {judged.benchmark.key}, as which they count")


@_check(_OF_RESULT, "odd-times")
def _odd_times(judged: Judged) -> str | None:
    odd = {run.log.name: why for run in judged.runs if (why := odd_time(run.log))}
    return _counted(judged, odd, "have times that are no milliseconds since 1970, so their minutes may be wrong")


@_check(_OF_RESULT, "early-start")
def _early_start(judged: Judged) -> str | None:
    early = {
        run.log.name: f"{-wait / 60_000:.1f} minutes"
        for run in judged.runs
        if (wait := _wait_ms(run.log)) < _EARLIEST_START_MS
    }
    return _counted(judged, early, "have a run_start more than a minute before init_stop")


def _wait_ms(log: RunLog) -> float:
    """Milliseconds from the end of initialisation to the start of the run; 0 where one of them is not known."""
    return 0.0 if log.init_stop_ms is None or log.run_start_ms is None else log.run_start_ms - log.init_stop_ms


@_check(_OF_RESULT, "progress-unit")
def _progress_unit(judged: Judged) -> str | None:
    return None if judged.score.minutes is None else other_unit(judged)


@_check(_OF_RESULT, "rcp-fail")
def _rcp_fail(judged: Judged) -> str | None:
    verdict, progress = judged.verdict, judged.benchmark.progress
    if verdict is None or progress is None or verdict.name != "fail":
        return None
    batch_size = f"the least at batch size {global_batch_size(judged):.10g}"
    return f"converged in fewer than {verdict.least_acceptable:.10g} {progress.unit}, {batch_size}"


@_check(_OF_RESULT, "rcp-missing")
def _rcp_missing(judged: Judged) -> str | None:
    verdict = judged.verdict
    if verdict is None or verdict.name != "missing":
        return None
    is_larger = verdict.reference is None
    where = "larger than all" if is_larger else "smaller than all, and it converged faster than the smallest may"
    return f"no reference for batch size {global_batch_size(judged):.10g}, which is {where}"


@_check(_OF_RESULT, "odd-scaling")
def _odd_scaling(judged: Judged) -> str | None:
    factor = judged.score.scaling_factor
    expected = judged.verdict.factor if judged.verdict is not None else None
    if factor is not None and expected is not None and abs(factor - expected) > _FACTOR_TOLERANCE:
        return f"scaling_factor is {factor:.6g}; by the reference convergence points it would be {expected:.6g}"
    return f"scaling_factor is {factor:.6g}; no review makes a result faster" if factor is not None and factor < 1 else None


# Of a whole round


@_check(_OF_ROUND, "unknown-round")
def _unknown_round(rules: Rules, _results: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    if not rules.known:
        what = f"round {rules.version} is not in the table; imported by the last rules"
        yield place_to_extend(ROUNDS_FILE, "rounds"), what


@_check(_OF_ROUND, "unknown-benchmark")
def _unknown_benchmark(rules: Rules, results: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    for key, judged in _first_of_each_benchmark(results).items():
        if not judged.benchmark.known:
            place, what = place_to_extend(BENCHMARKS_FILE), f"benchmark {key} is not in the table"
            if key in known_benchmarks():
                place = place_to_extend(ROUNDS_FILE, "rounds", rules.version)
                what = f"benchmark {key} is not listed for round {rules.version}"
            yield place, f"{what}; imported without a target (first seen in {judged.submission.folder})"


@_check(_OF_ROUND, "new-edition")
def _new_edition(rules: Rules, results: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    for key in _first_of_each_benchmark(results):
        edition = edition_of(key, rules.version)
        if edition is not None and not edition.known:
            what = f"{key} is not compared with earlier rounds: no edition of the table has round {rules.version}"
            yield place_to_extend(BENCHMARKS_FILE, row=key), what


def _first_of_each_benchmark(results: Sequence[Judged]) -> dict[str, Judged]:
    return {judged.benchmark.key: judged for judged in reversed(results) if judged.benchmark.key}


@_check(_OF_ROUND, "unknown-name")
def _unknown_name(_rules: Rules, results: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    first: dict[tuple[str, str], str] = {}
    for judged in results:
        submission = judged.submission
        if judged.benchmark.key:
            for name in name_keys(submission.system_record, submission.submitter, submission.system)[1]:
                first.setdefault((name.kind, name.spelling), submission.folder)
    for (kind, spelling), folder in first.items():
        place, row = row_to_add(kind, spelling[:_LONGEST_SPELLING])
        what = f"{kind} {spelling[:_LONGEST_SPELLING]} is not in the table (first seen in {folder}); to be added: {row}"
        yield place, what


@_check(_OF_ROUND, "stray-logs")
def _same_result(_rules: Rules, results: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    taken: dict[object, Judged] = {}
    for judged in results:
        if judged.score.minutes is not None and (other := taken.setdefault(judged.identity, judged)) is not judged:
            yield judged.submission.folder, f"is the same result as {other.submission.folder}, which was taken"


def _counted(judged: Judged, odd: dict[str, str], what: str) -> str | None:
    """``3 of 10 logs <what>: result_0.txt (<why>), result_1.txt, result_2.txt``; None where nothing is odd."""
    if not odd:
        return None
    why = next(iter(odd.values()))
    return f"{len(odd)} of {len(judged.runs)} logs {what}: {_named(list(odd), why)}"


def _named(names: Sequence[str], why: str | None = None) -> str:
    """Names of logs, the first with what is wrong with it."""
    first, *others = names
    return first_of([f"{first} ({why})" if why else first, *others], _NAMED_LOGS)
