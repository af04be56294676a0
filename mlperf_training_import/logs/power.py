"""Measures the energy of a result: power logs in, joules out.

A run has one log per node (``node_*.txt``) and, where switches connect the nodes, logs of these (``sw_*.txt``). They have
the form of the run logs, with the keys ``power_measurement_start``, ``power_measurement_stop``, ``power_reading`` (W),
``conversion_eff`` and, for switches without a meter, ``interconnect_power_est`` (W)::

    joules of a node   = conversion_eff * sum(reading * ms since the reading before) * run_ms / window_ms / 1000
    joules of a switch = conversion_eff * interconnect_power_est * run_ms / 1000

The window of a meter is rarely that of the run: ``run_ms / window_ms`` takes the mean power of the window over the run.
A switch with a meter is integrated like a node but added up apart. The tool behind the published figures adds nothing for
it, so only a figure that leaves it out can be compared with those.

Source: ``_compute_power_node`` and ``_compute_power_sw`` of ``mlperf_logging.result_summarizer``, whose figures are the
published ones. Other than there, a stop that is not later than the start is no stop.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import msgspec

from ..values import LARGEST_LOG_MB, finite_number
from .line import MalformedLine, parse_line
from .log import LONGEST_CHECKED_BYTES, Unread, iter_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..tables.rules import Dialect

_START, _STOP, _READING = "power_measurement_start", "power_measurement_stop", "power_reading"
_FACTOR, _ESTIMATE = "conversion_eff", "interconnect_power_est"

#: Between two readings that are further apart, nobody knows what the power was. Published meters read within 24 s.
LONGEST_GAP_MS = 30_000
#: Shares of the input power that a power supply hands on. Published are 0.94, 0.96, and 1 for none.
_LIKELY_FACTORS = (0.5, 1.0)


class _PlainLine(msgspec.Struct, gc=False):
    """A line with a whole number as time and nothing or a number as value, as meters write them."""

    time_ms: Annotated[int, msgspec.Meta(ge=0, le=10**18)]
    key: str
    value: int | float | None
    metadata: Unread


_decode_plain = msgspec.json.Decoder(_PlainLine).decode
_KEYS = frozenset((_START, _STOP, _READING, _FACTOR, _ESTIMATE))


class UnknownEnergy(ValueError):
    """A power log from which no energy follows; the message says why."""


@dataclass(frozen=True, slots=True)
class PowerLog:
    """What a power log says, by time (equal times in the order of the file): ``(time_ms, key, number)``.

    The number is W for readings and estimates, a factor for ``conversion_eff``, None for start and stop.
    """

    events: tuple[tuple[float, str, float | None], ...]
    malformed_lines: int = 0

    @property
    def window_ms(self) -> tuple[float, float] | None:
        """Start and stop; None without a start. Without a stop later than the start, the last reading is the stop."""
        start = next(iter(self._times(_START)), None)
        if start is None:
            return None
        stop = next((time_ms for time_ms in self._times(_STOP) if time_ms > start), None)
        return start, max((start, *self._times(_READING))) if stop is None else stop

    @property
    def conversion_factor(self) -> float:
        """What W are multiplied by: the last ``conversion_eff``, 1 without one."""
        return (self.numbers(_FACTOR) or [1.0])[-1]

    def numbers(self, key: str) -> list[float]:
        """The numbers of a key, by time."""
        return [number for _, name, number in self.events if name == key and number is not None]

    def coverage(self, begin_ms: float, end_ms: float) -> float:
        """The share of a time span that lies between readings which are not more than :data:`LONGEST_GAP_MS` apart."""
        covered = 0.0
        for first, second in pairwise(self._window_readings()):
            if second - first <= LONGEST_GAP_MS:
                covered += max(0.0, min(second, end_ms) - max(first, begin_ms))
        return covered / (end_ms - begin_ms)

    def iter_doubts(self) -> Iterator[str]:
        """What no sound meter does, though a figure follows from it."""
        if any(second - first > LONGEST_GAP_MS for first, second in pairwise(self._window_readings())):
            yield f"logs in which more than {LONGEST_GAP_MS // 1000} s pass between two readings"
        if any(reading < 0 for reading in self.numbers(_READING)):
            yield "logs with readings below 0 W"
        low, high = _LIKELY_FACTORS
        if any(not low <= factor <= high for factor in self.numbers(_FACTOR)):
            yield f"logs with a conversion_eff outside {low} to {high}"

    def iter_oddities(self) -> Iterator[str]:
        """What makes the figure less certain."""
        if self.malformed_lines:
            yield "logs with malformed lines, which were left out"
        if len(set(self.numbers(_FACTOR))) > 1:
            yield "logs with several conversion_eff, of which the last was taken"
        starts, stops = self._times(_START), self._times(_STOP)
        if len(starts) > 1:
            yield "logs with several power_measurement_start, of which the first was taken"
        if starts and not any(stop > starts[0] for stop in stops):
            what = "with a power_measurement_stop not later than the start" if stops else "without power_measurement_stop"
            yield f"logs {what}, of which all readings were taken"

    def _window_readings(self) -> list[float]:
        """When the readings that are integrated were taken."""
        start, stop = self.window_ms or (math.inf, math.inf)
        return [time_ms for time_ms in self._times(_READING) if start <= time_ms <= stop]

    def _times(self, key: str) -> list[float]:
        return [time_ms for time_ms, name, _ in self.events if name == key]


def read_power_log(path: Path, dialect: Dialect, largest_mb: int = LARGEST_LOG_MB) -> PowerLog:
    """Reads a power log; lines that are not of its form are counted and left out.

    Raises:
        OSError: the file cannot be read.
        UnknownEnergy: it is larger than ``largest_mb``.
    """
    left = largest_mb << 20
    events: list[tuple[float, str, float | None]] = []
    malformed_lines = 0
    find_lines = re.compile(re.escape(dialect.token) + rb"(.*)\n").findall
    with path.open("rb", buffering=0) as stream:
        for block in iter_blocks(stream):
            left -= len(block)
            if left < -1:  # the newline that a block may have and the file not
                raise UnknownEnergy(f"logs larger than {largest_mb} MB (--max_log_mb)")
            for line in find_lines(block):
                try:
                    time_ms, key, value = _event_of(line, dialect)
                except MalformedLine:
                    malformed_lines += 1
                    continue
                if key in (_START, _STOP):
                    events.append((time_ms, key, None))
                elif key in _KEYS:
                    if (number := finite_number(value)) is None:
                        malformed_lines += 1
                    else:
                        events.append((time_ms, key, float(number)))
    return PowerLog(tuple(sorted(events, key=itemgetter(0))), malformed_lines)


def _event_of(line: bytes, dialect: Dialect) -> tuple[float, str, object]:
    """Time, key and value of what follows the first token of a line.

    The plain ones, nearly all, are read without the full parser, which gives the same.
    """
    if dialect.json == "line" and len(line) <= LONGEST_CHECKED_BYTES:
        try:
            plain = _decode_plain(line.rpartition(dialect.token)[2])
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        else:
            return float(plain.time_ms), plain.key, plain.value
    time_ms, key, value, _ = parse_line(line, dialect, _KEYS)
    return time_ms, key, value


def integrate(log: PowerLog, run_ms: float) -> float:
    """Joules of what a meter measured in its window, taken over a run of ``run_ms``.

    Raises:
        UnknownEnergy: no start, no reading in the window, or a window without a duration.
    """
    if log.window_ms is None:
        raise UnknownEnergy("logs without power_measurement_start")
    start, stop = log.window_ms
    watt_ms = 0.0
    previous: float | None = None
    for time_ms, key, number in log.events:
        if key == _START and previous is None:
            previous = time_ms
        elif key == _STOP and time_ms > start:
            break
        elif key == _READING and previous is not None and number is not None:
            watt_ms += number * (time_ms - previous)
            previous = time_ms
    if previous == start:
        raise UnknownEnergy("logs without a power_reading after the start")
    return _finite(log.conversion_factor * watt_ms * run_ms / (stop - start) / 1000)


def estimate(log: PowerLog, run_ms: float) -> float:
    """Joules of a switch without a meter over a run of ``run_ms``; the first estimate counts.

    Raises:
        UnknownEnergy: the estimate is too large.
    """
    return _finite(log.conversion_factor * log.numbers(_ESTIMATE)[0] * run_ms / 1000)


def _finite(joules: float) -> float:
    if not math.isfinite(joules):
        raise UnknownEnergy("logs whose numbers are too large")
    return joules
