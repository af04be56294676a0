"""Remembers what logs say: the logs of a round in, what they say out. Only logs that changed are read again.

A round has one file for this, and one for what only the data set needs. They hold what each log said, with the size,
times, inode and device that the log had before it was read: any change of its content changes one of them. Where the
file system does not promise that, they hold a digest of the content too. An import works without them. A file counts as
empty if it is missing, damaged, too large, of another version, or may have been written by somebody else. If a file
cannot be written, the next import takes longer.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import time
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec

from ..atomic import write_atomically
from ..errors import ImportFailure
from ..model import PowerLog, RunLog
from ..regular import read_regular
from .contents import Contents
from .details import has_measurements, is_portable
from .workers import Job, ReadRun, iter_runs

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from ..model import LogFile
    from ..values import Advance

_NAME = "mlperf-training-logs.cache"
_DETAILS_SUFFIX = ".details"
_ROUND_SUFFIX = ".round"
_FOLDER = "mlperf-training-import"
#: What the files of a tree are called there.
_TREE = re.compile(r"[0-9a-f]{32}")
#: Published rounds need a hundredth of this, and a tenth for details.
_MOST_BYTES = 64 << 20
#: The cache keeps at most this plus twice the size of a log.
_MOST_BYTES_OF_LOG = 4 << 10
_DIGEST_BYTES = 32
#: Some file systems count time in steps of two seconds, in which a file may change twice.
_LONGEST_STEP_NS = 2 * 10**9
#: A tree that nobody has read for this long has probably been deleted.
_LONGEST_UNUSED_S = 90 * 24 * 3600
#: The parts of the package that decide what is read from a log: its version, sources and tables.
_READER = ("__init__.py", "logs", "tables", "model.py", "regular.py", "values.py")

_Record = TypeVar("_Record")
_Kept = TypeVar("_Kept")
#: What the log of a run says, and those of its power logs that were read, by path.
_Said = tuple[RunLog, dict[str, PowerLog]]


class _Stamp(NamedTuple):
    """Identifies the logs of a run as they were read: equal stamps mean unchanged logs, read in the same ``way``.

    ``files`` are size, times of content, inode and device of each log, ``contents`` what :class:`.Contents` says about them.
    """

    way: str
    files: tuple[tuple[int, int, int, int, int], ...]
    contents: tuple[bytes | None, ...]

    @classmethod
    def of(cls, job: Job, contents: Contents) -> _Stamp:
        """The stamp of logs as the walk found them; the tables say what the names in its ``way`` mean."""
        logs = (job.file, *job.power)
        files = tuple((file.size, file.mtime_ns, file.ctime_ns, file.inode, file.device) for file in logs)
        digests = tuple(contents.of(job.root / file.path, file) for file in logs)
        return cls(f"{job.dialect.name} {job.elapsed_key} {job.quality_key}", files, digests)

    def is_before(self, time_ns: int) -> bool:
        return all(mtime_ns < time_ns and ctime_ns < time_ns for _, mtime_ns, ctime_ns, *_ in self.files)

    def is_known(self) -> bool:
        """Whether a log that changes gets another stamp."""
        return all(inode for *_, inode, _ in self.files) and None not in self.contents


class _Store(Generic[_Record]):
    """What is known about runs, by the path of their log, and the file that keeps it. The file is read at the first use."""

    def __init__(self, file: Path | None, kept: type[dict[str, tuple[_Stamp, _Record]]]) -> None:
        self._file = file
        self._kept = kept
        self.is_changed = False
        self.most_bytes = _MOST_BYTES

    @cached_property
    def known(self) -> dict[str, tuple[_Stamp, _Record]]:
        """What the file says about logs that are older than itself: others may have changed after they were read."""
        found, written_ns = ({}, 0) if self._file is None else _read(self._file, self._kept, self.most_bytes)
        trusted = {path: known for path, known in found.items() if known[0].is_before(written_ns)}
        self.is_changed = len(trusted) != len(found)
        return trusted

    def recall(self, path: str, stamp: _Stamp) -> _Record | None:
        """What is known about a run whose logs did not change."""
        known = self.known.get(path)
        return known[1] if known is not None and known[0] == stamp else None

    def take(self, path: str, stamp: _Stamp, said: _Record | None) -> None:
        """Replaces what is known about a run, or forgets it where ``said`` is None."""
        self.is_changed |= self.known.pop(path, None) is not None or said is not None
        if said is not None:
            self.known[path] = stamp, said

    def keep(self, paths: frozenset[str]) -> None:
        """Writes what is known about some runs, unless the file says so already, or would not be read again."""
        if self._file is None or "known" not in vars(self) or not (self.is_changed or self.known.keys() - paths):
            return
        _write(self._file, msgspec.msgpack.encode({path: known for path, known in self.known.items() if path in paths}))


class KeptRecord:
    """A file that keeps the latest record, under a key that covers everything the record depends on."""

    def __init__(self, file: Path, *, is_kept: bool) -> None:
        self._file = file
        self._is_kept = is_kept
        self._young_ns = time.time_ns() - _LONGEST_STEP_NS

    def is_old(self, time_ns: int) -> bool:
        """Whether a file that had this time when the record was opened gets another time if it changes."""
        return time_ns < self._young_ns

    def recall(self, key: bytes, most_bytes: int, *, younger_than_ns: int) -> bytes | None:
        """The record, if a file of at most ``most_bytes``, written after ``younger_than_ns``, keeps it under this key."""
        found, written_ns = _read(self._file, dict[bytes, bytes], min(_MOST_BYTES, most_bytes))
        return found.get(key) if younger_than_ns < written_ns else None

    def keep(self, key: bytes, record: bytes) -> None:
        """Keeps a record in place of the previous one."""
        if self._is_kept:
            _write(self._file, msgspec.msgpack.encode({key: record}))


class LogCache:
    """Remembers the logs of one round. Make it before walking the round, so that later changes count as young."""

    def __init__(self, file: Path | None = None, *, is_kept: bool = True) -> None:
        """Loads what a file remembers, and writes it back if ``is_kept``. Without a file nothing is remembered."""
        self._is_kept = is_kept and file is not None
        self._contents = Contents()
        self._young_ns = time.time_ns() - _LONGEST_STEP_NS
        self._runs = _Store(file, dict[str, tuple[_Stamp, _Said]])
        self._details = _Store(file and file.with_suffix(_DETAILS_SUFFIX), dict[str, tuple[_Stamp, bytes]])
        #: What remembers the round as a whole; None where nothing is remembered.
        self.record = KeptRecord(file.with_suffix(_ROUND_SUFFIX), is_kept=is_kept) if file else None

    @classmethod
    def beside(cls, clone: Path, *, is_kept: bool = True) -> LogCache:
        """The cache in the clone's own cache entry of Collective Mind; it is deleted with that entry."""
        return cls(clone.parent / _NAME, is_kept=is_kept)

    @classmethod
    def of_tree(cls, tree: Path, *, is_kept: bool = True) -> LogCache:
        """The cache for a tree somewhere on this machine, in this user's folder for caches.

        Source: XDG Base Directory Specification 0.8.
        """
        places = os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")  # noqa: PTH111 - Path fails without a home
        base = next(filter(os.path.isabs, places), None)
        if base is None:
            return cls()
        name = hashlib.blake2b(os.fsencode(tree.resolve()), digest_size=16).hexdigest()
        return cls(Path(base, _FOLDER, f"{name}.cache"), is_kept=is_kept)

    def expect(self, logs: Iterable[LogFile]) -> None:
        """Limits what is read from a file to what all logs of the round can have said. Call it before any look-up."""
        most_bytes = min(_MOST_BYTES, sum(_MOST_BYTES_OF_LOG + 2 * log.size for log in logs))
        self._runs.most_bytes = self._details.most_bytes = most_bytes

    def iter_runs(self, jobs: Sequence[Job], advance: Advance) -> Generator[ReadRun, None, None]:
        """Yields what logs say, as :func:`~.workers.iter_runs` does, which reads the logs that are not remembered."""
        if self.record is None:
            yield from iter_runs(jobs, advance=advance)
            return
        stamps = [_Stamp.of(job, self._contents) for job in jobs]
        remembered = [self._recall(job, stamp) for job, stamp in zip(jobs, stamps, strict=True)]
        changed = [job for job, run in zip(jobs, remembered, strict=True) if run is None]
        advance(sum(job.size for job in jobs) - sum(job.size for job in changed))
        with contextlib.closing(iter_runs(changed, advance=advance)) as fresh:
            for job, stamp, run in zip(jobs, stamps, remembered, strict=True):
                if run is not None:
                    yield run
                    continue
                read = next(fresh)
                self._remember(job, stamp, read)
                yield read

    def keep(self, logs: Iterable[str]) -> None:
        """Writes what is known about some logs, by path, unless the file says so already; drops all others."""
        if self._is_kept:
            paths = frozenset(logs)
            self._runs.keep(paths)
            self._details.keep(paths)

    def _recall(self, job: Job, stamp: _Stamp) -> ReadRun | None:
        """What is remembered about a run; None where it must be read."""
        path = job.file.path
        said = self._runs.recall(path, stamp)
        details = self._details.recall(path, stamp) if job.with_details else None
        if said is None or (job.with_details and (details is None or not _suffices(details, job))):
            return None
        log, power = said
        needed = job.power_to_read(log)
        is_too_large = any(file.size > job.largest_mb << 20 for file in (job.file, *needed))
        if is_too_large or any(file.path not in power for file in needed):
            return None
        return ReadRun(log, {file.path: power[file.path] for file in needed}, details)

    def _remember(self, job: Job, stamp: _Stamp, run: ReadRun) -> None:
        """Keeps what the logs of a run said, unless one may have changed meanwhile, or a later read may give more."""
        if not self._is_kept:
            return
        path, said = job.file.path, (run.log, run.power)
        has_trouble = run.log.trouble or any(log.trouble for log in run.power.values())
        is_old = stamp.is_before(self._young_ns) and stamp == _Stamp.of(job, self._contents)
        is_sure = is_old and stamp.is_known() and not has_trouble
        try:
            msgspec.msgpack.encode(said)
        except (OverflowError, ValueError):  # half of a surrogate, or an integer of more than 64 bits
            is_sure = False
        self._runs.take(path, stamp, said if is_sure else None)
        if run.details is not None:
            self._details.take(path, stamp, run.details if is_sure and is_portable(run.details) else None)


def _suffices(details: bytes, job: Job) -> bool:
    """Whether remembered details contain what a job asks for."""
    return is_portable(details) and (has_measurements(details) or not job.with_measurements)


def _write(file: Path, body: bytes) -> None:
    """Writes something to a file, unless it would not be read again or cannot be written."""
    if len(body) > _MOST_BYTES - _DIGEST_BYTES:
        return
    with contextlib.suppress(OSError, ImportFailure):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, _digest(body) + body, private=True)
        if _TREE.fullmatch(file.stem):
            _remove_unused(file.parent)


def _read(file: Path, kept: type[_Kept], most_bytes: int) -> tuple[_Kept, int]:
    """What a file keeps, and when it was written; nothing unless this version wrote it."""
    try:
        written_ns = file.lstat().st_mtime_ns
        data = read_regular(file, most_bytes, follow=False, ours=True)
        if data[:_DIGEST_BYTES] == _digest(body := data[_DIGEST_BYTES:]):
            return msgspec.msgpack.decode(body, type=kept), written_ns
    except (OSError, ValueError, RecursionError):  # among them what msgspec raises
        pass
    return kept(), 0


def _digest(body: bytes) -> bytes:
    """A digest that only a complete file of this version has."""
    return hashlib.blake2b(body, key=fingerprint_of(*_READER), digest_size=_DIGEST_BYTES).digest()


@cache
def fingerprint_of(*parts: str) -> bytes:
    """A digest of some files and folders of this package (``.`` is all of it), and of the versions of Python and msgspec.

    Raises:
        OSError: the package's files cannot be read.
    """
    package = Path(__file__).parents[1]
    whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    whole.update(f"{platform.python_version()} {msgspec.__version__}".encode())
    for part in parts:
        files = sorted((package / part).rglob("*")) if (package / part).is_dir() else [package / part]
        for file in files:
            if file.is_file() and file.parent.name != "__pycache__":
                whole.update(f"\0{file.relative_to(package)}\0".encode() + file.read_bytes())
    return whole.digest()


def _remove_unused(folder: Path) -> None:
    """Removes caches of trees that have not been used for a long time, and nothing else."""
    for file in (path for suffix in (".cache", _DETAILS_SUFFIX, _ROUND_SUFFIX) for path in folder.glob(f"*{suffix}")):
        if _TREE.fullmatch(file.stem) and file.lstat().st_mtime < time.time() - _LONGEST_UNUSED_S:
            file.unlink()
