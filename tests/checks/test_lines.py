"""The numbers of lines in a log, which is read once more for them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from mlperf_training_import.checks.lines import TOKEN, line_numbers
from mlperf_training_import.logs.line import LoggedLine, ParsedLine, values_of
from mlperf_training_import.logs.log import BLOCK_BYTES, LONGEST_LINE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

#: Lines with a token, with two, with one within text, with one without its space, with both kinds, and without any.
KINDS = (
    *(b':::MLLOG {"key": "a"}', b":::MLLOG x :::MLLOG y", b"0: :::MLLOG {}\r", b":::MLLOG"),
    *(b":::MLLOG{}", b":::MLLOG{} :::MLLOG {}", b":::MLLOG_x", b"", b"epoch 3", b"x" * (BLOCK_BYTES // 3)),
)


def expected(lines: list[bytes]) -> tuple[list[int], int | None]:
    """The numbers of all lines with a token, and of the first whose token lacks its space, line by line."""
    numbers = [number for number, line in enumerate(lines, 1) if TOKEN in line]
    odd = [
        number
        for number, line in enumerate(lines, 1)
        if TOKEN not in line and any(part[:1] not in (b"", b"_") for part in line.split(b":::MLLOG")[1:])
    ]
    return numbers, next(iter(odd), None)


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_those_of_reading_line_by_line(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = chance.choices(KINDS, k=60)
    file = tmp_path / "result_0.txt"
    file.write_bytes(b"\n".join(lines))
    numbers, odd = expected(lines)
    found = dict(enumerate(numbers))
    assert line_numbers(file, found.keys() | {1000}, find_blank=True) == (found, odd)
    asked = set(chance.sample(range(len(numbers)), min(3, len(numbers))))
    of_asked = {ordinal: found[ordinal] for ordinal in asked}
    assert line_numbers(file, asked, find_blank=False) == (of_asked, None)
    assert line_numbers(file, asked, find_blank=True) == (of_asked, odd)


@pytest.mark.parametrize(
    "values",
    [
        *([], ["1", "2", "18446744073709551616"], ['"a, b"', "[1, {}]", "null", "true", " 4 "], ["1e999", "2"]),
        *(['"\u00e9"', "1"], ["[" * 900 + "]" * 900, "3"]),
    ],
)
def test_values_decoded_together_are_those_of_each_line(values: list[str]) -> None:
    whole = [
        msgspec.json.decode(f'{{"time_ms": 1, "key": "seed", "value": {value}, "metadata": {{}}}}', type=LoggedLine)
        for value in values
    ]
    parsed = ParsedLine(9, 1.0, "seed", 5, {})
    assert values_of(whole) == [line.value for line in whole]
    assert values_of([*whole, parsed]) == [*(line.value for line in whole), 5]


def test_a_long_line_full_of_tokens_takes_no_time_for_each_of_them(tmp_path: Path) -> None:
    """Its first bytes have the token with its space, so none of the others is the one that is looked for."""
    line = b":::MLLOG " + b":::MLLOG-" * (LONGEST_LINE_BYTES // 10)
    file = tmp_path / "result_0.txt"
    file.write_bytes(b"\n".join([line] * 20 + [b":::MLLOG-"]))
    assert line_numbers(file, {19}, find_blank=True) == ({19: 20}, 21)


def test_what_cannot_be_read_has_no_numbers(tmp_path: Path) -> None:
    assert line_numbers(tmp_path / "absent", {0}, find_blank=True) == ({}, None)
