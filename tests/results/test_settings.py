"""Precision, parallelism and micro batch size: from the logs into the entry, where all runs agree."""

from __future__ import annotations

import pytest
from trees import read

from mlperf_training_import.model import RunLog
from mlperf_training_import.results.entry import settings_of
from mlperf_training_import.start.sample import log_line


def settings(tmp_path, *lines):
    return dict(read(tmp_path, "\n".join(log_line(1000, key, value) for key, value in lines) + "\n").settings)


@pytest.mark.parametrize("infix", ["in_", ""])
def test_precision_has_two_spellings(tmp_path, infix):
    lines = [(f"lowest_numerical_precision_{infix}{part}", "FP8") for part in ("linear", "attn", "comm")]
    assert settings(tmp_path, *lines) == {
        "precision_linear": "fp8",
        "precision_attention": "fp8",
        "precision_communication": "fp8",
    }


def test_parallelism_and_micro_batch_size_are_whole_numbers(tmp_path):
    lines = [(f"{kind}_parallelism", number) for number, kind in enumerate(("tensor", "pipeline", "context", "expert"), 1)]
    assert settings(tmp_path, *lines, ("micro_batch_size", "2")) == {
        "tensor_parallelism": 1,
        "pipeline_parallelism": 2,
        "context_parallelism": 3,
        "expert_parallelism": 4,
        "micro_batch_size": 2,
    }


@pytest.mark.parametrize("value", [0, -1, 1.5, True, None, "two", [2], {"a": 1}, 10**12, "nan"])
def test_what_is_no_whole_number_above_0_is_no_setting(tmp_path, value):
    assert settings(tmp_path, ("micro_batch_size", value)) == {}


@pytest.mark.parametrize("value", [8, None, "", " ", ["fp8"], "x" * 1000])
def test_what_is_no_short_text_is_no_precision(tmp_path, value):
    assert settings(tmp_path, ("lowest_numerical_precision_in_linear", value)) == {}


def test_a_log_that_contradicts_itself_has_no_setting(tmp_path):
    assert settings(tmp_path, ("micro_batch_size", 2), ("micro_batch_size", 2), ("expert_parallelism", 1)) == {
        "micro_batch_size": 2,
        "expert_parallelism": 1,
    }
    assert settings(tmp_path, ("micro_batch_size", 2), ("micro_batch_size", 4), ("micro_batch_size", 2)) == {}


def test_a_result_has_the_settings_in_which_all_its_logs_agree():
    logs = [
        RunLog("1", settings=(("micro_batch_size", 2), ("precision_linear", "fp8"), ("tensor_parallelism", 1))),
        RunLog("2", settings=(("precision_linear", "fp8"), ("micro_batch_size", 4))),
    ]
    assert settings_of(logs) == {"precision_linear": "fp8"}
    assert settings_of([*logs, RunLog("3")]) == {}
