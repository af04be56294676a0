"""What holds for all inputs, with 2,000 generated ones per test: 100 that hypothesis draws, and 19 variants of each.

Variants are made by hand: to draw as many takes many times as long as to check them. They are the same in every run, so that
a change that has nothing to do with them cannot fail. 10,000, and others each time::

    python -m pytest tests/slow/test_properties.py --hypothesis-profile=random
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from slow.fuzz.targets import ENTRIES, as_file, changed_json, check_description, check_log, check_stored

from mlperf_training_import.logs.power import UnknownEnergy, estimate, integrate, read_power_log
from mlperf_training_import.model import Energy, Evaluation, Judged, Round, Run, RunLog, Submission, System
from mlperf_training_import.results.compare import compare
from mlperf_training_import.results.entry import make_entry
from mlperf_training_import.results.metrics import metrics_of
from mlperf_training_import.results.score import judge, mean_of_kept
from mlperf_training_import.tables.descriptions import description_keys
from mlperf_training_import.tables.keys import owned_keys
from mlperf_training_import.tables.rules import Benchmark, benchmark_of, dialect_of, rules_of

#: How many inputs are made of each that is drawn.
VARIANTS = 20

ODD_NUMBERS = (0, 1, 8, 0.5, -1, 1e-9, 5e-324, 1e308, -1e308, 10**30)
ODD_VALUES = (
    *(None, True, False, *ODD_NUMBERS, math.nan, math.inf, 10**400, "", " ", "8", "1.5", "8x", "1e400", "NaN", "9" * 5000),
    *("closed", " Open", "\ud800", "\udc80", "\x00\x1b[2J\r\n", "\u202e", "success", [], {}, [1, "x"], {"a": [None]}),
)
values = st.sampled_from(ODD_VALUES)
numbers = st.sampled_from(ODD_NUMBERS)
sources = st.randoms(use_true_random=False).map(lambda source: random.Random(source.getrandbits(64)))


def texts(data, source):
    """Some bytes, and with stretches of them removed, repeated or replaced."""
    yield data
    for _ in range(VARIANTS - 1):
        start, other = source.randrange(len(data) + 1), source.randrange(len(data) + 1)
        piece = source.choice((b"", source.choice(FRAGMENTS), source.randbytes(2), data[other : other + 40]))
        yield data[:start] + piece + data[start + source.choice((0, 1, 2, 8, 30)) :]


def jsons(data, source):
    """Some JSON, and with more and more values changed; bytes that are none are changed as bytes."""
    yield data
    for number, text in enumerate(texts(data, source)):
        if number:
            data = changed_json(data, source) or text
            yield data


def lists(items, source, others):
    """A list, and with items removed, repeated or replaced."""
    yield items
    for _ in range(VARIANTS - 1):
        place = source.randrange(len(items) + 1)
        yield [*items[:place], *source.choices([*items, *others], k=source.choice((0, 1, 2))), *items[place + 1 :]]


# The log parser

MLLOG_PIECES = [
    b":::MLLOG " + json.dumps({"time_ms": time_ms, "key": key, "value": value, "metadata": metadata}).encode() + b"\n"
    for time_ms in (0, 60_000)
    for key in ("init_start", "init_stop", "run_start", "run_stop", "eval_accuracy", "train_samples", "seed")
    for value, metadata in ((None, {"status": "success"}), (0.7, {"epoch_num": 3}), ("8", {"metric": "BBOX"}))
]
OLD_PIECES = [
    b":::%s %s%s\n" % (head, key, content)
    for head in (b"MLL 1560822378.320", b"MLPv0.5.0 resnet 1541674521.5 (train.py:49)")
    for key in (b"run_start", b"run_stop", b"eval_accuracy", b"eval_result", b"submission_benchmark")
    for content in (b"", b": 0.7", b': {"value": 0.5, "metadata": {"status": "success", "timestamp": 9}}', b": {'a': None}")
]
FRAGMENTS = [
    *(
        b":::MLLOG ",
        b":::MLL ",
        b":::MLPv0.5.0 ",
        b'{"time_ms": ',
        b'"key": ',
        b'"run_stop"',
        b', "value": ',
        b', "metadata": ',
    ),
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b": ", b"\n", b"\r\n", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf", b"NaN"),
    *(
        b"1e400",
        b"9" * 5000,
        b"[" * 2000,
        b"-0",
        b"null",
        b"run_stop: ",
        b"!!int ",
        b"&a ",
        b"*a",
        b"<<: ",
        b"0x10",
        b"1:30",
    ),
]
lines = st.sampled_from(MLLOG_PIECES) | st.sampled_from(OLD_PIECES)
pieces = lines | st.sampled_from(FRAGMENTS) | st.binary(max_size=6)
logs = st.lists(pieces, max_size=10).map(b"".join) | st.binary(max_size=200)


@given(logs, sources)
def test_any_bytes_are_a_log(data, source):
    for text in texts(data, source):
        check_log(text)


# System descriptions

DESCRIPTION_KEYS = [
    *(name for names in description_keys().values() for name in names),
    *("hw_notes", "sw_notes", "notes", "nodes", "org", "num_nodes", "cpu", "num_cpus", "accelerator", "num_accelerators"),
    *("Submitter", "system-name", "acelerators_per_node", "", "\ud800"),
]
objects = st.dictionaries(st.sampled_from(DESCRIPTION_KEYS), values, max_size=6)
descriptions = objects | st.builds(
    lambda one, nodes: one | {"nodes": nodes}, objects, st.lists(objects | values, max_size=2)
)


@given((descriptions | values).map(json.dumps).map(str.encode) | st.binary(max_size=60), sources)
def test_any_bytes_are_a_description_or_there_is_a_message(data, source):
    for text in jsons(data, source):
        check_description(text)


# Judging and scoring

#: As short and as long as a run that counts may be, and all factors that are taken.
minutes_of_runs = st.lists(st.none() | st.floats(1e-6, 1e6) | st.sampled_from((1.0, 2.0, 2e-8, 1.6e8)), max_size=12)
factors = st.none() | st.floats(0.5, 2) | st.sampled_from((1e-3, 1e3))


def scored(minutes, drop, factor):
    runs = [
        Run(RunLog("result_0.txt"), reason="it failed")
        if number is None
        else Run(RunLog("result_0.txt", run_start_ms=0.0, run_stop_ms=number * 60_000), minutes=number)
        for number in minutes
    ]
    return mean_of_kept(runs, Benchmark("resnet", "image-classification", known=True, drop=drop), factor)


@given(minutes_of_runs, st.integers(0, 4), factors, sources)
def test_a_score_lies_between_the_runs_and_does_not_depend_on_their_order(runs, drop, factor, source):
    for minutes in lists(runs, source, (None, 0.5, 7.25, 1e-6, 1e6)):
        check_score(minutes, drop, factor, source)


def check_score(minutes, drop, factor, source):
    result = scored(minutes, drop, factor)
    assert (result.minutes is None) == (result.code is not None) == (result.reason is not None)
    shuffled = source.sample(minutes, len(minutes))
    again = scored(shuffled, drop, factor)
    assert (again.minutes, again.code) == (result.minutes, result.code)
    if result.minutes is None:
        return
    counted = sorted(number for number in minutes if number is not None)
    scale = 1.0 if factor is None else factor
    assert 0 < result.minutes < math.inf
    assert counted[0] * scale * (1 - 1e-12) <= result.minutes <= counted[-1] * scale * (1 + 1e-12)
    assert [run.minutes for run in result.kept] == counted[drop : len(minutes) - drop]


@given(minutes_of_runs, st.integers(0, 4), sources)
def test_no_score_gets_better_when_a_run_gets_worse(runs, drop, source):
    for minutes in lists(runs, source, (None, 0.5, 7.25, 1e-6, 1e6)):
        before = scored(minutes, drop, None).minutes
        places = [place for place, number in enumerate(minutes) if number is not None]
        if before is None:
            continue
        place = source.choice(places)
        for worse in (minutes[place] * source.uniform(1, 10), None):
            after = scored([*minutes[:place], worse, *minutes[place + 1 :]], drop, None).minutes
            assert after is None if worse is None and after is None else after >= before


times = st.none() | st.sampled_from((0.0, 60_000.0, 5e-324, -1e308, 1e308)) | st.floats(-1e12, 1e12)
evaluations = st.builds(
    Evaluation,
    value=values,
    epoch=st.none() | numbers,
    samples=st.none() | numbers,
    step=st.none() | numbers,
    metric=st.sampled_from((None, "BBOX", "SEGM", "x")),
)
run_logs = st.builds(
    RunLog,
    path=st.just("result_0.txt"),
    lines=st.sampled_from((0, 1, 9)),
    run_start_ms=times,
    run_stop_ms=times,
    elapsed_ms=st.sampled_from((None, None, None, 0.0, 9.0, math.inf)),
    init_start_ms=times,
    init_stop_ms=times,
    succeeded=st.booleans(),
    division=st.sampled_from((None, "closed", "open", "x")),
    malformed_lines=st.sampled_from((0, 0, 0, 2)),
    trouble=st.sampled_from((None, None, None, "Permission denied")),
)


@given(st.lists(run_logs, min_size=5, max_size=5), sources)
def test_a_run_counts_or_there_is_a_reason(drawn, source):
    for _ in range(VARIANTS):
        facts = {name: getattr(source.choice(drawn), name) for name in RunLog.__struct_fields__}
        check_run(RunLog(**facts), rules_of(source.choice(("0.5", "0.6", "0.7", "1.0", "2.0", "5.1"))))


def check_run(log, rules):
    run = judge(log, rules)
    assert (run.minutes is None) != (run.reason is None)
    if run.minutes is not None:
        assert 0 < run.minutes < math.inf
        assert log.trouble is None
        assert not (log.malformed_lines and rules.dialect.strict)
        assert log.elapsed_ms or log.succeeded


# Energy

POWER_KEYS = (
    "power_measurement_start",
    "power_measurement_stop",
    "power_reading",
    "conversion_eff",
    "interconnect_power_est",
)
power_lines = st.builds(
    lambda time_ms, key, value: (
        b":::MLLOG " + json.dumps({"time_ms": time_ms, "key": key, "value": value, "metadata": {}}).encode()
    ),
    numbers | values,
    st.sampled_from(POWER_KEYS),
    numbers | values,
)


@given(st.lists(power_lines | pieces, max_size=7).map(b"\n".join), st.sampled_from((5e-324, 1.0, 6e4, 1e308)), sources)
def test_any_bytes_are_a_power_log_with_an_energy_or_a_reason(data, run_ms, source):
    for text in texts(data, source):
        check_power(text, run_ms)


def check_power(data, run_ms):
    log = read_power_log(as_file(data), dialect_of("mllog"))
    assert all(map(math.isfinite, log.window_ms or ()))
    assert all((*log.oddities, *log.doubts))
    for rule in (integrate, estimate) if log.estimated_watts is not None else (integrate,):
        try:
            assert math.isfinite(rule(log, run_ms))
        except UnknownEnergy as error:
            assert str(error)


# Figures to analyse

#: The type of each figure, as the first result that had it said.
TYPES: dict[str, type] = {}
BENCHMARKS = [("resnet", "0.5"), ("maskrcnn", "0.7"), ("minigo", "0.6"), ("unet3d", "3.0"), ("bert", "3.0"), ("x", "3.0")]
good_logs = st.builds(
    lambda stop, *figures: RunLog("result_0.txt", 9, 0, None, None, None, 0.0, stop, None, True, None, None, None, *figures),
    st.sampled_from((6e4, 7e4, 5e-319, 1e308)) | st.floats(1, 1e9),
    st.none() | numbers,
    st.none() | numbers,
    st.lists(evaluations, max_size=2).map(tuple),
)
energies = st.none() | st.builds(
    Energy,
    st.none() | st.sampled_from((5e-324, 1.0, 1e308)),
    st.sampled_from((None, -1.0, 0.0, 1e308)),
    st.sampled_from((None, (1.0,))),
)
counts = st.sampled_from((None, 0, 1, 8, 10**8))


@st.composite
def results(draw):
    key, version = draw(st.sampled_from(BENCHMARKS))
    runs = [judge(log, rules_of(version)) for log in draw(st.lists(good_logs, min_size=3, max_size=4))]
    record = System(nodes=draw(counts), accelerators_per_node=draw(counts))
    submission = Submission("Acme", "x8", key, "f", record, None, "f", ())
    facts = (Round(version, version, Path()), rules_of(version), submission, benchmark_of(key, version), "closed")
    return made_of(Judged(*facts, ()), runs, draw(factors), draw(energies))


def made_of(judged, runs, factor, energy):
    """A result of other runs."""
    score = mean_of_kept(runs, judged.benchmark, factor)
    logs = tuple(run.log for run in runs)
    return msgspec.structs.replace(judged, logs=logs, runs=tuple(runs), score=score, energy=energy, scaling_factor=factor)


@given(results(), results(), sources)
def test_figures_are_finite_and_of_one_type_or_absent(one, other, source):
    logs = [run.log for result in (one, other) for run in result.runs]
    check_figures([one, other])
    for _ in range(VARIANTS // 2 - 1):
        check_figures([varied(result, logs, source) for result in (one, other)])


def varied(result, logs, source):
    """A result of logs that have what one or another of some logs has."""
    version = result.round.version
    made = [
        RunLog(**{name: getattr(source.choice(logs), name) for name in RunLog.__struct_fields__})
        for _ in range(source.choice((3, 5)))
    ]
    runs = [judge(log, rules_of(version)) for log in made]
    return made_of(result, runs, result.scaling_factor, result.energy)


def check_figures(made):
    with_score = [result for result in made if result.score.minutes is not None]
    figures = list(map(metrics_of, with_score))
    with_figures = [msgspec.structs.replace(one, figures=found) for one, found in zip(with_score, figures, strict=True)]
    entries = list(map(make_entry, with_figures))
    for group in (figures, compare(entries)):
        for key, value in (item for one in group for item in one.items()):
            assert key in owned_keys()
            assert TYPES.setdefault(key, type(value)) is type(value), key
            for number in value if isinstance(value, list) else [value]:
                assert type(number) in (int, float), key
                assert math.isfinite(number), key


# What is stored

STORED_KEYS = [*ENTRIES[0], "details_url", "gpt3", "note", "note_2", "uid_2", "uid_x", "mine", "metric", "", "\ud800"]
ADDRESSES = (
    *("https://example.org/a/blob/main/Acme/systems/x8.json", "https://example.org/blob/a%2Fb/Acme/systems/x%208.json#L1"),
    *(
        "/blob//systems/.json",
        "x/blob/main/feature/Acme/systems/x8.json?x",
        "https://example.org/blob/main/%ff/systems/%.json",
    ),
)
changes = st.dictionaries(
    st.sampled_from(STORED_KEYS), values | st.sampled_from(("Acme", "bert", "3.0", *ADDRESSES)), max_size=4
)
stored_entries = st.builds(lambda entry, change: entry | change, st.sampled_from(ENTRIES), changes) | st.builds(
    lambda address, change: {"version": "3.0", "Model_ID": "bert", "details_url": address, "Result": 1.5} | change,
    st.sampled_from(ADDRESSES),
    changes,
)
stored_files = st.lists(stored_entries | changes | values, max_size=3).map(json.dumps)


@given(stored_files.map(str.encode) | values.map(json.dumps).map(str.encode) | st.binary(max_size=20), sources)
def test_any_bytes_are_left_alone_or_merged_without_loss(data, source):
    for text in jsons(data, source):
        check_stored(text)


json_values = st.recursive(
    values | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
