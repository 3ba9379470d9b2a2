"""The drugs a trial file may name, with what its documents need to know of them.

Read here without the model package, so that a trial file can be checked without loading the compiler.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, Field

from cereblon.documents.base import problem
from cereblon.documents.doses import Amount, Basis
from cereblon.errors import CereblonError, nearest

T = TypeVar("T")
BODY: Mapping[Basis, float] = MappingProxyType({"flat": 1.0, "per_m2": 1.8, "per_kg": 75.0})
"""m2 and kg of an ordinary body, by which a dose is judged absurd or not; nobody is dosed by them."""


@dataclass(frozen=True)
class Drug:
    """What trial documents know of a drug.

    unit: of its amounts ("mg", "ug" or "IU"). max_daily: amount a day beyond which a dose is taken for a slip of the
    pen, no recommendation. basis: what a dose is usually counted by. most: highest single dose whatever the body,
    None: no cap. hours, over: when in the day it is given, and over how many hours, where a trial does not say.
    levels: its usual ladder for steps up and down, rising; empty: none but the planned doses. rule_sets: the named
    sets of dose rules that it is held and reduced by; empty: it is given as scheduled. rescue: what a site gives it
    for when a trial does not say. steroid: whether it is one, `equivalence`: amount of the reference steroid with the
    effect of one of its own. lysis_from: amount at which a start without cover is warned of, None: never; covers: what
    it protects from.
    """

    name: str
    unit: str = "mg"
    max_daily: float = 5000.0
    basis: Basis = "flat"
    most: float | None = None
    hours: tuple[int, ...] = (0,)
    over: float = 0.0
    levels: tuple[float, ...] = ()
    rule_sets: tuple[str, ...] = ()
    rescue: Literal["flare", "neutropenia"] | None = None
    steroid: bool = False
    equivalence: float = 1.0
    lysis_from: float | None = None
    covers: Literal["lysis"] | None = None

    def ladder(self) -> tuple[Amount, ...]:
        """Return its usual levels as flat doses."""
        return tuple(Amount.of(level, self.unit) for level in self.levels)


@cache
def drugs() -> Mapping[str, Drug]:
    """Return the drugs by name."""
    return MappingProxyType({drug.name: drug for drug in _packaged()})


def _packaged() -> list[Drug]:
    table = (resources.files("cereblon.clinic.trial") / "drugs.tsv").read_text("utf-8")
    return [_drug(row) for row in csv.DictReader(table.splitlines(), delimiter="\t")]


def _drug(row: Mapping[str, str]) -> Drug:
    return Drug(
        name=row["drug"],
        unit=row["unit"],
        max_daily=float(row["max_daily"]),
        basis=cast(Basis, row["basis"]),
        most=float(row["most"]) if row["most"] else None,
        hours=_list(row["hours"], int),
        over=float(row["over_h"]),
        levels=_list(row["levels"], float),
        rule_sets=_list(row["rule_sets"], str),
        rescue=cast(Literal["flare", "neutropenia"] | None, row["rescue"] or None),
        steroid=row["steroid"] == "1",
        equivalence=float(row["equivalence"]),
        lysis_from=float(row["lysis_from"]) if row["lysis_from"] else None,
        covers=cast(Literal["lysis"] | None, row["covers"] or None),
    )


def _list(cell: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(kind(word.strip()) for word in cell.split(",") if word.strip())


def rescue_drug(purpose: Literal["flare", "neutropenia"]) -> Drug:
    """Return the drug that a site gives for `purpose` when a trial does not say; raises CereblonError without one."""
    for drug in drugs().values():
        if drug.rescue == purpose:
            return drug
    raise CereblonError(f"no drug has rescue {purpose}: expected one that a site gives for it")


def steroids() -> tuple[str, ...]:
    """Return the names of the steroids."""
    return tuple(drug.name for drug in drugs().values() if drug.steroid)


def _known_drug(name: str) -> str:
    return _known(name, drugs(), "drug")


def _known_steroid(name: str) -> str:
    return _known(name, steroids(), "steroid")


def _known(name: str, choices: Iterable[str], what: str) -> str:
    known = tuple(choices)
    if name not in known:
        raise problem(f"unknown {what}: expected one of {', '.join(known)}{nearest(name, known)}")
    return name


def _drug_names(schema: dict[str, Any]) -> None:
    schema["enum"] = list(drugs())


def _steroid_names(schema: dict[str, Any]) -> None:
    schema["enum"] = list(steroids())


DrugName = Annotated[str, AfterValidator(_known_drug), Field(json_schema_extra=_drug_names)]
"""The name of a drug."""
SteroidName = Annotated[str, AfterValidator(_known_steroid), Field(json_schema_extra=_steroid_names)]
"""The name of a steroid."""


def refuse_absurd(drug: str, dose: Amount, at: tuple[str | int, ...], times: int = 1) -> None:
    """Raise a design error at `at` for a dose in the wrong unit or beyond the drug's absurdity limit.

    times: how often a day it is given. A dose by surface or weight is judged in an ordinary body.
    """
    card = drugs()[drug]
    try:
        daily = dose.within(card.unit) * BODY[dose.basis] * times
    except ValueError:
        raise problem(
            f"{dose.text}: {drug} is counted in {card.unit}: expected a dose such as 5 {card.unit}", at
        ) from None
    if daily <= card.max_daily:
        return
    each = f", {times} times a day," if times > 1 else " a day"
    body = {"flat": "", "per_m2": f" in a body of {BODY['per_m2']:g} m2", "per_kg": f" in one of {BODY['per_kg']:g} kg"}
    limit = f"{card.max_daily:g} {card.unit}"
    raise problem(f"{dose.text}{each} of {drug} is absurd: expected at most {limit}{body[dose.basis]}", at)
