"""Expression trees to array operations, each shared sub-expression once, constants taken out of the time loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .expr import COMPARISONS, ONE, Expr, nodes
from .expr import raw as raw_node

Values = Mapping[str, Any]


class Program:
    """A list of expressions made ready for repeated evaluation.

    `constant(name)` says which leaf names never change while the program runs. Sub-expressions of constants alone are
    evaluated once by `prepare`; products and sums are regrouped and divisions by a constant inverted so that these
    sub-expressions are as large as possible. `bound` names are given by the caller although they have a definition.
    """

    def __init__(
        self,
        outputs: Iterable[Expr],
        definitions: Mapping[str, Expr],
        constant: Callable[[str], bool],
        bound: Iterable[str] = (),
    ) -> None:
        self._bound = frozenset(bound)
        self._definitions = {n: e for n, e in definitions.items() if n not in self._bound}
        self._is_constant_name = constant
        self._fixed: dict[str, bool] = {}
        self._still: dict[Expr, bool] = {}
        self._grouped: dict[Expr, Expr] = {}
        self._ready: dict[str, Expr] = {}
        self.outputs = [self._group(e) for e in outputs]
        self.hoisted = self._constants()

    def _fixed_name(self, name: str) -> bool:
        if name not in self._fixed:
            body = self._definitions.get(name)
            self._fixed[name] = self._is_constant_name(name) if body is None else self._fixed_expr(body)
        return self._fixed[name]

    def _fixed_expr(self, e: Expr) -> bool:
        found = self._still.get(e)
        if found is None:
            found = all(self._fixed_name(str(n.value)) for n in nodes(e) if n.op == "sym")
            self._still[e] = found
        return found

    def _group(self, e: Expr) -> Expr:
        found = self._grouped.get(e)
        if found is None:
            found = self._grouped[e] = self._regroup(e)
        return found

    def _regroup(self, e: Expr) -> Expr:
        if not e.args:
            return e
        args = tuple(self._group(a) for a in e.args)
        if e.op in ("mul", "add") and len(args) > 2:
            still = [a for a in args if self._fixed_expr(a)]
            moving = [a for a in args if not self._fixed_expr(a)]
            if len(still) > 1 and moving:
                return raw_node(e.op, None, (raw_node(e.op, None, tuple(still)), *moving))
        if e.op == "div" and self._fixed_expr(args[1]) and not self._fixed_expr(args[0]):
            inverse = raw_node("div", None, (ONE, args[1]))
            return self._regroup(raw_node("mul", None, (inverse, *_factors(args[0]))))
        return raw_node(e.op, e.value, args)

    def definition(self, name: str) -> Expr | None:
        """The regrouped definition of a name, None for a leaf."""
        if name not in self._ready:
            body = self._definitions.get(name)
            if body is None:
                return None
            self._ready[name] = self._group(body)
        return self._ready[name]

    def _constants(self) -> list[Expr]:
        """Maximal sub-expressions of constants, in order of need; plain leaves excluded."""
        out: dict[Expr, None] = {}
        seen: set[Expr] = set()
        stack = list(reversed(self.outputs))
        while stack:
            e = stack.pop()
            if e in seen:
                continue
            seen.add(e)
            body = self.definition(str(e.value)) if e.op == "sym" else None
            if self._fixed_expr(e):
                if e.args or body is not None:
                    out[e] = None
            elif body is not None:
                stack.append(body)
            else:
                stack.extend(reversed(e.args))
        return list(out)

    def prepare(self, constants: Values) -> dict[Expr, Array]:
        """Values of the constant sub-expressions; `constants` holds the constant leaves, scalars or (n,)."""
        memo: dict[Expr, Any] = {}
        return {e: self._value(e, constants, memo) for e in self.hoisted}

    def run(self, values: Values, prepared: Mapping[Expr, Any] | None = None) -> list[Any]:
        """Evaluate the outputs. `values` holds all leaves and bound names, any shapes that broadcast."""
        memo: dict[Expr, Any] = dict(prepared or {})
        return [self._value(e, values, memo) for e in self.outputs]

    def _value(self, root: Expr, values: Values, memo: dict[Expr, Any]) -> Any:
        stack = [root]
        while stack:
            e = stack[-1]
            if e in memo:
                stack.pop()
                continue
            if e.op == "sym":
                name = str(e.value)
                body = self.definition(name)
                if body is None:
                    memo[e] = values[name]
                elif body in memo:
                    memo[e] = memo[body]
                else:
                    stack.append(body)
                continue
            missing = [a for a in e.args if a not in memo]
            if missing:
                stack.extend(reversed(missing))
                continue
            memo[e] = apply(e, [memo[a] for a in e.args])
        return memo[root]

    def leaves(self) -> frozenset[str]:
        """Names that the caller must give: states, bound names and parameters."""
        seen: set[Expr] = set()
        out: set[str] = set()
        stack = list(self.outputs)
        while stack:
            e = stack.pop()
            if e in seen:
                continue
            seen.add(e)
            stack.extend(e.args)
            if e.op == "sym":
                body = self.definition(str(e.value))
                if body is None:
                    out.add(str(e.value))
                else:
                    stack.append(body)
        return frozenset(out)

    def count(self) -> int:
        """Distinct operations that a run does, constants excluded."""
        done: set[Expr] = set(self.hoisted)
        stack, total = list(self.outputs), 0
        while stack:
            e = stack.pop()
            if e in done:
                continue
            done.add(e)
            body = self.definition(str(e.value)) if e.op == "sym" else None
            if body is not None:
                stack.append(body)
            stack.extend(e.args)
            if e.op in ("add", "mul", "min", "max"):
                total += len(e.args) - 1
            elif e.op == "ipow":
                total += int(e.value or 1) - 1
            elif e.args:
                total += 1
        return total


def _factors(e: Expr) -> tuple[Expr, ...]:
    return e.args if e.op == "mul" else (e,)


def apply(e: Expr, a: list[Any]) -> Any:
    """One operation on already evaluated operands: by JAX if one of them is a JAX array, else by NumPy.

    A single evaluation outside a compiled program is much faster in NumPy, which compiles nothing.
    """
    traced = any(isinstance(x, Array) for x in a)
    if not traced and a and all(isinstance(x, (int, float)) and not hasattr(x, "dtype") for x in a):
        out = _operate(e, a, False)
        return out.item() if hasattr(out, "item") else out  # a plain number takes the type of what it meets
    return _operate(e, a, traced)


def _operate(e: Expr, a: list[Any], traced: bool) -> Any:
    op = e.op
    if op == "num":
        return e.value
    if op == "add":
        return reduce(lambda x, y: x + y, a)
    if op == "mul":
        return reduce(lambda x, y: x * y, a)
    if op == "div":
        return a[0] / a[1]
    if op == "ipow":
        n = int(e.value or 0)
        return lax.integer_pow(a[0], n) if traced else reduce(lambda x, y: x * y, [a[0]] * n)
    if op == "pow":
        return jnp.power(a[0], a[1]) if traced else np.power(a[0], a[1])
    if op == "piecewise":
        out = a[-1]
        for i in range(len(a) - 3, -1, -2):
            out = jnp.where(a[i + 1], a[i], out) if traced else _chosen(a[i + 1], a[i], out)
        return out
    if op in COMPARISONS:
        return _COMPARE[op](a[0], a[1])
    if op in _NAMED:
        function: Callable[..., Any] = getattr(jnp if traced else np, _NAMED[op])
        return reduce(function, a) if op in ("min", "max", "and", "or") else function(a[0])
    raise AssertionError(op)


def _chosen(condition: Any, yes: Any, no: Any) -> Any:
    """np.where that, like jnp.where, lets a plain number take the type of the other branch."""
    kinds = [x.dtype for x in (yes, no) if hasattr(x, "dtype")]
    return np.where(condition, yes, no) if len(kinds) != 1 else np.where(condition, yes, no).astype(kinds[0])


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
}
_NAMED = {
    "min": "minimum",
    "max": "maximum",
    "and": "logical_and",
    "or": "logical_or",
    "not": "logical_not",
    "exp": "exp",
    "ln": "log",
    "sqrt": "sqrt",
    "abs": "abs",
    "tanh": "tanh",
}
