"""What only the data set needs of a log."""

from __future__ import annotations

import math

import msgspec
import pytest

from mlperf_training_import.logs.details import DetailsReader, pack, unpack, unpack_series
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


def rows_of(details: LogDetails) -> list[tuple]:
    """Key, name, line, milliseconds, value, step of each measurement."""
    return [
        (series.key, series.name, line, time_ms, None if math.isnan(value) else value, None if math.isnan(step) else step)
        for series in unpack_series(details.measured)
        for line, time_ms, value, step in zip(
            memoryview(series.lines).cast("q"),
            *(memoryview(column).cast("d") for column in (series.times_ms, series.values, series.steps)),
            strict=True,
        )
    ]


def test_a_number_that_changes_in_the_run_is_measured_and_no_setting(tmp_path):
    lines = [log_line(10, "speed", 1), log_line(11, "speed", 1), log_line(12, "speed", 2), log_line(13, "speed", 1)]
    details = details_of(tmp_path, *a_run(*lines))
    assert details.settings == ()
    expected = [(1, 10, 1), (2, 11, 1), (3, 12, 2), (4, 13, 1)]
    assert rows_of(details) == [("speed", "speed", line, time_ms, value, None) for line, time_ms, value in expected]


@pytest.mark.parametrize(
    "key", ["train_accuracy", "val_loss", "train_loss ", "target_accuracy_reached", "tflops_per_sec_per_gpu"]
)
def test_a_measurement_is_none_of_the_settings_even_if_it_is_said_once(tmp_path, key):
    details = details_of(tmp_path, *a_run(log_line(2000, key, 0.5, {"step_num": 7})))
    assert details.settings == ()
    assert rows_of(details) == [(key.strip(), key.strip(), 1, 2000, 0.5, 7)]


@pytest.mark.parametrize("begin", ["", " "])
def test_a_line_with_several_figures_has_a_row_for_each_also_where_it_is_odd(tmp_path, begin):
    """A time that is no integer must be parsed, and so must a figure that is no number."""
    odd = log_line(2001.0, "tracked_stats", {"throughput": 2.0, "note": "x"}, {"step": 8})
    lines = (begin + log_line(2000, "tracked_stats", {"throughput": 1.5, "loss": 3}, {"step": 7}), odd)
    assert rows_of(details_of(tmp_path, *a_run(*lines))) == [
        ("tracked_stats", "throughput", 1, 2000, 1.5, 7),
        ("tracked_stats", "throughput", 2, 2001, 2.0, 8),
        ("tracked_stats", "loss", 1, 2000, 3.0, 7),
        ("tracked_stats", "note", 2, 2001, None, 8),
    ]


def test_marks_of_parts_of_the_run_are_measured_with_their_times(tmp_path):
    lines = (log_line(2000, "block_start", None, {"epoch_num": 1}), log_line(3000, "block_stop", None, {"epoch_num": 1}))
    assert [row[:4] for row in rows_of(details_of(tmp_path, *a_run(*lines)))] == [
        ("block_start", "block_start", 1, 2000),
        ("block_stop", "block_stop", 1, 3000),
    ]


def test_without_measurements_the_rest_is_the_same(tmp_path):
    file = tmp_path / "result_0.txt"
    lines = (log_line(10, "opt_x", 1), log_line(11, "speed", 1), log_line(12, "speed", 2), log_line(13, "throughput", 2))
    file.write_text("\n".join(a_run(*lines)) + "\n")
    dialect, found = rules_of("3.0").dialect, []
    for with_measurements in (True, False):
        reader = DetailsReader(dialect, with_measurements=with_measurements)
        found.append(reader.details(read_log(file, dialect, file.name, details=reader)))
    assert len(rows_of(found[0])) == 3
    assert found[1] == msgspec.structs.replace(found[0], measured=b"")


def test_an_evaluation_has_the_times_of_its_marks_also_where_it_follows_them(tmp_path):
    def line(time_ms: int, key: str, value: float | None = None, epoch: int = 1) -> str:
        return log_line(time_ms, key, value, {"epoch_num": epoch})

    lines = (
        *(line(2000, "eval_start"), line(2100, "eval_accuracy", 0.1), line(2200, "eval_stop")),
        *(line(3000, "eval_start", epoch=2), line(3200, "eval_stop", epoch=2), line(3210, "eval_accuracy", 0.2, 2)),
        line(4000, "eval_accuracy", 0.3, 3),
        *(line(5000, "eval_start", epoch=4), line(5100, "eval_accuracy", 0.4, 4)),
    )
    spans = [(e.start_ms, e.stop_ms) for e in details_of(tmp_path, *a_run(*lines)).evaluations]
    assert spans == [(2000, 2200), (3000, 3200), (None, None), (5000, None)]


def test_logs_with_the_same_times_and_evaluations_have_the_same_digest(tmp_path):
    evaluations = [log_line(2000, "eval_accuracy", value) for value in (0.5, 0.6)]
    digests = [details_of(tmp_path, *a_run(line)).digest for line in (*evaluations, evaluations[0] + " ")]
    assert digests[0] == digests[2] != digests[1]
    assert details_of(tmp_path, evaluations[0]).digest is None


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
    changing = [row for row in rows_of(details) if row[0] == "opt_x"]
    assert changing == [("opt_x", "opt_x", 1 + n, 2000 + n, value, None) for n, value in enumerate((1, 1, 2))]
    assert {s.key: (s.value, s.lines, s.differs) for s in details.settings} == {
        "opt_y": ("a", 2, False),
        "seed": ("7", 1, False),
    }


@pytest.mark.parametrize("value", [0.5, 2**70, "\ud800", {"BBOX": 0.3, "SEGM": "x"}, [0.1, True], None])
def test_packed_details_are_the_same_when_they_are_read(tmp_path, value):
    details = details_of(tmp_path, *a_run(log_line(2000, "eval_accuracy", value, {"epoch_num": 1}), log_line(10, "seed", 1)))
    assert len(details.evaluations) == 1
    assert unpack(pack(details)) == details
