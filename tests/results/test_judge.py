"""A result is judged in one place: folders of a round and loose logs alike."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from trees import import_tree, write_files, write_result

from mlperf_training_import.model import Energy, Facts, Round, RunLog, Submission, System
from mlperf_training_import.results.facts import read_scaling_factor
from mlperf_training_import.results.judge import judge_result
from mlperf_training_import.results.metrics import metrics_of
from mlperf_training_import.results.score import judge
from mlperf_training_import.results.scored import iter_doubts
from mlperf_training_import.runs.score import score_logs
from mlperf_training_import.start.sample import START_MS, run_log
from mlperf_training_import.tables.metrics import metric_of
from mlperf_training_import.tables.rules import benchmark_of, rules_of

MINUTE_MS = 60_000


def facts(minutes=(1, 2, 3, 4, 5), metric: str = "time-to-train", starts=(0, 0, 0, 0, 0), **more) -> Facts:
    """What is known of some runs of deepcam, which start so many minutes after the first."""
    submission = Submission("Org", "sys", "deepcam", "f", System(nodes=1), None, "f", (), metric_of(metric))
    logs = [
        RunLog(f"f/result_{n}.txt", 4, run_start_ms=start * MINUTE_MS, run_stop_ms=(start + m) * MINUTE_MS, succeeded=True)
        for n, (m, start) in enumerate(zip(minutes, starts, strict=True))
    ]
    rounds = Round("hpc-2.0", "hpc-2.0", Path()), rules_of("hpc-2.0")
    known = {"benchmark": benchmark_of("deepcam", "hpc-2.0"), "division": "closed", "logs": tuple(logs)}
    return Facts(*rounds, submission, **known | more)


def test_a_score_says_how_it_was_made():
    judged = judge_result(facts(scaling_factor=1.5))
    score = judged.score
    assert (judged.scaling_factor, score.minutes, score.value) == (1.5, 4.5, 4.5)
    assert [run.minutes for run in score.kept] == [2, 3, 4]
    assert score.seconds == 180  # what the system took; the factor is none of its time


def test_a_throughput_is_made_of_the_first_start_and_the_last_stop():
    score = judge_result(facts(metric="throughput", starts=(0, 1, 2, 3, 5), scaling_factor=None)).score
    assert (score.value, score.minutes, score.figures["minutes_to_train_all"]) == (5 / 10, 2.0, 10.0)


def test_judging_changes_nothing_and_says_the_same_again():
    known = facts(scaling_factor=0.9)
    first, second = judge_result(known), judge_result(known)
    assert first == second
    assert "odd-scaling" in {doubt.code for doubt in first.doubts}
    assert known == facts(scaling_factor=0.9)


def test_doubts_with_some_codes_are_those_of_the_judgement():
    known = facts(scaling_factor=0.9, repeated=(("result_0.txt", "result_1.txt"),))
    doubts = judge_result(known).doubts
    for codes in ({"odd-scaling", "repeated-runs"}, {"odd-scaling"}, {"log-mismatch"}):
        assert list(iter_doubts(known, codes)) == [doubt for doubt in doubts if doubt.code in codes]
    assert {doubt.code for doubt in doubts} > {"odd-scaling", "repeated-runs"}
    assert list(iter_doubts(facts(benchmark=benchmark_of("", "hpc-2.0")), {"odd-times"})) == []


def test_a_result_without_a_benchmark_has_a_reason_and_no_other_doubts():
    judged = judge_result(facts(benchmark=benchmark_of("", "hpc-2.0"), division="unknown"))
    assert [doubt.code for doubt in judged.doubts] == ["no-logs"]


def test_a_verdict_has_the_three_numbers_that_it_follows_from(tmp_path):
    write_result(tmp_path, benchmark="retinanet", evaluations=[(1.5, 0.1), (3.2, 0.35)])
    verdict = import_tree(tmp_path, "5.0").only.verdict
    assert (verdict.name, verdict.mean, verdict.least_acceptable) == ("fail", pytest.approx(3.2), 4.0)
    assert verdict.factor == pytest.approx(4 / 3.2)


@pytest.mark.parametrize("logs", [range(1, 6), (1, 2, 2, 4, 5)], ids=["plain", "one run twice"])
def test_loose_logs_are_judged_like_the_folder_that_they_are_in(tmp_path, logs):
    folder = write_result(tmp_path, logs, evaluations=[(30, 0.3)])
    write_files(folder, {"scaling.json": {"scaling_factor": 1.25}})
    imported = import_tree(tmp_path).only
    ((group,), troubles) = score_logs([folder], "3.0")
    assert troubles == []
    assert (group.score, group.figures) == (imported.score.value, imported.figures)
    assert [(doubt.code, doubt.what) for doubt in group.findings] == [(d.code, d.what) for d in imported.doubts]


def test_runs_in_one_file_are_told_apart(tmp_path):
    texts = [run_log("resnet", n, start_ms=START_MS + n * 10_000_000, evaluations=[(30, 0.3)]) for n in range(1, 6)]
    write_files(tmp_path, {"all.log": "".join(texts)})
    ((group,), _) = score_logs([tmp_path], "3.0")
    (missed,) = (doubt.what for doubt in group.findings if doubt.code == "target-missed")
    assert missed.startswith("5 of 5 logs say success")
    assert [run.line for run in group.runs] == [
        int(name.strip(":").split(" ")[0].strip(",")) for name in missed.split("all.log")[1:]
    ]


@pytest.mark.parametrize(("factor", "is_read"), [(999, True), (1001, False), (1 / 999, True), (1 / 1001, False)])
def test_a_factor_lies_within_a_thousandth_and_a_thousand(tmp_path, factor, is_read):
    file = tmp_path / "scaling.json"
    file.write_text(f'{{"scaling_factor": {factor}}}')
    if is_read:
        assert read_scaling_factor(file) == factor
    else:
        with pytest.raises(ValueError, match="not between 1/1000 and 1000"):
            read_scaling_factor(file)


@pytest.mark.parametrize(("stop_ms", "counts"), [(0.9e13, True), (1.1e13, False), (1.1e-3, True), (0.9e-3, False)])
def test_a_run_takes_a_microsecond_to_three_hundred_years(stop_ms, counts):
    log = RunLog("result_0.txt", 4, run_start_ms=0.0, run_stop_ms=stop_ms, succeeded=True)
    assert (judge(log, rules_of("3.0")).minutes is not None) is counts


def test_the_first_log_that_says_a_division_counts(tmp_path):
    folder = write_result(tmp_path, description={"division": None}, division="open")
    silent = run_log("resnet", 1).replace('"submission_division"', '"submission_other"')
    assert silent != run_log("resnet", 1)
    write_files(folder, {"result_0.txt": silent})
    assert import_tree(tmp_path).only.division == "open"


def test_power_of_a_throughput_is_that_of_the_time_for_one_model():
    judged = judge_result(facts(metric="throughput"))
    figures = metrics_of(msgspec.structs.replace(judged, energy=Energy(joules=6000.0)))
    assert judged.score.value == 1.0  # five models in five minutes
    assert figures["average_power_watts"] == 6000 / 60
    slower = judge_result(facts(metric="throughput", starts=(0, 0, 0, 0, 5)))
    assert metrics_of(msgspec.structs.replace(slower, energy=Energy(joules=6000.0)))["average_power_watts"] == 6000 / 120
