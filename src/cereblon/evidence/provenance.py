"""Where every number comes from, and what moves when it moves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from cereblon.clinic.criteria.tracker import TRUTH
from cereblon.clinic.site.decide import OBSERVED
from cereblon.errors import CereblonError, nearest
from cereblon.evidence.literature import Source, cited, statements
from cereblon.model import Model, Parameter
from cereblon.model.expr import free

STATUSES = ("measured", "derived", "calibrated", "assumed", "covariate")
ENDPOINTS = tuple(dict.fromkeys((*TRUTH, *OBSERVED)))
"""Observables of the model that the clinic reads: response assessments and toxicity, doses, flare and lysis."""


@dataclass(frozen=True)
class Chain:
    """The chain of one name: what it rests on and what rests on it.

    `parameters` are its own row, or the rows in the equation of a state or rule, or of the equations of a claim;
    `equations` the states, rules, reactions and constants that hold it; `claims` what these stand for; `states` all
    states that move with it, at any distance; `endpoints` the readings of the clinic among what moves.
    """

    name: str
    kind: str
    parameters: tuple[Parameter, ...]
    equations: tuple[str, ...]
    claims: tuple[str, ...]
    states: tuple[str, ...]
    endpoints: tuple[str, ...]
    sources: tuple[Source, ...]


class Provenance:
    """Answers for one model, its names linked once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        system = model.system
        bodies = {**system.definitions, **system.rates}
        uses = {name: free(body) for name, body in bodies.items()}
        for name, body in system.starts.items():
            uses[name] = uses.get(name, frozenset()) | free(body)
        for reaction in system.reactions.values():
            for species in {**reaction.reactants, **reaction.products}:
                uses[species] = uses[species] | {reaction.id}
        self._uses = uses
        self._users: dict[str, set[str]] = defaultdict(set)
        for name, used in uses.items():
            for other in used:
                self._users[other].add(name)
        self._order = {name: place for place, name in enumerate(uses)}

    def shares(self) -> dict[str, dict[str, int]]:
        """Return organ -> status -> number of parameters; organs in order of name."""
        table: dict[str, Counter[str]] = defaultdict(Counter)
        for p in self.model.parameters.values():
            table[p.organ or "other"][p.status] += 1
        return {organ: {s: table[organ][s] for s in STATUSES} for organ in sorted(table)}

    def recalled(self) -> tuple[Parameter, ...]:
        """Return the parameters whose source was recalled, not read."""
        return tuple(p for p in self.model.parameters.values() if p.evidence == "recalled")

    def moved(self, names: Iterable[str]) -> frozenset[str]:
        """Return everything that depends on any of the names, at any distance, in time too."""
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            for user in self._users.get(waiting.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    waiting.append(user)
        return frozenset(seen)

    def chain(self, name: str) -> Chain:
        """Return the chain of a parameter, state, rule, reaction or claim. Raises CereblonError for another name."""
        model = self.model
        if name in model.parameters:
            return self._chain(name, "parameter", (name,), self._direct((name,)))
        if name in self._uses:
            kind = "state" if name in model.system.rates else "reaction" if name in model.system.reactions else "rule"
            return self._chain(name, kind, self._inside(name), (name,), (name,))
        if name in statements():
            held = self._standing_for(name)
            inside = tuple(dict.fromkeys(p for equation in held for p in self._inside(equation)))
            switches = [p.id for p in model.parameters.values() if name in cited(p.source)[1]]
            return self._chain(name, "claim", (*dict.fromkeys((*inside, *switches)),), held, held)
        known = [*model.parameters, *self._uses, *statements()]
        hint = nearest(name, known)
        raise CereblonError(f"provenance '{name}': no parameter, state, rule or claim has this name{hint}")

    def _chain(
        self, name: str, kind: str, parameters: Iterable[str], equations: Iterable[str], roots: Iterable[str] = ()
    ) -> Chain:
        rows = tuple(self.model.parameters[p] for p in parameters)
        equations = tuple(equations)
        words = self.model.system.words
        noted = [words[e] for e in equations if e in words]
        own = [c for p in rows for c in cited(p.source)[1]] if kind == "parameter" else []
        claims = dict.fromkeys([*(c for w in noted for c in w.claims), *own])
        if kind == "claim":
            claims = {name: None}
        moved = self.moved(roots or (name,)) | frozenset(roots)
        listed = {s.id: s for p in rows for s in cited(p.source)[0]}
        listed |= {s.id: s for w in noted for s in cited(w.sources)[0]} if kind != "parameter" else {}
        return Chain(
            name,
            kind,
            rows,
            equations,
            tuple(claims),
            tuple(s for s in self.model.states if s in moved),
            tuple(e for e in ENDPOINTS if e in moved),
            tuple(listed.values()),
        )

    def _direct(self, names: Iterable[str]) -> tuple[str, ...]:
        """Equations that hold a name, the constants computed from it followed."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            for user in self._users.get(waiting.pop(), ()):
                if user not in found:
                    found.add(user)
                    if user in self.model.system.derived:
                        waiting.append(user)
        return tuple(sorted(found, key=self._order.__getitem__))

    def _inside(self, name: str) -> tuple[str, ...]:
        """Parameters in the equation of a name, reactions and derived constants of it followed."""
        system = self.model.system
        followed = {**system.derived, **{r: None for r in system.reactions}}
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            for used in sorted(self._uses.get(waiting.pop(), ()), key=lambda n: self._order.get(n, -1)):
                if used in self.model.parameters:
                    found[used] = None
                elif used in followed and used not in seen:
                    seen.add(used)
                    waiting.append(used)
        return tuple(found)

    def _standing_for(self, claim: str) -> tuple[str, ...]:
        words = self.model.system.words
        held = [name for name in self._uses if name in words and claim in words[name].claims]
        for p in self.model.parameters.values():
            if claim in cited(p.source)[1]:
                held += [e for e in self._direct((p.id,)) if e not in held]
        return tuple(dict.fromkeys(held))
