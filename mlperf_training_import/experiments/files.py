"""Reads the files of stored experiments with care, and lays out what is to be written. Knows no Collective Mind."""

from __future__ import annotations

import functools
import json
import math
import operator
import os
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..json_bytes import json_bytes
from ..regular import is_there, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..findings import Report

RESULT_FILE = "cm-result.json"

DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}\.\d{2}-\d{2}-\d{2}(\.\d+)?")

#: A stored experiment is smaller, even with a hundred thousand results.
_MOST_BYTES = 2 << 30
#: Nobody's notes are nested deeper.
_DEEPEST = 100
#: An integer with more digits is larger than any other number.
_MOST_DIGITS = 300
#: Significant decimal digits that a number of 64 bits can have at most.
_FLOAT_DIGITS = 17
#: A message quotes no more characters of a key or number.
_LONGEST_QUOTE = 60
#: What :func:`to_bytes` writes before, between and after objects, and what others may write between them.
_START, _BETWEEN, _END = b"[\n  ", b",\n  ", b"\n]\n"
_GAP = re.compile(r"[ \t\r\n,]*")


@dataclass(slots=True)
class StoredExperiment:
    """An experiment's result file as it was found: its objects and bytes. ``file`` is None before the first write.

    ``read`` are the objects of ``data``, one for one. ``objects`` are the same until some belong elsewhere: ``moved_in`` are
    those that other experiments hold and that belong here, ``moved_out`` counts those that left.
    """

    name: str
    folder: Path | None
    file: Path | None = None
    data: bytes = b""
    objects: list[Any] = field(default_factory=list)
    usable: bool = True
    moved_in: list[Any] = field(default_factory=list)
    moved_out: int = 0
    read: list[Any] = field(default_factory=list)

    @property
    def is_over_all(self) -> bool:
        """Whether it is one of those over all rounds."""
        return self.name.split("--")[1] == "all"

    @property
    def division(self) -> str:
        """The division that the experiment's name says."""
        return self.name.split("--")[2]


def load_experiment(name: str, folder: Path | None, report: Report) -> StoredExperiment:
    """Reads the newest result file of an experiment.

    If it cannot be read, or could not be written again as it is, that is reported, and the experiment is not ``usable``:
    nothing of it changes.
    """
    stored = StoredExperiment(name, folder)
    if folder is None:
        return stored
    try:
        stored.file = _newest_file(folder, report)
        if stored.file is not None and is_there(stored.file):
            stored.data = read_regular(stored.file, _MOST_BYTES)
            stored.objects = stored.read = parse_objects(stored.data)
    except (OSError, ValueError) as error:
        why = (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
        report("invalid-store", str(stored.file or folder), f"{why}; nothing was written to it")
        stored.usable = False
    return stored


def _newest_file(folder: Path, report: Report) -> Path | None:
    """The result file of the newest date folder that has one, else its place in the newest; None where there is no folder.

    Raises:
        OSError: a folder cannot be listed.
    """
    with os.scandir(folder) as entries:
        dated = sorted(entry.name for entry in entries if DATE_FOLDER.fullmatch(entry.name) and entry.is_dir())
    full = [name for name in dated if is_there(folder / name / RESULT_FILE)]
    if not dated:
        return None
    chosen = (full or dated)[-1]
    for name in full[:-1]:
        report("extra-date-folder", str(folder / name), f"not used; the results are in {chosen}")
    return folder / chosen / RESULT_FILE


def parse_objects(data: bytes) -> list[Any]:
    """The objects in a result file.

    Raises:
        ValueError: it is no JSON list, or holds what would not be written again as it is; the message says what.
    """
    try:
        objects = json.loads(data, object_pairs_hook=_object, parse_float=_float, parse_int=_integer)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} in line {error.lineno}") from None
    if not isinstance(objects, list):
        raise ValueError("it holds no list")
    if not _is_flatter(objects, _DEEPEST):
        raise ValueError("it is nested too deeply")
    return objects


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that has each of its keys once."""
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {json.dumps(twice[:_LONGEST_QUOTE])} is in one object more than once")
    return found


@functools.lru_cache(1 << 16)  # most figures are in two experiments, some of them twice in each
def _float(text: str) -> float:
    """A number with as many digits as a float keeps: one with more, or too large, would change when it is written."""
    number = float(text)
    if repr(number) == text or _is_kept(number, text):
        return number
    raise ValueError(f"the number {text[:_LONGEST_QUOTE]} would change if it were written again")


def _is_kept(number: float, text: str) -> bool:
    try:
        exact = Decimal(text)
    except ArithmeticError:  # an exponent of twenty digits
        return False
    if not math.isfinite(number):
        return False
    digits = len(exact.as_tuple().digits)
    is_short = digits <= _FLOAT_DIGITS and Decimal(f"{number:.{digits - 1}e}") == exact
    return is_short or Decimal(repr(number)) == exact


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _is_flatter(value: list[Any] | dict[str, Any], depth: int) -> bool:
    """Whether there are at most so many lists and objects in each other."""
    parts = value.values() if isinstance(value, dict) else value
    within = [part for part in parts if type(part) in (list, dict)]
    return depth > 0 and all(_is_flatter(part, depth - 1) for part in within)


def to_bytes(objects: list[Any]) -> bytes:
    """The objects as Collective Mind's own ``utils.save_json`` writes them."""
    return json_bytes(objects, sort_keys=True)


def is_stored(objects: list[Any], stored: StoredExperiment) -> bool:
    """Whether a result file holds these very objects, in this order."""
    return len(objects) == len(stored.read) and all(map(operator.is_, objects, stored.read))


def rewritten(objects: list[Any], stored: StoredExperiment) -> bytes:
    """The bytes of a result file that is to hold these objects.

    Those that it holds already keep their text to the byte; the others are laid out as :func:`to_bytes` does it.
    """
    texts = {id(item): text for item, text in zip(stored.read, _iter_texts(stored.data), strict=True)}
    parts = [texts.get(id(item)) or to_bytes([item])[len(_START) : -len(_END)] for item in objects]
    return _START + _BETWEEN.join(parts) + _END if parts else to_bytes([])


def _iter_texts(data: bytes) -> Iterator[bytes]:
    """The text of each object in a list that :func:`parse_objects` accepts, as UTF-8."""
    if not data:
        return
    text = data.decode(json.detect_encoding(data), "surrogatepass")
    scan, start = json.JSONDecoder().raw_decode, text.index("[") + 1
    while text[start := _GAP.match(text, start).end()] != "]":  # type: ignore[union-attr]  # also nothing is a gap
        _, end = scan(text, start)
        yield text[start:end].encode("utf-8", "surrogatepass")
        start = end
