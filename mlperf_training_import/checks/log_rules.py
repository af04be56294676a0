"""Applies the rules of a round to one log: lines in, what the checkers of mlperf_logging say about them out.

Each scope of keys is applied on its own. If a later scope has the same key, it replaces what an earlier one found about
that key: only the benchmark judges its ``eval_accuracy``, for example. Which failures the checkers show, and where they
would stop with a traceback, follows ``mlp_compliance`` of the release that ``tables/checks.csv`` names, including its
mistakes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.line import KeptLine, ParsedLine
from ..tables.checks import FIRST_SCOPE, MOST_PASSED, ORDER, KeyRules, Order, Rule, Rulebook, Scope
from ..tables.formula import FAILURES, Line, UnknownName
from .lines import ordinal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..tables.formula import Formula
    from .lines import LineList

#: Limit on the scopes that one log may name. No round has this many; without it, a scope that names itself would never end.
_MOST_SCOPES = 8
#: A line that was made from others has no place in the file.
_NO_PLACE = -1
#: Stands in for a missing line.
NOTHING = ParsedLine(_NO_PLACE, 0.0, "", None, {})


class Failure(msgspec.Struct, frozen=True):
    """A rule that a log fails: where (the ordinal of a line, None if something is missing), and what the log says there.

    ``kind`` is ``check``, ``checkcrash`` (the test cannot be computed), ``codecrash`` (a value to remember cannot be
    computed), ``once``, ``least1``, ``leastN``, ``least1of``, ``never`` (no line passes) or ``repeated`` (a warning);
    ``number`` is the number of lines. ``is_lenient`` means that the checker is wrong to refuse. ``measured`` and
    ``expected`` are the two values that a formula compares. ``other`` is the first line of the key that the line has to come
    before or after, ``also`` are the further rules that the same line has to pass.
    """

    rule: Rule
    kind: str
    scope: str
    key: str
    line: KeptLine | None = None
    number: int | None = None
    alternative: str | None = None
    is_lenient: bool = False
    is_out_of_order: bool = False
    measured: Any = None
    expected: Any = None
    other: KeptLine | None = None
    also: tuple[Rule, ...] = ()

    @property
    def code(self) -> str:
        """The failure as the oracle writes it: ``once:opt_name:0@closed_bert``."""
        if self.kind == "least1of":
            names = "|".join(sorted((self.key, self.alternative or "")))
            return f"{self.kind}:{names}@{self.scope}"
        kind = "once" if self.kind == "repeated" else self.kind
        number = f":{self.number}" if kind == "once" else ""
        return f"{kind}:{self.key}{number}@{self.scope}"


class JudgedLog(msgspec.Struct):
    """What the rules of a round say about a log.

    ``verdict`` is that of the checkers: ``pass``, ``fail``, or ``crash`` where they would stop with a traceback; ``stops``
    is then the reason and ``stops_at`` the line. ``errors`` and ``warnings`` are codes in the order of the oracle.
    ``failures`` are all that count in the end, ``scopes`` are the scopes that were applied.
    """

    verdict: str = "pass"
    errors: list[str] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    failures: list[Failure] = msgspec.field(default_factory=list)
    stops: str | None = None
    stops_at: int | None = None
    unknown_scope: str | None = None
    scopes: list[str] = msgspec.field(default_factory=list)


class _Stops(Exception):
    """The checkers would end with a traceback here; the message says why."""

    def __init__(self, why: str, line: KeptLine | None = None) -> None:
        super().__init__(why)
        self.line = line


def judge_log(found: LineList, rulebook: Rulebook) -> JudgedLog:
    """Applies the scopes of a round that the lines of a log name."""
    judged = JudgedLog()
    if found.stops is not None:
        judged.verdict, (judged.stops_at, judged.stops) = "crash", found.stops
        return judged
    kept = _Kept()
    if found.unreadable:
        kept.lasting["parse@None"] = None
    if not found.count:
        kept.lasting["nolines@None"] = None
    waiting, before = [FIRST_SCOPE], _Before(found)
    try:
        while waiting:
            name = waiting.pop(0)
            if name not in rulebook.scopes:
                where = judged.scopes[-1] if judged.scopes else None
                kept.lasting[f"noruleset:{name.rpartition('/')[2]}.yaml@{where}"] = None
                judged.unknown_scope = name
                raise _Stops("there are no rules of that name")
            if len(judged.scopes) == _MOST_SCOPES:
                raise _Stops("its rules name themselves, without end")
            judged.scopes.append(name)
            _ScopeRun(rulebook.scopes[name], found, before, kept, waiting).go_through()
    except _Stops as stop:
        judged.verdict, judged.stops = "crash", str(stop)
        judged.stops_at = stop.line.ordinal if stop.line is not None and stop.line.ordinal != _NO_PLACE else None
    judged.errors = sorted({*kept.lasting, *(failures[-1].code for failures in kept.by_key.values())})
    judged.warnings = sorted(failure.code for failure in kept.warnings.values())
    judged.failures = [
        *(failure for failures in kept.by_key.values() for failure in failures),
        *(failure for failure in kept.lasting.values() if failure is not None),
        *kept.warnings.values(),
    ]
    if judged.verdict == "pass" and judged.errors:
        judged.verdict = "fail"
    return judged


def iter_objections(found: LineList, rulebook: Rulebook, scopes: Iterable[str]) -> Iterable[Failure]:
    """Failures of rules beyond those of the checkers, in the scopes that the lines of a log name.

    A formula sees the first value of each key, wherever it is in the log.
    """
    before = _Before(found)
    for scope in (rulebook.beyond[name] for name in scopes if name in rulebook.beyond):
        keys = [
            key
            for key, rules in scope.keys.items()
            if rules.remember or ((lines := found.by_key.get(key)) and not _all_pass(rules, lines, before))
        ]
        memory = begun(scope, found.first_values) if keys else {}
        for line in found.in_order(keys):
            rules, place, before.ordinal = scope.keys[line.key], Line(line, memory, before), line.ordinal
            for rule in rules.each:
                # a formula that cannot be computed fails the checkers' own rules, which report it
                if not computed(rule.holds, place, otherwise=True):
                    yield Failure(rule, "check", scope.name, line.key, line, **_compared(rule, place))
            _remember(rules, place)


def begun(scope: Scope, memory: dict[str, Any]) -> dict[str, Any]:
    """The memory, with the values that a scope begins with added to it."""
    for name, formula in scope.begin:
        memory[name] = formula(Line(NOTHING, memory, ()))
    return memory


class _Before:
    """The keys that come before a line."""

    def __init__(self, found: LineList) -> None:
        self._first = found.first_ordinals
        self.ordinal = 0

    def __contains__(self, key: Any) -> bool:
        return self._first.get(key, self.ordinal) < self.ordinal

    def are_passed(self, order: Order, lines: Sequence[KeptLine]) -> bool:
        """Whether all lines of a key come after the first line of one other key, or none of them does."""
        if order.is_after:
            return self._first.get(order.key, math.inf) < lines[0].ordinal
        return self._first.get(order.key, math.inf) >= lines[-1].ordinal


def computed(formula: Formula, place: Line, *, otherwise: Any = False) -> Any:
    """The value of a formula, or ``otherwise`` where it cannot be computed."""
    try:
        return formula(place)
    except FAILURES:
        return otherwise


def _compared(rule: Rule, place: Line) -> dict[str, Any]:
    """The two values that the test of a rule compares, if it does; None where one cannot be computed."""
    if rule.comparison is None:
        return {}
    sides = {"measured": rule.comparison.measured, "expected": rule.comparison.expected}
    return {name: computed(side, place, otherwise=None) for name, side in sides.items() if side is not None}


def _remember(rules: KeyRules, place: Line) -> bool:
    try:
        for name, formula in rules.remember:
            place.memory[name] = formula(place)
    except FAILURES:
        return False
    return True


def _pass(tests: Iterable[Formula], place: Line) -> bool:
    """Whether a line passes all tests; most lines do."""
    try:
        for holds in tests:
            if not holds(place):
                return False
    except FAILURES:
        return False
    return True


def _all_pass(rules: KeyRules, lines: Sequence[KeptLine], before: _Before) -> bool:
    """Whether all lines of a key pass the tests of each line, whatever other lines say; these tests are then skipped.

    There must be at least one line.
    """
    for order in rules.orders:
        if not before.are_passed(order, lines):
            return False
    if not rules.of_line:
        return True
    if rules.needs_others:
        return False
    raw_of, passed = rules.raw_of, rules.passed
    if raw_of is not None and passed.issuperset(map(bytes, map(raw_of, lines))):
        return True
    place = Line(NOTHING, {}, ())
    for line in lines:
        said = b"" if raw_of is None else bytes(raw_of(line))
        if said in passed:
            continue
        place.line = line
        if not _pass(rules.of_line, place):
            return False
        if said and len(passed) < MOST_PASSED:
            passed.add(said)
    return True


class _Kept:
    """What scopes found, unless a later scope replaced it."""

    def __init__(self) -> None:
        self.by_key: dict[str, list[Failure]] = {}
        self.lasting: dict[str, Failure | None] = {}
        self.warnings: dict[str, Failure] = {}

    def add(self, failure: Failure) -> None:
        self.by_key.setdefault(failure.key, []).append(failure)


class _ScopeRun:
    """Applies one scope to the lines of one log, and adds the lines that the scope makes from others."""

    def __init__(self, scope: Scope, found: LineList, before: _Before, kept: _Kept, waiting: list[str]) -> None:
        self._scope = scope
        self._found = found
        self._before = before
        self._kept = kept
        self._waiting = waiting
        self._memory: dict[str, Any] = {}
        self._reached: dict[str, bool] = {}

    def go_through(self) -> None:
        """Tests all lines, and counts them."""
        scope, keys = self._scope, self._scope.keys
        if scope.gathered is not None:
            for made in self._gathered(scope.gathered):
                self._found.by_key.setdefault(made.key, []).append(made)
        begun(scope, self._memory)
        by_key, before = self._found.by_key, self._before
        passing: set[str] = set()
        left: list[KeptLine] = []
        to_count: list[KeyRules] = []
        for key, rules in keys.items():
            self._kept.by_key.pop(key, None)
            lines = by_key.get(key, ())
            if rules.is_always_counted or not rules.least <= len(lines) <= rules.most:
                to_count.append(rules)
            if not lines:
                continue
            if not _all_pass(rules, lines, before):
                left += lines
                continue
            passing.add(key)
            if not rules.only_tests:
                left += _earlier_ones(lines) if rules.only_earliest else lines
        place = Line(NOTHING, self._memory, before)
        for line in sorted(left, key=ordinal_of):
            place.line, before.ordinal = line, line.ordinal
            self._take(line, keys[line.key], place, passes=line.key in passing)
        for rules in to_count:
            self._count(rules)

    def _take(self, line: KeptLine, rules: KeyRules, place: Line, *, passes: bool) -> None:
        is_first = line is self._found.by_key[line.key][0]
        if is_first or not rules.looks_once:
            for rule in () if passes else rules.each:
                self._test(rule, line, place)
            if not (self._add_scope(rules, place) and _remember(rules, place)):
                self._kept.add(Failure(rules.rule, "codecrash", self._scope.name, line.key, line))
        if is_first:
            for rule in rules.first:
                self._test(rule, line, place)
        if rules.any:
            self._reach(line, rules, place)

    def _reach(self, line: KeptLine, rules: KeyRules, place: Line) -> None:
        """Notes whether a line passes the tests that only one line must pass."""
        self._reached.setdefault(line.key, False)
        try:
            for holds in rules.of_any:
                if not holds(place):
                    return
        except FAILURES:
            raise _Stops(f"{line.key} is not of the type that it is compared with", line) from None
        self._reached[line.key] = True

    def _test(self, rule: Rule, line: KeptLine, place: Line) -> None:
        try:
            if not rule.holds(place):
                self._fail(rule, line, place, None)
        except FAILURES as error:
            self._fail(rule, line, place, error)

    def _fail(self, rule: Rule, line: KeptLine, place: Line, error: Exception | None) -> None:
        """Notes that a line fails a test, or that the test cannot be computed."""
        if any(isinstance(value, complex) for value in self._memory.values()):
            raise _Stops("what it remembers cannot be printed", line)
        is_out_of_order = isinstance(error, UnknownName) and self._holds_later(rule, line)
        is_lenient = is_out_of_order or self._is_lenient(rule, (line,))
        marks = {"is_lenient": is_lenient, "is_out_of_order": is_out_of_order, **_compared(rule, place)}
        if (order := ORDER.fullmatch(rule.test)) and (others := self._found.by_key.get(order[2])):
            marks["other"] = others[0]
        kind = "check" if error is None else "checkcrash"
        self._kept.add(Failure(rule, kind, self._scope.name, line.key, line, **marks))

    def _holds_later(self, rule: Rule, line: KeptLine) -> bool:
        """Whether a test with an unknown name would pass if it knew the later lines of the log."""
        memory: dict[str, Any] = {}
        for later in self._found.in_order(key for key, rules in self._scope.keys.items() if rules.remember):
            _remember(self._scope.keys[later.key], Line(later, memory, ()))
        return bool(computed(rule.holds, Line(line, memory, ())))

    def _is_lenient(self, rule: Rule, lines: Iterable[KeptLine]) -> bool:
        """Whether the checker is wrong to refuse at least one line."""
        if rule.excused is None:
            return False
        memory = self._found.first_values
        memory.update(self._memory)
        return any(computed(rule.excused, Line(line, memory, ())) for line in lines)

    def _add_scope(self, rules: KeyRules, place: Line) -> bool:
        """Adds the scope that a line names; False where the name cannot be computed."""
        if rules.next is None or (rules.next_if is not None and not rules.next_if(place)):
            return True
        if "<lower value>" in rules.next:
            if not isinstance(place.line.value, str):
                return False
            name = rules.next.replace("<lower value>", place.line.value.lower())
        else:
            name = rules.next.replace("<value>", str(place.line.value)[:200])
        self._waiting.append(name)
        return True

    def _count(self, rules: KeyRules) -> None:
        key, scope = rules.key, self._scope.name
        lines = self._found.by_key.get(key, [])
        if rules.any and lines and not self._reached[key]:
            lenient = self._is_lenient(rules.any[0], lines)
            first, *also = rules.any
            compared = _compared(first, Line(lines[-1], self._memory, ()))
            failure = Failure(first, "never", scope, key, lines[-1], is_lenient=lenient, also=tuple(also), **compared)
            self._kept.lasting[failure.code] = failure
        rule, number = rules.counted, len(lines)
        if rule is None:
            return
        lenient = self._is_lenient(rule, (NOTHING,))
        last = lines[-1] if lines else None
        if rules.most == 1 and number != 1:
            if number and _are_equal(lines):
                self._kept.warnings[key] = Failure(rule, "repeated", scope, key, last, number)
            else:
                self._kept.add(Failure(rule, "once", scope, key, last, number, is_lenient=lenient))
        elif rules.alternative is not None:
            if not lines and not self._found.by_key.get(rules.alternative):
                failure = Failure(rule, "least1of", scope, key, alternative=rules.alternative)
                self._kept.lasting[failure.code] = failure
        elif number < rules.least:
            kind = "least1" if rules.least == 1 else "leastN"
            self._kept.add(Failure(rule, kind, scope, key, last, number, is_lenient=lenient))

    def _gathered(self, key: str) -> list[ParsedLine]:
        """One line for each value of a metadata entry, with the values of all metrics that were logged for it."""
        scope = self._scope
        made: dict[Any, ParsedLine] = {}
        for line in self._found.by_key.get(scope.gathered_from, ()):
            try:
                if "metric" not in line.metadata:
                    continue
                point = line.metadata[scope.gathered_by]
                if point not in made:
                    made[point] = ParsedLine(_NO_PLACE, line.time, key, {scope.gathered_by: point}, {})
                made[point].time = max(line.time, made[point].time)
                made[point].value[line.metadata["metric"]] = line.value
            except FAILURES:
                raise _Stops(f"{line.key} names a metric without a {scope.gathered_by}", line) from None
        return list(made.values())


def _earlier_ones(lines: Iterable[KeptLine]) -> Iterator[KeptLine]:
    """The lines whose time is earlier than that of all lines before them: every process of a run may log when it starts."""
    earliest = math.inf
    for line in lines:
        if line.time < earliest:
            earliest = line.time
            yield line


def _are_equal(lines: Sequence[KeptLine]) -> bool:
    try:
        return all(line.value == lines[0].value for line in lines)
    except FAILURES:
        return False
