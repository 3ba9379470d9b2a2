"""Subject 17 is the same person whatever else is in the model: what is added brings streams of its own."""

from dataclasses import replace

import numpy as np
import pytest

from cereblon.clinic.codes import INFECTIONS, NOISE, THRESHOLDS
from cereblon.errors import CereblonError
from cereblon.evidence.ensemble import draw_ensemble
from cereblon.model import Parameter, load_model
from cereblon.parameters import ParameterSet, Prior, draw, streams
from cereblon.parameters.streams import Purpose, stream_key
from cereblon.patients import Eligibility, Population, draw_cohort, draw_noise, draw_thresholds
from cereblon.patients.joint import NORMALS, UNIFORMS, normal_stream, uniform_stream

SUBJECTS = np.concatenate([np.arange(1, 200), 2_000_000 + np.arange(60)])
WEEKS = 9


@pytest.fixture(scope="module")
def packaged() -> ParameterSet:
    return ParameterSet.packaged(load_model())


def with_rows(
    packaged: ParameterSet, *rows: Parameter, groups: tuple[Parameter, ...] = (), prior: Prior | None = None
) -> ParameterSet:
    """Return the packaged set and further rows, wherever their names sort."""
    return ParameterSet.create(
        dict(sorted({**packaged.parameters, **{row.id: row for row in rows}}.items())),
        packaged.site_rows,
        packaged.effect_rows,
        {**packaged.correlation_rows, **{row.id: row for row in groups}},
        packaged.priors if prior is None else {prior.id: prior, **packaged.priors},
    )


def assert_unmoved(before: dict[str, np.ndarray], after: dict[str, np.ndarray], new: set[str]) -> None:
    assert set(after) == set(before) | new
    for name, values in before.items():
        assert np.array_equal(values, after[name]), name


@pytest.mark.parametrize("name", ["aaa_first", "len_w", "zzz_last"])
@pytest.mark.parametrize("group", ["", "pk", "ikzf"])
def test_a_parameter_with_spread(packaged: ParameterSet, name: str, group: str) -> None:
    """Correlated or not: a member that is appended to a group leaves the older ones as they were."""
    further = with_rows(packaged, Parameter(name, 2.0, "1", "lognormal", 0.4, group))
    assert_unmoved(draw(packaged, SUBJECTS, 1), draw(further, SUBJECTS, 1), {name})
    if group:
        other = next(row.id for row in packaged.parameters.values() if row.group == group)
        pair = np.log([draw(further, np.arange(4000), 1)[k] for k in (name, other)])
        assert np.corrcoef(pair)[0, 1] == pytest.approx(packaged.correlations[group], abs=0.04)


def test_a_spread_for_one_that_had_none(packaged: ParameterSet) -> None:
    row = replace(packaged.parameters["len_cl_floor"], distribution="lognormal", spread=0.2)
    assert_unmoved(draw(packaged, SUBJECTS, 1), draw(with_rows(packaged, row), SUBJECTS, 1), {"len_cl_floor"})


@pytest.mark.parametrize("name", ["aaa_first", "zzz_last"])
def test_an_event_threshold(name: str) -> None:
    before = draw_thresholds(SUBJECTS, 1, THRESHOLDS, INFECTIONS)
    assert_unmoved(before, draw_thresholds(SUBJECTS, 1, (*THRESHOLDS, name), INFECTIONS), {name})


@pytest.mark.parametrize("place", [0, 3, len(NOISE)])
def test_a_laboratory_value(place: int) -> None:
    before = draw_noise(SUBJECTS, 1, WEEKS, NOISE)
    after = draw_noise(SUBJECTS, 1, WEEKS, (*NOISE[:place], "lipase", *NOISE[place:]))
    assert np.array_equal(before, np.delete(after, place, axis=1))


def test_a_drug_folder(packaged: ParameterSet) -> None:
    """What a partner drug brings at this level: parameters, a group, an event, a laboratory value, a prior."""
    rows = (
        Parameter("rtx_cl_inf", 0.3, "L_per_day", "lognormal", 0.3, "rtx"),
        Parameter("rtx_v1", 3.0, "litre_unit", "lognormal", 0.2, "rtx"),
        Parameter("rtx_kd", 5.0, "mg_per_L"),
        Parameter("rtx_resistance", 0.1, "1", "logitnormal", 0.5),
    )
    group = Parameter("rtx", 0.5, "1")
    drug = with_rows(packaged, *rows, groups=(group,), prior=Prior("rtx_kd", "lognormal", 0.3, -1e30, 1e30, ""))
    new = {"rtx_cl_inf", "rtx_v1", "rtx_resistance"}
    assert_unmoved(draw(packaged, SUBJECTS, 1), draw(drug, SUBJECTS, 1), new)
    events = draw_thresholds(SUBJECTS, 1, (*THRESHOLDS, "infusion_reaction"), INFECTIONS)
    assert_unmoved(draw_thresholds(SUBJECTS, 1, THRESHOLDS, INFECTIONS), events, {"infusion_reaction"})
    model = load_model()
    more = replace(model, parameters=drug.parameters)
    assert_unmoved(
        dict(draw_ensemble(model, 16, 1, packaged).values),
        dict(draw_ensemble(more, 16, 1, drug).values),
        {r.id for r in rows},
    )


def test_redraws_at_entry_move_nobody_else() -> None:
    """A limit of entry draws those again who miss it; who meets it is the same person, on every covariate."""
    numbers = np.arange(1, 600)
    wide = draw_cohort(Population(60), "relapsed", numbers, 1).columns
    fit = draw_cohort(Population(60, eligibility=Eligibility(ecog_max=1)), "relapsed", numbers, 1).columns
    kept = wide["ecog"] <= 1
    assert 20 < (~kept).sum() < 300
    assert (fit["ecog"] <= 1).all()
    for name, values in wide.items():
        assert np.array_equal(values[kept], fit[name][kept]), name
    assert (wide["age"][~kept] != fit["age"][~kept]).all()


def test_every_packaged_stream_is_its_own(packaged: ParameterSet) -> None:
    varied = [row.id for row in packaged.parameters.values() if row.distribution != "none"]
    names = {
        Purpose.VARIABILITY: [*varied, *(f"group {group}" for group in packaged.correlations)],
        Purpose.COVARIATES: [*map(normal_stream, NORMALS), *map(uniform_stream, UNIFORMS)],
        Purpose.POOL: [*map(normal_stream, NORMALS), *map(uniform_stream, UNIFORMS)],
        Purpose.THRESHOLDS: list(THRESHOLDS),
        Purpose.VISIT_NOISE: list(NOISE),
        Purpose.PRIORS: list(packaged.priors),
    }
    keys = [stream_key(1, purpose, name).tobytes() for purpose, mine in names.items() for name in mine]
    assert len(set(keys)) == len(keys) > 150


@pytest.mark.parametrize("draws", ["thresholds", "noise", "priors"])
def test_a_collision_is_refused_wherever_it_is(
    packaged: ParameterSet, monkeypatch: pytest.MonkeyPatch, draws: str
) -> None:
    """Two names of one hash, made by a hash of two bits."""
    whole = stream_key
    monkeypatch.setattr(streams, "stream_key", lambda *of: whole(*of) & np.uint64(1))
    calls = {
        "thresholds": lambda: draw_thresholds([1, 2], 1, THRESHOLDS),
        "noise": lambda: draw_noise([1, 2], 1, 2, NOISE),
        "priors": lambda: draw_ensemble(load_model(), 8, 1, packaged),
    }
    with pytest.raises(CereblonError, match="are one stream; expected names of their own"):
        calls[draws]()
