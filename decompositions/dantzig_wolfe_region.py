"""Dantzig-Wolfe decomposition by region: columns are plans of a planning region, priced by MILPs.

    1. Multipliers of what joins blocks from the duals of the LP relaxation; a few subgradient rounds fill the master.
    2. Solve the restricted master; smooth its duals with the best multipliers so far (Wentges).
    3. Solve every block at them on the backend: L is the bound, the plans are new columns, and repaired an allocation.
    4. Until the master's value meets the bound; then every block once more, to its end. Then a restricted-master RENS.

Regions meet in hospitals whose groups are planned at different levels: in their links and area capacities, which are
priced out, as is every row that joins blocks; demand stays within them,

    L(m) = sum_r m_r d_r + sum_b max { sum_{j in b} (c_j - sum_r m_r a_rj) z_j : z keeps the rows within block b }

with the bounds of `splgbench.decomposition.area_relaxation`. An instance with one block only is refused. `blocks=`
takes another partition (`area`, `hospital`, `component`, or a CSV file that maps hospitals, groups, areas or regions
to blocks). Source: Dantzig and Wolfe 1960; Wentges 1997; Berthold 2014 (RENS).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.block_relaxation import BlockRelaxation
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.lp_start import row_prices
from splgbench.decomposition.partition import chosen_partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import missing_master, solver_versions
from splgbench.decomposition.restricted import Restriction, rens
from splgbench.decomposition.subproblems import Subproblems
from splgbench.errors import UnsupportedError
from splgbench.instance import IntArray
from splgbench.model import FloatArray

WARM_UP = 5
"""Subgradient rounds before the first master."""
GAP = 1e-4
"""Relative gap at which a block may stay open but in the last round."""
ROUND_SHARE = 0.25
"""Part of the time left that one round may take."""


def dantzig_wolfe_region(
    backend: str | None = None, blocks: str = "region", state: str | None = None, log: str | None = None
) -> Decomposition:
    """The method; blocks are solved by `strengthened` on `backend`, HiGHS where none is named.

    Raises
    ------
    UnsupportedError
        There is no such backend.
    """
    solver = backend or "highs"
    registry.find("backends", solver)

    def steps(loop: Loop) -> SolverStatus:
        offers = loop.offers
        parts = chosen_partition(offers, blocks)
        if parts.n_blocks < 2:
            raise UnsupportedError(f"{loop.instance.name or 'the instance'} has one block by {parts.kind}")
        cut = cut_into_blocks(registry.find("formulations", "strengthened").build(loop.instance, solver), parts)
        relaxation = BlockRelaxation(loop, cut, parts, Subproblems(loop, solver, apart=True), GAP, ROUND_SHARE)

        def first(seconds: float | None) -> FloatArray:
            duals = row_prices(cut.model, seconds)
            return np.zeros(relaxation.n_rows) if duals is None else duals[cut.coupling_rows]

        def on_plans(volume: IntArray) -> None:
            loop.found(repaired(offers, (volume * loop.instance.utility).astype(np.float64)), "repair")

        generation = ColumnGeneration(loop, relaxation, first, WARM_UP, on_plans)
        generation.resume()
        generation.run()
        weights = generation.master.weights()
        loop.bounded(relaxation.at(generation.best).bound, "pricing")
        loop.found(repaired(offers, weights), "repair")
        loop.check()
        rens(Restriction(loop), weights)
        loop.check()
        return SolverStatus.NODE_LIMIT

    name = full_name("dantzig_wolfe_region", backend, blocks=(blocks, "region"), state=(state, None), log=(log, None))
    missing, versions = partial(missing_master, solver), solver_versions(solver)
    return Decomposition(name, steps, missing, versions, state=state, log=log)
