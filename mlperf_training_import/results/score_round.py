"""Reads and judges one round: its submissions in, results with their entries out. Needs no Collective Mind."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from ..logs.cache import LogCache
from ..logs.workers import Job
from ..options import Filter
from ..outcome import RoundOutcome
from ..tables.rules import benchmark_of, known_benchmarks, rules_of
from ..values import LARGEST_LOG_MB
from .compare import compare, runs_digest
from .entry import make_entry
from .facts import facts_of
from .judge import judge_among, judge_result
from .round_findings import iter_findings
from .score import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    from ..model import Facts, Identity, Judged, LogFile, Round, RunLog, Submission
    from ..tables.rules import Rules
    from ..values import Advance

#: The benchmark of a result, its metric, and the digest of its runs.
RunsOfResult: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a round is read.

    Where only some submitters are ``wanted``, the others are read for comparison: a place among some results of a round
    would be another one than among all. Of one submitter's folder alone the results have places among those of others only
    if these are given, as stored entries (``beside``). A log of more than ``largest_mb`` megabytes is not read. What only
    the data set needs is kept ``with_details``, and its measurements ``with_measurements``. What the ``cache`` remembers is
    not read. ``advance`` takes the bytes read. ``seen`` has the runs of the results of earlier rounds.
    """

    wanted: Filter = field(default_factory=Filter)
    largest_mb: int = LARGEST_LOG_MB
    with_details: bool = False
    beside: Sequence[Mapping[str, Any]] = ()
    cache: LogCache = field(default_factory=LogCache)
    advance: Advance = lambda _: None
    with_measurements: bool = False
    seen: Set[RunsOfResult] = frozenset()


def runs_of(facts: Facts) -> RunsOfResult | None:
    """What results with the same runs have in common; None where the logs do not say when the runs were."""
    digest = runs_digest(facts.logs)
    return None if digest is None else (facts.benchmark.key, facts.metric.name, digest)


def read_round(round_: Round, submissions: Sequence[Submission], reading: Reading) -> RoundOutcome:
    """Reads the logs of a round's submissions and judges those that are wanted. Needs no Collective Mind."""
    rules, cache, wanted = rules_of(round_.version), reading.cache, reading.wanted
    logs = [file for submission in submissions for file in _files_of(submission)]
    cache.expect(logs)
    of_all = replace(wanted, submitters=frozenset())
    details: dict[str, bytes] = {}
    read = [submission for submission in submissions if _is_wanted(submission, of_all)]
    judged = judge_among(list(_iter_judged(round_, rules, read, reading, details)))
    compared = _results(judged, of_all)
    cache.keep(file.path for file in logs)
    if round_.only is None or reading.beside:
        places = compare([result.entry for result in compared], reading.beside)
        for result, place in zip(compared, places, strict=True):
            result.entry.update(place)
    asked = tuple(submission for submission in read if _is_wanted(submission, wanted))
    folders = {submission.folder for submission in asked}
    results = tuple(result for result in compared if result.submission.folder in folders and _wants(wanted, result))
    about = tuple(result for result in judged if result.submission.folder in folders)
    findings = tuple(iter_findings(round_, rules, about))
    return RoundOutcome(round_, tuple(submissions), asked, results, about, findings, details)


def _iter_judged(
    round_: Round, rules: Rules, submissions: Sequence[Submission], reading: Reading, details: dict[str, bytes]
) -> Iterator[Judged]:
    """What is known of those submissions that have logs; ``details`` takes what only the data set needs, packed, by log."""
    seen = {*reading.seen}
    with closing(reading.cache.iter_runs(list(_iter_jobs(round_, rules, submissions, reading)), reading.advance)) as read:
        for submission in submissions:
            runs = list(islice(read, len(submission.logs)))
            details |= {run.log.path: run.details for run in runs if run.details is not None}
            if runs:
                power = {path: log for run in runs for path, log in run.power.items()}
                facts = facts_of(round_, rules, submission, [run.log for run in runs])
                own = runs_of(facts)
                yield judge_result(msgspec.structs.replace(facts, is_repeat=own in seen), power)
                if own is not None:
                    seen.add(own)


def _results(judged: Iterable[Judged], wanted: Filter) -> list[Judged]:
    """Those that are wanted and have a score, each once, with their entries."""
    results: dict[Identity, Judged] = {}
    for result in judged:
        if result.score.minutes is not None and _wants(wanted, result):
            results.setdefault(result.identity, result)
    for result in results.values():
        result.entry.update(make_entry(result))
    return list(results.values())


def _wants(wanted: Filter, result: Judged) -> bool:
    return wanted.wants(result.submission.submitter, result.benchmark.key, result.division)


def _iter_jobs(round_: Round, rules: Rules, submissions: Sequence[Submission], reading: Reading) -> Iterator[Job]:
    """What is to be read of some submissions: a job for each log, in their order."""
    # where targets decide whether a run counts, they are known only when all logs of the submission are; a data set has the
    # power of the other runs too
    counts = None if rules.converged_by == "target" or reading.with_measurements else partial(_counts, rules)
    for submission in submissions:
        key = submission.benchmark or ""
        common = (rules.elapsed.get(key), reading.largest_mb, benchmark_of(key, round_.version).quality)
        for log in submission.logs:
            power = _power_of(submission, log)
            asked = reading.with_details, reading.with_details and reading.with_measurements
            yield Job(round_.path, log, rules.dialect, *common, power, counts, *asked)


def bytes_to_read(submissions: Sequence[Submission], wanted: Filter) -> int:
    """Size of the logs that :func:`read_round` reads, those for comparison too."""
    of_all = replace(wanted, submitters=frozenset())
    read = (submission for submission in submissions if _is_wanted(submission, of_all))
    return sum(file.size for submission in read for file in _files_of(submission))


def _files_of(submission: Submission) -> Iterator[LogFile]:
    """All that is read of a submission."""
    for log in submission.logs:
        yield from (log, *_power_of(submission, log))


def _power_of(submission: Submission, log: LogFile) -> tuple[LogFile, ...]:
    """The power logs of the run that a log is about."""
    return submission.power.get(log.name.removesuffix(".txt"), ()) if submission.power else ()


def _counts(rules: Rules, log: RunLog) -> bool:
    return judge(log, rules).reason is None


def _is_wanted(submission: Submission, wanted: Filter) -> bool:
    """As far as it is known before the logs are read; those of a folder that is no benchmark may name one."""
    benchmark = submission.benchmark if submission.benchmark in known_benchmarks() | wanted.benchmarks else None
    return wanted.wants(submission.submitter, benchmark, submission.system_record.division)
