"""Writes results as a web page that needs no network: one file, or a folder for a web server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...atomic import write_atomically, write_if_different
from ...errors import BadInput, NothingToShow, PublishFailure
from ...regular import read_regular
from ...values import counted
from .assemble import make_page
from .curves import iter_drawn
from .news import make_news, new_rounds
from .payload import make_payload
from .written import CURVES_FOLDER, curves_file, expect, keep_only, news_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ...values import JsonObject, Tell

    _Entries = list[Mapping[str, Any]]
    _Drawn = Iterable[tuple[str, list[JsonObject]]]

INDEX_FILE = "index.html"
DATA_FILE = "results.json"
#: One file contains learning curves up to this size: people send it by mail and open it on a phone.
_MOST_EMBEDDED_BYTES = 2 << 20
#: The page of a site has less than a tenth of this.
_MOST_PAGE_BYTES = 16 << 20


def write_output(
    entries: Iterable[Mapping[str, Any]],
    output: Path,
    report: JsonObject | None = None,
    dataset: Path | None = None,
    tell: Tell = lambda _: None,
) -> int:
    """Writes one file if the name is that of a page, else a folder; returns how many results the page shows.

    A folder for a web server has the data beside the page, and a file of learning curves for each result, which the page
    reads when the result is opened. Another page shows what is new in the newest round of each suite. Files that an earlier
    call wrote for results that are gone are removed. The same input gives the same bytes.

    Args:
        entries: of the results.
        output: the page, or the folder.
        report: of an import, whose findings the page shows.
        dataset: folder of a data set. The page shows its learning curves, if they are not too large for one file.
        tell: called with a message about them.

    Raises:
        NothingToShow: there are no entries.
        BadInput: there is no data set in its folder, or a page of somebody else in the folder for the site.
        PublishFailure: the file or the folder cannot be written.
    """
    found = list(entries)
    if not found:
        raise NothingToShow("no MLPerf Training results to write a page of; import some first")
    drawn = iter_drawn(found, dataset, tell) if dataset else ()
    about_curves = (_write_page if is_page(output) else _write_site)(found, output, report or {}, dataset, drawn)
    if dataset:
        tell(about_curves)
    return len(found)


def is_page(output: Path) -> bool:
    """Whether a name is that of a page, and not of a folder. A link of this name is replaced, wherever it leads."""
    return output.suffix.lower() in (".html", ".htm") and (output.is_symlink() or not output.is_dir())


def _write_page(found: _Entries, file: Path, report: JsonObject, dataset: Path | None, drawn: _Drawn) -> str:
    """Writes one file; returns a message about the learning curves."""
    curves = dict(drawn)
    about_curves = f"learning curves of {counted(len(curves), 'result')} from {dataset}"
    size = len(_to_json(curves))
    if size > _MOST_EMBEDDED_BYTES:
        what = (
            f"left out the learning curves of {counted(len(curves), 'result')}, {size / 1e6:.1f} MB: too much for one file"
        )
        about_curves, curves = f"{what}; --output <folder> writes them beside the page", {}
    payload = make_payload(found, report, __version__, curves) | ({"curves": curves} if curves else {})
    write_atomically(file, make_page(__version__, payload).encode("utf-8"))
    return about_curves


def _write_site(found: _Entries, folder: Path, report: JsonObject, dataset: Path | None, drawn: _Drawn) -> str:
    """The same for a folder."""
    _make(folder)
    _refuse_foreign(folder / INDEX_FILE)
    news = new_rounds(found)
    of_news = set(map(news_file, news))
    expect(folder, of_news.union(curves_file(str(entry.get("uid"))) for entry in found if dataset))
    with_curves: set[str] = set()
    for uid, charts in drawn:
        if not with_curves:
            _make(folder / CURVES_FOLDER)
        write_if_different(folder / curves_file(uid), _to_json(charts))
        with_curves.add(uid)
    write_atomically(folder / DATA_FILE, _to_json(make_payload(found, report, __version__, with_curves)))
    page = make_page(__version__, source=DATA_FILE, news=[(label, news_file(label)) for label in news])
    write_atomically(folder / INDEX_FILE, page.encode("utf-8"))
    for label, before in news.items():
        write_if_different(folder / news_file(label), make_news(found, label, before).encode("utf-8"))
    keep_only(folder, of_news.union(map(curves_file, with_curves)))
    return f"learning curves of {counted(len(with_curves), 'result')} from {dataset}"


def _refuse_foreign(index: Path) -> None:
    """Keeps the page of somebody else: ours names its data.

    Raises:
        BadInput: it is not ours, or cannot be read.
    """
    try:
        is_ours = f'data-source="{DATA_FILE}"'.encode() in read_regular(index, _MOST_PAGE_BYTES)
    except FileNotFoundError:
        is_ours = not index.is_symlink()
    except OSError:
        is_ours = False
    if not is_ours:
        raise BadInput(f"{index.parent}: has an {INDEX_FILE} of its own; name a folder for the page alone")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishFailure(f"{folder}: cannot be made ({error.strerror})") from error


def _to_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
