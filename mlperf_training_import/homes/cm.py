"""The home of Collective Mind.

CM writes its index in place and whenever it looks something up. A run that is killed in between leaves half an index,
with which CM no longer finds its own scripts; two runs at once undo each other's additions. So imports keep CM from
writing it, and write it themselves, whole and under the lock.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmind import utils
from cmind.core import CM
from cmind.index import Index

from .. import way_in
from ..atomic import remove_leftovers, write_atomically
from ..errors import ImportFailure
from ..flags import CM_FLAGS, typed_in_cm
from ..regular import is_there
from ..tables.suites import labels_of_tags, suites
from .home import CLONE_TAGS, BadDescription, CacheEntry, Home, Repository, unknown_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..flags import Typed
    from ..tables.suites import Source
    from .home import Described

#: The automation that keeps the cache.
_CACHE = "cache,541d6f712a6b464e"
_EXPERIMENT = "experiment,a0a2d123ef064bcb"


def collective_mind() -> Any:
    """A Collective Mind of our own, which sees what other processes have changed."""
    return CM()


class CmHome(Home):
    """What a running Collective Mind (``cmind.core.CM``) works in."""

    description_file = "_cm.json"
    commands = way_in.CM
    flags = CM_FLAGS
    has_older_scripts = True

    def __init__(self, cm: Any) -> None:
        self._cm = cm
        self.repos_path = Path(cm.repos_path)

    @classmethod
    def of(cls, running: Any) -> Home:
        """See :class:`Home`; ``running`` is a ``cmind.core.CM``."""
        return cls(running)

    def typed(self, given: Mapping[str, Any]) -> Typed:
        """See :class:`Home`."""
        return typed_in_cm(given)

    def cached_entries(self) -> list[CacheEntry]:
        """See :class:`Home`."""
        artifacts = []
        for suite in suites().values():
            tags = ",".join((*CLONE_TAGS, suite.cache_tag))
            # on the disk: an index that was cut off and begun anew knows some of the clones only, and CM looks no further
            found = self._cm.access({"action": "find", "automation": _CACHE, "tags": tags, "skip_index_search": True})
            if found["return"] > 0:
                raise ImportFailure(f"the CM cache cannot be searched: {found.get('error', 'unknown reason')}")
            artifacts += found["list"]
        artifacts.sort(key=lambda artifact: str(artifact.path))
        return [CacheEntry(item.meta["uid"], tuple(item.meta["tags"]), Path(item.path) / "repo") for item in artifacts]

    def gone_entries(self) -> list[tuple[str, Path]]:
        """See :class:`Home`; the next search of the cache drops them from the index in memory."""
        self._cm.access({"action": "find", "automation": "repo", "artifact": "local"})  # makes it load the index
        remembered = self._cm.index.meta.get("cache", {})
        gone = []
        for _, entry in sorted(remembered.items()):
            tags, folder = entry.get("tags", []), Path(entry.get("path", ""))
            if {*CLONE_TAGS} <= {*tags} and not folder.is_dir():
                gone += [(label, folder) for label in labels_of_tags(tags)]
        return gone

    def remove_entry(self, entry: CacheEntry) -> None:
        """See :class:`Home`."""
        removed = self._cm.access({"action": "rm", "automation": _CACHE, "artifact": entry.uid, "f": True})
        if removed["return"] > 0:
            raise ImportFailure(f"{entry.clone.parent}: cannot be removed ({removed['error']})")

    def expire(self, _entry: CacheEntry) -> None:
        """See :class:`Home`; CM can be told to clone anew."""

    def fetch_command(self, source: Source, *, anew: bool) -> list[str]:
        """See :class:`Home`."""
        return [
            *(sys.executable, "-m", "cmind", "run", "script", f"get git repo _repo.{source.address}", "-s"),
            *(f"--extra_cache_tags={source.cache_tags}", f"--branch={source.branch}", way_in.NO_SUBMODULES),
            *(["--new"] if anew else []),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """See :class:`Home`."""
        return {"CM_REPOS": str(self.repos_path)}

    def find_repository(self, name: str) -> Repository:
        """See :class:`Home`."""
        found = self._cm.access({"action": "find", "automation": "repo", "artifact": name})
        repositories = found.get("list", []) if found["return"] == 0 else []
        if len(repositories) != 1 or any(c in name for c in "*?:"):
            known = self._cm.access({"action": "find", "automation": "repo"}).get("list", [])
            raise unknown_target(name, [repository.meta["alias"] for repository in known])
        repository = repositories[0]
        experiments = Path(repository.path_with_prefix) / "experiment"
        return Repository(repository.meta["alias"], repository.meta["uid"], Path(repository.path), experiments)

    def find_experiments(self, tag: str) -> list[tuple[str, Path]]:
        """See :class:`Home`."""
        found = self._cm.access({"action": "find", "automation": "experiment", "tags": tag})
        return [(item.meta["alias"], Path(item.path)) for item in found.get("list", ())]

    def read_description(self, folder: Path) -> dict[str, Any] | None:
        """See :class:`Home`."""
        place = folder / self.description_file
        try:
            for file in (folder / "_cm.yaml", place):
                if is_there(file) and not file.is_file():
                    raise BadDescription(file, "not a regular file")
            found = utils.load_yaml_and_json(str(folder / "_cm"))
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise BadDescription(place, f"cannot be read ({error})") from error
        if found["return"] == utils.ERROR_FILE_NOT_FOUND:
            return None
        if found["return"] > 0:
            raise BadDescription(place, found["error"])
        meta: dict[str, Any] = found["meta"]
        if not isinstance(meta.get("uid"), str):
            raise BadDescription(place, "it has no uid")
        return meta

    def describe(self, alias: str, uid: str, tags: list[str]) -> dict[str, Any]:
        """See :class:`Home`; as ``cm add experiment`` makes it."""
        automation_alias, automation_uid = _EXPERIMENT.split(",")
        meta = {"alias": alias, "uid": uid, "automation_alias": automation_alias, "automation_uid": automation_uid}
        return meta | {"tags": tags}

    @contextlib.contextmanager
    def index_left_alone(self) -> Iterator[None]:
        """See :class:`Home`: CM writes its index after any look-up that tells it something new."""
        cm = self._cm
        before, was_loaded = cm.use_index, cm.index is not None
        if before and not was_loaded:
            cm.index = Index(cm.repos_path, cm.cfg)
            cm.index.load()
        cm.use_index = False
        try:
            yield
        finally:
            cm.use_index = before
            if was_loaded:
                cm.index.updated = False
            else:
                cm.index = None  # the next look-up loads it, and makes it if there is none yet

    def reload_index(self) -> None:
        """See :class:`Home`."""
        self._cm.index.load()

    def afresh(self) -> Home:
        """See :class:`Home`."""
        return type(self)(type(self._cm)(str(self.repos_path)))

    def add_to_index(self, experiments: Iterable[Described], repository: Repository) -> str | None:
        """See :class:`Home`; other imports may have added to it, and one that was cut off is made anew."""
        cm = self._cm
        file = self.repos_path / cm.cfg["file_index"]
        remove_leftovers(file)
        data = file.read_bytes() if file.is_file() else b""
        content = _parsed(data)
        if self._is_whole(content):
            cm.index.meta = content
        else:
            cm.index.meta = {}
            everything = {"action": "search", "automation": "*", "skip_index_search": True, "force_index_add": True}
            found = cm.access(everything)
            if found["return"] > 0:
                return str(found["error"])
        for meta, path in experiments:
            kinds = cm.index.meta.get(meta.get("automation_uid"), {})
            indexed = kinds.get(meta.get("alias")), kinds.get(meta.get("uid"))
            gone = any(entry is not None and not Path(entry["path"]).is_dir() for entry in indexed)
            cm.index.add(meta, str(path), (repository.alias, repository.uid), update=gone)
        new = json.dumps(cm.index.meta, indent=2).encode("ascii")
        if new != data:
            write_atomically(file, new)
        return None

    def _is_whole(self, content: dict[str, Any]) -> bool:
        """Whether an index was made by looking at all repositories.

        After an index was cut off, CM goes on with one that has nothing but what it came across since: it lacks some of
        the automations in CM's own package, which nobody asks for.
        """
        automations = Path(self._cm.path_to_cmind_repo, "automation")
        own = {folder.name for folder in automations.iterdir() if any(folder.glob("_cm.*"))}
        return own <= set(content.get("automation", {}))


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
