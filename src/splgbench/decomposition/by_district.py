"""Districts solved one by one: a Lagrangian bound over what they share, and the best allocation district by district.

The demand rows and cardinality rows of cells that several districts share are priced out, at prices that stay:

    L(m) = sum_r m_r d_r + sum_d v_d(m)  >=  optimum

with v_d the MILP of a district (`splgbench.decomposition.area_relaxation`). Small districts keep every MILP small, and
there are few such cells, so prices of the LP relaxation are good enough.
"""

from __future__ import annotations

import time

import numpy as np

from splgbench.decomposition.area_relaxation import AreaEvaluation, AreaRelaxation
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.partition import Partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.restricted import Restriction
from splgbench.decomposition.subproblems import Subproblems
from splgbench.instance import BoolArray
from splgbench.model import FloatArray

PLANNED = 2.0
"""Score of the mandates of plans, against 1 of those that the best allocation has besides."""


class Districts:
    """The districts of a loop's instance.

    Parameters
    ----------
    loop : takes incumbents and bounds.
    restriction : of the loop; its model is cut.
    partition : of the offers; districts meet in demand only.
    prices : shape (rows of the model,), of all rows; those of rows that join districts are used.
    """

    def __init__(self, loop: Loop, restriction: Restriction, partition: Partition, prices: FloatArray) -> None:
        self.loop = loop
        self.restriction = restriction
        cut = cut_into_blocks(restriction.model, partition)
        self.relaxation = AreaRelaxation(loop, cut, Subproblems(loop, "highs"))
        self.prices = self.relaxation.on_grid(prices[cut.coupling_rows])
        self.parts: list[BoolArray] = [partition.block == number for number in range(partition.n_blocks)]

    def bound(self, gap: float, seconds: float | None) -> AreaEvaluation:
        """Solve all districts apart; the bound goes to the loop as it falls, the plans side by side are repaired.

        Parameters
        ----------
        gap : relative gap at which a district may stay open.
        seconds : most that all may take.
        """
        loop = self.loop
        evaluation = self.relaxation.evaluate(self.prices, gap, seconds, lambda bound: loop.bounded(bound, "districts"))
        loop.bounded(evaluation.bound, "districts")
        loop.iterations += 1
        score: FloatArray = PLANNED * evaluation.mandates.astype(np.float64)
        if loop.volumes is not None:
            score += loop.volumes > 0
        loop.found(repaired(loop.offers, score), "districts")
        return evaluation

    def improve(self, gap: float, seconds: float | None) -> None:
        """Solve every district anew with the others as the best allocation has them.

        Parameters
        ----------
        gap, seconds : as for `bound`.

        Raises
        ------
        Finished
            A limit of the loop was reached, or the bounds meet.
        """
        loop = self.loop
        ends = None if seconds is None else time.perf_counter() + seconds
        for number, part in enumerate(self.parts):
            loop.check()
            if loop.volumes is None:
                return
            held = loop.volumes > 0
            left = None if ends is None else 2 * max(0.0, ends - time.perf_counter()) / (len(self.parts) - number)
            self.restriction.solve(
                ~held & ~part, held & ~part, "district", left, options={"mip_rel_gap": gap}, near=part
            )
