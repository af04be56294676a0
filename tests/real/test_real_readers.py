"""What others read data sets with, on real rounds. A reader that nothing else here needs is skipped where it is absent."""

from __future__ import annotations

import functools
import http.server
import io
import itertools
import os
import shutil
import threading

import duckdb
import pyarrow.parquet
import pytest

from mlperf_training_import.tables.dataset import dataset_tables

TABLES = dataset_tables()


@pytest.fixture(scope="module")
def counts(real_dataset) -> dict[str, int]:
    """The rows of each table."""
    return {name: duckdb.read_parquet(f"{real_dataset}/{name}/*.parquet").shape[0] for name in TABLES}


@pytest.mark.slow
def test_spark_reads_every_table(real_dataset, counts):
    """In pyspark, which needs Java. A label such as 5.10 would be 5.1 if it were guessed from a path."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    spark = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        for name, table in TABLES.items():
            read = spark.read.parquet(str(real_dataset / name))
            assert (read.count(), read.columns) == (counts[name], [column.name for column in table.columns]), name
            assert dict(read.dtypes)["round"] == "string"
    finally:
        spark.stop()


@pytest.mark.slow
def test_hugging_face_loads_every_table_of_the_folder(real_dataset, counts, tmp_path):
    """By the names in its card."""
    datasets = pytest.importorskip("datasets")
    assert datasets.get_dataset_config_names(str(real_dataset)) == list(TABLES)
    for name, table in TABLES.items():
        loaded = datasets.load_dataset(str(real_dataset), name, split="train", cache_dir=str(tmp_path))
        assert (loaded.num_rows, loaded.column_names) == (counts[name], [column.name for column in table.columns]), name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of mlcroissant's own libraries
@pytest.mark.slow
def test_mlcroissant_reads_the_first_rows_of_every_table(real_dataset):
    """By its description. All rows would take minutes, as it makes an object of every value."""
    mlcroissant = pytest.importorskip("mlcroissant")
    description = mlcroissant.Dataset(str(real_dataset / "croissant.json"))
    assert not description.metadata.ctx.issues.errors
    for name in TABLES:
        records = list(itertools.islice(description.records(name), 200))
        file = real_dataset / name / f"{records[0][f'{name}/round'].decode()}.parquet"
        rows = pyarrow.parquet.read_table(file).slice(0, 200).to_pylist()
        assert rows, name
        read = [{key.removeprefix(f"{name}/"): _plain(value) for key, value in record.items()} for record in records]
        assert read[: len(rows)] == rows, name


def _plain(value):
    """A value of mlcroissant, which gives texts as bytes."""
    if isinstance(value, list):
        return [*map(_plain, value)]
    return value.decode() if isinstance(value, bytes) else value


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves parts of files, as web servers do and Python's does not."""

    def send_head(self):
        if "Range" not in self.headers:
            return super().send_head()
        with open(self.translate_path(self.path), "rb") as file:  # noqa: PTH123
            size = os.fstat(file.fileno()).st_size
            first, _, last = self.headers["Range"].partition("=")[2].partition("-")
            begin, end = int(first), min(int(last or size), size - 1)
            file.seek(begin)
            part = file.read(end - begin + 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{end}/{size}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return io.BytesIO(part)

    def log_message(self, *_):
        pass


def test_duckdb_reads_every_table_from_a_web_server(real_dataset, counts):
    with duckdb.connect() as connection:
        try:
            connection.execute("load httpfs")
        except duckdb.Error:
            pytest.skip("DuckDB's extension httpfs is not installed")
        handler = functools.partial(_Ranges, directory=str(real_dataset))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for name in TABLES:
                files = [f"{name}/{file.name}" for file in (real_dataset / name).glob("*.parquet")]
                addresses = [f"http://127.0.0.1:{server.server_port}/{file}" for file in files]
                assert connection.read_parquet(addresses).shape[0] == counts[name], name
            server.shutdown()
