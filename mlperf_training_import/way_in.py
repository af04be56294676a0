"""How the user came in, so that advice names the commands that they know.

These are our own command line (``run.py``, ``mlperf-training``) or ``cmr``, and those of the home that is worked in.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

#: Hands the command line on to the processes that it starts; Collective Mind's own commands do not set it.
_VARIABLE = "MLPERF_TRAINING_IMPORT_COMMAND"
#: The options with which the command was given a home.
_HOME_VARIABLE = "MLPERF_TRAINING_IMPORT_HOME"
#: Submodules hold code of submitters, which is not read.
NO_SUBMODULES = "--submodules="


@dataclass(frozen=True, slots=True)
class HomeCommands:
    """What people type in a home, and what the home is called.

    ``fetch`` has fields for address, tags and branch, ``remove`` for a cache entry's uid or folder, and the lines of
    ``add_repository`` for a name.
    """

    home: str
    article: str
    fetch: str
    remove: str
    add_repository: tuple[str, ...]


CM = HomeCommands(
    home="CM",
    article="a",
    fetch=f'cmr "get git repo _repo.{{address}}" --extra_cache_tags={{tags}} --branch={{branch}} {NO_SUBMODULES}',
    remove="cm rm cache {entry} -f",
    add_repository=("cm pull repo <name or address>", "cm init repo {name}"),
)

_entered = [CM]


def home_commands() -> HomeCommands:
    """The commands of the home that is worked in; Collective Mind's until another one is entered."""
    return _entered[0]


def enter_home(commands: HomeCommands) -> None:
    """Takes down which home is worked in, for all that is said from now on."""
    _entered[0] = commands


def enter() -> str:
    """Takes down how this process was called, for :func:`own_command`; returns the name of the program for its help."""
    program = sys.argv[0]
    is_file = program.endswith(".py")
    os.environ[_VARIABLE] = shlex.join([sys.orig_argv[0], program]) if is_file else Path(program).name
    return f"python {Path(program).name}" if is_file else Path(program).name


def own_command() -> str | None:
    """What starts our command line (``python run.py``), None for those who came through an automation."""
    return os.environ.get(_VARIABLE)


def remember_home(folder: Path) -> None:
    """Takes down the home that the user named, so that what is advised goes on in it."""
    os.environ[_HOME_VARIABLE] = str(folder)


def playground_command() -> str:
    """What opens the playground over the CM home that was worked in."""
    command = own_command()
    if command is None:
        return 'cmr "gui _playground"'
    home = os.environ.get(_HOME_VARIABLE)
    return f"{command} playground{f' --home={shlex.quote(home)}' if home else ''}"
