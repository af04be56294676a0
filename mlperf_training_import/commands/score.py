"""Scores the runs in any logs by the rules, and shows the published results nearest to them.

Logs are found by what is in them, whatever they are called: files, folders, or - for standard input. Writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadInput, ImportFailure
from ..experiments.collect import collect_from, unique_entries
from ..runs.follow import follow
from ..runs.score import score_logs
from ..runs.texts import STANDARD_INPUT
from ..show.scored import show_groups, to_csv, to_json
from ..values import LARGEST_LOG_MB
from .home import add_home_flag, open_home

if TYPE_CHECKING:
    import argparse

    from ..model import Entry


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder with logs, or - for standard input")
    parser.add_argument("--round", metavar="X.Y", help="whose rules count; default: the newest that has the benchmark")
    parser.add_argument("--accelerators", type=int, metavar="N", help="accelerators of the system, if its logs do not say")
    parser.add_argument("--max_log_mb", type=int, default=LARGEST_LOG_MB, metavar="N", help="a larger log is not read")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--csv", action="store_true", help="print CSV, one line per run")
    output.add_argument("--follow", action="store_true", help="show what is added to one log until its run stops")
    add_home_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the groups of runs with their scores."""
    if options.follow:
        if len(options.paths) != 1 or options.paths[0] == STANDARD_INPUT:
            raise BadInput("--follow takes one file")
        follow(options.paths[0], options.round, lambda line: print(line, flush=True))
    groups, troubles = score_logs(options.paths, options.round, options.max_log_mb)
    if options.json:
        print(to_json(groups))
    elif options.csv:
        print(to_csv(groups), end="")
    else:
        show_groups(groups, troubles, _published(options), options.accelerators)
    return 0


def _published(options: argparse.Namespace) -> list[Entry]:
    """The results in the home; none where there is no home, which is no reason not to score."""
    try:
        return unique_entries(collect_from(open_home(options.home), ""))
    except (ImportFailure, ImportError):
        return []
