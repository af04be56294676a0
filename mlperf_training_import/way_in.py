"""What people type, so that advice names the commands that they know: those of their home, or our own command line."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from .place import IS_CHECKOUT, ROOT


@dataclass(frozen=True, slots=True)
class Commands:
    """What people type in a home, what the home is called, and how they came in.

    ``fetch`` has fields for address, tags and branch, and ``anew`` follows it where another clone is there. ``remove`` has
    one for a cache entry's uid or folder, and the lines of ``add_repository`` for a name. ``see`` shows what was imported;
    without it, or for those who use our own command line, the commands of this that ``shown_by`` lists do, each with its
    purpose. ``own`` starts our command line, None for those who came through an automation; ``named`` is the home as the
    user named it.
    """

    home: str
    article: str
    fetch: str
    anew: tuple[str, ...]
    remove: str
    add_repository: tuple[str, ...]
    see: str | None
    shown_by: tuple[tuple[str, str], ...]
    own: str | None = None
    named: str = ""

    def next_steps(self) -> list[tuple[str, str]]:
        """What can be done with what was imported: the purpose, and the command."""
        if self.see and not self.own:
            return [("see it", self.see)]
        home = f" --home={shlex.quote(self.named)}" if self.named else ""
        return [(purpose, f"{self.own or _command_line()} {name}{home}") for purpose, name in self.shown_by]


#: Submodules hold code of submitters, which is not read.
CM = Commands(
    home="CM",
    article="a",
    fetch='cmr "get git repo _repo.{address}" --extra_cache_tags={tags} --branch={branch} --submodules=',
    anew=("--new",),
    remove="cm rm cache {entry} -f",
    add_repository=("cm pull repo <name or address>", "cm init repo {name}"),
    see='cmr "gui _playground"',
    shown_by=(("see it", "playground"),),
)

MLC = Commands(
    home="MLC",
    article="an",
    fetch="mlcr get,git,repo,_repo.{address} --extra_cache_tags={tags} --env.MLC_GIT_BRANCH={branch} --submodules=",
    anew=(),  # with --new, mlcflow 1.3.8 leaves the clone in an entry that it takes for unfinished
    remove="mlc rm cache {entry} -f",
    add_repository=("mlc pull repo <name or address>", "mlc add repo {name}"),
    see=None,
    shown_by=(("see it", "report"), ("every run as tables", "dataset")),
)


def program_name() -> str:
    """What this process was called as, for its help: ``python run.py``, ``mlperf-training``."""
    name = Path(sys.argv[0]).name
    return f"python {name}" if name.endswith(".py") else name


def own_command() -> str:
    """What starts this process again (``python ../run.py``)."""
    program = sys.argv[0]
    return shlex.join([sys.orig_argv[0], program]) if program.endswith(".py") else Path(program).name


def _command_line() -> str:
    """What starts our command line, for those who came another way."""
    return shlex.join([sys.executable, str(ROOT / "run.py")] if IS_CHECKOUT else ["mlperf-training"])
