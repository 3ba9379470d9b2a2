"""The mechanism graph as files for other programs: GraphML, CX2 for Cytoscape and NDEx, INDRA statements."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cereblon.errors import CereblonError, nearest
from cereblon.evidence.documents import load_systems
from cereblon.evidence.graph import Edge, MechanismGraph
from cereblon.evidence.literature import references, statements
from cereblon.evidence.nodes import Node

NAME = f"{load_systems().drug.capitalize()} in chronic lymphocytic leukemia: mechanism graph of Cereblon"
_AMOUNTS = ("molecule", "cell", "drug", "finding")


def graph_text(graph: MechanismGraph, path: Path) -> str:
    """Return the graph in the format that the ending of `path` names.

    Raises CereblonError for another ending, or where the library of a format is not installed.
    """
    return WRITERS[require_ending(path)](graph)


def require_ending(path: Path) -> str:
    """Return the ending of a path if it names a format; raises CereblonError for another ending."""
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise CereblonError(f"{path}: expected an ending of {', '.join(WRITERS)}{nearest(suffix, WRITERS)}")
    return suffix


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise CereblonError(f"this format needs {package}; install it with: pip install 'cereblon[graph]'") from None


def node_data(node: Node) -> dict[str, Any]:
    """Return a node as plain data: text, and lists of text."""
    return {
        "name": node.name,
        "kind": node.kind,
        "identifier": node.identifier,
        "identifiers": list(node.identifiers),
        "place": node.place,
        "place_name": node.place_name,
        "quantities": list(node.quantities),
        "clinical_readings": list(node.reads),
        "part_of": node.whole,
        "says": node.says,
    }


def edge_data(edge: Edge) -> dict[str, Any]:
    """Return an edge as plain data: text, numbers, and lists of them."""
    return {
        "sign": edge.sign,
        "interaction": "increases" if edge.sign > 0 else "decreases",
        "strength": edge.strength,
        "sign_is_steady": edge.steady,
        "from_drug": edge.drug,
        "equations": [f"{t.name} = {t.formula}" for t in edge.terms],
        "says": [t.says for t in edge.terms if t.says],
        "parameters": list(edge.parameters),
        "claims": list(edge.claims),
        "references": list(edge.refs),
        "sources": [s.id for s in edge.sources],
        "dois": list(edge.dois),
        "links": list(edge.links),
    }


def graphml(graph: MechanismGraph) -> str:
    """Return GraphML; lists become text parted by '; ', which is what GraphML can hold."""
    networkx = _library("networkx")
    out = networkx.DiGraph(name=NAME, model=graph.fingerprint, references=json.dumps(graph.reference_texts()))
    for node in graph.nodes.values():
        out.add_node(node.id, **_flat(node_data(node)))
    for edge in graph.edges.values():
        out.add_edge(edge.source, edge.target, id=edge.id, **_flat(edge_data(edge)))
    held = io.BytesIO()
    networkx.write_graphml(out, held)
    return held.getvalue().decode("utf-8")


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    return {k: "; ".join(map(str, v)) if isinstance(v, list) else v for k, v in data.items()}


def cx2(graph: MechanismGraph) -> str:
    """Return CX2, the network format of Cytoscape and NDEx."""
    network = _library("ndex2.cx2").CX2Network()
    texts = [f"{n}. {text}" for n, text in graph.reference_texts().items()]
    network.set_network_attributes({"name": NAME, "model": graph.fingerprint, "references": texts})
    numbers = {}
    for node in graph.nodes.values():
        data = {**_full(node_data(node)), "represents": node.identifier}
        numbers[node.id] = network.add_node(attributes=data)
    for edge in graph.edges.values():
        network.add_edge(
            source=numbers[edge.source],
            target=numbers[edge.target],
            attributes={"name": edge.id, **_full(edge_data(edge))},
        )
    return json.dumps(network.to_cx2())


def _full(data: dict[str, Any]) -> dict[str, Any]:
    """CX2 declares the type of an attribute from its values, so nothing empty is written."""
    return {k: v for k, v in data.items() if v not in ("", [])}


def indra(graph: MechanismGraph) -> str:
    """Return INDRA statements: amounts of molecules and cells, activities of processes and complexes."""
    return json.dumps([_statement(graph, edge) for edge in graph.edges.values()], indent=1)


def _statement(graph: MechanismGraph, edge: Edge) -> dict[str, Any]:
    target = graph.nodes[edge.target]
    amount = target.kind in _AMOUNTS and not target.identifier.startswith("GO:")
    kinds = ("IncreaseAmount", "DecreaseAmount") if amount else ("Activation", "Inhibition")
    key = f"cereblon:{graph.fingerprint}:{edge.id}"
    return {
        "type": kinds[0 if edge.sign > 0 else 1],
        "subj": _agent(graph.nodes[edge.source]),
        "obj": _agent(target),
        **({} if amount else {"obj_activity": "activity"}),
        "belief": 1,
        "evidence": _evidence(edge),
        "id": str(uuid5(NAMESPACE_URL, key)),
    }


def _agent(node: Node) -> dict[str, Any]:
    refs: dict[str, str] = {"TEXT": node.name}
    for identifier in node.identifiers:
        prefix, _, number = identifier.partition(":")
        key = {"uniprot": "UP"}.get(prefix, prefix.upper())
        refs.setdefault(key, identifier if prefix in ("CHEBI", "GO", "HP", "CL") else number)
    if node.place:
        refs["PLACE"] = node.place
    return {"name": node.name, "db_refs": refs}


def _evidence(edge: Edge) -> list[dict[str, Any]]:
    """One piece of evidence for each claim, with its references; the equation and its parameters with each.

    An arrow of a user's drug may stand for no claim: then its own text is the evidence.
    """
    shared = {k: v for k, v in edge_data(edge).items() if k in ("equations", "parameters", "sources", "strength")}
    out = []
    for claim in edge.claims:
        statement = statements()[claim]
        cites = {str(n): references()[n] for n in statement.refs}
        out.append(
            {
                "source_api": "cereblon",
                "source_id": f"{edge.id}:{claim}",
                "text": statement.says,
                "annotations": {"claim": claim, "references": cites, "dois": list(edge.dois), **shared},
                "epistemics": {"direct": True},
            }
        )
    if not out:
        text = "; ".join(t.says or t.name for t in edge.terms)
        out.append({"source_api": "cereblon", "source_id": edge.id, "text": text, "annotations": shared})
    return out


WRITERS: dict[str, Callable[[MechanismGraph], str]] = {".graphml": graphml, ".cx2": cx2, ".json": indra}
"""The formats by file ending: GraphML, CX2, INDRA statements."""
