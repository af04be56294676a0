"""Makes Collective Mind run our scripts. Imports nothing.

The package cmx4mlops has older scripts with the same names, for the import and the playground. This command adds links and
index entries to the CM home, so that cmr runs ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..start.register import SCRIPTS, register
from .home import add_home_flag, open_cm_home

if TYPE_CHECKING:
    import argparse


#: The options of this command.
add_flags = add_home_flag


def run(options: argparse.Namespace) -> int:
    """Registers the scripts, and says what was done."""
    home = open_cm_home(options.home, may_be_new=True)
    places = register(home)
    for script, place in zip(SCRIPTS, places, strict=True):
        print(f"{script.command} runs {place}" + (f" -> {script.folder}" if place != script.folder else ""))
    print(f"next: {SCRIPTS[0].command}")
    return 0
