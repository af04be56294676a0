"""Says what is odd about runs and results: a check for each kind of finding, which has a row in ``findings.yaml``.

No score depends on it. Source: sound results of all published rounds pass; ``docs/findings.md`` says how many do not.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from ..model import Doubt
from ..rounds.description import normal_division
from ..values import counted, first_of, share
from .convergence import global_batch_size, logged_quality, other_unit, speed_since_checkpoint
from .facts import UNKNOWN_DIVISION
from .review import is_factor_of, lacks_references, verdict_of
from .score import odd_time

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from ..model import Judged, Run, RunLog
    from ..tables.rules import Benchmark, Target

    #: Says what is odd about a result; its name is the code of what it finds.
    Check = Callable[[Judged], str | None]

#: So many logs are named; the report names the others with their minutes.
_NAMED_LOGS = 10
#: Training that starts so long before the end of initialisation was not started by what logged it.
_EARLIEST_START_MS = -60_000
_NUMBERS = re.compile(r"\d+")
#: What is about the file with the factor, where there is one.
_ABOUT_SCALING = ("invalid-scaling-file", "odd-scaling")


def doubts_of(judged: Judged, more: Sequence[Check]) -> Iterator[Doubt]:
    """What is odd about one result and its runs.

    Args:
        judged: the result.
        more: further checks, of results whose runs are their own.
    """
    score = judged.score
    cause, found = _common_cause(judged), [(score.code, score.reason)]
    if cause is None:
        yield from _iter_of_runs(judged)
    elif cause not in (score.reason or ""):  # that there is no score follows from what keeps every run from counting
        found = [(code_of(run_not_counted), f"{score.reason}; each: {cause}")]
    if judged.benchmark.key:
        of_result = _OF_RESULT if judged.is_repeat else (*_OF_RESULT, *more)
        found += [(code_of(check), check(judged)) for check in of_result]
    for code, what in found:
        if code and what:
            yield _doubt(judged, code, what)
    if judged.energy is not None:
        yield from judged.energy.doubts


def doubts_with(codes: Container[str], judged: Judged, more: Sequence[Check]) -> Iterator[Doubt]:
    """Of :func:`doubts_of`, those about the result as a whole that have some codes; nothing else is looked for."""
    for check in (*_OF_RESULT, *more) if judged.benchmark.key else ():
        if (code := code_of(check)) in codes and (what := check(judged)):
            yield _doubt(judged, code, what)


def _doubt(judged: Judged, code: str, what: str) -> Doubt:
    submission = judged.submission
    return Doubt(code, (code in _ABOUT_SCALING and submission.scaling) or submission.folder, what)


def _iter_of_runs(judged: Judged) -> Iterator[Doubt]:
    """What is odd about runs: one doubt for each cause, about the first log that has it, with the names of the others."""
    for check in _OF_RUN:
        alike: dict[str | None, list[tuple[RunLog, str]]] = defaultdict(list)
        for run in judged.runs:
            if what := check(run):
                alike[_kind(run)].append((run.log, what))
        for (log, what), *others in alike.values():
            more = f"; also in {first_of([other.name for other, _ in others], _NAMED_LOGS)}" if others else ""
            yield Doubt(code_of(check), log.path, f"{what}{more}")


def code_of(check: Callable[..., object]) -> str:
    """The code of what a check finds is its name."""
    return check.__name__.replace("_", "-")


def _common_cause(judged: Judged) -> str | None:
    """Why no run of a result counts, where that is the same for several, and not the factor of the review."""
    is_common = len(judged.runs) > 1 and len(set(map(_kind, judged.runs))) == 1
    return judged.runs[0].reason if is_common and judged.score.code != "invalid-scaling-file" else None


def _kind(run: Run) -> str | None:
    """Why a run does not count, without the numbers in it; None for one that does."""
    return run.reason and _NUMBERS.sub("", run.reason)


# Of one run


def run_not_counted(run: Run) -> str | None:
    return run.reason


def malformed_line(run: Run) -> str | None:
    """What of a log could not be read although its run counts."""
    log = run.log
    if run.reason is not None or not (log.two_records or log.malformed_lines):
        return None
    return log.two_records or f"{log.malformed}; {log.malformed_lines} in all"


# Of one result


def misnamed_folder(judged: Judged) -> str | None:
    folder, key = judged.submission.benchmark, judged.benchmark.key
    return f"{folder} is not a benchmark; imported as {key}, which all logs name" if folder not in (None, key) else None


def run_count(judged: Judged) -> str | None:
    count, asked = len(judged.runs), judged.benchmark.runs
    if asked is None or count == asked or (count > asked and judged.metric.surplus_runs):
        return None
    return f"{counted(count, 'log')}, the round asks for {asked}"


def unknown_division(judged: Judged) -> str | None:
    is_read = any(log.lines for log in judged.logs)  # where none is, that is the finding
    is_unknown = judged.division == UNKNOWN_DIVISION and is_read
    return "neither the description nor a log says closed or open" if is_unknown else None


def target_missed(judged: Judged) -> str | None:
    def why(run: Run) -> str | None:
        is_asked = run.log.succeeded and run.reason is None and _why_odd(run.log, judged.benchmark) is None
        return why_missed(run.log, judged.benchmark) if is_asked else None

    return _counted(judged, why, "say success although the last quality figure does not reach the target")


def why_missed(log: RunLog, benchmark: Benchmark) -> str | None:
    """Why the last quality figure of a run does not reach the target; None if it does."""
    for target in benchmark.targets:
        figure = logged_quality(log, benchmark, target)
        asked = f"{target.asked} is asked for"
        if figure is None:
            if any(evaluation.metric for evaluation in log.evaluations):
                return "at no point all figures reach their targets"
            return f"{'no figure' if not log.evaluations else 'a figure that is no number'}, {asked}"
        if not _is_met(target, figure):
            return f"{figure:g}, {asked}"
    return None


def _is_met(target: Target, figure: float) -> bool:
    """Whether a figure reaches the target with the precision in which it was computed: 21.799999237 is 21.8."""
    try:
        rounded, logged = struct.unpack("2f", struct.pack("2f", figure, target.logged))
    except OverflowError:
        return target.is_met(figure)
    return msgspec.structs.replace(target, logged=logged).is_met(rounded)


def several_runs(judged: Judged) -> str | None:
    return _counted(judged, _count_of_runs, "begin more than one run")


def _count_of_runs(run: Run) -> str | None:
    log = run.log
    if max(log.run_starts, log.run_stops, log.attempts) < 2:
        return None
    parts = [f"{log.run_starts} run_start and {log.run_stops} run_stop"]
    if log.attempts > 1:
        parts.append(f"initialisation began {log.attempts} times")
    if log.start_number is not None and log.stop_number is not None:
        parts.append(_with_minutes(f"run_start {log.start_number} and run_stop {log.stop_number} count", run))
    return "; ".join(parts)


def _with_minutes(text: str, run: Run) -> str:
    return text if run.minutes is None else f"{text}, {run.minutes:.2f} minutes"


def repeated_runs(judged: Judged) -> str | None:
    if not judged.repeated:
        return None
    sets = "; ".join(_named(names) for names in judged.repeated[:_NAMED_LOGS])
    count = sum(map(len, judged.repeated))
    return f"{share(count, len(judged.runs), 'log', 'repeat another log')}: {sets}"


def division_conflict(judged: Judged) -> str | None:
    described = judged.submission.system_record.division
    source = "the description says" if described else "the first log says"

    def other(run: Run) -> str | None:
        logged = normal_division(run.log.division)
        return logged if logged != judged.division else None

    return _counted(judged, other, f"name another division; {source} {judged.division}, which counts")


def log_mismatch(judged: Judged) -> str | None:
    key, aliases = judged.benchmark.key, judged.rules.aliases

    def other(run: Run) -> str | None:
        named = run.log.benchmark
        return _with_minutes(named, run) if named and aliases.get(named, named) != key else None

    return _counted(judged, other, f"name another benchmark than {key}, which all count as")


def odd_times(judged: Judged) -> str | None:
    what = "have times that are not milliseconds since 1970, so their minutes may be wrong"
    return _counted(judged, lambda run: odd_time(run.log), what)


def early_start(judged: Judged) -> str | None:
    return _counted(judged, _wait, "have a run_start more than a minute before init_stop")


def _wait(run: Run) -> str | None:
    start_ms, ready_ms = run.log.run_start_ms, run.log.init_stop_ms
    if start_ms is None or ready_ms is None or start_ms - ready_ms >= _EARLIEST_START_MS:
        return None
    return f"{(ready_ms - start_ms) / 60_000:.1f} minutes"


def progress_unit(judged: Judged) -> str | None:
    return None if judged.score.minutes is None else other_unit(judged)


def resumed_run(judged: Judged) -> str | None:
    def speed(run: Run) -> str | None:
        samples = speed_since_checkpoint(run.log, judged.benchmark)
        return None if samples is None else f"{samples:.5g} samples/s since the first evaluation"

    what = "begin with far more progress than they can have made since run_start, as after a checkpoint"
    return _counted(judged, speed, what)


def odd_quality(judged: Judged) -> str | None:
    def why(run: Run) -> str | None:
        return _why_odd(run.log, judged.benchmark) if run.log.succeeded and run.reason is None else None

    return _counted(judged, why, "converged with a quality that its metric cannot have; it is left out")


def _why_odd(log: RunLog, benchmark: Benchmark) -> str | None:
    for target in benchmark.targets:
        figure = logged_quality(log, benchmark, target)
        if figure is not None and (why := target.why_odd(figure)) is not None:
            return f"{figure:g} {target.metric}: {why}"
    return None


def rcp_fail(judged: Judged) -> str | None:
    verdict, progress, factor = judged.verdict, judged.benchmark.progress, judged.scaling_factor
    if verdict is None or progress is None or verdict.name != "fail":
        return None
    means = f"{verdict.mean:.10g}, at least {verdict.least_acceptable:.10g} at batch size {global_batch_size(judged):.10g}"
    what = f"converged with fewer {progress.unit} than the reference points allow ({means})"
    was = "was" if is_factor_of(verdict, factor) else "was not"
    return what if verdict.factor is None else f"{what}; the score {was} multiplied by the factor {verdict.factor:.6g}"


def rcp_missing(judged: Judged) -> str | None:
    verdict = judged.verdict
    if judged.score.minutes is not None and lacks_references(judged):
        return f"the references of {judged.benchmark.key} end before round {judged.round.version}"
    if verdict is None or verdict.name != "missing":
        return None
    is_larger = verdict.reference is None
    where = "larger than all" if is_larger else "smaller than all, and it converged faster than the smallest may"
    return f"no reference for batch size {global_batch_size(judged):.10g}, which is {where}"


def odd_scaling(judged: Judged) -> str | None:
    factor, verdict, reviewed = judged.scaling_factor, judged.verdict, judged.benchmark.rcp_reviewed
    if factor is None or judged.score.minutes is None:
        return None
    if verdict is not None and verdict.factor is not None and not is_factor_of(verdict, factor):
        if reviewed and is_factor_of(verdict_of(judged, reviewed), factor):
            return None
        return f"scaling_factor is {factor:.6g}; by the reference convergence points it would be {verdict.factor:.6g}"
    return f"scaling_factor is {factor:.6g}; no review makes a result faster" if factor < 1 else None


#: Checks of one run: what is odd about it, which is said of its log.
_OF_RUN: tuple[Callable[[Run], str | None], ...] = (
    run_not_counted,
    malformed_line,
)
#: Checks of one result: what is odd about it, which is said of its folder.
_OF_RESULT: tuple[Check, ...] = (
    misnamed_folder,
    run_count,
    unknown_division,
    target_missed,
    several_runs,
    repeated_runs,
    division_conflict,
    log_mismatch,
    odd_times,
    early_start,
    progress_unit,
    resumed_run,
    odd_quality,
    rcp_fail,
    rcp_missing,
    odd_scaling,
)


def _counted(judged: Judged, why: Callable[[Run], str | None], what: str) -> str | None:
    """``3 of 10 logs <what>: result_0.txt (<why>), result_1.txt, result_2.txt``; None where nothing is odd."""
    odd = {run.log.name: reason for run in judged.runs if (reason := why(run))}
    if not odd:
        return None
    return f"{share(len(odd), len(judged.runs), 'log', what)}: {_named(list(odd), next(iter(odd.values())))}"


def _named(names: Sequence[str], why: str | None = None) -> str:
    """Names of logs, the first with what is wrong with it."""
    first, *others = names
    return first_of([f"{first} ({why})" if why else first, *others], _NAMED_LOGS)
