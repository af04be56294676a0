"""Reads and scores one round: its submissions in, results with their entries out. Needs no Collective Mind."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..findings import Finding, reporter
from ..logs.cache import LogCache
from ..logs.workers import Job
from ..outcome import RoundOutcome
from ..tables.rules import benchmark_of, known_benchmarks, rules_of
from ..values import LARGEST_LOG_MB
from .assess import Assessor
from .compare import compare
from .convergence import report_other_unit
from .energy import measure
from .entry import make_entry
from .metrics import metrics_of
from .review import review
from .score import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..model import LogFile, PowerLog, Result, Round, Run, RunLog, Submission
    from ..options import Filter
    from ..tables.rules import Rules


def read_round(
    round_: Round,
    submissions: Sequence[Submission],
    wanted: Filter,
    findings: list[Finding],
    advance: Callable[[int], None] = lambda _: None,
    largest_mb: int = LARGEST_LOG_MB,
    beside: Sequence[Mapping[str, Any]] = (),
    *,
    with_details: bool = False,
    cache: LogCache | None = None,
) -> RoundOutcome:
    """Reads the logs of a round's submissions and scores those that are wanted. Needs no Collective Mind.

    Where only some submitters are wanted, the others are read for comparison: a place among some results of a round would
    be another one than among all. Of one submitter's folder alone the results have places among those of others only if
    these are given, as stored entries (``beside``). A log of more than ``largest_mb`` megabytes is not read. What only the
    data set needs is kept ``with_details``. Of what the ``cache`` remembers nothing is read.
    """
    cache = LogCache() if cache is None else cache
    read = [s for s in submissions if _is_wanted(s, wanted)]
    runs: dict[str, tuple[Run, ...]] = {}
    details: dict[str, bytes] | None = {} if with_details else None
    results = score_submissions(round_, read, wanted, findings, advance, largest_mb, runs, details, cache=cache)
    of_all = replace(wanted, submitters=frozenset())
    others = [s for s in submissions if _is_wanted(s, of_all) and not _is_wanted(s, wanted)]
    compared = [*results, *score_submissions(round_, others, of_all, [], advance, largest_mb, cache=cache)]
    cache.keep(file.path for submission in submissions for log in submission.logs for file in _files_of(submission, log))
    if round_.only is None or beside:
        for result, comparison in zip(compared, compare([result.entry for result in compared], beside), strict=True):
            result.entry.update(comparison)
    return RoundOutcome(round_, tuple(submissions), tuple(read), tuple(results), runs, details or {})


def score_submissions(
    round_: Round,
    submissions: Sequence[Submission],
    wanted: Filter,
    findings: list[Finding],
    advance: Callable[[int], None],
    largest_mb: int,
    runs: dict[str, tuple[Run, ...]] | None = None,
    details: dict[str, bytes] | None = None,
    *,
    cache: LogCache,
) -> list[Result]:
    """The wanted results among those of some submissions, with their entries.

    ``runs`` takes what was judged, by folder; ``details`` what only the data set needs, packed, by log, and read only then.
    """

    report = reporter(findings, round_.label)
    rules = rules_of(round_.version)
    jobs = list(_iter_jobs(round_, submissions, rules, largest_mb, with_details=details is not None))
    assessor = Assessor(round_, rules, findings, {} if runs is None else runs)
    results: dict[tuple[Any, ...], Result] = {}
    with closing(cache.iter_runs(jobs, advance)) as read:
        for submission in submissions:
            of_submission = list(islice(read, len(submission.logs)))
            result = assessor.assess(submission, [run.log for run in of_submission])
            if details is not None:
                details |= {run.log.path: run.details for run in of_submission if run.details is not None}
            if result is None or result.score.minutes is None:
                continue
            if not wanted.wants(submission.submitter, result.benchmark, result.division):
                continue
            if submission.power is not None:
                power_logs: dict[str, PowerLog] = {}
                for run in of_submission:
                    power_logs |= run.power
                result = replace(result, energy=measure(submission, result.score, power_logs, report))
            benchmark = benchmark_of(result.benchmark, round_.version)
            report_other_unit(result, benchmark, report)
            figures = metrics_of(result, benchmark) | review(result, benchmark, report)
            result.entry.update(make_entry(result, benchmark, figures))
            if results.setdefault(result.identity, result) is not result:
                what = f"is the same result as {results[result.identity].submission.folder}, which was taken"
                report("stray-logs", submission.folder, what)
    return list(results.values())


def _iter_jobs(
    round_: Round, submissions: Sequence[Submission], rules: Rules, largest_mb: int, *, with_details: bool
) -> Iterator[Job]:
    """What is to be read of some submissions: a job for each log, in their order."""
    # where targets decide whether a run counts, they are known only when all logs of the submission are
    counts = None if rules.converged_by == "target" else partial(_counts, rules)
    for submission in submissions:
        key = submission.benchmark or ""
        common = (rules.elapsed.get(key), largest_mb, benchmark_of(key, round_.version).quality)
        for log in submission.logs:
            power = _power_of(submission, log)
            yield Job(round_.path, log, rules.dialect, *common, power, counts, with_details=with_details)


def bytes_to_read(submissions: Sequence[Submission], wanted: Filter) -> int:
    """Size of the logs that :func:`read_round` reads, those for comparison too."""
    of_all = replace(wanted, submitters=frozenset())
    return sum(
        file.size
        for submission in submissions
        if _is_wanted(submission, of_all)
        for log in submission.logs
        for file in _files_of(submission, log)
    )


def _files_of(submission: Submission, log: LogFile) -> tuple[LogFile, ...]:
    """All that is read of a run."""
    return (log, *_power_of(submission, log))


def _power_of(submission: Submission, log: LogFile) -> tuple[LogFile, ...]:
    """The power logs of the run that a log is about."""
    return submission.power.get(log.name.removesuffix(".txt"), ()) if submission.power else ()


def _counts(rules: Rules, log: RunLog) -> bool:
    return judge(log, rules).reason is None


def _is_wanted(submission: Submission, wanted: Filter) -> bool:
    """As far as it is known before the logs are read; those of a folder that is no benchmark may name one."""
    benchmark = submission.benchmark if submission.benchmark in known_benchmarks() | wanted.benchmarks else None
    return wanted.wants(submission.submitter, benchmark, submission.system_record.division)
