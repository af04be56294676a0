"""The home of MLCFlow, to which MLCommons' automations moved from Collective Mind.

It is read from its files, so that it can be looked at where MLCFlow is not installed, and without the log file that
MLCFlow writes wherever it is imported. Nothing is written into its index, which MLCFlow brings up to date itself whenever
it starts: descriptions that are new on the disk are added then.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .. import way_in
from ..atomic import write_atomically
from ..errors import ImportFailure
from ..flags import MLC_FLAGS, typed_in_mlc
from ..regular import is_there, read_regular
from ..tables.suites import labels_of_tags, suites
from .home import CLONE_TAGS, BadDescription, CacheEntry, Home, Repository, unknown_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..flags import Typed
    from ..tables.suites import Source
    from .home import Described

#: What a description may be called; the first that is there counts.
_DESCRIPTIONS = ("meta.yaml", "meta.json")
_MOST_BYTES = 16 << 20


class MlcHome(Home):
    """What MLCFlow works in: the folder that ``MLC_REPOS`` names, or ``~/MLC/repos``.

    Args:
        repos_path: the folder.
        action: a running action of MLCFlow (``mlc.action.Action``) in it, if there is one.
    """

    description_file = "meta.json"
    commands = way_in.MLC
    flags = MLC_FLAGS
    has_older_scripts = False

    def __init__(self, repos_path: Path, action: Any = None) -> None:
        self.repos_path = repos_path
        self._action = action

    @classmethod
    def of(cls, running: Any) -> Home:
        """See :class:`Home`; ``running`` is an action of MLCFlow."""
        return cls(Path(running.repos_path).absolute(), running)

    def typed(self, given: Mapping[str, Any]) -> Typed:
        """See :class:`Home`."""
        return typed_in_mlc(given)

    def cached_entries(self) -> list[CacheEntry]:
        """See :class:`Home`; entries of MLCFlow expire, clones after five days.

        One that expired is left out where there is a newer one for the same round: it was fetched again. So is an
        unfinished one with the clone of another: where ``get,git,repo`` is run with ``--new``, mlcflow 1.3.8 leaves it so.
        """
        tags_of_suites, now, found = {suite.cache_tag for suite in suites().values()}, time.time(), []
        for folder, meta in self._iter_described(self._cache):
            tags = _tags_of(meta)
            if {*CLONE_TAGS} <= {*tags} and not tags_of_suites.isdisjoint(tags):
                expires = meta.get("cache_expiration")
                expired_s = expires if isinstance(expires, (int, float)) and 0 <= expires < now else None
                clone = self._clone_of(folder, meta)
                found.append((expired_s, CacheEntry(meta["uid"], tags, clone, _day_of(expired_s))))
        finished = {entry.clone for _, entry in found if not entry.unfinished}
        return _without_replaced(pair for pair in found if not pair[1].unfinished or pair[1].clone not in finished)

    def gone_entries(self) -> list[tuple[str, Path]]:
        """See :class:`Home`."""
        gone = []
        for entry in _json_list(self.repos_path / "index_cache.json"):
            if isinstance(entry, dict) and {*CLONE_TAGS} <= {*(tags := _tags_of(entry))}:
                folder = Path(str(entry.get("path", "")))
                if not folder.is_dir():
                    gone += [(label, folder) for label in labels_of_tags(tags)]
        return sorted(gone)

    def remove_entry(self, entry: CacheEntry) -> None:
        """See :class:`Home`; MLCFlow drops it from its index when it next starts."""
        for folder in dict.fromkeys((entry.clone.parent, self._folder_of(entry))):
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise ImportFailure(f"{folder}: cannot be removed ({error.strerror})") from error

    def expire(self, entry: CacheEntry) -> None:
        """See :class:`Home`."""
        folder = self._folder_of(entry)
        meta = self.read_description(folder)
        if meta is not None and entry.expired_on is None:
            content = json.dumps(meta | {"cache_expiration": time.time()}, indent=4)
            write_atomically(folder / self.description_file, content.encode("ascii"))

    def fetch_command(self, source: Source, *, anew: bool) -> list[str]:  # noqa: ARG002 - what is there has expired then
        """See :class:`Home`; with ``--new`` mlcflow 1.3.8 leaves the clone in an entry that it takes for unfinished."""
        return [
            *(sys.executable, "-m", "mlc", "run", "script", f"get,git,repo,_repo.{source.address}", "-s"),
            *(f"--extra_cache_tags={source.cache_tags}", f"--env.MLC_GIT_BRANCH={source.branch}", way_in.NO_SUBMODULES),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """See :class:`Home`."""
        return {"MLC_REPOS": str(self.repos_path)}

    def find_repository(self, name: str) -> Repository:
        """See :class:`Home`; also by the name of its folder, such as ``mlcommons@mlperf-automations``."""
        known = list(self._iter_repositories())
        found = [one for one in known if name in (one.alias, one.uid, f"{one.alias},{one.uid}", one.path.name)]
        if len(found) != 1:
            raise unknown_target(name, [repository.alias for repository in known])
        return found[0]

    def find_experiments(self, tag: str) -> list[tuple[str, Path]]:
        """See :class:`Home`."""
        return [
            (str(meta.get("alias") or folder.name), folder)
            for repository in self._iter_repositories()
            for folder, meta in self._iter_described(repository.experiments)
            if tag in _tags_of(meta)
        ]

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

    def describe(self, alias: str, uid: str, tags: list[str]) -> dict[str, Any]:
        """See :class:`Home`."""
        return {"alias": alias, "uid": uid, "tags": tags}

    def index_left_alone(self) -> contextlib.AbstractContextManager[None]:
        """See :class:`Home`; nothing here looks into it."""
        return contextlib.nullcontext()

    def reload_index(self) -> None:
        """See :class:`Home`; MLCFlow reads and completes its index when it has none in memory."""
        for action in (self._action, getattr(self._action, "parent", None)):
            if action is not None:
                action._index = None

    def afresh(self) -> Home:
        """See :class:`Home`."""
        return self

    def add_to_index(self, _experiments: Iterable[Described], _repository: Repository) -> str | None:
        """See :class:`Home`; MLCFlow adds them itself."""
        self.reload_index()
        return None

    @property
    def _cache(self) -> Path:
        return self.repos_path / "local" / "cache"

    def _clone_of(self, folder: Path, meta: dict[str, Any]) -> Path:
        """The clone of a cache entry: in its folder, or where its description says, if that is in the cache too."""
        clone = folder / "repo"
        other = Path(str(meta.get("dependent_cached_path", "")))
        is_other = not clone.is_dir() and other.parent.parent == self._cache and other.is_dir()
        return other if is_other else clone

    def _folder_of(self, entry: CacheEntry) -> Path:
        """The folder of an entry, which need not be that of its clone."""
        described = self._iter_described(self._cache)
        return next((folder for folder, meta in described if meta["uid"] == entry.uid), entry.clone.parent)

    def _iter_repositories(self) -> Iterator[Repository]:
        for place in _json_list(self.repos_path / "repos.json"):
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


def _without_replaced(found: Iterable[tuple[float | None, CacheEntry]]) -> list[CacheEntry]:
    """Entries, each with when it expired if it did; of those that did the last one, where no other has its round."""
    kept, expired = [], {}
    for expired_s, entry in sorted(found, key=lambda pair: pair[0] or 0.0):
        if expired_s is None or not entry.labels:
            kept.append(entry)
        else:
            expired[entry.labels] = entry
    replaced = {entry.labels for entry in kept if not entry.unfinished and entry.clone.is_dir()}
    kept += [entry for labels, entry in expired.items() if labels not in replaced]
    return sorted(kept, key=lambda entry: str(entry.clone))


def _day_of(seconds: float | None) -> datetime.date | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).astimezone().date()


def _tags_of(meta: dict[str, Any]) -> tuple[str, ...]:
    tags = meta.get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _json_list(file: Path) -> list[Any]:
    """What a list of MLCFlow holds; nothing where it is not there, or cut off, which MLCFlow itself repairs."""
    try:
        content = json.loads(read_regular(file, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    return content if isinstance(content, list) else []
