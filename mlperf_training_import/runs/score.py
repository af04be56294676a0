"""Scores any logs by the rules of a round: files and folders in, groups of runs with what they are worth out.

Nothing here is verified by anybody: a group becomes a result only when MLCommons publishes it.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from ..errors import BadInput, NothingToScore
from ..logs.log import read_log
from ..model import Doubt, Judged, LogFile, Round, Run, RunLog, Submission, System
from ..results.convergence import convergence_point, quality_of
from ..results.facts import UNKNOWN_DIVISION, facts_of
from ..results.judge import judge_result
from ..results.metrics import samples_of
from ..results.score import duration_ms, mean, minutes_of
from ..rounds.description import normal_division, system_of
from ..tables.labels import round_label, split_label
from ..tables.metrics import metric_of, usual_metric
from ..tables.rules import Benchmark, Rules, known_benchmarks, public_rounds, rules_of
from ..values import LARGEST_LOG_MB
from .split import Piece, split_runs
from .texts import STANDARD_INPUT, SUBMITTED, find_dialect, find_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MS_PER_MINUTE = 60 * 1000
_SCALING_FILE = "scaling.json"
#: What the review says, which has no meaning where runs are missing.
_OF_REVIEW = ("rcp-fail", "rcp-missing", "odd-scaling")
#: Names of folders that tell one run of a system from the next: times, numbers, and words that mean a try.
_ONE_OF_MANY = re.compile(r"(run|trial|try|attempt|seed|rep|job|slurm|result|exp)?[-_]?\d[\d_.:T-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """One run. Minutes are None where it does not count; ``reason`` says why.

    ``file`` and ``line`` say where its log begins. A run without an end has ``minutes_so_far``: from its start to its last
    line. ``progress`` is in the ``unit`` of the group, at the last quality figure; ``quality`` that figure, on the scale of
    the target.
    """

    file: str
    line: int
    minutes: float | None = None
    status: str | None = None
    reason: str | None = None
    minutes_so_far: float | None = None
    quality: float | None = None
    progress: float | None = None
    samples_per_second: float | None = None
    seed: float | None = None


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """Runs that make one result: of one benchmark, division and system, in one place.

    ``score`` is that of the ``metric`` by the rules of ``round``, in ``score_unit``; None where ``reason`` says why there is
    none. ``minutes`` are those for each model that was trained, ``minutes_so_far`` the mean of the runs that count where
    there are fewer than the rules ask for. ``figures`` are those of an entry (``docs/analysis.md``), with the verdict
    against the reference convergence points; ``findings`` are those that an import would have.
    """

    benchmark: str
    division: str
    round: str
    folder: str
    runs: tuple[ScoredRun, ...]
    metric: str
    score_unit: str
    score: float | None = None
    runs_required: int | None = None
    target: float | None = None
    target_metric: str | None = None
    unit: str | None = None
    system: str | None = None
    accelerators: int | None = None
    minutes: float | None = None
    minutes_so_far: float | None = None
    reason: str | None = None
    scaling_factor: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Doubt, ...] = ()


def score_logs(
    paths: Iterable[str | Path], round_: str | None = None, largest_mb: int = LARGEST_LOG_MB
) -> tuple[list[ScoredGroup], list[str]]:
    """Scores the logs in files and folders. Writes nothing but temporary files.

    Args:
        paths: files, folders, or ``-`` for standard input; logs are found by what is in them.
        round_: whose rules and targets count, such as ``5.1``; the newest public one that has the benchmark where None.
        largest_mb: a larger file is not read.

    Returns:
        The groups, by benchmark and folder, and a line for each file that could not be read.

    Raises:
        BadInput: a path does not exist, or the round is none.
        NothingToScore: no file has a log line of MLPerf.
    """
    label = None if round_ is None else split_label(round_)
    if round_ is not None and (label is None or label.suffix):
        raise BadInput(f"--round={round_}: expected <number>.<number>, such as 5.1 or hpc-3.0")
    with _split(list(map(str, paths)), largest_mb) as (pieces, troubles):
        groups: dict[_Key, list[_Member]] = defaultdict(list)
        for key, member in _iter_members(pieces, round_, largest_mb):
            groups[key].append(member)
        scored = [_score_group(key[0], members) for key, members in groups.items()]
    return sorted(scored, key=lambda group: (group.benchmark, group.division, group.folder)), troubles


def iter_runs(paths: Sequence[str], round_: str | None) -> Iterator[tuple[str, Path]]:
    """The runs in files and folders: benchmark key, and a plain log that is there until the next one is asked for.

    Raises:
        BadInput: a path does not exist, or a file cannot be read.
        NothingToScore: no run was found.
    """
    with _split(paths, LARGEST_LOG_MB) as (pieces, troubles):
        if troubles:
            raise BadInput(troubles[0])
        for piece in pieces:
            yield _read(piece, round_, LARGEST_LOG_MB).benchmark, piece.log


@contextlib.contextmanager
def _split(paths: Sequence[str], largest_mb: int) -> Iterator[tuple[list[Piece], list[str]]]:
    """The runs in files and folders, whose plain logs are there meanwhile; and a line for each file that cannot be read.

    Raises:
        BadInput: a path does not exist.
        NothingToScore: no run was found.
    """
    troubles: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mlperf-training-score-") as folder:
        pieces = list(_iter_pieces(find_files(paths), Path(folder), largest_mb << 20, troubles))
        if not pieces:
            tokens = ", ".join(sorted({repr(rules_of(version).dialect.token.decode()) for version in public_rounds()}))
            more = "".join(f"\n  {trouble}" for trouble in troubles[:5])
            raise NothingToScore(
                f"{', '.join(paths)}: no run of MLPerf Training in it; log lines have one of {tokens}{more}"
            )
        yield pieces, troubles


def _iter_pieces(files: Sequence[str], folder: Path, largest_bytes: int, troubles: list[str]) -> Iterator[Piece]:
    submitted = {str(Path(file).parent) for file in files if SUBMITTED.fullmatch(Path(file).name)}
    for file in files:
        if str(Path(file).parent) in submitted and not SUBMITTED.fullmatch(Path(file).name):
            continue
        try:
            if file == STANDARD_INPUT:
                file = _copy_of_input(folder)
            if (dialect := find_dialect(file, largest_bytes)) is not None:
                yield from split_runs(file, dialect, folder, largest_bytes)
        except OSError as error:
            troubles.append(f"{file}: {error.strerror or error}")


def _copy_of_input(folder: Path) -> str:
    """Standard input as a file, since it can be read only once."""
    import shutil
    import sys

    copy = folder / "standard input"
    with copy.open("wb") as stream:
        shutil.copyfileobj(sys.stdin.buffer, stream)
    return str(copy)


@dataclass(frozen=True, slots=True)
class _Member:
    """A run with what its log says, and by whose rules that counts."""

    piece: Piece
    log: RunLog
    benchmark: str
    division: str
    version: str


#: Folder, benchmark, division; organisation, platform and name of the system.
_Key = tuple[str, str, str, tuple[str, str, str]]


def _iter_members(pieces: Sequence[Piece], round_: str | None, largest_mb: int) -> Iterator[tuple[_Key, _Member]]:
    """Each run with what it shares with the others of its result.

    The logs of a submission are one result whatever their lines say of division and system, as when it is imported.
    """
    places = _places(pieces)
    for piece in pieces:
        member = _read(piece, round_, largest_mb)
        folder = Path(piece.source).parent
        if SUBMITTED.fullmatch(Path(piece.source).name) and folder.name == member.benchmark:
            yield (str(folder), member.benchmark, "", ("", "", "")), member
        else:
            system = (piece.organisation or "", piece.platform or "", str(piece.system.get("system_name", "")))
            yield (places[piece.source], member.benchmark, member.division, system), member


def _read(piece: Piece, round_: str | None, largest_mb: int) -> _Member:
    log = read_log(piece.log, piece.dialect, piece.source, None, largest_mb)
    version = _version_of(piece, round_, "")
    benchmark = _benchmark_of(log, piece, rules_of(version))
    version = _version_of(piece, round_, benchmark)
    if elapsed := rules_of(version).elapsed.get(benchmark):
        log = read_log(piece.log, piece.dialect, piece.source, elapsed, largest_mb)
    division = normal_division(log.division) or normal_division(piece.system.get("division")) or UNKNOWN_DIVISION
    return _Member(piece, log, benchmark, division, version)


def _version_of(piece: Piece, round_: str | None, benchmark: str) -> str:
    """The round that was asked for, if its lines have this form; else the newest that has the form and the benchmark."""
    rounds = sorted(public_rounds(), key=lambda version: round_label(version).suite == "training")
    fitting = [version for version in rounds if rules_of(version).dialect == piece.dialect]
    if round_ is not None and rules_of(round_).dialect == piece.dialect:
        return round_
    return next((version for version in reversed(fitting) if benchmark in rules_of(version).benchmarks), fitting[-1])


def _benchmark_of(log: RunLog, piece: Piece, rules: Rules) -> str:
    """What the log names, if the table knows it; else the nearest folder that the table knows; else what the log names."""
    named = rules.aliases.get(log.benchmark or "", log.benchmark or "")
    if named in known_benchmarks():
        return named
    folders = [rules.aliases.get(part, part) for part in reversed(Path(piece.source).parts[:-1])]
    return next((part for part in folders if part in known_benchmarks()), named or "not named")


def _places(pieces: Sequence[Piece]) -> dict[str, str]:
    """The folder that each file belongs to: the one above, where every folder beside it holds a single run of many."""
    count: dict[str, int] = defaultdict(int)
    for piece in pieces:
        count[str(Path(piece.source).parent)] += 1
    places = {}
    for piece in pieces:
        folder = Path(piece.source).parent
        while count[str(folder)] == 1 and _ONE_OF_MANY.fullmatch(folder.name):
            folder = folder.parent
        places[piece.source] = str(folder)
    return places


def _judge(folder: str, members: Sequence[_Member]) -> Judged:
    """What is known of some runs, by the rules of their round.

    Raises:
        BadInput: the ``scaling.json`` beside the logs of a submission holds no factor.
    """
    first, rules = members[0], rules_of(members[0].version)
    metrics = rules.layout.metrics  # by the folders that they have
    metric = next((metric_of(metrics[part]) for part in reversed(Path(folder).parts) if part in metrics), usual_metric())
    record = system_of(first.piece.system) if first.piece.system else System()
    submitted = all(SUBMITTED.fullmatch(Path(member.piece.source).name) for member in members)
    in_file = Counter(member.piece.source for member in members)

    def place(piece: Piece) -> str:
        return f"{piece.source}:{piece.line}" if in_file[piece.source] > 1 else piece.source

    logs = [structs.replace(member.log, path=place(member.piece)) for member in members]
    submission = Submission(
        submitter=first.piece.organisation or record.submitter or "",
        system=record.name or first.piece.platform or "",
        benchmark=first.benchmark,
        folder=folder,
        system_record=record,
        description=None,
        code=folder,
        logs=tuple(LogFile(log.path, log.name, m.piece.log.stat().st_size) for log, m in zip(logs, members, strict=True)),
        metric=metric,
        scaling=_SCALING_FILE if submitted and Path(folder, _SCALING_FILE).is_file() else None,
    )
    round_ = Round(first.version, first.version, Path(folder))
    facts = facts_of(round_, rules, submission, logs)
    if facts.scaling_trouble is not None:
        raise BadInput(f"{Path(folder, _SCALING_FILE)}: {facts.scaling_trouble}")
    division = next((member.division for member in members if member.division != UNKNOWN_DIVISION), UNKNOWN_DIVISION)
    return judge_result(replace(facts, division=division))


def _score_group(folder: str, members: Sequence[_Member]) -> ScoredGroup:
    """The score of some runs, by the rules of their round."""
    judged = _judge(folder, members)
    benchmark, record, score = judged.benchmark, judged.submission.system_record, judged.score
    target = benchmark.targets[0] if benchmark.targets else None
    counted = minutes_of(judged.runs)
    few = benchmark.runs is not None and len(judged.runs) < benchmark.runs
    return ScoredGroup(
        benchmark=benchmark.key,
        division=judged.division,
        round=judged.round.version,
        folder=folder,
        runs=tuple(_scored_run(member, run, benchmark) for member, run in zip(members, judged.runs, strict=True)),
        metric=judged.metric.name,
        score_unit=judged.metric.words,
        score=None if few else score.value,
        runs_required=benchmark.runs,
        target=target.value if target else None,
        target_metric=target.metric if target else None,
        unit=benchmark.progress.unit if benchmark.progress else None,
        system=judged.submission.system or None,
        accelerators=record.accelerators_count,
        minutes=None if few else score.minutes,
        minutes_so_far=mean(counted) if few and counted else None,
        reason=f"{len(judged.runs)} of {benchmark.runs} runs" if few else score.reason,
        scaling_factor=judged.scaling_factor,
        figures={} if few else dict(judged.figures),
        findings=tuple(doubt for doubt in judged.doubts if not (few and doubt.code in _OF_REVIEW)),
    )


def _scored_run(member: _Member, run: Run, benchmark: Benchmark) -> ScoredRun:
    piece, log = member.piece, member.log
    ended = log.run_stop_ms is not None or log.elapsed_ms is not None
    target = benchmark.targets[0] if benchmark.targets else None
    samples = samples_of(log, benchmark)
    so_far = None
    if not ended and piece.run_start_ms is not None and piece.last_ms is not None:
        so_far = max(0.0, piece.last_ms - piece.run_start_ms) / _MS_PER_MINUTE
    return ScoredRun(
        file=piece.source,
        line=piece.line,
        minutes=run.minutes,
        status=log.status or (None if ended else "no run_stop: still running, or cut off"),
        reason=run.reason,
        minutes_so_far=so_far,
        quality=quality_of(log, benchmark, target) if target else None,
        progress=convergence_point(log, benchmark),
        samples_per_second=samples / (duration_ms(log) / 1000) if samples and run.minutes is not None else None,
        seed=piece.seed,
    )
