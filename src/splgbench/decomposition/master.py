"""The restricted master of Dantzig-Wolfe: a convex combination of plans for every block.

max sum_p w_p z_p
sum_p a_ip z_p <= limit_i        for every priced-out row i        (dual m_i >= 0)
sum_{p of b} z_p = 1             for every block b

Cuts that the relaxation gets later are rows behind those of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from splgbench.backends.highs import run_serially, serial_highs
from splgbench.decomposition.pricing import Plans
from splgbench.decomposition.relaxation import PlanRelaxation
from splgbench.decomposition.state import Shape
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray
from splgbench.solver_libraries import load_highspy

COLUMN_SHAPES = {
    "column_block": Shape("i", ("columns",)),
    "column_size": Shape("i", ("columns",)),
    "column_offer": Shape("i", ("entries",)),
    "column_cases": Shape("i", ("entries",)),
}
"""Columns in a state file: the block of each and how many offers it holds; these offers, and their cases."""
WANTED = 1e-7
"""Reduced cost up to which a column may be in the LP's basis."""
Key = tuple[int, bytes, bytes]
"""A column by its block, its offers and their cases."""


DUAL, PRIMAL = 1, 4
"""HiGHS's simplex methods: with cuts, where only columns are new since the last solution, the primal one is faster."""
SIZE = 2.0**20
"""What the costs of the LP are brought to: HiGHS's tolerances are absolute."""


class Master:
    """Holds the columns and their LP; HiGHS keeps its basis between solves.

    Parameters
    ----------
    relaxation : whose rows and blocks these are.
    """

    def __init__(self, relaxation: PlanRelaxation) -> None:
        self.relaxation = relaxation
        self.n_blocks = relaxation.partition.n_blocks
        highspy: Any = load_highspy()
        self.highs = serial_highs(highspy, presolve="off")
        self.optimal = highspy.HighsModelStatus.kOptimal
        infinity = highspy.kHighsInf
        self.n_first = count = relaxation.n_rows
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
        self.known: set[Key] = set()
        self.keys: list[Key] = []
        self.first = self.highs.getNumCol()
        self.feasible = self.has_cuts = False

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
        first = self.n_first
        index = [np.append(self._at(named), first + b) for b, named in zip(blocks.tolist(), rows, strict=True)]
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

    def _at(self, rows: Any) -> IntArray:
        """Where the relaxation's rows stand in the LP."""
        named: IntArray = np.asarray(rows, dtype=np.int64)
        return named + self.n_blocks * (named >= self.n_first)

    def cut(self, gone: IntArray, use: csr_array, limit: FloatArray) -> None:
        """Drop some cuts of the relaxation, take in others.

        Parameters
        ----------
        gone : numbers of the cuts that go, among those so far.
        use : shape (fresh, columns), what the columns use of the new ones, use z <= limit.
        limit : shape (fresh,).
        """
        if len(gone):
            self.highs.deleteRows(len(gone), (self.n_first + self.n_blocks + gone).astype(np.int32))
        self.highs.addRows(
            len(limit),
            np.full(len(limit), -np.inf),
            limit,
            use.nnz,
            use.indptr[:-1].astype(np.int32),
            (self.first + use.indices).astype(np.int32),
            use.data,
        )
        # Mandates that must be held can make a limit negative: what is missing of the first block makes up for it.
        start = self.highs.getNumRow() - len(limit)
        for row in np.flatnonzero(limit < 0).tolist():
            self.highs.changeCoeff(start + row, 0, float(limit[row]))
        self.feasible, self.has_cuts = False, True

    def add(self, plans: Plans) -> int:
        """Add the plans that are not there yet; returns how many were new."""
        held = np.flatnonzero(plans.volume)
        block = self.relaxation.partition.block[held]
        order = np.argsort(block, kind="stable")
        parts = np.split(held[order], np.searchsorted(block[order], np.arange(1, self.n_blocks)))
        return self._enter([(b, offers, plans.volume[offers]) for b, offers in enumerate(parts)])

    def _enter(self, plans: Iterable[tuple[int, IntArray, IntArray]]) -> int:
        """Add plans (block, offers, cases) that are not there yet; returns how many were new."""
        fresh, columns = [], []
        for b, held, cases in plans:
            key = (b, held.tobytes(), cases.tobytes())
            if key not in self.known:
                self.known.add(key)
                self.keys.append(key)
                fresh.append(b)
                columns.append(self.relaxation.column(held, cases))
                self.offers_of.append(held)
                self.block_of.append(b)
        if fresh:
            self.allowed = np.concatenate((self.allowed, np.ones(len(fresh), dtype=np.bool_)))
            value, rows, entries = zip(*columns, strict=True)
            self._add(-np.array(value) / self.unit, np.array(fresh, dtype=np.int64), list(rows), list(entries))
        return len(fresh)

    def told(self, number: int) -> dict[str, Any]:
        """A column for the log: its block, its value, and its cases as [hospital, group, cases]."""
        instance, held = self.relaxation.offers.instance, self.offers_of[number]
        cases = np.frombuffer(self.keys[number][2], dtype=np.int64)
        named = [[*instance.offer_name(k), n] for k, n in zip(held.tolist(), cases.tolist(), strict=True)]
        return {"block": self.block_of[number], "value": int(instance.utility[held] @ cases), "cases": named}

    def columns(self) -> dict[str, IntArray]:
        """All columns as arrays, as `COLUMN_SHAPES` has them."""
        held = [np.frombuffer(one, dtype=np.int64) for _, one, _ in self.keys]
        return {
            "column_block": np.array(self.block_of, dtype=np.int64),
            "column_size": np.array([len(one) for one in held], dtype=np.int64),
            "column_offer": np.concatenate([np.zeros(0, dtype=np.int64), *held]),
            "column_cases": self.cases(),
        }

    def take(self, columns: Mapping[str, NDArray[Any]]) -> str:
        """Add columns given as arrays; returns what is wrong with them, and then adds none, or ""."""
        block, size = columns["column_block"], columns["column_size"]
        offer, cases = columns["column_offer"].astype(np.int64), columns["column_cases"].astype(np.int64)
        instance = self.relaxation.offers.instance
        if (
            (size < 0).any()
            or size.sum() != len(offer)
            or (len(offer) and not 0 <= offer.min() <= offer.max() < instance.n_offers)
        ):
            return "a column has offers that do not exist"
        if (self.relaxation.partition.block[offer] != np.repeat(block, size)).any() or (cases < 1).any():
            return "a column does not belong to its block"
        if len(block) and not 0 <= block.min() <= block.max() < self.n_blocks:
            return "a column has no block"
        ends = np.cumsum(size)
        plans = [(int(b), offer[e - n : e], cases[e - n : e]) for b, n, e in zip(block, size, ends, strict=True)]
        self._enter(plans)
        return ""

    def trim(self, most: int, keep: int) -> int:
        """Drop columns where there are more than `most`, until `keep` are left: those that the last LP wants least.

        Columns that the last solution uses stay. Returns how many are gone; the pricer may find them again.
        """
        count = len(self.keys)
        if count <= most:
            return 0
        cost = np.zeros(count)
        told = np.array(self.highs.getSolution().col_dual)[self.first :]
        cost[: len(told)] = told
        order = np.argsort(cost, kind="stable")[keep:]
        gone = np.sort(order[cost[order] > WANTED])
        if len(gone):
            self.highs.deleteCols(len(gone), (self.first + gone).astype(np.int32))
            stays = np.ones(count, dtype=np.bool_)
            stays[gone] = False
            kept = np.flatnonzero(stays).tolist()
            self.keys = [self.keys[at] for at in kept]
            self.known = set(self.keys)
            self.offers_of = [self.offers_of[at] for at in kept]
            self.block_of = [self.block_of[at] for at in kept]
            self.allowed = self.allowed[stays]
            self.entry_offer = self.entry_column = np.zeros(0, dtype=np.int64)
            self.entered = 0
        return len(gone)

    def solve(self, seconds: float | None) -> tuple[float, FloatArray] | None:
        """Value and multipliers of the rows; None where HiGHS has no answer in time."""
        if seconds is not None:
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(0.01, seconds))
        self.highs.setOptionValue("simplex_strategy", PRIMAL if self.feasible and self.has_cuts else DUAL)
        run_serially(self.highs)
        self.feasible = True
        if self.highs.getModelStatus() != self.optimal:
            return None
        value = -float(self.highs.getInfo().objective_function_value)
        return value * self.unit, self.prices()

    def prices(self) -> FloatArray:
        """Multipliers of the rows in the last solution, shape (n_rows,)."""
        told = np.array(self.highs.getSolution().row_dual)
        dual: FloatArray = np.delete(told, np.arange(self.n_first, self.n_first + self.n_blocks))
        prices: FloatArray = np.maximum(-dual, 0.0) * self.unit
        return prices

    def restrict(self, state: NDArray[np.int8]) -> None:
        """Only plans that hold every mandate with state 1, and none with state -1, keep taking part.

        Parameters
        ----------
        state : shape (K,), int8, as for `HospitalPricer.price`.
        """
        offer, column = self.entries()
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
            self.feasible = False
            self.allowed = allowed

    def entries(self) -> tuple[IntArray, IntArray]:
        """Offers of all columns, and the column of each."""
        fresh = self.offers_of[self.entered :]
        if fresh:
            numbers = np.arange(self.entered, len(self.offers_of))
            self.entry_offer = np.concatenate((self.entry_offer, *fresh))
            lengths = [len(held) for held in fresh]
            self.entry_column = np.concatenate((self.entry_column, np.repeat(numbers, lengths)))
            self.entered = len(self.offers_of)
        return self.entry_offer, self.entry_column

    def cases(self) -> IntArray:
        """Cases of all columns, offer by offer, as `entries` has the offers."""
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *(np.frombuffer(one, dtype=np.int64) for _, _, one in self.keys)])

    def weights(self) -> FloatArray:
        """Shape (K,): the part of a mandate every offer holds in the last solution."""
        return self.solution()[1]

    def solution(self) -> tuple[FloatArray, FloatArray]:
        """Volumes and mandates of the last solution, each shape (K,)."""
        z = np.array(self.highs.getSolution().col_value)[self.first :]
        offer, column = self.entries()
        part, cases = np.where(z > 1e-9, z, 0.0)[column], self.cases()
        n = self.relaxation.offers.instance.n_offers
        volume, mandate = np.bincount(offer, part * cases, minlength=n), np.bincount(offer, part, minlength=n)
        return volume.astype(np.float64), mandate.astype(np.float64)
