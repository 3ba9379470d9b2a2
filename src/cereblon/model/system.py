"""The equations of a model as plain data: states with their rates, rules, constants, starting values, words."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cereblon.errors import nearest

from .documents import Index
from .expr import ZERO, Expr, add, free, mul, neg, num, substitute, sym
from .sbml import ModelError


@dataclass(frozen=True)
class Words:
    """What a note of the model text says: claims, sources, one sentence.

    `identity` holds the MIRIAM addresses of what a name is, `place` those of the cell or organ it occurs in.
    """

    claims: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    says: str = ""
    identity: tuple[str, ...] = ()
    place: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reaction:
    """A movement, birth or death: species with their stoichiometry (loss negative) and the rate."""

    id: str
    reactants: dict[str, float]
    products: dict[str, float]
    rate: Expr


@dataclass
class System:
    """All equations. `rates` holds d/dt of every state in 1/day units of the state; rules are sorted, operands first.

    `constants` are numbers; `derived` are constants computed from others at the start; `starts` the starting value
    of every state as an expression of constants.
    """

    rates: dict[str, Expr] = field(default_factory=dict)
    rules: dict[str, Expr] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    derived: dict[str, Expr] = field(default_factory=dict)
    starts: dict[str, Expr] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    words: dict[str, Words] = field(default_factory=dict)

    @property
    def definitions(self) -> dict[str, Expr]:
        """Rules, reaction rates and derived constants: every name that stands for an expression."""
        return {**self.derived, **self.rules, **{r.id: r.rate for r in self.reactions.values()}}


def read_system(document: Any, index: Index) -> System:
    """Walk a libSBML document. Raises ModelError, with file:line, for whatever the engine cannot honour."""
    model = document.getModel()
    _refuse(model)
    out = System()
    starting: dict[str, Expr] = {}
    ruled = {r.getVariable() for r in model.getListOfRules()}
    rated = {r.getVariable() for r in model.getListOfRules() if r.isRate()}
    assigned = {a.getSymbol(): _math(a, a.getSymbol(), index) for a in model.getListOfInitialAssignments()}
    for p in [*model.getListOfParameters(), *model.getListOfCompartments()]:
        name = p.getId()
        compartment = hasattr(p, "getSize")
        value = p.getSize() if compartment else p.getValue()
        out.units[name] = p.getUnits() if p.isSetUnits() else ""
        out.words[name] = _words(p)
        given = p.isSetSize() if compartment else p.isSetValue()
        if name in assigned:
            starting[name] = assigned[name]
        elif given:
            starting[name] = num(value)
        elif name not in ruled and name != "default_compartment":
            known = [q.getId() for q in model.getListOfParameters() if q.getId() != name]
            raise ModelError(f"{index.place(name) or 'model'}: '{name}' is used but not defined{nearest(name, known)}")
    for s in model.getListOfSpecies():
        name = s.getId()
        _refuse_species(s, name in ruled and name not in rated, index)
        out.units[name] = s.getSubstanceUnits() if s.isSetSubstanceUnits() else "gcell"
        out.words[name] = _words(s)
        if name in assigned:
            starting[name] = assigned[name]
        elif s.isSetInitialAmount():
            starting[name] = num(s.getInitialAmount())
        elif name not in ruled:
            raise ModelError(f"{index.place(name) or name}: species '{name}' has no starting amount")
        out.rates[name] = ZERO
    for r in model.getListOfReactions():
        _read_reaction(r, out, index)
    for rule in model.getListOfRules():
        name, math = rule.getVariable(), _math(rule, rule.getVariable(), index)
        if rule.isRate():
            out.rates[name] = math
        else:
            out.rules[name] = math
    out.rules = sorted_rules(out, index)
    for name in list(starting):
        if name in out.rates:
            out.starts[name] = starting.pop(name)
        elif name in out.rules:
            starting.pop(name)
        elif starting[name].op == "num":
            out.constants[name] = float(starting[name].value or 0.0)
        else:
            out.derived[name] = starting[name]
    for name in out.rates:
        if name not in out.starts:
            raise ModelError(f"{index.place(name) or name}: state '{name}' has no starting value")
    _check_names(out, index)
    return out


def fold(system: System, neutral: Mapping[str, float]) -> None:
    """Put numbers in the place of constants that say that nothing acts, and of rules that become numbers by it.

    The constants leave the system, so that a model without a drug is the same whether or not it has a place for it;
    the rules stay, to be read.
    """
    known = {name: num(value) for name, value in neutral.items()}
    memo: dict[Expr, Expr] = {}

    def put(e: Expr) -> Expr:
        return substitute([e], lambda x: known.get(str(x.value)) if x.op == "sym" else None, memo)[0]

    for name in known:
        system.constants.pop(name, None)
        system.units.pop(name, None)
        system.words.pop(name, None)
    for name, body in system.rules.items():  # operands first
        system.rules[name] = put(body)
        if system.rules[name] is not body and system.rules[name].op == "num":
            known[name] = system.rules[name]
            memo.clear()
    for table in (system.rates, system.derived, system.starts):
        table.update({name: put(body) for name, body in table.items()})
    system.reactions.update({r.id: replace(r, rate=put(r.rate)) for r in system.reactions.values()})


def _refuse(model: Any) -> None:
    refused = {
        "an event": model.getNumEvents(),
        "a function definition": model.getNumFunctionDefinitions(),
        "a constraint": model.getNumConstraints(),
    }
    for what, count in refused.items():
        if count:
            raise ModelError(f"model text: {what} is not supported; expected reactions, rules and values only")
    if any(r.isAlgebraic() for r in model.getListOfRules()):
        raise ModelError("model text: an algebraic rule is not supported; expected x := ... or x' = ...")


def _refuse_species(s: Any, computed: bool, index: Index) -> None:
    """Raise ModelError for a species that is no amount moved by reactions; `computed` where a rule gives it."""
    name = s.getId()
    place = index.declared(name) or name
    if not s.getHasOnlySubstanceUnits():
        raise ModelError(f"{place}: species '{name}' must be declared 'substanceOnly species'")
    if s.getBoundaryCondition() or s.getConstant():
        what = "is held constant ($ or const), which is not supported; expected a parameter"
        raise ModelError(f"{place}: species '{name}' {what}")
    if computed:
        what = "has a rule x := ..., which is not supported for a species; expected another name"
        raise ModelError(f"{index.place(name) or name}: species '{name}' {what}")


def _math(element: Any, name: str, index: Index) -> Expr:
    from .mathml import FormulaError, expression

    math = element.getMath()
    if math is None:
        raise ModelError(f"{index.place(name) or name}: '{name}' has no formula")
    try:
        return expression(math)
    except FormulaError as error:
        raise ModelError(f"{index.place(name) or name}: {error}") from None


def _read_reaction(r: Any, out: System, index: Index) -> None:
    name = r.getId()
    law = r.getKineticLaw()
    if law is None:
        raise ModelError(f"{index.place(name) or name}: reaction '{name}' has no rate")
    sides: list[dict[str, float]] = []
    for references in (r.getListOfReactants(), r.getListOfProducts()):
        side: dict[str, float] = {}
        for reference in references:
            species = reference.getSpecies()
            _refuse_moving(reference, r, index)
            side[species] = side.get(species, 0.0) + reference.getStoichiometry()
        sides.append(side)
    reactants, products = sides
    out.reactions[name] = Reaction(name, reactants, products, _math(law, name, index))
    out.words[name] = _words(r)
    for species in {**reactants, **products}:
        net = products.get(species, 0.0) - reactants.get(species, 0.0)
        rate = sym(name) if net == 1.0 else neg(sym(name)) if net == -1.0 else mul(num(net), sym(name))
        out.rates[species] = add(out.rates[species], rate)


def _refuse_moving(reference: Any, r: Any, index: Index) -> None:
    """Raise ModelError for a number of molecules that is a formula and not a number."""
    name, model = reference.getId(), r.getModel()
    computed = name and (model.getInitialAssignment(name) or model.getRule(name))
    if computed or not reference.isSetStoichiometry():
        place = index.place(r.getId()) or r.getId()
        raise ModelError(f"{place}: reaction '{r.getId()}' takes '{name}' of a species; expected a number")


def sorted_rules(system: System, index: Index) -> dict[str, Expr]:
    """Rules with operands first. Raises ModelError for a rule that needs itself."""
    rules = system.rules
    laws = {r.id: r.rate for r in system.reactions.values()}
    order: dict[str, Expr] = {}
    state: dict[str, int] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if state.get(name) == 2:
            return
        if state.get(name) == 1:
            loop = " -> ".join([*path[path.index(name) :], name])
            raise ModelError(f"{index.place(name) or name}: rule '{name}' depends on itself ({loop})")
        state[name] = 1
        body = rules.get(name, laws.get(name))
        if body is not None:
            for used in sorted(free(body)):
                if used in rules or used in laws:
                    visit(used, (*path, name))
        state[name] = 2
        if name in rules:
            order[name] = rules[name]

    for name in [*rules, *laws]:
        visit(name, ())
    return order


def _check_names(system: System, index: Index) -> None:
    known = {*system.rates, *system.constants, *system.definitions}
    bodies = [*system.rates.values(), *system.definitions.values(), *system.starts.values()]
    for body in bodies:
        for name in free(body) - known:
            raise ModelError(f"{index.place(name) or 'model'}: '{name}' is used but not defined{nearest(name, known)}")
    settled: dict[str, bool] = {}

    def constant(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ModelError(f"{index.place(name) or name}: starting value of '{name}' depends on itself")
        if name in settled:
            return
        body = system.starts.get(name, system.definitions.get(name))
        for used in free(body) if body is not None else ():
            constant(used, (*path, name))
        settled[name] = True

    for name in [*system.starts, *system.derived]:
        constant(name, ())


def _words(element: Any) -> Words:
    identity, place = _addresses(element, "is"), _addresses(element, "occursIn")
    if not element.isSetNotes():
        return Words(identity=identity, place=place)
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", element.getNotesString())).split())
    parts = {"claim": "", "source": "", "says": ""}
    for part in re.split(r";\s*(?=(?:claim|source|says)\s*:)", text):
        key, found, value = part.partition(":")
        if found and key.strip() in parts:
            parts[key.strip()] = value.strip()
        elif not parts["says"]:
            parts["says"] = part.strip()
    listed = [tuple(w.strip() for w in parts[k].split(",") if w.strip()) for k in ("claim", "source")]
    return Words(listed[0], listed[1], parts["says"], identity, place)


def _addresses(element: Any, qualifier: str) -> tuple[str, ...]:
    """The addresses that an annotation gives with a biological qualifier of the BioModels vocabulary."""
    import libsbml

    out: list[str] = []
    for i in range(element.getNumCVTerms()):
        term = element.getCVTerm(i)
        if libsbml.BiolQualifierType_toString(term.getBiologicalQualifierType()) == qualifier:
            out += [term.getResourceURI(j) for j in range(term.getNumResources())]
    return tuple(out)
