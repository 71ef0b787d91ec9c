"""Lagrangian relaxation by service area: the rows that join areas are priced out, every block is a MILP.

    1. m = the duals of the LP relaxation of the formulation; no allocation.
    2. Solve every block at m on the backend: L(m) is a bound (2), the plans give a subgradient.
    3. Try the plans as they are, then repair them: mandates by how often recent plans held them, worth most first,
       each with what it needs; exact volumes by min-cost flow.
    4. m = next of the update (`update=subgradient` or `update=volume`) towards the best value; go to 2, until the
       bound has stood still for a while. Then once more at the best m with every block solved to its end.

What joins areas are links, in-house or in cooperation groups, with a member in another area than their owner,

    y_k - sum_{q in S} y_q <= 0                            m_r >= 0

and the cuts of `strengthened` over such links (`formulation=linked` has none of these). Equations (1) and (2) are
those of `splgbench.decomposition.area_relaxation`. Source: Geoffrion 1974; Guignard and Kim 1987.
"""

from __future__ import annotations

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.area_relaxation import AreaRelaxation
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.loop import Decomposition, Loop
from splgbench.decomposition.lp_start import row_prices
from splgbench.decomposition.multipliers import UPDATES
from splgbench.decomposition.partition import partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import missing_master, solver_versions
from splgbench.decomposition.subproblems import Subproblems
from splgbench.errors import InputError

ROUNDS = 1000
PATIENCE = 15
"""Rounds without a bound that is better by a unit and by `PROGRESS`, after which the loop ends by itself."""
PROGRESS = 1e-6
GAP = 1e-4
"""Relative gap at which a block may stay open but in the last round."""
ROUND_SHARE = 0.25
"""Part of the time left that one round may take."""
MEMORY = 0.8
"""Weight of earlier plans in the score of an offer."""
REST = 1e-3
"""Score of offers that no plan holds, against 1 of those that all hold: what is left over is given to them."""
NEAR = 1e-3
"""How far below the best bound, relatively, the updates aim at least."""


def lagrangian_area(
    backend: str | None = None, update: str = "subgradient", formulation: str = "strengthened"
) -> Decomposition:
    """The method; blocks are solved by `formulation` on `backend`, HiGHS where none is named.

    Raises
    ------
    InputError
        The update is none of `UPDATES`.
    UnsupportedError
        There is no such formulation or backend.
    """
    if update not in UPDATES:
        raise InputError(f"update must be {' or '.join(UPDATES)}, not {update}", "method")
    rows, solver = registry.find("formulations", formulation), backend or "highs"
    registry.find("backends", solver)

    def steps(loop: Loop) -> SolverStatus:
        offers = loop.offers
        cut = cut_into_blocks(rows.build(offers.instance, solver), partition(offers, "area"))
        relaxation = AreaRelaxation(loop, cut, Subproblems(loop, solver))
        duals = row_prices(cut.model, loop.left)
        first = np.zeros(relaxation.n_rows) if duals is None else duals[cut.coupling_rows]
        rule = UPDATES[update](relaxation, first)
        prices = best = relaxation.on_grid(first)
        best_bound, is_final, waited = np.inf, False, 0
        often = np.zeros(loop.instance.n_offers)
        worth = offers.instance.utility * offers.largest

        def share() -> float | None:
            return None if loop.left is None else ROUND_SHARE * loop.left

        for _ in range(ROUNDS):
            evaluation = relaxation.evaluate(prices, GAP if relaxation.n_rows else 0.0, share())
            loop.bounded(evaluation.bound, "lagrangian")
            loop.found(evaluation.mandates, "plans")
            often = MEMORY * often + (1 - MEMORY) * evaluation.mandates
            for score in (often * worth, (often**2 + REST) * worth):
                loop.found(repaired(offers, score), "repair")
            loop.iterations += 1
            loop.check()
            waited = 0 if evaluation.bound < best_bound - max(1.0, PROGRESS * best_bound) else waited + 1
            if evaluation.bound < best_bound:
                best_bound, best, is_final = evaluation.bound, prices, evaluation.closed
            # The first allocations are far from the optimum, the first bound is near it.
            target = best_bound - max(2.0, NEAR * abs(best_bound))
            target = target if loop.best is None else max(target, loop.best)
            before, prices = prices, relaxation.on_grid(rule.next(evaluation, target))
            if waited >= PATIENCE or np.array_equal(prices, before):
                break
        if not is_final:
            last = relaxation.evaluate(best)
            loop.bounded(last.bound, "lagrangian")
            loop.found(last.mandates, "plans")
            loop.check()
        return SolverStatus.NODE_LIMIT

    name = "lagrangian_area" + (f"@{backend}" if backend else "")
    options = {"update": (update, "subgradient"), "formulation": (formulation, "strengthened")}
    tail = ",".join(f"{key}={value}" for key, (value, default) in options.items() if value != default)
    return Decomposition(
        f"{name}:{tail}" if tail else name, steps, lambda: missing_master(solver), solver_versions(solver)
    )
