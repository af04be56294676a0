"""Reads many logs with several processes: jobs in, what each of them says out, in the same order.

The logs are cut into chunks of about equal bytes. A worker that is lost costs time and nothing else: the parent reads what
is missing itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ..model import PowerLog, RunLog  # noqa: TC001 - msgspec looks them up
from ..values import LARGEST_LOG_MB
from .details import DetailsReader, pack
from .log import read_log
from .power import read_power_log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing.connection import Connection
    from pathlib import Path

    from ..model import LogFile
    from ..tables.rules import Dialect

#: Less than this is read by one process: to start others would take longer.
ENOUGH_BYTES = 16 << 20
#: A chunk is at least so large, but for the last one.
SMALLEST_CHUNK_BYTES = 1 << 20
#: Each worker gets about so many chunks: they end at nearly the same time even if some chunks take longer than others.
CHUNKS_PER_WORKER = 16
#: More than these would only wait for the disk.
MOST_WORKERS = 8


class Job(NamedTuple):
    """A run to read: the root of the round, the file of its log, and what else ``read_log`` wants.

    Its ``power`` logs are read too if what its log says ``counts``. ``with_details`` asks for what only the data set needs.
    """

    root: Path
    file: LogFile
    dialect: Dialect
    elapsed_key: str | None = None
    largest_mb: int = LARGEST_LOG_MB
    quality_key: str | None = None
    power: tuple[LogFile, ...] = ()
    counts: Callable[[RunLog], bool] | None = None
    with_details: bool = False

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(file.size for file in (self.file, *self.power))

    def power_to_read(self, log: RunLog) -> tuple[LogFile, ...]:
        """The power logs, if they are needed given what the log of the run says."""
        return self.power if not self.power or self.counts is None or self.counts(log) else ()


class ReadRun(NamedTuple):
    """What the log of a run says, its power logs as far as they were read, by path, and packed details if asked for."""

    log: RunLog
    power: dict[str, PowerLog]
    details: bytes | None


def iter_runs(
    jobs: Sequence[Job], workers: int | None = None, advance: Callable[[int], None] = lambda _: None
) -> Generator[ReadRun, None, None]:
    """Reads logs. Whoever takes what they say can work on it while the next ones are read.

    Close the iterator if it may not be taken to its end: processes read for it.

    Args:
        jobs: the runs.
        workers: how many processes read; as many as this one may use cores where None, and none but this one where the
            logs are few. The result does not depend on it.
        advance: told how many bytes were read, now and then.

    Yields:
        What the logs say, in the order of the jobs.
    """
    total = sum(job.size for job in jobs)
    if workers is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = min(cores, MOST_WORKERS) if total >= ENOUGH_BYTES else 1
    chunks = cut(jobs, max(SMALLEST_CHUNK_BYTES, total // (workers * CHUNKS_PER_WORKER)))
    workers = min(workers, len(chunks))
    if workers < 2 or not _may_start_processes():
        return _iter_read(jobs, advance)
    return _iter_read_by(workers, chunks, advance)


def _iter_read_by(
    workers: int, chunks: Sequence[Sequence[Job]], advance: Callable[[int], None]
) -> Generator[ReadRun, None, None]:
    decode = msgspec.msgpack.Decoder(list[ReadRun]).decode
    done = 0
    # A worker that is lost takes the others with it, and where the system allows no more processes there is none. What is
    # missing then, or failed there, is read here: a mistake shows itself once more.
    with contextlib.suppress(Exception), _executor(workers) as executor:
        for chunk, data in zip(chunks, executor.map(_read_chunk, chunks), strict=True):
            advance(sum(job.size for job in chunk))
            done += 1
            yield from decode(data) if isinstance(data, bytes) else data
    for chunk in chunks[done:]:
        yield from _iter_read(chunk, advance)


def cut(jobs: Sequence[Job], size: int) -> list[Sequence[Job]]:
    """Cuts jobs into chunks of ``size`` bytes or a little more; the last one may be smaller. No log is cut in two."""
    chunks, start, filled = [], 0, 0
    for end, job in enumerate(jobs, 1):
        filled += job.size
        if filled >= size or end == len(jobs):
            chunks.append(jobs[start:end])
            start, filled = end, 0
    return chunks


@contextlib.contextmanager
def _executor(count: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes. None of them is left when the block ends, however it ends.

    They watch a pipe of which only the parent holds the other end, and end with it: also in the middle of a log, and when
    the parent is killed.
    """
    import multiprocessing  # where nothing changed nobody needs these, which take a while to import
    from concurrent.futures import ProcessPoolExecutor

    # To fork is fastest. It is safe in a process without other threads, and on macOS never.
    forks = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if forks else "spawn")
    theirs, ours = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(theirs, ours if forks else None))
    try:
        yield executor
    finally:
        ours.close()
        executor.shutdown(cancel_futures=True)
        theirs.close()


def _begin(watched: Connection, inherited: Connection | None) -> None:
    """Prepares a worker process."""
    gc.freeze()  # to look at what was inherited would be to copy it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if inherited is not None:
        inherited.close()
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        watched.recv()
    os._exit(1)


def _read_chunk(jobs: Sequence[Job]) -> bytes | list[ReadRun]:
    """What the logs of a chunk say, in MessagePack where that has a form for it: to pickle it takes ten times as long."""
    runs = [*_iter_read(jobs, lambda _: None)]
    try:
        return msgspec.msgpack.encode(runs)
    except (OverflowError, ValueError):  # half of a surrogate, or an integer of more than 64 bits
        return runs


def _iter_read(jobs: Sequence[Job], advance: Callable[[int], None]) -> Generator[ReadRun, None, None]:
    for job in jobs:
        keys = (job.elapsed_key, job.largest_mb, job.quality_key)
        reader = DetailsReader(job.dialect) if job.with_details else None
        log = read_log(job.root / job.file.path, job.dialect, job.file.path, *keys, reader)
        needed = job.power_to_read(log)
        powers = {file.path: read_power_log(job.root / file.path, job.dialect, job.largest_mb) for file in needed}
        advance(job.size)
        yield ReadRun(log, powers, None if reader is None else pack(reader.details(log)))


def _may_start_processes() -> bool:
    """A worker of somebody else's pool may not have children."""
    import multiprocessing

    return not multiprocessing.current_process().daemon
