"""The stages in order: rounds in, published experiments and reports out."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from .assess import Assessor
from .entry import experiment_names, make_entry
from .errors import FAILURES, Finding, PrivateRounds, by_weight
from .filters import check_divisions, check_filter
from .home import index_left_alone
from .locate import iter_foreign, locate, locate_path
from .metrics import compare, metrics_of
from .mllog import LARGEST_LOG_MB
from .model import Result, Round, Submission
from .options import Filter, Options
from .power import measure
from .publish import PublishedExperiment, find_target, publish
from .reading import Job, read_all
from .report import make_output_folder, write_report, write_summaries
from .tables import benchmark_of, rules_of
from .walk import walk

#: Takes a round's label and the bytes to read; gives a function that takes the bytes that were read.
Progress = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """What came out of one round.

    ``walked`` are all its submissions, ``submissions`` those that were wanted and read, ``results`` those of them that
    have a score, with their entries.
    """

    round: Round
    walked: tuple[Submission, ...]
    submissions: tuple[Submission, ...]
    results: tuple[Result, ...]


@dataclass(slots=True)
class Outcome:
    """What came out of a run. ``findings`` are sorted, serious ones first.

    ``files`` are those beside entries, each with whether it was written or was the same already.
    """

    rounds: list[RoundOutcome] = field(default_factory=list)
    experiments: list[PublishedExperiment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    files: dict[Path, bool] = field(default_factory=dict)
    report: Path | None = None
    dry_run: bool = False

    @property
    def failures(self) -> list[Finding]:
        """Findings with which the run fails, though everything else is written."""
        return [finding for finding in self.findings if finding.code in FAILURES]


@contextlib.contextmanager
def no_progress(_label: str, _total: int) -> Iterator[Callable[[int], None]]:
    """For those who do not want to be told how far the reading is."""
    yield lambda _: None


def import_rounds(cm, options: Options, tell: Callable[[str], None], progress: Progress = no_progress) -> Outcome:
    """Imports the cached rounds, or a local tree.

    Args:
        cm: the running Collective Mind (``cmind.core.CM``).
        options: what the user asked for.
        tell: takes messages for the user while work goes on.
        progress: entered for each round with its label and the bytes to read; gives a function that takes bytes read.

    Raises:
        ImportFailure: the user must do something first; nothing was written, or what was written is whole.
    """
    with index_left_alone(cm):
        return _import_rounds(cm, options, tell, progress)


def _import_rounds(cm, options: Options, tell: Callable[[str], None], progress: Progress) -> Outcome:
    target = find_target(cm, options.target_repo)
    outcome = Outcome(dry_run=options.dry_run)
    if options.path is not None:
        rounds, wanted = locate_path(options.path, options.versions[0], options.filter)
    else:
        rounds, wanted = locate(cm, outcome.findings, options.versions), options.filter
    outcome.findings += iter_foreign(rounds)
    if not options.target_repo:
        _refuse_private(rounds)
    if not options.dry_run:
        make_output_folder(options.output_dir)
    walked = [(round_, walk(round_, rules_of(round_.version), outcome.findings)) for round_ in rounds]
    check_filter(wanted, [submission for _, submissions in walked for submission in submissions])
    for round_, submissions in walked:
        with progress(round_.label, _bytes_to_read(submissions, wanted)) as advance:
            outcome.rounds.append(read_round(round_, submissions, wanted, outcome.findings, advance, options.max_log_mb))
    check_divisions(wanted, outcome.rounds)
    entries = defaultdict(list)
    for round_outcome in outcome.rounds:
        for result in round_outcome.results:
            for name in experiment_names(result, result.entry["Task"]):
                entries[name].append(result.entry)
    outcome.experiments = publish(
        cm,
        target,
        entries,
        [round_outcome.round.label for round_outcome in outcome.rounds],
        outcome.findings,
        in_scope=lambda identity, division: wanted.wants(identity[1], identity[3], division),
        prune=options.prune,
        dry_run=options.dry_run,
        waiting=tell,
    )
    outcome.findings.sort(key=by_weight)
    if not options.dry_run:
        outcome.files = write_summaries(outcome, options.output_dir)
        outcome.report, is_new = write_report(outcome, options.output_dir)
        outcome.files[outcome.report] = is_new
    return outcome


def _refuse_private(rounds: Sequence[Round]) -> None:
    """Keeps rounds under embargo out of a repository that nobody chose for them.

    Raises:
        PrivateRounds: there is one.
    """
    private = ", ".join(round_.label for round_ in rounds if round_.is_private)
    public = ",".join(round_.label for round_ in rounds if not round_.is_private)
    if private:
        others = f", or import the others only: --version={public}" if public else ""
        raise PrivateRounds(
            f"{private}: not published yet, and must not reach a public repository by accident; say which CM repository is "
            f"to get it: --target_repo=<repository>{others}"
        )


def read_round(
    round_: Round,
    submissions: Sequence[Submission],
    wanted: Filter,
    findings: list[Finding],
    advance: Callable[[int], None] = lambda _: None,
    largest_mb: int = LARGEST_LOG_MB,
) -> RoundOutcome:
    """Reads the logs of a round's submissions and scores those that are wanted. Needs no Collective Mind.

    Where only some submitters are wanted, the others are read for comparison: a place among some results of a round would
    be another one than among all. A log of more than ``largest_mb`` megabytes is not read.
    """
    read = [s for s in submissions if _is_wanted(s, wanted)]
    results = score_submissions(round_, read, wanted, findings, advance, largest_mb)
    of_all = replace(wanted, submitters=frozenset())
    others = [s for s in submissions if _is_wanted(s, of_all) and not _is_wanted(s, wanted)]
    compared = [*results, *score_submissions(round_, others, of_all, [], advance, largest_mb)]
    for result, comparison in zip(compared, compare(compared), strict=True):
        result.entry.update(comparison)
    return RoundOutcome(round_, tuple(submissions), tuple(read), tuple(results))


def score_submissions(
    round_: Round,
    submissions: Sequence[Submission],
    wanted: Filter,
    findings: list[Finding],
    advance: Callable[[int], None],
    largest_mb: int,
) -> list[Result]:
    """The wanted results among those of some submissions, with their entries."""

    def report(code: str, where: str, what: str) -> None:
        findings.append(Finding(code, round_.label, where, what))

    rules = rules_of(round_.version)
    jobs = [
        Job(round_.path, log.path, log.size, rules.dialect, rules.elapsed.get(submission.benchmark), largest_mb)
        for submission in submissions
        for log in submission.logs
    ]
    logs = iter(read_all(jobs, advance=advance))
    assessor = Assessor(round_, rules, findings)
    results: dict[tuple, Result] = {}
    for submission in submissions:
        result = assessor.assess(submission, list(islice(logs, len(submission.logs))))
        if result is None or result.score.minutes is None:
            continue
        if not wanted.wants(submission.submitter, result.benchmark, result.division):
            continue
        if submission.power is not None:
            energy = measure(round_, submission, result.score, rules.dialect, report, largest_mb)
            result = replace(result, energy=energy)
        benchmark = benchmark_of(result.benchmark, round_.version)
        result.entry.update(make_entry(result, benchmark, metrics_of(result, benchmark)))
        if results.setdefault(result.identity, result) is not result:
            what = f"is the same result as {results[result.identity].submission.folder}, which was taken"
            report("stray-logs", submission.folder, what)
    return list(results.values())


def _bytes_to_read(submissions: Sequence[Submission], wanted: Filter) -> int:
    """Size of the logs that :func:`read_round` reads, those for comparison too."""
    of_all = replace(wanted, submitters=frozenset())
    return sum(log.size for submission in submissions if _is_wanted(submission, of_all) for log in submission.logs)


def _is_wanted(submission: Submission, wanted: Filter) -> bool:
    """As far as it is known before the logs are read."""
    return wanted.wants(submission.submitter, submission.benchmark, submission.system_record.division)
