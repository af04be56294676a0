"""What people type, so that advice names the commands that they know: those of their home, or our own command line."""

from __future__ import annotations

import shlex
import sys
from typing import NamedTuple

from ..place import IS_CHECKOUT, ROOT


class Commands(NamedTuple):
    """What people type in a home, what the home is called, and how they came in.

    ``fetch`` has fields for address, tags and branch, and ``anew`` follows it where another clone is there. ``remove`` has
    one for a cache entry's uid or folder, and the lines of ``add_repository`` for a name. ``see`` opens the playground, None
    where the home has no playground. ``own`` starts our command line, None for those who came through an automation;
    ``named`` is the home as the user named it.
    """

    home: str
    article: str
    fetch: str
    anew: tuple[str, ...]
    remove: str
    add_repository: tuple[str, ...]
    see: str | None
    own: str | None = None
    named: str = ""

    def next_steps(self, target_repo: str, *, playground: bool, dataset: bool, registered: bool) -> list[tuple[str, str]]:
        """What can be done with what was imported.

        Args:
            target_repo: the repository that was imported into; empty for the local one.
            playground: what the playground needs is installed.
            dataset: what a data set needs is installed.
            registered: ``see`` opens our playground, and not the older one.

        Returns:
            The purpose, and a command that works from here.
        """
        ours = self.own or _command_line()
        home = f" --home={shlex.quote(self.named)}" if self.named else ""
        if self.see and playground:
            return [("see it", self.see if registered and not self.own else f"{ours} playground{home}")]
        target = f" --target_repo={shlex.quote(target_repo)}" if target_repo else ""
        steps = [("see it", f"{ours} report{home}{target}")]
        if self.see is None and dataset:
            steps.append(("every run as tables", f"{ours} dataset{home}"))
        return steps


#: Submodules hold code of submitters, which is not read.
CM = Commands(
    home="CM",
    article="a",
    fetch='cmr "get git repo _repo.{address}" --extra_cache_tags={tags} --branch={branch} --submodules=',
    anew=("--new",),
    remove="cm rm cache {entry} -f",
    add_repository=("cm pull repo <name or address>", "cm init repo {name}"),
    see='cmr "gui _playground"',
)

MLC = Commands(
    home="MLC",
    article="an",
    fetch="mlcr get,git,repo,_repo.{address} --extra_cache_tags={tags} --env.MLC_GIT_BRANCH={branch} --submodules=",
    anew=(),  # with --new, mlcflow 1.3.8 leaves the clone in an entry that it takes for unfinished
    remove="mlc rm cache {entry} -f",
    add_repository=("mlc pull repo <name or address>", "mlc add repo {name}"),
    see=None,
)


def _command_line() -> str:
    """What starts our command line, for those who came another way."""
    return shlex.join([sys.executable, str(ROOT / "run.py")] if IS_CHECKOUT else ["mlperf-training"])
