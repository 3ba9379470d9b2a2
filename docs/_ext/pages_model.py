"""Pages made from the model text: one for each Antimony file, the list of claims, and the parameters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cereblon.model import Model, load_model
from cereblon.model.documents import Document, packaged
from cereblon.model.equations import Equation
from pages_markdown import cell, code, table

CLOCKS = {
    "linear": "fast clock, linear: exact propagator",
    "relaxing": "fast clock, relaxing: exponential step",
    "slow": "slow clock",
}


def model_pages() -> Iterator[tuple[str, str]]:
    """Yield the model's pages."""
    model = load_model()
    by_file: dict[str, list[Equation]] = defaultdict(list)
    for equation in model.equations():
        place = model.index.place(equation.name)
        if place is not None:
            by_file[place.file].append(equation)
    named = [(d, by_file[d.name]) for d in packaged() if by_file[d.name]]
    yield "model/index.md", _contents(named)
    for document, equations in named:
        yield f"model/{_stem(document)}.md", _fragment(document, equations)
    yield "model/claims.md", _claims(model)
    yield "parameters.md", _parameters(model)


def _stem(document: Document) -> str:
    return document.name.removesuffix(".ant")


def _title(document: Document) -> str:
    return document.text.splitlines()[0].lstrip("/ ").strip()


def _contents(named: list[tuple[Document, list[Equation]]]) -> str:
    rows = [
        (
            f"[]({_stem(document)}.md)",
            str(sum(e.clock != "rule" for e in equations)),
            str(sum(e.clock == "rule" for e in equations)),
        )
        for document, equations in named
    ]
    entries = "\n".join(_stem(document) for document, _ in named)
    return (
        "# The equations\n\nOne page for each file of the model text, made from it at build time.\n\n"
        + table(["page", "states", "rules"], rows)
        + "\n[](claims.md) lists the equations by claim.\n\n"
        + f":::{{toctree}}\n:hidden:\n\n{entries}\nclaims\n:::\n"
    )


def _fragment(document: Document, equations: list[Equation]) -> str:
    states = [e for e in equations if e.clock != "rule"]
    rules = [e for e in equations if e.clock == "rule"]
    parts = [f"# {_title(document)}", f"From `{document.name}`."]
    if states:
        parts.append("## States")
        parts += [_state(e) for e in states]
    if rules:
        parts.append("## Rules")
        rows = [(code(e.name), cell(_unit(e.unit)), code(e.formula), cell(e.words.says)) for e in rules]
        parts.append(table(["name", "unit", "is", "in words"], rows))
    return "\n\n".join(parts) + "\n"


def _state(equation: Equation) -> str:
    lines = [
        f"### {equation.name}",
        f"Unit {_unit(equation.unit)}; {CLOCKS[equation.clock]}; starts at {code(equation.start)}.",
    ]
    if equation.words.identity:
        lines.append("Identity: " + ", ".join(f"`{_short(name)}`" for name in equation.words.identity) + ".")
    rows = [
        (
            code(term.name),
            code(term.formula),
            cell(term.words.says),
            cell(", ".join(term.words.claims)),
            cell(", ".join(term.words.sources)),
        )
        for term in equation.terms
    ]
    heads = ["change", "rate per day", "in words", "claim", "source"]
    return "\n\n".join([*lines, table(heads, rows)])


def _short(identifier: str) -> str:
    return identifier.rsplit("/", 1)[-1]


def _unit(unit: str) -> str:
    return {"dimensionless": "1", "gcell": "10⁹ cells", "": "1"}.get(unit, unit)


def _claims(model: Model) -> str:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for equation in model.equations():
        for term in equation.terms:
            for claim in term.words.claims:
                found[claim][term.name] = term.words.says
    rows = [
        (
            code(claim),
            ", ".join(code(name) for name in sorted(found[claim])),
            cell("; ".join(_distinct(found[claim]))),
        )
        for claim in sorted(found)
    ]
    intro = "A claim is a statement of the literature on mechanism; here are its equations.\n"
    return f"# Claims\n\n{intro}\n" + table(["claim", "equations", "in words"], rows)


def _distinct(says: dict[str, str]) -> list[str]:
    return list(dict.fromkeys(text for text in says.values() if text))


def _parameters(model: Model) -> str:
    by_organ: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    for p in model.parameters.values():
        counts[p.status] += 1
        spread = f"{p.distribution} {p.spread:g}" if p.distribution != "none" else ""
        row = (
            code(p.id),
            f"{p.value:g}",
            cell(_unit(p.unit)),
            cell(spread),
            p.status,
            cell(p.source),
            p.evidence,
        )
        by_organ[p.organ or "other"].append((*row, cell(p.note)))
    summary = ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
    parts = [
        "# Parameters",
        f"{len(model.parameters)} parameters: {summary}. A covariate is set for each subject; its value "
        "here is that of the reference patient. The spread is the between-subject standard deviation on the "
        "scale of the distribution. Evidence: the source was read, recalled, or the value assumed.",
    ]
    heads = ["name", "value", "unit", "spread", "status", "source", "evidence", "note"]
    for organ in sorted(by_organ):
        parts += [f"## {organ.replace('_', ' ')}", table(heads, by_organ[organ])]
    return "\n\n".join(parts) + "\n"
