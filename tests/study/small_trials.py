"""Short trials for tests of whole runs, and the comparison of their tables."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal
from ruamel.yaml import YAML

from cereblon import load_trial
from cereblon.clinic.trial.trial import Trial
from cereblon.result import StudyResult
from cereblon.study.run import ARM_STRIDE

MONTHS = 4


def edited(trial: str, path: Path, change: Callable[[dict[str, Any]], None] = lambda document: None) -> Path:
    """Write a registry entry, followed up for a few months and changed by `change`, as the user's own file."""
    yaml = YAML()
    document = yaml.load(files("cereblon").joinpath("trials", f"{trial}.yaml").read_text("utf-8"))
    document["follow_up"] = {"duration_months": MONTHS}
    change(document)
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)
    return path


def short(trial: str, path: Path, change: Callable[[dict[str, Any]], None] = lambda document: None) -> Trial:
    """Return what `edited` writes, loaded."""
    return load_trial(str(edited(trial, path, change)))


def of(result: StudyResult, table: str, arm: int | None = None, first: int | None = None) -> pl.DataFrame:
    """Return a table, or the part of the arm at position `arm`, or its first subjects, numbered from 1."""
    frame = result.table(table)
    if arm is not None:
        frame = frame.filter(pl.col("USUBJID") // ARM_STRIDE == arm)
        frame = frame.with_columns(pl.col("USUBJID") % ARM_STRIDE)
    return frame if first is None else frame.filter(pl.col("USUBJID") % ARM_STRIDE <= first)


def assert_same(one: StudyResult, other: StudyResult) -> None:
    """Bit by bit, with types and the order of rows."""
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        assert_exact(one.table(name), other.table(name))


def assert_exact(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.height > 0
    assert_frame_equal(one, other, check_exact=True)


def in_memory(result: StudyResult) -> dict[str, pl.DataFrame]:
    """Return all tables of a result, which may then go, and with it its right to the place of its folder."""
    return {name: result.table(name) for name in result.tables}
