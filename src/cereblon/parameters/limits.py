"""Which values a number may be set to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cereblon.errors import CereblonError

if TYPE_CHECKING:
    from cereblon.model import Parameter

LARGEST: Final = 1e30
"""Largest value of a parameter that single precision can work with."""
WIDEST: Final = 8.0
"""Largest spread on a logarithmic scale: a score of 8.3 SD, the farthest that is drawn, then stays near `LARGEST`."""
SOLVED: Final = ("growth_scale", "node_egress_scale", "marrow_egress_scale")
"""Parameters that are found for every subject from the baseline."""


def require_value(row: Parameter, value: float) -> None:
    """Refuse a typical value that the row cannot have. Zero is a knock-out and is allowed. Raises CereblonError."""
    said = f"parameter {row.id}={value:g}"
    if row.id in SOLVED:
        raise CereblonError(f"{said}: is solved for every subject from the baseline; it cannot be set")
    if not abs(value) <= LARGEST:
        raise CereblonError(f"{said}: expected a finite number of {row.unit}, at most {LARGEST:g}")
    signed = row.distribution == "normal" or row.unit.startswith("log-odds")
    if value < 0 and row.value >= 0 and not signed:
        raise CereblonError(f"{said}: cannot be negative; the packaged value is {row.value:g} {row.unit}")
    if row.distribution == "logitnormal" and not 0 < value < 1:
        raise CereblonError(f"{said}: varies between subjects within 0-1; expected a value between 0 and 1")


def require_spread(name: str, distribution: str, spread: float) -> None:
    """Refuse a spread that the distribution of a parameter or prior cannot have. Raises CereblonError."""
    said = f"parameter {name}={spread:g}"
    most = LARGEST if distribution == "normal" else WIDEST
    if not 0 <= spread <= most:
        raise CereblonError(f"{said}: expected a spread from 0 to {most:g}")
    if distribution == "none" and spread:
        raise CereblonError(f"{said}: the parameter does not vary between subjects; expected 0")


def require_correlation(name: str, correlation: float) -> None:
    """Refuse a correlation that a group of any size cannot share. Raises CereblonError."""
    if not 0.0 <= correlation < 1.0:
        raise CereblonError(f"parameter {name}={correlation:g}: expected a correlation from 0 to 1, 1 left out")
