"""--params takes the numbers of a file, and --set and --knockout change them further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import synthetic
from cereblon.cli.main import main
from cereblon.clinic.trial.trial import Trial
from cereblon.result import StudyResult


@pytest.fixture
def studies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Put a simulation without a model in place of the real one and return what it was called with."""
    calls: list[dict[str, Any]] = []

    def run(trial: Trial, **options: Any) -> StudyResult:
        calls.append(options)
        return synthetic.study(10, seed=options["seed"], design=trial)

    monkeypatch.setattr("cereblon.result.run", run)
    monkeypatch.chdir(tmp_path)
    return calls


def cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0), capsys.readouterr().err


def test_a_file_and_settings_come_together(
    studies: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = "id\tvalue\tspread\nlen_volume\t50\t0.25\nlen_ktr\t324\t\neff_pd1_axis\t0.5\n"
    (tmp_path / "p.tsv").write_text(text, encoding="utf-8")
    more = ("--set", "len_volume=60", "--set", "pk.correlation=0.1", "--json")
    code, err = cli(capsys, "run", "badoux2011", "--params", "p.tsv", *more)
    assert (code, err) == (0, "")
    expected = {"len_volume": 60.0, "len_volume.spread": 0.25, "eff_pd1_axis": 0.5, "pk.correlation": 0.1}
    assert studies[0]["overrides"] == expected


@pytest.mark.parametrize("command", [("run", "badoux2011"), ("claims", "crbn_binding")])
def test_a_wrong_file_is_one_line_before_any_work(
    studies: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "p.tsv").write_text("id\tvalue\nlen_volum\t50\n", encoding="utf-8")
    code, err = cli(capsys, *command, "--params", "p.tsv")
    assert code == 2
    assert err.startswith("cereblon: p.tsv:2: parameter len_volum: there is no such parameter; nearest: len_volume")
    assert err.count("\n") == 1
    assert not studies
    assert [path.name for path in tmp_path.iterdir()] == ["p.tsv"]


@pytest.mark.parametrize("name", ["len volume", "len.", ".spread", "1x", "a=b"])
def test_a_name_to_set_is_a_name(studies: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, err = cli(capsys, "run", "badoux2011", "--set", f"{name}=1")
    assert code == 2
    assert err.count("\n") == 1
    assert not studies
