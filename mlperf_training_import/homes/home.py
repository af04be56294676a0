"""The interface of a home, and the records that it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnknownTarget
from ..tables.suites import labels_of_tags
from ..way_in import home_commands

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from ..flags import Typed
    from ..tables.suites import Source
    from ..way_in import HomeCommands

#: The tags that every cache entry with a clone has; one with a round has that of its suite too.
CLONE_TAGS = ("get", "repo")
#: What is still being fetched is tagged with this, and never used.
UNFINISHED_TAG = "tmp"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An entry of the cache: its uid, its tags, and where the clone belongs, which need not be there.

    ``expired_on`` is the day, in local time, from which the automation itself no longer uses it; None where it does.
    """

    uid: str
    tags: tuple[str, ...]
    clone: Path
    expired_on: datetime.date | None = None

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
    """Where clones are cached and experiments stored, and what is asked and told there.

    ``repos_path`` is the folder that all of it lies in, ``description_file`` what the description of an experiment is
    called that is written anew, ``commands`` what people type there, and ``flags`` what the automation takes by itself.
    ``has_older_scripts`` says whether others of the same names may be found in place of ours.
    """

    repos_path: Path
    description_file: str
    commands: HomeCommands
    flags: frozenset[str]
    has_older_scripts: bool

    @classmethod
    @abstractmethod
    def of(cls, running: Any) -> Home:
        """The home of a running automation."""

    @abstractmethod
    def typed(self, given: Mapping[str, Any]) -> Typed:
        """What was typed, by the input of a run that a script gets."""

    @abstractmethod
    def cached_entries(self) -> list[CacheEntry]:
        """The entries of the cache with rounds as they are on the disk now, by folder.

        Raises:
            ImportFailure: the cache cannot be searched.
        """

    @abstractmethod
    def gone_entries(self) -> list[tuple[str, Path]]:
        """Label and folder of the entries that the index has, but whose folder is gone. Asked before anything else."""

    @abstractmethod
    def remove_entry(self, entry: CacheEntry) -> None:
        """Removes an entry of the cache.

        Raises:
            ImportFailure: it cannot be removed.
        """

    @abstractmethod
    def expire(self, entry: CacheEntry) -> None:
        """Lets an entry be used only until there is another of its round, where :meth:`fetch_command` needs that.

        Raises:
            ImportFailure: it cannot be written.
        """

    @abstractmethod
    def fetch_command(self, source: Source, *, anew: bool) -> list[str]:
        """The command, with its arguments, that clones a repository into the cache; into an entry of its own if anew."""

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The variables that make a command work in this home."""

    @abstractmethod
    def find_repository(self, name: str) -> Repository:
        """A repository by alias, uid, or ``alias,uid``.

        Raises:
            UnknownTarget: none of that name is registered, or the name matches several.
        """

    @abstractmethod
    def find_experiments(self, tag: str) -> list[tuple[str, Path]]:
        """Alias and folder of the experiments of all repositories that have a tag."""

    @abstractmethod
    def read_description(self, folder: Path) -> dict[str, Any] | None:
        """The description in an experiment's folder, with its uid; None where there is none.

        Raises:
            BadDescription: it cannot be read, or has no uid.
        """

    @abstractmethod
    def describe(self, alias: str, uid: str, tags: list[str]) -> dict[str, Any]:
        """The description of a new experiment, as the automation itself makes it."""

    @abstractmethod
    def index_left_alone(self) -> AbstractContextManager[None]:
        """Keeps look-ups from writing the index for a while."""

    @abstractmethod
    def reload_index(self) -> None:
        """Makes the running automation see what other processes have changed."""

    @abstractmethod
    def afresh(self) -> Home:
        """The same home, by a look that sees what other processes have changed."""

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


def unknown_target(name: str, known: Iterable[str]) -> UnknownTarget:
    """Says that no repository has a name, which have one, and how to add it."""
    commands = home_commands()
    add = "".join(f"\n  {line.format(name=name)}" for line in commands.add_repository)
    return UnknownTarget(
        f'target_repo "{name}" is not {commands.article} {commands.home} repository; registered are: '
        f"{', '.join(sorted(known))}\n"
        f"add it with one of:{add}"
    )
