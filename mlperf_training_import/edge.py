"""Error handling for all edges: work in, an exit code and a text out, in Collective Mind's form for scripts.

This module imports only the standard library and modules that do the same, so that it can name a missing package.
"""

from __future__ import annotations

import contextlib
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

from .errors import ImportFailure
from .place import IMPORT_SCRIPT
from .streams import give_up_output, prepare_streams
from .values import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

#: The dictionaries that CM passes in and gets back.
Answer = dict[str, Any]
#: Exceptions that end an edge with a text in place of a traceback.
EXPECTED = (ModuleNotFoundError, ImportFailure, KeyboardInterrupt, OSError)


def at_the_edge(work: Callable[[Answer], Answer], i: Answer) -> Answer:
    """Does some work, and turns errors into a return code and a text for CM.

    Ctrl-C, SIGTERM and SIGHUP end the work as an error does.

    Returns:
        What the work returns, or ``return`` above 0 with ``error``: 16 where nothing was found, 130 after Ctrl-C, 143 after
        SIGTERM, 129 after SIGHUP, 1 for everything else.
    """
    prepare_streams()
    try:
        with stopped_by_signals():
            return work(i)
    except EXPECTED as error:
        stored = "what was stored is whole, import again to complete it"
        return failed(*explained(error, "install what is needed:\n  ", stored))


def explained(error: BaseException, install: str, stored: str) -> tuple[int, str]:
    """The exit code and the text for an error that can happen anywhere.

    Args:
        error: one of ``EXPECTED``.
        install: the text before the command that installs a missing package.
        stored: what the user must know after an interruption.
    """
    if isinstance(error, ModuleNotFoundError):
        return 1, f"{error}; {install}{sys.executable} -m pip install -r {IMPORT_SCRIPT / 'requirements.txt'}"
    if isinstance(error, ImportFailure):
        return error.return_code, printable(str(error))
    if isinstance(error, KeyboardInterrupt):
        return 128 + (error.args[0] if error.args else signal.SIGINT), f"interrupted; {stored}"
    if isinstance(error, BrokenPipeError):
        give_up_output()
        return 1, f"nobody reads the output any more; {stored}"
    if isinstance(error, OSError):
        return 1, one_line(f"{error.filename or 'this machine'}: {error.strerror or error}")
    raise error


def failed(code: int, text: str) -> Answer:
    """An error for CM, which appends an exclamation mark: this must not follow a command or a path directly."""
    *_, last = text.split("\n")
    if last.startswith(" "):
        text += "\nthen try again"
    elif not re.search(r"([\s(][A-Za-z]+|[?)])$", last):
        text += "\n"
    return {"return": code, "error": text}


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end the block, and the processes that work for it, as Ctrl-C does.

    Has an effect only in the main thread. Programs started with ``nohup`` go on after SIGHUP.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    try:
        before = {number: signal.signal(number, stop) for number in heeded}
    except ValueError:  # this is another thread
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
