"""Writes what is imported as one web page, with charts, filters and a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments.collect import collect_from, unique_entries
from ..show.page.page import write_page
from .home import add_home_flag, collective_mind, use_home

if TYPE_CHECKING:
    import argparse

_PAGE_FILE = Path("mlperf-training-results.html")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)
    parser.add_argument("--target_repo", metavar="NAME", help="CM repository that has the experiments; default: local")
    parser.add_argument(
        "--output", type=Path, default=_PAGE_FILE, metavar="FILE", help="page to write; default: %(default)s"
    )


def run(options: argparse.Namespace) -> int:
    """Writes the page."""
    use_home(options.home)
    entries = unique_entries(collect_from(collective_mind(), options.target_repo or ""))
    count = write_page(entries, options.output)
    print(f"wrote {options.output} ({count} results)")
    return 0
