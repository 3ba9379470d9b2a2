"""The patient and the drugs on board, put together as text: one list of plain Antimony documents and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from cereblon.antimony.lexer import ARROWS, Token, normal, statements, words
from cereblon.errors import CereblonError, nearest

from .cards import CARD, EFFECT, PARAMETERS, DrugCard, DrugFolder, drug_folders
from .documents import Document, DocumentError, Index, Parameter, index
from .expand import expanded, templated
from .ports import Into, Port, read_into, read_ports, write_ports
from .tables import packaged_table, read_parameters

_DECLARES = frozenset({"substanceOnly", "species", "compartment", "const", "var", "unit"})
OWN_KINETICS = "own"
PATIENT_TABLE = f"patient/{PARAMETERS}"
CEREBLON_PORTS = ("crbn_ligand", "ikzf1_ligand", "ikzf3_ligand")
"""What a ligand of cereblon gives: how much of the pocket it asks for, and how deep Ikaros and Aiolos fall."""


@dataclass(frozen=True)
class Composition:
    """Documents and parameter rows of a patient with drugs on board.

    `drugs` are the cards in order of name; `neutral` the value of every port that none of them uses; `own`: whether
    a text of somebody else's is among the documents.
    """

    documents: tuple[Document, ...]
    parameters: Mapping[str, Parameter]
    drugs: tuple[DrugCard, ...]
    neutral: Mapping[str, float]
    own: bool


def on_board(drugs: Sequence[str] | None, folders: Sequence[Path] = ()) -> tuple[DrugFolder, ...]:
    """The named drugs and those they need, in order of name; all that there are for None.

    Raises CereblonError for a drug that neither the package nor `folders` has, with the nearest.
    """
    known = drug_folders(folders)
    wanted = list(known) if drugs is None else list(drugs)
    needed_by: dict[str, str] = {}
    chosen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in known:
            where = f"{known[needed_by[name]].place}/{CARD}: needs: " if name in needed_by else ""
            raise CereblonError(
                f"{where}unknown drug '{name}': expected one of {', '.join(known)}{nearest(name, known)}"
            )
        if name not in chosen:
            chosen.add(name)
            required = known[name].card.required
            needed_by.update(dict.fromkeys(required, name))
            wanted += required
    return tuple(known[name] for name in sorted(chosen))


def compose(drugs: Sequence[str] | None, folders: Sequence[Path] = ()) -> Composition:
    """Compose the patient with the named drugs and those they need.

    Raises CereblonError, in one line with file:line and the nearest valid choice, for an unknown drug, port or
    template, a rule that does not fit its port, a name that is defined twice or does not begin with the prefix.
    """
    return composed(on_board(drugs, folders))


def composed(drugs: Sequence[DrugFolder]) -> Composition:
    """Compose the patient with drugs that were read; see `compose`."""
    known = ports()
    patient, rows = patient_documents(), dict(_patient_parameters())
    taken = dict(_patient_names())
    given: list[Into] = []
    texts: list[Document] = []
    for drug in sorted(drugs, key=lambda d: d.own):  # what nobody vouches for last, so that errors name it
        if drug.card.prefix is None:
            continue
        own_rows = read_parameters(drug.parameters, f"{drug.place}/{PARAMETERS}") if drug.parameters else {}
        documents = _drug_documents(drug)
        given += _checked(drug, documents, own_rows, known, taken)
        texts += documents
        rows.update(own_rows)
    order = {d.card.name: i for i, d in enumerate(drugs)}
    written, neutral = write_ports(known.values(), given)
    cards = tuple(sorted((d.card for d in drugs), key=lambda c: order[c.name]))
    return Composition((*patient, written, *texts), rows, cards, neutral, any(d.own for d in drugs))


@lru_cache(maxsize=1)
def patient_documents() -> tuple[Document, ...]:
    """The Antimony texts of the patient, in order of name, each block under `each` written out."""
    folder = files("cereblon").joinpath("biology", "patient")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".ant")), key=lambda f: f.name)
    return tuple(expanded(Document(f.name, f.read_text(encoding="utf-8"))) for f in found)


@lru_cache(maxsize=1)
def ports() -> Mapping[str, Port]:
    """The ports of the patient by name."""
    return read_ports(packaged_table("ports.tsv"))


@lru_cache(maxsize=1)
def _patient_parameters() -> Mapping[str, Parameter]:
    return read_parameters(packaged_table(PATIENT_TABLE), PATIENT_TABLE)


@lru_cache(maxsize=1)
def _patient_names() -> Mapping[str, str]:
    """Where each name of the patient is defined; ports are defined by the written document."""
    found = index(list(patient_documents()))
    rows = {p.id: f"{p.file}:{p.line}" for p in _patient_parameters().values()}
    return {**dict.fromkeys(ports(), "ports.tsv"), **rows, **_defined(found)}


def _defined(found: Index) -> dict[str, str]:
    tables = (found.rates, found.rules, found.reactions, found.starts)
    return {name: str(place) for table in tables for name, place in table.items()}


def _drug_documents(drug: DrugFolder) -> list[Document]:
    """The texts of a drug: its template, with its prefix in the names, and its own."""
    effect = expanded(Document(f"{drug.place}/{EFFECT}", drug.effect))
    kinetics, prefix = drug.card.kinetics, drug.card.prefix
    if kinetics == OWN_KINETICS or kinetics is None or prefix is None:
        return [effect]
    folder = files("cereblon").joinpath("biology", "kinetics")
    known = sorted(f.name.removesuffix(".ant") for f in folder.iterdir() if f.name.endswith(".ant"))
    if kinetics not in known:
        words = ", ".join([OWN_KINETICS, *known])
        raise CereblonError(
            f"{drug.place}/{CARD}: kinetics: '{kinetics}': expected one of {words}{nearest(kinetics, known)}"
        )
    template = Document(
        f"{drug.place} + kinetics/{kinetics}.ant", folder.joinpath(f"{kinetics}.ant").read_text("utf-8")
    )
    return [templated(template, prefix), effect]


def _checked(
    drug: DrugFolder,
    documents: Iterable[Document],
    rows: Mapping[str, Parameter],
    known: Mapping[str, Port],
    taken: dict[str, str],
) -> list[Into]:
    """What a drug gives to ports, its names checked and added to those that are taken."""
    prefix = drug.card.prefix or ""
    mine = {p.id: f"{p.file}:{p.line}" for p in rows.values()}
    given: list[Into] = []
    for document in documents:
        found = index([document])
        for statement in statements(words(normal(document.text))):
            _refuse_foreign(statement, prefix, f"{document.name}:{document.line(statement[0].line)}")
        for name, place in _defined(found).items():
            if name in mine and mine[name].rpartition(":")[0] != document.name:
                raise DocumentError(f"{place}: '{name}' is already defined at {mine[name]}")
            mine[name] = place
        given += read_into(document, found, known)
    for name, place in mine.items():
        if not name.startswith(prefix):
            raise DocumentError(f"{place}: '{name}' does not begin with '{prefix}', the prefix of {drug.card.name}")
        if name in taken:
            raise DocumentError(f"{place}: '{name}' is already defined at {taken[name]}")
    taken.update(mine)
    _check_ligand(drug, {into.port for into in given})
    return given


def _check_ligand(drug: DrugFolder, fed: set[str]) -> None:
    missing = [port for port in CEREBLON_PORTS if port not in fed]
    if drug.card.cereblon_ligand and missing:
        raise CereblonError(
            f"{drug.place}/{CARD}: cereblon_ligand: true, and no rule goes into {missing[0]}: "
            f"expected one for each of {', '.join(CEREBLON_PORTS)}"
        )
    if not drug.card.cereblon_ligand and len(missing) < len(CEREBLON_PORTS):
        raise CereblonError(
            f"{drug.place}/{CARD}: cereblon_ligand: false, and a rule goes into a port of cereblon: expected true"
        )


def _refuse_foreign(statement: list[Token], prefix: str, place: str) -> None:
    """Raise DocumentError for a statement of a drug about a name that is not its own."""
    for name in _about(statement):
        if not name.startswith(prefix):
            raise DocumentError(
                f"{place}: '{name}' does not begin with '{prefix}': a drug defines names with its prefix "
                "and acts on the patient through ports"
            )


def _about(statement: list[Token]) -> Iterator[str]:
    """The names that a statement defines, declares, describes or moves."""
    texts = [t.text for t in statement]
    if texts[0] in _DECLARES:
        end = next((i for i, t in enumerate(texts) if t in ("in", "=")), len(texts))
        yield from (t.text for t in statement[:end] if t.kind == "word" and t.text not in _DECLARES)
    elif any(t in ARROWS for t in texts):
        end = texts.index(";") if ";" in texts else len(texts)
        yield from (t.text for t in statement[:end] if t.kind == "word")
    elif statement[0].kind == "word":
        yield texts[0]
