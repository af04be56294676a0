"""The facts of the rounds, benchmarks and system descriptions: loader of the YAML files beside it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .files import FOLDER, load_table
from .labels import round_number

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS_FILE = FOLDER / "rounds.yaml"
BENCHMARKS_FILE = FOLDER / "benchmarks.yaml"

#: What may not stand in the name of an experiment; two hyphens would be a separator.
_NO_NAME = re.compile(r"[^a-z0-9_.]+", re.ASCII)
_LONGEST_TASK = 60


@dataclass(frozen=True, slots=True)
class Target:
    """One quality target. ``value`` is in the unit of the rules, ``logged`` on the scale of the log line."""

    value: float
    metric: str
    logged: float
    lower_is_better: bool
    field: str | None

    def is_met(self, value: float) -> bool:
        """Whether a logged value reaches the target."""
        return value <= self.logged if self.lower_is_better else value >= self.logged


@dataclass(frozen=True, slots=True)
class Progress:
    """How logs count what has been trained on: in ``unit``, under the name ``field``.

    ``samples`` are the training samples in one unit, or the key of the log line that says it, or None. A figure below
    ``least`` is in another unit; it is right times ``instead``. Both may be the key of the log line that says it.
    ``dataset_samples`` are those of the whole data set.
    """

    unit: str
    field: str
    samples: float | str | None = None
    least: float | str | None = None
    instead: float | str = 1
    dataset_samples: int | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark in one round. Without ``known`` only ``key`` and ``task`` (the key) are meaningful.

    ``runs`` logs are required; ``drop`` runs are left out at each end; of runs that count only the first ``scored`` are
    taken (None: all). ``progress`` is None where it is not known how the logs count. ``rcp_allowance`` is by how much
    progress may be lower than the reference convergence points allow.
    """

    key: str
    task: str
    known: bool = False
    model: str | None = None
    dataset: str | None = None
    targets: tuple[Target, ...] = ()
    runs: int | None = None
    drop: int = 1
    scored: int | None = None
    progress: Progress | None = None
    rcp_allowance: float = 0


@dataclass(frozen=True, slots=True)
class Success:
    """How ``run_stop`` says that a run converged: ``field`` of its ``part`` is one of ``says``."""

    part: str
    field: str
    says: tuple[object, ...]
    unsaid: bool


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form of the log lines; the fields are those of ``rounds.yaml``."""

    name: str
    token: bytes
    record: re.Pattern[str]
    json: str
    success: Success
    strict: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """How the logs of a round are written, laid out and judged. Minutes; None for no limit."""

    version: str
    known: bool
    dialect: Dialect
    nested: bool
    init_limit_minutes: float | None
    init_limit_minutes_open: float | None
    branch: str
    benchmarks: tuple[str, ...]
    aliases: dict[str, str]
    elapsed: dict[str, str]


@functools.cache
def _rounds() -> dict[str, Any]:
    return load_table(ROUNDS_FILE)


@functools.cache
def benchmarks_table() -> dict[str, Any]:
    """The rows of the benchmarks, by key."""
    return load_table(BENCHMARKS_FILE)


def known_rounds() -> tuple[str, ...]:
    """The rounds of the table, oldest first."""
    return tuple(sorted(_rounds()["rounds"], key=round_number))


def public_rounds() -> tuple[str, ...]:
    """The rounds of the table whose results are published, oldest first."""
    return tuple(version for version in known_rounds() if _rounds()["rounds"][version].get("public", True))


@functools.cache
def known_benchmarks() -> frozenset[str]:
    """The benchmark keys of the table, of all rounds."""
    return frozenset(benchmarks_table())


@functools.cache
def dialect_of(name: str) -> Dialect:
    """A dialect of the table by its name."""
    row = _rounds()["dialects"][name]
    success = row["success"]
    return Dialect(
        name=name,
        token=row["token"].encode("ascii"),
        record=re.compile(row["record"], re.ASCII),
        json=row["json"],
        success=Success(success["part"], success["field"], tuple(success["says"]), success["unsaid"]),
        strict=row["strict"],
    )


@functools.cache
def clock_limits_ms() -> tuple[float, float]:
    """The earliest and the latest time that a run can have, in milliseconds since 1970."""
    dates = (_rounds()["clock"][name] for name in ("earliest", "latest"))
    earliest, latest = (datetime(date.year, date.month, date.day, tzinfo=timezone.utc).timestamp() for date in dates)
    return earliest * 1000, latest * 1000


@functools.cache
def dialects() -> dict[str, Dialect]:
    """The dialects, by the rounds that have them, in words: ``round 0.6``, ``round 0.7 and later``."""
    rows = [(since, row["dialect"]) for since, row in _rounds()["rules"].items() if "dialect" in row]
    rows.sort(key=lambda row: round_number(row[0]))
    last = rows[-1][0]
    return {f"round {since}{' and later' if since == last else ''}": dialect_of(name) for since, name in rows}


@functools.cache
def rules_of(version: str) -> Rules:
    """The rules of a round. A round that the table does not know gets those of the last one before it.

    Args:
        version: a round number such as ``4.1``, without a suffix.
    """
    table = _rounds()
    number = round_number(version)
    merged: dict[str, Any] = {}
    oldest = min(table["rules"], key=round_number)
    for since in sorted(table["rules"], key=round_number):
        if since == oldest or round_number(since) <= number:
            merged.update(table["rules"][since])
    row = table["rounds"].get(version)
    return Rules(
        version=version,
        known=row is not None,
        dialect=dialect_of(merged["dialect"]),
        nested=table["layouts"][merged["layout"]]["nested"],
        init_limit_minutes=merged["init_limit_minutes"],
        init_limit_minutes_open=merged["init_limit_minutes_open"],
        branch=(row or {}).get("branch", "main"),
        benchmarks=tuple((row or {}).get("benchmarks", ())),
        aliases=(row or {}).get("aliases", {}),
        elapsed=(row or {}).get("elapsed", {}),
    )


@functools.cache
def benchmark_of(key: str, version: str) -> Benchmark:
    """What a benchmark measures in a round.

    A key that the table does not know comes back with the key as task (as far as it can stand in the name of an
    experiment), no target, and ``known`` false. So does, but for
    its task, one that the table knows only for later rounds or no longer lists in this one.
    """
    row = benchmarks_table().get(key)
    if row is None:
        return Benchmark(key=key, task=_NO_NAME.sub("-", key.lower())[:_LONGEST_TASK].strip("-.") or "unnamed")
    rules = rules_of(version)
    number = round_number(version)
    change = row_of(row["changes"], number)
    counts = {"task": row["task"], "drop": row.get("drop", 1)}
    if change is None or (rules.known and key not in rules.benchmarks):
        return Benchmark(key=key, **counts)
    progress = row_of(row.get("progress", ()), number)
    values = change["target"]
    logged = change.get("logged", [value for value, _ in values])
    lower = change.get("lower", [False] * len(values))
    fields = change.get("field", [None] * len(values))
    return Benchmark(
        key=key,
        known=True,
        model=change.get("model", row["model"]),
        dataset=change["dataset"],
        targets=tuple(
            Target(float(value), metric, float(scale), low, name)
            for (value, metric), scale, low, name in zip(values, logged, lower, fields, strict=True)
        ),
        runs=row["runs"],
        scored=row.get("scored"),
        progress=Progress(**{name: value for name, value in progress.items() if name != "from"}) if progress else None,
        rcp_allowance=row.get("rcp_allowance", 0),
        **counts,
    )


def row_of(rows: Sequence[dict[str, Any]], number: tuple[int, int]) -> dict[str, Any] | None:
    """The row that holds in a round: the last one whose ``from`` is not later."""
    return next((row for row in reversed(rows) if round_number(row["from"]) <= number), None)
