"""How the user came in, so that advice names the commands that they know.

These are our own command line (``run.py``, ``mlperf-training``) or ``cmr``, and those of the home that is worked in.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .place import IS_CHECKOUT, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    ``add_repository`` for a name. ``see`` shows what was imported; without it, or for those who use our own command line,
    its commands do, each named with what it is for.
    """

    home: str
    article: str
    fetch: str
    remove: str
    add_repository: tuple[str, ...]
    see: str | None
    own: tuple[tuple[str, str], ...]


CM = HomeCommands(
    home="CM",
    article="a",
    fetch=f'cmr "get git repo _repo.{{address}}" --extra_cache_tags={{tags}} --branch={{branch}} {NO_SUBMODULES}',
    remove="cm rm cache {entry} -f",
    add_repository=("cm pull repo <name or address>", "cm init repo {name}"),
    see='cmr "gui _playground"',
    own=(("see it", "playground"),),
)

MLC = HomeCommands(
    home="MLC",
    article="an",
    fetch=(
        f"mlcr get,git,repo,_repo.{{address}} --extra_cache_tags={{tags}} --env.MLC_GIT_BRANCH={{branch}} {NO_SUBMODULES}"
    ),
    remove="mlc rm cache {entry} -f",
    add_repository=("mlc pull repo <name or address>", "mlc add repo {name}"),
    see=None,
    own=(("see it", "report"), ("every run as tables", "dataset")),
)

_entered = [CM]


def home_commands() -> HomeCommands:
    """The commands of the home that is worked in; Collective Mind's until another one is entered."""
    return _entered[0]


def enter_home(commands: HomeCommands, folder: Path) -> None:
    """Takes down which home is worked in, and where it is, for all that is said from now on."""
    _entered[0] = commands
    if commands is not CM:  # which our command line takes where none is named
        remember_home(folder)


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


def iter_next_steps() -> Iterator[tuple[str, str]]:
    """What can be done with what was imported into the home: what for, and the command."""
    commands, command = home_commands(), own_command()
    if command is None and commands.see is not None:
        yield "see it", commands.see
        return
    home = os.environ.get(_HOME_VARIABLE)
    for purpose, name in commands.own:
        yield purpose, f"{command or _command_line()} {name}{f' --home={shlex.quote(home)}' if home else ''}"


def _command_line() -> str:
    """What starts our command line, for those who came another way."""
    return shlex.join([sys.executable, str(ROOT / "run.py")] if IS_CHECKOUT else ["mlperf-training"])
