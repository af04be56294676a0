"""Finds what is to be checked: any folder or log of a submission in, its place among submitters out."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotUnderstood
from ..regular import read_regular
from ..tables.checks import checked_rounds
from ..tables.labels import split_label
from ..tables.rules import public_rounds
from .folders import PARAMETERS_FILE, Contents

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG_NAME = re.compile(r"result_.*\.txt", re.DOTALL)
#: What repositories of results are called: ``training_results_v4.1``, ``hpc_results_v3.0``, ``submissions_training_v5.1``.
_REPOSITORY = re.compile(r"(?:submissions_)?(training|hpc)(?:_results)?_v(\d+\.\d+)", re.ASCII)
_LARGEST_PARAMETERS = 1 << 16
#: More names of one folder say nothing more.
_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Tree:
    """Where something lies.

    ``root`` is the folder above the submitters, ``only`` the submitter where one is asked for, ``within`` the path below
    ``root`` that is asked for (empty for all). ``logs`` are given where nothing around them has the form of a submission.
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
    path = path.absolute()
    if not path.exists():
        raise NotUnderstood(f"{path}: no such file or folder")
    if path.is_dir() and (path / "results").is_dir():
        return Tree(path.parent, path.name, path.name)
    for folder in path.parents:
        if folder.name == "results" and folder.parent.name:
            root = folder.parent.parent
            return Tree(root, folder.parent.name, path.relative_to(root).as_posix())
    if path.name == "results" and path.is_dir():
        return Tree(path.parent.parent, path.parent.name, f"{path.parent.name}/results")
    if path.is_file():
        return Tree(path.parent, logs=(path.name,))
    if any((child / "results").is_dir() or (child / "systems").is_dir() for child in _folders(path)):
        return Tree(path)
    logs = [file for folder in (path, *_folders(path)) for file in _files(folder) if _LOG_NAME.fullmatch(file.name)]
    return Tree(path, logs=tuple(sorted(file.relative_to(path).as_posix() for file in logs)))


def round_of(path: Path) -> str | None:
    """The round that the name of a folder above says, as repositories of results are called."""
    for folder in (path.absolute(), *path.absolute().parents):
        if (match := _REPOSITORY.fullmatch(folder.name)) is not None:
            label = f"hpc-{match[2]}" if match[1] == "hpc" else match[2]
            return label if split_label(label) is not None else None
    return None


def newest_round() -> str:
    """The newest public round of Training that there are rules for."""
    return [version for version in public_rounds("training") if version in checked_rounds()][-1]


def contents_of(root: Path, folder: str, logs: frozenset[str]) -> Contents:
    """What lies in a benchmark folder beside its logs."""
    place = root / folder
    others = tuple(sorted(child.name for child in _children(place) if child.name not in logs and child.name[:1] != "."))
    power = None
    if "power" in others:
        runs = _folders(place / "power")
        power = {run.name: tuple(child.name for child in _children(run)) for run in runs}
    files = (place / PARAMETERS_FILE, place.parent / PARAMETERS_FILE)
    parameters = tuple((file.relative_to(root).as_posix(), text) for file in files if (text := _text_of(file)) is not None)
    return Contents(others, power, parameters)


def _text_of(file: Path) -> str | None:
    try:
        return read_regular(file, _LARGEST_PARAMETERS).decode("utf-8", "replace") if file.is_file() else None
    except OSError:
        return None


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in islice(entries, _MOST_NAMES)]
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    return sorted(child for child in _children(folder) if child.is_dir() and not child.name.startswith("."))


def _files(folder: Path) -> Iterator[Path]:
    return (child for child in _children(folder) if child.is_file())
