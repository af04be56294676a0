"""The home of MLCFlow, to which MLCommons' automations moved from Collective Mind.

It is read from its files, so that it can be looked at where MLCFlow is not installed, and without the log file that
MLCFlow writes wherever it is imported. Nothing is written into its index, which MLCFlow brings up to date itself whenever
it starts: descriptions that are new on the disk are added then.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import write_atomically
from ..flags import typed_in_mlc
from ..regular import is_there, read_regular
from ..tables.suites import labels_of_tags
from .commands import MLC
from .home import BadDescription, CacheEntry, Home, Repository, is_clone, json_in, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..values import JsonObject
    from .home import Described

_MOST_BYTES = 16 << 20


class MlcHome(Home):
    """What MLCFlow works in: what ``MLC_REPOS`` names, or ``~/MLC/repos``; ``running`` is an ``mlc.action.Action``."""

    description_file = "meta.json"
    module = "mlc"
    variable = "MLC_REPOS"
    typed = staticmethod(typed_in_mlc)

    def __init__(self, repos_path: Path, running: Any = None) -> None:
        super().__init__(repos_path, running)
        self.commands = MLC._replace(named=str(repos_path))  # unless it is named, our command line works in that of CM

    def _all_cached(self) -> list[CacheEntry]:
        """See :class:`Home`; entries of MLCFlow expire, clones after five days, and are fetched again then.

        An unfinished one with the clone of another is left out: where ``get,git,repo`` is run with ``--new``, mlcflow 1.3.8
        leaves it so.
        """
        found = super()._all_cached()
        finished = {entry.clone for entry in found if not entry.unfinished}
        return [entry for entry in found if not entry.unfinished or entry.clone not in finished]

    @property
    def cache(self) -> Path:
        """See :class:`Home`."""
        return self.repos_path / "local" / "cache"

    def _iter_cached(self) -> Iterator[CacheEntry]:
        """See :class:`Home`."""
        described = dict(self._iter_described(self.cache))
        for folder, meta in described.items():
            tags, clone, expires = tags_of(meta), folder / "repo", meta.get("cache_expiration")
            # the clone, where it is in another entry; what an entry says leads to no other place, and to no other round
            other = Path(str(meta.get("dependent_cached_path", "")))
            tags_of_other = tags_of(described.get(other.parent, {}))
            is_of_round = is_clone(tags_of_other) and labels_of_tags(tags_of_other) == labels_of_tags(tags)
            if not clone.is_dir() and is_of_round and other.is_dir():
                clone = other
            has_expired = isinstance(expires, (int, float)) and 0 <= expires < time.time()
            yield CacheEntry(tags, folder, clone, has_expired, expires if has_expired else None)

    def _iter_remembered(self) -> Iterator[JsonObject]:
        """See :class:`Home`."""
        yield from (row for row in self._list_in("index_cache.json") if isinstance(row, dict))

    @contextlib.contextmanager
    def being_replaced(self, entry: CacheEntry) -> Iterator[None]:
        """See :class:`Home`; MLCFlow fetches nothing while it has an entry that did not expire."""
        meta = self.read_description(entry.folder)
        if meta is None or entry.is_old:
            yield
            return
        self._describe(entry.folder, meta | {"cache_expiration": time.time()})
        try:
            yield
        except BaseException:
            self._describe(entry.folder, meta)
            raise

    def _describe(self, folder: Path, meta: JsonObject) -> None:
        write_atomically(folder / self.description_file, json.dumps(meta, indent=4).encode("ascii"))

    def finds(self, repository: Repository, name: str) -> bool:
        """See :class:`Home`; also by the name of its folder, such as ``mlcommons@mlperf-automations``."""
        return super().finds(repository, name) or name == repository.path.name

    def _descriptions_in(self, folder: Path) -> list[Path]:
        """See :class:`Home`; MLCFlow uses ``meta.yaml`` if there is one, otherwise ``meta.json``."""
        return [file for name in ("meta.yaml", "meta.json") if is_there(file := folder / name)][:1]

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

    def iter_repositories(self) -> Iterator[Repository]:
        """See :class:`Home`."""
        for place in self._list_in("repos.json"):
            folder = Path(str(place).strip())
            with contextlib.suppress(BadDescription):  # MLCFlow passes such a repository over
                meta = self.read_description(folder)
                if meta is not None:
                    yield Repository(self, str(meta.get("alias") or folder.name), meta["uid"], folder, folder / "experiment")
