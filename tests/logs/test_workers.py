"""Reading logs with several processes: same results as with one, and nobody left behind."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from mlperf_training_import.logs import workers
from mlperf_training_import.logs.log import read_log
from mlperf_training_import.logs.power import read_power_log
from mlperf_training_import.logs.workers import Job, ReadRun, cut, iter_runs
from mlperf_training_import.model import LogFile
from mlperf_training_import.tables.rules import dialect_of

DIALECT = dialect_of("mllog")
#: How often the reading is interrupted.
TRIES = 200
PACKAGE = Path(workers.__file__).resolve().parents[2]
LINE = (
    ':::MLLOG {"time_ms": %d, "key": "%s", "value": %s, "metadata": {"lineno": 12, "status": "success", "metric": "a%d"}}\n'
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


def log_text(number, lines):
    yield LINE % (1_000 + number, "run_start", "null", 0)
    for step in range(lines):
        yield LINE % (2_000 + step, ("seed", "eval_accuracy")[step % 50 == 0], step / 7, step)
        yield f"epoch {step}\n"
    yield LINE % (900_000 + number, "run_stop", "0.5", 0)


@pytest.fixture
def jobs(tmp_path):
    """Forty logs of different sizes, one that is broken, one with half a character and one that does not exist."""
    jobs = []
    last = {7: ":::MLLOG {\n", 9: LINE % (800_000, "submission_benchmark", r'"a \ud800"', 0)}
    for number in range(40):
        path = tmp_path / f"result_{number}.txt"
        path.write_text("".join(log_text(number, 5 * number)) + last.get(number, ""))
        power = tuple(power_log(tmp_path / f"node_{number}_{node}.txt", 50 * node) for node in range(number % 3))
        jobs.append(Job(tmp_path, as_file(path), DIALECT, power=power, counts=ended))
    return [*jobs, Job(tmp_path, LogFile("result_missing.txt", "result_missing.txt", 10), DIALECT)]


def as_file(path, size=None):
    return LogFile(path.name, path.name, path.stat().st_size if size is None else size)


def power_log(path, readings):
    text = LINE % (1_000, "power_measurement_start", "null", 0)
    text += "".join(LINE % (1_000 + 500 * step, "power_reading", 300 + step / 7, 0) for step in range(readings))
    path.write_text(text)
    return as_file(path)


def ended(log):
    return log.run_stop_ms is not None


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(workers, "SMALLEST_CHUNK_BYTES", 1)


def expected(jobs):
    read = []
    for job in jobs:
        log = read_log(job.root / job.file.path, job.dialect, job.file.path)
        needed = job.power if job.counts is None or job.counts(log) else ()
        powers = {file.path: read_power_log(job.root / file.path, job.dialect, run_ms=log.span_ms) for file in needed}
        read.append(ReadRun(log, powers, None))
    return read


def read_all(*arguments):
    return list(iter_runs(*arguments))


@pytest.mark.parametrize("workers", [None, 1, 2, 8])
def test_the_number_of_workers_makes_no_difference(workers, jobs, small_chunks):
    assert read_all(jobs, workers) == expected(jobs)
    assert multiprocessing.active_children() == []


@linux_only
def test_half_a_character_comes_back_from_a_worker(jobs, small_chunks, monkeypatch):
    parent, read = os.getpid(), read_log

    def read_elsewhere(*arguments):
        assert os.getpid() != parent
        return read(*arguments)

    monkeypatch.setattr(workers, "read_log", read_elsewhere)
    assert read_all(jobs, 2)[9].log.benchmark == "a \ud800"


def test_no_logs():
    assert read_all([]) == read_all([], 8) == []


def test_few_logs_are_read_without_another_process(jobs, monkeypatch):
    monkeypatch.setattr(workers, "_workers", None)
    assert read_all(jobs) == expected(jobs)


@pytest.mark.slow
def test_where_threads_run_workers_are_started_afresh(jobs, small_chunks):
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert read_all(jobs, 2) == expected(jobs)
    finally:
        done.set()
        thread.join()


def test_chunks_hold_every_log_once():
    jobs = [Job(Path(), LogFile("", "", size), DIALECT) for size in (5, 0, 1, 9, 30, 2, 2, 2)]
    chunks = cut(jobs, 10)
    assert [sum(job.size for job in chunk) for chunk in chunks] == [15, 30, 6]
    assert [job for chunk in chunks for job in chunk] == jobs


@linux_only
@pytest.mark.parametrize("end", ["kill", "memory", "error", "every"])
def test_a_lost_worker_costs_no_result(end, jobs, small_chunks, monkeypatch):
    parent, read = os.getpid(), read_log

    def read_or_die(path, *arguments):
        if os.getpid() != parent and (end == "every" or path.name == "result_33.txt"):
            if end == "memory":
                raise MemoryError
            if end == "error":
                raise AssertionError("a mistake")
            os.kill(os.getpid(), signal.SIGKILL)
        return read(path, *arguments)

    monkeypatch.setattr(workers, "read_log", read_or_die)
    assert read_all(jobs, 2) == expected(jobs)
    assert multiprocessing.active_children() == []


@linux_only
def test_where_no_process_can_be_started_this_one_reads(jobs, small_chunks, monkeypatch):
    def refuse(*_):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", refuse)
    assert read_all(jobs, 2) == expected(jobs)


@linux_only
def test_a_mistake_in_the_parent_leaves_no_worker(jobs, small_chunks):
    def fail(size):
        raise AssertionError("a mistake")

    with pytest.raises(AssertionError):
        read_all(jobs, 2, fail)
    assert multiprocessing.active_children() == []


@linux_only
def test_what_was_read_is_taken_while_others_read_and_no_worker_is_left_where_no_more_is_taken(jobs, small_chunks):
    read = []
    with contextlib.closing(iter_runs(jobs, 2, read.append)) as runs:
        assert next(runs) == expected(jobs[:1])[0]
        assert len(read) < len(jobs)
        assert multiprocessing.active_children()
    assert multiprocessing.active_children() == []


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@linux_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(number, tmp_path):
    """Also in the middle of a log: the workers read from a pipe that nobody ever closes."""
    for name in ("result_0.txt", "result_1.txt"):
        os.mkfifo(tmp_path / name)
    holders = [os.open(tmp_path / name, os.O_RDWR) for name in ("result_0.txt", "result_1.txt")]
    program = f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let their background jobs ignore it
        sys.path.insert(0, {str(PACKAGE)!r})
        from pathlib import Path
        from mlperf_training_import.logs import log
        from mlperf_training_import.logs.workers import Job, iter_runs
        from mlperf_training_import.model import LogFile
        from mlperf_training_import.tables.rules import dialect_of
        log.open_regular = lambda path: open(path, "rb")  # which refuses pipes
        files = [LogFile(f"result_{{n}}.txt", "", 9 << 20) for n in range(2)]
        jobs = [Job(Path({str(tmp_path)!r}), file, dialect_of("mllog")) for file in files]
        list(iter_runs(jobs, 2))
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: len(children_of(parent.pid)) == 2)
        workers = children_of(parent.pid)
        time.sleep(0.2)
        assert all(is_running(worker) for worker in workers)
        parent.send_signal(number)
        parent.wait(60)
        wait_until(lambda: not any(is_running(worker) for worker in workers))
    finally:
        parent.kill()
        parent.communicate()
        for holder in holders:
            os.close(holder)


def run_program(program, folder, seconds=60, cwd=None):
    """Runs Python with the package and the jobs of a folder in a process, which must end in time; its output."""
    begin = f"""
        import sys
        sys.path[0] = {str(PACKAGE)!r}
        import multiprocessing, os, signal, threading, time
        from pathlib import Path
        from mlperf_training_import.logs import workers
        from mlperf_training_import.model import LogFile
        from mlperf_training_import.tables.rules import dialect_of
        workers.SMALLEST_CHUNK_BYTES = 1
        folder = Path({str(folder)!r})
        files = [LogFile(file.name, file.name, file.stat().st_size) for file in sorted(folder.glob("result_*"))]
        jobs = [workers.Job(folder, file, dialect_of("mllog"), with_details=True) for file in files]
    """
    source = textwrap.dedent(begin) + textwrap.dedent(program)
    command = [sys.executable, "-c", source]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, start_new_session=True
    ) as process:
        try:
            shown, wrong = process.communicate(timeout=seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert wrong == ""
    return shown


@pytest.mark.slow
def test_no_worker_looks_for_modules_where_the_user_is(tmp_path):
    """Nor one that is started afresh, as all are on macOS."""
    trap = tmp_path / "downloads"
    trap.mkdir()
    for name in (
        "pickle",
        "socket",
        "selectors",
        "multiprocessing",
        "runpy",
        "yaml",
        "msgspec",
        "queue",
        "signal",
        "random",
    ):
        (trap / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    for number in range(4):
        (tmp_path / f"result_{number}.txt").write_text("".join(log_text(number, 50)))
    program = """
        done = threading.Event()
        threading.Thread(target=done.wait).start()
        print(len([run for run in workers.iter_runs(jobs, 2) if run.log.run_stop_ms]))
        done.set()
    """
    assert run_program(program, tmp_path, cwd=trap) == "4\n"
    assert not (tmp_path / "ran").exists()


@linux_only
def test_a_worker_that_is_lost_in_the_middle_of_an_answer_costs_no_result(tmp_path):
    """Nobody else holds its end of the pipe, so that the parent does not wait for the other half."""
    for number in range(4):
        (tmp_path / f"result_{number}.txt").write_text("".join(log_text(number, 500)))
    program = """
        from multiprocessing.connection import Connection
        write = Connection._send
        def write_half(self, data, *rest):
            if multiprocessing.parent_process() is not None and len(data) > 100:
                write(self, data[:len(data) // 2], *rest)
                os.kill(os.getpid(), signal.SIGKILL)
            write(self, data, *rest)
        Connection._send = write_half
        print(len(list(workers.iter_runs(jobs, 2))))
    """
    assert run_program(program, tmp_path) == "4\n"


@linux_only
@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_the_reading_ends_it(tmp_path):
    """To all processes at once, as a terminal sends it, at moments that lie as close together as there are tries."""
    for number in range(12):
        (tmp_path / f"result_{number}.txt").write_text("".join(log_text(number, 100)))
    program = f"""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGINT))
        sys.unraisablehook = lambda lost: lost.exc_type is KeyboardInterrupt or sys.__unraisablehook__(lost)  # in a __del__
        for _ in range(2):  # the first time modules are imported
            begin = time.monotonic()
            assert len(list(workers.iter_runs(jobs, 2))) == 12
            whole = time.monotonic() - begin
        interrupted = 0
        for number in range({TRIES}):
            runs = workers.iter_runs(jobs, 2)
            try:
                signal.setitimer(signal.ITIMER_REAL, whole * (number + 1) / {TRIES})
                for run in runs:
                    pass
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
            runs.close()
            assert multiprocessing.active_children() == [], number
            assert threading.active_count() == 1, number
        print(interrupted)
    """
    assert int(run_program(program, tmp_path, 20 + TRIES)) > TRIES // 3


@pytest.mark.slow
@linux_only
@pytest.mark.parametrize("workers", [1, 2])
def test_memory_does_not_grow_with_the_logs(workers, tmp_path):
    """Peak memory of a process that reads a log of 100 MB, and one with a line of 60 MB, in kB as Linux counts it."""
    paragraph = "".join(log_text(0, 4_000)).encode()
    with (tmp_path / "result_0.txt").open("wb") as stream:
        for _ in range((100 << 20) // len(paragraph)):
            stream.write(paragraph)
    with (tmp_path / "result_1.txt").open("wb") as stream:
        stream.write(b":::MLLOG ")
        for _ in range(60):
            stream.write(b"x" * (1 << 20))
    program = f"""
        import resource, sys
        sys.path.insert(0, {str(PACKAGE)!r})
        from pathlib import Path
        from mlperf_training_import.logs import log
        from mlperf_training_import.logs.workers import Job, iter_runs
        from mlperf_training_import.model import LogFile
        from mlperf_training_import.tables.rules import dialect_of
        log.open_regular = lambda path: open(path, "rb")  # which refuses pipes
        files = [LogFile(f"result_{{n}}.txt", "", 100 << 20) for n in range(2)]
        jobs = [Job(Path({str(tmp_path)!r}), file, dialect_of("mllog")) for file in files]
        logs = [run.log for run in iter_runs(jobs, {workers})]
        print(logs[0].lines, logs[1].malformed_lines)
        # not ru_maxrss of this process: it begins with that of the one that started it
        own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
        print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    lines, malformed, peak = done.stdout.split()
    assert int(lines) > 500_000
    assert malformed == "1"
    assert int(peak) < 150_000
