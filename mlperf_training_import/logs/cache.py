"""Remembers what logs say: the logs of a round in, what they say out; only those that changed are read again.

A round has one file for this, and one for what only the data set needs. They hold what each log said, with the size,
times and inode that the log had before it was read: whatever changes its content changes one of them. They are never
needed. One that is missing, damaged, too large or written by another version counts as empty, and where it cannot be
written, the next import takes longer.
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
from .details import is_portable
from .workers import Job, ReadRun, iter_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from ..model import LogFile

_NAME = "mlperf-training-logs.cache"
_DETAILS_SUFFIX = ".details"
_FOLDER = "mlperf-training-import"
#: Published rounds need a hundredth of this, and a tenth of it for details.
_MOST_BYTES = 64 << 20
_DIGEST_BYTES = 32
#: Some file systems count time in steps of two seconds, in which a file may change twice.
_LONGEST_STEP_NS = 2 * 10**9
#: A tree that was not read anew for so long is likely to be gone.
_LONGEST_UNUSED_S = 90 * 24 * 3600
#: The parts of the package that decide what is read of a log: its version, sources and tables.
_READER = ("__init__.py", "logs", "tables", "model.py", "regular.py", "values.py")

_Record = TypeVar("_Record", RunLog, PowerLog, bytes)
_Log = TypeVar("_Log", RunLog, PowerLog)
_Kept = TypeVar("_Kept")


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


_Details = dict[str, tuple[_Stamp, bytes]]
_decode = msgspec.msgpack.Decoder(_Memory).decode
_decode_details = msgspec.msgpack.Decoder(_Details).decode


class LogCache:
    """What is remembered of the logs of one round. Make it before the round is walked: what changes later is young then."""

    def __init__(self, file: Path | None = None, *, is_kept: bool = True) -> None:
        """Takes what a file remembers, and writes it again if it ``is_kept``. Without a file nothing is remembered."""
        self._file = file
        self._is_kept = is_kept and file is not None
        self._is_changed = False
        self._young_ns = time.time_ns() - _LONGEST_STEP_NS
        self._memory = _Memory() if file is None else self._load(file)
        self._details: _Details | None = None  # until somebody asks for them
        self._has_new_details = False

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

    def iter_runs(
        self, jobs: Sequence[Job], advance: Callable[[int], None] = lambda _: None
    ) -> Generator[ReadRun, None, None]:
        """What logs say, as :func:`~.workers.iter_runs` does, which reads those of which nothing is remembered."""
        remembered = [self._recall(job) for job in jobs]
        changed = [job for job, run in zip(jobs, remembered, strict=True) if run is None]
        advance(sum(job.size for job in jobs) - sum(job.size for job in changed))
        with contextlib.closing(iter_runs(changed, advance=advance)) as fresh:
            for job, run in zip(jobs, remembered, strict=True):
                if run is not None:
                    yield run
                    continue
                read = next(fresh)
                self._remember(job, read)
                yield read

    def keep(self, logs: Iterable[str]) -> None:
        """Writes what is known of some logs, by path, unless the file says so already; of others nothing is kept."""
        if not self._is_kept or self._file is None:
            return
        paths = frozenset(logs)
        if self._details is not None and (self._has_new_details or self._details.keys() - paths):
            _write(self._details_file, {path: said for path, said in self._details.items() if path in paths})
        runs = {path: said for path, said in self._memory.runs.items() if path in paths}
        power = {path: said for path, said in self._memory.power.items() if path in paths}
        if not self._is_changed and (len(runs), len(power)) == (len(self._memory.runs), len(self._memory.power)):
            return
        _write(self._file, _Memory(runs, power))

    def _load(self, file: Path) -> _Memory:
        found, written_ns = _read(file, _decode) or (_Memory(), 0)
        memory = _Memory(_trusted(found.runs, written_ns), _trusted(found.power, written_ns))
        self._is_changed = (len(memory.runs), len(memory.power)) != (len(found.runs), len(found.power))
        return memory

    @property
    def _details_file(self) -> Path:
        return (self._file or Path(_NAME)).with_suffix(_DETAILS_SUFFIX)

    def _known_details(self) -> _Details:
        if self._details is None:
            found, written_ns = (self._file and _read(self._details_file, _decode_details)) or ({}, 0)
            trusted = _trusted(found, written_ns)
            self._details = {path: (stamp, data) for path, (stamp, data) in trusted.items() if is_portable(data)}
        return self._details

    def _recall(self, job: Job) -> ReadRun | None:
        """What is remembered of a run; None where it must be read."""
        if (log := _recalled(self._memory.runs, job.file, _way(job), job)) is None:
            return None
        details = _recalled(self._known_details(), job.file, _way(job), job) if job.with_details else None
        if job.with_details and details is None:
            return None
        power = {}
        for file in job.power_to_read(log):
            said = _recalled(self._memory.power, file, job.dialect.name, job)
            if said is None:
                return None
            power[file.path] = said
        return ReadRun(log, power, details)

    def _remember(self, job: Job, run: ReadRun) -> None:
        if not self._is_kept:
            return
        is_taken = self._take(self._memory.runs, job.file, _way(job), run.log)
        if is_taken and run.details is not None and is_portable(run.details):
            self._known_details()[job.file.path] = _stamp(job.file, _way(job)), run.details
            self._has_new_details = True
        for file in job.power:
            if (log := run.power.get(file.path)) is not None:
                self._take(self._memory.power, file, job.dialect.name, log)

    def _take(self, logs: dict[str, tuple[_Stamp, _Log]], file: LogFile, way: str, said: _Log) -> bool:
        """Keeps what a log said, unless it may have changed meanwhile, or could be read better another time."""
        stamp = _stamp(file, way)
        self._is_changed |= logs.pop(file.path, None) is not None
        if said.trouble is None and file.inode and stamp.is_before(self._young_ns) and _can_be_written(said):
            logs[file.path] = stamp, said
            self._is_changed = True
            return True
        return False


def _read(file: Path, decode: Callable[[bytes], _Kept]) -> tuple[_Kept, int] | None:
    """What is kept in a file, and when it was written; None where it is not what this version wrote."""
    try:
        written_ns = file.lstat().st_mtime_ns
        data = read_regular(file, _MOST_BYTES, follow=False)
        if data[:_DIGEST_BYTES] != _digest(body := data[_DIGEST_BYTES:]):
            return None
        return decode(body), written_ns
    except (OSError, ValueError, RecursionError):  # among them what msgspec raises
        return None


def _trusted(logs: dict[str, tuple[_Stamp, _Record]], written_ns: int) -> dict[str, tuple[_Stamp, _Record]]:
    """Logs that are older than the file with what they said: others may have changed after they were read."""
    return {path: said for path, said in logs.items() if said[0].is_before(written_ns)}


def _write(file: Path, kept: _Memory | _Details) -> None:
    """Writes what is kept, if it would be read again and can be written."""
    body = msgspec.msgpack.encode(kept)
    if len(body) > _MOST_BYTES - _DIGEST_BYTES:
        return
    with contextlib.suppress(OSError, ImportFailure):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, _digest(body) + body)
        if file.parent.name == _FOLDER:
            _remove_unused(file.parent)


def _recalled(logs: dict[str, tuple[_Stamp, _Record]], file: LogFile, way: str, job: Job) -> _Record | None:
    if (known := logs.get(file.path)) is None:
        return None
    stamp, said = known
    is_same = stamp == (file.size, file.mtime_ns, file.ctime_ns, file.inode, way)  # to make a stamp takes longer
    return said if is_same and file.size <= job.largest_mb << 20 else None


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
    for file in (*folder.glob("*.cache"), *folder.glob(f"*{_DETAILS_SUFFIX}")):
        if file.lstat().st_mtime < time.time() - _LONGEST_UNUSED_S:
            file.unlink()
