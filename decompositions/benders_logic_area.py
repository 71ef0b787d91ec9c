"""Logic-based Benders: promises that areas make one another in the master, every area a MILP under promises.

    1. M_b: every area alone, with every promise it would like and none to keep. Their sum is a bound.
    2. Master: the LP relaxation of `strengthened`, whole only in the mandates that other areas need, with
       theta_b <= M_b for the utility theta_b of an area. Its dual bound, rounded down, bounds the optimum.
    3. Each area under the master's promises: solved under none of them, then under those that its best plan breaks,
       until it breaks none. The plans of all areas are an allocation.
    4. Where an area is worth less than its theta_b, a cut (4) at the prices of its LP. Where that takes too little off,
       or the area has no plan, the cut (2) or (3) for the promises that were needed, of which those that can go without
       letting the area's value rise much are dropped. Go to 2.

Equations (1) to (4) are those of `splgbench.decomposition.area_problems`. The master is small where few mandates are
needed across areas, and nearly the whole model where most are. Source: Hooker and Ottosson 2003; Hooker 2007
(strengthening); Zou, Ahmed and Sun 2019 (cuts (4)); Crainic, Hewitt, Maggioni and Rei 2021 (the relaxed areas in the
master).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.area_problems import AreaProblems, PromiseMaster
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.loop import Decomposition, Loop, full_name
from splgbench.decomposition.partition import partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import missing_master, solver_versions
from splgbench.decomposition.state import Arrays, Shape
from splgbench.decomposition.subproblems import Answer, Subproblems
from splgbench.errors import InfeasibleError
from splgbench.model import FloatArray

MASTER_SHARE = 0.25
"""Part of the time left that one master may take."""
AREA_SHARE = 0.1
"""Part of the time left that one area may take."""
ENOUGH = 0.5
"""Part of what an area is worth less than its theta_b that a cut (4) has to take off; else there is (2), too."""
WEAKER = 0.1
"""Part of what a cut takes off theta_b that it may lose for being shorter."""
KEPT = 5
"""Cuts (4) of an area that a state keeps."""
TRIES = 6
"""Promises of a cut that are tried without, at most."""


def benders_logic_area(backend: str | None = None, state: str | None = None, log: str | None = None) -> Decomposition:
    """The method; master and areas run on `backend`, HiGHS where none is named.

    Raises
    ------
    UnsupportedError
        There is no such backend.
    """
    solver = backend or "highs"
    registry.find("backends", solver)
    name = full_name("benders_logic_area", backend, state=(state, None), log=(log, None))
    missing, versions = partial(missing_master, solver), solver_versions(solver)
    return Decomposition(name, lambda loop: _LogicBenders(loop, solver).run(), missing, versions, state=state, log=log)


class _LogicBenders:
    def __init__(self, loop: Loop, backend: str) -> None:
        self.loop = loop
        self.solver = Subproblems(loop, backend)
        model = registry.find("formulations", "strengthened").build(loop.instance, backend)
        self.cut = cut_into_blocks(model, partition(loop.offers, "area"))
        self.problems = AreaProblems(self.cut, loop.offers.granted, self.solver)
        self.master = PromiseMaster(self.problems)
        self.used: dict[int, list[FloatArray]] = {}
        """By area, prices of promises whose cut (4) the master has."""
        self.worth: FloatArray = (loop.instance.utility * loop.offers.largest).astype(np.float64)

    def run(self) -> SolverStatus:
        self._take_up()
        self._relaxed()
        self._alone(exact=False)
        if not len(self.problems.shared):
            self._alone(exact=True)
        exact = False
        while True:
            answer = self._searched(exact)
            cuts = 0 if answer.values is None else self._cut(answer.values, exact)
            if exact and not cuts:
                # The bound of the master is as good as its solver's tolerances allow.
                return SolverStatus.NODE_LIMIT
            exact = not cuts

    def _take_up(self) -> None:
        """The state: prices of promises, the last ones of every area, whose cuts (4) are proved anew."""
        n_offers = self.loop.instance.n_offers
        known = self.loop.resumed({"area": Shape("i", ("cuts",)), "prices": Shape("f", ("cuts", n_offers))})
        self.loop.contents = self._contents
        for b, prices in [] if known is None else zip(known["area"].tolist(), known["prices"], strict=True):
            if not 0 <= b < len(self.problems.problems):
                assert self.loop.state is not None
                raise self.loop.state.damaged("a cut has no area")
            problem = self.problems.problems[b]
            at = np.rint(prices[problem.shared])
            bound = self.problems.subproblems.solve(problem.priced(at), 0.0, self._share(AREA_SHARE)).bound
            self._add_priced(b, at, bound)
            self.loop.check()

    def _contents(self) -> Arrays:
        kept = [(b, one) for b, prices in self.used.items() for one in prices[-KEPT:]]
        whole = np.zeros((len(kept), self.loop.instance.n_offers))
        for row, (b, prices) in zip(whole, kept, strict=True):
            row[self.problems.problems[b].shared] = prices
        return {"area": np.array([b for b, _ in kept], dtype=np.int64), "prices": whole}

    def _add_priced(self, b: int, prices: FloatArray, bound: float) -> bool:
        """Add a cut (4) where it is new."""
        if not np.isfinite(bound) or not self.master.add_priced(b, prices, bound):
            return False
        self.used.setdefault(b, []).append(prices)
        self.loop.log.write("cut", self.loop.iterations, self._told)
        return True

    def _told(self) -> dict[str, Any]:
        """The last cut, for the log."""
        assert self.master.last is not None
        b, offers, weights, constant = self.master.last
        name = self.loop.instance.offer_name
        named = [[*name(k), w] for k, w in zip(offers.tolist(), weights.tolist(), strict=True) if w]
        return {"block": b, "constant": float(constant), "weights": named}

    def _alone(self, exact: bool) -> None:
        """Step 1, every area to its end where `exact`."""
        count = len(self.problems.problems)
        answers = []
        for b in range(count):
            # Most areas need less than an even share.
            seconds = None if exact or self.loop.left is None else max(0.0, self.loop.left) / (count - b)
            answers.append(self.problems.value(b, frozenset(), seconds))
        self._round(sum(answer.bound for answer in answers), [answer.values for answer in answers])

    def _relaxed(self) -> Answer:
        """The LP of the master, rounded and repaired."""
        answer = self.solver.relax(self.master.model(), self.loop.left)
        if answer.values is not None:
            column = self.cut.model.mandate_column
            score = np.where(column >= 0, answer.values[column], 0.0) * self.worth
            self.loop.found(repaired(self.loop.offers, score), "repair")
        self._round(answer.bound, None)
        return answer

    def _searched(self, exact: bool) -> Answer:
        """Step 2, to its end where `exact`."""
        known = self._relaxed()
        while known.values is not None and self._capped(known.values):
            known = self._relaxed()
        if known.closed:
            return known
        gap, seconds = (0.0, None) if exact else (self.solver.coarse_gap(), self._share(MASTER_SHARE))
        answer = self.solver.solve(self.master.model(), gap, seconds, known=known)
        self._round(answer.bound, None)
        return answer

    def _capped(self, values: FloatArray) -> int:
        """Add theta_b <= M_b where a solution breaks it; how many are new."""
        theta, nothing = self.master.theta(values), frozenset[int]()
        most = [known[nothing].bound for known in self.problems.known]
        return sum(self._add(b, nothing, most[b]) for b in range(len(most)) if theta[b] > most[b] + 0.5)

    def _add(self, b: int, part: frozenset[int], bound: float) -> bool:
        """Add a cut (2) or (3) where it is new."""
        if not self.master.add(b, part, bound):
            return False
        self.loop.log.write("cut", self.loop.iterations, self._told)
        return True

    def _share(self, part: float) -> float | None:
        return None if self.loop.left is None else part * self.loop.left

    def _cut(self, values: FloatArray, exact: bool) -> int:
        """Steps 3 and 4, every area to its end where `exact`; how many cuts are new."""
        loop, problems = self.loop, self.problems
        promises, theta = self.master.promises(values), self.master.theta(values)
        plans: list[FloatArray | None] = []
        cuts = 0
        for b in range(len(problems.problems)):
            seconds = None if exact else self._share(AREA_SHARE)
            part, answer = problems.grown(b, problems.binding(b, promises >= 0.5), seconds)
            plans.append(answer.values)
            short = theta[b] - answer.bound
            if short > 0.5:
                if np.isfinite(short) and self._priced(b, promises, theta[b] - ENOUGH * short, seconds):
                    cuts += 1
                    continue
                most = answer.bound + WEAKER * short if np.isfinite(short) else -np.inf
                part, answer = problems.shrunk(b, part, most, TRIES, seconds)
                cuts += self._add(b, part, answer.bound)
            loop.check()
        loop.found(self.cut.mandates(plans), "areas")
        loop.check()
        return cuts

    def _priced(self, b: int, promises: FloatArray, most: float, seconds: float | None) -> bool:
        """Add (4) at promises, where it is new and has a block worth `most` there or less; whether it is added."""
        found = self.problems.priced(b, promises, seconds)
        if found is None:
            return False
        prices, bound = found
        if bound == -np.inf:
            raise InfeasibleError("the rules within an area cannot all hold")
        if bound + prices @ promises[self.problems.problems[b].shared] > most:
            return False
        return self._add_priced(b, prices, bound)

    def _round(self, bound: float, plans: list[FloatArray | None] | None) -> None:
        """One iteration of the outer loop."""
        if bound == -np.inf:
            raise InfeasibleError("the rules of the areas cannot all hold")
        self.loop.bounded(bound, "areas" if plans else "master")
        if plans:
            mandates = self.cut.mandates(plans)
            self.loop.found(mandates, "areas")
            self.loop.found(repaired(self.loop.offers, mandates * self.worth), "repair")
        self.loop.iterations += 1
        self.loop.check()
