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


def probe(loop: Loop, relaxation: HospitalRelaxation, multipliers: FloatArray) -> Fixed:
    """Probe every live offer in both directions at one set of multipliers.

    Parameters
    ----------
    loop : holds the best allocation; without one nothing is fixed.
    multipliers : shape (n_rows,), the better their bound the more is fixed.
    """
    offers, pricer = loop.offers, relaxation.pricer
    out, stand = np.zeros_like(offers.live), np.zeros_like(offers.live)
    if loop.best is None:
        return Fixed(out, stand)
    multipliers = np.maximum(multipliers, 0.0)
    gain, fee = relaxation.prices(multipliers)
    plans = pricer.price(gain, fee)
    total = float(multipliers @ relaxation.limit + plans.bound.sum())
    total += SAFETY * abs(total)
    state = pricer.state.copy()
    for k in np.flatnonzero(offers.live & ~offers.granted).tolist():
        b = int(relaxation.partition.block[k])
        block = np.array([b])
        # The side the plan takes has the plan's own value: only the other one can be excluded.
        side = -1 if plans.volume[k] > 0 else 1
        state[k] = side
        value = float(pricer.price(gain, fee, state, block).bound[b])
        state[k] = 0
        if total - plans.bound[b] + value < loop.best + 1:
            (stand if side < 0 else out)[k] = True
    return Fixed(out, stand)
