"""Opens the imported results in the Collective Knowledge Playground, on this machine only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..show.playground.playground import open_playground
from .home import add_home_flag, open_cm_home

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on; default: 8501, or any free one")
    parser.add_argument("--no_browser", action="store_true", help="do not open a browser")


def run(options: argparse.Namespace) -> int:
    """Opens the playground over the CM home, until it is stopped."""
    home, show = open_cm_home(options.home), not options.no_browser
    open_playground(home, lambda message: print(message, flush=True), port=options.port, browser=show)
    return 0
