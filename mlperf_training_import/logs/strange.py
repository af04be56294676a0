"""Says what a file without log lines is, where a log should be: the file in, a readable reason out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..regular import open_regular
from ..tables.rules import dialects

if TYPE_CHECKING:
    from pathlib import Path

    from ..tables.rules import Dialect

#: This much of a file is read.
_HEAD_BYTES = 1 << 20
GZIP = b"\x1f\x8b"
#: How files of other kinds begin.
_BEGINNINGS = (
    (b"version https://git-lfs", "a Git LFS pointer in place of the log; run in the clone: git lfs pull"),
    (GZIP, "compressed with gzip; unpack it: gunzip"),
    (b"BZh", "compressed with bzip2; unpack it: bunzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz; unpack it: unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it: unzstd"),
    (b"PK\x03\x04", "a zip archive; unpack it: unzip"),
    (b"<!doctype html", "a web page in place of the log; download the raw file"),
    (b"<html", "a web page in place of the log; download the raw file"),
    (b"=" * 48 + b"\nmlperf results summary", "a summary of MLPerf Inference (LoadGen), no run of MLPerf Training"),
)
_LONGEST_BEGINNING = 200
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def why_no_lines(path: Path | str, dialect: Dialect) -> str:
    """Why a file has no line of a dialect. Reads its first megabyte again.

    Raises:
        OSError: the file cannot be read.
    """
    head = _head_of(path)
    token = dialect.token.decode("ascii").strip()
    if what := _other_than_text(head):
        return what
    if head.startswith(_UTF16_MARKS) or any(token.encode(name) in head for name in ("utf-16-le", "utf-16-be")):
        return "the text is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8"
    for rounds, other in dialects().items():
        if other.token != dialect.token and other.token in head:
            return f"no {token} lines; the lines are those of {rounds} ({other.token.decode('ascii').strip()})"
    if token.encode("ascii") in head:
        return f"no log lines: {token} stands without the blank that follows it"
    return f"no log lines: no line has the token {token}"


def what_it_is(path: Path | str, *, even_if_plain: bool) -> str | None:
    """What a file without log lines is; None for plain text, gzip or an empty file, unless ``even_if_plain``.

    Raises:
        OSError: the file cannot be read.
    """
    head = _head_of(path)
    plain = "no log lines" if even_if_plain else None
    if head.startswith(GZIP) or not (even_if_plain or head.strip()):
        return plain
    return _other_than_text(head) or plain


def _head_of(path: Path | str) -> bytes:
    with open_regular(path) as stream:
        return stream.read(_HEAD_BYTES)


def _other_than_text(head: bytes) -> str | None:
    if not head:
        return "the file is empty"
    if not head.strip():
        return "the file holds nothing but blanks"
    start = head.lstrip()[:_LONGEST_BEGINNING].lower()
    return next((what for begin, what in _BEGINNINGS if head.startswith(begin) or start.startswith(begin)), None)
