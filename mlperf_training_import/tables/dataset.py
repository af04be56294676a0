"""The tables of the data set: names, columns and meaning."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import msgspec

from .files import Name, Names, Row, table_in, with_names
from .keys import Type, entry_keys

#: Origins of the keys whose values are copied unchanged into entries.
_SOURCES = frozenset({"description", "clone"})


class Column(Row, frozen=True):
    """A column: its name, type (as in ``keys.yaml``), meaning and unit, and whether this importer computes it.

    ``of`` is the table that the column refers to, empty for most.
    """

    type: Type
    text: Name
    unit: str = ""
    derived: bool = False
    of: str = ""
    name: str = ""


class _Table(Row, frozen=True):
    text: Name
    columns: dict[str, Column] = msgspec.field(default_factory=dict)
    key: Names = ()
    with_entry: bool = False


class _Tables(Row, frozen=True):
    version: int
    tables: dict[str, _Table]


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table: its name, meaning, the columns that identify a row (empty where none do), and all columns in order."""

    name: str
    text: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


_tables = table_in("dataset.yaml", _Tables)


@functools.cache
def schema_version() -> str:
    """The version of the schema; its second number counts the columns, so that a new column changes it."""
    return f"{_tables().version}.{sum(len(table.columns) for table in dataset_tables().values())}.0"


@functools.cache
def dataset_tables() -> dict[str, TableSchema]:
    """Every table by its name."""
    return {name: TableSchema(name, table.text, table.key, _columns(table)) for name, table in _tables().tables.items()}


def _columns(table: _Table) -> tuple[Column, ...]:
    taken = {name.lower() for name in table.columns}
    entry = {
        name: Column(key.type, key.text, key.unit, derived=key.source not in _SOURCES)
        for name, key in entry_keys().items()
        if table.with_entry and name.lower() not in taken
    }
    return tuple(with_names(table.columns | entry).values())
