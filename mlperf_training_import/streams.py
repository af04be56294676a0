"""Standard output and error, whatever they are: closed, a pipe whose reader is gone, a terminal that lacks characters."""

from __future__ import annotations

import io
import os
import sys


def prepare_streams() -> None:
    """Makes every write succeed: closed streams discard it, and characters that the encoding lacks become escapes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def give_up_output() -> None:
    """Keeps buffered output from failing again when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
