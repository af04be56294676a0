"""The remarks of `check`: one record for each remark, and the words for rules that fail."""

from __future__ import annotations

import ast
import functools
import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ..tables.checks import ORDER
from ..tables.files import Name, Row, table_in
from ..tables.formula import FAILURES, names_of, parse_comparison
from ..tables.rules import known_rounds, rules_of
from ..values import MS_PER_MINUTE, counted

if TYPE_CHECKING:
    from ..logs.line import KeptLine
    from ..model import Doubt
    from ..tables.checks import Rule
    from .log_rules import Failure

#: The weights, most serious first: the peer refuses; the written rules or the facts are against it; the peer is wrong to
#: refuse; good to know.
WEIGHTS = ("rejects", "objection", "lenient", "note")
#: The ids of remarks on doubts of the judgement of a result are this and the code of the doubt.
DOUBT = "result."
#: The longest part of a value that is shown.
_LONGEST_VALUE = 80
#: The fields of the metadata that a test names. This and the next are compiled at first use: most starts need neither.
_METADATA = r"\bmetadata\.(\w+)|\"(\w+)\" in metadata"
#: A test that only one value passes, and that value.
_LITERAL = r"value == (\"[^\"]+\"|[\d.e+-]+)"
#: From so many seconds on, a time is said in minutes.
_MINUTES_FROM = 120
#: By function, what it asks of the value in words: alone, and with one number beside the value.
_CALLS = {
    "whole": {0: "a whole number", 1: "a multiple of {}"},
    "is_int": {0: "a whole number without a point"},
    "close": {1: "about {}"},
}
_COMPARED = {ast.Eq: "{}", ast.GtE: "{} or more", ast.Gt: "above {}", ast.LtE: "{} or less", ast.Lt: "below {}"}


class RemarkKind(Row, frozen=True):
    """A row of ``check_remarks.yaml``; the fields are those of the table."""

    source: Name
    weight: Name
    asked: Name
    mend: Name


#: The kinds of remarks on folders, descriptions and runs, by id.
remark_kinds = table_in("check_remarks.yaml", dict[str, RemarkKind])


class Remark(msgspec.Struct, frozen=True):
    """One thing that is wrong, or good to know.

    ``place`` is a path from the folder above the submitters; ``line`` is the number of a line in it, None for a remark on
    the whole. ``folder`` is the result, description or submitter concerned. ``found``, ``asked`` and ``mend`` are phrases.
    """

    rule: str
    weight: str
    place: str
    found: str
    asked: str
    mend: str
    folder: str
    line: int | None = None

    @property
    def where(self) -> str:
        """The place as text: ``Acme/results/box/bert/result_3.txt:412``."""
        return self.place if self.line is None else f"{self.place}:{self.line}"

    @property
    def text(self) -> str:
        """What was found, and what is asked for, where ``asked`` says it."""
        return f"{self.found}; asked for: {self.asked}" if self.asked else self.found

    @property
    def where_in_result(self) -> str:
        """The place within the result, as text: ``result_3.txt:412``, ``line 412`` or nothing."""
        if self.place == self.folder:
            return "" if self.line is None else f"line {self.line}"
        return self.where.removeprefix(f"{self.folder}/")


def remark(
    name: str,
    place: str,
    found: str,
    folder: str = "",
    line: int | None = None,
    asked: str = "",
    weight: str = "",
    mend: str = "",
) -> Remark:
    """A remark of ``check_remarks.yaml``, some of whose words may be replaced."""
    kind = remark_kinds()[name]
    asked, mend = asked or kind.asked, mend or kind.mend
    return Remark(name, weight or kind.weight, place, found, asked, mend, folder or place, line)


def remark_on_doubt(doubt: Doubt, folder: str) -> Remark:
    """A remark on a doubt of the judgement of a result."""
    return remark(f"{DOUBT}{doubt.code}", doubt.where, doubt.what, folder)


def remark_on_line(failure: Failure, place: str, folder: str) -> Remark:
    """A remark on a rule of ``checks.csv`` that a log fails; ``line`` is the ordinal of its line, if there is one."""
    rule = failure.rule
    weight, found, mend = rule.weight, _found(failure), rule.mend
    if failure.is_lenient:
        weight, why = "lenient", rule.wrong or "the checker knows a name only below the line that it stands on"
        found = f"{found} ({why})"
    elif failure.kind == "repeated":
        weight = "note"
    if failure.is_out_of_order:
        mend = "log first what the formula needs"
    elif failure.kind not in ("check", "checkcrash") or not mend:
        mend = _mend(failure)
    line = failure.line.ordinal if failure.line is not None else None
    return Remark(rule.id, weight, place, found, asked_for(failure), mend, folder, line)


def asked_for(failure: Failure) -> str:
    """What a rule asks for, in words."""
    rule = failure.rule
    if failure.kind in ("once", "repeated"):
        of_value = f": {words_of_rule(rule)}" if _tests_value(rule) else ""
        return f"one line with the key {failure.key}{of_value}"
    if failure.kind == "least1of":
        return f"at least one line with the key {failure.key} or {failure.alternative}"
    if failure.kind in ("least1", "leastN"):
        number = rule.count.replace("some", "at least one")
        return f"{number} line{'s' if failure.kind == 'leastN' else ''} with the key {failure.key}"
    text = _words_with_number(failure)
    if failure.kind == "codecrash":
        return "a value that can be computed with"
    if failure.kind == "never":
        return f"one {failure.key} that {_reaching(failure)}"
    return text


def _words_with_number(failure: Failure) -> str:
    """The test of a rule in words, with the number that a formula of it gives for this log."""
    rule, compared = failure.rule, failure.rule.comparison
    if compared is None or failure.expected is None or "time" in names_of(rule.test):
        return _plain_names(words_of_rule(rule))
    formula, number = compared.right, short(failure.expected)
    said = f"{number} ({formula})"
    if rule.text in ("", formula):
        return _plain_names(words_of_formula(rule.test).replace(formula, said, 1).replace(" == ", " = "))
    if formula in rule.text and f"({formula})" not in rule.text:
        return f"{rule.text.replace(formula, number, 1)}, which is {formula}"
    return f"{rule.text}: {number}"


def _reaching(failure: Failure) -> str:
    """What no line of a key does: ``is below 1.0``."""
    others = (_plain_names(words_of_rule(rule)) for rule in failure.also)
    verb = "has" if "value." in failure.rule.test else "is"
    return f"{verb} {' and '.join((_words_with_number(failure), *others))}"


def _plain_names(text: str) -> str:
    """A formula without what only formulas need: ``int(metadata.samples_count)`` is ``samples_count``."""
    return re.sub(r"\bint\(metadata\.(\w+)\)|\b(?:metadata|value)\.(?=[A-Za-z_])", lambda found: found[1] or "", text)


def words_of_rule(rule: Rule) -> str:
    """The test of a rule in words, or the number of lines that it asks for where it has no test."""
    if rule.text:
        return rule.text
    if not rule.test:
        return f"the key, {'once' if rule.count == 'one' else rule.count}"
    return words_of_formula(rule.test)


@functools.cache
def words_of_formula(text: str) -> str:
    """A formula in words if it is a plain comparison; otherwise as written in the table."""
    compared = parse_comparison(text)
    if compared is not None and compared.tolerance:
        return f"{compared.right}, to within {compared.tolerance}"
    return _words(ast.parse(text, mode="eval").body)


def _words(node: ast.expr) -> str:
    if order := ORDER.fullmatch(ast.unparse(node)):
        return f"{'before' if order[1] else 'after'} {order[2]}"
    if isinstance(node, ast.BoolOp):
        return (" and " if isinstance(node.op, ast.And) else " or ").join(map(_words, node.values))
    if isinstance(node, ast.IfExp) and isinstance(node.test, ast.Compare):
        return f"{_words(node.body)}, if there is {_words(node.test)}"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _words_of_comparison(node, node.left, node.ops[0], node.comparators[0])
    return _words_of_call(node) if isinstance(node, ast.Call) else ast.unparse(node)


def _words_of_comparison(node: ast.expr, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> str:
    if isinstance(operator, ast.In) and isinstance(left, ast.Constant) and isinstance(right, ast.Name):
        return f"{left.value!s} in the {right.id}"
    if isinstance(operator, ast.In) and isinstance(right, (ast.List, ast.Set)):
        return f"one of {', '.join(ast.unparse(item) for item in right.elts)}"
    if type(operator) in _COMPARED and (isinstance(right, ast.Constant) or not isinstance(operator, ast.Eq)):
        phrase = _COMPARED[type(operator)].format(ast.unparse(right))
        return phrase if ast.unparse(left) == "value" else f"{ast.unparse(left)} {phrase}"
    if isinstance(operator, ast.Eq) and ast.unparse(left) == "value":
        return ast.unparse(right)
    return ast.unparse(node)


def _words_of_call(node: ast.Call) -> str:
    """What a function asks of the value, such as ``whole(value / 1000)``."""
    *parts, last = ast.unparse(node.args[0]).split(" / ") if len(node.args) == 1 else map(ast.unparse, node.args)
    phrases = _CALLS.get(ast.unparse(node.func), {})
    phrase = phrases.get(len(parts)) if [*parts, last][0] == "value" else None
    return ast.unparse(node) if phrase is None else phrase.format(last)


def elsewhere(benchmark: str) -> str:
    """In which rounds a benchmark is, for the end of a remark; empty where no round has it."""
    rounds = [version for version in known_rounds() if benchmark in rules_of(version).benchmarks]
    return f"; it is a benchmark of {', '.join(rounds)}" if rounds else ""


def short(value: Any) -> str:
    """A value of a log, short enough for a remark."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = f"of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _tests_value(rule: Rule) -> bool:
    """Whether what a rule asks for can be written as a value."""
    return rule.when == "each" and "value" in rule.test


def _found(failure: Failure) -> str:
    key, number = failure.key, failure.number
    if failure.kind == "repeated":
        return f"{key}: {number} lines, which say the same"
    if failure.kind == "once":
        return f"{key} is missing" if not number else f"{key}: {number} lines, which say different things"
    if failure.kind == "least1of":
        return f"{key} and {failure.alternative} are missing"
    if failure.kind in ("least1", "leastN"):
        return f"{key} is missing" if not number else f"{key}: only {counted(number, 'line')}"
    line = failure.line
    said = f"{key} is {short(line.value)}" if line is not None else key
    if failure.kind == "never":
        missed = _reaching(failure) if failure.is_lenient else "reaches the target"
        return f"no {key} {missed}; the last {said.removeprefix(key).strip()}"
    if line is not None:
        said = _place_of(failure) or _said_in_metadata(failure, line) or said
    return f"{said}, with which the test cannot be computed" if failure.kind in ("checkcrash", "codecrash") else said


def _place_of(failure: Failure) -> str | None:
    """Where a line is in the log, or how long after the beginning, if a rule tests that; None for any other rule."""
    rule, key = failure.rule, failure.key
    if order := ORDER.fullmatch(rule.test):
        if failure.other is None:
            return f"{key} without an earlier {order[2]}"
        return f"{key} comes {'after' if order[1] else 'before'} {order[2]} in the log{_far_from(failure)}"
    if rule.test and "time" in names_of(rule.test) and isinstance(failure.measured, (int, float)):
        return f"{key} after {failure.measured / MS_PER_MINUTE:.1f} minutes"
    return None


def _far_from(failure: Failure) -> str:
    """How far a line is from the first one of the other key, by their times; empty where one of them has no usable time."""
    line, other = failure.line, failure.other
    try:
        ms = line.time - other.time if line is not None and other is not None else math.nan
        seconds = abs(ms) / 1000
    except FAILURES:
        return ""
    if not math.isfinite(seconds):
        return ""
    if not ms:
        return ", at the same time"
    far = f"{seconds:.3f} seconds" if seconds < _MINUTES_FROM else f"{abs(ms) / MS_PER_MINUTE:.1f} minutes"
    return f", by its time {far} {'later' if ms > 0 else 'earlier'}"


def _fields_of(test: str) -> list[str]:
    """The fields of the metadata that a test names, in its order."""
    return list(dict.fromkeys(found[1] or found[2] for found in re.finditer(_METADATA, test)))


def _said_in_metadata(failure: Failure, line: KeptLine) -> str | None:
    """What a line says in the metadata that a rule tests; None for a rule that tests none."""
    fields = _fields_of(failure.rule.test)
    if not fields:
        return None
    if not isinstance(line.metadata, dict):
        return f"{failure.key} with the metadata {short(line.metadata)}"
    there = [f"{field} {short(line.metadata[field])}" for field in fields if field in line.metadata]
    if not there:
        return f"{failure.key} without {' or '.join(fields)} in its metadata"
    is_step = failure.rule.comparison is not None and failure.rule.comparison.left.endswith(" - previous")
    more = f", {short(failure.measured)} after the one before" if is_step and failure.measured is not None else ""
    return f"{failure.key} with {', '.join(there)}{more}"


def _mend(failure: Failure) -> str:
    rule, key = failure.rule, failure.key
    if failure.kind == "repeated":
        return "let one process log it"
    if failure.kind == "once" and failure.number:
        return f"log {key} once; where several processes log it, let all say the same"
    if failure.kind in ("once", "least1", "leastN", "least1of"):
        return _mend_missing(failure)
    if failure.kind == "never" and not failure.is_lenient:
        return "train until the target is reached; a run that does not reach it counts as failed"
    if failure.kind != "never" and (fields := _fields_of(rule.test)):
        metadata = failure.line.metadata if failure.line is not None else None
        if isinstance(metadata, dict) and not metadata.keys().isdisjoint(fields):
            return f"do it as the rules of the benchmark say, and log in the metadata of {key} what was done"
        return f"add {' or '.join(fields)} to the metadata of {key}"
    if failure.is_lenient:
        return "nothing has to change in the run; the review can accept it"
    return f"run with {key} as the rules of the benchmark say, and log what was used"


def _mend_missing(failure: Failure) -> str:
    """How to log a key; what is asked for is code only where it is one value."""
    rule, key = failure.rule, failure.key
    if failure.kind == "leastN" and rule.mend:
        return rule.mend
    if not _tests_value(rule) or "in value" in rule.test:
        return f"log {key} or {failure.alternative}" if failure.alternative else f"log {key}"
    literal = re.fullmatch(_LITERAL, rule.test)
    value, more = (literal[1], "") if literal else ("...", f"; value: {words_of_rule(rule)}")
    return f'add mllogger.event(key="{key}", value={value}) where the run begins{more}'
