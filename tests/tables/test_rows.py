"""Every table is made of the records of its loader, and a slip in it is named: file, row, field, and what is wrong."""

from __future__ import annotations

import pytest
import yaml

from mlperf_training_import import findings
from mlperf_training_import.checks import remarks
from mlperf_training_import.errors import BadInput
from mlperf_training_import.tables import (
    dataset,
    descriptions,
    files,
    keys,
    labels,
    log_keys,
    metrics,
    names,
    rules,
    settings,
)
from mlperf_training_import.tables.files import FOLDER

#: What reads each table.
LOADERS = {
    "check_remarks.yaml": remarks.remark_kinds,
    "accelerators.yaml": names.accelerators_table,
    "benchmarks.yaml": rules.benchmarks_table,
    "dataset.yaml": dataset._tables,
    "descriptions.yaml": descriptions.description_keys,
    "findings.yaml": findings._groups,
    "keys.yaml": keys.entry_keys,
    "log_keys.yaml": log_keys._table,
    "names.yaml": names.names_table,
    "rounds.yaml": rules._rounds,
    "settings.yaml": settings._table,
    "metrics.yaml": metrics._metrics,
    "submitters.yaml": names.submitters_table,
    "suites.yaml": labels.suites,
}


class NoDuplicates(yaml.CSafeLoader):
    """Refuses a key that stands twice: the second would silently replace the first."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), f"line {node.start_mark.line + 1}: a key stands twice"
        return super().construct_mapping(node, deep)


def read(name: str) -> dict:
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=NoDuplicates)


def test_every_table_has_a_loader():
    assert LOADERS.keys() == {path.name for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("name", LOADERS)
def test_no_table_has_a_key_twice(name):
    assert read(name)


def test_a_key_that_stands_twice_is_found():
    with pytest.raises(AssertionError, match="line 1: a key stands twice"):
        yaml.load("a: 1\nb: 2\na: 3\n", Loader=NoDuplicates)


@pytest.mark.parametrize(
    ("name", "row", "slip", "what"),
    [
        ("rounds.yaml", ("rounds", "4.1"), {"brnch": "main"}, "rounds: 4.1: object contains unknown field `brnch`"),
        ("rounds.yaml", ("rounds", "4.1"), {"benchmarks": "bert"}, "rounds: 4.1: benchmarks: expected `array`, got `str`"),
        ("rounds.yaml", ("dialects", "mll"), {"record": "("}, "dialects: mll: record: no regular expression (missing )"),
        ("benchmarks.yaml", ("bert",), {"drops": 1}, "bert: object contains unknown field `drops`"),
        ("benchmarks.yaml", ("bert", "changes", 1), {"from": 1.0}, "bert: changes: 1: from: expected `str`, got `float`"),
        ("benchmarks.yaml", ("bert", "progress", 0), {"unit": "laps"}, "bert: progress: 0: unit: invalid enum value 'laps'"),
        ("keys.yaml", ("Result",), {"type": "float"}, "Result: type: invalid enum value 'float'"),
        (
            "findings.yaml",
            ("the store", "kept-result"),
            {"advise": "no"},
            "the store: kept-result: object contains unknown field `advise`",
        ),
        (
            "accelerators.yaml",
            ("accelerators", "A100", "forms"),
            {"SXM": 80},
            "A100: forms: SXM: expected `array`, got `int`",
        ),
        ("submitters.yaml", ("submitters",), {"Dell": "Dell EMC"}, "submitters: Dell: expected `array`, got `str`"),
        ("names.yaml", ("frameworks",), {"JAX": ["jax"]}, "frameworks: JAX: expected `str`, got `array`"),
        ("descriptions.yaml", (), {"nodes": "number_of_nodes"}, "nodes: expected `array`, got `str`"),
        (
            "dataset.yaml",
            ("tables", "runs", "columns", "log"),
            {"type": "string"},
            "runs: columns: log: type: invalid enum value 'string'",
        ),
        (
            "log_keys.yaml",
            ("left_out", "moment"),
            {"keys": "init_start"},
            "left_out: moment: keys: expected `array`, got `str`",
        ),
        ("settings.yaml", ("counts",), {"steps": 3}, "counts: steps: expected `array`, got `int`"),
        ("suites.yaml", ("hpc",), {"label": 1}, "hpc: label: expected `str`, got `int`"),
    ],
)
def test_a_slip_in_a_row_is_named(name, row, slip, what, tmp_path, monkeypatch):
    table = read(name)
    place = table
    for part in row:
        place = place[part]
    place |= slip
    (tmp_path / name).write_text(yaml.dump(table, Dumper=yaml.CSafeDumper), encoding="utf-8")
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    with pytest.raises(BadInput) as error:
        LOADERS[name].__wrapped__()
    assert str(error.value).startswith(f"{name}: ")
    assert what in str(error.value)


def test_a_field_that_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "suites.yaml").write_text("hpc: {title: MLPerf HPC}")
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    with pytest.raises(BadInput, match=r"suites\.yaml: hpc: object missing required field `label`"):
        labels.suites.__wrapped__()
