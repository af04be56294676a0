"""Shows whether a submission would pass, and what a reviewer would object to.

Checks a submission, a submitter, a system, a benchmark folder, or a log, by the rules of mlperf_logging and the written
rules. Writes nothing. Exit codes: 0 nothing rejects it; 1 something does; 2 wrong command line; 16 no logs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..checks.check import check
from ..errors import NotUnderstood
from ..show.checked import FORMATS, to_peer_json, to_peer_text
from .home import add_size_flag

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
        help="round whose rules apply; default: the round in the folder's name, else the newest",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="what to print; default: text")
    parser.add_argument(
        "--as_peer", action="store_true", help="show exactly the verdicts of mlperf_logging, and nothing else (text, json)"
    )
    parser.add_argument("--strict", action="store_true", help="also exit with 1 for objections")
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="earlier submission; shows which of its logs are submitted again"
    )
    add_size_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Prints what was found."""
    if options.as_peer and options.format not in ("text", "json"):
        raise NotUnderstood(f"--as_peer: needs --format=text or json, not {options.format}")
    if options.as_peer and options.against is not None:
        raise NotUnderstood("--as_peer: mlperf_logging compares with no earlier submission; leave out --against")
    checked = check(options.folder, options.round, options.max_log_mb, as_peer=options.as_peer)
    if options.against is not None:
        from ..checks.against import compare_with  # most submissions are the first

        compare_with(checked, options.against)
    if options.as_peer:
        print(to_peer_json(checked) if options.format == "json" else to_peer_text(checked))
        return int(not checked.passes_as_peer)
    print(FORMATS[options.format](checked))
    return checked.exit_code(strict=options.strict)
