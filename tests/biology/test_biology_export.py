"""The exported model is valid to the last check of libSBML, and survives a passage through Antimony."""

import antimony
import libsbml
import numpy as np
import pytest
import roadrunner

from cereblon.model import Model

CATEGORIES = (
    libsbml.LIBSBML_CAT_GENERAL_CONSISTENCY,
    libsbml.LIBSBML_CAT_IDENTIFIER_CONSISTENCY,
    libsbml.LIBSBML_CAT_UNITS_CONSISTENCY,
    libsbml.LIBSBML_CAT_MATHML_CONSISTENCY,
    libsbml.LIBSBML_CAT_SBO_CONSISTENCY,
    libsbml.LIBSBML_CAT_OVERDETERMINED_MODEL,
    libsbml.LIBSBML_CAT_MODELING_PRACTICE,
)
DAYS = 28


def test_libsbml_finds_nothing_in_any_category(model: Model) -> None:
    document = libsbml.readSBMLFromString(model.sbml)
    for category in CATEGORIES:
        document.setConsistencyChecks(category, True)
    document.checkConsistency()
    found = [document.getError(k).getMessage() for k in range(document.getNumErrors())]
    assert found == []


def course(sbml: str, names: list[str]) -> np.ndarray:
    """The named quantities over `DAYS` days after 10 mg, (days + 1, names)."""
    run = roadrunner.RoadRunner(sbml)
    solver = run.getIntegrator()
    for key, value in (("relative_tolerance", 1e-9), ("absolute_tolerance", 1e-12), ("maximum_num_steps", 500_000)):
        solver.setValue(key, value)
    run.setValue("len_gut", 10.0)
    run.timeCourseSelections = names
    return np.asarray(run.simulate(0, DAYS, DAYS + 1))


def test_the_model_survives_antimony_and_back(model: Model) -> None:
    antimony.clearPreviousLoads()
    try:
        assert antimony.loadSBMLString(model.sbml) >= 0, antimony.getLastError()
        text = antimony.getAntimonyString(antimony.getMainModuleName())
        antimony.clearPreviousLoads()
        assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
        again = antimony.getSBMLString(antimony.getMainModuleName())
    finally:
        antimony.clearPreviousLoads()
    names = list(model.states)
    assert course(again, names) == pytest.approx(course(model.sbml, names), rel=1e-6, abs=1e-9)
