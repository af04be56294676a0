"""Finds out which result a stored object is: objects in, identities out."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from ..tables.metrics import metric_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Entry, Identity

_DETAILS_URL = re.compile(r".*/blob/[^/]+/(?P<submitter>.+)/systems/(?P<system>[^/]+)\.json(?:[?#].*)?")


#: No description has a longer address. Where nothing matches, the time for the expression above grows with the cube of it.
_LONGEST_URL = 2000


def stored_identity(entry: object) -> Identity | None:
    """The identity in an object that this importer wrote; None for any other object."""
    if not isinstance(entry, dict):
        return None
    label, submitter, system, benchmark = _texts(entry, "version", "submitter_folder", "system_file", "Model_ID")
    if not (label and submitter and system and benchmark):
        return None
    return (label, submitter, system, benchmark, *metric_in(entry).identity)


def _texts(item: Entry, *keys: str) -> list[str]:
    """The values of some keys, each empty if it is not text."""
    return [value if isinstance(value := item.get(key), str) else "" for key in keys]


class IdentityIndex:
    """Finds out which result a stored object is.

    Objects of this importer carry their identity. For those of the older script it is read from ``details_url``. That may be
    URL-encoded, and it names the submitter as the description does, not the folder; the entries of this import say which
    folder it is.
    """

    def __init__(self, entries: Mapping[Identity, Entry]) -> None:
        self._entries = entries
        self._by_submitter: dict[Identity, list[Identity]] = defaultdict(list)
        for identity, entry in entries.items():
            label, _, *rest = identity
            described = (label, entry["submitter"], *rest)
            self._by_submitter[described].append(identity)

    def identify(self, item: object) -> Identity | None:
        """The identity of a stored object, None if nobody knows it.

        If this import does not have the submitter, the address of the object says the identity. If several folders share its
        submitter and system, it is the one with the same minutes.
        """
        if not isinstance(item, dict):
            return None
        if (carried := stored_identity(item)) is not None:
            return carried
        written = _written_identities(item)
        for identity in written:
            if candidates := self._by_submitter.get(identity):
                if len(candidates) > 1:
                    candidates = [one for one in candidates if self._entries[one]["Result"] == item.get("Result")]
                return candidates[0] if len(candidates) == 1 else None
        return next(filter(self.holds, written), written[0] if written else None)

    def holds(self, identity: Identity) -> bool:
        """Whether this import has the result."""
        return identity in self._entries


def _written_identities(item: Entry) -> list[Identity]:
    """The identities that the address of an older object may mean, most likely first; none without an address."""
    url, label, benchmark = _texts(item, "details_url", "version", "Model_ID")
    if not (url and label and benchmark) or len(url) > _LONGEST_URL or (place := _DETAILS_URL.fullmatch(url)) is None:
        return []
    names = place["submitter"], place["system"]
    spellings = [tuple(map(decode, names)) for decode in (unquote, str, unquote_plus)]
    spellings.append((unquote(names[0].rpartition("/")[2]), unquote(names[1])))  # for a branch with a slash
    return [(label, *spelling, benchmark) for spelling in spellings]
