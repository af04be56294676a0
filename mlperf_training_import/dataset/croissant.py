"""Describes the data set as Croissant 1.0 does, the format of MLCommons for that: files in, a JSON object out.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ..tables.dataset import Column, TableSchema, dataset_tables, schema_version
from ..tables.labels import order_of_label
from ..tables.suites import source_of

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
#: What the description of every data set begins with. Source of its license and citation: the file LICENSE.md of the
#: repositories, and proceedings.mlsys.org/paper_files/paper/2020.
_HEAD = Path(__file__).with_name("croissant_head.json")


def describe(folder: Path) -> dict[str, Any]:
    """The description of the files in a folder, with their checksums.

    Raises:
        OSError: a file cannot be read.
    """
    files = sorted(folder.glob("*/suite=*/round=*/*.parquet"), key=lambda file: file.relative_to(folder).as_posix())
    tables = dataset_tables().values()
    rounds = {file.parent.name.removeprefix("round=") for file in files}
    return {
        **json.loads(_HEAD.read_text(encoding="utf-8")),
        "version": schema_version(),
        "isBasedOn": [source_of(label).address for label in sorted(rounds, key=order_of_label)],
        "distribution": [*map(_file_set, tables), *(_file_object(file, folder) for file in files)],
        "recordSet": [*map(_record_set, tables)],
    }


def _node(type_: str, id_: str, /, **keys: Any) -> dict[str, Any]:
    """A part of the description, which is called as its id is unless ``keys`` have a name."""
    return {"@type": f"cr:{type_}", "@id": id_, "name": id_, **keys}


def _file_set(table: TableSchema) -> dict[str, Any]:
    return _node(
        "FileSet",
        f"{table.name}-files",
        description=f"the files of table {table.name}, one for each round",
        encodingFormat=_PARQUET,
        includes=f"{table.name}/*/*/*.parquet",
    )


def _file_object(file: Path, folder: Path) -> dict[str, Any]:
    name, data = file.relative_to(folder).as_posix(), file.read_bytes()
    return _node(
        "FileObject",
        name,
        contentUrl=name,
        contentSize=f"{len(data)} B",
        encodingFormat=_PARQUET,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _record_set(table: TableSchema) -> dict[str, Any]:
    fields = [_field(table.name, column) for column in table.columns]
    return _node("RecordSet", table.name, description=table.text, field=fields)


def _field(table: str, column: Column) -> dict[str, Any]:
    notes = [f"unit: {column.unit}"] if column.unit else []
    notes += ["derived"] if column.derived else []
    return _node(
        "Field",
        f"{table}/{column.name}",
        name=column.name,
        description=f"{column.text} ({', '.join(notes)})" if notes else column.text,
        dataType=_TYPES[column.type],
        **({"repeated": True} if column.type in ("numbers", "texts") else {}),
        source={"fileSet": {"@id": f"{table}-files"}, "extract": {"column": column.name}},
    )
