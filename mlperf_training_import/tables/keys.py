"""The keys of an entry: what they are called, hold and mean."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .files import FOLDER, load_table

#: The types that a key may have, and how Python says them.
TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "numbers": list,
    "texts": list,
}


@dataclass(frozen=True, slots=True)
class Key:
    """A row of ``keys.yaml``; the fields are those of the table. ``row`` is empty for keys that are no column."""

    name: str
    type: str
    text: str
    source: str
    unit: str = ""
    shown: bool = False
    figure: bool = False
    row: str = ""


@functools.cache
def entry_keys() -> dict[str, Key]:
    """Every key by its name, in the order of the table."""
    rows = load_table(FOLDER / "keys.yaml")
    return {name: Key(name, source=row.pop("from"), **row) for name, row in rows.items()}


@functools.cache
def repeated_keys() -> tuple[str, ...]:
    """The keys that stand a second time with ``_`` in front."""
    return tuple(name for name, key in entry_keys().items() if key.shown)


@functools.cache
def owned_keys() -> frozenset[str]:
    """Every key that this importer writes, apart from those named after a benchmark. Others belong to people."""
    return frozenset(entry_keys()) | {f"_{name}" for name in repeated_keys()}


@functools.cache
def columns(*places: str) -> tuple[str, ...]:
    """The keys that are columns of the summaries, at one of some places (``first``, ``last``, ``json``), in their order."""
    return tuple(name for name, key in entry_keys().items() if key.row in places)
