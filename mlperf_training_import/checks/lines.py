"""Keeps the lines of a log that rules look at, while the log is read, and what is wrong with others."""

from __future__ import annotations

import json
import math
import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.line import value_and_metadata, value_of
from ..logs.log import iter_blocks
from ..regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

TOKEN = b":::MLLOG "
#: A token that lacks its blank, which no checker sees.
_NO_BLANK = re.compile(rb":::MLLOG[^ \w]")
#: The checkers of reference points look for these texts anywhere in a line.
_NEEDED_FOR_REFERENCES = re.compile(rb"global_batch_size|submission_benchmark|eval_error|eval_accuracy|run_stop")


class LoggedLine:
    """A line: which of the lines with a token it is (from 0 on), time in milliseconds, key, value and metadata.

    Value and metadata are parsed when somebody asks for them first. They are not to be changed.
    """

    __slots__ = ("_line", "_raw", "key", "metadata", "ordinal", "time", "value")

    key: str
    metadata: Any
    ordinal: int
    time: float
    value: Any
    _line: bytes
    _raw: msgspec.Raw

    def __init__(self, ordinal: int, time: float, key: str) -> None:
        self.ordinal = ordinal
        self.time = time
        self.key = key

    @classmethod
    def of(cls, ordinal: int, time: float, key: str, value: Any, metadata: Any) -> LoggedLine:
        """A line that is parsed already."""
        line = cls(ordinal, time, key)
        line.value, line.metadata = value, metadata
        return line

    @classmethod
    def unparsed(cls, ordinal: int, time: float, key: str, value: msgspec.Raw, text: bytes) -> LoggedLine:
        """A well-formed line, given what follows its token, and its value."""
        line = cls(ordinal, time, key)
        line._raw, line._line = value, text
        return line

    def __getattr__(self, name: str) -> Any:
        """Parses what is asked for first; afterwards it is there, and Python does not come here."""
        if name == "value":
            self.value = value_of(bytes(self._raw))
            return self.value
        if name == "metadata":
            self.metadata = _metadata_of(self._line)
            return self.metadata
        raise AttributeError(name)


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


_ordinal_of = operator.attrgetter("ordinal")


@dataclass(slots=True)
class LineList:
    """The wanted lines of a log, and what is wrong with others, by the ordinal of a line.

    ``by_key`` has the same lines as ``lines``, ``odd_time`` the first one whose time is infinite or NaN. Lines that are
    ``unreadable`` make the log fail; at ``stops`` the checkers end with a traceback. ``spoils_references`` says that one of
    them would stop the checker of reference points too. ``count`` counts all lines with a token, ``trouble`` says why the
    file could not be read; both are known at the end.
    """

    wanted: Container[str]
    lines: list[LoggedLine] = field(default_factory=list)
    by_key: dict[str, list[LoggedLine]] = field(default_factory=dict)
    odd_time: LoggedLine | None = None
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    stops: tuple[int, str] | None = None
    spoils_references: bool = False
    count: int = 0
    trouble: str | None = None

    def take_known(self, ordinal: int, line: bytes, time_ms: int, key: str, value: msgspec.Raw) -> None:
        """Takes a well-formed line; see :class:`~..logs.log.LineKeeper`."""
        self.add(LoggedLine.unparsed(ordinal, float(time_ms), key, value, line))

    def take_other(self, ordinal: int, line: bytes) -> None:
        """Takes a line that may be anything. The checkers end a line at a carriage return too, and read its last token."""
        for part in (TOKEN + line).split(b"\r"):
            if TOKEN in part:
                self._parse(ordinal, part.rpartition(TOKEN)[2])

    def first_values(self) -> dict[str, Any]:
        """What the log says first of each key."""
        return {key: lines[0].value for key, lines in self.by_key.items()}

    def in_order(self, keys: Iterable[str]) -> list[LoggedLine]:
        """The lines with some keys, as they follow each other."""
        lines = [line for key in keys for line in self.by_key.get(key, ())]
        lines.sort(key=_ordinal_of)
        return lines

    def add(self, line: LoggedLine) -> None:
        """Adds a line behind all others."""
        self.lines.append(line)
        if line.key in self.by_key:
            self.by_key[line.key].append(line)
        else:
            self.by_key[line.key] = [line]

    def _parse(self, ordinal: int, part: bytes) -> None:
        try:
            record = json.loads(part.decode("latin-1").strip())
            if record is None:
                raise ValueError("nothing but null")
        except RecursionError:
            self._stop(ordinal, part, "nested too deeply")
            return
        except ValueError as error:
            self.unreadable.append((ordinal, f"not JSON ({getattr(error, 'msg', error)})"))
            self.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))
            return
        names = ("time_ms", "key", "value", "metadata")
        if not isinstance(record, dict):
            self._stop(ordinal, part, "not a JSON object")
        elif missing := [name for name in names if name not in record]:
            self._stop(ordinal, part, f"{', '.join(missing)} missing")
        else:
            self._take_record(ordinal, part, *(record[name] for name in names))

    def _take_record(self, ordinal: int, part: bytes, time: Any, key: Any, value: Any, metadata: Any) -> None:
        try:
            time_ms = float(time)
        except ValueError:
            self.unreadable.append((ordinal, "time_ms is not a number"))
        except (TypeError, OverflowError):
            self._stop(ordinal, part, "time_ms is not a number")
        else:
            if isinstance(key, str) and key in self.wanted:
                line = LoggedLine.of(ordinal, time_ms, key, value, metadata)
                self.add(line)
                if self.odd_time is None and not math.isfinite(time_ms):
                    self.odd_time = line

    def _stop(self, ordinal: int, part: bytes, why: str) -> None:
        self.stops = self.stops or (ordinal, why)
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
