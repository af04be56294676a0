"""Reads the learning curves of a data set: its folder in, what each result's runs learned and when out."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from ..experiments.identity import stored_identity
from ..tables.labels import split_label
from ..tables.rules import benchmark_of
from ..values import MS_PER_MINUTE
from .croissant import CROISSANT_FILE
from .library import need_library
from .parquet import iter_rows, table_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ..model import Identity
    from ..tables.rules import Target
    from ..values import Tell

    Row = dict[str, Any]

#: What a curve is drawn over where minutes are useless: columns, and their units.
_PROGRESS = {"samples": "samples", "logged_samples": "samples", "logged_step": "steps", "logged_epoch": "epochs"}
_EVALUATIONS = ("uid", "log", "time_ms", "metric", "quality", "is_after_stop", *_PROGRESS)
_RESULTS = ("uid", "version", "submitter_folder", "system_file", "Model_ID", "metric")
#: Most evaluations of a result: all of them are in memory at once.
_MOST_OF_RESULT = 100_000
#: An evaluation later than this many times the minutes of its run was made after the run.
_LATER = 1.01


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of a run: how far it was, and its quality there. ``is_kept``: its time is in the score."""

    log: str
    is_kept: bool
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of the runs of a result against one of its targets, in the unit of that.

    How far a run was is in minutes since its start. Where checkpoints were evaluated after the run, it is what the log says
    about them, and ``unit`` is samples, steps or epochs.
    """

    target: Target
    unit: str
    runs: tuple[Curve, ...]


def is_dataset(folder: Path) -> bool:
    """Whether a folder holds a data set."""
    return (folder / CROISSANT_FILE).is_file() and (folder / "evaluations").is_dir()


def iter_curves(folder: Path, tell: Tell) -> Iterator[tuple[Identity, list[Curves]]]:
    """The learning curves of each result that has any, round by round.

    Args:
        folder: of the data set.
        tell: is told which file cannot be read, and why; the curves of its round that come after that are left out.

    Raises:
        MissingLibrary: what reads the files is not installed.
        BadInput: the folder holds no data set.
    """
    need_library()
    if not is_dataset(folder):
        raise BadInput(f"{folder}: no data set; run.py dataset --output {folder} writes one")
    for file in table_files(folder, "evaluations"):
        try:
            yield from _iter_of_round(folder, file)
        except BadInput as error:
            tell(f"left out learning curves: {error}")


def _iter_of_round(folder: Path, file: Path) -> Iterator[tuple[Identity, list[Curves]]]:
    results = iter_rows(folder / "results" / file.name, "results", _RESULTS)
    identities = {row["uid"]: stored_identity(row) for row in results}
    runs = {row["log"]: row for row in iter_rows(folder / "runs" / file.name, "runs", ("log", "is_kept", "minutes"))}
    # the rows of a result follow each other
    for uid, group in itertools.groupby(iter_rows(file, "evaluations", _EVALUATIONS), itemgetter("uid")):
        rows = [*itertools.islice(group, _MOST_OF_RESULT + 1)]
        if len(rows) > _MOST_OF_RESULT:
            raise BadInput(f"{file}: more than {_MOST_OF_RESULT} evaluations of one result; write the data set anew")
        identity = identities.get(uid)
        if identity is not None and (curves := _curves_of(identity, rows, runs)):
            yield identity, curves


def _curves_of(identity: Identity, rows: Iterable[Row], runs: Mapping[str, Row]) -> list[Curves]:
    label, _, _, benchmark, *_ = identity
    parts = split_label(label)
    targets = benchmark_of(benchmark, parts.round).targets if parts else ()
    rows = [row for row in rows if _is_drawn(row) and row["log"] in runs]
    scale = _scale(rows, runs)
    if scale is None:
        return []
    unit, place_of = scale
    found = []
    for target in targets:
        logs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for row in rows:
            if len(targets) == 1 or row["metric"] == target.field:
                logs[row["log"]].append((place_of(row), row["quality"]))
        curves = (Curve(log, bool(runs[log]["is_kept"]), tuple(points)) for log, points in logs.items())
        if logs:
            found.append(Curves(target, unit, tuple(curves)))
    return found


def _is_drawn(row: Row) -> bool:
    """Whether an evaluation has a quality, and was made in the time of a run."""
    quality, time_ms = row["quality"], row["time_ms"]
    has_quality = quality is not None and math.isfinite(quality)
    return has_quality and not row["is_after_stop"] and time_ms is not None and time_ms >= 0


def _scale(rows: Sequence[Row], runs: Mapping[str, Row]) -> tuple[str, Callable[[Row], float]] | None:
    """The unit that the evaluations of a result are drawn over, and what reads it from a row; None if some lack it."""
    ends = ((row["time_ms"] / MS_PER_MINUTE, runs[row["log"]]["minutes"]) for row in rows)
    if not any(minutes is not None and time > minutes * _LATER for time, minutes in ends):
        return "minutes", lambda row: float(row["time_ms"] / MS_PER_MINUTE)
    for column, unit in _PROGRESS.items():
        if all(row[column] is not None for row in rows):
            return unit, itemgetter(column)
    return None
