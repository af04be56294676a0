"""Tells whether anything in a tree changed since it was read: a tree in, a digest of names, sizes and times out."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ..regular import may_be_mapped

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_DIGEST_BYTES = 32


class TreeStamp(NamedTuple):
    """What all files and folders of a tree look like from outside.

    ``digest`` covers the path, mode, size, times, inode and device of each. ``newest_ns`` is the latest of the times, and
    ``files`` and ``size`` are the number of files and their bytes.
    """

    digest: bytes
    newest_ns: int
    files: int
    size: int


def stamp_of(root: Path, devices: Collection[int]) -> TreeStamp | None:
    """The stamp of a tree, without its git folder; None where equal stamps would not promise equal contents.

    That is so where a file lies on none of the ``devices``, whose file systems change the times of a file with every write;
    where somebody may be writing a file through a mapping; where there is a link, as the stamp does not cover what it leads
    to; and where a folder cannot be listed.
    """
    digest, newest_ns, files, size = hashlib.blake2b(digest_size=_DIGEST_BYTES), 0, 0, 0
    top = os.fsencode(root)
    folders = [top]
    try:
        while folders:
            folder, rows = folders.pop(), []
            with os.scandir(folder) as entries:
                for entry in entries:
                    if folder == top and entry.name == b".git":
                        continue
                    found = entry.stat(follow_symlinks=False)
                    if found.st_dev not in devices or not found.st_ino or stat.S_ISLNK(found.st_mode):
                        return None
                    if stat.S_ISDIR(found.st_mode):
                        folders.append(entry.path)
                    times = found.st_mtime_ns, found.st_ctime_ns
                    if stat.S_ISREG(found.st_mode) and may_be_mapped(os.fsdecode(entry.path), max(times)):
                        return None
                    newest_ns = max(newest_ns, *times)
                    files += 1
                    size += found.st_size
                    rows.append((entry.name, found.st_mode, found.st_size, *times, found.st_ino, found.st_dev))
            folders.sort()  # the order of listing is not that of names, and may change
            digest.update(msgspec.msgpack.encode((folder, sorted(rows))))
    except (OSError, OverflowError):  # a number that 64 bits cannot hold
        return None
    return TreeStamp(digest.digest(), newest_ns, files, size)
