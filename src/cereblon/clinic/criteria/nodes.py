"""How large nodes and spleen read: by hand or by CT, with error, from the volumes of the model.

SPD goes with volume^(2/3) and the largest node with volume^(1/3), scaled so that day 0 is the drawn size
(endpoints.md). Hands feel nothing under a floor (endpoints.md 1, point 5), and repeat a personal bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.rules import Numbers

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sizes:
    """Baseline sizes of n subjects: volume mL, spd cm2, longest cm; each (n,)."""

    volume: Floats
    spd: Floats
    longest: Floats


@dataclass(frozen=True)
class Nodes:
    """Nodes and spleen as read: spd cm2, longest cm, spleen cm; each (n,)."""

    spd: Floats
    longest: Floats
    spleen: Floats


def spleen_length(volume: Floats, site: Numbers) -> Floats:
    """Return the spleen length in cm of a volume in mL: cube root through the palpable limit (assumed)."""
    relative = np.maximum(volume, 0.0) / site["palpable_spleen_volume"]
    return np.asarray(site["palpable_spleen"] * np.cbrt(relative))


def by_ct(
    volume: Floats, spleen_volume: Floats, sizes: Sizes, node_noise: Floats, spleen_noise: Floats, site: Numbers
) -> Nodes:
    """Return the CT reading; volumes mL, noise standard normals, all (n,)."""
    error = site["error_ct"] * node_noise
    spleen = spleen_length(spleen_volume, site) * np.exp(site["error_spleen_ct"] * spleen_noise)
    return _read(volume, sizes, error, spleen)


def by_hand(
    volume: Floats,
    spleen_volume: Floats,
    sizes: Sizes,
    node_noise: Floats,
    spleen_noise: Floats,
    personal: Floats,
    site: Numbers,
) -> Nodes:
    """Return the reading by palpation; `personal` is one standard normal per subject for all visits.

    What is under the floor reads as normal: no node, a spleen of normal length.
    """
    error = site["error_hand"] * node_noise + site["error_hand_personal"] * personal
    spleen = spleen_length(spleen_volume, site) * np.exp(site["error_spleen_hand"] * spleen_noise)
    read = _read(volume, sizes, error, spleen)
    felt = read.longest >= site["palpable_node"]
    return Nodes(
        spd=np.where(felt, read.spd, 0.0),
        longest=np.where(felt, read.longest, 0.0),
        spleen=np.where(read.spleen >= site["palpable_spleen"], read.spleen, site["normal_spleen"]),
    )


def felt_spd(sizes: Sizes, site: Numbers) -> Floats:
    """Return the SPD (cm2) at which the largest node becomes palpable: growth is judged from there."""
    ratio = site["palpable_node"] / np.maximum(sizes.longest, 1e-6)
    return np.asarray(sizes.spd * ratio**2)


def _read(volume: Floats, sizes: Sizes, error: Floats, spleen: Floats) -> Nodes:
    relative = np.maximum(volume, 0.0) / np.maximum(sizes.volume, 1e-6)
    return Nodes(
        spd=sizes.spd * np.cbrt(relative) ** 2 * np.exp(error),
        longest=sizes.longest * np.cbrt(relative) * np.exp(0.5 * error),
        spleen=spleen,
    )
