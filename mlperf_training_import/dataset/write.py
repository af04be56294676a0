"""Writes the data set, round by round: rows in, Parquet (and CSV) files out, with descriptions of them all.

A file is ``<table>/<label>.parquet``, so that a folder is a table for every reader: no column is in its path. CSV files
are in ``csv/<table>/<label>.csv``, away from those who read the folder of a table.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from .. import __version__
from ..atomic import write_if_different
from ..csv_text import csv_text
from ..errors import BadInput
from ..findings import Finding
from ..tables.dataset import Column, TableSchema, dataset_tables, schema_version
from ..tables.labels import order_of_label
from ..tables.rules import rules_of
from ..tables.suites import suite_of
from .card import CARD_FILE, card, is_card
from .croissant import CROISSANT_FILE, describe
from .library import need_library
from .parquet import (
    IN_THIS_THREAD,
    arrow_types,
    check_file,
    iter_rows,
    metadata_of,
    open_parquet,
    parquet_file,
    table_files,
)
from .repeats import RESULT_COLUMNS, RUN_COLUMNS, mark_results, mark_runs
from .rows import CONVERTERS, Columns, Row, rows_of_round, series_of_round

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..model import Round
    from ..outcome import RoundOutcome
    from ..values import Tell

_T = TypeVar("_T")

#: The default folder of a data set.
DATASET_FOLDER = "mlperf-training-dataset"
#: Rows that become columns at once: more would only take more memory.
_ROWS_AT_ONCE = 5_000
_PLAIN_TYPES = {"text": str, "number": float, "integer": int, "boolean": bool}
_CSV_FOLDER = "csv"
#: Rows of a row group, which a reader reads or skips as a whole.
_ROWS_IN_GROUP = 15_000
#: The tables with repeated rows, and the columns that mark or decide them; those that mark begin with the same word.
_REPEATS = {"runs": RUN_COLUMNS, "results": RESULT_COLUMNS}
_REPEAT = "repeat_of"


@dataclass(slots=True)
class Dataset:
    """A data set in a folder. Rounds that were written before stay, unless they are written again.

    With ``with_measurements`` rounds must be read with them. Files of another version of the schema are removed when the
    first round is added, and ``tell`` gets a message about that. ``rows`` and ``sizes`` (in bytes) are by table, of the
    Parquet files of the rounds that were added. ``findings`` are about files that cannot be read, which stay as they are
    while all others are written and described.
    """

    folder: Path
    with_csv: bool = False
    with_measurements: bool = True
    tell: Tell = print
    rows: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Fails before logs are read, not after.

        Raises:
            MissingLibrary: pyarrow is not installed.
            BadInput: the folder cannot be made, its README.md is not that of a data set, or a link is in the place of a
                folder in it.
        """
        need_library()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{self.folder}: {error.strerror}") from error
        if not is_card(self.folder / CARD_FILE):
            raise BadInput(f"{self.folder}: has a {CARD_FILE} of its own; name a folder for the data set alone")
        for name in (_CSV_FOLDER, *dataset_tables(), *(f"{_CSV_FOLDER}/{table}" for table in dataset_tables())):
            if (self.folder / name).is_symlink():
                raise BadInput(f"{self.folder / name}: a link, which may lead out of the data set; remove it")

    def add(self, done: RoundOutcome, findings: Iterable[Finding]) -> None:
        """Writes a round that was read with details, and replaces what the data set has of it.

        Raises:
            PublishFailure: a file cannot be written.
        """
        self._remove_other_version()
        label = done.round.label
        common = {"suite": suite_of(label).name, "round": label}
        rows = rows_of_round(done, [finding for finding in findings if finding.round == label])
        series = series_of_round(done)
        for name, schema in dataset_tables().items():
            arrow = _arrow_schema(schema, common | _origin(done.round))
            if name in series:
                tables = _iter_column_tables(schema, arrow, series[name], common)
            else:
                tables = iter([_table(schema, arrow, rows[name], common)])
            data, count = _to_parquet(tables, arrow)
            self._write(name, label, data)
            self.rows[name] += count
            self.sizes[name] += len(data)

    def finish(self) -> dict[Path, bool]:
        """Describes all files that are in the folder now; those that cannot be read become ``findings``.

        Returns:
            The descriptions, and whether each was written or was the same already.

        Raises:
            PublishFailure: one cannot be written.
        """
        files = [
            file for table in dataset_tables() for file in table_files(self.folder, table) if self._try(check_file, file)
        ]
        self._mark_repeats(files)
        damaged = {finding.where for finding in self.findings}
        about = describe(self.folder, [file for file in files if str(file) not in damaged])
        croissant = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        texts = {CROISSANT_FILE: croissant, CARD_FILE: card(self.folder)}
        return {self.folder / name: write_if_different(self.folder / name, text.encode()) for name, text in texts.items()}

    def _try(self, read: Callable[[Path], _T], file: Path) -> _T | None:
        """What is read from a file; None, and a finding, where it cannot be read."""
        try:
            return read(file)
        except BadInput as error:
            self.findings.append(Finding("damaged-dataset", "", str(file), str(error).removeprefix(f"{file}: ")))
            return None

    def _mark_repeats(self, files: Iterable[Path]) -> None:
        """Marks the runs and results that repeat a row of any round whose runs and results can both be read."""
        found = {
            file: rows for file in files if file.parent.name in _REPEATS and (rows := self._try(_rows_of, file)) is not None
        }
        labels = Counter(file.stem for file in found)
        of_both = {file: rows for file, rows in found.items() if labels[file.stem] == len(_REPEATS)}
        tables = {name: {file.stem: rows for file, rows in of_both.items() if file.parent.name == name} for name in _REPEATS}
        mark_runs(tables["runs"])
        mark_results(tables["results"], tables["runs"])
        for file, rows in of_both.items():
            data = self._try(partial(_with_columns, rows=rows), file)
            if data is not None:
                self._write(file.parent.name, file.stem, data)

    def _write(self, table: str, label: str, data: bytes) -> None:
        files = {f"{table}/{label}.parquet": data}
        if self.with_csv:
            files[f"{_CSV_FOLDER}/{table}/{label}.csv"] = _to_csv(data)
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_if_different(self.folder / name, content)

    def _remove_other_version(self) -> None:
        """Removes files of another version of the schema, which no reader could read together with new ones."""
        files = sorted(file for table in dataset_tables() for file in _iter_files(self.folder, table))
        versions = {file: _version_of(file) for file in files if file.suffix == ".parquet"}
        others = {file: version for file, version in versions.items() if version not in (None, schema_version())}
        if not others:
            return
        tables = {_place(file) for file in others}
        for file in files:
            if file in others or (file not in versions and _place(file) in tables):
                file.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # it holds other files
                    file.parent.rmdir()
                    file.parent.parent.rmdir()
        labels = sorted({label for _, label in tables}, key=order_of_label)
        names = ", ".join(sorted({*others.values()}))
        self.tell(
            f"{self.folder}: removed the data set of version {names} of the schema, which is {schema_version()} now; "
            f"rounds to be written again: {', '.join(labels)}"
        )


def _place(file: Path) -> tuple[str, str]:
    """The table of a file, and the label of its round; in version 1 of the schema, folders have these names."""
    if "=" in file.parent.name:
        return file.stem, file.parent.name.partition("=")[2]
    return file.parent.name, file.stem


def _rows_of(file: Path) -> list[Row]:
    """What marks or decides the repeats in a file of a table."""
    return list(iter_rows(file, file.parent.name, _REPEATS[file.parent.name]))


def _with_columns(file: Path, rows: Sequence[Row]) -> bytes | None:
    """The file with these values in the columns that mark repeats; None where it has them already."""
    import pyarrow as pa

    with open_parquet(file) as parquet:
        table = before = parquet.read(**IN_THIS_THREAD)
    for number, field_ in enumerate(table.schema):
        if field_.name.startswith(_REPEAT):
            table = table.set_column(number, field_, pa.array([row[field_.name] for row in rows], field_.type))
    return None if table.equals(before) else _to_parquet([table], table.schema)[0]


def _iter_files(folder: Path, table: str) -> Iterator[Path]:
    """The files of a table, also those of version 1 of the schema, which lie two folders deeper."""
    yield from folder.glob(f"{table}/*.parquet")
    yield from folder.glob(f"{_CSV_FOLDER}/{table}/*.csv")
    for ending in ("parquet", "csv"):
        yield from folder.glob(f"{table}/suite=*/round=*/{table}.{ending}")


def _version_of(file: Path) -> str | None:
    """The version of the schema that a file has; None where it does not say."""
    with contextlib.suppress(BadInput):
        return metadata_of(file).get("schema_version")
    return None


def _origin(round_: Round) -> dict[str, str]:
    """Where the logs are from and when they were published; nothing for a label with a suffix, whose logs are others."""
    if round_.label != round_.version or round_.is_private:
        return {}
    published = rules_of(round_.version).published
    said = {"source": round_.web_url, "commit": round_.commit, "date": published and published.isoformat()}
    return {key: value for key, value in said.items() if value}


def _arrow_schema(schema: TableSchema, metadata: dict[str, str]) -> Any:
    import pyarrow as pa

    types = arrow_types()
    fields = [pa.field(column.name, types[column.type], metadata=_column_metadata(column)) for column in schema.columns]
    about = {"schema_version": schema_version(), "importer_version": __version__, "table": schema.name, "text": schema.text}
    return pa.schema(fields, metadata=about | metadata)


def _column_metadata(column: Column) -> dict[str, str]:
    unit = {"unit": column.unit} if column.unit else {}
    of = {"references": f"{column.of}.{column.name}"} if column.of else {}
    return {"text": column.text, **unit, **of, "derived": "yes" if column.derived else "no"}


def _table(schema: TableSchema, arrow: Any, rows: Iterator[Row], common: Row) -> Any:
    """Rows as an Arrow table; ``common`` are values that all of them have."""
    import pyarrow as pa

    batches = []
    for chunk in iter(lambda: list(itertools.islice(rows, _ROWS_AT_ONCE)), []):
        columns = []
        for column, field_ in zip(schema.columns, arrow, strict=True):
            fixed = common.get(column.name)
            values = [fixed] * len(chunk) if fixed else [row.get(column.name) for row in chunk]
            columns.append(_to_array(values, column.type, field_.type))
        batches.append(pa.RecordBatch.from_arrays(columns, schema=arrow))
    return pa.Table.from_batches(batches, arrow)


def _iter_column_tables(schema: TableSchema, arrow: Any, parts: Iterable[Columns], common: Row) -> Iterator[Any]:
    """The same for series, whose rows never become Python objects: a table for about each row group."""
    waiting: list[Columns] = []
    rows = 0
    for part in parts:
        waiting.append(part)
        rows += part.count
        if rows >= _ROWS_IN_GROUP:
            yield _column_table(schema, arrow, waiting, common)
            waiting, rows = [], 0
    yield _column_table(schema, arrow, waiting, common)


def _column_table(schema: TableSchema, arrow: Any, parts: Sequence[Columns], common: Row) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    places = array("i")
    for place, part in enumerate(parts):
        places.extend(array("i", [place]) * part.count)
    part_of_row = pa.Array.from_buffers(pa.int32(), len(places), [None, pa.py_buffer(places)])
    columns = []
    for column, field_ in zip(schema.columns, arrow, strict=True):
        if column.type == "text":
            texts = [common.get(column.name) or part.same.get(column.name) for part in parts]
            columns.append(_to_array(texts, column.type, field_.type).take(part_of_row))
            continue
        data = pa.py_buffer(b"".join(part.columns[column.name] for part in parts))
        values = pa.Array.from_buffers(field_.type, len(places), [None, data])
        columns.append(pc.if_else(pc.is_finite(values), values, None) if column.type == "number" else values)
    return pa.Table.from_arrays(columns, schema=arrow)


def _to_parquet(tables: Iterable[Any], arrow: Any) -> tuple[bytes, int]:
    """Tables as a file, and its number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream, rows = io.BytesIO(), 0
    with pq.ParquetWriter(stream, arrow, compression="zstd") as writer:
        for table in filter(len, tables):  # Hugging Face stops at a row group without rows
            writer.write_table(table, row_group_size=_ROWS_IN_GROUP)
            rows += len(table)
    pa.default_memory_pool().release_unused()  # else the memory of one table stays beside that of the next
    return stream.getvalue(), rows


def _to_csv(data: bytes) -> bytes:
    """A Parquet file as CSV: lists as JSON, empty where there is no value."""
    with parquet_file(io.BytesIO(data)) as file:
        batches = file.iter_batches(_ROWS_AT_ONCE, **IN_THIS_THREAD)
        rows = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
        return csv_text(file.schema_arrow.names, rows).encode("utf-8")


def _to_array(values: Sequence[object], type_: str, arrow_type: Any) -> Any:
    """Values as an array. Each is converted only where one of them is of another type, which is rare."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if set(map(type, values)) <= {_PLAIN_TYPES.get(type_), NoneType}:
        with contextlib.suppress(UnicodeError, OverflowError, pa.ArrowException):
            array = pa.array(values, arrow_type)
            if type_ != "number" or pc.all(pc.is_finite(array), min_count=0).as_py():
                return array
    return pa.array(map(CONVERTERS[type_], values), arrow_type)
