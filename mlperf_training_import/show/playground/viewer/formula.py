"""Evaluates what people type into the two fields of the results page: a text in, a function over results out.

The installed playground passes both texts to Python's ``exec`` and ``eval``. They are expressions over the keys of a
result, so a few operators are enough. Nothing else exists here: no attribute, no import, and no name but ``result`` and the
functions below. Libraries for this start from all of Python and forbid parts of it; a formula can reach only what is in
this file. The length of a formula, the size of numbers and texts, and the size of every intermediate value are limited, so
that no formula takes long or fills the memory.
"""

from __future__ import annotations

import ast
import contextlib
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ....grammar import COMPARISONS, Grammar

if TYPE_CHECKING:
    from ....grammar import Function

#: What a formula is turned into: a result in, a value out.
Formula = Callable[[Mapping[str, Any]], Any]

_LONGEST_TEXT = 1000
#: No value that a formula makes is larger, in characters of its texts and items of its lists. What it holds several times
#: counts as often. Published results have a thirtieth of it.
_LARGEST_VALUE = 50_000
#: Whole numbers beyond this become floats, so that none grows without end.
_LARGEST_WHOLE = 2**53


class FormulaError(Exception):
    """A formula that cannot be understood; the message says what is not."""


def _on_numbers(function: Function) -> Function:
    """The function where all its arguments are numbers, and an error otherwise."""

    def calculate(*values: Any) -> Any:
        value = function(*map(_number, values))
        if isinstance(value, complex):
            raise TypeError("not a real number")
        return value

    return calculate


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"a number is needed, not {type(value).__name__}")
    return value if abs(value) <= _LARGEST_WHOLE else float(value)


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return (left + right)[:_LONGEST_TEXT]
    return _on_numbers(operator.add)(left, right)


def _bounded(value: Any, largest: int = _LARGEST_VALUE) -> Any:
    """A value that is not too large.

    Raises:
        ValueError: it is, or holds itself.
    """
    parts, left = [value], largest
    while parts:
        part = parts.pop()
        left -= max(1, len(part)) if isinstance(part, str | list | Mapping) else 1
        if left < 0:
            raise ValueError("too large")
        if isinstance(part, Mapping):
            parts += [*part, *part.values()]
        elif isinstance(part, list):
            parts += part
    return value


def _all_bounded(functions: Mapping[Any, Function]) -> dict[Any, Function]:
    """The functions, whose values are not too large."""

    def bounded(function: Function) -> Function:
        return lambda *values: _bounded(function(*values))

    return {name: bounded(function) for name, function in functions.items()}


_OPERATORS = _all_bounded(
    {
        **COMPARISONS,
        ast.USub: _on_numbers(operator.neg),
        ast.Add: _add,
        ast.Sub: _on_numbers(operator.sub),
        ast.Mult: _on_numbers(operator.mul),
        ast.Div: _on_numbers(operator.truediv),
        ast.FloorDiv: _on_numbers(operator.floordiv),
        ast.Mod: _on_numbers(operator.mod),
        ast.Pow: _on_numbers(lambda base, exponent: float(base) ** float(exponent)),
        **dict.fromkeys((ast.List, ast.Tuple), lambda *items: list(items)),
        ast.Subscript: operator.getitem,
        ast.Attribute: lambda result, key: result.get(key),
    }
)
_FUNCTIONS = _all_bounded(
    {
        "abs": abs,
        "float": float,
        "int": int,
        "len": len,
        "lower": lambda value: str(_bounded(value)).lower(),
        "max": max,
        "min": min,
        "round": lambda value, digits=0: round(float(value), int(digits)),
        "str": lambda value: str(_bounded(value)),
    }
)
#: What goes wrong with the values of one result: it has no such key, or a text where a number is expected.
NO_VALUE = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


def parse_filter(text: str) -> Formula:
    """A condition such as ``result['Accuracy'] > 75 or 'llama2' in result['Model_ID']``.

    Raises:
        FormulaError: it is none.
    """
    with _not_too_deep():
        return _GRAMMAR.compiled(_parse(text, "eval").body)


def parse_assignments(text: str) -> list[tuple[str, Formula]]:
    """Keys to add to a result, such as ``result['Accuracy2'] = result['Accuracy'] * 2``; several are parted by ``;``.

    Raises:
        FormulaError: it is something else.
    """
    with _not_too_deep():
        return [_assignment(statement) for statement in _parse(text, "exec").body]


@contextlib.contextmanager
def _not_too_deep() -> Iterator[None]:
    try:
        yield
    except (RecursionError, MemoryError) as error:
        raise FormulaError("too deep") from error


def _assignment(statement: ast.stmt) -> tuple[str, Formula]:
    match statement:
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id="result"), slice=ast.Constant(value=str(key)))], value=value
        ):
            formula = _GRAMMAR.compiled(value)
            return key, lambda result: _bounded(formula(result), _LONGEST_TEXT)
    raise FormulaError("expected result['new key'] = a formula")


def _parse(text: str, mode: str) -> Any:
    if len(text) > _LONGEST_TEXT:
        raise FormulaError(f"longer than {_LONGEST_TEXT} characters")
    try:
        tree = ast.parse(text, mode=mode)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant):
                str(node.value).encode()
    except SyntaxError as error:
        raise FormulaError(error.msg) from error
    except ValueError as error:  # a null character, or half of a surrogate, which cannot be shown
        raise FormulaError(str(error)) from error
    return tree


def _read(node: ast.AST) -> Formula:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return lambda _: value
        case ast.Name(id="result"):
            return lambda result: result
        case ast.Subscript(value=ast.Name() | ast.Subscript() as container, slice=ast.Constant() as key):
            return _GRAMMAR.applied(_OPERATORS[ast.Subscript], [container, key])
        case ast.Call(func=ast.Attribute(value=ast.Name(id="result") as result, attr="get"), args=[key]):
            return _GRAMMAR.applied(_OPERATORS[ast.Attribute], [result, key])
    raise FormulaError(f"{ast.unparse(node)[:80]!r} is more than a formula over the keys of a result")


_GRAMMAR = Grammar(_OPERATORS, _FUNCTIONS, _read)
