"""Which runs make one score, by whose rules, and what is said of them."""

from __future__ import annotations

import json

import pytest
from trees import write_files, write_result

from mlperf_training_import.runs.score import score_files, score_logs
from mlperf_training_import.runs.whose import benchmark_named, newest_round, round_for
from mlperf_training_import.start.sample import START_MS, log_line, run_log
from mlperf_training_import.tables.rules import rules_of

DAY_MS = 24 * 60 * 60 * 1000
LORA = "llama2_70b_lora"


@pytest.fixture
def main(cm, main):
    """The command line over a home that need not be made: where a score is shown, imported results are looked for."""
    return main


@pytest.fixture
def logs(isolated):
    """A folder for logs, without the home that is beside it."""
    return isolated


def runs(count: int = 10, benchmark: str = LORA, *, first: int = 0, rate: float | None = None, **more) -> list[str]:
    """Logs of runs of a day each, with evaluations of their own."""
    texts = []
    evaluations = more.pop("evaluations", [(1, 1.0), (2, 0.92)])
    for number in range(first, first + count):
        start_ms = START_MS + number * DAY_MS
        own = [(epoch, quality + number / 1000) for epoch, quality in evaluations[:1]] + evaluations[1:]
        text = run_log(benchmark, 10.0 + number, start_ms=start_ms, evaluations=own, **more)
        texts.append(text if rate is None else log_line(start_ms, "opt_base_learning_rate", rate) + "\n" + text)
    return texts


def write(root, texts) -> None:
    write_files(root, {f"{number}.log": text for number, text in enumerate(texts)})


def only(root, **more):
    (group,) = score_files([root], **more).groups
    return group


UNLIKE = {
    "batch sizes: 8, 16": runs(5, global_batch_size=8) + runs(5, first=5, global_batch_size=16),
    "learning rates: 0.0001, 0.001": runs(5, rate=1e-4) + runs(5, first=5, rate=1e-3),
    "numbers of samples: 5000, 100000": runs(5)
    + [text.replace('"value": 100000', '"value": 5000') for text in runs(5, first=5)],
    "batch sizes: 8, 16; learning rates: 0.0001, 0.001": runs(5, rate=1e-4, global_batch_size=8)
    + runs(5, first=5, rate=1e-3, global_batch_size=16),
}


@pytest.mark.parametrize("difference", UNLIKE)
def test_unlike_runs_are_a_sweep_without_a_score(logs, difference, capsys, main):
    write(logs, UNLIKE[difference])
    group = only(logs)
    assert (group.score, group.minutes, group.minutes_so_far, group.verdict) == (None, None, None, None)
    assert group.reason == f"not runs of one result: they differ in {difference}"
    assert main(["score", str(logs)]) == 0
    heading = capsys.readouterr().out.split("─")[0]
    assert all(column in heading for column in ("batch size", "rate", "data set"))


def test_two_whole_sets_of_runs_in_one_folder_are_two_results(logs):
    write(logs, runs(global_batch_size=8) + runs(first=10, global_batch_size=16))
    groups = score_files([logs]).groups
    assert sorted((len(group.runs), group.runs[0].global_batch_size, group.score) for group in groups) == [
        (10, 8, pytest.approx(14.5)),
        (10, 16, pytest.approx(24.5)),
    ]


@pytest.mark.parametrize(
    ("benchmark", "counts", "results"),
    [(LORA, (10, 10), 2), (LORA, (10, 9), 1), ("my_model", (3, 3), 2), ("my_model", (2, 2), 1)],
)
def test_only_whole_sets_of_runs_are_results_of_their_own(logs, benchmark, counts, results):
    sets = [runs(count, benchmark, first=10 * n, global_batch_size=8 << n) for n, count in enumerate(counts)]
    write(logs, [text for texts in sets for text in texts])
    groups = score_files([logs]).groups
    assert [group.is_sweep for group in groups] == [results == 1] * results


@pytest.mark.parametrize("name", ["", " \t", None, 7])
def test_a_name_that_is_blank_or_no_text_is_no_name(logs, name):
    write(logs, [text.replace(json.dumps(LORA), json.dumps(name)) for text in runs(2)])
    group = only(logs)
    assert (group.benchmark, group.notes) == ("not named", ())


def test_the_logs_of_a_submission_are_one_result_whatever_they_say(logs):
    write_files(logs / LORA, {f"result_{n}.txt": text for n, text in enumerate(UNLIKE["batch sizes: 8, 16"])})
    assert only(logs).score == pytest.approx(14.5)


def test_a_submission_is_described_as_when_it_is_imported(logs):
    folder = write_result(logs, benchmark=LORA, submitter="Acme", description={"division": "open"})
    group = only(folder)
    assert (group.division, group.accelerators, group.system) == ("open", 8, "Made-up system")
    assert "division-conflict" in {finding.code for finding in group.findings}


def test_samples_that_are_counted_while_training_are_no_size_of_the_data_set(logs):
    texts = [
        text.replace('"key": "eval_accuracy"', '"key": "a"', 1).replace("run_stop", f"{n}", 0)
        + log_line(START_MS + n * DAY_MS, "train_samples", 1000 + n)
        + "\n"
        for n, text in enumerate(runs())
    ]
    write(logs, texts)
    assert not only(logs).is_sweep


def test_runs_without_a_name_have_no_score(logs):
    texts = ["\n".join(line for line in text.splitlines() if "submission_benchmark" not in line) for text in runs(11)]
    write(logs / "x", texts[:10])
    group = only(logs)
    assert (group.benchmark, group.score, group.round) == ("not named", None, None)
    assert group.reason == "the logs are in no benchmark folder and name no benchmark of the table"
    write_files(logs / "flux1", {"0.log": texts[10]})
    assert {group.benchmark for group in score_files([logs]).groups} == {"not named", "flux1"}


def test_the_benchmark_that_old_lines_name_is_used(logs):
    for name, minutes in (("ncf", 1), ("transformer", 2)):
        for number in range(3):
            start = 1541674521 + number * 86400
            lines = (f"{start}.0 (a.py:49) run_start", f"{start + 60 * minutes}.0 (a.py:51) run_stop")
            write_files(logs, {f"{name}_{number}.log": "".join(f":::MLPv0.5.0 {name} {line}\n" for line in lines)})
    groups = score_files([logs]).groups
    assert [(group.benchmark, group.round, group.runs_required, group.target) for group in groups] == [
        ("ncf", "0.5", 100, 0.635),
        ("transformer", "0.5", 10, 25),
    ]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("gpt_oss_20b", "gpt_oss_20b"),
        ("gpt-oss-20b", "gpt_oss_20b"),
        ("GPT-OSS 20B", "gpt_oss_20b"),
        ("llama3.1_8b", "llama31_8b"),
        ("mask", "maskrcnn"),
        ("Mask-R-CNN", "maskrcnn"),
        ("llama", None),
    ],
)
def test_a_name_that_is_nearly_one_of_a_benchmark_means_it(name, key):
    assert benchmark_named(name) == key


def test_what_a_nearly_right_name_was_taken_for_is_said(logs):
    write(logs, runs(3, "gpt-oss-20b", evaluations=[(1, 3.3)]))
    group = only(logs)
    assert (group.benchmark, group.reason) == ("gpt_oss_20b", "3 of 10 runs")
    assert group.notes == ("the logs name gpt-oss-20b, treated as gpt_oss_20b",)
    assert "log-mismatch" not in {finding.code for finding in group.findings}


def test_a_name_that_no_benchmark_has_is_said_and_no_round_is_named(logs, capsys, main):
    write(logs, runs(3, "flux2"))
    group = only(logs, round_="5.1")
    assert (group.round, group.score, group.notes) == (None, 11.0, ("no round of MLPerf has flux2; did you mean flux1?",))
    main(["score", str(logs)])
    assert "\nscore: 11.0000 minutes\n" in capsys.readouterr().out


def test_the_newest_round_that_has_the_benchmark_counts_public_or_not():
    mllog = rules_of("5.1").dialect
    assert round_for("qwen35_397b_grpo", mllog, None) == "6.1"
    assert round_for("bert", mllog, None) == "5.0"
    assert round_for("bert", mllog, "2.1") == "2.1"
    assert round_for("bert", mllog, "6.0") == "5.0"
    assert round_for("cosmoflow", mllog, "5.1") == "hpc-3.0"
    assert round_for("bert", mllog, "7.0") == "7.0"
    assert round_for("ncf", mllog, None) is None
    assert round_for("ncf", rules_of("0.5").dialect, "5.1") == "0.5"
    assert newest_round(mllog) == "6.1"


def test_rules_that_are_not_those_that_were_asked_for_are_said(logs):
    write(logs, runs(3, "bert"))
    assert only(logs, round_="6.0").notes == ("6.0 has no bert; the rules of 5.0 apply",)
    assert only(logs, round_="4.1").notes == ()


def test_runs_that_missed_the_target_have_no_verdict_and_each_says_so(logs, capsys, main):
    write(logs, runs(global_batch_size=8, evaluations=[(1, 1.0), (2, 0.944)]))
    group = only(logs)
    assert (group.verdict, [name for name in group.figures if name.startswith("rcp_")]) == (None, [])
    assert {finding.code for finding in group.findings} == {"target-missed"}
    assert {run.missed for run in group.runs} == {"0.944, at most 0.925 is asked for"}
    main(["score", str(logs)])
    out = capsys.readouterr().out
    assert out.count("success, missed the target: 0.944") == 10
    assert "reference convergence points" not in out


def samples(texts, count):
    return [text.replace('"epoch_num": 2', f'"samples_count": {count}') for text in texts]


def test_a_verdict_and_its_text_come_and_go_together(logs, capsys, main):
    write(logs, samples(runs(global_batch_size=8), 1536))
    group = only(logs)
    assert (group.verdict, "rcp-fail" in group.figures["doubts"]) == ("fail", True)
    main(["score", str(logs)])
    assert "reference convergence points: fail, factor" in capsys.readouterr().out
    (logs / "0.log").unlink()
    group = only(logs)
    assert (group.verdict, group.figures.get("doubts")) == (None, ["run-count"])
    main(["score", str(logs)])
    out = capsys.readouterr().out
    assert "reference convergence points" not in out
    assert "rcp-" not in out


def test_the_time_of_an_aborted_run_is_shown(logs, capsys, main):
    write(logs, runs(1, status="aborted"))
    (run,) = only(logs).runs
    assert (run.minutes, run.minutes_so_far, run.reason) == (None, 10.0, "status of run_stop is aborted")
    main(["score", str(logs)])
    assert " (10.00) " in capsys.readouterr().out


def test_a_benchmark_with_two_targets_shows_both_figures(logs, capsys, main):
    start = runs(1, "stable_diffusion", evaluations=[])[0]
    begin, _, stop = start.rpartition(":::MLLOG")
    figures = [
        log_line(START_MS + 1000, "eval_accuracy", value, {"metric": metric, "samples_count": 512})
        for metric, value in (("FID", 95.0), ("CLIP", 0.14))
    ]
    write(logs, [begin + "\n".join(figures) + "\n:::MLLOG" + stop])
    group = only(logs)
    assert (group.target_metric, group.second_target_metric) == ("FID", "CLIP")
    assert (group.runs[0].quality, group.runs[0].second_quality) == (95.0, 0.14)
    main(["score", str(logs)])
    assert "CLIP (target 0.15)" in capsys.readouterr().out


CHECKS = {
    "sound": (0, lambda: dict(enumerate(samples(runs(global_batch_size=8), 3072)))),
    "a verdict that is fail": (1, lambda: dict(enumerate(samples(runs(global_batch_size=8), 1536)))),
    "target missed": (1, lambda: dict(enumerate(runs(evaluations=[(1, 0.944)])))),
    "too few runs": (1, lambda: dict(enumerate(runs(9)))),
    "too many aborted": (1, lambda: dict(enumerate(runs(8) + runs(2, first=8, status="aborted")))),
    "a file that cannot be read": (2, lambda: dict(enumerate([*samples(runs(global_batch_size=8), 3072), b"\x1f\x8b\x08"]))),
    "no file that can be read": (2, lambda: {0: b"\x1f\x8b\x08"}),
    "no logs": (16, lambda: {0: "hello\n"}),
}


@pytest.mark.parametrize("case", CHECKS)
def test_exit_codes(logs, case, capsys, main):
    code, files = CHECKS[case]
    write_files(logs, {f"{name}.log": content for name, content in files().items()})
    assert main(["score", str(logs), "--check"]) == code
    assert main(["score", str(logs)]) == (16 if code == 16 or case == "no file that can be read" else 0)
    assert main(["score", str(logs / "absent"), "--check"]) == 2


def test_json_says_its_form_and_all_that_is_known(logs, capsys, main):
    write(logs, runs(3))
    write_files(logs, {"result_7.txt": ""})
    assert main(["score", str(logs), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"schema_version", "groups", "left_out"}
    assert found["schema_version"] == 1
    assert found["left_out"] == [{"file": str(logs / "result_7.txt"), "why": "the file is empty", "unread": False}]
    (group,) = found["groups"]
    assert (group["benchmark"], group["reason"], len(group["runs"])) == (LORA, "3 of 10 runs", 3)


def test_the_documentation_has_every_field_of_the_json(logs, capsys, main):
    from pathlib import Path

    write(logs, runs(1))
    main(["score", str(logs), "--json"])
    found = json.loads(capsys.readouterr().out)
    text = (Path(__file__).parents[2] / "docs/score.md").read_text()
    names = {*found, *found["groups"][0], *found["groups"][0]["runs"][0], "file", "why", "unread"}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_csv_has_score_and_verdict(logs, capsys, main):
    write(logs, samples(runs(global_batch_size=8), 1536))
    main(["score", str(logs), "--csv"])
    header, *rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert {(row[header.index("score")], row[header.index("verdict")]) for row in rows} == {("14.5", "fail")}
    assert len(rows) == 10


def test_json_of_a_followed_log_ends_with_its_score(logs, capsys, main):
    write(logs, runs(1))
    assert main(["score", str(logs / "0.log"), "--follow", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events][:3] == ["target", "run_start", "evaluation"]
    assert (events[-1]["event"], events[-1]["schema_version"], len(events[-1]["groups"])) == ("score", 1, 1)


def test_lines_for_people_say_the_same_as_the_function(logs):
    write(logs, runs(2))
    write_files(logs, {"result_7.txt": "", "result_8.txt": ""})
    _, left = score_logs([logs])
    assert left == [f"{logs}/result_7.txt and 1 more: the file is empty"]


def test_no_cell_of_the_csv_is_an_order_to_a_terminal_or_a_formula(logs, capsys, main):
    write_files(logs, {"a\x1b[2J\n.log": runs(1, status="=1+1")[0]})
    main(["score", str(logs), "--csv"])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert ",'=1+1," in out
    assert len(out.splitlines()) == 2
