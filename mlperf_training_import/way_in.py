"""How the user came in, so that advice names the command that they know: ``run.py``, ``mlperf-training`` or ``cmr``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

#: Hands the command line on to the processes that it starts; Collective Mind's own commands do not set it.
_VARIABLE = "MLPERF_TRAINING_IMPORT_COMMAND"
#: The options with which the command was given a CM home.
_HOME_VARIABLE = "MLPERF_TRAINING_IMPORT_HOME"


def enter() -> str:
    """Takes down how this process was called, for :func:`own_command`; returns the name of the program for its help."""
    program = sys.argv[0]
    is_file = program.endswith(".py")
    os.environ[_VARIABLE] = shlex.join([sys.orig_argv[0], program]) if is_file else Path(program).name
    return f"python {Path(program).name}" if is_file else Path(program).name


def own_command() -> str | None:
    """What starts our command line (``python run.py``), None for those who came through Collective Mind."""
    return os.environ.get(_VARIABLE)


def remember_home(folder: Path) -> None:
    """Takes down the CM home that the user named, so that what is advised goes on in it."""
    os.environ[_HOME_VARIABLE] = str(folder)


def playground_command() -> str:
    """What opens the playground over the CM home that was worked in."""
    command = own_command()
    if command is None:
        return 'cmr "gui _playground"'
    home = os.environ.get(_HOME_VARIABLE)
    return f"{command} playground{f' --home={shlex.quote(home)}' if home else ''}"
