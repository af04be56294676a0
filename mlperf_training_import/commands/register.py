"""Makes Collective Mind run this script, and imports nothing.

The package cmx4mlops has an older script of the same name. A link in the CM home, and an index that leads to it, make
cmr run this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..start.register import SCRIPT_FOLDER, register
from .home import add_home_flag, collective_mind, use_home

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Registers the script, and says what was done."""
    use_home(options.home, may_be_new=True)
    print(f"cmr runs this script: {register(collective_mind(), SCRIPT_FOLDER)} -> {SCRIPT_FOLDER}")
    print('next: cmr "import mlperf training to-experiment"')
    return 0
