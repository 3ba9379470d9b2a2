import itertools
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cereblon.errors import CereblonError
from cereblon.evidence.documents import load_claims
from cereblon.evidence.dose_response import Curve, DoseResponse
from cereblon.evidence.graph import mechanism_graph
from cereblon.evidence.readouts import Reading
from cereblon.evidence.runner import Courses
from cereblon.evidence.schema import Claim, Experiment
from cereblon.evidence.verdicts import ClaimResult
from cereblon.report.claims_page import claims_page, write_claims_page
from cereblon.report.claims_page.charts import Series, band, chart
from cereblon.report.claims_page.layout import boxes, height, places, wrapped
from cereblon.report.claims_page.routes import Grid, along, ironed

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
DAYS = 20


def result(claim: Claim, verdict: str = "holds") -> ClaimResult:
    """A result with readings and courses that nobody simulated: level, spread and shape are made up."""
    experiment = claim.experiment
    if experiment is None:
        return ClaimResult(claim, "waits")
    readings = tuple(
        Reading(r, 1.5, 1.2, float("inf"), "fold", "at least 1.1-fold", True, 0.97) for r in experiment.readouts
    )
    names = {n for r in experiment.readouts for n in (r.of, *r.others)}
    values = np.linspace(1, 2, DAYS + 1)[:, None] * np.array([[0.9, 1.0, 1.1]])
    course = Courses(dict.fromkeys(names, values), np.linspace(0, 24, 5), dict.fromkeys(names, values[:5]))
    courses = {c: course for c, what in experiment.conditions.items() if what.trial is None}
    return ClaimResult(claim, verdict, readings, courses)  # type: ignore[arg-type]


def doses(claim: str, experiment: Experiment) -> DoseResponse:
    levels = np.array([0.0, 0.03, 0.1, 0.3, 1, 3, 10])
    curve = Curve(
        experiment.readouts[0],
        "lenalidomide",
        "lenalidomide",
        "uM",
        "dimensionless",
        levels,
        levels,
        levels * 0.8,
        levels * 2,
    )
    return DoseResponse(claim, (curve,))


@pytest.fixture(scope="module")
def hostile() -> Claim:
    data = load_claims()["synapse_repair"].model_dump()
    data["says"] = data["conflict"] = HOSTILE
    for readout in data["experiment"]["readouts"]:
        readout["words"] = readout["evidence"] = HOSTILE
    for condition in data["experiment"]["conditions"].values():
        condition["words"] = HOSTILE
    return Claim.model_validate(data)


@pytest.fixture(scope="module")
def page(hostile: Claim) -> str:
    claims = {**load_claims(), "synapse_repair": hostile}
    results = {name: result(claim) for name, claim in claims.items() if name != "homing"}
    results["il2_derepression"] = result(claims["il2_derepression"], "fails")
    assert hostile.experiment is not None
    return claims_page(results, {"synapse_repair": doses("synapse_repair", hostile.experiment)})


class Outline(HTMLParser):
    """Ids, elements and attributes of a page; what stands in script and style is text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))

    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.found if "id" in a]


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_ids_are_unique(outline: Outline) -> None:
    assert [name for name, n in Counter(outline.ids()).items() if n > 1] == []


def test_every_arrow_and_node_of_the_graph_is_drawn_with_its_card(outline: Outline) -> None:
    graph = mechanism_graph()
    arrows = {a["id"]: a for _, a in outline.found if "arrow" in a.get("class", "").split()}
    assert set(arrows) == set(graph.edges)
    ids = set(outline.ids())
    for edge in graph.edges.values():
        assert f"t-{edge.id}" in ids
        classes = arrows[edge.id]["class"].split()
        assert ("up" in classes) == (edge.sign > 0)
        assert ("drug" in classes) == edge.drug
        assert arrows[edge.id]["tabindex"] == "0"
        assert graph.nodes[edge.source].name in arrows[edge.id]["aria-label"]
    for node in graph.nodes:
        assert {f"node-{node}", f"t-node-{node}"} <= ids


def test_cards_of_arrows_name_claims_equations_and_parameters(page: str) -> None:
    graph = mechanism_graph()
    ids = set(Outline(page).ids())
    for edge in graph.edges.values():
        card = page.split(f'<template id="t-{edge.id}">')[1].split("</template>")[0]
        listed = re.search(r'data-claims="([^"]*)"', card)
        assert listed is not None
        assert listed[1].split() == list(edge.claims)
        assert all(f"claim-{c}" in ids for c in edge.claims)
        assert all(f"<code>{t.name}</code>" in card for t in edge.terms)
        assert all(f"<code>{p}</code>" in card for p in edge.parameters)
        assert "no source" not in card


def test_verdicts_stand_in_the_table_and_on_the_arrows(outline: Outline) -> None:
    rows = [a for tag, a in outline.found if tag == "tr" and "data-verdict" in a]
    links = [a["data-claim"] for tag, a in outline.found if tag == "a" and "data-claim" in a]
    assert links == list(load_claims())
    assert len(rows) == len(links) == 62
    shown = dict(zip(links, (r["data-verdict"] for r in rows), strict=True))
    assert shown["homing"] == "none"  # was not run
    assert shown["il2_derepression"] == "fails"
    assert shown["rituximab_antagonism"] == "waits"
    graph = mechanism_graph()
    for _, a in outline.found:
        if "arrow" in a.get("class", "").split():
            claims = graph.edges[a["id"]].claims
            assert ("v-fails" in a["class"]) == ("il2_derepression" in claims)
            if claims == ("rituximab_antagonism",):
                assert "v-waits" in a["class"]


def test_plots_stand_in_the_card(page: str) -> None:
    card = page.split('id="claim-synapse_repair"')[1].split('<details class="claim"')[0]
    assert card.count("<svg") == 3  # two quantities over time, one over dose
    assert "Time courses" in card
    assert "Dose-response" in card
    assert "nan" not in card


def test_text_of_documents_is_escaped(page: str, outline: Outline) -> None:
    assert page.count("<script>") == 1
    assert page.count("&lt;script&gt;alert(1)") > 5
    assert not any(tag == "img" or any(k.startswith("on") for k in a) for tag, a in outline.found)
    policy = next(a["content"] for tag, a in outline.found if a.get("http-equiv") == "Content-Security-Policy")
    assert re.search(r"default-src 'none'; script-src 'sha256-[\w+/]+=*';", policy)


def test_nothing_outside_is_loaded(outline: Outline) -> None:
    for tag, a in outline.found:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert "src" not in a
        assert tag == "a" or "href" not in a
        assert re.match(r"#|https?://", a.get("href", "#"))


def test_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write_claims_page({}, tmp_path / "claims.html", {})
    assert path.read_text("utf-8").count("not run") >= 62
    assert [p.name for p in tmp_path.iterdir()] == ["claims.html"]
    with pytest.raises(CereblonError, match="cannot be written"):
        write_claims_page({}, tmp_path / "nowhere" / "claims.html", {})


def test_nodes_have_a_place_and_do_not_overlap() -> None:
    drawn = boxes(mechanism_graph().nodes)
    assert height(drawn) == height({})  # none had to stand in the spare row
    for (i, a), (j, b) in itertools.combinations(drawn.items(), 2):
        apart = abs(a.x - b.x) >= (a.width + b.width) / 2 + 4 or abs(a.y - b.y) >= (a.height + b.height) / 2 + 4
        assert apart, (i, j)
    for node, box in drawn.items():
        inside = [
            p
            for p in places()
            if p.x <= box.left and box.x + box.width / 2 <= p.x + p.width and p.y <= box.top <= p.y + p.height
        ]
        assert len(inside) == 1, node


def test_arrows_go_round_nodes() -> None:
    graph = mechanism_graph()
    drawn = boxes(graph.nodes)
    grid = Grid(drawn, places(), 940, height(drawn))
    crossed = 0
    for edge in list(graph.edges.values())[::5]:
        way = grid.route(edge.source, edge.target)
        points = [along(way, s) for s in np.linspace(0, 1, 60)]
        others = [b for n, b in drawn.items() if n not in (edge.source, edge.target)]
        crossed += any(b.holds(x, y, -2) for b in others for x, y in points)
        assert drawn[edge.target].holds(*way[-1], 4.0)
    assert crossed == 0


def test_lines_are_ironed_within_the_limit() -> None:
    assert ironed([(0, 0), (5, 1), (10, 0)]) == [(0, 0), (10, 0)]
    assert ironed([(0, 0), (5, 20), (10, 0)]) == [(0, 0), (5, 20), (10, 0)]


def test_labels_break_near_the_middle() -> None:
    assert wrapped("IL-2") == ("IL-2",)
    assert wrapped("CRL4-CRBN ligase with drug") == ("CRL4-CRBN ligase", "with drug")


def test_charts_survive_flat_and_broken_numbers() -> None:
    x = np.arange(3.0)
    flat = chart("t", "days", "relative", [band("a", x, np.zeros((3, 4)))])
    assert "<svg" in flat
    assert "nan" not in flat
    bad = Series("b", x, x * np.nan, x, x)
    assert chart("t", "days", "relative", [bad]) == ""
    assert len(band("c", np.arange(1000.0), np.ones((1000, 4))).x) <= 200
