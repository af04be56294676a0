"""Writes the data set, round by round: rows in, Parquet (and CSV) files out, with a description of them all.

A file is ``<table>/suite=<suite>/round=<label>/<table>.parquet``: engines take the folders for columns. The files hold these
two columns as well, as what they are: an engine that guesses types would take round 5.10 for 5.1.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any

from ..atomic import write_if_different
from ..csv_text import csv_text
from ..errors import BadInput
from ..tables.dataset import TableSchema, dataset_tables, schema_version
from ..tables.suites import suite_of
from .croissant import CROISSANT_FILE, describe
from .library import need_library
from .rows import CONVERTERS, Row, rows_of_round

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ..findings import Finding
    from ..outcome import RoundOutcome

#: The folder of a data set where nobody names another.
DATASET_FOLDER = "mlperf-training-dataset"
#: So many rows are made into columns at once: more would only take more memory.
_ROWS_AT_ONCE = 5_000
_COMMON = ("suite", "round")
_PLAIN_TYPES = {"text": str, "number": float, "integer": int, "boolean": bool}


@dataclass(slots=True)
class TableSize:
    """How much of a table was written."""

    rows: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Dataset:
    """A data set in a folder. Rounds that were written before stay, unless they are written again.

    ``sizes`` are by table, of the Parquet files of the rounds that were added.
    """

    folder: Path
    with_csv: bool = False
    sizes: dict[str, TableSize] = field(default_factory=lambda: {name: TableSize() for name in dataset_tables()})

    def __post_init__(self) -> None:
        """Refuses what would fail after the logs were read.

        Raises:
            MissingLibrary: pyarrow is not installed.
            BadInput: the folder cannot be made.
        """
        need_library()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{self.folder}: {error.strerror}") from error

    def add(self, done: RoundOutcome, findings: Iterable[Finding]) -> None:
        """Writes a round that was read with details, in place of what the data set has of it.

        Raises:
            PublishFailure: a file cannot be written.
        """
        label = done.round.label
        common = {"suite": suite_of(label).name, "round": label}
        rows = rows_of_round(done, [finding for finding in findings if finding.round == label])
        for name, schema in dataset_tables().items():
            file = self.folder.joinpath(name, *(f"{key}={value}" for key, value in common.items()), f"{name}.parquet")
            file.parent.mkdir(parents=True, exist_ok=True)
            table = _to_table(schema, rows[name], common)
            data = _to_parquet(table)
            write_if_different(file, data)
            self.sizes[name].rows += table.num_rows
            self.sizes[name].bytes += len(data)
            if self.with_csv:
                write_if_different(file.with_suffix(".csv"), _to_csv(table))

    def finish(self) -> dict[Path, bool]:
        """Describes all files that are in the folder now.

        Returns:
            The file that does, and whether it was written or was the same already.

        Raises:
            PublishFailure: it cannot be written.
        """
        text = json.dumps(describe(self.folder), indent=2, ensure_ascii=False)
        file = self.folder / CROISSANT_FILE
        return {file: write_if_different(file, (text + "\n").encode("utf-8"))}


def _arrow_types() -> dict[str, Any]:
    import pyarrow as pa

    return {
        "text": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "numbers": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }


def _arrow_schema(schema: TableSchema) -> Any:
    import pyarrow as pa

    types = _arrow_types()
    # what pyarrow and pandas make of the names of folders, so that they see one column and not two
    folder_type = pa.dictionary(pa.int32(), pa.string())
    fields = [
        pa.field(column.name, folder_type if column.name in _COMMON else types[column.type]) for column in schema.columns
    ]
    return pa.schema(fields, metadata={"schema_version": schema_version(), "table": schema.name})


def _to_table(schema: TableSchema, rows: Iterable[Row], common: Row) -> Any:
    """Rows as a table; ``common`` are values that all of them have."""
    import pyarrow as pa

    arrow = _arrow_schema(schema)
    batches = []
    iterator = iter(rows)
    for chunk in iter(lambda: list(itertools.islice(iterator, _ROWS_AT_ONCE)), []):
        columns = []
        for column, field_ in zip(schema.columns, arrow, strict=True):
            fixed = common.get(column.name)
            values = [fixed] * len(chunk) if fixed else [row.get(column.name) for row in chunk]
            columns.append(_to_array(values, column.type, field_.type))
        batches.append(pa.RecordBatch.from_arrays(columns, schema=arrow))
    return pa.Table.from_batches(batches, arrow).unify_dictionaries()


def _to_array(values: Sequence[object], type_: str, arrow_type: Any) -> Any:
    """Values as an array. Those that are all what they should be, as nearly always, are not looked at one by one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if set(map(type, values)) <= {_PLAIN_TYPES.get(type_), NoneType}:
        with contextlib.suppress(UnicodeError, OverflowError, pa.ArrowException):
            array = pa.array(values, arrow_type)
            if type_ != "number" or pc.all(pc.is_finite(array), min_count=0).as_py():
                return array
    return pa.array(map(CONVERTERS[type_], values), arrow_type)


def _to_parquet(table: Any) -> bytes:
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", row_group_size=100_000)
    return stream.getvalue()


def _to_csv(table: Any) -> bytes:
    """The table as text: lists as JSON, nothing where there is no value."""
    rows = itertools.chain.from_iterable(batch.to_pylist() for batch in table.to_batches(_ROWS_AT_ONCE))
    return csv_text(table.column_names, rows, for_programs=True).encode("utf-8")
