"""Remembers what logs say: the logs of a round in, what they say out; only those that changed are read again.

A round has one file for this. It holds what each log said, with the size, times and inode that the log had before it was
read: whatever changes its content changes one of them. The file is never needed. One that is missing, damaged, too large or
written by another version counts as empty, and where it cannot be written, the next import takes longer.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from ..atomic import write_atomically
from ..errors import ImportFailure
from ..model import PowerLog, RunLog
from ..regular import read_regular
from .workers import Job, ReadRun, read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model import LogFile

_NAME = "mlperf-training-logs.cache"
_FOLDER = "mlperf-training-import"
#: Published rounds need a hundredth of this.
_MOST_BYTES = 64 << 20
_DIGEST_BYTES = 32
#: Some file systems count time in steps of two seconds, in which a file may change twice.
_LONGEST_STEP_NS = 2 * 10**9
#: A tree that was not read anew for so long is likely to be gone.
_LONGEST_UNUSED_S = 90 * 24 * 3600
#: The parts of the package that decide what is read of a log: its version, sources and tables.
_READER = ("__init__.py", "logs", "tables", "model.py", "regular.py", "values.py")

_Record = TypeVar("_Record", RunLog, PowerLog)


class _Stamp(NamedTuple):
    """What tells that a log is the one that was read, and that it would be read in the same ``way``."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    way: str

    def is_before(self, time_ns: int) -> bool:
        return self.mtime_ns < time_ns and self.ctime_ns < time_ns


class _Memory(msgspec.Struct):
    """What logs said, by path."""

    runs: dict[str, tuple[_Stamp, RunLog]] = {}
    power: dict[str, tuple[_Stamp, PowerLog]] = {}


_decode = msgspec.msgpack.Decoder(_Memory).decode


class LogCache:
    """What is remembered of the logs of one round. Make it before the round is walked: what changes later is young then."""

    def __init__(self, file: Path | None = None, *, is_kept: bool = True) -> None:
        """Takes what a file remembers, and writes it again if it ``is_kept``. Without a file nothing is remembered."""
        self._file = file
        self._is_kept = is_kept and file is not None
        self._is_changed = False
        self._young_ns = time.time_ns() - _LONGEST_STEP_NS
        self._memory = _Memory() if file is None else self._load(file)

    @classmethod
    def beside(cls, clone: Path, *, is_kept: bool = True) -> LogCache:
        """The one in the cache entry of Collective Mind that a clone is in, which goes with it."""
        return cls(clone.parent / _NAME, is_kept=is_kept)

    @classmethod
    def of_tree(cls, tree: Path, *, is_kept: bool = True) -> LogCache:
        """The one for a tree somewhere on this machine, in the folder of this user for such files.

        Source: XDG Base Directory Specification 0.8.
        """
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # noqa: PTH117 - an empty one is none
            base = os.path.expanduser("~/.cache")  # noqa: PTH111 - Path fails without a home
        if not os.path.isabs(base):  # noqa: PTH117
            return cls()
        name = hashlib.blake2b(os.fsencode(tree.resolve()), digest_size=16).hexdigest()
        return cls(Path(base, _FOLDER, f"{name}.cache"), is_kept=is_kept)

    def read(self, jobs: Sequence[Job], advance: Callable[[int], None] = lambda _: None) -> list[ReadRun]:
        """What logs say, as :func:`~.workers.read_all` does, which reads those of which nothing is remembered."""
        remembered = [self._recall(job) for job in jobs]
        changed = [job for job, run in zip(jobs, remembered, strict=True) if run is None]
        advance(sum(job.size for job in jobs) - sum(job.size for job in changed))
        fresh = read_all(changed, advance=advance)
        for job, run in zip(changed, fresh, strict=True):
            self._remember(job, run)
        rest = iter(fresh)
        return [next(rest) if run is None else run for run in remembered]

    def keep(self, logs: Iterable[str]) -> None:
        """Writes what is known of some logs, by path, unless the file says so already; of others nothing is kept."""
        if not self._is_kept or self._file is None:
            return
        paths = frozenset(logs)
        runs = {path: said for path, said in self._memory.runs.items() if path in paths}
        power = {path: said for path, said in self._memory.power.items() if path in paths}
        if not self._is_changed and (len(runs), len(power)) == (len(self._memory.runs), len(self._memory.power)):
            return
        body = msgspec.msgpack.encode(_Memory(runs, power))
        if len(body) > _MOST_BYTES - _DIGEST_BYTES:
            return
        with contextlib.suppress(OSError, ImportFailure):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._file, _digest(body) + body)
            if self._file.name != _NAME:
                _remove_unused(self._file.parent)

    def _load(self, file: Path) -> _Memory:
        """What a file remembers, without logs that are as young as itself: they may have changed after they were read."""
        try:
            written_ns = file.lstat().st_mtime_ns
            data = read_regular(file, _MOST_BYTES, follow=False)
            if data[:_DIGEST_BYTES] != _digest(body := data[_DIGEST_BYTES:]):
                return _Memory()
            found = _decode(body)
        except (OSError, ValueError, RecursionError):  # among them what msgspec raises
            return _Memory()
        memory = _Memory(
            {path: said for path, said in found.runs.items() if said[0].is_before(written_ns)},
            {path: said for path, said in found.power.items() if said[0].is_before(written_ns)},
        )
        self._is_changed = (len(memory.runs), len(memory.power)) != (len(found.runs), len(found.power))
        return memory

    def _recall(self, job: Job) -> ReadRun | None:
        """What is remembered of a run; None where it must be read. Details are not remembered."""
        if job.with_details or (log := _recalled(self._memory.runs, job.file, _way(job), job)) is None:
            return None
        power = {}
        for file in job.power_to_read(log):
            said = _recalled(self._memory.power, file, job.dialect.name, job)
            if said is None:
                return None
            power[file.path] = said
        return ReadRun(log, power, None)

    def _remember(self, job: Job, run: ReadRun) -> None:
        self._take(self._memory.runs, job.file, _way(job), run.log)
        for file in job.power:
            if (log := run.power.get(file.path)) is not None:
                self._take(self._memory.power, file, job.dialect.name, log)

    def _take(self, logs: dict[str, tuple[_Stamp, _Record]], file: LogFile, way: str, said: _Record) -> None:
        """Keeps what a log said, unless it may have changed meanwhile, or could be read better another time."""
        stamp = _stamp(file, way)
        self._is_changed |= logs.pop(file.path, None) is not None
        if said.trouble is None and file.inode and stamp.is_before(self._young_ns) and _can_be_written(said):
            logs[file.path] = stamp, said
            self._is_changed = True


def _recalled(logs: dict[str, tuple[_Stamp, _Record]], file: LogFile, way: str, job: Job) -> _Record | None:
    stamp, said = logs.get(file.path, (None, None))
    return said if stamp == _stamp(file, way) and file.size <= job.largest_mb << 20 else None


def _stamp(file: LogFile, way: str) -> _Stamp:
    return _Stamp(file.size, file.mtime_ns, file.ctime_ns, file.inode, way)


def _way(job: Job) -> str:
    """How the log of a run is read; the tables say what the names mean."""
    return f"{job.dialect.name} {job.elapsed_key} {job.quality_key}"


def _can_be_written(said: RunLog | PowerLog) -> bool:
    """Whether MessagePack has a form for it: not for half of a surrogate, nor for an integer of more than 64 bits."""
    try:
        msgspec.msgpack.encode(said)
    except (OverflowError, ValueError):
        return False
    return True


def _digest(body: bytes) -> bytes:
    """Tells what this version wrote, as a whole, from everything else."""
    return hashlib.blake2b(body, key=_fingerprint(), digest_size=_DIGEST_BYTES).digest()


@cache
def _fingerprint() -> bytes:
    """Of all that decides what is read of a log.

    Raises:
        OSError: the package's files cannot be read.
    """
    package = Path(__file__).parents[1]
    whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    whole.update(f"{platform.python_version()} {msgspec.__version__}".encode())
    for part in _READER:
        files = sorted((package / part).iterdir()) if (package / part).is_dir() else [package / part]
        for file in files:
            if file.is_file():
                whole.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return whole.digest()


def _remove_unused(folder: Path) -> None:
    """Removes what was kept of trees long ago."""
    for file in folder.glob("*.cache"):
        if file.lstat().st_mtime < time.time() - _LONGEST_UNUSED_S:
            file.unlink()
