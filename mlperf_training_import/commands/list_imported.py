"""Says what is cached, and what is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..show.screen import show_imported
from ..start.register import replaced_scripts
from ..way_in import own_command
from .home import add_home_flag, collective_mind, open_home

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)
    parser.add_argument("--target_repo", metavar="NAME", help="repository that has the experiments; default: local")


def run(options: argparse.Namespace) -> int:
    """Prints the cached rounds and the imported experiments."""
    home = open_home(options.home)
    show_imported(home, options.target_repo or "")
    if home.has_older_scripts and (replaced := replaced_scripts(collective_mind())):
        commands = " and ".join(script.command for script, _ in replaced)
        print(f"here {commands} would run an older script; to run ours: {own_command()} register")
    return 0
