"""Describes the data set in Croissant 1.0, the MLCommons format for that: files in, a JSON object out.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..regular import sha256_of
from ..tables.dataset import Column, TableSchema, dataset_tables, schema_version
from .parquet import metadata_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..values import JsonObject

CROISSANT_FILE = "croissant.json"

_PARQUET = "application/x-parquet"
_TYPES = {
    "text": "sc:Text",
    "number": "sc:Float",
    "integer": "sc:Integer",
    "boolean": "sc:Boolean",
    "numbers": "sc:Float",
    "texts": "sc:Text",
}
#: How the description of every data set begins. Source of its license and citation: the file LICENSE.md of the
#: repositories, and proceedings.mlsys.org/paper_files/paper/2020.
_HEAD = Path(__file__).with_name("croissant_head.json")


def describe(folder: Path, files: Sequence[Path]) -> JsonObject:
    """The description of files in a folder, with their checksums.

    Raises:
        BadInput, OSError: a file cannot be read.
    """
    tables = dataset_tables().values()
    origins = [metadata_of(file) for file in files if file.parent.name == "runs"]
    return {
        **json.loads(_HEAD.read_text(encoding="utf-8")),
        "version": schema_version(),
        "creditText": f"made by the MLPerf Training importer {__version__}",
        **({"datePublished": max(dates)} if (dates := [origin["date"] for origin in origins if "date" in origin]) else {}),
        "isBasedOn": [_address(origin) for origin in origins if "source" in origin],
        "distribution": [*map(_file_set, tables), *(_file_object(file, folder) for file in files)],
        "recordSet": [*map(_record_set, tables)],
    }


def _address(origin: dict[str, str]) -> str:
    """The page of a repository as it was when the round was read."""
    return f"{origin['source']}/tree/{origin['commit']}" if "commit" in origin else origin["source"]


def _node(type_: str, id_: str, /, **keys: Any) -> JsonObject:
    """A part of the description; its name is its id unless ``keys`` have one."""
    return {"@type": f"cr:{type_}", "@id": id_, "name": id_, **keys}


def _file_set(table: TableSchema) -> JsonObject:
    return _node(
        "FileSet",
        f"{table.name}-files",
        description=f"the files of table {table.name}, one for each round",
        encodingFormat=_PARQUET,
        includes=f"{table.name}/*.parquet",
    )


def _file_object(file: Path, folder: Path) -> JsonObject:
    name, (digest, size) = file.relative_to(folder).as_posix(), sha256_of(file)
    return _node(
        "FileObject",
        name,
        contentUrl=name,
        contentSize=f"{size} B",
        encodingFormat=_PARQUET,
        sha256=digest,
    )


def _record_set(table: TableSchema) -> JsonObject:
    fields = [_field(table.name, column) for column in table.columns]
    key = {"key": [{"@id": f"{table.name}/{column}"} for column in table.key]} if table.key else {}
    return _node("RecordSet", table.name, description=table.text, **key, field=fields)


def _field(table: str, column: Column) -> JsonObject:
    notes = [f"unit: {column.unit}"] if column.unit else []
    notes += [f"refers to {column.of}"] if column.of else []
    notes += ["derived"] if column.derived else []
    return _node(
        "Field",
        f"{table}/{column.name}",
        name=column.name,
        description=f"{column.text} ({', '.join(notes)})" if notes else column.text,
        dataType=_TYPES[column.type],
        **({"repeated": True} if column.type in ("numbers", "texts") else {}),
        # not `references`: mlcroissant would join the tables by this column alone, and repeat rows
        **({"equivalentProperty": f"{column.of}/{column.name}"} if column.of else {}),
        source={"fileSet": {"@id": f"{table}-files"}, "extract": {"column": column.name}},
    )
