"""Keeps the lines of a log that rules need, and what is wrong with others, while the log is read."""

from __future__ import annotations

import functools
import math
import operator
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.history import HistoryReader
from ..logs.line import KeptLine, ParsedLine, decoded
from ..logs.log import iter_blocks
from ..regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

TOKEN = b":::MLLOG "
#: A token without its space; no checker sees such a line.
_NO_BLANK = re.compile(rb":::MLLOG[^ \w\n]")
#: A line from its first token on.
_TOKEN_LINE = re.compile(re.escape(TOKEN) + rb".*\n")
#: The checkers of reference points look for these texts anywhere in a line.
_NEEDED_FOR_REFERENCES = re.compile(rb"global_batch_size|submission_benchmark|eval_error|eval_accuracy|run_stop")

#: The place of a line among those with a token.
ordinal_of = operator.attrgetter("ordinal")


class FirstValues(dict[str, Any]):
    """The first value that a log gives for each key, unless another is set; values are parsed when they are asked for."""

    def __init__(self, by_key: Mapping[str, list[KeptLine]]) -> None:
        super().__init__()
        self._by_key = by_key

    def __missing__(self, key: str) -> Any:
        """Parses the value of a key that the log has."""
        if not (lines := self._by_key.get(key)):
            raise KeyError(key)
        value = self[key] = lines[0].value
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, ``default`` where the log has none."""
        try:
            return self[key]
        except KeyError:
            return default


class LineList(msgspec.Struct, dict=True):
    """The wanted lines of a log, and what is wrong with others, by the ordinal of a line.

    ``by_key`` has a list for each wanted key. ``odd_time`` is the first line whose time is infinite or NaN. Lines that are
    ``unreadable`` make the log fail; at ``stops`` the checkers end with a traceback. ``spoils_references`` means that one of
    them would stop the checker of reference points too. ``count`` is the number of lines with a token, ``trouble`` says why
    the file could not be read; both are set at the end. ``history`` has collected the evaluations.
    """

    by_key: dict[str, list[KeptLine]]
    odd_time: KeptLine | None = None
    unreadable: list[tuple[int, str]] = msgspec.field(default_factory=list)
    stops: tuple[int, str] | None = None
    spoils_references: bool = False
    count: int = 0
    trouble: str | None = None
    history: HistoryReader | None = None

    def take_other(self, ordinal: int, line: bytes) -> None:
        """Takes any line. The checkers also end a line at a carriage return, and read what follows its last token."""
        if b"\r" not in line:
            self._parse(ordinal, line.rpartition(TOKEN)[2])
            return
        for part in (TOKEN + line).split(b"\r"):
            if TOKEN in part:
                self._parse(ordinal, part.rpartition(TOKEN)[2])

    def first(self, key: str) -> Any:
        """The first value that the log gives for a wanted key; None where it gives none."""
        return self.by_key[key][0].value if self.by_key[key] else None

    @property
    def first_values(self) -> FirstValues:
        """The first value for each key; use it only after all lines were taken."""
        return FirstValues(self.by_key)

    @functools.cached_property
    def first_ordinals(self) -> dict[str, int]:
        """Where each key comes first; use it only after all lines were taken."""
        return {key: lines[0].ordinal for key, lines in self.by_key.items() if lines}

    def in_order(self, keys: Iterable[str]) -> list[KeptLine]:
        """The lines with some keys, in the order of the log."""
        lines = [line for key in keys for line in self.by_key.get(key, ())]
        lines.sort(key=ordinal_of)
        return lines

    def _parse(self, ordinal: int, part: bytes) -> None:
        record, error = decoded(part.decode("latin-1").strip())
        names = ("time_ms", "key", "value", "metadata")
        if isinstance(error, RecursionError):
            self._stop(ordinal, part, "nested too deeply")
        elif record is None:
            why = getattr(error, "msg", error) or "nothing but null"
            self.unreadable.append((ordinal, f"not JSON ({why})"))
            self.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))
        elif not isinstance(record, dict):
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
            if isinstance(key, str) and (same := self.by_key.get(key)) is not None:
                same.append(line := ParsedLine(ordinal, time_ms, key, value, metadata))
                if self.odd_time is None and not math.isfinite(time_ms):
                    self.odd_time = line

    def _stop(self, ordinal: int, part: bytes, why: str) -> None:
        self.stops = self.stops or (ordinal, why)
        self.spoils_references |= bool(_NEEDED_FOR_REFERENCES.search(part))


def line_numbers(path: Path | str, ordinals: Collection[int], *, find_blank: bool) -> tuple[dict[int, int], int | None]:
    """Line numbers in the file, counted from 1: of lines by their ordinals, and of the first token without its space.

    The file is read a second time, only as far as necessary: most logs have no line to be numbered, and counting while
    they are read would slow all of them down. ``find_blank`` says whether to look for the token without its space.
    """
    numbers: dict[int, int] = {}
    without_blank = None
    last = max(ordinals, default=-1)
    lines = ordinal = 0  # those of the blocks before
    try:
        with open_regular(path) as stream:
            for block in iter_blocks(stream):
                starts = [match.start() for match in _TOKEN_LINE.finditer(block)]
                for asked in ordinals:
                    if ordinal <= asked < ordinal + len(starts):
                        numbers[asked] = lines + block.count(b"\n", 0, starts[asked - ordinal]) + 1
                if find_blank and without_blank is None and (at := _without_blank(block)) is not None:
                    without_blank = lines + block.count(b"\n", 0, at) + 1
                lines += block.count(b"\n")
                ordinal += len(starts)
                if ordinal > last and (without_blank is not None or not find_blank):
                    break
    except OSError:
        pass  # what was found so far is valid
    return numbers, without_blank


def _without_blank(block: bytes) -> int | None:
    """Where the first token without its space is, on a line that has no other one."""
    at = 0
    while (match := _NO_BLANK.search(block, at)) is not None:
        begin, end = block.rfind(b"\n", 0, match.start()) + 1, block.index(b"\n", match.start())
        if TOKEN not in block[begin:end]:
            return match.start()
        at = end  # and not behind the match: a long line may have many
    return None
