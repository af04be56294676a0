"""Loads the reference convergence points, ``rcp.csv`` beside it."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .files import FOLDER
from .labels import split_label

if TYPE_CHECKING:
    from pathlib import Path

REFERENCES_FILE = FOLDER / "rcp.csv"


@dataclass(frozen=True, slots=True)
class ReferenceRuns:
    """Runs of the reference implementation with one global batch size, each by its progress when it converged."""

    global_batch_size: int
    points: tuple[float, ...]


@functools.cache
def reference_runs(suite: str, benchmark: str, version: str) -> tuple[ReferenceRuns, ...]:
    """The reference runs that a benchmark has in a round, by batch size; none where nothing is to be judged by them.

    Args:
        suite: ``training`` or ``hpc``.
        benchmark: a benchmark key.
        version: the label of a round such as ``4.1`` or ``hpc-3.0``.
    """
    number = _number(version)
    found = [
        ReferenceRuns(int(row["global_batch_size"]), tuple(map(float, row["points"].split())))
        for row in _rows(REFERENCES_FILE).get((suite, benchmark), ())
        if _number(row["first_round"]) <= number <= _number(row["last_round"])
    ]
    return tuple(sorted(found, key=lambda runs: runs.global_batch_size))


def _number(version: str) -> tuple[int, int]:
    label = split_label(version)
    return label.number if label else (0, 0)


@functools.cache
def _rows(path: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """The rows of the table by suite and benchmark."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="ascii", newline="") as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            rows.setdefault((row["suite"], row["benchmark"]), []).append(row)
    return rows
