"""The tables: what they say, and how they grow."""

from __future__ import annotations

import re

import msgspec
import pytest
import yaml
from trees import import_tree, write_result

from mlperf_training_import.tables import rules
from mlperf_training_import.tables.descriptions import DESCRIPTIONS_FILE, description_keys
from mlperf_training_import.tables.files import FOLDER, place_to_extend
from mlperf_training_import.tables.labels import order_of_label, parse_version, split_label
from mlperf_training_import.tables.rules import (
    BENCHMARKS_FILE,
    ROUNDS_FILE,
    benchmark_of,
    known_rounds,
    public_rounds,
    rules_of,
)

PUBLIC = ["0.5", "0.6", "0.7", "1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1", "5.0", "5.1", "6.0"]
HPC = ["hpc-0.7", "hpc-1.0", "hpc-2.0", "hpc-3.0"]

#: Data sets whose names keep the spelling of entries that are published already, by the policy's spelling.
SPELLINGS = {
    "1TB Click Logs": "1TB Clickthrough",
    "Wikipedia 2020/01/01": "Wikipedia",
    "A subset of OpenImages": "OpenImages",
}


@pytest.fixture(scope="module")
def facts(shared):
    return yaml.load((shared / "facts/benchmarks.yaml").read_text(), Loader=yaml.CSafeLoader)


def test_every_public_round_is_known_and_the_next_one_too():
    assert list(public_rounds("training"))[: len(PUBLIC)] == PUBLIC
    assert set(known_rounds("training")) >= {*public_rounds("training"), "6.1"}
    assert list(public_rounds("hpc"))[: len(HPC)] == HPC
    assert known_rounds() == known_rounds("training") + known_rounds("hpc")


def test_benchmarks_of_every_round_are_those_of_the_facts(facts):
    assert list(facts["rounds"]) == PUBLIC
    for version, rows in facts["rounds"].items():
        assert set(rules_of(version).benchmarks) == set(rows), version


def test_folder_names_that_stand_for_a_benchmark_are_those_of_the_facts(facts):
    assert {version: rules_of(version).aliases for version in known_rounds() if rules_of(version).aliases} == facts[
        "aliases"
    ]


def test_runs_targets_metrics_and_data_sets_of_every_round_are_those_of_the_facts(facts):
    for version, rows in facts["rounds"].items():
        for key, row in rows.items():
            ours, quality = benchmark_of(key, version), row["quality"]
            place = (version, key)
            assert ours.known, place
            assert ours.runs == row["runs"], place
            assert ours.scored == row.get("runs_scored"), place
            assert ours.drop == row["dropped"]["best"] == row["dropped"]["worst"], place
            assert SPELLINGS.get(row["dataset"], row["dataset"]) == ours.dataset, place
            assert [(t.value, t.metric, t.logged, t.lower_is_better, t.field) for t in ours.targets] == [
                (t["value"], t["metric"], t["logged_value"], t["lower_is_better"], t.get("field"))
                for t in quality["targets"]
            ], place


def test_spellings_that_differ_are_all_in_use(facts):
    assert SPELLINGS.keys() <= {row["dataset"] for rows in facts["rounds"].values() for row in rows.values()}


@pytest.mark.parametrize(
    ("version", "key", "target"),
    [
        ("0.5", "resnet", (74.9, "% classification")),
        ("0.6", "resnet", (75.9, "% classification")),
        ("0.5", "ssd", (21.2, "% mAP")),
        ("1.1", "ssd", (23.0, "% mAP")),
        ("2.0", "ssd", (34.0, "% mAP")),
        ("0.7", "bert", (0.712, "Mask-LM accuracy")),
        ("5.0", "bert", (0.72, "Mask-LM accuracy")),
        ("0.5", "minigo", (40.0, "% pro move prediction")),
        ("2.1", "minigo", (50.0, "% win rate vs. checkpoint")),
    ],
)
def test_the_target_is_that_of_its_round(version, key, target):
    first = benchmark_of(key, version).targets[0]
    assert (first.value, first.metric) == target


def test_targets_are_met_at_their_value_on_the_scale_of_the_log():
    resnet, rnnt = benchmark_of("resnet", "3.0").targets[0], benchmark_of("rnnt", "3.0").targets[0]
    assert (resnet.is_met(0.759), resnet.is_met(0.7589), rnnt.is_met(0.058), rnnt.is_met(0.0581)) == (
        True,
        False,
        True,
        False,
    )


#: Tasks by benchmark, as the entries that are published name them.
TASKS = """
    image-classification: resnet
    object-detection-heavy-weight: maskrcnn
    object-detection-light-weight: ssd retinanet
    reinforcement-learning: minigo
    speech-recognition: rnnt
    language-processing: bert
    recommendation: ncf dlrm dlrm_dcnv2
    image-segmentation: unet3d
    translation-recurrent: gnmt
    translation-non-recurrent: transformer
    llm-pretraining: gpt3 llama31_405b deepseekv3_671b
    llm-pretraining-small: llama31_8b gpt_oss_20b
    llm-finetuning: llama2_70b_lora
    text-to-image: stable_diffusion flux1
    graph-node-classification: gnn rgat
    qwen35_397b_grpo: qwen35_397b_grpo
"""
HPC_TASKS = {
    "cosmoflow": "cosmology-parameter-prediction",
    "deepcam": "climate-segmentation",
    "oc20": "catalyst-modeling",
    "openfold": "protein-structure-prediction",
}


def test_tasks():
    expected = {
        key: line.split(":")[0].strip() for line in TASKS.splitlines() if line for key in line.split(":")[-1].split()
    }
    assert {key: benchmark_of(key, "5.1").task for key in expected} == expected
    assert {key: benchmark_of(key, "hpc-3.0").task for key in HPC_TASKS} == HPC_TASKS


@pytest.mark.parametrize("version", PUBLIC)
def test_branch_of_every_round(version):
    assert rules_of(version).branch == ("master" if version in ("0.5", "0.6", "0.7", "1.0") else "main")


@pytest.mark.parametrize("version", PUBLIC)
def test_dialect_and_layout_of_every_round(version):
    rules = rules_of(version)
    assert rules.dialect.name == {"0.5": "mlpv0.5.0", "0.6": "mll"}.get(version, "mllog")
    assert rules.layout.nested is (version == "0.5")
    assert rules.elapsed == ({"minigo": "eval_result"} if version == "0.6" else {})


@pytest.mark.parametrize(
    ("version", "like"),
    [
        ("6.2", "6.1"),
        ("12.0", "6.1"),
        ("3.2", "3.1"),
        ("0.8", "0.7"),
        ("0.4", "0.5"),
        ("hpc-9.1", "hpc-3.0"),
        ("hpc-0.5", "hpc-0.7"),
    ],
)
def test_a_round_that_the_table_does_not_know_has_the_rules_of_the_last_one_before_it(version, like):
    rules, other = rules_of(version), rules_of(like)
    assert (rules.known, rules.benchmarks, rules.aliases, rules.branch) == (False, (), {}, "main")
    for name in ("dialect", "layout", "init_limit_minutes", "init_limit_minutes_open", "converged_by", "optional_keys"):
        assert getattr(rules, name) == getattr(other, name)


def test_a_benchmark_in_an_unknown_later_round_has_its_last_edition():
    assert benchmark_of("dlrm_dcnv2", "9.0") == benchmark_of("dlrm_dcnv2", "6.0")


def test_a_benchmark_that_nobody_knows_is_its_own_task_without_a_target():
    unknown = benchmark_of("World Model--2!", "5.1")
    assert (unknown.task, unknown.known, unknown.targets, unknown.runs, unknown.drop) == (
        "world-model-2",
        False,
        (),
        None,
        1,
    )
    assert benchmark_of("???", "5.1").task == "unnamed"


@pytest.mark.parametrize(("key", "version"), [("minigo", "3.0"), ("flux1", "4.1"), ("bert", "5.1")])
def test_a_benchmark_outside_its_rounds_has_its_task_and_no_target(key, version):
    benchmark = benchmark_of(key, version)
    assert (benchmark.known, benchmark.targets, benchmark.dataset) == (False, (), None)
    assert benchmark.task == benchmark_of(key, "0.7" if key == "minigo" else "5.1").task


def line_at(place: str) -> str:
    """The line that ``file:line`` names; empty at the end of the file, where a new line would go."""
    path, number = place.rsplit(":", 1)
    lines = [*(FOLDER.parent.parent / path).read_text(encoding="utf-8").split("\n"), ""]
    return lines[int(number) - 1]


def test_a_row_written_where_an_unknown_round_belongs_makes_it_known(tmp_path, monkeypatch):
    """The finding names the line; a row that is inserted there is read."""
    write_result(tmp_path)
    (finding,) = import_tree(tmp_path, "99.0").findings
    assert (finding.code, finding.what) == ("unknown-round", "round 99.0 is not in the table; imported by the last rules")
    place = finding.where
    assert line_at(place) == ""
    text = (FOLDER / ROUNDS_FILE).read_text().split("\n")
    text.insert(int(place.rsplit(":", 1)[1]) - 1, "  '99.0': {branch: main, benchmarks: [resnet]}")
    extended = tmp_path / "rounds.yaml"
    extended.write_text("\n".join(text))
    assert "99.0" in yaml.safe_load(extended.read_text())["rounds"]


def test_a_row_written_where_an_unknown_benchmark_belongs_makes_it_known(tmp_path):
    write_result(tmp_path, range(1, 6), benchmark="world_model")
    imported = import_tree(tmp_path, "5.1")
    entry = imported.only.entry
    assert (entry["Result"], entry["Task"], entry["Model_ID"], entry["world_model"]) == (
        3.0,
        "world_model",
        "world_model",
        3.0,
    )
    assert not {"Accuracy", "Dataset"} & entry.keys()
    (finding,) = imported.findings
    assert finding.code == "unknown-benchmark"
    assert "benchmark world_model is not in the table" in finding.what
    lines = (FOLDER / BENCHMARKS_FILE).read_text().split("\n")
    lines.insert(int(finding.where.rsplit(":", 1)[1]) - 1, "world_model: {task: x, runs: 5, changes: []}")
    assert "world_model" in yaml.safe_load("\n".join(lines))


def test_a_benchmark_that_a_known_round_does_not_list_points_to_the_line_of_the_round(tmp_path):
    write_result(tmp_path, benchmark="minigo")
    write_result(tmp_path, benchmark="minigo", system="other")
    imported = import_tree(tmp_path, "4.1")
    (finding,) = imported.findings
    assert finding.code == "unknown-benchmark"
    assert finding.what.startswith("benchmark minigo is not listed for round 4.1; imported without a target")
    assert line_at(finding.where).startswith("  '4.1': ")
    assert len(imported.minutes) == 2


@pytest.mark.parametrize("version", known_rounds())
def test_the_line_of_a_round(version):
    assert line_at(place_to_extend(ROUNDS_FILE, "rounds", version)).lstrip().replace("'", "").startswith(f"{version}:")


@pytest.mark.parametrize("field", description_keys())
def test_the_line_of_a_description_key(field):
    assert line_at(place_to_extend(DESCRIPTIONS_FILE, row=field)).startswith(f"{field}: [")


def test_places_name_a_file_of_the_repository():
    for place in (place_to_extend(ROUNDS_FILE, "rules"), place_to_extend(BENCHMARKS_FILE)):
        assert re.fullmatch(r"mlperf_training_import/tables/\w+\.yaml:\d+", place)
        assert (FOLDER.parent.parent / place.rsplit(":", 1)[0]).is_file()


def test_a_round_that_is_not_published_is_known_and_not_public(monkeypatch):
    table = rules._rounds()
    hidden = {**table.rounds, "3.0": msgspec.structs.replace(table.rounds["3.0"], public=False)}
    monkeypatch.setattr(rules, "_rounds", lambda: msgspec.structs.replace(table, rounds=hidden))
    assert "3.0" in known_rounds()
    assert "3.0" not in public_rounds()
    assert "3.1" in public_rounds()


def test_the_new_benchmarks_of_6_1_have_no_task_yet():
    assert set(rules_of("6.1").benchmarks) == {
        *("llama31_8b", "flux1", "llama2_70b_lora", "gpt_oss_20b", "deepseekv3_671b", "qwen35_397b_grpo"),
        "dlrmv4",
    }
    qwen = benchmark_of("qwen35_397b_grpo", "6.1")
    assert (qwen.known, qwen.task, qwen.dataset, qwen.runs) == (True, "qwen35_397b_grpo", None, 3)
    dlrm = benchmark_of("dlrmv4", "6.1")
    assert (dlrm.known, dlrm.task, dlrm.dataset, dlrm.runs) == (True, "dlrmv4", None, 10)
    assert [(t.value, t.metric, t.lower_is_better) for t in qwen.targets] == [(0.69, "accuracy", False)]
    assert (qwen.progress.unit, qwen.progress.samples) == ("samples", 1)


def test_the_data_set_of_dlrm_dcnv2_is_the_same_in_6_0_as_in_5_1():
    assert benchmark_of("dlrm_dcnv2", "6.0") == benchmark_of("dlrm_dcnv2", "5.1")


@pytest.mark.parametrize(
    ("key", "version", "runs", "target", "lower", "quality", "unit"),
    [
        ("cosmoflow", "hpc-1.0", 10, 0.124, True, "eval_error", "epochs"),
        ("deepcam", "hpc-0.7", 5, 0.82, False, "eval_accuracy", "epochs"),
        ("oc20", "hpc-2.0", 5, 0.036, True, "eval_error", "epochs"),
        ("openfold", "hpc-3.0", 10, 0.8, False, "eval_accuracy", "samples"),
    ],
)
def test_benchmarks_of_hpc(key, version, runs, target, lower, quality, unit):
    benchmark = benchmark_of(key, version)
    (only,) = benchmark.targets
    assert (benchmark.runs, benchmark.drop, only.value, only.lower_is_better) == (runs, 1, target, lower)
    assert (benchmark.quality, benchmark.progress.unit) == (quality, unit)


def test_rounds_of_hpc():
    rounds = {version: rules_of(version) for version in HPC}
    assert [rules.branch for rules in rounds.values()] == ["main", "master", "main", "main"]
    assert [bool(rules.layout.metrics) for rules in rounds.values()] == [False, True, True, True]
    assert [rules.init_limit_minutes for rules in rounds.values()] == [20, 30, 30, 30]
    assert [rules.init_limit_minutes_open for rules in rounds.values()] == [20, 30, 30, 30]
    assert [rules.converged_by for rules in rounds.values()] == ["target", "status", "status", "status"]
    assert rounds["hpc-3.0"].benchmarks == ("cosmoflow", "deepcam", "oc20", "openfold")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("3.0", ("training", (3, 0), "3.0", "3.0", "")),
        ("3.0-private", ("training", (3, 0), "3.0", "3.0-private", "private")),
        ("hpc-3.0", ("hpc", (3, 0), "hpc-3.0", "3.0", "")),
        ("hpc-0.7-my-copy", ("hpc", (0, 7), "hpc-0.7", "0.7-my-copy", "my-copy")),
    ],
)
def test_a_label_in_its_parts(text, parts):
    label = split_label(text)
    assert (label.suite, label.number, label.round, label.scope, label.suffix) == parts


@pytest.mark.parametrize(
    "text",
    ["", "hpc", "hpc-", "3", "v3.0", "hpc3.0", "HPC-3.0", "hpc-hpc-3.0", "training-3.0", "3.0-", "3.0-a--b", "hpc-3.0-ä"],
)
def test_what_is_no_label(text):
    assert split_label(text) is None


def test_labels_sort_by_suite_and_then_as_rounds_follow_each_other():
    labels = ["hpc-10.0", "hpc-0.7", "10.0", "4.1-private", "4.1", "hpc-2.0"]
    assert sorted(labels, key=order_of_label) == ["4.1", "4.1-private", "10.0", "hpc-0.7", "hpc-2.0", "hpc-10.0"]


def test_versions_sort_as_rounds_follow_each_other():
    assert sorted(["10.0", "4.1", "4.0", "0.7"], key=parse_version) == ["0.7", "4.0", "4.1", "10.0"]


@pytest.mark.parametrize("text", ["", "4", "4.1.0", "v4.1", "4.1 ", "-1.0", "4.x", "٤.1", "1234567.0"])
def test_what_is_no_round_number(text):
    assert parse_version(text) is None
