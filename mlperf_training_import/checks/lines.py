"""Keeps the lines of a log that rules look at, while the log is read, and what is wrong with others."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.line import value_and_metadata, value_of
from ..logs.log import iter_blocks
from ..regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

TOKEN = b":::MLLOG "
#: A token that lacks its blank, which no checker sees.
_NO_BLANK = re.compile(rb":::MLLOG[^ \w]")
#: The checkers of reference points look for these texts anywhere in a line.
_NEEDED_FOR_REFERENCES = re.compile(rb"global_batch_size|submission_benchmark|eval_error|eval_accuracy|run_stop")


class LoggedLine:
    """A line: which of the lines with a token it is (from 0 on), time in milliseconds, key, value and metadata.

    Value and metadata are parsed when somebody asks for them. They are not to be changed.
    """

    __slots__ = ("_line", "_metadata", "_value", "key", "ordinal", "time")

    def __init__(self, ordinal: int, time: float, key: str, value: Any, metadata: Any = None, line: bytes = b"") -> None:
        self.ordinal = ordinal
        self.time = time
        self.key = key
        self._value = value
        self._metadata = metadata
        self._line = line

    @property
    def value(self) -> Any:
        """What the line says."""
        if type(self._value) is msgspec.Raw:
            self._value = value_of(bytes(self._value))
        return self._value

    @property
    def metadata(self) -> Any:
        """What it says about that; mostly an object."""
        if self._line:
            self._metadata = _metadata_of(self._line)
            self._line = b""
        return self._metadata


class _Metadata(msgspec.Struct, gc=False):
    """The metadata of a well-formed line."""

    metadata: Any


_decode = msgspec.json.Decoder(_Metadata).decode


def _metadata_of(line: bytes) -> Any:
    """The metadata of a line. Python's parser takes what is left: numbers out of range, halves of surrogates, Latin-1."""
    try:
        return _decode(line).metadata
    except (msgspec.DecodeError, UnicodeDecodeError):
        return value_and_metadata(line)[1]


@dataclass(slots=True)
class LineList:
    """The wanted lines of a log, and what is wrong with others, by the ordinal of a line.

    ``unreadable`` lines make the log fail; at ``stops`` the checkers end with a traceback. ``spoils_references`` says that
    one of them would stop the checker of reference points too. ``trouble`` says why the file could not be read.
    """

    wanted: Container[str]
    lines: list[LoggedLine] = field(default_factory=list)
    count: int = 0
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    stops: tuple[int, str] | None = None
    spoils_references: bool = False
    trouble: str | None = None

    def take_known(self, line: bytes, time_ms: int, key: str, value: msgspec.Raw) -> None:
        """Takes a well-formed line; see :class:`~..logs.log.LineKeeper`."""
        if key in self.wanted:
            self.lines.append(LoggedLine(self.count, float(time_ms), key, value, line=line))
        self.count += 1

    def take_other(self, line: bytes) -> None:
        """Takes a line that may be anything. The checkers end a line at a carriage return too, and read its last token."""
        for part in (TOKEN + line).split(b"\r"):
            if TOKEN in part:
                self._parse(part.rpartition(TOKEN)[2])
        self.count += 1

    def _parse(self, part: bytes) -> None:
        try:
            record = json.loads(part.decode("latin-1").strip())
            if record is None:
                raise ValueError("nothing but null")
        except RecursionError:
            self._stop(part, "nested too deeply")
            return
        except ValueError as error:
            self.unreadable.append((self.count, f"not JSON ({getattr(error, 'msg', error)})"))
            self.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))
            return
        names = ("time_ms", "key", "value", "metadata")
        if not isinstance(record, dict):
            self._stop(part, "not a JSON object")
        elif missing := [name for name in names if name not in record]:
            self._stop(part, f"{', '.join(missing)} missing")
        else:
            self._take_record(part, *(record[name] for name in names))

    def _take_record(self, part: bytes, time: Any, key: Any, value: Any, metadata: Any) -> None:
        try:
            time_ms = float(time)
        except ValueError:
            self.unreadable.append((self.count, "time_ms is not a number"))
        except (TypeError, OverflowError):
            self._stop(part, "time_ms is not a number")
        else:
            if isinstance(key, str) and key in self.wanted:
                self.lines.append(LoggedLine(self.count, time_ms, key, value, metadata))

    def _stop(self, part: bytes, why: str) -> None:
        self.stops = self.stops or (self.count, why)
        self.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))


def line_numbers(path: Path, ordinals: Container[int]) -> tuple[dict[int, int], int | None]:
    """The numbers in the file, from 1 on, of lines by their ordinals, and of the first token that lacks its blank.

    Reads the log again: counting all lines costs more than to do this for the few logs that need it.
    """
    numbers: dict[int, int] = {}
    without_blank = None
    ordinal = 0
    try:
        with open_regular(path) as stream:
            lines = (line for block in iter_blocks(stream) for line in block.split(b"\n")[:-1])
            for number, line in enumerate(lines, 1):
                if TOKEN in line:
                    if ordinal in ordinals:
                        numbers[ordinal] = number
                    ordinal += 1
                elif without_blank is None and _NO_BLANK.search(line):
                    without_blank = number
    except OSError:
        return numbers, without_blank
    return numbers, without_blank


def is_number(value: object) -> bool:
    """Whether a value is a number that can be computed with; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
