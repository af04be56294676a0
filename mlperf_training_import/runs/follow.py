"""Follows a log that is still being written: a file in, a line for people or programs out for each thing that is new."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from ..logs.evaluation import EVALUATION_KEYS
from ..logs.line import Allowance, Spent, evaluation_parts
from ..logs.log import LONGEST_LINE_BYTES
from ..regular import open_regular
from ..tables.rules import benchmark_of
from ..values import MS_PER_MINUTE, clean_text, finite_number, one_line
from .records import Record, iter_records
from .texts import BLOCK_BYTES, why_not_plain
from .whose import benchmark_named, round_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from ..values import Tell

_POLL_SECONDS = 0.5
#: Names of what the logs count, the first that is there is shown.
_PROGRESS = ("samples_count", "epoch_num", "step_num")


def _pause() -> None:
    time.sleep(_POLL_SECONDS)


def follow(
    file: str,
    round_: str | None,
    tell: Tell,
    wait: Callable[[], None] = _pause,
    *,
    as_json: bool = False,
) -> None:
    """Reports what is new in a growing log until its last run has stopped.

    Args:
        file: a plain text, which need not exist yet.
        round_: whose targets are shown; those of the newest that has the benchmark where None.
        tell: takes the lines.
        wait: called where nothing was added.
        as_json: whether the lines are JSON objects, with the fields of ``docs/score.md``.

    Raises:
        BadInput: the file became shorter, or cannot be followed.
        OSError: it cannot be read.
    """

    def say(event: str, text: str, **facts: object) -> None:
        tell(json.dumps({"event": event, **facts}) if as_json else one_line(text))

    watcher = _Watcher(round_, say)
    with _opened(file, say, wait) as stream:
        pending, place = b"", 0
        while True:
            data = stream.read(BLOCK_BYTES)
            if not data:
                if stream.seek(0, 2) < place:
                    raise BadInput(f"{file}: got shorter while it was followed; start again")
                if watcher.has_stopped or watcher.stops_with(pending):
                    return
                stream.seek(place)
                wait()
                continue
            if not place and (why := why_not_plain(data)):
                raise BadInput(f"{file}: {why}; it cannot be followed")
            place += len(data)
            *lines, pending = (pending + data).split(b"\n")
            pending = pending[-LONGEST_LINE_BYTES:]
            for line in lines:
                watcher.take(line)


def _opened(file: str, say: Callable[..., None], wait: Callable[[], None]) -> FileIO:
    """The file, as soon as it is there."""
    if not Path(file).exists():
        say("waiting", f"waiting for {file}", file=file)
    while True:
        with contextlib.suppress(FileNotFoundError):
            return open_regular(file)
        wait()


class _Watcher:
    """Reports what is new in a log; what every rank writes is reported once."""

    def __init__(self, round_: str | None, say: Callable[..., None]) -> None:
        self._round = round_
        self._say = say
        self._allowance = Allowance()
        self._benchmark: str | None = None
        self._start_ms: float | None = None
        self._latest: tuple[Any, ...] = ()
        self.has_stopped = False

    def take(self, line: bytes) -> None:
        """Takes a line."""
        for record in self._records(line):
            self._take(record)

    def stops_with(self, line: bytes) -> bool:
        """Whether a line without an end, if it is one, is the whole last one of a run; takes it then."""
        if any(record.key == "run_stop" for record in self._records(line)):
            self.take(line)
        return self.has_stopped

    def _records(self, line: bytes) -> list[Record]:
        try:
            return list(iter_records(line, self._allowance))
        except Spent as error:
            raise BadInput(str(error)) from None

    def _take(self, record: Record) -> None:
        key = record.key
        if not key:
            self._say("malformed", f"malformed line ({record.why}): the run will not count", why=record.why)
        elif record.benchmark or key == "submission_benchmark":
            self._take_benchmark(record.benchmark or clean_text(record.value), record)
        if key == "run_start" and (self._start_ms is None or self.has_stopped):
            self._start_ms, self.has_stopped = record.time_ms, False
            self._say("run_start", "the run has started", time_ms=record.time_ms)
        elif key == "run_stop" and not self.has_stopped:
            self.has_stopped = True
            status = evaluation_parts(record.value, record.metadata)[1].get("status")
            self._say_at(record, "run_stop", "the run has stopped", status=status if isinstance(status, str) else None)
        elif key in EVALUATION_KEYS:
            self._take_evaluation(record)

    def _take_benchmark(self, name: str | None, record: Record) -> None:
        if name is None or name == self._benchmark:
            return
        self._benchmark = name
        key = benchmark_named(name)
        version = round_for(key, record.dialect, self._round) if key else None
        for target in benchmark_of(key, version).targets if key and version else ():
            self._say(
                "target",
                f"{key} by the rules of {version}: the target is {target.metric} of {target.asked}",
                benchmark=key,
                round=version,
                metric=target.metric,
                target=target.logged,
                lower_is_better=target.lower_is_better,
            )

    def _take_evaluation(self, record: Record) -> None:
        figure, metadata = evaluation_parts(record.value, record.metadata)
        number = finite_number(figure)
        progress = {name: finite_number(metadata.get(name)) for name in _PROGRESS}
        latest = (record.key, number, *progress.values())
        if latest == self._latest:
            return
        self._latest = latest
        after = next((f" after {count:g} {name}" for name, count in progress.items() if count is not None), "")
        shown = "no number" if number is None else f"{number:g}"
        facts = {"key": record.key, "value": number, **progress}
        self._say_at(record, "evaluation", f"{record.key} {shown}{after}", **facts)

    def _say_at(self, record: Record, event: str, text: str, **facts: object) -> None:
        """Says what a record says, with the minutes since the start of the run, where one was seen."""
        minutes = None if self._start_ms is None else (record.time_ms - self._start_ms) / MS_PER_MINUTE
        self._say(event, text if minutes is None else f"{minutes:8.2f} min: {text}", minutes=minutes, **facts)
