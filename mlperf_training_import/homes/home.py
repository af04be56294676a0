"""The interface of a home, and the records that it gives."""

from __future__ import annotations

import contextlib
import datetime
import json
import shlex
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from ..errors import ImportFailure, UnknownTarget
from ..interpreter import module_command
from ..regular import read_regular
from ..tables.suites import labels_of_tags, suites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..flags import Typed
    from ..tables.suites import Source
    from ..values import JsonObject
    from .commands import Commands

_Json = TypeVar("_Json", list[Any], dict[str, Any])
#: The tags that every cache entry with a clone has; one with a round has that of its suite too.
CLONE_TAGS = ("get", "repo")
#: Of a description: the longest one of Collective Mind's own has a tenth of it.
_MOST_META_BYTES = 1 << 20
#: A megabyte of YAML takes a second; in Python it would take ten.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What follows the name of an entry's folder while it is removed.
_GOING = ".mlperf-training-removed"
#: What is still being fetched is tagged with this, and never used.
UNFINISHED_TAG = "tmp"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An entry of the cache: its tags, its folder, and where the clone belongs, which need not be there.

    ``is_old`` says that another entry of its round counts in its place, once there is one. ``expired_s`` is the time, in
    seconds since the epoch, from which the automation itself no longer uses it; None where it does.
    """

    tags: tuple[str, ...]
    folder: Path
    clone: Path
    is_old: bool = False
    expired_s: float | None = None

    @property
    def expired_on(self) -> datetime.date | None:
        """The day, in local time, on which it expired."""
        return None if self.expired_s is None else datetime.date.fromtimestamp(self.expired_s)  # noqa: DTZ012 - the user's

    @property
    def name(self) -> str:
        """The name of its folder, which the automation's commands take, as a shell reads it."""
        return shlex.quote(self.folder.name)

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
    """A repository that is registered in a home: alias, uid, its folder, and the folder in it that holds experiments."""

    home: Home
    alias: str
    uid: str
    path: Path
    experiments: Path


def is_called(name: str, alias: str, uid: str) -> bool:
    """Whether a name means what has this alias and uid: it is one of the two, or ``alias,uid``."""
    return name in (alias, uid, f"{alias},{uid}")


#: The description of an experiment, and its folder.
Described = tuple[dict[str, Any], Path]


class BadDescription(Exception):
    """A description cannot be used: ``place`` is its file, or a folder that cannot be read, ``what`` is wrong with it."""

    def __init__(self, place: Path, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


class Home(ABC):
    """Where clones are cached and experiments stored, by Collective Mind or by MLCFlow.

    ``description_file`` is the name of a new description of an experiment, and ``described_as`` what each of them says.
    ``module`` is what Python runs as the automation's command line, and ``variable`` makes that work in this home.
    ``commands`` are what people type there.

    Args:
        repos_path: the folder that all of it lies in.
        running: the automation that works in it, where one does.
    """

    description_file: str
    described_as: Mapping[str, str] = MappingProxyType({})
    module: str
    variable: str
    commands: Commands

    def __init__(self, repos_path: Path, running: Any = None) -> None:
        self.repos_path = repos_path
        self._running = running

    def name_as(self, named: str, own: str | None) -> None:
        """Says what the user called this home, if anything, and what started our own command line, if that did."""
        self.commands = self.commands._replace(own=own, named=named or self.commands.named)

    def afresh(self) -> Home:
        """The same home, read anew, so that changes by other processes are visible."""
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
            OSError: the cache cannot be read.
        """
        return _without_replaced(self._all_cached())

    def _all_cached(self) -> list[CacheEntry]:
        """As :meth:`cached_entries`, with those that others count in place of, but none that is being removed."""
        ours = {suite.cache_tag for suite in suites().values()}
        entries = (entry for entry in self._iter_cached() if is_clone(entry.tags) and not ours.isdisjoint(entry.tags))
        whole = (entry for entry in entries if not entry.folder.name.endswith(_GOING))
        return sorted(whole, key=lambda entry: str(entry.clone))

    @property
    @abstractmethod
    def cache(self) -> Path:
        """The folder that has the entries of the cache, each in a folder of its own."""

    @abstractmethod
    def _iter_cached(self) -> Iterator[CacheEntry]:
        """The entries of the cache that may have clones."""

    def undescribed_clones(self) -> list[tuple[Path, BadDescription]]:
        """The folders of entries that may have a clone, and that nobody finds: what is wrong with the description of each.

        Raises:
            OSError: the cache cannot be read.
        """
        troubles: list[BadDescription] = []
        for _ in self._iter_described(self.cache, troubles.append):
            pass
        found = [(self.cache / trouble.place.relative_to(self.cache).parts[0], trouble) for trouble in troubles]
        return [(folder, trouble) for folder, trouble in found if _may_have_clone(folder)]

    @abstractmethod
    def _iter_remembered(self) -> Iterator[JsonObject]:
        """The cache entries in the index: their tags, and the ``path`` of each."""

    def gone_entries(self) -> list[tuple[str, Path]]:
        """Label and folder of the entries that the index has, but whose folder is gone. Asked before anything else."""
        gone = []
        for entry in self._iter_remembered():
            tags, folder = tags_of(entry), Path(str(entry.get("path", "")))
            if is_clone(tags) and not folder.is_dir():
                gone += [(label, folder) for label in labels_of_tags(tags)]
        return sorted(gone)

    def refuse_elsewhere(self, entry: CacheEntry) -> None:
        """Refuses to remove anything but an entry of this home's cache, whatever an index or a description says.

        Raises:
            ImportFailure: a folder of the entry lies elsewhere, or a link leads to it.
        """
        cache = self.cache.resolve()
        for folder in _folders_of(entry):
            if folder.resolve() != cache / folder.name or not cache.is_relative_to(self.repos_path.resolve()):
                raise ImportFailure(f"{folder}: lies outside of {self.repos_path}, and is not removed; remove it yourself")

    def remove_entry(self, entry: CacheEntry) -> None:
        """Removes an entry of the cache, and the one that has its clone. Nobody finds half of one.

        Raises:
            ImportFailure: it cannot be removed, or lies elsewhere.
        """
        self.refuse_elsewhere(entry)
        for folder in _folders_of(entry):
            going = folder.with_name(f"{folder.name}{_GOING}")
            try:
                folder.rename(going)
                shutil.rmtree(going)
            except OSError as error:
                raise ImportFailure(f"{folder}: cannot be removed ({error.strerror})") from error
            self._forget(folder)

    def end_removals(self) -> None:
        """Removes what killed processes left when they removed or replaced entries. No such process may be running.

        Raises:
            ImportFailure: an entry cannot be removed.
        """
        for folder in self.cache.glob(f"*{_GOING}"):
            if not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
        counted = {entry.folder for entry in self.cached_entries()}
        for entry in self._all_cached():
            if entry.is_old and entry.expired_s is None and entry.folder not in counted:
                self.remove_entry(entry)

    def _forget(self, folder: Path) -> None:  # noqa: B027 - for an automation that brings its index up to date itself
        """Takes a cache entry that is gone out of the index."""

    @abstractmethod
    def being_replaced(self, entry: CacheEntry) -> contextlib.AbstractContextManager[None]:
        """Makes an entry count only until there is another one for its round. If none comes, nothing changes.

        Raises:
            ImportFailure: it cannot be written.
        """

    def fetch_command(self, source: Source, *, anew: bool) -> list[str]:
        """The command, with its arguments, that clones a repository into the cache; into an entry of its own if anew."""
        _, *words = shlex.split(self.commands.fetch)
        values = {"address": source.address, "tags": source.cache_tags, "branch": source.branch}
        given = [*(word.format_map(values) for word in words), "-s", *(self.commands.anew if anew else ())]
        return module_command(self.module, "run", "script", *given)

    def find_script(self, _script: str, ours: Path) -> Path | None:
        """The folder in which a script (``alias,uid``) is found: in ours, unless the automation has one of that name."""
        return ours

    def opens_our_playground(self) -> bool:
        """Whether the running automation would open our playground. Ask with the index loaded."""
        return False

    @abstractmethod
    def iter_repositories(self) -> Iterator[Repository]:
        """All repositories that are registered.

        Raises:
            ImportFailure: they cannot be read.
        """

    def finds(self, repository: Repository, name: str) -> bool:
        """Whether the automation finds a repository by a name."""
        return is_called(name, repository.alias, repository.uid)

    def find_repository(self, name: str) -> Repository:
        """A repository by alias, uid, or ``alias,uid``.

        Raises:
            UnknownTarget: none of that name is registered, or the name matches several.
            ImportFailure: they cannot be read.
        """
        known = list(self.iter_repositories())
        found = [repository for repository in known if self.finds(repository, name)]
        if len(found) != 1:
            add = "".join(f"\n  {line.format(name=name)}" for line in self.commands.add_repository)
            raise UnknownTarget(
                f'target_repo "{name}" is not {self.commands.article} {self.commands.home} repository; registered are: '
                f"{', '.join(sorted(repository.alias for repository in known))}\n"
                f"add it with one of:{add}"
            )
        return found[0]

    def read_description(self, folder: Path) -> JsonObject | None:
        """The description in an experiment's folder, with its uid; None where there is none.

        Raises:
            BadDescription: it cannot be read, or has no uid.
        """
        try:
            places = self._descriptions_in(folder)
        except OSError as error:
            raise BadDescription(folder, f"cannot be read ({error.strerror})") from error
        meta = {key: value for place in places for key, value in _read_meta(place).items()}
        if places and not isinstance(meta.get("uid"), str):
            raise BadDescription(places[-1], "it has no uid")
        return meta if places else None

    def _iter_described(
        self, parent: Path, report: Callable[[BadDescription], None] = lambda _: None
    ) -> Iterator[tuple[Path, JsonObject]]:
        """The folders in a folder that have a description, by name, each with it.

        One that cannot be used is reported. It may be of no program, or being written; it keeps nobody from the others.
        """
        with contextlib.suppress(FileNotFoundError):
            for folder in sorted(parent.iterdir()):
                try:
                    meta = self.read_description(folder) if folder.is_dir() else None
                except BadDescription as trouble:
                    report(trouble)
                    continue
                if meta is not None:
                    yield folder, meta

    @abstractmethod
    def _descriptions_in(self, folder: Path) -> list[Path]:
        """The files that describe what is in a folder; of what two say, the later one counts.

        Raises:
            OSError: the folder cannot be looked into.
        """

    def describe(self, alias: str, uid: str, tags: list[str]) -> JsonObject:
        """The description of a new experiment, as the automation itself makes it."""
        return {"alias": alias, "uid": uid, **self.described_as, "tags": tags}

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


def _may_have_clone(folder: Path) -> bool:
    """Whether an entry has a clone; also where nobody may look into its folder."""
    try:
        return (folder / "repo").is_dir()
    except OSError:
        return True


def _folders_of(entry: CacheEntry) -> list[Path]:
    """The folders of an entry: its clone may be in another one."""
    return list(dict.fromkeys((entry.folder, entry.clone.parent)))


def _without_replaced(found: list[CacheEntry]) -> list[CacheEntry]:
    """The entries that are not old; of those that are the last one, where no other has its round."""
    whole = {e.labels for e in found if not e.is_old and not e.unfinished and e.clone.is_dir()}
    last = {e.labels: e for e in sorted(found, key=lambda e: e.expired_s or 0.0) if e.is_old}
    return [e for e in found if not e.is_old or not e.labels or (e is last[e.labels] and e.labels not in whole)]


def _read_meta(file: Path) -> JsonObject:
    """What a description says, in JSON or YAML.

    Raises:
        BadDescription: it cannot be read, is no regular file, too large, or no mapping; or it repeats parts of itself, with
            which a few bytes can stand for billions of values.
    """
    try:
        data = read_regular(file, _MOST_META_BYTES)
        if file.suffix != ".yaml":
            content = json.loads(data)
        elif b"*" in data and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, _YAML_LOADER)):
            raise BadDescription(file, "it repeats parts of itself (YAML aliases)")
        else:
            content = yaml.load(data, _YAML_LOADER)  # noqa: S506 - both are safe
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else "no YAML or JSON"
        raise BadDescription(file, f"cannot be read ({why})") from error
    if not isinstance(content, dict):
        raise BadDescription(file, "it has no uid")
    return content


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
