"""Opens Parquet files from anywhere, but only regular files with no more in them than a data set has."""

from __future__ import annotations

import contextlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from ..regular import open_regular
from ..tables.dataset import dataset_tables, schema_version
from ..tables.labels import order_of_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO
    from pathlib import Path
    from typing import IO

    from ..tables.dataset import Column

#: Most rows of a table of a round. Ours have at most a tenth of this; a few kilobytes can unpack to any number.
MOST_ROWS = 50_000
_MOST_EVALUATIONS = 500_000
#: Most bytes of a row group, unpacked, by what the file says. Ours have a tenth of this.
_MOST_GROUP_BYTES = 64 << 20
#: Most bytes of a text; a column can repeat a long one for every row in a few bytes.
_LONGEST_TEXT = 4096
_ROWS_AT_ONCE = 1000
#: For what reads rows of a :func:`parquet_file`.
IN_THIS_THREAD = MappingProxyType({"use_threads": False})


def arrow_types() -> dict[str, Any]:
    """The pyarrow type of each type of column."""
    import pyarrow as pa

    return {
        "text": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "numbers": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }


def table_files(folder: Path, table: str) -> list[Path]:
    """The files of a table of a data set, in the order of their rounds."""
    return sorted((folder / table).glob("*.parquet"), key=lambda file: order_of_label(file.stem))


@contextlib.contextmanager
def open_parquet(file: Path, most_rows: int = MOST_ROWS, **options: Any) -> Iterator[Any]:
    """Opens a Parquet file that has, by its own metadata, not too much in it.

    Args:
        file: a regular file, or a link to one.
        most_rows: more are refused.
        options: for ``pyarrow.parquet.ParquetFile``.

    Raises:
        BadInput: it cannot be read, or has too much in it.
    """
    with _open(file) as stream, parquet_file(stream, **options) as parquet:
        about = parquet.metadata
        if about.num_rows > most_rows:
            raise BadInput(f"{file}: has {about.num_rows} rows, more than {most_rows}; write the data set anew")
        groups = (about.row_group(number) for number in range(about.num_row_groups))
        if max((group.total_byte_size for group in groups), default=0) > _MOST_GROUP_BYTES:
            raise BadInput(f"{file}: unpacks to more than {_MOST_GROUP_BYTES >> 20} MB; write the data set anew")
        yield parquet


def parquet_file(stream: IO[bytes], **options: Any) -> Any:
    """Opens a stream as Parquet. With :data:`IN_THIS_THREAD`, no other thread has a part in reading it.

    Otherwise a thread of Arrow may be the last to let go of the stream. It needs Python for that, and aborts the process if
    Python has ended by then.
    """
    import pyarrow.parquet as pq

    return pq.ParquetFile(stream, pre_buffer=False, **options)


def metadata_of(file: Path) -> dict[str, str]:
    """The metadata of a file: what it is, which round it holds, and where that is from.

    Raises:
        BadInput: it cannot be read.
    """
    import pyarrow.parquet as pq

    with _open(file) as stream:
        said = pq.read_schema(stream).metadata or {}
        return {key.decode(): value.decode() for key, value in said.items()}


@contextlib.contextmanager
def _open(file: Path) -> Iterator[FileIO]:
    """Opens a file to be read as Parquet; every error of that is BadInput."""
    import pyarrow as pa

    try:
        with open_regular(file) as stream:
            yield stream
    except (OSError, ValueError, pa.ArrowException) as error:  # among them names and texts that are not UTF-8
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadInput(f"{file}: cannot be read ({why}); write the data set anew") from error


def iter_rows(file: Path, table: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Reads the rows of a file of a table, a few at a time.

    Raises:
        BadInput: it cannot be read, is of another schema, or has too much in it.
    """
    wanted = [column for column in dataset_tables()[table].columns if column.name in columns]
    most_rows = _MOST_EVALUATIONS if table == "evaluations" else MOST_ROWS
    with open_parquet(file, most_rows) as parquet:
        _check_schema(file, parquet.schema_arrow, wanted)
    texts = [column.name for column in wanted if column.type == "text"]
    with open_parquet(file, most_rows, read_dictionary=texts) as parquet:
        for batch in parquet.iter_batches(_ROWS_AT_ONCE, columns=list(columns), **IN_THIS_THREAD):
            for name in texts:
                _check_texts(file, batch.column(name))
            yield from batch.to_pylist()


def check_file(file: Path) -> bool:
    """True.

    Raises:
        BadInput: what a file says of itself cannot be read, or is that it has another version of the schema.
    """
    _check_version(file, metadata_of(file).get("schema_version", ""))
    return True


def _check_version(file: Path, version: str) -> None:
    if version.partition(".")[0] != schema_version().partition(".")[0]:
        raise BadInput(f"{file}: has version {version or 'unknown'} of the schema; write the data set anew")


def _check_schema(file: Path, schema: Any, columns: Sequence[Column]) -> None:
    _check_version(file, (schema.metadata or {}).get(b"schema_version", b"").decode("ascii", "replace"))
    if missing := {column.name for column in columns} - set(schema.names):
        raise BadInput(f"{file}: lacks {', '.join(sorted(missing))}; write the data set anew")
    for column in columns:
        found, expected = schema.field(column.name).type, arrow_types()[column.type]
        if found != expected:
            raise BadInput(f"{file}: {column.name} is of type {found}, not {expected}; write the data set anew")


def _check_texts(file: Path, column: Any) -> None:
    """Refuses long texts before every row gets a copy."""
    import pyarrow.compute as pc

    longest = pc.max(pc.binary_length(column.dictionary)).as_py()
    if longest is not None and longest > _LONGEST_TEXT:
        raise BadInput(f"{file}: has a text of {longest} bytes, more than {_LONGEST_TEXT}; write the data set anew")
