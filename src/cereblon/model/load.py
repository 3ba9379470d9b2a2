"""Documents to a model: the patient with drugs on board, or a text of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from cereblon.arguments import instance, paths, words
from cereblon.errors import nearest

from .cards import CARD, DOSE_UNITS, DrugCard, DrugFolder, packaged_drugs
from .classify import classify, flatten_derived
from .compose import composed, on_board
from .documents import Document, Parameter, Place, index, whole_model
from .model import Model
from .sbml import ModelError, parsed, to_sbml, to_sbml_guarded
from .store import keep, kept
from .system import fold, read_system
from .tables import read_parameters


def build(
    documents: list[Document],
    parameters: dict[str, Parameter],
    drugs: tuple[DrugCard, ...] = (),
    neutral: Mapping[str, float] | None = None,
    packaged_text: bool = False,
) -> Model:
    """Read documents, or take what an earlier start read of the same packaged ones."""
    places = index(documents)
    for p in parameters.values():
        places.mentions.setdefault(p.id, Place(p.file or "parameters", p.line, "none"))
    mark = _fingerprint(documents, parameters, drugs)
    found = kept(mark) if packaged_text else None
    reading = None
    if found is None:
        if packaged_text:
            document = to_sbml(documents, parameters, places)
        else:
            reading = to_sbml_guarded(documents, parameters, places)
            document = parsed(reading[0])
        system = read_system(document, places)
        fold(system, neutral or {})
        flatten_derived(system)
        plan = classify(system, places)
        if packaged_text:
            keep(mark, system, plan)
    else:
        system, plan = found
    table = {
        name: parameters.get(name) or Parameter(name, value, system.units.get(name, ""), source="model text")
        for name, value in system.constants.items()
    }
    return Model(table, drugs, system, plan, places, mark, tuple(documents), parameters, reading)


def _fingerprint(documents: list[Document], parameters: dict[str, Parameter], drugs: tuple[DrugCard, ...]) -> str:
    """Name what a model is made of; where its files lie, and on which lines, does not count."""
    rows = [repr(replace(p, file="", line=0)) for p in parameters.values()]
    text = "\0".join([*(d.text for d in documents), *rows, *(card.model_dump_json() for card in drugs)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _build_own(
    documents: list[Document],
    parameters: dict[str, Parameter],
    drugs: tuple[DrugCard, ...] = (),
    neutral: Mapping[str, float] | None = None,
) -> Model:
    """`build` for a text of somebody's own: whatever is wrong in it is a CereblonError."""
    name = documents[-1].name
    try:
        return build(documents, parameters, drugs, neutral)
    except RecursionError:
        raise ModelError(f"{name}: a formula is nested too deeply") from None
    except ArithmeticError:
        raise ModelError(f"{name}: a number in a formula is too large or divided by zero") from None


def load_model(drugs: Sequence[str] | None = None, folders: Sequence[Path] = (), *, extra: str | None = None) -> Model:
    """The patient with drugs on board, and `extra` Antimony text appended.

    drugs: names; what a drug needs comes with it; None for all that there are, an empty list for none.
    folders: drugs of the user's own, each a folder with card.yaml, effect.ant and parameters.tsv, or a folder of such
    folders. Their texts and `extra` are read in a child process with limits of
    time and memory.

    Raises ModelError, DocumentError or TableError with file:line for whatever is wrong in the documents, CereblonError
    for an unknown drug and for arguments of another kind.
    """
    if extra is not None:
        instance("extra", extra, str, "Antimony text")
    named = None if drugs is None else words("drugs", drugs, next(iter(packaged_drugs())))
    return _load_model(on_board(named, paths("folders", folders)), extra)


@lru_cache(maxsize=64)
def _load_model(drugs: tuple[DrugFolder, ...], extra: str | None) -> Model:
    """The model of drugs that were read: what they are is the key, so that a changed file is a model of its own."""
    made = composed(drugs)
    documents, rows = list(made.documents), dict(made.parameters)
    if extra is None and not made.own:
        model = build(documents, rows, made.drugs, made.neutral, packaged_text=True)
    else:
        added = [] if extra is None else [Document("extra", extra)]
        model = _build_own([*documents, *added], rows, made.drugs, made.neutral)
    for drug in drugs:
        _check_card(model, drug)
    return model


def _check_card(model: Model, drug: DrugFolder) -> None:
    """Raise ModelError for a card that names what the model does not have, or a state of another unit."""
    card, place = drug.card, f"{drug.place}/{CARD}"
    known = {**model.system.rates, **model.system.definitions, **model.system.constants}
    for field_name in ("enters", "in_medium", "exposure"):
        name = getattr(card, field_name)
        if name is not None and name not in (model.system.rates if field_name == "enters" else known):
            what = "is no state" if field_name == "enters" else "is nothing in the model"
            raise ModelError(f"{place}: {field_name}: '{name}' {what}{nearest(name, known)}")
    if card.enters is not None and model.system.units.get(card.enters) != DOSE_UNITS[card.unit]:
        has = model.system.units.get(card.enters) or "no unit"
        raise ModelError(f"{place}: enters: '{card.enters}' has {has}; expected {DOSE_UNITS[card.unit]}")


def load_model_text(
    antimony_text: str, parameters: Mapping[str, Parameter] | str | None = None, name: str = "model text"
) -> Model:
    """A model of the user's own: Antimony text (with or without `model ... end`) and a parameter table.

    `parameters` maps ids to rows, or is the text of a table with the columns of parameters.tsv; numbers given in the
    text itself become shared parameters. Same checks and errors as `load_model`. The text is read in a child process
    with limits of time and memory.
    """
    rows = read_parameters(parameters) if isinstance(parameters, str) else dict(parameters or {})
    return _build_own([whole_model(antimony_text, name)], rows)
