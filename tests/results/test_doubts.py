"""What is odd though it has a score: a finding of one kind each, the same score, and silence about sound results."""

from __future__ import annotations

import json

import pytest
from trees import import_tree, judged, read, write_files, write_result

from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description

MINUTE_MS = 60_000
FOLDER = "Org/results/sys/resnet"
CODES = {"target-missed", "several-runs", "repeated-runs", "division-conflict", "odd-times", "early-start", "power-quality"}


def shifted(log: str, change) -> str:
    """A log with every time changed."""
    lines = []
    for line in log.splitlines():
        if line.startswith(":::MLLOG "):
            record = json.loads(line.removeprefix(":::MLLOG "))
            line = ":::MLLOG " + json.dumps(record | {"time_ms": change(record["time_ms"])})
        lines.append(line)
    return "\n".join(lines) + "\n"


def import_logs(root, logs, benchmark: str = "resnet", version: str = "3.0"):
    """The import of one result with these logs."""
    write_files(
        root,
        {
            "Org/systems/sys.json": system_description("Org"),
            **{f"Org/results/sys/{benchmark}/result_{number}.txt": log for number, log in enumerate(logs)},
        },
    )
    return import_tree(root, version)


def five(**options) -> list[str]:
    return [run_log("resnet", minutes, **options) for minutes in (1, 2, 3, 4, 5)]


def test_a_sound_result_raises_no_doubt(tmp_path):
    assert {finding.code for finding in import_logs(tmp_path, five()).findings} & CODES == set()


# -- target-missed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (0.31, "0.31, at least 0.759 is asked for"),
        (0.7589, "0.7589, at least 0.759 is asked for"),
        (float("nan"), "a figure that is no number, at least 0.759 is asked for"),
        ("high", "a figure that is no number, at least 0.759 is asked for"),
        (None, "a figure that is no number, at least 0.759 is asked for"),
    ],
)
def test_success_without_the_target(tmp_path, figure, text):
    logs = five()
    logs[3] = run_log("resnet", 4, evaluations=[(1.0, 0.9), (2.0, figure)])
    imported = import_logs(tmp_path, logs)
    assert imported.what("target-missed") == [
        f"1 of 5 logs says success although the last quality figure does not reach the target: result_3.txt ({text})"
    ]
    assert imported.only.score.minutes == 3.0


def test_success_without_any_figure(tmp_path):
    (text,) = import_logs(tmp_path, five(evaluations=())).what("target-missed")
    assert text.startswith("5 of 5 logs")
    assert "result_0.txt (no figure, at least 0.759 is asked for), result_1.txt" in text


@pytest.mark.parametrize("figure", [0.75899999, 0.759, 0.7590001, "0.76"])
def test_a_figure_that_reaches_the_target_in_single_precision(tmp_path, figure):
    """21.799999237 is 21.8 in float32, in which the figures were computed."""
    assert import_logs(tmp_path, five(evaluations=[(2.0, figure)])).what("target-missed") == []


@pytest.mark.parametrize(("figure", "missed"), [(0.69, True), (0.6900001, False)])
def test_a_target_that_is_not_enough(tmp_path, figure, missed):
    """The accuracy of qwen35_397b_grpo must be above 0.69."""
    logs = [run_log("qwen35_397b_grpo", number, evaluations=[(9, figure)]) for number in (1, 2, 3)]
    whats = import_logs(tmp_path, logs, "qwen35_397b_grpo", "6.1").what("target-missed")
    assert [what.partition(": ")[2].partition(",")[0] for what in whats] == ["result_0.txt (0.69"] * missed
    assert all("0.69, above 0.69 is asked for" in what for what in whats)


def test_lower_is_better(tmp_path):
    logs = [run_log("llama2_70b_lora", number, evaluations=[(9, 0.92), (9, 0.93)]) for number in range(1, 11)]
    (text,) = import_logs(tmp_path, logs, "llama2_70b_lora", "5.0").what("target-missed")
    assert "result_0.txt (0.93, at most 0.925 is asked for)" in text


@pytest.mark.parametrize(("fid", "missed"), [(89.0, 0), (120.0, 1)])
def test_two_figures_of_which_all_must_hold_at_one_point(tmp_path, fid, missed):
    """A later point that misses one of the targets is no doubt: the run converged before."""

    def evaluation(time_ms: int, metric: str, value: float, samples: int) -> str:
        return log_line(time_ms, "eval_accuracy", value, {"metric": metric, "samples_count": samples})

    logs = []
    for number in range(10):
        lines = run_log("stable_diffusion", number + 1, evaluations=()).splitlines()
        more = [("FID", 200.0, 512), ("CLIP", 0.1, 512), ("CLIP", 0.16, 1024), ("FID", fid, 1024), ("FID", 95.0, 2048)]
        lines[-1:-1] = [evaluation(START_MS + 1000, *figures) for figures in more]
        logs.append("\n".join(lines) + "\n")
    found = import_logs(tmp_path, logs, "stable_diffusion", "4.1").what("target-missed")
    assert len(found) == missed
    assert all("result_0.txt (at no point all figures reach their targets)" in text for text in found)


@pytest.mark.parametrize("options", [{"status": "aborted"}, {}])
def test_a_run_that_reports_no_success_has_missed_nothing(tmp_path, options):
    logs = [run_log("unheard_of", 3 + n, evaluations=[(1.0, 0.1)], **options) for n in range(5)]
    imported = import_logs(tmp_path, logs, "unheard_of" if not options else "resnet")
    assert imported.what("target-missed") == []


# -- several-runs -----------------------------------------------------------------------------------------------------


def test_two_runs_in_one_log(tmp_path):
    """The first run_stop and what belongs to it count; the second run has failed to initialise in time."""
    second = run_log("resnet", 30, start_ms=START_MS + 300 * MINUTE_MS, init_minutes=100)
    imported = import_logs(tmp_path, [log + second for log in five()])
    assert imported.only.score.minutes == 3.0
    (text,) = imported.what("several-runs")
    assert text.startswith("5 of 5 logs begin more than one run: result_0.txt (2 run_start and 2 run_stop; ")
    assert "initialisation began 2 times; run_start 1 and run_stop 1 count, 1.00 minutes), result_1.txt" in text


@pytest.mark.parametrize("reached", ["init_start", "init_stop", "run_start"])
def test_an_attempt_that_died_before_the_run(tmp_path, reached):
    """However far it came: its initialisation, hours before, is not that of the run."""
    died = []
    for line in run_log("resnet", 9, start_ms=START_MS - 120 * MINUTE_MS).splitlines():
        died.append(line)
        if f'"key": "{reached}"' in line:
            break
    logs = five()
    logs[2] = "\n".join(died) + "\n" + logs[2]
    imported = import_logs(tmp_path, logs)
    assert imported.only.score.minutes == 3.0
    assert imported.what("run-not-counted") == []
    (text,) = imported.what("several-runs")
    assert text.startswith("1 of 5 logs begins more than one run: result_2.txt (")
    assert ("run_start 2 and run_stop 1 count, 3.00 minutes" in text) == (reached == "run_start")


def test_the_initialisation_of_the_attempt_that_counts_is_limited(tmp_path):
    first = run_log("resnet", 9, start_ms=START_MS - 300 * MINUTE_MS, init_minutes=1).splitlines()[:1]
    log = "\n".join(first) + "\n" + run_log("resnet", 3, init_minutes=31)
    assert judged(tmp_path, log, "3.0").reason == "initialisation took 30 minutes or more"
    assert read(tmp_path, log).attempts == 2


@pytest.mark.parametrize(("pause_minutes", "attempts"), [(9.9, 1), (10.0, 1), (10.1, 3)])
def test_many_ranks_are_one_attempt(tmp_path, pause_minutes, attempts):
    """Each a few minutes after the one before it; the first of the last attempt counts."""
    times = [START_MS - round(number * pause_minutes * MINUTE_MS) for number in (3, 2, 1)]
    lines = [*(log_line(time_ms, "init_start") for time_ms in times), log_line(START_MS, "init_stop")]
    log = read(tmp_path, "\n".join(lines))
    assert log.attempts == attempts
    assert log.init_start_ms == (times[0] if attempts == 1 else times[-1])


def test_lines_of_ranks_that_are_not_in_order_are_one_attempt(tmp_path):
    """The earliest init_start counts, also if it stands after init_stop, an hour back."""
    times = [START_MS, START_MS - 60 * MINUTE_MS, START_MS - 5]
    lines = [log_line(START_MS + 1, "init_stop"), *(log_line(time_ms, "init_start") for time_ms in times)]
    log = read(tmp_path, "\n".join(lines))
    assert (log.attempts, log.init_start_ms, log.init_stop_ms) == (1, times[1], START_MS + 1)


def test_a_second_rank_that_starts_later_shortens_the_run_and_is_named(tmp_path):
    logs = five()
    logs[2] = logs[2].replace(
        log_line(START_MS, "run_start"), log_line(START_MS, "run_start") + "\n" + log_line(START_MS + 6000, "run_start")
    )
    imported = import_logs(tmp_path, logs)
    (text,) = imported.what("several-runs")
    assert "result_2.txt (2 run_start and 1 run_stop; run_start 2 and run_stop 1 count, 2.90 minutes)" in text


def test_a_run_start_after_the_end_is_named_too(tmp_path):
    logs = five()
    logs[0] += log_line(START_MS + 9 * MINUTE_MS, "run_start") + "\n"
    imported = import_logs(tmp_path, logs)
    assert imported.only.score.minutes == 3.0
    assert "2 run_start and 1 run_stop; run_start 1 and run_stop 1 count" in imported.what("several-runs")[0]


# -- repeated-runs ----------------------------------------------------------------------------------------------------


def test_one_log_copied(tmp_path):
    log = run_log("resnet", 3)
    imported = import_logs(tmp_path, [log] * 5)
    (text,) = imported.what("repeated-runs")
    assert text == ("5 of 5 logs repeat another log: result_0.txt, result_1.txt, result_2.txt, result_3.txt, result_4.txt")
    assert imported.only.score.minutes == 3.0


def test_the_same_run_in_other_words(tmp_path):
    """As in round 4.0: a raw log and the same with other lines in it."""
    logs = five()
    logs[1] = "printed by another process\n" + logs[0]
    logs[4] = logs[3].replace("train.py", "main.py")
    (text,) = import_logs(tmp_path, logs).what("repeated-runs")
    assert text.endswith("result_0.txt, result_1.txt; result_3.txt, result_4.txt")


def test_runs_of_one_start_or_one_duration_are_not_the_same(tmp_path):
    logs = [run_log("resnet", 3, start_ms=START_MS + number * MINUTE_MS) for number in range(5)]
    assert import_logs(tmp_path, logs).what("repeated-runs") == []


def test_logs_without_a_run_are_the_same_only_if_their_bytes_are(tmp_path):
    """Such as five that never came to a start, which say the same at other times."""
    logs = [log_line(START_MS + number, "submission_benchmark", "resnet") for number in (0, 1, 1, 2)]
    (text,) = import_logs(tmp_path, logs).what("repeated-runs")
    assert text == "2 of 4 logs repeat another log: result_1.txt, result_2.txt"


# -- division-conflict ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("described", "logged"), [("closed", "open"), ("open", "closed"), ("Open", "closed")])
def test_the_description_counts_where_logs_disagree(tmp_path, described, logged):
    write_result(tmp_path, division=logged, description={"division": described})
    imported = import_tree(tmp_path)
    (text,) = imported.what("division-conflict")
    assert text.startswith(f"5 of 5 logs name another division; the description says {described.lower()}, which counts: ")
    assert imported.only.division == described.lower()


def test_logs_that_disagree_among_themselves(tmp_path):
    folder = write_result(tmp_path, description={"division": ""})
    (folder / "result_3.txt").write_text(run_log("resnet", 4, division="open"))
    (text,) = import_tree(tmp_path).what("division-conflict")
    assert text.startswith("1 of 5 logs names another division; the first log says closed, which counts: result_3.txt")


def test_another_spelling_of_a_division_is_no_conflict(tmp_path):
    write_result(tmp_path, division="CLOSED", description={"division": "close"})
    assert import_tree(tmp_path).what("division-conflict") == []


# -- odd-times, early-start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "unit"), [(1e-3, "seconds"), (1e3, "microseconds"), (1e6, "nanoseconds")], ids=["s", "us", "ns"]
)
def test_a_clock_in_another_unit(tmp_path, factor, unit):
    """The minutes are what the clock says, unless they are too long; either way it is said."""
    logs = [shifted(log, lambda time: time * factor) for log in five()]
    imported = import_logs(tmp_path, logs)
    (text,) = imported.what("odd-times")
    assert text.startswith("5 of 5 logs have times that are not milliseconds since 1970")
    assert f"in {unit} it would be 20" in text
    for reason in imported.what("run-not-counted"):
        assert "if the clock counts milliseconds; the time" in reason
        assert f"in {unit} it would be 20" in reason


@pytest.mark.parametrize("change", [lambda time: time - START_MS + 5e5, lambda time: time * 2, lambda time: time - 10**12])
def test_times_before_2017_or_far_ahead(tmp_path, change):
    assert len(import_logs(tmp_path, [shifted(log, change) for log in five()]).what("odd-times")) == 1


def test_odd_times_of_other_lines_do_not_matter(tmp_path):
    """Lines that are written by hand have the time 0, or 123."""
    logs = [log_line(0, "submission_org", "Org") + "\n" + log_line(123, "init_start") + "\n" + log for log in five()]
    assert import_logs(tmp_path, logs).what("odd-times") == []


@pytest.mark.parametrize(("seconds", "found"), [(60, 0), (61, 1), (15 * 3600, 1)])
def test_a_run_that_starts_before_its_initialisation_ends(tmp_path, seconds, found):
    logs = five()
    early = log_line(START_MS - seconds * 1000, "run_start")
    logs[1] = logs[1].replace(log_line(START_MS, "run_start"), early)
    assert len(import_logs(tmp_path, logs).what("early-start")) == found


# -- several kinds at once --------------------------------------------------------------------------------------------


def test_many_logs_are_counted_and_some_named(tmp_path):
    logs = [run_log("unet3d", 5 + number, evaluations=[(1.0, 0.1)]) for number in range(40)]
    (text,) = import_logs(tmp_path, logs, "unet3d").what("target-missed")
    assert text.startswith("40 of 40 logs")
    assert text.endswith("result_9.txt, and 30 more")


def test_results_without_a_score_are_doubted_too(tmp_path):
    imported = import_logs(tmp_path, [run_log("resnet", 3, evaluations=[(1.0, 0.1)])] * 2)
    assert imported.minutes == {}
    assert len(imported.what("target-missed")) == len(imported.what("repeated-runs")) == 1
