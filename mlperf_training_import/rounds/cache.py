"""The entries of Collective Mind's cache that hold rounds: a running Collective Mind in, records out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ImportFailure
from ..tables.suites import labels_of_tags, suites

#: The tags that every entry with a clone has; one with a round has that of its suite too.
CLONE_TAGS = ("get", "repo")
#: The automation that keeps the cache.
CACHE = "cache,541d6f712a6b464e"
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
        return labels_of_tags(self.tags)

    @property
    def unfinished(self) -> bool:
        """Whether fetching it was not ended, or goes on."""
        return _UNFINISHED_TAG in self.tags


def cached_entries(cm: Any) -> list[CacheEntry]:
    """The entries with rounds, by folder.

    Raises:
        ImportFailure: the cache cannot be searched.
    """
    artifacts = []
    for suite in suites().values():
        tags = ",".join((*CLONE_TAGS, suite.cache_tag))
        # on the disk: an index that was cut off and begun anew knows some of the clones only, and CM looks no further
        found = cm.access({"action": "find", "automation": CACHE, "tags": tags, "skip_index_search": True})
        if found["return"] > 0:
            raise ImportFailure(f"the CM cache cannot be searched: {found.get('error', 'unknown reason')}")
        artifacts += found["list"]
    artifacts.sort(key=lambda artifact: str(artifact.path))
    return [CacheEntry(item.meta["uid"], tuple(item.meta["tags"]), Path(item.path) / "repo") for item in artifacts]
