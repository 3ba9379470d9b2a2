"""The nodes of the mechanism graph: quantities of the model that share an identifier and a place."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache

from cereblon.evidence.provenance import ENDPOINTS
from cereblon.model import Model
from cereblon.model.tables import packaged_table

_KINDS = {"hgnc": "molecule", "CHEBI": "molecule", "CL": "cell", "GO": "process", "HP": "finding"}


@dataclass(frozen=True)
class Node:
    """A molecule, cell, process or finding of the model, in one cell type or organ.

    `identifier` and `place` are CURIEs; `quantities` the states and rules it stands for; `reads` those of them that the
    clinic reads; `whole` the node that this one is a part of.
    """

    id: str
    name: str
    kind: str
    identifier: str
    identifiers: tuple[str, ...]
    place: str
    place_name: str
    quantities: tuple[str, ...]
    reads: tuple[str, ...]
    whole: str
    says: str


@cache
def labels() -> dict[str, tuple[str, str]]:
    """Return CURIE -> (official name, label in this model)."""
    rows = csv.DictReader(packaged_table("identifiers.tsv").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {r["id"]: (r["name"], r["label"]) for r in rows}


def curie(address: str) -> str:
    """Return the CURIE of an identifiers.org address."""
    return address.rsplit("identifiers.org/", 1)[-1]


def find_nodes(model: Model) -> dict[str, Node]:
    """Return the nodes by id: states and rules that carry an `identity`, grouped by identity and place."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name in (*model.states, *model.rules):
        words = model.system.words.get(name)
        if words is not None and words.identity:
            key = (tuple(map(curie, words.identity)), tuple(map(curie, words.place)))
            groups.setdefault(key, []).append(name)
    wholes = {identity: _slug(_name(identity, ())) for identity, place in groups if not place}
    out = {}
    for (identity, place), members in groups.items():
        whole = wholes.get(identity, "") if place else ""
        node = _node(model, identity, place, tuple(members), whole)
        out[node.id] = node
    return out


def _node(
    model: Model, identity: tuple[str, ...], place: tuple[str, ...], members: tuple[str, ...], whole: str
) -> Node:
    name = _name(identity, place)
    dosed = {entry.state for entry in model.entries.values()}
    reads = tuple(m for m in members if m in ENDPOINTS)
    words = [model.system.words[m].says for m in members if m in model.system.words]
    return Node(
        id=_slug(name),
        name=name,
        kind="drug" if dosed & set(members) else "finding" if reads else _KINDS[identity[0].partition(":")[0]],
        identifier=identity[0],
        identifiers=identity,
        place=place[0] if place else "",
        place_name=_label(place[0]) if place else "",
        quantities=members,
        reads=reads,
        whole=whole,
        says="; ".join(dict.fromkeys(w for w in words if w)),
    )


def _label(identifier: str) -> str:
    known = labels()
    return known[identifier][1] if identifier in known else identifier


def _name(identity: tuple[str, ...], place: tuple[str, ...]) -> str:
    """The label, and where it is: 'CD80 and CD86 in CLL cells'. UniProt ids repeat the gene's."""
    what = " and ".join(_label(i) for i in identity if not i.startswith("uniprot:"))
    return f"{what} in {_label(place[0])}" if place else what


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
