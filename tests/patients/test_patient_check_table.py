"""The joint model against the printed baseline tables it was set on, and those it was not."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from cereblon.patients.conditioning import pool_chances
from cereblon.patients.documents import load_documents
from cereblon.patients.entry import first_levers
from cereblon.patients.joint import LABORATORY, Levers, Traits, chain, complete, correlation, measure_frame
from cereblon.patients.population import Population
from cereblon.patients.tilting import log_weight, tilt

SIZE = 40_000


def draw(setting: str, age: tuple[float, float, float, float] | None = None, ighv: float | None = None) -> Traits:
    """Draw from the joint model before any entry limit; `age` is mean, SD and limits."""
    levers = first_levers(Population(1000), setting)
    margins = load_documents().margins[setting]
    mean, sd, low, high = age or (levers.age_mean, levers.age_sd, levers.age_low, levers.age_high)
    shifts = {} if ighv is None else {"ighv_unmutated": float(logit(ighv) - logit(margins["ighv_unmutated"].value))}
    levers = Levers(
        mean,
        sd,
        low,
        high,
        levers.lines_low,
        levers.lines_high,
        levers.lines_stop,
        levers.bulky_cm,
        1.0,
        levers.effects,
        shifts,
    )
    chances = pool_chances(SIZE, 7)
    traits = chain(chances, setting, levers)
    frame = measure_frame(chances, traits, setting, levers.effects)
    return complete(chances, traits, setting, levers, frame)


def percent(flags: object) -> float:
    return 100.0 * float(np.mean(np.asarray(flags, dtype=float)))


@pytest.fixture(scope="module")
def first_line() -> Traits:
    return draw("untreated", age=(57, 11, 17, 86))


@pytest.fixture(scope="module")
def treated() -> Traits:
    return draw("relapsed", age=(61, 11, 25, 83))


@pytest.fixture(scope="module")
def fit() -> Traits:
    return draw("untreated", age=(58.6, 9.8, 25, 78))


def test_us_center_untreated_medians(first_line: Traits) -> None:
    printed = {"alc": 63, "hemoglobin": 12.7, "platelets": 156, "b2m": 3.3, "igg_mg_dl": 754}
    for trait, median in printed.items():
        assert np.median(first_line[trait]) == pytest.approx(median, rel=0.02), trait
    assert percent(first_line["rai_3_4"]) == pytest.approx(31.3, abs=1.8)


def test_us_center_untreated_extremes_held(first_line: Traits) -> None:
    # 659 subjects: the printed range lies near the 0.15 and 99.85 % quantiles.
    drawn = {"alc": (0.7, 420), "hemoglobin": (6.7, 18.5), "platelets": (15, 449), "b2m": (0.9, 11.8)}
    for trait, (low, high) in drawn.items():
        bottom, top = np.quantile(first_line[trait], [0.0015, 0.9985])
        assert bottom == pytest.approx(low, rel=0.3), trait
        assert top == pytest.approx(high, rel=0.1), trait


def test_us_center_treated(treated: Traits) -> None:
    for trait, median in {"alc": 36, "hemoglobin": 11.4, "platelets": 121, "b2m": 4.4}.items():
        assert np.median(treated[trait]) == pytest.approx(median, rel=0.02), trait
    assert percent(treated["rai_3_4"]) == pytest.approx(56.8, abs=2.5)


def test_sawyer_and_reach(fit: Traits) -> None:
    assert fit["weight"].mean() == pytest.approx(79.3, abs=0.5)
    assert fit["bsa"].mean() == pytest.approx(1.91, abs=0.02)
    assert 100 - percent(fit["male"]) == pytest.approx(32.5, abs=1.5)
    white = 1.03 * fit["alc"] + fit["anc0"] + fit["monocytes0"] + 2
    assert white.mean() == pytest.approx(90, abs=3)
    assert white.std() == pytest.approx(69, abs=3)
    assert 100 * fit["spd0"].mean() == pytest.approx(6810, rel=0.04)
    assert 100 * fit["spd0"].std() == pytest.approx(7540, rel=0.10)


def test_cll8_genetics(fit: Traits) -> None:
    printed = {"ighv_unmutated": 63.4, "del13q": 56.7, "del11q": 24.6, "trisomy12": 12.0, "del17p": 8.2}
    for gene, share in printed.items():
        assert percent(fit[gene]) == pytest.approx(share, abs=2.0), gene
    assert percent(fit["ighv_unmutated"][fit["del11q"] > 0]) == pytest.approx(89.6, abs=2.5)


def test_helios() -> None:
    drawn = draw("relapsed", age=(63.5, 9.6, 31, 86), ighv=0.80)
    for lines, share in ((1, 48), (2, 26)):
        assert percent(drawn["prior_lines"] == lines) == pytest.approx(share, abs=1.5)
    assert percent(drawn["prior_lines"] >= 3) == pytest.approx(26, abs=1.5)
    entered = {name: value[drawn["del17p"] == 0] for name, value in drawn.items()}
    printed = {"bulky": 56, "del11q": 26, "zap70": 72, "fludarabine_refractory": 26}
    for trait, share in printed.items():
        assert percent(entered[trait]) == pytest.approx(share, abs=3.5), trait


@pytest.mark.parametrize(
    ("age", "quantity", "printed", "within"),
    [
        ((76, 7.5, 40, 95), "median", 61.1, 3),
        ((63, 10, 38, 80), "below 70", 39, 3.5),
        ((73, 5.5, 65, 90), "below 60", 44, 2.5),
    ],
)
def test_printed_clearance(
    age: tuple[float, float, float, float], quantity: str, printed: float, within: float
) -> None:
    drawn = draw("untreated", age=age)
    keep = drawn["creatinine"] < 1.8 if quantity == "below 70" else drawn["crcl"] >= (30 if age[0] == 73 else 0)
    clearance = drawn["crcl"][keep]
    found = np.median(clearance) if quantity == "median" else percent(clearance < float(quantity.split()[1]))
    assert found == pytest.approx(printed, abs=within)


def test_clearance_of_the_unfit() -> None:
    drawn = draw("untreated", age=(72, 8.5, 41, 89))
    sick = np.random.default_rng(3).random(SIZE) < 0.8
    keep = (sick | (drawn["crcl"] < 70)) & (drawn["crcl"] >= 30)
    assert np.median(drawn["crcl"][keep]) == pytest.approx(66.4, abs=4)


@pytest.mark.parametrize(("age", "median", "below_60"), [(50, 97, 6), (60, 81, 16), (70, 68, 34), (80, 55, 62)])
def test_clearance_by_age(age: float, median: float, below_60: float) -> None:
    clearance = draw("untreated", age=(age, 0.5, age - 1, age + 1))["crcl"]
    assert np.median(clearance) == pytest.approx(median, abs=1)
    assert percent(clearance < 60) == pytest.approx(below_60, abs=1)


def test_alemtuzumab_database_tilted() -> None:
    drawn = draw("relapsed", age=(63.5, 10, 46, 92))
    columns = {
        "young": np.asarray(drawn["age"] < 64, float),
        "rai": drawn["rai_3_4"],
        "bulky": drawn["bulky"],
        "del17p": drawn["del17p"],
        "more": np.asarray(drawn["prior_lines"] >= 2, float),
    }
    wanted = {"young": 0.5, "rai": 0.70, "bulky": 0.30, "del17p": 0.33, "more": 0.60}
    mass = np.exp(log_weight(columns, tilt(columns, wanted), SIZE))
    mass /= mass.sum()
    for name, share in wanted.items():
        assert mass @ columns[name] == pytest.approx(share, abs=1e-3), name
    assert 100 * mass @ drawn["del11q"] == pytest.approx(20, abs=2)
    assert 100 * mass @ drawn["trisomy12"] == pytest.approx(12, abs=2.5)
    assert 1 / (mass @ mass) / SIZE == pytest.approx(0.70, abs=0.06)


def test_after_induction() -> None:
    drawn = draw("after_induction")
    assert percent(drawn["alc"] < 1.0) == pytest.approx(69, abs=2)
    cytopenia = (drawn["anc0"] < 1.5) | (drawn["hemoglobin"] < 10) | (drawn["platelets"] < 75)
    assert percent(cytopenia) == pytest.approx(35, abs=2)


def test_rank_correlations(fit: Traits) -> None:
    for a, b, expected in (
        ("age", "crcl", -0.48), ("crcl", "b2m", -0.33), ("hemoglobin", "b2m", -0.43),
        ("marrow0", "hemoglobin", -0.38), ("ighv_unmutated", "growth", 0.52),
    ):  # fmt: skip
        assert stats.spearmanr(fit[a], fit[b])[0] == pytest.approx(expected, abs=0.03), (a, b)


def test_doubling_time_by_ighv(fit: Traits) -> None:
    months = 12 * np.log(2) / fit["growth"]
    assert np.median(months[fit["ighv_unmutated"] > 0]) == pytest.approx(9, abs=0.5)
    assert np.median(months[fit["ighv_unmutated"] == 0]) == pytest.approx(19, abs=1)


def test_del17p_rises_with_lines() -> None:
    drawn = draw("relapsed")
    shares = [percent(drawn["del17p"][drawn["prior_lines"] == k]) for k in (1, 2, 3, 4)]
    assert shares == pytest.approx([14, 19, 26, 34], abs=3.5)


def test_correlation_is_positive_definite_as_given() -> None:
    matrix = correlation(load_documents())
    assert matrix.shape == (len(LABORATORY), len(LABORATORY))
    assert np.allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() == pytest.approx(0.23, abs=0.01)


def test_an_indefinite_edit_is_repaired() -> None:
    from dataclasses import replace

    documents = load_documents()
    edited = replace(documents, copula={**documents.copula, ("hemoglobin", "b2m"): 0.99})
    matrix = correlation(edited)
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert np.allclose(np.diag(matrix), 1)
