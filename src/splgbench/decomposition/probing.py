"""Lagrangian probing: mandates that no better allocation can hold, or do without.

With multipliers fixed, forcing y_k to 0 or 1 changes the value of k's block only. If

    L(m) - v_b(m) + v_b(m | y_k = s) < best + 1

then no allocation better than the best one has y_k = s, data being whole. Forced values follow the block's links and
are proved by the same exact search as the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splgbench.decomposition.loop import SAFETY, Loop
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.instance import BoolArray
from splgbench.model import FloatArray


@dataclass(frozen=True)
class Fixed:
    """Mandates that every allocation better than the best one lacks or holds, each shape (K,)."""

    out: BoolArray
    stand: BoolArray

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.out.sum() + self.stand.sum())

    def joined(self, other: Fixed) -> Fixed:
        """What either says."""
        return Fixed(self.out | other.out, self.stand | other.stand)


def nothing_fixed(loop: Loop) -> Fixed:
    """No mandate at all."""
    return Fixed(np.zeros_like(loop.offers.live), np.zeros_like(loop.offers.live))


def probe(loop: Loop, relaxation: HospitalRelaxation, multipliers: FloatArray) -> Fixed:
    """Probe every live offer in both directions at one set of multipliers.

    Parameters
    ----------
    loop : holds the best allocation; without one nothing is fixed.
    multipliers : shape (n_rows,), the better their bound the more is fixed.
    """
    if loop.best is None:
        return nothing_fixed(loop)
    multipliers = np.maximum(multipliers, 0.0)
    gain, fee = relaxation.prices(multipliers)
    evaluation = relaxation.evaluate(multipliers)
    spare = evaluation.bound + SAFETY * abs(evaluation.bound) - (loop.best + 1)
    verdict = relaxation.pricer.probe(gain, fee, evaluation.plans.bound, max(spare, 0.0))
    return Fixed(verdict < 0, verdict > 0)
