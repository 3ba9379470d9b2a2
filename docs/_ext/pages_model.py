"""Pages made from the model text: one for each Antimony file, the list of claims, and the parameters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cereblon.model import Model, load_model
from cereblon.model.documents import Document
from cereblon.model.equations import Equation
from cereblon.model.system import Words
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
    named = [(d, by_file[d.name]) for d in model.documents if by_file[d.name]]
    yield "model/index.md", _contents(named)
    for document, equations in named:
        yield f"model/{_stem(document)}.md", _fragment(document, equations)
    yield "model/claims.md", _claims(model)
    yield "parameters.md", _parameters(model)


def _stem(document: Document) -> str:
    return document.name.removesuffix(".ant").removesuffix("/effect").replace(" + kinetics/", "-")


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
        + f":::{{toctree}}\n:hidden:\n\n{entries}\n:::\n"
    )


def _fragment(document: Document, equations: list[Equation]) -> str:
    states = [e for e in equations if e.clock != "rule"]
    rules = [e for e in equations if e.clock == "rule"]
    title, _, more = _title(document).partition(": ")
    parts = [
        f"# {title}",
        f"{more[:1].upper()}{more[1:]}. From `{document.name}`." if more else f"From `{document.name}`.",
    ]
    if states:
        parts.append("## States")
        parts += [_state(e) for e in states]
    if rules:
        parts.append("## Rules")
        parts += [_rule(e) for e in rules]
    return "\n\n".join(parts) + "\n"


def _state(equation: Equation) -> str:
    facts = [f"Unit {_unit(equation.unit)}", CLOCKS[equation.clock], f"starts at {code(equation.start)}"]
    if equation.words.identity:
        facts.append("identity " + ", ".join(f"`{_short(name)}`" for name in equation.words.identity))
    changes = [f"- `{_signed(t.formula)}` ({t.name}){_meaning(t.words)}" for t in equation.terms]
    lines = [f"### {equation.name}", "; ".join(facts) + ". Change per day:", "\n".join(changes)]
    return "\n\n".join(lines)


def _rule(equation: Equation) -> str:
    words = _meaning(equation.words).removeprefix(": ")
    lines = [f"### {equation.name}", f"Unit {_unit(equation.unit)}. {words[:1].upper()}{words[1:]}".rstrip()]
    return "\n\n".join([*lines, f"```text\n{equation.formula}\n```"])


def _signed(formula: str) -> str:
    return formula if formula.startswith("-") else f"+{formula}"


def _meaning(words: Words) -> str:
    """Return what the model text says of an equation: words, claims, sources."""
    told = f": {cell(words.says)}." if words.says else ""
    basis = [f"Claim {cell(', '.join(words.claims))}"] if words.claims else []
    basis += [f"source {cell(', '.join(words.sources))}"] if words.sources else []
    return told + (f" *{'; '.join(basis)}.*" if basis else "")


def _short(identifier: str) -> str:
    return identifier.rsplit("/", 1)[-1]


def _unit(unit: str) -> str:
    return {"dimensionless": "1", "gcell": "10⁹ cells", "": "1"}.get(unit, unit.replace("_unit", ""))


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
