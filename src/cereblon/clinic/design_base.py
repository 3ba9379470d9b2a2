"""What every part of a trial document has in common: no unknown fields, no change after reading."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


class Document(BaseModel):
    """A frozen part of a trial document; unknown fields are an error, not a silent no-op."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""A line or a paragraph of plain words."""
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A short identifier, usable as a file or column name."""
Whole = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""A whole number, zero included."""
Size = Annotated[int, Field(strict=True, ge=1, le=100_000)]
"""A number of subjects."""
Number = Annotated[float, Field(strict=True, ge=0, le=1e6)]
"""A number that is not negative; its unit is in the field's name."""
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
"""Percent of subjects, 0-100."""
Age = Annotated[float, Field(strict=True, ge=18, le=110)]
"""Age in years."""


def problem(why: str, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Return an error that a validator can raise: `why` in words, `at` the path below the validated part."""
    return PydanticCustomError("design", "{why}", {"why": why, "at": at})
