"""Logs that somebody made to be costly, 16 MB of each form: what `tests/perf/forms.py` measures with 200 MB of them."""

from __future__ import annotations

import pytest
from perf.forms import FORMS, measuring


@pytest.fixture(scope="module")
def measure():
    with measuring() as measure:
        yield measure


@pytest.mark.parametrize("name", FORMS)
def test_memory_and_time_are_bounded_by_a_limit(measure, name):
    row = measure(name, 16)
    assert row["peak_mb"] < 150, row
    assert row["seconds"] < 15, row  # it takes a tenth of that on a machine that does nothing else
    assert row["outcome"] != "counts"
