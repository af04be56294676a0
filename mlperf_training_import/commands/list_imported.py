"""Shows what is cached, and what is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..show.screen import show_imported
from ..start.register import replaced_scripts
from .home import add_store_flags, open_home

if TYPE_CHECKING:
    import argparse


#: The options of this command.
add_flags = add_store_flags


def run(options: argparse.Namespace) -> int:
    """Prints the cached rounds and the imported experiments."""
    home = open_home(options.home)
    show_imported(home, options.target_repo or "")
    if replaced := replaced_scripts(home.afresh()):
        commands = " and ".join(script.command for script, _ in replaced)
        print(f"in this home, {commands} would run an older script; to run ours, type: {home.commands.own} register")
    return 0
