"""Rounds of both suites side by side, and two benchmarks of one task in round 6.0: nothing of one gets into the other."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cmind.core import CM
from support import as_clone, cache_round
from trees import write_result

from mlperf_training_import.experiments.collect import collect_everywhere
from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.show.page.payload import make_payload
from mlperf_training_import.show.playground.playground import make_links
from mlperf_training_import.start.sample import make_repository, run_log, system_description, write_submission

GITHUB = "https://github.com/mlcommons"
TRAINING = "mlperf-training--2.0--closed--image-classification"


def run(**flags):
    return import_rounds(home_of(CM()), options_from(flags), lambda _: None)


def snapshot(pattern: str) -> dict[str, tuple[bytes, int]]:
    """The files of experiments, by name without their dates, with their bytes and times."""
    folder = Path(os.environ["CM_REPOS"]) / "repos/local/experiment"
    files = (file for experiment in folder.glob(pattern) for file in experiment.rglob("*.json"))
    return {
        f"{file.relative_to(folder).parts[0]}/{file.name}": (file.read_bytes(), file.stat().st_mtime_ns) for file in files
    }


def cache_training(cm, tmp_path) -> None:
    write_result(tmp_path / "training", system="both")
    make_repository(tmp_path / "training")
    cache_round(cm, tmp_path / "training", "2.0", f"{GITHUB}/training_results_v2.0")


def cache_hpc(cm, tmp_path) -> None:
    root = tmp_path / "hpc"
    for kind, minutes in (("strong", (1, 2, 3, 4, 5)), ("weak", (10,) * 5)):
        logs = [run_log("deepcam", number) for number in minutes]
        write_submission(root, "Org", "both", f"{kind}/deepcam", logs, system_description("Org"))
    make_repository(root)
    cache_round(cm, root, "2.0", f"{GITHUB}/hpc_results_v2.0", cache_tag="mlperf-hpc-results")


def test_nothing_of_one_suite_changes_the_bytes_of_the_other(cm, tmp_path):
    cache_training(cm, tmp_path)
    run()
    before = snapshot("*")
    cache_hpc(cm, tmp_path)
    outcome = run()
    assert [done.round.label for done in outcome.rounds] == ["2.0", "hpc-2.0"]
    assert snapshot("mlperf-training--*") == before
    hpc = snapshot("mlperf-hpc--*")
    assert {name.partition("/")[0] for name in hpc} == {
        f"mlperf-hpc--{scope}--closed--climate-segmentation{metric}"
        for scope in ("2.0", "all")
        for metric in ("", "-throughput")
    }
    run(version="2.0")
    run(version="hpc-2.0")
    assert snapshot("*") == before | hpc


def test_over_all_rounds_there_is_one_suite_only(cm, tmp_path):
    cache_training(cm, tmp_path)
    cache_hpc(cm, tmp_path)
    run()
    found = {str(experiment.name): experiment.entries for experiment in collect_everywhere(home_of(CM()), print)}
    assert len(found) == 6
    for name, entries in found.items():
        assert {entry["suite"] for entry in entries} == {name.partition("--")[0].removeprefix("mlperf-")}
        assert {entry["metric"] == "throughput" for entry in entries} == {name.endswith("-throughput")}
        assert len(entries) == 1


def test_tags_of_an_experiment_of_hpc(cm, tmp_path):
    cache_hpc(cm, tmp_path)
    run()
    (meta,) = (data for name, (data, _) in snapshot("mlperf-hpc--2.0--*-throughput").items() if name.endswith("_cm.json"))
    assert json.loads(meta)["tags"] == ["mlperf", "mlperf-hpc", "2.0", "closed", "climate-segmentation-throughput"]


def test_summaries_and_report_name_suite_metric_and_unit(cm, tmp_path, isolated):
    cache_hpc(cm, tmp_path)
    run()
    rows = json.loads((isolated / "mlperf-hpc-summary-2.0.json").read_text())
    assert {(row["suite"], row["metric"], row["Result_Units"], row["deepcam"]) for row in rows} == {
        ("hpc", "time-to-train", "min.", 3.0),
        ("hpc", "throughput", "models/min.", 0.5),
    }
    with (isolated / "mlperf-hpc-summary-2.0.csv").open(newline="") as stream:
        lines = {line["metric"]: (line["deepcam"], line["Result_Units"]) for line in csv.DictReader(stream)}
    assert lines == {"time-to-train": ("3.0", "min."), "throughput": ("0.5", "models/min.")}
    (round_,) = json.loads((isolated / "mlperf-training-report.json").read_text())["rounds"]
    assert (round_["suite"], round_["version"]) == ("hpc", "hpc-2.0")
    scores = {folder["folder"]: folder.get("minutes", folder.get("models_per_minute")) for folder in round_["folders"]}
    assert scores == {"Org/results/both/strong/deepcam": 3.0, "Org/results/both/weak/deepcam": 0.5}
    assert "models_per_minute" in next(folder for folder in round_["folders"] if "weak" in folder["folder"])


def test_the_table_of_a_training_round_has_no_column_of_a_metric(cm, tmp_path, isolated):
    cache_training(cm, tmp_path)
    run()
    header = (isolated / "mlperf-training-summary-2.0.csv").read_text().splitlines()[0].split(",")
    assert header[-4:] == ["details_url", "code_url", "submitter_folder", "system_file"]


def test_a_weak_result_that_is_gone_is_pruned_and_the_strong_one_of_its_system_stays(cm, tmp_path):
    cache_hpc(cm, tmp_path)
    run()
    (clone,) = Path(os.environ["CM_REPOS"]).glob("repos/local/cache/*/repo")
    for log in (clone / "Org/results/both/weak/deepcam").iterdir():
        log.unlink()
    (clone / "Org/results/both/weak/deepcam").rmdir()
    run(prune="yes")
    left = {
        name: json.loads(data) for name, (data, _) in snapshot("mlperf-hpc--*").items() if name.endswith("cm-result.json")
    }
    assert {name.partition("/")[0]: len(objects) for name, objects in left.items()} == {
        f"mlperf-hpc--{scope}--closed--climate-segmentation{metric}": 0 if metric else 1
        for scope in ("2.0", "all")
        for metric in ("", "-throughput")
    }


def test_variations_of_both_suites_ask_for_rounds_in_order():
    variables = {"round_hpc_3_0": "yes", "round_4_1": "yes", "round_hpc_0_7": "yes", "round_3_0": "yes", "round_5_0": "no"}
    assert options_from(variables).versions == ("3.0", "4.1", "hpc-0.7", "hpc-3.0")
    assert options_from({"version": "hpc-3.0,3.0"}).versions == ("hpc-3.0", "3.0")


@pytest.fixture
def two_of_one_task(cm, tmp_path):
    """A round 6.0 in which two systems train two benchmarks of one task each."""
    for system, factor in (("slow", 3), ("quick", 1)):
        for benchmark, minutes in (("llama31_8b", 10), ("gpt_oss_20b", 100)):
            logs = [run_log(benchmark, minutes * factor + number) for number in range(10)]
            write_submission(tmp_path / "6.0", "Org", system, benchmark, logs, system_description("Org"))
    return run(path=str(as_clone(tmp_path / "6.0")), version="6.0").rounds[0]


def test_two_benchmarks_of_one_task_are_never_ranked_together(two_of_one_task):
    places = {
        (r.submission.system, r.benchmark.key): (
            r.entry["rank"],
            r.entry["rank_per_accelerator"],
            r.entry["compared_results"],
        )
        for r in two_of_one_task.results
    }
    assert places == {
        ("slow", "llama31_8b"): (2, 2, 2),
        ("quick", "llama31_8b"): (1, 1, 2),
        ("slow", "gpt_oss_20b"): (2, 2, 2),
        ("quick", "gpt_oss_20b"): (1, 1, 2),
    }
    speedups = {r.benchmark.key: r.entry["speedup_per_accelerator"] for r in two_of_one_task.results if r.entry["rank"] == 1}
    assert speedups == {"llama31_8b": pytest.approx(24.5 / 14.5), "gpt_oss_20b": pytest.approx(204.5 / 104.5)}


def test_two_benchmarks_of_one_task_are_two_columns_two_links_and_two_editions(two_of_one_task, isolated):
    (summary,) = isolated.glob("mlperf-training-summary-6.0*.csv")
    with summary.open(newline="") as stream:
        rows = {row["system_file"]: (row["llama31_8b"], row["gpt_oss_20b"]) for row in csv.DictReader(stream)}
    assert rows == {"quick": ("14.5", "104.5"), "slow": ("34.5", "304.5")}
    experiments = collect_everywhere(home_of(CM()), print)
    assert {experiment.name.task for experiment in experiments} == {"llm-pretraining-small"}
    drawn = {parse_qs(link.query)["edition"][0].partition("-")[0] for link in make_links(experiments)}
    assert drawn == {"llama31_8b", "gpt_oss_20b"}
    editions = make_payload([result.entry for result in two_of_one_task.results], {}, "1")["editions"]
    assert [edition["benchmarks"] for edition in editions] == [["gpt_oss_20b"], ["llama31_8b"]]
