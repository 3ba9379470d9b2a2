"""Lint of a model: what is not an error for the compiler but must not stay."""

from __future__ import annotations

from collections.abc import Iterator

from cereblon.antimony.lexer import ARROWS, Token, normal, statements, words
from cereblon.documents.findings import Finding

from .cards import packaged_drugs
from .compose import PATIENT_TABLE
from .expr import free
from .model import Model


def check(model: Model) -> list[Finding]:
    """Findings on a compiled model, errors first.

    Errors: a unit inconsistency that libSBML reports, a reaction or rate without source, a parameter without unit or
    source, a number in a formula that is no parameter. Warnings: unused parameters, reactions without words.
    """
    out = [Finding("error", f.place, f.message, f.rule) for f in model.unit_findings]
    out += _unannotated(model)
    out += _parameters(model)
    out += _bare_numbers(model)
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
                    "sources",
                )
            )
        elif not words.says:
            out.append(Finding("warning", place, f"{kind} '{name}' does not say in words what it is", "words"))
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
                out.append(Finding("error", place, f"parameter '{p.id}' has no {column}", "rows"))
        needless = p.id not in used and p.id not in ("body", "default_compartment")
        if needless and (p.file != PATIENT_TABLE or whole):
            out.append(Finding("warning", place, f"parameter '{p.id}' is used nowhere in the model", "unused"))
    return out


def _bare_numbers(model: Model) -> list[Finding]:
    """A number that stands in a formula has no unit, no source and no name; 0, 1, 2 and exponents need none."""
    out = []
    for document in model.documents:
        for statement in statements(words(normal(document.text))):
            for number in _numbers(_formula(statement)):
                place = f"{document.name}:{document.line(number.line)}"
                what = f"number {number.text} in the formula of '{statement[0].text}'; expected a parameter with a row"
                out.append(Finding("error", place, f"{what} (0, 1, 2 and exponents may stand bare)", "bare-numbers"))
    return out


def _formula(statement: list[Token]) -> list[Token]:
    """The right-hand side of a rule, rate or reaction, or of a constant that is made of others; else nothing."""
    texts = [t.text for t in statement]
    if ";" in texts and ARROWS & set(texts):
        return statement[texts.index(";") + 1 :]
    if texts[1:3] == ["'", "="] or texts[1:2] == [":="]:
        return statement[texts.index("=" if texts[1] == "'" else ":=") + 1 :]
    if texts[1:2] == ["="] and any(t.kind == "word" for t in statement[2:]):
        return statement[2:]
    return []


def _numbers(formula: list[Token]) -> Iterator[Token]:
    """Numbers of a formula other than 0, 1, 2 and those in an exponent."""
    closing = 0  # parentheses that are open within an exponent
    power = False  # whether an exponent begins here
    for token in formula:
        if closing:
            closing += (token.text == "(") - (token.text == ")")
        elif power and token.text == "(":
            closing = 1
        elif token.kind == "number" and not power and float(token.text) not in (0.0, 1.0, 2.0):
            yield token
        power = token.text == "^" or (power and token.text in "+-")
