"""Loads the rules for logs, ``checks.csv`` in this folder: those of one round, ready to be applied."""

from __future__ import annotations

import functools
import math
import operator
import re
from typing import TYPE_CHECKING, Any

import msgspec

from .files import csv_rows
from .formula import Comparison, Formula, names_of, parse_assignments, parse_comparison, parse_formula
from .labels import parse_version, round_label

if TYPE_CHECKING:
    from collections.abc import Callable


CHECKS_FILE = "checks.csv"
#: The release of mlperf_logging whose rules the table has.
PEER_VERSION = "4.1.68"
#: At most this many lines that passed are remembered per key.
MOST_PASSED = 20_000
#: The first scope of every log.
FIRST_SCOPE = "common"

_AT_LEAST = re.compile(r"at least (\d+)")
_EARLIEST = re.compile(r"(\w+) = min\(\1, time\)")
#: A test that only asks whether a line comes after the first one of another key.
ORDER = re.compile(r"(not )?seen\((\w+)\)")
_ONE_OF_TWO = re.compile(r"some, or (\w+)")


class Rule(msgspec.Struct, frozen=True, dict=True):
    """A row of the table. Formulas are parsed at first use: most rules are of benchmarks that no log names."""

    id: str
    source: str
    weight: str
    key: str
    count: str
    when: str
    test: str
    wrong: str
    text: str
    mend: str
    lenient: str

    @functools.cached_property
    def holds(self) -> Formula:
        """Computes the test for a line."""
        return parse_formula(self.test or "true")

    @functools.cached_property
    def excused(self) -> Formula | None:
        """Says where the checker is wrong to refuse."""
        return parse_formula(self.lenient) if self.lenient else None

    @functools.cached_property
    def comparison(self) -> Comparison | None:
        """What the test compares, if it is a comparison."""
        return parse_comparison(self.test) if self.test else None


class Order(msgspec.Struct, frozen=True):
    """The test of a line that asks whether it comes after the first line of another key, or not after it."""

    key: str
    is_after: bool


class KeyRules(msgspec.Struct, dict=True):
    """All rules of a scope for one key.

    ``rule`` is the first of them, ``counted`` the one that sets the number of lines: at least ``least``, at most ``most``,
    which is 1 or infinite; ``alternative`` is the key that may replace it. ``only_earliest`` means that only the earliest
    time is remembered. ``next`` is the scope that the first line adds, with ``<value>`` in it, and ``next_if`` the
    condition.
    """

    key: str
    rule: Rule
    counted: Rule | None = None
    least: int = 0
    most: float = math.inf
    alternative: str | None = None
    each: list[Rule] = msgspec.field(default_factory=list)
    first: list[Rule] = msgspec.field(default_factory=list)
    any: list[Rule] = msgspec.field(default_factory=list)
    remember: tuple[tuple[str, Formula], ...] = ()
    only_earliest: bool = False
    next: str | None = None
    next_if: Formula | None = None
    #: The :attr:`raw_of` of lines that passed: logs of one result repeat them.
    passed: set[bytes] = msgspec.field(default_factory=set)

    @functools.cached_property
    def orders(self) -> tuple[Order, ...]:
        """The tests of each line that depend only on where another key comes first."""
        matches = (ORDER.fullmatch(rule.test) for rule in self.each)
        return tuple(Order(match[2], is_after=not match[1]) for match in matches if match)

    @functools.cached_property
    def _without_orders(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.each if not ORDER.fullmatch(rule.test))

    @functools.cached_property
    def of_line(self) -> tuple[Formula, ...]:
        """The other tests of each line, except those that every line passes."""
        return tuple(rule.holds for rule in self._without_orders if rule.test != "true")

    @functools.cached_property
    def of_any(self) -> tuple[Formula, ...]:
        """The tests that one line must pass."""
        return tuple(rule.holds for rule in self.any)

    @functools.cached_property
    def _asked(self) -> frozenset[str]:
        return frozenset[str]().union(*(names_of(rule.test) for rule in self._without_orders))

    @functools.cached_property
    def raw_of(self) -> Callable[[Any], bytes] | None:
        """Gets the raw part of a line that decides :attr:`of_line`; None where more than one part does."""
        return operator.attrgetter(f"raw_{next(iter(self._asked))}") if self._asked in ({"value"}, {"metadata"}) else None

    @functools.cached_property
    def needs_others(self) -> bool:
        """Whether :attr:`of_line` asks for more than the line itself: what other lines set, or where they are."""
        return not self._asked <= {"value", "metadata", "time"}

    @functools.cached_property
    def is_always_counted(self) -> bool:
        """Whether the lines have to be judged together even if their number is right."""
        return bool(self.any) or self.alternative is not None

    @functools.cached_property
    def only_tests(self) -> bool:
        """Whether the lines of the key need nothing but tests."""
        return not (self.first or self.any or self.remember or self.next)

    @property
    def looks_once(self) -> bool:
        """Whether only the first line of the key is tested."""
        return "submission_" in self.key


class Scope(msgspec.Struct):
    """The keys that are checked together, with one memory, which starts with ``begin``.

    ``gathered`` is a key whose lines are made from those lines of ``gathered_from`` that name their metric: one line for
    each value of ``gathered_by`` in their metadata.
    """

    name: str
    keys: dict[str, KeyRules] = msgspec.field(default_factory=dict)
    begin: tuple[tuple[str, Formula], ...] = ()
    gathered: str | None = None
    gathered_from: str = ""
    gathered_by: str = ""


class Rulebook(msgspec.Struct, frozen=True):
    """What a round requires of a log: the scopes of the checkers by name, and separately what the checkers do not test."""

    version: str
    scopes: dict[str, Scope]
    beyond: dict[str, Scope]
    keys: frozenset[str]

    @property
    def ruleset(self) -> str:
        """The checkers' name for the round: ``4.1.0``."""
        return f"{round_label(self.version).scope}.0"


@functools.cache
def rulebook_of(version: str) -> Rulebook | None:
    """The rules of a round such as ``4.1`` or ``hpc-3.0``; None where the table has none for it."""
    label = round_label(version)
    scopes: dict[str, dict[str, Scope]] = {"peer": {}, "beyond": {}}
    for row in csv_rows(CHECKS_FILE):
        if row["suite"] != label.suite or not _number(row["from"]) <= label.number <= _number(row["to"]):
            continue
        side = scopes["peer" if row["source"] == "peer" else "beyond"]
        _add(side.setdefault(row["scope"], Scope(row["scope"])), row)
    if not scopes["peer"]:
        return None
    of_all = [scope for side in scopes.values() for scope in side.values()]
    keys = {key for scope in of_all for key in scope.keys} | {scope.gathered_from for scope in of_all}
    return Rulebook(version, scopes["peer"], scopes["beyond"], frozenset(keys))


def checked_rounds() -> tuple[str, ...]:
    """The labels of the rounds that have rules, oldest first in each suite."""
    from .rules import known_rounds

    return tuple(version for version in known_rounds() if rulebook_of(version) is not None)


@functools.cache
def _number(text: str) -> tuple[int, int]:
    number = parse_version(text)
    if number is None:
        raise ValueError(f"{CHECKS_FILE}: {text} is no number of a round")
    return number


def _add(scope: Scope, row: dict[str, str]) -> None:
    if row["when"] == "begin":
        scope.begin = parse_assignments(row["remember"])
        return
    if row["when"] == "gather":
        scope.gathered = row["key"]
        scope.gathered_from, _, scope.gathered_by = row["remember"].partition(" by ")
        return
    rule = Rule(**{name: row[name] for name in Rule.__struct_fields__})
    rules = scope.keys.setdefault(row["key"], KeyRules(row["key"], rule))
    if row["count"]:
        _count(rules, rule)
    if rule.when:
        {"each": rules.each, "first": rules.first, "any": rules.any}[rule.when].append(rule)
    if row["remember"]:
        rules.remember = parse_assignments(row["remember"])
        rules.only_earliest = _EARLIEST.fullmatch(row["remember"]) is not None
    if row["next"]:
        rules.next, _, condition = row["next"].partition(" if ")
        rules.next_if = parse_formula(condition) if condition else None


def _count(rules: KeyRules, rule: Rule) -> None:
    rules.counted, rules.most = rule, math.inf
    if rule.count == "one":
        rules.least = rules.most = 1
    elif (match := _ONE_OF_TWO.fullmatch(rule.count)) is not None:
        rules.alternative = match[1]
    elif (match := _AT_LEAST.fullmatch(rule.count)) is not None:
        rules.least = int(match[1])
    elif rule.count == "some":
        rules.least = 1
    elif rule.count != "optional":
        raise ValueError(f"{CHECKS_FILE}: {rule.id}: {rule.count} is no number of lines")
