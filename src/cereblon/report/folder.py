"""The run folder: written beside its place under a temporary name, and renamed when complete."""

from __future__ import annotations

import glob
import json
import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from cereblon.columns import TABLES, covariate_columns
from cereblon.errors import CereblonError
from cereblon.report.target import RECORD, check_target

if TYPE_CHECKING:
    from cereblon.result import StudyResult

_FORMAT: Final = 1
_HASH_BLOCK: Final = 1 << 20  # bytes


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _write_table(table: pl.DataFrame | pl.LazyFrame, path: Path) -> None:
    if isinstance(table, pl.DataFrame):
        table.write_parquet(path, compression="zstd", compression_level=1)
    else:  # streamed, in order: a visits table may be larger than memory
        table.sink_parquet(path, compression="zstd", compression_level=1, maintain_order=True)


def _dictionary(result: StudyResult) -> dict[str, Any]:
    """Return what each column of each table means, so that the folder explains itself."""
    known = {name: dict(columns) for name, columns in TABLES.items()}
    known["subjects"] |= covariate_columns()
    out: dict[str, Any] = {}
    for name in result.tables:
        columns = result.scan(name).collect_schema().names()
        meanings = {c: known.get(name, {}).get(c) for c in columns}
        out[name] = {c: {"unit": m.unit, "meaning": m.meaning} for c, m in meanings.items() if m is not None}
    return out


def run_record(result: StudyResult, files: dict[str, str]) -> dict[str, Any]:
    """Return the content of run.json: what was run, with what, and the hash of every file beside it."""
    return {
        "format": _FORMAT,
        "trial": result.trial.id,
        "title": result.trial.title,
        "arms": [
            {"id": arm, "published_size": data.size, "simulated": int(data.subjects.size)}
            for arm, data in result.arms.items()
        ],
        "seed": result.seed,
        "patients": result.patients,
        "set": dict(result.overrides),
        "meta": dict(result.meta),
        "warnings": list(result.warnings),
        "design": result.trial.model_dump(mode="json"),
        "tables": _dictionary(result),
        "sha256": files,
    }


def _write(result: StudyResult, folder: Path) -> None:
    from cereblon.report.page import report_page

    for name in result.tables:
        _write_table(result.tables[name], folder / f"{name}.parquet")
    (folder / "summary.json").write_text(json.dumps(result.summary(), indent=2) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(report_page(result), encoding="utf-8")
    files = {path.name: _digest(path) for path in sorted(folder.iterdir())}
    text = json.dumps(run_record(result, files), indent=2, default=str)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def write_run(result: StudyResult, folder: Path) -> Path:
    """Write the run folder of `result` and return its absolute path; on any failure nothing is left behind.

    Raises CereblonError when the place cannot be written or holds something other than a run.
    """
    target = check_target(folder)
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    _sweep(target)
    try:
        partial.mkdir(parents=True)
        _write(result, partial)
        if target.exists():
            target.rename(old)
        partial.rename(target)
    except OSError as error:
        raise CereblonError(f"output folder '{folder}': {error.strerror or error}") from None
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return target


def _sweep(target: Path) -> None:
    """Remove what a killed process left half-written beside `target`; an earlier run set aside comes back."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*-*"):
        kind, _, process = path.name.removeprefix(f".{target.name}.").partition("-")
        if kind not in ("partial", "old") or not process.isdigit() or _runs(int(process)):
            continue
        if kind == "old" and not target.exists():
            path.rename(target)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
