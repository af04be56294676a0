"""Reading system descriptions; the kinds that were published are in ``test_anomalies.py``."""

from __future__ import annotations

import json
import time

import pytest
from trees import import_tree, write_files, write_result

from mlperf_training_import.model import System
from mlperf_training_import.rounds.description import (
    normal_division,
    read_description,
    read_logged_description,
)
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
        ('{"a": 1,,}', "not JSON: "),
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


@pytest.mark.parametrize("form", ["utf-16-le", "utf-16-be"])
def test_a_description_in_utf_16_is_called_so(tmp_path, form):
    file = tmp_path / "sys.json"
    file.write_bytes(("\ufeff" + json.dumps(system_description("Org"))).encode(form))
    with pytest.raises(ValueError, match="the text is UTF-16, not UTF-8; convert it"):
        read_description(file)


def test_a_description_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_description(tmp_path / "gone.json")


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


@pytest.mark.parametrize(
    ("value", "count"),
    [
        *((8, 8), ("8", 8), (8.0, 8), ("8.0", 8), (" 8 ", 8), ("8x", 8), ("x8", 8), ("8 x", 8), ("8X", 8), ("1,024", 1024)),
        *(("4 nodes", 4), ("2 sockets", 2), ("8 (2 per tray)", 8), ("8x NVIDIA H100 80GB", 8), ("16 GPUs per node", 16)),
        *(("12,345,678", 12345678), ("0", 0)),
    ],
)
def test_counts_with_something_around_them(tmp_path, value, count):
    read = description(tmp_path, system_description("Org", accelerators_per_node=value))
    assert read.record.accelerators_per_node == count
    assert (read.missing, read.not_read) == ((), {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(("2+2", "2+2"), ("0.5", "0.5"), (-1, "-1"), ("N/A", "N/A"), ("-", "-"), ([4], "[4]"), ({"a": 8}, '{"a": 8}')),
        *(("4-8", "4-8"), ("8 or 16", "8 or 16"), ("2x4", "2x4"), ("1,02", "1,02"), (True, "true"), ("eight", "eight")),
        ("9" * 500, "9" * 60),
    ],
)
def test_a_count_that_cannot_be_read_is_named_with_its_text(tmp_path, value, text):
    """Not called missing, as it is there."""
    read = description(tmp_path, system_description("Org", number_of_nodes=value))
    assert read.record.nodes is None
    assert (read.missing, read.not_read) == ((), {"number_of_nodes": f'"{text}"'})


def test_other_keys_that_cannot_be_read_are_named_too(tmp_path):
    read = description(tmp_path, system_description("Org", division="closde", framework=["PyTorch"], status=""))
    assert read.missing == ("status",)
    assert read.not_read == {"division": '"closde"', "framework": '"["PyTorch"]"'}


SYSJSON = {
    "submitter": "UNKNOWN_MLPERF_SUBMITTER",
    "division": "closed",
    "number_of_nodes": "8",
    "accelerators_per_node": "8",
}


def test_a_log_describes_the_system_where_nothing_else_does(tmp_path):
    folder = write_result(tmp_path, system="box")
    (tmp_path / "Org/systems/box.json").unlink()
    line = json.dumps(SYSJSON | {"accelerator_model_name": "R100", "system_name": "UNKNOWN_MLPERF_SYSTEM_NAME"})
    log = folder / "result_0.txt"
    log.write_text(f"+ echo ':::SYSJSON {line}'\n8::::SYSJSON {line}\n" + log.read_text())
    imported = import_tree(tmp_path)
    entry = imported.only.entry
    assert (entry["number_of_nodes"], entry["accelerators_count"], entry["accelerator_model_name"]) == (8, 64, "R100")
    assert (entry["submitter"], entry["system"]) == ("Org", "box")
    (text,) = imported.what("no-system-description")
    assert text.endswith("does not exist; the system is taken from the SYSJSON line of Org/results/box/resnet/result_0.txt")


@pytest.mark.parametrize("line", [":::SYSJSON {", ":::SYSJSON [1]", ":::SYSJSON", "SYSJSON {}", ":::SYSJSON {'a': 1}"])
def test_a_line_that_describes_nothing(tmp_path, line):
    log = tmp_path / "result_0.txt"
    log.write_text(line + "\n")
    assert read_logged_description(log) is None


def test_a_description_that_is_there_is_taken_and_not_that_of_a_log(tmp_path):
    folder = write_result(tmp_path)
    log = folder / "result_0.txt"
    log.write_text(f":::SYSJSON {json.dumps(SYSJSON)}\n" + log.read_text())
    assert import_tree(tmp_path).only.entry["number_of_nodes"] == 1


def test_keys_of_later_rounds_beside_a_list_of_nodes_are_read(tmp_path):
    """As Intel's of 0.6: the list repeats some of what the keys say, and lacks the rest."""
    nodes = [{"num_nodes": 32, "cpu": "Xeon", "num_accelerators": 0, "accelerator": "NA"}]
    keys = {"sumitter": "Acme", "host_processors_per_node": "2", "number of nodes": "32", "sw_notes": "new"}
    record = description(tmp_path, {"nodes": nodes, "notes": "old", **keys}).record
    assert (record.submitter, record.notes) == ("Acme", "old;new")
    assert (record.host_processors_count, record.accelerators_count) == (64, 0)


def test_a_list_of_nodes_counts_what_each_has_but_in_0_5(tmp_path):
    """As Fujitsu's of 0.6, abci_2048xV100."""
    nodes = [{"num_nodes": 512, "cpu": "2x Intel(R) Xeon(R) Gold 6148 CPU", "num_accelerators": 4, "accelerator": "V100"}]
    record = description(tmp_path, {"nodes": nodes}).record
    assert (record.host_processors_count, record.accelerators_count) == (1024, 2048)
    assert read_description(tmp_path / "sys.json", counts_per_node=False).record.accelerators_count is None


@pytest.mark.parametrize("more", [",}", ', "other": [1, ], "x": 1}', ",\n  }"])
def test_a_comma_before_a_closing_bracket_is_ignored_and_named(tmp_path, more):
    good = json.dumps(system_description("Org", framework='a,} b"c'))
    (tmp_path / "s.json").write_text(good[:-1] + more)
    read = read_description(tmp_path / "s.json")
    assert (read.has_commas, read.record.framework) == (True, 'a,} b"c')
    (tmp_path / "s.json").write_text(good)
    assert not read_description(tmp_path / "s.json").has_commas


@pytest.mark.parametrize(
    "text",
    [
        ":::SYSJSON {" * 80_000,
        ":::SYSJSON {" + "} " * 400_000 + "x",
        ":::SYSJSON {}}\n" * 60_000,
        ":::SYSJSON {" + " " * 1_000_000 + "\n",
    ],
    ids=["begun", "with a line full of ends", "ended", "with a line full of blanks"],
)
def test_a_megabyte_of_what_looks_like_descriptions_takes_no_time(tmp_path, text):
    log = tmp_path / "result_0.txt"
    log.write_text(text)
    begin = time.process_time()
    assert read_logged_description(log) is None
    assert time.process_time() - begin < 2
