"""Finds what to check: any folder or log of a submission in, its place among submitters out."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

import msgspec

from ..errors import NotUnderstood
from ..regular import read_regular, whole_path
from ..tables.checks import rulebook_of
from ..tables.labels import split_label
from ..tables.rules import known_benchmarks, known_rounds
from .folders import PARAMETERS_FILE, Contents

_LOG_NAME = re.compile(r"result_.*\.txt", re.DOTALL)
#: Names of repositories of results: ``training_results_v4.1``, ``hpc_results_v3.0``, ``submissions_training_v5.1``.
_REPOSITORY = re.compile(r"(?:submissions_)?(training|hpc)(?:_results)?_v(\d+\.\d+)", re.ASCII)
_LARGEST_PARAMETERS = 1 << 16
#: The folder of a benchmark is that of a system's, or of a metric's in it.
_DEEPEST_BENCHMARK = 3
#: Further names in one folder would add nothing.
_MOST_NAMES = 1_000_000


class Tree(msgspec.Struct, frozen=True):
    """The place of what is checked.

    ``root`` is the folder above the submitters, ``only`` the submitter if just one is checked, ``within`` the path below
    ``root`` to check (empty for all). ``logs`` are set where they are checked on their own: a single log, or logs around
    which nothing has the form of a submission.
    """

    root: Path
    only: str | None = None
    within: str = ""
    logs: tuple[str, ...] = ()


def find_tree(path: Path) -> Tree:
    """The place of a submission, a submitter, a system, a benchmark folder, or a log.

    Raises:
        NotUnderstood: there is no such file or folder.
    """
    path = whole_path(path)
    if not path.exists():
        raise NotUnderstood(f"{path}: no such file or folder")
    if path.is_dir() and (path / "results").is_dir():
        return Tree(path.parent, path.name, path.name)
    if path.is_dir() and any((child / "results").is_dir() or (child / "systems").is_dir() for child in _folders(path)):
        return Tree(path)
    for folder in (path, *path.parents):
        if folder.name == "results" and folder.is_dir() and _is_of_submitter(folder, path):
            root = folder.parent.parent
            if path.is_file():
                return Tree(root, logs=(path.relative_to(root).as_posix(),))
            return Tree(root, folder.parent.name, path.relative_to(root).as_posix())
    if path.is_file():
        return Tree(path.parent, logs=(path.name,))
    files = [entry for folder in (path, *_folders(path)) for entry in entries_of(folder) if _LOG_NAME.fullmatch(entry.name)]
    return Tree(path, logs=tuple(sorted(Path(file).relative_to(path).as_posix() for file in files if file.is_file())))


def _is_of_submitter(results: Path, path: Path) -> bool:
    """Whether a folder ``results`` above a path is that of a submitter, and not one that somebody called so.

    Descriptions lie beside it, or the name of a benchmark is on the way to the path or below it.
    """
    if not results.parent.name:
        return False
    if (results.parent / "systems").is_dir():
        return True
    names, folders = {*path.relative_to(results).parts}, [path]
    for _ in range(_DEEPEST_BENCHMARK):
        folders = [child for folder in folders for child in _folders(folder)]
        names.update(folder.name for folder in folders)
    return not known_benchmarks().isdisjoint(names)


def round_of(path: Path) -> str | None:
    """The round in the name of this folder or one above it, if that is named like a repository of results."""
    for folder in ((whole := whole_path(path)), *whole.parents):
        if (match := _REPOSITORY.fullmatch(folder.name)) is not None:
            label = f"hpc-{match[2]}" if match[1] == "hpc" else match[2]
            return label if split_label(label) is not None else None
    return None


def newest_round() -> str:
    """The newest round of Training that has rules."""
    return next(version for version in reversed(known_rounds("training")) if rulebook_of(version) is not None)


def contents_of(root: Path, folder: str, logs: frozenset[str]) -> Contents:
    """What a benchmark folder holds besides its logs."""
    place = root / folder
    others = tuple(entry.name for entry in entries_of(place) if entry.name not in logs and entry.name[:1] != ".")
    no_files = tuple(name for name in others if _LOG_NAME.fullmatch(name) and not os.path.isfile(place / name))  # noqa: PTH113 - raises nothing
    power = None
    if "power" in others:
        power = {run.name: tuple(entry.name for entry in entries_of(run)) for run in _folders(place / "power")}
    files = (place / PARAMETERS_FILE, place.parent / PARAMETERS_FILE)
    parameters = tuple((file.relative_to(root).as_posix(), text) for file in files if (text := _text_of(file)) is not None)
    return Contents(others, no_files, power, parameters)


def _text_of(file: Path) -> str | None:
    try:
        return read_regular(file, _LARGEST_PARAMETERS).decode("utf-8", "replace") if file.is_file() else None
    except OSError:
        return None


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder, by name; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(islice(entries, _MOST_NAMES), key=lambda entry: entry.name)
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    return [Path(entry) for entry in entries_of(folder) if entry.is_dir() and not entry.name.startswith(".")]
