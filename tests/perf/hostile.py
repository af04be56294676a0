"""Measures what inputs cost that somebody made to be costly: peak memory and processor time, in a process for each.

    python tests/perf/hostile.py [FORM ...]

Prints the table of docs/hostile.md. ``tests/slow/test_growth.py`` counts the work that some of them make, at two sizes.
"""
# ruff: noqa: E402 - the folders of the package and of the tests come first

from __future__ import annotations

import contextlib
import gzip
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from perf.forms import peak_mb

from mlperf_training_import.checks.check import check
from mlperf_training_import.errors import ImportFailure
from mlperf_training_import.homes.home import BadDescription
from mlperf_training_import.homes.mlc import MlcHome
from mlperf_training_import.logs.log import read_log
from mlperf_training_import.rounds.clone import NoClone, read_clone
from mlperf_training_import.rounds.description import read_description, read_logged_description
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.runs.score import score_files
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission
from mlperf_training_import.tables.rules import rules_of
from mlperf_training_import.values import LARGEST_LOG_MB

MB = 1 << 20
#: What a command makes a message or a finding of.
SAID = (ImportFailure, BadDescription, NoClone, ValueError, OSError)


@dataclass(frozen=True)
class Form:
    """A kind of input. ``write`` makes one of about so many bytes in a folder, which ``read`` reads as a command does."""

    write: Callable[[Path, int], object]
    read: Callable[[Path], object]
    size: int = MB


def file_with(piece: bytes, name: str = "train.log") -> Callable[[Path, int], object]:
    """A file that is the same again and again."""
    return lambda folder, size: (folder / name).write_bytes(piece * (size // len(piece) + 1))


def packed(times: int, piece: bytes = b"x") -> Callable[[Path, int], object]:
    """A file that unpacks to so many bytes."""

    def write(folder: Path, size: int) -> None:
        block = gzip.compress(piece * (MB // len(piece)), mtime=0)
        data = block * (size >> 20)  # members of one file
        for _ in range(times - 1):
            data = gzip.compress(data, mtime=0)
        (folder / "train.log").write_bytes(data)

    return write


def many_runs(folder: Path, size: int) -> None:
    """Logs of a run each, side by side."""
    log = run_log("bert", 10)
    for number in range(size // len(log) + 1):
        (folder / f"run_{number}.log").write_text(run_log("bert", 10 + number / 1000))


def many_short_runs(folder: Path, size: int) -> None:
    """Runs of two lines in one file."""
    runs = range(size // 250 + 1)
    ends = ((START_MS + number * 86_400_000, START_MS + number * 86_400_000 + 60_000) for number in runs)
    lines = (f"{log_line(start, 'run_start')}\n{log_line(stop, 'run_stop')}\n" for start, stop in ends)
    (folder / "train.log").write_text(log_line(START_MS, "submission_benchmark", "bert") + "\n" + "".join(lines))


def many_files(text: str, each: int) -> Callable[[Path, int], object]:
    """Files with one text; the size says how many."""

    def write(folder: Path, size: int) -> None:
        for number in range(size // each):
            (folder / f"{number}.log").write_text(text)

    return write


def odd(kind: str, name: str) -> Callable[[Path, int], object]:
    """Two runs of a submission, beside something that is no file."""

    def write(folder: Path, _size: int) -> None:
        logs = [run_log("bert", 10 + number) for number in range(2)]
        place = write_submission(folder, "Acme", "x8", "bert", logs, system_description("Acme")) / name
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        if kind == "device":
            place.symlink_to("/dev/zero")
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            with contextlib.chdir(place.parent) if hasattr(contextlib, "chdir") else contextlib.nullcontext():
                socket.socket(socket.AF_UNIX).bind(name)

    return write


def config(folder: Path, size: int) -> None:
    """A clone whose configuration is blanks."""
    (folder / ".git").mkdir()
    (folder / ".git/index").touch()
    (folder / ".git/HEAD").write_text("0" * 40 + "\n")
    (folder / ".git/config").write_text('[remote "origin"' + " " * size + "x")


def aliases(folder: Path, _size: int) -> None:
    """A description of some hundred bytes that stands for billions of values."""
    lines = ["uid: x", "a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    (folder / "meta.yaml").write_text("\n".join(lines))


def parquet(folder: Path, size: int) -> None:
    """A data set in which a text of a megabyte stands for each of many rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mlperf_training_import.dataset.croissant import CROISSANT_FILE
    from mlperf_training_import.tables.dataset import schema_version

    (folder / CROISSANT_FILE).write_text("{}")
    for table in ("evaluations", "results", "runs"):
        (folder / table).mkdir()
        columns = {"log": pa.array(["x" * MB]).dictionary_encode().take(pa.array([0] * (size >> 20)))}
        rows = pa.table(columns).replace_schema_metadata({"schema_version": schema_version(), "table": table})
        pq.write_table(rows, folder / table / "3.0.parquet", compression="zstd")


def curves(folder: Path) -> object:
    """As ``report`` reads a data set."""
    from mlperf_training_import.dataset.curves import iter_curves

    return list(iter_curves(folder, lambda _: None))


def formula(_folder: Path) -> object:
    """As the playground evaluates what is typed."""
    from mlperf_training_import.show.playground.viewer.formula import parse_filter

    result = {f"key_{number}": "x" * 40 for number in range(100)}
    with contextlib.suppress(ArithmeticError, LookupError, MemoryError, TypeError):
        return parse_filter("str([" * 9 + "result,result" + "])" * 9)(result)


def score(folder: Path) -> object:
    """As ``score``."""
    return score_files([folder])


def score_with_few_files(folder: Path) -> object:
    """The same where 100 files may be open."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return score_files([folder])


def score_standard_input(_folder: Path) -> object:
    """The same, of what never ends."""
    endless = subprocess.Popen(["yes", "step 1 loss 0.5, some words about the training"], stdout=subprocess.PIPE)
    sys.stdin = endless.stdout  # type: ignore[assignment]
    try:
        return score_files(["-"])
    finally:
        endless.kill()


def as_log(folder: Path) -> object:
    """As an import reads a log, and the description in it."""
    read_logged_description(folder / "train.log")
    return read_log(folder / "train.log", rules_of("3.0").dialect, "result_0.txt")


def walked(folder: Path) -> object:
    """As an import walks a tree, of which a log is read."""
    from mlperf_training_import.model import Round

    findings: list[Any] = []
    return walk(Round("5.1", "5.1", folder), rules_of("5.1"), findings), score(folder)


def checked(folder: Path) -> object:
    """As ``check`` reads a submission."""
    return check(folder, "5.1")


def submission(piece: bytes) -> Callable[[Path, int], object]:
    """A submission with a log that is the same again and again."""

    def write(folder: Path, size: int) -> None:
        place = write_submission(folder, "Acme", "x8", "bert", [run_log("bert", 10)], system_description("Acme"))
        (place / "result_0.txt").write_bytes(piece * (size // len(piece) + 1))

    return write


FORMS = {
    "gzip in gzip, 4 GB unpacked": Form(packed(3), score, 4096 * MB),
    "one line of 2 GB, packed": Form(packed(1), score, 2048 * MB),
    "a token and a line of 64 MB": Form(packed(1, b":::MLLOG "), score, 64 * MB),
    "UTF-16 without a line end": Form(file_with("z".encode("utf-16-le")), score, 16 * MB),
    "UTF-16 with its mark": Form(
        lambda f, size: (f / "a.log").write_bytes(("\ufeff" + "z" * (size // 2)).encode("utf-16-le")), score
    ),
    "Docker records of one letter each": Form(
        file_with(b'{"log":"a","stream":"stdout","time":"2024-01-01T00:00:00Z"}\n'), score
    ),
    "Docker records without a line end": Form(file_with(b'{"log":"a","stream":"stdout"}'), score),
    "standard input without end": Form(lambda *_: None, score_standard_input, LARGEST_LOG_MB * MB),
    "runs in a folder": Form(many_runs, score),
    "4,000 runs in one file": Form(many_short_runs, score),
    "20,000 broken logs": Form(many_files(":::MLLOG {\n", 1), score, 20_000),
    "more runs than files may be open": Form(many_short_runs, score_with_few_files, 250_000),
    "`:::SYSJSON {` a hundred thousand times, scored": Form(file_with(b":::SYSJSON {"), score, 1_200_000),
    "the same with line ends": Form(file_with(b":::SYSJSON {\n"), score, 1_300_000),
    "the same, as a log of a round": Form(file_with(b":::SYSJSON {"), as_log, 1_200_000),
    "a token and nothing else, again and again": Form(file_with(b":::MLLOG :::MLLOG :::MLLOG \n"), score),
    "lines that only YAML can read": Form(
        file_with(b":::MLL 1560822378.000 eval_accuracy: {'a': [1, 2], b: it's}\n"), score
    ),
    "`.git/config` of blanks": Form(config, lambda f: read_clone(f, "5.1", "5.1"), 60_000),
    "a link to `/dev/zero` as scaling file": Form(odd("device", "scaling.json"), walked),
    "a pipe as log": Form(odd("pipe", "result_0.txt"), walked),
    "a socket as log": Form(odd("socket", "result_0.txt"), walked),
    "deep JSON as description": Form(file_with(b"[", "s.json"), lambda f: read_description(f / "s.json"), MB - 1),
    "Parquet that unpacks to 2.8 GB": Form(parquet, curves, 2800 * MB),
    "aliases in a stored description": Form(aliases, lambda f: MlcHome(f).read_description(f)),
    "a formula that doubles nine times": Form(lambda *_: None, formula),
    "a log that says nothing, checked": Form(submission(b":::MLLOG x\n"), checked),
    "a log of one key, checked": Form(
        submission(log_line(START_MS, "eval_accuracy", 0.5, {"epoch_num": 1}).encode() + b"\n"), checked
    ),
}


def measure(name: str) -> tuple[int, float, float, str]:
    """Bytes of the input, peak memory in MB, seconds of the processor, and what became of it; in a process of its own."""
    form = FORMS[name]
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        in_child(lambda: form.write(folder, form.size))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())

        def work() -> tuple[float, float, str]:
            began, said = time.process_time(), "read"
            try:
                form.read(folder)
            except SAID as error:
                said = str(error).replace(text, "").strip("/: ").split("\n")[0][:60]
            return peak_mb(), time.process_time() - began, said

        return (size, *in_child(work))


def in_child(work: Callable[[], Any]) -> Any:
    """What a function returns in a process that ends with it."""
    ours, theirs = os.pipe()
    if (child := os.fork()) == 0:
        status = 1
        try:
            answer = work()
            os.write(theirs, json.dumps(answer if isinstance(answer, (list, tuple)) else None).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(theirs)
    with open(ours, "rb") as stream:  # noqa: PTH123 - pathlib takes no descriptor
        answer = stream.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the process that was measured has failed")
    return json.loads(answer)


def main(names: Sequence[str]) -> int:
    """Prints the table."""
    print("| input | bytes | peak MB | s | what is said |\n| --- | ---: | ---: | ---: | --- |")
    for name in names or FORMS:
        size, peak, seconds, said = measure(name)
        print(f"| {name} | {size:,} | {peak:.0f} | {seconds:.2f} | {said} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
