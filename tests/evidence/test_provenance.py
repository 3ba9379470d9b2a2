"""Every number has a source and a status, and its chain reaches the clinic."""

from __future__ import annotations

import json

import pytest

from cereblon.cli.main import main
from cereblon.errors import CereblonError
from cereblon.evidence.literature import cited, published, references, statements
from cereblon.evidence.provenance import ENDPOINTS, STATUSES, Provenance
from cereblon.model import load_model, load_model_text
from cereblon.report.provenance_view import everything


@pytest.fixture(scope="module")
def known() -> Provenance:
    return Provenance(load_model())


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["provenance", *arguments])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_no_parameter_lacks_source_or_status(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(printed(capsys, "--json"))
    assert set(told["parameters"]) == set(load_model().parameters)
    for name, chain in told["parameters"].items():
        (row,) = chain["parameters"]
        assert row["source"].strip(), name
        assert row["status"] in STATUSES, name


def test_every_citation_of_the_packaged_model_is_known(known: Provenance) -> None:
    written = {
        s.source for p in known.model.parameters.values() for s in cited(p.source)[0] if s.evidence == "as written"
    }
    assert written <= {"model text"}
    for name, words in known.model.system.words.items():
        assert [s.id for s in cited(words.sources)[0] if s.evidence == "as written"] == [], name
        assert set(words.claims) <= set(statements()), name


def test_shares_add_up_and_recalled_values_are_listed(known: Provenance) -> None:
    told = everything(known)
    assert sum(sum(counts.values()) for counts in told["shares"].values()) == len(known.model.parameters)
    assert "len_crbn_kd" in told["recalled"]
    assert set(told["recalled"]) == {p.id for p in known.model.parameters.values() if p.evidence == "recalled"}


def test_chain_of_a_parameter_ends_in_the_clinic(known: Provenance) -> None:
    chain = known.chain("eff_synapse_repair")
    assert "synapse" in chain.equations
    assert {"synapse_repair", "synapse_defect"} <= set(chain.claims)
    assert {"alc", "node_volume"} <= set(chain.endpoints)


def test_chain_stops_where_the_model_does() -> None:
    text = "unit per_day = 1/86400 second; a = 1; a' = -k*a; b = 1; b' = -j*b; c := 2*b"
    rows = "id\tvalue\tunit\tdistribution\tspread\tgroup\tstatus\tsource\tevidence\torgan\tnote\n"
    rows += "".join(f"{n}\t1\tper_day\tnone\t\t\tassumed\tthe lab book\tassumed\t\t\n" for n in "kj")
    known = Provenance(load_model_text(text, rows))
    assert known.chain("k").states == ("a",)
    assert known.moved(["j"]) == {"b", "c"}
    assert [s.source for s in known.chain("k").sources] == ["the lab book"]


def test_a_constant_of_no_consequence_reaches_no_endpoint(known: Provenance) -> None:
    assert known.chain("motility_healthy").endpoints == ()
    assert set(known.chain("len_ktr").endpoints) == set(ENDPOINTS)


@pytest.mark.parametrize("name", ["len_crbn_kd", "synapse", "burden", "synapse_repair", "node_homing"])
def test_every_kind_of_name_is_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in printed(capsys, name)
    told = json.loads(printed(capsys, name, "--json"))
    assert told["name"] == name
    assert told["endpoints"]


def test_unknown_name_is_told_with_the_nearest(known: Provenance) -> None:
    with pytest.raises(CereblonError, match="nearest: homing"):
        known.chain("homin")


def test_ranges_and_claims_in_a_source_cell() -> None:
    found, claims = cited("PK055; PK032-PK034; claims homing")
    assert [s.id for s in found] == ["PK055", "PK032", "PK033", "PK034"]
    assert claims == ("homing",)


def test_statements_cite_references_that_exist() -> None:
    assert {n for s in statements().values() for n in s.refs} <= set(references())
    assert [s for s in statements() if not published(s)] == []
