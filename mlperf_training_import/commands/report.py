"""Writes the imported results as a web page with charts, filters and a table: one file, or a site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..dataset.curves import is_dataset
from ..dataset.library import MissingLibrary, need_library
from ..dataset.write import DATASET_FOLDER
from ..errors import NothingToShow
from ..experiments.collect import collect_from, split_private
from ..results.entry import order_of
from ..show.page.page import is_page, write_output
from ..show.report import REPORT_FILE, read_report
from ..values import counted, one_line
from .home import add_private_flag, add_store_flags, open_home

if TYPE_CHECKING:
    import argparse

_PAGE_FILE = Path("mlperf-training-results.html")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_store_flags(parser)
    add_private_flag(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=_PAGE_FILE,
        metavar="FILE|DIR",
        help="page to write; if the name does not end in .html, a folder for a web server, with page and data; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--findings",
        type=Path,
        metavar="FILE",
        help=f"report of an import, to show its findings; default: {REPORT_FILE}, if it is in the working directory",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="DIR",
        help=f"data set (see the command dataset), to show its learning curves; default: {DATASET_FOLDER}, if it is beside "
        "the page or in its folder",
    )


def run(options: argparse.Namespace) -> int:
    """Writes the page, with the findings of the report that the last import left here, and the curves of a data set."""
    results = split_private(collect_from(open_home(options.home), options.target_repo or ""))
    entries = results.public
    if results.private and options.private:
        entries = sorted([*entries, *results.private], key=order_of)
        print(f"{options.output} contains {results.private_ones()}: do not publish it")
    elif results.private and not entries:
        raise NothingToShow(f"only {results.private_ones()} to write a page of; --private shows them")
    elif results.private:
        print(f"left out {results.private_ones()}; --private shows them")
    file = options.findings or _report_of(options.home)
    report = read_report(file, optional=options.findings is None)
    dataset = options.dataset or dataset_of(options.output)
    count = write_output(entries, options.output, report, dataset, lambda line: print(one_line(line)))
    print(f"wrote {options.output} ({counted(count, 'result')})")
    return 0


def dataset_of(output: Path) -> Path | None:
    """The data set that lies with a page, where one does and can be read: in its folder, as its folder, or beside it."""
    places = [output.parent / DATASET_FOLDER]
    if not is_page(output):
        places = [output / DATASET_FOLDER, output, *places]
    found = next((place for place in places if is_dataset(place)), None)
    if found is None:
        return None
    try:
        need_library()
    except MissingLibrary as error:  # a page needs no data set
        print(f"left out the learning curves of {found}: {error}")
        return None
    return found


def _report_of(home: Path | None) -> Path:
    """Where the import left its report: in the folder of the demo, which may be named by the CM home in it, or here."""
    places = [Path()] if home is None else [home, home.parent]
    return next((place / REPORT_FILE for place in places if (place / REPORT_FILE).is_file()), places[0] / REPORT_FILE)
