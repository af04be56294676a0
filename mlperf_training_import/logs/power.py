"""Measures the energy of a result: power logs in, joules out.

A run has one log per node (``node_*.txt``) and, if switches connect the nodes, logs of the switches (``sw_*.txt``). They
have the form of run logs, with the keys ``power_measurement_start``, ``power_measurement_stop``, ``power_reading`` (W),
``conversion_eff`` and, for switches without a meter, ``interconnect_power_est`` (W)::

    joules of a node   = conversion_eff * sum(reading * ms since the previous reading) * run_ms / window_ms / 1000
    joules of a switch = conversion_eff * interconnect_power_est * run_ms / 1000

The window of a meter is rarely that of the run: ``run_ms / window_ms`` applies the mean power of the window to the run.
A switch with a meter is integrated like a node, but summed separately. The tool behind the published figures adds nothing
for such a switch, so only a figure without it can be compared with those.

Source: ``_compute_power_node`` and ``_compute_power_sw`` of ``mlperf_logging.result_summarizer``, which made the published
figures. Unlike there, a stop that is not later than the start is ignored.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import msgspec

from ..model import PowerLog
from ..values import LARGEST_LOG_MB, finite_number
from .line import Allowance, MalformedLine, Spent, parse_line
from .log import LONGEST_CHECKED_BYTES, find_lines, iter_blocks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ..tables.rules import Dialect

_START, _STOP, _READING = "power_measurement_start", "power_measurement_stop", "power_reading"
_FACTOR, _ESTIMATE = "conversion_eff", "interconnect_power_est"

#: If two readings are further apart, the power between them is unknown. Published meters read at least every 24 s.
LONGEST_GAP_MS = 30_000
#: The likely range of the efficiency of a power supply. Published ones are 0.94, 0.96, and 1 for no conversion.
_LIKELY_FACTORS = (0.5, 1.0)


#: This much of a log is kept to sort its lines by time; a line may be half as far from its place. Published logs have up to
#: 240 kB.
_MOST_WAITING_BYTES = 8 << 20
#: Limit on the stretches without a long gap; readings after the last of them do not count as covered.
_MOST_STRETCHES = 1_000


class _PlainLine(msgspec.Struct, gc=False):
    """A line as meters write it: the time a whole number, the value a number or null; metadata may be a text."""

    time_ms: Annotated[int, msgspec.Meta(ge=0, le=10**18)]
    key: str
    value: Annotated[int, msgspec.Meta(ge=-(10**18), le=10**18)] | float | None
    metadata: msgspec.Raw


class _RunEdge(msgspec.Struct, frozen=True):
    """Start or stop of the run, placed among the lines of the power log."""

    time_ms: float
    key: str = ""
    value: None = None


class _ParsedLine(msgspec.Struct, frozen=True):
    """A line that the full parser has read; the value is None where it is not a number."""

    time_ms: float
    key: str
    value: float | None


#: What makes a figure less certain, and what no sound meter does, in the order of the messages.
_ODDITIES = (
    _MALFORMED := "logs with malformed lines, which were left out",
    _SEVERAL_FACTORS := "logs with several conversion_eff; the last one counts",
    _SEVERAL_STARTS := "logs with several power_measurement_start; the first one counts",
    _EARLY_STOP := "logs whose power_measurement_stop is not later than the start, so that all readings count",
    _NO_STOP := "logs without power_measurement_stop, so that all readings count",
)
_DOUBTS = (
    _GAP := f"logs in which more than {LONGEST_GAP_MS // 1000} s pass between two readings",
    _NEGATIVE := "logs with readings below 0 W",
    _UNLIKELY_FACTOR := "logs with a conversion_eff outside {} to {}".format(*_LIKELY_FACTORS),
)

#: The oddities of logs in which every reading counts, whenever it was taken.
WITHOUT_STOP = frozenset((_EARLY_STOP, _NO_STOP))

_decode_plain = msgspec.json.Decoder(_PlainLine).decode
_decode_plain_lines = msgspec.json.Decoder(_PlainLine).decode_lines
#: A line of a power log: its ``time_ms``, ``key`` and ``value``.
PowerLine = _PlainLine | _ParsedLine
_Event = PowerLine | _RunEdge
_time_of = attrgetter("time_ms")
_KEYS = frozenset((_START, _STOP, _READING, _FACTOR, _ESTIMATE))


class UnknownEnergy(ValueError):
    """A power log that gives no energy; the message says why."""


def read_power_log(
    path: Path,
    dialect: Dialect,
    largest_mb: int = LARGEST_LOG_MB,
    run_ms: tuple[float, float] | None = None,
    take: Callable[[Sequence[PowerLine]], None] = lambda _: None,
) -> PowerLog:
    """Reads a power log; counts malformed lines and leaves them out.

    Integrates the readings while it reads: memory does not grow with their number.

    Args:
        path: the file.
        dialect: the form of its lines.
        largest_mb: a larger file is not read.
        run_ms: start and stop of the run, where they are known.
        take: gets all well-formed lines, some at a time, in the order of the file.

    Returns:
        What the log says; with ``trouble`` where it cannot be read, is larger than ``largest_mb``, or too much of it
        would have to be parsed or sorted.
    """
    reader = _PowerReader(dialect, run_ms or (), take)
    try:
        for block in iter_blocks_of(path, largest_mb):
            reader.take_block(block)
        return reader.finish()
    except Spent as error:
        return PowerLog(trouble=f"logs {error}")
    except UnknownEnergy as error:
        return PowerLog(trouble=str(error))
    except OSError as error:
        return PowerLog(trouble=f"logs that cannot be read ({error.strerror or 'no reason given'})")


class _PowerReader:
    """Takes the blocks of a power log, and adds up its lines in order of time."""

    def __init__(self, dialect: Dialect, run_ms: tuple[float, ...], take: Callable[[Sequence[PowerLine]], None]) -> None:
        self._dialect = dialect
        self._hand_on = take
        self._allowance = Allowance()
        self._waiting: list[_Event] = list(map(_RunEdge, run_ms))
        self._edges: list[tuple[float, float]] = []  # the sum, and until when, at start and stop of the run
        self._waiting_bytes = 0
        self._malformed_lines = 0
        self._latest_ms = -math.inf
        self._start_ms: float | None = None
        self._stop_ms: float | None = None
        self._previous_ms = 0.0  # the start, then the last reading that was added up
        self._watt_ms = 0.0
        self._factor: float | None = None
        self._estimate: float | None = None
        self._first_ms: float | None = None  # first and last reading of the current stretch
        self._last_ms: float | None = None
        self._stretches: list[tuple[float, float]] = []
        self._seen: Counter[str] = Counter()  # lines with each key, and what is odd about them

    def take_block(self, block: bytes) -> None:
        """Takes whole lines.

        Raises:
            UnknownEnergy: some are earlier than lines that were added up, or too many would have to be parsed.
        """
        events = self._events_of(block)
        self._hand_on(events)
        self._waiting.extend(events)
        self._waiting_bytes += len(block)
        if self._waiting_bytes > _MOST_WAITING_BYTES:
            self._add_up(len(self._waiting) // 2)
            self._waiting_bytes //= 2

    def _events_of(self, block: bytes) -> list[PowerLine]:
        """The lines of a block. Nearly all have the usual form of meters, and are decoded together with the same result."""
        lines, are_plain = find_lines(block, self._dialect.token)
        if lines and self._dialect.json == "line" and are_plain:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                events = _decode_plain_lines(b"\n".join(lines))
                if len(events) == len(lines):  # none of them was blank
                    return list(events)
        return [event for line in lines if (event := self._event_of(line)) is not None]

    def _event_of(self, line: bytes) -> PowerLine | None:
        """What follows the first token of a line; None if that is malformed or not needed."""
        if self._dialect.json == "line" and len(line) <= LONGEST_CHECKED_BYTES:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return _decode_plain(line.rpartition(self._dialect.token)[2])
        try:
            time_ms, key, value, _ = parse_line(line, self._dialect, _KEYS, self._allowance)
        except MalformedLine:
            self._malformed_lines += 1
            return None
        except Spent as error:
            raise UnknownEnergy(f"logs with {error}") from None
        return _ParsedLine(time_ms, key, finite_number(value)) if key in _KEYS else None

    def _add_up(self, count: int | None = None) -> None:
        """Adds up the earliest of the waiting lines, or all of them."""
        self._waiting.sort(key=_time_of)
        events = iter(self._waiting[:count])
        event = next(events, None)
        while event is not None:
            if isinstance(event, _RunEdge):
                self._edges.append((self._watt_ms, self._previous_ms))
            elif event.key in _KEYS:
                self._take(event)
            is_measuring = self._stop_ms is None and self._start_ms is not None and self._latest_ms == self._last_ms
            event = self._take_ordinary(events) if is_measuring else next(events, None)
        del self._waiting[:count]

    def _take_ordinary(self, events: Iterator[_Event]) -> _Event | None:
        """Takes readings that closely follow a reading, as :meth:`_take` does; returns the first other line."""
        latest_ms, watt_ms = self._latest_ms, self._watt_ms
        following = None
        for event in events:
            time_ms, watts = float(event.time_ms), event.value
            elapsed_ms = time_ms - latest_ms
            if event.key != _READING or watts is None or watts < 0 or not 0 <= elapsed_ms <= LONGEST_GAP_MS:
                following = event
                break
            watt_ms += float(watts) * elapsed_ms
            latest_ms = time_ms
        self._latest_ms = self._previous_ms = self._last_ms = latest_ms
        self._watt_ms = watt_ms
        return following

    def _take(self, event: PowerLine) -> None:
        key, value, time_ms = event.key, event.value, float(event.time_ms)
        if time_ms < self._latest_ms:
            raise UnknownEnergy(f"logs with lines more than {_MOST_WAITING_BYTES >> 21} MB from the place of their times")
        self._latest_ms = time_ms
        if key not in (_START, _STOP) and value is None:
            self._malformed_lines += 1
            return
        self._seen[key] += 1
        if key == _START and self._start_ms is None:
            self._start_ms = self._previous_ms = time_ms
            if self._last_ms != time_ms:  # a reading of the same time comes before it
                self._first_ms = None
        elif key == _STOP and self._stop_ms is None and self._start_ms is not None and time_ms > self._start_ms:
            self._stop_ms = time_ms
        elif value is None:
            return
        elif key == _READING:
            self._take_reading(time_ms, float(value))
        elif key == _FACTOR:
            low, high = _LIKELY_FACTORS
            self._seen[_UNLIKELY_FACTOR] += not low <= value <= high
            self._seen[_SEVERAL_FACTORS] += self._factor not in (None, value)
            self._factor = float(value)
        elif key == _ESTIMATE and self._estimate is None:
            self._estimate = float(value)

    def _take_reading(self, time_ms: float, watts: float) -> None:
        self._seen[_NEGATIVE] += watts < 0
        if self._start_ms is None:
            self._first_ms = self._last_ms = time_ms
            return
        if self._stop_ms is None:
            self._watt_ms += watts * (time_ms - self._previous_ms)
            self._previous_ms = time_ms
        elif time_ms > self._stop_ms:
            return
        if self._first_ms is None or self._last_ms is None:
            self._first_ms = time_ms
        elif time_ms - self._last_ms > LONGEST_GAP_MS:
            self._seen[_GAP] += 1
            self._end_stretch()
            self._first_ms = time_ms
        self._last_ms = time_ms

    def _end_stretch(self) -> None:
        if self._first_ms is not None and self._last_ms is not None and len(self._stretches) < _MOST_STRETCHES:
            self._stretches.append((self._first_ms, self._last_ms))

    def _run_watts(self) -> float | None:
        """Mean of the readings within the run; None where there are none."""
        if len(self._edges) < 2 or self._start_ms is None:
            return None
        (before, begin_ms), (after, end_ms) = self._edges
        elapsed_ms = end_ms - max(begin_ms, self._start_ms)
        return (after - before) / elapsed_ms if elapsed_ms > 0 else None

    def finish(self) -> PowerLog:
        """What the log says, after all its lines were taken."""
        self._add_up()
        window_ms = None
        if self._start_ms is not None:
            self._end_stretch()
            last_ms = self._last_ms if self._last_ms is not None else self._start_ms
            window_ms = (self._start_ms, self._stop_ms if self._stop_ms is not None else max(self._start_ms, last_ms))
            if self._stop_ms is None:
                self._seen[_EARLY_STOP if self._seen[_STOP] else _NO_STOP] += 1
        self._seen[_MALFORMED] = self._malformed_lines
        self._seen[_SEVERAL_STARTS] = self._seen[_START] > 1
        return PowerLog(
            window_ms=window_ms,
            watt_ms=self._watt_ms,
            run_watts=self._run_watts(),
            is_measured=self._previous_ms != self._start_ms,
            has_readings=self._seen[_READING] > 0,
            conversion_factor=1.0 if self._factor is None else self._factor,
            estimated_watts=self._estimate,
            stretches_ms=tuple(self._stretches),
            oddities=tuple(what for what in _ODDITIES if self._seen[what]),
            doubts=tuple(what for what in _DOUBTS if self._seen[what]),
            malformed_lines=self._malformed_lines,
        )


def integrate(log: PowerLog, run_ms: float) -> float:
    """Joules of a run of ``run_ms``, from what a meter measured in its window.

    Raises:
        UnknownEnergy: it could not be read, or has no start, no reading in the window, or a window without a duration.
    """
    if log.trouble is not None:
        raise UnknownEnergy(log.trouble)
    if log.window_ms is None:
        raise UnknownEnergy("logs without power_measurement_start")
    if not log.is_measured:
        raise UnknownEnergy("logs without a power_reading after the start")
    start, stop = log.window_ms
    return _finite(log.conversion_factor * log.watt_ms * run_ms / (stop - start) / 1000)


def estimate(log: PowerLog, run_ms: float) -> float:
    """Joules of a switch without a meter over a run of ``run_ms``; the first estimate counts.

    Raises:
        UnknownEnergy: there is no estimate, or it is too large.
    """
    if log.estimated_watts is None:
        raise UnknownEnergy("logs without an interconnect_power_est")
    return _finite(log.conversion_factor * log.estimated_watts * run_ms / 1000)


def _finite(joules: float) -> float:
    if not math.isfinite(joules):
        raise UnknownEnergy("logs whose numbers are too large")
    return joules
