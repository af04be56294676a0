"""The home of MLCFlow, to which MLCommons' automations moved from Collective Mind.

It is read from its files, so that it can be looked at where MLCFlow is not installed, and without the log file that
MLCFlow writes wherever it is imported. Nothing is written into its index, which MLCFlow brings up to date itself whenever
it starts: descriptions that are new on the disk are added then.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..atomic import write_atomically
from ..errors import ImportFailure
from ..flags import typed_in_mlc
from ..regular import is_there, read_regular
from ..way_in import MLC
from .home import BadDescription, CacheEntry, Home, Repository, json_in, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .home import Described

#: What a description may be called; the first that is there counts.
_DESCRIPTIONS = ("meta.yaml", "meta.json")
_MOST_BYTES = 16 << 20


class MlcHome(Home):
    """What MLCFlow works in: what ``MLC_REPOS`` names, or ``~/MLC/repos``; ``running`` is an ``mlc.action.Action``."""

    description_file = "meta.json"
    module = "mlc"
    variable = "MLC_REPOS"
    typed = staticmethod(typed_in_mlc)

    def __init__(self, repos_path: Path, running: Any = None) -> None:
        super().__init__(repos_path, running)
        self.commands = replace(MLC, named=str(repos_path))  # unless it is named, our command line works in that of CM

    def cached_entries(self) -> list[CacheEntry]:
        """See :class:`Home`; entries of MLCFlow expire, clones after five days.

        One that expired is left out where there is a newer one for the same round: it was fetched again. So is an
        unfinished one with the clone of another: where ``get,git,repo`` is run with ``--new``, mlcflow 1.3.8 leaves it so.
        """
        found = super().cached_entries()
        finished = {entry.clone for entry in found if not entry.unfinished}
        return _without_replaced([entry for entry in found if not entry.unfinished or entry.clone not in finished])

    def _iter_cached(self) -> Iterator[CacheEntry]:
        """See :class:`Home`."""
        for folder, meta in self._iter_described(self.repos_path / "local" / "cache"):
            clone, expires = folder / "repo", meta.get("cache_expiration")
            other = Path(str(meta.get("dependent_cached_path", "")))  # the clone, where it is in another entry
            if not clone.is_dir() and other.parent.parent == folder.parent and other.is_dir():
                clone = other
            has_expired = isinstance(expires, (int, float)) and 0 <= expires < time.time()
            yield CacheEntry(meta["uid"], tags_of(meta), folder, clone, expires if has_expired else None)

    def _iter_remembered(self) -> Iterator[dict[str, Any]]:
        """See :class:`Home`."""
        yield from (row for row in self._list_in("index_cache.json") if isinstance(row, dict))

    def remove_entry(self, entry: CacheEntry) -> None:
        """See :class:`Home`; MLCFlow drops it from its index when it next starts."""
        for folder in dict.fromkeys((entry.clone.parent, entry.folder)):
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise ImportFailure(f"{folder}: cannot be removed ({error.strerror})") from error

    def expire(self, entry: CacheEntry) -> None:
        """See :class:`Home`."""
        meta = self.read_description(entry.folder)
        if meta is not None and entry.expired_s is None:
            content = json.dumps(meta | {"cache_expiration": time.time()}, indent=4)
            write_atomically(entry.folder / self.description_file, content.encode("ascii"))

    def find_repository(self, name: str) -> Repository:
        """See :class:`Home`; also by the name of its folder, such as ``mlcommons@mlperf-automations``."""
        known = list(self._iter_repositories())
        found = [one for one in known if name in (one.alias, one.uid, f"{one.alias},{one.uid}", one.path.name)]
        if len(found) != 1:
            raise self.unknown_target(name, [repository.alias for repository in known])
        return found[0]

    def read_description(self, folder: Path) -> dict[str, Any] | None:
        """See :class:`Home`; MLCFlow takes ``meta.yaml`` where there is one, or else ``meta.json``."""
        place = folder
        try:
            place = next((file for name in _DESCRIPTIONS if is_there(file := folder / name)), folder)
            if place == folder:
                return None
            data = read_regular(place, _MOST_BYTES)
            content = yaml.safe_load(data) if place.suffix == ".yaml" else json.loads(data)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            why = error.strerror if isinstance(error, OSError) else "no YAML or JSON"
            raise BadDescription(place, f"cannot be read ({why})") from error
        if not isinstance(content, dict) or not isinstance(content.get("uid"), str):
            raise BadDescription(place, "it has no uid")
        return content

    def reload_index(self) -> None:
        """See :class:`Home`; MLCFlow reads and completes its index when it has none in memory."""
        for action in (self._running, getattr(self._running, "parent", None)):
            if action is not None:
                action._index = None

    def add_to_index(self, _experiments: Iterable[Described], _repository: Repository) -> str | None:
        """See :class:`Home`; MLCFlow adds them itself."""
        self.reload_index()
        return None

    def _list_in(self, name: str) -> list[Any]:
        """What a list of MLCFlow holds; nothing where it is not there, or cut off, which MLCFlow itself repairs."""
        with contextlib.suppress(OSError):
            return json_in(read_regular(self.repos_path / name, _MOST_BYTES), list)
        return []

    def _iter_repositories(self) -> Iterator[Repository]:
        for place in self._list_in("repos.json"):
            folder = Path(str(place).strip())
            with contextlib.suppress(BadDescription):  # MLCFlow passes such a repository over
                meta = self.read_description(folder)
                if meta is not None:
                    yield Repository(str(meta.get("alias") or folder.name), meta["uid"], folder, folder / "experiment")

    def _iter_described(self, parent: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The folders in a folder that have a description, by name, each with it."""
        with contextlib.suppress(FileNotFoundError):
            for folder in sorted(parent.iterdir()):
                with contextlib.suppress(BadDescription):  # being written, or of no program: MLCFlow passes it over
                    if folder.is_dir() and (meta := self.read_description(folder)) is not None:
                        yield folder, meta


def _without_replaced(found: list[CacheEntry]) -> list[CacheEntry]:
    """The entries that did not expire; of those that did the last one, where no other has its round."""
    whole = {e.labels for e in found if e.expired_s is None and not e.unfinished and e.clone.is_dir()}
    last = {e.labels: e for e in sorted(found, key=lambda e: e.expired_s or 0.0)}
    return [e for e in found if e.expired_s is None or not e.labels or (e is last[e.labels] and e.labels not in whole)]
