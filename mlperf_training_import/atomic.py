"""Writes files whole or not at all, also where several processes write and are killed."""

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
    """Replaces a file as a whole: whoever reads it, also after a crash, sees the old bytes or the new ones.

    The temporary file is locked until it replaces the old one, so that others can tell it from what a killed writer left.

    Args:
        file: keeps the mode of the file that it replaces, and its owner and group if this user may set them.
        data: what it is to hold.
        private: whether only this user may read and write it.

    Raises:
        PublishFailure: the folder cannot be written, or the disk is full; the old file is as it was.
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
    if not stat.S_ISREG(before.st_mode):  # a link lets everybody do everything
        return
    with contextlib.suppress(OSError):  # only root gives files away, and others their groups only
        os.fchown(descriptor, -1, before.st_gid)
        os.fchown(descriptor, before.st_uid, -1)
    with contextlib.suppress(OSError):  # on a file system without modes
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _locked_file(path: Path) -> BinaryIO:
    """A new, locked file. If somebody removes it as a leftover before it is locked, it is made again."""
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
    """Removes the temporary files that killed writers of a file left, if this user may."""
    for leftover in file.parent.glob(f".{glob.escape(file.name)}.*tmp"):
        with contextlib.suppress(OSError):
            if stat.S_ISREG(leftover.lstat().st_mode):  # what is no file was made by no writer
                with open_regular(leftover, follow=False) as stream:
                    fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails as long as its writer is at work
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
