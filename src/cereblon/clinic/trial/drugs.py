"""The drugs a trial file may name, with what its documents need to know of them.

Read from the cards of biology/drugs, so that a trial file can be checked without loading the compiler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from cereblon.documents.base import problem
from cereblon.documents.doses import Amount, Basis
from cereblon.errors import nearest
from cereblon.model.cards import DrugCard, drug_cards, entries

BODY: Mapping[Basis, float] = MappingProxyType({"flat": 1.0, "per_m2": 1.8, "per_kg": 75.0})
"""m2 and kg of an ordinary body, by which a dose is judged absurd or not; nobody is dosed by them."""

WEIGHED = ("mg", "ug")
"""Units of the drugs that a trial can give: the tables of a run have amounts in mg."""


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


@dataclass(frozen=True)
class _Offer:
    folders: tuple[Path, ...]
    drugs: Mapping[str, Drug]


_offered: ContextVar[_Offer | None] = ContextVar("drugs on offer", default=None)
"""The drugs of the user's own beside the package's, for as long as documents that may name them are read."""


@contextmanager
def offering(folders: Sequence[Path]) -> Iterator[None]:
    """Let documents that are read meanwhile name the drugs in folders of the user's own, beside the package's.

    Raises CereblonError for a card that is refused. A trial that is read so keeps the folders.
    """
    known = tuple(folders)
    token = _offered.set(_Offer(known, _read(known)) if known else None)
    try:
        yield
    finally:
        _offered.reset(token)


def folders_on_offer() -> tuple[Path, ...]:
    """Return the folders of the user's own whose drugs a document may name now."""
    offer = _offered.get()
    return () if offer is None else offer.folders


def drugs() -> Mapping[str, Drug]:
    """Return the drugs that a document may name, by name."""
    offer = _offered.get()
    return _packaged() if offer is None else offer.drugs


@cache
def _packaged() -> Mapping[str, Drug]:
    return _read(())


def _read(folders: tuple[Path, ...]) -> Mapping[str, Drug]:
    cards = drug_cards(folders)
    return MappingProxyType({name: _drug(card, entries(cards.values())[name].times) for name, card in cards.items()})


def _drug(card: DrugCard, equivalence: float) -> Drug:
    return Drug(
        name=card.name,
        unit=card.unit,
        max_daily=card.dose.max_daily,
        basis=card.dose.basis,
        most=card.dose.most,
        hours=card.dose.hours,
        over=card.dose.over,
        levels=card.dose.levels,
        rule_sets=card.rule_sets,
        rescue=card.rescue,
        steroid=card.steroid,
        equivalence=equivalence,
        lysis_from=card.lysis_from,
        covers=card.covers,
    )


def steroids() -> tuple[str, ...]:
    """Return the names of the steroids."""
    return tuple(drug.name for drug in drugs().values() if drug.steroid)


def _known_drug(name: str) -> str:
    known = _known(name, drugs(), "drug")
    if (unit := drugs()[known].unit) not in WEIGHED:
        raise problem(
            f"{name} is counted in {unit}: expected a drug in {' or '.join(WEIGHED)}, which tables of a run hold"
        )
    return known


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
