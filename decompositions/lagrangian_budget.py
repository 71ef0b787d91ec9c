"""Lagrangian relaxation of extensions: budgets and yearly changes are priced out, the plain model falls apart.

    1. m = the duals of the LP relaxation with the rows of the extensions; no allocation.
    2. Solve every component of the plain model at m on the backend: L(m) is a bound (2), the plans give a subgradient.
       Years are components, and so are regions whose hospitals do not meet.
    3. Repair, year by year: a MILP with the rows that join it to the years before as they stand and those to the years
       after priced, in which mandates stand that the plans and the LP relaxation agree on; where that leads nowhere,
       one MILP in which mandates last over all years, which are decided anew one at a time in later rounds.
    4. m = next of the update (`update=subgradient` or `update=volume`) towards the best value; go to 2, until the bound
       has stood still for a while.

Equations (1) and (2) are those of `splgbench.decomposition.coupled_relaxation`. The multiplier of a budget is its
price: for budgets F' in place of F the optimum is at most L + m (F' - F), whatever F'. Source: Everett 1963;
Geoffrion 1974.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.coupling import build_model
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.coupled_relaxation import CoupledRelaxation
from splgbench.decomposition.coupled_repair import CoupledRepair
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.lp_start import prices_and_values
from splgbench.decomposition.multipliers import Rule, chosen_update
from splgbench.decomposition.partition import partition
from splgbench.decomposition.requirements import missing_master, solver_versions
from splgbench.decomposition.state import Shape
from splgbench.decomposition.subproblems import Subproblems
from splgbench.errors import UnsupportedError
from splgbench.formulation import BuildsModels

ROUNDS = 500
PATIENCE = 12
"""Rounds without a bound that is better by a unit and by `PROGRESS`, after which the loop ends by itself."""
PROGRESS = 1e-5
GAP = 1e-3
"""Largest relative gap at which a block may stay open; half of the gap asked for, where that is less."""
REPAIR_GAP = 1e-3
"""The same for a repair."""
LP_SHARE, ROUND_SHARE, REPAIR_SHARE = 0.3, 0.3, 0.5
"""Parts of the time left that the LP, one round and one repair may take."""
NEAR = 1e-2
"""How far below the best bound, relatively, the updates aim at least while there is no allocation."""


def lagrangian_budget(
    backend: str | None = None,
    update: str = "subgradient",
    formulation: str = "strengthened",
    state: str | None = None,
    log: str | None = None,
) -> Decomposition:
    """The method; components are solved by `formulation` on `backend`, HiGHS where none is named.

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

    name = full_name(
        "lagrangian_budget",
        backend,
        update=(update, "subgradient"),
        formulation=(formulation, "strengthened"),
        state=(state, None),
        log=(log, None),
    )
    steps = partial(priced_out, rows=rows, solver=solver, make_update=make_update)
    missing, versions = partial(missing_master, solver), solver_versions(solver)
    return Decomposition(name, steps, missing, versions, state=state, log=log, knows=None)


def priced_out(
    loop: Loop,
    rows: BuildsModels,
    solver: str,
    make_update: Rule,
    relaxation_of: type[CoupledRelaxation] = CoupledRelaxation,
) -> SolverStatus:
    """The algorithm.

    Parameters
    ----------
    rows : the formulation.
    relaxation_of : evaluates (2).

    Raises
    ------
    UnsupportedError
        The instance has no extension, or one that pays.
    """
    if not loop.instance.extensions:
        raise UnsupportedError("it prices out the rows of extensions, and the instance has none")
    plain = rows.build(loop.instance.plain, solver)
    cut = cut_into_blocks(plain, partition(loop.offers, "component"))
    relaxation = relaxation_of(loop, cut, Subproblems(loop, solver, apart=True))
    model = build_model(rows, loop.instance, solver)
    relaxed = prices_and_values(model, None if loop.left is None else LP_SHARE * loop.left)
    values = None if relaxed is None else relaxed[1]
    repair = CoupledRepair(loop, model, relaxation, Subproblems(loop, solver), values)
    known = loop.resumed({"multipliers": Shape("f", (relaxation.n_rows,))})
    if known is None:
        first = np.zeros(relaxation.n_rows)
        if relaxed is not None:
            first = relaxed[0][model.n_rows - relaxation.n_rows :] * relaxation.rows.scale
    else:
        first = np.maximum(known["multipliers"], 0.0)
    rule = make_update(relaxation, first)
    prices = best = first
    best_bound, waited = np.inf, 0
    loop.contents = lambda: {"multipliers": best}
    gap = min(GAP, loop.limits.gap / 2) if loop.limits.gap else GAP

    def share(part: float) -> float | None:
        return None if loop.left is None else part * loop.left

    for number in range(ROUNDS):
        evaluation = relaxation.evaluate(prices, gap / 2**number, share(ROUND_SHARE))
        loop.relaxed(evaluation.bound, "lagrangian", partial(relaxation.named, prices))
        loop.check()
        repair.found(evaluation.mandates, prices, "repair", REPAIR_GAP, share(REPAIR_SHARE))
        loop.iterations += 1
        loop.check()
        waited = 0 if evaluation.bound < best_bound - max(1.0, PROGRESS * best_bound) else waited + 1
        if evaluation.bound < best_bound:
            best_bound, best = evaluation.bound, prices
        target = best_bound - max(2.0, NEAR * abs(best_bound))
        target = target if loop.best is None else max(target, loop.best)
        before, prices = prices, rule.next(evaluation, target)
        if waited >= PATIENCE or np.array_equal(prices, before):
            break
    return SolverStatus.NODE_LIMIT
