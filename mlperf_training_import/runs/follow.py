"""Follows a log that is still being written: a file in, a line for people whenever it says something new."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..logs.evaluation import EVALUATION_KEYS
from ..logs.line import MalformedLine, evaluation_parts, parse_line
from ..regular import open_regular
from ..tables.rules import Dialect, dialects, public_rounds, rules_of
from ..values import finite_number, printable

if TYPE_CHECKING:
    from collections.abc import Callable

_WANTED = EVALUATION_KEYS | {"run_start", "run_stop", "submission_benchmark", "init_start"}
_LONGEST_LINE = 1 << 20
_MS_PER_MINUTE = 60 * 1000
_POLL_SECONDS = 0.5


def follow(file: str, round_: str | None, tell: Callable[[str], None], wait: Callable[[], None] | None = None) -> None:
    """Says what a log says, as it is added, until its run stops.

    Args:
        file: a plain text; what gzip or a container wrapped cannot be followed.
        round_: whose form of lines is expected; any where None.
        tell: takes the lines.
        wait: called where nothing was added; sleeps for a moment where None.

    Raises:
        BadInput: the file became shorter.
        OSError: it cannot be read.
    """
    watcher = _Watcher(rules_of(round_).dialect if round_ in public_rounds() and round_ is not None else None, tell)
    pause = wait or (lambda: time.sleep(_POLL_SECONDS))
    with open_regular(file) as stream:
        pending, place = b"", 0
        while True:
            data = stream.read(1 << 16)
            if not data:
                if stream.seek(0, 2) < place:
                    raise BadInput(f"{file}: became shorter while it was followed; start again")
                stream.seek(place)
                pause()
                continue
            place += len(data)
            *lines, pending = (pending + data).split(b"\n")
            pending = pending[-_LONGEST_LINE:]
            if any(watcher.take(line) for line in lines):
                return


class _Watcher:
    def __init__(self, dialect: Dialect | None, tell: Callable[[str], None]) -> None:
        self._dialects = [dialect] if dialect else list(dict.fromkeys(dialects().values()))
        self._tell = tell
        self._start_ms: float | None = None

    def take(self, line: bytes) -> bool:
        """Takes a line; whether the run has stopped with it."""
        dialect = next((dialect for dialect in self._dialects if dialect.token in line), None)
        if dialect is None:
            return False
        try:
            time_ms, key, value, metadata = parse_line(line, dialect, _WANTED)
        except MalformedLine as error:
            self._tell(f"malformed line ({error}): the run will not count")
            return False
        if key == "run_start":
            self._start_ms = time_ms
            self._tell("the run has started")
        elif key == "run_stop" and self._start_ms is not None:
            self._tell(f"{self._minutes(time_ms)} the run has stopped")
            return True
        elif key in EVALUATION_KEYS:
            figure, facts = evaluation_parts(value, metadata)
            number = finite_number(figure)
            names = ("samples_count", "epoch_num", "step_num")
            after = next(
                (f" after {facts[name]:g} {name}" for name in names if finite_number(facts.get(name)) is not None), ""
            )
            shown = f"{number:g}" if number is not None else "no number"
            self._tell(printable(f"{self._minutes(time_ms)} {key} {shown}{after}"))
        return False

    def _minutes(self, time_ms: float) -> str:
        return "" if self._start_ms is None else f"{(time_ms - self._start_ms) / _MS_PER_MINUTE:8.2f} min:"
