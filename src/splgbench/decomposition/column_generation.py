"""Stabilised column generation by hospital; its bound is the Lagrangian value, valid at every moment."""

from __future__ import annotations

import time

import numpy as np

from splgbench.decomposition.loop import Loop
from splgbench.decomposition.lp_start import lp_multipliers
from splgbench.decomposition.master import Master
from splgbench.decomposition.multipliers import Subgradient
from splgbench.decomposition.relaxation import Evaluation, HospitalRelaxation
from splgbench.errors import InfeasibleError
from splgbench.model import FloatArray

SMOOTHING = 0.6
"""Weight of the best multipliers so far against the master's. Source: Wentges 1997; Pessoa et al. 2018."""
WARM_UP = 40
"""Subgradient rounds before the first master; their plans are its first columns."""


class ColumnGeneration:
    """The master and its best multipliers.

    Parameters
    ----------
    loop, relaxation : the solve and its relaxation.
    first : shape (n_rows,), multipliers to begin with; None asks the LP relaxation of `strengthened`.
    """

    def __init__(self, loop: Loop, relaxation: HospitalRelaxation, first: FloatArray | None = None) -> None:
        self.loop = loop
        self.relaxation = relaxation
        self.first = first
        self.master = Master(relaxation)
        self.best: FloatArray = np.zeros(relaxation.n_rows)
        self.best_bound = np.inf

    def price(self, multipliers: FloatArray) -> Evaluation:
        """Price all blocks under the pricer's fixings: a bound under these, and columns.

        Plans that together overbook no row are an allocation.
        """
        evaluation = self.relaxation.evaluate(multipliers)
        counters = self.loop.counters
        counters["pricing_rounds"] = counters.get("pricing_rounds", 0) + 1
        counters["pricing_nodes"] = counters.get("pricing_nodes", 0) + evaluation.plans.nodes
        self.loop.iterations += 1
        if np.isfinite(evaluation.bound):
            volume = evaluation.plans.volume
            counters["columns"] = counters.get("columns", 0) + self.master.add(evaluation.plans)
            worth = int(volume @ self.relaxation.offers.instance.utility)
            if (self.loop.best is None or worth > self.loop.best) and (evaluation.slack >= 0).all():
                self.loop.found(volume > 0, "pricing")
        return evaluation

    def evaluate(self, multipliers: FloatArray) -> Evaluation:
        """Price all blocks at the root: the bound is one of the whole.

        Raises
        ------
        InfeasibleError
            A block has no plan.
        """
        evaluation = self.price(multipliers)
        if not np.isfinite(evaluation.bound):
            raise InfeasibleError("a block of hospitals has no plan")
        self.loop.relaxed(evaluation.bound, "pricing", lambda: self.relaxation.named(multipliers))
        if evaluation.bound < self.best_bound:
            self.best_bound, self.best = evaluation.bound, multipliers
        return evaluation

    def run(self, seconds: float | None = None) -> bool:
        """Generate columns until the master's value meets the Lagrangian bound; returns whether it did.

        Parameters
        ----------
        seconds : most it may take; the loop's limit holds anyway.

        Raises
        ------
        Finished
            A limit was reached.
        """
        ends = None if seconds is None else time.perf_counter() + seconds
        self._warm_up()
        alpha = SMOOTHING
        while True:
            left = [] if self.loop.left is None else [self.loop.left]
            left += [] if ends is None else [ends - time.perf_counter()]
            solved = self.master.solve(min(left, default=None))
            self.loop.check()
            if solved is None:
                return False
            value, prices = solved
            if self.best_bound - value <= max(0.5, 1e-7 * abs(self.best_bound)):
                return True
            before = self.loop.counters.get("columns", 0)
            evaluation = self.evaluate(alpha * self.best + (1 - alpha) * prices)
            self.loop.check()
            if ends is not None and time.perf_counter() > ends:
                return False
            if self.loop.counters["columns"] == before:
                if alpha == 0.0:
                    # Nothing prices out at the master's own duals: rounding is all that is left.
                    return evaluation.plans.exact
                alpha = 0.0
            else:
                alpha = SMOOTHING

    def _warm_up(self) -> None:
        multipliers = lp_multipliers(self.relaxation, self.loop.left) if self.first is None else self.first
        rule = Subgradient(self.relaxation, multipliers)
        for _ in range(WARM_UP):
            evaluation = self.evaluate(multipliers)
            self.loop.check()
            target = 0.99 * self.best_bound
            if self.loop.best is not None:
                target = max(target, float(self.loop.best))
            multipliers = rule.next(evaluation, target)
