"""The entries of Collective Mind's cache that hold rounds: a running Collective Mind in, records out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ImportFailure
from ..tables.suites import suites

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The tags that every entry with a round has.
CACHE_TAGS = ("get", "repo", suites()["training"].cache_tag)
#: The automation that keeps the cache.
CACHE = "cache,541d6f712a6b464e"
_VERSION_TAG = "version-"
#: Collective Mind tags what it is still fetching with this, and never uses it.
_UNFINISHED_TAG = "tmp"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An entry of the cache: its uid, its tags, and where the clone belongs, which need not be there."""

    uid: str
    tags: tuple[str, ...]
    clone: Path

    @property
    def labels(self) -> tuple[str, ...]:
        """The rounds that it is tagged as; one where all is well."""
        return labels_of(self.tags)

    @property
    def unfinished(self) -> bool:
        """Whether fetching it was not ended, or goes on."""
        return _UNFINISHED_TAG in self.tags


def labels_of(tags: Sequence[str]) -> tuple[str, ...]:
    """The round labels among the tags of a cache entry, each once."""
    return tuple(dict.fromkeys(tag[len(_VERSION_TAG) :] for tag in tags if tag.startswith(_VERSION_TAG)))


def cached_entries(cm: Any) -> list[CacheEntry]:
    """The entries with rounds, by folder.

    Raises:
        ImportFailure: the cache cannot be searched.
    """
    # on the disk: an index that was cut off and begun anew knows some of the clones only, and CM looks no further
    question = {"action": "find", "automation": CACHE, "tags": ",".join(CACHE_TAGS), "skip_index_search": True}
    found = cm.access(question)
    if found["return"] > 0:
        raise ImportFailure(f"the CM cache cannot be searched: {found.get('error', 'unknown reason')}")
    artifacts = sorted(found["list"], key=lambda artifact: artifact.path)
    return [CacheEntry(item.meta["uid"], tuple(item.meta["tags"]), Path(item.path) / "repo") for item in artifacts]
