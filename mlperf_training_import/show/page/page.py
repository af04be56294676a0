"""Writes results as a web page that needs no network: one file, or a folder for a web server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...atomic import write_atomically
from ...errors import NothingToShow, PublishFailure
from .assemble import make_page
from .payload import make_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

INDEX_FILE = "index.html"
DATA_FILE = "results.json"


def write_output(entries: Iterable[Mapping[str, Any]], output: Path, report: Mapping[str, Any] | None = None) -> int:
    """Writes one file where the name ends as that of a page does, else a folder; see the two functions below."""
    is_page = output.suffix.lower() in (".html", ".htm") and not output.is_dir()
    return (write_page if is_page else write_site)(entries, output, report)


def write_page(entries: Iterable[Mapping[str, Any]], file: Path, report: Mapping[str, Any] | None = None) -> int:
    """Writes the page as one file and returns how many results are on it. The same input makes the same bytes.

    Raises:
        NothingToShow: there are no entries.
        PublishFailure: the file cannot be written.
    """
    found = _some(entries)
    write_atomically(file, make_page(__version__, make_payload(found, report or {}, __version__)).encode("utf-8"))
    return len(found)


def write_site(entries: Iterable[Mapping[str, Any]], folder: Path, report: Mapping[str, Any] | None = None) -> int:
    """Writes the page into a folder for a web server, its data beside it; returns how many results are on it.

    Raises:
        NothingToShow: there are no entries.
        PublishFailure: a file cannot be written.
    """
    found = _some(entries)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishFailure(f"{folder}: cannot be made ({error.strerror})") from error
    data = json.dumps(make_payload(found, report or {}, __version__), separators=(",", ":"), allow_nan=False)
    write_atomically(folder / DATA_FILE, data.encode("ascii"))
    write_atomically(folder / INDEX_FILE, make_page(__version__, source=DATA_FILE).encode("utf-8"))
    return len(found)


def _some(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = list(entries)
    if not found:
        raise NothingToShow("no MLPerf Training results to write a page of; import some first")
    return found
