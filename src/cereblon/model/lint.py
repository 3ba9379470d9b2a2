"""Lint of a model: what is not an error for the compiler but must not stay."""

from __future__ import annotations

from .cards import packaged_drugs
from .compose import PATIENT_TABLE
from .expr import free
from .model import Model
from .sbml import Finding


def check(model: Model) -> list[Finding]:
    """Findings on a compiled model, errors first.

    Errors: a unit inconsistency that libSBML reports, a reaction or rate without source, a parameter without unit or
    source. Warnings: unused parameters, claims missing, reactions without a name.
    """
    out = [Finding("error", f.place, f.message) for f in model.unit_findings]
    out += _unannotated(model)
    out += _parameters(model)
    return sorted(out, key=lambda f: f.severity != "error")


def _unannotated(model: Model) -> list[Finding]:
    out = []
    named = {**dict.fromkeys(model.system.reactions, "reaction")}
    reacting = {s for r in model.system.reactions.values() for s in (*r.reactants, *r.products)}
    named.update({s: "rate" for s in model.system.rates if s not in reacting})
    for name, kind in named.items():
        place = str(model.index.place(name) or name)
        words = model.system.words.get(name)
        if words is None or not words.sources:
            out.append(
                Finding(
                    "error",
                    place,
                    f"{kind} '{name}' has no source; expected notes \"claim: ...; source: ...\"",
                )
            )
        elif not words.says:
            out.append(Finding("warning", place, f"{kind} '{name}' does not say in words what it is"))
    return out


def _parameters(model: Model) -> list[Finding]:
    out = []
    system = model.system
    used = {n for e in [*system.rates.values(), *system.definitions.values(), *system.starts.values()] for n in free(e)}
    # a number of the patient may be read by a drug that is not on board
    whole = set(packaged_drugs()) <= {drug.name for drug in model.drugs}
    for p in model.parameters.values():
        place = f"{p.file}:{p.line}" if p.file else str(model.index.place(p.id) or p.id)
        for column in ("unit", "source"):
            if not getattr(p, column).strip():
                out.append(Finding("error", place, f"parameter '{p.id}' has no {column}"))
        needless = p.id not in used and p.id not in ("body", "default_compartment")
        if needless and (p.file != PATIENT_TABLE or whole):
            out.append(Finding("warning", place, f"parameter '{p.id}' is used nowhere in the model"))
    return out
