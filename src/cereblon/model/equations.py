"""The equations in words, for `show` and for the documentation."""

from __future__ import annotations

from dataclasses import dataclass

from .classify import Plan
from .expr import infix
from .system import System, Words


@dataclass(frozen=True)
class Term:
    """One reaction or rate of a state: the signed formula and what the model text says of it."""

    name: str
    formula: str
    words: Words


@dataclass(frozen=True)
class Equation:
    """A state or rule: `clock` is linear, relaxing, slow or rule; `start` its starting value (states only)."""

    name: str
    clock: str
    unit: str
    start: str
    terms: tuple[Term, ...]
    words: Words

    @property
    def formula(self) -> str:
        """The right-hand side in one line."""
        text = " ".join(("" if t.formula.startswith("-") else "+ ") + t.formula for t in self.terms)
        return text.removeprefix("+ ") or "0"


def equations(system: System, plan: Plan) -> list[Equation]:
    """All states, then all rules."""
    clocks = {**dict.fromkeys(plan.linear, "linear"), **dict.fromkeys(plan.relaxing, "relaxing")}
    out = []
    for name, rate in system.rates.items():
        words = system.words.get(name, Words())
        terms = []
        for r in system.reactions.values():
            net = r.products.get(name, 0.0) - r.reactants.get(name, 0.0)
            if net:
                sign = "-" if net < 0 else ""
                many = "" if abs(net) == 1 else f"{abs(net):g}*"
                terms.append(Term(r.id, f"{sign}{many}{infix(r.rate, 2)}", system.words.get(r.id, Words())))
        if not terms:
            terms.append(Term(name, infix(rate), words))
        start = infix(system.starts[name])
        out.append(Equation(name, clocks.get(name, "slow"), system.units.get(name, ""), start, tuple(terms), words))
    for name, body in system.rules.items():
        words = system.words.get(name, Words())
        term = Term(name, infix(body), words)
        out.append(Equation(name, "rule", system.units.get(name, ""), "", (term,), words))
    return out
