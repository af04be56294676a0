"""Every table is what the schema says, and the schema says enough to find a slip."""

from __future__ import annotations

import copy

import jsonschema
import pytest
import yaml

from mlperf_training_import.tables.files import FOLDER, load_table

SCHEMA = load_table(FOLDER / "schema.yaml")
TABLES = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "schema.yaml")


def validate(name: str, table: dict) -> None:
    schema = {**SCHEMA["properties"][name], "type": "object", "$defs": SCHEMA["$defs"]}
    jsonschema.validate(table, schema, cls=jsonschema.Draft202012Validator)


class NoDuplicates(yaml.SafeLoader):
    """Refuses a key that stands twice: the second would silently replace the first."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"line {node.start_mark.line + 1}: a key stands twice"
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_as_the_schema_says_and_has_no_key_twice(name):
    validate(name, yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=NoDuplicates))


def test_a_key_that_stands_twice_is_found():
    with pytest.raises(AssertionError, match="line 1: a key stands twice"):
        yaml.load("a: 1\nb: 2\na: 3\n", Loader=NoDuplicates)


@pytest.mark.parametrize(
    ("name", "row", "slip"),
    [
        ("rounds.yaml", ("rounds", "4.1"), {"brnch": "main"}),
        ("rounds.yaml", ("rounds", "4.1"), {"benchmarks": "bert"}),
        ("benchmarks.yaml", ("bert",), {"drops": 1}),
        ("benchmarks.yaml", ("bert", "changes", 0), {"from": 1.0}),
        ("keys.yaml", ("Result",), {"type": "float"}),
        ("findings.yaml", ("the store", "kept-result"), {"advise": "no"}),
        ("accelerators.yaml", ("accelerators", "A100"), {"form": {"SXM": [80]}}),
        ("accelerators.yaml", ("accelerators", "A100", "forms"), {"SXM": 80}),
        ("submitters.yaml", ("submitters",), {"Dell": "Dell EMC"}),
        ("names.yaml", ("frameworks",), {"JAX": ["jax"]}),
        ("descriptions.yaml", (), {"nodes": "number_of_nodes"}),
        ("dataset.yaml", ("tables", "runs", "columns", "log"), {"type": "string"}),
        ("log_keys.yaml", ("moment",), {"keys": "init_start"}),
    ],
)
def test_a_slip_in_a_row_is_found(name, row, slip):
    table = copy.deepcopy(load_table(FOLDER / name))
    place = table
    for part in row:
        place = place[part]
    place |= slip
    with pytest.raises(jsonschema.ValidationError):
        validate(name, table)
