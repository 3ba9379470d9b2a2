"""The endpoints Cereblon compares with print: keys, labels, units, and how each is read from a subject.

Shares are percentages of subjects; `neutropenia_g34_cycles` is a percentage of cycles with lenalidomide
given; medians are months. The nine STANDARD keys are in every summary; the others appear in the report where
a trial printed them. Complete response includes CRi and partial response includes nPR, as the registry
documents count them (`cereblon.clinic.trial.design.ENDPOINTS`).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from cereblon.columns import (
    ANEMIA,
    FEBRILE_NEUTROPENIA,
    INFECTION,
    LABORATORY_LYSIS,
    NEUTROPENIA,
    OS,
    PFS,
    RESPONDERS,
    THROMBOCYTOPENIA,
    TUMOR_FLARE,
    TUMOR_LYSIS,
)

Kind = Literal["response", "event", "cycles", "median", "landmark", "treatment", "death"]


class Endpoint(NamedTuple):
    """One endpoint.

    label and unit for people; kind says which table answers; categories: BESTRESP values that count; term and
    grade: the adverse event and its least grade; curve and months: time-to-event parameter and landmark.
    """

    label: str
    unit: str
    kind: Kind
    categories: tuple[str, ...] = ()
    term: str = ""
    grade: int = 1
    curve: str = ""
    months: int = 0


STANDARD: Final[dict[str, Endpoint]] = {
    "orr": Endpoint("Overall response", "%", "response", categories=RESPONDERS),
    "cr": Endpoint("Complete response", "%", "response", categories=("CR", "CRi")),
    "pr": Endpoint("Partial response", "%", "response", categories=("nPR", "PR")),
    "pfs_median": Endpoint("PFS, median", "months", "median", curve=PFS),
    "neutropenia_g34": Endpoint("Neutropenia grade 3-4", "%", "event", term=NEUTROPENIA, grade=3),
    "neutropenia_g34_cycles": Endpoint("Neutropenia grade 3-4, cycles", "%", "cycles", term=NEUTROPENIA, grade=3),
    "thrombocytopenia_g34": Endpoint("Thrombocytopenia grade 3-4", "%", "event", term=THROMBOCYTOPENIA, grade=3),
    "tls": Endpoint("Tumour lysis syndrome", "%", "event", term=TUMOR_LYSIS),
    "tfr": Endpoint("Tumour flare, any grade", "%", "event", term=TUMOR_FLARE),
}

FURTHER: Final[dict[str, Endpoint]] = {
    "cri": Endpoint("CR with incomplete recovery", "%", "response", categories=("CRi",)),
    "npr": Endpoint("Nodular partial response", "%", "response", categories=("nPR",)),
    "prl": Endpoint("PR with lymphocytosis", "%", "response", categories=("PRL",)),
    "sd": Endpoint("Stable disease", "%", "response", categories=("SD",)),
    "pd": Endpoint("Progressive disease", "%", "response", categories=("PD",)),
    "pfs_1y": Endpoint("PFS at 1 year", "%", "landmark", curve=PFS, months=12),
    "pfs_2y": Endpoint("PFS at 2 years", "%", "landmark", curve=PFS, months=24),
    "pfs_3y": Endpoint("PFS at 3 years", "%", "landmark", curve=PFS, months=36),
    "os_median": Endpoint("OS, median", "months", "median", curve=OS),
    "os_1y": Endpoint("OS at 1 year", "%", "landmark", curve=OS, months=12),
    "os_2y": Endpoint("OS at 2 years", "%", "landmark", curve=OS, months=24),
    "os_3y": Endpoint("OS at 3 years", "%", "landmark", curve=OS, months=36),
    "on_therapy": Endpoint("Still on treatment", "%", "treatment"),
    "deaths": Endpoint("Died", "%", "death"),
    "anemia_g34": Endpoint("Anemia grade 3-4", "%", "event", term=ANEMIA, grade=3),
    "infection_g34": Endpoint("Infection grade 3-4", "%", "event", term=INFECTION, grade=3),
    "febrile_neutropenia": Endpoint("Febrile neutropenia", "%", "event", term=FEBRILE_NEUTROPENIA),
    "tfr_g34": Endpoint("Tumour flare grade 3-4", "%", "event", term=TUMOR_FLARE, grade=3),
    "tfr_g23": Endpoint("Tumour flare grade 2-3", "%", "event", term=TUMOR_FLARE, grade=2),
    "thrombocytopenia_g34_cycles": Endpoint(
        "Thrombocytopenia grade 3-4, cycles", "%", "cycles", term=THROMBOCYTOPENIA, grade=3
    ),
    "tls_laboratory": Endpoint("Laboratory tumour lysis", "%", "event", term=LABORATORY_LYSIS),
}

ENDPOINTS: Final[dict[str, Endpoint]] = STANDARD | FURTHER
