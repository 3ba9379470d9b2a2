"""Names, units and meanings of everything a virtual subject carries at baseline."""

from __future__ import annotations

from dataclasses import dataclass

from cereblon.columns import Column


@dataclass(frozen=True)
class Covariate:
    """A baseline column: its unit and a one-line meaning."""

    unit: str
    meaning: str


COVARIATES: dict[str, Covariate] = {
    "age": Covariate("year", "age at entry"),
    "male": Covariate("1", "1 man, 0 woman"),
    "prior_lines": Covariate("1", "earlier lines of therapy"),
    "height": Covariate("cm", "height"),
    "weight": Covariate("kg", "body weight"),
    "bmi": Covariate("kg/m2", "body mass index"),
    "bsa": Covariate("m2", "body surface area, DuBois"),
    "ffm": Covariate("kg", "fat-free mass, Janmahasatian"),
    "creatinine": Covariate("mg/dL", "serum creatinine"),
    "crcl": Covariate("mL/min", "creatinine clearance, Cockcroft-Gault with actual weight"),
    "ighv_unmutated": Covariate("1", "IGHV genes unmutated"),
    "del17p": Covariate("1", "deletion 17p"),
    "tp53": Covariate("1", "TP53 mutated"),
    "del11q": Covariate("1", "deletion 11q"),
    "trisomy12": Covariate("1", "trisomy 12"),
    "del13q": Covariate("1", "deletion 13q"),
    "zap70": Covariate("1", "ZAP-70 positive"),
    "cd38": Covariate("1", "CD38 positive"),
    "growth0": Covariate("1/day", "net growth rate of the clone when untreated"),
    "fludarabine_refractory": Covariate("1", "refractory to a purine analogue"),
    "alc0": Covariate("1e9/L", "absolute lymphocyte count"),
    "spd0": Covariate("cm2", "sum of products of the diameters of nodes"),
    "ldi0": Covariate("cm", "longest diameter of the largest node"),
    "node_volume0": Covariate("mL", "total volume of involved nodes"),
    "spleen_volume0": Covariate("mL", "spleen volume"),
    "marrow0": Covariate("1", "share of leukemia among marrow cells"),
    "anc0": Covariate("1e9/L", "absolute neutrophil count"),
    "platelets0": Covariate("1e9/L", "platelets"),
    "hemoglobin0": Covariate("g/dL", "hemoglobin"),
    "igg0": Covariate("g/L", "immunoglobulin G"),
    "b2m": Covariate("mg/L", "beta2-microglobulin"),
    "ldh": Covariate("1", "lactate dehydrogenase, multiples of the upper limit"),
    "monocytes0": Covariate("1e9/L", "monocytes"),
    "cd4_0": Covariate("1e9/L", "CD4 T cells"),
    "cd8_0": Covariate("1e9/L", "CD8 T cells"),
    "nk_0": Covariate("1e9/L", "natural killer cells"),
    "uric_acid0": Covariate("mg/dL", "serum uric acid"),
    "rai": Covariate("1", "Rai stage, 0-4"),
    "binet": Covariate("1", "Binet stage, 0 A, 1 B, 2 C"),
    "ecog": Covariate("1", "ECOG performance status, 0-2"),
    "bulky": Covariate("1", "largest node at or above the trial's cut (5 cm unless stated), by the trial's method"),
    "immune_cytopenia": Covariate("1", "immune cytopenia, which does not set the stage"),
    "symptoms": Covariate("1", "constitutional symptoms"),
}
"""Columns of a cohort, in order. Shares and flags are 0 or 1."""


def covariate_columns() -> dict[str, Column]:
    """Return the covariate columns of the subjects table: the names of the virtual cohort, in upper case."""
    return {name.upper(): Column("Float32", entry.unit, entry.meaning) for name, entry in COVARIATES.items()}
