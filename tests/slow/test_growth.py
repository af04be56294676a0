"""What inputs cost that somebody made to be costly: the work grows no faster than they do."""

from __future__ import annotations

import contextlib
import sys

import pytest
from perf.hostile import FORMS, SAID

#: Those that can have any size, with the smaller of the two at which their work is counted.
GROWING = {
    "UTF-16 without a line end": 1 << 18,
    "UTF-16 with its mark": 1 << 18,
    "Docker records of one letter each": 1 << 16,
    "Docker records without a line end": 1 << 18,
    "runs in a folder": 1 << 17,
    "4,000 runs in one file": 1 << 15,
    "20,000 broken logs": 50,
    "`:::SYSJSON {` a hundred thousand times, scored": 1 << 15,
    "the same with line ends": 1 << 15,
    "the same, as a log of a round": 1 << 15,
    "`.git/config` of blanks": 1 << 12,
    "deep JSON as description": 1 << 15,
    "a log that says nothing, checked": 1 << 14,
    "a log of one key, checked": 1 << 15,
}
TIMES = 4


def calls(work) -> int:
    """How many functions are called, those in C too."""
    count = 0

    def note(_frame, event: str, _argument) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(note)
    try:
        with contextlib.suppress(*SAID):
            work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", GROWING)
def test_work_grows_no_faster_than_the_input(name, tmp_path):
    form, work = FORMS[name], []
    for times in (1, 1, TIMES):  # the first time fills what is remembered of tables
        folder = tmp_path / str(len(work))
        folder.mkdir()
        form.write(folder, GROWING[name] * times)
        work.append(calls(lambda folder=folder: form.read(folder)))
    assert work[2] < 1.1 * TIMES * work[1], work


def test_forms_that_are_counted_are_measured():
    assert GROWING.keys() <= FORMS.keys()
