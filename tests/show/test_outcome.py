"""What people and programs get of an outcome: every run with its minutes or its reason, the factors, findings by kind."""

from __future__ import annotations

import csv
import json

import pytest
from trees import import_tree, write_files, write_result

from mlperf_training_import.findings import by_weight
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.show.report import report_of
from mlperf_training_import.show.screen import Screen
from mlperf_training_import.show.summaries import write_summaries
from mlperf_training_import.start.sample import run_log


@pytest.fixture
def outcome(tmp_path) -> Outcome:
    """One result with a factor and a run that failed, one folder without a score."""
    folder = write_result(tmp_path)
    (folder / "result_3.txt").write_text(run_log("resnet", 4, status="aborted"))
    (folder / "scaling.json").write_text('{"scaling_factor": 1.25}')
    write_files(tmp_path, {f"Org/results/sys/bert/result_{number}.txt": run_log("bert", number + 1) for number in range(2)})
    imported = import_tree(tmp_path)
    return Outcome(rounds=[imported.outcome], findings=sorted(imported.findings, key=by_weight))


def test_every_run_of_every_folder_is_in_the_report(outcome):
    (round_,) = report_of(outcome)["rounds"]
    folders = {folder["folder"]: folder for folder in round_["folders"]}
    assert folders["Org/results/sys/bert"]["not_scored"]
    assert folders["Org/results/sys/bert"]["runs"] == [
        {"log": "result_0.txt", "minutes": 1.0},
        {"log": "result_1.txt", "minutes": 2.0},
    ]
    scored = folders["Org/results/sys/resnet"]
    assert scored["minutes"] == (2 + 3 + 5) / 3 * 1.25
    assert scored["runs"][3] == {"log": "result_3.txt", "reason": "status of run_stop is aborted"}
    assert [run.get("minutes") for run in scored["runs"]] == [1.0, 2.0, 3.0, None, 5.0]


def test_a_log_with_several_runs_is_marked_in_the_report(tmp_path):
    folder = write_result(tmp_path)
    log = folder / "result_0.txt"
    log.write_text(log.read_text() + run_log("resnet", 9, start_ms=1_800_000_000_000))
    (round_,) = report_of(Outcome(rounds=[import_tree(tmp_path).outcome]))["rounds"]
    assert [run.get("runs_begun") for run in round_["folders"][0]["runs"]] == [2, None, None, None, None]


def test_scaling_factors_are_columns(outcome, tmp_path):
    write_summaries(outcome, tmp_path)
    with (tmp_path / "mlperf-training-summary-3.0.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["resnet:scaling_factor"] == "1.25"
    assert float(row["resnet"]) == (2 + 3 + 5) / 3 * 1.25
    assert list(row).index("resnet:scaling_factor") > list(row).index("system_file")  # behind the columns of the peer
    (entry,) = json.loads((tmp_path / "summary_results.json").read_text())
    assert entry["scaling_factor"] == 1.25


def test_no_factor_is_no_column(tmp_path):
    write_result(tmp_path)
    write_summaries(Outcome(rounds=[import_tree(tmp_path).outcome]), tmp_path)
    assert "scaling_factor" not in (tmp_path / "mlperf-training-summary-3.0.csv").read_text()


def test_findings_are_counted_by_kind_with_one_example_each(outcome, capsys):
    Screen().show(outcome)
    lines = capsys.readouterr().out.splitlines()
    assert "round 3.0: 1 result with a scaling factor, the largest 1.25 (Org/results/sys/resnet)" in lines
    codes = [finding.code for finding in outcome.findings]
    shown = [line for line in lines if line.split(" ")[0] in codes]
    assert [line.split(" ")[0] for line in shown] == list(dict.fromkeys(codes))
    assert all(f"({codes.count(line.split(' ')[0])}): 3.0 " in line for line in shown)
    (reason,) = (line for line in lines if line.startswith("run-not-counted"))
    assert reason == "run-not-counted (1): 3.0 Org/results/sys/resnet/result_3.txt: status of run_stop is aborted"
