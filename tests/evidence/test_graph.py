"""The mechanism graph: who is in it, which way the arrows point, what stands behind each."""

from __future__ import annotations

import json
from pathlib import Path

import bioregistry
import pytest

from cereblon.evidence.arrows import Arrows
from cereblon.evidence.graph import MINOR, PART, UNCITED, MechanismGraph, mechanism_graph
from cereblon.evidence.graph_files import indra
from cereblon.evidence.literature import references, statements
from cereblon.evidence.nodes import find_nodes, labels
from cereblon.model import load_model, load_model_text

# Arrows that the review draws or says in words; the sign is the review's, not the model's.
SAID = {
    ("Lenalidomide", "CRL4-CRBN ligase with drug"): 1,
    ("CRL4-CRBN ligase with drug", "Aiolos in T cells"): -1,
    ("CRL4-CRBN ligase with drug", "Ikaros in CLL cells"): -1,
    ("CRL4-CRBN ligase with drug", "Cereblon"): 1,
    ("Aiolos in T cells", "IL-2"): -1,
    ("Ikaros in CLL cells", "p21 in CLL cells"): -1,
    ("p21 in CLL cells", "Proliferation in CLL cells"): -1,
    ("Proliferation in CLL cells", "CLL cells in lymph node"): 1,
    ("Apoptosis in CLL cells", "CLL cells in lymph node"): -1,
    ("BCR signal in CLL cells", "PI3K-AKT in CLL cells"): 1,
    ("Nurse-like cells", "NF-kB in CLL cells"): 1,
    ("Stroma", "STAT3 in CLL cells"): 1,
    ("Stroma", "CXCL12"): 1,
    ("CXCL12", "Homing in CLL cells"): 1,
    ("CXCL13", "Homing in CLL cells"): 1,
    ("Homing in CLL cells", "CLL cells in lymph node"): 1,
    ("RHO GTPases in CLL cells", "Homing in CLL cells"): -1,
    ("TFH cells", "BCR signal in CLL cells"): 1,
    ("Th2 cells", "IL-4"): 1,
    ("CLL cells", "Immune synapse in T cells"): -1,
    ("RHO GTPases in T cells", "Immune synapse in T cells"): 1,
    ("RHO GTPases in T cells", "T-cell motility"): 1,
    ("Immune synapse in T cells", "Granzyme B in Functional CTL"): 1,
    ("PD-L1 in CLL cells", "Granzyme B in Functional CTL"): -1,
    ("CD80 and CD86 in CLL cells", "Granzyme B in Functional CTL"): 1,
    ("Ikaros in CLL cells", "PD-L1 in CLL cells"): 1,
    ("CTL killing", "CLL cells in blood"): -1,
    ("CLL cells", "NK-cell killing"): -1,
    ("CLL cells", "Treg"): 1,
    ("Treg", "CTL killing"): -1,
    ("Ikaros in CLL cells", "CD40L in CLL cells"): -1,
    ("CD40L in CLL cells", "Plasma cells"): 1,
    ("Plasma cells", "IgG in blood"): 1,
    ("VEGF", "Endothelium"): 1,
    ("Endothelium", "NF-kB in CLL cells"): 1,
    ("Maturation arrest (PU.1 loss) in myeloid progenitors", "Neutrophils"): -1,
    ("G-CSF", "Neutrophils"): 1,
    ("Dexamethasone", "Tumour flare"): -1,
    ("T- and NK-cell activation", "Tumour flare"): 1,
    ("Allopurinol", "Uric acid in blood"): -1,
    ("Lysis in CLL cells", "Uric acid in blood"): 1,
}


@pytest.fixture(scope="module")
def graph() -> MechanismGraph:
    return mechanism_graph()


def by_name(graph: MechanismGraph) -> dict[tuple[str, str], int]:
    names = {n.id: n.name for n in graph.nodes.values()}
    return {(names[e.source], names[e.target]): e.sign for e in graph.edges.values()}


@pytest.mark.parametrize(("source", "target"), SAID)
def test_arrow_of_the_review_has_its_sign(graph: MechanismGraph, source: str, target: str) -> None:
    assert by_name(graph)[source, target] == SAID[source, target]


def test_every_node_has_an_identifier_that_bioregistry_accepts(graph: MechanismGraph) -> None:
    for node in graph.nodes.values():
        for identifier in filter(None, (*node.identifiers, node.place)):
            normal = bioregistry.normalize_curie(identifier)
            assert normal is not None, identifier
            assert bioregistry.is_valid_curie(normal), identifier
        assert node.identifier.partition(":")[0] in ("hgnc", "CHEBI", "CL", "GO", "HP"), node.name
        assert node.identifier in labels(), node.name


def test_an_identifier_that_does_not_exist_in_form_is_refused() -> None:
    assert not bioregistry.is_valid_curie("hgnc:IKZF1")
    assert bioregistry.normalize_curie("nowhere:1") is None


def test_every_edge_has_reference_numbers_and_an_equation(graph: MechanismGraph) -> None:
    for edge in graph.edges.values():
        assert edge.refs, edge.id
        assert set(edge.refs) <= set(references())
        assert set(edge.claims) <= set(statements())
        assert edge.terms, edge.id
        assert all(t.formula for t in edge.terms), edge.id


def test_what_is_left_out_falls_under_a_stated_rule(graph: MechanismGraph) -> None:
    assert {e.why for e in graph.excluded} == {PART, MINOR}
    assert {(e.source, e.target) for e in graph.excluded if e.why == PART} == {
        (f"cll_cells_in_{site}", "cll_cells") for site in ("lymph_node", "marrow_and_spleen", "blood")
    }


def test_every_state_that_moves_another_is_in_a_node(graph: MechanismGraph) -> None:
    model = load_model()
    inside = {q for n in graph.nodes.values() for q in n.quantities}
    for state in set(model.states) - inside:
        users = [s for s in model.states if s != state and state in model.needs(model.system.rates[s])]
        assert users == [], state


def test_arrows_from_the_drug_are_those_that_stand_still_without_it(graph: MechanismGraph) -> None:
    from_drug = {e.source for e in graph.edges.values() if e.drug}
    assert {"lenalidomide", "aiolos_in_t_cells", "rho_gtpases_in_cll_cells", "cd40l_in_cll_cells"} <= from_drug
    assert not from_drug & {"cll_cells", "th1_cells", "immune_synapse_in_t_cells", "il_2", "stroma"}


def test_an_edge_carries_its_own_parameters(graph: MechanismGraph) -> None:
    edge = graph.edges["rho_gtpases_in_t_cells--immune_synapse_in_t_cells"]
    assert {"repair_t_alone", "synapse_repair_max"} <= set(edge.parameters)
    assert "pd_l1_rate" not in edge.parameters
    assert edge.claims[:1] == ("synapse_repair",)


TEXT = """
a = 2; b = 3; c = 1; hidden := k*a*b; x = 1; y = 0; z = 1
a' = -a; b' = 0*b
c' = hidden - c/(1 + b)
x' = b*y - b*x; y' = b*x - b*y - y
z' = c^2 - z*a
"""


def test_signs_on_a_small_model() -> None:
    places = {"a": "CL:0000084", "b": "CL:0000236", "c": "hgnc:6001", "x": "GO:0006915", "y": "GO:0006915", "z": "GO:1"}
    text = TEXT + "".join(f'{n} identity "https://identifiers.org/{i}"\n' for n, i in places.items())
    model = load_model_text(text + "k = 1")
    assert set(find_nodes(model)) == {"t_cells", "cll_cells", "il_2", "apoptosis", "go_1"}
    nodes = find_nodes(model)
    found = {(nodes[a.source].name, nodes[a.target].name): a.sign for a in Arrows(model, nodes).all()}
    assert found == {
        ("T cells", "IL-2"): 1,
        ("CLL cells", "IL-2"): 1,
        ("IL-2", "GO:1"): 1,
        ("T cells", "GO:1"): -1,
        ("CLL cells", "Apoptosis"): -1,  # it only moves x to y, where it is lost
    }
    graph = mechanism_graph(model)  # nothing here is cited, so nothing is drawn
    assert (graph.edges, {e.why for e in graph.excluded}) == ({}, {UNCITED})


OTHERS = Path(__file__).parents[1] / "biology" / "drugs_of_others"


@pytest.mark.parametrize(
    ("drug", "arrows"),
    [
        ("madeupinib", {("madeupinib", "Apoptosis in CLL cells"): 1, ("madeupinib", "PI3K-AKT in CLL cells"): -1}),
        ("madeupmab", {("madeupmab", "Normal B cells"): -1, ("CLL cells", "madeupmab"): -1}),
        ("madeupmid", {("madeupmid", "CRL4-CRBN ligase with drug"): 1}),
    ],
)
def test_a_drug_of_the_users_own_is_a_node(
    graph: MechanismGraph, drug: str, arrows: dict[tuple[str, str], int]
) -> None:
    found = mechanism_graph(load_model(folders=[OTHERS / drug]))
    node = found.nodes[drug]
    assert (node.name, node.kind, node.identifiers) == (drug, "drug", ())
    assert arrows.items() <= by_name(found).items()
    mine = [e for e in found.edges.values() if drug in (e.source, e.target)]
    for edge in mine:  # the review says nothing about it, and its own text is what stands behind the arrow
        assert edge.terms
        assert edge.refs == ()
        assert {s.id for s in edge.sources} <= {"made up", "definition"}
    # nothing that was there is lost for it
    assert set(found.nodes) - {drug} == set(graph.nodes)
    assert set(graph.edges) <= set(found.edges)
    assert all(statement["evidence"] for statement in json.loads(indra(found)))


def test_a_drug_with_public_identifiers_carries_them(tmp_path: Path) -> None:
    folder = tmp_path / "madeupinib"
    folder.mkdir()
    for path in (OTHERS / "madeupinib").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    card = folder / "card.yaml"
    card.write_text(card.read_text("utf-8") + "identity: {chebi: CHEBI:90276, atc: L01EL01}\n", "utf-8")
    effect = folder / "effect.ant"
    address = "https://identifiers.org/mesh:D000001"  # a register that no packaged text names
    effect.write_text(effect.read_text("utf-8") + f'mad_effect identity "{address}"\n', "utf-8")
    found = mechanism_graph(load_model(folders=[folder]))
    assert found.nodes["madeupinib"].identifiers == ("CHEBI:90276",)
    assert by_name(found)["madeupinib", "mesh:D000001"] == 1
    assert by_name(found)["mesh:D000001", "Apoptosis in CLL cells"] == 1
