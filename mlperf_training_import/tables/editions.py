"""Editions of benchmarks: the rounds whose results may be compared.

A benchmark may keep its key when its model, data set or target changes, and may get another key when nothing changes. An
edition is a series of consecutive rounds whose results may be compared, according to MLCommons. Never rank, join or
divide results of different editions.
"""

from __future__ import annotations

import functools

import msgspec

from .labels import round_number
from .rules import Benchmark, benchmark_of, benchmarks_table, row_of


class Edition(msgspec.Struct, frozen=True):
    """An edition of a benchmark.

    ``id`` is the benchmark's key in the first round, and that round: ``ssd-2.0``. It stays the same as rounds are added.
    ``title`` is for people. ``known`` is false where the table has no row for it.
    """

    id: str
    title: str
    known: bool = True


@functools.cache
def edition_of(key: str, version: str) -> Edition | None:
    """The edition of a benchmark that a round belongs to; None where the table does not have the benchmark in that round.

    A round that is newer than the table continues the last edition as long as data set and targets stay the same; otherwise
    it starts a new one.

    Args:
        key: a benchmark key.
        version: a round number such as ``4.1``, without a suffix.

    Source: the compatibility table that ``benchmarks.yaml`` names.
    """
    benchmark = benchmark_of(key, version)
    if not benchmark.known:
        return None
    first, last = _rounds_around(key, version) or (None, version)
    is_later = round_number(version) > round_number(last)
    if first is None or (is_later and _measured(benchmark) != _measured(benchmark_of(_key_in(key, last), last))):
        return _edition(key, _first_round(key, version), known=False)
    return _edition(key, first)


def _rounds_around(key: str, version: str) -> tuple[str, str] | None:
    """First and last round of the latest edition in the table that began in this round or before."""
    root = key
    while old := benchmarks_table()[root].renamed_from:
        root = old
    begun = [span for span in benchmarks_table()[root].editions if round_number(span[0]) <= round_number(version)]
    return begun[-1] if begun else None


def _edition(key: str, first: str, known: bool = True) -> Edition:
    key = _key_in(key, first)
    benchmark = benchmark_of(key, first)
    targets = " and ".join(f"{target.value} {target.metric}" for target in benchmark.targets)
    what = f"{benchmark.model} on {benchmark.dataset}" if benchmark.dataset else benchmark.model
    return Edition(f"{key}-{first}", f"{what}, {targets} (from {first})", known)


def _measured(benchmark: Benchmark) -> tuple[str, list[tuple[float, str]]]:
    """What makes two rounds comparable: the data set, in any spelling, and the targets."""
    dataset = "".join(filter(str.isalnum, (benchmark.dataset or "").casefold()))
    return dataset, [(target.value, target.metric) for target in benchmark.targets]


def _key_in(key: str, version: str) -> str:
    """The key that a benchmark had in an earlier round."""
    row = benchmarks_table()[key]
    is_older = round_number(version) < round_number(row.changes[0].since)
    return _key_in(row.renamed_from, version) if is_older and row.renamed_from else key


def _first_round(key: str, version: str) -> str:
    """The first round in which a benchmark measured the same as in this round."""
    change = row_of(benchmarks_table()[key].changes, round_number(version))
    return version if change is None else change.since
