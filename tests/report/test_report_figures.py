import dataclasses
import json
import re
from dataclasses import replace
from itertools import pairwise

import plotly.graph_objects as go
import polars as pl
import pytest

import synthetic
from cereblon.errors import CereblonError
from cereblon.report import figures
from cereblon.report.figures.trajectories import percentiles, trajectory
from cereblon.report.figures.waterfall import DRAWN, best_changes
from cereblon.report.style import Drawing
from cereblon.result import StudyResult

VERBS = ("comparison", "kaplan_meier", "waterfall", "swimmer", "trajectories", "dose", "toxicity")


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return synthetic.study(200)


@pytest.fixture(scope="module")
def several() -> StudyResult:
    return synthetic.study(60, arms=("a", "b", "c"))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("which", ["result", "several"])
def test_every_plot_is_a_valid_plotly_figure(verb: str, which: str, request: pytest.FixtureRequest) -> None:
    figure = getattr(request.getfixturevalue(which).plot, verb)()
    assert isinstance(figure, go.Figure)  # plotly validates each property on the way
    assert figure.data


@pytest.mark.parametrize("verb", VERBS)
def test_axes_name_their_quantity_and_figures_stay_small(result: StudyResult, verb: str) -> None:
    drawing: Drawing = getattr(figures, verb)(result)
    assert len(json.dumps(drawing.spec, allow_nan=False)) < 120_000
    titles = [a["title"]["text"] for name, a in drawing.spec["layout"].items() if re.match("[xy]axis", name)]
    assert any(re.search(r"\(|Months|months", title) for title in titles)
    if verb != "trajectories":
        assert drawing.rows, "a reader without the picture needs the numbers"
        assert all(len(row) == len(drawing.header) for row in drawing.rows)


def test_published_values_are_drawn_where_they_belong(result: StudyResult) -> None:
    curve = figures.kaplan_meier(result).spec["data"]
    [marks] = [t for t in curve if str(t.get("name", "")).startswith("published")]
    assert (marks["x"], marks["y"]) == ([24.0], [60.0])
    assert "n = 60, S1" in marks["hovertext"][0]
    compared = figures.comparison(result).spec["data"]
    [points] = [t for t in compared if str(t.get("name", "")).startswith("published") and t.get("xaxis") == "x"]
    drawn = dict(zip(points["y"], points["x"], strict=True))
    assert drawn["Overall response"] == 65.0
    assert drawn["Tumour flare, any grade"] == 52.0


def test_kaplan_meier_shows_numbers_at_risk_of_every_arm(several: StudyResult) -> None:
    rows = [t for t in figures.kaplan_meier(several).spec["data"] if t["mode"] == "text"]
    assert [row["y"][0] for row in rows] == ["a", "b", "c", "all arms"]
    assert [row["text"][0] for row in rows] == ["60", "60", "60", "180"]


def test_kaplan_meier_of_twins_says_how_many_people_it_counts(several: StudyResult) -> None:
    assert "people" not in figures.kaplan_meier(several).caption
    assert "the same 40 people, once for each arm" in figures.kaplan_meier(synthetic.twins(40)).caption


def test_waterfall_falls_and_says_what_it_leaves_out(result: StudyResult) -> None:
    drawing = figures.waterfall(result)
    bars = [t for t in drawing.spec["data"] if t["xaxis"] == "x"]
    points = sorted((x, y) for t in bars for x, y in zip(t["x"], t["y"], strict=True))
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert len(points) == DRAWN
    assert f"{DRAWN} of {best_changes(result).height} subjects" in drawing.caption


def test_swimmer_draws_few_lanes_and_counts_everybody(result: StudyResult) -> None:
    drawing = figures.swimmer(result)
    assert sum(len(t["y"]) for t in drawing.spec["data"] if t["type"] == "bar") == 60
    assert sum(int(row[1]) for row in drawing.rows) == 200


def test_a_subject_without_a_dose_is_drawn_and_counted() -> None:
    study = synthetic.study(20)
    subjects = study.table("subjects").with_columns(
        pl.when(pl.col("USUBJID") <= 2).then(None).otherwise(pl.col("TRTEDY")).alias("TRTEDY")
    )
    drawing = figures.swimmer(dataclasses.replace(study, tables={**study.tables, "subjects": subjects}))
    texts = [text for t in drawing.spec["data"] if t["type"] == "bar" for text in t["hovertext"]]
    for subject in (1, 2):
        assert any(text.startswith(f"subject {subject}: 0.0 months on treatment") for text in texts)
    assert sum(int(row[1]) for row in drawing.rows) == 20


def test_what_was_there_before_the_first_dose_is_not_in_the_toxicity_figure() -> None:
    study = synthetic.study(40)
    events = study.table("adverse_events")
    before = events.with_columns(pl.lit("N").alias("TRTEMFL"), pl.lit(4, pl.Int8).alias("AETOXGR"))
    both = dataclasses.replace(study, tables={**study.tables, "adverse_events": pl.concat([events, before])})
    assert figures.toxicity(both).rows == figures.toxicity(study).rows
    assert figures.toxicity(study).rows != ()


def test_trajectory_percentiles_are_ordered_and_right(result: StudyResult) -> None:
    table = percentiles(result, "ANC")
    columns = ["p5", "p25", "p50", "p75", "p95"]
    for low, high in pairwise(columns):
        assert (table[low] <= table[high]).all()
    visits = result.table("visits")
    first = visits.filter((visits["PARAMCD"] == "ANC") & (visits["ADY"] == 1))["AVAL"]
    assert table["p50"][0] == pytest.approx(first.median())
    assert "Neutrophils (ANC) (1e9/L)" in trajectory(result, "ANC").spec["layout"]["yaxis"]["title"]["text"]


def test_dose_shares_add_up_to_everybody(result: StudyResult) -> None:
    bars = [t for t in figures.dose(result).spec["data"] if t["type"] == "bar"]
    for cycle in range(len(bars[0]["x"])):
        assert sum(bar["y"][cycle] for bar in bars) == pytest.approx(100, abs=1)


def test_toxicity_table_agrees_with_the_endpoint(result: StudyResult) -> None:
    rows = {row[0]: row for row in figures.toxicity(result).rows}
    share = 100 * result.arms["continuous"].flags["neutropenia_g34"].mean()
    assert float(rows["neutropenia"][6]) == pytest.approx(share, abs=0.51)


def with_durations(result: StudyResult, arms: tuple[str, ...]) -> StudyResult:
    """The result with a duration of response for the responders of `arms`."""
    chosen = result.table("subjects").filter(pl.col("RSPDY").is_not_null() & pl.col("ARM").is_in(arms))["USUBJID"]
    times = result.table("time_to_event")
    rows = times.filter((pl.col("PARAMCD") == "PFS") & pl.col("USUBJID").is_in(chosen.implode()))
    both = pl.concat([times, rows.with_columns(PARAMCD=pl.lit("DOR"))])
    return replace(result, tables={**result.tables, "time_to_event": both})


def test_every_time_to_event_of_the_table_is_drawn(result: StudyResult) -> None:
    durations = with_durations(result, ("continuous",))
    responders = result.table("subjects")["RSPDY"].count()
    assert 0 < responders < 200
    for parameter, subjects in (("PFS", 200), ("OS", 200), ("TTF", 200), ("DOR", responders)):
        drawing = figures.kaplan_meier(durations, parameter)
        assert drawing.rows[0][1] == str(subjects)
        assert isinstance(durations.plot.kaplan_meier(parameter), go.Figure)
    assert "response" in durations.plot.kaplan_meier("DOR").layout.xaxis.title.text


def test_arms_without_a_response_have_no_curve(several: StudyResult) -> None:
    rows = figures.kaplan_meier(with_durations(several, ("a", "c")), "DOR").rows
    assert [row[0] for row in rows] == ["a", "c", "all arms"]


def test_what_cannot_be_drawn_is_answered_with_what_can(result: StudyResult) -> None:
    with pytest.raises(CereblonError, match=r"'PSF': expected one of PFS, OS, TTF, DOR.*nearest: PFS"):
        result.plot.kaplan_meier("PSF")
    with pytest.raises(CereblonError, match="'DOR': no simulated subject has it"):
        result.plot.kaplan_meier("DOR")


def two_drugs() -> StudyResult:
    """The synthetic study with a steroid in the treatment, which half of the subjects take."""
    result = synthetic.study(60)
    arm = result.trial.arms[0].model_dump(mode="json")
    arm["treatment"] = [*arm["treatment"], {"drug": "dexamethasone", "dose": "20 mg"}]
    design = result.trial.model_validate({**result.trial.model_dump(mode="json"), "arms": [arm]})
    weeks = result.table("exposure")
    second = weeks.filter(pl.col("USUBJID") % 2 == 0).with_columns(
        DRUG=pl.lit("dexamethasone"), DOSEMG=pl.col("DOSEMG") * 4
    )
    return replace(result, trial=design, tables={**result.tables, "exposure": pl.concat([weeks, second])})


def test_every_drug_of_the_treatment_has_its_dose_figure(result: StudyResult) -> None:
    one, both = figures.dose(result), figures.dose(two_drugs())
    assert one.title == "Lenalidomide actually given"
    assert one.header[0] == "Cycle"
    assert both.header[0] == "Drug"
    assert {row[0] for row in both.rows} == {"lenalidomide", "dexamethasone"}
    assert both.height == 2 * one.height
    titles = [a["title"]["text"] for name, a in both.spec["layout"].items() if re.match("yaxis", name)]
    assert [t for t in titles if "taken" in t] == [
        "Lenalidomide taken<br>(mg per dosing day)",
        "Dexamethasone taken<br>(mg per dosing day)",
    ]
    go.Figure(both.spec)
    shares = [t for t in both.spec["data"] if t["type"] == "bar" and t.get("yaxis") == "y3"]
    assert sum(t["y"][0] for t in shares) == pytest.approx(100, abs=0.1)
    domains = [a["domain"] for name, a in both.spec["layout"].items() if re.match("yaxis", name)]
    assert all(low < high for low, high in domains)
    assert all(a[1] <= b[0] or b[1] <= a[0] for a, b in pairwise(sorted(domains)))
