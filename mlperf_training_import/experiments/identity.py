"""Tells which result a stored object is: objects in, identities out."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DETAILS_URL = re.compile(r".*/blob/[^/]+/(?P<submitter>.+)/systems/(?P<system>[^/]+)\.json(?:[?#].*)?")


#: No address of a description is longer; the expression above takes the cube of the length for what does not fit.
_LONGEST_URL = 2000


#: Round label, submitter folder, system file name, benchmark key.
Identity = tuple[str, str, str, str]


def stored_identity(entry: object) -> Identity | None:
    """The identity that an object of this importer carries, None where it carries none."""
    if not isinstance(entry, dict):
        return None
    identity = tuple(entry.get(key) for key in ("version", "submitter_folder", "system_file", "Model_ID"))
    return identity if all(isinstance(part, str) and part for part in identity) else None


class IdentityIndex:
    """Finds out which result a stored object is.

    Objects of this importer carry their identity. In those of the older script it is read from ``details_url``, which has
    the description's submitter in the place of the folder, and may be URL-encoded: the entries of this import tell which
    folder that is.
    """

    def __init__(self, entries: Iterable[Mapping[str, object]]) -> None:
        self._entries: dict[Identity, Mapping[str, object]] = {}
        self._by_submitter: dict[Identity, list[Identity]] = defaultdict(list)
        for entry in entries:
            self._entries[stored_identity(entry)] = entry
        for identity, entry in self._entries.items():
            label, _, system, benchmark = identity
            self._by_submitter[label, entry["submitter"], system, benchmark].append(identity)

    def identify(self, item: object) -> Identity | None:
        """The identity of a stored object, None where it cannot be told.

        An object whose submitter is none of this import has the identity that its address says. Where several folders share
        its submitter and system, it is the one with the same minutes.
        """
        if (identity := stored_identity(item)) is not None or not isinstance(item, dict):
            return identity
        url, label, benchmark = (item.get(key) for key in ("details_url", "version", "Model_ID"))
        if not all(isinstance(text, str) and text for text in (url, label, benchmark)):
            return None
        if len(url) > _LONGEST_URL or (place := _DETAILS_URL.fullmatch(url)) is None:
            return None
        written = [(label, submitter, system, benchmark) for submitter, system in _spellings(place)]
        for identity in written:
            if candidates := self._by_submitter.get(identity):
                same = [one for one in candidates if self._entries[one]["Result"] == item.get("Result")]
                one_of = candidates if len(candidates) == 1 else same
                return one_of[0] if len(one_of) == 1 else None
        return next((identity for identity in written if identity in self._entries), written[0])

    def holds(self, identity: Identity) -> bool:
        """Whether this import has the result."""
        return identity in self._entries


def _spellings(place: re.Match) -> list[tuple[str, str]]:
    """What submitter and system may be called that stand in an address: decoded first; last for a branch with a slash."""
    names = place["submitter"], place["system"]
    spellings = [tuple(map(decode, names)) for decode in (unquote, str, unquote_plus)]
    spellings.append((unquote(names[0].rpartition("/")[2]), unquote(names[1])))
    return spellings
