"""Compares a submission with one of an earlier round: which logs are handed in again, and what changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import NotUnderstood
from ..regular import open_regular, read_regular
from ..values import LARGEST_LOG_MB
from .logs import read_lines
from .remarks import Remark, remark, short

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .check import Checked

_LARGEST_DESCRIPTION = 1 << 20
#: So many keys that changed stand in a remark.
_MOST_KEYS = 10


class _Every:
    """All keys."""

    def __contains__(self, _key: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class _Log:
    """A log: digest of its bytes, and the times at which its run started and stopped."""

    path: str
    digest: str
    times: tuple[float, float] | None


def compare_with(checked: Checked, earlier: Path) -> None:
    """Adds to a check what it has of an earlier submission.

    Raises:
        NotUnderstood: there is no such folder.
    """
    if not earlier.is_dir():
        raise NotUnderstood(f"--against={earlier}: no such folder")
    by_digest: dict[str, _Log] = {}
    by_times: dict[tuple[float, float], _Log] = {}
    for file in sorted(earlier.rglob("result_*.txt")):
        if (log := _log(file, file.relative_to(earlier).as_posix(), checked.version)) is not None:
            by_digest.setdefault(log.digest, log)
            if log.times is not None:
                by_times.setdefault(log.times, log)
    again: dict[tuple[str, str], int] = {}
    for found in checked.logs:
        log = _log(checked.root / found.path, found.path, checked.version)
        if log is None:
            continue
        place = found.path.rpartition("/")[0]
        if (same := by_digest.get(log.digest)) is not None:
            pair = (place, same.path.rpartition("/")[0])
            again[pair] = again.get(pair, 0) + 1
        elif log.times is not None and (like := by_times.get(log.times)) is not None:
            what = ", ".join(_changed(checked.root / found.path, earlier / like.path, checked.version))
            said = f"the run of {like.path}; {what or 'other lines'} changed"
            checked.remarks.append(remark("against.changed-log", found.path, said, place or found.path))
    for (place, before), count in again.items():
        checked.remarks.append(remark("against.same-logs", place, f"{count} logs are those of {before}", place))
        checked.remarks += _compare_descriptions(checked.root, place, earlier, before)
    checked.remarks.sort(key=lambda said: said.folder)


def _log(file: Path, path: str, version: str) -> _Log | None:
    try:
        with open_regular(file) as stream:
            digest = hashlib.sha256(stream.read(LARGEST_LOG_MB << 20)).hexdigest()
    except OSError:
        return None
    lines = read_lines(file, version, frozenset({"run_start", "run_stop"})).by_key
    starts, stops = lines.get("run_start"), lines.get("run_stop")
    return _Log(path, digest, (starts[0].time, stops[-1].time) if starts and stops else None)


def _changed(file: Path, earlier: Path, version: str) -> Iterator[str]:
    """Keys whose values differ between two logs of one run, with both values; and how many there are more."""
    ours, theirs = (read_lines(path, version, _Every()).first_values() for path in (file, earlier))
    changed = [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
    for key in changed[:_MOST_KEYS]:
        yield f"{key} ({short(theirs.get(key))} is {short(ours.get(key))} now)"
    if len(changed) > _MOST_KEYS:
        yield f"{len(changed) - _MOST_KEYS} more keys"


def _compare_descriptions(root: Path, place: str, earlier: Path, before: str) -> Iterator[Remark]:
    """What changed in the description of a system whose logs are handed in again."""
    ours, theirs = _description(root, place), _description(earlier, before)
    if ours is None or theirs is None:
        return
    changed = [key for key in sorted({*ours[1], *theirs[1]}) if ours[1].get(key) != theirs[1].get(key)]
    if changed:
        what = ", ".join(
            f"{key} ({short(theirs[1].get(key))} is {short(ours[1].get(key))} now)" for key in changed[:_MOST_KEYS]
        )
        yield remark("against.changed-description", ours[0], f"other than {theirs[0]}: {what}", place)


def _description(root: Path, place: str) -> tuple[str, dict[str, Any]] | None:
    """The description of the system that a result folder belongs to, with its path."""
    parts = place.split("/")
    if "results" not in parts or parts.index("results") + 1 >= len(parts):
        return None
    index = parts.index("results")
    path = "/".join((*parts[:index], "systems", f"{parts[index + 1]}.json"))
    try:
        content = json.loads(read_regular(root / path, _LARGEST_DESCRIPTION))
    except (OSError, ValueError, RecursionError):
        return None
    return (path, content) if isinstance(content, dict) else None
