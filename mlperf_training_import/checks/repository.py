"""Checks what git and the published repository would reject: names, sizes and links of all files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .remarks import Remark, remark
from .tree import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_BYTES = 50 << 20
#: After this many files and folders, the rest of a tree is not checked.
_MOST_ENTRIES = 1_000_000
#: Files and folders of git and GitHub, which are not part of the submission.
_OF_GIT = frozenset({".git", ".gitignore", ".gitattributes", ".gitmodules", ".github"})


def iter_repository(root: Path, folder: str, files: set[tuple[str, str]]) -> Iterator[Remark]:
    """Remarks on everything below a folder of a tree, ordered by path. Links are not followed.

    Submitter and name of each file are added to ``files``.
    """
    left = _MOST_ENTRIES
    waiting = [folder]
    while waiting and left > 0:
        here = waiting.pop()
        entries = entries_of(root / here)
        left -= len(entries)
        for entry in entries:
            if entry.name in _OF_GIT:
                continue
            path = f"{here}/{entry.name}".removeprefix("/")
            files.add((path.partition("/")[0], entry.name))
            yield from _remarks(entry, path)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)


def _remarks(entry: os.DirEntry[str], path: str) -> Iterator[Remark]:
    submitter = path.partition("/")[0]
    if entry.name.startswith(".") or " " in entry.name:
        yield remark("repository.name", path, f"the name {entry.name!r}", submitter)
    if entry.is_symlink():
        if not os.path.exists(entry.path):  # noqa: PTH110 - for a link to itself it is False and does not raise
            yield remark("repository.link", path, "a link that leads nowhere", submitter)
        return
    try:
        size = entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else 0
    except OSError:
        return
    if size > _LARGEST_BYTES:
        yield remark("repository.size", path, f"{size / (1 << 20):.1f} MiB", submitter)
