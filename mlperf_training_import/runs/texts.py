"""Finds the texts that have log lines, whatever they are called and however they are wrapped: paths in, lines out."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import BadInput
from ..regular import open_regular
from ..tables.rules import Dialect, dialects
from ..values import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What stands for standard input.
STANDARD_INPUT = "-"
#: A longer line is no log line; the rest of it is skipped.
_LONGEST_LINE = 1 << 20
#: A file is taken for text if this much of its start has no byte 0.
_HEAD_BYTES = 1 << 12
_GZIP = b"\x1f\x8b"
#: Byte order marks, and the text encodings that they stand for.
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
#: Logs of a submission. Other files beside them are none of its runs, and power logs lie in a folder beside them.
SUBMITTED = re.compile(r"result_.*\.txt")
_POWER = "power"


def find_files(paths: Sequence[str]) -> list[str]:
    """The files that paths name: files themselves, those below folders, and ``-`` for standard input.

    Hidden ones and links below a folder are left out; files of one folder come in the order of their numbers.

    Raises:
        BadInput: a path does not exist, or no file is there.
    """
    files = []
    for path in paths:
        if path == STANDARD_INPUT or Path(path).is_file():
            files.append(path)
        elif Path(path).is_dir():
            files += _iter_below(path)
        else:
            raise BadInput(f"{path}: no such file or folder")
    if not files:
        raise BadInput(f"{', '.join(paths)}: no file in it")
    return list(dict.fromkeys(files))


def find_dialect(file: str, largest_bytes: int) -> Dialect | None:
    """The dialect of the first log line of a file; None where it has none, or is no text.

    Raises:
        OSError: the file cannot be read.
    """
    known = dict.fromkeys(dialects().values())
    for _, line in iter_lines(file, largest_bytes):
        for dialect in known:
            if dialect.token in line:
                return dialect
    return None


def iter_lines(file: str, largest_bytes: int) -> Iterator[tuple[int, bytes]]:
    r"""The lines of a text with their numbers, from 1 on, unwrapped: as UTF-8, without what gzip and containers put around.

    Args:
        file: path, or ``-``.
        largest_bytes: unpacked; more is not read. A line of a container that is cut in several records is put together.

    Raises:
        OSError: the file cannot be read, or is larger.
    """
    with _open(file) as stream:
        pending = b""
        for number, line in enumerate(_iter_raw(stream, file, largest_bytes), 1):
            text = pending + _out_of_container(line)
            if text is not line and not text.endswith(b"\n") and len(text) < _LONGEST_LINE:
                pending = text  # a container cuts long lines in parts; the last one ends with a newline
                continue
            pending = b""
            yield number, text.rstrip(b"\r\n")
        if pending:
            yield number, pending


def _iter_below(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        skipped = _POWER if any(map(SUBMITTED.fullmatch, files)) else None
        folders[:] = sorted((name for name in folders if not name.startswith(".") and name != skipped), key=natural_key)
        for name in sorted(files, key=natural_key):
            file = Path(here, name)
            if not name.startswith(".") and not file.is_symlink() and file.is_file():
                yield str(file)


def _open(file: str) -> BinaryIO:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer
    return io.BufferedReader(open_regular(file))


def _iter_raw(stream: BinaryIO, file: str, largest_bytes: int) -> Iterator[bytes]:
    """Lines as they stand in the text; nothing of what is no text."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    head = buffered.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    if head.startswith(_GZIP):
        try:
            yield from _iter_raw(gzip.GzipFile(fileobj=buffered), file, largest_bytes)  # type: ignore[arg-type]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise OSError(0, f"not whole gzip ({error})", file) from None
        return
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if encoding is None and b"\0" in head:
        encoding = _unmarked_utf16(head)
        if encoding is None:
            return
    left = largest_bytes
    lines = _iter_bounded(buffered) if encoding in (None, "utf-8-sig") else _iter_decoded(buffered, str(encoding))
    for line in lines:
        left -= len(line)
        if left < 0:
            raise OSError(0, f"larger than {largest_bytes >> 20} MB", file)
        yield line


def _iter_bounded(stream: BinaryIO) -> Iterator[bytes]:
    skipping = False
    while line := stream.readline(_LONGEST_LINE):
        if not skipping:
            yield line
        skipping = not line.endswith(b"\n")


def _iter_decoded(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    for line in io.TextIOWrapper(stream, encoding, errors="replace", newline="\n"):
        yield line[:_LONGEST_LINE].encode("utf-8", "replace")


def _unmarked_utf16(head: bytes) -> str | None:
    for encoding in ("utf-16-le", "utf-16-be"):
        if any(dialect.token.decode("ascii").strip().encode(encoding) in head for dialect in dialects().values()):
            return encoding
    return None


def _out_of_container(line: bytes) -> bytes:
    """The text in a line of Docker's JSON log files (``{"log":"...","stream":"stdout"}``); others come back as they are."""
    if not line.startswith(b'{"log":'):
        return line
    try:
        record = json.loads(line)
    except ValueError:
        return line
    text = record.get("log")
    return text.encode("utf-8", "replace") if isinstance(text, str) else line
