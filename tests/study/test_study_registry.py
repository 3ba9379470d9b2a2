"""Every entry of the registry, and the file that `cereblon new` writes, run to their end."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from cereblon.cli.main import main
from cereblon.clinic.trial.load import load_trial, trial_ids
from cereblon.columns import TABLES
from cereblon.outcomes.endpoints import STANDARD


def verb(*arguments: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_seven_entries_run(capfd: pytest.CaptureFixture[str], here: Path) -> None:
    verb("reproduce", "--patients", "6", "--json")
    out, err = capfd.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert list(answer) == ["rows", "inside", "of"]
    assert list(answer["rows"]) == list(trial_ids())
    assert len(answer["rows"]) == 7
    for name, row in answer["rows"].items():
        assert row["trial"] == name
        assert {arm.id for arm in load_trial(name).arms} <= set(row["arms"])
        for arm in row["arms"].values():
            assert set(STANDARD) <= set(arm)
            for entry in arm.values():
                assert set(entry) == {"published", "published_n", "simulated", "p90", "inside"}
    assert 0 <= answer["inside"] <= answer["of"]
    assert list(here.iterdir()) == []


def test_file_of_the_user_runs(capfd: pytest.CaptureFixture[str], here: Path) -> None:
    verb("new", "mine.yaml")
    verb("run", "mine.yaml", "--patients", "12", "--seed", "5", "--set", "len_clearance_scale=0.9")
    out, err = capfd.readouterr()
    assert err == ""
    assert "Nothing was published to compare with." in out
    folder = here / "runs" / "my_trial-seed-5"
    assert str(Path("runs/my_trial-seed-5/report.html")) in out
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "run.json",
        "summary.json",
        "params.tsv",
        *(f"{name}.parquet" for name in TABLES),
    }
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # no blocks left beside it
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert (record["seed"], record["patients"], record["set"]) == (5, 12, {"len_clearance_scale": 0.9})
    subjects = pl.read_parquet(folder / "subjects.parquet")
    assert dict(subjects["ARM"].value_counts().iter_rows()) == {"slow": 12, "steady": 12}
    for name, columns in TABLES.items():
        frame = pl.read_parquet(folder / f"{name}.parquet")
        assert set(columns) - {"RANDFL"} <= set(frame.columns) | {"RANDFL"}, name
        assert set(frame["USUBJID"]) <= set(subjects["USUBJID"])
        for column in frame.select(pl.selectors.float()).columns:
            assert frame[column].drop_nulls().is_finite().all(), (name, column)
