"""The facts of the rounds, benchmarks and system descriptions: records of the YAML files in this folder."""

from __future__ import annotations

import datetime
import functools
import math
import re
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec

from .files import Name, RoundLabel, Row, table_in, with_names
from .labels import order_of_label, round_label, round_number

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS_FILE = "rounds.yaml"
BENCHMARKS_FILE = "benchmarks.yaml"

#: Characters that the name of an experiment may not contain; two hyphens separate its parts.
_NO_NAME = re.compile(r"[^a-z0-9_.]+", re.ASCII)
_LONGEST_TASK = 60

_Count = Annotated[int, msgspec.Meta(ge=1)]


#: A share is at most 1; slightly more may come from how it was computed; a multiple is per cent.
_LARGEST_SHARE = 1.5
#: A figure in per cent that is this many times smaller than its target is a share.
_FAR_BELOW = 50


class Target(Row, frozen=True):
    """One quality target. ``value`` is in the unit of the rules, ``logged`` on the scale of the log line.

    Where it is ``exclusive``, the logged figure has to be better than that; else it may be the same.
    ``share`` means that the logged figure is a fraction of 1. Others are in per cent, or a loss or an error without an upper
    limit.
    """

    value: float
    metric: Name
    logged: float = math.nan  # without one in the row, ``value``
    lower_is_better: bool = False
    exclusive: bool = False
    field: Name | None = None
    share: bool | None = None  # without one in the row, true if more is better and the target is not above 1

    def __post_init__(self) -> None:
        """Fills in what the row leaves out."""
        if math.isnan(self.logged):
            msgspec.structs.force_setattr(self, "logged", self.value)
        if self.share is None:
            msgspec.structs.force_setattr(self, "share", not self.lower_is_better and self.logged <= 1)

    def is_met(self, value: float) -> bool:
        """Whether a logged value reaches the target."""
        if value == self.logged:
            return not self.exclusive
        return value < self.logged if self.lower_is_better else value > self.logged

    @property
    def asked(self) -> str:
        """What the logged figure has to be, in words."""
        bounds = ("below", "above") if self.exclusive else ("at most", "at least")
        return f"{bounds[not self.lower_is_better]} {self.logged:g}"

    def in_unit_of_rules(self, value: float) -> float:
        """A logged value in the unit of ``value``: 0.76 may mean 76 %."""
        return value * round(self.value / self.logged, 6)

    def why_odd(self, value: float) -> str | None:
        """Why no converged run can have this logged value; None where one can."""
        if value < 0:
            return "below 0"
        if self.share:
            return "per cent, where a part of 1 is logged" if value > _LARGEST_SHARE else None
        is_share = not self.lower_is_better and value <= self.logged / _FAR_BELOW
        return "a part of 1, where per cent is logged" if is_share else None


class _Dated(Row, frozen=True):
    """A row that holds from the round ``since`` on."""

    since: RoundLabel = msgspec.field(name="from")


class Progress(_Dated, frozen=True):
    """How logs count training progress, from the round ``since`` on: in ``unit``, under the name ``field``.

    ``samples`` is the number of training samples in one unit, or the key of the log line that gives it, or None. A figure
    below ``least`` is in another unit, and must be multiplied by ``instead``. Each of these two may be the key of the log
    line that gives it. ``dataset_samples`` are those of the whole data set. ``begins_at`` is the field's value before any
    training. Where the row is ``fractional``, a log in which all figures are whole does not count like this.
    """

    unit: Literal["epochs", "samples", "tokens", "steps"]
    field: Literal["epoch_num", "samples_count", "step_num"]
    samples: int | float | Literal["train_samples", "global_batch_size"] | None = None
    least: int | float | Literal["global_batch_size"] | None = None
    instead: int | float | Literal["train_samples"] = 1
    dataset_samples: _Count | None = None
    begins_at: int = 0
    fractional: bool = False


class Change(_Dated, frozen=True):
    """What a benchmark measures from a round on; without ``model``, the benchmark's row has the model."""

    targets: tuple[Target, ...]
    model: Name | None = None
    dataset: Name | None = None


class BenchmarkRow(Row, frozen=True):
    """A row of ``benchmarks.yaml``; the fields are those of the table."""

    model: Name
    runs: _Count
    changes: tuple[Change, ...]
    task: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]+$")] | None = None
    drop: int = 1
    scored: _Count | None = None
    progress: tuple[Progress, ...] = ()
    rcp_allowance: int = 0
    rcp_reviewed: dict[RoundLabel, tuple[int, ...]] = msgspec.field(default_factory=dict)
    quality: Literal["eval_accuracy", "eval_error"] | None = None
    renamed_from: Name | None = None
    editions: tuple[tuple[RoundLabel, RoundLabel], ...] = ()


class Benchmark(Row, frozen=True):
    """A benchmark in one round. Without ``known`` only ``key`` and ``task`` (the key) are meaningful.

    ``runs`` logs are required; ``drop`` runs are left out at each end; only the first ``scored`` runs that count are
    scored (None: all). ``progress`` is None where it is not known how the logs count. ``rcp_allowance`` is how far progress
    may be below what the reference convergence points allow. ``rcp_reviewed`` are the batch sizes of the reference points
    that the review had; it is empty if the review had all. ``quality`` is the key of the log line with the quality figure,
    None where any may have it.
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
    rcp_reviewed: tuple[int, ...] = ()
    quality: str | None = None


class Success(Row, frozen=True):
    """How ``run_stop`` reports that a run converged: ``field`` of its ``part`` is one of ``says``."""

    part: Literal["metadata", "value"]
    field: Name
    says: tuple[bool | str, ...]
    unsaid: bool


class Dialect(Row, frozen=True):
    """The form of the log lines; the fields are those of ``rounds.yaml``."""

    text: Name = msgspec.field(name="token")
    record: re.Pattern[str]
    json: Literal["line", "payload", "value"]
    success: Success
    strict: bool
    name: str = ""
    token: bytes = msgspec.field(name="bytes", default=b"")

    def __post_init__(self) -> None:
        """Converts the token to bytes, to match the lines."""
        msgspec.structs.force_setattr(self, "token", self.text.encode("ascii"))


class Layout(Row, frozen=True):
    """Where results are; the fields are those of ``rounds.yaml``. Without ``metrics``, all results have the usual one."""

    nested: bool
    metrics: dict[str, Name] = msgspec.field(default_factory=dict)
    evidence: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Where logs are, in words."""
        metric = f"{{{','.join(self.metrics)}}}/" if self.metrics else ""
        return f"<submitter>/results/<system>/{metric}<benchmark>/result_*.txt"


class _Judging(Row, frozen=True):
    dialect: Name
    layout: Name
    init_limit_minutes: int | float | None
    init_limit_minutes_open: int | float | None
    converged_by: Literal["status", "target"]
    optional_keys: frozenset[Name]


class _Round(Row, frozen=True):
    branch: Name = "main"
    benchmarks: tuple[Name, ...] = ()
    public: bool = True
    published: datetime.date | None = None
    aliases: dict[str, Name] = msgspec.field(default_factory=dict)
    elapsed: dict[str, Name] = msgspec.field(default_factory=dict)
    unlisted: frozenset[Name] = frozenset()
    init_limits: dict[str, int] = msgspec.field(default_factory=dict)
    descriptions: dict[str, Name] = msgspec.field(default_factory=dict)
    endings: dict[str, Name] = msgspec.field(default_factory=dict)


class _Clock(Row, frozen=True):
    earliest: datetime.date
    latest: datetime.date


class _Table(Row, frozen=True):
    dialects: dict[str, Dialect]
    layouts: dict[str, Layout]
    clock: _Clock
    rules: dict[RoundLabel, _Judging]
    rounds: dict[RoundLabel, _Round]


class Rules(_Round, frozen=True, kw_only=True):
    """How the logs of a round are written, laid out and judged. Limits are in minutes; None for no limit."""

    version: str
    known: bool
    dialect: Dialect
    layout: Layout
    init_limit_minutes: int | float | None
    init_limit_minutes_open: int | float | None
    converged_by: str
    optional_keys: frozenset[str]


_rounds = table_in(ROUNDS_FILE, _Table)


#: The rows of the benchmarks, by key.
benchmarks_table = table_in(BENCHMARKS_FILE, dict[str, BenchmarkRow])


def known_rounds(suite: str | None = None) -> tuple[str, ...]:
    """The rounds of the table, of all suites or one, oldest first in each."""
    rounds = sorted(_rounds().rounds, key=order_of_label)
    return tuple(version for version in rounds if suite in (None, round_label(version).suite))


def public_rounds(suite: str | None = None) -> tuple[str, ...]:
    """The rounds of the table whose results are published, of all suites or one, oldest first in each."""
    return tuple(version for version in known_rounds(suite) if _rounds().rounds[version].public)


@functools.cache
def known_benchmarks() -> frozenset[str]:
    """The benchmark keys of the table, of all rounds."""
    return frozenset(benchmarks_table())


@functools.cache
def dialect_of(name: str) -> Dialect:
    """A dialect of the table by its name."""
    return with_names(_rounds().dialects)[name]


@functools.cache
def clock_limits_ms() -> tuple[float, float]:
    """The earliest and the latest time that a run can have, in milliseconds since 1970."""
    clock = _rounds().clock
    return _midnight_ms(clock.earliest), _midnight_ms(clock.latest)


@functools.cache
def published_ms(version: str) -> float | None:
    """The day on which the results of a round were published, in milliseconds since 1970; None where no row says it."""
    published = rules_of(version).published
    return None if published is None else _midnight_ms(published)


def _midnight_ms(day: datetime.date) -> float:
    return datetime.datetime.combine(day, datetime.time(tzinfo=datetime.timezone.utc)).timestamp() * 1000


@functools.cache
def dialects() -> dict[str, Dialect]:
    """The dialects, keyed by their rounds in words: ``round 0.6``, ``round 0.7 and later``."""
    begun: dict[str, str] = {}
    for since in sorted(_rounds().rules, key=order_of_label):
        begun.setdefault(_rounds().rules[since].dialect, since)
    *_, last = begun.values()
    return {f"round {since}{' and later' if since == last else ''}": dialect_of(name) for name, since in begun.items()}


@functools.cache
def rules_of(version: str) -> Rules:
    """The rules of a round. A round that is not in the table gets those of the last one before it.

    Args:
        version: the label of a round such as ``4.1`` or ``hpc-3.0``, without a suffix.
    """
    table = _rounds()
    label = round_label(version)
    starts = [since for since in sorted(table.rules, key=order_of_label) if round_label(since).suite == label.suite]
    earlier = [since for since in starts if round_number(since) <= label.number]
    row = table.rules[(earlier or starts[:1])[-1]]
    found = msgspec.structs.asdict(row) | msgspec.structs.asdict(table.rounds.get(version, _Round()))
    found |= {"dialect": dialect_of(row.dialect), "layout": table.layouts[row.layout]}
    return Rules(version=version, known=version in table.rounds, **found)


@functools.cache
def benchmark_of(key: str, version: str) -> Benchmark:
    """What a benchmark measures in a round.

    For a key that is unknown or of another suite, ``known`` is false, there is no target, and the task is the key, without
    what the name of an experiment may not contain. A key that the table has only for other rounds keeps its task.
    """
    row = benchmarks_table().get(key)
    own_task = _NO_NAME.sub("-", key.lower())[:_LONGEST_TASK].strip("-.") or "unnamed"
    label = round_label(version)
    if row is None or round_label(row.changes[0].since).suite != label.suite:
        return Benchmark(key, own_task)
    rules = rules_of(version)
    change = row_of(row.changes, label.number)
    task = row.task or own_task
    if change is None or (rules.known and key not in rules.benchmarks):
        return Benchmark(key, task, drop=row.drop)
    return Benchmark(
        key,
        task,
        known=True,
        model=change.model or row.model,
        dataset=change.dataset,
        targets=change.targets,
        runs=row.runs,
        drop=row.drop,
        scored=row.scored,
        progress=row_of(row.progress, label.number),
        rcp_allowance=row.rcp_allowance,
        rcp_reviewed=row.rcp_reviewed.get(version, ()),
        quality=row.quality,
    )


_D = TypeVar("_D", bound=_Dated)


def row_of(rows: Sequence[_D], number: tuple[int, int]) -> _D | None:
    """The row for a round: the last one whose ``since`` is not later."""
    return next((row for row in reversed(rows) if round_number(row.since) <= number), None)
