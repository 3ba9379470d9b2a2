"""Exponential tilting: reweight a pool so that printed shares are met."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize

from cereblon.parameters.subjects import Floats, flag
from cereblon.patients.joint import Levers, Traits
from cereblon.patients.population import PRINTED_SHARES, Population


def features(traits: Traits, population: Population, levers: Levers) -> Traits:
    """Return what is tilted: printed yes-or-no traits, and a printed median of earlier lines."""
    found = {PRINTED_SHARES[key]: traits[PRINTED_SHARES[key]] for key in population.printed if key in PRINTED_SHARES}
    median = population.prior_lines.median
    if median is not None and levers.lines_low < median and levers.lines_low < levers.lines_high:
        found["few_lines"] = flag(traits["prior_lines"] < median) + 0.5 * flag(traits["prior_lines"] == median)
    return found


def targets(population: Population, names: Mapping[str, Floats]) -> dict[str, float]:
    """Return the wanted mean of each feature; a printed 0 or 100 % is kept off the edge by half a subject."""
    edge = 0.5 / (population.size + 1.0)
    wanted = {
        trait: float(np.clip(population.printed[key] / 100.0, edge, 1.0 - edge))
        for key, trait in PRINTED_SHARES.items()
        if trait in names and key in population.printed
    }
    if "few_lines" in names:
        wanted["few_lines"] = 0.5
    return wanted


def tilt(columns: Mapping[str, Floats], wanted: Mapping[str, float]) -> dict[str, float]:
    """Return log weights whose exponential reweighting gives each column its wanted mean."""
    if not columns:
        return {}
    names = list(columns)
    centred = np.stack([columns[name] - wanted[name] for name in names], axis=1)

    def objective(weights: Floats) -> tuple[float, Floats]:
        power = centred @ weights
        top = power.max()
        mass = np.exp(power - top)
        total = mass.sum()
        value = np.log(total / len(power)) + top + 1e-6 * weights @ weights
        return float(value), np.asarray(centred.T @ (mass / total) + 2e-6 * weights)

    found = minimize(objective, np.zeros(len(names)), jac=True, method="BFGS").x
    return dict(zip(names, (float(x) for x in found), strict=True))


def log_weight(columns: Mapping[str, Floats], weights: Mapping[str, float], size: int) -> Floats:
    """Return (size,) the log weight of each candidate."""
    total = np.zeros(size)
    for name, weight in weights.items():
        total = total + weight * columns[name]
    return total
