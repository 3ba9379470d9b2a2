"""Antimony fragments to one SBML document with complete units, and libSBML's verdict on it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from cereblon.errors import CereblonError, nearest

from .documents import Document, Index, Parameter

_LOCK = threading.Lock()  # libantimony keeps what it loaded in one global registry
_LINE = re.compile(r"Error in model string, line (\d+):\s*")


class ModelError(CereblonError):
    """The model text cannot be turned into a model."""


@dataclass(frozen=True)
class Finding:
    """One result of a check: severity (error or warning), place (file:line or a name), message."""

    severity: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}"


def to_sbml(documents: list[Document], parameters: dict[str, Parameter], index: Index) -> Any:
    """The fragments and the parameter table as a libSBML document (level 3 version 1), every unit stated.

    Raises ModelError with file:line where Antimony or libSBML cannot read the text.
    """
    origin: list[tuple[str, int]] = [("model", 0)]
    lines = ["model cereblon()"]
    for document in documents:
        body = document.text.splitlines()
        lines += body
        origin += [(document.name, n) for n in range(1, len(body) + 1)]
    for p in parameters.values():
        place = index.starts.get(p.id) or index.rules.get(p.id) or index.rates.get(p.id)
        if place is not None:
            raise ModelError(f"{p.file}:{p.line}: parameter '{p.id}' is also defined in the model text at {place}")
        lines.append(f"{p.id} = {p.value!r}; {p.id} has {p.unit}")
        origin.append((p.file or "parameters", p.line))
    text = "\n".join([*lines, "end", ""])
    import antimony  # here and below: a start from the cache needs neither library
    import libsbml

    with _LOCK:
        antimony.clearPreviousLoads()
        failed = antimony.loadAntimonyString(text) < 0
        message = antimony.getLastError() if failed else ""
        xml = "" if failed else antimony.getSBMLString("cereblon")
        antimony.clearPreviousLoads()
    if failed:
        raise ModelError(_readable(message, origin, index))
    document = libsbml.readSBMLFromString(xml)
    _complete_units(document.getModel(), index)
    return document


def _readable(message: str, origin: list[tuple[str, int]], index: Index) -> str:
    unknown = re.search(r"uses '(\w+)' which is not a function", message)
    if unknown:
        name = unknown.group(1)
        known = ("exp", "ln", "sqrt", "abs", "min", "max", "pow", "piecewise", "tanh")
        return f"{index.place(name) or 'model text'}: unknown function '{name}'{nearest(name, known)}"
    line = _LINE.search(message)
    rest = " ".join(_LINE.sub("", message).split())
    if line and int(line.group(1)) <= len(origin):
        file, number = origin[int(line.group(1)) - 1]
        return f"{file}:{number}: {rest}" if number else rest
    return f"model text: {rest}"


def _complete_units(model: Any, index: Index) -> None:
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
            place = next((str(p) for p in map(index.place, users) if p is not None), "model text")
            known = [u.getId() for u in model.getListOfUnitDefinitions() if u.getNumUnits()]
            raise ModelError(f"{place}: unit '{name}' is not defined{nearest(name, known)}")
    model.setSubstanceUnits("gcell")
    model.setExtentUnits("gcell")
    model.setTimeUnits("day")
    model.setVolumeUnits("litre")
    for element in formulas(model):
        math = element.getMath()
        if math is not None:
            element.setMath(_normal(math.deepCopy()))


def formulas(model: Any) -> list[Any]:
    """Every element of the SBML model that holds a formula."""
    laws = [r.getKineticLaw() for r in model.getListOfReactions() if r.getKineticLaw() is not None]
    return [*model.getListOfRules(), *model.getListOfInitialAssignments(), *laws]


def _normal(node: Any) -> Any:
    """Numbers without unit become dimensionless; min and max (SBML level 3 version 2 only) become piecewise."""
    import libsbml

    for i in range(node.getNumChildren()):
        node.replaceChild(i, _normal(node.getChild(i).deepCopy()), True)
    kind = node.getType()
    if node.isNumber() and not node.isSetUnits():
        node.setUnits("dimensionless")
    if kind in (libsbml.AST_FUNCTION_MIN, libsbml.AST_FUNCTION_MAX) and node.getNumChildren() > 1:
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
    return node


def unit_findings(document: Any, index: Index) -> list[Finding]:
    """Everything libSBML says against the document, units included, with the line of the name it speaks of."""
    import libsbml

    document.getErrorLog().clearLog()
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    out = []
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        text = " ".join(error.getMessage().split())
        quoted = [index.place(w) for w in re.findall(r"'(\w+)'", text)]
        place = next((str(p) for p in quoted if p is not None), "model")
        start = text.find("The units of the <")
        text = text[start:] if start > 0 else text
        severe = error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
        out.append(Finding("error" if severe else "warning", place, f"{text} (libSBML {error.getErrorId()})"))
    return out


def write(document: Any) -> str:
    """The document as SBML level 3 version 1 text, which every simulator we know of reads."""
    import libsbml

    copy = document.clone()
    if not copy.setLevelAndVersion(3, 1, False):
        copy = document
    return str(libsbml.writeSBMLToString(copy))
