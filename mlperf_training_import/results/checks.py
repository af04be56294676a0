"""What is odd about a result in the light of what it says of itself elsewhere, or of the others of its round.

Judged results in, phrases out. Source: a survey of all results of 0.7 to 5.1 and HPC.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from ..logs.evaluation import EVALUATED_AFTERWARDS
from ..model import Doubt
from ..rounds.description import system_of
from ..tables.editions import edition_of
from ..tables.rules import published_ms
from ..values import MS_PER_MINUTE, all_known, median_of, only, share
from .compare import runs_digest
from .doubts import code_of
from .names import find_accelerator, find_processor, is_same_memory, name_keys, stated_memory_gb
from .score import odd_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import Judged, RunLog, System
    from .names import Accelerator, Processor

_MS_PER_YEAR = 365.25 * 24 * 60 * MS_PER_MINUTE
#: Ranks of one run that write a log each start within this.
_ONE_START_MS = 1000
#: Benchmarks whose models play games with a seed of their own each time.
_WITHOUT_OWN_SEED = frozenset({"minigo"})
#: Those of them whose processes log what they find whenever they have it.
_EVALUATED_IN_ANY_ORDER = frozenset({"stable_diffusion"})
#: Results of a round that were made so long before it are not of its software.
_LONGEST_WAIT_YEARS = 2
#: A result needs so many others of its kind to be compared with, which have at most so many times as many accelerators.
_FEWEST_OTHERS, _ALIKE_IN_SIZE = 3, 2
#: Accelerator-minutes that are so many times off those of the others are another training, or another accelerator.
_FAR_OFF = 5

#: The parts of a system that two descriptions of it may call differently.
_PARTS: dict[str, Callable[[System], object]] = {
    "the accelerator": lambda system: _name_of(find_accelerator(system.accelerator_model_name)),
    "the processor": lambda system: _name_of(find_processor(system.host_processor_model_name)),
    "the number of nodes": lambda system: system.nodes,
    "accelerators per node": lambda system: system.accelerators_per_node,
    "processors per node": lambda system: system.host_processors_per_node,
}


def one_history(judged: Judged) -> str | None:
    histories = all_known(log.history for log in judged.logs)
    # instances that train side by side may be one model in many places
    if histories is None or _runs(judged) < 2 or not judged.metric.equal_times_repeat:
        return None
    count = histories[0].count
    if count < 2 or only(history.digest for history in histories) is None:
        return None
    return f"all {len(histories)} runs have the same {count} quality figures to the last digit, at the same progress"


def same_seed(judged: Judged) -> str | None:
    seed = only(log.seed for log in judged.logs)
    if seed is None or judged.benchmark.key in _WITHOUT_OWN_SEED or _runs(judged) < 2:
        return None
    return f"all {len(judged.logs)} runs log the seed {seed}"


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
    for what, part_of in _PARTS.items():
        one, other = part_of(described), part_of(logged)
        if one is not None and other is not None and one != other:
            yield f"{what} ({one}, {other})"


def _name_of(found: Accelerator | Processor | None) -> str | None:
    return None if found is None else found.name


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
        is_dated = odd_time(log) is None and not log.counts_seconds
        if is_dated and published and start_ms and published - start_ms > _LONGEST_WAIT_YEARS * _MS_PER_YEAR:
            troubles[f"ran more than {_LONGEST_WAIT_YEARS} years before their round was published"].append(log)
        if history is not None:
            if history.is_outside and key not in EVALUATED_AFTERWARDS:
                troubles["have no quality figure with a time between run_start and run_stop"].append(log)
            elif history.set_back_ms > MS_PER_MINUTE and key not in _EVALUATED_IN_ANY_ORDER:
                troubles["have quality figures whose time is more than a minute before that of an earlier line"].append(log)
    count = len(judged.logs)
    parts = [f"{share(len(logs), count, 'log', what)}, first {logs[0].name}" for what, logs in troubles.items()]
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
    for judged in results:
        record = judged.submission.system_record
        count = record.accelerators_count
        accelerator = name_keys(record, judged.submission.submitter, judged.submission.system)[0]["accelerator"]
        if judged.score.minutes is None or not count or accelerator is None or judged.is_repeat:
            continue
        edition = edition_of(judged.benchmark.key, judged.round.version)
        groups[accelerator, edition and edition.id, judged.metric.name].append((judged, judged.minutes * count, count))
    for group in groups.values():
        for judged, minutes, count in group:
            others = [
                their_minutes
                for other, their_minutes, their_count in group
                if other is not judged and count / _ALIKE_IN_SIZE <= their_count <= count * _ALIKE_IN_SIZE
            ]
            median = median_of(others) if len(others) >= _FEWEST_OTHERS else minutes
            if not median / _FAR_OFF <= minutes <= median * _FAR_OFF:
                what = f"{minutes:.4g} accelerator-minutes; the median of {len(others)} others with this accelerator,"
                yield judged, f"{what} and half to twice as many of it is {median:.4g}"


#: Checks of one result: what is odd about it. They ask only results whose runs are their own.
OF_RESULT: tuple[Callable[[Judged], str | None], ...] = (
    one_history,
    same_seed,
    description_conflict,
    memory_conflict,
    odd_dates,
)
#: Checks of all results of a round: those that are odd among the others, and what is odd about each.
AMONG_RESULTS: tuple[Callable[[Sequence[Judged]], Iterator[tuple[Judged, str]]], ...] = (
    shared_runs,
    odd_speed,
)


def doubts_among(results: Sequence[Judged]) -> Iterator[tuple[Judged, Doubt]]:
    """What is odd about results beside the others of their round."""
    for check in AMONG_RESULTS:
        for judged, what in check(results):
            yield judged, Doubt(code_of(check), judged.submission.folder, what)
