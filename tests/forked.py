"""Commands in a fork of the tests, which has imported nearly everything that a command imports: that saves half a second.

A fork has the exit code, the output, the environment and the children of a process of its own. But its modules are there
already, with what they remember, files of the tests are open, and it ends without ``atexit``. So tests of first use, of
packages, of ``PYTHONPATH``, signals, terminals and pipes start a process (``support.run_cmr``).
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import logging
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from typing import IO, TYPE_CHECKING

from support import CMR, PROJECT

from mlperf_training_import.commands.line import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What Collective Mind, MLCFlow (which may be missing) and our commands import when they begin to work.
_IMPORTED = (
    *("cmind.cli", "cmind.net", "colorama", "filelock", "importlib.metadata", "packaging.version", "tarfile", "zipfile"),
    *("mlperf_training_import.pipeline", "mlperf_training_import.show.screen"),
    *(f"mlperf_training_import.commands.{module}" for module in COMMANDS.values()),
)
#: Ends a process that waits for a lock which another thread of the tests had when it was forked.
_MOST_SECONDS = 300


@functools.cache
def prepare() -> None:
    """Imports what commands need."""
    for name in _IMPORTED:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)


def start(work: Callable[[], object], out: IO[bytes], errors: IO[bytes]) -> int:
    """Begins to work in a process of its own, which writes to two files, and exits with what the work returns or exits with.

    Returns:
        The number of the process.
    """
    prepare()
    if child := os.fork():
        return child
    code: object = 1
    try:
        signal.alarm(_MOST_SECONDS)
        gc.freeze()  # to look for garbage among the objects of the tests would copy them
        logging.root.handlers.clear()  # those of pytest
        for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), out.fileno(), errors.fileno())):
            os.dup2(file, number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it is open as long as the process is
        sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = sys.__stderr__ = open(2, "w", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
        try:
            code = work()
        except SystemExit as end:
            code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code or 0)


def exit_code(child: int) -> int:
    """Waits for a process; below zero if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def call(work: Callable[[], object]) -> subprocess.CompletedProcess[str]:
    """Works in a process of its own, as :func:`start` does; returns its exit code and what it wrote."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        code = exit_code(start(work, out, errors))
        for file in (out, errors):
            file.seek(0)
        return subprocess.CompletedProcess((), code, out.read().decode(), errors.read().decode())


def command(*words: str, env: Mapping[str, str] | None = None) -> Callable[[], None]:
    """The work of a command.

    Args:
        words: what follows the name of Python: a file or ``-m`` and a module, and arguments.
        env: variables besides those of the tests.
    """

    def work() -> None:
        os.environ.update(env or {})
        sys.orig_argv = [sys.executable, *words]
        for name in [name for name in sys.modules if name.partition(".")[0] == "mlc"]:
            del sys.modules[name]  # MLCFlow finds its home when it is imported
        if words[0] == "-m":
            sys.argv = [*words[1:]]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = [*words]
            runpy.run_path(words[0], run_name="__main__")

    return work


def run(*words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a :func:`command`, as ``subprocess.run`` does without input."""
    return call(command(*words, env=env))


def cmr(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs ``cmr``."""
    return run(*CMR[1:], *arguments)


def run_py(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs ``run.py``."""
    return run(str(PROJECT / "run.py"), *arguments)
