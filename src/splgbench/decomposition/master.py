"""The restricted master of Dantzig-Wolfe: a convex combination of plans for every block.

max sum_p w_p z_p
sum_p a_ip z_p <= limit_i        for every priced-out row i        (dual m_i >= 0)
sum_{p of b} z_p = 1             for every block b
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition.pricing import Plans
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray
from splgbench.solver_libraries import load_highspy

SIZE = 2.0**20
"""What the costs of the LP are brought to: HiGHS's tolerances are absolute."""


class Master:
    """Holds the columns and their LP; HiGHS keeps its basis between solves.

    Parameters
    ----------
    relaxation : whose rows and blocks these are.
    """

    def __init__(self, relaxation: HospitalRelaxation) -> None:
        self.relaxation = relaxation
        self.n_blocks = relaxation.partition.n_blocks
        highspy: Any = load_highspy()
        self.highs = highspy.Highs()
        self.optimal = highspy.HighsModelStatus.kOptimal
        for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off"), ("presolve", "off")):
            self.highs.setOptionValue(name, value)
        infinity = highspy.kHighsInf
        count = relaxation.n_rows
        empty = np.zeros(count + self.n_blocks, dtype=np.int32)
        lower = np.concatenate((np.full(count, -infinity), np.ones(self.n_blocks)))
        upper = np.concatenate((relaxation.limit.astype(np.float64), np.ones(self.n_blocks)))
        self.highs.addRows(len(empty), lower, upper, 0, empty, np.zeros(0, dtype=np.int32), np.zeros(0))
        # What is missing of a plan costs more than anything it could gain: the master is feasible from the start.
        worth = float(np.sum(relaxation.offers.instance.utility * relaxation.offers.largest)) + 1.0
        self.unit = 2.0 ** max(0.0, np.ceil(np.log2(worth / SIZE)))
        worth /= self.unit
        self._add(np.full(self.n_blocks, worth), np.arange(self.n_blocks), [[]] * self.n_blocks, [[]] * self.n_blocks)
        # Overrides may ask for more than a row allows in every plan known so far.
        self._add_relief(worth)
        self.offers_of: list[IntArray] = []
        self.block_of: list[int] = []
        self.allowed: BoolArray = np.zeros(0, dtype=np.bool_)
        # Offers of all columns in one array, with the column of each; as far as they were asked for.
        self.entry_offer: IntArray = np.zeros(0, dtype=np.int64)
        self.entry_column: IntArray = np.zeros(0, dtype=np.int64)
        self.entered = 0
        self.known: set[tuple[int, bytes, bytes]] = set()
        self.first = self.highs.getNumCol()

    def _add_relief(self, worth: float) -> None:
        count = self.relaxation.n_rows
        start = np.arange(count, dtype=np.int32)
        self.highs.addCols(
            count,
            np.full(count, worth),
            np.zeros(count),
            np.full(count, np.inf),
            count,
            start,
            np.arange(count, dtype=np.int32),
            np.full(count, -1.0),
        )

    def _add(self, costs: FloatArray, blocks: IntArray, rows: list[Any], entries: list[Any]) -> None:
        n_rows = self.relaxation.n_rows
        index = [np.append(named, n_rows + b) for b, named in zip(blocks.tolist(), rows, strict=True)]
        value = [np.append(entry, 1.0) for entry in entries]
        start = np.concatenate(([0], np.cumsum([len(one) for one in index])))[:-1].astype(np.int32)
        self.highs.addCols(
            len(blocks),
            costs,
            np.zeros(len(blocks)),
            np.full(len(blocks), np.inf),
            int(sum(len(one) for one in index)),
            start,
            np.concatenate(index).astype(np.int32),
            np.concatenate(value),
        )

    def add(self, plans: Plans) -> int:
        """Add the plans that are not there yet; returns how many were new."""
        fresh, columns = [], []
        for b, held in enumerate(self.relaxation.held_by_block(plans)):
            key = (b, held.tobytes(), plans.volume[held].tobytes())
            if key not in self.known:
                self.known.add(key)
                fresh.append(b)
                columns.append(self.relaxation.column(held, plans.volume[held]))
                self.offers_of.append(held)
                self.block_of.append(b)
        if fresh:
            self.allowed = np.concatenate((self.allowed, np.ones(len(fresh), dtype=np.bool_)))
            value, rows, entries = zip(*columns, strict=True)
            self._add(-np.array(value) / self.unit, np.array(fresh, dtype=np.int64), list(rows), list(entries))
        return len(fresh)

    def solve(self, seconds: float | None) -> tuple[float, FloatArray] | None:
        """Value and multipliers of the rows; None where HiGHS has no answer in time."""
        if seconds is not None:
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(0.01, seconds))
        self.highs.run()
        if self.highs.getModelStatus() != self.optimal:
            return None
        dual = np.array(self.highs.getSolution().row_dual[: self.relaxation.n_rows])
        value = -float(self.highs.getInfo().objective_function_value)
        return value * self.unit, np.maximum(-dual, 0.0) * self.unit

    def restrict(self, state: NDArray[np.int8]) -> None:
        """Only plans that hold every mandate with state 1, and none with state -1, keep taking part.

        Parameters
        ----------
        state : shape (K,), int8, as for `HospitalPricer.price`.
        """
        offer, column = self._entries()
        block = np.array(self.block_of, dtype=np.int64)
        held = state[offer]
        standing = np.flatnonzero(state > 0)
        wanted = np.bincount(self.relaxation.partition.block[standing], minlength=self.n_blocks)
        allowed = np.bincount(column[held > 0], minlength=len(block)) == wanted[block]
        allowed[column[held < 0]] = False
        changed = np.flatnonzero(allowed != self.allowed)
        if len(changed):
            upper = np.where(allowed[changed], np.inf, 0.0)
            index = (self.first + changed).astype(np.int32)
            self.highs.changeColsBounds(len(changed), index, np.zeros(len(changed)), upper)
            self.allowed = allowed

    def _entries(self) -> tuple[IntArray, IntArray]:
        fresh = self.offers_of[self.entered :]
        if fresh:
            numbers = np.arange(self.entered, len(self.offers_of))
            self.entry_offer = np.concatenate((self.entry_offer, *fresh))
            lengths = [len(held) for held in fresh]
            self.entry_column = np.concatenate((self.entry_column, np.repeat(numbers, lengths)))
            self.entered = len(self.offers_of)
        return self.entry_offer, self.entry_column

    def weights(self) -> FloatArray:
        """Shape (K,): the part of a mandate every offer holds in the last solution."""
        z = np.array(self.highs.getSolution().col_value)[self.first :]
        offer, column = self._entries()
        z = np.where(z > 1e-9, z, 0.0)
        weight = np.bincount(offer, z[column], minlength=self.relaxation.offers.instance.n_offers)
        return weight.astype(np.float64)
