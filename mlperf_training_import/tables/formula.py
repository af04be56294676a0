"""The formulas of ``checks.csv``: text in, functions out.

A formula is written as in Python, with these parts and no others: numbers, texts, lists, ``true``, ``false``, ``none``,
``inf``; ``+ - * / %``; comparisons, ``in``, ``and``, ``or``, ``not``, ``x if y else z``; the functions of
:data:`FUNCTIONS`. ``value``, ``metadata`` and ``time`` are those of a line, ``metadata.samples_count`` is an entry;
``seen(init_stop)`` asks whether a line with that key came before, ``known(lr_min)`` whether a name has a value. Any other
name is one that an earlier line has left.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from typing import TYPE_CHECKING, Any, Protocol

from ..grammar import COMPARISONS, Grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from ..grammar import Function

    #: What a formula is turned into: a line in, a value out.
    Formula = Callable[["Line"], Any]

#: What may go wrong when a formula is computed over what a log says: it asks for a number, and finds a text.
FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)

#: Two numbers that differ by less are the same whole number.
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
    """What formulas are computed over: a line of a log, what earlier ones have left by name, and the keys before it."""

    __slots__ = ("line", "memory", "seen")

    def __init__(self, line: Said, memory: dict[str, Any], seen: Container[str]) -> None:
        self.line = line
        self.memory = memory
        self.seen = seen


class UnknownName(LookupError):
    """A name that no line has left yet."""


class _Repeated:
    """A text or a list, repeated as often as a log says: that could fill the memory, and equals nothing."""


def _whole(value: Any) -> bool:
    return bool(abs(round(value) - value) < _WHOLE)


def _times(left: Any, right: Any) -> Any:
    if isinstance(left, (str, list)) or isinstance(right, (str, list)):
        if isinstance(left, int) or isinstance(right, int):
            return _Repeated()
        raise TypeError("a text times something that is no whole number")
    return left * right


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):  # in Python this puts `right` into the text
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
        ValueError: the text is no formula; the message says what is wrong.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{text}: {error.msg}") from None
    return _compiled(tree.body, text)


def names_of(text: str) -> frozenset[str]:
    """What a formula asks for: ``value``, ``metadata``, ``time``, ``seen`` and ``known``, and what lines have left."""
    names = {node.id for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Name)}
    return frozenset(names - FUNCTIONS.keys() - _CONSTANTS.keys())


def parse_expected(text: str) -> Formula | None:
    """What a formula of the form ``value == x`` or ``abs(value - x) < y`` compares the value with; None for others.

    A plain constant is none: it can be read from the formula.
    """
    node = ast.parse(text, mode="eval").body
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    left, right = node.left, node.comparators[0]
    if isinstance(left, ast.Call) and ast.unparse(left.func) == "abs" and isinstance(difference := left.args[0], ast.BinOp):
        left, right = difference.left, difference.right
    elif not isinstance(node.ops[0], ast.Eq):
        return None
    if ast.unparse(left) != "value" or isinstance(right, ast.Constant):
        return None
    return _compiled(right, text)


def parse_assignments(text: str) -> tuple[tuple[str, Formula], ...]:
    """Names and the formulas of what they stand for from then on: ``a = value; b = a * 2``.

    Raises:
        ValueError: as :func:`parse_formula`.
    """
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return tuple((name.strip(), parse_formula(formula)) for name, _, formula in pairs)


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
