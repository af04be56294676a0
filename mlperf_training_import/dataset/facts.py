"""Makes the rows about benchmarks: a round in, what it asks of each benchmark and its reference points out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tables.editions import edition_of
from ..tables.labels import round_label
from ..tables.references import reference_runs
from ..tables.rules import Benchmark, Target, benchmark_of, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..outcome import RoundOutcome
    from .rows import Row


def iter_benchmark_rows(done: RoundOutcome) -> Iterator[Row]:
    """A row for each benchmark of a round."""
    for benchmark in _benchmarks(done):
        edition, progress = edition_of(benchmark.key, done.round.version), benchmark.progress
        samples = progress and progress.samples  # a number or a key; each of two columns keeps what is of its type
        first, second, *_ = (*benchmark.targets, None, None)
        yield {
            "benchmark": benchmark.key,
            "edition": edition and edition.id,
            "edition_title": edition and edition.title,
            "Task": benchmark.task,
            "model": benchmark.model,
            "Dataset": benchmark.dataset,
            **_target_columns("", first),
            **_target_columns("second_", second),
            "quality_key": benchmark.quality,
            "runs_asked": benchmark.runs,
            "runs_left_out": benchmark.drop,
            "progress_unit": progress and progress.unit,
            "samples_in_unit": samples,
            "samples_in_unit_key": samples,
        }


def iter_reference_rows(done: RoundOutcome) -> Iterator[Row]:
    """A row for each run of a reference that results of a round are judged by."""
    suite = round_label(done.round.version).suite
    for benchmark in _benchmarks(done):
        progress = benchmark.progress
        factor = progress and progress.samples
        for runs in reference_runs(suite, benchmark.key, done.round.version):
            for number, point in enumerate(runs.points, 1):
                yield {
                    "benchmark": benchmark.key,
                    "global_batch_size": runs.global_batch_size,
                    "run": number,
                    "progress": point,
                    "progress_unit": progress and progress.unit,
                    "samples": point * factor if isinstance(factor, (int, float)) else None,
                }


def _benchmarks(done: RoundOutcome) -> list[Benchmark]:
    """The benchmarks that the round asks for, and others that it has logs of, sorted by key."""
    known = {key: benchmark_of(key, done.round.version) for key in rules_of(done.round.version).benchmarks}
    found = {judged.benchmark.key: judged.benchmark for judged in done.judged if judged.benchmark.key}
    return [benchmark for _, benchmark in sorted((found | known).items())]


def _target_columns(prefix: str, target: Target | None) -> Row:
    if target is None:
        return {}
    return {
        f"{prefix}target": target.value,
        f"{prefix}target_metric": target.metric,
        f"{prefix}target_unit": "%" if target.metric.startswith("%") else "1",
        f"{prefix}logged_target": target.logged,
        f"{prefix}lower_is_better": target.lower_is_better,
        f"{prefix}figure": target.field,
    }
