"""Immutable expression trees: what a formula of the model document becomes before it is turned into array code.

Equal sub-trees are one object (hash-consing), so an evaluation that remembers its results by object computes every
shared sub-expression once. Nothing here evaluates text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from weakref import WeakValueDictionary

Key = tuple[str, object, tuple[int, ...]]

COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
LOGICAL = ("and", "or", "not")
FUNCTIONS = ("exp", "ln", "sqrt", "abs", "tanh")


class Expr:
    """One node. `op` is num, sym, add, mul, div, ipow, pow, piecewise, min, max, comparison, logical word or function.

    `value` holds the number of a `num`, the name of a `sym` and the exponent of an `ipow`; `args` the operands.
    The operands of a piecewise are value, condition, value, condition, ..., value otherwise.
    """

    __slots__ = ("__weakref__", "args", "op", "value")

    op: str
    value: float | int | str | None
    args: tuple[Expr, ...]

    def __repr__(self) -> str:
        return f"Expr({infix(self)})"


_interned: WeakValueDictionary[Key, Expr] = WeakValueDictionary()


def raw(op: str, value: float | int | str | None = None, args: tuple[Expr, ...] = ()) -> Expr:
    """The node with these operands as they stand, no simplification."""
    key: Key = (op, value, tuple(id(a) for a in args))
    found = _interned.get(key)
    if found is None:
        found = Expr()
        found.op, found.value, found.args = op, value, args
        _interned[key] = found
    return found


def num(value: float) -> Expr:
    """A number without unit."""
    return raw("num", float(value))


def sym(name: str) -> Expr:
    """A named state, rule, reaction rate or parameter."""
    return raw("sym", name)


ZERO, ONE = num(0.0), num(1.0)


def number_of(e: Expr) -> float | None:
    """The value of a constant node, else None."""
    return e.value if e.op == "num" and isinstance(e.value, float) else None


def add(*terms: Expr) -> Expr:
    """Sum, with numbers gathered and nested sums flattened."""
    flat: list[Expr] = []
    constant = 0.0
    for term in terms:
        for t in term.args if term.op == "add" else (term,):
            value = number_of(t)
            if value is None:
                flat.append(t)
            else:
                constant += value
    if constant != 0.0:
        flat.append(num(constant))
    if not flat:
        return ZERO
    return flat[0] if len(flat) == 1 else raw("add", None, tuple(flat))


def mul(*factors: Expr) -> Expr:
    """Product, with numbers gathered in front and nested products flattened."""
    flat: list[Expr] = []
    constant = 1.0
    for factor in factors:
        for f in factor.args if factor.op == "mul" else (factor,):
            value = number_of(f)
            if value is None:
                flat.append(f)
            else:
                constant *= value
    if constant == 0.0:
        return ZERO
    if not flat:
        return num(constant)
    if constant != 1.0:
        flat.insert(0, num(constant))
    return flat[0] if len(flat) == 1 else raw("mul", None, tuple(flat))


def neg(e: Expr) -> Expr:
    """Minus `e`."""
    return mul(num(-1.0), e)


def div(a: Expr, b: Expr) -> Expr:
    """Quotient."""
    bottom = number_of(b)
    if bottom is not None and bottom != 0.0:
        return mul(num(1.0 / bottom), a)
    if a is ZERO:
        return ZERO
    return raw("div", None, (a, b))


def power(base: Expr, exponent: Expr) -> Expr:
    """Power; an integer exponent becomes multiplications, one half a square root."""
    n = number_of(exponent)
    if n is None:
        return raw("pow", None, (base, exponent))
    b = number_of(base)
    if b is not None and (b > 0.0 or n == int(n)) and not (b == 0.0 and n < 0):
        return num(b**n)
    if n == 0.0:
        return ONE
    if n == 1.0:
        return base
    if n == 0.5:
        return call("sqrt", base)
    if n == int(n) and abs(n) <= 16:
        whole = raw("ipow", int(abs(n)), (base,)) if abs(n) > 1 else base
        return whole if n > 0 else div(ONE, whole)
    return raw("pow", None, (base, exponent))


def call(name: str, *args: Expr) -> Expr:
    """A named function, comparison, logical word, min, max or piecewise."""
    return raw(name, None, args)


def free(e: Expr) -> frozenset[str]:
    """Names that occur in `e` (rules are not followed)."""
    return frozenset(str(node.value) for node in nodes(e) if node.op == "sym")


def nodes(*roots: Expr) -> Iterator[Expr]:
    """Every distinct node, operands before users."""
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args) if id(a) not in seen)


def substitute(
    roots: list[Expr], replace: Callable[[Expr], Expr | None], memo: dict[Expr, Expr] | None = None
) -> list[Expr]:
    """Rewrite from the top: where `replace` returns an expression it stands in, elsewhere operands are rewritten."""
    done: dict[Expr, Expr] = {} if memo is None else memo

    def visit(e: Expr) -> Expr:
        found = done.get(e)
        if found is None:
            swapped = replace(e)
            if swapped is not None:
                found = swapped
            elif e.args:
                found = rebuild(e, tuple(visit(a) for a in e.args))
            else:
                found = e
            done[e] = found
        return found

    return [visit(r) for r in roots]


def rebuild(e: Expr, args: tuple[Expr, ...]) -> Expr:
    """The node `e` with other operands, simplified again."""
    if all(a is b for a, b in zip(e.args, args, strict=True)):
        return e
    if e.op == "add":
        return add(*args)
    if e.op == "mul":
        return mul(*args)
    if e.op == "div":
        return div(*args)
    if e.op == "ipow":
        return power(args[0], num(float(int(e.value or 0))))
    if e.op == "pow":
        return power(*args)
    return raw(e.op, e.value, args)


def derivative(e: Expr, name: str, rules: Mapping[str, Expr], memo: dict[Expr, Expr]) -> Expr:
    """d e / d name, following rules. A piecewise is differentiated branch by branch (its jumps are ignored)."""
    found = memo.get(e)
    if found is not None:
        return found
    a = e.args

    def d(x: Expr) -> Expr:
        return derivative(x, name, rules, memo)

    if e.op == "sym":
        out = ONE if e.value == name else d(rules[str(e.value)]) if e.value in rules else ZERO
    elif e.op == "add":
        out = add(*(d(x) for x in a))
    elif e.op == "mul":
        out = add(*(mul(d(x), *(y for j, y in enumerate(a) if j != i)) for i, x in enumerate(a)))
    elif e.op == "div":
        top, bottom = d(a[0]), d(a[1])
        out = div(top, a[1])
        if bottom is not ZERO:
            out = add(out, neg(mul(div(e, a[1]), bottom)))
    elif e.op == "ipow":
        n = int(e.value or 0)
        out = mul(num(n), power(a[0], num(n - 1)), d(a[0]))
    elif e.op == "pow":
        base, exponent = d(a[0]), d(a[1])
        out = mul(a[1], raw("pow", None, (a[0], add(a[1], num(-1.0)))), base) if base is not ZERO else ZERO
        if exponent is not ZERO:
            out = add(out, mul(e, call("ln", a[0]), exponent))
    elif e.op in ("piecewise", "min", "max"):
        out = _derivative_of_choice(e, d)
    elif e.op in FUNCTIONS:
        inner = d(a[0])
        out = ZERO if inner is ZERO else mul(_outer(e), inner)
    else:  # num, comparisons, logical words
        out = ZERO
    memo[e] = out
    return out


def _derivative_of_choice(e: Expr, d: Callable[[Expr], Expr]) -> Expr:
    a = e.args
    if e.op == "piecewise":
        parts = tuple(x if i % 2 and i < len(a) - 1 else d(x) for i, x in enumerate(a))
        return ZERO if all(x is ZERO for x in parts[::2]) else call("piecewise", *parts)
    slopes = [d(x) for x in a]
    if all(s is ZERO for s in slopes):
        return ZERO
    out, best = slopes[0], a[0]
    for x, s in zip(a[1:], slopes[1:], strict=True):
        out = call("piecewise", out, call("le" if e.op == "min" else "ge", best, x), s)
        best = call(e.op, best, x)
    return out


def _outer(e: Expr) -> Expr:
    x = e.args[0]
    if e.op == "exp":
        return e
    if e.op == "ln":
        return div(ONE, x)
    if e.op == "sqrt":
        return div(num(0.5), e)
    if e.op == "tanh":
        return add(ONE, neg(power(e, num(2.0))))
    return call("piecewise", num(-1.0), call("lt", x, ZERO), ONE)  # abs


def infix(e: Expr, level: int = 0) -> str:
    """`e` as one line of ordinary arithmetic."""
    a = e.args
    if e.op == "num":
        value = number_of(e) or 0.0
        text, own = (f"{value:g}" if math.isfinite(value) else str(value)), (3 if value >= 0 else 1)
    elif e.op == "sym":
        text, own = str(e.value), 4
    elif e.op == "add":
        parts = sorted((infix(x, 1) for x in a), key=lambda p: p.startswith("-"))  # 1 - x, not -x + 1
        text, own = (
            parts[0] + "".join(f" - {p[1:]}" if p.startswith("-") else f" + {p}" for p in parts[1:]),
            1,
        )
    elif e.op == "mul":
        minus = number_of(a[0]) == -1.0
        text, own = ("-" if minus else "") + "*".join(infix(x, 2) for x in (a[1:] if minus else a)), 2
    elif e.op == "div":
        text, own = f"{infix(a[0], 2)}/{infix(a[1], 3)}", 2
    elif e.op in ("ipow", "pow"):
        exponent = str(e.value) if e.op == "ipow" else infix(a[1], 4)
        text, own = f"{infix(a[0], 4)}^{exponent}", 3
    elif e.op in COMPARISONS:
        text, own = f"{infix(a[0], 1)} {COMPARISONS[e.op]} {infix(a[1], 1)}", 0
    else:
        text, own = f"{e.op}({', '.join(infix(x) for x in a)})", 4
    return f"({text})" if own < level else text
