"""Adaptive large neighbourhood search around the allocation that a relaxation suggests.

    1. Dantzig-Wolfe by hospital gives a bound, multipliers and a fractional allocation; where its partition is refused,
       the LP relaxation of `strengthened` gives a bound and a fractional allocation.
    2. Repair: mandates by their fractional weights, worth most first, each with what it needs.
    3. Free some mandates, let `strengthened` on HiGHS decide them again, keep what is better; which are freed, and how
       many, adapts to what has paid (`splgbench.decomposition.neighbourhood_search`). The kinds: mandates on which
       allocation and fractional solution differ (RINS), or allocation and the hospitals' best plans; cells that waste
       most at the bound's prices; hospitals, areas and groups that compete or are linked; anything.
    4. It ends by the limits or, without a time limit, when more and more effort gains nothing.

The bound is that of step 1, or of a neighbourhood that has grown to the whole model. `size` is the number of mandates
freed at first, `kinds` (`rins+cells`, for instance) what to draw from. Source: Shaw 1998; Ropke and Pisinger 2006;
Danna, Rothberg and Le Pape 2005 (RINS).
"""

from __future__ import annotations

import numpy as np

from splgbench.backends.base import SolverStatus
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Decomposition, Finished, Loop
from splgbench.decomposition.neighbourhood_search import FIRST_SIZE, search
from splgbench.decomposition.neighbourhoods import KINDS, Guide
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master
from splgbench.decomposition.restricted import Restriction
from splgbench.errors import InfeasibleError, InputError, UnsupportedError

MOST_COLUMNS = 60.0
"""Seconds for step 1, at most a third of what is left."""


def lns(backend: str | None = None, size: str = str(FIRST_SIZE), kinds: str = "+".join(KINDS)) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        A backend other than HiGHS is named, the size is no number above 0, or there is no such kind.
    """
    if backend not in (None, "highs"):
        raise InputError("lns works on highs", "method")
    if not size.isdecimal() or int(size) < 1:
        raise InputError(f"size must be a number above 0, not {size}", "method")
    drawn = kinds.split("+")
    if not set(drawn) <= KINDS.keys():
        raise InputError(f"kinds must be some of {'+'.join(KINDS)}, not {kinds}", "method")

    def steps(loop: Loop) -> SolverStatus:
        guide = _guided(loop)
        if guide.weights is not None:
            loop.found(repaired(loop.offers, guide.weights), "repair")
        loop.check()
        if loop.best is None:
            _first(loop)
        search(loop, guide, raises=2 if loop.left is None else None, size=int(size), kinds=drawn)
        return SolverStatus.NODE_LIMIT

    options = [] if int(size) == FIRST_SIZE else [f"size={int(size)}"]
    options += [] if set(drawn) == KINDS.keys() else [f"kinds={'+'.join(name for name in KINDS if name in drawn)}"]
    tail = ":" + ",".join(options) if options else ""
    return Decomposition(f"lns{tail}", steps, missing_master, master_versions(), compile_kernels)


def _guided(loop: Loop) -> Guide:
    """Step 1."""
    offers = loop.offers
    try:
        relaxation = HospitalRelaxation(offers, partition(offers, "tied"))
    except UnsupportedError:
        return Guide(offers, Restriction(loop).relaxed())
    generation = ColumnGeneration(loop, relaxation)
    try:
        generation.run(MOST_COLUMNS if loop.left is None else min(MOST_COLUMNS, loop.left / 3))
    except Finished as finished:
        if finished.status is not SolverStatus.NODE_LIMIT:
            raise
    return Guide(offers, generation.master.weights(), relaxation, generation.best)


def _first(loop: Loop) -> None:
    """Any allocation, where overrides leave repair without one."""
    nothing = np.zeros_like(loop.offers.live)
    solution = Restriction(loop).solve(nothing, nothing, "highs", options={"mip_max_improving_sols": 1})
    if solution.status is SolverStatus.INFEASIBLE:
        raise InfeasibleError("the solver finds no allocation")
    loop.check()
