"""The run that a folder holds already: whether it is one, of which request, and by which version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.study.record import Record

RECORD: Final = "run.json"
FORMAT: Final = 1
_LARGEST: Final = 64_000_000
"""Bytes of a run.json that is read; one of a large trial has a hundred thousand."""


@dataclass(frozen=True)
class Request:
    """What was asked for: equal requests under one version have equal results.

    trial: the design as JSON; arms: ids, in the order of the design; settings: parameter -> value in its own unit;
    twins: whether arms share their people.
    """

    trial: Mapping[str, Any]
    patients: int
    seed: int
    arms: tuple[str, ...]
    settings: Mapping[str, float]
    twins: bool

    @classmethod
    def of(cls, result: Record) -> Request:
        """Return the request that a result answers."""
        return planned(result.trial, result.patients, result.seed, result.arm_ids, result.overrides, result.twins)

    def differs(self, other: Request) -> list[str]:
        """Return what differs from another request, each in a word or two with the two values."""
        found = []
        for name in (field.name for field in fields(self)):
            here, there = getattr(self, name), getattr(other, name)
            if here == there:
                continue
            found.append("the trial" if name == "trial" else f"{name} {_words(there)} there, {_words(here)} here")
        return found


def planned(
    trial: Trial,
    patients: int,
    seed: int,
    arms: Sequence[str] | None,
    settings: Mapping[str, float],
    twins: bool,
) -> Request:
    """Return the request of a run that is still to come; arms: None for all."""
    wanted = {arm.id for arm in trial.arms} if arms is None else set(arms)
    ids = tuple(arm.id for arm in trial.arms if arm.id in wanted)
    return Request(trial.model_dump(mode="json"), patients, seed, ids, dict(settings), twins)


@dataclass(frozen=True)
class EarlierRun:
    """A run folder of Cereblon. folder: as the user named it; files: all that are in it; version: what made it."""

    folder: Path
    request: Request
    files: frozenset[str]
    version: Mapping[str, Any]

    def require_same(self, request: Request) -> None:
        """Raise CereblonError unless the folder holds the result of this request."""
        if differences := request.differs(self.request):
            raise CereblonError(
                f"output folder '{self.folder}': holds a run of another request ({'; '.join(differences)}); "
                "expected another folder, or --force (in Python force=True) to replace it"
            )


def earlier_run(target: Path, folder: Path) -> EarlierRun | None:
    """Return the run in `target`, which the user named `folder`; None where there is nothing yet.

    Raises CereblonError when anything is in it that no run of Cereblon wrote.
    """
    names = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    if not names:
        return None
    record = _record(target / RECORD)
    if record is None:
        other = next((name for name in names if name != RECORD), RECORD)
        raise CereblonError(f"output folder '{folder}': '{other}' in it is of no Cereblon run; choose a new folder")
    listed = {RECORD, *record["sha256"]}
    for name in names:
        if name not in listed or (target / name).is_symlink() or not (target / name).is_file():
            raise CereblonError(
                f"output folder '{folder}': '{name}' in it is of no Cereblon run ({RECORD} does not list it); "
                "move it away, or choose a new folder"
            )
    return EarlierRun(folder, _request(record), frozenset(names), versions(record))


def _record(path: Path) -> dict[str, Any] | None:
    """Return the content of a run.json that Cereblon wrote, else None."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
        ours = record["format"] == FORMAT and ("cereblon" in record or "cereblon" in record["meta"])
        _request(record)
        return record if ours and isinstance(record["sha256"], dict) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _request(record: Mapping[str, Any]) -> Request:
    arms = tuple(arm["id"] for arm in record["arms"])
    # before the word existed, the arms of a run were twins
    twins = bool(record.get("twins", True))
    return Request(_read_again(record["design"]), record["patients"], record["seed"], arms, record["set"], twins)


def _read_again(design: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a design as this version writes it: fields that came since have their defaults."""
    try:
        return Trial.model_validate(design).model_dump(mode="json")
    except (ValidationError, CereblonError):
        return design


def versions(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides, beside the request, which numbers a run has."""
    meta = record["meta"]
    return {"cereblon": meta.get("cereblon", record.get("cereblon")), **{k: meta.get(k) for k in ("model", "code")}}


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={number:g}" for name, number in sorted(value.items())) or "none"
    if isinstance(value, tuple):
        return " ".join(value)
    return str(value)
