"""Looks for inputs that break a check: ``python tests/fuzz/run.py {log,description,stored} [--seconds N] [--executions N]``.

Inputs that reach new code are collected in ``fuzz-TARGET/corpus`` of the current folder, and one that breaks the check ends
the run and is written beside it. A finding, once understood, belongs into ``tests/fuzz/corpus/TARGET``.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

#: Values that no reader expects.
ODD_VALUES = (
    *(None, True, 0, -1, 8.0, 0.5, 1e308, -5e-324, float("nan"), float("inf"), 10**400, "", " ", "8", "8x", "1e400", "NaN"),
    *("\ud800", "\udc80", "\x00\x1b[2J", "\u202e", "x" * 300, "../..", "a/b", "%2F", "9" * 5000, "closed", "OPEN ", "2"),
)

with atheris.instrument_imports(include=["mlperf_training_import", "yaml"]):
    import targets


def mutate_json(data: bytes, max_size: int, seed: int) -> bytes:
    """Changes one value of a JSON text; a text that is no JSON, and now and then one that is, loses or gains some bytes."""
    source = random.Random(seed)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, (dict, list)) or source.random() < 0.3:
        return atheris.Mutate(data, max_size)
    places = [(None, None), *_iter_places(content)]
    holder, key = source.choice(places)
    _, other = source.choice(places)
    values = [place[0][place[1]] for place in places[1:]]
    value = copy.deepcopy(source.choice([*ODD_VALUES, *values[:50], [], {}]))
    if holder is None and isinstance(content, list):
        content.append(value)
    elif holder is None:
        content[str(other)] = value
    elif source.random() < 0.2:
        del holder[key]
    elif isinstance(holder, dict) and source.random() < 0.3:
        holder[str(other)] = holder.pop(key)
    else:
        holder[key] = value
    return json.dumps(content).encode("ascii")[:max_size]


def _iter_places(content: dict | list) -> Iterator[tuple[dict | list, object]]:
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        if isinstance(value, (dict, list)):
            yield from _iter_places(value)


def main() -> None:
    """Runs the command line; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(description="Looks for inputs that break a check.")
    parser.add_argument("target", choices=targets.TARGETS)
    parser.add_argument("--seconds", type=int, help="end after so many seconds")
    parser.add_argument("--executions", type=int, help="end after so many inputs")
    parser.add_argument("--longest", type=int, help="the most bytes that an input may have")
    parser.add_argument("--seed", type=int, help="a number that makes two runs alike")
    parser.add_argument("--folder", type=Path, help="for what is found (fuzz-TARGET)")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(f"fuzz-{arguments.target}")
    found = folder / "corpus"
    found.mkdir(parents=True, exist_ok=True)
    options = {"max_total_time": arguments.seconds, "runs": arguments.executions, "seed": arguments.seed}
    options["max_len"] = arguments.longest
    fuzzer = [f"-{name}={value}" for name, value in options.items() if value is not None]
    fuzzer += [f"-artifact_prefix={folder}/", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]
    if (words := HERE / f"{arguments.target}.dict").is_file():
        fuzzer.append(f"-dict={words}")
    command = [sys.argv[0], *fuzzer, str(found), str(targets.CORPUS / arguments.target)]
    mutator = {} if arguments.target == "log" else {"custom_mutator": mutate_json}
    atheris.Setup(command, targets.TARGETS[arguments.target], **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
