"""Opens regular files only: no pipe that blocks its reader, no endless device, no folder."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import signal
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

#: Without ``O_NONBLOCK``, opening a pipe would wait for a writer.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_BLOCK_BYTES = 1 << 20
#: By default, Linux writes a changed page to the disk within 35 seconds.
_LONGEST_UNWRITTEN_NS = 120 * 10**9


#: The mode bits that let others than the owner write.
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def open_regular(path: Path | str, *, folder: int | None = None, follow: bool = True, ours: bool = False) -> FileIO:
    """Opens a file for reading, without a buffer.

    Args:
        path: the file; relative to ``folder``, if that is given.
        folder: the descriptor of an open folder.
        follow: whether the file may be a link to another one.
        ours: whether the file must belong to this user, and must not be writable by others.

    Raises:
        OSError: it cannot be opened, is not a regular file, or is not ``ours`` although it must be.
    """
    try:
        descriptor = os.open(path, _FLAGS if follow else _FLAGS | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "a link; not followed", str(path)) from None
        raise
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if ours and (about.st_uid != os.geteuid() or about.st_mode & _OTHERS_WRITE):
            raise OSError(errno.EPERM, "others may have written it", str(path))
        return open(descriptor, "rb", buffering=0)  # noqa: PTH123 - the caller closes it; pathlib accepts no descriptor
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(
    path: Path | str, most_bytes: int, *, folder: int | None = None, follow: bool = True, ours: bool = False
) -> bytes:
    """The content of a file, as :func:`open_regular` opens it.

    Raises:
        OSError: as there, or the file holds more than ``most_bytes``.
    """
    with open_regular(path, folder=folder, follow=follow, ours=ours) as stream:
        blocks, left = [], most_bytes + 1
        size = os.fstat(stream.fileno()).st_size + 1  # one block, unless the file grows
        while block := stream.read(min(size, left)):
            blocks.append(block)
            left -= len(block)
            size = _BLOCK_BYTES
    if not left:
        raise OSError(errno.EFBIG, f"larger than {_size(most_bytes)}", str(path))
    return b"".join(blocks)


def sha256_of(path: Path, most_bytes: float = math.inf, *, follow: bool = True) -> tuple[str, int]:
    """The SHA-256 of a file in hexadecimal digits, and its size; the file is never entirely in memory.

    Raises:
        OSError: as in :func:`open_regular`, or the file holds more than ``most_bytes``.
    """
    import hashlib  # OpenSSL: many commands need no digest

    digest, size = hashlib.sha256(), 0
    with open_regular(path, follow=follow) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            if size > most_bytes:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return digest.hexdigest(), size


def may_be_mapped(path: Path | str, newest_ns: int) -> bool:
    """Whether somebody may change a file without changing its times, the latest of which is given.

    A write through a mapping changes them once for each page, and again only after Linux has written that page to the disk.
    Linux refuses a lease while anybody, also by a mapping, can write the file (fcntl(2)).
    """
    if newest_ns < time.time_ns() - _LONGEST_UNWRITTEN_NS:
        return False
    try:
        with open_regular(path) as stream:
            fcntl.fcntl(stream, fcntl.F_SETSIG, signal.SIGURG)  # for who opens it just now; the usual signal ends a process
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return True
    return False


def whole_path(path: Path | str) -> Path:
    """A path from the root on, without ``.`` and ``..``, which have no name; links in it stay as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links


def is_there(path: Path) -> bool:
    """Whether anything with that name exists, even a dangling link.

    Raises:
        OSError: this cannot be determined.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _size(number: int) -> str:
    return f"{number >> 20} MB" if number >> 20 else f"{number >> 10} kB"
