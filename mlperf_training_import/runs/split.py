"""Splits texts into runs: a file with log lines in, one plain log per run out."""

from __future__ import annotations

import contextlib
import json
import shutil
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ..logs.evaluation import EVALUATION_KEYS
from ..logs.line import Allowance, Spent, evaluation_parts
from ..logs.log import PAUSE_MS
from ..tables.descriptions import SYSTEM_TOKEN
from .records import FACTS, Record, iter_records, object_in, out_of_strings
from .texts import TOKEN_START, is_submitted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..tables.rules import Dialect

#: Lines of these keys after the end of a run belong to the next one, if there is one.
_BEGINNINGS = ("submission_", "cache_clear", "init_start", "run_start")
#: Keys that only logs of other suites have, by how they begin.
_OTHER_SUITES = {
    "loadgen_": "a log of MLPerf Inference (LoadGen), no run of MLPerf Training",
    "power_": "a power log, no run",
}
_LARGEST_SYSTEM = 1 << 20
#: Ranks of one run start and stop within this time of each other.
ONE_RUN_MS = 1000
#: Of so many evaluations a check sum is kept, by which copies of a run are known.
_LONGEST_HISTORY = 4 * 10_000


@dataclass(slots=True)
class Piece:
    """One run of a file: its log as plain text, and what only the lines around it say.

    ``log`` is the file with its token lines, ``line`` the number of its first line in ``source``. ``first_start_ms`` and
    ``run_start_ms`` are the first and the last start before the first stop, ``last_ms`` is the time of the last line; all in
    milliseconds since the epoch. ``history`` has four bytes for each evaluation. ``malformed`` describes the first malformed
    line, with its number in ``source``.
    """

    source: str
    line: int
    log: Path
    dialect: Dialect
    lines: int = 0
    malformed_lines: int = 0
    malformed: str | None = None
    other_suite: str | None = None
    starts: int = 0
    stops: int = 0
    first_start_ms: float | None = None
    run_start_ms: float | None = None
    run_stop_ms: float | None = None
    last_ms: float | None = None
    seed: float | None = None
    learning_rate: float | None = None
    dataset_samples: float | None = None
    benchmark: str | None = None
    organisation: str | None = None
    platform: str | None = None
    system: dict[str, Any] = field(default_factory=dict)
    history: bytes = b""

    @property
    def place(self) -> str:
        """The file and the number of the first line, for people."""
        return f"{self.source}:{self.line}"

    @property
    def is_submitted(self) -> bool:
        """Whether it is of a log of a submission."""
        return is_submitted(self.source)

    @property
    def was_written_often(self) -> bool:
        """Whether its lines are there several times, as every rank or every logger writes them; never of a submission."""
        if self.starts < 2 or self.run_start_ms is None or self.first_start_ms is None or self.is_submitted:
            return False
        return self.run_start_ms - self.first_start_ms <= ONE_RUN_MS

    @property
    def why_no_run(self) -> str | None:
        """Why there is no run in these lines; None where there is one."""
        if self.starts or self.stops:
            return None
        if self.other_suite:
            return self.other_suite
        if self.malformed_lines:
            some = f"{self.malformed_lines} of {self.lines} log lines are malformed ({self.malformed})"
            return f"no run_start that can be read; {some}"
        return f"no run: neither run_start nor run_stop in its {self.lines} log lines"

    def take(self, record: Record, number: int) -> None:
        """Takes a record and the number of its line."""
        self.lines += 1
        if not record.key:
            self.malformed_lines += 1
            self.malformed = self.malformed or f"line {number}: {record.why}"
        if record.time_ms > 0:
            self.last_ms = max(record.time_ms, self.last_ms or 0)
        self.benchmark = self.benchmark or record.benchmark
        if record.key in ("run_start", "run_stop"):
            self._take_end(record.key, record.time_ms)
        elif record.key in EVALUATION_KEYS:
            self._take_evaluation(record)
        elif record.key in FACTS:
            self._take_fact(record.key, record.value)
        elif not self.other_suite:
            self.other_suite = next((what for begin, what in _OTHER_SUITES.items() if record.key.startswith(begin)), None)

    def _take_end(self, key: str, time_ms: float) -> None:
        """Takes the start or the stop of a run."""
        if key == "run_stop":
            self.stops += 1
            self.run_stop_ms = self.run_stop_ms if self.stops > 1 else time_ms
        else:
            self.starts += 1
            if not self.stops:
                self.first_start_ms = time_ms if self.first_start_ms is None else self.first_start_ms
                self.run_start_ms = time_ms

    def _take_fact(self, key: str, value: object) -> None:
        """Takes what a log says about itself; the first of several lines counts."""
        name, made_of = FACTS[key]
        is_so_far = key == "train_samples" and bool(self.history)  # no size of a data set
        if getattr(self, name) is None and not is_so_far:
            setattr(self, name, made_of(value))

    def goes_on_in(self, rest: Piece) -> bool:
        """Whether lines without a run of their own belong to this one, which they follow."""
        return rest.dialect == self.dialect and rest.benchmark in (None, self.benchmark)

    def extend(self, rest: Piece) -> None:
        """Takes the lines of another piece behind its own."""
        with rest.log.open("rb") as lines, self.log.open("ab") as log:
            shutil.copyfileobj(lines, log)
        rest.log.unlink()
        self.lines += rest.lines
        self.malformed_lines += rest.malformed_lines
        self.malformed = self.malformed or rest.malformed

    def _take_evaluation(self, record: Record) -> None:
        value, facts = evaluation_parts(record.value, record.metadata)
        progress = [facts.get(name) for name in ("samples_count", "epoch_num", "step_num", "epoch")]
        sum_ = zlib.crc32(repr((value, progress)).encode("utf-8", "replace")).to_bytes(4, "big")
        if not self.history.endswith(sum_) and len(self.history) < _LONGEST_HISTORY:  # every rank may say it
            self.history += sum_


def split_runs(source: str, lines: Iterable[tuple[int, bytes]], folder: Path, whole: Path | None) -> list[Piece]:
    """The runs in a file.

    A run begins where initialisation, or the description of a submission, begins after the end of the one before it; where
    initialisation begins ten minutes after one that never came to an end; and where lines of another round or benchmark
    begin. Lines of several ranks stay together.

    Args:
        source: what the file is called.
        lines: of the file, with their numbers.
        folder: gets the plain logs.
        whole: the log itself, if all of it counts as one run and needs no plain log; else None.

    Returns:
        The runs in their order, and what is none: see :attr:`Piece.why_no_run`. Empty for a file without a log line.

    Raises:
        OSError: the file cannot be read.
    """
    splitter = _Splitter(source, folder, whole)
    with contextlib.closing(splitter):
        allowance = Allowance()
        try:
            for number, line in lines:
                if TOKEN_START in line:
                    for record in iter_records(line, allowance):
                        splitter.take(record, number)
                elif SYSTEM_TOKEN in line and len(line) <= _LARGEST_SYSTEM:
                    splitter.take_system(line.rpartition(SYSTEM_TOKEN)[2])
        except Spent as error:
            raise OSError(0, str(error)) from None
    return splitter.runs()


class _Splitter:
    def __init__(self, source: str, folder: Path, whole: Path | None) -> None:
        self._source, self._folder, self._whole = source, folder, whole
        self._pieces: list[Piece] = []
        self._stream: BinaryIO | None = None
        self._system: dict[str, Any] = {}

    def take(self, record: Record, number: int) -> None:
        if not self._pieces or (self._whole is None and self._begins(self._pieces[-1], record)):
            self.close()
            log = self._whole or self._folder / f"{len(self._pieces)}.txt"
            self._pieces.append(Piece(self._source, number, log, record.dialect, system=self._system))
            self._stream = None if self._whole else log.open("wb")
        if self._stream:
            self._stream.write(record.text + b"\n")
        self._pieces[-1].take(record, number)

    def take_system(self, text: bytes) -> None:
        """Takes a description: of the run that goes on, or of the next one."""
        with contextlib.suppress(ValueError, RecursionError):
            system = json.loads(object_in(out_of_strings(text)))
            if isinstance(system, dict):
                self._system = system
                if self._pieces and not self._pieces[-1].stops:
                    self._pieces[-1].system = system

    def close(self) -> None:
        if self._stream:
            self._stream.close()

    def runs(self) -> list[Piece]:
        runs: list[Piece] = []
        for piece in self._pieces:
            if piece.starts or not runs or not runs[-1].goes_on_in(piece):
                runs.append(piece)
            else:  # what follows the last run is part of it
                runs[-1].extend(piece)
        for piece in runs:
            piece.system = piece.system or self._system
        return runs

    @staticmethod
    def _begins(piece: Piece, record: Record) -> bool:
        """Whether a record is the first of another run."""
        if record.dialect != piece.dialect or (record.benchmark and record.benchmark != piece.benchmark):
            return True
        if piece.stops:
            return record.key.startswith(_BEGINNINGS)
        late = piece.last_ms is not None and record.time_ms - piece.last_ms > PAUSE_MS
        return record.key == "init_start" and piece.starts > 0 and late
