"""The untreated leukemia grows as drawn at first, slows as it fills its space, and follows the dossier's curve."""

from functools import lru_cache

import numpy as np
import pytest
from virtual_subjects import LANES, Subjects, run, subjects

from cereblon.model import Model

MONTH = 365.25 / 12


@lru_cache(maxsize=2)
def crowd(model: Model, population: str) -> tuple[Subjects, ...]:
    """Return 192 subjects in batches of `LANES`.

    So many, because the properties below hold for most subjects and not for all: where a scale of growth or traffic
    reaches its limit the start is off balance. Eight subjects show none of these or two, by luck of the draw.
    """
    return tuple(subjects(model, population, first) for first in range(1, 193, LANES))


def courses(model: Model, group: tuple[Subjects, ...], days: int, *names: str) -> list[np.ndarray]:
    """Return what happens to subjects without treatment: one array (days + 1, n) per name."""
    found = [run(model, some.individual, some.state, days=days)[0] for some in group]
    return [np.concatenate([part[name] for part in found], axis=1) for name in names]


def drawn_growth(group: tuple[Subjects, ...]) -> np.ndarray:
    """Return the net growth that was drawn, 1/day, (n,)."""
    return np.concatenate([some.growth for some in group])


@pytest.mark.parametrize("population", ["untreated", "relapsed"])
def test_net_growth_is_the_drawn_one(model: Model, population: str) -> None:
    """The start is solved so that the clone grows at growth0; over 28 days within 15 % (of 0.01 % a day at least).

    Over five seeds and both populations 85 to 91 % of subjects are within 15 %, 96 to 100 % within 30 %.
    """
    group = crowd(model, population)
    (burden,) = courses(model, group, 28, "burden")
    growth = drawn_growth(group)
    off = np.abs(np.log(burden[28] / burden[0]) / 28 - growth) / np.maximum(growth, 1e-4)
    assert (off <= 0.15).mean() >= 0.80
    assert (off <= 0.30).mean() >= 0.95


@pytest.mark.parametrize("population", ["untreated", "relapsed"])
def test_growth_slows_as_the_leukemia_fills_its_space(model: Model, population: str) -> None:
    """Near-exponential at first, slower later: the form of the dossier's curve.

    Every subject grows in the third year too; 97 to 100 % grow no faster in a later year than in an earlier one.
    """
    group = crowd(model, population)
    (burden,) = courses(model, group, 28 * 39, "burden")
    pace = np.diff(np.log(burden[[0, 364, 728, 1092]]), axis=0)
    growing = drawn_growth(group) > 2e-4
    assert growing.mean() > 0.5
    slows = (pace[1:, growing] <= pace[:-1, growing] + 0.02).all(axis=0)
    assert slows.mean() >= 0.95
    assert (pace[-1, growing] > 0).all()


def test_distribution_stays_as_drawn(model: Model) -> None:
    """Blood and nodes begin in balance: no jump of either in the first untreated month beyond the drawn growth.

    Over five seeds 95 to 98 % stay within 10 % of it in blood, 98 to 99 % in nodes.
    """
    group = crowd(model, "untreated")
    grown = np.exp(drawn_growth(group) * 28)
    for course in courses(model, group, 28, "alc", "node_volume"):
        assert (np.abs(course[28] / course[0] / grown - 1) <= 0.10).mean() >= 0.93


def test_counts_follow_the_dossier(model: Model, reference_patient: Subjects) -> None:
    """disease_model.md, section 6: from 80 to 118, 159 and 237 at 6, 12 and 24 months.

    The structure differs (mobile and adherent pools, solved traffic) and that curve is a model too: 15 % in the first
    year, 25 % at two years, where this model slows earlier.
    """
    found, _ = run(model, reference_patient.individual, reference_patient.state, days=28 * 27)
    months = np.rint(np.array([6, 12, 24]) * MONTH).astype(int)
    counts = found["alc"][months, 0] / found["alc"][0, 0] * 80
    assert counts[:2] == pytest.approx([118, 159], rel=0.15)
    assert counts[2] == pytest.approx(237, rel=0.25)
    assert found["alc"].shape[1] == LANES


@pytest.fixture
def reference_patient(model: Model) -> Subjects:
    """The table's patient with the dossier's net growth at ALC 80 (birth 0.42, death 0.22 % a day)."""
    from virtual_subjects import solved_start, typical

    return solved_start(model, typical(model).individual, np.full(LANES, 0.0020))
