"""Logs as people have them: sixteen forms, each with its minutes or with what is missing in one line."""

from __future__ import annotations

import gzip
import json
import os
import sys

import pytest
from trees import import_tree, write_files

from mlperf_training_import.errors import BadInput, NothingToScore
from mlperf_training_import.runs.describe import describe_runs
from mlperf_training_import.runs.score import score_logs
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission

MINUTES = [28.0, 29.5, 28.4, 30.1, 28.9, 29.0, 28.2, 29.9, 28.6, 28.8]
#: The mean without the fastest and the slowest.
SCORE = sum(sorted(MINUTES)[1:-1]) / 8
DAY_MS = 24 * 60 * 60 * 1000


def logs(benchmark: str = "llama2_70b_lora", minutes=MINUTES, **more) -> list[str]:
    return [run_log(benchmark, number, start_ms=START_MS + place * DAY_MS, **more) for place, number in enumerate(minutes)]


def only(root, **more):
    groups, troubles = score_logs([root], **more)
    assert troubles == []
    (group,) = groups
    return group


def docker(text: str) -> str:
    """As Docker's JSON logging driver writes it: one record a line, long ones in parts."""
    parts = (part for line in text.splitlines(keepends=True) for part in (line[:100], line[100:]) if part)
    records = [json.dumps({"log": part, "stream": "stdout", "time": "2026-11-01T00:00:00Z"}) for part in parts]
    return "\n".join(records) + "\n"


FORMS = {
    "flat folder": lambda texts: {f"result_{n}.txt": text for n, text in enumerate(texts)},
    "names with times": lambda texts: {f"train_2026-11-{n + 1:02}_10-30-00.log": text for n, text in enumerate(texts)},
    "results/<benchmark>/<system>-<date>.log": lambda texts: {
        f"results/llama2_70b_lora/box-202611{n + 10}.log": text for n, text in enumerate(texts)
    },
    "one file in results": lambda texts: {"results/all.txt": "".join(texts)},
    "deep in a repository": lambda texts: {
        f"repo/training/Acme/results/box/llama2_70b_lora/result_{n}.txt": text for n, text in enumerate(texts)
    },
    "slurm outputs": lambda texts: {f"slurm-{4711 + n}.out": text for n, text in enumerate(texts)},
    "a folder for each time": lambda texts: {f"2026-11-{n + 1:02}T10-30-00/train.log": text for n, text in enumerate(texts)},
    "a folder for each run": lambda texts: {f"run_{n}/stdout": text for n, text in enumerate(texts)},
    "a byte order mark and UTF-16": lambda texts: {f"{n}.log": text.encode("utf-16") for n, text in enumerate(texts)},
    "UTF-16 without a mark": lambda texts: {f"{n}.log": text.encode("utf-16-le") for n, text in enumerate(texts)},
    "docker": lambda texts: {f"{n}-json.log": docker(text) for n, text in enumerate(texts)},
    "colours and ranks": lambda texts: {
        f"{n}.log": text.replace(":::MLLOG", "\x1b[32m[rank 0] 0: 99%|##| 9/9:::MLLOG") for n, text in enumerate(texts)
    },
    "gzip": lambda texts: {f"result_{n}.txt.gz": gzip.compress(text.encode(), mtime=0) for n, text in enumerate(texts)},
    "several trials in a file": lambda texts: {"a.log": "".join(texts[:3]), "b.log": "".join(texts[3:])},
    "windows line ends": lambda texts: {f"{n}.log": text.replace("\n", "\r\n") for n, text in enumerate(texts)},
    "files that are no logs beside them": lambda texts: (
        {f"{n}.log": text for n, text in enumerate(texts)}
        | {"model.bin": b"\0\1\2" * 5000, "notes.md": "# notes\n", "empty.log": "", ".git/HEAD": texts[0]}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_gives_the_score(tmp_path, form):
    write_files(tmp_path, FORMS[form](logs()))
    group = only(tmp_path)
    assert group.minutes == pytest.approx(SCORE, abs=1e-12)
    assert [run.minutes for run in group.runs] == MINUTES
    assert (group.benchmark, group.division) == ("llama2_70b_lora", "closed")


def test_a_folder_for_each_configuration_is_a_group_for_each(tmp_path):
    for name, factor in (("tp4_pp2", 1), ("tp8_pp1", 2)):
        write_files(tmp_path / name, FORMS["slurm outputs"](logs(minutes=[number * factor for number in MINUTES])))
    groups, _ = score_logs([tmp_path])
    assert [group.minutes for group in groups] == [pytest.approx(SCORE), pytest.approx(2 * SCORE)]


def test_benchmarks_divisions_and_systems_in_one_folder_are_groups_of_their_own(tmp_path):
    other = log_line(START_MS, "submission_platform", "another machine") + "\n"
    texts = [run_log("bert", 1), run_log("bert", 2, division="open"), other + run_log("bert", 3), run_log("retinanet", 4)]
    write_files(tmp_path, {f"{n}.log": text for n, text in enumerate(texts)})
    groups, _ = score_logs([tmp_path])
    assert sorted((group.benchmark, group.division, group.runs[0].minutes) for group in groups) == [
        ("bert", "closed", 1.0),
        ("bert", "closed", 3.0),
        ("bert", "open", 2.0),
        ("retinanet", "closed", 4.0),
    ]


def test_fewer_runs_than_the_rules_ask_for_have_no_score_but_a_mean(tmp_path):
    write_files(tmp_path, FORMS["slurm outputs"](logs(minutes=[28.0, 30.0])))
    group = only(tmp_path)
    assert (group.minutes, group.minutes_so_far, group.reason) == (None, 29.0, "2 of 10 runs")


def test_an_interrupted_run_says_how_far_it_is(tmp_path):
    text = run_log("bert", 10.0, evaluations=[(100_000, 0.5), (200_000, 0.6)])
    write_files(tmp_path, {"run.log": text[: text.index(':::MLLOG {"namespace": "", "time_ms": 1700000600000')]})
    (run,) = only(tmp_path).runs
    assert (run.minutes, run.reason, run.status) == (
        None,
        "no run_stop after the run_start",
        "no run_stop: still running, or cut off",
    )
    assert run.minutes_so_far == pytest.approx(20 / 3, abs=1e-3)
    assert run.quality == 0.6


def test_an_attempt_that_never_ended_and_one_that_did_are_two_runs(tmp_path):
    text = run_log("bert", 10.0)
    cut = text[: text.index("eval_accuracy")].rpartition("\n")[0] + "\n"
    write_files(tmp_path, {"run.log": cut + run_log("bert", 12.0, start_ms=START_MS + DAY_MS)})
    assert [run.minutes for run in only(tmp_path).runs] == [None, 12.0]


def test_the_lines_of_another_round_are_scored_by_it_and_that_is_said(tmp_path):
    lines = [
        ':::MLL 1560822378.000 submission_benchmark: {"value": "resnet", "metadata": {}}',
        ':::MLL 1560822378.000 run_start: {"value": null, "metadata": {}}',
        ':::MLL 1560822438.000 run_stop: {"value": null, "metadata": {"status": "success"}}',
    ]
    write_files(tmp_path, {f"{n}.log": "\n".join(lines).replace("15608", f"156{n}8") for n in range(5)})
    group = only(tmp_path, round_="5.1")
    assert (group.round, group.minutes) == ("0.6", 1.0)


def test_a_benchmark_of_ones_own_is_scored_without_a_target(tmp_path):
    write_files(tmp_path, FORMS["flat folder"](logs("my_model", [1, 2, 3])))
    group = only(tmp_path)
    assert (group.benchmark, group.minutes, group.target) == ("my_model", 2.0, None)


def test_the_newest_round_that_has_the_benchmark_counts_or_the_one_that_is_asked_for(tmp_path):
    write_files(tmp_path, FORMS["flat folder"](logs("resnet", [1, 2, 3, 4, 5])))
    assert only(tmp_path).round == "4.0"
    assert only(tmp_path, round_="1.1").round == "1.1"


def test_the_logs_may_describe_their_system(tmp_path):
    system = system_description("Acme", number_of_nodes="2", accelerators_per_node="8", system_name="box")
    texts = [f":::SYSJSON {json.dumps(system)}\n{text}" for text in logs()]
    write_files(tmp_path, FORMS["slurm outputs"](texts))
    group = only(tmp_path)
    assert (group.system, group.accelerators) == ("box", 16)
    assert group.figures["accelerator_minutes"] == group.minutes * 16


def test_the_factor_beside_logs_of_a_submission_counts(tmp_path):
    write_files(tmp_path, FORMS["flat folder"](logs()) | {"scaling.json": {"scaling_factor": 1.5}})
    group = only(tmp_path)
    assert len(group.runs) == 10
    assert group.minutes == pytest.approx(1.5 * SCORE)
    (tmp_path / "scaling.json").write_text('{"scaling_factor": "1.5"}')
    assert (only(tmp_path).score, only(tmp_path).reason) == (None, "scaling.json: no scaling_factor above 0 in it")


@pytest.mark.parametrize("folder", ["Acme/results/box/llama2_70b_lora", "llama2_70b_lora"])
@pytest.mark.parametrize("names", [["."], [f"result_{number}.txt" for number in range(10)], ["../llama2_70b_lora"]])
def test_the_working_directory_may_be_the_folder_of_a_benchmark(tmp_path, monkeypatch, folder, names):
    texts = [text.replace('"submission_benchmark"', '"x"') for text in logs()]
    write_files(tmp_path, {f"{folder}/result_{number}.txt": text for number, text in enumerate(texts)})
    write_files(tmp_path, {f"{folder}/scaling.json": {"scaling_factor": 1.5}})
    monkeypatch.chdir(tmp_path / folder)
    ((group,), _) = score_logs(names)
    assert (group.benchmark, len(group.runs)) == ("llama2_70b_lora", 10)
    assert group.score == pytest.approx(SCORE * 1.5)


def test_the_doubts_of_a_result_are_those_of_its_entry(tmp_path):
    """What is odd about a single run is a finding, and no doubt about the result."""
    texts = [run_log("resnet", number, status="success" if number > 1 else "aborted") for number in (1, 2, 3, 4, 5)]
    write_submission(tmp_path, "Org", "sys", "resnet", [*texts, texts[-1]], system_description("Org"))
    group = only(tmp_path, round_="3.0")
    assert [doubt.code for doubt in group.findings] == ["run-not-counted", "run-count", "repeated-runs"]
    entry = import_tree(tmp_path, "3.0").only.entry
    assert group.figures["doubts"] == entry["doubts"] == ["run-count", "repeated-runs"]


def test_lines_after_the_end_of_a_run_are_part_of_it(tmp_path):
    more = log_line(START_MS + DAY_MS, "submission_poc_name", "me") + "\n"
    write_files(tmp_path, {f"{n}.log": text + more for n, text in enumerate(logs())})
    assert len(only(tmp_path).runs) == 10


def test_logs_of_a_submission_are_one_result_whatever_they_say_of_their_system(tmp_path):
    texts = [log_line(START_MS, "submission_platform", f"node {n}") + "\n" + text for n, text in enumerate(logs())]
    write_files(tmp_path / "llama2_70b_lora", FORMS["flat folder"](texts))
    assert only(tmp_path).minutes == pytest.approx(SCORE)


def test_standard_input(monkeypatch, tmp_path):
    (tmp_path / "all.log").write_text("".join(logs()))
    with (tmp_path / "all.log").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert only("-").minutes == pytest.approx(SCORE)


def test_standard_input_lies_beside_no_submission(monkeypatch, tmp_path):
    folder = tmp_path / "Acme/results/box/llama2_70b_lora"
    write_files(folder, {f"result_{number}.txt": text for number, text in enumerate(logs(minutes=MINUTES[1:]))})
    (tmp_path / "first.log").write_text(logs(minutes=MINUTES[:1])[0])
    monkeypatch.chdir(folder)
    with (tmp_path / "first.log").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        groups, troubles = score_logs(["-", "."])
    assert (sorted(len(group.runs) for group in groups), troubles) == ([1, 9], [])


def test_a_ctrl_c_that_interrupts_no_reading_of_standard_input_is_heeded(monkeypatch, ctrl_c):
    ours, others = os.pipe()
    with os.fdopen(others, "wb"), os.fdopen(ours) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            score_logs(["-"])


def test_what_is_no_log_is_named(tmp_path):
    with pytest.raises(BadInput, match="nowhere: no such file or folder"):
        score_logs([tmp_path / "nowhere"])
    with pytest.raises(BadInput, match="no file in it"):
        score_logs([tmp_path])
    write_files(tmp_path, {"notes.txt": "hello\n"})
    with pytest.raises(NothingToScore, match="no run of MLPerf Training in it\n  log lines have one of ':::MLL '"):
        score_logs([tmp_path])
    with pytest.raises(BadInput, match="--round=newest: expected <number>"):
        score_logs([tmp_path], round_="newest")


def test_a_file_that_cannot_be_unpacked_or_is_too_large_is_named_and_the_rest_is_scored(tmp_path):
    write_files(tmp_path, {f"{n}.log": text for n, text in enumerate(logs())})
    write_files(
        tmp_path, {"cut.gz": gzip.compress(logs()[0].encode(), mtime=0)[:-20], "large.log": (b"x" * 100 + b"\n") * (2 << 14)}
    )
    groups, troubles = score_logs([tmp_path], largest_mb=1)
    assert [len(group.runs) for group in groups] == [10]
    assert [trouble.rpartition(": ")[2][:14] for trouble in troubles] == ["not whole gzip", "larger than 1 "]


def test_where_a_submission_was_expected_the_runs_are_named(tmp_path):
    write_files(tmp_path, FORMS["slurm outputs"](logs()))
    said = describe_runs(tmp_path, "5.1", "python run.py")
    assert said.startswith("\nthere are 10 runs of llama2_70b_lora; score them as they are: ")
    assert f"arrange {tmp_path} --submitter <name>" in said
    assert describe_runs(tmp_path / "nowhere", "5.1", "python run.py") == ""
