"""Tumour flare: grade from the model's flare drive, with thresholds of the subject (CTC scale, TG016).

The drive is mechanistic; the cuts say how much of it a typical subject feels as grade 1 to 4. A swelling of
nodes that makes SPD rise by a quarter counts as grade 1 with half the drive (endpoints.md section 2).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cereblon.clinic.rules import Numbers


def flare_grade(drive: Array, swelling: Array, sensitivity: Array, site: Numbers) -> Array:
    """Return the grade 0-4 as float32, shapes (n,).

    drive: flare_drive; swelling: fraction of node volume; sensitivity: factor on the cuts, 1 = typical.
    """
    cuts = [site[f"flare_grade{grade}"] * sensitivity for grade in (1, 2, 3, 4)]
    grade = sum(((drive >= cut).astype(jnp.float32) for cut in cuts), jnp.zeros_like(drive))
    swollen = (swelling >= site["flare_swelling"]) & (drive >= site["flare_swelling_drive"] * cuts[0])
    return jnp.maximum(grade, swollen.astype(jnp.float32))
