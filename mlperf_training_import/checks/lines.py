"""Keeps the lines of a log that the rules look at: a log in, lines with their numbers out, and what cannot be read."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.line import value_of
from ..logs.log import LONGEST_CHECKED_BYTES, iter_blocks
from ..regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

_TOKEN = b":::MLLOG "
#: A token that lacks its blank, which no checker sees.
_NO_BLANK = re.compile(rb":::MLLOG[^ \w]")
#: The checkers of reference points look for these texts anywhere in a line.
_NEEDED_FOR_REFERENCES = re.compile(rb"global_batch_size|submission_benchmark|eval_error|eval_accuracy|run_stop")


class LoggedLine:
    """A line: which of the lines with a token it is (from 0 on), time in milliseconds, key, value and metadata.

    Value and metadata are parsed when somebody asks for them. They are not to be changed.
    """

    __slots__ = ("_metadata", "_value", "key", "ordinal", "time")

    def __init__(self, ordinal: int, time: float, key: str, value: Any, metadata: Any) -> None:
        self.ordinal = ordinal
        self.time = time
        self.key = key
        self._value = value
        self._metadata = metadata

    @property
    def value(self) -> Any:
        """What the line says."""
        if type(self._value) is msgspec.Raw:
            self._value = value_of(bytes(self._value))
        return self._value

    @property
    def metadata(self) -> Any:
        """What it says about that; mostly an object."""
        if type(self._metadata) is msgspec.Raw:
            self._metadata = value_of(bytes(self._metadata))
        return self._metadata


@dataclass(slots=True)
class LoggedLines:
    """The wanted lines of a log, and what is wrong with others, by the ordinal of a line.

    ``unreadable`` lines make the log fail; at ``stops`` the checkers end with a traceback. ``spoils_references`` says that
    one of them would stop the checker of reference points too. ``without_blank`` is the number of the first line
    of the file whose token has no blank behind it. ``trouble`` says why the file could not be read.
    """

    lines: list[LoggedLine] = field(default_factory=list)
    count: int = 0
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    stops: tuple[int, str] | None = None
    spoils_references: bool = False
    without_blank: int | None = None
    trouble: str | None = None


class _Record(msgspec.Struct, gc=False):
    """A line that is JSON as a whole, as nearly all are."""

    time_ms: int
    key: str
    value: msgspec.Raw
    metadata: msgspec.Raw


_decode = msgspec.json.Decoder(_Record).decode
_find_lines = re.compile(re.escape(_TOKEN) + rb"(.*)\n").findall


def read_lines(path: Path, wanted: Container[str], largest_mb: int) -> LoggedLines:
    """The lines of a log that are wanted, in their order."""
    found = LoggedLines()
    taker = _Taker(found, wanted)
    numbered = 0
    try:
        with open_regular(path) as stream:
            for block in iter_blocks(stream):
                if stream.tell() > largest_mb << 20:
                    found.trouble = f"larger than {largest_mb} MB (--max_log_mb)"
                    break
                taker.take(block)
                if found.without_blank is None and (match := _NO_BLANK.search(block)):
                    found.without_blank = numbered + block.count(b"\n", 0, match.start()) + 1
                numbered += block.count(b"\n")
    except OSError as error:
        found.trouble = error.strerror or type(error).__name__
    return found


def line_numbers(path: Path, ordinals: Container[int]) -> dict[int, int]:
    """The numbers in the file, from 1 on, of lines by their ordinals.

    Reads the log again: counting all lines costs more than to do this for the few logs that need it.
    """
    numbers: dict[int, int] = {}
    ordinal = number = 0
    try:
        with open_regular(path) as stream:
            for block in iter_blocks(stream):
                for line in block.split(b"\n")[:-1]:
                    number += 1
                    if _TOKEN not in line:
                        continue
                    for _ in _parts(line):
                        if ordinal in ordinals:
                            numbers[ordinal] = number
                        ordinal += 1
    except OSError:
        return numbers
    return numbers


def _parts(line: bytes) -> list[bytes]:
    """What follows the last token of each part of a line that a carriage return ends, as the checkers divide it."""
    return [part.rpartition(_TOKEN)[2] for part in line.split(b"\r") if _TOKEN in part]


class _Taker:
    """Takes blocks of whole lines, and keeps of them what is wanted."""

    def __init__(self, found: LoggedLines, wanted: Container[str]) -> None:
        self._found = found
        self._wanted = wanted

    def take(self, block: bytes) -> None:
        if _TOKEN not in block:
            return
        found, wanted = self._found, self._wanted
        for rest in _find_lines(block):
            is_whole = _TOKEN not in rest and b"\r" not in rest[:-1]
            for part in (rest,) if is_whole else _parts(_TOKEN + rest):
                ordinal = found.count
                found.count += 1
                if len(part) <= LONGEST_CHECKED_BYTES:
                    try:
                        record = _decode(part)
                    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                        self._parse(part, ordinal)
                        continue
                    if record.key in wanted:
                        found.lines.append(
                            LoggedLine(ordinal, float(record.time_ms), record.key, record.value, record.metadata)
                        )
                else:
                    self._parse(part, ordinal)

    def _parse(self, part: bytes, ordinal: int) -> None:
        """Takes a line that is longer, or no JSON as msgspec reads it: Python's JSON has NaN and Infinity."""
        found = self._found
        text = part.decode("latin-1").strip()
        try:
            record = json.loads(text)
            if record is None:
                raise ValueError("nothing but null")
        except RecursionError:
            self._stop(part, ordinal, "nested too deeply")
            return
        except ValueError as error:
            found.unreadable.append((ordinal, f"not JSON ({getattr(error, 'msg', error)})"))
            found.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))
            return
        if not isinstance(record, dict):
            self._stop(part, ordinal, "not a JSON object")
            return
        if missing := [name for name in ("time_ms", "key", "value", "metadata") if name not in record]:
            self._stop(part, ordinal, f"{', '.join(missing)} missing")
            return
        try:
            time_ms = float(record["time_ms"])
        except ValueError:
            found.unreadable.append((ordinal, "time_ms is not a number"))
            return
        except (TypeError, OverflowError):
            self._stop(part, ordinal, "time_ms is not a number")
            return
        key = record["key"]
        if isinstance(key, str) and key in self._wanted:
            found.lines.append(LoggedLine(ordinal, time_ms, key, record["value"], record["metadata"]))

    def _stop(self, part: bytes, ordinal: int, why: str) -> None:
        if self._found.stops is None:
            self._found.stops = (ordinal, why)
        self._found.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))


def is_number(value: object) -> bool:
    """Whether a value is a number that can be computed with; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
