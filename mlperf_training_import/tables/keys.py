"""The keys of an entry: names, types and meaning."""

from __future__ import annotations

import functools
from typing import Literal

import msgspec

from .files import Name, Row, named_rows

#: The types that a key may have; numbers and texts are lists.
Type = Literal["text", "number", "integer", "boolean", "numbers", "texts"]


#: Why a value can change although the files of its result did not, by the origin of the value.
_REASONS = {
    "tables": "the tables of this version have another value",
    "round": "it follows from the other results of the round",
    "entry": "it follows from other keys of the result",
}


class Page(Row, frozen=True):
    """The page's name for a key, and its column there if it has a title; the fields are those of ``keys.yaml``."""

    field: Name
    instead: Name | None = None
    is_link: bool = False
    title: str = ""
    place: int = 0
    width: int = 0
    own: bool = False
    first: bool = False


class Key(Row, frozen=True):
    """A row of ``keys.yaml``; the fields are those of the table. ``row`` is None for keys that are not columns."""

    type: Type
    text: Name
    source: Literal["logs", "tables", "result", "description", "clone", "power", "round", "entry"] = msgspec.field(
        name="from"
    )
    unit: str = ""
    differs: str = ""
    shown: bool = False
    figure: bool = False
    row: Literal["first", "last", "json"] | None = None
    page: Page | None = None
    name: str = ""


#: All keys by name, in the order of the table.
entry_keys = named_rows("keys.yaml", Key)


@functools.cache
def repeated_keys() -> tuple[str, ...]:
    """The keys that entries repeat with ``_`` in front."""
    return tuple(name for name, key in entry_keys().items() if key.shown)


@functools.cache
def owned_keys() -> frozenset[str]:
    """Every key that this importer writes, except those named after a benchmark. People may add others."""
    return frozenset(entry_keys()) | {f"_{name}" for name in repeated_keys()}


@functools.cache
def columns(*places: str) -> tuple[str, ...]:
    """The keys that are columns of the summaries at one of these places (``first``, ``last``, ``json``), in order."""
    return tuple(name for name, key in entry_keys().items() if key.row in places)


def reason_to_change(name: str) -> str:
    """Why the stored value of a key can change; empty where only a change in the files of the round explains it."""
    key = entry_keys().get(name.removeprefix("_")) or entry_keys().get(name)
    return (key.differs or _REASONS.get(key.source, "")) if key else ""
