"""Keeps a list of the files of results in a site, to remove those of results that are gone when it is written again."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from ...atomic import remove_leftovers, write_if_different
from ...errors import PublishFailure
from ...json_bytes import json_bytes
from ...regular import is_there, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: The folder with a file of learning curves for each result; the page's scripts know the name too.
CURVES_FOLDER = "curves"
#: Has the names of these files, as a list.
LIST_FILE = ".mlperf-training-site.json"
#: The list of a site with the curves of all published results has a hundredth of this.
_MOST_BYTES = 16 << 20
#: The names of our files of results. Anybody may have written the list, so other names in it are not ours.
_OURS = re.compile(r"curves/[0-9A-Za-z]{1,64}\.json|new-in-[0-9A-Za-z.-]{1,100}\.html", re.ASCII)


def curves_file(uid: str) -> str:
    """The file with the learning curves of a result, in the folder of a site."""
    return f"{CURVES_FOLDER}/{uid}.json"


def news_file(label: str) -> str:
    """The page that says what is new in a round, in the folder of a site."""
    return f"new-in-{label}.html"


def expect(folder: Path, names: Iterable[str]) -> None:
    """Adds to the list of a site what is about to be written, so that the list is right even if the writer is killed.

    Raises:
        PublishFailure: the list cannot be written, or a link leads out of the site.
    """
    if (folder / CURVES_FOLDER).is_symlink():
        raise PublishFailure(f"{folder / CURVES_FOLDER}: a link, which may lead out of the site; remove it")
    _write(folder, _listed(folder).union(names))


def keep_only(folder: Path, names: set[str]) -> None:
    """Removes the listed files of results that a site no longer has, and lists those that it has.

    Raises:
        PublishFailure: a file cannot be removed, or the list not be written.
    """
    for name in sorted(_listed(folder) - names):
        file = folder / name
        remove_leftovers(file)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise PublishFailure(f"{file}: of a result that is gone, and cannot be removed ({error.strerror})") from error
    with contextlib.suppress(OSError):  # it is not there, or has files
        (folder / CURVES_FOLDER).rmdir()
    _write(folder, names)


def _listed(folder: Path) -> set[str]:
    """The files of results that earlier writers listed.

    Raises:
        PublishFailure: there is a list that cannot be read.
    """
    file = folder / LIST_FILE
    if not is_there(file):
        return set()
    try:
        names = json.loads(read_regular(file, _MOST_BYTES, follow=False))
    except (OSError, ValueError, RecursionError) as error:
        raise PublishFailure(f"{file}: cannot be read; remove it, and files in {folder} of results that are gone") from error
    return {name for name in names if isinstance(name, str) and _OURS.fullmatch(name)} if isinstance(names, list) else set()


def _write(folder: Path, names: set[str]) -> None:
    write_if_different(folder / LIST_FILE, json_bytes(sorted(names)))
