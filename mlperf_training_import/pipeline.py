"""The stages in order: rounds in, published experiments and reports out."""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from .dataset.library import has_library
from .errors import BadInput, PrivateRounds
from .experiments.locks import reading_clones
from .experiments.publish import find_target, publish, stored_beside
from .findings import Finding, by_weight
from .garbage import rare_collections
from .logs.cache import LogCache
from .options import Filter, Options
from .outcome import Outcome, RoundOutcome
from .results.entry import experiment_names
from .results.memory import RoundMemory
from .results.score_round import Reading, RunsOfResult, bytes_to_read, read_round, runs_of
from .rounds.advice import no_results
from .rounds.clone import is_as_before
from .rounds.locate import iter_doubts, locate, locate_path
from .rounds.presence import Contents, Presence
from .rounds.repository import is_of_its_repository, refuse_wrong_repository
from .rounds.walk import walk
from .show.playground.playground import missing_requirements
from .show.report import write_report
from .show.summaries import make_output_folder, write_summaries
from .tables.labels import LOCAL
from .tables.rules import rules_of

if TYPE_CHECKING:
    from .dataset.write import Dataset
    from .homes.home import Home, Repository
    from .model import Entry, Identity, Round, Submission
    from .values import Advance, Tell

#: Takes a round's label and the bytes to read; gives a function that takes the number of bytes that were read.
ShowProgress = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]


def no_progress(_label: str, _total: int) -> contextlib.AbstractContextManager[Advance]:
    """Shows no progress."""
    return contextlib.nullcontext(lambda _: None)


def import_rounds(home: Home, options: Options, tell: Tell, progress: ShowProgress = no_progress) -> Outcome:
    """Imports the cached rounds, or a local tree.

    Args:
        home: has the clones, and gets the experiments.
        options: what the user asked for.
        tell: takes messages for the user while work goes on.
        progress: entered for each round with its label and the bytes to read; gives a function that takes bytes read.

    Raises:
        ImportFailure: the user must do something first; nothing was written, or what was written is complete.
    """
    is_cached = options.path is None
    clones = reading_clones(home, tell, may_write=not options.dry_run) if is_cached else contextlib.nullcontext()
    with clones, home.index_left_alone(), rare_collections():
        target, wanted = find_target(home, options.target_repo), options.filter
        next_steps = home.commands.next_steps(
            options.target_repo,
            playground=home.commands.see is not None and not missing_requirements(),
            dataset=has_library(),
            registered=home.opens_our_playground(),
        )
        outcome = Outcome(dry_run=options.dry_run, preview=not is_cached, next_steps=next_steps)
        rounds = _locate(home, options, outcome.findings, tell)
        if not options.dry_run:
            make_output_folder(options.output_dir)
        dataset = _dataset(options, rounds, tell)
        outcome.rounds += _iter_read(rounds, options, outcome.findings, progress, dataset, target)
        outcome.nothing = _without_results(outcome, home.commands.own or "python run.py")
        results = outcome.results
        described = (submission.system_record.division for done in outcome.rounds for submission in done.walked)
        wanted.check("division", {*filter(None, described), *(result.division for result in results)})
        entries: dict[str, dict[Identity, Entry]] = defaultdict(dict)
        for result in results:
            for name in experiment_names(result):
                entries[name][result.identity] = result.entry
        outcome.experiments = publish(
            target,
            entries,
            [done.round.label for done in outcome.rounds if done.results],
            outcome.findings,
            presence=_presence_in([] if outcome.preview else outcome.rounds, wanted, outcome.findings),
            prune=options.prune,
            guests=[round_.label for round_ in rounds if round_.remote is None],
            dry_run=options.dry_run,
            remember=not options.no_cache,
            waiting=tell,
        )
        files_of_dataset = {}
        if dataset is not None:
            files_of_dataset = dataset.finish()
            outcome.findings += dataset.findings
        outcome.findings.sort(key=by_weight)
        if not options.dry_run:
            outcome.files = write_summaries(outcome, options.output_dir)
            outcome.report, is_new = write_report(outcome, options.output_dir)
            outcome.files[outcome.report] = is_new
        outcome.files |= files_of_dataset
        return outcome


def write_dataset(
    home: Home,
    versions: Sequence[str],
    dataset: Dataset,
    largest_mb: int,
    tell: Tell,
    progress: ShowProgress = no_progress,
) -> list[Finding]:
    """Writes cached rounds into a data set without importing anything.

    Args:
        home: has the clones.
        versions: labels of rounds; if empty, all cached public rounds.
        dataset: gets the rounds.
        largest_mb: a larger log is not read.
        tell: takes messages for the user while work goes on.
        progress: as for :func:`import_rounds`.

    Returns:
        The findings about the rounds, and about files of the data set.

    Raises:
        ImportFailure: the user must do something first; the rounds that were written are complete.
    """
    findings: list[Finding] = []
    with reading_clones(home, tell):
        rounds = [round_ for round_ in locate(home, findings, versions) if versions or not round_.is_private]
        for round_ in rounds:
            refuse_wrong_repository(round_, home.commands)
        deque(_iter_read(rounds, Options(max_log_mb=largest_mb), findings, progress, dataset), maxlen=0)
        dataset.finish()
    return [*findings, *dataset.findings]


def _iter_read(
    rounds: Sequence[Round],
    options: Options,
    findings: list[Finding],
    progress: ShowProgress,
    dataset: Dataset | None,
    target: Repository | None = None,
) -> Iterator[RoundOutcome]:
    """The outcome of each round, also written to the data set; a part of a round is compared with the target.

    Raises:
        BadInput: a submitter or benchmark that is wanted does not exist.
    """
    wanted, seen = options.filter, set[RunsOfResult]()
    is_whole = dataset is None and wanted == Filter()
    caches = [_cache_of(round_, options) for round_ in rounds]
    walks = [_walk(round_) for round_ in rounds if not is_whole]
    submissions = [submission for walked, _ in walks for submission in walked]
    wanted.check("submitter", {submission.submitter for submission in submissions})
    wanted.check("benchmark", {submission.benchmark for submission in submissions if submission.benchmark})
    for place, round_ in enumerate(rounds):
        cache = caches.pop(0)  # knows all logs of its round: only one cache need be in memory
        record = cache.record if is_whole and not round_.only else None
        memory = RoundMemory(round_, record, options.max_log_mb, seen)
        done = memory.recall()
        if done is None:
            submissions, found = walks[place] if walks else _walk(round_)
            beside = stored_beside(target, round_.label, round_.only) if target and round_.only else ()
            with progress(round_.label, bytes_to_read(submissions, wanted)) as advance:
                measured = dataset is not None and dataset.with_measurements
                reading = Reading(wanted, options.max_log_mb, dataset is not None, beside, cache, advance, measured, seen)
                done = read_round(round_, submissions, reading)
            done = replace(done, findings=(*found, *done.findings))
            memory.keep(done)
        seen.update(filter(None, map(runs_of, done.judged)))
        findings += done.findings
        if dataset is not None:
            dataset.add(done, findings)
        done = replace(done, details={})  # details must not stay in memory while the next round is read
        yield done
        del done  # nor the round itself, where nobody else needs it


def _walk(round_: Round) -> tuple[list[Submission], list[Finding]]:
    findings: list[Finding] = []
    return walk(round_, rules_of(round_.version), findings), findings


def _cache_of(round_: Round, options: Options) -> LogCache:
    if options.no_cache:
        return LogCache()
    if options.path is None:
        return LogCache.beside(round_.path, is_kept=not options.dry_run)
    return LogCache.of_tree(options.path, is_kept=not options.dry_run)


def _dataset(options: Options, rounds: Sequence[Round], tell: Tell) -> Dataset | None:
    """The data set, if it was asked for; ``tell`` takes its messages.

    Raises:
        BadInput: it would get only a part of a round.
    """
    if options.dataset is None or options.dry_run:
        return None
    if any(round_.only for round_ in rounds):
        raise BadInput(f"--dataset: holds whole rounds, and --path={options.path} is the folder of one submitter")
    from .dataset.write import Dataset  # few ask for this, as for the next import

    return Dataset(options.dataset, with_measurements=not options.no_measurements, tell=tell)


def _presence_in(
    rounds: Sequence[RoundOutcome], wanted: Filter, findings: Sequence[Finding]
) -> Callable[[Identity, str], Presence]:
    """Returns a function that says whether these rounds still have a stored result, given the division of its experiment.

    A clone without any result proves nothing, nor does a tree on this machine: the round may have what is missing there. Nor
    does a clone that somebody changed or removed while it was read; our own commands never do that.
    """
    contents = {
        label: Contents(done.walked, (f for f in findings if f.round == label), rules_of(done.round.version))
        for done in rounds
        if done.results and is_as_before(done.round) and (label := done.round.label)
    }

    def presence(identity: Identity, division: str) -> Presence:
        label, submitter, _, benchmark, *_ = identity
        if label not in contents or not wanted.wants(submitter, benchmark, division):
            return Presence.OUT_OF_SCOPE
        return Presence.PRESENT if contents[label].may_hold(identity) else Presence.GONE

    return presence


def _locate(home: Home, options: Options, findings: list[Finding], tell: Tell) -> list[Round]:
    """The rounds to import. No two may share a label, and none may reach people who may not see it."""
    path, labels = options.path, options.versions
    located = locate(home, findings, labels) if path is None else [locate_path(path, labels[0])]
    rounds = [msgspec.structs.replace(round_, declared_public=options.public) for round_ in located]
    if path is not None:
        rounds = [_as_preview(round_, tell) for round_ in rounds]
    for round_ in rounds:
        refuse_wrong_repository(round_, home.commands if path is None else None)
        if round_.part and round_.label == round_.version and not is_of_its_repository(round_):
            tell(
                f"{round_.path}: not the repository of round {round_.label}, among whose results these are stored; "
                f"a label with a suffix keeps them apart: --version={round_.label}-<name>"
            )
    findings += iter_doubts(rounds)
    if not options.target_repo:
        _refuse_private(rounds, home.commands.home)
    return rounds


def _as_preview(round_: Round, tell: Tell) -> Round:
    """A tree on this machine, under a label of its own unless it names the repository that it is a clone of.

    So a preview never replaces published results, and is not shown among them.
    """
    if round_.remote is not None or round_.label != round_.version or round_.declared_public:
        return round_
    label = f"{round_.label}-{LOCAL}"
    tell(f"{round_.path}: does not say which repository it is from; imported as a preview, round {label}")
    return msgspec.structs.replace(round_, label=label)


def _without_results(outcome: Outcome, command: str) -> str | None:
    """Reports clones without any result; returns the text of an error if no round has one."""
    texts = []
    for done in outcome.rounds:
        if not done.results:
            texts.append(no_results(done.round, done.walked, done.submissions))
            if len(done.submissions) == len(done.walked):
                outcome.findings.append(Finding("no-results", done.round.label, str(done.round.path), texts[-1]))
    if len(texts) < len(outcome.rounds):
        return None
    from .runs.describe import describe_runs

    texts += [describe_runs(done.round.path, done.round.version, command) for done in outcome.rounds if outcome.preview]
    return "\n".join(filter(None, texts)) or "none of the cached clones can be used; the findings say why"


def _refuse_private(rounds: Sequence[Round], home: str) -> None:
    """Keeps rounds under embargo out of a repository that nobody chose for them.

    Args:
        rounds: all rounds to import.
        home: the name of the home.

    Raises:
        PrivateRounds: one of the rounds is under embargo.
    """
    private = ", ".join(round_.label for round_ in rounds if round_.is_private)
    public = ",".join(round_.label for round_ in rounds if not round_.is_private)
    if private:
        others = f", or import the others only: --version={public}" if public else ""
        raise PrivateRounds(
            f"{private}: not published yet, and must not reach a public repository by accident; say which "
            f"{home} repository is to get it: --target_repo=<repository>{others}, "
            "or say that everybody may see it: --public"
        )
