"""What is odd about a result in the light of what it says of itself elsewhere, or of the others of its round.

Judged results in, phrases out; ``doubts.py`` registers the checks. Source: a survey of all results of 0.7 to 5.1 and HPC.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from ..rounds.description import system_of
from ..tables.editions import edition_of
from ..tables.rules import published_ms
from .compare import runs_digest
from .names import find_accelerator, find_processor, is_same_memory, name_keys, stated_memory_gb
from .score import odd_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import Judged, RunLog, System

_MS_PER_MINUTE = 60_000
_MS_PER_YEAR = 365.25 * 24 * 60 * _MS_PER_MINUTE
#: Ranks of one run that write a log each start within this.
_ONE_START_MS = 1000
#: Benchmarks whose models play games with a seed of their own each time.
_WITHOUT_OWN_SEED = frozenset({"minigo"})
#: Benchmarks whose checkpoints are evaluated when the run is over, by many processes.
_EVALUATED_AFTERWARDS = frozenset({"stable_diffusion", "minigo"})
#: Results of a round that were made so long before it are not of its software.
_LONGEST_WAIT_YEARS = 2
#: A result needs so many others of its kind to be compared with, which have at most so many times as many accelerators.
_FEWEST_OTHERS, _ALIKE_IN_SIZE = 3, 2
#: Accelerator-minutes that are so many times off those of the others are another training, or another accelerator.
_FAR_OFF = 5


def one_history(judged: Judged) -> str | None:
    histories = [log.history for log in judged.logs]
    digests = {history.digest if history is not None and history.count > 1 else None for history in histories}
    # instances that train side by side may be one model in many places
    if len(digests) > 1 or None in digests or _runs(judged) < 2 or not judged.metric.equal_times_repeat:
        return None
    count = histories[0].count if histories and histories[0] is not None else 0
    return f"all {len(histories)} runs have the same {count} quality figures to the last digit, at the same progress"


def same_seed(judged: Judged) -> str | None:
    seeds = {log.seed for log in judged.logs}
    if judged.benchmark.key in _WITHOUT_OWN_SEED or len(seeds) > 1 or None in seeds or _runs(judged) < 2:
        return None
    return f"all {len(judged.logs)} runs log the seed {seeds.pop()}"


def _runs(judged: Judged) -> int:
    """How many runs the logs are of: neither those that repeat another, nor copies of one that its ranks wrote."""
    starts = sorted({log.run_start_ms for log in judged.logs if log.run_start_ms is not None})
    repeats = sum(len(names) - 1 for names in judged.repeated)
    apart = 1 + sum(later - sooner > _ONE_START_MS for sooner, later in pairwise(starts))
    return min(len(judged.logs) - repeats, apart)


def description_conflict(judged: Judged) -> str | None:
    described = judged.submission.system_record
    if judged.submission.description is None:
        return None
    logged = {log.described: log for log in reversed(judged.logs) if log.described}
    for said, log in logged.items():
        if differences := list(_iter_differences(described, system_of(dict(said)))):
            return f"the description and {log.name} differ on {'; '.join(differences)}; the description counts"
    return None


def _iter_differences(described: System, logged: System) -> Iterator[str]:
    for what, find, field in (
        ("the accelerator", find_accelerator, "accelerator_model_name"),
        ("the processor", find_processor, "host_processor_model_name"),
    ):
        one, other = find(getattr(described, field)), find(getattr(logged, field))
        if one is not None and other is not None and one.name != other.name:
            yield f"{what} ({one.name}, {other.name})"
    for what, field in (
        ("the number of nodes", "nodes"),
        ("accelerators per node", "accelerators_per_node"),
        ("processors per node", "host_processors_per_node"),
    ):
        first, second = getattr(described, field), getattr(logged, field)
        if first is not None and second is not None and first != second:
            yield f"{what} ({first}, {second})"


def memory_conflict(judged: Judged) -> str | None:
    record = judged.submission.system_record
    stated, capacity = stated_memory_gb(record.accelerator_model_name), record.accelerator_memory_gb
    if stated is None or capacity is None or is_same_memory(stated, capacity):
        return None
    name = record.accelerator_model_name
    return f"{name} has {stated} GB by its name, and an accelerator_memory_capacity of {capacity:.4g} GB"


def odd_dates(judged: Judged) -> str | None:
    published, key = published_ms(judged.round.version), judged.benchmark.key
    troubles: dict[str, list[RunLog]] = defaultdict(list)
    for log in judged.logs:
        start_ms, history = log.run_start_ms, log.history
        if start_ms is None or published is None or odd_time(log) is not None or log.counts_seconds:
            years = 0.0
        else:
            years = (published - start_ms) / _MS_PER_YEAR
        if years > _LONGEST_WAIT_YEARS:
            troubles[f"ran more than {_LONGEST_WAIT_YEARS} years before their round was published"].append(log)
        if history is not None and key not in _EVALUATED_AFTERWARDS:
            if history.is_outside:
                troubles["have no quality figure with a time between run_start and run_stop"].append(log)
            elif history.set_back_ms > _MS_PER_MINUTE:
                troubles["have quality figures whose time is more than a minute before that of an earlier line"].append(log)
    count = len(judged.logs)
    parts = [f"{len(logs)} of {count} logs {what}, first {logs[0].name}" for what, logs in troubles.items()]
    return "; ".join(parts) or None


# Of a result among those of its round


def shared_runs(results: Sequence[Judged]) -> Iterator[tuple[Judged, str]]:
    first: dict[tuple[str, str], Judged] = {}
    for judged in results:
        if (digest := runs_digest(judged.logs)) is None or judged.score.minutes is None:
            continue
        other = first.setdefault((judged.benchmark.key, digest), judged)
        if differences := list(_iter_differences(other.submission.system_record, judged.submission.system_record)):
            yield judged, f"its runs are those of {other.submission.folder}, which differs in {'; '.join(differences)}"


def odd_speed(results: Sequence[Judged]) -> Iterator[tuple[Judged, str]]:
    groups: dict[object, list[tuple[Judged, float, int]]] = defaultdict(list)
    seen: set[object] = set()
    for judged in results:
        record, digest = judged.submission.system_record, (judged.benchmark.key, runs_digest(judged.logs))
        count = record.accelerators_count
        accelerator = name_keys(record, judged.submission.submitter, judged.submission.system)[0]["accelerator"]
        if judged.score.minutes is None or not count or accelerator is None or digest in seen:
            continue
        seen.add(digest)
        edition = edition_of(judged.benchmark.key, judged.round.version)
        groups[accelerator, edition and edition.id, judged.metric.name].append((judged, judged.minutes * count, count))
    for group in groups.values():
        for judged, minutes, count in group:
            others = [
                their_minutes
                for other, their_minutes, their_count in group
                if other is not judged and count / _ALIKE_IN_SIZE <= their_count <= count * _ALIKE_IN_SIZE
            ]
            if len(others) >= _FEWEST_OTHERS:
                median = statistics.median(others)
                if not median / _FAR_OFF <= minutes <= median * _FAR_OFF:
                    what = f"{minutes:.4g} accelerator-minutes; the median of {len(others)} others with this accelerator"
                    yield judged, f"{what}, and at most twice or half as many of it, is {median:.4g}"
