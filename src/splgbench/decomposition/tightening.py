"""Cuts of cells and probing in turn on top of column generation: its bound falls below that of the hospitals' hulls.

1. Cut off the master's fractional solution by the cells' cuts (`cell_hull`), solve the master again, nearly to its
   end. Cuts without a price for a while go.
2. Probe at the best multipliers. Mandates that no better allocation can have otherwise are fixed in the pricer, so
   that the hulls of hospitals and cells shrink; from then on a bound L stands for max { best, L }.
3. Again, as long as that closes enough of the gap, and can come in time below a bound known otherwise.
"""

from __future__ import annotations

import time

import numpy as np

from splgbench.decomposition.cell_hull import CellHull
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.probing import nothing_fixed, probe
from splgbench.decomposition.relaxation import Cut, HospitalRelaxation
from splgbench.instance import BoolArray, IntArray

NEAR = 0.03
"""Part of the gap that may lie between the master's value and the bound where cuts are looked for."""
IDLE = 3
"""Rounds without a price after which a cut goes."""
WORTH = 0.05
"""Part of the gap that the last `LOOK` rounds must have closed for more to follow."""
LOOK = 4
UNKNOWN = 1e-3
"""Relative gap that stands for an unknown one."""


class Tightening:
    """What is known of the cells of one solve.

    Parameters
    ----------
    generation : its best multipliers are those with the cuts from then on.

    Attributes
    ----------
    fixed : mandates that every better allocation lacks or holds, as the pricer has them; probing tells of others only.
    """

    def __init__(self, generation: ColumnGeneration[HospitalRelaxation]) -> None:
        self.generation = generation
        self.fixed = nothing_fixed(generation.loop)
        self.hull = CellHull(generation.relaxation)
        self.idle: IntArray = np.zeros(0, dtype=np.int64)

    def run(self, seconds: float | None = None) -> None:
        """Go on as long as it is worth it.

        Parameters
        ----------
        seconds : most it may take; the loop's limit holds anyway.

        Raises
        ------
        Finished
            A limit was reached, or the bounds meet.
        """
        loop, generation = self.generation.loop, self.generation
        began = time.perf_counter()
        ends = None if seconds is None else began + seconds
        bounds: list[float] = []
        while ends is None or time.perf_counter() < ends:
            gap = generation.best_bound * UNKNOWN if loop.best is None else generation.best_bound - loop.best
            bounds.append(generation.best_bound)
            if len(bounds) > LOOK and (
                bounds[-LOOK - 1] - bounds[-1] < WORTH * gap or self._too_slow(bounds, began, ends)
            ):
                return
            self._fix()
            if not generation.run(None if ends is None else ends - time.perf_counter(), NEAR * gap):
                return
            relaxation = generation.relaxation
            self.idle = np.where(generation.master.prices()[relaxation.n_own :] > 0, 0, self.idle + 1)
            fresh = self.hull.separate(*generation.master.solution(), loop.check)
            if not fresh:
                return
            self._cut(fresh)

    def _too_slow(self, bounds: list[float], began: float, ends: float | None) -> bool:
        """Whether at the pace so far the bound will not come below the loop's in time."""
        known, now = self.generation.loop.bound, time.perf_counter()
        if ends is None or known is None:
            return False
        return bounds[-1] - (bounds[0] - bounds[-1]) / (now - began) * (ends - now) > known

    def _fix(self) -> None:
        """Step 2."""
        generation, pricer = self.generation, self.generation.relaxation.pricer
        fixed = probe(generation.loop, generation.relaxation, generation.best)
        if ((fixed.out & (pricer.state != -1)) | (fixed.stand & (pricer.state != 1))).any():
            self.fixed = self.fixed.joined(fixed)
            pricer.fix(fixed.out, fixed.stand)
            generation.fixed = True
            generation.master.restrict(pricer.state)
            generation.best_bound = np.inf
            generation.evaluate(generation.best)

    def _cut(self, fresh: list[Cut]) -> None:
        """Take them in, without those that have had no price for long."""
        keep = (self.idle < IDLE) | (self.generation.best[self.generation.relaxation.n_own :] > 0)
        take_cuts(self.generation, fresh, keep)
        self.idle = np.concatenate((self.idle[keep], np.zeros(len(fresh), dtype=np.int64)))


def take_cuts(
    generation: ColumnGeneration[HospitalRelaxation], fresh: list[Cut], keep: BoolArray | None = None
) -> None:
    """Price out more cuts from now on.

    Parameters
    ----------
    generation : its master and best multipliers change.
    fresh : come behind those that are there.
    keep : shape (cuts so far,), those that stay; None keeps all.
    """
    relaxation, own = generation.relaxation, generation.relaxation.n_own
    if keep is None:
        keep = np.ones(len(relaxation.cuts), dtype=np.bool_)
    relaxation.cut(fresh, keep)
    master, since = generation.master, int(keep.sum())
    use = relaxation.cut_use(*master.entries(), master.cases(), len(master.keys), since)
    master.cut(np.flatnonzero(~keep), use, relaxation.limit[own + since :])
    generation.best = np.concatenate((generation.best[:own], generation.best[own:][keep], np.zeros(len(fresh))))
    counters = generation.loop.counters
    counters["cuts"] = counters.get("cuts", 0) + len(fresh)
