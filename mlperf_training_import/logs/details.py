"""Collects what only the data set needs from a log: lines in, a :class:`~..model.LogDetails` out.

:class:`~.log.LogReader` passes on the lines while it reads them, so that a log is read once. Details travel as bytes, and
are unpacked when their rows are written: those of a round are as many objects as there are evaluations.
"""

from __future__ import annotations

import contextlib
import json
import math
import pickle
import zlib
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ..model import LogDetails, LoggedSetting, MeasuredSeries, TimedEvaluation
from ..tables.log_keys import is_measured, is_setting, meter_keys, seed_keys
from ..values import clean_text, finite_number, short_digest
from .evaluation import EVALUATION_KEYS, evaluation_of
from .line import Allowance, MalformedLine, Spent, evaluation_parts, gives_seconds, parse_line, value_and_metadata, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Evaluation, RunLog
    from ..tables.rules import Dialect
    from .power import PowerLine

_SPAN_KEYS = frozenset({"eval_start", "eval_stop"})
#: Published logs name up to 70 settings, in up to 50 characters; anything beyond these limits is dropped.
_MOST_SETTINGS = 1000
_LONGEST_KEY = 100
_LONGEST_TEXT = 1000
#: A larger integer is not a setting, and a column of numbers cannot hold it exactly.
_LARGEST_INTEGER = 2**63


#: Limits on the rows and series of measurements of a log and its power logs. Published ones have up to 30,000 rows and
#: 100 series.
_MOST_POINTS = 1_000_000
_MOST_SERIES = 1000
#: Epoch, samples and step of a line; None for each that it does not give.
_Progress = tuple[float | None, float | None, float | None]
_NO_PROGRESS: _Progress = (None, None, None)


class _WithoutSeries(msgspec.Struct, gc=False):
    """Details without evaluations and measurements, which take longest to read."""

    evaluation_lines: int
    settings: tuple[LoggedSetting, ...]
    evaluation_ms: float | None
    digest: str | None


class _MeasuredMetadata(msgspec.Struct, gc=False):
    epoch_num: float | None = None
    epoch: float | None = None
    samples_count: float | None = None
    step_num: float | None = None
    step: float | None = None


class _MeasuredLine(msgspec.Struct, gc=False):
    """What is needed from a line with a measurement in the form that nearly all have."""

    value: float | dict[str, float] | None
    metadata: _MeasuredMetadata


_decode_measured = msgspec.json.Decoder(_MeasuredLine).decode


@dataclass(slots=True)
class _Pending:
    """An evaluation, the number of its span, and the samples that the log gives after it; NaN for several numbers."""

    number: int
    time_ms: float
    key: str
    is_over: bool
    evaluation: Evaluation
    span: int | None
    samples_after: float | None = None

    def add_samples(self, number: float) -> None:
        """Adds the samples that a later line gives."""
        self.samples_after = number if self.samples_after in (None, number) else math.nan


class _Series:
    """The measurements of one name, as columns of numbers; NaN where there is none."""

    __slots__ = ("epochs", "lines", "samples", "steps", "times", "values")

    def __init__(self) -> None:
        self.lines = array("q")
        self.times, self.values, self.epochs, self.samples, self.steps = (array("d") for _ in range(5))

    def add(self, line: int, time_ms: float, value: float | None, progress: _Progress) -> None:
        """Adds a row."""
        epoch, samples, step = progress
        self.lines.append(line)
        self.times.append(time_ms)
        self.values.append(math.nan if value is None else value)
        self.epochs.append(math.nan if epoch is None else epoch)
        self.samples.append(math.nan if samples is None else samples)
        self.steps.append(math.nan if step is None else step)

    def extend(self, lines: Sequence[PowerLine]) -> None:
        """Adds a row for each of the next lines, which give no progress."""
        first, nothing = len(self.lines) + 1, [math.nan] * len(lines)
        self.lines.extend(range(first, first + len(lines)))
        self.times.extend(line.time_ms for line in lines)
        self.values.extend(math.nan if line.value is None else line.value for line in lines)
        for column in (self.epochs, self.samples, self.steps):
            column.extend(nothing)

    def packed(self, key: str, name: str) -> MeasuredSeries:
        """The series as bytes."""
        columns = (self.lines, self.times, self.values, self.epochs, self.samples, self.steps)
        return MeasuredSeries(clean_text(key) or "", clean_text(name) or "", *(column.tobytes() for column in columns))


#: How packed details begin: those that may be stored, without and with measurements, and those for this process only.
_PORTABLE, _MEASURED, _OWN = b"m", b"s", b"p"
_decode = msgspec.msgpack.Decoder(LogDetails).decode
_decode_series = msgspec.msgpack.Decoder(list[MeasuredSeries]).decode
_FASTEST = 1
_decode_rest = msgspec.msgpack.Decoder(_WithoutSeries).decode


def pack(details: LogDetails, *, with_measurements: bool = True) -> bytes:
    """Details as bytes: they take a tenth of the memory, and a tenth of the time to pass between processes."""
    try:
        return (_MEASURED if with_measurements else _PORTABLE) + msgspec.msgpack.encode(details)
    except (OverflowError, ValueError):  # an integer of more than 64 bits, or half of a surrogate
        return _OWN + pickle.dumps(details)


def unpack(data: bytes, *, with_series: bool = True) -> LogDetails:
    """The details that :func:`pack` was given. Unpacking is faster without evaluations and measurements.

    Raises:
        ValueError: they are damaged, or neither from this process nor :func:`is_portable`.
    """
    if not is_portable(data):
        details: LogDetails = pickle.loads(data[1:])  # noqa: S301 - this process or one of its workers has made these bytes
        return details
    if with_series:
        return _decode(data[1:])
    rest = _decode_rest(data[1:])
    return LogDetails((), rest.evaluation_lines, rest.settings, rest.evaluation_ms, rest.digest)


def pack_series(series: Iterable[MeasuredSeries]) -> bytes:
    """Series of measurements as bytes, which take a tenth of their memory."""
    every = [*series]
    return zlib.compress(msgspec.msgpack.encode(every), _FASTEST) if every else b""


def unpack_series(data: bytes) -> list[MeasuredSeries]:
    """The series that :func:`pack_series` was given."""
    return _decode_series(zlib.decompress(data)) if data else []


def is_portable(data: bytes) -> bool:
    """Whether packed details can be read regardless of who wrote them."""
    return not data.startswith(_OWN)


def has_measurements(data: bytes) -> bool:
    """Whether packed details were read with measurements."""
    return data.startswith(_MEASURED)


class DetailsReader:
    """Collects the evaluations, the settings and, if asked for, the measurements of one log."""

    def __init__(self, dialect: Dialect, *, with_measurements: bool = True) -> None:
        self._dialect = dialect
        self._with_measurements = with_measurements
        self._allowance = Allowance()
        self._settings: dict[str, LoggedSetting] = {}
        self._known: dict[
            str, tuple[bytes, float | None]
        ] = {}  # one value for each key, as the bytes in its line, and as a number
        self._repeats: Counter[str] = Counter()  # lines with that value that were not parsed
        self._evaluations: list[_Pending] = []
        self._evaluation_lines = 0
        self._eval_start_ms: float | None = None
        self._spans: list[tuple[float, float]] = []
        self._place_of_span: tuple[object, ...] | None = None  # the progress of the evaluations in the last span
        self._measured: dict[tuple[str, str], _Series] = {}
        self._measured_lines: Counter[str] = Counter()
        self._power: dict[tuple[str, str], _Series] = {}
        self._points_left = _MOST_POINTS

    def wants(self, key: str) -> bool:
        """Whether anything is kept from the lines with a key."""
        return (
            key in EVALUATION_KEYS or key in _SPAN_KEYS or is_setting(key) or (self._with_measurements and is_measured(key))
        )

    def take(self, line: bytes, key: str, *, is_over: bool) -> None:
        """Takes a line with a wanted key; skips it if its content cannot be read.

        If too many lines would have to be parsed, evaluations are still counted, and the rest is skipped.

        Args:
            line: what follows the token.
            key: its key.
            is_over: whether the run that counts has already stopped.
        """
        self._evaluation_lines += key in EVALUATION_KEYS
        with contextlib.suppress(MalformedLine, Spent):
            time_ms, _, value, metadata = parse_line(
                line, self._dialect, frozenset({key}), self._allowance, in_seconds=gives_seconds(line)
            )
            if key in EVALUATION_KEYS:
                self._take_evaluation(time_ms, key, value, metadata, is_over)
                return
            if key in _SPAN_KEYS:
                self._take_span(time_ms, is_start=key == "eval_start")
            if is_setting(key):
                self._take_setting(time_ms, key, value, is_over=is_over)
            elif self._with_measurements:
                self._take_measured(time_ms, key, value, _progress_of(metadata))

    def take_known(self, line: bytes, time_ms: int, key: str, value: msgspec.Raw, *, is_over: bool) -> None:
        """Takes a well-formed line as :meth:`take` does, given its parts; parses only what is needed.

        In some logs every rank logs every setting: repeats are not parsed again.
        """
        if key in EVALUATION_KEYS:
            self._evaluation_lines += 1
            with contextlib.suppress(Spent):
                self._allowance.spend(lines=1, size=len(line))
                self._take_evaluation(float(time_ms), key, *value_and_metadata(line), is_over)
            return
        if key in _SPAN_KEYS:
            self._take_span(float(time_ms), is_start=key == "eval_start")
        if not is_setting(key):
            if self._with_measurements:
                self._take_measured_line(line, float(time_ms), key)
            return
        data = bytes(value)
        known, number = self._known.get(key, (None, None))
        if known == data:
            self._repeats[key] += 1
            if number is not None:
                self._take_number(float(time_ms), key, number, is_over=is_over)
            return
        with contextlib.suppress(Spent):
            self._allowance.spend(lines=1, size=len(line))
            parsed = value_of(data)
            self._take_setting(float(time_ms), key, parsed, is_over=is_over)
            if key in self._settings and self._settings[key].value == _setting_text(parsed):
                self._known.setdefault(key, (data, self._settings[key].number))

    def take_power(self, meter: str, lines: Sequence[PowerLine]) -> None:
        """Takes the next lines of a power log of the run, if measurements are asked for.

        Args:
            meter: the name of the power log.
            lines: some of it, in their order.
        """
        for key in meter_keys() if self._with_measurements else ():
            said = [line for line in lines if line.key == key][: self._points_left]
            if said and len(self._power) < _MOST_SERIES:
                self._points_left -= len(said)
                self._power.setdefault((key, meter), _Series()).extend(said)

    def details(self, log: RunLog) -> LogDetails:
        """What was collected, given what the log says about its run."""
        evaluations = tuple(self._timed(pending) for pending in self._evaluations)
        counted = {key: msgspec.structs.replace(s, lines=s.lines + self._repeats[key]) for key, s in self._settings.items()}
        courses = {key for key, setting in counted.items() if _is_course(setting)}
        return LogDetails(
            evaluations=evaluations,
            evaluation_lines=self._evaluation_lines,
            settings=tuple(setting for key, setting in counted.items() if key not in courses),
            evaluation_ms=self._evaluation_ms(log.run_start_ms, log.run_stop_ms),
            digest=_digest(log, evaluations),
            measured=pack_series(
                series.packed(key, name)
                for (key, name), series in self._measured.items()
                if key in courses or not is_setting(key)
            ),
            power=pack_series(series.packed(key, meter) for (key, meter), series in self._power.items()),
        )

    def _timed(self, pending: _Pending) -> TimedEvaluation:
        start_ms, stop_ms = None, None
        if pending.span is not None and pending.span < len(self._spans):
            start_ms, stop_ms = self._spans[pending.span]
        elif pending.span is not None:
            start_ms = self._eval_start_ms
        samples = None if pending.samples_after is None or math.isnan(pending.samples_after) else pending.samples_after
        return TimedEvaluation(
            pending.number, pending.time_ms, pending.key, pending.is_over, pending.evaluation, start_ms, stop_ms, samples
        )

    def _take_evaluation(self, time_ms: float, key: str, value: object, metadata: object, is_over: bool) -> None:
        evaluation = evaluation_of(*evaluation_parts(value, metadata))
        place, span = (evaluation.epoch, evaluation.samples, evaluation.step), None
        if self._eval_start_ms is not None:
            span = len(self._spans)
        elif self._spans and self._place_of_span in (None, place):
            span = len(self._spans) - 1  # some logs give the figure after the end of its evaluation
        if span is not None:
            self._place_of_span = place
        self._evaluations.append(_Pending(self._evaluation_lines, time_ms, key, is_over, evaluation, span))

    def _take_setting(self, time_ms: float, key: str, value: object, *, is_over: bool) -> None:
        text = _setting_text(value)
        if text is None or len(key) > _LONGEST_KEY:
            return
        number = finite_number(value)
        said = self._settings.get(key)
        if said is not None:
            self._settings[key] = msgspec.structs.replace(
                said, lines=said.lines + 1, differs=said.differs or said.value != text
            )
        elif len(self._settings) < _MOST_SETTINGS and (name := clean_text(key)):
            self._settings[key] = LoggedSetting(name, text, None if number is None else float(number), 1, False)
        if key in self._settings and number is not None:
            self._take_number(time_ms, key, float(number), is_over=is_over)

    def _take_number(self, time_ms: float, key: str, number: float, *, is_over: bool) -> None:
        """Takes a setting that is a number. One that changes is a measurement, which is known only when the log ends."""
        if key == "train_samples" and self._evaluations and not is_over:
            self._evaluations[-1].add_samples(number)
        if self._with_measurements and key not in seed_keys():
            self._measured_lines[key] += 1
            self._take_point(key, key, time_ms, number, _NO_PROGRESS)

    def _take_measured_line(self, line: bytes, time_ms: float, key: str) -> None:
        """Takes a well-formed line with a measurement. In the usual form, the only Python objects made are its numbers."""
        try:
            measured = _decode_measured(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            with contextlib.suppress(Spent):
                self._allowance.spend(lines=1, size=len(line))
                value, metadata = value_and_metadata(line)
                self._take_measured(time_ms, key, value, _progress_of(metadata))
            return
        said = measured.metadata
        step = said.step_num if said.step is None else said.step
        epoch = said.epoch if said.epoch_num is None else said.epoch_num
        self._take_measured(time_ms, key, measured.value, (epoch, said.samples_count, step))

    def _take_measured(self, time_ms: float, key: str, value: object, progress: _Progress) -> None:
        if len(key) > _LONGEST_KEY:
            return
        self._measured_lines[key] += 1
        if not isinstance(value, dict):
            self._take_point(key, key.strip(), time_ms, value, progress)
            return
        for name, figure in value.items():
            self._take_point(key, str(name).strip()[:_LONGEST_KEY], time_ms, figure, progress)

    def _take_point(self, key: str, name: str, time_ms: float, value: object, progress: _Progress) -> None:
        series = self._measured.get((key, name))
        if series is None:
            if len(self._measured) >= _MOST_SERIES:
                return
            series = self._measured[key, name] = _Series()
        if self._points_left > 0:
            self._points_left -= 1
            series.add(self._measured_lines[key], time_ms, finite_number(value), progress)

    def _take_span(self, time_ms: float, *, is_start: bool) -> None:
        """An evaluation lasts from a start to the next stop: several ranks may log each of them."""
        if is_start and self._eval_start_ms is None:
            self._eval_start_ms, self._place_of_span = time_ms, None
        elif not is_start and self._eval_start_ms is not None:
            self._spans.append((self._eval_start_ms, time_ms))
            self._eval_start_ms = None

    def _evaluation_ms(self, run_start_ms: float | None, run_stop_ms: float | None) -> float | None:
        if not self._spans or run_start_ms is None or run_stop_ms is None:
            return None
        inside = ((max(start, run_start_ms), min(stop, run_stop_ms)) for start, stop in self._spans)
        return sum(stop - start for start, stop in inside if stop > start)


def _is_course(setting: LoggedSetting) -> bool:
    """Whether a number changes in the run; each process of a run may have a seed of its own."""
    return setting.differs and setting.number is not None and setting.key not in seed_keys()


def _digest(log: RunLog, evaluations: Sequence[TimedEvaluation]) -> str | None:
    """A text that two logs share if they describe the same run."""
    if log.run_start_ms is None or log.run_stop_ms is None:
        return None
    said = [(e.time_ms, e.key, e.evaluation.value) for e in evaluations]
    return short_digest(repr((log.run_start_ms, log.run_stop_ms, said)).encode("utf-8", "backslashreplace"))


def _progress_of(metadata: object) -> _Progress:
    if not isinstance(metadata, dict):
        return _NO_PROGRESS
    step = metadata.get("step", metadata.get("step_num"))
    epoch = metadata.get("epoch_num", metadata.get("epoch"))
    return finite_number(epoch), finite_number(metadata.get("samples_count")), finite_number(step)


def _setting_text(value: object) -> str | None:
    """A scalar, or a list of numbers, as text; None for anything else."""
    if isinstance(value, str):
        text = clean_text(value)
    elif isinstance(value, list):
        parts = [_number_text(number) for number in value[:_LONGEST_TEXT]]
        text = None if None in parts else f"[{', '.join(filter(None, parts))}]"
    else:
        text = json.dumps(value) if isinstance(value, bool) else _number_text(value)
    return text if text is not None and len(text) <= _LONGEST_TEXT else None


def _number_text(value: object) -> str | None:
    if not isinstance(value, (int, float)) or finite_number(value) is None:
        return None
    is_long = isinstance(value, int) and abs(value) >= _LARGEST_INTEGER
    return None if is_long or isinstance(value, bool) else repr(value)
