"""Scores the runs in any logs by the rules, and shows the closest published results.

Finds logs by their content, whatever their names: in files, folders, or standard input (-). Writes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..errors import BadInput, ImportFailure, NothingToScore
from ..experiments.collect import Results, collect_from, split_private
from ..runs.follow import follow
from ..runs.score import score_files
from ..runs.texts import STANDARD_INPUT
from ..runs.whose import check_asked, check_round
from ..show.scored import show_scored, to_csv, to_json, to_object
from .home import above_0, add_home_flag, add_private_flag, add_size_flag, open_home

if TYPE_CHECKING:
    import argparse

    from ..runs.score import Scored

#: Exit codes of ``--check``, beside that of :class:`NothingToScore`.
_NOT_SOUND, _NOT_READ = 1, 2


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder with logs, or - for standard input")
    parser.add_argument("--round", metavar="X.Y", help="round whose rules apply; default: the newest with the benchmark")
    parser.add_argument(
        "--accelerators", type=above_0, metavar="N", help="accelerators of the system, if the logs do not say"
    )
    add_size_flag(parser, above_0)
    parser.add_argument("--follow", action="store_true", help="follow one log, showing each evaluation until the run stops")
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 if a group has no score, the verdict fail, or runs that missed the target; "
        "with 2 if a file cannot be read or the command line is wrong; with 16 if there are no logs",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--csv", action="store_true", help="print CSV, one line per run")
    add_private_flag(parser)
    add_home_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the groups of runs with their scores."""
    try:
        scored = _scored(options)
    except ImportFailure as failure:
        if options.check and (not isinstance(failure, NothingToScore) or failure.unread):
            failure.return_code = _NOT_READ
        raise
    if options.json:
        print(json.dumps({"event": "score", **to_object(scored)}) if options.follow else to_json(scored))
    elif options.csv:
        print(to_csv(scored.groups), end="")
    else:
        show_scored(scored, _imported(options), options.accelerators, with_private=options.private)
    if not options.check or (scored.is_read and all(group.is_sound for group in scored.groups)):
        return 0
    return _NOT_SOUND if scored.is_read else _NOT_READ


def _scored(options: argparse.Namespace) -> Scored:
    """Scores the logs.

    Raises:
        BadInput: the round is unknown, or has no benchmark of these logs.
        NothingToScore: there are no logs.
    """
    if options.round is not None:
        check_round(options.round, must_be_known=True)
    if options.follow:
        if len(options.paths) != 1 or options.paths[0] == STANDARD_INPUT or options.csv:
            raise BadInput("--follow: give one file, and leave out --csv")
        follow(options.paths[0], options.round, lambda line: print(line, flush=True), as_json=options.json)
    scored = score_files(options.paths, options.round, options.max_log_mb)
    check_asked(options.round, scored.groups)
    return scored


def _imported(options: argparse.Namespace) -> Results:
    """The results in the home; none where there is no home, which is no reason not to score."""
    try:
        return split_private(collect_from(open_home(options.home), ""))
    except (ImportFailure, ImportError):
        return Results([], [])
