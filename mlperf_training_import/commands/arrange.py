"""Arranges any logs as a submission: copies them into the folders of the submission rules.

Logs are found by what is in them, and unwrapped on the way; one plain file per run. Nothing is overwritten.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..runs.arrange import arrange
from ..tables.rules import benchmark_of, public_rounds

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("logs", nargs="+", metavar="LOGS", help="file or folder with logs, or - for standard input")
    parser.add_argument("--submitter", required=True, metavar="NAME", help="folder of the submitter")
    parser.add_argument("--system", required=True, type=Path, metavar="FILE", help="system description, <system>.json")
    parser.add_argument("--into", required=True, type=Path, metavar="DIR", help="folder that gets the submission")
    parser.add_argument("--round", metavar="X.Y", help="round of the submission; default: the newest public one")


def run(options: argparse.Namespace) -> int:
    """Copies the logs, and says where they are."""
    made = arrange(options.logs, options.submitter, options.system, options.into, options.round)
    version = options.round or public_rounds()[-1]
    for folder, count in made.items():
        asked = benchmark_of(folder.name, version).runs
        rule = f", {version} asks for {asked}" if asked is not None and asked != count else ""
        print(f"{folder}: {count} logs{rule}")
    return 0
