"""The formulas of ``checks.csv``: text in, functions out.

Formulas use the syntax of Python, limited to these parts: numbers, texts, lists, ``true``, ``false``, ``none``,
``inf``; ``+ - * / %``; comparisons, ``in``, ``and``, ``or``, ``not``, ``x if y else z``; the functions of
:data:`FUNCTIONS`. ``value``, ``metadata`` and ``time`` are those of a line, ``metadata.samples_count`` is an entry;
``seen(init_stop)`` asks whether a line with that key came before, ``known(lr_min)`` whether a name has a value. Any other
name has the value that an earlier line gave it.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..grammar import COMPARISONS, Grammar

if TYPE_CHECKING:
    from collections.abc import Container

    from ..grammar import Function

#: What a formula is turned into: a line in, a value out.
Formula = Callable[["Line"], Any]

#: The errors of a formula over the values of a log, for example where it expects a number and finds a text.
FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)

#: A number that differs from a whole number by less counts as that number.
_WHOLE = 1e-5


class Said(Protocol):
    """What a line says."""

    @property
    def time(self) -> float: ...

    @property
    def value(self) -> Any: ...

    @property
    def metadata(self) -> Any: ...


class Line:
    """The input of formulas: a line of a log, the values that earlier lines set, by name, and the keys before it."""

    __slots__ = ("line", "memory", "seen")

    def __init__(self, line: Said, memory: dict[str, Any], seen: Container[str]) -> None:
        self.line = line
        self.memory = memory
        self.seen = seen


class UnknownName(LookupError):
    """A name that no line has set yet."""


class _Repeated:
    """A text or a list times a number from a log. It equals nothing; computing it could fill the memory."""


def _whole(value: Any) -> bool:
    return bool(abs(round(value) - value) < _WHOLE)


def _times(left: Any, right: Any) -> Any:
    if isinstance(left, (str, list)) or isinstance(right, (str, list)):
        if isinstance(left, int) or isinstance(right, int):
            return _Repeated()
        raise TypeError("a text times something that is no whole number")
    return left * right


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):  # in Python this formats `right` into the text
        raise TypeError("the remainder of a text")
    return left % right


def _length(value: Any) -> int:
    return len(value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int)


def _square_root(value: Any) -> Any:
    return value**0.5


#: The functions that a formula may use. ``whole``: a number that differs from a whole one by less than 0.00001.
FUNCTIONS: dict[str, Function] = {
    "abs": abs,
    "ceil": math.ceil,
    "close": math.isclose,
    "floor": math.floor,
    "int": int,
    "is_int": _is_int,
    "length": _length,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": _square_root,
    "whole": _whole,
}
_CONSTANTS = {"true": True, "false": False, "none": None, "inf": math.inf}
_OPERATORS: dict[type[ast.AST], Function] = {
    **COMPARISONS,
    ast.USub: operator.neg,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.Mod: _remainder,
    ast.List: lambda *items: list(items),
    ast.Set: lambda *items: set(items),
}


@functools.cache
def parse_formula(text: str) -> Formula:
    """A function that computes a formula over a line.

    The function raises one of :data:`FAILURES` where the formula cannot be computed.

    Raises:
        ValueError: the text is not a formula; the message says what is wrong.
    """
    return _compiled(_expression(text), text)


def names_of(text: str) -> frozenset[str]:
    """The names in a formula: ``value``, ``metadata``, ``time``, ``seen``, ``known``, and those that lines set."""
    names = {node.id for node in ast.walk(_expression(text)) if isinstance(node, ast.Name)}
    return frozenset(names - FUNCTIONS.keys() - _CONSTANTS.keys())


class Comparison(NamedTuple):
    """What a formula compares: ``left``, as written and as a function, with ``right``.

    ``tolerance`` is set where the two may differ by so much. ``expected`` is None where the right side is a plain constant,
    which the formula already shows.
    """

    left: str
    right: str
    measured: Formula
    expected: Formula | None
    tolerance: str = ""


def parse_comparison(text: str) -> Comparison | None:
    """What a formula of the form ``x == y`` or ``abs(x - y) < z`` compares; None for other formulas.

    Conditions under which nothing is compared may come before it, as in ``not known(y) or x == y``.
    """
    node = _expression(text)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        *conditions, node = node.values
        if any(isinstance(condition, ast.Compare) for condition in conditions):
            return None
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return None
    left, right, tolerance = node.left, node.comparators[0], ""
    if isinstance(left, ast.Call) and ast.unparse(left.func) == "abs" and isinstance(difference := left.args[0], ast.BinOp):
        left, right, tolerance = difference.left, difference.right, ast.unparse(right)
    is_computed = any(isinstance(part, (ast.BinOp, ast.Call)) for part in ast.walk(right)) or names_of(ast.unparse(right))
    expected = _compiled(right, text) if is_computed else None
    return Comparison(ast.unparse(left), ast.unparse(right), _compiled(left, text), expected, tolerance)


def parse_assignments(text: str) -> tuple[tuple[str, Formula], ...]:
    """Names, each with the formula of its new value: ``a = value; b = a * 2``.

    Raises:
        ValueError: as :func:`parse_formula`.
    """
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return tuple((name.strip(), parse_formula(formula)) for name, _, formula in pairs)


@functools.cache
def _expression(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text}: {error.msg}") from None


def _compiled(node: ast.expr, text: str) -> Formula:
    return Grammar(_OPERATORS, FUNCTIONS, functools.partial(_read, text=text)).compiled(node)


def _read(node: ast.AST, text: str) -> Formula:
    match node:
        case ast.Constant(value=int() | float() | str() as constant):
            return lambda _: constant
        case ast.Name(id=name):
            return _name(name)
        case ast.Attribute(value=ast.Name(id="value" | "metadata" as name), attr=key):
            whole = operator.attrgetter(f"line.{name}")
            return lambda line: whole(line)[key]
        case ast.Call(func=ast.Name(id="seen"), args=[ast.Name(id=asked)]):
            return lambda line: asked in line.seen
        case ast.Call(func=ast.Name(id="known"), args=[ast.Name(id=asked)]):
            return lambda line: line.memory.get(asked) is not None
    raise ValueError(f"{text}: {ast.unparse(node)} cannot stand in a formula")


def _name(name: str) -> Formula:
    if name in _CONSTANTS:
        constant = _CONSTANTS[name]
        return lambda _: constant
    if name in ("value", "metadata", "time"):
        return operator.attrgetter(f"line.{name}")

    def remembered(line: Line) -> Any:
        try:
            return line.memory[name]
        except KeyError:
            raise UnknownName(name) from None

    return remembered
