"""The baseline table: printed beside drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import polars as pl

from cereblon.columns import ARM

if TYPE_CHECKING:
    from cereblon.clinic.trial.trial import Trial
    from cereblon.outcomes.analysis import Analysis

Kind = Literal["median", "share"]


class Item(NamedTuple):
    """One line: label, column of the subjects table, how it is summarised, least value that counts for a
    share.
    """

    label: str
    column: str
    kind: Kind
    printed: str = ""
    least: float = 1.0
    digits: int = 0


ITEMS: Final = (
    Item("Age (years)", "AGE", "median", "age"),
    Item("Men (%)", "MALE", "share", "male_pct"),
    Item("Prior lines", "PRIOR_LINES", "median", "prior_lines"),
    Item("Rai stage III-IV (%)", "RAI", "share", "rai_3_4_pct", least=3),
    Item("Lymphocytes (1e9/L)", "ALC0", "median", "alc_median", digits=1),
    Item("Sum of node products (cm2)", "SPD0", "median", "", digits=0),
    Item("Bulky nodes (%)", "BULKY", "share", "bulky_pct"),
    Item("Spleen (mL)", "SPLEEN_VOLUME0", "median"),
    Item("Beta2-microglobulin (mg/L)", "B2M", "median", "b2m_median", digits=1),
    Item("Creatinine clearance (mL/min)", "CRCL", "median", "crcl_median"),
    Item("Neutrophils (1e9/L)", "ANC0", "median", "", digits=1),
    Item("Platelets (1e9/L)", "PLATELETS0", "median", "platelets_median"),
    Item("Hemoglobin (g/dL)", "HEMOGLOBIN0", "median", "hemoglobin_median", digits=1),
    Item("IgG (g/L)", "IGG0", "median", "", digits=1),
    Item("IGHV unmutated (%)", "IGHV_UNMUTATED", "share", "ighv_unmutated_pct"),
    Item("Deletion 17p (%)", "DEL17P", "share", "del17p_pct"),
    Item("TP53 mutated (%)", "TP53", "share", "tp53_pct"),
    Item("Deletion 11q (%)", "DEL11Q", "share", "del11q_pct"),
    Item("Deletion 17p or 11q (%)", "DEL17P|DEL11Q", "share", "del17p_or_del11q_pct"),
    Item("Trisomy 12 (%)", "TRISOMY12", "share", "trisomy12_pct"),
    Item("ZAP-70 positive (%)", "ZAP70", "share", "zap70_pct"),
    Item("Fludarabine-refractory (%)", "FLUDARABINE_REFRACTORY", "share", "fludarabine_refractory_pct"),
)


def _printed(trial: Trial, item: Item) -> str:
    population = trial.population
    if item.printed in ("age", "prior_lines"):
        table = population.age if item.printed == "age" else population.prior_lines
        if table is None:
            return "-"
        span = f" ({table.range[0]:g}-{table.range[1]:g})" if table.range else ""
        return f"{table.median:g}{span}"
    if item.printed == "male_pct":
        value = population.male_pct
    else:
        value = getattr(population.printed, item.printed, None) if item.printed else None
    if value is None:
        return "-"
    of = dict(population.printed.of).get(item.printed)
    return f"{value:g}" + (f" (n = {of})" if of else "")


def _drawn(subjects: pl.DataFrame, item: Item) -> str:
    if item.kind == "share":
        hits = pl.any_horizontal(pl.col(name) >= item.least for name in item.column.split("|"))
        share = subjects.select(hits.mean()).item()
        return f"{100 * share:.0f}"
    values = subjects[item.column].drop_nulls().drop_nans()
    if values.is_empty():
        return "-"
    low, middle, high = (values.quantile(q, "linear") for q in (0.0, 0.5, 1.0))
    return f"{middle:.{item.digits}f} ({low:.{item.digits}f}-{high:.{item.digits}f})"


def cohort_table(result: Analysis) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return header and rows of the baseline table: median (range) or percent, one column per arm.

    Lines whose covariate the run does not carry are left out.
    """
    subjects = result.table("subjects")
    arms = list(result.arms)
    header = ("Baseline", "Published", *(arms if len(arms) > 1 else ["Simulated"]))
    rows = []
    for item in ITEMS:
        if not set(item.column.split("|")) <= set(subjects.columns):
            continue
        cells = [_drawn(subjects.filter(pl.col(ARM) == arm), item) for arm in arms]
        rows.append((item.label, _printed(result.trial, item), *cells))
    return header, rows
