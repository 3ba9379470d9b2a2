import json
import platform
import re
import shlex
import sys
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import synthetic
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.report.cohort import cohort_table
from cereblon.report.console import outcome_notes
from cereblon.report.folder import run_record
from cereblon.report.page import report_page
from cereblon.report.people import people_words
from cereblon.result import StudyResult

FILES = {
    "run.json",
    "summary.json",
    "report.html",
    *(f"{name}.parquet" for name in ["subjects", "visits", "exposure", "response", "adverse_events", "time_to_event"]),
}


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return synthetic.study(150)


@pytest.fixture(scope="module")
def page(result: StudyResult) -> str:
    return report_page(result)


def test_page_is_self_contained_and_small(page: str) -> None:
    assert len(page.encode()) < 8_000_000
    # nothing outside is loaded: links are anchors or plain links
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<(script|img|iframe)[^>]*\ssrc=|<link|@import|url\(", own)
    assert page.count("plotly.js v") == 1
    assert "default-src 'none'" in page


def test_page_holds_everything_promised(page: str) -> None:
    for anchor in [
        "outcomes",
        "cohort",
        "pfs",
        "os",
        "waterfall",
        "swimmer",
        "trajectories",
        "dose",
        "toxicity",
        "assumptions",
        "sources",
    ]:
        assert f'id="s-{anchor}"' in page
        assert f'href="#s-{anchor}"' in page
    for code in ["alc", "nodevol", "anc", "plat", "igg"]:
        assert f'id="trajectory-{code}"' in page
    plots = re.findall(r'class="plot" id="([^"]+)" role="img" aria-label="[^"]+"', page)
    assert len(plots) == len(set(plots)) == 14
    for name in plots:
        data = re.search(rf'id="{name}-data">(.*?)</script>', page, flags=re.DOTALL)
        assert data is not None
        assert json.loads(data[1].replace("<\\/", "</"))["data"]


def test_words_of_a_trial_document_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    design = synthetic.trial().model_copy(
        update={
            "title": evil,
            "summary": evil,
            "arms": (synthetic.trial().arms[0].model_copy(update={"name": evil}),),
            "published": (synthetic.trial().published[0].model_copy(update={"note": '"><script>alert(3)'}),),
        }
    )
    text = report_page(synthetic.study(20, design=design))
    own = text[: text.index("plotly.js v")]
    assert "alert(1)" in own
    assert "<script>alert" not in own
    assert "<img" not in own


def test_report_of_a_thousand_subjects_takes_less_than_a_second() -> None:
    result = synthetic.study(1000)
    report_page(synthetic.study(20))  # imports and the first read of plotly.js are not the report's own cost
    start = time.perf_counter()
    report_page(result)
    assert time.perf_counter() - start < 1.0


def test_cohort_table_puts_print_beside_the_drawn(result: StudyResult) -> None:
    header, rows = cohort_table(result)
    table = {row[0]: row[1:] for row in rows}
    assert header == ("Baseline", "Published", "Simulated")
    assert table["Age (years)"][0] == "71 (66-85)"
    assert table["Beta2-microglobulin (mg/L)"][0] == "4.5 (n = 43)"
    assert table["IgG (g/L)"][0] == "-"
    drawn = 100 * result.table("subjects").select((pl.col("RAI") >= 3).mean()).item()
    assert table["Rai stage III-IV (%)"] == ("42", f"{drawn:.0f}")


def test_run_folder_is_complete_and_explains_itself(result: StudyResult, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "deep" / "run")
    assert {path.name for path in folder.iterdir()} == FILES
    assert_frame_equal(pl.read_parquet(folder / "visits.parquet"), result.table("visits"))
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert (record["trial"], record["seed"], record["patients"]) == ("synthetic", 1, 150)
    assert set(record["sha256"]) == FILES - {"run.json"}
    assert record["tables"]["exposure"]["DOSEMG"]["unit"] == "mg"
    assert record["tables"]["subjects"]["CRCL"]["unit"] == "mL/min"
    assert json.loads((folder / "summary.json").read_text("utf-8")) == result.summary()
    assert record["twins"] is False
    assert record["quantities"]["ANC"]["source"] == "measured"
    software = record["software"]
    assert software["versions"]["python"] == platform.python_version()
    assert {name: version(name) for name in ("jax", "numpy", "polars")}.items() <= software["versions"].items()
    assert datetime.fromisoformat(software["date"]).tzinfo is not None
    assert shlex.split(software["command"])[1:] == sys.argv[1:]
    assert software["platform"]
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_report_says_whether_arms_are_the_same_people(result: StudyResult, page: str) -> None:
    assert people_words(result) == ""
    assert "people" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    apart, twins = synthetic.study(30, arms=("a", "b")), synthetic.twins(30, arms=("a", "b"))
    assert "Every arm has people of its own." in report_page(apart)
    text = report_page(twins)
    assert "Twins: every arm has the same 30 people." in text
    assert "<b>30</b> people, the same in every arm (twins)" in text
    assert (
        "errors of the laboratory: Neutrophils (ANC), Platelets, Hemoglobin. The true state: Lymphocytes (ALC)" in text
    )
    assert run_record(twins, {})["twins"] is True
    assert twins.summary()["twins"] is True
    assert people_words(twins) in outcome_notes(twins)


def test_a_run_may_be_replaced_and_other_folders_may_not(result: StudyResult, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "run")
    (folder / "report.html").write_text("x")
    assert (result.save(folder) / "report.html").read_text("utf-8") != "x"
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter1.txt").write_text("irreplaceable")
    with pytest.raises(CereblonError, match="no Cereblon run"):
        result.save(other)
    assert (other / "chapter1.txt").read_text("utf-8") == "irreplaceable"
    with pytest.raises(CereblonError, match="is a file"):
        result.save(other / "chapter1.txt")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_half_way_leaves_the_old_run_and_nothing_else(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    folder = result.save(tmp_path / "run")
    before = (folder / "run.json").read_bytes()

    def broken(_: StudyResult) -> str:
        raise failure

    monkeypatch.setattr("cereblon.report.page.report_page", broken)
    with pytest.raises(CereblonError if isinstance(failure, OSError) else type(failure)):
        result.save(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (folder / "run.json").read_bytes() == before


def test_lazy_visits_are_streamed_to_the_same_file(result: StudyResult, tmp_path: Path) -> None:
    first = result.save(tmp_path / "first")
    lazy = StudyResult(
        trial=result.trial,
        seed=1,
        patients=150,
        tables={**result.tables, "visits": pl.scan_parquet(first / "visits.parquet")},
    )
    second = lazy.save(tmp_path / "second")
    assert_frame_equal(pl.read_parquet(second / "visits.parquet"), result.table("visits"))


def test_trial_type_is_the_documents_own(result: StudyResult) -> None:
    assert isinstance(result.trial, Trial)
