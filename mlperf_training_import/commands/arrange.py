"""Copies logs into the folder layout of a submission.

Finds logs by their content, strips what launchers added, and writes one plain file per run. Overwrites nothing. Shows at
the end what the command check finds in the submission.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..checks.check import check
from ..runs.arrange import arrange
from ..runs.whose import check_round
from ..show.checked import to_text
from ..show.scored import remarks_of_group
from ..tables.checks import checked_rounds
from ..values import counted, printable
from .home import above_0, add_size_flag

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("logs", nargs="+", metavar="LOGS", help="file or folder with logs, or - for standard input")
    parser.add_argument("--submitter", required=True, metavar="NAME", help="name of the submitter's folder")
    parser.add_argument("--system", required=True, type=Path, metavar="FILE", help="system description, <system>.json")
    parser.add_argument("--into", required=True, type=Path, metavar="DIR", help="folder to write the submission into")
    parser.add_argument("--round", metavar="X.Y", help="round of the submission; default: the newest that has the benchmark")
    add_size_flag(parser, above_0, "skip larger logs")


def run(options: argparse.Namespace) -> int:
    """Copies the logs, and says where they are, and which were left."""
    if options.round is not None:
        check_round(options.round, must_be_known=True)
    made = arrange(options.logs, options.submitter, options.system, options.into, options.round, options.max_log_mb)
    for group in made.groups:
        is_asked = any(doubt.code == "run-count" for doubt in group.findings)
        rule = f", {group.round} asks for {group.runs_required}" if is_asked else ""
        print(printable(f"{group.folder}: {counted(len(group.runs), 'log')}{rule}"))
    for group in made.groups:
        reason = group.reason if group.is_sweep else None
        for line in filter(None, (*group.notes, reason, remarks_of_group(group))):
            print(printable(f"{group.benchmark}: {line}"))
    for line in made.left:
        print(printable(f"skipped: {line}"))
    version = options.round or next((group.round for group in made.groups if group.round), None)
    if version in checked_rounds():
        print(to_text(check(options.into / options.submitter, version)))
    return 0
