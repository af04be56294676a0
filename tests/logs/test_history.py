"""What all evaluations of a log show together."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from trees import read

from mlperf_training_import.logs.log import read_log
from mlperf_training_import.start.sample import START_MS, log_line, run_log
from mlperf_training_import.tables.rules import rules_of

GOOD = ((1.0, 0.1), (2.5, 0.5), (3.0, 0.8))


def history(tmp_path, text):
    found = read(tmp_path, text).history
    assert found is not None
    return found


def test_two_logs_have_one_digest_only_if_values_and_progress_are_the_same(tmp_path):
    digest = history(tmp_path, run_log("bert", 10, evaluations=GOOD)).digest
    assert history(tmp_path, run_log("bert", 20, start_ms=START_MS + 5, evaluations=GOOD)).digest == digest
    for other in (((1.0, 0.1), (2.5, 0.5), (3.0, 0.80000001)), ((1.0, 0.1), (2.4, 0.5), (3.0, 0.8)), GOOD[:2]):
        assert history(tmp_path, run_log("bert", 10, evaluations=other)).digest != digest


def test_what_comes_after_the_stop_is_not_counted(tmp_path):
    text = run_log("bert", 10, evaluations=GOOD)
    late = log_line(START_MS + 11 * 60_000, "eval_accuracy", 0.9, {"epoch_num": 9})
    assert history(tmp_path, f"{text}{late}\n").count == len(GOOD)
    assert history(tmp_path, f"{text}{late}\n").digest == history(tmp_path, text).digest


def test_of_more_evaluations_than_anybody_needs_there_is_no_history(tmp_path):
    many = [(number, 0.1) for number in range(10_001)]
    assert history(tmp_path, run_log("bert", 10_000, evaluations=many[1:])).count == 10_000
    assert read(tmp_path, run_log("bert", 10_000, evaluations=many)).history is None


def test_a_log_without_evaluations_has_no_history(tmp_path):
    assert read(tmp_path, run_log("bert", 10, evaluations=())).history is None


def test_milestones_are_the_first_one_in_the_middle_and_the_last_and_of_one_epoch_the_last(tmp_path):
    text = run_log("bert", 10, evaluations=((1, 0.1), (1, 0.2), (2, 0.3), (3, 0.4), (3, 0.5)))
    assert [evaluation.value for _, evaluation in history(tmp_path, text).milestones] == [0.2, 0.3, 0.5]


@pytest.mark.parametrize(("evaluations", "whole"), [(GOOD, False), (((1, 0.1), (2.0, 0.8)), True)])
def test_whole_epochs(tmp_path, evaluations, whole):
    assert history(tmp_path, run_log("dlrm", 10, evaluations=evaluations)).has_whole_epochs is whole


def moved(text, minutes):
    """A log whose evaluations say times so many minutes later."""
    old = [line for line in text.splitlines() if "eval_accuracy" in line]
    for line in old:
        time_ms = int(line.partition('"time_ms": ')[2].partition(",")[0])
        text = text.replace(line, line.replace(str(time_ms), str(time_ms + minutes * 60_000)))
    return text


def test_evaluations_outside_of_the_run(tmp_path):
    text = run_log("bert", 10, evaluations=GOOD)
    assert not history(tmp_path, text).is_outside
    assert history(tmp_path, moved(text, 60)).is_outside
    assert history(tmp_path, moved(text, -60)).is_outside


def test_how_far_the_clock_goes_back(tmp_path):
    text = run_log("bert", 10, evaluations=GOOD)
    assert history(tmp_path, text).set_back_ms == 0
    *head, second, third, stop = text.splitlines()
    assert history(tmp_path, "\n".join([*head, third, second, stop])).set_back_ms == 150_000
    assert history(tmp_path, moved(text, -4)).set_back_ms == 90_000  # the first is that long before run_start


@pytest.mark.parametrize(
    ("values", "seed"), [("7", "7"), ("7 7", "7"), ("7 8", None), ("null", None), ("null 7", "7"), ("", None)]
)
def test_the_seed_is_what_all_lines_say(tmp_path, values, seed):
    lines = [log_line(START_MS, "seed").replace('"value": null', f'"value": {value}') for value in values.split()]
    assert read(tmp_path, "\n".join(lines) + "\n" + run_log("bert", 10)).seed == seed


@pytest.mark.parametrize(
    ("line", "described"),
    [
        (
            b':::SYSJSON {"accelerator_model_name": "B200\xc2\xae", "number_of_nodes": 2, "x": 1, "framework": "UNKNOWN_F"}',
            (("accelerator_model_name", "B200\N{REGISTERED SIGN}"), ("number_of_nodes", "2")),
        ),
        (b':::SYSJSON {"accelerator_model_name": ', ()),
        (b":::SYSJSON [1]", ()),
        (b":::SYSJSON " + b"[" * 100_000, ()),
    ],
)
def test_what_a_log_says_of_its_system(tmp_path, line, described):
    assert read(tmp_path, line + b"\n" + run_log("bert", 10).encode()).described == described


def test_a_log_that_is_not_compared_lacks_only_what_comparisons_need(tmp_path):
    whole = read(tmp_path, ':::SYSJSON {"number_of_nodes": 2}\n' + run_log("bert", 10, evaluations=GOOD))
    dialect = rules_of("3.0").dialect
    part = read_log(tmp_path / "result_0.txt", dialect, "result_0.txt", is_compared=False)
    assert whole.described
    assert whole.history.digest
    assert part == replace(whole, described=(), history=replace(whole.history, digest=None))
