"""What the model cites: the statements of the review with its numbered references, and the sources of numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from cereblon.evidence.documents import GROUPS, load_evidence, load_group, load_references
from cereblon.model.tables import packaged_table

_RANGE = re.compile(r"^([A-Z]+(?:-[A-Z])?)(\d+)-\1(\d+)$")
_DOI = re.compile(r"10\.\d{4,9}/[^\s;,\"<>]+")
_SPLIT = re.compile(r"[;,]")


@dataclass(frozen=True)
class Statement:
    """One statement of the review: `part` is microenvironment, drug or clinic; `refs` number its reference list."""

    id: str
    part: str
    refs: tuple[int, ...]
    says: str


@dataclass(frozen=True)
class Source:
    """Where a number or a reading comes from. `evidence` is read, recalled or synthesis (our own, of several)."""

    id: str
    quantity: str
    source: str
    url: str
    evidence: str

    @property
    def doi(self) -> str | None:
        """The DOI, where the address or the citation holds one."""
        found = _DOI.search(self.url) or _DOI.search(self.source)
        return found.group(0).rstrip(".)") if found else None


@cache
def statements() -> dict[str, Statement]:
    """Return the statements of the review by id."""
    return {c.id: Statement(c.id, group, c.refs, c.says) for group in GROUPS for c in load_group(group)}


@cache
def references() -> dict[int, str]:
    """Return the reference list of the review: number -> authors, title, journal in one line."""
    return {n: f"{r.authors} {r.title} {r.where}" for n, r in load_references().items()}


@cache
def sources() -> dict[str, Source]:
    """Return the sources that parameters, equations and evidence cite, by id."""
    rows = csv.DictReader(packaged_table("sources.tsv").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row["id"]: Source(**row) for row in rows}


@cache
def published(claim: str) -> tuple[Source, ...]:
    """Return the sources of the published evidence for and against a statement."""
    return tuple(Source("", e.readout, e.source, e.url, e.evidence) for e in load_evidence() if e.claim == claim)


def cited(text: str | Iterable[str]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Return (sources, claims) that a `source` cell or the source list of a note cites.

    A cell such as "PK055; PK032-PK046; claims homing" is taken apart, ranges included. Words that are no id of
    sources.tsv, as in a table of the user's own, become a source of their own with the evidence `as written`.
    """
    parts = _SPLIT.split(text) if isinstance(text, str) else [p for t in text for p in _SPLIT.split(t)]
    found: dict[str, Source] = {}
    claims: dict[str, None] = {}
    for part in filter(None, (p.strip() for p in parts)):
        words = part.split()
        if "claims" in words or "claim" in words:
            claims.update(dict.fromkeys(w for w in words if w in statements()))
            continue
        for name in _expanded(part):
            found[name] = sources().get(name) or Source(name, "", name, "", "as written")
    return tuple(found.values()), tuple(claims)


def _expanded(name: str) -> list[str]:
    match = _RANGE.match(name)
    if match is None:
        return [name]
    prefix, first, last = match.groups()
    return [f"{prefix}{n:0{len(first)}d}" for n in range(int(first), int(last) + 1)]
