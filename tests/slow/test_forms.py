"""Logs that somebody made to be costly, 6 MB of each form: what `tests/perf/forms.py` measures with 200 MB of them."""

from __future__ import annotations

import pytest
from perf.forms import FORMS, measuring


@pytest.fixture(scope="module")
def measure():
    with measuring() as measure:
        yield measure


@pytest.mark.parametrize("name", FORMS)
def test_memory_and_time_are_bounded_by_a_limit(measure, name):
    row = measure(name, 6)
    assert row["peak_mb"] < 75, row  # the process has 20 before it reads: nine bytes for each of the log exceed it
    assert row["seconds"] < 12, row  # it takes a tenth of that on a machine that does nothing else
    assert row["outcome"] != "counts"
