"""Finds files that may hold logs, and reads their lines however they are packed: paths in, files and lines out.

What unpacks is read in blocks and counted at every level, so that no input grows beyond what was allowed.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import itertools
import json
import os
import re
import select
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..logs.log import LONGEST_LINE_BYTES
from ..logs.strange import GZIP
from ..regular import open_regular, whole_path
from ..tables.rules import known_rounds, rules_of
from ..values import LONGEST_WAIT_S, natural_key
from .whose import benchmark_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from _typeshed import WriteableBuffer

#: A file is read in blocks of at most this many bytes. The first one shows what kind of file it is.
BLOCK_BYTES = 64 << 10
#: The word for standard input on the command line, and its name in messages.
STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard input"
#: Byte order marks and their encodings; the first that fits counts.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
#: Files are packed once by people, twice by mistake.
_DEEPEST_PACKING = 3
_TAR, _TAR_PLACE = b"ustar", 257
#: A mark of a log line of any round: a file with zeros at its start is text only if one of these is there.
TOKEN_START = b":::ML"
#: How the logs of a submission are called, and the folder beside them that holds something else.
_RESULT = "result_*.txt"
_POWER = "power"
_GIT = ".git"
#: containerd and CRI-O: time, stream, and whether the line goes on in the next record.
_CRI = re.compile(rb"\S+ std(?:out|err) (?P<part>[PF]) ")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, or a part of one, that gives no run of its own, and why. ``unread`` files could not be read."""

    file: str
    why: str
    unread: bool = False


def find_files(paths: Sequence[str], left: list[LeftOut]) -> list[str]:
    """The files that paths name: files themselves, those below folders, and ``-`` for standard input.

    What lies below a folder and is not looked at (links, hidden files, power logs) is added to ``left``. Files of one folder
    come in the order of their numbers.

    Raises:
        BadInput: a path does not exist, or nothing is there.
    """
    files: list[str] = []
    for path in paths:
        if path == STANDARD_INPUT or Path(path).is_file():
            files.append(path)
        elif Path(path).is_dir():
            files += _iter_below(path, left)
        else:
            is_odd = Path(path).exists()
            what = "neither a file nor a folder; for a pipe use - and standard input" if is_odd else "no such file or folder"
            raise BadInput(f"{path}: {what}")
    if not files and not left:
        raise BadInput(f"{', '.join(paths)}: no file in it")
    by_place: dict[str, str] = {}
    for file in files:
        by_place.setdefault(file if file == STANDARD_INPUT else str(whole_path(file)), file)
    return list(by_place.values())


def is_result(file: str) -> bool:
    """Whether a file is called as the logs of a submission are: ``result_*.txt``."""
    return Path(file).match(_RESULT)


def folder_of(file: str) -> Path:
    """The folder of a file, with those above it that a name from the working directory on leaves out."""
    return whole_path(file).parent


def is_submitted(file: str) -> bool:
    """Whether a file is a log of a submission: ``result_*.txt`` in the folder of a benchmark."""
    return is_result(file) and (folder_of(file).name in benchmark_names() or is_in_results(file))


def is_in_results(file: str) -> bool:
    """Whether a file lies where the logs of a submission do: ``results/<system>/<benchmark>/result_*.txt``."""
    return description_of(file) is not None


def description_of(file: str) -> Path | None:
    """Where the system of a submission's log is described: ``systems/<system>.json`` beside ``results``; None for others."""
    if not is_result(file):
        return None
    for system, results in itertools.pairwise(folder_of(file).parents[:3]):
        if results.name == "results":
            return results.parent / "systems" / f"{system.name}.json"
    return None


def iter_lines(file: str, largest_bytes: int) -> Iterator[tuple[int, bytes]]:
    r"""The lines of a text with their numbers, from 1 on, as UTF-8, without what gzip and containers put around them.

    Lines end at ``\n`` or ``\r``, since progress bars write the latter; numbers count the former. Nothing comes of a file
    that is no text.

    Args:
        file: path, or ``-``.
        largest_bytes: no more is read, neither packed nor unpacked. A line that a container cut is put together again.

    Raises:
        OSError: the file cannot be read, or is larger.
    """
    with contextlib.ExitStack() as stack:
        read = _read_standard_input() if file == STANDARD_INPUT else stack.enter_context(open_regular(file)).read
        yield from _joined(_iter_split(_iter_text(_bounded(read, largest_bytes), largest_bytes, 0)))


def _read_standard_input() -> Callable[[int], bytes]:
    """A function that reads at most so many bytes of standard input, once there are any; none at its end.

    Raises:
        BadInput: it is closed.
    """
    if sys.stdin is None:
        raise BadInput(f"{STANDARD_INPUT}: standard input is closed; name files or folders, or pipe a log in")
    number = sys.stdin.fileno()

    def read(size: int) -> bytes:
        while not select.select([number], [], [], LONGEST_WAIT_S)[0]:
            pass
        return os.read(number, size)

    return read


def _iter_below(folder: str, left: list[LeftOut]) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        left.append(LeftOut(str(error.filename), error.strerror or str(error), unread=True))

    for here, folders, files in os.walk(folder, onerror=unreadable):
        beside = _beside_submitted() if any(is_submitted(str(Path(here, name))) for name in files) else {}
        entered = []
        for name in sorted(folders, key=natural_key):
            path = Path(here, name)
            if why := beside.get(name) or _why_not_entered(path):
                left.append(LeftOut(str(path), why))
            elif name != _GIT:
                entered.append(name)
        folders[:] = entered
        for name in sorted(files, key=natural_key):
            path = Path(here, name)
            if why := _why_not_taken(path):
                left.append(LeftOut(str(path), why))
            else:
                yield str(path)


def _beside_submitted() -> dict[str, str]:
    """Folders beside the logs of a submission, with what they hold."""
    evidence = {name for version in known_rounds() for name in rules_of(version).layout.evidence}
    return dict.fromkeys(evidence, "evidence for the review, never counted") | {_POWER: "power logs, no runs"}


def _why_not_entered(path: Path) -> str | None:
    if path.is_symlink():
        return "a link to a folder, not followed; name it to have it read"
    is_hidden = path.name.startswith(".") and path.name != _GIT
    return "a hidden folder, not looked into; name it to have it read" if is_hidden else None


def _why_not_taken(path: Path) -> str | None:
    if path.is_symlink():
        return "a link, not followed; name it to have it read"
    if not path.is_file():
        return "not a regular file"
    return "a hidden file; name it to have it read" if path.name.startswith(".") else None


class _Bounded(io.RawIOBase):
    """The bytes that a function reads, up to a limit."""

    def __init__(self, read: Callable[[int], bytes | None], largest_bytes: int) -> None:
        self._read, self._left, self._largest = read, largest_bytes, largest_bytes

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Reads the next bytes, as many as are there; says how many.

        Raises:
            OSError: there are more than were allowed.
        """
        view = memoryview(buffer)
        data = self._read(len(view)) or b""
        self._left -= len(data)
        if self._left < 0:
            raise OSError(0, f"larger than {self._largest >> 20} MB (--max_log_mb)")
        view[: len(data)] = data
        return len(data)


def _bounded(read: Callable[[int], bytes | None], largest_bytes: int) -> io.BufferedReader:
    return io.BufferedReader(_Bounded(read, largest_bytes), BLOCK_BYTES)


def why_not_plain(head: bytes) -> str | None:
    """Why the beginning of a file is not that of a text with ASCII in it; None where it is."""
    if head.startswith(GZIP):
        return "packed with gzip"
    encoding = _encoding_of(head)
    return f"{encoding} text" if encoding else "not a text" if b"\0" in head and TOKEN_START not in head else None


def _encoding_of(head: bytes) -> str | None:
    """The encoding of a text that needs to be decoded before ASCII in it can be found."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    return marked or (_unmarked_utf16(head) if b"\0" in head else None)


def _iter_text(source: io.BufferedReader, largest_bytes: int, depth: int) -> Iterator[bytes]:
    """Blocks of a text as UTF-8, or in an encoding that has ASCII in it; nothing of what is no text."""
    head = source.peek()
    if head.startswith(GZIP):
        if depth == _DEEPEST_PACKING:
            raise OSError(0, f"packed more than {_DEEPEST_PACKING} times")
        unpacked = gzip.GzipFile(fileobj=source)
        try:
            yield from _iter_text(_bounded(unpacked.read, largest_bytes), largest_bytes, depth + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise OSError(0, f"not whole gzip ({error})") from None
        return
    encoding = _encoding_of(head)
    if encoding is None and b"\0" in head:
        if TOKEN_START not in head:
            return
        if head.startswith(_TAR, _TAR_PLACE):
            raise OSError(0, "a tar archive; unpack it: tar -xf")
    decode = codecs.getincrementaldecoder(encoding)("replace").decode if encoding else None
    while block := source.read(BLOCK_BYTES):
        yield decode(block).encode("utf-8", "replace") if decode else block


def _unmarked_utf16(head: bytes) -> str | None:
    """The form of UTF-16 that a text without a mark has: most of its characters are ASCII, with a zero before or after."""
    pairs = len(head) // 2
    zeros = {"utf-16-be": head[0::2].count(0), "utf-16-le": head[1::2].count(0)}
    likely = max(zeros, key=lambda name: zeros[name])
    return likely if zeros[likely] > 0.7 * pairs and min(zeros.values()) < 0.1 * pairs else None


def _iter_split(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    number, line = 1, bytearray()
    for block in blocks:
        for part in block.splitlines(keepends=True) if b"\r" in block else io.BytesIO(block):
            line += part
            if line.endswith((b"\n", b"\r")) or len(line) >= LONGEST_LINE_BYTES:
                yield number, bytes(line.rstrip(b"\r\n"))
                number += part.endswith(b"\n")
                line.clear()
    if line:
        yield number, bytes(line)


def _joined(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Lines with those put together that a container cut in several records."""
    pending: list[tuple[int, bytes]] = []
    length = 0
    ends_lines: bool | None = None  # whether the records say where a line ends; else each of them is one
    for number, line in lines:
        text, is_part = _out_of_container(line)
        if is_part is None:
            if ends_lines is None and text.endswith(b"\n"):
                ends_lines = True
            is_part = ends_lines is not False and not text.endswith(b"\n")
        pending.append((number, text))
        length += len(text)
        if is_part and ends_lines is None and length >= BLOCK_BYTES:
            ends_lines = False
        if is_part and ends_lines is not False and length < LONGEST_LINE_BYTES:
            continue
        yield from _put_together(pending) if ends_lines is not False else pending
        pending, length = [], 0
    yield from _put_together(pending) if ends_lines else pending


def _put_together(parts: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    if len(parts) == 1 and b"\n" not in parts[0][1]:
        yield parts[0]
    elif parts:
        for line in b"".join(text for _, text in parts).split(b"\n"):
            yield parts[0][0], line


def _out_of_container(line: bytes) -> tuple[bytes, bool | None]:
    """The text in a record of a container, and whether it goes on in the next one: None where a missing newline says so.

    These are the records that cut long lines, or that spell text as numbers: of Docker and Fluent Bit (``log``), of CRI, and
    of journald (``MESSAGE``). Others come back as they are; see :mod:`.records`.
    """
    if cri := _CRI.match(line):
        return line[cri.end() :], cri["part"] == b"P"
    begin = line.find(b"{")
    if begin < 0 or TOKEN_START in line[:begin] or not (b'"log"' in line or b'"MESSAGE"' in line):
        return line, False
    try:
        record = json.loads(line[begin:])
        if isinstance(message := record.get("MESSAGE"), list):
            return bytes(message), False
    except (ValueError, TypeError, AttributeError, RecursionError):
        return line, False
    if not isinstance(text := record.get("log"), str):
        return line, False
    goes_on = record["logtag"] == "P" if "logtag" in record else None
    if "partial_message" in record:
        goes_on = str(record.get("partial_last")).lower() != "true"
    return text.encode("utf-8", "replace"), goes_on
