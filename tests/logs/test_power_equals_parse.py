"""The fast way through a power log gives what parsing every line of it, and adding the readings up one by one, gives."""

import random
from functools import partial

import msgspec
import pytest

from mlperf_training_import.logs import log as log_module
from mlperf_training_import.logs import power as power_module
from mlperf_training_import.logs.log import iter_blocks
from mlperf_training_import.logs.power import read_power_log
from mlperf_training_import.tables.rules import dialect_of

DIALECT = dialect_of("mllog")
KEYS = ("power_reading",) * 30 + ("power_measurement_start", "power_measurement_stop", "conversion_eff", "voltage")
VALUES = ("2246", "705.5", "0.1", "1e3", "0", "-0.0", "1.7976931348623157e308", "12345678901234567890", "9007199254740993")
ODD_VALUES = ("-43.5", "null", '"null"', '"12"', "true", "01", "1.", "[1]", "{}", "NaN", "1e999", "9" * 30, "9" * 400)
FRAGMENTS = (b":::MLLOG ", b"\n", b"\r", b" ", b"{", b"}", b'"', b",", b"1", b"-", b"e5", b"\\u0031", b"\xe9", b"x" * 1000)


def by_parsing(path, monkeypatch):
    """What a log comes to without the fast ways."""

    def refuse(_):
        raise msgspec.DecodeError

    with monkeypatch.context() as patch:
        patch.setattr(power_module, "_decode_plain", refuse)
        patch.setattr(power_module, "_decode_plain_lines", refuse)
        patch.setattr(power_module._PowerReader, "_take_ordinary", lambda _, rest: next(rest, None))
        patch.setattr(power_module, "Allowance", lambda: None)  # which fewer lines would need
        return read_power_log(path, DIALECT)


def made_up_log(source):
    """Lines as meters write them, some with what breaks a reader; their times mostly go on."""
    time_ms = source.randrange(10**13)
    lines = []
    for _ in range(source.choice((3, 20, 300))):
        time_ms += source.choice((0, 1000, 1000, 1000, 2500, 29_999, 30_000, 30_001, -1))
        value = source.choice(ODD_VALUES if source.random() < 0.02 else VALUES)
        key, metadata = source.choice(KEYS), source.choice(('""', "{}", '{"file": "a.py", "lineno": 15}'))
        time = time_ms if source.random() < 0.98 else source.choice((f"{time_ms}.5", f'"{time_ms}"', "-1", "1e400", 10**19))
        line = f'{{"namespace": "", "time_ms": {time}, "key": "{key}", "value": {value}, "metadata": {metadata}}}'.encode()
        if source.random() < 0.02:
            start = source.randrange(len(line) + 1)
            line = line[:start] + source.choice(FRAGMENTS) + line[start + source.choice((0, 0, 1, 8)) :]
        lines.append(source.choice((b"",) * 50 + (b"a word ", b":::MLLOG ")) + b":::MLLOG " + line)
    return source.choice((b"\n", b"\r\n")).join(lines)


@pytest.mark.parametrize("seed", range(300))
def test_made_up_logs(seed, tmp_path, monkeypatch):
    source = random.Random(seed)
    log = tmp_path / "node_0.txt"
    log.write_bytes(made_up_log(source))
    size = source.choice((500, 5000, 64 << 10))
    monkeypatch.setattr(log_module, "iter_blocks", partial(iter_blocks, size=size))
    monkeypatch.setattr(power_module, "_MOST_WAITING_BYTES", source.choice((1000, 20_000, 8 << 20)))
    assert repr(read_power_log(log, DIALECT)) == repr(by_parsing(log, monkeypatch))


@pytest.mark.parametrize(("version", "every"), [("4.0", 20), ("4.1", 1)])  # all of 4.0 take a minute, and are equal too
def test_published_logs(version, every, real_tree, monkeypatch):
    logs = sorted(real_tree(version).glob("*/results/**/power/*/*_*.txt"))
    assert logs
    for log in logs[::every]:
        assert repr(read_power_log(log, DIALECT)) == repr(by_parsing(log, monkeypatch)), log
