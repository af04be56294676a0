"""Which runs count, and what a score is."""

from __future__ import annotations

import itertools
import random

import pytest

from mlperf_training_import.model import Run, RunLog
from mlperf_training_import.results.score import judge, mean, mean_of_kept
from mlperf_training_import.tables.rules import Benchmark, benchmark_of, rules_of

RESNET = Benchmark("resnet", "image-classification", known=True, runs=5)
UNET3D = benchmark_of("unet3d", "3.0")
MINUTE = 60_000


def runs_of(minutes, failed: int = 0) -> list[Run]:
    logs = [(RunLog("result_0.txt", run_start_ms=0.0, run_stop_ms=number * MINUTE), number) for number in minutes]
    return [
        *(Run(log, minutes=number) for log, number in logs),
        *(Run(RunLog("result_0.txt"), reason="it failed") for _ in range(failed)),
    ]


def log_with(**fields) -> RunLog:
    """A log of a run of three minutes."""
    facts = {"lines": 4, "run_start_ms": 0.0, "run_stop_ms": 3.0 * MINUTE, "succeeded": True, "status": "success"}
    return RunLog("result_0.txt", **facts | fields)


@pytest.mark.parametrize(
    ("minutes", "failed", "expected"),
    [
        ([1, 2, 3, 4, 5], 0, 3.0),
        ([1, 2, 3, 40, 50], 0, 15.0),  # (2 + 3 + 40) / 3
        ([1, 2, 3, 4], 1, 3.0),  # d == k: nothing goes at the slow end
        ([1, 2, 3], 2, None),  # d > k
        ([7, 8, 9], 0, 8.0),
        ([7, 8], 1, 8.0),
        ([7, 8], 0, None),  # an empty slice
        ([7], 1, None),
        ([7], 0, None),
        ([], 1, None),
        ([], 0, None),
        ([2, 2, 2, 2, 2], 0, 2.0),
    ],
)
def test_fastest_and_slowest_are_dropped_and_a_failed_run_is_a_slowest(minutes, failed, expected):
    result = mean_of_kept(runs_of(minutes, failed), RESNET)
    assert result.minutes == expected
    assert (result.code is None) == (expected is not None)


@pytest.mark.parametrize("failed", range(6))
def test_unet3d_drops_four_at_each_end(failed):
    """Of 40 - d runs of 1 .. 40 - d minutes the fastest 4 go, and the slowest 4 - d: 5 .. 36 is left, whose mean is 20.5."""
    result = mean_of_kept(runs_of(range(1, 41 - failed), failed), UNET3D)
    assert result.minutes == (20.5 if failed <= 4 else None)
    assert result.code == (None if failed <= 4 else "too-many-failed-runs")
    assert [run.minutes for run in result.kept] == (list(range(5, 37)) if failed <= 4 else [])


def test_why_there_is_no_score():
    assert mean_of_kept(runs_of([1, 2, 3], 2), RESNET).reason == "2 of 5 runs do not count, 1 may"
    none_may_fail = Benchmark("resnet", "image-classification", known=True, runs=1, drop=0)
    assert mean_of_kept(runs_of([], 1), none_may_fail).reason == "1 of 1 run does not count, 0 may"
    assert (mean_of_kept(runs_of([1, 2]), RESNET).code, mean_of_kept(runs_of([1, 2]), RESNET).reason) == (
        "too-few-runs",
        "2 logs, none left to score",
    )


@pytest.mark.parametrize("factor", [1.0433, 0.5, 3])
def test_the_scaling_factor_multiplies_the_mean(factor):
    assert mean_of_kept(runs_of([1, 2, 3, 4, 5]), RESNET, factor).minutes == 3.0 * factor
    assert mean_of_kept(runs_of([1, 2, 3], 2), RESNET, factor).minutes is None


def test_the_order_of_the_files_does_not_matter():
    minutes = [1.1, 0.1, 2.7, 1e-9, 3.3]
    scores = {mean_of_kept(runs_of(order), RESNET).minutes for order in itertools.permutations(minutes)}
    assert len(scores) == 1
    random.Random(4).shuffle(runs := runs_of(minutes[:4], 1))
    assert mean_of_kept(runs, RESNET).minutes == mean_of_kept(runs_of(minutes[:4], 1), RESNET).minutes


def test_the_mean_adds_from_left_to_right_on_every_version_of_python():
    """The built-in sum gives 1.0 here from Python 3.12 on, which compensates, and 0.9999999999999999 before.

    1e16 swallows the 1 that is added to it: from left to right the sum is 0, compensated it is 1.
    """
    assert mean([0.1] * 10) == 0.9999999999999999 / 10
    assert mean([1e16, 1.0, -1e16]) == 0.0


def test_kept_runs_are_those_of_the_mean_fastest_first():
    result = mean_of_kept(runs_of([5, 3, 1, 4, 2]), RESNET)
    assert [run.minutes for run in result.kept] == [2, 3, 4]


def test_only_the_first_runs_that_count_are_scored_where_the_benchmark_says_so():
    """The first three that count take 3, 1 and 2 minutes; without 1 and 3 it is 2. Failures on the way cost nothing."""
    benchmark = Benchmark("ncf", "recommendation", known=True, scored=3)
    failed = runs_of([], 1)
    runs = [*failed, *runs_of([3]), *failed, *failed, *runs_of([1, 2]), *runs_of([0.5, 100])]
    assert mean_of_kept(runs, benchmark).minutes == 2.0


def test_minutes_are_computed_in_the_order_of_the_rules():
    """(stop - start) / 60 / 1000, not / 60000: the last bit differs for 36,207 ms among others."""
    run = judge(log_with(run_stop_ms=36207.0), rules_of("3.0"))
    assert run.minutes == 36207.0 / 60 / 1000
    assert any(ms / 60 / 1000 != ms / 60000 for ms in range(36000, 37000))
    for ms in range(36000, 37000):
        assert judge(log_with(run_stop_ms=float(ms)), rules_of("3.0")).minutes == ms / 60 / 1000


@pytest.mark.parametrize(
    ("version", "division", "limit"),
    [
        ("0.7", "closed", 20),
        ("0.7", "open", 20),
        ("0.7", None, 20),
        ("1.0", "closed", 30),
        ("1.0", "open", 30),
        ("1.1", "open", 30),
        ("2.0", "closed", 30),
        ("2.0", "open", 240),
        ("2.0", "Open", 240),
        ("5.1", "closed", 30),
        ("5.1", "open", 240),
        ("5.1", None, 30),
        ("9.9", "open", 240),
    ],
)
def test_initialisation_must_take_less_than_the_limit(version, division, limit):
    rules = rules_of(version)
    for took, counts in ((limit * MINUTE - 1, True), (limit * MINUTE, False), (limit * MINUTE + 1, False)):
        run = judge(log_with(init_start_ms=500.0, init_stop_ms=500.0 + took, division=division), rules)
        assert (run.minutes is not None) is counts
        assert run.reason == (None if counts else f"initialisation took {limit} minutes or more")


@pytest.mark.parametrize(
    ("version", "benchmark", "division", "limit"),
    [
        ("3.0", "gpt3", "closed", 60),
        ("3.0", "bert", "closed", 30),
        ("3.1", "gpt3", "closed", 30),
        ("3.0", "gpt3", "open", 240),
    ],
)
def test_gpt3_of_3_0_may_take_longer(version, benchmark, division, limit):
    for took, counts in ((limit * MINUTE - 1, True), (limit * MINUTE, False)):
        log = log_with(init_start_ms=500.0, init_stop_ms=500.0 + took, division=division, benchmark=benchmark)
        assert (judge(log, rules_of(version)).minutes is not None) is counts


@pytest.mark.parametrize("version", ["0.5", "0.6"])
def test_before_0_7_initialisation_has_no_limit(version):
    assert judge(log_with(init_start_ms=0.0, init_stop_ms=1e9), rules_of(version)).minutes == 3.0


@pytest.mark.parametrize("known", ["init_start_ms", "init_stop_ms"])
def test_initialisation_of_unknown_length_is_no_reason(known):
    assert judge(log_with(**{known: 1.0}), rules_of("3.0")).minutes == 3.0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trouble": "Permission denied"}, "Permission denied"),
        ({"malformed_lines": 1, "malformed": "line 3: not JSON"}, "malformed line 3: not JSON"),
        ({"malformed_lines": 3, "malformed": "line 3: not JSON"}, "malformed line 3: not JSON (and 2 more)"),
        ({"lines": 0}, "no log lines"),
        ({"run_start_ms": None}, "no run_start"),
        ({"run_stop_ms": None}, "no run_stop after the run_start"),
        ({"succeeded": False, "status": "aborted"}, "status of run_stop is aborted"),
        ({"succeeded": False, "status": None}, "status of run_stop is missing"),
        ({"run_stop_ms": 0.0}, "run_stop is not later than run_start"),
    ],
)
def test_why_a_run_does_not_count(fields, reason):
    run = judge(log_with(**fields), rules_of("3.0"))
    assert (run.minutes, run.reason) == (None, reason)


def test_malformed_lines_of_old_dialects_do_not_cost_the_run():
    assert judge(log_with(malformed_lines=3, malformed="line 3: not JSON"), rules_of("0.6")).minutes == 3.0


def test_a_logged_duration_replaces_start_and_stop():
    run = judge(log_with(elapsed_ms=90_000.0, run_stop_ms=None, succeeded=False), rules_of("0.6"))
    assert run.minutes == 1.5
