"""Reading system descriptions; the kinds that were published are in ``test_anomalies.py``."""

from __future__ import annotations

import pytest
from trees import write_files

from mlperf_training_import.model import System
from mlperf_training_import.rounds.description import normal_division, read_description, read_organisation, read_system
from mlperf_training_import.start.sample import system_description
from mlperf_training_import.values import clean_text


def description(tmp_path, content):
    write_files(tmp_path, {"sys.json": content})
    return read_description(tmp_path / "sys.json")


def test_a_complete_description(tmp_path):
    read = description(tmp_path, system_description("Org", hw_notes="TDP 700 W", sw_notes="beta"))
    assert (read.missing, read.misspelt) == ((), {})
    assert read.record == System(
        submitter="Org",
        name="Made-up system",
        division="closed",
        availability="onprem",
        nodes=1,
        host_processor_model_name="AMD EPYC 9654",
        host_processors_per_node=2,
        accelerator_model_name="NVIDIA H100-SXM5-80GB",
        accelerators_per_node=8,
        framework="PyTorch 2.8",
        notes="TDP 700 W;beta",
    )
    assert read_system(tmp_path / "sys.json") == read.record


def test_an_empty_description_misses_everything(tmp_path):
    read = description(tmp_path, {})
    assert read.record == System()
    assert len(read.missing) == 10
    assert read.misspelt == {}


@pytest.mark.parametrize(
    ("spelling", "right"),
    [
        ("Number_Of_Nodes", "number_of_nodes"),
        ("number-of-nodes", "number_of_nodes"),
        ("number_of_node", "number_of_nodes"),
        ("acelerators_per_node", "accelerators_per_node"),
        ("host_processor_per_node", "host_processors_per_node"),
        ("accelerator_model_names", "accelerator_model_name"),
        ("framwork", "framework"),
        ("System_Name", "system_name"),
    ],
)
def test_keys_that_look_like_a_missing_one_are_named(tmp_path, spelling, right):
    content = system_description("Org") | {spelling: "8"}
    del content[right]
    assert description(tmp_path, content).misspelt == {right: spelling}


@pytest.mark.parametrize(
    "key",
    [
        *(
            "framework_name",
            "system_type",
            "host_processor_core_count",
            "host_processors_core_count",
            "accelerator_frequency",
        ),
        *("host_processor_vcpu_count", "number_of_type_nics_installed", "accelerator_memory_capacity"),
    ],
)
def test_keys_that_mean_something_else_are_not(tmp_path, key):
    """All of them were published, beside the keys that are missing here."""
    assert description(tmp_path, {key: "8"}).misspelt == {}


def test_a_key_that_is_there_is_not_looked_for(tmp_path):
    assert description(tmp_path, system_description("Org") | {"number_of_node": "3"}).misspelt == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1,}', "not JSON: "),
        ("", "not JSON: Expecting value in line 1"),
        ('{\n"a": 1\n"b"}', "not JSON: Expecting ',' delimiter in line 3"),
        ("[]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("[" * 100_000, "JSON is nested too deeply"),
    ],
)
def test_what_is_wrong_with_an_invalid_description(tmp_path, content, message):
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")):
        description(tmp_path, content)


def test_a_description_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_system(tmp_path / "gone.json")


def test_organisation_of_a_package(tmp_path):
    write_files(tmp_path, {"a.json": {"org": " NVIDIA "}, "b.json": {"poc_email": "x"}, "c.json": "{broken"})
    assert read_organisation(tmp_path / "a.json") == "NVIDIA"
    assert read_organisation(tmp_path / "b.json") is None
    assert read_organisation(tmp_path / "gone.json") is None
    with pytest.raises(ValueError, match="not JSON"):
        read_organisation(tmp_path / "c.json")


def test_an_entry_of_0_5_with_one_kind_of_node(tmp_path):
    node = {"num_nodes": 1, "cpu": "CPU", "num_cpus": "2", "accelerator": "V100", "num_accelerators": 8}
    read = description(tmp_path, {"hardware": "DGX-1", "division": "closed", "nodes": [node]})
    assert (read.record.name, read.record.nodes, read.record.accelerators_per_node) == ("DGX-1", 1, 8)
    assert read.missing == ("submitter", "status", "framework")


@pytest.mark.parametrize("nodes", [[], ["x"], [None], [{}], [{"num_nodes": []}]])
def test_an_entry_of_0_5_with_odd_nodes(tmp_path, nodes):
    record = description(tmp_path, {"hardware": "DGX-1", "nodes": nodes}).record
    assert (record.name, record.nodes, record.accelerators_per_node) == ("DGX-1", None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (" a\t b\n", "a  b"), ("a\x1b[31mb\x00", "a[31mb"), ("\ud800a", "a"), ("é™", "é™")]
    + [(value, None) for value in ("", " \n", "\x00", None, 5, ["a"], {"a": 1}, True)],
)
def test_texts(value, text):
    assert clean_text(value) == text


@pytest.mark.parametrize("value", ["clsoed", "closed division", None, 1, ["closed"], {}])
def test_what_is_no_division(value):
    assert normal_division(value) is None
