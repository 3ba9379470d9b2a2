"""Whether the arms of a run hold different people or the same ones, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis


def people_words(result: Analysis) -> str:
    """Return the sentence that the table on the screen and the report carry; empty where one arm was run."""
    if len(result.arms) < 2:
        return ""
    if not result.twins:
        return "Every arm has people of its own."
    return (
        f"Twins: every arm has the same {result.patients} people. A drawn trial takes the same persons in every arm: "
        "differences between arms are within persons, and all arms together hold no more people than one."
    )
