"""Loads the reference convergence points, ``rcp.csv`` in this folder."""

from __future__ import annotations

import functools

import msgspec

from .files import Row, csv_rows
from .labels import round_number


class ReferenceRuns(msgspec.Struct, frozen=True):
    """Runs of the reference implementation with one global batch size, each as its progress when it converged."""

    global_batch_size: int
    points: tuple[float, ...]


class _ReferenceRow(Row, frozen=True):
    suite: str
    benchmark: str
    first_round: str
    last_round: str
    global_batch_size: int
    points: str


@functools.cache
def reference_runs(suite: str, benchmark: str, version: str) -> tuple[ReferenceRuns, ...]:
    """The reference runs of a benchmark in a round, by batch size; empty where results are not judged by them.

    References hold until the table replaces them: a later round without new ones uses the last ones.

    Args:
        suite: ``training`` or ``hpc``.
        benchmark: a benchmark key.
        version: the label of a round such as ``4.1`` or ``hpc-3.0``.
    """
    number = round_number(version)
    found = [
        ReferenceRuns(row.global_batch_size, tuple(map(float, row.points.split())))
        for row in _rows()
        if (row.suite, row.benchmark) == (suite, benchmark)
        and round_number(row.first_round) <= number <= round_number(row.last_round or version)
    ]
    return tuple(sorted(found, key=lambda runs: runs.global_batch_size))


def have_references_ended(suite: str, benchmark: str, version: str) -> bool:
    """Whether a benchmark had references in an earlier round but has none now; arguments as in :func:`reference_runs`."""
    earlier = (row for row in _rows() if (row.suite, row.benchmark) == (suite, benchmark))
    had_some = any(round_number(row.first_round) <= round_number(version) for row in earlier)
    return had_some and not reference_runs(suite, benchmark, version)


@functools.cache
def _rows() -> list[_ReferenceRow]:
    return msgspec.convert(csv_rows("rcp.csv"), list[_ReferenceRow], strict=False)
