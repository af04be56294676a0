"""The formulas of the table of checks: what they compute, and what is none."""

from __future__ import annotations

import math

import pytest
from checks.made_logs import place

from mlperf_training_import.tables.formula import FAILURES, parse_assignments, parse_comparison, parse_formula

NAMES = {"batch": 2304, "none_yet": None}


def computed(text: str, value: object = 0.5, metadata: object = None) -> object:
    return parse_formula(text)(place(value, metadata if metadata is not None else {"samples_count": 96}, dict(NAMES)))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3 - 4 / 8 % 3", 6.5),
        ("-value", -0.5),
        ("ceil(8000 * 1152 / batch)", 4000),
        ("abs(value - 0.25) < 0.3", True),
        ("0.0 <= value <= 1.0", True),
        ("0.6 <= value <= 1.0", False),
        ('"samples_count" in metadata and metadata.samples_count % 32 == 0', True),
        ('"epoch_num" in metadata or "step_num" in metadata', False),
        ('1 if "epoch_num" in metadata else 2', 2),
        ('value in ["a", 0.5]', True),
        ("value not in [1, 2]", True),
        ("whole(2.000001) and not whole(2.1)", True),
        ("sqrt(16) + floor(1.7) + max(1, 2) + min(3, 4) + int(2.9) + log2(8)", 15.0),
        ("known(batch) and not known(none_yet) and not known(other)", True),
        ("seen(init_stop)", False),
        ("value != none and value < inf", True),
    ],
)
def test_a_formula_is_computed_as_it_reads(text: str, result: object) -> None:
    assert computed(text) == result


@pytest.mark.parametrize(
    "text", ["other + 1", "value / 0", "value > none", "metadata.epoch_num", "length(value)", "ceil(value / 0)"]
)
def test_what_cannot_be_computed_is_a_failure_of_a_known_kind(text: str) -> None:
    with pytest.raises(FAILURES):
        computed(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "value.__class__.__name__",
        "metadata.a.b",
        "[x for x in value]",
        "lambda: 1",
        "value[0]",
        "open(value)",
        "value ** 9",
        "f'{value}'",
        "max(value, key=abs)",
        "value if",
        "value; value",
        "seen(1)",
        "(yield)",
        "b'bytes' == value",
        "",
    ],
)
def test_what_is_no_part_of_a_formula_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_formula(text)


def test_a_text_of_a_log_can_neither_be_repeated_nor_filled_in() -> None:
    """``"x" * 10**12`` and ``"%1000000000d" % 1`` would fill the memory."""
    assert computed("value * 1000000000000 == value", "x") is False
    with pytest.raises(TypeError):
        computed("value % 5", "%1000000000d")
    with pytest.raises(FAILURES):
        computed("value * 1000000000000 + 1", "x")


def test_what_lines_leave_is_known_to_later_formulas() -> None:
    memory = dict(NAMES)
    for name, formula in parse_assignments("a = value * 2; b = a + 1 if a == 1.0 else 0"):
        memory[name] = formula(place(0.5, {}, memory))
    assert (memory["a"], memory["b"]) == (1.0, 2.0)


def test_what_a_value_is_compared_with_is_known_unless_it_can_be_read() -> None:
    compared = parse_comparison("abs(value - 8000 * 1152 / batch) <= 1")
    assert compared is not None
    assert compared.expected is not None
    assert (compared.left, compared.right, compared.tolerance) == ("value", "8000 * 1152 / batch", "1")
    assert (compared.measured(place(3, {}, {})), compared.expected(place(0, {}, dict(NAMES)))) == (3, 4000)
    plain = parse_comparison("value == 4000")
    assert plain is not None
    assert (plain.right, plain.expected) == ("4000", None)
    guarded = parse_comparison("not known(previous) or metadata.samples_count - previous == batch")
    assert guarded is not None
    assert guarded.left == "metadata.samples_count - previous"
    for other in ("value == 1 or value > batch", "value in [1, 2]", "0 < value < batch", "seen(init_stop)"):
        assert parse_comparison(other) is None


def test_infinite_and_missing_numbers_compare_as_in_python() -> None:
    assert computed("value < 1", math.nan) is False
    assert computed("min(9e99, value)", math.nan) == 9e99
