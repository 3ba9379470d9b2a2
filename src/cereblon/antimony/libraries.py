"""Antimony text to SBML with complete units by libAntimony and libSBML, and libSBML's verdict on it.

Both are C++ libraries without limits of their own: text that nobody vouches for goes through `guard`.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

_LOCK = threading.Lock()  # libantimony keeps what it loaded in one global registry


class AntimonyError(Exception):
    """libAntimony's own words about a text it cannot read."""


class UnitError(Exception):
    """A unit that is used but not defined; `users` have it, `known` are defined."""

    def __init__(self, unit: str, users: list[str], known: list[str]) -> None:
        self.unit, self.users, self.known = unit, users, known
        super().__init__(unit)


class OwnUnitError(Exception):
    """A text that redefines what time, amounts or volumes are counted in; its text is the name of that unit."""


@dataclass(frozen=True)
class Remark:
    """One result of libSBML's check: whether it is severe, its words, libSBML's number of it."""

    severe: bool
    words: str
    number: int


def read(text: str, name: str) -> Any:
    """Return the model called `name` of an Antimony text as a libSBML document, every unit stated.

    Raises AntimonyError, UnitError or OwnUnitError.
    """
    import antimony
    import libsbml

    with _LOCK:
        antimony.clearPreviousLoads()
        antimony.clearDirectories()
        failed = antimony.loadAntimonyString(text) < 0
        message = _last_error() if failed else ""
        xml = "" if failed else antimony.getSBMLString(name)
        antimony.clearPreviousLoads()
    if failed:
        raise AntimonyError(message)
    document = libsbml.readSBMLFromString(xml)
    _complete_units(document.getModel())
    return document


def _last_error() -> str:
    import antimony

    try:
        return str(antimony.getLastError())
    except UnicodeDecodeError as error:  # the library may cut its message inside a letter
        return error.object.decode("utf-8", errors="replace")


def _complete_units(model: Any) -> None:
    """State the units that Antimony has no words for: model-wide defaults, and every bare number is dimensionless."""
    import libsbml

    for name, kind, scale, multiplier in (
        ("gcell", libsbml.UNIT_KIND_ITEM, 9, 1.0),
        ("day", libsbml.UNIT_KIND_SECOND, 0, 86400.0),
    ):
        definition = model.getUnitDefinition(name) or model.createUnitDefinition()
        if definition.getNumUnits() == 0:
            definition.setId(name)
            unit = definition.createUnit()
            unit.setKind(kind)
            unit.setExponent(1)
            unit.setScale(scale)
            unit.setMultiplier(multiplier)
    for definition in model.getListOfUnitDefinitions():
        if definition.getNumUnits() == 0:
            name = definition.getId()
            users = [p.getId() for p in model.getListOfParameters() if p.getUnits() == name]
            users += [s.getId() for s in model.getListOfSpecies() if s.getSubstanceUnits() == name]
            users += [c.getId() for c in model.getListOfCompartments() if c.getUnits() == name]
            known = [u.getId() for u in model.getListOfUnitDefinitions() if u.getNumUnits()]
            raise UnitError(name, users, known)
    for given, ours in (
        (model.getTimeUnits(), "day"),
        (model.getSubstanceUnits(), "gcell"),
        (model.getExtentUnits(), "gcell"),
        (model.getVolumeUnits(), "litre"),
    ):
        if given and given != ours and not _same_unit(model.getUnitDefinition(given), model.getUnitDefinition(ours)):
            raise OwnUnitError(given)
    model.setSubstanceUnits("gcell")
    model.setExtentUnits("gcell")
    model.setTimeUnits("day")
    model.setVolumeUnits("litre")
    for element in formulas(model):
        math = element.getMath()
        if math is not None:
            element.setMath(_normal(math.deepCopy()))


def _same_unit(a: Any, b: Any) -> bool:
    """Whether two definitions of one base unit mean the same: 8.64e4 second and 86400 second do."""
    if a is None or b is None or a.getNumUnits() != 1 or b.getNumUnits() != 1:
        return False
    x, y = a.getUnit(0), b.getUnit(0)
    sizes = [u.getMultiplier() * 10.0 ** u.getScale() for u in (x, y)]
    return (x.getKind(), x.getExponent()) == (y.getKind(), y.getExponent()) and math.isclose(*sizes)


def formulas(model: Any) -> list[Any]:
    """Every element of the SBML model that holds a formula."""
    laws = [r.getKineticLaw() for r in model.getListOfReactions() if r.getKineticLaw() is not None]
    return [*model.getListOfRules(), *model.getListOfInitialAssignments(), *laws]


def _normal(root: Any) -> Any:
    """Numbers without unit become dimensionless; min and max (SBML level 3 version 2 only) become piecewise.

    The tree is walked once and changed in place, so that memory stays with its size; `root` itself must be a copy.
    """
    todo: list[tuple[Any, Any, int]] = [(root, None, 0)]
    order: list[tuple[Any, Any, int]] = []
    while todo:
        node, parent, place = todo.pop()
        order.append((node, parent, place))
        todo += [(node.getChild(i), node, i) for i in range(node.getNumChildren())]
    for node, parent, place in reversed(order):  # operands first
        made = _normal_node(node)
        if made is None:
            continue
        if parent is None:
            return made
        parent.replaceChild(place, made, True)
    return root


def _normal_node(node: Any) -> Any | None:
    """Give a number its unit; return what stands in place of a min or max, whose operands are done."""
    import libsbml

    kind = node.getType()
    if node.isNumber() and not node.isSetUnits():
        node.setUnits("dimensionless")
    if kind not in (libsbml.AST_FUNCTION_MIN, libsbml.AST_FUNCTION_MAX) or node.getNumChildren() < 2:
        return None
    relation = libsbml.AST_RELATIONAL_LEQ if kind == libsbml.AST_FUNCTION_MIN else libsbml.AST_RELATIONAL_GEQ
    best = node.getChild(0).deepCopy()
    for i in range(1, node.getNumChildren()):
        other = node.getChild(i)
        test = libsbml.ASTNode(relation)
        test.addChild(best.deepCopy())
        test.addChild(other.deepCopy())
        choice = libsbml.ASTNode(libsbml.AST_FUNCTION_PIECEWISE)
        for child in (best, test, other.deepCopy()):
            choice.addChild(child)
        best = choice
    return best


def remarks(document: Any) -> list[Remark]:
    """Everything libSBML says against the document, units included."""
    import libsbml

    document.getErrorLog().clearLog()
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    out = []
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        severe = error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
        out.append(Remark(severe, " ".join(error.getMessage().split()), error.getErrorId()))
    return out
