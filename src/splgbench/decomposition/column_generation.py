"""Stabilised column generation; its bound is the Lagrangian value, valid at every moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from splgbench import registry
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.lp_start import lp_start
from splgbench.decomposition.master import COLUMN_SHAPES, Master
from splgbench.decomposition.multipliers import Subgradient
from splgbench.decomposition.partition import Partition
from splgbench.decomposition.relaxation import Evaluation, HospitalRelaxation, PlanRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.state import Shape
from splgbench.errors import InfeasibleError
from splgbench.instance import IntArray
from splgbench.model import FloatArray

SMOOTHING = 0.6
"""Weight of the best multipliers so far against the master's. Source: Wentges 1997; Pessoa et al. 2018."""
WARM_UP = 40
"""Subgradient rounds before the first master; their plans are its first columns."""


R = TypeVar("R", bound=PlanRelaxation)


def by_hospital(loop: Loop, blocks: Partition) -> ColumnGeneration[HospitalRelaxation]:
    """Column generation over blocks that are priced exactly, from the duals of the LP of `strengthened` on.

    The LP's mandates are repaired into a first allocation.

    Parameters
    ----------
    blocks : a partition that cuts neither links nor area capacities.

    Raises
    ------
    UnsupportedError
        The pricer refuses the partition.
    """
    relaxation = HospitalRelaxation(loop.offers, blocks, loop.limits.threads)

    def first(seconds: float | None) -> FloatArray:
        start = lp_start(
            relaxation, registry.find("formulations", "strengthened").build(loop.instance, "highs"), seconds
        )
        if start.weights is not None:
            loop.found(repaired(loop.offers, start.weights), "repair")
        return start.multipliers

    return ColumnGeneration(loop, relaxation, first)


class ColumnGeneration(Generic[R]):
    """The master and its best multipliers.

    Parameters
    ----------
    loop, relaxation : the solve and its relaxation.
    first : gives the first multipliers within so many seconds.
    warm_up : subgradient rounds before the first master.
    on_plans : told of the plans of every pricing as cases, shape (K,), to make allocations of them.

    Attributes
    ----------
    best, best_bound : the best multipliers and the bound there.
    uncut : the best multipliers while the relaxation had no cuts.
    warm : whether there are columns to start from.
    fixed : whether the pricer holds to what only better allocations than the best one must obey.
    """

    def __init__(
        self,
        loop: Loop,
        relaxation: R,
        first: Callable[[float | None], FloatArray],
        warm_up: int = WARM_UP,
        on_plans: Callable[[IntArray], None] | None = None,
    ) -> None:
        self.loop = loop
        self.on_plans = on_plans
        self.first = first
        self.warm_up = warm_up
        self.relaxation = relaxation
        self.master = Master(relaxation)
        self.best: FloatArray = np.zeros(relaxation.n_rows)
        self.uncut = self.best
        self.best_bound = np.inf
        self.warm = False
        self.fixed = False

    def resume(self) -> None:
        """Take up the state, where there is one, and keep it: the best multipliers, proved anew, and the columns.

        Raises
        ------
        InputError
            The state is damaged, or belongs to something else.
        """
        known = self.loop.resumed({"multipliers": Shape("f", (self.relaxation.n_rows,)), **COLUMN_SHAPES})
        if known is not None and self.loop.state is not None:
            fault = self.master.take(known)
            if fault:
                raise self.loop.state.damaged(fault)
            self.warm = True
            self.evaluate(np.maximum(known["multipliers"], 0.0))
        self.loop.contents = lambda: {"multipliers": self.uncut, **self.master.columns()}

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
            before = len(self.master.keys)
            fresh = self.master.add(evaluation.plans)
            counters["columns"] = counters.get("columns", 0) + fresh
            for at in range(before, before + fresh):
                self.loop.log.write("column", self.loop.iterations, partial(self.master.told, at))
            if self.on_plans is not None:
                self.on_plans(volume)
            worth = int(volume @ self.relaxation.offers.instance.utility)
            if (self.loop.best is None or worth > self.loop.best) and (evaluation.slack >= 0).all():
                self.loop.found(volume > 0, "pricing")
        return evaluation

    def evaluate(self, multipliers: FloatArray) -> Evaluation:
        """Price all blocks at the root: the bound is one of the whole, where mandates are fixed with the best value.

        Raises
        ------
        InfeasibleError
            A block has no plan.
        """
        evaluation = self.price(multipliers)
        if self.fixed:
            self.loop.bounded(max(evaluation.bound, float(self.loop.best or 0)), "pricing")
            self.loop.check()
        elif not np.isfinite(evaluation.bound):
            raise InfeasibleError("a block has no plan")
        else:
            named = partial(self.relaxation.named, multipliers)
            self.loop.relaxed(evaluation.bound, "pricing", named, self.relaxation.certified)
        if evaluation.bound < self.best_bound:
            self.best_bound, self.best = evaluation.bound, multipliers
            if self.relaxation.certified:
                self.uncut = multipliers
        return evaluation

    def run(self, seconds: float | None = None, near: float = 0.0) -> bool:
        """Generate columns until the master's value meets the Lagrangian bound; returns whether it did.

        Parameters
        ----------
        seconds : most it may take; the loop's limit holds anyway.
        near : how far the value may be from the bound.

        Raises
        ------
        Finished
            A limit was reached.
        """
        ends = None if seconds is None else time.perf_counter() + seconds
        if not self.warm:
            self._warm_up()
            self.warm = True
        self.loop.check()
        alpha = SMOOTHING
        while True:
            left = [] if self.loop.left is None else [self.loop.left]
            left += [] if ends is None else [ends - time.perf_counter()]
            solved = self.master.solve(min(left, default=None))
            self.loop.check()
            if solved is None:
                return False
            value, prices = solved
            if self.best_bound - value <= max(near, 0.5, 1e-7 * abs(self.best_bound)):
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
        multipliers = self.first(self.loop.left)
        rule = Subgradient(self.relaxation, multipliers)
        often = np.zeros(self.loop.instance.n_offers)
        for _ in range(self.warm_up):
            evaluation = self.evaluate(multipliers)
            self.loop.check()
            often += evaluation.plans.volume > 0
            target = 0.99 * self.best_bound
            if self.loop.best is not None:
                target = max(target, float(self.loop.best))
            multipliers = rule.next(evaluation, target)
        self.loop.found(repaired(self.loop.offers, often), "repair")
