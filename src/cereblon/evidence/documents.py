"""The documents of this folder's subject: claims, cell systems, published evidence rows, references."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cereblon.arguments import path as checked_path
from cereblon.arguments import words
from cereblon.documents.problems import explain
from cereblon.documents.yamltext import DocumentError, printable, read_text, read_yaml
from cereblon.errors import CereblonError, nearest

from .schema import Assay, Claim, Claims, Condition, Systems

_BIOLOGY = resources.files("cereblon") / "biology"
Kind = TypeVar("Kind", bound=BaseModel)
GROUPS = ("microenvironment", "drug", "clinic")
"""The three files of claims, in the order of the review."""


@dataclass(frozen=True)
class Evidence:
    """A published finding for a claim: what was read, in which system, and what it supports."""

    claim: str
    readout: str
    system: str
    condition: str
    value: str
    low: str
    high: str
    unit: str
    source: str
    url: str
    evidence: str
    supports: str
    use: str


@dataclass(frozen=True)
class Reference:
    """An entry of the review's reference list."""

    number: int
    authors: str
    year: str
    title: str
    where: str


def read_document(text: str, file: str, kind: type[Kind]) -> Kind:
    """Return the document of class `kind` in YAML `text`. Raises DocumentError with line and column."""
    found = read_yaml(text, file)
    try:
        return kind.model_validate(found.data)
    except ValidationError as invalid:
        problems = explain(invalid, found, kind)
        first, more = problems[0], len(problems) - 1
        what = f"{first.what} (and {more} more)" if more else first.what
        raise DocumentError(file, first.line, first.column, what, first.loc) from invalid


def load_assay(path: str | os.PathLike[str]) -> Assay:
    """Return the experiment in a user's file. Raises CereblonError or DocumentError."""
    file = checked_path("experiment", path)
    return read_document(read_text(file), str(file), Assay)


@cache
def load_systems() -> Systems:
    """What a culture is and which cells it may hold."""
    return read_document(_text("claims/systems.yaml"), "systems.yaml", Systems)


def drug_of(condition: Condition) -> str:
    """Return the drug that a condition is about: in its medium, or of the dose that a dose-response varies."""
    return condition.drug or load_systems().drug


@cache
def load_group(group: str) -> tuple[Claim, ...]:
    """Return the claims of one of `GROUPS`, in order."""
    return read_document(_text(f"claims/{group}.yaml"), f"{group}.yaml", Claims).claims


@cache
def load_claims() -> dict[str, Claim]:
    """Return all 62 claims by id, in the order of the review."""
    return {claim.id: claim for group in GROUPS for claim in load_group(group)}


def group_of(claim: str) -> str:
    """Return the group of a claim."""
    return next(g for g in GROUPS if any(c.id == claim for c in load_group(g)))


def require_claim(name: str) -> Claim:
    """Return the claim called `name`. Raises CereblonError with the nearest id."""
    claims = load_claims()
    if name not in claims:
        raise CereblonError(
            f"unknown claim '{printable(name, 60)}'{nearest(name, claims)}; `cereblon claims` lists all of them"
        )
    return claims[name]


def switches(claims: Sequence[str]) -> dict[str, float]:
    """Return the parameter values that turn the mechanisms of `claims` off. Raises CereblonError for one without."""
    out: dict[str, float] = {}
    for name in claims:
        claim = require_claim(name)
        if not claim.switch:
            raise CereblonError(f"knock-out of '{name}': the claim has no mechanism of its own to switch off")
        out |= claim.switch
    return out


def knockout(*claims: str) -> dict[str, float]:
    """Return the overrides of `cereblon.run` that switch the mechanisms of claims off. Raises CereblonError."""
    return switches(words("knockout", claims, "crbn_binding"))


@cache
def load_evidence() -> tuple[Evidence, ...]:
    """Return the published findings behind the claims."""
    fields = tuple(Evidence.__dataclass_fields__)
    return tuple(Evidence(**{f: row[f] or "" for f in fields}) for row in _table("claims_evidence.tsv"))


@cache
def load_references() -> dict[int, Reference]:
    """Return the review's reference list by number."""
    return {
        int(r["ref"]): Reference(int(r["ref"]), r["authors"], r["year"], r["title"], r["where"])
        for r in _table("references.tsv")
    }


def _text(name: str) -> str:
    return _BIOLOGY.joinpath(name).read_text("utf-8")


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(name).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
