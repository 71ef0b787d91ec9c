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

from functools import partial

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.area_relaxation import AreaRelaxation
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.lp_start import row_prices
from splgbench.decomposition.multipliers import chosen_update
from splgbench.decomposition.partition import chosen_partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import missing_master, solver_versions
from splgbench.decomposition.state import Shape
from splgbench.decomposition.subproblems import Subproblems

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
    backend: str | None = None,
    update: str = "subgradient",
    formulation: str = "strengthened",
    blocks: str = "area",
    state: str | None = None,
    log: str | None = None,
) -> Decomposition:
    """The method; blocks are solved by `formulation` on `backend`, HiGHS where none is named.

    Raises
    ------
    InputError
        The update is none of `UPDATES`.
    UnsupportedError
        There is no such formulation or backend.
    """
    make_update = chosen_update(update)
    rows, solver = registry.find("formulations", formulation), backend or "highs"
    registry.find("backends", solver)

    def steps(loop: Loop) -> SolverStatus:
        offers = loop.offers
        cut = cut_into_blocks(rows.build(offers.instance, solver), chosen_partition(offers, blocks))
        relaxation = AreaRelaxation(loop, cut, Subproblems(loop, solver, apart=True))
        known = loop.resumed({"multipliers": Shape("f", (relaxation.n_rows,))})
        if known is None:
            duals = row_prices(cut.model, loop.left)
            first = np.zeros(relaxation.n_rows) if duals is None else duals[cut.coupling_rows]
        else:
            first = known["multipliers"]
        rule = make_update(relaxation, first)
        prices = best = relaxation.on_grid(first)
        best_bound, is_final, waited = np.inf, False, 0
        loop.contents = lambda: {"multipliers": best}
        often = np.zeros(loop.instance.n_offers)
        worth = offers.instance.utility * offers.largest

        def share() -> float | None:
            return None if loop.left is None else ROUND_SHARE * loop.left

        for _ in range(ROUNDS):
            evaluation = relaxation.evaluate(prices, GAP if relaxation.n_rows else 0.0, share())
            loop.bounded(evaluation.bound, "lagrangian")
            loop.log.write("multipliers", loop.iterations, partial(relaxation.told, evaluation.bound, prices))
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

    name = full_name(
        "lagrangian_area",
        backend,
        update=(update, "subgradient"),
        formulation=(formulation, "strengthened"),
        blocks=(blocks, "area"),
        state=(state, None),
        log=(log, None),
    )
    missing, versions = partial(missing_master, solver), solver_versions(solver)
    return Decomposition(name, steps, missing, versions, state=state, log=log)
