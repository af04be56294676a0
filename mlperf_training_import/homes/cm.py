"""The home of Collective Mind.

CM writes its index in place and whenever it looks something up. A run that is killed in between leaves half an index,
with which CM no longer finds its own scripts; two runs at once undo each other's additions. So imports keep CM from
writing it, and write it themselves, whole and under the lock.
"""

from __future__ import annotations

import contextlib
import functools
import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cmind.core import CM
from cmind.index import Index
from cmind.repos import Repos

from ..atomic import remove_leftovers, write_atomically
from ..errors import ImportFailure
from ..flags import typed_in_cm
from ..place import GUI_SCRIPT, GUI_UID
from ..regular import is_there, read_regular
from ..values import clean_text
from .commands import CM as COMMANDS
from .home import BadDescription, CacheEntry, Home, Repository, is_called, json_in, tags_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..values import JsonObject
    from .home import Described

#: The automation that keeps the cache.
_CACHE = "cache,541d6f712a6b464e"
#: An index of a hundred thousand artifacts has less.
_MOST_INDEX_BYTES = 256 << 20
#: A file in an entry that another is to replace.
_OLD_MARK = "mlperf-training-replaced"
#: The automation that runs scripts, by its uid.
_SCRIPT = "5b4e0237da074764"


class Experiment(NamedTuple):
    """An experiment of any kind in a home: what its description says, and its folder."""

    alias: str
    uid: str
    tags: tuple[str, ...]
    folder: Path
    has_password: bool


class CmHome(Home):
    """What Collective Mind works in; ``running`` is a ``cmind.core.CM``."""

    description_file = "_cm.json"
    described_as = MappingProxyType({"automation_alias": "experiment", "automation_uid": "a0a2d123ef064bcb"})
    module = "cmind"
    variable = "CM_REPOS"
    commands = COMMANDS
    typed = staticmethod(typed_in_cm)

    @functools.cached_property
    def _cm(self) -> Any:
        return self._running or CM(str(self.repos_path))

    def access(self, action: str, automation: str, **more: object) -> JsonObject:
        """What Collective Mind answers: a dictionary with ``return``, and with ``error`` where that is above 0."""
        answer: JsonObject = self._cm.access({"action": action, "automation": automation, **more})
        return answer

    def _iter_cached(self) -> Iterator[CacheEntry]:
        """See :class:`Home`; on the disk, as an index that was cut off and begun anew knows some of the clones only."""
        for folder, meta in self._iter_described(self.cache):
            is_old = is_there(folder / _OLD_MARK)
            if folder.is_dir():  # an old one may go meanwhile
                yield CacheEntry(tags_of(meta), folder, folder / "repo", is_old)

    def _iter_remembered(self) -> Iterator[JsonObject]:
        """See :class:`Home`; the next search of the cache drops them from the index in memory."""
        self.access("find", "repo", artifact="local")  # makes it load the index
        yield from self._cm.index.meta.get("cache", {}).values()

    @property
    def cache(self) -> Path:
        """See :class:`Home`."""
        return self.repos_path / "repos" / "local" / "cache"

    def _forget(self, folder: Path) -> None:
        """See :class:`Home`."""
        self.access("find", "repo", artifact="local")  # makes it load the index
        for kind in _CACHE.split(","):
            entries = self._cm.index.meta.get(kind, {})
            for key in [key for key, entry in entries.items() if entry.get("path") == str(folder)]:
                del entries[key]
                self._cm.index.updated = True
        self.access("find", "repo", artifact="local")  # makes it write what changed

    @contextlib.contextmanager
    def being_replaced(self, entry: CacheEntry) -> Iterator[None]:
        """See :class:`Home`."""
        mark = entry.folder / _OLD_MARK
        write_atomically(mark, b"")
        try:
            yield
        except BaseException:
            mark.unlink(missing_ok=True)
            raise

    def find_script(self, script: str, _ours: Path) -> Path | None:
        """See :class:`Home`; the package cmx4mlops has older scripts with our names."""
        found = self.access("find", "script", artifact=script).get("list")
        return Path(found[0].path).resolve() if found else None

    def opens_our_playground(self) -> bool:
        """See :class:`Home`; a home that an earlier version registered has the older one of the package cmx4mlops."""
        indexed = self._cm.index.meta.get(_SCRIPT, {}).get(GUI_UID, {})
        return Path(indexed.get("path", "")).resolve() == GUI_SCRIPT

    def iter_repositories(self) -> Iterator[Repository]:
        """See :class:`Home`.

        Collective Mind itself looks at every description on the way to them, if it has no index yet: at one of a stranger it
        may end with an exception, or find none.
        """
        cm = self._cm
        if cm.repos is None:
            repos = Repos(path=cm.repos_path, cfg=cm.cfg, path_to_internal_repo=cm.path_to_cmind_repo)
            if (answer := repos.load())["return"] > 0:
                raise ImportFailure(f"the repositories of {self.repos_path} cannot be read: {answer['error']}")
            cm.repos = repos
        for one in cm.repos.lst:
            yield Repository(
                self,
                alias=str(one.meta["alias"]),  # of digits, YAML makes a number
                uid=str(one.meta["uid"]),
                path=Path(one.path),
                experiments=Path(one.path_with_prefix) / "experiment",
            )

    def finds(self, repository: Repository, name: str) -> bool:
        """See :class:`Home`; in any case, as Collective Mind finds them."""
        return is_called(name.casefold(), repository.alias.casefold(), repository.uid.casefold())

    def find_experiments(self, report: Callable[[BadDescription], None]) -> list[Experiment]:
        """The experiments of all repositories; a description or folder that cannot be read is left out and reported."""
        found = []
        for repository in self.iter_repositories():
            try:
                for folder, meta in self._iter_described(repository.experiments, report):
                    alias = clean_text(meta.get("alias")) or folder.name
                    has_password = bool(meta.get("password_hash"))
                    found.append(Experiment(alias, meta["uid"], tags_of(meta), folder, has_password))
            except OSError as error:
                report(BadDescription(repository.experiments, f"cannot be read ({error.strerror})"))
        return found

    def _descriptions_in(self, folder: Path) -> list[Path]:
        """See :class:`Home`; as Collective Mind reads them."""
        return [file for name in ("_cm.yaml", "_cm.json") if is_there(file := folder / name)]

    @contextlib.contextmanager
    def index_left_alone(self) -> Iterator[None]:
        """See :class:`Home`: CM writes its index after any look-up that finds something new."""
        cm = self._cm
        before, was_loaded = cm.use_index, cm.index is not None
        if not was_loaded:
            cm.index = Index(cm.repos_path, cm.cfg)
            if before:
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

    def add_to_index(self, experiments: Iterable[Described], repository: Repository) -> str | None:
        """See :class:`Home`; other imports may have added to it, and one that was cut off is made anew."""
        cm = self._cm
        file = self.repos_path / cm.cfg["file_index"]
        remove_leftovers(file)
        data = read_regular(file, _MOST_INDEX_BYTES) if is_there(file) else b""
        content = json_in(data, dict)
        if self._is_whole(content):
            cm.index.meta = content
        else:
            cm.index.meta = {}
            found = self.access("search", "*", skip_index_search=True, force_index_add=True)
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

    def _is_whole(self, content: JsonObject) -> bool:
        """Whether an index was made by looking at all repositories.

        After an index was cut off, CM goes on with one that has nothing but what it came across since: it lacks some of
        the automations in CM's own package, which nobody asks for.
        """
        automations = Path(self._cm.path_to_cmind_repo, "automation")
        own = {folder.name for folder in automations.iterdir() if any(folder.glob("_cm.*"))}
        return own <= set(content.get("automation", {}))
