"""The interface of a home, and the records that it gives."""

from __future__ import annotations

import contextlib
import datetime
import json
import shlex
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UnknownTarget
from ..tables.suites import labels_of_tags, suites

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..flags import Typed
    from ..tables.suites import Source
    from ..way_in import Commands

_Json = TypeVar("_Json", list[Any], dict[str, Any])
#: The tags that every cache entry with a clone has; one with a round has that of its suite too.
CLONE_TAGS = ("get", "repo")
#: What is still being fetched is tagged with this, and never used.
UNFINISHED_TAG = "tmp"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An entry of the cache: its uid, its tags, its folder, and where the clone belongs, which need not be there.

    ``expired_s`` is the time, in seconds since the epoch, from which the automation itself no longer uses it; None where
    it does.
    """

    uid: str
    tags: tuple[str, ...]
    folder: Path
    clone: Path
    expired_s: float | None = None

    @property
    def expired_on(self) -> datetime.date | None:
        """The day, in local time, on which it expired."""
        return None if self.expired_s is None else datetime.date.fromtimestamp(self.expired_s)  # noqa: DTZ012 - the user's

    @property
    def labels(self) -> tuple[str, ...]:
        """The rounds that it is tagged as; one where all is well."""
        return labels_of_tags(self.tags)

    @property
    def unfinished(self) -> bool:
        """Whether fetching it was not ended, or goes on."""
        return UNFINISHED_TAG in self.tags


@dataclass(frozen=True, slots=True)
class Repository:
    """A registered repository: alias, uid, its folder, and the folder in it that holds experiments."""

    alias: str
    uid: str
    path: Path
    experiments: Path


#: The description of an experiment, and its folder.
Described = tuple[dict[str, Any], Path]


class BadDescription(Exception):
    """The description of an experiment cannot be used: ``place`` is the file, ``what`` is wrong with it."""

    def __init__(self, place: Path, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


class Home(ABC):
    """Where clones are cached and experiments stored, by Collective Mind or by MLCFlow.

    ``description_file`` is the name of a new description of an experiment, ``module`` what Python runs as the automation's
    command line, and ``variable`` makes that work in this home. ``commands`` are what people type there.

    Args:
        repos_path: the folder that all of it lies in.
        running: the automation that works in it, where one does.
    """

    description_file: str
    module: str
    variable: str
    commands: Commands

    def __init__(self, repos_path: Path, running: Any = None) -> None:
        self.repos_path = repos_path
        self._running = running

    def name_as(self, named: str, own: str | None) -> None:
        """Says what the user called this home, if anything, and what started our own command line, if that did."""
        self.commands = replace(self.commands, own=own, named=named or self.commands.named)

    def afresh(self) -> Home:
        """The same home, by a look that sees what other processes have changed."""
        return type(self)(self.repos_path)

    @staticmethod
    @abstractmethod
    def typed(given: Mapping[str, Any]) -> Typed:
        """What was typed, by the input of a run that a script gets."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a command work in this home."""
        return {self.variable: str(self.repos_path)}

    def cached_entries(self) -> list[CacheEntry]:
        """The entries of the cache with rounds as they are on the disk now, by the folders of their clones.

        Raises:
            ImportFailure: the cache cannot be searched.
        """
        ours = {suite.cache_tag for suite in suites().values()}
        entries = (entry for entry in self._iter_cached() if is_clone(entry.tags) and not ours.isdisjoint(entry.tags))
        return sorted(entries, key=lambda entry: str(entry.clone))

    @abstractmethod
    def _iter_cached(self) -> Iterator[CacheEntry]:
        """The entries of the cache that may have clones."""

    @abstractmethod
    def _iter_remembered(self) -> Iterator[dict[str, Any]]:
        """What the index has of cache entries: their tags, and the ``path`` of each."""

    def gone_entries(self) -> list[tuple[str, Path]]:
        """Label and folder of the entries that the index has, but whose folder is gone. Asked before anything else."""
        gone = []
        for entry in self._iter_remembered():
            tags, folder = tags_of(entry), Path(str(entry.get("path", "")))
            if is_clone(tags) and not folder.is_dir():
                gone += [(label, folder) for label in labels_of_tags(tags)]
        return sorted(gone)

    @abstractmethod
    def remove_entry(self, entry: CacheEntry) -> None:
        """Removes an entry of the cache.

        Raises:
            ImportFailure: it cannot be removed.
        """

    def expire(self, entry: CacheEntry) -> None:  # noqa: B027 - there is nothing to do where a clone is fetched anew
        """Lets an entry be used only until there is another of its round, where :meth:`fetch_command` needs that.

        Raises:
            ImportFailure: it cannot be written.
        """

    def fetch_command(self, source: Source, *, anew: bool) -> list[str]:
        """The command, with its arguments, that clones a repository into the cache; into an entry of its own if anew."""
        _, *words = shlex.split(self.commands.fetch)
        values = {"address": source.address, "tags": source.cache_tags, "branch": source.branch}
        started = (sys.executable, "-m", self.module, "run", "script")
        return [*started, *(word.format_map(values) for word in words), "-s", *(self.commands.anew if anew else ())]

    def find_script(self, _script: str, ours: Path) -> Path | None:
        """The folder in which a script (``alias,uid``) is found: in ours, unless the automation has one of that name."""
        return ours

    @abstractmethod
    def find_repository(self, name: str) -> Repository:
        """A repository by alias, uid, or ``alias,uid``.

        Raises:
            UnknownTarget: none of that name is registered, or the name matches several.
        """

    @abstractmethod
    def read_description(self, folder: Path) -> dict[str, Any] | None:
        """The description in an experiment's folder, with its uid; None where there is none.

        Raises:
            BadDescription: it cannot be read, or has no uid.
        """

    def describe(self, alias: str, uid: str, tags: list[str]) -> dict[str, Any]:
        """The description of a new experiment, as the automation itself makes it."""
        return {"alias": alias, "uid": uid, "tags": tags}

    def index_left_alone(self) -> contextlib.AbstractContextManager[None]:
        """Keeps look-ups from writing the index for a while."""
        return contextlib.nullcontext()

    @abstractmethod
    def reload_index(self) -> None:
        """Makes the running automation see what other processes have changed."""

    @abstractmethod
    def add_to_index(self, experiments: Iterable[Described], repository: Repository) -> str | None:
        """Makes experiments be found. To be called under the lock, with the index left alone.

        Args:
            experiments: description and folder of each.
            repository: the one that they are in.

        Returns:
            Why the index could not be made anew, None if all is well.

        Raises:
            PublishFailure: the home cannot be written.
        """

    def unknown_target(self, name: str, known: Iterable[str]) -> UnknownTarget:
        """Says that no repository has a name, which have one, and how to add it."""
        add = "".join(f"\n  {line.format(name=name)}" for line in self.commands.add_repository)
        return UnknownTarget(
            f'target_repo "{name}" is not {self.commands.article} {self.commands.home} repository; registered are: '
            f"{', '.join(sorted(known))}\n"
            f"add it with one of:{add}"
        )


def json_in(data: bytes, kind: type[_Json]) -> _Json:
    """What a text in JSON holds; nothing where it was cut off, or is of another kind."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return kind()
    return content if isinstance(content, kind) else kind()


def tags_of(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags in a description; none where it has no list of them."""
    tags = meta.get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def is_clone(tags: Iterable[str]) -> bool:
    """Whether tags are those of a cache entry with a clone."""
    return {*CLONE_TAGS} <= {*tags}
