"""Imports that are killed at writes and at system calls: the store stays readable, and the next import completes it.

At every fifth write and at a few system calls in the gate; at each write, and at as many calls as wanted, by command::

    EVERY=1 KILLS=1000 python -m pytest tests/slow/test_kill.py
"""

from __future__ import annotations

import builtins
import ctypes
import io
import json
import os
import random
import re
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cmind.core import CM
from support import as_clone

from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.start.sample import run_log, system_description, write_submission

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

EVERY = int(os.environ.get("EVERY", "5"))
KILLS = int(os.environ.get("KILLS", "15"))

#: Functions of ``os`` that change the disk.
CHANGING = ("replace", "rename", "fsync", "mkdir", "unlink", "remove", "rmdir", "symlink")


class Fuse:
    """Kills its process before the n-th change of the disk, or in the middle of it when that is a write."""

    def __init__(self, step: int) -> None:
        self._left = step
        for name in CHANGING:
            setattr(os, name, self._before(getattr(os, name)))
        real_open = io.open
        io.open = builtins.open = lambda file, mode="r", *more, **named: self._open(real_open, file, mode, *more, **named)
        if accessor := getattr(Path, "_accessor", None):  # Python 3.10 holds those that there were when it began
            for name in (*CHANGING, "open"):
                setattr(accessor, name, getattr(io if name == "open" else os, name))

    def burn(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _before(self, function):
        def burning(*arguments, **named):
            self.burn()
            return function(*arguments, **named)

        return burning

    def _open(self, real_open, file, mode, *more, **named):
        if not set(mode) & set("wax+"):
            return real_open(file, mode, *more, **named)
        self.burn()
        return Torn(real_open(file, mode, *more, **named), self)


class Torn:
    """A file open for writing: each write is two steps, of which the second begins with half of it on the disk."""

    def __init__(self, file, fuse: Fuse) -> None:
        self._file, self._fuse = file, fuse

    def write(self, data):
        self._fuse.burn()
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._fuse.burn()
        return self._file.write(data[half:])

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def import_tree(home: Path, tree: Path) -> None:
    options = options_from({"path": tree, "version": "5.1", "output_dir": home.parent / "output"})
    import_rounds(home_of(CM(str(home))), options, lambda _: None)


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Works in a process that dies at a step; False where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            Fuse(step)
            work()
        except BaseException:
            sys.__excepthook__(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
    return status != 0


TRACE_ME, NEXT_CALL, SET_OPTIONS = 0, 24, 0x4200
#: Calls are told from signals, and the process ends with the one that traces it.
TRACE_OPTIONS, CALL = 0x100001, signal.SIGTRAP | 0x80


def stopped_at(call: int | None, home: Path, tree: Path) -> int:
    """Imports in a process that is killed at the beginning or the end of a system call, or not at all.

    Returns how often it came to such a place.
    """
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    child = os.fork()
    if child == 0:
        try:
            ptrace(TRACE_ME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
            import_tree(home, tree)
        except BaseException:
            sys.__excepthook__(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    status, calls, passed_on = os.waitpid(child, 0)[1], 0, None
    assert os.WSTOPSIG(status) == signal.SIGSTOP
    assert ptrace(SET_OPTIONS, child, None, TRACE_OPTIONS) == 0, os.strerror(ctypes.get_errno())
    while os.WIFSTOPPED(status):
        ptrace(NEXT_CALL, child, None, passed_on)
        status, passed_on = os.waitpid(child, 0)[1], None
        if os.WIFSTOPPED(status) and os.WSTOPSIG(status) == CALL:
            if calls == call:
                os.kill(child, signal.SIGKILL)
            calls += 1
        elif os.WIFSTOPPED(status):
            passed_on = os.WSTOPSIG(status)
    assert status == (0 if call is None or call >= calls else signal.SIGKILL)
    return calls


def state_of(home: Path) -> dict[str, str]:
    """Every file of the store, CM's index, and the summaries beside; without dates and places."""
    files = [path for path in (home / "repos/local/experiment").rglob("*") if path.is_file()]
    files += [
        home / "index.json",
        *(home.parent / "output").glob("[ms]*summary*"),
        home.parent / "output/summary_results.json",
    ]
    normal = {}
    for file in files:
        name = re.sub(r"\d{4}-\d\d-\d\d\.[\d.-]+", "<date>", str(file.relative_to(home.parent)))
        assert name not in normal
        normal[name] = file.read_text().replace(str(home), "<home>")
    return normal


def write_tree(root: Path, *benchmarks: str) -> Path:
    for benchmark in benchmarks:
        logs = [run_log(benchmark, 10 + number) for number in range(3)]
        write_submission(root, "Acme", "x8", benchmark, logs, system_description("Acme", system_name="x8"))
    return as_clone(root)


def nothing_there(home: Path, tmp_path: Path) -> None:
    """The store before a first import."""


def something_there(home: Path, tmp_path: Path) -> None:
    """A store in which there is something to add, update, keep, move and complete."""
    import_tree(home, write_tree(tmp_path / "before", "bert", "dlrm"))
    experiments = home / "repos/local/experiment"
    moving = {"version": "5.1", "submitter_folder": "Acme", "system_file": "x8", "Model_ID": "retinanet"}
    for scope in ("5.1", "all"):
        (file,) = (experiments / f"mlperf-training--{scope}--closed--language-processing").glob("*/cm-result.json")
        objects = json.loads(file.read_text())
        objects[0] |= {"Result": 1.0, "note": "mine"}
        file.write_text(json.dumps([*objects, moving | {"uid": "0123456789abcdef", "note": "moves"}]))


@pytest.fixture
def make_home(tmp_path, monkeypatch):
    """A function from a preparation to a function from a name to a home that is prepared so."""
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")  # a small index: this makes many homes

    def prepared(prepare):
        start = tmp_path / "start"
        assert CM(str(start / "CM")).access({"action": "find", "automation": "repo"})["return"] == 0
        prepare(start / "CM", tmp_path)

        def fresh(name: str) -> Path:
            shutil.copytree(start, tmp_path / name)
            file = tmp_path / name / "CM/index.json"
            file.write_text(file.read_text().replace(str(start / "CM"), str(tmp_path / name / "CM")))
            return tmp_path / name / "CM"

        return fresh

    return prepared


def check_completed(home: Path, tree: Path, expected: dict[str, str], when: str) -> None:
    """What a killed import left is whole, and another import makes of it what an undisturbed one makes."""
    for file in home.rglob("*.json"):
        json.loads(file.read_text())
    import_tree(home, tree)
    assert state_of(home) == expected, when
    shutil.rmtree(home.parent)


@pytest.mark.parametrize(
    ("prepare", "benchmarks"), [(nothing_there, ["bert"]), (something_there, ["bert", "retinanet"])], ids=["new", "changed"]
)
def test_killed_at_writes_and_run_again(tmp_path, make_home, prepare, benchmarks):
    tree = write_tree(tmp_path / "tree", *benchmarks)
    fresh = make_home(prepare)
    home = fresh("undisturbed")
    import_tree(home, tree)
    expected = state_of(home)
    assert len(expected) >= 4 * len(benchmarks) + 4
    step = 1
    while killed_at(step, partial(import_tree, home := fresh(f"step-{step}"), tree)):
        check_completed(home, tree, expected, f"killed at step {step}")
        step += EVERY
    assert state_of(home) == expected
    assert step > 50  # each of the files above has at least four steps


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs ptrace as Linux has it")
def test_killed_at_system_calls_and_run_again(tmp_path, make_home):
    tree = write_tree(tmp_path / "tree", "bert", "retinanet")
    fresh = make_home(something_there)
    calls = stopped_at(None, home := fresh("undisturbed"), tree)
    expected = state_of(home)
    assert calls > 1000
    for number in range(KILLS):
        call = random.randrange(calls)
        home = fresh(f"kill-{number}")
        stopped_at(call, home, tree)
        check_completed(home, tree, expected, f"killed at system call {call} of {calls}")
