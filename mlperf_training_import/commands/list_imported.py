"""Says what is cached, and what is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..show.screen import show_imported
from .home import add_home_flag, collective_mind, use_home

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)
    parser.add_argument("--target_repo", metavar="NAME", help="CM repository that has the experiments; default: local")


def run(options: argparse.Namespace) -> int:
    """Prints the cached rounds and the imported experiments."""
    use_home(options.home)
    show_imported(collective_mind(), options.target_repo or "")
    return 0
