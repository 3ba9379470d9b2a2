"""How doses answer what happens: rules that hold, resume, reduce and stop a drug, and the steroid for a flare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from cereblon.clinic.rules import rules
from cereblon.clinic.trial.drugs import SteroidName, refuse_absurd, steroids
from cereblon.documents.base import Document, problem
from cereblon.documents.doses import Dose
from cereblon.documents.quantities import Count, Time

_LIMIT = "_anc_hold"  # every set has one


def rule_sets() -> tuple[str, ...]:
    """Return the names of the sets of dose rules, in the order of rules.tsv."""
    return tuple(name.removesuffix(_LIMIT) for name in rules() if name.endswith(_LIMIT))


if TYPE_CHECKING:
    SetName = str
else:
    SetName = Literal[rule_sets()]


class FlareSteroid(Document):
    """Steroid for a flare of at least `from_grade`; what is left out is a number of the clinic's rules.

    `drug` and `dose` belong together; the dose is of a day and flat.
    """

    policy: Literal["when_needed", "none"] = "when_needed"
    drug: SteroidName | None = None
    dose: Dose | None = None
    for_days: Time | None = None
    from_grade: Annotated[int, Field(strict=True, ge=1, le=4)] | None = None

    @model_validator(mode="after")
    def _carried_out(self) -> FlareSteroid:
        given = [name for name in ("drug", "dose", "for_days", "from_grade") if getattr(self, name) is not None]
        if self.policy == "none" and given:
            raise problem(f"policy none gives no steroid: expected when_needed beside {given[0]}", ("policy",))
        if self.drug is not None and self.dose is None:
            raise problem(f"{self.drug} needs a dose, such as dose: 8 mg", ("drug",))
        if self.dose is not None and self.drug is None:
            raise problem(f"a dose needs its drug: expected {' or '.join(steroids())}", ("dose",))
        if self.drug is not None and self.dose is not None:
            if self.dose.basis != "flat":
                raise problem(f"{self.dose.text}: a site keeps one dose at hand: expected it flat", ("dose",))
            refuse_absurd(self.drug, self.dose, ("dose",))
        return self


class Rules(Document):
    """Hold, resume, reduce and stop rules: a named set and what this trial changes of it.

    What is left out is the set's own number. A limit that another one makes void is refused.
    """

    set: SetName = "lymphoma"
    anc_hold: Count | None = None
    anc_hold_days: Time | None = None
    anc_hold_at_once: Count | None = None
    anc_resume: Count | None = None
    platelets_hold: Count | None = None
    platelets_resume: Count | None = None
    step_down: bool | None = None
    flare_hold_grade: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    infection_hold_grade: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    tls: Literal["hold", "stop", "continue"] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Rules:
        for hold, resume in (("anc_hold", "anc_resume"), ("platelets_hold", "platelets_resume")):
            a, b = getattr(self, hold), getattr(self, resume)
            if a is not None and b is not None and b < a:
                raise problem(f"{resume} {b:g} is below {hold} {a:g}", (resume,))
        self._refuse_void_limits()
        return self

    @property
    def overrides(self) -> dict[str, float | int | bool | str]:
        """The fields this trial changes, by name."""
        return self.model_dump(exclude={"set"}, exclude_none=True)

    def _refuse_void_limits(self) -> None:
        """Raise a design error for limits that another limit of the trial or of its set makes void."""
        for low, high, why in (
            ("anc_hold", "anc_resume", "the dose would be resumed below the limit that holds it"),
            ("platelets_hold", "platelets_resume", "the dose would be resumed below the limit that holds it"),
            ("anc_hold_at_once", "anc_hold", "every count below it holds at once, and anc_hold has no effect"),
        ):
            below, above = self._limit(low), self._limit(high)
            if below > above and not {low, high}.isdisjoint(self.overrides):
                own = high if high in self.overrides else low
                whose = [f"{name} {value:g}{self._of_set(name)}" for name, value in ((low, below), (high, above))]
                raise problem(f"{whose[0]} is above {whose[1]}: {why}", (own,))

    def _limit(self, name: str) -> float:
        own = getattr(self, name)
        return float(rules()[f"{self.set}_{name}"].value if own is None else own)

    def _of_set(self, name: str) -> str:
        return "" if name in self.overrides else f" of the set {self.set}"
