"""What Cereblon reports of a trial is what its tables say, worked out again by other means."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pytest
import recompute

from cereblon import load_trial, run
from cereblon.clinic.trial.load import trial_ids
from cereblon.columns import DAYS_PER_MONTH, TABLES
from cereblon.outcomes.data import ArmData
from cereblon.outcomes.endpoints import ENDPOINTS
from cereblon.outcomes.survival import kaplan_meier
from cereblon.result import StudyResult

ENTRIES = ("badoux2011", "buhler2013", "chanan-khan2006", "chen2011", "chen2012", "ferrajoli2008", "wendtner2012")
FEW, MANY = 40, 400


def check(result: StudyResult) -> None:
    """Compare one simulated trial with the recomputation of its tables, subject by subject and curve by curve."""
    tables = {name: result.table(name) for name in TABLES}
    seen = recompute.visits_of(tables["response"])
    for who, best, day in tables["subjects"].select("USUBJID", "BESTRESP", "RSPDY").iter_rows():
        assert recompute.best_response(seen[who]) == (best, day), who
    times = recompute.survival(tables)
    written = tables["time_to_event"].filter(pl.col("PARAMCD") != "TTF")
    found = {(who, name): time for who, names in times.items() for name, time in names.items()}
    stated = {
        (who, n): (days, not c) for who, n, days, c in written.select("USUBJID", "PARAMCD", "AVAL", "CNSR").rows()
    }
    assert found == stated
    for arm in result.arms.values():
        of_arm(arm, tables, times)
    for term in recompute.COUNTS:
        counts(tables, term)


def of_arm(arm: ArmData, tables: recompute.Tables, times: dict[int, dict[str, recompute.Time]]) -> None:
    """Rates and curves of one arm."""
    people = set(arm.subjects.tolist())
    for name in ("PFS", "OS", "DOR"):
        mine = [times[who][name] for who in sorted(people) if name in times[who]]
        if not mine:
            continue
        theirs, ours = recompute.curve(mine), kaplan_meier(arm.times[name].time, arm.times[name].event)
        middle = recompute.median(theirs)
        assert ours.median == (None if middle is None else pytest.approx(middle / DAYS_PER_MONTH, rel=1e-12)), name
        for month in (1, 3, 6, 12, 24, 36):
            assert ours.at(month) == pytest.approx(recompute.at(theirs, month * DAYS_PER_MONTH), abs=1e-12), name
    for key, endpoint in ENDPOINTS.items():
        if endpoint.kind == "event":
            assert chosen(arm, key) == recompute.with_event(tables, endpoint.term, endpoint.grade) & people, key
        if endpoint.kind == "response":
            best = tables["subjects"].filter(pl.col("BESTRESP").is_in(list(endpoint.categories)))
            assert chosen(arm, key) == set(best["USUBJID"]) & people, key
        if endpoint.kind == "cycles":
            hit = recompute.cycles_with_event(tables, endpoint.term, endpoint.grade)
            assert arm.cycles_hit[key].sum() == within(hit, people), key
            assert arm.cycles_given.sum() == within(recompute.given_cycles(tables["exposure"]), people), key


def chosen(arm: ArmData, key: str) -> set[int]:
    return set(arm.subjects[arm.flags[key]].tolist())


def within(cycles: Iterable[tuple[int, int]], people: set[int]) -> int:
    return sum(who in people for who, _ in cycles)


def counts(tables: recompute.Tables, term: str) -> None:
    """Severe low counts of the event table are those of the visits.

    In the first cycle the count before treatment is no event where the table tells such events apart.
    """
    events = tables["adverse_events"].filter((pl.col("AETERM") == term) & (pl.col("AETOXGR") >= recompute.SEVERE))
    first = 2 if "TRTEMFL" in events.columns else 1
    worst = events.group_by("USUBJID", "AECYCLE").agg(pl.col("AETOXGR").max())
    stated = {(who, cycle): grade for who, cycle, grade in worst.iter_rows()}
    surely, perhaps = (recompute.severe_cycles(tables, term, surely=sure) for sure in (True, False))
    for key in {*stated, *surely, *perhaps}:
        if key[1] >= first:
            assert surely.get(key, 0) <= stated.get(key, 0) <= perhaps.get(key, 0), (term, key)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_trials_are_what_their_tables_say(name: str) -> None:
    check(run(load_trial(name), patients=FEW, seed=7))


@pytest.mark.slow
@pytest.mark.parametrize("name", trial_ids())
def test_every_entry_of_the_registry_is_what_its_tables_say(name: str) -> None:
    check(run(load_trial(name), patients=MANY, seed=8))


@pytest.mark.parametrize(
    ("visits", "best", "day"),
    [
        ([(29, "PR"), (57, "PR"), (85, "PR")], "PR", 29),
        ([(29, "PR"), (57, "SD"), (85, "SD")], "SD", None),
        ([(29, "SD"), (57, "PD")], "SD", None),
        ([(29, "PR"), (57, "CR"), (85, "CR"), (113, "PR")], "PR", 29),
        ([(29, "PR"), (57, "PR"), (85, "PR"), (113, "PD")], "PR", 29),
        ([(29, "PD")], "PD", None),
        ([], "NE", None),
    ],
)
def test_the_recomputation_reads_the_examples_as_the_page_does(
    visits: list[tuple[int, str]], best: str, day: int | None
) -> None:
    assert recompute.best_response(visits) == (best, day)
