"""Reads many logs with several processes: jobs in, one :class:`~..model.RunLog` per job out, in the same order.

The logs are cut into chunks of about equal bytes. Each worker process has one pipe to the parent, gets chunks through it
and sends back what their logs say; it ends when the pipe does, so that none outlives its parent. A worker that is lost
costs time and nothing else: the parent reads its chunks itself.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..model import Evaluation, RunLog
from ..values import LARGEST_LOG_MB
from .log import read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from ..tables.rules import Dialect

#: Less than this is read by one process: to start others would take longer.
ENOUGH_BYTES = 16 << 20
#: A chunk is at least so large, but for the last one.
SMALLEST_CHUNK_BYTES = 1 << 20
#: Each worker gets about so many chunks: they end at nearly the same time even if some chunks take longer than others.
CHUNKS_PER_WORKER = 16
#: More than these would only wait for the disk.
MOST_WORKERS = 8

_LOG_FIELDS = tuple(RunLog.__slots__)
_values_of_log = attrgetter(*_LOG_FIELDS)
_values_of_evaluation = attrgetter(*Evaluation.__slots__)
_EVALUATIONS = _LOG_FIELDS.index("evaluations")


class Job(NamedTuple):
    """A log to read: the root of the round, the path below it, its size in bytes, how to read it, and up to what size."""

    root: Path
    path: str
    size: int
    dialect: Dialect
    elapsed_key: str | None = None
    largest_mb: int = LARGEST_LOG_MB


def read_all(
    jobs: Sequence[Job], workers: int | None = None, advance: Callable[[int], None] = lambda _: None
) -> list[RunLog]:
    """Reads logs.

    Args:
        jobs: the logs.
        workers: how many processes read; as many as this one may use cores where None, and none but this one where the
            logs are few. The result does not depend on it.
        advance: told how many bytes were read, now and then.

    Returns:
        What the logs say, in the order of the jobs.
    """
    total = sum(job.size for job in jobs)
    if workers is None:
        workers = min(_usable_cores(), MOST_WORKERS) if total >= ENOUGH_BYTES else 1
    chunks = cut(jobs, max(SMALLEST_CHUNK_BYTES, total // (workers * CHUNKS_PER_WORKER)))
    workers = min(workers, len(chunks))
    if workers < 2 or not _may_start_processes():
        return _read(jobs, advance)
    results: dict[int, list[RunLog]] = {}
    with _Team(jobs, chunks, workers) as team:
        for number, values in team.iter_results():
            results[number] = [_unpack(value) for value in values]
            advance(sum(job.size for job in jobs[chunks[number]]))
    return [log for number, chunk in enumerate(chunks) for log in results.get(number) or _read(jobs[chunk], advance)]


def cut(jobs: Sequence[Job], size: int) -> list[slice]:
    """Cuts jobs into chunks of ``size`` bytes or a little more; the last one may be smaller. No log is cut in two."""
    chunks, start, filled = [], 0, 0
    for end, job in enumerate(jobs, 1):
        filled += job.size
        if filled >= size or end == len(jobs):
            chunks.append(slice(start, end))
            start, filled = end, 0
    return chunks


class _Team:
    """Worker processes. None of them is left when the ``with`` block ends, however it ends."""

    def __init__(self, jobs: Sequence[Job], chunks: Sequence[slice], count: int) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._count = count
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []

    def __enter__(self) -> _Team:
        import multiprocessing

        # To fork is fastest. It is safe in a process without other threads, and on macOS never.
        forks = sys.platform == "linux" and threading.active_count() == 1
        context = multiprocessing.get_context("fork") if forks else multiprocessing.get_context("spawn")
        try:
            # Where the system allows no more processes, those that are there do the work, or the parent.
            with contextlib.suppress(OSError):
                for _ in range(self._count):
                    ours, theirs = context.Pipe()
                    self._connections.append(ours)
                    inherited = tuple(self._connections) if forks else ()
                    arguments = (theirs, inherited, self._jobs, self._chunks)
                    process = context.Process(target=_work, args=arguments, daemon=True)
                    process.start()
                    self._processes.append(process)
                    theirs.close()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()
            process.close()
        for connection in self._connections:
            connection.close()

    def iter_results(self) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """Number of a chunk and the values of its logs, as they arrive; chunks of a lost worker are missing."""
        from multiprocessing.connection import wait

        waiting = deque(range(len(self._chunks)))
        # A second chunk is sent ahead, so that no worker waits for the parent.
        busy = dict.fromkeys(self._connections[: len(self._processes)], 0)
        for connection in (*busy, *busy):
            self._send(connection, waiting, busy)
        while busy:
            for ready in wait(list(busy)):
                connection = cast("Connection", ready)
                try:
                    yield connection.recv()
                    busy[connection] -= 1
                except (EOFError, OSError):
                    del busy[connection]
                else:
                    self._send(connection, waiting, busy)

    @staticmethod
    def _send(connection: Connection, waiting: deque[int], busy: dict[Connection, int]) -> None:
        """Gives a worker its next chunk; a worker without any is done."""
        if waiting and connection in busy:
            try:
                connection.send(waiting[0])
            except OSError:
                del busy[connection]
                return
            waiting.popleft()
            busy[connection] += 1
        elif busy.get(connection) == 0:
            del busy[connection]


def _work(connection: Connection, inherited: Sequence[Connection], jobs: Sequence[Job], chunks: Sequence[slice]) -> None:
    """What a worker process does: it reads the chunks that it is told to, until the pipe ends."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for parents_end in inherited:
        parents_end.close()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError, MemoryError):
        while True:
            number = connection.recv()
            connection.send((number, [_pack(log) for log in _read(jobs[chunks[number]], lambda _: None)]))


def _end_with_parent() -> None:
    """Ends this worker when its parent is gone, also in the middle of a log."""
    import multiprocessing

    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os._exit(1)


def _read(jobs: Sequence[Job], advance: Callable[[int], None]) -> list[RunLog]:
    logs = []
    for job in jobs:
        logs.append(read_log(job.root / job.path, job.dialect, job.path, job.elapsed_key, job.largest_mb))
        advance(job.size)
    return logs


def _pack(log: RunLog) -> tuple[Any, ...]:
    """The values of a log: to send them takes a fifth of the time that the record takes."""
    values = list(_values_of_log(log))
    values[_EVALUATIONS] = [_values_of_evaluation(evaluation) for evaluation in log.evaluations]
    return tuple(values)


def _unpack(values: tuple[Any, ...]) -> RunLog:
    fields = list(values)
    fields[_EVALUATIONS] = tuple(Evaluation(*evaluation) for evaluation in fields[_EVALUATIONS])
    return RunLog(*fields)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _may_start_processes() -> bool:
    """A worker of somebody else's pool may not have children."""
    import multiprocessing

    return not multiprocessing.current_process().daemon
