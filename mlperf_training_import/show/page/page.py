"""Writes results as a web page that needs no network: one file, or a folder for a web server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...atomic import write_atomically, write_if_different
from ...errors import NothingToShow, PublishFailure
from .assemble import make_page
from .curves import iter_drawn
from .payload import make_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

INDEX_FILE = "index.html"
DATA_FILE = "results.json"
#: The folder with a file of learning curves for each result; the page's scripts know the name too.
CURVES_FOLDER = "curves"
#: More learning curves than this are not put into one file: people send it by mail, and open it on a phone.
_MOST_EMBEDDED_BYTES = 2 << 20


def write_output(
    entries: Iterable[Mapping[str, Any]],
    output: Path,
    report: Mapping[str, Any] | None = None,
    dataset: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Writes one file where the name ends as that of a page does, else a folder; see the two functions below."""
    return (write_page if is_page(output) else write_site)(entries, output, report, dataset, tell)


def is_page(output: Path) -> bool:
    """Whether a name is that of a page, and not of a folder."""
    return output.suffix.lower() in (".html", ".htm") and not output.is_dir()


def write_page(
    entries: Iterable[Mapping[str, Any]],
    file: Path,
    report: Mapping[str, Any] | None = None,
    dataset: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Writes the page as one file and returns how many results are on it. The same input makes the same bytes.

    Args:
        entries: of the results.
        file: the page.
        report: of an import, whose findings the page shows.
        dataset: folder of a data set, whose learning curves are in the page if they are not too much for it.
        tell: takes what there is to say about them.

    Raises:
        NothingToShow: there are no entries.
        BadInput: the data set cannot be read.
        PublishFailure: the file cannot be written.
    """
    found = _some(entries)
    curves = dict(iter_drawn(found, dataset)) if dataset else {}
    size = len(_to_json(curves))
    if size > _MOST_EMBEDDED_BYTES:
        what = f"left out the learning curves of {len(curves)} results, {size / 1e6:.1f} MB: too much for one file"
        tell(f"{what}; --output <folder> writes them beside the page")
        curves = {}
    elif dataset:
        tell(f"learning curves of {len(curves)} results from {dataset}")
    payload = make_payload(found, report or {}, __version__, curves) | ({"curves": curves} if curves else {})
    write_atomically(file, make_page(__version__, payload).encode("utf-8"))
    return len(found)


def write_site(
    entries: Iterable[Mapping[str, Any]],
    folder: Path,
    report: Mapping[str, Any] | None = None,
    dataset: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Writes the page into a folder for a web server, its data beside it; returns how many results are on it.

    Learning curves have a file for each result, which the page reads when the result is opened. Arguments and errors are
    those of :func:`write_page`.
    """
    found = _some(entries)
    _make(folder)
    with_curves: set[str] = set()
    for uid, charts in iter_drawn(found, dataset) if dataset else ():
        if not with_curves:
            _make(folder / CURVES_FOLDER)
        write_if_different(folder / CURVES_FOLDER / f"{uid}.json", _to_json(charts))
        with_curves.add(uid)
    if dataset:
        tell(f"learning curves of {len(with_curves)} results from {dataset}")
    write_atomically(folder / DATA_FILE, _to_json(make_payload(found, report or {}, __version__, with_curves)))
    write_atomically(folder / INDEX_FILE, make_page(__version__, source=DATA_FILE).encode("utf-8"))
    return len(found)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishFailure(f"{folder}: cannot be made ({error.strerror})") from error


def _to_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _some(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = list(entries)
    if not found:
        raise NothingToShow("no MLPerf Training results to write a page of; import some first")
    return found
