"""Says whether a submission would pass, and what a reviewer would object to.

Checks a submission, a submitter, a system, a benchmark folder, or a log, by the rules of mlperf_logging and the written
rules. Writes nothing. Exit codes: 0 nothing that rejects it; 1 something does; 2 the command line cannot be understood;
16 there are no logs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..checks.against import compare_with
from ..checks.check import check
from ..errors import NotUnderstood
from ..show.checked import FORMATS, to_peer_json, to_peer_text
from ..values import LARGEST_LOG_MB

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="submission, submitter, system, benchmark folder, or log"
    )
    parser.add_argument(
        "--round",
        metavar="X.Y",
        help="whose rules count; default: the round in the folder's name, else the newest public one",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="what to print; default: text")
    parser.add_argument(
        "--as_peer", action="store_true", help="only the verdicts of mlperf_logging, to the letter (text, json)"
    )
    parser.add_argument("--strict", action="store_true", help="exit code 1 for objections too")
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="a submission of an earlier round: say which logs are its logs again"
    )
    parser.add_argument("--max_log_mb", type=int, default=LARGEST_LOG_MB, metavar="N", help="a larger log is not read")


def run(options: argparse.Namespace) -> int:
    """Prints what was found."""
    if options.as_peer and options.format not in ("text", "json"):
        raise NotUnderstood(f"--as_peer: goes with --format=text or json, not with {options.format}")
    checked = check(options.folder, options.round, options.max_log_mb, as_peer=options.as_peer)
    if options.against is not None:
        compare_with(checked, options.against)
    if options.as_peer:
        print(to_peer_json(checked) if options.format == "json" else to_peer_text(checked))
        return int(checked.passing < checked.results)
    print(FORMATS[options.format](checked))
    return int(checked.fails(strict=options.strict))
