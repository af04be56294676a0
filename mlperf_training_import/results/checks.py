"""What is odd about a result in the light of what it says of itself elsewhere, or of the others of its round.

Judged results in, phrases out. Source: a survey of all results of 0.7 to 5.1 and HPC.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ..model import Doubt
from ..rounds.description import system_of
from ..tables.editions import edition_of
from ..values import median_of
from .compare import runs_digest
from .doubts import code_of
from .independence import odd_dates, one_history, same_seed
from .names import find_accelerator, find_processor, is_same_memory, name_keys, stated_memory_gb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import Judged, System
    from .names import Accelerator, Processor

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
