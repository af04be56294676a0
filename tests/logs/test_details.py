"""What only the data set needs of a log."""

from __future__ import annotations

import pytest

from mlperf_training_import.logs.details import DetailsReader, pack, unpack
from mlperf_training_import.logs.log import read_log
from mlperf_training_import.model import LogDetails
from mlperf_training_import.start.sample import log_line
from mlperf_training_import.tables.log_keys import left_out_keys
from mlperf_training_import.tables.rules import rules_of


def details_of(tmp_path, *lines: str, version: str = "3.0") -> LogDetails:
    file = tmp_path / "result_0.txt"
    file.write_text("\n".join(lines) + "\n")
    dialect = rules_of(version).dialect
    reader = DetailsReader(dialect)
    log = read_log(file, dialect, file.name, details=reader)
    assert log == read_log(file, dialect, file.name)  # what is read does not depend on it
    return reader.details(log)


def a_run(*lines: str) -> tuple[str, ...]:
    return (log_line(1000, "run_start"), *lines, log_line(9000, "run_stop", None, {"status": "success"}))


def test_every_evaluation_is_kept_also_before_the_start_and_after_the_stop(tmp_path):
    lines = (
        log_line(500, "eval_accuracy", 0.1, {"epoch_num": 0}),
        *a_run(
            log_line(2000, "eval_accuracy", 0.5, {"epoch_num": 1}),
            log_line(3000, "eval_error", 0.2, {"samples_count": 64, "step_num": 2, "metric": "loss"}),
        ),
        log_line(9500, "eval_accuracy", 0.9, {"epoch_num": 3}),
    )
    details = details_of(tmp_path, *lines)
    kept = [(e.number, e.time_ms, e.key, e.is_over, e.evaluation.value) for e in details.evaluations]
    assert kept == [
        (1, 500, "eval_accuracy", False, 0.1),
        (2, 2000, "eval_accuracy", False, 0.5),
        (3, 3000, "eval_error", False, 0.2),
        (4, 9500, "eval_accuracy", True, 0.9),
    ]
    named = details.evaluations[2].evaluation
    assert (named.samples, named.step, named.metric) == (64, 2, "loss")
    assert details.evaluation_lines == 4


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (0.5, "0.5", 0.5),
        (3, "3", 3.0),
        ("lamb", "lamb", None),
        ("1e-3", "1e-3", 0.001),
        (True, "true", None),
        ([1, 2.5], "[1, 2.5]", None),
        ([], "[]", None),
    ],
)
def test_a_setting_is_a_scalar_or_a_list_of_numbers(tmp_path, value, text, number):
    (setting,) = details_of(tmp_path, *a_run(log_line(10, "opt_x", value))).settings
    assert (setting.key, setting.value, setting.number) == ("opt_x", text, number)


@pytest.mark.parametrize("value", [None, {"a": 1}, ["a"], [[1]], [True], "", "x" * 2000, 10**30, float("nan")])
def test_other_values_are_no_settings(tmp_path, value):
    assert details_of(tmp_path, *a_run(log_line(10, "opt_x", value))).settings == ()


def test_a_setting_says_whether_lines_differ(tmp_path):
    lines = [log_line(10, "seed", 1), log_line(11, "seed", 2), log_line(12, "opt_x", 1), log_line(13, "opt_x", 1)]
    settings = {s.key: (s.value, s.lines, s.differs) for s in details_of(tmp_path, *a_run(*lines)).settings}
    assert settings == {"seed": ("1", 2, True), "opt_x": ("1", 2, False)}


def test_what_is_no_setting_is_left_out_for_a_reason(tmp_path):
    lines = [log_line(10, key, 1) for key in left_out_keys() if key not in ("run_start", "run_stop")]
    assert details_of(tmp_path, *a_run(*lines)).settings == ()
    assert all(left_out_keys().values())


def test_no_log_can_fill_the_memory_with_settings(tmp_path):
    assert len(details_of(tmp_path, *(log_line(10, f"key_{n}", n) for n in range(1500))).settings) == 1000


def test_the_time_of_evaluation_is_that_inside_the_run_whatever_ranks_log(tmp_path):
    lines = [log_line(0, "eval_start"), *a_run(log_line(1500, "eval_stop"), log_line(2000, "eval_start"))]
    lines[-1:-1] = [log_line(2001, "eval_start"), log_line(2500, "eval_stop"), log_line(2501, "eval_stop")]
    assert details_of(tmp_path, *lines).evaluation_ms == 500 + 500


def test_a_log_without_evaluations_or_run_says_nothing(tmp_path):
    assert details_of(tmp_path, "nothing") == LogDetails()


@pytest.mark.parametrize(
    ("version", "begin"), [("0.6", ":::MLL {}.{} {}: "), ("0.5", ":::MLPv0.5.0 resnet {}.{} (train.py:1) {}: ")]
)
def test_old_logs_have_settings_and_evaluations_too(tmp_path, version, begin):
    def old(seconds: int, key: str, value: str) -> str:
        return begin.format(seconds, 5, key) + (value if version == "0.5" else f'{{"value": {value}, "metadata": {{}}}}')

    lines = [old(10, "run_start", "null"), old(11, "opt_name", '"sgd"'), old(12, "eval_accuracy", "0.7")]
    details = details_of(tmp_path, *lines, old(13, "opt_odd", "{:"), version=version)
    assert [(s.key, s.value) for s in details.settings] == [("opt_name", "sgd")]
    assert [(e.time_ms, e.evaluation.value) for e in details.evaluations] == [(12500, 0.7)]


def test_lines_that_are_well_formed_say_the_same_as_those_that_must_be_parsed(tmp_path):
    """A time that is no integer is what the quick check does not take."""
    keys = ("opt_x", "opt_x", "opt_x", "opt_y", "opt_y", "opt_z", "eval_start", "eval_accuracy", "eval_stop", "seed", "seed")
    values = (1, 1, 2, "a", "a", None, None, 0.5, None, 2**70, 7)
    lines = [log_line(2000 + n, key, value) for n, (key, value) in enumerate(zip(keys, values, strict=True))]
    parsed = [log_line(float(2000 + n), key, value) for n, (key, value) in enumerate(zip(keys, values, strict=True))]
    details = details_of(tmp_path, *a_run(*lines))
    assert details == details_of(tmp_path, *a_run(*parsed))
    assert {s.key: (s.value, s.lines, s.differs) for s in details.settings} == {
        "opt_x": ("1", 3, True),
        "opt_y": ("a", 2, False),
        "seed": ("7", 1, False),
    }


@pytest.mark.parametrize("value", [0.5, 2**70, "\ud800", {"BBOX": 0.3, "SEGM": "x"}, [0.1, True], None])
def test_packed_details_are_the_same_when_they_are_read(tmp_path, value):
    details = details_of(tmp_path, *a_run(log_line(2000, "eval_accuracy", value, {"epoch_num": 1}), log_line(10, "seed", 1)))
    assert len(details.evaluations) == 1
    assert unpack(pack(details)) == details
