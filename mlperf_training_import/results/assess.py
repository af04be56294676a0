"""Brings a submission and its run logs together: the result it makes, and all that is to be said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..findings import Finding, reporter
from ..model import Result, Round, Run, RunLog, Submission
from ..rounds.description import normal_division, read_object
from ..tables.editions import edition_of
from ..tables.files import place_to_extend
from ..tables.names import row_to_add
from ..tables.rules import BENCHMARKS_FILE, ROUNDS_FILE, Benchmark, Rules, benchmark_of, known_benchmarks
from ..values import finite_number
from .doubts import Case, report_doubts
from .names import name_keys
from .score import judge, score_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: The factors of the review committee are near 1; with a larger one, or its inverse, the minutes would mean nothing.
_LARGEST_FACTOR = 1000
#: More of a spelling is not shown.
_LONGEST_SPELLING = 120


class Assessor:
    """Assesses the submissions of one round; what it finds goes to ``findings``, what it judged to ``runs_by_folder``."""

    def __init__(
        self, round_: Round, rules: Rules, findings: list[Finding], runs_by_folder: dict[str, tuple[Run, ...]]
    ) -> None:
        self._round = round_
        self._runs_by_folder = runs_by_folder
        self._rules = rules
        self._report = reporter(findings, round_.label)
        self._reported: set[tuple[str, str]] = set()
        if not rules.known:
            place = place_to_extend(ROUNDS_FILE, "rounds")
            self._report("unknown-round", place, f"round {rules.version} is not in the table; imported by the last rules")

    def assess(self, submission: Submission, logs: Sequence[RunLog]) -> Result | None:
        """The result of a submission, with or without a score; None where there is nothing to score.

        Args:
            submission: as the walk found it.
            logs: what its logs say, in the same order.
        """
        if not logs:
            return None
        key = self._benchmark_key(submission, logs)
        targets = benchmark_of(key, self._rules.version).targets if key else ()
        runs = [judge(log, self._rules, targets) for log in logs]
        self._runs_by_folder[submission.folder] = tuple(runs)
        for run in runs:
            self._report_run(run)
        if key is None:
            reason = f" ({submission.logs[0].name}: {runs[0].reason})" if runs[0].reason else ""
            what = f"the logs are in no benchmark folder and name no benchmark of the table{reason}"
            self._report("no-logs", submission.folder, what)
            return None
        benchmark = self._benchmark(key, submission)
        self._check_edition(key)
        self._check_names(submission)
        metric, asked = submission.metric, benchmark.runs
        if asked is not None and (len(logs) < asked or (len(logs) > asked and not metric.surplus_runs)):
            self._report("run-count", submission.folder, f"{len(logs)} logs, the round asks for {asked}")
        division = self._division(submission, logs)
        report_doubts(Case(submission, benchmark, runs, self._rules.aliases, self._round.path), self._report)
        try:
            factor = self._scaling_factor(submission) if metric.has_factor else None
        except OSError as error:
            self._report("invalid-scaling-file", submission.scaling or submission.folder, error.strerror or "cannot be read")
            return None
        except ValueError as error:
            self._report("invalid-scaling-file", submission.scaling or submission.folder, str(error))
            return None
        scored = score_of(metric, runs, benchmark, factor)
        result = Result(self._round, submission, key, division, scored)
        if result.score.code is not None:
            self._report(result.score.code, submission.folder, result.score.reason or "")
        return result

    def _report_run(self, run: Run) -> None:
        """Says why a run does not count, or what of its log could not be read although it does."""
        log = run.log
        if run.reason is not None:
            self._report("run-not-counted", log.path, run.reason)
        elif log.two_records is not None:
            self._report("malformed-line", log.path, log.two_records)
        elif log.malformed_lines:
            self._report("malformed-line", log.path, f"{log.malformed}; {log.malformed_lines} in all")

    def _benchmark_key(self, submission: Submission, logs: Sequence[RunLog]) -> str | None:
        """What the folder is called; what the logs name where there is none, or one that nobody knows."""
        folder = submission.benchmark
        if folder in known_benchmarks():
            return folder
        names = {self._rules.aliases.get(log.benchmark, log.benchmark) for log in logs if log.benchmark}
        logged = names.pop() if len(names) == 1 else None
        if logged in known_benchmarks():
            if folder is not None:
                what = f"{folder} is no benchmark, and all logs say {logged}; imported as {logged}"
                self._report("misnamed-folder", submission.folder, what)
            return logged
        return folder

    def _benchmark(self, key: str, submission: Submission) -> Benchmark:
        benchmark = benchmark_of(key, self._rules.version)
        if not benchmark.known and self._is_first("benchmark", key):
            place, what = place_to_extend(BENCHMARKS_FILE), f"benchmark {key} is not in the table; imported without a target"
            if key in known_benchmarks():
                place = place_to_extend(ROUNDS_FILE, "rounds", self._rules.version)
                what = f"benchmark {key} is not listed for round {self._rules.version}; imported without a target"
            self._report("unknown-benchmark", place, f"{what} (first seen in {submission.folder})")
        return benchmark

    def _check_edition(self, key: str) -> None:
        edition = edition_of(key, self._rules.version)
        if edition is not None and not edition.known and self._is_first("edition", key):
            what = f"{key} is not compared with earlier rounds: no edition of the table has round {self._rules.version}"
            self._report("new-edition", place_to_extend(BENCHMARKS_FILE, row=key), what)

    def _check_names(self, submission: Submission) -> None:
        _, unknown = name_keys(submission.system_record, submission.submitter, submission.system)
        for name in unknown:
            if self._is_first(name.kind, name.spelling):
                spelling = name.spelling[:_LONGEST_SPELLING]
                place, row = row_to_add(name.kind, spelling)
                what = f"{name.kind} {spelling} is not in the table (first seen in {submission.folder}); to be added: {row}"
                self._report("unknown-name", place, what)

    def _is_first(self, kind: str, name: str) -> bool:
        """Whether nothing was reported about a name in this round yet."""
        is_first = (kind, name) not in self._reported
        self._reported.add((kind, name))
        return is_first

    def _division(self, submission: Submission, logs: Sequence[RunLog]) -> str:
        """``closed``, ``open`` or ``unknown``: what the description says, else what the first log says that says it."""
        if submission.system_record.division is not None:
            return submission.system_record.division
        logged = next(filter(None, (normal_division(log.division) for log in logs)), None)
        if logged is None:
            self._report("unknown-division", submission.folder, "neither the description nor a log says closed or open")
        return logged or "unknown"

    def _scaling_factor(self, submission: Submission) -> float | None:
        return None if submission.scaling is None else read_scaling_factor(self._round.path / submission.scaling)


def read_scaling_factor(file: Path) -> float:
    """What the review committee multiplied a result by.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no factor, or none that a committee would choose.
    """
    value = read_object(file).get("scaling_factor")
    factor = None if isinstance(value, str) else finite_number(value)
    if factor is None or factor <= 0:
        raise ValueError("no scaling_factor above 0 in it")
    if not 1 / _LARGEST_FACTOR <= factor <= _LARGEST_FACTOR:
        raise ValueError(f"a scaling_factor that is not between 1/{_LARGEST_FACTOR} and {_LARGEST_FACTOR}")
    return float(factor)
