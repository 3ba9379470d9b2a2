"""Names, types, units and meanings of every column a run writes.

Names follow CDISC ADaM where it has one (USUBJID, PARAMCD, AVAL, ADY, CNSR ...). Days are ADaM days: day 1 is
the day of the first dose, so a model time of d days is ADY = d + 1. Code elsewhere uses the constants, never
the bare text.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cereblon.readings import readings

DAYS_PER_MONTH: Final = 30.4375  # mean month, 365.25 / 12
DAYS_PER_CYCLE: Final = 28  # the engine's block; AECYCLE counts these, also for trials with 42-day courses

# keys
STUDYID: Final = "STUDYID"
USUBJID: Final = "USUBJID"
TWIN: Final = "TWIN"
ARM: Final = "ARM"
ADY: Final = "ADY"
PARAMCD: Final = "PARAMCD"
AVAL: Final = "AVAL"
AVALU: Final = "AVALU"
AVALC: Final = "AVALC"
SOURCE: Final = "SOURCE"

# fate of a subject
BESTRESP: Final = "BESTRESP"
RSPDY: Final = "RSPDY"
TRTEDY: Final = "TRTEDY"
TRTREAS: Final = "TRTREAS"
EOSDY: Final = "EOSDY"

# exposure
DRUG: Final = "DRUG"
DOSEMG: Final = "DOSEMG"
LEVELMG: Final = "LEVELMG"
DAYSDOSED: Final = "DAYSDOSED"

# response assessments
ALC: Final = "ALC"
SPD: Final = "SPD"

# adverse events
ASTDY: Final = "ASTDY"
AETERM: Final = "AETERM"
AETOXGR: Final = "AETOXGR"
AECYCLE: Final = "AECYCLE"
TRTEMFL: Final = "TRTEMFL"

# time to event
CNSR: Final = "CNSR"
EVNTDESC: Final = "EVNTDESC"

# AETERM values
NEUTROPENIA: Final = "neutropenia"
THROMBOCYTOPENIA: Final = "thrombocytopenia"
ANEMIA: Final = "anemia"
FEBRILE_NEUTROPENIA: Final = "febrile neutropenia"
INFECTION: Final = "infection"
TUMOR_FLARE: Final = "tumour flare"
TUMOR_LYSIS: Final = "tumour lysis syndrome"
LABORATORY_LYSIS: Final = "laboratory tumour lysis"
ADVERSE_EVENTS: Final = (
    NEUTROPENIA,
    THROMBOCYTOPENIA,
    ANEMIA,
    FEBRILE_NEUTROPENIA,
    INFECTION,
    TUMOR_FLARE,
    TUMOR_LYSIS,
    LABORATORY_LYSIS,
)

# BESTRESP and AVALC values, best first
RESPONSES: Final = ("CR", "CRi", "nPR", "PR", "PRL", "SD", "PD", "NE")
RESPONDERS: Final = ("CR", "CRi", "nPR", "PR")  # PR with lymphocytosis is reported, and not counted in ORR
BASELINE: Final = "BL"  # AVALC of the assessment before the first dose

# TRTREAS values
ONGOING: Final = "ongoing"

# SOURCE values
MEASURED: Final = "measured"
TRUE: Final = "true"

# PARAMCD values of time_to_event
PFS: Final = "PFS"
OS: Final = "OS"
TTF: Final = "TTF"
DOR: Final = "DOR"


class Column(NamedTuple):
    """One column: polars type name, unit ("" when it has none), meaning in a line."""

    dtype: str
    unit: str
    meaning: str


class Measure(NamedTuple):
    """One quantity of the visits table.

    label: for people; unit: of AVAL; log: whether a log axis shows it best; source: MEASURED, with the errors of a
    measurement, or TRUE, the state itself, which no one in the trial sees; meaning: in a line.
    """

    label: str
    unit: str
    log: bool
    source: str
    meaning: str


_SUBJECT = Column("Int32", "", "subject number, unique within the run and the same for the same seed")
_TWIN = Column(
    "Int32",
    "",
    "number of the drawn person: rows of equal TWIN are the same person. Different in every arm, unless the run asked "
    "for twins",
)

SUBJECTS: Final[dict[str, Column]] = {
    STUDYID: Column("String", "", "trial identifier"),
    USUBJID: _SUBJECT,
    TWIN: _TWIN,
    ARM: Column("String", "", "arm identifier of the trial document"),
    BESTRESP: Column("String", "", "best response by the trial's criteria, confirmed after two months"),
    RSPDY: Column("Int32", "day", "day of the first visit of a confirmed response; null without one"),
    TRTEDY: Column("Int32", "day", "day of the last dose of the treatment given before the data cut; null without one"),
    TRTREAS: Column("String", "", "why treatment ended; 'ongoing' at the data cut"),
    EOSDY: Column("Int32", "day", "last day on study: death, loss to follow-up or data cut"),
}


VISITS: Final[dict[str, Column]] = {
    USUBJID: _SUBJECT,
    TWIN: _TWIN,
    ADY: Column("Int32", "day", "day of the visit, 1 = before the first dose"),
    PARAMCD: Column("Categorical", "", "code of the quantity"),
    AVAL: Column("Float32", "see AVALU", "value"),
    AVALU: Column("Categorical", "", "unit of the value"),
    SOURCE: Column(
        "Categorical",
        "",
        "'measured': a result with the error of the measurement, on which the site acts; 'true': the state of the "
        "virtual patient itself, which nobody in the trial sees",
    ),
}

MEASURES: Final[dict[str, Measure]] = {
    row.code: Measure(row.label, row.unit, row.log, MEASURED if row.measured else TRUE, row.meaning)
    for row in readings()
    if row.code
}
"""PARAMCD of the visits table, in the order of its rows; a run adds the exposure to each of its drugs (AUC)."""

EXPOSURE: Final[dict[str, Column]] = {
    USUBJID: _SUBJECT,
    TWIN: _TWIN,
    ADY: Column("Int32", "day", "first day of the week: 1, 8, 15 ..."),
    DRUG: Column("String", "", "drug"),
    DOSEMG: Column("Float32", "mg", "amount taken in the week"),
    LEVELMG: Column("Float32", "mg/day", "dose level ordered in the week; 0 when held or stopped"),
    DAYSDOSED: Column("Int8", "day", "days with a dose in the week"),
}

RESPONSE: Final[dict[str, Column]] = {
    USUBJID: _SUBJECT,
    TWIN: _TWIN,
    ADY: Column("Int32", "day", "day of the assessment, 1 = baseline"),
    AVALC: Column("String", "", "category at this visit, before confirmation; 'BL' at baseline"),
    ALC: Column("Float32", "1e9/L", "lymphocyte count read at the visit, with the error of the laboratory"),
    SPD: Column(
        "Float32",
        "cm2",
        "sum of products of node diameters read then, with the error of the reading; null without a scan (CT trials)",
    ),
}

EVENTS: Final[dict[str, Column]] = {
    USUBJID: _SUBJECT,
    TWIN: _TWIN,
    ASTDY: Column(
        "Int32",
        "day",
        "onset at the grade of this row: day of the first count in the cycle that shows it (events other than counts: "
        "first day of that week)",
    ),
    AETERM: Column("String", "", f"event: {', '.join(ADVERSE_EVENTS)}"),
    AETOXGR: Column(
        "Int8",
        "grade",
        "grade reached, 1-5: a row for each grade above the ones before it in the cycle; the highest is the worst. "
        "Events are recorded until 28 days after the last dose",
    ),
    AECYCLE: Column("Int32", "", "28-day cycle, from 1"),
    TRTEMFL: Column(
        "String",
        "Y/N",
        "Y = treatment-emergent: began after the first dose, or worse than before it. N = abnormal before the first "
        "dose and not worse; no rate counts it",
    ),
}

TIME_TO_EVENT: Final[dict[str, Column]] = {
    USUBJID: _SUBJECT,
    TWIN: _TWIN,
    PARAMCD: Column("String", "", "PFS, OS, TTF or DOR"),
    AVAL: Column("Float32", "day", "days from the first dose (DOR: from the first response)"),
    CNSR: Column("Int8", "0/1", "0 = event, 1 = censored"),
    EVNTDESC: Column("String", "", "what happened"),
}

TABLES: Final[dict[str, dict[str, Column]]] = {
    "subjects": SUBJECTS,  # and covariate_columns()
    "visits": VISITS,
    "exposure": EXPOSURE,
    "response": RESPONSE,
    "adverse_events": EVENTS,
    "time_to_event": TIME_TO_EVENT,
}
