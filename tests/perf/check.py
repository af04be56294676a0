"""Times ``check`` against the programs of mlperf_logging that submitters run, and against the import, in processor time.

    python tests/perf/check.py 4.1=<clone> --submitter Azure --submitter Krai [--peer PYTHON]

For each submitter: ``check`` of its folder, package checker, repository checker and summarizer of mlperf_logging, in the
Python that ``--peer`` names, on a copy, since they write into the tree; and what bounds ``check``: reading and scoring the
logs as an import does it, and below that a Python that loads nothing but msgspec, finds the lines, and decodes them. For
the whole round: ``check``, the command that imports it into a home that is made ready before, and reading and scoring
alone, in turn. The median of several turns counts; the peer takes minutes, and has its own number of turns. First of all,
``check`` of a folder without logs: what its start takes. All in one run; the tool never fails on a time.

Of a round that is at hand only in part, ``--copies`` makes submissions of the size of whole ones. Since mlperf_logging
makes no summary where a description lacks a key, each description then gets all keys.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mlperf_training_import.checks.descriptions import description_fields  # noqa: E402 - it lies there

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Finds and decodes the token lines of some logs.
_DECODE = r"""
import re, sys, msgspec
Line = msgspec.defstruct("Line", [("time_ms", int | float), ("key", str), ("value", msgspec.Raw), ("metadata", msgspec.Raw)])
decode, find = msgspec.json.Decoder(Line).decode, re.compile(rb":::MLLOG (.*)\n").findall
for name in sys.argv[1:]:
    with open(name, "rb") as stream:
        for line in find(stream.read()):
            try:
                decode(line)
            except msgspec.DecodeError:
                pass
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares, and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("round", metavar="VERSION=CLONE", help="a round of Training and its clone")
    parser.add_argument("--submitter", action="append", default=[], help="a folder of the round; may be repeated")
    parser.add_argument("--copies", type=int, default=1, help="how many of each of its systems a submitter gets")
    parser.add_argument("--peer", help="a Python that has mlperf_logging")
    parser.add_argument("--turns", type=int, default=3, help="how often everything but the peer is measured")
    parser.add_argument(
        "--peer-turns", type=int, default=1, help="how often the peer is measured, each time after all --turns"
    )
    options = parser.parse_args(arguments)
    version, _, clone = options.round.partition("=")
    turns = range(options.turns)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "tree")
        copy.mkdir()
        print(f"start: {check_s(copy, version, Path(scratch)):.2f} s")
        for submitter in options.submitter:
            shutil.copytree(Path(clone, submitter), copy / submitter)
            if options.copies > 1:
                add_copies(copy / submitter, options.copies)
            place = (copy / submitter, version, Path(scratch))
            read = statistics.median(read_s(*place) for _ in turns)
            bound = statistics.median(decode_s(copy / submitter, Path(scratch)) for _ in turns)
            checks, peers = [], []
            for _ in range(options.peer_turns):  # both in turn: what slows one down then slows down the other
                checks += [check_s(*place) for _ in turns]
                peers += [peer_s(copy / submitter, version, options.peer, Path(scratch))] if options.peer else []
            ours, theirs = statistics.median(checks), statistics.median(peers) if peers else None
            logs = len(list((copy / submitter).glob("results/*/*/result_*.txt")))
            times = f", mlperf_logging {theirs:.2f} s, {theirs / ours:.0f} times as much" if theirs else ""
            print(f"{submitter}: {logs} logs, check {ours:.3f} s{times}; reading and scoring {read:.2f} s, ", end="")
            print(f"decoding {bound:.2f} s{f', {theirs / bound:.0f} times' if theirs else ''}", flush=True)
        import_s(Path(clone), version, Path(scratch))  # makes the home
        measured = [[work(Path(clone), version, Path(scratch)) for work in (check_s, import_s, read_s)] for _ in turns]
        ours, imported, read = map(statistics.median, zip(*measured, strict=True))
        print(f"{version}: check {ours:.2f} s, import {imported:.2f} s ({ours / imported:.2f}), ", end="")
        print(f"reading and scoring {read:.2f} s ({ours / read:.2f}); each turn: ", end="")
        print(*(f"{check / import_:.2f}" for check, import_, _ in measured))
    return 0


def add_copies(submitter: Path, copies: int) -> None:
    """Gives a submitter more systems like the ones that it has, all with whole descriptions."""
    for results in list(submitter.glob("results/*")):
        description = submitter / "systems" / f"{results.name}.json"
        content = json.dumps(dict.fromkeys(description_fields(), "1") | json.loads(description.read_bytes()))
        description.write_text(content)
        for number in range(2, copies + 1):
            name = f"{results.name}-{number}"
            shutil.copytree(results, results.with_name(name))
            description.with_name(f"{name}.json").write_text(content)


def import_s(tree: Path, version: str, scratch: Path) -> float:
    """Processor time of the command that imports a tree, of which every log is read."""
    flags = ["--path", str(tree), "--version", f"{version}-perf", "--no_cache", "--home", str(scratch / "home")]
    return processor_s([sys.executable, str(ROOT / "run.py"), "import", *flags], scratch)


def read_s(tree: Path, version: str, scratch: Path) -> float:
    """Processor time of reading and scoring the logs of a tree, with the start of Python."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from mlperf_training_import.model import Round; from mlperf_training_import.rounds.walk import walk; "
        "from mlperf_training_import.results.score_round import Reading, read_round; "
        "from mlperf_training_import.tables.rules import rules_of; "
        "from mlperf_training_import.checks.tree import find_tree; "
        "tree = find_tree(Path(sys.argv[2])); round_ = Round(sys.argv[3], sys.argv[3], tree.root, only=tree.only); "
        "read_round(round_, walk(round_, rules_of(sys.argv[3]), []), Reading())"
    )
    return processor_s([sys.executable, "-c", code, str(ROOT), str(tree), version], scratch)


def decode_s(folder: Path, scratch: Path) -> float:
    """Processor time of a Python that finds and decodes the lines of all logs, and does nothing with them."""
    return processor_s([sys.executable, "-c", _DECODE, *map(str, folder.glob("results/*/*/result_*.txt"))], scratch)


def check_s(folder: Path, version: str, scratch: Path) -> float:
    """Processor time of a check, from the start of Python to its end."""
    return processor_s([sys.executable, str(ROOT / "run.py"), "check", str(folder), "--round", version], scratch)


def peer_s(folder: Path, version: str, python: str, scratch: Path) -> float:
    """Processor time of the programs of the peer."""
    usage = (str(folder), "training", f"{version}.0")
    calls = (
        ("package_checker", *usage),
        ("repo_checker", *usage),
        ("result_summarizer", *usage, "--csv", str(scratch / "summary.csv")),
    )
    return sum(processor_s([python, "-m", f"mlperf_logging.{program}", *words], scratch) for program, *words in calls)


def processor_s(command: Sequence[str], folder: Path) -> float:
    """Seconds of processor time that a command takes, with all processes that it starts. Whatever it finds is no matter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
