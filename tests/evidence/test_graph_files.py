"""The files of the mechanism graph are read back by the programs they are for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import networkx
import pytest
from ndex2.cx2 import RawCX2NetworkFactory

from cereblon.cli.main import main
from cereblon.evidence.graph import MechanismGraph, mechanism_graph

SCHEMA = Path(__file__).with_name("indra_statements_schema.json")  # INDRA 1.24, BSD 2-Clause


@pytest.fixture(scope="module")
def graph() -> MechanismGraph:
    return mechanism_graph()


def exported(path: Path) -> Path:
    with pytest.raises(SystemExit) as stop:
        main(["export", "graph", str(path)])
    assert stop.value.code == 0
    return path


def test_networkx_reads_the_graphml(graph: MechanismGraph, tmp_path: Path) -> None:
    read = networkx.read_graphml(exported(tmp_path / "g.graphml"))
    assert set(read.nodes) == set(graph.nodes)
    assert {(s, t) for s, t in read.edges} == {(e.source, e.target) for e in graph.edges.values()}
    for source, target, data in read.edges(data=True):
        edge = graph.edges[f"{source}--{target}"]
        assert data["sign"] == edge.sign
        assert [int(n) for n in data["references"].split("; ")] == list(edge.refs)
    assert all(data["identifier"] for _, data in read.nodes(data=True))


def test_ndex2_reads_the_cx2(graph: MechanismGraph, tmp_path: Path) -> None:
    read = RawCX2NetworkFactory().get_cx2network(str(exported(tmp_path / "g.cx2")))
    assert len(read.get_nodes()) == len(graph.nodes)
    assert len(read.get_edges()) == len(graph.edges)
    for data in (e["v"] for e in read.get_edges().values()):
        edge = graph.edges[data["name"]]
        assert data["references"] == list(edge.refs)
        assert (data["interaction"] == "increases") == (edge.sign > 0)
    assert all(n["v"]["represents"] for n in read.get_nodes().values())


def test_indra_statements_keep_to_the_schema_of_indra(graph: MechanismGraph, tmp_path: Path) -> None:
    statements = json.loads(exported(tmp_path / "g.json").read_text("utf-8"))
    check = jsonschema.Draft6Validator(json.loads(SCHEMA.read_text("utf-8")))
    check.validate(statements)
    assert len({s["id"] for s in statements}) == len(statements) == len(graph.edges)
    lowers = ("DecreaseAmount", "Inhibition")
    for statement, edge in zip(statements, graph.edges.values(), strict=True):
        assert (statement["type"] in lowers) == (edge.sign < 0)
        assert [e["annotations"]["claim"] for e in statement["evidence"]] == list(edge.claims)
    broken = [{**statements[0], "type": "Discouragement"}]
    assert not check.is_valid(broken)


def refused(capsys: pytest.CaptureFixture[str], path: Path) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["export", "graph", str(path)])
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
    return err


def test_other_endings_and_missing_folders_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ".graphml" in refused(capsys, tmp_path / "g.xgmml")
    assert "cannot be written" in refused(capsys, tmp_path / "none" / "g.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "library"), [("graphml", "networkx"), ("cx2", "ndex2.cx2")])
def test_a_missing_library_is_named_with_its_extra(
    ending: str, library: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert "cereblon[graph]" in refused(capsys, tmp_path / f"g.{ending}")
    assert list(tmp_path.iterdir()) == []
