"""The drugs a trial file may name, with the largest daily dose that is not taken for a slip of the pen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Drug:
    """A drug of the registry: what it is given for and its absurdity limit (mg a day, not a recommendation)."""

    name: str
    role: str
    max_daily: float


DRUGS: dict[str, Drug] = {
    drug.name: drug
    for drug in (
        Drug("lenalidomide", "treatment", 50.0),
        Drug("dexamethasone", "support", 60.0),
        Drug("prednisone", "support", 400.0),
        Drug("allopurinol", "support", 900.0),
    )
}
