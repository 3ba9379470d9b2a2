"""The mechanism graph: who acts on whom in the model, with sign, equations, parameters, claims and references.

Nodes and edges come from the compiled model alone (nodes.py, arrows.py); claims and sources from its notes and its
parameter rows; references from the review's list and the evidence behind its statements (literature.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cereblon.evidence.arrows import Arrow, Arrows
from cereblon.evidence.literature import Source, cited, published, references, statements
from cereblon.evidence.nodes import Node, find_nodes
from cereblon.model import Model, load_model
from cereblon.model.rewire import Wire, rewire

PART = "part: the whole is the sum of its parts, which is no influence"
MINOR = "sum: less than 5 % of a plain sum of counts"
UNCITED = "bookkeeping: no statement of the review stands behind the equation"
_MINOR_SHARE = 0.05


@dataclass(frozen=True)
class Term:
    """One formula behind an edge, in words where the model text has them."""

    name: str
    formula: str
    says: str


@dataclass(frozen=True)
class Edge:
    """A signed influence with its evidence.

    sign: +1 or -1; `strength` and `steady` as in `Arrow`; `drug`: the source stands still without treatment, so this is
    an arrow from the drug; `refs`: numbers of the review's reference list; `sources`: what the equations and the
    parameters cite; `links`: addresses of these and of the published evidence for the claims, `dois` among them.
    """

    id: str
    source: str
    target: str
    sign: int
    strength: float
    steady: float
    drug: bool
    terms: tuple[Term, ...]
    parameters: tuple[str, ...]
    claims: tuple[str, ...]
    refs: tuple[int, ...]
    sources: tuple[Source, ...]
    dois: tuple[str, ...]
    links: tuple[str, ...]


@dataclass(frozen=True)
class Excluded:
    """An influence of the equations that is not drawn, and the rule it falls under."""

    source: str
    target: str
    why: str


@dataclass(frozen=True)
class MechanismGraph:
    """Nodes and edges by id, what was left out, and the model they were derived from."""

    nodes: Mapping[str, Node]
    edges: Mapping[str, Edge]
    excluded: tuple[Excluded, ...]
    fingerprint: str

    def reference_texts(self) -> dict[int, str]:
        """Return the references that any edge carries, by number."""
        used = {n for e in self.edges.values() for n in e.refs}
        return {n: references()[n] for n in sorted(used)}


@lru_cache(maxsize=32)
def mechanism_graph(model: Model | None = None) -> MechanismGraph:
    """Return the graph of a model, by default the packaged one."""
    model = model or load_model()
    nodes = find_nodes(model)
    arrows = Arrows(model, nodes)
    found = arrows.all()
    still = _still_without_drug(model, nodes, found)
    formulas = _formulas(model)
    edges: dict[str, Edge] = {}
    excluded = []
    for arrow in found:
        edge = _edge(model, arrow, arrow.source in still, nodes, formulas)
        stated = edge.refs or _of_own_drug(nodes, arrow)  # no review speaks of a drug that somebody made up
        why = PART if _is_part(nodes, arrow) else MINOR if _is_minor(arrows, arrow) else "" if stated else UNCITED
        if why:
            excluded.append(Excluded(arrow.source, arrow.target, why))
        else:
            edges[edge.id] = edge
    return MechanismGraph(nodes, edges, tuple(excluded), model.fingerprint)


def _of_own_drug(nodes: Mapping[str, Node], arrow: Arrow) -> str:
    """Return the prefix of the user's drug at either end of an arrow, or nothing."""
    return nodes[arrow.source].prefix or nodes[arrow.target].prefix


def _is_part(nodes: Mapping[str, Node], arrow: Arrow) -> bool:
    return nodes[arrow.source].whole == arrow.target


def _is_minor(arrows: Arrows, arrow: Arrow) -> bool:
    return abs(arrow.strength) < _MINOR_SHARE and arrows.is_sum(arrow)


def _still_without_drug(model: Model, nodes: Mapping[str, Node], arrows: Iterable[Arrow]) -> frozenset[str]:
    """Nodes that no untreated movement reaches: the drug, what it binds, and what only it moves."""
    start = model.initial()
    rates = model.rhs(start)
    dosed = {entry.state for entry in model.entries.values()}
    drugs = {n.id for n in nodes.values() if dosed & set(n.quantities)}
    moving = {
        n.id
        for n in nodes.values()
        if n.id not in drugs and any(abs(float(rates[q])) > 1e-12 for q in n.quantities if q in rates)
    }
    forward: dict[str, set[str]] = {}
    for a in arrows:
        if a.target not in drugs:
            forward.setdefault(a.source, set()).add(a.target)
    waiting = list(moving)
    while waiting:
        new = forward.get(waiting.pop(), set()) - moving
        moving |= new
        waiting += new
    return frozenset(nodes) - moving


def _formulas(model: Model) -> dict[str, str]:
    found = {}
    for equation in model.equations():
        for term in equation.terms:
            found[term.name] = term.formula.removeprefix("-")
    return found


def _edge(model: Model, arrow: Arrow, drug: bool, nodes: Mapping[str, Node], formulas: Mapping[str, str]) -> Edge:
    words = model.system.words
    noted = [n for n in (*arrow.terms, *arrow.path) if n in words]
    own = _of_own_drug(nodes, arrow)
    if own:  # what the patient's equations cite is not about this drug
        noted = [n for n in noted if n.startswith(own)]
    elif not any(words[n].claims for n in noted):
        noted += [q for q in nodes[arrow.target].quantities if q in words]
    rows = [cited(model.parameters[p].source) for p in arrow.parameters if p.startswith(own)]
    claims = dict.fromkeys([*(c for n in noted for c in words[n].claims), *(c for _, cs in rows for c in cs)])
    kept = _fitting(claims, drug)
    listed = {s.id: s for n in noted for s in cited(words[n].sources)[0]} | {s.id: s for ss, _ in rows for s in ss}
    behind = [*listed.values(), *(s for c in kept for s in published(c))]
    return Edge(
        id=f"{arrow.source}--{arrow.target}",
        source=arrow.source,
        target=arrow.target,
        sign=arrow.sign,
        strength=arrow.strength,
        steady=arrow.steady,
        drug=drug,
        terms=_terms(model, arrow, formulas),
        parameters=arrow.parameters,
        claims=kept,
        refs=tuple(sorted({n for c in kept for n in statements()[c].refs})),
        sources=tuple(listed.values()),
        dois=tuple(dict.fromkeys(s.doi for s in behind if s.doi)),
        links=tuple(dict.fromkeys(s.url for s in behind if s.url)),
    )


def _fitting(claims: Iterable[str], drug: bool) -> tuple[str, ...]:
    """An arrow from the drug keeps the statements on the drug, another one those on the untreated niche, if it has any.

    Statements on the clinic stay with both.
    """
    known = [c for c in claims if c in statements()]
    part = "drug" if drug else "microenvironment"
    own = [c for c in known if statements()[c].part in (part, "clinic")]
    return tuple(own if any(statements()[c].refs for c in own) else known)


def _terms(model: Model, arrow: Arrow, formulas: Mapping[str, str]) -> tuple[Term, ...]:
    """The formulas of the edge, one for each sentence: clones and pools of one kind say the same."""
    out: dict[str, Term] = {}
    for name in arrow.terms:
        words = model.system.words.get(name)
        says = words.says if words is not None else ""
        out.setdefault(says or name, Term(name, formulas.get(name, ""), says))
    return tuple(out.values())


def wire_of(graph: MechanismGraph, edge: Edge | str) -> Wire:
    """Return the wire that an edge stands for: all quantities of its source on all of its target."""
    found = graph.edges[edge] if isinstance(edge, str) else edge
    source, target = graph.nodes[found.source], graph.nodes[found.target]
    return Wire(f"{found.source}__{found.target}", source.quantities, target.quantities)


def switchable(graph: MechanismGraph, edges: Iterable[Edge | str], model: Model | None = None) -> Model:
    """Return a model in which the sign of each of the edges has a switch, `wire_of(graph, edge).switch`: 1 or 0."""
    closed = [q for n in graph.nodes.values() for q in n.quantities]
    return rewire(model or load_model(), [wire_of(graph, e) for e in edges], closed)
