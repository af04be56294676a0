"""The handed cases of ``score``: what each of them is, and what is said of it."""

from __future__ import annotations

import pytest

from mlperf_training_import.errors import NothingToScore
from mlperf_training_import.runs.arrange import arrange
from mlperf_training_import.runs.score import score_logs


def test_colours_that_are_reset(more):
    (group,), left = score_logs([more / "colour-with-reset"])
    assert (group.minutes, left) == (pytest.approx(90.975), [])


def test_one_run_in_three_files(more):
    (group,), left = score_logs([more / "one-run-three-files"])
    assert (group.minutes, group.reason) == (None, "9 of 10 runs")
    assert len([line for line in left if "the same run as in" in line]) == 9


def test_a_log_beside_one_that_is_called_result(more):
    (group,), left = score_logs([more / "score_other_log_beside_result_txt"])
    assert ([run.minutes is not None for run in group.runs], left) == ([True, True], [])


def test_an_empty_log_of_a_submission(more):
    (group,), _ = score_logs([more / "submission-with-empty-log"])
    assert (group.minutes, group.runs[0].reason) == (pytest.approx(91.475), "the file is empty")


def test_logs_without_a_time(more):
    folder = more / "vanishing-no-time"
    (group,), (left,) = score_logs([folder])
    assert len(group.runs) == 1
    assert left.startswith(f"{folder}/seed_0.out and 1 more: no run_start that can be read")
    with pytest.raises(NothingToScore, match="time_ms missing") as nothing:
        score_logs([folder / "seed_0.out", folder / "seed_1.out"])
    assert "log lines have one of" not in str(nothing.value)


def test_the_benchmark_of_old_lines(more):
    groups, _ = score_logs([more / "benchmark-of-0.5-lines"])
    found = [(group.benchmark, group.round, group.reason, group.target) for group in groups]
    assert found == [("ncf", "0.5", "5 of 100 runs", 0.635), ("transformer", "0.5", "5 of 10 runs", 25.0)]


def test_a_nearly_right_name(more):
    (group,), _ = score_logs([more / "gpt-oss-20b"])
    assert (group.benchmark, group.target, group.reason) == ("gpt_oss_20b", 3.34, "3 of 10 runs")
    assert group.notes == ("the logs name gpt-oss-20b, treated as gpt_oss_20b",)


def test_a_benchmark_of_a_round_that_is_not_public(more):
    (group,), _ = score_logs([more / "qwen35-default-round"])
    assert (group.round, group.target, group.score, group.verdict) == ("6.1", 0.69, 151.0, "pass")


@pytest.mark.parametrize(("case", "code"), [("score_exit_code", 1), ("score_target_missed", 1), ("qwen35-default-round", 0)])
def test_exit_codes(more, case, code, capsys, main):
    assert main(["score", str(more / case), "--check"]) == code


@pytest.mark.parametrize("case", ["score_target_missed", "success-missed-target"])
def test_runs_that_missed_the_target(more, case):
    (group,), _ = score_logs([more / case])
    assert group.verdict != "pass"
    assert "target-missed" in [finding.code for finding in group.findings]
    assert all(run.missed for run in group.runs)


def test_two_benchmarks_that_are_not_named(more):
    groups, _ = score_logs([more / "two-benchmarks-not-named"])
    assert [(len(group.runs), group.score, group.round) for group in groups] == [(5, None, None), (5, None, None)]


def test_all_are_arranged_or_named(more, tmp_path):
    system = tmp_path / "box.json"
    system.write_text("{}")
    made = arrange([str(more / "vanishing-no-time"), str(more / "one-run-three-files")], "Acme", system, tmp_path / "tree")
    assert {group.benchmark: len(group.runs) for group in made.groups} == {"deepseekv3_671b": 1, "llama2_70b_lora": 9}
    assert any("time_ms missing" in line for line in made.left)
