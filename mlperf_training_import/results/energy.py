"""Measures the energy of a result: a judged result in, joules out.

The energy is averaged over the runs that the score keeps, and never affects the score.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from ..logs.power import WITHOUT_STOP, UnknownEnergy, estimate, integrate
from ..model import Doubt, Energy, Judged, LogFile, PowerLog, Run, RunLog, Submission
from ..values import add_up, all_known
from .score import duration_ms, fastest_first, known_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

#: Readings that cover less of a run than this leave too much of it to guesses.
_LEAST_COVERAGE = 0.95
#: Where nothing ends a measurement, and less than this of its readings lies in the run, others shift the energy.
_LEAST_SHARE_WITHIN = 0.99
#: Mean power of a system per accelerator, with its share of processors, fans and switches, in W.
_LIKELY_WATTS = (50, 3000)


def measure(judged: Judged, power_logs: Mapping[str, PowerLog]) -> Energy:
    """The energy of a submission that has a score and a ``power`` folder, and what is wrong with its power logs.

    Args:
        judged: with its runs and score, which is never affected; the energy is averaged over the runs that it keeps.
        power_logs: what those of all runs that count say, by path.

    Returns:
        Joules, each None where a run that it needs is not known.
    """
    meter, factor = _Meter(judged.submission, power_logs), judged.scaling_factor
    energies = {run.log.path: meter.measure_run(run) for run in judged.runs if run.minutes is not None}
    kept = [energies[run.log.path] for run in judged.score.kept]
    runs = all_known(energies[run.log.path][0] for run in fastest_first(judged.runs))
    coverages = all_known(meter.coverages.get(run.log.path) for run in judged.score.kept)
    nodes = [node for run in judged.score.kept for node in meter.nodes[run.log.path]]
    whole, within = add_up(joules for joules, _ in nodes), add_up(joules for _, joules in nodes)
    return Energy(
        joules=_scaled_mean([joules for joules, _ in kept], factor),
        with_switches_joules=_scaled_mean([joules for _, joules in kept], factor),
        runs_joules=None if runs is None else tuple(runs),
        coverage=None if coverages is None else min(coverages),
        doubts=tuple(meter.iter_doubts(within / whole if 0 < whole != within else None)),
        is_unread=any(log.trouble is not None for log in power_logs.values()),
    )


class _Meter:
    """Measures the runs of one submission and collects what is odd: a thousand logs may have the same fault."""

    def __init__(self, submission: Submission, power_logs: Mapping[str, PowerLog]) -> None:
        self._submission = submission
        self._power = submission.power or {}
        self._power_logs = power_logs
        self._odd: dict[tuple[str, str], list[str]] = defaultdict(list)
        #: The least share of a run that the readings of one of its nodes cover, by the path of its log.
        self.coverages: dict[str, float] = {}
        #: Joules of the nodes of a run, and by the readings within it where others count too, by the path of its log.
        self.nodes: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def measure_run(self, run: Run) -> tuple[float | None, float | None]:
        """Joules of a run without and with its metered switches, each None where not known."""
        folder = run.log.name.removesuffix(".txt")
        files = self._power.get(folder)
        if files is None:
            self._note("no-power-folder", "runs without a folder of their own", folder)
            return None, None
        nodes = sum(_is_node(file) for file in files)
        if not nodes:
            self._note("unknown-energy", "runs without node_*.txt", folder)
            return None, None
        expected = self._submission.system_record.nodes
        if expected is not None and nodes != expected:
            self._note("power-log", f"runs whose node_*.txt are not {expected}, the number of nodes", folder)
        return self._measure_files(folder, files, run)

    def _measure_files(self, folder: str, files: Sequence[LogFile], run: Run) -> tuple[float | None, float | None]:
        joules: list[float | None] = []
        metered: list[float | None] = []
        for file in files:
            place = f"{folder}/{file.name}"
            log = self._read(place, file, run.log)
            if log is None:
                joules.append(None)
            elif _is_node(file):
                joules.append(self._node(place, log, run.log))
            elif log.estimated_watts is not None:
                joules.append(self._compute(estimate, place, log, run.log))
            else:
                if log.has_readings:
                    self._note("power-log", "switches with a meter, which only energy_with_switches_joules counts", place)
                metered.append(self._integrate(place, log, run.log))
        total = _total(joules)
        if total is not None and total <= 0:
            self._note("unknown-energy", "runs whose readings add up to 0 J or less", folder)
            return None, None
        if total is not None:
            self._check_power(folder, total, run)
        return total, _total([total, *metered])

    def iter_doubts(self, larger: float | None) -> Iterator[Doubt]:
        """What was odd: a doubt for each kind, with the number of places and the first of them.

        Args:
            larger: how many times as much energy the nodes take by the readings within the runs, where others count too.
        """
        stems = {log.name.removesuffix(".txt") for log in self._submission.logs}
        for folder in self._power:
            if folder not in stems:
                self._note("no-power-folder", "folders named after no log", folder)
        where = f"{self._submission.folder}/power"
        texts = [(code, f"{what}: {len(places)}, first {places[0]}") for (code, what), places in self._odd.items()]
        yield from (Doubt(code, where, text) for code, text in texts if code != "power-quality")
        if quality := "; ".join(text for code, text in texts if code == "power-quality"):
            within = f"; by the readings within its runs the nodes take {larger:.3f} times as much energy" if larger else ""
            yield Doubt("power-quality", where, quality + within)

    def _node(self, place: str, log: PowerLog, run: RunLog) -> float | None:
        for doubt in log.doubts:
            self._note("power-quality", doubt, place)
        joules = self._integrate(place, log, run)
        if joules is not None and (span := run.span_ms) is not None:
            within = joules
            if log.run_watts is not None and _is_beyond(log, run):
                within = log.conversion_factor * log.run_watts * duration_ms(run) / 1000
            self.nodes[run.path].append((joules, within))
            coverage = log.coverage(*span)
            self.coverages[run.path] = min(coverage, self.coverages.get(run.path, coverage))
            if coverage < _LEAST_COVERAGE:
                self._note("power-quality", f"logs whose readings cover less than {_LEAST_COVERAGE:.0%} of the run", place)
        return joules

    def _check_power(self, folder: str, joules: float, run: Run) -> None:
        """Notes a mean power that no system has: readings in kW or mW, or of one node for all."""
        accelerators = self._submission.system_record.accelerators_count
        if not accelerators:
            return
        low, high = _LIKELY_WATTS
        watts = joules / (duration_ms(run.log) / 1000) / accelerators
        if not low <= watts <= high:
            self._note("power-quality", f"runs with a mean power per accelerator outside {low} to {high} W", folder)

    def _read(self, place: str, file: LogFile, run: RunLog) -> PowerLog | None:
        log = self._power_logs[file.path]
        if log.trouble is not None:
            self._note("unknown-energy", log.trouble, place)
            return None
        for oddity in log.oddities:
            if oddity in WITHOUT_STOP and _is_beyond(log, run):
                self._note("power-quality", f"{oddity}, also those outside of the run", place)
            else:
                self._note("power-log", oddity, place)
        return log

    def _integrate(self, place: str, log: PowerLog, run: RunLog) -> float | None:
        joules = self._compute(integrate, place, log, run)
        if joules is not None and log.window_ms and (span := run.span_ms) is not None:
            (begin, end), (start, stop) = span, log.window_ms
            if stop < begin or start > end:
                self._note("power-log", "logs whose window does not touch the run's", place)
        return joules

    def _compute(self, rule: Callable[[PowerLog, float], float], place: str, log: PowerLog, run: RunLog) -> float | None:
        try:
            return rule(log, duration_ms(run))
        except UnknownEnergy as error:
            self._note("unknown-energy", str(error), place)
            return None

    def _note(self, code: str, what: str, place: str) -> None:
        self._odd[code, what].append(place)


def _is_beyond(log: PowerLog, run: RunLog) -> bool:
    """Whether readings from outside of a run count for it because nothing ends its measurement."""
    is_open = not WITHOUT_STOP.isdisjoint(log.oddities)
    return is_open and run.span_ms is not None and log.share_within(*run.span_ms) < _LEAST_SHARE_WITHIN


def _is_node(file: LogFile) -> bool:
    """Whether a power log is of a node; else it is of a switch."""
    return file.name.startswith("node_")


def _scaled_mean(joules: Sequence[float | None], factor: float | None) -> float | None:
    """The mean, times the scaling factor as the minutes are; None where one of the runs is not known."""
    average = known_mean(joules)
    return None if average is None else _finite(average * (factor or 1))


def _total(joules: Iterable[float | None]) -> float | None:
    """The sum; None where a part is not known, or the sum is no finite number."""
    known = all_known(joules)
    return None if known is None else _finite(add_up(known))


def _finite(joules: float) -> float | None:
    return joules if math.isfinite(joules) else None
