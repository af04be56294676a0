"""How names are ordered and listed, and CSV is written: the one place of each."""

from __future__ import annotations

import csv
import io

import pytest

from mlperf_training_import.csv_text import csv_text
from mlperf_training_import.values import first_of, natural_key, short_digest


@pytest.mark.parametrize(
    "names",
    [
        ["0.5", "4.1", "4.1-private", "9.1", "10.0"],
        ["result_2.txt", "result_10.txt"],
        ["run_01", "run_1", "run_2"],  # the same numbers: the text decides
        ["", "1", "a", "a1", "a1b2", "a1b10"],
    ],
)
def test_names_sort_by_their_numbers(names):
    backwards = list(reversed(names))
    assert sorted(backwards, key=natural_key) == names


def test_digits_of_other_scripts_are_text():
    assert natural_key("\N{ARABIC-INDIC DIGIT FOUR}2") == (
        ["\N{ARABIC-INDIC DIGIT FOUR}", 2, ""],
        "\N{ARABIC-INDIC DIGIT FOUR}2",
    )


def test_the_first_names_and_how_many_more():
    assert first_of([], 2) == ""
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(["a", "b", "c", "d"], 2) == "a, b, and 2 more"


def test_a_digest_has_16_hexadecimal_digits_and_tells_data_apart():
    assert short_digest(b"") == "e3b0c44298fc1c14"
    assert short_digest(b"a") != short_digest(b"b")


def test_csv_has_the_columns_of_its_head_and_no_formula():
    rows = [{"b": "=1+1", "a": -1, "c": "left out"}, {"a": "-1", "b": 'say "x", y'}, {"b": [1, 2], "a": True}]
    text = csv_text(("a", "b"), rows)
    assert list(csv.reader(io.StringIO(text))) == [
        ["a", "b"],
        ["-1", "'=1+1"],
        ["'-1", 'say "x", y'],
        ["true", "[1, 2]"],
    ]


def test_csv_has_no_formula_and_nothing_where_there_is_no_value():
    assert csv_text(("a", "b"), [{"a": "=1", "b": -1}, {"b": None}]) == "a,b\n'=1,-1\n,\n"
