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
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import msgspec

from .mlline import MalformedLine, finite_number, parse_line
from .mllog import LARGEST_LOG_MB, LONGEST_CHECKED_BYTES, Unread, iter_blocks
from .model import Energy, LogFile, Round, Run, RunLog, Score, Submission
from .score import duration_ms, fastest_first, mean
from .tables import Dialect

#: Takes a finding's code, path and text.
Report = Callable[[str, str, str], None]

_START, _STOP, _READING = "power_measurement_start", "power_measurement_stop", "power_reading"
_FACTOR, _ESTIMATE = "conversion_eff", "interconnect_power_est"


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
        return [number for _, name, number in self.events if name == key]

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

    def _times(self, key: str) -> list[float]:
        return [time_ms for time_ms, name, _ in self.events if name == key]


def measure(
    round_: Round,
    submission: Submission,
    score: Score,
    dialect: Dialect,
    report: Report,
    largest_mb: int = LARGEST_LOG_MB,
) -> Energy:
    """The energy of a submission that has a score and a ``power`` folder.

    Args:
        round_: the round that it is in.
        submission: with ``power``.
        score: of the submission, which is never affected; the energy is averaged over the runs that it keeps.
        dialect: the form of the lines.
        report: takes what is wrong with the power logs.
        largest_mb: a larger log is not read.

    Returns:
        Joules, each None where a run that it needs is not known.
    """
    meter = _Meter(round_.path, submission, dialect, largest_mb)
    energies = {}
    for log, run in zip(submission.logs, score.runs, strict=True):
        if run.minutes is not None:
            energies[run.log.path] = meter.measure_run(log.name.removesuffix(".txt"), run)
    meter.tell(report)
    kept = [energies[run.log.path] for run in score.kept]
    runs = tuple(energies[run.log.path][0] for run in fastest_first(score.runs))
    return Energy(
        joules=_scaled_mean([joules for joules, _ in kept], score.scaling_factor),
        with_switches_joules=_scaled_mean([joules for _, joules in kept], score.scaling_factor),
        runs_joules=None if None in runs else runs,
    )


def read_power_log(path: Path, dialect: Dialect, largest_mb: int = LARGEST_LOG_MB) -> PowerLog:
    """Reads a power log; lines that are not of its form are counted and left out.

    Raises:
        OSError: the file cannot be read.
        UnknownEnergy: it is larger than ``largest_mb``.
    """
    left = largest_mb << 20
    events, malformed_lines = [], 0
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
    watt_ms, previous = 0.0, None
    for time_ms, key, number in log.events:
        if key == _START and previous is None:
            previous = time_ms
        elif key == _STOP and time_ms > start:
            break
        elif key == _READING and previous is not None:
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


class _Meter:
    """Measures the runs of one submission and collects what is odd: a thousand logs may have the same fault."""

    def __init__(self, root: Path, submission: Submission, dialect: Dialect, largest_mb: int) -> None:
        self._root = root
        self._largest_mb = largest_mb
        self._submission = submission
        self._dialect = dialect
        self._odd: dict[tuple[str, str], list[str]] = defaultdict(list)

    def measure_run(self, folder: str, run: Run) -> tuple[float | None, float | None]:
        """Joules of a run without and with its metered switches, each None where not known."""
        files = self._submission.power.get(folder)
        if files is None:
            self._note("no-power-folder", "runs without a folder of their own", folder)
            return None, None
        nodes = [file for file in files if file.name.startswith("node_")]
        if not nodes:
            self._note("unknown-energy", "runs without node_*.txt", folder)
            return None, None
        expected = self._submission.system_record.nodes
        if expected is not None and len(nodes) != expected:
            self._note("power-log", f"runs whose node_*.txt are not {expected}, the number of nodes", folder)
        joules = [self._node(folder, file, run.log) for file in nodes]
        metered = []
        for file in files:
            if file.name.startswith("sw_"):
                self._switch(folder, file, run.log, joules, metered)
        total = _total(joules)
        if total is not None and total <= 0:
            self._note("unknown-energy", "runs whose readings add up to 0 J or less", folder)
            return None, None
        return total, _total([total, *metered])

    def tell(self, report: Report) -> None:
        """Reports what was odd: one finding per kind, with the number of places and the first of them."""
        where = f"{self._submission.folder}/power"
        for (code, what), places in self._odd.items():
            report(code, where, f"{what}: {len(places)}, first {places[0]}")
        stems = {log.name.removesuffix(".txt") for log in self._submission.logs}
        if others := [folder for folder in self._submission.power if folder not in stems]:
            report("no-power-folder", where, f"folders named after no log: {len(others)}, first {others[0]}")

    def _node(self, folder: str, file: LogFile, run: RunLog) -> float | None:
        place = f"{folder}/{file.name}"
        log = self._read(place, file)
        return None if log is None else self._integrate(place, log, run)

    def _switch(self, folder: str, file: LogFile, run: RunLog, joules: list, metered: list) -> None:
        """Adds what a switch takes to one of the two lists."""
        place = f"{folder}/{file.name}"
        log = self._read(place, file)
        if log is None:
            joules.append(None)
        elif log.numbers(_ESTIMATE):
            joules.append(self._compute(estimate, place, log, run))
        else:
            if log.numbers(_READING):
                self._note("power-log", "switches with a meter, which only energy_with_switches_joules counts", place)
            metered.append(self._integrate(place, log, run))

    def _read(self, place: str, file: LogFile) -> PowerLog | None:
        try:
            log = read_power_log(self._root / file.path, self._dialect, self._largest_mb)
        except OSError as error:
            self._note("unknown-energy", f"logs that cannot be read ({error.strerror or 'no reason given'})", place)
            return None
        except UnknownEnergy as error:
            self._note("unknown-energy", str(error), place)
            return None
        for oddity in log.iter_oddities():
            self._note("power-log", oddity, place)
        return log

    def _integrate(self, place: str, log: PowerLog, run: RunLog) -> float | None:
        joules = self._compute(integrate, place, log, run)
        if joules is not None and run.elapsed_ms is None:
            start, stop = log.window_ms
            if stop < run.run_start_ms or start > run.run_stop_ms:
                self._note("power-log", "logs whose window does not touch the run's", place)
        return joules

    def _compute(self, rule: Callable, place: str, log: PowerLog, run: RunLog) -> float | None:
        try:
            return rule(log, duration_ms(run))
        except UnknownEnergy as error:
            self._note("unknown-energy", str(error), place)
            return None

    def _note(self, code: str, what: str, place: str) -> None:
        self._odd[code, what].append(place)


def _scaled_mean(joules: Sequence[float | None], factor: float | None) -> float | None:
    """The mean, times the scaling factor as the minutes are; None where one of the runs is not known."""
    if None in joules:
        return None
    total = mean(joules) * (1.0 if factor is None else factor)
    return total if math.isfinite(total) else None


def _finite(joules: float) -> float:
    if not math.isfinite(joules):
        raise UnknownEnergy("logs whose numbers are too large")
    return joules


def _total(joules: Iterable[float | None]) -> float | None:
    """The sum; None where a part is not known, or the sum is no finite number."""
    total = 0.0
    for value in joules:
        if value is None:
            return None
        total += value
    return total if math.isfinite(total) else None
