"""From text to equations: what is accepted, what is refused and with which words."""

import math

import basico
import numpy as np
import pytest
import roadrunner

from cereblon.errors import CereblonError
from cereblon.model import Model, ModelError, TableError, check, load_model, load_model_text, read_parameters
from cereblon.model.expr import add, derivative, div, infix, mul, neg, num, power, sym

HEAD = (
    "unit day = 86400 second\nunit per_day = 1/86400 second\nunit gcell = 1e9 item\n"
    "compartment body; body = 1; body has litre\n"
)
CELLS = "substanceOnly species a in body; a has gcell\na = 1\n"
DEATH = 'k = 0.5; k has per_day\ndie: a => ; k*a\ndie notes "claim: c1, c2; source: S1, S2; says: cells die"\n'


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model_text(HEAD + CELLS + DEATH)


def test_equal_expressions_are_one_object() -> None:
    x, y = sym("x"), sym("y")
    assert add(mul(x, y), num(1)) is add(mul(x, y), num(1))
    assert mul(x, num(0)) is num(0.0)
    assert power(x, num(1)) is x
    assert div(x, num(2)) is mul(num(0.5), x)


def test_derivative_follows_rules() -> None:
    x, rules = sym("x"), {"h": div(power(sym("x"), num(2)), add(num(1), power(sym("x"), num(2))))}
    slope = derivative(mul(num(3), sym("h")), "x", rules, {})
    from cereblon.model import Program

    value = Program([slope], rules, lambda _: False).run({"x": 2.0})[0]
    assert value == pytest.approx(3 * 2 * 2 / 25)
    assert derivative(neg(x), "x", {}, {}) is num(-1.0)


def test_infix_keeps_the_meaning() -> None:
    a, b, c = sym("a"), sym("b"), sym("c")
    assert infix(div(a, mul(b, c))) == "a/(b*c)"
    assert infix(mul(add(a, neg(b)), c)) == "(a - b)*c"
    assert infix(power(add(a, b), num(2))) == "(a + b)^2"
    assert infix(add(a, neg(add(b, c)))) == "a - (b + c)"


def test_notes_become_claims_sources_and_words(model: Model) -> None:
    words = model.system.words["die"]
    assert (words.claims, words.sources, words.says) == (("c1", "c2"), ("S1", "S2"), "cells die")
    equation = model.equations()[0]
    assert (equation.name, equation.formula, equation.unit) == ("a", "-k*a", "gcell")
    assert not check(model)


def test_initial_rhs_and_observe_take_arrays(model: Model) -> None:
    assert model.initial()["a"] == 1.0
    rate = model.rhs({"a": np.array([1.0, 2.0])}, {"k": np.array([0.5, 0.25])})["a"]
    assert np.asarray(rate) == pytest.approx([-0.5, -0.5])
    assert float(model.observe(("die",), {"a": 2.0})["die"]) == 1.0


def test_exported_sbml_runs_in_roadrunner_and_copasi(model: Model) -> None:
    end = roadrunner.RoadRunner(model.sbml).simulate(0, 2, 3)[-1][1]
    assert end == pytest.approx(math.exp(-1), rel=1e-4)
    basico.load_model_from_string(model.sbml)
    course = basico.run_time_course(duration=2, intervals=2)
    assert float(course["a"].iloc[-1]) == pytest.approx(math.exp(-1), rel=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("die: a => ; kk*a\nk = 1; k has per_day\n", r"model text:7: 'kk' is used but not defined; nearest: k"),
        ("k = 1; k has per_day\ndie: a => ; k*fooo(a)\n", "fooo"),
        ("die: a => ; __import__('os').system('id')\n", "model text:7"),
        ('import "/etc/hostname"\n', "'import' is not allowed"),
        ("function f(x)\n x\nend\n", "'function' is not allowed"),
        ("at (a > 1): a = 0\n", "'at' is not allowed"),
        ("k = 1; k has per_day\ndie: a => ; k*a*time\n", "time"),
        ("k = 1; k has parsec\ndie: a => ; k*a\n", "unit 'parsec' is not defined"),
        ("r := r2; r2 := r\nk = 1; k has per_day\ndie: a => ; k*a*r\n", "itself|[Ll]oop"),
        ("x' = x\n", "x"),
        ("k = 1; k has per_day\nk = 2\ndie: a => ; k*a\n", "already defined at model text:7"),
        ("die: a => ; k*a +\n", "model text:7"),
    ],
)
def test_wrong_text_is_refused_in_one_line(text: str, expected: str) -> None:
    with pytest.raises(CereblonError, match=expected) as caught:
        load_model_text(HEAD + CELLS + text)
    assert "\n" not in str(caught.value)


def test_a_whole_model_keeps_its_line_numbers() -> None:
    text = "model mine()\n" + HEAD + CELLS + "die: a => ; kk*a\nend\n"
    with pytest.raises(ModelError, match="model text:8"):
        load_model_text(text)


def test_a_nonlinear_fast_state_is_refused() -> None:
    text = HEAD + CELLS + "// clock: fast\nx = 1; x has dimensionless\nk = 1; k has per_day\nx' = -k*x^2\n"
    with pytest.raises(ModelError, match="fast state 'x' must be linear in itself"):
        load_model_text(text)


def test_fast_states_in_a_loop_are_refused() -> None:
    text = (
        HEAD + CELLS + "// clock: fast\nk = 1; k has per_day\nx = 1; y = 1\n"
        "x' = k*(y/(1 + y) - x)\ny' = k*(x/(1 + x) - y)\n"
    )
    with pytest.raises(ModelError, match="loop"):
        load_model_text(text)


def test_check_names_bad_units_and_missing_sources_by_line() -> None:
    found = check(load_model_text(HEAD + CELLS + "k = 0.5; k has day\nspare = 1; spare has day\ndie: a => ; k*a\n"))
    text = [str(f) for f in found]
    assert any("model text:9: error" in t and "'die' has no source" in t for t in text)
    assert any("error" in t and "nits" in t and "libSBML" in t for t in text)
    assert any("warning: parameter 'spare' is used nowhere" in t for t in text)


COLUMNS = "id\tvalue\tunit\tdistribution\tspread\tgroup\tstatus\tsource\tevidence\torgan\tnote\n"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("k\t1\t\tnone\t\t\tassumed\tS\tread\t\t", "p.tsv:2: parameter 'k' has no unit"),
        ("k\t1\tper_day\tnone\t\t\tassumed\t\tread\t\t", "p.tsv:2: parameter 'k' has no source"),
        ("k\tone\tper_day\tnone\t\t\tassumed\tS\tread\t\t", "value 'one' is not a number"),
        ("k\tnan\tper_day\tnone\t\t\tassumed\tS\tread\t\t", "not finite"),
        ("k\t-1\tper_day\tlognormal\t0.3\t\tassumed\tS\tread\t\t", "must be positive"),
        ("k\t1\tper_day\tlognorml\t0.3\t\tassumed\tS\tread\t\t", "nearest: lognormal"),
        ("k\t1\tper_day\tnone\t0.3\t\tassumed\tS\tread\t\t", "spread"),
        ("k l\t1\tper_day\tnone\t\t\tassumed\tS\tread\t\t", "is not a name"),
    ],
)
def test_wrong_parameter_rows_are_refused_by_line(row: str, expected: str) -> None:
    with pytest.raises(TableError, match=expected):
        read_parameters(COLUMNS + row, "p.tsv")


def test_a_table_makes_parameters_individual() -> None:
    rows = (
        COLUMNS
        + "k\t0.5\tper_day\tlognormal\t0.3\t\tassumed\tS\tread\t\t\nc\t1\tgcell\tnone\t\t\tcovariate\tS\tread\t\t\n"
    )
    model = load_model_text(HEAD + CELLS.replace("a = 1", "a = c") + "die: a => ; k*a\n", rows)
    assert model.individual == ("c", "k") or set(model.individual) == {"c", "k"}
    assert np.asarray(model.initial({"c": np.array([1.0, 3.0])})["a"]) == pytest.approx([1.0, 3.0])


def test_the_packaged_model_is_complete() -> None:
    model = load_model()
    assert not [f for f in check(model) if f.severity == "error"]
    assert {"len_gut", "dex_gut", "allopurinol_gut", "gcsf_depot"} <= set(model.linear)
    assert all(np.isfinite(float(v)) and float(v) >= 0 for v in model.initial().values())
    for name, line in (("alc", "rule"), ("cll_blood", "slow"), ("ikzf1_t", "relaxing")):
        assert next(e for e in model.equations() if e.name == name).clock == line
    assert load_model() is model


def test_rules_that_use_each_other_twice_are_sorted_in_no_time() -> None:
    from cereblon.model.classify import Dependence, affine

    bodies = {"r0": sym("x")}
    bodies |= {f"r{n}": add(sym(f"r{n - 1}"), mul(sym("k"), sym(f"r{n - 1}"))) for n in range(1, 61)}
    # 2^60 ways lead from the last rule to x; the coefficient is (1 + k)^60
    coefficients, rest = affine(sym("r60"), frozenset({"x"}), Dependence({"x": None}, bodies), bodies)
    assert rest is num(0.0)
    from cereblon.model import Program

    slope = Program([coefficients["x"]], {}, lambda _: True).run({"k": 0.01})[0]
    assert float(slope) == pytest.approx(1.01**60, rel=1e-5)


def test_bare_numbers_of_a_formula_need_a_row() -> None:
    text = (
        "k = 0.5; k has per_day\nw = 3*k; w has per_day\nq := 2*k^3 + k^-4 + k^(5/3) - 1; q has per_day\n"
        "die: a => ; 7*k*a\nr := 0.25*q + 1e3; r has per_day\n"
    )
    found = [f for f in check(load_model_text(HEAD + CELLS + text)) if "in the formula of" in f.message]
    first = (HEAD + CELLS).count("\n") + 1
    assert [(f.severity, f.place, f.message.split(";")[0]) for f in found] == [
        ("error", f"model text:{first + line}", f"number {number} in the formula of '{name}'")
        for line, number, name in ((1, "3", "w"), (3, "7", "die"), (4, "0.25", "r"), (4, "1e3", "r"))
    ]


def test_nothing_is_found_in_the_packaged_model() -> None:
    assert check(load_model()) == []
