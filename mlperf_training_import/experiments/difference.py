"""What an import changed in a repository: its state before and after in, kinds of change out. Reads only."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..results.entry import foreign_benchmarks
from ..tables.keys import owned_keys, reason_to_change
from ..tables.suites import label_of_experiment
from .locks import LOCK_FILE
from .publish import stored_experiments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..homes.home import Repository
    from ..model import Entry


What = Literal["added", "changed", "removed"]


class State(NamedTuple):
    """A repository at one time.

    ``objects`` are those of our experiments that have a uid, by experiment and uid. ``outside`` has size, times, inode and
    mode of every other file, by its path in the repository.
    """

    objects: Mapping[tuple[str, str], Entry]
    outside: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, target: Repository) -> State:
        """The state as it is now."""
        objects = {
            (experiment.name, item["uid"]): item
            for experiment in stored_experiments(target)
            for item in experiment.objects
            if isinstance(item, dict) and isinstance(item.get("uid"), str)
        }
        return cls(objects, dict(_iter_outside(target)))

    def commits(self, label: str) -> set[str]:
        """The commits that results of a round were imported from."""
        return {str(item.get("git_commit")) for item in self.objects.values() if item.get("version") == label}

    def uids(self) -> set[str]:
        """The uids of all results."""
        return {uid for _, uid in self.objects}


class Kind(NamedTuple):
    """A kind of change, and the number of results: what became of a key, and why.

    ``reason`` is empty where only other files of the round can be the reason. ``uid`` is that of the first result, and
    ``before`` and ``after`` are its values as JSON.
    """

    what: What
    key: str
    reason: str
    results: int
    uid: str
    before: str
    after: str


def kinds_of_change(before: State, after: State) -> list[Kind]:
    """What became of the keys of results that are in an experiment before and after, by key; unexplained ones first."""
    kinds: dict[tuple[str, str], Kind] = {}
    for place, old in before.objects.items():
        new = after.objects.get(place, old)
        for key in [] if new is old else sorted(old.keys() | new.keys()):
            one, other = _value(old, key), _value(new, key)
            if one != other:
                what: What = "changed" if one and other else "removed" if one else "added"
                first = Kind(what, key, _reason(what, key, old), 0, place[1], one, other)
                known = kinds.setdefault((what, key), first)
                kinds[what, key] = known._replace(results=known.results + 1)
    return sorted(kinds.values(), key=lambda kind: (bool(kind.reason), kind.what, kind.key))


def changed_outside(before: State, after: State) -> list[str]:
    """The files of the repository that are not ours and changed nevertheless, by name."""
    paths = before.outside.keys() | after.outside.keys()
    return sorted(path for path in paths if before.outside.get(path) != after.outside.get(path))


def _value(item: Entry, key: str) -> str:
    return json.dumps(item[key], sort_keys=True) if key in item else ""


def _reason(what: str, key: str, old: Entry) -> str:
    if what == "added":
        return "a key of this version" if key in owned_keys() else ""
    if what == "removed" and key in foreign_benchmarks(old):
        return "a column about another benchmark, whose results have entries of their own"
    if what == "removed" and old[key] == "":
        return "an empty text is no value"
    return reason_to_change(key)


def _iter_outside(target: Repository) -> Iterator[tuple[str, tuple[int, ...]]]:
    for folder, folders, files in os.walk(target.path):
        is_experiments = Path(folder) == target.experiments
        folders[:] = [name for name in folders if name != ".git" and not (is_experiments and label_of_experiment(name))]
        for path in (Path(folder, name) for name in (*files, *folders) if name != f".{LOCK_FILE}"):
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode):
                numbers = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode)
                yield path.relative_to(target.path).as_posix(), numbers
