"""Reading one log: what the record says, and that the quick scan and the parser agree."""

from __future__ import annotations

import io
import json
import math
import random
import re
from functools import partial

import pytest
from trees import read

from mlperf_training_import.logs import log as log_module
from mlperf_training_import.logs.line import MalformedLine, parse_line
from mlperf_training_import.logs.log import LONGEST_CHECKED_BYTES, find_lines, iter_blocks, read_log
from mlperf_training_import.model import Evaluation, RunLog
from mlperf_training_import.results.score import judge
from mlperf_training_import.start.sample import START_MS, log_line, run_log
from mlperf_training_import.tables.rules import dialect_of, rules_of
from mlperf_training_import.values import finite_number

MLLOG = dialect_of("mllog")
ANY_KEY = frozenset({"run_start", "run_stop"})


def test_what_a_log_says(tmp_path):
    log = read(tmp_path, run_log("bert", 3.0, division="open", global_batch_size=448, evaluations=[(1.5, 0.5), (3.0, 0.72)]))
    assert log == RunLog(
        path="result_0.txt",
        lines=10,
        init_start_ms=START_MS - 300_000,
        init_stop_ms=START_MS,
        run_start_ms=START_MS,
        run_stop_ms=START_MS + 180_000,
        run_starts=1,
        start_number=1,
        run_stops=1,
        stop_number=1,
        attempts=1,
        succeeded=True,
        status="success",
        benchmark="bert",
        division="open",
        global_batch_size=448,
        train_samples=100_000,
        evaluations=(Evaluation(0.72, epoch=3.0),),
        history=log.history,  # see test_history.py
    )


def test_a_file_that_cannot_be_read_is_a_record_with_trouble(tmp_path):
    log = read_log(tmp_path / "gone.txt", MLLOG, "Org/results/s/b/gone.txt")
    assert log == RunLog(path="Org/results/s/b/gone.txt", trouble="No such file or directory")
    assert read_log(tmp_path, MLLOG, "folder").trouble == "not a regular file"


def test_initialisation_is_from_the_earliest_start_to_the_first_stop(tmp_path):
    lines = [
        log_line(2000, "init_start"),
        log_line(1000, "init_start"),
        log_line(1500, "init_start"),
        log_line(9000, "init_stop"),
        log_line(8000, "init_stop"),
    ]
    log = read(tmp_path, "\n".join(lines))
    assert (log.init_start_ms, log.init_stop_ms) == (1000, 9000)


def test_the_first_line_of_benchmark_and_division_counts(tmp_path):
    lines = [
        log_line(1, key, value) for value in ("first", "second") for key in ("submission_benchmark", "submission_division")
    ]
    log = read(tmp_path, "\n".join(lines))
    assert (log.benchmark, log.division) == ("first", "first")


def test_evaluations_after_the_stop_are_not_part_of_the_run(tmp_path):
    log = read(tmp_path, run_log("bert", 3.0) + log_line(START_MS + 10**6, "eval_accuracy", 0.99))
    assert log.evaluations[-1].value == 0.9


@pytest.mark.parametrize(
    "line",
    [
        '{"time_ms": 1, "key": "a", "value": null, "metadata": {}}',
        '{"namespace": "", "time_ms": 1, "event_type": "X", "key": "a", "value": 0.5, "metadata": {"b": "c"}}',
        '{"metadata":{},"value":[1,2],"key":"a","time_ms":1}',
        '{"time_ms": 1, "key": "a", "value": "say \\"hi\\" \\u00fc", "metadata": {"b": {"c": [1, {"d": 2}]}}}',
        '{"time_ms": 1, "key": "a", "value": NaN, "metadata": {}}',
        '{"time_ms": 1, "key": "a", "value": 1e999, "metadata": {}}',
        '{"time_ms": 1, "key": "a", "key": "run_stop", "value": 1, "metadata": {}}',
    ],
)
def test_lines_that_are_well_formed(line):
    time_ms, _, _, _ = parse_line(f":::MLLOG {line}".encode(), MLLOG, ANY_KEY)
    assert time_ms == 1.0


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "{}",
        "null",
        "{'time_ms': 1}",
        '{"time_ms": 1, "key": "a", "value": null}',
        '{"time_ms": 1, "key": "a", "metadata": {}}',
        '{"time_ms": 1, "value": null, "metadata": {}}',
        '{"key": "a", "value": null, "metadata": {}}',
        '{"time_ms": 1, "key": "a", "value": null, "metadata": {}},',
        '{"time_ms": 1, "key": "a", "value": null, "metadata": {}} x',
        '{"time_ms": 1, "key": "a", "value": None, "metadata": {}}',
        '{"time_ms": 01, "key": "a", "value": null, "metadata": {}}',
        '{"time_ms": "soon", "key": "a", "value": null, "metadata": {}}',
        '{"time_ms": NaN, "key": "a", "value": null, "metadata": {}}',
        '{"time_ms": true, "key": "a", "value": null, "metadata": {}}',
        '{"time_ms": [1], "key": "a", "value": null, "metadata": {}}',
        '{"time_ms": 1, "key": ["a"], "value": null, "metadata": {}}',
        '{"time_ms": 1, "key": {}, "value": null, "metadata": {}}',
        '{"time_ms": 1, "key": "a", "value": 1' + "0" * 5000 + ', "metadata": {}}',
        "[" * 100_000,
    ],
)
def test_lines_that_are_malformed(line):
    with pytest.raises(MalformedLine):
        parse_line(f":::MLLOG {line}".encode(), MLLOG, ANY_KEY)


def plainly(content: bytes) -> dict[str, object]:
    """What a log says by the plain way: every line with a token goes through the parser, and none is passed over."""
    facts = {
        "lines": 0,
        "malformed_lines": 0,
        "malformed": None,
        "run_start_ms": None,
        "run_stop_ms": None,
        "succeeded": False,
    }
    for number, line in enumerate(content.split(b"\n"), 1):
        if MLLOG.token not in line:
            continue
        facts["lines"] += 1
        try:
            time_ms, key, _, metadata = parse_line(line, MLLOG, ANY_KEY)
        except MalformedLine as error:
            facts["malformed_lines"] += 1
            facts["malformed"] = facts["malformed"] or f"line {number}: {error}"
            continue
        if facts["run_stop_ms"] is not None:
            continue
        if key == "run_start":
            facts["run_start_ms"] = time_ms
        elif key == "run_stop" and facts["run_start_ms"] is not None:
            facts["run_stop_ms"] = time_ms
            facts["succeeded"] = isinstance(metadata, dict) and metadata.get("status") == "success"
    return facts


def mutations(count: int):
    """Logs with a few bytes of their lines changed, in places and by characters that matter to JSON."""
    source = random.Random(20240101)
    plain = [
        log_line(START_MS, "opt_lr", 0.5),
        log_line(START_MS, "seed", [1, 2]),
        log_line(START_MS, "a", "b", {"c": None}),
    ]
    lines = [*plain, '  loss: 0.1 :::MLLOG {"time_ms": 5, "key": "x", "value": -1.5e-3, "metadata": {}}']
    for _ in range(count):
        text = bytearray("\n".join([*source.sample(lines, 3), run_log("resnet", 3.0)]).encode())
        for _ in range(source.randrange(1, 4)):
            at = source.randrange(len(text))
            text[at : at + source.randrange(3)] = source.choice(
                [
                    b"",
                    b'"',
                    b"\\",
                    b"{",
                    b"}",
                    b":",
                    b",",
                    b" ",
                    b"\n",
                    b"\r",
                    b"0",
                    b"e",
                    b"-",
                    b"\x00",
                    b"\xff",
                    b":::MLLOG ",
                ]
            )
        yield bytes(text)


def test_the_quick_scan_and_the_parser_agree_on_any_line(tmp_path):
    malformed = 0
    for content in mutations(1500):
        log, expected = read(tmp_path, content), plainly(content)
        assert {name: getattr(log, name) for name in expected} == expected, content
        malformed += bool(log.malformed_lines)
    assert 300 < malformed < 1300


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 1 << 20])
def test_blocks_are_whole_lines_whatever_their_size(size):
    content = run_log("resnet", 3.0).encode() + b"last line without an end"
    blocks = list(iter_blocks(io.BytesIO(content), size))
    assert b"".join(blocks) == content + b"\n"
    assert all(block.endswith(b"\n") for block in blocks)


def test_lines_are_found_as_a_regular_expression_finds_them():
    token = MLLOG.token
    parts = (token, token[:-1], token[1:], b"{}", b" ", b"\r", b"\n", b"\n", b"epoch 3", b"x" * LONGEST_CHECKED_BYTES)
    draw, plain = random.Random(6), 0
    for _ in range(3000):
        block = b"".join(draw.choices(parts, k=draw.randrange(12))) + b"\n"
        lines, are_plain = find_lines(block, token)
        assert lines == re.findall(re.escape(token) + rb"(.*)\n", block)
        assert are_plain == all(len(line) <= LONGEST_CHECKED_BYTES and token not in line for line in lines)
        plain += are_plain and len(lines) > 1
    assert plain > 50


def test_a_description_is_found_in_the_whole_first_megabyte(tmp_path):
    before = (b"x" * 99 + b"\n") * 10_480
    assert read(tmp_path, before + b':::SYSJSON {"submitter": "Acme"}\n').described == (("submitter", "Acme"),)


@pytest.mark.parametrize("size", [16, 100, 1 << 20])
def test_the_record_does_not_depend_on_the_blocks(tmp_path, monkeypatch, size):
    content = (run_log("resnet", 3.0) + ":::MLLOG {\n").encode()
    expected = read(tmp_path, content)
    monkeypatch.setattr(log_module, "iter_blocks", partial(iter_blocks, size=size))
    assert read(tmp_path, content) == expected
    assert expected.malformed.startswith("line 12: ")


def test_a_line_that_is_too_long_is_cut_and_malformed_if_it_has_a_token(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "iter_blocks", partial(iter_blocks, size=64, longest_line=200))
    long = b':::MLLOG {"time_ms": 1, "key": "a", "value": "' + b"x" * 1000 + b'", "metadata": {}}\n'
    for content, malformed in ((long + b"next\n", 1), (b"x" * 1000 + b"\n", 0)):
        assert max(map(len, iter_blocks(io.BytesIO(content), 64, 200))) < 300
        assert read(tmp_path, content).malformed_lines == malformed
    assert b"".join(iter_blocks(io.BytesIO(long + b"next\n"), 64, 200)).endswith(b"\nnext\n")


@pytest.mark.parametrize("length", [199, 200, 201, 202, 264, 265])
@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_whether_a_line_is_too_long_does_not_depend_on_where_it_begins(length, newline):
    line = b"x" * length
    for before in range(130):
        first = b"a" * before + b"\n"
        end = b"next\n" if newline else b""
        assert b"".join(iter_blocks(io.BytesIO(first + line + newline + end), 64, 200)) == first + line[:200] + b"\n" + end


@pytest.mark.parametrize(
    ("value", "number"),
    [(8, 8), (1.5, 1.5), ("8", 8), ("1.0", 1.0), ("1e3", 1000.0), (-2, -2), (0, 0), (10**30, 10**30)]
    + [(value, None) for value in (True, False, None, "", "x", "8x", [8], {}, math.nan, math.inf, "nan", "inf", 10**400)],
)
def test_numbers(value, number):
    assert finite_number(value) == number
    assert type(finite_number(value)) is type(number)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (":::MLL 1560822378.320 run_start: null", None),
        (':::MLL 1560822378.320 run_start: {"value": 1, "metadata": {}}', (1560822378320.0, "run_start", 1, {})),
        (':::MLL 1560822378.320 run_start : {"value": 1}', (1560822378320.0, "run_start", 1, None)),
        (":::MLL 1560822378.320 run_start: {value: 1, metadata: {a: b}}", (1560822378320.0, "run_start", 1, {"a": "b"})),
        (":::MLL 1560822378.320 other: {broken", (1560822378320.0, "other", None, None)),
        (":::MLL 1560822378.320 run_start: {broken", None),
        (":::MLL soon run_start: {}", None),
        (":::MLL nan run_start: {}", None),
        (":::MLL 1e999 run_start: {}", None),
        (":::MLL 1560822378.320", None),
        (":::MLL ", None),
        (':::MLL 1.0 run_start: !!int ""', None),
        (":::MLL 1.0 run_start: !!timestamp x", None),
    ],
)
def test_lines_of_0_6(line, expected):
    if expected is None:
        with pytest.raises(MalformedLine):
            parse_line(line.encode(), dialect_of("mll"), ANY_KEY)
    else:
        assert parse_line(line.encode(), dialect_of("mll"), ANY_KEY) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("resnet 1541674521.869611263 (train.py:49) run_start", (1541674521869.6113, "run_start", None, None)),
        (
            'resnet 1541674521.5 (a b/c(d).py:49) run_stop: {"success": true}',
            (1541674521500.0, "run_stop", {"success": True}, None),
        ),
        ("resnet 1541674521.5 (train.py:49) run_stop: 0.75", (1541674521500.0, "run_stop", 0.75, None)),
        ("resnet 1541674521.5 (<stdin>:1) run_stop : 4", (1541674521500.0, "run_stop", 4, None)),
        ("resnet 1541674521.5 run_start", None),
        ("resnet (train.py:49) run_start", None),
        ("resnet soon (train.py:49) run_start", None),
        ("", None),
    ],
)
def test_lines_of_0_5(line, expected):
    if expected is None:
        with pytest.raises(MalformedLine):
            parse_line(f":::MLPv0.5.0 {line}".encode(), dialect_of("mlpv0.5.0"), ANY_KEY)
    else:
        assert parse_line(f":::MLPv0.5.0 {line}".encode(), dialect_of("mlpv0.5.0"), ANY_KEY) == expected


def test_seconds_become_milliseconds_without_a_rounding_on_the_way():
    """1560822378.32 * 1000 is 1560822378319.9998 in floats."""
    line = b':::MLL 1560822378.320 run_start: {"value": null}'
    assert parse_line(line, dialect_of("mll"), ANY_KEY)[0] == 1560822378320.0


def test_odd_records_make_a_run_that_does_not_count_and_no_exception(tmp_path):
    """A value of every type in every field."""
    for value in (None, True, 1, 1.5, "x", [], [[]], {}, {"a": {}}, "", -1, 10**400, "1e400"):
        for field in ("time_ms", "key", "value", "metadata"):
            for key in ("run_start", "run_stop", "init_start", "submission_benchmark", "eval_accuracy", "global_batch_size"):
                record = {"time_ms": 1, "key": key, "value": None, "metadata": {}} | {field: value}
                log = read(tmp_path, f":::MLLOG {json.dumps(record)}\n")
                assert judge(log, rules_of("3.0")).minutes is None
