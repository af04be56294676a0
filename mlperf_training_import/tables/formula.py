"""The formulas of ``checks.csv``: text in, functions out.

A formula is written as in Python, with these parts and no others: numbers, texts, lists, ``true``, ``false``, ``none``,
``inf``; ``+ - * / %``; comparisons, ``in``, ``and``, ``or``, ``not``, ``x if y else z``; the functions of
:data:`FUNCTIONS`. ``value``, ``metadata`` and ``time`` are those of a line, ``metadata.samples_count`` is an entry;
``seen(init_stop)`` asks whether a line with that key came before, ``known(lr_min)`` whether a name has a value. Any other
name is one that an earlier line has left.

Nothing is executed as Python: the text is parsed once, when the table is loaded, and what is no part of a formula is
refused then.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Container

#: What may go wrong when a formula is computed over what a log says: it asks for a number, and finds a text.
FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)

#: Two numbers that differ by less are the same whole number.
_WHOLE = 1e-5


class Said(Protocol):
    """What a line says."""

    time: float

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
FUNCTIONS: dict[str, Callable[..., Any]] = {
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
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.Mod: _remainder,
}
_COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


@functools.cache
def parse_formula(text: str) -> Callable[[Line], Any]:
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


def parse_expected(text: str) -> Callable[[Line], Any] | None:
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


def parse_assignments(text: str) -> tuple[tuple[str, Callable[[Line], Any]], ...]:
    """Names and the formulas of what they stand for from then on: ``a = value; b = a * 2``.

    Raises:
        ValueError: as :func:`parse_formula`.
    """
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return tuple((name.strip(), parse_formula(formula)) for name, _, formula in pairs)


def _compiled(node: ast.expr, text: str) -> Callable[[Line], Any]:  # noqa: C901 - one branch for each kind of node
    compiled = functools.partial(_compiled, text=text)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
        constant = node.value
        return lambda _: constant
    if isinstance(node, ast.Name):
        return _name(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("value", "metadata"):
        whole, key = operator.attrgetter(f"line.{node.value.id}"), node.attr
        return lambda line: whole(line)[key]
    if isinstance(node, ast.List):
        items = [compiled(item) for item in node.elts]
        return lambda line: [item(line) for item in items]
    if isinstance(node, ast.Set):
        members = [compiled(item) for item in node.elts]
        return lambda line: {item(line) for item in members}
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        apply, left, right = _ARITHMETIC[type(node.op)], compiled(node.left), compiled(node.right)
        return lambda line: apply(left(line), right(line))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        change, operand = (operator.not_ if isinstance(node.op, ast.Not) else operator.neg), compiled(node.operand)
        return lambda line: change(operand(line))
    if isinstance(node, ast.BoolOp):
        return _all_or_any([compiled(part) for part in node.values], stops_at=isinstance(node.op, ast.Or))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        return _plain_comparison(_COMPARISONS[type(node.ops[0])], node.left, node.comparators[0], compiled)
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        return _comparison(
            [_COMPARISONS[type(op)] for op in node.ops], [compiled(n) for n in (node.left, *node.comparators)]
        )
    if isinstance(node, ast.IfExp):
        condition, then, otherwise = compiled(node.test), compiled(node.body), compiled(node.orelse)
        return lambda line: then(line) if condition(line) else otherwise(line)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, node.args, text)
    raise ValueError(f"{text}: {ast.unparse(node)} cannot stand in a formula")


def _name(name: str) -> Callable[[Line], Any]:
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


def _all_or_any(parts: list[Callable[[Line], Any]], *, stops_at: bool) -> Callable[[Line], Any]:
    def result(line: Line) -> Any:
        value: Any = not stops_at
        for part in parts:
            value = part(line)
            if bool(value) is stops_at:
                break
        return value

    return result


def _plain_comparison(
    compare: Callable[[Any, Any], Any],
    left: ast.expr,
    right: ast.expr,
    compiled: Callable[[ast.expr], Callable[[Line], Any]],
) -> Callable[[Line], Any]:
    """Most comparisons have a constant on one side; they are what takes the time."""
    get_left, get_right = compiled(left), compiled(right)
    if isinstance(left, ast.Constant):
        first = left.value
        return lambda line: compare(first, get_right(line))
    if isinstance(right, ast.Constant):
        second = right.value
        return lambda line: compare(get_left(line), second)
    return lambda line: compare(get_left(line), get_right(line))


def _comparison(compares: list[Callable[[Any, Any], Any]], operands: list[Callable[[Line], Any]]) -> Callable[[Line], Any]:
    def result(line: Line) -> Any:
        value = operands[0](line)
        for compare, operand in zip(compares, operands[1:], strict=True):
            following = operand(line)
            if not compare(value, following):
                return False
            value = following
        return True

    return result


def _call(name: str, arguments: list[ast.expr], text: str) -> Callable[[Line], Any]:
    if name in ("seen", "known"):
        if len(arguments) != 1 or not isinstance(arguments[0], ast.Name):
            raise ValueError(f"{text}: {name} is asked of one name")
        asked = arguments[0].id
        if name == "seen":
            return lambda line: asked in line.seen
        return lambda line: line.memory.get(asked) is not None
    if name not in FUNCTIONS:
        raise ValueError(f"{text}: no such function: {name}")
    function, parts = FUNCTIONS[name], [_compiled(argument, text) for argument in arguments]
    if len(parts) == 2:
        first, second = parts
        return lambda line: function(first(line), second(line))
    return lambda line: function(*(part(line) for part in parts))
