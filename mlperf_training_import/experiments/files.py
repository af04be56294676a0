"""Files of stored experiments, written whole or not at all, and read with care. Knows nothing of Collective Mind."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import math
import os
import re
import stat
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import PublishFailure
from ..regular import is_there, open_regular, read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from ..findings import Report

RESULT_FILE = "cm-result.json"

DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}\.\d{2}-\d{2}-\d{2}(\.\d+)?")

#: A stored experiment has less, also with a hundred thousand results.
_MOST_BYTES = 2 << 30
#: Whatever is nested deeper was not written by anybody who noted something.
_DEEPEST = 100
#: An integer with more digits is larger than any other number.
_MOST_DIGITS = 300
#: Significant decimal digits that a number of 64 bits can have at most.
_FLOAT_DIGITS = 17
#: As much of a key or number stands in a message.
_LONGEST_QUOTE = 60


@dataclass(slots=True)
class StoredExperiment:
    """An experiment's result file as it was found: its objects and bytes. ``file`` is None where there is none yet.

    ``moved_in`` are objects that other experiments hold and that belong here, ``moved_out`` counts those that left.
    """

    name: str
    folder: Path | None
    file: Path | None = None
    data: bytes = b""
    objects: list[Any] = field(default_factory=list)
    usable: bool = True
    moved_in: list[Any] = field(default_factory=list)
    moved_out: int = 0

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

    One that cannot be read, or not be written again as it is, is reported and makes the experiment unusable: it is left
    untouched.
    """
    stored = StoredExperiment(name, folder)
    if folder is None:
        return stored
    try:
        stored.file, is_there = _newest_file(folder, report)
        if stored.file is not None and is_there:
            stored.data = read_regular(stored.file, _MOST_BYTES)
            stored.objects = parse_objects(stored.data)
    except (OSError, ValueError) as error:
        why = (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
        report("invalid-store", str(stored.file or folder), f"{why}; nothing was written to it")
        stored.usable = False
    return stored


def _newest_file(folder: Path, report: Report) -> tuple[Path | None, bool]:
    """The result file of the newest date folder, if there is any, that has one; and whether it is there.

    Raises:
        OSError: it cannot be told, since a folder cannot be listed.
    """
    with os.scandir(folder) as entries:
        dated = sorted(entry.name for entry in entries if DATE_FOLDER.fullmatch(entry.name) and entry.is_dir())
    full = [name for name in dated if is_there(folder / name / RESULT_FILE)]
    if not dated:
        return None, False
    chosen = (full or dated)[-1]
    for name in full[:-1]:
        report("extra-date-folder", str(folder / name), f"not used; the results are in {chosen}")
    return folder / chosen / RESULT_FILE, bool(full)


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


def _is_flatter(value: Any, depth: int) -> bool:
    """Whether there are at most so many lists and objects in each other."""
    if not isinstance(value, (list, dict)):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_flatter(part, depth - 1) for part in parts if isinstance(part, (list, dict)))


def to_bytes(objects: list[Any]) -> bytes:
    """The objects as Collective Mind's own ``utils.save_json`` writes them."""
    return (json.dumps(objects, indent=2, sort_keys=True) + "\n").encode("ascii")


def write_atomically(file: Path, data: bytes) -> None:
    """Replaces a file as a whole: whoever reads it, also after a crash, sees the old bytes or the new ones.

    The temporary file that becomes it is locked until then, by which others know it from what a killed writer left.

    Raises:
        PublishFailure: the folder cannot be written, or the disk is full; the old file is as it was.
    """
    remove_leftovers(file)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            with _locked_file(temporary) as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
                os.replace(temporary, file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)
    except OSError as error:
        raise PublishFailure(f"{file}: cannot be written ({error.strerror}); what was stored before is unchanged") from error


def _locked_file(path: Path) -> BinaryIO:
    """A new file that is locked. Somebody who removes leftovers may find it before it is: then it is made once more."""
    while True:
        path.unlink(missing_ok=True)
        stream = path.open("xb")  # never through a link that somebody put there
        with contextlib.suppress(OSError):  # where files cannot be locked, nobody takes one for a leftover
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()


def write_if_different(file: Path, data: bytes) -> bool:
    """Writes a file as :func:`write_atomically` does, unless it holds these bytes already; says whether it wrote."""
    with contextlib.suppress(OSError):
        if read_regular(file, len(data)) == data:
            remove_leftovers(file)
            return False
    write_atomically(file, data)
    return True


def remove_leftovers(file: Path) -> None:
    """Removes the temporary files of writers of a file that were killed, as far as this user may."""
    for leftover in file.parent.glob(f".{glob.escape(file.name)}.*tmp"):
        with contextlib.suppress(OSError):
            if not _has_writer(leftover):
                leftover.unlink()


def _has_writer(temporary: Path) -> bool:
    """Whether somebody holds the lock of a temporary file. What is no file was made by no writer.

    Raises:
        OSError: it cannot be told.
    """
    if not stat.S_ISREG(temporary.lstat().st_mode):
        return False
    with open_regular(temporary, follow=False) as stream:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut, on systems that can open folders."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
