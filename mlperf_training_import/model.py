"""The records that the stages pass on. No logic.

Units are in the names: ``_ms`` milliseconds since the epoch, ``minutes``, ``joules``. ``None`` means "not known".
Paths inside a round are relative to its clone, with ``/`` on every system.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .tables.labels import is_private_label
from .tables.metrics import Metric, usual_metric
from .tables.rules import Benchmark, Rules
from .values import add_up

#: A flat object about one result, as it is stored in an experiment.
Entry = dict[str, Any]
#: Round label, submitter folder, system file name, benchmark key; and the metric where that is not the usual one.
Identity = tuple[str, ...]
#: The quality figure in a log: usually a number, in some rounds several numbers by name.
LoggedValue = bool | int | float | str | list[bool | int | float | str] | dict[str, bool | int | float | str] | None


class Round(msgspec.Struct, frozen=True):
    """One published round and its clone.

    ``label`` is its name everywhere (``3.0-private``, ``hpc-3.0``); ``version`` is the label of the round that it means
    (``3.0``, ``hpc-3.0``). ``web_url`` is the page of the repository without credentials, None where the remote is not a web
    address. ``remote`` is equal for two clones of one repository; use it only to compare, and never show it.
    ``git_trouble`` says why the clone's git folder gives none of these. ``has_submissions`` is set for a clone of a
    repository in which rounds are prepared, ``declared_public`` where the user said that everybody may see the results.
    ``only`` is the one submitter whose folder is imported, None for all; ``part`` names what is less than a whole published
    round, and is empty otherwise.
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
        """Whether the round is under embargo, and goes only where the user sends it."""
        return not self.declared_public and (self.has_submissions or is_private_label(self.label))

    @property
    def is_shared(self) -> bool:
        """Whether the results belong among those of all rounds.

        Private results do not, nor do those under a label that the user chose, nor those of unknown origin.
        """
        return self.declared_public or (not self.is_private and self.label == self.version and self.remote is not None)


class System(msgspec.Struct, frozen=True):
    """What a system description says, with misspelt keys corrected. Missing values are None."""

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
        """Accelerators of the whole system; 0 if the processors do the work."""
        return _product(self.accelerators_per_node, self.nodes)

    @property
    def host_processors_count(self) -> int | None:
        """Host processors of the whole system."""
        return _product(self.host_processors_per_node, self.nodes)

    def described(self) -> dict[str, str | int | None]:
        """What entries and the data set copy from the description, by their keys."""
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
    """A log as the walk found it: path in the round, size in bytes, times of its content, inode (0: unknown), device."""

    path: str
    name: str
    size: int
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    device: int = 0


class Submission(msgspec.Struct, frozen=True):
    """One benchmark folder: the runs of one benchmark on one system.

    ``metric`` is what it measures.
    ``benchmark`` is None for logs outside a benchmark folder; then the logs themselves name it.
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
    metric: Metric = msgspec.field(default_factory=usual_metric)
    scaling: str | None = None
    power: Mapping[str, tuple[LogFile, ...]] | None = None
    not_read: tuple[str, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One quality figure of a log.

    ``epoch``, ``samples`` and ``step`` say when it was taken; None where the log does not give them. ``metric`` is its name
    where a log has several. ``trained_samples`` are the samples since the beginning, which some logs give besides a
    placeholder.
    """

    value: LoggedValue
    epoch: int | float | None = None
    samples: int | float | None = None
    step: int | float | None = None
    metric: str | None = None
    trained_samples: int | float | None = None


class History(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A summary of all quality figures of a log before its stop.

    ``count`` is their number, and ``digest`` is the same for two logs exactly if values and progress are; None where the log
    is not compared with others. ``milestones`` are the first one, one in the middle and the last one, each with its time;
    where several have the same progress, the last of them. ``has_whole_epochs`` means that each was taken at the end of an
    epoch. ``is_outside`` means that no figure of the log, even after the stop, has a time between start and stop.
    ``set_back_ms`` is the largest step back in time, from the start or an earlier line to a figure.
    """

    count: int
    digest: str | None
    milestones: tuple[tuple[float, Evaluation], ...]
    has_whole_epochs: bool
    is_outside: bool
    set_back_ms: float


class RunLog(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one log says, before anybody judges it.

    ``run_start_ms`` is the last start before the first stop; ``succeeded`` and ``status`` are what that stop says.
    ``start_number`` and ``stop_number`` are the numbers of these lines among the ``run_starts`` and ``run_stops`` lines,
    counted from 1. ``init_start_ms`` and ``init_stop_ms`` belong to that run; ``attempts`` counts how often initialisation
    began. ``elapsed_ms`` is set where the log gives the duration itself. ``malformed`` describes the first bad line,
    ``malformed_lines`` counts them. ``evaluations`` are those before the stop: all that name their metric, and the last of
    the others. ``samples_after_evaluation`` are the ``train_samples`` between the last of them and the stop. ``history``
    summarises all of them. ``settings`` are keys of the entry with the values in the log, and ``seed`` is its random seed as
    text, unless the log gives different ones. ``described`` are keys of a system description with the values in the log's
    own description. ``counts_seconds`` means that the log gives seconds since its start in place of times. ``two_records``
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
    """The summary of a power log, with its lines in order of time; lines with equal times stay in the order of the file.

    ``window_ms`` are start and stop, None without a start; without a stop later than the start, the last reading is the
    stop. ``watt_ms`` is the sum of the readings in the window, each times the milliseconds since the previous one, or since
    the start; ``run_watts`` is the mean of those within the run, None if the run is unknown or has no readings.
    ``is_measured`` says whether any reading was later than the start. W are multiplied by ``conversion_factor``, the last
    one in the log or 1. ``estimated_watts`` is the first estimate of a switch. ``stretches_ms`` are the first and last
    reading of each part of the window in which readings follow each other closely. ``oddities`` say what makes the figure
    less certain, ``doubts`` what no sound meter does, and ``trouble`` why nothing is known; each begins with "logs".
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


class TimedEvaluation(msgspec.Struct, frozen=True, array_like=True):
    """A line with a quality figure: its number among these lines of the log, counted from 1, its time, and its key.

    ``is_over`` means that the run that counts had already stopped. ``start_ms`` and ``stop_ms`` are those of the evaluation,
    None where the log does not give them; ``samples_after`` are the ``train_samples`` between it and the next one.
    """

    number: int
    time_ms: float
    key: str
    is_over: bool
    evaluation: Evaluation
    start_ms: float | None
    stop_ms: float | None
    samples_after: float | None


class LoggedSetting(msgspec.Struct, frozen=True, array_like=True):
    """The first value of a setting in a log: as text, and as a number if it is one.

    ``lines`` counts the lines with the key; ``differs`` means that one of them has another value.
    """

    key: str
    value: str
    number: float | None
    lines: int
    differs: bool


class MeasuredSeries(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The measurements of a log under one name, which is the key or is inside the value of the lines.

    ``lines`` is the number of each row among the lines with the key, counted from 1 (64-bit integers). The other columns
    are 64-bit floats in the byte order of the machine, NaN where there is none: ``times_ms``, ``values``, and the progress
    in the lines.
    """

    key: str
    name: str
    lines: bytes
    times_ms: bytes
    values: bytes
    epochs: bytes
    samples: bytes
    steps: bytes


class LogDetails(msgspec.Struct, frozen=True):
    """What only the data set needs from a log: every evaluation, even after the stop, every setting and measurement.

    ``evaluation_lines`` counts the lines with a quality figure. ``evaluation_ms`` are the milliseconds of the run between
    ``eval_start`` and ``eval_stop``, None where the log does not have both. ``digest`` is equal for logs with the same
    start, stop and evaluations, None without start or stop. ``measured`` are series of measurements, packed, and ``power``
    those in the power logs of the run, each with the name of its file.
    """

    evaluations: tuple[TimedEvaluation, ...] = ()
    evaluation_lines: int = 0
    settings: tuple[LoggedSetting, ...] = ()
    evaluation_ms: float | None = None
    digest: str | None = None
    measured: bytes = b""
    power: bytes = b""


class Run(msgspec.Struct, frozen=True, gc=False):
    """A judged log: its minutes if it counts, otherwise the reason why it does not, and one word for that kind of reason."""

    log: RunLog
    minutes: float | None = None
    reason: str | None = None
    code: str | None = None


class Doubt(msgspec.Struct, frozen=True):
    """What is odd about a result: a code of ``tables/findings.yaml``, the path concerned, and a lower-case phrase."""

    code: str
    where: str
    what: str


class Score(msgspec.Struct, frozen=True):
    """A score and how it was made, or the ``code`` of a finding and the ``reason`` why there is no score.

    ``kept`` are the runs that it is made from, fastest first; ``minutes`` is their result times the scaling factor of the
    review, if there is one, and ``value`` the score in the unit of its metric. ``seconds`` is how long the system trained
    for it. ``figures`` are keys of the entry that only this way of scoring has.
    """

    minutes: float | None = None
    code: str | None = None
    reason: str | None = None
    kept: tuple[Run, ...] = ()
    value: float | None = None
    seconds: float | None = None
    figures: Mapping[str, object] = msgspec.field(default_factory=dict)


class Reference(msgspec.Struct, frozen=True):
    """What a submission is compared with: the runs of the reference at one batch size, or interpolated between two.

    ``mean`` is that of the ``count`` runs that remain without the lowest and the highest, ``deviation`` the standard
    deviation of all. ``batch_sizes`` are those that it was made from: one, or two if it was interpolated.
    """

    batch_sizes: tuple[int, ...]
    mean: float
    deviation: float
    count: int


class Verdict(msgspec.Struct, frozen=True):
    """How a submission compares with the reference.

    ``name`` is ``pass``, ``fail``, ``missing`` (no reference has a batch size to compare with) or ``insufficient`` (too
    many runs failed). It follows from the judged ``mean`` and from ``least_acceptable``, the lowest mean that passes.
    ``factor`` is what the review multiplies the minutes by: above 1 if the submission converged faster than the reference;
    None for the last two.
    """

    name: str
    factor: float | None = None
    reference: Reference | None = None
    least_acceptable: float | None = None
    mean: float | None = None


class Energy(msgspec.Struct, frozen=True):
    """What a result's power logs add up to. None means "not known".

    ``joules`` covers nodes and estimated switches, as the published figures do; ``with_switches_joules`` also covers the
    switches with a meter of their own. Both are means over the runs of the score, times its scaling factor.
    ``runs_joules`` covers the same as ``joules``: one figure per run that counts, fastest run first, without the factor.
    ``coverage`` is the smallest share of a run of the score that the readings of one of its nodes cover. ``is_unread`` means
    that a power log could not be read.
    """

    joules: float | None = None
    with_switches_joules: float | None = None
    runs_joules: tuple[float, ...] | None = None
    coverage: float | None = None
    doubts: tuple[Doubt, ...] = ()
    is_unread: bool = False


class Facts(msgspec.Struct, frozen=True):
    """What is known about a result before anybody judges it.

    ``benchmark`` has an empty key where neither folder nor logs name one; ``division`` is ``unknown`` where nothing says it.
    ``logs`` are in the order of ``submission.logs``; ``repeated`` are sets of names of logs that hold the same run.
    ``scaling_factor`` is what the review multiplied the result by; ``scaling_trouble`` says why that cannot be known.
    ``is_repeat`` means that its runs are those of a result that was read before.
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


class Judged(Facts, frozen=True):
    """Everything known about a result: every entry, table, page and file gets its data from here.

    ``runs`` has a run for each log, with its minutes or why it does not count. ``verdict`` is None where convergence cannot
    be judged, ``energy`` is None without power logs. ``figures`` are keys of the entry. ``entry`` is filled for a result
    that is imported.
    """

    runs: tuple[Run, ...] = ()
    score: Score = msgspec.field(default_factory=Score)
    verdict: Verdict | None = None
    energy: Energy | None = None
    figures: Mapping[str, object] = msgspec.field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    entry: Entry = msgspec.field(default_factory=dict)

    @property
    def minutes(self) -> float:
        """Minutes per model; less is better whatever the metric.

        Raises:
            ValueError: there is no score.
        """
        if self.score.minutes is None:
            raise ValueError(f"{self.submission.folder}: no score")
        return self.score.minutes


def _product(per_node: int | None, nodes: int | None) -> int | None:
    return None if per_node is None or nodes is None else per_node * nodes
