"""Other processes of this Python: a statement in, the command that runs it out."""

from __future__ import annotations

import sys


def python_command(statement: str, *arguments: str) -> list[str]:
    """The command that runs a statement in another Python, which looks for modules where this one does.

    ``python -m`` and ``python -c`` look first in the folder that they start in, which may be a clone, or a folder of
    downloads with a ``yaml.py`` in it. ``-P`` keeps Python from that only from version 3.11 on, and ``-I`` takes more away.
    """
    folders = [folder for folder in sys.path if folder]
    return [sys.executable, "-c", f"import sys; sys.path[:] = {folders!r}; {statement}", *arguments]


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module as ``python -m`` does, as :func:`python_command` starts it."""
    return python_command(f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)", *arguments)
