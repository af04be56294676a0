"""The records that the stages hand on. No logic.

Units are in the names: ``_ms`` milliseconds since the epoch, ``minutes``, ``joules``. ``None`` means "not known".
Paths inside a round are relative to its clone, with ``/`` on every system.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the types of what is remembered
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from .tables.labels import is_private_label
from .tables.metrics import Metric, usual_metric
from .values import add_up

if TYPE_CHECKING:
    from pathlib import Path

    from .tables.rules import Benchmark, Rules


#: A flat object about one result, as it is stored in an experiment.
Entry = dict[str, Any]
#: Round label, submitter folder, system file name, benchmark key; and the metric where that is not the usual one.
Identity = tuple[str, ...]
#: What a log gives as a quality figure: mostly a number, in some rounds several of them by name.
LoggedValue = bool | int | float | str | list[bool | int | float | str] | dict[str, bool | int | float | str] | None


@dataclass(frozen=True, slots=True)
class Round:
    """One published round and its clone.

    ``label`` is what it is called everywhere (``3.0-private``, ``hpc-3.0``); ``version`` the label of the round that it
    means (``3.0``, ``hpc-3.0``). ``web_url`` is the page of the repository without credentials, None where the remote is
    no web address. ``remote`` is equal for two clones of one repository; it is for comparing only, and not to be shown.
    ``git_trouble`` says why the clone's git folder gives none of these. ``has_submissions`` is set for a clone of a
    repository in which rounds are prepared, ``declared_public`` where the user said that everybody may see the results.
    ``only`` is the submitter whose folder alone is imported; ``part`` is a name for what is not the whole of a published
    round, empty for what is.
    """

    label: str
    version: str
    path: Path
    web_url: str | None = None
    branch: str | None = None
    commit: str | None = None
    remote: str | None = None
    git_trouble: str | None = None
    has_submissions: bool = False
    declared_public: bool = False
    only: str | None = None
    part: str = ""

    @property
    def is_private(self) -> bool:
        """Whether the round is under embargo, and only goes where the user sent it."""
        return not self.declared_public and (self.has_submissions or is_private_label(self.label))

    @property
    def is_shared(self) -> bool:
        """Whether the results have a place among those of all rounds.

        Private ones do not, nor do those under a label of the user's own, nor those of unknown origin.
        """
        return self.declared_public or (not self.is_private and self.label == self.version and self.remote is not None)


@dataclass(frozen=True, slots=True)
class System:
    """What a system description says, with misspelt keys put right. Missing values are None."""

    submitter: str | None = None
    name: str | None = None
    division: str | None = None
    availability: str | None = None
    nodes: int | None = None
    host_processor_model_name: str | None = None
    host_processors_per_node: int | None = None
    accelerator_model_name: str | None = None
    accelerators_per_node: int | None = None
    accelerator_memory_gb: float | None = None
    framework: str | None = None
    notes: str | None = None

    @property
    def accelerators_count(self) -> int | None:
        """Accelerators of the whole system; 0 where the processors do the work."""
        return _product(self.accelerators_per_node, self.nodes)

    @property
    def host_processors_count(self) -> int | None:
        """Host processors of the whole system."""
        return _product(self.host_processors_per_node, self.nodes)

    def described(self) -> dict[str, str | int | None]:
        """What entries and the data set repeat from the description, by its key there."""
        return {
            "availability": self.availability,
            "number_of_nodes": self.nodes,
            "host_processor_model_name": self.host_processor_model_name,
            "host_processors_count": self.host_processors_count,
            "accelerator_model_name": self.accelerator_model_name,
            "accelerators_count": self.accelerators_count,
            "framework": self.framework,
            "notes": self.notes,
        }


class LogFile(msgspec.Struct, frozen=True, gc=False):
    """A log as the walk found it: path in the round, size in bytes, times of its content, inode (0: not known), device."""

    path: str
    name: str
    size: int
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    device: int = 0


@dataclass(frozen=True, slots=True)
class Submission:
    """One benchmark folder: the runs of one benchmark on one system.

    ``metric`` is what it measures.
    ``benchmark`` is None for logs that lie outside a benchmark folder; the logs themselves name it then.
    ``description`` is the path of the system file, None where there is none.
    ``power`` maps the stem of a log name to its power logs.
    """

    submitter: str
    system: str
    benchmark: str | None
    folder: str
    system_record: System
    description: str | None
    code: str
    logs: tuple[LogFile, ...]
    metric: Metric = field(default_factory=usual_metric)
    scaling: str | None = None
    power: Mapping[str, tuple[LogFile, ...]] | None = None
    not_read: tuple[str, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One quality figure of a log.

    ``epoch``, ``samples`` and ``step`` say when it was taken, as far as the log says it; ``metric`` is its name where a
    log has several. ``trained_samples`` is what some logs say beside a placeholder: the samples since the beginning.
    """

    value: LoggedValue
    epoch: int | float | None = None
    samples: int | float | None = None
    step: int | float | None = None
    metric: str | None = None
    trained_samples: int | float | None = None


class History(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What all quality figures of a log before its stop show together.

    ``count`` is their number, and ``digest`` is the same for two logs exactly if values and progress are. ``milestones`` are
    the first one, one in the middle and the last one, each with its time; of several with one progress the last.
    ``has_whole_epochs`` says that each was taken at the end of an epoch. ``is_outside`` says that no figure of the log, also
    after the stop, has a time between start and stop, and ``set_back_ms`` by how much the time of one is earlier than that
    of another before it, or than the start.
    """

    count: int
    digest: str
    milestones: tuple[tuple[float, Evaluation], ...]
    has_whole_epochs: bool
    is_outside: bool
    set_back_ms: float


class RunLog(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one log says, before anybody judges it.

    ``run_start_ms`` is the last start before the first stop; ``succeeded`` and ``status`` are what that stop says.
    ``start_number`` and ``stop_number`` say which of the ``run_starts`` and ``run_stops`` lines these are, from 1 on.
    ``init_start_ms`` and ``init_stop_ms`` belong to that run; ``attempts`` counts how often initialisation began.
    ``elapsed_ms`` is set where the log gives the duration itself. ``malformed`` describes the first bad line,
    ``malformed_lines`` counts them. ``evaluations`` are those before the stop: all that name their metric, and the last of
    the others. ``samples_after_evaluation`` are the ``train_samples`` between the last of them and the stop.
    ``history`` is what all of them show. ``settings`` are keys of the entry with what the log says about them, and ``seed``
    is its random seed as text, where it does not contradict itself. ``described`` are keys of a system description with what
    the log's own one says. ``counts_seconds`` says that it gives seconds since its start in place of times. ``two_records``
    names a line with a record that is not read, ``no_lines`` says why no line was found, and ``trouble`` why the file could
    not be read at all.
    """

    path: str
    lines: int = 0
    malformed_lines: int = 0
    malformed: str | None = None
    init_start_ms: float | None = None
    init_stop_ms: float | None = None
    run_start_ms: float | None = None
    run_stop_ms: float | None = None
    elapsed_ms: float | None = None
    succeeded: bool = False
    status: str | None = None
    benchmark: str | None = None
    division: str | None = None
    global_batch_size: int | float | None = None
    train_samples: int | float | None = None
    samples_after_evaluation: int | float | None = None
    evaluations: tuple[Evaluation, ...] = ()
    history: History | None = None
    settings: tuple[tuple[str, str | int], ...] = ()
    seed: str | None = None
    described: tuple[tuple[str, str], ...] = ()
    counts_seconds: bool = False
    run_starts: int = 0
    start_number: int | None = None
    run_stops: int = 0
    stop_number: int | None = None
    attempts: int = 0
    two_records: str | None = None
    no_lines: str | None = None
    trouble: str | None = None

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.rpartition("/")[2]

    @property
    def span_ms(self) -> tuple[float, float] | None:
        """Start and stop of a run that has both as times."""
        if self.elapsed_ms is not None or self.run_start_ms is None or self.run_stop_ms is None:
            return None
        return self.run_start_ms, self.run_stop_ms


class PowerLog(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a power log comes to, with its lines in the order of their times, equal ones in that of the file.

    ``window_ms`` are start and stop, None without a start; without a stop later than the start the last reading is the stop.
    ``watt_ms`` are the readings in the window, each times the milliseconds since the one before it, or since the start;
    ``run_watts`` is the mean of those within the run, if that is known, and there are some.
    ``is_measured`` says whether any was later than the start. W are multiplied by ``conversion_factor``, the last one or 1.
    ``estimated_watts`` is the first estimate of a switch. ``stretches_ms`` are the first and last reading of each part of
    the window in which the readings follow each other closely. ``oddities`` say what makes the figure less certain,
    ``doubts`` what no sound meter does, and ``trouble`` why nothing is known, each with the word "logs" first.
    """

    window_ms: tuple[float, float] | None = None
    watt_ms: float = 0.0
    run_watts: float | None = None
    is_measured: bool = False
    has_readings: bool = False
    conversion_factor: float = 1.0
    estimated_watts: float | None = None
    stretches_ms: tuple[tuple[float, float], ...] = ()
    oddities: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    malformed_lines: int = 0
    trouble: str | None = None

    def coverage(self, begin_ms: float, end_ms: float) -> float:
        """The share of a time span that lies in the stretches."""
        covered = add_up(max(0.0, min(last, end_ms) - max(first, begin_ms)) for first, last in self.stretches_ms)
        return covered / (end_ms - begin_ms)

    def share_within(self, begin_ms: float, end_ms: float) -> float:
        """The share of the stretches that lies in a time span; 1 where there are none."""
        whole = sum(last - first for first, last in self.stretches_ms)
        return self.coverage(begin_ms, end_ms) * (end_ms - begin_ms) / whole if whole else 1.0


class TimedEvaluation(NamedTuple):
    """A line with a quality figure: which of these lines of the log it is, from 1 on, when, and under which key.

    ``is_over`` says that the run that counts had stopped before. ``start_ms`` and ``stop_ms`` are of the evaluation, as far
    as the log says them, ``samples_after`` the ``train_samples`` between it and the next one.
    """

    number: int
    time_ms: float
    key: str
    is_over: bool
    evaluation: Evaluation
    start_ms: float | None
    stop_ms: float | None
    samples_after: float | None


class LoggedSetting(NamedTuple):
    """What a log says of a setting first: as text, and as a number where it is one.

    ``lines`` counts the lines with the key; ``differs`` says that one of them says something else.
    """

    key: str
    value: str
    number: float | None
    lines: int
    differs: bool


class MeasuredSeries(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a log measured under a name, which is its key or stands inside of the value of its lines.

    ``lines`` says which of the lines with the key each row is, from 1 on (64-bit integers); the others are 64-bit floats in
    the order of the machine, NaN where there is none: ``times_ms``, ``values``, and what the lines say beside them.
    """

    key: str
    name: str
    lines: bytes
    times_ms: bytes
    values: bytes
    epochs: bytes
    samples: bytes
    steps: bytes


@dataclass(frozen=True, slots=True)
class LogDetails:
    """What only the data set needs of a log: every evaluation, also after the stop, every setting and measurement.

    ``evaluation_lines`` counts the lines with a quality figure, ``evaluation_ms`` are the milliseconds of the run that
    passed between ``eval_start`` and ``eval_stop``, None where the log does not say both. ``digest`` is equal for logs with
    the same start, stop and evaluations, None without start or stop. ``measured`` are series of measurements, packed, and
    ``power`` those in the power logs of the run, each with the name of its file.
    """

    evaluations: tuple[TimedEvaluation, ...] = ()
    evaluation_lines: int = 0
    settings: tuple[LoggedSetting, ...] = ()
    evaluation_ms: float | None = None
    digest: str | None = None
    measured: bytes = b""
    power: bytes = b""


class Run(msgspec.Struct, frozen=True, gc=False):
    """A judged log: its minutes if it counts, else the reason why it does not, and one word for reasons of its kind."""

    log: RunLog
    minutes: float | None = None
    reason: str | None = None
    code: str | None = None


class Doubt(NamedTuple):
    """What is odd about a result: a code of ``tables/findings.yaml``, the path that it is about, and a lower-case phrase."""

    code: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Score:
    """A score and how it was made, or the ``code`` of a finding and the ``reason`` why there is none.

    ``kept`` are the runs that it is made of, fastest first; ``minutes`` what they give times the scaling factor of the
    review, if there is one, and ``value`` the score in the unit of its metric. ``seconds`` is how long the system trained
    for it. ``figures`` are keys of the entry that only this way of scoring has.
    """

    minutes: float | None = None
    code: str | None = None
    reason: str | None = None
    kept: tuple[Run, ...] = ()
    value: float | None = None
    seconds: float | None = None
    figures: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a submission is compared with: the runs of the reference with one batch size, or between two of them.

    ``mean`` is that of the ``count`` runs which are left without the lowest and the highest, ``deviation`` the standard
    deviation of all. ``batch_sizes`` are those that it was made from: one, or two where it was interpolated.
    """

    batch_sizes: tuple[int, ...]
    mean: float
    deviation: float
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a submission compares with the reference.

    ``name`` is ``pass``, ``fail``, ``missing`` (no reference has a batch size to compare with) or ``insufficient`` (too
    many runs failed). It follows from the ``mean`` that was judged and ``least_acceptable``, the mean from which on a
    submission passes. ``factor`` is what the review multiplies the minutes by: above 1 where the submission converged faster
    than the reference; None for the last two.
    """

    name: str
    factor: float | None = None
    reference: Reference | None = None
    least_acceptable: float | None = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Energy:
    """What a result's power logs add up to. None means "not known".

    ``joules`` are nodes and estimated switches, as the published figures count them; ``with_switches_joules`` has the
    switches with a meter of their own too. Both are means over the runs of the score, times its scaling factor.
    ``runs_joules`` is counted like ``joules``, one figure per run that counts, fastest run first, without the factor.
    ``coverage`` is the least share of a run of the score that the readings of one of its nodes cover.
    """

    joules: float | None = None
    with_switches_joules: float | None = None
    runs_joules: tuple[float, ...] | None = None
    coverage: float | None = None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a result before anybody judges it.

    ``benchmark`` has an empty key where neither folder nor logs name one, ``division`` is ``unknown`` where nothing says it.
    ``logs`` are in the order of ``submission.logs``; ``repeated`` are sets of names of those that hold the same run.
    ``scaling_factor`` is what the review multiplied the result by; ``scaling_trouble`` says why that cannot be known.
    ``is_repeat`` says that its runs are those of a result that was read before.
    """

    round: Round
    rules: Rules
    submission: Submission
    benchmark: Benchmark
    division: str
    logs: tuple[RunLog, ...]
    repeated: tuple[tuple[str, ...], ...] = ()
    scaling_factor: float | None = None
    scaling_trouble: str | None = None
    is_repeat: bool = False

    @property
    def metric(self) -> Metric:
        """What the result measures."""
        return self.submission.metric

    @property
    def identity(self) -> Identity:
        """Round label, submitter folder, system file name, benchmark key; and the metric where that is not the usual one."""
        submission = self.submission
        return (self.round.label, submission.submitter, submission.system, self.benchmark.key, *self.metric.identity)


@dataclass(frozen=True, slots=True)
class Judged(Facts):
    """All that is known about a result: every entry, table, page and file takes what it says from here.

    ``runs`` has a run for each log, with its minutes or why it does not count. ``verdict`` is None where convergence cannot
    be judged, ``energy`` without power logs. ``figures`` are keys of the entry. ``entry`` is filled for a result that is
    imported.
    """

    runs: tuple[Run, ...] = ()
    score: Score = field(default_factory=Score)
    verdict: Verdict | None = None
    energy: Energy | None = None
    figures: Mapping[str, object] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    entry: Entry = field(default_factory=dict)

    @property
    def minutes(self) -> float:
        """Minutes for each model, less is better whatever the metric.

        Raises:
            ValueError: there is no score.
        """
        if self.score.minutes is None:
            raise ValueError(f"{self.submission.folder}: no score")
        return self.score.minutes


def _product(per_node: int | None, nodes: int | None) -> int | None:
    return None if per_node is None or nodes is None else per_node * nodes
