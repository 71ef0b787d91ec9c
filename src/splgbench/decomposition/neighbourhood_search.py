"""Adaptive large neighbourhood search: mandates are freed, the strengthened model decides them again.

    1. Draw a kind of neighbourhood, by what it gained per effort of late or, now and then, blindly; free as many
       mandates as its size says.
    2. Solve the strengthened model of what is free: a start at the best allocation, few nodes, no search of the
       solver's own for allocations, nothing below a small part of the gap.
    3. Too hard: the kind's size shrinks. Settled at little effort without a gain: it grows. A set of mandates within
       one that was settled since the last gain is not solved again.
    4. After `PATIENCE` neighbourhoods without a gain more effort is allowed and smaller gains count, also in what was
       settled.

Where the solve has threads, as many neighbourhoods of the same allocation are solved side by side and what they find is
put into it in the order in which they were drawn, as far as that makes it better.

Effort is counted in simplex iterations, so that without a time limit a seed and a number of threads give one course.
Only a neighbourhood that frees all there is gives a bound. Source: Shaw 1998; Ropke and Pisinger 2006; drawing with
rewards per effort as in Hendel 2022.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from splgbench.backends.base import ABSOLUTE_GAP, Solution, SolverStatus
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.neighbourhoods import KINDS, Draws, Guide, Kind, View, freed, usable_kinds
from splgbench.decomposition.probing import Fixed, nothing_fixed
from splgbench.decomposition.restricted import Beside, Restriction, rens
from splgbench.instance import BoolArray
from splgbench.model import FloatArray

FIRST_SIZE = 200
"""Mandates freed at first."""
LEAST_SIZE = 8
EFFORT = 2000
"""Simplex iterations of a neighbourhood above which its kind's size shrinks."""
OVERHEAD = 200
"""Simplex iterations that building and presolving a neighbourhood are worth."""
NODES = 100
GROW, SHRINK = 1.25, 0.75
REACTION = 0.3
"""Weight of the last neighbourhood in the worth of its kind."""
BLIND = 0.5
"""Part of the draws that look at no worth."""
PATIENCE = 20
ALL_VOLUMES = 20_000
"""Live offers above which the volumes of what shares neither cell nor hospital-area with a freed mandate stay."""
SMALLEST_GAIN = 0.02
"""Part of the gap below which gains are not asked for, at first."""
SETTLED = (SolverStatus.FINISHED, SolverStatus.INFEASIBLE)
UNKNOWN_GAP = 1e-3
"""Relative gap that stands for an unknown one."""
MOST_TIME = 0.25
"""Part of the time that is left, at least a second, for one neighbourhood."""
RENS_NODES = 200
"""Branch-and-bound nodes of `short_rens`."""
OPTIONS: Mapping[str, object] = {
    "mip_allow_restart": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_feasibility_jump": False,
}
"""HiGHS without restarts and without its costly heuristics (benchmarks/results/lns.md has their price)."""


def short_rens(loop: Loop, restriction: Restriction, weights: FloatArray, seconds: float | None) -> None:
    """RENS with the effort of a neighbourhood: what it leaves, the search finds.

    Parameters
    ----------
    loop, restriction : as for `NeighbourhoodSearch`.
    weights, seconds : as for `rens`.
    """
    smallest = ABSOLUTE_GAP
    if loop.best is not None and loop.bound is not None:
        smallest = max(smallest, SMALLEST_GAIN * (loop.bound - loop.best))
    rens(restriction, weights, seconds, RENS_NODES, {**OPTIONS, "mip_abs_gap": smallest})


@dataclass
class _Arm:
    """A kind with its size and worth: 1 for a gain, and the part of the gap it closes, per simplex iteration."""

    name: str
    kind: Kind
    size: float
    tried: bool = False
    worth: float = 0.0


class NeighbourhoodSearch:
    """The search over one solve; what it has learnt stays from one run to the next.

    Parameters
    ----------
    loop : its limits, stop and iterations hold; every neighbourhood counts as an iteration.
    guide : what is known besides the best allocation.
    size : mandates freed at first.
    kinds : names of the kinds of neighbourhoods to draw from; one for which the guide knows too little is left out.
    options : of HiGHS for the neighbourhoods, in its own words.
    restriction : of the loop, where there is one already.
    """

    def __init__(
        self,
        loop: Loop,
        guide: Guide,
        size: int = FIRST_SIZE,
        kinds: Collection[str] = tuple(KINDS),
        options: Mapping[str, object] = OPTIONS,
        restriction: Restriction | None = None,
    ) -> None:
        self.loop = loop
        self.guide = guide
        self.options = options
        self.restriction = Restriction(loop) if restriction is None else restriction
        self.draws = Draws(loop.limits.seed)
        self.arms = [_Arm(name, kind, size) for name, kind in usable_kinds(guide).items() if name in kinds]
        self.fixed = nothing_fixed(loop)
        self.raised = 0
        self.effort = 0
        self.settled: list[BoolArray] = []
        self.settled_at: int | None = None

    def run(
        self,
        fixed: Fixed | None = None,
        seconds: float | None = None,
        raises: int | None = 2,
        effort: int | None = None,
    ) -> None:
        """Improve the loop's best allocation, if it has one, until it stalls, time is up or nothing better exists.

        Parameters
        ----------
        fixed : mandates that every better allocation lacks or holds.
        seconds : most it may take.
        raises : how often effort is raised before the run ends without a gain; None where only limits end it.
        effort : simplex iterations after which it ends, with `OVERHEAD` for every neighbourhood; None for no limit.

        Raises
        ------
        Finished
            A limit of the loop was reached, or the bounds meet.
        """
        if self.loop.best is None or not self.arms:
            return
        self.fixed = self.fixed if fixed is None else self.fixed.joined(fixed)
        self.ends = None if seconds is None else time.perf_counter() + seconds
        self._look()
        waited = 0
        most = None if effort is None else self.effort + effort
        while raises is None or raises >= 0:
            self.loop.check()
            if self.ends is not None and time.perf_counter() > self.ends:
                return
            if most is not None and self.effort >= most:
                return
            drawn = self._drawn()
            before = self.loop.best
            # One within another of the same batch would find nothing of its own.
            todo = [
                (arm, free)
                for at, (arm, free) in enumerate(drawn)
                if not any((free <= one).all() for one in self.settled + [one for _, one in drawn[:at]])
            ]
            for arm, free in drawn:
                if not any(free is one for _, one in todo):
                    arm.size = min(GROW * arm.size, len(free))
            if todo and self._solved(todo):
                return
            waited = waited + len(drawn) if self.loop.best == before else 0
            if waited >= PATIENCE:
                waited = 0
                self.raised += 1
                self.settled.clear()
                raises = None if raises is None else raises - 1

    def _drawn(self) -> list[tuple[_Arm, BoolArray]]:
        """Neighbourhoods of the best allocation, as many as are solved side by side."""
        limits = self.loop.limits
        left = np.inf if limits.iterations is None else limits.iterations - self.loop.iterations
        found: list[tuple[_Arm, BoolArray]] = []
        while not found or len(found) < min(self.restriction.side_by_side, left):
            arm = self._arm([arm for arm, _ in found])
            found.append((arm, freed(arm.kind, self.view, int(arm.size), self.draws)))
        return found

    def _look(self) -> None:
        """Take in the best allocation."""
        loop, offers = self.loop, self.loop.offers
        assert loop.volumes is not None
        held = loop.volumes > 0
        # What is fixed otherwise than the allocation has it stays open: all that stays must fit together.
        proved = (self.fixed.out & ~held) | (self.fixed.stand & held)
        may_change = offers.live & ~offers.granted & ~offers.refused & ~proved
        self.view = View(self.guide, may_change, held, self.guide.losses(loop.volumes))
        if self.settled_at != loop.best:
            self.settled, self.settled_at = [], loop.best

    def _arm(self, drawn: list[_Arm]) -> _Arm:
        """The kind of the next neighbourhood, others being drawn already."""
        for arm in self.arms:
            if not arm.tried and arm not in drawn:
                return arm
        worth = np.array([arm.worth for arm in self.arms])
        even = np.full(len(worth), 1 / len(worth))
        chances = BLIND * even + (1 - BLIND) * (worth / worth.sum() if worth.any() else even)
        return self.arms[int(np.argmin(self.draws.race(chances)))]

    def _solved(self, todo: list[tuple[_Arm, BoolArray]]) -> bool:
        """Solve neighbourhoods of the same allocation and learn from them; whether one was the whole and is settled."""
        loop, gap = self.loop, self._gap()
        volumes = loop.volumes
        assert volumes is not None

        def solved(arm: _Arm, free: BoolArray) -> Solution:
            return self._decided(arm, free, Beside(volumes, free, quiet=True) if len(todo) > 1 else None)

        if len(todo) == 1:
            before = loop.best
            solutions = [solved(*todo[0])]
            gains = [(loop.best or 0) - (before or 0)]
        else:
            with ThreadPoolExecutor(len(todo)) as pool:
                solutions = list(pool.map(solved, *zip(*todo, strict=True)))
            gains = [self._put(arm, free, one) for (arm, free), one in zip(todo, solutions, strict=True)]
        done = False
        for (arm, free), solution, gain in zip(todo, solutions, gains, strict=True):
            done |= self._learnt(arm, free, solution, gain, gap)
        if any(gains):
            self._look()
        for (_, free), solution, gain in zip(todo, solutions, gains, strict=True):
            if solution.status in SETTLED and gain == sum(gains):
                self.settled.append(free)
        return done

    def _decided(self, arm: _Arm, free: BoolArray, beside: Beside | None) -> Solution:
        """Solve a neighbourhood of the best allocation."""
        held, whole = self.view.held, self._is_whole(free)
        smallest = ABSOLUTE_GAP if whole else max(ABSOLUTE_GAP, SMALLEST_GAIN * 0.5**self.raised * self._gap())
        return self.restriction.solve(
            ~held & ~free,
            held & ~free,
            arm.name,
            self._seconds(),
            NODES * 2**self.raised,
            {**self.options, "mip_abs_gap": smallest},
            near=None if whole else self._near(free),
            beside=beside,
        )

    def _put(self, arm: _Arm, free: BoolArray, solution: Solution) -> int:
        """What the loop's best allocation gains by what was found in a neighbourhood beside others."""
        before = self.loop.best or 0
        if solution.values is not None:
            volumes = self.loop.volumes
            assert volumes is not None
            self.restriction.put(self.restriction.model.mandates(solution.values), arm.name, Beside(volumes, free))
        return (self.loop.best or 0) - before

    def _is_whole(self, free: BoolArray) -> bool:
        return bool((free == self.view.open).all())

    def _learnt(self, arm: _Arm, free: BoolArray, solution: Solution, gain: int, gap: float) -> bool:
        """Learn from a neighbourhood; returns whether it was the whole and is settled."""
        effort = OVERHEAD + solution.counters.get("simplex_iterations", 0)
        arm.tried = True
        arm.worth += REACTION * (((gain > 0) + gain / gap) / effort - arm.worth)
        self._count(arm, effort, gain)
        settled = solution.status in SETTLED
        if effort > EFFORT * 2**self.raised or not settled:
            arm.size = max(SHRINK * arm.size, LEAST_SIZE)
        elif not gain:
            arm.size = min(GROW * arm.size, len(free))
        whole = self._is_whole(free)
        if whole:
            self._bound(solution)
        return whole and settled

    def _near(self, free: BoolArray) -> BoolArray | None:
        """Shape (K,): offers whose volumes are open; None for all. The exact volumes of what is found are open all."""
        offers = self.loop.offers
        if int(offers.live.sum()) <= ALL_VOLUMES:
            return None
        cell, pair = self.loop.instance.offer_cell, offers.pairs.of_offer
        cells = np.bincount(cell[free], minlength=self.loop.instance.n_cells) > 0
        pairs = np.bincount(pair[free], minlength=len(offers.pairs.capacity)) > 0
        near: BoolArray = cells[cell] | pairs[pair]
        return near

    def _seconds(self) -> float | None:
        left = [] if self.loop.left is None else [self.loop.left]
        left += [] if self.ends is None else [self.ends - time.perf_counter()]
        return max(1.0, MOST_TIME * min(left)) if left else None

    def _gap(self) -> float:
        """What the best allocation may lack, at least 1."""
        loop = self.loop
        assert loop.best is not None
        return max(1.0, UNKNOWN_GAP * abs(loop.best) if loop.bound is None else loop.bound - loop.best)

    def _bound(self, solution: Solution) -> None:
        """What a neighbourhood without a fixed mandate, but for those that every better allocation has, proves."""
        best = float(self.loop.best or 0)
        if solution.status is SolverStatus.INFEASIBLE:
            self.loop.bounded(best, "neighbourhood")
        elif solution.dual is not None:
            self.loop.bounded(max(solution.dual, best), "neighbourhood")

    def _count(self, arm: _Arm, effort: int, gain: int) -> None:
        self.effort += effort
        self.loop.iterations += 1
        counters = self.loop.counters
        for name, number in (("solved", 1), ("better", gain > 0), ("gain", gain), ("simplex_iterations", effort)):
            key = f"{arm.name}_{name}"
            counters[key] = counters.get(key, 0) + int(number)
