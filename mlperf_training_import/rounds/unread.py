"""Looks for logs in places that the walk skips: folders and files in, paths of logs out.

Submitters leave scripts, outputs of checkers and traces beside their logs, so a name alone says little: only files in which
a line of a log is found count, unpacked if need be.
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from ..findings import Report
from ..regular import open_regular
from ..tables.rules import dialects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Names that a log may have; beside logs that are read, or in a folder called results, also those of the second kind.
_RESULT_NAME = re.compile(r"result.*(?<!\.json)(?<!\.csv)(?<!\.py)(?<!\.sh)", re.IGNORECASE)
_LOG_NAME = re.compile(r".*\.(log|txt)(\.\w{1,6})?", re.IGNORECASE)
#: Paths of folders that hold results, or were meant to.
_RESULTS_FOLDER = re.compile(r"(.*/)?results?", re.IGNORECASE)
#: The modules that unpack files, by how those begin. Most trees need none of them.
_UNPACKERS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma"}
#: So much of a file is looked at.
_HEAD_BYTES = 4 << 20
#: ``<folder>/closed/<submitter>/results/<system>/<benchmark>`` is five below the folder.
_DEEPEST = 6
#: So many folders are looked into, and so many files, in a whole round: there may be anything.
_MOST_FOLDERS = 5_000
_MOST_FILES = 2_000


class Searcher(msgspec.Struct):
    """Searches what the walk leaves out.

    Attributes:
        root: the round's tree.
        entries: gives the names of the folders in a folder of the round, and of its files.
        report: takes a file that cannot be read.
        folders: how many were looked into.
        files: how many were looked at.
    """

    root: Path
    entries: Callable[[str], tuple[list[str], list[str]]]
    report: Report
    folders: int = 0
    files: int = 0

    def below(self, folder: str) -> list[str]:
        """Paths of logs in a folder and the folders in it, in which no log is read."""
        return list(self._iter_below(folder))

    def beside(self, folder: str, names: Sequence[str], any_read: bool) -> list[str]:
        """Names of logs among files of a folder that are not read; ``any_read`` says that others beside them are."""
        named = (name for name in names if _RESULT_NAME.fullmatch(name) or (any_read and _LOG_NAME.fullmatch(name)))
        return [name for name in named if self._is_log(f"{folder}/{name}")]

    def _iter_below(self, folder: str, in_results: bool = False, depth: int = _DEEPEST) -> Iterator[str]:
        in_results |= is_results_folder(folder)
        self.folders += 1
        if self.folders > _MOST_FOLDERS:
            return
        folders, files = self.entries(folder)
        for name in self.beside(folder, files, in_results):
            yield f"{folder}/{name}"
        for name in folders if depth else ():
            yield from self._iter_below(f"{folder}/{name}", in_results, depth - 1)

    def _is_log(self, path: str) -> bool:
        """Whether the beginning of a file has a line of a log; one that cannot be read is reported, for it may."""
        self.files += 1
        if self.files > _MOST_FILES:
            return False
        try:
            with io.BufferedReader(open_regular(self.root / path)) as stream:
                head = stream.peek(8)
                unpacker = next((name for magic, name in _UNPACKERS.items() if head.startswith(magic)), None)
                data = _unpacked(stream, unpacker) if unpacker else stream.read(_HEAD_BYTES)
        except OSError as error:
            self.report("unreadable", path, f"{error.strerror or 'cannot be read'}; it may be a log")
            return False
        return any(dialect.token in data for dialect in dialects().values())


def _unpacked(stream: IO[bytes], unpacker: str) -> bytes:
    """The first bytes of what a file holds packed; none where it cannot be unpacked."""
    from lzma import LZMAError
    from zlib import error

    try:
        data: bytes = importlib.import_module(unpacker).open(stream).read(_HEAD_BYTES)
    except (EOFError, MemoryError, error, LZMAError):  # a file of xz says how much memory it needs
        return b""
    except OSError as trouble:
        if trouble.errno is not None:
            raise
        return b""  # what is packed is damaged
    return data


def is_results_folder(path: str) -> bool:
    """Whether a folder is called as the one with results, or nearly."""
    return _RESULTS_FOLDER.fullmatch(path) is not None
