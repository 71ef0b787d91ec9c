"""Compile the pricing kernels ahead of a solve: some 20 s of processor time the first time, a moment from then on."""

from __future__ import annotations

from functools import cache

import numpy as np

from splgbench.decomposition.cell_hull import best_point
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.instance import Instance
from splgbench.presolve import presolve


@cache
def compile_kernels() -> None:
    """Run every kernel once on two offers."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["G1"], "area": ["A1"]},
        demand={"group": ["G1"], "cases": [2]},
        offers={"hospital": ["H1", "H2"], "group": ["G1", "G1"], "capacity": [2, 2], "utility": [1, 1]},
    )
    offers = presolve(instance)
    relaxation = HospitalRelaxation(offers, partition(offers, "hospital"))
    multipliers = relaxation.first_multipliers()
    plans = relaxation.evaluate(multipliers).plans
    relaxation.pricer.probe(*relaxation.prices(multipliers), plans.bound, 1.0)
    one = np.ones(2, dtype=np.int64)
    best_point(one, one, one > 1, 1, one, one, one.copy())
