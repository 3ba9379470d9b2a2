"""A set of parameters: checked, immutable, named by its content, and changed by name."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from cereblon.errors import CereblonError
from cereblon.model import Model, Parameter, load_model
from cereblon.parameters import SOLVED, ParameterSet, Prior, draw, draw_variability

NUMBERS = np.arange(1, 300)
CHANGES = {
    "len_volume": 50.0,
    "len_volume.spread": 0.25,
    "len_cl_floor": 0.0,
    "pk.correlation": 0.2,
    "lymphoma_anc_hold": 0.75,
    "male.age": -0.01,
    "th1_gain.prior": 0.3,
}


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def packaged(model: Model) -> ParameterSet:
    return ParameterSet.packaged(model)


def test_every_number_may_be_set_to_itself(packaged: ParameterSet) -> None:
    """The limits must not be narrower than the package."""
    again = packaged.replace(packaged.numbers)
    assert again == packaged
    assert again.id == packaged.id
    assert not again.changes(packaged)


def test_every_store_is_in_the_set(packaged: ParameterSet, model: Model) -> None:
    assert packaged.values == model.defaults
    assert packaged.site["lymphoma_anc_hold"] == 1.0
    assert packaged.site_rows["lymphoma_anc_hold"].unit == "1e9/L"
    assert packaged.effects["male.age"] == -0.03
    assert packaged.correlations["pk"] == 0.7
    assert packaged.numbers["len_volume.spread"] == 0.4
    assert packaged.numbers["th1_gain.prior"] == 1.2
    assert not set(SOLVED) & set(packaged.numbers)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_moves_one_number_and_the_id(packaged: ParameterSet, name: str) -> None:
    changed = packaged.replace({name: CHANGES[name]})
    assert changed.changes(packaged) == {name: CHANGES[name]}
    assert changed.id != packaged.id
    assert changed.replace({name: packaged.numbers[name]}) == packaged


def test_the_id_is_of_the_content_and_not_of_the_way_there(packaged: ParameterSet) -> None:
    at_once = packaged.replace(CHANGES)
    stepwise = packaged
    for name in reversed(CHANGES):
        stepwise = stepwise.replace({name: CHANGES[name]})
    assert at_once.id == stepwise.id
    assert hash(at_once) == hash(stepwise)
    assert packaged.replace({"len_volume": np.nextafter(62.0, 63.0)}).id != packaged.id


def test_what_a_note_says_is_not_content(packaged: ParameterSet) -> None:
    rows = {name: replace(row, note="x", line=1) for name, row in packaged.parameters.items()}
    tables = (packaged.site_rows, packaged.effect_rows, packaged.correlation_rows, packaged.priors)
    assert ParameterSet.create(rows, *tables) == packaged
    rows["len_volume"] = replace(rows["len_volume"], unit="mL")
    assert ParameterSet.create(rows, *tables) != packaged


def test_a_set_does_not_change(packaged: ParameterSet) -> None:
    mine = dict(packaged.parameters)
    made = ParameterSet.create(mine, correlations=packaged.correlation_rows)
    before = made.id
    del mine["len_volume"]
    assert "len_volume" in made.parameters
    assert made.id == before
    with pytest.raises(TypeError):
        made.values["len_volume"] = 1.0  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        made.parameters = {}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"len_volum": 1.0}, "parameter len_volum: there is no such parameter; nearest: len_volume"),
        ({"lymphoma_anc_hol": 1.0}, "nearest: lymphoma_anc_hold"),
        ({"len_volume.sprea": 1.0}, "nearest: len_volume.spread"),
        ({"x\n\x1b[31m": 1.0}, r"parameter x\\n\\x1b\[31m: there is no such"),
        ({"growth_scale": 1.0}, "solved for every subject"),
        ({"growth_scale.spread": 1.0}, "does not vary"),
        ({"len_volume": float("nan")}, "expected a finite number"),
        ({"len_volume": 1e31}, r"at most 1e\+30"),
        ({"len_volume": -1.0}, "cannot be negative; the packaged value is 62 litre_unit"),
        ({"lymphoma_anc_hold": -1.0}, "cannot be negative"),
        ({"len_volume": "1"}, "parameter len_volume: '1': expected a number"),
        ({"len_volume": True}, "expected a number"),
        ({"len_volume.spread": -0.1}, "expected a spread from 0 to 8"),
        ({"len_volume.spread": 8.1}, "expected a spread from 0 to 8"),
        ({"len_cl_floor.spread": 0.1}, "does not vary between subjects; expected 0"),
        ({"pk.correlation": 1.0}, "expected a correlation from 0 to 1, 1 left out"),
        ({"pk.correlation": -0.1}, "expected a correlation"),
        ({"rho_occupancy50.prior": 9.0}, "expected a spread from 0 to 8"),
        ([("len_volume", 1.0)], "parameters: .*expected a dictionary"),
    ],
)
def test_a_wrong_change_is_refused_in_one_line(packaged: ParameterSet, changes: object, words: str) -> None:
    with pytest.raises(CereblonError, match=words) as caught:
        packaged.replace(changes)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_logitnormal_stays_inside() -> None:
    made = ParameterSet.create({"a": Parameter("a", 0.5, "1", "logitnormal", 0.3)})
    for value in (0.0, 1.0, 1.5):
        with pytest.raises(CereblonError, match="expected a value between 0 and 1"):
            made.replace({"a": value})
    assert made.replace({"a": 0.9}).values["a"] == 0.9


@pytest.mark.parametrize(
    ("parameters", "others", "words"),
    [
        ({"a": Parameter("a", float("inf"), "1")}, {}, "finite"),
        ({"a": Parameter("a", 1.0, "1", "lognormal", -1.0)}, {}, "spread"),
        ({"a": Parameter("a", 1.0, "1", "lognormal", 0.1, "gg")}, {}, "group 'gg' has no correlation"),
        ({"a": Parameter("a", 1.0, "1")}, {"site": {"a": Parameter("a", 1.0, "1")}}, "a: stands in two tables"),
        (
            {"a": Parameter("a", 1.0, "1"), "a.spread": Parameter("a.spread", 1.0, "1")},
            {},
            "a.spread: stands in two tables",
        ),
        ({"a": Parameter("a", 1.0, "1")}, {"correlations": {"g": Parameter("g", 1.0, "1")}}, "expected a correlation"),
        ({"a": Parameter("a", 1.0, "1")}, {"priors": {"b": Prior("b", "normal", 1, -1, 1, "")}}, "of no parameter"),
    ],
)
def test_create_checks(parameters: dict[str, Parameter], others: dict[str, object], words: str) -> None:
    with pytest.raises(CereblonError, match=words):
        ParameterSet.create(parameters, **others)  # type: ignore[arg-type]


def test_sets_of_two_models_are_not_compared(packaged: ParameterSet) -> None:
    other = ParameterSet.create({"a": Parameter("a", 1.0, "1")})
    with pytest.raises(CereblonError, match="expected sets of one model"):
        other.changes(packaged)
    with pytest.raises(CereblonError, match="only the model has it; expected the set of this model"):
        other.require_model(load_model())
    packaged.require_model(load_model())


def test_draw_takes_values_spreads_and_correlations_of_the_set(packaged: ParameterSet, model: Model) -> None:
    first = draw(packaged, NUMBERS, 3)
    assert all(np.array_equal(first[k], v) for k, v in draw_variability(model.parameters, NUMBERS, 3).items())
    scale = draw(packaged.replace({"len_volume": 31.0}), NUMBERS, 3)
    assert scale["len_volume"] == pytest.approx(first["len_volume"] / 2)
    wider = draw(packaged.replace({"len_volume.spread": 0.8}), NUMBERS, 3)["len_volume"]
    assert np.log(wider / 62) == pytest.approx(2 * np.log(first["len_volume"] / 62))
    loose = draw(packaged.replace({"pk.correlation": 0.0}), NUMBERS, 3)
    pair = ("len_volume", "len_clearance_scale")
    assert np.corrcoef(np.log([first[k] for k in pair]))[0, 1] == pytest.approx(0.7, abs=0.1)
    assert np.corrcoef(np.log([loose[k] for k in pair]))[0, 1] == pytest.approx(0.0, abs=0.15)
    for changed, moved in ((scale, {"len_volume"}), (loose, set(pair))):
        assert {k for k in first if not np.array_equal(first[k], changed[k])} == moved
