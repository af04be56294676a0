"""Looks for inputs that break a check.

    python tests/slow/fuzz/run.py TARGET... [--seconds N] [--executions N]

``targets.py`` has the targets: log, description, stored, score, check, dataset. Each runs in a process of its own, one after
the other, and the first that finds something ends the run.
Inputs that reach new code are collected in ``fuzz-TARGET/corpus`` of the current folder, and one that breaks the check ends
the run and is written beside it. A finding, once understood, belongs into ``tests/slow/fuzz/corpus/TARGET``.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path
from typing import NoReturn

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

with atheris.instrument_imports(include=["mlperf_training_import"]):
    import targets


def mutate_json(data: bytes, max_size: int, seed: int) -> bytes:
    """Changes one value of a JSON text; a text that is no JSON, and now and then one that is, loses or gains some bytes."""
    source = random.Random(seed)
    changed = None if source.random() < 0.3 else targets.changed_json(data, source)
    return atheris.Mutate(data, max_size) if changed is None else changed[:max_size]


def main() -> int:
    """Runs the command line; returns the exit code of libFuzzer, which ends the process of its target."""
    parser = argparse.ArgumentParser(description="Looks for inputs that break a check.")
    parser.add_argument("targets", nargs="+", choices=targets.TARGETS, metavar="TARGET")
    parser.add_argument("--seconds", type=int, help="end after so many seconds")
    parser.add_argument("--executions", type=int, help="end after so many inputs")
    parser.add_argument("--longest", type=int, help="the most bytes that an input may have; a table of a data set has more")
    parser.add_argument("--seed", type=int, help="a number that makes two runs alike")
    parser.add_argument("--folder", type=Path, help="for what is found (fuzz-TARGET)")
    arguments = parser.parse_args()
    for target in arguments.targets:
        if (child := os.fork()) == 0:
            fuzz(target, arguments)
        if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            return code
    return 0


def fuzz(target: str, arguments: argparse.Namespace) -> NoReturn:
    """Runs one target; libFuzzer ends the process."""
    folder = (arguments.folder or Path()) / f"fuzz-{target}"
    found = folder / "corpus"
    found.mkdir(parents=True, exist_ok=True)
    options = {"max_total_time": arguments.seconds, "runs": arguments.executions, "seed": arguments.seed}
    options["max_len"] = arguments.longest and max(arguments.longest, targets.LEAST_LONGEST.get(target, 0))
    fuzzer = [f"-{name}={value}" for name, value in options.items() if value is not None]
    fuzzer += [f"-artifact_prefix={folder}/", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]
    if (words := HERE / f"{target}.dict").is_file():
        fuzzer.append(f"-dict={words}")
    command = [sys.argv[0], *fuzzer, str(found), str(targets.CORPUS / target)]
    mutator = {"custom_mutator": mutate_json} if target in targets.OF_JSON else {}
    atheris.Setup(command, targets.TARGETS[target], **mutator)
    atheris.Fuzz()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
