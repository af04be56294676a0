"""Gathers what is known about a result before it is judged: a submission and what its logs say in, facts out."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from ..model import Facts
from ..regular import sha256_of
from ..rounds.description import normal_division, read_object
from ..tables.rules import benchmark_of, known_benchmarks
from ..values import finite_number, only

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..model import LogFile, Round, RunLog, Submission
    from ..tables.rules import Rules

#: The factors of the review committee are near 1; with a larger one, or its inverse, the minutes would mean nothing.
_LARGEST_FACTOR = 1000
UNKNOWN_DIVISION = "unknown"


def facts_of(round_: Round, rules: Rules, submission: Submission, logs: Sequence[RunLog]) -> Facts:
    """What is known about a submission. Reads its ``scaling.json``, and logs again where only their bytes tell runs apart.

    Args:
        round_: that the submission is of.
        rules: of that round.
        submission: as the walk found it.
        logs: what its logs say, in the same order; at least one.
    """
    factor, trouble = None, None
    if submission.scaling is not None and submission.metric.has_factor:
        try:
            factor = read_scaling_factor(round_.path / submission.scaling)
        except OSError as error:
            trouble = error.strerror or "cannot be read"
        except ValueError as error:
            trouble = str(error)
    return Facts(
        round=round_,
        rules=rules,
        submission=submission,
        benchmark=benchmark_of(_benchmark_key(rules, submission, logs), rules.version),
        division=submission.system_record.division
        or next(filter(None, (normal_division(log.division) for log in logs)), UNKNOWN_DIVISION),
        logs=tuple(logs),
        repeated=repeated_logs(round_.path, submission, logs),
        scaling_factor=factor,
        scaling_trouble=trouble,
    )


def _benchmark_key(rules: Rules, submission: Submission, logs: Sequence[RunLog]) -> str:
    """What the folder is called; what the logs name where there is none, or one that nobody knows."""
    folder = submission.benchmark
    if folder in known_benchmarks():
        return folder
    logged = only(rules.aliases.get(log.benchmark, log.benchmark) for log in logs if log.benchmark)
    return logged if logged in known_benchmarks() else folder or ""


def repeated_logs(root: Path, submission: Submission, logs: Sequence[RunLog]) -> tuple[tuple[str, ...], ...]:
    """The names of those logs that hold the same run, in sets: with the same start and stop, else with the same bytes."""
    groups: dict[tuple[float | None, float], list[LogFile]] = defaultdict(list)  # by start and stop, or by size alone
    for file, log in zip(submission.logs, logs, strict=True):
        if log.run_start_ms is not None and log.run_stop_ms is not None:
            groups[log.run_start_ms, log.run_stop_ms].append(file)
        elif log.lines:
            groups[None, file.size].append(file)
    repeated: list[list[LogFile]] = []
    for (start_ms, _), files in groups.items():
        if len(files) > 1:
            is_told_by_times = submission.metric.equal_times_repeat and start_ms is not None
            repeated += [files] if is_told_by_times else _with_equal_bytes(root, files)
    return tuple(tuple(file.name for file in files) for files in repeated)


def _with_equal_bytes(root: Path, files: Sequence[LogFile]) -> list[list[LogFile]]:
    groups: dict[str, list[LogFile]] = defaultdict(list)
    for file in files:
        # nothing is known of a log that cannot be read
        with contextlib.suppress(OSError):
            groups[sha256_of(root / file.path)[0]].append(file)
    return [same for same in groups.values() if len(same) > 1]


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
