"""A wrong sign anywhere in Figure 1 breaks a claim."""

from __future__ import annotations

import numpy as np

from cereblon.evidence.arrow_signs import ArrowSigns, stated_arrows
from cereblon.evidence.documents import load_claims, switches
from cereblon.evidence.flips import run_flips
from cereblon.evidence.graph import mechanism_graph
from cereblon.evidence.verdicts import ClaimResult
from cereblon.model import load_model

DRAWN = 20
SEED = 2014  # the year of the review; drawn once, never chosen for its result


def test_stated_arrows_are_arrows_of_the_graph_and_act_as_stated() -> None:
    graph, signs = mechanism_graph(), ArrowSigns(load_model())
    stated = [a for rows in stated_arrows().values() for a in rows]
    assert len({(a.source, a.target) for a in stated}) == len(stated)
    assert {a.claim for a in stated} <= set(load_claims())
    assert {f"{a.source}--{a.target}" for a in stated} <= set(graph.edges)
    assert [r for claim in stated_arrows() for r in signs.read(claim, {}) if not r.holds] == []


def test_an_arrow_is_missing_where_its_mechanism_is_off() -> None:
    off = switches(["costimulation_up"])
    (reading,) = ArrowSigns(load_model()).read("costimulation_up", off)
    assert reading.found == 0
    assert not reading.holds


def test_nine_of_ten_turned_arrows_break_a_claim(verdicts: dict[str, ClaimResult]) -> None:
    standing = [name for name, result in verdicts.items() if result.verdict in ("holds", "contested")]
    edges = sorted(mechanism_graph().edges)
    drawn = [str(e) for e in np.random.default_rng(SEED).choice(edges, DRAWN, replace=False)]
    flips = run_flips(drawn, standing)
    missed = [flip.edge for flip in flips if not flip.detected]
    share = 1 - len(missed) / len(flips)
    print(f"{100 * share:.0f} % of {DRAWN} turned arrows break a claim; missed: {missed}")
    assert share >= 0.9, missed
