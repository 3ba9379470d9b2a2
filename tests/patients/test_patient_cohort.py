"""Cohorts meet the printed baseline, and a subject does not depend on who shares the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cereblon.errors import CereblonError
from cereblon.patients import (
    COVARIATES,
    SETTINGS,
    Cohort,
    Eligibility,
    Population,
    Printed,
    draw_cohort,
    plan_population,
)

TRIALS = {
    "badoux2011": (
        "untreated",
        Population(
            60,
            Printed(71, 66, 85),
            printed={"del17p_pct": 10},
            eligibility=Eligibility(age_min=65, creatinine_max_mg_dl=2.0, ecog_max=2),
        ),
    ),
    "chen2011": (
        "untreated",
        Population(25, Printed(60, 33, 78), printed={"del17p_or_del11q_pct": 32}, eligibility=Eligibility(ecog_max=2)),
    ),
    "chanan-khan2006": (
        "relapsed",
        Population(
            45,
            Printed(64, 42, 75),
            Printed(3, 1, 10),
            {"del17p_pct": 13, "rai_3_4_pct": 64, "fludarabine_refractory_pct": 51},
            Eligibility(age_min=18, creatinine_max_mg_dl=1.5, anc_min=1.5, platelets_min=30, ecog_max=2, lines_min=1),
        ),
    ),
    "ferrajoli2008": ("relapsed", Population(44, Printed(64, 49, 86), Printed(5, 1, 15), {"del17p_pct": 18})),
    "wendtner2012": (
        "relapsed",
        Population(52, Printed(65, 37, 80), Printed(4, 1, 14), {"del17p_pct": 17, "bulky_pct": 69}),
    ),
    "buhler2013": (
        "relapsed",
        Population(
            104,
            Printed(64, 32, 81),
            printed={"del17p_pct": 25, "tp53_pct": 38},
            eligibility=Eligibility(age_min=18, ecog_max=2, lines_min=1),
        ),
    ),
}
TRIALS["chen2012"] = TRIALS["chen2011"]
COUNT = 3000


def cohort_of(trial: str, subjects: object = None, seed: int = 11) -> Cohort:
    setting, population = TRIALS[trial]
    return draw_cohort(population, setting, np.arange(COUNT) if subjects is None else subjects, seed)  # type: ignore[arg-type]


def share(columns: dict[str, np.ndarray], key: str) -> float:
    flags = {
        "del17p_or_del11q_pct": np.maximum(columns["del17p"], columns["del11q"]),
        "rai_3_4_pct": columns["rai"] >= 3,
    }
    return 100 * float(np.mean(flags[key] if key in flags else columns[key.removesuffix("_pct")]))


@pytest.mark.parametrize("trial", sorted(TRIALS))
def test_printed_baseline_is_reproduced(trial: str) -> None:
    _, population = TRIALS[trial]
    cohort = cohort_of(trial)
    columns = cohort.columns
    assert np.median(columns["age"]) == pytest.approx(population.age.median, abs=0.6)
    widened = cohort.plan.levers.age_sd / np.sqrt(population.size)
    assert columns["age"].min() >= population.age.low - widened - 1e-9  # type: ignore[operator]
    assert columns["age"].max() <= population.age.high + widened + 1e-9  # type: ignore[operator]
    if population.prior_lines.median is not None:
        assert np.median(columns["prior_lines"]) == population.prior_lines.median
        assert columns["prior_lines"].min() == population.prior_lines.low
        assert columns["prior_lines"].max() <= population.prior_lines.high  # type: ignore[operator]
    for key, printed in population.printed.items():
        error = 100 * np.sqrt(printed / 100 * (1 - printed / 100) / COUNT)
        assert share(columns, key) == pytest.approx(printed, abs=3.5 * error), key
    assert cohort.plan.effective > 0.2


@pytest.mark.parametrize("trial", sorted(TRIALS))
def test_entry_limits_are_respected(trial: str) -> None:
    setting, population = TRIALS[trial]
    columns, limits = cohort_of(trial).columns, population.eligibility
    pairs = {
        "age": limits.age_min,
        "anc0": limits.anc_min,
        "platelets0": limits.platelets_min or 10,
        "hemoglobin0": 6,
    }
    for name, low in pairs.items():
        assert columns[name].min() >= (low or 0)
    assert columns["creatinine"].max() <= (limits.creatinine_max_mg_dl or np.inf)
    assert columns["ecog"].max() <= (2 if limits.ecog_max is None else limits.ecog_max)
    assert (columns["ffm"] <= 0.9 * columns["weight"]).all()
    diseased = (columns["alc0"] >= 5) | (columns["ldi0"] > 1.5) | (columns["spleen_volume0"] > 450)
    assert diseased.all()
    if setting == "untreated":
        assert (columns["prior_lines"] == 0).all()
        assert (columns["fludarabine_refractory"] == 0).all()


def test_columns_are_those_documented() -> None:
    columns = cohort_of("badoux2011", range(50)).columns
    assert list(columns) == list(COVARIATES)
    for name, values in columns.items():
        assert values.shape == (50,), name
        assert values.dtype == np.float64, name
        assert np.isfinite(values).all(), name
    assert all(c.unit and c.meaning for c in COVARIATES.values())


def test_model_units() -> None:
    columns = cohort_of("badoux2011").columns
    assert np.median(columns["igg0"]) == pytest.approx(7.5, rel=0.05)  # g/L
    assert 0.0008 < np.median(columns["growth0"]) < 0.003  # 1/day
    volume = 200 * (columns["spd0"] / 45) ** 1.5
    assert np.allclose(columns["node_volume0"], np.clip(volume, 5, 4000))
    assert columns["marrow0"].min() >= 0.02
    assert columns["marrow0"].max() <= 0.97
    assert columns["uric_acid0"].mean() == pytest.approx(6.0, abs=0.1)
    assert columns["crcl"].min() >= 12
    assert np.allclose(columns["bmi"], columns["weight"] / (columns["height"] / 100) ** 2)


def assert_same(a: Cohort, b: Cohort, rows: object) -> None:
    for name, values in b.columns.items():
        assert np.array_equal(a.columns[name][rows], values), name  # type: ignore[index]


@pytest.mark.parametrize("trial", ["badoux2011", "chanan-khan2006"])
def test_a_subject_does_not_depend_on_batch_or_order(trial: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cohort_of(trial, range(300))
    for rows in ([5], [299, 3, 17], list(range(100, 231)), list(reversed(range(300)))):
        assert_same(whole, cohort_of(trial, rows), rows)
    monkeypatch.setattr("cereblon.patients.cohort.CHUNK", 7)
    assert_same(whole, cohort_of(trial, range(300)), slice(None))


def test_another_seed_is_another_cohort() -> None:
    one, two = cohort_of("badoux2011", range(50), seed=1), cohort_of("badoux2011", range(50), seed=2)
    assert not np.array_equal(one.columns["age"], two.columns["age"])
    assert len(set(one.columns["age"])) == 50


def test_medians_of_laboratory_values_move_the_margins() -> None:
    printed = {
        "b2m_median": 4.5, "alc_median": 90.0, "crcl_median": 55.0, "platelets_median": 120.0,
        "ighv_unmutated_pct": 44.0, "rai_3_4_pct": 42.0, "male_pct": 50.0,
    }  # fmt: skip
    population = Population(43, Printed(72, 66, 85), printed=printed, eligibility=Eligibility(crcl_min=30))
    columns = draw_cohort(population, "untreated", np.arange(COUNT), 3).columns
    found = {
        "b2m_median": np.median(columns["b2m"]), "alc_median": np.median(columns["alc0"]),
        "crcl_median": np.median(columns["crcl"]), "platelets_median": np.median(columns["platelets0"]),
        "ighv_unmutated_pct": share(columns, "ighv_unmutated_pct"),
        "rai_3_4_pct": share(columns, "rai_3_4_pct"),
        "male_pct": share(columns, "male_pct"),
    }  # fmt: skip
    for key, wanted in printed.items():
        assert found[key] == pytest.approx(wanted, rel=0.06), key
    assert columns["crcl"].min() >= 30
    # What was not printed follows: more beta2-microglobulin with worse clearance.
    assert np.corrcoef(np.log(columns["b2m"]), np.log(columns["crcl"]))[0, 1] < -0.2


def test_far_prints_move_margins_instead_of_starving_the_pool() -> None:
    population = Population(100, Printed(65, 40, 80), printed={"bulky_pct": 97, "rai_3_4_pct": 95})
    plan = plan_population(population, "untreated")
    assert plan.margins_moved
    assert plan.effective > 0.2
    assert plan.matches["bulky_pct"].expected == pytest.approx(97, abs=1)
    columns = draw_cohort(population, "untreated", np.arange(500), 1).columns
    assert share(columns, "bulky_pct") == pytest.approx(97, abs=3)


def test_bulk_found_by_hand_is_rarer_than_on_ct() -> None:
    by_hand = draw_cohort(Population(100, bulky_by="examination"), "relapsed", np.arange(2000), 1).columns
    by_ct = draw_cohort(Population(100), "relapsed", np.arange(2000), 1).columns
    assert by_hand["bulky"].mean() == pytest.approx(0.25 * by_ct["bulky"].mean(), rel=0.2)
    assert draw_cohort(Population(100, bulky_cm=10.0), "relapsed", np.arange(500), 1).columns["bulky"].mean() < 0.15


def test_a_printed_zero_is_possible() -> None:
    population = Population(25, printed={"del17p_pct": 0.0, "fludarabine_refractory_pct": 0.0})
    columns = draw_cohort(population, "untreated", np.arange(500), 1).columns
    assert columns["del17p"].mean() < 0.05


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Population(0), "population.size"),
        (lambda: Population(10, printed={"del17_pct": 3}), "nearest: del17p_pct"),
        (lambda: Population(10, printed={"del17p_pct": 130}), "0-100"),
        (lambda: Population(10, printed={"alc_median": 0}), "positive"),
        (lambda: Population(10, Printed(50, 60, 70)), "population.age"),
        (lambda: Population(10, bulky_by="eye"), "bulky_by"),
        (lambda: plan_population(Population(10), "relapse"), "nearest: relapsed"),
        (
            lambda: plan_population(Population(10, eligibility=Eligibility(crcl_min=178)), "relapsed"),
            "may enter",
        ),
        (
            lambda: plan_population(Population(10, eligibility=Eligibility(age_min=93)), "relapsed"),
            "leave nobody",
        ),
        (
            lambda: plan_population(Population(10, Printed(60), eligibility=Eligibility(age_min=70)), "relapsed"),
            "population.age.median",
        ),
        (
            lambda: plan_population(Population(40, printed={"fludarabine_refractory_pct": 50}), "untreated"),
            "cannot be met",
        ),
        (lambda: draw_cohort(Population(10), "relapsed", [0], -1), "seed"),
        (lambda: draw_cohort(Population(10), "relapsed", [-4], 1), "subjects: -4"),
    ],
)
def test_impossible_populations_are_refused_in_one_line(make: object, words: str) -> None:
    with pytest.raises(CereblonError) as caught:
        make()  # type: ignore[operator]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_plans_do_not_depend_on_the_order_of_printed_items() -> None:
    a = Population(50, printed={"del17p_pct": 20, "bulky_pct": 60})
    b = Population(50, printed={"bulky_pct": 60, "del17p_pct": 20})
    assert plan_population(a, "relapsed") is plan_population(b, "relapsed")


@st.composite
def populations(draw: st.DrawFn) -> Population:
    median = draw(st.floats(50, 78))
    low, high = median - draw(st.floats(3, 25)), median + draw(st.floats(3, 15))
    shares = draw(
        st.dictionaries(
            st.sampled_from(["del17p_pct", "ighv_unmutated_pct", "bulky_pct", "rai_3_4_pct", "del11q_pct", "male_pct"]),
            st.floats(8, 88),
            max_size=3,
        )
    )
    if "del17p_pct" in shares:
        shares["del17p_pct"] = min(shares["del17p_pct"], 60.0)
    return Population(draw(st.integers(10, 400)), Printed(median, low, high), printed=shares)


@settings(max_examples=12, deadline=None)
@given(populations(), st.sampled_from(["untreated", "relapsed"]), st.integers(0, 2**40), st.integers(0, 10**6))
def test_any_population_gives_plausible_subjects(population: Population, setting: str, seed: int, first: int) -> None:
    subjects = np.arange(first, first + 64)
    cohort = draw_cohort(population, setting, subjects, seed)
    for name, values in cohort.columns.items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
    assert set(np.unique(cohort.columns["rai"])) <= {0, 1, 2, 3, 4}
    assert (cohort.columns["hemoglobin0"] >= 6).all()
    assert_same(cohort, draw_cohort(population, setting, subjects[40:45], seed), slice(40, 45))
    for match in cohort.plan.matches.values():
        assert match.expected == pytest.approx(match.printed, abs=2.5)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_draws(setting: str) -> None:
    columns = draw_cohort(Population(50), setting, range(200), 1).columns
    assert (columns["alc0"] > 0).all()
    if setting == "after_induction":
        assert (columns["prior_lines"] == 1).all()
        assert np.median(columns["alc0"]) < 1.2
