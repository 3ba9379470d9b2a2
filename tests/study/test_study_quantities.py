"""What is read of the model: the rows of readings.tsv, and the exposure to each drug on board under its own code."""

from __future__ import annotations

from pathlib import Path

import pytest

from cereblon import columns
from cereblon.clinic.codes import MEASURED, NOISE
from cereblon.clinic.criteria.tracker import TRUTH
from cereblon.clinic.rules import rules
from cereblon.clinic.site.decide import OBSERVED
from cereblon.errors import CereblonError
from cereblon.evidence.provenance import ENDPOINTS
from cereblon.model import load_model
from cereblon.readings import COLUMNS, read, readings
from cereblon.study.quantities import COUNTED, EARLY, MONTHLY, exposures, measures, recorded

OTHERS = (Path(__file__).parents[1] / "biology" / "drugs_of_others",)


def test_the_lists_of_the_clinic_and_the_tables_are_those_of_before() -> None:
    """Written out here once: order counts, it is that of rows in tables and of what is compiled."""
    assert TRUTH == (
        "alc", "anc", "platelets", "hemoglobin", "node_volume", "spleen_volume", "marrow_infiltration",
        "blood_clone_fraction",
    )  # fmt: skip
    assert OBSERVED == (
        "anc", "platelets", "hemoglobin", "igg", "flare_drive", "node_swelling", "uric_acid", "potassium", "phosphate",
        "calcium", "creatinine_ratio",
    )  # fmt: skip
    assert MEASURED == (
        "anc", "platelets", "hemoglobin", "uric_acid", "potassium", "phosphate", "calcium", "creatinine_ratio",
    )  # fmt: skip
    assert (*TRUTH, "igg", *OBSERVED[4:]) == ENDPOINTS
    assert COUNTED == {"ANC": "anc_measured", "PLAT": "platelets_measured", "HGB": "hemoglobin_measured"}
    assert " ".join(MONTHLY) == "ALC NODEVOL SPLEEN IGG MARROW CLONE RESIST CTL NK TREG SYNAPSE"
    assert EARLY == ("ALC", "NODEVOL")
    assert " ".join(measures(load_model())) == (
        "ALC ANC PLAT HGB NODEVOL SPLEEN IGG MARROW CLONE RESIST CTL NK TREG SYNAPSE AUC"
    )


def test_every_row_is_of_the_model_and_the_site() -> None:
    load_model([]).require(row.quantity for row in readings())
    for row in readings():
        assert set(row.errors) <= set(rules())
        assert set(row.noises) <= set(NOISE)
        assert row.graded in ("", *columns.ADVERSE_EVENTS)


def test_every_drug_on_board_has_its_exposure() -> None:
    model = load_model(["lenalidomide", "madeupinib", "madeupmab"], OTHERS)
    assert exposures(model.drugs) == {"AUC": "lenalidomide_auc", "AUC_MAD": "mad_auc", "AUC_MAB": "mab_auc"}
    assert recorded(model.drugs)[-3:] == ("lenalidomide_auc", "mad_auc", "mab_auc")
    found = measures(model)
    assert (found["AUC"].label, found["AUC"].unit) == ("Lenalidomide exposure", "ng.h/mL")
    assert (found["AUC_MAD"].label, found["AUC_MAD"].unit) == ("Madeupinib exposure", "mg.h/L")
    assert list(measures(load_model([]))) == list(columns.MEASURES)


def test_a_code_stands_for_one_quantity() -> None:
    cards = load_model(["lenalidomide", "madeupinib"], OTHERS).drugs
    for code in ("AUC", "ANC"):
        changed = [card if card.exposure_code else card.model_copy(update={"exposure_code": code}) for card in cards]
        with pytest.raises(CereblonError, match=f"exposure_code {code} of madeupinib: is taken"):
            exposures(changed)


def test_a_code_needs_its_quantity() -> None:
    [card] = load_model(["madeupinib"], OTHERS).drugs
    with pytest.raises(CereblonError, match="expected the field exposure beside it"):
        card.model_copy(update={"exposure": None, "exposure_code": "AUC_X"})


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("quantity", "", "quantity is empty"),
        ("role", "sight", "role 'sight'.*nearest: site"),
        ("when", "year", "when 'year': expected nothing, count, month, week-then-month"),
        ("code", "", "code and when belong together"),
        ("noise", "", "error and noise belong together"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_with_its_line(column: str, value: str, words: str) -> None:
    row = dict(zip(COLUMNS, ("A", "a", "A", "1", "error_a", "a", "site", "month", "", "", "a"), strict=True))
    with pytest.raises(CereblonError, match=f"readings.tsv:2: {words}"):
        read("\t".join(COLUMNS) + "\n" + "\t".join({**row, column: value}.values()))
    twice = "\t".join(row.values())
    with pytest.raises(CereblonError, match=r"readings\.tsv:3: code 'A' is given twice"):
        read("\n".join(("\t".join(COLUMNS), twice, twice)))
