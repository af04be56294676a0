"""Writes files whole or not at all, even if several processes write and are killed."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from .errors import PublishFailure
from .regular import open_regular, read_regular

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(file: Path, data: bytes, *, private: bool = False) -> None:
    """Replaces a file as a whole: every reader, even after a crash, sees the old bytes or the new ones.

    The temporary file is locked until it replaces the old one; without a lock, it is a leftover of a killed writer.

    Args:
        file: the file to replace. The new one keeps its mode, and its owner and group if this user may set them.
        data: the new content.
        private: whether only this user may read and write it.

    Raises:
        PublishFailure: the folder cannot be written, or the disk is full; the old file is unchanged.
    """
    remove_leftovers(file)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            with _locked_file(temporary) as stream:
                _give(stream.fileno(), file, private=private)
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


def _give(descriptor: int, file: Path, *, private: bool) -> None:
    """Gives a new file the mode, owner and group of the existing one, or makes it private to this user."""
    if private:
        os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR)
        return
    try:
        before = file.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(before.st_mode):  # the mode of a link allows everybody everything
        return
    with contextlib.suppress(OSError):  # only root may change the owner; others may set only groups of their own
        os.fchown(descriptor, -1, before.st_gid)
        os.fchown(descriptor, before.st_uid, -1)
    with contextlib.suppress(OSError):  # the file system may have no modes
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _locked_file(path: Path) -> BinaryIO:
    """A new, locked file. If somebody removes it as a leftover before it is locked, it is made again."""
    while True:
        path.unlink(missing_ok=True)
        stream = path.open("xb")  # never follows a link that somebody put there
        with contextlib.suppress(OSError):  # if files cannot be locked, nobody mistakes one for a leftover
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()


def write_if_different(file: Path, data: bytes) -> bool:
    """Writes a file as :func:`write_atomically` does, unless it already holds these bytes; returns whether it wrote."""
    with contextlib.suppress(OSError):
        if read_regular(file, len(data)) == data:
            remove_leftovers(file)
            return False
    write_atomically(file, data)
    return True


def remove_leftovers(file: Path) -> None:
    """Removes the temporary files that killed writers of a file left behind, if this user may."""
    for leftover in file.parent.glob(f".{glob.escape(file.name)}.*tmp"):
        with contextlib.suppress(OSError):
            if stat.S_ISREG(leftover.lstat().st_mode):  # writers make only regular files
                with open_regular(leftover, follow=False) as stream:
                    fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer is at work
            leftover.unlink()


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
