"""What a drug is, in one card: its names, where a dose enters, how it is dosed. Read without the compiler.

A drug is a folder: `card.yaml`, `effect.ant` (what it does) and `parameters.tsv` (its numbers). The package has some
under biology/drugs; a folder of somebody else's is read within the limits of any text that nobody vouches for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, model_validator

from cereblon.antimony.lexer import MOST_BYTES
from cereblon.documents.base import Document, Key, Number, Text, problem
from cereblon.documents.doses import HOURS, Basis
from cereblon.documents.problems import explain
from cereblon.documents.yamltext import DocumentError, read_text, read_yaml
from cereblon.errors import CereblonError, nearest, printable
from cereblon.storage.reading import read_limited

CARD, EFFECT, PARAMETERS = "card.yaml", "effect.ant", "parameters.tsv"
MOST_DRUGS = 200  # of one folder of somebody else's
DOSE_UNITS = {"mg": "mg", "ug": "microgram", "IU": "IU"}
"""Unit of a dose on a card -> unit of the state that it enters."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""A name of the model text."""
DrugName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]


class DrugIdentity(Document):
    """Public identifiers of a drug: ChEBI for a molecule, HGNC for a protein, and its ATC code."""

    chebi: Annotated[str, StringConstraints(pattern=r"^CHEBI:[0-9]{1,7}$")] | None = None
    hgnc: Annotated[str, StringConstraints(pattern=r"^hgnc:[0-9]{1,6}$")] | None = None
    atc: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$")] | None = None


class CardDose(Document):
    """How doses are written, amounts in the card's unit.

    `basis`: flat, per m2 or per kg; `max_daily`: beyond it a dose is taken for a slip of the pen, no recommendation;
    `most`: highest single dose whatever the body; `hours` of the day at which doses are given; `over`: hours that one
    takes, 0 for all at once; `levels`: the usual ladder for steps up and down, rising; none: only the planned doses.
    """

    basis: Basis = "flat"
    max_daily: Annotated[float, Field(strict=True, gt=0, le=1e9)]
    most: Annotated[float, Field(strict=True, gt=0, le=1e9)] | None = None
    hours: Annotated[tuple[int, ...], Field(min_length=1, max_length=4)] = (0,)
    over: Annotated[float, Field(strict=True, ge=0, le=24)] = 0.0
    levels: Annotated[tuple[Annotated[Number, Field(gt=0)], ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.levels) != sorted(set(self.levels)):
            raise problem("expected rising levels", ("levels",))
        if list(self.hours) != sorted(set(self.hours)) or not set(self.hours) <= set(HOURS):
            raise problem(f"expected hours in rising order, of {', '.join(map(str, HOURS))}", ("hours",))
        return self


class ActsAs(Document):
    """Another drug whose dose stands for this one's: `times` of it per unit of this drug."""

    drug: DrugName
    times: Annotated[Number, Field(gt=0)]


class DrugCard(Document):
    """One drug.

    `enters` is the state that a dose enters, `in_medium` the quantity (nM) that a culture sets as the drug's
    concentration, `exposure` the quantity that adds up its AUC, `exposure_code` the PARAMCD under which a run writes
    that (AUC_ and the prefix in capitals where the card does not say); `kinetics` is a template of biology/kinetics or
    "own". Every name that its texts define begins with `prefix`. A drug that `acts_as` another has none of these.
    `unit` is that of a dose; `needs` names drugs that must be on board with it.

    What a site knows: `rule_sets` names the sets of dose rules that it is held and reduced by (none: given as
    scheduled); `rescue` what it is given for when a trial does not say; `steroid` whether it is one; `lysis_from` the
    dose at which a start without cover is warned of; `covers` what it protects from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    name: DrugName
    drug_class: Annotated[Text, Field(alias="class")]
    identity: DrugIdentity = DrugIdentity()
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,19}$")] | None = None
    kinetics: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None
    enters: Name | None = None
    unit: Literal["mg", "ug", "IU"]
    dose: CardDose
    in_medium: Name | None = None
    exposure: Name | None = None
    exposure_code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")] | None = None
    needs: Annotated[tuple[DrugName, ...], Field(max_length=10)] = ()
    acts_as: ActsAs | None = None
    route: Literal["oral", "intravenous", "subcutaneous"]
    source: Text
    cereblon_ligand: Annotated[bool, Field(strict=True)] = False
    rule_sets: Annotated[tuple[Key, ...], Field(max_length=20)] = ()
    rescue: Literal["flare", "neutropenia"] | None = None
    steroid: Annotated[bool, Field(strict=True)] = False
    lysis_from: Annotated[Number, Field(gt=0)] | None = None
    covers: Literal["lysis"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        texts = ("prefix", "kinetics", "enters")
        if self.acts_as is None:
            for name in texts:
                if getattr(self, name) is None:
                    raise problem(f"{name} is missing: expected prefix, kinetics and enters, or acts_as")
        else:
            for name in (*texts, "in_medium", "exposure", "exposure_code"):
                if getattr(self, name) is not None:
                    raise problem(f"{name} does not fit acts_as: a dose stands for one of {self.acts_as.drug}", (name,))
            if self.cereblon_ligand:
                raise problem("does not fit acts_as: the other drug is the ligand", ("cereblon_ligand",))
        if self.exposure_code is not None and self.exposure is None:
            raise problem("is the code of an exposure: expected the field exposure beside it", ("exposure_code",))
        return self

    @property
    def paramcd(self) -> str:
        """The PARAMCD of its exposure in the visits table, "" where it has none."""
        if self.exposure is None:
            return ""
        return self.exposure_code or f"AUC_{(self.prefix or '').upper()}"

    @property
    def required(self) -> tuple[str, ...]:
        """The drugs that must be on board with this one."""
        return (*self.needs, *([self.acts_as.drug] if self.acts_as is not None else []))


@dataclass(frozen=True)
class Entry:
    """Where a dose goes: the state, and its amount there per unit of the dose on the card."""

    state: str
    times: float


@dataclass(frozen=True)
class DrugFolder:
    """The texts of one drug. `place` is how errors name the folder; `own`: somebody else's, vouched for by nobody."""

    card: DrugCard
    effect: str
    parameters: str
    place: str
    own: bool


def entries(cards: Iterable[DrugCard]) -> dict[str, Entry]:
    """Where a dose of each drug goes; one that acts as another goes where that one's dose does."""
    known = {card.name: card for card in cards}
    out = {}
    for card in known.values():
        target = card if card.acts_as is None else known[card.acts_as.drug]
        if target.enters is not None:
            out[card.name] = Entry(target.enters, 1.0 if card.acts_as is None else card.acts_as.times)
    return out


def drug_cards(folders: Sequence[Path] = ()) -> Mapping[str, DrugCard]:
    """Return the cards of the package's drugs and of those in `folders`, by name in alphabetical order.

    A folder is one drug (it holds a card.yaml) or holds one folder per drug. Raises CereblonError for a card that is
    refused, with its line, and for a name that is taken.
    """
    return MappingProxyType({name: folder.card for name, folder in drug_folders(tuple(folders)).items()})


def drug_folders(folders: Sequence[Path] = ()) -> dict[str, DrugFolder]:
    """Return the texts of all drugs by name, the package's and those in `folders`; see `drug_cards`."""
    known = dict(packaged_drugs())
    for found in (drug for folder in folders for drug in _own(folder)):
        name = found.card.name
        if name in known:
            whose = f"also in {known[name].place}" if known[name].own else "a drug of the package"
            raise CereblonError(f"{found.place}/{CARD}: name: '{name}' is {whose}: expected another name")
        known[name] = found
    return dict(sorted(known.items()))


@lru_cache(maxsize=1)
def packaged_drugs() -> Mapping[str, DrugFolder]:
    """Return the drugs of the package by name."""
    out = {}
    for entry in sorted(files("cereblon").joinpath("biology", "drugs").iterdir(), key=lambda e: e.name):
        if not entry.is_dir() or not entry.joinpath(CARD).is_file():
            continue
        texts = [entry.joinpath(name) for name in (CARD, EFFECT, PARAMETERS)]
        card, effect, parameters = (t.read_text("utf-8") if t.is_file() else "" for t in texts)
        out[entry.name] = _folder(card, effect, parameters, entry.name, entry.name, own=False)
    return MappingProxyType(out)


def _own(folder: Path) -> Iterator[DrugFolder]:
    """The drugs of a folder of somebody else's."""
    shown = printable(str(folder))
    try:
        if not folder.is_dir():
            raise CereblonError(f"{shown}: is no folder: expected a folder of drugs, each with a {CARD}")
        alone = (folder / CARD).exists()
        found = [folder] if alone else sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise CereblonError(f"{shown}: cannot be read: {error.strerror}") from None
    if not found or len(found) > MOST_DRUGS:
        raise CereblonError(f"{shown}: {len(found)} drugs: expected 1 to {MOST_DRUGS} folders, each with a {CARD}")
    for one in found:
        yield _own_drug(one)


def _own_drug(folder: Path) -> DrugFolder:
    shown = printable(str(folder))
    if folder.is_symlink() or not folder.is_dir():
        raise CereblonError(f"{shown}: is no folder, or a link: expected the folder of a drug, with a {CARD}")
    known = (CARD, EFFECT, PARAMETERS)
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink():
            raise CereblonError(f"{printable(str(entry))}: is a link: expected a file of its own")
        if entry.name not in known and not entry.name.startswith(".") and entry.suffix != ".md":
            near = nearest(entry.name, known)
            raise CereblonError(f"{printable(str(entry))}: is not read: expected {', '.join(known)}{near}")
    card = read_text(folder / CARD)
    effect, parameters = (
        read_limited(folder / name, MOST_BYTES, what) if (folder / name).exists() else ""
        for name, what in ((EFFECT, "an Antimony text"), (PARAMETERS, "a table of parameters"))
    )
    return _folder(card, effect, parameters, shown, folder.resolve().name, own=True)


def _folder(card: str, effect: str, parameters: str, place: str, name: str, own: bool) -> DrugFolder:
    """Check a card against its folder. Raises DocumentError with the line of what is wrong."""
    file = f"{place}/{CARD}"
    document = read_yaml(card, file)
    try:
        read = DrugCard.model_validate(document.data)
    except ValidationError as invalid:
        raise explain(invalid, document, DrugCard)[0] from None
    if read.name != name:
        raise document.error(("name",), f"'{read.name}' is not the name of its folder, '{printable(name, 60)}'")
    if read.acts_as is not None and (effect or parameters):
        raise document.error(("acts_as",), f"a drug that acts as another has no {EFFECT} and no {PARAMETERS}")
    if read.acts_as is None and not effect:
        raise DocumentError(file, 1, 1, f"the folder has no {EFFECT}: expected what the drug does")
    return DrugFolder(read, effect, parameters, place, own)
