"""Adaptive large neighbourhood search around the allocation that a relaxation suggests.

    1. Dantzig-Wolfe by hospital gives a bound, multipliers and a fractional allocation; where its partition is refused,
       the LP relaxation of `strengthened` gives a bound and a fractional allocation.
    2. Repair: mandates by their fractional weights, worth most first, each with what it needs.
    3. Free some mandates, let `strengthened` on the backend (HiGHS where none is named) decide them again, keep what is
       better; which are freed, and how many, adapts to what has paid
       (`splgbench.decomposition.neighbourhood_search`). The kinds: mandates on which allocation and fractional solution
       differ (RINS), or allocation and the hospitals' best plans; cells that waste most at the bound's prices;
       hospitals, areas and groups that compete or are linked; anything.
    4. It ends by the limits or, without a time limit, when more and more effort gains nothing.

The bound is that of step 1, or of a neighbourhood that has grown to the whole model. `size` is the number of mandates
freed at first, `kinds` (`rins+cells`, for instance) what to draw from. Source: Shaw 1998; Ropke and Pisinger 2006;
Danna, Rothberg and Le Pape 2005 (RINS).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.column_generation import by_hospital
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Decomposition, Finished, Loop, full_name
from splgbench.decomposition.neighbourhood_search import FIRST_SIZE, NeighbourhoodSearch
from splgbench.decomposition.neighbourhoods import KINDS, Guide
from splgbench.decomposition.partition import partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master, solver_versions
from splgbench.decomposition.restricted import Restriction
from splgbench.errors import InfeasibleError, InputError, UnsupportedError

MOST_COLUMNS = 60.0
"""Seconds for step 1, at most a third of what is left."""


def lns(
    backend: str | None = None,
    size: str = str(FIRST_SIZE),
    kinds: str = "+".join(KINDS),
    state: str | None = None,
    log: str | None = None,
) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        The size is no number above 0, or there is no such kind.
    UnsupportedError
        There is no such backend.
    """
    solver = backend or "highs"
    registry.find("backends", solver)
    named = None if solver == "highs" else solver
    if not size.isdecimal() or int(size) < 1:
        raise InputError(f"size must be a number above 0, not {size}", "method")
    drawn = kinds.split("+")
    if not set(drawn) <= KINDS.keys():
        raise InputError(f"kinds must be some of {'+'.join(KINDS)}, not {kinds}", "method")

    def steps(loop: Loop) -> SolverStatus:
        restriction = Restriction(loop, solver)
        guide = _guided(loop, restriction)
        if guide.weights is not None:
            loop.found(repaired(loop.offers, guide.weights), "repair")
        loop.check()
        if loop.best is None:
            _first(loop, restriction)
        search = NeighbourhoodSearch(loop, guide, int(size), drawn, restriction=restriction)
        search.run(raises=2 if loop.left is None else None)
        return SolverStatus.NODE_LIMIT

    used = "+".join(name for name in KINDS if name in drawn)
    sizes, all_kinds = (str(int(size)), str(FIRST_SIZE)), "+".join(KINDS)
    name = full_name("lns", named, size=sizes, kinds=(used, all_kinds), state=(state, None), log=(log, None))
    versions = {**master_versions(), **solver_versions(solver)}
    return Decomposition(name, steps, partial(missing_master, solver), versions, compile_kernels, state, log)


def _guided(loop: Loop, restriction: Restriction) -> Guide:
    """Step 1."""
    offers = loop.offers
    try:
        generation = by_hospital(loop, partition(offers, "tied"))
    except UnsupportedError:
        loop.resumed({})
        loop.contents = dict
        return Guide(offers, restriction.relaxed())
    generation.resume()
    try:
        generation.run(MOST_COLUMNS if loop.left is None else min(MOST_COLUMNS, loop.left / 3))
    except Finished as finished:
        if finished.status is not SolverStatus.NODE_LIMIT:
            raise
    return Guide(offers, generation.master.weights(), generation.relaxation, generation.best)


def _first(loop: Loop, restriction: Restriction) -> None:
    """Any allocation, where overrides leave repair without one."""
    nothing = np.zeros_like(loop.offers.live)
    solution = restriction.solve(nothing, nothing, "first", options={"mip_max_improving_sols": 1})
    if solution.status is SolverStatus.INFEASIBLE:
        raise InfeasibleError("the solver finds no allocation")
    loop.check()
