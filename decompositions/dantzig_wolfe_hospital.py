"""Dantzig-Wolfe decomposition by hospital: columns are a hospital's feasible plans.

    1. Multipliers from the LP of `strengthened`; a few subgradient rounds fill the master.
    2. Solve the restricted master; smooth its duals with the best multipliers so far (Wentges).
    3. Price every block exactly: the Lagrangian value (2) is the bound; the plans are new columns.
    4. Until the master's value meets the bound. Then a restricted-master RENS: mandates that the master leaves
       whole are fixed, the rest is solved as `strengthened`.

The bound is at least as strong as that of every formulation whose rows lie within hospitals, and adds the cells'
cardinality rows. Source: Dantzig and Wolfe 1960; Berthold 2014 (RENS).
"""

from __future__ import annotations

from splgbench.backends.base import SolverStatus
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Decomposition, Loop
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master
from splgbench.decomposition.restricted import Restriction, rens
from splgbench.errors import InputError


def dantzig_wolfe_hospital(backend: str | None = None) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        A backend other than HiGHS is named.
    """
    if backend not in (None, "highs"):
        raise InputError("dantzig-wolfe-hospital works on highs", "method")

    def steps(loop: Loop) -> SolverStatus:
        offers = loop.offers
        generation = ColumnGeneration(loop, HospitalRelaxation(offers, partition(offers, "tied")))
        generation.run()
        weights = generation.master.weights()
        loop.found(repaired(offers, weights), "repair")
        loop.check()
        rens(Restriction(loop), weights)
        loop.check()
        return SolverStatus.NODE_LIMIT

    return Decomposition("dantzig_wolfe_hospital", steps, missing_master, master_versions(), compile_kernels)
