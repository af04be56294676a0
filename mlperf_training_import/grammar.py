"""Turns formulas into functions, for grammars that take from Python's what they name and nothing else.

Nothing is executed as Python: the text of a formula is parsed once, and what its grammar does not name is refused then.
"""

from __future__ import annotations

import ast
import itertools
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    #: What a formula is turned into: what it is about in, a value out.
    Formula = Callable[[Any], Any]
    #: What does the work of an operator, or of a function with a name.
    Function = Callable[..., Any]

#: Operators that do the same to all values, however large these are.
COMPARISONS: Mapping[type[ast.AST], Function] = {
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}


class Grammar(NamedTuple):
    """What may stand in a formula, beside ``and``, ``or``, ``x if y else z`` and several comparisons in a row.

    Args:
        operators: functions of the values that stand beside an operator or, of a display such as ``[1, 2]``, in it.
        functions: those that can be called, by name.
        read: turns everything else into a formula, such as constants and names, or raises why it is no part of one.
    """

    operators: Mapping[type[ast.AST], Function]
    functions: Mapping[str, Function]
    read: Callable[[ast.AST], Formula]

    def compiled(self, node: ast.AST) -> Formula:
        """An expression as nested functions."""
        match node:
            case ast.List(elts=items) | ast.Set(elts=items) | ast.Tuple(elts=items) if type(node) in self.operators:
                return self.applied(self.operators[type(node)], items)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in self.operators:
                return self.applied(self.operators[type(op)], [operand])
            case ast.BinOp(op=op, left=left, right=right) | ast.Compare(ops=[op], left=left, comparators=[right]) if (
                type(op) in self.operators
            ):
                return self.applied(self.operators[type(op)], [left, right])
            case ast.Compare(left=left, ops=[_, _, *_] as ops, comparators=others):
                pairs = zip(ops, itertools.pairwise((left, *others)), strict=True)
                return self.compiled(ast.BoolOp(ast.And(), [ast.Compare(one, [op], [two]) for op, (one, two) in pairs]))
            case ast.BoolOp(op=op, values=values):
                return _first(isinstance(op, ast.Or), [self.compiled(value) for value in values])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition, then, otherwise = self.compiled(test), self.compiled(body), self.compiled(orelse)
                return lambda about: then(about) if condition(about) else otherwise(about)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in self.functions:
                return self.applied(self.functions[name], arguments)
        return self.read(node)

    def applied(self, function: Function, arguments: Sequence[ast.AST]) -> Formula:
        """The function of the values of the arguments. Most formulas compare a value with a constant, which must be fast."""
        parts = [self.compiled(argument) for argument in arguments]
        match arguments:
            case [_, ast.Constant(value=second)]:
                first = parts[0]
                return lambda about: function(first(about), second)
            case [_, _]:
                left, right = parts
                return lambda about: function(left(about), right(about))
        return lambda about: function(*(part(about) for part in parts))


def _first(wanted: bool, parts: Sequence[Formula]) -> Formula:
    """The first value that is as true as wanted, the last one where none is: what ``or`` and ``and`` mean."""

    def value_of(about: Any) -> Any:
        value: Any = None
        for part in parts:
            value = part(about)
            if bool(value) is wanted:
                break
        return value

    return value_of
