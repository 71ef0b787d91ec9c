"""Dantzig-Wolfe decomposition by hospital: columns are a hospital's feasible plans.

    1. Multipliers from the LP of `strengthened`; a few subgradient rounds fill the master. The LP's mandates and the
       mean of the rounds' plans are repaired into allocations.
    2. Solve the restricted master; smooth its duals with the best multipliers so far (Wentges).
    3. Price every block exactly: the Lagrangian value (2) is the bound; the plans are new columns.
    4. Until the master's value meets the bound. `cuts=cells` goes on with cuts of the cells' hulls, and fixes what
       probing tells (`splgbench.decomposition.tightening`).
    5. A restricted-master RENS: mandates that the master leaves whole are fixed, the rest is solved as `strengthened`.

The bound is at least as strong as that of every formulation whose rows lie within hospitals, and adds the cells'
cardinality rows; with cuts it tends to that of the hulls of hospitals and cells together. Source: Dantzig and Wolfe
1960; Boyd 1994 (Fenchel cuts); Berthold 2014 (RENS).
"""

from __future__ import annotations

from functools import partial

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.column_generation import by_hospital
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.partition import chosen_partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master, solver_versions
from splgbench.decomposition.restricted import Restriction, rens
from splgbench.decomposition.tightening import Tightening
from splgbench.errors import InputError

CUTS = ("none", "cells")
"""Values of the option `cuts`."""


def dantzig_wolfe_hospital(
    backend: str | None = None,
    blocks: str = "tied",
    cuts: str = "none",
    state: str | None = None,
    log: str | None = None,
) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        No such cuts.
    UnsupportedError
        There is no such backend.
    """
    if cuts not in CUTS:
        raise InputError(f"cuts must be one of {', '.join(CUTS)}", "method")
    solver = backend or "highs"
    registry.find("backends", solver)
    named = None if solver == "highs" else solver

    def steps(loop: Loop) -> SolverStatus:
        offers = loop.offers
        generation = by_hospital(loop, chosen_partition(offers, blocks))
        generation.resume()
        generation.run()
        if cuts == "cells":
            Tightening(generation).run()
        weights = generation.master.weights()
        loop.found(repaired(offers, weights), "repair")
        loop.check()
        rens(Restriction(loop, solver), weights)
        loop.check()
        return SolverStatus.NODE_LIMIT

    name = full_name(
        "dantzig_wolfe_hospital",
        named,
        blocks=(blocks, "tied"),
        cuts=(cuts, "none"),
        state=(state, None),
        log=(log, None),
    )
    versions = {**master_versions(), **solver_versions(solver)}
    return Decomposition(name, steps, partial(missing_master, solver), versions, compile_kernels, state, log)
