"""The recommended pipeline: what `splgbench solve` uses where no method is named.

    1. Small instances, and instances with extensions, go to `strengthened` on HiGHS at once.
    2. The LP relaxation of `strengthened`: multipliers, and a first allocation by repair.
    3. Large instances with several planning regions are cut into districts: every district is solved apart, then a
       bound over the cells that they share, then neighbourhoods.
    4. Dantzig-Wolfe over blocks that only demand couples: a bound in about a second at 26 x 145, and a fractional
       allocation.
    5. Repair, and RENS on the mandates that the master leaves fractional. Lagrangian probing fixes what no better
       allocation can have otherwise; where it leaves many mandates open, a few neighbourhoods.
    6. Probing against the best allocation; `strengthened` solves the rest, connected components apart, as long as that
       closes the gap. Where the gap is too wide for it, 8 comes first.
    7. Large-neighbourhood search for a while.
    8. Cuts of cells and probing in turn lower the bound of 4, and a few neighbourhoods more the gap. Then 6 again, with
       less that is open and more patience.

Where the first allocation is near the bound already, the relaxation is tight enough and 4, 5 and 8 are left out. Where
cooperation links join hospitals into large blocks, pricing is slow and its bound weak: 6 and 7 alone then, with
nothing fixed. The reduced models of step 6 hold every allocation better than the best one, so their bounds, or the
best value where that is larger, bound the whole. Where a step cannot run (a partition that is refused, a solver that
is missing) the next one takes over; the last resort is `strengthened` alone, also where HiGHS needs a process of its
own.
"""

from __future__ import annotations

import math

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.apart import Components, solve_apart
from splgbench.decomposition.by_district import Districts
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.districts import districts
from splgbench.decomposition.loop import Decomposition, Finished, Loop, full_name
from splgbench.decomposition.lp_start import lp_start
from splgbench.decomposition.neighbourhood_search import OPTIONS, NeighbourhoodSearch, short_rens
from splgbench.decomposition.neighbourhoods import Guide
from splgbench.decomposition.partition import partition
from splgbench.decomposition.probing import Fixed, nothing_fixed, probe
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master
from splgbench.decomposition.restricted import Restriction, solve_whole
from splgbench.decomposition.side_by_side import Patience
from splgbench.decomposition.tightening import Tightening
from splgbench.errors import InputError, UnsupportedError
from splgbench.model import FloatArray

SMALL = 250
"""Live offers up to which step 1 is all."""
DISTRICT = 14_000
"""Live offers of a district; instances with fewer are not cut."""
DISTRICT_GAPS = (3e-5, 3e-6)
"""Relative gaps at which districts may stay open, round by round; a quarter of the gap asked for is enough."""
MOST_DISTRICTS = 2 / 3
"""Part of the time that is left for one pass over all districts."""
LOOSE = 3e-3
"""Relative gap after step 2 up to which steps 4 and 5 are left out."""
SPANNING = 1 / 4
"""Part of the live offers in blocks of several hospitals from which on steps 4 and 5 are left out, too."""
MOST_COLUMNS = 1 / 3
"""Part of the time that is left for step 4."""
MOST_RENS = 1 / 10
"""Part of the time that is left for step 5."""
MANY = 800
"""Mandates that probing leaves open above which neighbourhoods come before step 6, and cuts of cells may."""
EARLY_EFFORT = 2
"""Simplex iterations for them, by live offer."""
EARLY_GAIN = 0.1
"""Part of the gap that they have to close for as many again to follow."""
HARD = 2.5e-3
"""Relative gap above which cuts of cells come before step 6, where many mandates are open."""
FIRST_CUTS, MOST_CUTS = 1 / 10, 1 / 4
"""Parts of the time that is left for cuts of cells before step 6, and after it."""
PATIENCE = 1 / 10
"""Part of the time that is left in which step 6 has to close some of a wide gap; twice as much at every return."""
REST_OPTIONS = {
    name: value for name, value in OPTIONS.items() if name not in ("mip_allow_restart", "mip_heuristic_run_rins")
}
"""HiGHS in step 6 where the gap is wide, or was: restarts, which fix more and more, and of its costly heuristics RINS
alone."""
WIDE = 1.2e-3
"""Relative gap above which it is the bound that step 6 is for."""
FIRST_SLICE = 2 / 3
"""Part of the time that is left for step 6 at first; all of it at every return."""
SEARCH = 1 / 4
"""Part of the time that is left for neighbourhoods, in steps 3, 5 and 7."""


def auto(backend: str | None = None, state: str | None = None, log: str | None = None) -> Decomposition:
    """The method.

    Raises
    ------
    InputError
        A backend is named.
    """
    if backend is not None:
        raise InputError("auto chooses its solvers itself", "method")
    name = full_name("auto", state=(state, None), log=(log, None))
    if missing_master() is not None:
        unavailable = registry.find("backends", "highs").unavailable
        return Decomposition(name, _whole, unavailable, master_versions(), state=state, log=log, knows=None)
    return Decomposition(name, _steps, missing_master, master_versions(), compile_kernels, state, log, knows=None)


def _whole(loop: Loop) -> SolverStatus:
    """All that is left without a master or with extensions: `strengthened` alone; a state holds the best allocation."""
    loop.resumed({})
    loop.contents = dict
    return solve_whole(loop)


def _steps(loop: Loop) -> SolverStatus:
    if loop.instance.extensions:
        return _whole(loop)
    if int(loop.offers.live.sum()) > SMALL:
        try:
            return _decomposed(loop)
        except UnsupportedError:
            # There is no partition by hospital: the whole model is left.
            pass
    loop.resumed({})
    loop.contents = dict
    return Restriction(loop).decide(nothing_fixed(loop), "highs").status


def _decomposed(loop: Loop) -> SolverStatus:
    """Steps 2 to 8."""
    relaxation = HospitalRelaxation(loop.offers, partition(loop.offers, "tied"), loop.limits.threads)
    restriction = Restriction(loop)
    start = lp_start(relaxation, restriction.model, loop.left)
    loop.check()
    generation = ColumnGeneration(loop, relaxation, lambda _: start.multipliers)
    generation.resume()
    if start.weights is not None and start.prices is not None:
        loop.found(repaired(loop.offers, start.weights), "repair")
        generation.evaluate(start.multipliers)
        loop.check()
        guide = Guide(loop.offers, start.weights, relaxation, generation.best)
        split = districts(loop.offers, relaxation.partition, DISTRICT)
        if split.n_blocks > 1 and int(loop.offers.live.sum()) > DISTRICT:
            _by_district(loop, Districts(loop, restriction, split, start.prices), guide)
        if _spans_hospitals(relaxation):
            return _reduced(loop, relaxation, restriction, generation.best, guide, probing=False)
        if loop.best is not None and generation.best_bound - loop.best <= LOOSE * loop.best:
            return _reduced(loop, relaxation, restriction, generation.best, guide)
    try:
        generation.run(seconds=_part(loop, MOST_COLUMNS))
    except Finished as finished:
        if finished.status is not SolverStatus.NODE_LIMIT:
            raise
    weights = generation.master.weights()
    loop.found(repaired(loop.offers, weights), "repair")
    loop.check()
    short_rens(loop, restriction, weights, _part(loop, MOST_RENS))
    loop.check()
    guide = Guide(loop.offers, weights, relaxation, generation.best)
    return _reduced(loop, relaxation, restriction, generation.best, guide, tightening=Tightening(generation))


def _spans_hospitals(relaxation: HospitalRelaxation) -> bool:
    """Whether cooperation links join much of the instance in blocks of several hospitals: pricing is slow and weak."""
    offers = relaxation.offers
    live = np.flatnonzero(offers.live)
    block, hospital = relaxation.partition.block[live], offers.instance.offer_hospital[live]
    pairs = np.unique(np.stack((block, hospital)), axis=1)
    several = np.bincount(pairs[0], minlength=relaxation.partition.n_blocks) > 1
    return float(several[block].mean()) > SPANNING


def _by_district(loop: Loop, lots: Districts, guide: Guide) -> None:
    """Step 3."""
    search = NeighbourhoodSearch(loop, guide, restriction=lots.restriction)
    for number, gap in enumerate(DISTRICT_GAPS):
        gap = max(gap, loop.limits.gap / 4)
        lots.improve(gap, _part(loop, MOST_DISTRICTS))
        loop.check()
        lots.bound(gap, _part(loop, MOST_DISTRICTS), roots=number == 0 and loop.best is not None)
        loop.check()
        search.run(seconds=_part(loop, SEARCH), raises=0)
        loop.check()


def _reduced(
    loop: Loop,
    relaxation: HospitalRelaxation,
    restriction: Restriction,
    multipliers: FloatArray,
    guide: Guide,
    probing: bool = True,
    tightening: Tightening | None = None,
) -> SolverStatus:
    """The last of step 5, and steps 6 to 8."""
    search = NeighbourhoodSearch(loop, guide, restriction=restriction)
    components = Components(relaxation, multipliers)
    slice_, patience = FIRST_SLICE, _part(loop, PATIENCE)
    fixed = probe(loop, relaxation, multipliers) if probing else nothing_fixed(loop)
    many = int(loop.offers.live.sum()) - fixed.count > MANY
    # The better the best allocation, the smaller is what is left of the model.
    if probing and many:
        _early(loop, search, fixed)
    tight = returned = False
    while True:
        if tightening is not None and (returned or (many and _exceeds(loop, HARD))):
            tight = True
            tightening.run(_part(loop, MOST_CUTS if returned else FIRST_CUTS))
            loop.check()
            multipliers = tightening.generation.best
            components.tighten(relaxation, multipliers)
            search.guide = Guide(loop.offers, guide.weights, relaxation, multipliers)
            fixed = fixed.joined(tightening.fixed).joined(probe(loop, relaxation, multipliers))
            _early(loop, search, fixed)
        if probing:
            fixed = fixed.joined(probe(loop, relaxation, multipliers))
        options = REST_OPTIONS if probing and (tight or _exceeds(loop, WIDE)) else {}
        until = None if patience is None or tightening is None else Patience(loop, patience)
        if solve_apart(loop, restriction, components, fixed, _part(loop, slice_), options, until):
            return SolverStatus.FINISHED
        loop.check()
        if patience is None:
            # Nothing but the solver itself has given up.
            return SolverStatus.NODE_LIMIT
        search.run(fixed, _part(loop, SEARCH), raises=0)
        loop.check()
        slice_, patience, returned = 1.0, 2 * patience, True


def _early(loop: Loop, search: NeighbourhoodSearch, fixed: Fixed) -> None:
    """A few neighbourhoods, and more as long as they close much of the gap."""
    before = math.inf
    while loop.gap < (1 - EARLY_GAIN) * before:
        before = loop.gap
        search.run(fixed, _part(loop, SEARCH), 0, EARLY_EFFORT * int(loop.offers.live.sum()))
        loop.check()


def _exceeds(loop: Loop, share: float) -> bool:
    """Whether there is a gap and it is more than a share of the best value."""
    return loop.best is not None and loop.gap > share * loop.best


def _part(loop: Loop, share: float) -> float | None:
    return None if loop.left is None else share * max(loop.left, 0.0)
