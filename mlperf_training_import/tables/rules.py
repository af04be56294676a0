"""The facts of the rounds, benchmarks and system descriptions: loader of the YAML files beside it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .files import FOLDER, load_table
from .labels import order_of_label, round_label, round_number

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS_FILE = FOLDER / "rounds.yaml"
BENCHMARKS_FILE = FOLDER / "benchmarks.yaml"

#: The metrics: minutes until a model is trained, and models trained per minute by all instances of a system together.
TIME_TO_TRAIN, THROUGHPUT = "time-to-train", "throughput"
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
    progress may be lower than the reference convergence points allow. ``quality`` is the key of the log line that has its
    quality figure, None where any may have it.
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
    quality: str | None = None


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
class Metric:
    """What a result measures: the fields are those of ``rounds.yaml``."""

    name: str
    unit: str
    lower_is_better: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Where results lie; the fields are those of ``rounds.yaml``. Without ``metrics`` all are times to train."""

    nested: bool
    metrics: dict[str, str]
    evidence: frozenset[str]

    @property
    def place(self) -> str:
        """Where logs lie, for people."""
        metric = f"{{{','.join(self.metrics)}}}/" if self.metrics else ""
        return f"<submitter>/results/<system>/{metric}<benchmark>/result_*.txt"


@dataclass(frozen=True, slots=True)
class Rules:
    """How the logs of a round are written, laid out and judged. Minutes; None for no limit."""

    version: str
    known: bool
    dialect: Dialect
    layout: Layout
    init_limit_minutes: float | None
    init_limit_minutes_open: float | None
    converged_by: str
    optional_keys: frozenset[str]
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


def known_rounds(suite: str | None = None) -> tuple[str, ...]:
    """The rounds of the table, of all suites or one, oldest first in each."""
    rounds = sorted(_rounds()["rounds"], key=order_of_label)
    return tuple(version for version in rounds if suite in (None, round_label(version).suite))


def public_rounds(suite: str | None = None) -> tuple[str, ...]:
    """The rounds of the table whose results are published, of all suites or one, oldest first in each."""
    return tuple(version for version in known_rounds(suite) if _rounds()["rounds"][version].get("public", True))


@functools.cache
def known_benchmarks() -> frozenset[str]:
    """The benchmark keys of the table, of all rounds."""
    return frozenset(benchmarks_table())


@functools.cache
def metric_of(name: str) -> Metric:
    """A metric of the table by its name."""
    return Metric(name, **_rounds()["metrics"][name])


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
    begun: dict[str, str] = {}
    for since in sorted(_rounds()["rules"], key=order_of_label):
        if "dialect" in (row := _rounds()["rules"][since]):
            begun.setdefault(row["dialect"], since)
    *_, last = begun.values()
    return {f"round {since}{' and later' if since == last else ''}": dialect_of(name) for name, since in begun.items()}


@functools.cache
def rules_of(version: str) -> Rules:
    """The rules of a round. A round that the table does not know gets those of the last one before it.

    Args:
        version: the label of a round such as ``4.1`` or ``hpc-3.0``, without a suffix.
    """
    table = _rounds()
    label = round_label(version)
    merged: dict[str, Any] = {}
    for since in sorted(table["rules"], key=order_of_label):
        start = round_label(since)
        if start.suite == label.suite and (not merged or start.number <= label.number):
            merged.update(table["rules"][since])
    row = table["rounds"].get(version)
    layout = table["layouts"][merged["layout"]]
    return Rules(
        version=version,
        known=row is not None,
        dialect=dialect_of(merged["dialect"]),
        layout=Layout(layout["nested"], layout.get("metrics", {}), frozenset(layout.get("evidence", ()))),
        init_limit_minutes=merged["init_limit_minutes"],
        init_limit_minutes_open=merged["init_limit_minutes_open"],
        converged_by=merged["converged_by"],
        optional_keys=frozenset(merged["optional_keys"]),
        branch=(row or {}).get("branch", "main"),
        benchmarks=tuple((row or {}).get("benchmarks", ())),
        aliases=(row or {}).get("aliases", {}),
        elapsed=(row or {}).get("elapsed", {}),
    )


@functools.cache
def benchmark_of(key: str, version: str) -> Benchmark:
    """What a benchmark measures in a round.

    A key that the table does not know comes back with the key as task (as far as it can stand in the name of an
    experiment), no target, and ``known`` false; so does one of another suite. So does, but for its task, one that the table
    knows only for later rounds or no longer lists in this one.
    """
    row = benchmarks_table().get(key)
    own_task = _NO_NAME.sub("-", key.lower())[:_LONGEST_TASK].strip("-.") or "unnamed"
    label = round_label(version)
    if row is None or round_label(row["changes"][0]["from"]).suite != label.suite:
        return Benchmark(key=key, task=own_task)
    rules = rules_of(version)
    change = row_of(row["changes"], label.number)
    counts = {"task": row.get("task", own_task), "drop": row.get("drop", 1)}
    if change is None or (rules.known and key not in rules.benchmarks):
        return Benchmark(key=key, **counts)
    progress = row_of(row.get("progress", ()), label.number)
    values = change["target"]
    logged = change.get("logged", [value for value, _ in values])
    lower = change.get("lower", [False] * len(values))
    fields = change.get("field", [None] * len(values))
    return Benchmark(
        key=key,
        known=True,
        model=change.get("model", row["model"]),
        dataset=change.get("dataset"),
        targets=tuple(
            Target(float(value), metric, float(scale), low, name)
            for (value, metric), scale, low, name in zip(values, logged, lower, fields, strict=True)
        ),
        runs=row["runs"],
        scored=row.get("scored"),
        progress=Progress(**{name: value for name, value in progress.items() if name != "from"}) if progress else None,
        rcp_allowance=row.get("rcp_allowance", 0),
        quality=row.get("quality"),
        **counts,
    )


def row_of(rows: Sequence[dict[str, Any]], number: tuple[int, int]) -> dict[str, Any] | None:
    """The row that holds in a round: the last one whose ``from`` is not later."""
    return next((row for row in reversed(rows) if round_number(row["from"]) <= number), None)
