"""Formulas of the SBML document as expression trees. Whatever is not arithmetic is refused by name."""

from __future__ import annotations

from typing import Any

import libsbml

from cereblon.errors import CereblonError

from .expr import ONE, ZERO, Expr, add, call, div, mul, neg, num, power, sym


class FormulaError(CereblonError):
    """A formula uses something outside ordinary arithmetic."""


_COMPARE = {
    libsbml.AST_RELATIONAL_LT: "lt",
    libsbml.AST_RELATIONAL_LEQ: "le",
    libsbml.AST_RELATIONAL_GT: "gt",
    libsbml.AST_RELATIONAL_GEQ: "ge",
    libsbml.AST_RELATIONAL_EQ: "eq",
    libsbml.AST_RELATIONAL_NEQ: "ne",
}
_SIMPLE = {
    libsbml.AST_FUNCTION_EXP: "exp",
    libsbml.AST_FUNCTION_LN: "ln",
    libsbml.AST_FUNCTION_ABS: "abs",
    libsbml.AST_FUNCTION_TANH: "tanh",
    libsbml.AST_FUNCTION_MIN: "min",
    libsbml.AST_FUNCTION_MAX: "max",
    libsbml.AST_FUNCTION_PIECEWISE: "piecewise",
    libsbml.AST_LOGICAL_AND: "and",
    libsbml.AST_LOGICAL_OR: "or",
    libsbml.AST_LOGICAL_NOT: "not",
}
_CONSTANTS = {
    libsbml.AST_CONSTANT_E: 2.718281828459045,
    libsbml.AST_CONSTANT_PI: 3.141592653589793,
    libsbml.AST_CONSTANT_TRUE: 1.0,
    libsbml.AST_CONSTANT_FALSE: 0.0,
}


def expression(node: Any) -> Expr:
    """The expression of a libSBML syntax tree.

    Raises FormulaError for time, delays, user functions and every operator outside arithmetic, comparison and logic.
    """
    kind = node.getType()
    args = [expression(node.getChild(i)) for i in range(node.getNumChildren())]
    if kind in (libsbml.AST_INTEGER, libsbml.AST_REAL, libsbml.AST_REAL_E, libsbml.AST_RATIONAL):
        return num(node.getValue())
    if kind == libsbml.AST_NAME:
        return sym(node.getName())
    if kind == libsbml.AST_PLUS:
        return add(*args)
    if kind == libsbml.AST_MINUS:
        return neg(args[0]) if len(args) == 1 else add(args[0], neg(args[1]))
    if kind == libsbml.AST_TIMES:
        return mul(*args)
    if kind == libsbml.AST_DIVIDE:
        return div(*args)
    if kind in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
        return power(*args)
    if kind == libsbml.AST_FUNCTION_ROOT:
        return power(args[-1], div(ONE, args[0]) if len(args) == 2 else num(0.5))
    if kind == libsbml.AST_FUNCTION_LOG:
        base = args[0] if len(args) == 2 else num(10.0)
        return div(call("ln", args[-1]), call("ln", base))
    if kind in _COMPARE and len(args) == 2:
        return call(_COMPARE[kind], *args)
    if kind in _SIMPLE:
        if kind == libsbml.AST_FUNCTION_PIECEWISE and len(args) % 2 == 0:
            args.append(ZERO)
        return call(_SIMPLE[kind], *args)
    if kind in _CONSTANTS:
        return num(_CONSTANTS[kind])
    shown = libsbml.formulaToL3String(node) or node.getName() or "?"
    raise FormulaError(
        f"'{shown}' is not allowed in a model formula; expected + - * / ^, piecewise, min, max, exp, ln, sqrt"
    )
