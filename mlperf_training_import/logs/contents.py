"""Digests of what files hold, for file systems where a file can change while its times stay the same.

On most file systems every write changes the time of the last change, except one through a mapping that soon follows another,
and nobody can set that time. On tmpfs no write through a mapping changes it, a mounted image may be replaced by another one
with the same times, and nothing is known about what other machines serve.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from ..regular import may_be_mapped, open_regular, read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from ..model import LogFile

#: Linux's names for file systems on disks, which change the times of a file with every write.
_KEEP_TIMES = frozenset({"ext2", "ext3", "ext4", "f2fs", "xfs"})
#: Major number of loop devices, which are files themselves.
_LOOP = 7
_MOUNTS = "/proc/self/mountinfo"
_MOST_MOUNT_BYTES = 16 << 20
_BLOCK_BYTES = 256 << 10
_DIGEST_BYTES = 16


class Contents:
    """What must be known about files besides their times, so that a change is noticed."""

    def __init__(self) -> None:
        self._trusted: frozenset[int] | None = None

    def of(self, path: Path, file: LogFile) -> bytes | None:
        """A digest of a file; empty where its times are enough, None where nothing is, or it cannot be read as it was."""
        if self._trusted is None:
            self._trusted = devices_that_keep_times()
        if file.device in self._trusted:
            return None if may_be_mapped(path, max(file.mtime_ns, file.ctime_ns)) else b""
        digest, left = hashlib.blake2b(digest_size=_DIGEST_BYTES), file.size
        try:
            with open_regular(path) as stream:
                while left >= 0 and (block := stream.read(_BLOCK_BYTES)):
                    digest.update(block)
                    left -= len(block)
        except OSError:
            return None
        return None if left else digest.digest()


def devices_that_keep_times() -> frozenset[int]:
    """The devices on which every write changes the times of a file; none where the system does not say.

    Source: proc_pid_mountinfo(5).
    """
    try:
        mounts = read_regular(_MOUNTS, _MOST_MOUNT_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    devices = set()
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        major, _, minor = before.split()[2].partition(":")
        kind, _, options = after.split()[:3]
        if kind in _KEEP_TIMES and int(major) != _LOOP and "ro" not in options.split(","):
            devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)
