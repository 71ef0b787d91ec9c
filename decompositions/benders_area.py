"""Benders' decomposition: mandates in the master, volumes in a transportation problem for every area.

    1. Cuts (2) at the prices of the LP relaxation; the LP's mandates are the core point y0.
    2. Solve the LP of the master. While its y is fractional and new cuts at (y + y0) / 2 or at y cut it off, add them
       and solve it again, a few times.
    3. Solve the master as a MIP on the backend: its dual bound, rounded down, bounds the optimum. Every y it finds is
       an allocation, by exact min-cost flow.
    4. For each such y the cuts of all blocks: among the optimal prices at y those best at y0 (Magnanti and Wong), found
       by moving y a little towards y0. Where they are not exact at y, the plain ones, too. y0 = (y0 + y) / 2; go to 2.

Blocks are the areas, or what of an area falls apart once mandates are fixed; links are in the master. Equations (1) to
(3) are those of `splgbench.decomposition.benders`. No y of the master lacks volumes (3), so there are no feasibility
cuts. Source: Benders 1962; McDaniel and Devine 1977 (LP first); Magnanti and Wong 1981; Birge and Louveaux 1988 (a cut
for every block); Papadakos 2008 (core points); Sherali and Lunday 2013 (the small move).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.benders import BendersMaster, VolumeProblem
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import missing_master, solver_versions
from splgbench.decomposition.state import Shape
from splgbench.decomposition.subproblems import Answer, Subproblems
from splgbench.errors import InfeasibleError
from splgbench.instance import BoolArray
from splgbench.model import FloatArray
from splgbench.polish import polish
from splgbench.trace import Event

LP_ROUNDS = 10
"""LPs of the master before each MIP, at most."""
MOVE = 1e-4
"""How far y is moved towards the core point."""
MASTER_SHARE = 0.25
"""Part of the time left that one MIP may take."""
MOST_POINTS = 8
"""Allocations of one MIP that get cuts, the last ones."""


def benders_area(backend: str | None = None, state: str | None = None, log: str | None = None) -> Decomposition:
    """The method; the master's MIP runs on `backend`, HiGHS where none is named.

    Raises
    ------
    UnsupportedError
        There is no such backend.
    """
    solver = backend or "highs"
    registry.find("backends", solver)
    name = full_name("benders_area", backend, state=(state, None), log=(log, None))
    missing, versions = partial(missing_master, solver), solver_versions(solver)
    return Decomposition(name, lambda loop: _Benders(loop, solver).run(), missing, versions, state=state, log=log)


class _Benders:
    def __init__(self, loop: Loop, solver: str) -> None:
        self.loop = loop
        self.solver = Subproblems(loop, solver)
        self.problem = VolumeProblem(loop.offers)
        self.master = BendersMaster(self.problem)
        self.core: FloatArray | None = None
        self.used: list[FloatArray] = []
        """Prices whose cuts the master has."""
        self.relaxation: Answer | None = None
        """What the LP says of the master as it stands."""

    def run(self) -> SolverStatus:
        loop = self.loop
        everything = np.ones(len(self.problem.live))
        n_rows = len(self.problem.limit)
        known = loop.resumed({"prices": Shape("f", ("cuts", n_rows))})
        loop.contents = lambda: {"prices": np.array(self.used, dtype=np.float64).reshape(len(self.used), n_rows)}
        first = [self.problem.first_prices(loop.left)] if known is None else list(known["prices"])
        for prices in first:
            if prices is not None:
                self._add(prices, everything, -np.inf)
        exact = False
        while True:
            candidates = self._relaxed() or self._searched(exact)
            cuts = self._cut(candidates)
            if exact and not cuts:
                # The bound of the master is as good as its solver's tolerances allow.
                return SolverStatus.NODE_LIMIT
            exact = not cuts

    def _add(self, prices: FloatArray, y: FloatArray, unit: float = 0.5) -> int:
        """Add the cuts at prices that cut at mandates; how many there are."""
        before = len(self.master.pool.block)
        added = self.master.add(self.problem.cuts(prices), y, unit)
        if added:
            self.used.append(prices)
        for number in range(before, before + added):
            self.loop.log.write("cut", self.loop.iterations, partial(self.master.told, number))
        return added

    def _round(self, bound: float) -> None:
        """One iteration of the outer loop."""
        if bound == -np.inf:
            raise InfeasibleError("no mandates keep the rules")
        self.loop.bounded(bound, "master")
        self.loop.iterations += 1
        self.loop.check()

    def _relaxed(self) -> list[FloatArray]:
        """Step 2; the y of the LP where it is whole."""
        for _ in range(LP_ROUNDS):
            self.relaxation = answer = self.solver.relax(self.master.model(), self.loop.left)
            if answer.values is None:
                break
            y = np.clip(answer.values[: len(self.problem.live)], 0.0, 1.0)
            self.core = y if self.core is None else self.core
            score = np.zeros(self.loop.instance.n_offers)
            score[self.problem.live] = y * self.problem.gain * self.problem.most
            self.loop.found(repaired(self.loop.offers, score), "repair")
            self._round(answer.bound)
            if answer.closed:
                self.loop.found(self._mandates(y), "master")
                return [np.rint(y)]
            if not (self._cut_fractional(0.5 * (y + self.core), y) or self._cut_fractional(y, y)):
                break
            self.relaxation = None
        return []

    def _cut_fractional(self, point: FloatArray, y: FloatArray) -> int:
        """Cuts at a point, where they cut y off."""
        prices = self.problem.prices(point, self.loop.left)
        return 0 if prices is None else self._add(prices, y)

    def _searched(self, exact: bool) -> list[FloatArray]:
        """Step 3, to its end where `exact`: the y that the search finds, the last ones."""
        found: list[FloatArray] = []

        def on_event(event: Event) -> None:
            if event.mandates is not None:
                self.loop.found(event.mandates, "master")
                found.append(event.mandates[self.problem.live].astype(np.float64))

        model = self.master.model()
        seconds = None if exact or self.loop.left is None else MASTER_SHARE * self.loop.left
        answer = self.solver.solve(
            model, 0.0 if exact else self.solver.coarse_gap(), seconds, on_event, self.relaxation
        )
        if answer.values is not None:
            mandates = model.mandates(answer.values)
            self.loop.found(mandates, "master")
            found.append(mandates[self.problem.live].astype(np.float64))
        self._round(answer.bound)
        return found[-MOST_POINTS:]

    def _cut(self, candidates: list[FloatArray]) -> int:
        """Step 4; how many cuts are new."""
        added = 0
        for y in candidates:
            value = polish(self.loop.instance, self._mandates(y)).objective
            if value is None:
                continue
            core = y if self.core is None else self.core
            for point in ((1 - MOVE) * y + MOVE * core, y):
                prices = self.problem.prices(point, self.loop.left, network_only=True)
                if prices is not None:
                    added += self._add(prices, y)
                    if self.problem.cuts(prices).at(y).sum() <= value:
                        break
            self.core = 0.5 * (core + y)
            self.loop.check()
        return added

    def _mandates(self, y: FloatArray) -> BoolArray:
        """Shape (K,): mandates of all offers from those of the live ones."""
        mandates = np.zeros(self.loop.instance.n_offers, dtype=np.bool_)
        mandates[self.problem.live] = y >= 0.5
        return mandates
