"""Lagrangian relaxation by hospital: demand is priced out, every hospital block is solved exactly.

    1. m = the duals of the LP relaxation of `strengthened`; no allocation.
    2. Price all blocks at m: L(m) is a bound (2), the plans give a subgradient.
    3. Every few rounds repair the plans: mandates by how often recent plans held them, worth most first, each with
       what it needs; exact volumes by min-cost flow.
    4. m = next of the update (`update=subgradient` or `update=volume`) towards the best value; go to 2.

Equations (1) and (2) are those of `splgbench.decomposition`. The loop ends by itself when the steps no longer move.
Source: Held, Wolfe and Crowder 1974; Geoffrion 1974.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from splgbench.backends.base import SolverStatus
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.lp_start import lp_multipliers
from splgbench.decomposition.multipliers import chosen_update
from splgbench.decomposition.partition import chosen_partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master
from splgbench.decomposition.state import Shape
from splgbench.errors import InputError

ROUNDS = 2000
"""Rounds after which the loop ends by itself."""
REPAIR_EVERY = 10
MEMORY = 0.9
"""Weight of earlier plans in the score of an offer."""


def lagrangian_hospital(
    backend: str | None = None,
    update: str = "subgradient",
    blocks: str = "tied",
    state: str | None = None,
    log: str | None = None,
) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        A backend is named, or the update is none of `UPDATES`.
    """
    if backend is not None:
        raise InputError("lagrangian-hospital needs no backend", "method")
    make_update = chosen_update(update)

    def steps(loop: Loop) -> SolverStatus:
        offers = loop.offers
        relaxation = HospitalRelaxation(offers, chosen_partition(offers, blocks), loop.limits.threads)
        known = loop.resumed({"multipliers": Shape("f", (relaxation.n_rows,))})
        multipliers = lp_multipliers(relaxation, loop.left) if known is None else np.maximum(known["multipliers"], 0.0)
        best, best_bound = multipliers, np.inf
        loop.contents = lambda: {"multipliers": best}
        rule = make_update(relaxation, multipliers)
        often = np.zeros(loop.instance.n_offers)
        for number in range(ROUNDS):
            evaluation = relaxation.evaluate(multipliers)
            loop.counters["pricing_nodes"] = loop.counters.get("pricing_nodes", 0) + evaluation.plans.nodes
            loop.relaxed(evaluation.bound, "lagrangian", partial(relaxation.named, multipliers))
            if evaluation.bound < best_bound:
                best, best_bound = multipliers, evaluation.bound
            often = MEMORY * often + (1 - MEMORY) * (evaluation.plans.volume > 0)
            if number % REPAIR_EVERY == 0:
                gain, fee = relaxation.prices(multipliers)
                worth = np.maximum(gain * offers.largest - fee, 0.0)
                loop.found(repaired(offers, often * (1.0 + worth)), "repair")
            loop.iterations += 1
            loop.check()
            target = loop.best if loop.best is not None else 0.9 * evaluation.bound
            before, multipliers = multipliers, rule.next(evaluation, float(target))
            if not np.any(np.abs(multipliers - before) > 1e-9 * (1.0 + np.abs(before))):
                break
        return SolverStatus.NODE_LIMIT

    files: dict[str, tuple[str | None, str | None]] = {"state": (state, None), "log": (log, None)}
    name = full_name("lagrangian_hospital", None, update=(update, "subgradient"), blocks=(blocks, "tied"), **files)
    return Decomposition(name, steps, missing_master, master_versions(), compile_kernels, state, log)
