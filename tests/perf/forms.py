"""Measures what it costs to read logs that somebody made to be costly: memory and processor time of one process per form.

    python tests/perf/forms.py [MEGABYTES] [FORM ...]

Writes a log of each form (200 MB where nothing else is said), reads it in a process of its own, and prints the process's
peak memory, the processor time that reading took, and what became of the run. Never fails on a figure.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

CHUNK = 1 << 20


def line(key: str, value: str = "1", time_ms: object = 1_700_000_000_000, metadata: str = "{}") -> bytes:
    """A line as logs have it since round 0.7."""
    return f':::MLLOG {{"time_ms": {time_ms}, "key": "{key}", "value": {value}, "metadata": {metadata}}}\n'.encode()


def power(key: str, value: str = "null", time_ms: int = 0) -> bytes:
    """A line of a power log."""
    return line(key, value, 1_700_000_000_000 + time_ms)


def repeated(piece: bytes) -> Callable[[], Iterator[bytes]]:
    """A form that is the same again and again."""
    return lambda: iter(lambda: piece * (CHUNK // len(piece) + 1), b"")


def numbered(make: Callable[[int], bytes]) -> Callable[[], Iterator[bytes]]:
    """A form whose lines have numbers."""

    def chunks() -> Iterator[bytes]:
        number = 0
        while True:
            lines = [make(number + index) for index in range(5000)]
            number += 5000
            yield b"".join(lines)

    return chunks


def noise() -> Iterator[bytes]:
    """Bytes of any value."""
    source = random.Random(1)
    while True:
        yield source.randbytes(CHUNK)


#: Round, and what the log is made of. Those named ``power`` are read as power logs.
FORMS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "nothing but text": ("3.0", repeated(b"step 1 loss 0.5, some words about the weather and the training\n")),
    "noise": ("3.0", noise),
    "one line": ("3.0", repeated(b"x")),
    "one line that begins with a token": ("3.0", lambda: prefixed(b':::MLLOG {"time_ms": 1, "key": "a', b"x")),
    "lines of tokens among empty lines": ("3.0", repeated(b":::MLLOG " * 60_000 + b"\n" * 65_000)),
    "lines of 900 kB": ("3.0", repeated(b':::MLLOG {"time_ms": [' + b"{}," * 300_000 + b"1]}\n")),
    "nothing but newlines": ("3.0", repeated(b"\n")),
    "nothing but tokens": ("3.0", repeated(b":::MLLOG ")),
    "empty records": ("3.0", repeated(b":::MLLOG \n")),
    "short malformed records": ("3.0", repeated(b":::MLLOG x\n")),
    "records that nobody needs": ("3.0", repeated(line("opt_name", '"sgd"'))),
    "init_start": ("3.0", numbered(lambda n: line("init_start", "null", n * 1_000_000))),
    "run_start": ("3.0", repeated(line("run_start", "null"))),
    "global_batch_size": ("3.0", repeated(line("global_batch_size", "1024"))),
    "evaluations": ("3.0", numbered(lambda n: line("eval_accuracy", "0.5", 1, f'{{"epoch_num": {n}}}'))),
    "evaluations with a metric": (
        "5.0",
        numbered(lambda n: line("eval_accuracy", "0.5", 1, f'{{"metric": "FID", "samples_count": {n}}}')),
    ),
    "evaluations with large values": (
        "3.0",
        numbered(lambda n: line("eval_accuracy", json.dumps(["y" * 900] * 9), 1, f'{{"metric": "m{n}"}}')),
    ),
    "two records on each line": ("3.0", repeated(line("opt_name").rstrip() + line("opt_name"))),
    "numbers of 4,000 digits": ("3.0", repeated(line("global_batch_size", "9" * 4000))),
    "deep lists": ("3.0", repeated(line("run_start", "[" * 900 + "]" * 900))),
    "0.6: records as Python writes them": (
        "0.6",
        repeated(b":::MLL 1560822378.320 eval_accuracy: {\"value\": 0.5, \"metadata\": {'epoch_num': 1, 'file': 'a.py'}}\n"),
    ),
    "0.6: YAML": ("0.6", repeated(b":::MLL 1560822378.320 eval_accuracy: {'value': [" + b"a, " * 1300 + b"]}\n")),
    "0.6: deep YAML": ("0.6", repeated(b":::MLL 1560822378.320 eval_accuracy: {'value': " + b"[" * 4000 + b"\n")),
    "0.5: YAML": ("0.5", repeated(b":::MLPv0.5.0 resnet 1541674521.5 (train.py:49) eval_accuracy: {value: x, epoch: 1}\n")),
    "0.5: not of the form": ("0.5", repeated(b":::MLPv0.5.0 resnet 1541674521.5 (" + b"a(" * 300 + b"\n")),
    "power: readings": (
        "4.0",
        numbered(lambda n: power("power_reading", "450.5", n * 100) if n else power("power_measurement_start")),
    ),
    "power: readings backwards": ("4.0", numbered(lambda n: power("power_reading", "450.5", -n * 100))),
    "power: readings far apart": ("4.0", numbered(lambda n: power("power_reading", "1", n * 40_000))),
    "power: starts": ("4.0", numbered(lambda n: power("power_measurement_start", "null", n))),
    "power: malformed": ("4.0", repeated(b":::MLLOG x\n")),
    "power: nothing but tokens": ("4.0", repeated(b":::MLLOG ")),
    "power: lines of tokens": ("4.0", repeated(b":::MLLOG " * 7_000 + b"\n")),
    "power: keys that nobody needs": ("4.0", repeated(power("opt_name", "1"))),
}  # fmt: skip


def prefixed(first: bytes, rest: bytes) -> Iterator[bytes]:
    """Something once, and something else ever after."""
    yield first
    yield from repeated(rest)()


def write_form(file: Path, name: str, size: int) -> None:
    """Writes a log of a form."""
    left = size
    with file.open("wb") as stream:
        for chunk in FORMS[name][1]():
            stream.write(chunk[:left])
            left -= len(chunk)
            if left <= 0:
                return


def read_form(file: Path, name: str) -> dict[str, object]:
    """Reads a log in this process; what it cost, and what it came to."""
    from mlperf_training_import.logs.log import read_log
    from mlperf_training_import.logs.power import read_power_log
    from mlperf_training_import.results.score import judge
    from mlperf_training_import.tables.rules import rules_of

    rules = rules_of(FORMS[name][0])
    began = time.process_time()
    if name.startswith("power"):
        found = read_power_log(file, rules.dialect)
        outcome = found.trouble or f"{len(found.stretches_ms)} stretches, {found.malformed_lines} malformed lines"
    else:
        outcome = judge(read_log(file, rules.dialect, file.name), rules).reason or "counts"
    seconds = time.process_time() - began
    return {"peak_mb": peak_mb(), "seconds": seconds, "outcome": outcome}


def peak_mb() -> float:
    """Peak memory of this process; what the system says beside it counts the one that started it too."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(row.split()[1]) for row in status.read_text().splitlines() if row.startswith("VmHWM")) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


@contextlib.contextmanager
def measuring() -> Iterator[Callable[[str, int], dict[str, object]]]:
    """A function that measures a form of so many megabytes in a process of its own, which has nothing to import any more."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as server:

        def measure(name: str, megabytes: int) -> dict[str, object]:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "result_0.txt")
                write_form(file, name, megabytes << 20)
                print(json.dumps([str(file), name]), file=server.stdin)
                return json.loads(server.stdout.readline())

        yield measure


def serve() -> None:
    """Reads each log that standard input names, in a process that is a copy of this one."""
    read_form(Path(os.devnull), next(iter(FORMS)))  # imports all that is needed
    for request in sys.stdin:
        file, name = json.loads(request)
        if not (child := os.fork()):
            print(json.dumps(read_form(Path(file), name)), flush=True)
            os._exit(0)
        if status := os.waitpid(child, 0)[1]:
            print(
                json.dumps({"peak_mb": math.inf, "seconds": math.inf, "outcome": f"the process ended with {status}"}),
                flush=True,
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints the table."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--serve"]:
        serve()
        return 0
    megabytes = int(given.pop(0)) if given and given[0].isdecimal() else 200
    print(f"| form ({megabytes} MB) | peak MB | CPU s | what becomes of it |\n| --- | ---: | ---: | --- |")
    with measuring() as measure:
        for name in given or FORMS:
            row = measure(name, megabytes)
            print(f"| {name} | {row['peak_mb']:.0f} | {row['seconds']:.1f} | {row['outcome']} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
