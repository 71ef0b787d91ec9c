"""The Lagrangian relaxation by hospital: demand and cardinality rows priced out, blocks solved exactly.

    L(l, m) = sum_c l_c B_c + sum_c m_c floor(B_c / g_c) + sum_b v_b(l, m)                                          (2)

with v_b of `splgbench.decomposition.pricing` (1), l, m >= 0 and g_c the greatest common divisor of the live thresholds
in cell c. L is an upper bound for all multipliers; B - a x at the plans is a subgradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from splgbench.decomposition.partition import Partition
from splgbench.decomposition.pricing import HospitalPricer, Plans
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved


@dataclass(frozen=True)
class Evaluation:
    """The relaxation at some multipliers.

    Parameters
    ----------
    bound : L, an upper bound on the optimum; -inf where no allocation exists.
    slack : shape (n_rows,), limits minus what the plans use: a subgradient.
    plans : the best plan of every block.
    """

    bound: float
    slack: FloatArray
    plans: Plans


@dataclass(frozen=True)
class Cut:
    """A row that every better allocation obeys: per_case x + per_mandate y <= limit.

    Parameters
    ----------
    offers : shape (n,), of one component.
    per_case, per_mandate : shape (n,).
    """

    offers: IntArray
    per_case: FloatArray
    per_mandate: FloatArray
    limit: float


class PlanRelaxation(Protocol):
    """What column generation needs of a relaxation whose blocks have plans of offers and cases."""

    offers: Presolved
    partition: Partition
    n_rows: int
    limit: IntArray | FloatArray
    unit: FloatArray
    certified: bool
    """Whether `splgbench certify` knows the multipliers that `named` gives."""

    def evaluate(self, multipliers: FloatArray) -> Evaluation:
        """The bound at multipliers, a subgradient, and the plans."""

    def named(self, multipliers: FloatArray) -> dict[str, list[tuple[tuple[str, str], float]]]:
        """Multipliers that are not 0 by family and names of the row."""

    def column(self, held: IntArray, cases: IntArray) -> tuple[float, IntArray, FloatArray]:
        """A plan's value, the rows it uses, and how much."""


class HospitalRelaxation:
    """Rows that are priced out, and the evaluation of (2).

    Parameters
    ----------
    offers, partition, threads : as for `HospitalPricer`.

    Attributes
    ----------
    n_demand, n_rows : the first rows are demand rows, then come cardinality rows, and cuts.
    limit : shape (n_rows,), right-hand sides.
    unit : shape (n_rows,), cases that one unit of a row stands for.
    certified : whether `splgbench certify` knows all rows; it does not know cuts.
    cuts : further rows, priced out as well. per_case, per_mandate : shape (cuts, K), their coefficients.
    cut_cell : shape (cuts,), the cell of the first offer of each.
    """

    def __init__(self, offers: Presolved, partition: Partition, threads: int = 1) -> None:
        instance = offers.instance
        self.offers = offers
        self.partition = partition
        self.pricer = HospitalPricer(offers, partition, threads)
        live = np.flatnonzero(offers.live)
        cell = instance.offer_cell
        demand_cells = np.flatnonzero(offers.binding_cells)
        t = offers.threshold
        gcd = np.zeros(instance.n_cells, dtype=np.int64)
        np.gcd.at(gcd, cell[live], t[live])
        gcd = np.maximum(gcd, 1)
        total = np.zeros(instance.n_cells, dtype=np.int64)
        np.add.at(total, cell[live], t[live])
        counted = np.flatnonzero(offers.binding_cells & (total > instance.demand))
        self.n_demand = len(demand_cells)
        self.n_rows = self.n_demand + len(counted)
        self.demand_row = np.full(instance.n_cells, -1, dtype=np.int64)
        self.demand_row[demand_cells] = np.arange(self.n_demand)
        self.count_row = np.full(instance.n_cells, -1, dtype=np.int64)
        self.count_row[counted] = self.n_demand + np.arange(len(counted))
        self.limit = np.concatenate((instance.demand[demand_cells], instance.demand[counted] // gcd[counted]))
        self.unit = np.concatenate((np.ones(self.n_demand), gcd[counted].astype(np.float64)))
        self.cuts: list[Cut] = []
        self.certified = True
        self.own = (self.limit, self.unit)
        # Per offer: its rows (or -1) and its weight in the cardinality row.
        self.offer_demand_row = np.where(offers.live, self.demand_row[cell], -1)
        self.offer_count_row = np.where(offers.live, self.count_row[cell], -1)
        self.weight = t // gcd[cell]

    @property
    def n_own(self) -> int:
        """Rows that are not cuts."""
        return len(self.own[0])

    def cut(self, cuts: Sequence[Cut], keep: BoolArray | None = None) -> None:
        """Price out more cuts.

        Parameters
        ----------
        cuts : come behind those that are there.
        keep : shape (cuts so far,), those that stay; None keeps all.
        """
        stay = self.cuts if keep is None else [one for one, kept in zip(self.cuts, keep.tolist(), strict=True) if kept]
        self.cuts = [*stay, *cuts]
        self.certified = not self.cuts
        limit, unit = self.own
        self.n_rows = len(limit) + len(self.cuts)
        self.limit = np.concatenate((limit, [one.limit for one in self.cuts]))
        self.unit = np.concatenate((unit, np.ones(len(self.cuts))))
        self.cut_cell = self.offers.instance.offer_cell[[int(one.offers[0]) for one in self.cuts]]
        row = np.repeat(np.arange(len(self.cuts)), [len(one.offers) for one in self.cuts])
        none = [np.zeros(0)]
        offer = np.concatenate(none + [one.offers for one in self.cuts]).astype(np.int64)
        shape = (len(self.cuts), self.offers.instance.n_offers)
        self.per_case = csr_array((np.concatenate(none + [one.per_case for one in self.cuts]), (row, offer)), shape)
        self.per_mandate = csr_array(
            (np.concatenate(none + [one.per_mandate for one in self.cuts]), (row, offer)), shape
        )

    def first_multipliers(self) -> FloatArray:
        """Prices of demand as if every cell were filled by its best offers: the utility of the last one, else 0."""
        instance = self.offers.instance
        found = np.zeros(self.n_rows)
        live = np.flatnonzero(self.offer_demand_row >= 0)
        live = live[np.lexsort((-instance.utility[live], instance.offer_cell[live]))]
        row = self.offer_demand_row[live]
        filled = np.cumsum(self.offers.largest[live])
        opens = np.ones(len(live), dtype=np.bool_)
        opens[1:] = row[1:] != row[:-1]
        before = (filled - self.offers.largest[live])[opens]
        filled = filled - np.repeat(before, np.diff(np.append(np.flatnonzero(opens), len(live))))
        marginal = filled >= self.limit[row]
        # The first offer of each cell at which the demand is met.
        first = marginal & (filled - self.offers.largest[live] < self.limit[row])
        found[row[first]] = instance.utility[live[first]]
        return found

    def weight_scale(self) -> IntArray:
        """Shape (C,): by what a price of the formulation's cell knapsack is multiplied to price this cardinality row.

        Where thresholds of a cell are equal both rows are sum y <= floor(B / t); elsewhere the formulation's is
        sum t y <= B, which is g times this one.
        """
        instance = self.offers.instance
        live = np.flatnonzero(self.offers.live)
        least = np.full(instance.n_cells, np.iinfo(np.int64).max)
        most = np.zeros(instance.n_cells, dtype=np.int64)
        gcd = np.zeros(instance.n_cells, dtype=np.int64)
        t = self.offers.threshold[live]
        np.minimum.at(least, instance.offer_cell[live], t)
        np.maximum.at(most, instance.offer_cell[live], t)
        np.gcd.at(gcd, instance.offer_cell[live], t)
        return np.where(least == most, 1, np.maximum(gcd, 1))

    def prices(self, multipliers: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gain per case and fee per mandate of every offer."""
        padded = np.append(multipliers[: self.n_own], 0.0)
        gain = self.offers.instance.utility - padded[self.offer_demand_row]
        fee = padded[self.offer_count_row] * self.weight
        if self.cuts:
            price = multipliers[self.n_own :]
            gain, fee = gain - self.per_case.T @ price, fee + self.per_mandate.T @ price
        return gain, fee

    def evaluate(self, multipliers: FloatArray) -> Evaluation:
        """L and a subgradient.

        Parameters
        ----------
        multipliers : shape (n_rows,); negative ones count as 0.
        """
        multipliers = np.maximum(multipliers, 0.0)
        plans = self.pricer.price(*self.prices(multipliers))
        bound = float(multipliers @ self.limit + plans.bound.sum())
        return Evaluation(bound, self.limit - self.use(plans.volume), plans)

    def bound_by(self, label: IntArray, multipliers: FloatArray) -> FloatArray:
        """L in parts.

        Parameters
        ----------
        label : shape (K,), the part of every live offer from 0 on, the same within a block and within a row's cell.
        multipliers : as in `evaluate`.

        Returns
        -------
        FloatArray
            shape (parts,); its sum is L.
        """
        multipliers = np.maximum(multipliers, 0.0)
        plans = self.pricer.price(*self.prices(multipliers))
        found = np.zeros(int(label.max(initial=-1)) + 1)
        live = np.flatnonzero(self.offers.live)
        block_label = np.zeros(self.partition.n_blocks, dtype=np.int64)
        block_label[self.partition.block[live]] = label[live]
        np.add.at(found, block_label, plans.bound)
        for row_of in (self.offer_demand_row, self.offer_count_row):
            rows = live[row_of[live] >= 0]
            row_label = np.full(self.n_own, -1, dtype=np.int64)
            row_label[row_of[rows]] = label[rows]
            there = np.flatnonzero(row_label >= 0)
            np.add.at(found, row_label[there], (multipliers * self.limit)[: self.n_own][there])
        for price, one in zip(multipliers[self.n_own :].tolist(), self.cuts, strict=True):
            found[label[one.offers[0]]] += price * one.limit
        return found

    def named(self, multipliers: FloatArray) -> dict[str, list[tuple[tuple[str, str], float]]]:
        """Multipliers that are not 0 by family and (group, region), as certificates name the rows."""
        instance = self.offers.instance
        found = {}
        for family, row_of in (("demand", self.demand_row), ("cell_knapsack", self.count_row)):
            cells = np.flatnonzero(row_of >= 0)
            cells = cells[multipliers[row_of[cells]] > 0]
            groups = [instance.groups[g] for g in instance.cell_group[cells].tolist()]
            regions = [instance.regions[r] if instance.regions else "" for r in instance.cell_region[cells].tolist()]
            prices = multipliers[row_of[cells]].tolist()
            found[family] = list(zip(zip(groups, regions, strict=True), prices, strict=True))
        return found

    def use(self, volume: IntArray) -> FloatArray:
        """What volumes use of every row, shape (n_rows,)."""
        used = np.zeros(self.n_own + 1)
        np.add.at(used, self.offer_demand_row, volume)
        np.add.at(used, self.offer_count_row, np.where(volume > 0, self.weight, 0))
        if not self.cuts:
            return used[:-1]
        return np.concatenate((used[:-1], self.per_case @ volume + self.per_mandate @ (volume > 0)))

    def column(self, held: IntArray, cases: IntArray) -> tuple[float, IntArray, FloatArray]:
        """A plan as a column: its value, and the rows it uses with how much.

        Parameters
        ----------
        held, cases : the plan's offers and their cases.
        """
        at = np.concatenate((self.offer_demand_row[held], self.offer_count_row[held]))
        amount = np.concatenate((cases, self.weight[held])).astype(np.float64)
        rows, place = np.unique(at[at >= 0], return_inverse=True)
        value = float(self.offers.instance.utility[held] @ cases)
        used = np.bincount(place, amount[at >= 0], minlength=len(rows)).astype(np.float64)
        if self.cuts:
            more = self.cut_use(held, np.zeros(len(held), dtype=np.int64), cases, 1).tocoo()
            rows = np.concatenate((rows, self.n_own + more.row))
            used = np.concatenate((used, more.data))
        return value, rows.astype(np.int64), used

    def cut_use(self, held: IntArray, column: IntArray, cases: IntArray, n_columns: int, since: int = 0) -> csr_array:
        """What columns use of every cut from number `since` on, shape (such cuts, n_columns).

        Parameters
        ----------
        held, column, cases : the offers of all columns, the column of each, and their cases.
        """
        shape = (self.offers.instance.n_offers, n_columns)
        volume = csr_array((cases.astype(np.float64), (held, column)), shape)
        mandate = csr_array((np.ones(len(held)), (held, column)), shape)
        per_case, per_mandate = self.per_case, self.per_mandate
        if since:
            per_case, per_mandate = per_case[since:], per_mandate[since:]
        use = csr_array(per_case @ volume + per_mandate @ mandate)
        use.eliminate_zeros()
        return use
