"""MLPerf HPC: strong and weak results, the rule of round 0.7, and the real scores of 0.7 and 2.0."""

from __future__ import annotations

import csv

import pytest
from trees import import_tree, write_files, write_result

from mlperf_training_import.checks.check import check
from mlperf_training_import.experiments.collect import Results
from mlperf_training_import.experiments.identity import stored_identity
from mlperf_training_import.results.entry import uid_of
from mlperf_training_import.runs.score import Scored, score_logs
from mlperf_training_import.show.scored import show_scored
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission

STRONG, WEAK = "Org/results/sys/strong/deepcam", "Org/results/sys/weak/deepcam"


def write_weak(root, minutes=(10, 12, 14, 16, 18), starts=(0, 1, 2, 3, 4), **options):
    """A weak result of deepcam: instances of so many minutes that start so many minutes after the first."""
    logs = [
        run_log("deepcam", length, start_ms=START_MS + start * 60_000, **options)
        for length, start in zip(minutes, starts, strict=True)
    ]
    return write_submission(root, "Org", "sys", "weak/deepcam", logs, system_description("Org"))


def write_strong(root, minutes=(1, 2, 3, 4, 5), **options):
    return write_result(root, minutes, benchmark="strong/deepcam", **options)


@pytest.fixture
def strong_tree(tmp_path):
    """A strong result whose logs name their benchmark."""
    logs = [run_log("deepcam", number) for number in (1, 2, 3, 4, 5)]
    write_submission(tmp_path, "Org", "sys", "strong/deepcam", logs, system_description("Org"))
    return tmp_path


def test_a_strong_result_is_minutes_as_in_training(strong_tree):
    imported = import_tree(strong_tree, "hpc-2.0")
    entry = imported.only.entry
    assert (entry["Result"], entry["deepcam"], entry["Result_Units"]) == (3.0, 3.0, "min.")
    assert (entry["suite"], entry["metric"], entry["version"]) == ("hpc", "time-to-train", "hpc-2.0")
    assert (entry["Task"], entry["Model_ID"]) == ("climate-segmentation", "deepcam")
    assert entry["uid"] == uid_of(("hpc-2.0", "Org", "sys", "deepcam"))
    assert not {"models_trained", "minutes_to_train_all"} & entry.keys()
    assert imported.findings == []


def test_a_weak_result_is_models_per_minute_from_the_first_start_to_the_last_stop(tmp_path):
    write_weak(tmp_path)
    imported = import_tree(tmp_path, "hpc-2.0")
    entry = imported.only.entry
    assert (entry["models_trained"], entry["minutes_to_train_all"]) == (5, 22.0)
    assert (entry["Result"], entry["deepcam"], entry["Result_Units"]) == (5 / 22, 5 / 22, "models/min.")
    assert (entry["metric"], entry["Task"], entry["Model_ID"]) == ("throughput", "climate-segmentation", "deepcam")
    assert entry["uid"] == uid_of(("hpc-2.0", "Org", "sys", "deepcam", "throughput"))
    assert imported.findings == []


def test_figures_of_a_weak_result_are_for_each_model_and_its_samples_those_of_all(tmp_path):
    write_weak(tmp_path, evaluations=((1.0, 0.5), (8.0, 0.83)))
    entry = import_tree(tmp_path, "hpc-2.0").only.entry
    assert entry["accelerator_minutes"] == pytest.approx(22 / 5 * 8, rel=1e-15)
    assert entry["samples_per_second"] == pytest.approx(5 * 8 * 100_000 / (22 * 60), rel=1e-15)
    assert entry["epochs_to_converge"] == 8.0
    assert entry["runs_minutes"] == [10.0, 12.0, 14.0, 16.0, 18.0]


def test_loose_logs_of_a_weak_result_have_the_score_of_their_import(tmp_path, capsys):
    """Its runs may be more than the rules ask for, and a factor of the review does not apply."""
    folder = write_weak(tmp_path)
    (folder / "scaling.json").write_text('{"scaling_factor": 1.5}')
    groups, troubles = score_logs([folder], "hpc-2.0")
    (group,) = groups
    assert (group.metric, group.score, group.minutes) == ("throughput", 5 / 22, 22 / 5)
    assert group.score == import_tree(tmp_path, "hpc-2.0").only.score.value
    assert group.figures["models_trained"] == 5
    assert troubles == []
    show_scored(Scored(groups, []), Results([], []))
    assert "score by the rules of hpc-2.0: 0.2273 models/min.\n" in capsys.readouterr().out


def test_an_instance_that_does_not_count_is_left_out_with_its_times(tmp_path):
    folder = write_weak(tmp_path)
    failed = run_log("deepcam", 500, status="aborted", start_ms=START_MS - 10_000_000)
    (folder / "result_5.txt").write_text(failed)
    imported = import_tree(tmp_path, "hpc-2.0")
    assert imported.only.score.value == 5 / 22
    assert imported.places == {("run-not-counted", f"{WEAK}/result_5.txt")}


def test_progress_and_quality_of_a_weak_result_are_those_of_the_instances_that_count(tmp_path):
    folder = write_weak(tmp_path, evaluations=((8.0, 0.83),))
    failed = run_log("deepcam", 5, status="aborted", evaluations=((100.0, 0.1),))
    for number in (5, 6, 7):
        (folder / f"result_{number}.txt").write_text(failed)
    entry = import_tree(tmp_path, "hpc-2.0").only.entry
    assert entry["epochs_to_converge"] == 8.0
    assert entry["quality_reached"] == pytest.approx(0.83)


def test_a_weak_result_needs_as_many_models_as_the_round_asks_for_runs(tmp_path):
    write_weak(tmp_path, (10, 12, 14, 16), (0, 1, 2, 3))
    imported = import_tree(tmp_path, "hpc-2.0")
    assert imported.results == {}
    assert imported.what("too-few-runs") == ["4 of 4 runs count, the round asks for 5 or more"]


def test_more_instances_than_runs_are_no_finding(tmp_path):
    write_weak(tmp_path, (10,) * 9, range(9))
    imported = import_tree(tmp_path, "hpc-2.0")
    assert imported.only.score.value == 9 / 18
    assert imported.findings == []


def test_a_scaling_file_does_not_apply_to_a_weak_result_and_does_to_a_strong_one(strong_tree):
    folder = write_weak(strong_tree)
    write_files(folder, {"scaling.json": "not JSON"})
    write_files(strong_tree / STRONG, {"scaling.json": {"scaling_factor": 2.0}})
    imported = import_tree(strong_tree, "hpc-2.0")
    values = {place: result.score.value for place, result in imported.results.items()}
    assert values == {WEAK: 5 / 22, STRONG: 6.0}
    assert "scaling_factor" not in imported.results[WEAK].entry
    assert imported.places == {("odd-scaling", f"{STRONG}/scaling.json")}


def test_pruned_results_are_evidence_and_never_a_finding(tmp_path):
    folder = write_weak(tmp_path)
    write_files(folder, {"pruned_results/result_9.txt": run_log("deepcam", 1), "other/result_9.txt": run_log("deepcam", 1)})
    imported = import_tree(tmp_path, "hpc-2.0")
    assert imported.only.score.value == 5 / 22
    assert imported.places == {("nested-logs", f"{WEAK}/other")}


def test_one_system_may_have_both_and_neither_is_compared_with_the_other(strong_tree):
    write_weak(strong_tree)
    imported = import_tree(strong_tree, "hpc-3.0")
    strong, weak = imported.results[STRONG], imported.results[WEAK]
    assert (strong.identity, weak.identity) == (
        ("hpc-3.0", "Org", "sys", "deepcam"),
        ("hpc-3.0", "Org", "sys", "deepcam", "throughput"),
    )
    assert strong.entry["uid"] != weak.entry["uid"]
    assert [result.entry["compared_results"] for result in (strong, weak)] == [1, 1]


def test_more_models_per_minute_have_the_better_place(tmp_path):
    for system, minutes in (("slow", 40), ("fast", 10)):
        logs = [run_log("deepcam", minutes) for _ in range(5)]
        write_submission(tmp_path, "Org", system, "weak/deepcam", logs, system_description("Org"))
    imported = import_tree(tmp_path, "hpc-2.0")
    places = {r.submission.system: (r.entry["rank"], r.entry["rank_per_accelerator"]) for r in imported.outcome.results}
    assert places == {"fast": (1, 1), "slow": (2, 2)}
    assert {r.submission.system: r.score.value for r in imported.outcome.results} == {"fast": 0.5, "slow": 0.125}


def test_an_identity_has_its_metric_only_where_that_is_throughput():
    parts = {"version": "3.0", "submitter_folder": "Org", "system_file": "sys", "Model_ID": "bert"}
    for metric in ("time-to-train", "", None, "unknown", 7, []):
        assert stored_identity({**parts, "metric": metric}) == tuple(parts.values())
    assert stored_identity({**parts, "metric": "throughput"}) == (*parts.values(), "throughput")


@pytest.mark.parametrize("place", ["Org/results/sys/deepcam", "Org/results/sys/medium/deepcam", "Org/results/sys"])
def test_logs_outside_strong_and_weak_are_named_and_not_read(strong_tree, place):
    write_files(strong_tree, {f"{place}/result_0.txt": run_log("deepcam", 1), "Org/results/sys/notes/README.md": "#"})
    imported = import_tree(strong_tree, "hpc-2.0")
    assert imported.minutes == {STRONG: 3.0}
    assert imported.places == {("unread-logs", "Org/results/sys")}
    expected = "logs lie in <submitter>/results/<system>/{strong,weak}/<benchmark>/result_*.txt"
    assert imported.what("unread-logs") == [f"1 log where none are read, first {place}/result_0.txt; {expected}"]


def test_a_system_with_neither_strong_nor_weak_is_named(tmp_path):
    write_files(tmp_path, {"Org/results/sys/README.md": "#", "Org/systems/sys.json": system_description("Org")})
    imported = import_tree(tmp_path, "hpc-2.0")
    assert imported.what("no-logs") == ["the system has no folder strong or weak"]


def test_a_system_of_processors_only_is_no_finding(tmp_path):
    logs = [run_log("deepcam", number) for number in (1, 2, 3, 4, 5)]
    description = system_description("Org", accelerators_per_node="0", accelerator_model_name="")
    write_submission(tmp_path, "Org", "sys", "strong/deepcam", logs, description)
    imported = import_tree(tmp_path, "hpc-1.0")
    assert imported.findings == []
    assert imported.only.entry["accelerators_count"] == 0


def cosmoflow_log(minutes: float, *evaluations: tuple[str, float], status: str | None = "success") -> str:
    """A log of cosmoflow with quality figures under keys of their own."""
    text = run_log("cosmoflow", minutes, evaluations=())
    *lines, _ = text.splitlines()
    stop = START_MS + round(minutes * 60_000)
    lines += [log_line(stop - 1, key, value, {"epoch_num": 5}) for key, value in evaluations]
    return "\n".join([*lines, log_line(stop, "run_stop", None, {"status": status} if status else {})])


def write_cosmoflow(root, logs, benchmark="cosmoflow"):
    write_submission(root, "Org", "sys", benchmark, logs, system_description("Org"))


def test_in_0_7_the_last_quality_figure_decides_and_not_the_status(tmp_path):
    good = [cosmoflow_log(number, ("eval_error", 0.2), ("eval_error", 0.124), status=None) for number in range(1, 10)]
    write_cosmoflow(tmp_path, [*good, cosmoflow_log(10, ("eval_error", 0.1), ("eval_error", 0.125))])
    imported = import_tree(tmp_path, "hpc-0.7")
    assert imported.only.score.value == 5.5  # without the fastest; the failed one is the slowest
    (finding,) = imported.findings
    assert (finding.code, finding.where) == ("run-not-counted", "Org/results/sys/cosmoflow/result_9.txt")
    assert finding.what == "the last quality figure 0.125 misses the target 0.124"


def test_in_0_7_a_run_without_a_quality_figure_does_not_count(tmp_path):
    write_cosmoflow(tmp_path, [cosmoflow_log(number, ("eval_error", 0.1)) for number in range(1, 10)] + [cosmoflow_log(10)])
    assert import_tree(tmp_path, "hpc-0.7").what("run-not-counted") == ["no quality figure before run_stop"]


def test_from_1_0_on_the_status_decides(tmp_path):
    logs = [cosmoflow_log(number, ("eval_error", 0.9)) for number in range(1, 10)]
    write_cosmoflow(tmp_path, [*logs, cosmoflow_log(10, ("eval_error", 0.1), status="aborted")], "strong/cosmoflow")
    imported = import_tree(tmp_path, "hpc-1.0")
    assert [finding.where.rpartition("/")[2] for finding in imported.findings if finding.code == "run-not-counted"] == [
        "result_9.txt"
    ]


def test_the_quality_is_the_line_of_its_benchmark(tmp_path):
    """Some logs repeat the error, negated, as an accuracy."""
    logs = [cosmoflow_log(number, ("eval_error", 0.12), ("eval_accuracy", -0.12)) for number in range(1, 11)]
    write_cosmoflow(tmp_path, logs, "strong/cosmoflow")
    assert import_tree(tmp_path, "hpc-1.0").only.entry["quality_reached"] == pytest.approx(0.12)


def test_the_folder_of_a_metric_may_be_above_the_working_directory(tmp_path, monkeypatch):
    folder = write_weak(tmp_path)
    monkeypatch.chdir(folder)
    ((group,), _) = score_logs(["."], "hpc-2.0")
    assert (group.metric, group.score) == ("throughput", 5 / 22)


def test_loose_logs_have_the_quality_of_their_benchmark_too(tmp_path):
    logs = [cosmoflow_log(number, ("eval_error", 0.12), ("eval_accuracy", -0.12)) for number in range(1, 11)]
    write_files(tmp_path, {f"{number}.log": log for number, log in enumerate(logs)})
    ((group,), _) = score_logs([tmp_path], "hpc-1.0")
    assert group.figures["quality_reached"] == pytest.approx(0.12)
    assert "odd-quality" not in [doubt.code for doubt in group.findings]


def test_in_0_7_a_loose_log_does_not_count_by_its_negated_error(tmp_path):
    write_files(tmp_path, {"1.log": cosmoflow_log(1, ("eval_error", 0.2), ("eval_accuracy", -0.2))})
    ((group,), _) = score_logs([tmp_path], "hpc-0.7")
    (run,) = group.runs
    assert run.reason == "the last quality figure 0.2 misses the target 0.124"


def test_a_check_sees_that_the_error_misses_the_target_where_it_is_repeated_negated(tmp_path):
    logs = [cosmoflow_log(number, ("eval_error", 0.2), ("eval_accuracy", -0.2)) for number in range(1, 11)]
    write_cosmoflow(tmp_path, logs, "strong/cosmoflow")
    (said,) = [remark for remark in check(tmp_path, "hpc-1.0").remarks if remark.rule == "result.target-missed"]
    assert "result_0.txt (0.2, at most 0.124 is asked for)" in said.found


def test_a_benchmark_of_one_suite_is_unknown_in_the_other(tmp_path):
    write_result(tmp_path, benchmark="deepcam")
    imported = import_tree(tmp_path, "3.0")
    assert [finding.code for finding in imported.findings] == ["unknown-benchmark"]
    assert imported.only.entry["Task"] == "deepcam"
    assert "Accuracy" not in imported.only.entry


@pytest.mark.parametrize(("number", "count", "findings"), [("0.7", 15, 5), ("2.0", 22, 2)])
def test_every_published_score_of_hpc_and_no_other(published, shared, number, count, findings):
    with (shared / "reference/hpc-scores.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["round"] == number]
    expected = {
        row["folder"]: (
            *(float(row["value"]), row["unit"], row["division"], int(row["logs"]), int(row["counted"])),
            float(row["time_to_train_all_minutes"]) if row["kind"] == "weak" else None,
            int(row["models"]) if row["kind"] == "weak" else None,
        )
        for row in rows
    }
    imported = published(f"hpc-{number}")
    found = {
        folder: (
            *(e["Result"], e["Result_Units"], e["division"], e["runs_count"], e["runs_counted"]),
            e.get("minutes_to_train_all"),
            e.get("models_trained"),
        )
        for folder, e in ((folder, result.entry) for folder, result in imported.results.items())
    }
    assert len(expected) == count
    assert found == expected
    assert len(imported.findings) == findings
    assert [finding.where.rpartition("/")[0] for finding in imported.findings if finding.code == "run-not-counted"] == [
        row["folder"] for row in rows if row["kind"] == "strong" and row["logs"] != row["counted"]
    ]
