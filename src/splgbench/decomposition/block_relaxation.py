"""The relaxation of `area_relaxation` for column generation: its plans are offers with cases.

Blocks of any partition are MILPs of a backend; what joins blocks is priced out. Mandates of a plan follow from its
cases, as no mandate is empty, so a plan (offers, cases) is a column. Cases are rounded to whole numbers: columns steer
the multipliers, and the bound is that of `AreaRelaxation.evaluate`, whatever the columns.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splgbench.decomposition.area_relaxation import AreaRelaxation
from splgbench.decomposition.blocks import BlockModel
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.partition import Partition
from splgbench.decomposition.pricing import Plans
from splgbench.decomposition.relaxation import Evaluation
from splgbench.decomposition.subproblems import Subproblems
from splgbench.instance import IntArray
from splgbench.model import FloatArray


class BlockRelaxation:
    """Follows `splgbench.decomposition.relaxation.PlanRelaxation`.

    Parameters
    ----------
    loop : the solve.
    cut : the model as blocks of `partition`.
    partition : the parts; a block is a connected component of one.
    subproblems : solves the blocks.
    gap : relative gap at which a block may stay open.
    share : part of the time left that one round may take.
    """

    certified = False

    def __init__(
        self,
        loop: Loop,
        cut: BlockModel,
        partition: Partition,
        subproblems: Subproblems,
        gap: float,
        share: float,
    ) -> None:
        self.loop, self.cut = loop, cut
        self.offers = loop.offers
        self.relaxation = AreaRelaxation(loop, cut, subproblems)
        self.partition = replace(partition, block=cut.block_of_offer, n_blocks=len(cut.blocks))
        self.gap, self.share = gap, share
        self.n_rows = self.relaxation.n_rows
        self.unit = self.relaxation.unit
        self.limit: IntArray | FloatArray = cut.limit
        columns = cut.coupling.tocsc()
        live = np.flatnonzero(self.offers.live)
        self.place = np.full(self.offers.instance.n_offers, -1, dtype=np.int64)
        self.place[live] = np.arange(len(live))
        self.per_case = columns[:, cut.model.volume_column[live]]
        self.per_mandate = columns[:, cut.model.mandate_column[live]]

    def evaluate(self, multipliers: FloatArray) -> Evaluation:
        """L and the plans, blocks solved to the gap."""
        left = self.loop.left
        return self.at(multipliers, self.gap, None if left is None else self.share * left)

    def at(self, multipliers: FloatArray, gap: float = 0.0, seconds: float | None = None) -> Evaluation:
        """L and the plans.

        Parameters
        ----------
        gap, seconds : as for `AreaRelaxation.evaluate`.
        """
        found = self.relaxation.evaluate(self.relaxation.on_grid(multipliers), gap, seconds)
        volume = np.zeros(self.offers.instance.n_offers, dtype=np.int64)
        for block, known in zip(self.cut.blocks, self.relaxation.known, strict=True):
            if known is not None:
                cases = known.values[block.model.volume_column]
                volume[block.offers] = np.rint(np.where(block.model.volume_column >= 0, cases, 0.0))
        bound = np.array([np.inf if known is None else known.bound for known in self.relaxation.known])
        plans = Plans(bound / self.relaxation.scale, volume, found.closed, 0)
        return Evaluation(found.bound, found.slack, plans)

    def named(self, multipliers: FloatArray) -> dict[str, list[tuple[tuple[str, str], float]]]:
        """Multipliers that are not 0 by family and the row's number in the formulation's model."""
        prices, rows = self.relaxation.on_grid(multipliers), self.cut.coupling_rows
        found: dict[str, list[tuple[tuple[str, str], float]]] = {}
        for block in self.cut.model.row_blocks:
            for at in np.flatnonzero((prices > 0) & (rows >= block.start) & (rows < block.stop)).tolist():
                found.setdefault(block.family, []).append(((str(int(rows[at])), ""), float(prices[at])))
        return found

    def column(self, held: IntArray, cases: IntArray) -> tuple[float, IntArray, FloatArray]:
        """A plan as a column: its value, and the rows it uses with how much."""
        at = self.place[held]
        used = np.asarray(self.per_case[:, at] @ cases + self.per_mandate[:, at] @ np.ones(len(at)))
        rows = np.flatnonzero(used)
        return float(self.offers.instance.utility[held] @ cases), rows, used[rows]
