"""The nodes of the mechanism graph: quantities of the model that share an identifier and a place.

A drug of the user's own may have no public identifier: its amounts in the body are one node under its name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from cereblon.evidence.provenance import ENDPOINTS
from cereblon.model import Model
from cereblon.model.cards import DrugCard, packaged_drugs
from cereblon.model.compose import patient_documents
from cereblon.model.tables import packaged_table

_KINDS = {"hgnc": "molecule", "CHEBI": "molecule", "CL": "cell", "GO": "process", "HP": "finding"}


@dataclass(frozen=True)
class Node:
    """A molecule, cell, process or finding of the model, in one cell type or organ.

    `identifier` and `place` are CURIEs; `quantities` the states and rules it stands for; `reads` those of them that the
    clinic reads; `whole` the node that this one is a part of; `prefix` that of the user's drug whose text alone defines
    the node, else empty.
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
    prefix: str = ""


@cache
def labels() -> dict[str, tuple[str, str]]:
    """Return CURIE -> (official name, label in this model)."""
    rows = csv.DictReader(packaged_table("identifiers.tsv").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {r["id"]: (r["name"], r["label"]) for r in rows}


def curie(address: str) -> str:
    """Return the CURIE of an identifiers.org address."""
    return address.rsplit("identifiers.org/", 1)[-1]


def find_nodes(model: Model) -> dict[str, Node]:
    """Return the nodes by id: states and rules that carry an `identity`, grouped by identity and place.

    The amounts of a drug of the user's own are a node of their own, with an `identity` or without.
    """
    defined = _defined_by_own_drugs(model)
    amounts = {card.name: _amounts(model, card, defined) for card in model.drugs if card.name not in packaged_drugs()}
    grouped = {name for names in amounts.values() for name in names}
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name in (*model.states, *model.rules):
        words = model.system.words.get(name)
        if words is not None and words.identity and name not in grouped:
            key = (tuple(map(curie, words.identity)), tuple(map(curie, words.place)))
            groups.setdefault(key, []).append(name)
    wholes = {identity: _slug(_name(identity, ())) for identity, place in groups if not place}
    out = {}
    for (identity, place), members in groups.items():
        whole = wholes.get(identity, "") if place else ""
        prefixes = {defined.get(member, "") for member in members}
        prefix = prefixes.pop() if len(prefixes) == 1 else ""
        node = _node(model, identity, place, tuple(members), whole, prefix)
        out[node.id] = node
    for card in model.drugs:
        if amounts.get(card.name):
            node = _own_drug(model, card, amounts[card.name], out)
            out[node.id] = node
    return out


def _defined_by_own_drugs(model: Model) -> dict[str, str]:
    """Return state or rule -> prefix of the user's drug whose text defines it."""
    prefixes = [c.prefix for c in model.drugs if c.prefix is not None and c.name not in packaged_drugs()]
    patient = {document.name for document in patient_documents()}
    out = {}
    for name in (*model.states, *model.rules) if prefixes else ():
        place, fitting = model.index.place(name), [p for p in prefixes if name.startswith(p)]
        if fitting and (place is None or place.file not in patient):
            out[name] = max(fitting, key=len)  # one prefix may begin with another
    return out


def _amounts(model: Model, card: DrugCard, defined: Mapping[str, str]) -> tuple[str, ...]:
    """Return the states that hold a drug: those of its text that have the unit of the one that a dose enters."""
    unit = model.system.units.get(card.enters or "")
    return tuple(s for s in model.states if defined.get(s) == card.prefix and model.system.units.get(s) == unit)


def _own_drug(model: Model, card: DrugCard, members: tuple[str, ...], taken: Collection[str]) -> Node:
    given = tuple(i for i in (card.identity.chebi, card.identity.hgnc) if i is not None)
    words = [model.system.words[m] for m in members if m in model.system.words]
    identifiers = given or tuple(dict.fromkeys(curie(i) for w in words for i in w.identity))
    return Node(
        id=_slug(card.name) if _slug(card.name) not in taken else f"{_slug(card.name)}_drug",
        name=card.name,
        kind="drug",
        identifier=identifiers[0] if identifiers else "",
        identifiers=identifiers,
        place="",
        place_name="",
        quantities=members,
        reads=(),
        whole="",
        says="; ".join(dict.fromkeys(w.says for w in words if w.says)),
        prefix=card.prefix or "",
    )


def _node(
    model: Model, identity: tuple[str, ...], place: tuple[str, ...], members: tuple[str, ...], whole: str, prefix: str
) -> Node:
    name = _name(identity, place)
    dosed = {entry.state for entry in model.entries.values()}
    reads = tuple(m for m in members if m in ENDPOINTS)
    words = [model.system.words[m].says for m in members if m in model.system.words]
    return Node(
        id=_slug(name),
        name=name,
        kind="drug"
        if dosed & set(members)
        else "finding"
        if reads
        else _KINDS.get(identity[0].partition(":")[0], "molecule"),
        identifier=identity[0],
        identifiers=identity,
        place=place[0] if place else "",
        place_name=_label(place[0]) if place else "",
        quantities=members,
        reads=reads,
        whole=whole,
        says="; ".join(dict.fromkeys(w for w in words if w)),
        prefix=prefix,
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
