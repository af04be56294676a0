"""The tables of the data set: what they are called, hold and mean."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .files import FOLDER, load_table
from .keys import entry_keys

#: Where the values of a key of an entry come from that the sources hold as they are.
_SOURCES = frozenset({"description", "clone"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, type (as in ``keys.yaml``), meaning and unit, and whether this importer computes it."""

    name: str
    type: str
    text: str
    unit: str = ""
    derived: bool = False


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table: its name, meaning, and columns in their order."""

    name: str
    text: str
    columns: tuple[Column, ...]


def schema_version() -> str:
    """The version of the schema."""
    version: str = load_table(FOLDER / "dataset.yaml")["version"]
    return version


@functools.cache
def dataset_tables() -> dict[str, TableSchema]:
    """Every table by its name."""
    content = load_table(FOLDER / "dataset.yaml")
    common = [Column(name, **row) for name, row in content["common"].items()]
    tables = {}
    for name, table in content["tables"].items():
        columns = [Column(column, **row) for column, row in table.get("columns", {}).items()] or _columns_of_entries()
        others = [column for column in columns if column.name not in content["common"]]
        tables[name] = TableSchema(name, table["text"], (*common, *others))
    return tables


def _columns_of_entries() -> list[Column]:
    """The keys of an entry, without those that repeat another one."""
    return [
        Column(key.name, key.type, key.text, key.unit, derived=key.source not in _SOURCES) for key in entry_keys().values()
    ]
