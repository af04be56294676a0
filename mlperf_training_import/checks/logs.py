"""Checks one log: a file in; its verdict, what the check of the folder needs, and remarks out."""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.evaluation import EVALUATED_AFTERWARDS, EVALUATION_KEYS
from ..logs.history import HistoryReader
from ..logs.line import values_of
from ..logs.log import read_log
from ..model import RunLog
from ..suggest import did_you_mean
from ..tables.checks import rulebook_of
from ..tables.formula import FAILURES, Line
from ..tables.labels import round_label
from ..tables.rules import benchmarks_table, row_of, rules_of
from ..values import LARGEST_LOG_MB
from .lines import LineList, line_numbers
from .log_rules import JudgedLog, begun, computed, iter_objections, judge_log
from .remarks import Remark, elsewhere, remark, remark_on_line, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ..logs.line import KeptLine
    from ..tables.checks import Rulebook

    #: The names of remarks, each with what was found, and the line.
    _Doubts = Iterator[tuple[str, str, KeptLine]]

#: Keys that the check of a folder needs from its logs, besides those of the rules.
_KEYS_OF_PROGRESS = frozenset({"global_batch_size", "submission_benchmark", "run_stop"}) | EVALUATION_KEYS
_KEYS_OF_FOLDER = _KEYS_OF_PROGRESS | {"seed", "submission_org", "config_filename"}
#: The benchmark that logs its two figures apart; it has converged at the first progress at which both reach their targets.
_PAIRED = "stable_diffusion"
#: A log gets at most this many remarks per rule of the checkers, and one per other rule; more would only repeat them.
_MOST_REMARKS = 5


class ConvergedRun(msgspec.Struct, frozen=True):
    """What the checker of reference points reads from a log.

    ``point`` is the progress at convergence, infinite for a run that failed; ``batch_size`` is -1 where the log does not
    give it; ``stops`` says why the checker would end with a traceback.
    """

    point: Any = math.inf
    batch_size: Any = -1
    benchmark: Any = None
    stops: str | None = None


class CheckedLog(msgspec.Struct):
    """A log with its verdict, its seeds and what it says about itself.

    ``run`` is what the judgement of the result uses; ``history`` has collected its evaluations. ``organisation`` and
    ``config`` are the log's first ``submission_org`` and ``config_filename``. ``refused_wrongly`` means that it fails only
    where the checkers are wrong. ``seeds`` are file, line and number; ``seed_trouble`` is ``none`` or ``exception`` where
    no seed is usable, and ``stops`` where the seed checker would end with a traceback.
    """

    path: str
    run: RunLog
    judged: JudgedLog
    converged: ConvergedRun
    history: HistoryReader | None = None
    refused_wrongly: bool = False
    seeds: list[tuple[Any, Any, int]] = msgspec.field(default_factory=list)
    seed_trouble: str | None = None
    seed_values: list[Any] = msgspec.field(default_factory=list)
    organisation: Any = None
    config: Any = None
    remarks: list[Remark] = msgspec.field(default_factory=list)


def read_lines(
    file: Path | str,
    path: str,
    version: str,
    wanted: Iterable[str],
    largest_mb: int = LARGEST_LOG_MB,
    quality_key: str | None = None,
) -> tuple[RunLog, LineList]:
    """What a log of a round says, and its lines with the wanted keys."""
    found = LineList({key: [] for key in wanted})
    dialect = rules_of(version).dialect
    run = read_log(file, dialect, path, largest_mb=largest_mb, quality_key=quality_key, keeper=found, is_compared=False)
    found.trouble, found.count = run.trouble, run.lines
    return run, found


def check_log(
    file: Path | str,
    path: str,
    version: str,
    folder: str = "",
    largest_mb: int = LARGEST_LOG_MB,
    *,
    quality_key: str | None = None,
    with_remarks: bool = True,
) -> CheckedLog:
    """Checks a log by the rules of a round; the round must have rules.

    Args:
        file: the log.
        path: its name in remarks.
        version: the round, such as ``4.1``.
        folder: the folder of its result.
        largest_mb: a larger file is not read.
        quality_key: the key of the lines with the quality by which the result is judged; either one where None.
        with_remarks: if false, gives only the verdict of the checkers and what the check of a folder needs.
    """
    rulebook = rulebook_of(version)
    if rulebook is None:
        raise ValueError(f"{version}: no rules")
    run, found = read_lines(file, path, version, rulebook.keys | _KEYS_OF_FOLDER, largest_mb, quality_key)
    judged = judge_log(found, rulebook)
    if found.trouble is not None:
        judged = JudgedLog(verdict="crash", stops=found.trouble)
    checked = CheckedLog(path, run, judged, _converged(found, version), found.history)
    checked.organisation, checked.config = found.first("submission_org"), found.first("config_filename")
    _take_seeds(checked, found)
    counting = [failure for failure in judged.failures if failure.kind != "repeated"]
    are_rules = judged.verdict == "fail" and not found.unreadable and found.count > 0
    checked.refused_wrongly = are_rules and all(failure.is_lenient for failure in counting)
    if with_remarks:
        checked.remarks = _remarks_on(file, path, folder or path, found, judged, rulebook)
    return checked


def _take_seeds(checked: CheckedLog, found: LineList) -> None:
    """Takes the seeds as the seed checker reads them: a log with an unreadable line has none."""
    seeds = found.by_key.get("seed", [])
    checked.seed_values = values = values_of(seeds)
    if found.stops is not None or found.unreadable or found.trouble is not None:
        checked.seed_trouble = "exception"
        return
    try:
        for line, value in zip(seeds, values, strict=True):
            metadata = line.metadata
            checked.seeds.append((metadata["file"], metadata["lineno"], int(value)))
    except FAILURES:
        checked.seed_trouble = "exception"
        checked.seeds = []
        return
    try:
        hash(tuple(checked.seeds))
    except TypeError:
        checked.seed_trouble = "stops"
        checked.seeds = []
        return
    if not seeds:
        checked.seed_trouble = "none"


def _converged(found: LineList, version: str) -> ConvergedRun:
    """Progress at convergence as ``rcp_checker.read_submission_file`` reads it, line by line."""
    if found.spoils_references or found.trouble is not None:
        return ConvergedRun(stops="a line that it needs cannot be read")
    run: dict[str, Any] = {}
    progress = _Progress(version)
    try:
        for line in found.in_order(_KEYS_OF_PROGRESS):
            if line.key == "global_batch_size":
                run["batch_size"] = line.value
            elif line.key == "submission_benchmark":
                run["benchmark"] = line.value
            elif line.key in EVALUATION_KEYS:
                progress.take(line, run.get("benchmark"))
            elif line.key == "run_stop":
                run["point"] = progress.point(run.get("benchmark")) if line.metadata["status"] == "success" else math.inf
    except FAILURES:
        return ConvergedRun(stops=f"{line.key} lacks what it needs")
    return ConvergedRun(**run)


@functools.cache
def _fields_of_progress(version: str) -> dict[str, str]:
    """By benchmark, the field of its evaluations with the progress; that of a later round if the round has none."""
    number = round_label(version).number
    rows = {key: row.progress for key, row in benchmarks_table().items() if row.progress}
    return {key: (row_of(progress, number) or progress[-1]).field for key, progress in rows.items()}


class _Progress:
    """The progress of a run, in the unit of its benchmark."""

    def __init__(self, version: str) -> None:
        self._fields = _fields_of_progress(version)
        self._latest: Any = None
        self._paired: dict[Any, dict[Any, Any]] = {}

    def take(self, line: KeptLine, benchmark: object) -> None:
        """Takes an evaluation."""
        field = self._fields.get(benchmark, "epoch_num") if isinstance(benchmark, str) else "epoch_num"
        at = line.metadata[field]
        if benchmark == _PAIRED:
            self._paired.setdefault(at, {})[line.metadata["metric"]] = line.value
        else:
            self._latest = round(at, 3) if field == "epoch_num" else at

    def point(self, benchmark: object) -> Any:
        """The progress at the last evaluation, or at the first one that reached both targets.

        Raises:
            ValueError: there was no evaluation.
        """
        if benchmark == _PAIRED:
            targets = benchmarks_table()[_PAIRED].changes[-1].targets
            return min(at for at, said in self._paired.items() if all(one.is_met(said[one.field]) for one in targets))
        if self._latest is None:
            raise ValueError("no evaluation")
        return self._latest


def _remarks_on(
    file: Path | str, path: str, folder: str, found: LineList, judged: JudgedLog, rulebook: Rulebook
) -> list[Remark]:
    """All remarks on a log."""
    if found.trouble is not None:
        return [remark("log.not-read", path, found.trouble, folder)]
    remarks = [remark(name, path, what, folder, ordinal) for name, what, ordinal in _iter_unread(found, judged, rulebook)]
    counts: Counter[str] = Counter()
    for failure in (*judged.failures, *iter_objections(found, rulebook, judged.scopes)):
        counts[failure.rule.id] += 1
        if counts[failure.rule.id] <= (_MOST_REMARKS if failure.rule.source == "peer" else 1):
            remarks.append(remark_on_line(failure, path, folder))
    for name, what, line in iter_doubts(found, judged, rulebook):
        remarks.append(remark(name, path, what, folder, line.ordinal))
    # until here, `line` of a remark is the ordinal of a line
    wanted = {said.line for said in remarks if said.line is not None}
    is_refused = judged.verdict != "pass"
    numbers, without_blank = line_numbers(file, wanted, find_blank=is_refused) if wanted or is_refused else ({}, None)
    remarks = [said if said.line is None else msgspec.structs.replace(said, line=numbers.get(said.line)) for said in remarks]
    if without_blank is not None:
        remarks.append(remark("log.no-blank", path, ":::MLLOG without a blank", folder, without_blank))
    return remarks


def _iter_unread(found: LineList, judged: JudgedLog, rulebook: Rulebook) -> Iterator[tuple[str, str, int | None]]:
    """What cannot be read, and where the checkers stop: id of a remark, what was found, and the ordinal of a line."""
    if judged.stops is not None and judged.unknown_scope is None:
        yield "log.stops", judged.stops, judged.stops_at
    for ordinal, why in found.unreadable[:_MOST_REMARKS]:
        yield "log.unreadable-line", why, ordinal
    if not found.count:
        yield "log.no-lines", "no line with :::MLLOG and a blank", None
    if judged.unknown_scope is not None:
        division, _, benchmark = judged.unknown_scope.partition("_")
        known = [name.partition("_")[2] for name in rulebook.scopes if name.startswith(f"{division}_")]
        name = f"{benchmark} ({division})" if known else division
        meant = elsewhere(benchmark) if known else ""
        if not meant:
            meant = did_you_mean(benchmark, known) if known else did_you_mean(division, ("closed", "open"))
        yield "log.no-rules", f"{rulebook.version} has no rules for {short(name)}{meant}", None


def iter_doubts(found: LineList, judged: JudgedLog, rulebook: Rulebook) -> _Doubts:
    """Contradictions between lines that the checkers accept: id of a remark, what was found, and the line."""
    starts, stops = found.by_key.get("run_start", []), found.by_key.get("run_stop", [])
    yield from _repeated(starts, "run_start")
    yield from _repeated(stops, "run_stop")
    if (odd := found.odd_time) is not None:
        yield "run.odd-time", f"the time of {odd.key} is {odd.time}", odd
    passes = judged.verdict == "pass"
    if (
        passes
        and stops
        and isinstance(stops[-1].metadata, dict)
        and stops[-1].metadata.get("status", "success") != "success"
    ):
        yield "run.aborted", f"the status of run_stop is {short(stops[-1].metadata['status'])}", stops[-1]
    if starts and stops and stops[0].time < starts[0].time:
        yield "run.backwards", f"run_stop is {(starts[0].time - stops[0].time) / 1000:.3f} s before run_start", stops[0]
    elif starts and stops and passes:
        yield from _target_outside(found, judged, rulebook, starts[0], stops[-1])


def _repeated(lines: list[KeptLine], key: str) -> _Doubts:
    if len(lines) > 1:
        seconds = abs(lines[-1].time - lines[0].time) / 1000
        yield "run.repeated", f"{len(lines)} lines with the key {key}, {seconds:.3f} s apart", lines[1]


def _target_outside(found: LineList, judged: JudgedLog, rulebook: Rulebook, start: KeptLine, stop: KeptLine) -> _Doubts:
    """Whether the target is reached only before or after the run, and not within."""
    scope = rulebook.scopes[judged.scopes[-1]]
    if scope.name.partition("_")[2] in EVALUATED_AFTERWARDS or not scope.name.startswith("closed_"):
        return
    for key, rules in scope.keys.items():
        if not rules.any:
            continue
        lines = found.by_key.get(key, [])
        memory = begun(scope, found.first_values)
        inside = [line for line in lines if start.ordinal < line.ordinal < stop.ordinal]
        for line in (*reversed(inside), *lines):  # usually the last one
            if all(computed(rule.holds, Line(line, memory, ())) for rule in rules.any):
                if line not in inside:
                    yield "run.target-outside", f"{key} reaches the target outside of the run only", line
                break
