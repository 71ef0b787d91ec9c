"""The recommended pipeline: what `splgbench solve` uses where no method is named.

    1. `strengthened` on HiGHS for a moment: easy instances are done here.
    2. Dantzig-Wolfe by hospital: a bound in about a second at 26 x 145, and a fractional allocation.
    3. RENS on the mandates that it leaves fractional.
    4. Lagrangian probing fixes what no better allocation can have otherwise; `strengthened` solves the rest.

The reduced model of step 4 holds every allocation better than the best one, so its bound, or the best value where that
is larger, bounds the whole. Where a step cannot run (a partition that is refused, a solver that is missing) the next
one takes over; the last resort is `strengthened` alone.
"""

from __future__ import annotations

import contextlib

import numpy as np

from splgbench.backends.base import Solution, SolverStatus
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.loop import Decomposition, Finished, Loop
from splgbench.decomposition.partition import partition
from splgbench.decomposition.probing import Fixed, probe
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master
from splgbench.decomposition.restricted import rens, solve_restricted
from splgbench.errors import InfeasibleError, InputError, UnsupportedError

FIRST_TRY = 1.0
"""Seconds for step 1."""
MOST_COLUMNS = 60.0
"""Seconds for step 2, at most a third of what is left."""
MOST_RENS = 20.0
"""Seconds for step 3, at most a quarter of what is left."""


def auto(backend: str | None = None) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        A backend is named.
    """
    if backend is not None:
        raise InputError("auto chooses its solvers itself", "method")
    return Decomposition("auto", _steps, missing_master, master_versions())


def _steps(loop: Loop) -> SolverStatus:
    nothing = np.zeros_like(loop.offers.live)
    first = solve_restricted(loop, nothing, nothing, "highs", FIRST_TRY)
    if _takes(loop, first, Fixed(nothing, nothing)):
        return SolverStatus.FINISHED
    loop.check()
    fixed = Fixed(nothing, nothing)
    # Where there is no partition by hospital, the whole model is left.
    with contextlib.suppress(UnsupportedError):
        fixed = _decomposed(loop)
    loop.check()
    last = solve_restricted(loop, fixed.out, fixed.stand, "highs")
    _takes(loop, last, fixed)
    return last.status


def _decomposed(loop: Loop) -> Fixed:
    """Steps 2, 3 and the probing of 4."""
    relaxation = HospitalRelaxation(loop.offers, partition(loop.offers, "tied"))
    generation = ColumnGeneration(loop, relaxation)
    try:
        generation.run(seconds=_part(loop, 3, MOST_COLUMNS))
    except Finished as finished:
        if finished.status is not SolverStatus.NODE_LIMIT:
            raise
    weights = generation.master.weights()
    loop.found(repaired(loop.offers, weights), "repair")
    loop.check()
    rens(loop, weights, _part(loop, 4, MOST_RENS))
    loop.check()
    return probe(loop, relaxation, generation.best)


def _part(loop: Loop, share: int, most: float) -> float:
    return most if loop.left is None else min(most, loop.left / share)


def _takes(loop: Loop, solution: Solution, fixed: Fixed) -> bool:
    """What the solver proved of the reduced model, as a bound of the whole; whether it is the end."""
    if solution.status is SolverStatus.INFEASIBLE:
        if loop.best is None:
            raise InfeasibleError("the solver finds no allocation")
        # Nothing better than the best allocation is left.
        loop.bounded(float(loop.best), "probing")
        return True
    if solution.dual is not None:
        reduced = fixed.out.any() or fixed.stand.any()
        loop.bounded(max(solution.dual, float(loop.best)) if reduced and loop.best else solution.dual, "highs")
    return loop.closed
