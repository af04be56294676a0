"""The fast scan of a log gives what parsing every line of it gives."""

import os
import random
from pathlib import Path

import msgspec
import pytest

from mlperf_training_import.logs import log as log_module
from mlperf_training_import.logs.line import MalformedLine, parse_line
from mlperf_training_import.logs.log import WANTED_KEYS, read_log
from mlperf_training_import.tables.rules import dialect_of, rules_of

DIALECT = dialect_of("mllog")
TOKEN = DIALECT.token

LINES = [
    b'{"namespace": "", "time_ms": 1679457305569, "event_type": "POINT_IN_TIME", "key": "%s", "value": %s, '
    b'"metadata": {"file": "/w/a.py", "lineno": 30%s}}' % (key, value, more)
    for key in (
        *(b"init_start", b"init_stop", b"run_start", b"run_stop", b"eval_accuracy", b"tracked_stats", b"seed"),
        *(b"submission_benchmark", b"submission_division", b"global_batch_size", b"train_samples"),
    )
    for value, more in (
        (b"null", b""),
        (b"0.75", b', "epoch_num": 10'),
        (b"-1.5e-07", b', "metric": "BBOX"'),
        (b'"success"', b', "status": "success"'),
        (b'{"metric": "a", "value": 12}', b', "status": "aborted"'),
        (b"[1, 20, {}]", b', "nested": {"a": [true]}'),
        (b'"\\u00e9 \xe9"', b', "samples_count": 1e3'),
    )
]
#: What real lines were seen to break on, and what JSON parsers are known to differ in.
FRAGMENTS = [
    *(bytes([code]) for code in range(256) if code != ord("\n")),
    *(b"0", b"00", b"01", b"-0", b"1.", b".5", b"1e", b"1e400", b"+1", b"NaN", b"Infinity", b"nul", b"9" * 25, b"9" * 400),
    *(b"\\", b"\\x", b"\\u12", b"\\ud800", b"\\u006bey", b"m\\u0065tric", b"\xef\xbb\xbf", b"\xc3\xa9", b"/*", b"//"),
    *(b'"key": "run_stop", ', b'"key": 1, ', b'"key": [], ', b'"key": null, ', b'"time_ms": "12", ', b'"time_ms": 1.5, '),
    *(b'"time_ms": true, ', b'"time_s": 1, ', b'"value": 1, ', b'"metadata": 3', b'"metadata": []', b'"metric": "x", '),
    *(b"{", b"}", b"[", b"]", b",", b":", b"{}", b"[" * 600, b'"', b'""', b"Lambda", b":::MLLOG", b"\r", b"\x85", b" "),
]


def mutated(line, source):
    """A line with up to three stretches of it removed, or replaced by a fragment."""
    for _ in range(source.choice((0, 1, 1, 1, 2, 3))):
        start = source.randrange(len(line) + 1)
        length = source.choice((0, 0, 1, 1, 2, 8, 30))
        line = line[:start] + source.choice((b"", source.choice(FRAGMENTS))) + line[start + length :]
    return line


def well_formed(line):
    try:
        return parse_line(line, DIALECT, WANTED_KEYS)
    except MalformedLine:
        return None


def taken(line):
    """What is kept of a line that is not parsed; None for one that is."""
    try:
        return log_module._decode_line(line) if len(line) <= log_module.LONGEST_CHECKED_BYTES else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parse_everything(monkeypatch):
    def refuse(_line):
        raise msgspec.DecodeError

    monkeypatch.setattr(log_module, "_decode_line", refuse)


def test_a_line_that_is_not_parsed_is_well_formed():
    source = random.Random(0)
    accepted = refused = 0
    for _ in range(40_000):
        line = mutated(source.choice(LINES), source)
        known = taken(line)
        if known is None:
            refused += 1
            continue
        accepted += 1
        parsed = well_formed(line)
        assert parsed is not None, line
        assert parsed[0] == known.time_ms, line
        assert (parsed[1] in WANTED_KEYS if isinstance(parsed[1], str) else False) == (known.key in WANTED_KEYS), line
    assert min(accepted, refused) > 5_000


def test_lines_as_logs_have_them_are_not_parsed():
    assert all(map(taken, LINES))


@pytest.mark.parametrize("name", [b"metric", b"m\\u0065tric"])
def test_a_metric_is_seen_however_it_is_spelled(name, tmp_path, monkeypatch):
    path = tmp_path / "result_0.txt"
    line = b'{"time_ms": 1, "key": "eval_accuracy", "value": %d, "metadata": {"%s": "BBOX", "epoch_num": 1}}'
    path.write_bytes(b"".join(TOKEN + line % (value, name) + b"\n" for value in (1, 2)))
    scanned = read_log(path, DIALECT, path.name)
    assert [(evaluation.metric, evaluation.value) for evaluation in scanned.evaluations] == [("BBOX", 1), ("BBOX", 2)]
    parse_everything(monkeypatch)
    assert scanned == read_log(path, DIALECT, path.name)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_logs_of_mutated_lines(newline, tmp_path, monkeypatch):
    source = random.Random(1)
    logs = []
    for number in range(400):
        lines = []
        for _ in range(source.randrange(40)):
            prefix = source.choice((b"", b"", b"0: ", b"\x1b[A 50%\r", TOKEN))
            line = source.choice(LINES)
            lines.append(prefix + TOKEN + (mutated(line, source) if source.random() < 0.1 else line))
            if source.random() < 0.01:
                lines[-1] = lines[-1].replace(b"/w/", source.choice((TOKEN, TOKEN + line)))
            lines += source.choice(((), (), (b"epoch 3",), (b"", b"\xff\xfe")))
        path = tmp_path / f"result_{number}.txt"
        path.write_bytes(newline.join(lines) + source.choice((b"", newline)))
        logs.append(path)
    scanned = [read_log(path, DIALECT, path.name) for path in logs]
    parse_everything(monkeypatch)
    assert scanned == [read_log(path, DIALECT, path.name) for path in logs]
    assert any(log.malformed_lines for log in scanned)
    assert any(log.evaluations for log in scanned)


@pytest.mark.parametrize("empty", [b"", b" ", b"{}", b"null"])
def test_a_token_without_a_record_is_malformed(empty, tmp_path):
    path = tmp_path / "result_0.txt"
    path.write_bytes(b"text\n" + TOKEN + LINES[0] + b"\n" + TOKEN + empty + b"\n")
    log = read_log(path, DIALECT, path.name)
    assert (log.lines, log.malformed_lines) == (2, 1)
    assert log.malformed.startswith("line 3: ")


@pytest.fixture
def rounds_folder():
    """A folder with clones of real rounds, each named ``training_results_v<version>`` or ``<version>``."""
    folder = os.environ.get("MLPERF_TRAINING_ROUNDS")
    if not folder:
        pytest.skip("set MLPERF_TRAINING_ROUNDS to a folder with clones of rounds")
    return Path(folder)


def test_every_real_line(rounds_folder, monkeypatch):
    logs = []
    for clone in sorted(rounds_folder.iterdir()):
        dialect = rules_of(clone.name.removeprefix("training_results_v")).dialect
        logs += [(path, dialect) for path in sorted(clone.glob("*/results/*/*/result_*.txt"))]
        logs += [(path, dialect) for path in sorted(clone.glob("*/results/*/result_*.txt"))]
    assert logs
    scanned = [read_log(path, dialect, path.name) for path, dialect in logs]
    parse_everything(monkeypatch)
    for (path, dialect), log in zip(logs, scanned, strict=True):
        assert read_log(path, dialect, path.name) == log, path
