"""The rule of the reference convergence points, computed by hand; its verdicts on real rounds are in test_convergence.py."""

from __future__ import annotations

import math
import re
import time

import pytest
from support import PROJECT

from mlperf_training_import.results.reference import Reference, critical_t, judge_convergence, least_acceptable_mean, prune
from mlperf_training_import.tables.references import ReferenceRuns, reference_runs

#: Two that are exact, one between them, for a round that asks for ten runs.
SMALL, LARGE = Reference((1000,), 20.0, 2.0, 18), Reference((3000,), 40.0, 4.0, 18)


def judge(points, batch_size, *references, runs=10, drop=1, **more):
    return judge_convergence(points, batch_size, references or (SMALL, LARGE), runs, drop, **more)


def runs_of(batch_size: int, *points: float) -> ReferenceRuns:
    return ReferenceRuns(batch_size, points)


# -- Student's distribution -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "tabulated"),  # Abramowitz and Stegun, table 26.10, and any other table of one-sided 5 %
    [(1, 6.314), (2, 2.920), (3, 2.353), (4, 2.132), (5, 2.015), (10, 1.812), (24, 1.711), (30, 1.697), (120, 1.658)],
)
def test_critical_t_is_that_of_the_tables(degrees, tabulated):
    assert critical_t(degrees) == pytest.approx(tabulated, abs=6e-4)


def test_critical_t_becomes_that_of_the_normal_distribution():
    assert critical_t(10_000) == pytest.approx(1.6450, abs=1e-4)


def test_critical_t_of_one_degree_is_that_of_cauchy():
    assert critical_t(1) == pytest.approx(math.tan(math.pi * 0.45), rel=1e-12)


def test_least_acceptable_mean():
    # 24 degrees of freedom; t = 1.710882080, the standard error of the difference is 2 * sqrt(1/18 + 1/8)
    expected = 20 - 1.710882080 * 2 * math.sqrt(1 / 18 + 1 / 8)
    assert least_acceptable_mean(20.0, 2.0, 18, 8) == pytest.approx(expected, abs=5e-5)


def test_runs_that_all_agree_leave_no_room():
    assert least_acceptable_mean(20.0, 0.0, 18, 8) == 20.0


def test_one_run_is_compared_too():
    # gpt3 asks for three runs, one is left: t of 4 + 1 - 2 degrees is 2.353363435
    assert least_acceptable_mean(20.0, 1.0, 4, 1) == pytest.approx(20 - 2.353363435 * math.sqrt(1 / 4 + 1), abs=5e-5)


# -- pruning ----------------------------------------------------------------------------------------------------------


def test_a_reference_is_the_mean_without_the_ends_and_the_deviation_of_all():
    (reference,) = prune([runs_of(8, 9.0, 1.0, 4.0, 6.0)], drop=1)
    assert reference == Reference((8,), 5.0, math.sqrt((16 + 16 + 1 + 1) / 4), 2)


def test_four_are_left_out_at_each_end():
    (reference,) = prune([runs_of(8, *range(10))], drop=4)
    assert (reference.mean, reference.count) == (4.5, 2)


def sizes_left(*means: tuple[int, float]) -> list[int]:
    left = prune([runs_of(size, mean, mean, mean) for size, mean in means], drop=1)
    return [size for reference in left for size in reference.batch_sizes]


def test_slower_references_with_smaller_batches_do_not_count():
    assert sizes_left((8, 12.0), (16, 10.0), (32, 11.0)) == [16, 32]


def test_of_equally_fast_references_the_smallest_batch_counts():
    assert sizes_left((8, 10.0), (16, 10.0), (32, 11.0)) == [8, 16, 32]


def test_a_reference_above_the_line_does_not_count():
    assert sizes_left((8, 10.0), (16, 13.0), (32, 14.0)) == [8, 32]


def test_a_reference_on_the_line_counts_whatever_the_rounding():
    assert sizes_left((2048, 1177760563.2), (3072, 1218025881.6), (4096, 1258291200.0)) == [2048, 3072, 4096]


def test_after_a_drop_the_next_one_is_compared_with_the_one_before():
    # 24 lies below the line from 16 to 32; 16 lies above that from 8 to 24, and without it 24 lies above that from 8 to 32
    assert sizes_left((8, 10.0), (16, 13.0), (24, 12.5), (32, 12.6)) == [8, 32]


def test_the_last_reference_always_counts():
    assert sizes_left((8, 10.0), (16, 99.0)) == [8, 16]


# -- verdicts ---------------------------------------------------------------------------------------------------------


def test_as_fast_as_the_reference_passes():
    verdict = judge([20.0] * 10, 1000)
    assert (verdict.name, verdict.factor, verdict.reference) == ("pass", 1.0, SMALL)


def test_the_lowest_and_the_highest_run_do_not_count():
    assert judge([1.0, *[20.0] * 8, 900.0], 1000).factor == 1.0


def test_a_little_faster_passes_with_a_factor():
    verdict = judge([19.0] * 10, 1000)
    assert (verdict.name, verdict.factor) == ("pass", 20 / 19)


def test_slower_passes_with_a_factor_of_one():
    assert judge([25.0] * 10, 1000).factor == 1.0


def test_much_faster_fails():
    verdict = judge([18.0] * 10, 1000)
    assert (verdict.name, verdict.factor) == ("fail", 20 / 18)
    assert verdict.least_acceptable == pytest.approx(18.546, abs=1e-3)


def test_the_least_acceptable_mean_itself_passes():
    least = judge([20.0] * 10, 1000).least_acceptable
    assert judge([least] * 10, 1000).name == "pass"
    assert judge([math.nextafter(least, 0)] * 10, 1000).name == "fail"


def test_between_two_references():
    verdict = judge([27.0] * 10, 1500)
    # a quarter of the way; as many runs as two submissions have stand for the reference
    assert verdict.reference == Reference((1000, 3000), 25.0, 2.5, 20)
    assert (verdict.name, verdict.factor) == ("pass", 1.0)


def test_larger_than_all_is_missing():
    verdict = judge([90.0] * 10, 3001)
    assert (verdict.name, verdict.factor, verdict.reference) == ("missing", None, None)


def test_smaller_than_all_passes_if_it_passed_with_the_smallest():
    verdict = judge([19.0] * 10, 999)
    assert (verdict.name, verdict.factor, verdict.reference) == ("pass", 20 / 19, SMALL)


def test_smaller_than_all_and_faster_is_missing():
    verdict = judge([18.0] * 10, 999)
    assert (verdict.name, verdict.factor, verdict.reference) == ("missing", None, SMALL)


def test_one_failed_run_is_the_slowest():
    assert judge([18.0, *[20.0] * 8, math.inf], 1000).factor == 1.0


@pytest.mark.parametrize(("drop", "failed"), [(1, 2), (4, 5)])
def test_more_failed_runs_are_insufficient(drop, failed):
    verdict = judge([20.0] * (40 - failed) + [math.inf] * failed, 1000, runs=40, drop=drop)
    assert (verdict.name, verdict.factor) == ("insufficient", None)


def test_as_many_failed_runs_as_are_dropped_are_enough():
    assert judge([20.0] * 36 + [math.inf] * 4, 1000, runs=40, drop=4).factor == 1.0


@pytest.mark.parametrize("points", [[], [20.0], [20.0, 20.0]])
def test_nothing_left_is_no_verdict(points):
    assert judge(points, 1000) is None


def test_figures_without_a_mean_are_no_verdict():
    assert judge([1e308] * 10, 1000) is None


def test_no_progress_fails_without_a_factor():
    verdict = judge([0.0] * 10, 1000)
    assert (verdict.name, verdict.factor) == ("fail", None)


def test_the_allowance_lowers_the_bar_and_not_the_factor():
    exact = Reference((1000,), 20.0, 0.0, 18)
    assert judge([18.0] * 10, 1000, exact).name == "fail"
    verdict = judge([18.0] * 10, 1000, exact, allowance=2)
    assert (verdict.name, verdict.factor, verdict.least_acceptable) == ("pass", 20 / 18, 18.0)


def test_the_example_of_the_documentation():
    references = prune(reference_runs("training", "bert", "5.0"), drop=1)
    verdict = judge([2_300_000.0] * 10, 448, *references)
    assert (verdict.name, round(verdict.factor, 4), round(verdict.least_acceptable, 1)) == ("pass", 1.0497, 2274732.0)
    reference = verdict.reference
    assert (round(reference.mean, 1), round(reference.deviation, 1), reference.count) == (2414421.3, 197392.5, 21)
    text = (PROJECT / "docs/convergence.md").read_text(encoding="utf-8")
    assert {"2,414,421.3", "197,392.5", "1.7033", "2,274,732.0", "1.0497"} <= set(re.findall(r"[\d.,]*\d", text))
    assert round(critical_t(27), 4) == 1.7033


def test_two_thousand_verdicts_take_less_than_half_a_second():
    start = time.process_time()
    references = prune(reference_runs("training", "bert", "5.0"), drop=1)
    verdicts = [judge([2_000_000.0 + size] * 10, size, *references) for size in range(448, 448 + 2000)]
    assert time.process_time() - start < 0.5
    assert {verdict.name for verdict in verdicts} == {"fail"}


# -- the table --------------------------------------------------------------------------------------------------------


def test_references_are_those_of_the_round_by_batch_size():
    found = {version: reference_runs("training", "unet3d", version) for version in ("3.0", "3.1", "4.0", "4.1")}
    assert [runs.global_batch_size for runs in found["3.0"]] == [2, 32, 56, 64, 80, 84]
    assert [runs.global_batch_size for runs in found["4.0"]] == [28, 56, 64, 84]
    assert found["4.1"] == found["4.0"]
    # epochs until 3.0, samples from 3.1 on
    assert found["3.1"][0].points[0] == 168 * found["3.0"][0].points[0]


def test_references_of_bert_come_sorted():
    sizes = [runs.global_batch_size for runs in reference_runs("training", "bert", "2.0")]
    assert sizes == sorted(sizes)
    assert {3072, 4096} <= set(sizes)


@pytest.mark.parametrize("benchmark", ["minigo", "no_such_benchmark"])
def test_what_the_review_does_not_judge_has_no_references(benchmark):
    assert reference_runs("training", benchmark, "1.0") == ()


def test_rounds_before_the_first_references_have_none():
    assert reference_runs("training", "bert", "0.7") == ()


@pytest.mark.parametrize("version", ["5.1", "99.0"])
def test_references_hold_until_they_are_replaced(version):
    """The last of unet3d are those of 4.0, which replaced those of 3.0."""
    found = reference_runs("training", "unet3d", version)
    assert found == reference_runs("training", "unet3d", "4.0") != reference_runs("training", "unet3d", "3.0")


def test_hpc_has_references_of_its_own():
    assert len(reference_runs("hpc", "deepcam", "1.0")) == 5
    assert reference_runs("training", "deepcam", "1.0") == ()
