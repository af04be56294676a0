"""Makes logs that pass, from the rules themselves, and damages them."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from mlperf_training_import.logs.line import ParsedLine
from mlperf_training_import.tables.formula import FAILURES, Line, parse_formula

if TYPE_CHECKING:
    from random import Random

    from mlperf_training_import.tables.checks import Rule, Rulebook, Scope

#: What is tried where a test does not name its value.
_GUESSES = (16384, 1, 0.5, 2.0, 3000.0, 0.25, [1, 2], "text", True, 5.5e-09, 1e-06, 0.0)
_MARKS = ("init_start", "init_stop", "run_start", "run_stop", "block_start", "block_stop", "epoch_start", "epoch_stop")
Record = dict[str, Any]


def place(value: Any, metadata: Any, memory: dict[str, Any]) -> Line:
    """What a formula is computed over, of a line that says this."""
    return Line(ParsedLine(0, 0.0, "", value, metadata), memory, frozenset())


def passing_log(book: Rulebook, division: str, benchmark: str) -> list[Record]:
    """The records of a log that the rules of a round let pass, as far as rules alone say how."""
    wanted: dict[str, Scope] = {}
    names = ["common", f"{division}_common", f"{division}_{benchmark}", f"{division}_{benchmark}_sgd"]
    names += [f"{division}_{benchmark}_multistep"]
    for scope in (book.scopes[name] for name in names if name in book.scopes):
        wanted |= dict.fromkeys(scope.keys, scope)
    known: dict[str, Any] = {"submission_division": division, "submission_benchmark": benchmark, "opt_name": "sgd"}
    known["global_batch_size"] = 16384
    memory: dict[str, Any] = {}
    for scope in wanted.values():
        for name, formula in scope.begin:
            memory[name] = formula(place(None, {}, memory))
    records, evaluations = [], []
    keys = sorted(wanted, key=lambda key: (key != "train_samples", key != "global_batch_size", "warmup" not in key))
    for key in keys:
        if key in _MARKS:
            continue
        rules = wanted[key].keys[key]
        tests = [*rules.each, *rules.first, *rules.any]
        metadata = {"file": "train.py", "lineno": len(records), "epoch_num": 1, "samples_count": 0, "step_num": 1}
        metadata["samples_count"] = memory.get("first_eval_samples") or memory.get("next_validation_samples") or 0
        if key == "eval_accuracy" and benchmark == "deepseekv3_671b":
            metadata["samples_count"] = 16384 * 43
        value = _value(tests, metadata, memory, known.get(key))
        record = {"time_ms": 1_700_000_000_000, "key": key, "value": value, "metadata": metadata}
        for name, formula in rules.remember:
            memory[name] = formula(place(value, metadata, memory))
        if key.startswith("aggregated"):
            evaluations += _paired(record)
        else:
            (evaluations if key.startswith("eval_") and key != "eval_samples" else records).append(record)
    return _in_order(records, evaluations)


def _paired(record: Record) -> list[Record]:
    """Two evaluations of two metrics each, from which the rules make the lines that they test."""
    return [
        record
        | {"key": "eval_accuracy", "value": figure}
        | {"metadata": record["metadata"] | {"metric": metric, "samples_count": point, "step_num": point}}
        for point in (1, 2)
        for metric, figure in (("FID", 50.0), ("CLIP", 0.2))
    ]


def _in_order(records: list[Record], evaluations: list[Record]) -> list[Record]:
    steps = {"epoch_num": 1, "samples_count": 0, "step_num": 0, "epoch_count": 1, "first_epoch_num": 0, "status": "success"}
    marks = {key: {"time_ms": 0, "key": key, "value": None, "metadata": dict(steps)} for key in _MARKS}
    ordered = [marks["init_start"], *records, marks["init_stop"], marks["run_start"], marks["block_start"]]
    ordered += [marks["epoch_start"], *evaluations, marks["epoch_stop"], marks["block_stop"], marks["run_stop"]]
    for number, record in enumerate(ordered):
        record["time_ms"] = 1_700_000_000_000 + 1000 * number
    return ordered


def _value(tests: list[Rule], metadata: Record, memory: dict[str, Any], known: Any) -> Any:
    candidates = [] if known is None else [known]
    for rule in tests:
        candidates += _candidates(rule, metadata, memory)
    for value in (*candidates, *_GUESSES):
        if all(_holds(rule, place(value, metadata, memory)) for rule in tests):
            return value
    return candidates[0] if candidates else 1


def _holds(rule: Rule, line: Line) -> bool:
    try:
        return bool(rule.holds(line))
    except FAILURES:
        return False


def _candidates(rule: Rule, metadata: Record, memory: dict[str, Any]) -> list[Any]:
    """What a test compares a value with, and whatever else it names."""
    found: list[Any] = []
    if not rule.test:
        return found
    for node in ast.walk(ast.parse(rule.test, mode="eval")):
        if isinstance(node, (ast.Compare, ast.BinOp, ast.Constant, ast.List, ast.Set, ast.Name)):
            parts = [*node.comparators] if isinstance(node, ast.Compare) else [node]
            parts += [node.right] if isinstance(node, ast.BinOp) else []
            for part in parts:
                try:
                    value = parse_formula(ast.unparse(part))(place(0, metadata, memory))
                except FAILURES:
                    continue
                found += list(value) if isinstance(value, (list, set)) else [value]
    return [value for value in found if not isinstance(value, bool)] + [{"BBOX": 0.4, "SEGM": 0.4}, True, False]


def as_text(records: list[Record]) -> str:
    """A log with these records."""
    return "".join(f":::MLLOG {json.dumps(record)}\n" for record in records)


_ODD = (
    None,
    "",
    "0.5",
    "closed",
    "Closed",
    "open",
    True,
    False,
    0,
    1,
    -1,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [1],
    10**30,
)
_ODD_LINES = (
    ":::MLLOG 5\n",
    ":::MLLOG null\n",
    ":::MLLOG {\n",
    ":::MLLOG \n",
    ":::MLLOG{}\n",
    ":::MLLOG []\n",
    'x\r:::MLLOG {"time_ms": 1, "key": "a", "value": 1, "metadata": {}}\ry\n',
    ':::MLLOG {"time_ms": "1", "key": ["a"], "value": 1, "metadata": 1}\n',
    ':::MLLOG {"time_ms": 1, "key": "a", "value": 1}\n',
    ':::MLLOG {"time_ms": null, "key": "a", "value": 1, "metadata": {}}\n',
    ':::MLLOG {"time_ms": "x", "key": "a", "value": 1, "metadata": {}}\n',
)


def damaged(records: list[Record], random: Random) -> str:
    """A log with one to three things wrong with it."""
    records = [dict(record) for record in records]
    lines: list[str] | None = None
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(records))
        record = records[place]
        kind = random.randrange(9)
        if kind == 0 and len(records) > 1:
            del records[place]
        elif kind == 1:
            records.insert(random.randrange(len(records) + 1), dict(record))
        elif kind == 2:
            records[place] = record | {"value": random.choice(_ODD)}
        elif kind == 3:
            records[place] = record | {"metadata": random.choice((None, {}, [], "epoch_num", 5, {"epoch_count": 0}))}
        elif kind == 4:
            other = random.randrange(len(records))
            records[place], records[other] = records[other], records[place]
        elif kind == 5:
            records[place] = record | {
                "time_ms": random.choice((0, "0", float("nan"), 2_000_000_000_000, "1_700_000_000_001"))
            }
        elif kind == 6:
            records[place] = {name: value for name, value in record.items() if name != random.choice(list(record))}
        elif kind == 7 and isinstance(record.get("metadata"), dict):
            changed = dict(record["metadata"])
            changed[random.choice([*changed, "metric"])] = random.choice(_ODD)
            records[place] = record | {"metadata": changed}
        else:
            lines = as_text(records).splitlines(keepends=True)
            lines.insert(random.randrange(len(lines)), random.choice(_ODD_LINES))
            return "".join(lines)
    return as_text(records)
