"""All claims are run once for the tests of this folder."""

from __future__ import annotations

import pytest

from cereblon.evidence.documents import load_group
from cereblon.evidence.verdicts import ClaimResult, run_claims, run_knockouts


@pytest.fixture(scope="session")
def verdicts() -> dict[str, ClaimResult]:
    """The 62 claims as they stand."""
    return run_claims()


@pytest.fixture(scope="session")
def switched_off() -> dict[str, ClaimResult]:
    """Every claim on the drug with its own mechanism off."""
    return run_knockouts([c.id for c in load_group("drug")])
