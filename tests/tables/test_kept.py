"""The content of tables is kept beside the byte code, and never used where it is not that of the file."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from datetime import date

import msgspec
import pytest
import yaml
from support import PROJECT

from mlperf_training_import.errors import BadInput
from mlperf_training_import.tables import files
from mlperf_training_import.tables.files import FOLDER, Row, load_table
from mlperf_training_import.tables.kept import content_of


class _Row(Row, frozen=True):
    count: int
    day: date | None = None


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table whose content was kept when it was loaded."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "table.yaml"
    path.write_text("a: {count: 1, day: 2023-06-27}\n", encoding="utf-8")
    assert loaded(path) == {"a": _Row(1, date(2023, 6, 27))}
    assert kept_file(path).is_file()
    return path


def loaded(path):
    return load_table(path, dict[str, _Row])


def kept_file(path):
    return path.parent / "__pycache__" / "table.yaml.kept"


def changed(path, text):
    """Writes a table again, with the next time that a file can have."""
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 1, before + 1))


def parses(monkeypatch):
    """The names of the files that are parsed from now on."""
    names, parsed = [], files._parsed_yaml
    monkeypatch.setattr(files, "_parsed_yaml", lambda path: names.append(path.name) or parsed(path))
    return names


def test_a_table_is_parsed_once(table, monkeypatch):
    names = parses(monkeypatch)
    assert loaded(table) == {"a": _Row(1, date(2023, 6, 27))}
    assert names == []


def test_a_changed_table_is_parsed_again(table, monkeypatch):
    names = parses(monkeypatch)
    changed(table, "a: {count: 2, day: 2023-06-27}\n")  # as long as before
    assert loaded(table)["a"].count == 2
    assert loaded(table)["a"].count == 2
    assert names == ["table.yaml"]


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\x02", msgspec.msgpack.encode(["a", "b", "c"])])
def test_what_is_kept_may_be_damaged(table, monkeypatch, data):
    names = parses(monkeypatch)
    kept_file(table).write_bytes(data)
    assert loaded(table)["a"].count == 1
    assert names == ["table.yaml"]
    assert loaded(table)["a"].count == 1
    assert names == ["table.yaml"]


def test_an_error_in_a_table_is_named_again(table):
    changed(table, "a: {count: 1}\nb: {count: many}\n")
    for _ in range(2):
        with pytest.raises(BadInput, match=r"table\.yaml: b: count: expected `int`"):
            loaded(table)
    changed(table, "a: [\n")
    for _ in range(2):
        with pytest.raises(yaml.YAMLError):
            loaded(table)


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "table.yaml"
    path.write_text("a: {count: 1}\n", encoding="utf-8")
    (tmp_path / "__pycache__").write_text("no folder", encoding="utf-8")
    assert loaded(path)["a"].count == 1


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "table.yaml"
    path.write_text("a: {count: 1}\n", encoding="utf-8")
    assert loaded(path)["a"].count == 1
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_what_is_kept_of_our_tables_is_what_they_say(path):
    said = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    assert content_of(path, files._parsed_yaml) == msgspec.to_builtins(said)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.name)
def test_rows_that_are_kept_are_those_of_the_table(path):
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    assert list(files.csv_rows(path.name)) == rows


#: Names the modules that are loaded when a table was.
LOADED = "import sys; from mlperf_training_import.tables.rules import rules_of; rules_of('4.1'); print(*sys.modules)"


def test_the_second_command_does_not_load_pyyaml():
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPATH"] = str(PROJECT)
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", LOADED], env=env, capture_output=True, text=True, check=True)
    assert "yaml" not in done.stdout.split()
