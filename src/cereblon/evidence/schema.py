"""What an experiment is: conditions of the one model, readouts, and what must come out. Data, no code per claim."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from cereblon.documents.base import Document, Key, Text, problem

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
"""A name of the model: state, rule, reaction or parameter."""
Real = Annotated[float, Field(ge=-1e9, le=1e9)]
"""A finite number in the model's own unit."""
Positive = Annotated[float, Field(ge=0, le=1e9)]
"""A number that is not negative."""
DAYS_MOST = 1500
"""Longest experiment, days."""
MOST_CONDITIONS = 64
"""Most conditions of an experiment: each is simulated and kept; the claims have 8 at most."""

Expect = Literal[
    "up", "down", "unchanged", "blocked", "present", "within", "covers", "saturating", "differs", "ranks", "shown"
]
"""What a readout must show; see `Readout`."""
Verdict = Literal["holds", "contested", "cannot tell", "fails", "waits"]
"""`contested`: the ensemble splits where published reports do; `cannot tell`: a trial of the printed size is too small;
`waits`: needs a part that Cereblon has not got yet."""


class Level(Document):
    """A concentration of the drug in the medium of a culture from a day on."""

    day: Annotated[int, Field(ge=0, le=DAYS_MOST)]
    um: Positive


class Dosing(Document):
    """A drug given to a patient once a day from day `first` to day `last` (from 1), again after each `cycle` days."""

    drug: Key
    amount: Positive
    first: Annotated[int, Field(ge=1, le=DAYS_MOST)] = 1
    last: Annotated[int, Field(ge=1, le=DAYS_MOST)] = DAYS_MOST
    cycle: Annotated[int, Field(ge=1, le=DAYS_MOST)] = DAYS_MOST


class Condition(Document):
    """One arm of an experiment: what is different from the untreated patient."""

    words: Text | None = None
    start: Literal["untreated", "healthy"] = "untreated"
    """The patient before treatment, or the same person after a year without leukemia."""
    cells: tuple[Key, ...] | None = None
    """Cell types in the dish; None is the whole patient. The types are listed in systems.yaml."""
    medium: Positive | tuple[Level, ...] = 0.0
    """The drug in the medium, uM, constant or from day to day; cultures only."""
    drug: Key | None = None
    """The drug in the medium; of a patient, the one whose dose a dose-response varies. Default that of systems.yaml."""
    doses: tuple[Dosing, ...] = ()
    """Drugs given to the patient."""
    set: dict[Name, Real] = Field(default_factory=dict)
    """Parameters at another value."""
    scale: dict[Name, Positive] = Field(default_factory=dict)
    """Parameters multiplied."""
    initial: dict[Name, Positive] = Field(default_factory=dict)
    """States that start elsewhere."""
    clamp: dict[Name, Positive | None] = Field(default_factory=dict)
    """Slow states held at a value; null holds them where they start."""
    knockout: tuple[Key, ...] = ()
    """Claims whose mechanism is off."""
    trial: Key | None = None
    """A trial of the registry instead of a patient or dish."""
    arm: Key | None = None
    """The arm of that trial, with the same people as its other arms; default all arms, each with people of its own."""

    @model_validator(mode="after")
    def _one_system(self) -> Condition:
        if self.cells is None and self.medium != 0.0:
            raise problem("medium belongs to a culture: expected `cells` beside it, or `doses` for a patient")
        if self.cells is not None and self.doses:
            raise problem("doses belong to a patient: expected `medium` in a culture")
        return self


class Readout(Document):
    """A quantity, where it is read, and what must come out.

    up / down: value in `to` over value in `against` is at least `least` (or at most 1/`least`). unchanged: the ratio
    stays within `low` to `high`. blocked: of the effect (`effect` against `against`), at least `share` is gone in `to`.
    covers: the 90 % prediction interval of a trial of the printed size, a share of patients in percent, reaches `low`
    to `high` (trials only); wider than 30 points or three times the band, whichever is more, it cannot tell.
    present: the value in `to` is at least `least` times that in `against`. within: the value in `to` (or its ratio to
    `against`) lies in `low` to `high`. saturating: over the conditions `over` it rises to a plateau with half-effect
    concentration in `low` to `high`. differs: the values of `of` and `others` in `to` differ by `least` times at least.
    shown: the value in `to`, not judged.
    ranks: the area under the ROC curve of `of` (a subject's covariate or parameter) for the outcome in `outcome`.
    """

    of: Name
    words: Text
    to: Key
    against: Key | None = None
    expect: Expect = "shown"
    effect: Key | None = None
    over: tuple[Key, ...] = ()
    others: tuple[Name, ...] = ()
    outcome: Key | None = None
    against_day: Annotated[int, Field(ge=0, le=DAYS_MOST)] | None = None
    """Day on which `against` is read; default `day`."""
    against_of: Name | None = None
    """What is read in `against`; default `of`."""
    read: Literal["value", "kept", "lost_pct", "lowest"] = "value"
    """value at `day`; kept: ratio to day 0; lost_pct: percent lost since day 0; lowest: the lowest value of a fast
    quantity in the course of `day`."""
    day: Annotated[int, Field(ge=0, le=DAYS_MOST)] | None = None
    """Day on which it is read; default the end."""
    hour: Annotated[float, Field(ge=0, lt=24)] | None = None
    """Hour within `day`, for quantities of the fast clock."""
    least: Annotated[float, Field(gt=0, le=1000)] = 1.1
    share: Annotated[float, Field(gt=0, le=1)] = 0.8
    low: Real | None = None
    high: Real | None = None
    evidence: Text | None = None
    """The readout of claims_evidence.tsv that sets `low` and `high`, or why they are chosen."""
    scale: Literal["value", "ratio", "percent"] = "value"
    """For `within`: the value, its ratio to `against`, or the percent change from it."""
    share_above: Real | None = None
    """For `within`: the percent of subjects whose value is above this is judged instead of the value."""
    among: Name | None = None
    """Only subjects who kept less than `among_below` of this quantity since day 0; in a trial: who have this trait."""
    among_below: Positive = 0.5

    @model_validator(mode="after")
    def _complete(self) -> Readout:
        needs = {
            "up": ["against"],
            "down": ["against"],
            "unchanged": ["against", "low", "high"],
            "present": ["against"],
        }
        needs |= {
            "blocked": ["against", "effect"],
            "within": ["low", "high"],
            "covers": ["low", "high"],
            "saturating": ["low", "high"],
        }
        needs |= {"ranks": ["low", "high", "outcome"]}
        for field in needs.get(self.expect, []):
            if getattr(self, field) is None:
                raise problem(f"expect {self.expect} needs the field {field}")
        if self.expect == "saturating" and len(self.over) < 4:
            raise problem("expect saturating needs at least four conditions in the field over")
        if self.expect == "differs" and not self.others:
            raise problem("expect differs needs the field others")
        if self.expect == "within" and self.scale != "value" and self.against is None:
            raise problem(f"scale {self.scale} needs the field against")
        if (self.hour is not None or self.read == "lowest") and (self.others or self.over or self.against_of):
            raise problem("hour and lowest read one quantity, `of`: expected no others, over or against_of beside them")
        return self


class Experiment(Document):
    """Conditions that run for `days`, and the readouts on them."""

    days: Annotated[int, Field(ge=1, le=DAYS_MOST)] = 28
    conditions: dict[Key, Condition]
    readouts: tuple[Readout, ...]
    patients: Annotated[int, Field(ge=20, le=2000)] = 250
    """Virtual patients in each arm of a trial condition."""

    @model_validator(mode="after")
    def _known(self) -> Experiment:
        if len(self.conditions) > MOST_CONDITIONS:
            raise problem(f"{len(self.conditions)} conditions: expected at most {MOST_CONDITIONS}", ("conditions",))
        for i, readout in enumerate(self.readouts):
            named = {"to": readout.to, "against": readout.against, "effect": readout.effect}
            for field, name in [*named.items(), *(("over", o) for o in readout.over)]:
                if name is not None and name not in self.conditions:
                    known = ", ".join(self.conditions)
                    raise problem(f"unknown condition '{name}': expected one of {known}", ("readouts", i, field))
            for field in ("day", "against_day"):
                day = getattr(readout, field)
                if day is not None and day > self.days:
                    raise problem(f"day {day} is after the end, day {self.days}", ("readouts", i, field))
            self._one_sort(i, readout)
        return self

    def _one_sort(self, i: int, readout: Readout) -> None:
        named = [readout.to, *filter(None, (readout.against, readout.effect)), *readout.over]
        if len({self.conditions[name].trial is None for name in named}) > 1:
            what = f"compares a trial with a patient or a dish ({', '.join(named)}): expected conditions of one sort"
            raise problem(what, ("readouts", i, "to"))

    @property
    def clinical(self) -> bool:
        """Whether it runs trials instead of patients and dishes."""
        return any(c.trial is not None for c in self.conditions.values())


class Claim(Document):
    """A statement of the review: what it says, what switches its mechanism off, how it is tested."""

    id: Key
    refs: tuple[int, ...] = ()
    says: Text
    switch: dict[Name, Real] = Field(default_factory=dict)
    """Parameter values that turn the mechanism off."""
    waits_for: Text | None = None
    """The part that the experiment needs and that is not built yet."""
    conflict: Text | None = None
    """Where published reports disagree; the claim may then be contested."""
    experiment: Experiment | None = None

    @model_validator(mode="after")
    def _runs_or_waits(self) -> Claim:
        if (self.experiment is None) == (self.waits_for is None):
            raise problem("expected either `experiment` or `waits_for`")
        return self


class Claims(Document):
    """A file of claims."""

    claims: tuple[Claim, ...]


class Assay(Document):
    """An experiment of the user's own."""

    id: Key
    title: Text | None = None
    experiment: Experiment


class CellType(Document):
    """A cell type that a dish may hold: the states that are its cells, and the switches that stand for it."""

    states: tuple[Name, ...] = ()
    gather: Name | None = None
    """In a dish all its cells are in this one state."""
    absent: dict[Name, Real] = Field(default_factory=dict)
    """Parameter values without this cell type."""
    initial: dict[Name, Positive] = Field(default_factory=dict)
    """States at the start, for cells that no patient has."""


class Systems(Document):
    """What a dish is, compared with a patient, and the drug in its medium where a condition names none."""

    drug: Key
    culture: dict[Name, Real]
    washed: dict[Name, Positive]
    cells: dict[Key, CellType]
