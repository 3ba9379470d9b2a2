"""The way from one phase of a trial to the next: on what, after what rest, to which phase, by lot."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from cereblon.documents.base import Document, Key, problem
from cereblon.documents.quantities import Time
from cereblon.errors import nearest


@dataclass(frozen=True)
class Condition:
    """What must be so on the day a phase is over.

    response: the best response so far is at least `level`, "PR" or "CR". mrd: the last measurement of residual disease
    is "low" (or undetectable) or "undetectable". counts: neutrophils and platelets are what resumption needs.
    """

    kind: Literal["response", "mrd", "counts"]
    level: Literal["PR", "CR", "low", "undetectable", ""] = ""

    @property
    def text(self) -> str:
        """The condition as a document writes it."""
        return next(text for text, condition in CONDITIONS.items() if condition == self)


CONDITIONS = MappingProxyType(
    {
        "response PR or better": Condition("response", "PR"),
        "response CR or better": Condition("response", "CR"),
        "MRD low or better": Condition("mrd", "low"),
        "MRD undetectable": Condition("mrd", "undetectable"),
        "counts recovered": Condition("counts"),
    }
)
"""Every condition, by its words in a document."""


def parse_condition(value: object) -> Condition:
    """Return a condition from its words; one that is read already is kept. Raises a design error."""
    if isinstance(value, Condition):
        return value
    words = " ".join(value.split()) if isinstance(value, str) and len(value) <= 100 else ""
    if words not in CONDITIONS:
        raise problem(f"expected one of {', '.join(map(repr, CONDITIONS))}{nearest(words, CONDITIONS)}")
    return CONDITIONS[words]


When = Annotated[
    Condition,
    PlainValidator(parse_condition),
    PlainSerializer(lambda condition: condition.text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "enum": list(CONDITIONS)}),
]
"""A condition, written "response PR or better"."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _one_or_more(targets: tuple[str, ...]) -> str | list[str]:
    return targets[0] if len(targets) == 1 else list(targets)


_KEY = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}
Targets = Annotated[
    tuple[Key, ...],
    BeforeValidator(_listed),
    PlainSerializer(_one_or_more, when_used="json"),
    WithJsonSchema({"anyOf": [_KEY, {"type": "array", "items": _KEY, "minItems": 1}]}),
]
"""Ids of phases, written as one id or a list of them."""
Share = Annotated[float, Field(strict=True, gt=0, le=1000)]
"""A part of a ratio."""


class Transition(Document):
    """The way out of a phase that is over. The ways are tried in their order; the first whose `when` holds is taken.

    `when` left out: always. `rest`: before the next phase begins, wait until counts recover, `at_most` so long. `to`:
    the next phase; of several, one by lot, with the ratio of `randomise`.
    """

    when: When | None = None
    rest: Literal["none", "until counts recover"] = "none"
    at_most: Time | None = None
    to: Targets
    randomise: tuple[Share, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Transition:
        if self.rest != "none" and self.at_most is None:
            raise problem(f"rest {self.rest} needs a longest time, such as at_most: 56 days", ("rest",))
        if self.rest == "none" and self.at_most is not None:
            raise problem("at_most is of a rest: expected rest: until counts recover", ("at_most",))
        if not self.to:
            raise problem("expected the id of a phase", ("to",))
        if len(set(self.to)) < len(self.to):
            raise problem("one phase is named twice: expected a ratio in randomise", ("to",))
        if len(self.to) > 1 and self.randomise is None:
            ratio = ", ".join("1" for _ in self.to)
            raise problem(f"{len(self.to)} phases need a lot, such as randomise: [{ratio}]", ("to",))
        if self.randomise is not None and len(self.randomise) != len(self.to):
            why = f"{len(self.randomise)} numbers for {len(self.to)} phases: expected a number for each"
            raise problem(why, ("randomise",))
        if self.randomise is not None and len(self.to) == 1:
            raise problem("a lot of one phase: expected two phases or more in to", ("randomise",))
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of subjects that go to each phase, together 1."""
        ratio = self.randomise or (1.0,)
        return tuple(part / sum(ratio) for part in ratio)
