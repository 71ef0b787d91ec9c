"""Districts solved one by one: a Lagrangian bound over what they share, and the best allocation district by district.

The demand rows and cardinality rows of cells that several districts share are priced out, at prices that stay:

    L(m) = sum_r m_r d_r + sum_d v_d(m)  >=  optimum

with v_d the MILP of a district (`splgbench.decomposition.area_relaxation`). Small districts keep every MILP small, and
there are few such cells, so prices of the LP relaxation are good enough.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import coo_array

from splgbench.decomposition.area_relaxation import AreaEvaluation, AreaRelaxation
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.neighbourhood_search import OPTIONS
from splgbench.decomposition.partition import Partition
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.restricted import Beside, Restriction
from splgbench.decomposition.side_by_side import in_turn
from splgbench.decomposition.subproblems import Subproblems
from splgbench.instance import BoolArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved

ROOT = {**OPTIONS, "mip_heuristic_effort": 0.0, "mip_max_nodes": 1}
"""HiGHS for a bound alone: where the relaxation is tight, allocations take most of its time at the root."""
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
        self.subproblems = Subproblems(loop, "highs", apart=True)
        self.relaxation = AreaRelaxation(loop, cut, self.subproblems)
        self.prices = self.relaxation.on_grid(prices[cut.coupling_rows])
        self.parts: list[BoolArray] = [partition.block == number for number in range(partition.n_blocks)]
        self.before = _before(loop.offers, partition)

    def bound(self, gap: float, seconds: float | None, *, roots: bool = False) -> AreaEvaluation:
        """Solve all districts apart; the bound goes to the loop as it falls, the plans side by side are repaired.

        Parameters
        ----------
        gap : relative gap at which a district may stay open.
        seconds : most that all may take.
        roots : whether the bounds of HiGHS's root nodes are enough, without plans.
        """
        loop = self.loop
        self.subproblems.options = ROOT if roots else {}
        evaluation = self.relaxation.evaluate(self.prices, gap, seconds, lambda bound: loop.bounded(bound, "districts"))
        loop.bounded(evaluation.bound, "districts")
        loop.iterations += 1
        if not evaluation.mandates.any():
            return evaluation
        score: FloatArray = PLANNED * evaluation.mandates.astype(np.float64)
        if loop.volumes is not None:
            score += loop.volumes > 0
        loop.found(repaired(loop.offers, score), "districts")
        return evaluation

    def improve(self, gap: float, seconds: float | None) -> None:
        """Solve every district anew with the others as the best allocation has them.

        Several are solved at once where the loop has threads for it, but none beside one that it shares a cell with:
        what comes of it is as if they were solved one after the other.

        Parameters
        ----------
        gap, seconds : as for `bound`.

        Raises
        ------
        Finished
            A limit of the loop was reached, or the bounds meet.
        """
        loop, threads = self.loop, self.restriction.side_by_side
        ends = None if seconds is None else time.perf_counter() + seconds
        begun = 0

        def improve(number: int) -> None:
            nonlocal begun
            loop.check()
            with loop.lock:
                volumes = loop.volumes
                to_go, begun = len(self.parts) - begun, begun + 1
            if volumes is None:
                return
            part, held = self.parts[number], volumes > 0
            left = None if ends is None else 2 * threads * max(0.0, ends - time.perf_counter()) / to_go
            self.restriction.solve(
                ~held & ~part,
                held & ~part,
                "district",
                left,
                options={"mip_rel_gap": gap},
                near=part,
                beside=Beside(volumes, part),
            )

        in_turn(improve, self.before, threads)


def _before(offers: Presolved, partition: Partition) -> list[list[int]]:
    """For each block the ones of smaller number that have live offers in a cell of it whose demand can bind."""
    cell = offers.instance.offer_cell
    k = np.flatnonzero(offers.live & offers.binding_cells[cell])
    shape = (partition.n_blocks, offers.instance.n_cells)
    presence = coo_array((np.ones(len(k), dtype=np.int64), (partition.block[k], cell[k])), shape=shape).tocsr()
    met = (presence @ presence.T).toarray() > 0
    return [np.flatnonzero(met[number, :number]).tolist() for number in range(partition.n_blocks)]
