"""Scores any logs by the rules of a round: files and folders in, groups of runs with their scores out.

Nobody has verified these scores: a group becomes a result only when MLCommons publishes it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from ..model import Doubt, Judged, LogFile, Round, Run, RunLog, Score, Submission, System
from ..regular import is_there, whole_path
from ..results.convergence import convergence_point, quality_of
from ..results.doubts import why_missed
from ..results.facts import UNKNOWN_DIVISION, facts_of
from ..results.judge import judge_result
from ..results.metrics import samples_of
from ..results.score import duration_ms, mean, minutes_of
from ..rounds.description import read_description, system_of
from ..rounds.walk import ENTRY_FILE, SCALING_FILE
from ..tables.metrics import metric_of, usual_metric
from ..tables.rules import rules_of
from ..values import LARGEST_LOG_MB, MS_PER_MINUTE, finite_number
from .find import by_reason, distinct, iter_runs, nothing_found
from .group import grouped, iter_notes, metric_folder, unlike
from .texts import LeftOut, description_of, folder_of, is_in_results, is_result
from .whose import check_round

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..tables.rules import Benchmark, Target
    from .group import Member
    from .split import Piece

#: Stands for the benchmark of logs that name none.
NOT_NAMED = "not named"
#: The code of the finding that runs missed the target.
_MISSED = "target-missed"
#: What the review says, which has no meaning where runs are missing.
_OF_REVIEW = ("rcp-fail", "rcp-missing", "odd-scaling")


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """One run. Minutes are None where it does not count; ``reason`` says why. ``missed`` says why it should not count.

    ``file`` and ``line`` say where its log begins. A run that does not count has ``minutes_so_far``: from its start to its
    stop, or to its last line. ``progress`` is in the ``unit`` of the group, at the last quality figure; ``quality`` and
    ``second_quality`` are those figures, on the scale of the targets. ``unread`` is a log that could not be read.
    """

    file: str
    line: int
    minutes: float | None
    status: str | None
    reason: str | None
    missed: str | None
    minutes_so_far: float | None
    quality: float | None
    second_quality: float | None
    progress: float | None
    samples_per_second: float | None
    global_batch_size: float | None
    learning_rate: float | None
    dataset_samples: float | None
    seed: float | None
    unread: bool


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """Runs that make one result: of one benchmark, division and system, in one place.

    ``score`` is that of the ``metric`` by the rules of ``round``, in ``score_unit``; None where ``reason`` says why there is
    none. ``round`` is None where no round has the benchmark. ``minutes`` are those for each model that was trained,
    ``minutes_so_far`` the mean of the runs that count where there are fewer than the rules ask for. ``verdict`` is that
    against the reference convergence points, withheld where runs are missing, and where runs that missed the target would
    pass. ``figures`` are those of an entry (``docs/analysis.md``), ``findings`` those that an import would have. ``notes``
    say what was assumed.
    """

    benchmark: str
    division: str
    round: str | None
    folder: str
    runs: tuple[ScoredRun, ...]
    metric: str
    score_unit: str
    score: float | None
    runs_required: int | None
    target: float | None
    target_metric: str | None
    second_target: float | None
    second_target_metric: str | None
    unit: str | None
    system: str | None
    accelerators: int | None
    minutes: float | None
    minutes_so_far: float | None
    reason: str | None
    scaling_factor: float | None
    verdict: str | None
    is_sweep: bool
    figures: dict[str, Any]
    findings: tuple[Doubt, ...]
    notes: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether there is a score, and nothing that a review would reject."""
        return self.score is not None and self.verdict != "fail" and _MISSED not in self.figures.get("doubts", ())


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything found in some files: groups by benchmark and folder, and files without a run of their own."""

    groups: list[ScoredGroup]
    left: list[LeftOut]

    @property
    def is_read(self) -> bool:
        """Whether every file could be read."""
        unread = [one.unread for one in self.left] + [run.unread for group in self.groups for run in group.runs]
        return not any(unread)


def score_logs(
    paths: Iterable[str | Path], round_: str | None = None, largest_mb: int = LARGEST_LOG_MB
) -> tuple[list[ScoredGroup], list[str]]:
    """Scores the logs in files and folders. Writes nothing but temporary files.

    Args:
        paths: files, folders, or ``-`` for standard input; logs are found by what is in them.
        round_: whose rules and targets count, such as ``5.1``; the newest one that has the benchmark where None.
        largest_mb: a larger file is not read.

    Returns:
        The groups, by benchmark and folder, and lines for the files that give no run of their own.

    Raises:
        BadInput: a path does not exist, or the round is none.
        NothingToScore: no file has a log line of MLPerf.
    """
    scored = score_files(paths, round_, largest_mb)
    return scored.groups, by_reason(scored.left)


def score_files(paths: Iterable[str | Path], round_: str | None = None, largest_mb: int = LARGEST_LOG_MB) -> Scored:
    """The same as :func:`score_logs`, with all that is known about files without a run."""
    names = [str(path) for path in paths]
    if round_ is not None:
        check_round(round_)
    left: list[LeftOut] = []
    with tempfile.TemporaryDirectory(prefix="mlperf-training-score-") as folder:
        runs = list(iter_runs(names, Path(folder), round_, largest_mb, left))
    if not runs:
        raise nothing_found(names, left)
    scored = [score_group(folder, members, round_) for folder, members in grouped(distinct(runs, left))]
    return Scored(sorted(scored, key=attrgetter("benchmark", "division", "folder")), left)


def _judge(folder: str, members: Sequence[Member]) -> Judged:
    """Judges some runs by the rules of their round."""
    first, rules = members[0], rules_of(members[0].version)
    of_folder = rules.layout.metrics.get(metric_folder(whole_path(folder), first.version))
    record = _system_of(members)
    organisation, platform = (next(filter(None, names), "") for names in zip(*map(_whose, members), strict=True))
    in_file = Counter(member.piece.source for member in members)

    def place(piece: Piece) -> str:
        return piece.place if in_file[piece.source] > 1 else piece.source

    logs = [structs.replace(member.log, path=place(member.piece)) for member in members]
    files = [LogFile(log.path, log.name, member.log_bytes) for log, member in zip(logs, members, strict=True)]
    are_results, scaling = all(map(is_result, in_file)), str(Path(folder, SCALING_FILE))
    submission = Submission(
        submitter=organisation or record.submitter or "",
        system=record.name or platform,
        benchmark=first.benchmark,
        folder=folder,
        system_record=record,
        description=None,
        code=folder,
        logs=tuple(files),
        metric=metric_of(of_folder) if of_folder else usual_metric(),
        scaling=scaling if are_results and is_there(Path(scaling)) else None,
    )
    round_ = Round(first.version, first.version, Path())  # paths of logs are those that were given
    facts = facts_of(round_, rules, submission, logs)
    divisions = [facts.division] if is_in_results(first.piece.source) else [member.division for member in members]
    division = next((one for one in divisions if one != UNKNOWN_DIVISION), UNKNOWN_DIVISION)
    repeated = facts.repeated if first.piece.is_submitted else ()  # other copies were taken out
    return judge_result(structs.replace(facts, division=division, repeated=repeated))


def _system_of(members: Sequence[Member]) -> System:
    """The system: from its description beside the logs of a submission, else from a log."""
    first = members[0]
    if (place := description_of(first.piece.source)) is not None:
        is_package = rules_of(first.version).layout.nested
        with contextlib.suppress(OSError, ValueError):
            place = folder_of(first.piece.source).parent / ENTRY_FILE if is_package else place
            return read_description(place, counts_per_node=not is_package).record
    return system_of(next((member.piece.system for member in members if member.piece.system), {}))


def _whose(member: Member) -> tuple[str | None, str | None]:
    return member.piece.organisation, member.piece.platform


def score_group(folder: str, members: Sequence[Member], asked: str | None) -> ScoredGroup:
    """The score of some runs, by the rules of their round."""
    judged = _judge(folder, members)
    benchmark, record = judged.benchmark, judged.submission.system_record
    target, second = (*benchmark.targets, None, None)[:2]
    counted = minutes_of(judged.runs)
    difference = unlike(members)
    few = benchmark.runs is not None and len(judged.runs) < benchmark.runs
    reason = f"{SCALING_FILE}: {judged.scaling_trouble}" if judged.scaling_trouble else judged.score.reason
    if few:
        reason = f"{len(judged.runs)} of {benchmark.runs} runs"
    if difference:
        reason = f"not runs of one result: they differ in {difference}"
    score = judged.score if reason is None else Score()
    findings = [doubt for doubt in judged.doubts if reason is None or doubt.code not in _OF_REVIEW]
    known: dict[str, Any] = dict(judged.figures)
    said = {doubt.code for doubt in findings}
    doubts = [code for code in known.get("doubts", ()) if code in said]
    figures = known if reason is None else {}
    verdict = judged.verdict.name if judged.verdict and reason is None else None
    if verdict == "pass" and any(doubt.code == _MISSED for doubt in findings):  # who stops early needs few samples
        verdict = None
        figures = {name: value for name, value in figures.items() if not name.startswith("rcp_")}
    return ScoredGroup(
        benchmark=benchmark.key or NOT_NAMED,
        division=judged.division,
        round=members[0].round,
        folder=folder,
        runs=tuple(_scored_run(member, run, benchmark) for member, run in zip(members, judged.runs, strict=True)),
        metric=judged.metric.name,
        score_unit=judged.metric.words,
        score=score.value,
        runs_required=benchmark.runs,
        target=target.value if target else None,
        target_metric=target.metric if target else None,
        second_target=second.value if second else None,
        second_target_metric=second.metric if second else None,
        unit=benchmark.progress.unit if benchmark.progress else None,
        system=judged.submission.system or None,
        accelerators=record.accelerators_count,
        minutes=score.minutes,
        minutes_so_far=mean(counted) if few and counted and not difference else None,
        reason=reason,
        scaling_factor=judged.scaling_factor,
        verdict=verdict,
        is_sweep=difference is not None,
        figures=figures | ({"doubts": doubts} if doubts else {}),
        findings=tuple(findings),
        notes=tuple(iter_notes(members, asked)),
    )


def _scored_run(member: Member, run: Run, benchmark: Benchmark) -> ScoredRun:
    piece, log = member.piece, member.log
    ended = log.run_stop_ms is not None or log.elapsed_ms is not None
    quality, second_quality = (*(_quality(log, benchmark, target) for target in benchmark.targets), None, None)[:2]
    samples = samples_of(log, benchmark)
    so_far, end_ms = None, log.run_stop_ms or piece.last_ms
    if run.minutes is None and log.run_start_ms is not None and end_ms is not None:
        so_far = max(0.0, end_ms - log.run_start_ms) / MS_PER_MINUTE
    return ScoredRun(
        file=piece.source,
        line=piece.line,
        minutes=run.minutes,
        status=log.status or (None if ended else "no run_stop: still running, or cut off"),
        reason=run.reason,
        missed=why_missed(log, benchmark) if run.reason is None else None,
        minutes_so_far=so_far,
        quality=quality,
        second_quality=second_quality,
        progress=convergence_point(log, benchmark),
        samples_per_second=samples / (duration_ms(log) / 1000) if samples and run.minutes is not None else None,
        global_batch_size=log.global_batch_size,
        learning_rate=piece.learning_rate,
        dataset_samples=piece.dataset_samples,
        seed=piece.seed,
        unread=log.trouble is not None,
    )


def _quality(log: RunLog, benchmark: Benchmark, target: Target) -> float | None:
    """The figure with which a run converged; the last one where several figures never reached their targets at once."""
    figure = quality_of(log, benchmark, target)
    if figure is None:
        last = next((one for one in reversed(log.evaluations) if one.metric == target.field and one.metric), None)
        value = finite_number(last.value) if last else None
        figure = None if value is None else target.in_unit_of_rules(value)
    return figure
