"""Models as libAntimony writes them for others: taken, or the first thing that is not supported, with its line."""

import pytest

from cereblon.errors import CereblonError
from cereblon.model import load_model_text

HEAD = "// Created by libAntimony v2.12.0\n"
PLAIN = (
    "model *thin_film()\n\n  // Compartments and Species:\n  compartment dish;\n"
    "  substanceOnly species A in dish, B in dish;\n\n  // Reactions:\n  R1: A -> B; k1*A;\n"
    "  // Species initializations:\n  A = 3;\n  B = 0;\n\n  // Compartment initializations:\n  dish = 1;\n"
    "  // Variable initializations:\n  k1 = 0.2;\n\n  // Other declarations:\n  const dish, k1;\n"
    '  // Display Names:\n  dish is "Petri dish, 1";\n  A is "free µ-ligand";\n'
    '\n  //CV terms:\n  dish identity "http://identifiers.org/go/GO:0000001"\n'
    '  A part "http://identifiers.org/uniprot/P00001",\n         "http://identifiers.org/uniprot/P00002"\n'
)
AFTER = (
    'end\n\nthin_film is "Made up 2020 - thin film"\n\n'
    'thin_film model_entity_is "http://identifiers.org/biomodels.db/MODEL0000000000"\n'
    'thin_film description "http://identifiers.org/pubmed/1"\nthin_film taxon "http://identifiers.org/taxonomy/9606"\n'
)


def first(text: str) -> str:
    with pytest.raises(CereblonError) as caught:
        load_model_text(HEAD + text, name="made_up.ant")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_annotations_after_the_end_are_taken() -> None:
    model = load_model_text(HEAD + PLAIN + AFTER, name="made_up.ant")
    assert model.states == ("A", "B")
    assert float(model.rhs({"A": 3.0, "B": 0.0})["B"]) == pytest.approx(0.6)


def test_the_smallest_whole_model_is_read() -> None:
    model = load_model_text('model m()\nJ: -> ; 1\nend\nm is "x"\n')
    assert model.states == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("substanceOnly species", "species", "made_up.ant:6: species 'A' must be declared 'substanceOnly species'"),
        ("A in dish, B", "$A in dish, B", "made_up.ant:6: species 'A' is held constant ($ or const)"),
        ("const dish, k1", "const dish, k1, A", "made_up.ant:6: species 'A' is held constant"),
        ("  A = 3;", "  A := 3;", "made_up.ant:11: The species 'A' occurs in both a rule and reaction 'R1'"),
        ("R1: A -> B", "R1: 2 A -> n B", "made_up.ant:9: reaction 'R1' takes 'n' of a species; expected a number"),
        ("k1*A;\n", "k1*A;\n  cut: at time >= 5: A = 0, k1 = 1;\n", "made_up.ant:10: 'at' is not allowed here"),
        ("k1*A;\n", "mass_action(k1, A);\n", "made_up.ant:9: unknown function 'mass_action'"),
        ("k1*A;\n", "k1*A*sin(time);\n", "made_up.ant:9: 'time' is not allowed in a model formula"),
        (
            "k1*A;\n",
            "k1*delay(A, 2);\n",
            "made_up.ant:9: 'delay(A, 2 dimensionless)' is not allowed in a model formula",
        ),
        ("k1*A;\n", "k1*A;\n  R2: A -| R1;\n", "made_up.ant:10: 'R2' is no reaction, rule or value"),
        ("k1*A;\n", "k1*A;\n  sub1: other(A);\n", "made_up.ant:10: 'sub1' is no reaction, rule or value"),
        ("k1*A;\n", "k1*A;\n  A > 0;\n", "made_up.ant:10: a constraint is not supported"),
        ("k1*A;\n", "k1*A;\n  0 = A + B - 3;\n", "made_up.ant:10: an algebraic rule is not supported"),
        ("k1*A;\n", "k1*A;\n  delete B;\n", "made_up.ant:10: 'delete' is not allowed here"),
        ("k1*A;\n", "k1*A;\n  unit time_unit = 60 second;\n", "made_up.ant:10: unit 'time_unit' is fixed here: days"),
        ("k1*A;\n", "k1*A;\n  unit substance = 1e-3 mole;\n", "made_up.ant:10: unit 'substance' is fixed here"),
        ("k1*A;\n", "k1*A;\n  A has molar;\n", "made_up.ant:12: unit 'molar' is not defined"),
        ("  k1 = 0.2;", "  k2 = 0.2;", "'k1' is used but not defined; nearest: k2"),
        ("  A = 3;", "", "made_up.ant:6: species 'A' has no starting amount"),
    ],
)
def test_the_first_thing_that_is_not_supported_has_its_line(old: str, new: str, expected: str) -> None:
    assert old in PLAIN
    assert expected in first(PLAIN.replace(old, new, 1) + ("  n := k1*2;\n" if " n B" in new else "") + AFTER)


def test_a_species_with_a_rule_is_no_state() -> None:
    text = "substanceOnly species a in body; compartment body; body = 1\nk = 2\na := 2*k\n"
    with pytest.raises(CereblonError, match="own:3: species 'a' has a rule"):
        load_model_text(text, name="own")


def test_a_function_before_the_model_is_refused_by_line() -> None:
    text = "function mass_action(k, s)\n  k*s;\nend\n\n" + PLAIN + AFTER
    assert "made_up.ant:2: 'function' is not allowed here" in first(text)


def test_own_days_and_cells_may_be_said_again() -> None:
    text = PLAIN.replace("k1*A;\n", "k1*A;\n  unit time_unit = 86400 second; unit substance = 1e9 item;\n")
    assert load_model_text(text + AFTER).states == ("A", "B")
