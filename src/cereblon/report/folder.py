"""The run folder: written beside its place under a temporary name, and renamed when complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from cereblon.columns import TABLES
from cereblon.errors import CereblonError
from cereblon.notice import notice
from cereblon.parameters import params_text
from cereblon.patients.covariates import covariate_columns
from cereblon.report.software import software_record
from cereblon.storage.files import digest, remove, write_table
from cereblon.storage.lock import resolve
from cereblon.study.earlier import FORMAT, RECORD, Request, earlier_run, versions
from cereblon.study.placing import partial_folder, place, sweep
from cereblon.version import __version__

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

PARAMS: Final = "params.tsv"
"""Every number of the run, as `read_params` and --params take it."""


def _write_table(table: pl.DataFrame | pl.LazyFrame, path: Path) -> None:
    if isinstance(table, pl.DataFrame):
        write_table(table, path)
        return
    try:  # streamed, in order: a visits table may be larger than memory
        table.sink_parquet(path, compression="zstd", compression_level=1, maintain_order=True)
    except pl.exceptions.ComputeError as error:  # a full disk, in the words of polars
        raise OSError(str(error).strip().splitlines()[0].rpartition("IO error: ")[2]) from None


def _dictionary(result: Analysis) -> dict[str, Any]:
    """Return what each column of each table means, so that the folder explains itself."""
    known = {name: dict(columns) for name, columns in TABLES.items()}
    known["subjects"] |= covariate_columns()
    out: dict[str, Any] = {}
    for name in result.tables:
        columns = result.scan(name).collect_schema().names()
        meanings = {c: known.get(name, {}).get(c) for c in columns}
        out[name] = {c: {"unit": m.unit, "meaning": m.meaning} for c, m in meanings.items() if m is not None}
    return out


def run_record(result: Analysis, files: dict[str, str]) -> dict[str, Any]:
    """Return the content of run.json: what was run, with what, and the hash of every file beside it."""
    return {
        "cereblon": __version__,
        "format": FORMAT,
        "trial": result.trial.id,
        "title": result.trial.title,
        "arms": [
            {"id": arm, "published_size": data.size, "simulated": int(data.subjects.size)}
            for arm, data in result.arms.items()
        ],
        "seed": result.seed,
        "patients": result.patients,
        "set": dict(result.overrides),
        "twins": result.twins,
        "meta": dict(result.meta),
        "software": software_record(),
        "warnings": list(result.warnings),
        "design": result.trial.model_dump(mode="json"),
        "tables": _dictionary(result),
        "quantities": {code: measure._asdict() for code, measure in result.measures.items()},
        "sha256": files,
    }


def _write(result: Analysis, folder: Path) -> None:
    from cereblon.report.page import report_page

    for name in result.tables:
        _write_table(result.tables[name], folder / f"{name}.parquet")
    if result.parameters is not None:
        (folder / PARAMS).write_text(params_text(result.parameters), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps(result.summary(), indent=2) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(report_page(result), encoding="utf-8")
    files = {path.name: digest(path) for path in sorted(folder.iterdir())}
    text = json.dumps(run_record(result, files), indent=2, default=str)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def write_run(result: Analysis, folder: Path, force: bool = False) -> Path:
    """Write the run folder of `result` and return its absolute path; on any failure nothing is left behind.

    The caller holds the lock of the folder. force: also where it holds a run of another request; the same request
    under another version is replaced, and said. Raises CereblonError when the place cannot be written or holds
    something other than a run.
    """
    target = resolve(folder)
    partial = partial_folder(target)
    try:
        sweep(target)
        earlier = earlier_run(target, folder)
        if earlier is not None and not force:
            earlier.require_same(Request.of(result))
        partial.mkdir()
        _write(result, partial)
        record = json.loads((partial / RECORD).read_text(encoding="utf-8"))
        place(partial, target)
    except OSError as error:
        raise CereblonError(f"output folder '{folder}': {error.strerror or error}") from None
    finally:
        remove(partial)
    if earlier is not None and earlier.version != versions(record):
        was = f"version {earlier.version['cereblon']}"
        notice(f"{folder}: replaced an earlier run by {was}{_why(earlier.version, versions(record))}")
    return target


def _why(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what changed where the number of the version did not."""
    if was["cereblon"] != now["cereblon"]:
        return ""
    return " with another model" if was["model"] != now["model"] else " with other code"
