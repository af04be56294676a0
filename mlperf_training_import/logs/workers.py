"""Reads many logs with several processes: jobs in, what each of them says out, in the same order.

The logs are divided into chunks of about equal bytes. A lost worker costs only time: the parent reads what is missing
itself.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import queue
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ..interpreter import python_command
from ..model import PowerLog, RunLog  # noqa: TC001 - msgspec looks them up
from ..values import LARGEST_LOG_MB
from .details import DetailsReader, pack
from .log import read_log
from .power import read_power_log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from ..model import LogFile
    from ..tables.rules import Dialect
    from ..values import Advance

#: One process reads less than this alone: starting others would take longer.
ENOUGH_BYTES = 16 << 20
#: Every chunk but the last is at least this large.
SMALLEST_CHUNK_BYTES = 1 << 20
#: Each worker gets about this many chunks: workers finish at nearly the same time even if some chunks take longer.
CHUNKS_PER_WORKER = 16
#: Each worker has this many chunks at once, so that it need not wait while the parent works on its last answer.
CHUNKS_AT_ONCE = 2
#: More than these would only wait for the disk.
MOST_WORKERS = 8
_STOPS = {signal.SIGINT, signal.SIGTERM}


class Job(NamedTuple):
    """A run to read: the root of the round, the file of its log, and the other arguments of ``read_log``.

    Its ``power`` logs are read too if ``counts`` accepts what its log says. ``with_details`` asks for what only the data set
    needs, ``with_measurements`` for the measurements in it.
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
    with_measurements: bool = False

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(file.size for file in (self.file, *self.power))

    def power_to_read(self, log: RunLog) -> tuple[LogFile, ...]:
        """The power logs, if they are needed: that depends on what the log of the run says."""
        return self.power if not self.power or self.counts is None or self.counts(log) else ()


class ReadRun(NamedTuple):
    """What the log of a run says, those of its power logs that were read, by path, and packed details if asked for."""

    log: RunLog
    power: dict[str, PowerLog]
    details: bytes | None


def iter_runs(
    jobs: Sequence[Job], workers: int | None = None, advance: Advance = lambda _: None
) -> Generator[ReadRun, None, None]:
    """Reads logs. The caller can work on one result while the next logs are read.

    Close the iterator if you may stop before its end: processes read for it.

    Args:
        jobs: the runs.
        workers: how many processes read. None means one for each core that this process may use; few logs are read by
            this process alone. The result does not depend on it.
        advance: called now and then with the number of bytes that were read.

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


def _iter_read_by(count: int, chunks: Sequence[Sequence[Job]], advance: Advance) -> Generator[ReadRun, None, None]:
    from multiprocessing.connection import wait  # slow to import, and not needed if no log changed

    decode = msgspec.msgpack.Decoder(list[ReadRun]).decode
    done: dict[int, list[ReadRun] | None] = {}  # None where a worker was lost or failed: an error occurs again here
    following, left = 0, iter(enumerate(chunks))
    with _workers(count) as connections:
        asked: dict[Connection, list[int]] = {connection: [] for connection in connections}
        for connection in connections * CHUNKS_AT_ONCE:
            _ask(connection, asked[connection], left)
        while busy := [connection for connection, theirs in asked.items() if theirs]:
            for connection in filter(wait(busy).__contains__, busy):
                try:
                    said = connection.recv()
                except (EOFError, OSError):
                    done.update(dict.fromkeys(asked.pop(connection)))
                    continue
                number = asked[connection].pop(0)
                _ask(connection, asked[connection], left)
                done[number] = decode(said) if isinstance(said, bytes) else said
                if said is not None:
                    advance(sum(job.size for job in chunks[number]))
            while following in done:
                runs = done.pop(following)
                yield from _iter_read(chunks[following], advance) if runs is None else runs
                following += 1
    for chunk in chunks[following:]:  # if the system allows no more processes, or all were lost
        yield from _iter_read(chunk, advance)


def _ask(connection: Connection, asked: list[int], left: Iterator[tuple[int, Sequence[Job]]]) -> None:
    """Asks a worker for the next chunk, if there is one."""
    for number, chunk in itertools.islice(left, 1):
        asked.append(number)
        with contextlib.suppress(OSError):  # the worker is lost; waiting for its answer will show that
            connection.send(chunk)


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
def _workers(count: int) -> Iterator[list[Connection]]:
    """Worker processes, as many as the system allows. All are gone when the block ends, however it ends.

    Each has a pipe of its own. It takes jobs, returns what their logs say, and exits when the other end of the pipe closes,
    even in the middle of a log, and when the parent is killed. Only the worker holds its end, so that the parent never waits
    for the rest of an answer from a dead worker. A ``ProcessPoolExecutor`` keeps that end open, and waited forever when it
    was interrupted in the middle of an answer.
    """
    from multiprocessing import Pipe

    # Forking is fastest. It is safe only in a process without other threads, and never on macOS.
    start = _fork if sys.platform == "linux" and threading.active_count() == 1 else _start_afresh
    connections: list[Connection] = []
    with contextlib.ExitStack() as started:
        try:
            with contextlib.suppress(OSError), _uninterrupted():
                for _ in range(count):
                    ours, theirs = Pipe()
                    started.callback(ours.close)
                    with theirs:
                        for end in start(theirs, [*connections, ours]):
                            started.callback(end)
                    connections.append(ours)
            yield connections
        finally:
            with _uninterrupted():
                started.close()


def _fork(theirs: Connection, inherited: Sequence[Connection]) -> tuple[Callable[[], object], ...]:
    """Starts a worker as a copy of this process; returns functions that end it, to be called in reverse order."""
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=_work, args=(theirs, inherited), daemon=True)
    process.start()
    return process.join, process.kill


def _start_afresh(theirs: Connection, _inherited: Sequence[Connection]) -> tuple[Callable[[], object], ...]:
    """Starts a worker as a new Python. ``multiprocessing`` would make it search the user's current folder for modules."""
    import subprocess

    number = theirs.fileno()
    command = python_command(f"from {__name__} import work_for; work_for({number})")
    process = subprocess.Popen(command, pass_fds=[number], stdin=subprocess.DEVNULL)  # noqa: S603 - no shell
    return process.wait, process.kill


def work_for(number: int) -> None:
    """The main function of a worker that was started afresh, given the descriptor of its end of the pipe."""
    from multiprocessing.connection import Connection

    _work(Connection(number), ())


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delays Ctrl-C and SIGTERM until the block ends. A process that starts in it inherits this."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, inherited: Sequence[Connection]) -> None:
    """The main loop of a worker process."""
    gc.freeze()  # a collection would touch, and so copy, the inherited memory
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    for other in inherited:
        other.close()
    asked: queue.SimpleQueue[Sequence[Job]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, asked), daemon=True).start()
    while True:
        jobs = asked.get()
        try:
            said = _packed([*_iter_read(jobs, lambda _: None)])
        except Exception:  # the parent reads these logs again, and gets the error itself
            said = None
        try:
            connection.send(said)
        except OSError:  # nobody wants the answer any more
            os._exit(1)


def _listen(connection: Connection, asked: queue.SimpleQueue[Sequence[Job]]) -> None:
    """Takes the jobs of a worker, and ends its process when the other end of the pipe closes."""
    try:
        while True:
            asked.put(connection.recv())
    finally:
        os._exit(1)


def _packed(runs: list[ReadRun]) -> bytes | list[ReadRun]:
    """Runs in MessagePack if it can encode them: pickling takes ten times as long."""
    try:
        return msgspec.msgpack.encode(runs)
    except (OverflowError, ValueError):  # half of a surrogate, or an integer of more than 64 bits
        return runs


def _iter_read(jobs: Sequence[Job], advance: Advance) -> Generator[ReadRun, None, None]:
    for job in jobs:
        keys = (job.elapsed_key, job.largest_mb, job.quality_key)
        reader = DetailsReader(job.dialect, with_measurements=job.with_measurements) if job.with_details else None
        log = read_log(job.root / job.file.path, job.dialect, job.file.path, *keys, reader)
        needed, run_ms = job.power_to_read(log), log.span_ms
        powers = {}
        for file in needed:
            take = (lambda _: None) if reader is None else partial(reader.take_power, file.name)
            powers[file.path] = read_power_log(job.root / file.path, job.dialect, job.largest_mb, run_ms, take)
        advance(job.size)
        details = None if reader is None else pack(reader.details(log), with_measurements=job.with_measurements)
        yield ReadRun(log, powers, details)


def _may_start_processes() -> bool:
    """Whether this process may start others: a worker of somebody else's pool may not."""
    import multiprocessing

    return not multiprocessing.current_process().daemon
