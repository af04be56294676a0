"""The stages in order: rounds in, published experiments and reports out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .assess import Assessor
from .entry import experiment_names, make_entry
from .errors import Finding, by_weight
from .locate import locate
from .mllog import read_log
from .model import Result, Round, RunLog, Submission
from .publish import PublishedExperiment, find_target, publish
from .report import write_report, write_summaries
from .tables import Rules, benchmark_of, rules_of
from .walk import walk


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    target_repo: str = ""
    prune: bool = False
    dry_run: bool = False
    output_dir: Path = Path()


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """What came out of one round: every submission, and those that have a score as results with an entry."""

    round: Round
    submissions: tuple[Submission, ...]
    results: tuple[Result, ...]


@dataclass(slots=True)
class Outcome:
    """What came out of a run. ``findings`` are sorted, serious ones first; ``files`` are the summaries and the report."""

    rounds: list[RoundOutcome] = field(default_factory=list)
    experiments: list[PublishedExperiment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def import_rounds(cm, options: Options, tell: Callable[[str], None]) -> Outcome:
    """Imports every cached round.

    Args:
        cm: the running Collective Mind (``cmind.core.CM``).
        options: what the user asked for.
        tell: takes messages for the user while work goes on.

    Raises:
        ImportFailure: the user must do something first; nothing was written, or what was written is whole.
    """
    target = find_target(cm, options.target_repo)
    outcome = Outcome()
    for round_ in locate(cm, outcome.findings):
        outcome.rounds.append(read_round(round_, outcome.findings))
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
        prune=options.prune,
        dry_run=options.dry_run,
        waiting=tell,
    )
    outcome.findings.sort(key=by_weight)
    if not options.dry_run:
        outcome.files += write_summaries(outcome, options.output_dir)
        outcome.files.append(write_report(outcome, options.output_dir))
    return outcome


def read_round(round_: Round, findings: list[Finding]) -> RoundOutcome:
    """Walks a round, reads its logs and scores its submissions. Reads only, and needs no Collective Mind."""
    rules = rules_of(round_.version)
    submissions = walk(round_, rules, findings)
    assessor = Assessor(round_, rules, findings)
    results: dict[tuple, Result] = {}
    for submission in submissions:
        result = assessor.assess(submission, read_logs(round_, rules, submission))
        if result is None or result.score.minutes is None:
            continue
        result.entry.update(make_entry(result, benchmark_of(result.benchmark, round_.version)))
        if results.setdefault(result.identity, result) is not result:
            what = f"is the same result as {results[result.identity].submission.folder}, which was taken"
            findings.append(Finding("stray-logs", round_.label, submission.folder, what))
    return RoundOutcome(round_, tuple(submissions), tuple(results.values()))


def read_logs(round_: Round, rules: Rules, submission: Submission) -> list[RunLog]:
    """What the logs of a submission say, in the order of their names."""
    elapsed_key = rules.elapsed.get(submission.benchmark)
    return [read_log(round_.path / log.path, rules.dialect, log.path, elapsed_key) for log in submission.logs]
