"""Prints the differences between the rules of an installed mlperf_logging and ``checks.csv``.

``python docs/compare_checks.py FOLDER``, where FOLDER is the package: ``.../site-packages/mlperf_logging``. Rounds that have
no row in the table are left out, but for one that is new. Tests are compared by what they say, not by how they are written.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from mlperf_training_import.tables.checks import CHECKS_FILE, checked_rounds
from mlperf_training_import.tables.files import csv_rows
from mlperf_training_import.tables.labels import parse_version, round_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FOLDER = re.compile(r"(training|hpc)_(\d+\.\d+)\.0")
_COUNTS = {"EXACTLY_ONE": "one", "AT_LEAST_ONE": "some", "OPTIONAL": "optional"}
#: Names in the checkers, and their names in our formulas.
_NAMES = {"compile_time_mins": "init_limit_minutes", "is_integer": "whole", "len": "length", "isclose": "close"}
_FLAGS = {"init_started": "init_start", "init_stopped": "init_stop", "run_started": "run_start", "run_stopped": "run_stop"}
_MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}


class KeyFacts(NamedTuple):
    """The requirement of a scope on a key, in a form in which equal rules are equal."""

    count: str = ""
    each: tuple[frozenset[str], ...] = ()
    first: tuple[frozenset[str], ...] = ()
    any: frozenset[str] = frozenset()
    remember: frozenset[tuple[str, str]] = frozenset()
    next: str = ""


Facts = dict[tuple[str, str], KeyFacts]


def our_facts(version: str) -> Facts:
    """The rules of a round in the table, by scope and key."""
    label = round_label(version)
    facts: Facts = {}
    for row in csv_rows(CHECKS_FILE):
        is_ours = row["source"] == "peer" and row["suite"] == label.suite and row["when"] not in ("begin", "gather")
        first, last = parse_version(row["from"]), parse_version(row["to"])
        if not is_ours or first is None or last is None or not first <= label.number <= last:
            continue
        said = facts.get((row["scope"], row["key"]), KeyFacts())
        said = said._replace(count=said.count or row["count"], next=said.next or row["next"].partition(" if ")[0])
        assigned = (part.partition("=") for part in row["remember"].split(";") if part.strip())
        made = {(name.strip(), _normal(ast.parse(formula.strip(), mode="eval").body)) for name, _, formula in assigned}
        said = said._replace(remember=said.remember | made)
        if row["test"]:
            test = _conjuncts(ast.parse(row["test"], mode="eval").body)
            if row["when"] == "any":
                said = said._replace(any=said.any | test)
            else:
                said = said._replace(**{row["when"]: (*getattr(said, row["when"]), test)})
        facts[row["scope"], row["key"]] = said
    return facts


def their_facts(folder: Path) -> Facts:
    """The rules in a folder of rule files, by scope and key."""
    facts: Facts = {}
    for file in sorted(folder.glob("*.yaml")):
        for entry in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) or ():  # noqa: S506 - only texts
            if "KEY" in entry:
                facts[file.stem, entry["KEY"]["NAME"]] = _of_key(entry["KEY"])
    return facts


def _of_key(entry: Mapping[str, Any]) -> KeyFacts:
    count = entry.get("REQ", "")
    if match := re.fullmatch(r"AT_LEAST_ONE_OR\((.*)\)", count):
        count = f"some, or {match[1].strip()}"
    elif match := re.fullmatch(r"AT_LEAST\((\d+)\)", count):
        count = f"at least {match[1]}"
    remember, following = _of_code(entry.get("POST", ""))
    reached = list(_tests(entry.get("ATLEAST_ONE_CHECK")))
    return KeyFacts(
        count=_COUNTS.get(count, count),
        each=tuple(_tests(entry.get("CHECK"))),
        first=tuple(_tests(entry.get("FIRST_CHECK"))),
        any=reached[0] if reached else frozenset(),
        remember=remember,
        next=following,
    )


def _tests(tests: Any) -> Iterator[frozenset[str]]:
    for test in [tests] if isinstance(tests, str) else tests or ():
        yield _conjuncts(ast.parse(test.strip(), mode="eval").body)


def _of_code(code: str) -> tuple[frozenset[tuple[str, str]], str]:
    """The values that the code of a key remembers, and the scope that it adds."""
    remember, following = set(), ""
    for statement in ast.parse(code.strip()).body:
        for part in ast.walk(statement):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.endswith(".yaml"):
                name = part.value.rpartition("/")[2].removesuffix(".yaml")
                following = name.replace("{}", "<lower value>" if ".lower()" in code else "<value>")
        if isinstance(statement, ast.Assign):
            name = _normal(statement.targets[0])
            if not name.startswith("seen("):
                remember.add((name, _normal(statement.value)))
        elif isinstance(statement, ast.If) and isinstance(statement.body[0], ast.AugAssign):
            added = statement.body[0]
            name = _normal(added.target)
            remember.add((name, f"{name} + {_normal(added.value)} if {_normal(statement.test)} else {name}"))
    return frozenset(remember), following


def _conjuncts(node: ast.expr) -> frozenset[str]:
    """The conditions that must all be true, each in a uniform spelling."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return frozenset().union(*map(_conjuncts, node.values))
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        operands = [node.left, *node.comparators]
        pairs = zip(operands, node.ops, operands[1:], strict=False)
        return frozenset().union(*(_conjuncts(ast.Compare(left, [op], [right])) for left, op, right in pairs))
    return frozenset({_normal(node)})


def _normal(node: ast.expr) -> str:
    return ast.unparse(_Normal().visit(node))


class _Normal(ast.NodeTransformer):
    """Rewrites expressions of the checkers as our formulas, and both in a uniform spelling."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        key = ast.literal_eval(node.slice)
        if isinstance(node.value, ast.Name) and node.value.id == "v":
            return ast.Name(key)
        if isinstance(node.value, ast.Name) and node.value.id == "s":
            return _named(key)
        return ast.Attribute(self.visit(node.value), key)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if ast.unparse(node) == "ll.timestamp":
            return ast.Name("time")
        return ast.Name(_NAMES.get(node.attr, node.attr)) if ast.unparse(node.value) == "math" else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        constants = {"true": True, "false": False, "none": None}
        return ast.Constant(constants[node.id]) if node.id in constants else ast.Name(_NAMES.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        text = ast.unparse(node)
        if text.startswith("s.get("):
            return _named(ast.literal_eval(node.args[0]))
        if text.startswith("float("):
            return ast.Name("inf")
        if text.startswith("isinstance("):
            return ast.Call(ast.Name("is_int"), [self.visit(node.args[0])], [])
        return ast.Call(self.visit(node.func), [self.visit(argument) for argument in node.args], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.BitOr):
            return ast.BoolOp(ast.Or(), [left, right])
        if isinstance(node.op, ast.Pow):
            return ast.Call(ast.Name("sqrt"), [left], [])
        return ast.BinOp(left, node.op, right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if ast.unparse(node) == "'value' in v":
            return ast.Constant(True)
        left, operator, right = self.visit(node.left), node.ops[0], self.visit(node.comparators[0])
        if isinstance(operator, ast.IsNot):
            return ast.Call(ast.Name("known"), [left], [])
        if ast.unparse(left).startswith("seen("):
            return left
        if isinstance(operator, (ast.In, ast.NotIn)) and isinstance(right, (ast.List, ast.Set)):
            right.elts.sort(key=ast.unparse)
        if type(operator) in _MIRRORED and isinstance(left, ast.Constant):
            left, operator, right = right, _MIRRORED[type(operator)](), left
        return ast.Compare(left, [operator], [right])

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        parts = [self.visit(part) for part in node.values]
        compared = [part for part in parts if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq)]
        lefts = {ast.unparse(part.left) for part in compared}
        if isinstance(node.op, ast.Or) and len(compared) == len(parts) and len(lefts) == 1:
            values = ast.List([part.comparators[0] for part in compared])
            return self.visit_Compare(ast.Compare(compared[0].left, [ast.In()], [values]))
        return ast.BoolOp(node.op, parts)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        is_whole = isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 1e15
        return ast.Constant(int(node.value)) if is_whole else node


def _named(key: str) -> ast.expr:
    if key in _FLAGS:
        return ast.Call(ast.Name("seen"), [ast.Name(_FLAGS[key])], [])
    return ast.Name(_NAMES.get(key, key))


def differences(package: Path) -> Iterator[str]:
    """A line for each key whose rule in an installed package differs in a round."""
    oldest = {
        suite: min(round_label(v).number for v in checked_rounds() if round_label(v).suite == suite)
        for suite in ("training", "hpc")
    }
    folders = [
        (match, folder) for folder in package.glob("compliance_checker/*") if (match := _FOLDER.fullmatch(folder.name))
    ]
    for match, folder in sorted(folders, key=lambda found: (found[0][1], parse_version(found[0][2]))):
        version = match[2] if match[1] == "training" else f"hpc-{match[2]}"
        if round_label(version).number < oldest[match[1]]:
            continue
        ours, theirs = our_facts(version), their_facts(folder)
        for scope, key in sorted({*ours, *theirs}):
            yield from _compared(f"{version} {scope} {key}", ours.get((scope, key)), theirs.get((scope, key)))


def _compared(place: str, ours: KeyFacts | None, theirs: KeyFacts | None) -> Iterator[str]:
    if ours is None or theirs is None:
        yield f"{place}: {'not in the table' if ours is None else 'no longer asked for'}"
        return
    for name in KeyFacts._fields:
        if getattr(ours, name) != getattr(theirs, name):
            yield f"{place}: {name} is {_shown(getattr(theirs, name))}, in the table {_shown(getattr(ours, name))}"


def _shown(value: Any) -> str:
    if isinstance(value, frozenset):
        return " and ".join(sorted(map(_shown, value))) or "nothing"
    if isinstance(value, tuple):
        return "; ".join(map(_shown, value)) or "nothing"
    return str(value) or "nothing"


def main(arguments: Sequence[str]) -> int:
    """Prints the differences; returns the exit code: 1 if there are any."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "compliance_checker").is_dir():
        print("usage: python docs/compare_checks.py .../site-packages/mlperf_logging", file=sys.stderr)
        return 2
    found = list(differences(Path(arguments[0])))
    print("\n".join(found) if found else "no difference")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
