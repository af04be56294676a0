"""Writes every run, evaluation, setting, system and finding as Parquet files. Imports nothing.

A round that is written again replaces the one in the folder; other rounds stay. Needs requirements-dataset.txt.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..dataset.write import DATASET_FOLDER, Dataset
from ..errors import ImportFailure
from ..pipeline import write_dataset
from ..show.screen import Screen
from ..start.fetch import Fetcher
from ..values import counted, one_line
from .home import add_home_flag, add_round_flag, add_size_flag, open_home

if TYPE_CHECKING:
    import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)
    add_round_flag(
        parser,
        "only this round, fetching it unless it is cached; repeat the flag, or separate rounds by commas; default: every "
        "public round in the cache",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(DATASET_FOLDER),
        metavar="DIR",
        help="folder to write into; default: %(default)s",
    )
    parser.add_argument("--csv", action="store_true", help="also write every file as CSV, into the folder csv")
    parser.add_argument(
        "--no_measurements",
        action="store_true",
        help="leave the tables measurements and power empty, which saves a third of the time and two thirds of the space",
    )
    add_size_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Fetches what was asked for, writes the tables, and says how much it is.

    Raises:
        ImportFailure: a file of another round cannot be read; everything else was written.
    """
    screen, start = Screen(), time.monotonic()
    dataset = Dataset(options.output, options.csv, not options.no_measurements, screen.tell)
    home = open_home(options.home, may_be_new=True)
    for label in options.round:
        Fetcher(home, screen.tell).fetch(label)
    findings = write_dataset(home, options.round, dataset, options.max_log_mb, screen.tell, screen.progress)
    for name, rows in dataset.rows.items():
        print(f"{name:16}{rows:12,} rows {dataset.sizes[name] / 1e6:10.2f} MB")
    print(f"wrote {options.output} ({counted(len(findings), 'finding')}, {time.monotonic() - start:.1f} s)")
    if dataset.findings:
        lines = [f"{counted(len(dataset.findings), 'file')} of the data set cannot be read; all others are written:"]
        lines += [f"  {one_line(f'{finding.where}: {finding.what}')}" for finding in dataset.findings]
        raise ImportFailure("\n".join(lines))
    return 0
