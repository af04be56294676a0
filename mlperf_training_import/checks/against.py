"""Compares a submission with one of an earlier round: which logs were submitted again, and what changed."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from ..errors import NotUnderstood
from ..logs.line import KeptLine
from ..logs.log import read_log
from ..regular import read_regular, sha256_of
from ..tables.rules import rules_of
from ..values import LARGEST_LOG_MB, counted
from .lines import LineList
from .remarks import Remark, remark, short
from .tree import find_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..values import JsonObject
    from .check import Checked

_LARGEST_DESCRIPTION = 1 << 20
#: A remark lists at most this many changed keys.
_MOST_KEYS = 10


class _Every(dict[str, list[KeptLine]]):
    """Wants the lines of all keys."""

    def get(self, key: str, _default: object = None) -> list[KeptLine]:
        return self.setdefault(key, [])


def compare_with(checked: Checked, earlier: Path) -> None:
    """Adds remarks on what a submission reuses from an earlier one.

    Raises:
        NotUnderstood: there is no such folder, or no log in it.
    """
    if not earlier.is_dir():
        raise NotUnderstood(f"--against={earlier}: no such folder")
    by_digest: dict[str, str] = {}
    by_times: dict[tuple[float, float] | None, str] = {}
    dialect = rules_of(checked.version).dialect
    for file in sorted(earlier.rglob("result_*.txt")):
        if (digest := _digest(file)) is not None:
            path = file.relative_to(earlier).as_posix()
            by_digest.setdefault(digest, path)
            by_times.setdefault(read_log(file, dialect, path).span_ms, path)
    if not by_digest:
        raise NotUnderstood(f"--against={earlier}: no result_*.txt in it")
    by_times.pop(None, None)
    again: Counter[tuple[str, str]] = Counter()
    for found in checked.logs:
        place = found.path.rpartition("/")[0]
        digest = _digest(checked.root / found.path)
        if (like := by_digest.get(digest or "")) is not None:
            again[place, like.rpartition("/")[0]] += 1
        elif digest is not None and (like := by_times.get(found.run.span_ms)) is not None:
            ours, theirs = (_said(file, checked.version) for file in (checked.root / found.path, earlier / like))
            said = f"the run of the earlier {like}; {_changes(ours, theirs, more=' more keys') or 'other lines differ'}"
            checked.remarks.append(remark("against.changed-log", found.path, said, place or found.path))
            again[place, like.rpartition("/")[0]] += 0
    for (place, before), count in again.items():
        if count:
            said = f"{counted(count, 'log')} also in the earlier {before or earlier.name}"
            checked.remarks.append(remark("against.same-logs", place, said, place))
        checked.remarks += _compare_descriptions(checked.root, place, earlier / before)
    checked.remarks.sort(key=lambda said: said.folder)


def _digest(file: Path) -> str | None:
    """A digest of the bytes of a log, read in blocks; None where the log cannot be read, or is too large."""
    try:
        return sha256_of(file, LARGEST_LOG_MB << 20)[0]
    except OSError:
        return None


def _said(file: Path, version: str) -> JsonObject:
    """The first value that a log gives for each key."""
    found = LineList(_Every())
    read_log(file, rules_of(version).dialect, file.name, keeper=found)
    return {key: lines[0].value for key, lines in found.by_key.items()}


def _changes(ours: JsonObject, theirs: JsonObject, more: str = "") -> str:
    """Keys whose values differ, with both values, and how many there are ``more``; empty where none do."""
    changed = [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
    said = [f"{key} was {short(theirs.get(key))} and is {short(ours.get(key))}" for key in changed[:_MOST_KEYS]]
    if more and len(changed) > _MOST_KEYS:
        said.append(f"{len(changed) - _MOST_KEYS}{more}")
    return ", ".join(said)


def _compare_descriptions(root: Path, place: str, before: Path) -> Iterator[Remark]:
    """What changed in the description of a system whose runs were submitted again."""
    ours, theirs = _description(root / place), _description(before)
    if ours is None or theirs is None:
        return
    if what := _changes(ours[1], theirs[1]):
        yield remark("against.changed-description", ours[0].relative_to(root).as_posix(), what, place)


def _description(folder: Path) -> tuple[Path, JsonObject] | None:
    """The file and the content of the description of a result folder's system."""
    tree = find_tree(folder)
    submitter, _, system, *_ = f"{tree.within}///".split("/")
    if not system:
        return None
    file = tree.root / submitter / "systems" / f"{system}.json"
    try:
        content = json.loads(read_regular(file, _LARGEST_DESCRIPTION))
    except (OSError, ValueError, RecursionError):
        return None
    return (file, content) if isinstance(content, dict) else None
