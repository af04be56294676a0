"""Describes the data set as Croissant 1.0 does, the format of MLCommons for that: files in, a JSON object out.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ..tables.dataset import Column, TableSchema, dataset_tables, schema_version
from ..tables.labels import order_of_label
from ..tables.suites import source_of

if TYPE_CHECKING:
    from pathlib import Path

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
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
#: Source: the file LICENSE.md of the repositories, and proceedings.mlsys.org/paper_files/paper/2020.
_LICENSE = "https://www.apache.org/licenses/LICENSE-2.0"
_CITATION = (
    "@inproceedings{mattson2020mlperf, title={MLPerf Training Benchmark}, author={Mattson, Peter and Cheng, Christine and "
    "Diamos, Gregory and Coleman, Cody and Micikevicius, Paulius and Patterson, David and others}, booktitle={Proceedings "
    "of Machine Learning and Systems}, volume={2}, pages={336--349}, year={2020}}"
)
_DESCRIPTION = (
    "Results, runs, evaluations, hyperparameters, systems and findings of MLPerf Training and MLPerf HPC, read from the "
    "published logs and system descriptions. A field whose description ends in (derived) was computed by the importer; the "
    "others stand in the sources as they are. MLPerf is a trademark of MLCommons."
)


def describe(folder: Path) -> dict[str, Any]:
    """The description of the files in a folder, with their checksums.

    Raises:
        OSError: a file cannot be read.
    """
    files = sorted(folder.glob("*/suite=*/round=*/*.parquet"), key=lambda file: file.relative_to(folder).as_posix())
    rounds = {file.parent.name.removeprefix("round=") for file in files}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "mlperf-training-runs",
        "description": _DESCRIPTION,
        "license": _LICENSE,
        "citeAs": _CITATION,
        "url": "https://mlcommons.org/benchmarks/training/",
        "version": schema_version(),
        "isBasedOn": [source_of(label).address for label in sorted(rounds, key=order_of_label)],
        "distribution": [
            *(_file_set(table) for table in dataset_tables().values()),
            *(_file_object(file, folder) for file in files),
        ],
        "recordSet": [_record_set(table) for table in dataset_tables().values()],
    }


def _file_set(table: TableSchema) -> dict[str, Any]:
    name = f"{table.name}-files"
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": f"the files of table {table.name}, one for each round",
        "encodingFormat": _PARQUET,
        "includes": f"{table.name}/*/*/*.parquet",
    }


def _file_object(file: Path, folder: Path) -> dict[str, Any]:
    name = file.relative_to(folder).as_posix()
    data = file.read_bytes()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{len(data)} B",
        "encodingFormat": _PARQUET,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _record_set(table: TableSchema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.text,
        "field": [_field(table.name, column) for column in table.columns],
    }


def _field(table: str, column: Column) -> dict[str, Any]:
    notes = [f"unit: {column.unit}"] if column.unit else []
    notes += ["derived"] if column.derived else []
    repeated = {"repeated": True} if column.type in ("numbers", "texts") else {}
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "description": f"{column.text} ({', '.join(notes)})" if notes else column.text,
        "dataType": _TYPES[column.type],
        **repeated,
        "source": {"fileSet": {"@id": f"{table}-files"}, "extract": {"column": column.name}},
    }
