"""Judges the runs of a submission and computes its score: run logs in, minutes or a reason out.

Source: the published rules of MLPerf Training and MLPerf HPC (training_rules.adoc and hpc_training_rules.adoc in
mlcommons/training_policies, "Benchmark results"), as README words them under "How a score is made".
"""

from __future__ import annotations

from datetime import datetime, timezone
from operator import attrgetter
from typing import TYPE_CHECKING

from ..model import Run, RunLog, Score
from ..rounds.description import normal_division
from ..tables.rules import clock_limits_ms
from ..values import MS_PER_MINUTE, add_up, all_known, counted, finite_number, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..tables.rules import Benchmark, Rules, Target

#: The code of a reason why a run does not count, and the reason for people.
_Why = tuple[str, str]
#: A microsecond, and 300 years: wide enough for every time that is written by hand.
_SHORTEST_MS, _LONGEST_MS = 1e-3, 1e13

#: Units in which clocks count that do not count milliseconds: so many of them are one.
_UNITS = (("seconds", 1e3), ("microseconds", 1e-3), ("nanoseconds", 1e-6))


def judge(log: RunLog, rules: Rules, targets: Sequence[Target] = ()) -> Run:
    """Whether a run counts, and its minutes if it does.

    Args:
        log: what it says.
        rules: those of the round.
        targets: of the benchmark, for rounds in which they say whether a run converged.
    """
    why = _why_not_to_count(log, rules, targets)
    return Run(log, duration_ms(log) / 60 / 1000) if why is None else Run(log, code=why[0], reason=why[1])


def duration_ms(log: RunLog) -> float:
    """Milliseconds from start to stop of a run that counts.

    Raises:
        ValueError: the log has no start or no stop.
    """
    if log.elapsed_ms is not None:
        return log.elapsed_ms
    if log.run_start_ms is None or log.run_stop_ms is None:
        raise ValueError(f"{log.path}: no duration")
    return log.run_stop_ms - log.run_start_ms


def _why_not_to_count(log: RunLog, rules: Rules, targets: Sequence[Target]) -> _Why | None:
    if log.trouble is not None:
        return "unreadable", log.trouble
    if log.malformed_lines and rules.dialect.strict:
        more = f" (and {log.malformed_lines - 1} more)" if log.malformed_lines > 1 else ""
        return "malformed-lines", f"malformed {log.malformed}{more}"
    if log.elapsed_ms is not None:
        if log.elapsed_ms > 0:
            return _why_of_duration(log)
        return "impossible-duration", "the logged duration is not above 0"
    if log.lines == 0:
        return "no-lines", log.no_lines or "no log lines"
    if log.run_start_ms is None or log.run_stop_ms is None:
        code, missing = (
            ("no-start", "no run_start") if log.run_start_ms is None else ("no-stop", "no run_stop after the run_start")
        )
        return code, f"{missing}; {log.two_records}" if log.two_records else missing
    if log.run_stop_ms <= log.run_start_ms:
        return "impossible-duration", "run_stop is not later than run_start"
    by_target = rules.converged_by == "target" and targets
    return (
        (_why_of_quality(log, targets[0]) if by_target else _why_of_status(log))
        or _why_of_duration(log)
        or _why_of_initialisation(log, rules)
    )


def _why_of_status(log: RunLog) -> _Why | None:
    return None if log.succeeded else ("not-converged", f"status of run_stop is {log.status or 'missing'}")


def _why_of_quality(log: RunLog, target: Target) -> _Why | None:
    value = finite_number(log.evaluations[-1].value) if log.evaluations else None
    if value is None:
        return "not-converged", "no quality figure before run_stop"
    if target.is_met(value):
        return None
    return "not-converged", f"the last quality figure {value} misses the target {target.logged}"


def _why_of_duration(log: RunLog) -> _Why | None:
    """Keeps out numbers with which nothing can be computed: made up of 1e308, or so small that they become 0."""
    if _SHORTEST_MS <= duration_ms(log) <= _LONGEST_MS:
        return None
    return "impossible-duration", _with_odd_time("no run can have this duration", log)


def _why_of_initialisation(log: RunLog, rules: Rules) -> _Why | None:
    limit = rules.init_limits.get(log.benchmark or "", rules.init_limit_minutes)
    if normal_division(log.division) == "open":
        limit = rules.init_limit_minutes_open
    if limit is None or log.init_start_ms is None or log.init_stop_ms is None:
        return None
    if log.init_stop_ms - log.init_start_ms < limit * MS_PER_MINUTE:
        return None
    return "slow-initialisation", _with_odd_time(f"initialisation took {limit} minutes or more", log)


def _with_odd_time(reason: str, log: RunLog) -> str:
    """A reason that assumes milliseconds, with what speaks against that."""
    odd = odd_time(log)
    return f"{reason}, if the clock counts milliseconds; {odd}" if odd and " it would be " in odd else reason


def odd_time(log: RunLog) -> str | None:
    """What is wrong with start or stop of a run as milliseconds since 1970, None if nothing is.

    It does not tell the unit: ten digits may be seconds, or a start in seconds to which milliseconds were added.
    """
    earliest, latest = clock_limits_ms()
    if log.elapsed_ms is not None or log.counts_seconds or log.run_start_ms is None or log.run_stop_ms is None:
        return None
    odd = next((ms for ms in (log.run_start_ms, log.run_stop_ms) if not earliest <= ms <= latest), None)
    if odd is None:
        return None
    others = (
        f"in {unit} it would be {_date(odd * factor)}" for unit, factor in _UNITS if earliest <= odd * factor <= latest
    )
    return "; ".join((f"the time {odd:.0f} is {_date(odd)} in milliseconds since 1970", *others))


def _date(time_ms: float) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ms / 1000, timezone.utc):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return "no date"


def mean_of_kept(runs: Sequence[Run], benchmark: Benchmark, scaling_factor: float | None = None) -> Score:
    """The mean of the counted minutes without the fastest and slowest runs.

    Args:
        runs: one judged run per log, in the order of the log names.
        benchmark: how many runs are dropped at each end, and whether only the first few that count are scored.
        scaling_factor: what the review committee multiplied the result by, None for nothing.

    Returns:
        A score whose ``minutes`` is None, with code and reason, where too many runs do not count or none is left.
    """
    good = [run for run in runs if run.minutes is not None]
    failed = len(runs) - len(good)
    if benchmark.scored is not None:
        # The first so many runs that converge make the result; those that failed on the way cost nothing.
        good, failed = good[: benchmark.scored], 0
    if failed > benchmark.drop:
        reason = f"{share(failed, len(runs), 'run', 'do not count')}, {benchmark.drop} may"
        return Score(code="too-many-failed-runs", reason=reason)
    ordered = fastest_first(good)
    kept = ordered[benchmark.drop : len(ordered) - (benchmark.drop - failed)]
    if not kept:
        return Score(code="too-few-runs", reason=f"{counted(len(runs), 'log')}, none left to score")
    minutes = mean(minutes_of(kept)) * (scaling_factor or 1)
    seconds = mean([duration_ms(run.log) / 1000 for run in kept])
    return Score(minutes, kept=tuple(kept), value=minutes, seconds=seconds)


def models_per_minute(runs: Sequence[Run], benchmark: Benchmark, _scaling_factor: float | None = None) -> Score:
    """The time that all instances together took for the models that they trained.

    Every run that counts is an instance, and none is dropped.

    Args:
        runs: one judged run per log, in the order of the log names.
        benchmark: how many of them must count at least.

    Returns:
        A score whose ``minutes`` is None, with code and reason, where fewer count.
    """
    kept = fastest_first(runs)
    least = benchmark.runs or 1
    if len(kept) < least:
        reason = f"{share(len(kept), len(runs), 'run', 'count')}, the round asks for {least} or more"
        return Score(code="too-few-runs", reason=reason)
    starts = [run.log.run_start_ms for run in kept if run.log.run_start_ms is not None]
    stops = [run.log.run_stop_ms for run in kept if run.log.run_stop_ms is not None]
    whole = (max(stops) - min(starts)) / 60 / 1000
    minutes = whole / len(kept)
    figures = {"models_trained": len(kept), "minutes_to_train_all": whole}
    return Score(minutes, kept=tuple(kept), value=len(kept) / whole, seconds=minutes * 60, figures=figures)


#: How runs become a score, by the names of ``tables/metrics.yaml``.
SCORINGS: dict[str, Callable[[Sequence[Run], Benchmark, float | None], Score]] = {
    function.__name__: function for function in (mean_of_kept, models_per_minute)
}


def fastest_first(runs: Iterable[Run]) -> list[Run]:
    """The runs that count, by their minutes; equal ones stay in the order of the log names."""
    return sorted((run for run in runs if run.minutes is not None), key=attrgetter("minutes"))


def minutes_of(runs: Iterable[Run]) -> list[float]:
    """The minutes of the runs that count."""
    return [run.minutes for run in runs if run.minutes is not None]


def known_mean(values: Iterable[float | None]) -> float | None:
    """The mean; None where one of the values is not known."""
    known = all_known(values)
    return None if known is None else mean(known)


def mean(values: Sequence[float]) -> float:
    """The mean, adding from left to right."""
    return add_up(values) / len(values)
