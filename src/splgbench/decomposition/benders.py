"""Benders' decomposition of `strengthened`: mandates in a master, volumes in an LP that falls apart into blocks.

With mandates y fixed, the volumes of a block b are worth

    V_b(y) = max { sum_{k in b} u_k x_k : sum_k a_rk x_k + sum_q d_rq y_q <= e_r, l_k y_k <= x_k <= U_k y_k }        (1)

for its rows r (demand, area capacity, cuts over links), with l_k the threshold or the fixed volume. For any prices
p >= 0 weak duality gives, with r_k = u_k - sum_r p_r a_rk,

    V_b(y) <= sum_r p_r (e_r - sum_q d_rq y_q) + sum_{k in b} max(l_k r_k, U_k r_k) y_k                              (2)

which needs no optimal prices to be valid: they are rounded to multiples of 1 / scale, and (2) is exact. As a_rk >= 0,
volumes for y exist just if the least ones do, so these rows in the master make every y of it feasible:

    sum_k a_rk l_k y_k + sum_q d_rq y_q <= e_r                                                                       (3)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import block_array, coo_array, csr_array, diags_array, vstack
from scipy.sparse.csgraph import connected_components

from splgbench import registry
from splgbench.backends.highs import run_serially, serial_highs
from splgbench.decomposition.lp_start import row_prices
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray, MipModel, ModelBuilder
from splgbench.presolve import Presolved
from splgbench.solver_libraries import load_highspy

TIED = ("volume_needs_mandate", "threshold")
"""Rows that tie x_k to y_k alone: bounds once y is fixed."""
FINEST_VALUE = 1e7
"""Prices are finer than one unit of utility where all volumes together are worth less than this."""


@dataclass(frozen=True)
class Cuts:
    """Right-hand sides (2): theta_b <= constant + weights @ y.

    Parameters
    ----------
    block : shape (cuts,), b of each.
    constant : shape (cuts,).
    weights : shape (cuts, live offers).
    """

    block: IntArray
    constant: FloatArray
    weights: csr_array

    def at(self, y: FloatArray) -> FloatArray:
        """Shape (cuts,): the right-hand sides at mandates."""
        return np.asarray(self.constant + self.weights @ y)

    def chosen(self, which: BoolArray) -> Cuts:
        """Some of the cuts."""
        rows = np.flatnonzero(which)
        return Cuts(self.block[rows], self.constant[rows], self.weights[rows])


class VolumeProblem:
    """(1) for all blocks at once: an LP whose basis HiGHS keeps.

    Parameters
    ----------
    offers : the presolved offers.

    Attributes
    ----------
    live : the offers that y is over, in order.
    n_blocks, block : blocks, and that of each live offer: components of the rows over volumes.
    own_rows, joint_rows : A and D of (1), shape (rows, live); limit : e.
    network : shape (rows,), whether the row is demand or area capacity; the others follow from these at whole y.
    """

    def __init__(self, offers: Presolved) -> None:
        self.offers = offers
        self.live = np.flatnonzero(offers.live)
        # (3) is at least as strong as the area knapsack.
        model: MipModel = registry.find("formulations", "strengthened").build(
            offers.instance, without=("area_knapsack",)
        )
        self.model = model
        family = np.array([block.family for block in model.row_blocks for _ in range(block.start, block.stop)])
        matrix = csr_array((model.row_values, model.row_columns, model.row_start), (model.n_rows, model.n_columns))
        x, y = matrix[:, model.volume_column[self.live]], matrix[:, model.mandate_column[self.live]]
        over_volumes = np.diff(x.indptr) > 0
        self.rows = np.flatnonzero(over_volumes & ~np.isin(family, TIED))
        self.mandate_rows = np.flatnonzero(~over_volumes)
        self.own_rows, self.joint_rows = x[self.rows], y[self.rows]
        self.over_mandates = y[self.mandate_rows]
        self.limit = model.row_upper[self.rows]
        self.network = np.isin(family[self.rows], ("demand", "area_capacity"))
        self.gain = offers.instance.utility[self.live].astype(np.float64)
        fixed = offers.fixed[self.live]
        self.least = np.where(fixed > 0, fixed, offers.threshold[self.live]).astype(np.float64)
        self.most = np.where(fixed > 0, fixed, offers.largest[self.live]).astype(np.float64)
        worth = max(1.0, float(self.gain @ self.most))
        self.scale = 2.0 ** int(np.clip(np.floor(np.log2(FINEST_VALUE / worth)), 0, 10))
        self.n_blocks, self.block, self.row_block = self._blocks()
        self.lp = self._lp()

    def _blocks(self) -> tuple[int, IntArray, IntArray]:
        """Blocks of offers and rows; a row that cannot bind joins nothing and has no price."""
        binds = self.own_rows @ self.most + self.joint_rows.maximum(0).sum(axis=1) > self.limit
        entries = self.own_rows.tocoo()
        kept = binds[entries.row]
        row, column, n = entries.row[kept], entries.col[kept], len(self.live)
        size = n + len(self.limit)
        graph = coo_array((np.ones(len(row), dtype=np.bool_), (column, n + row)), shape=(size, size))
        _, label = connected_components(graph, directed=False)
        numbers, block = np.unique(label[:n], return_inverse=True)
        row_block = np.full(len(self.limit), -1, dtype=np.int64)
        row_block[row] = block[column]
        return len(numbers), block.astype(np.int64), row_block

    def _lp(self) -> Any:
        highspy = load_highspy()
        highs = serial_highs(highspy, presolve="off")
        n, rows = len(self.live), self.own_rows
        highs.passModel(
            n,
            rows.shape[0],
            rows.nnz,
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMaximize),
            0.0,
            self.gain,
            np.zeros(n),
            self.most,
            np.full(rows.shape[0], -np.inf),
            self.limit,
            rows.indptr.astype(np.int32),
            rows.indices.astype(np.int32),
            rows.data,
            np.zeros(n, dtype=np.int32),
        )
        self.optimal = highspy.HighsModelStatus.kOptimal
        return highs

    def prices(self, y: FloatArray, seconds: float | None, network_only: bool = False) -> FloatArray | None:
        """Optimal prices of the rows of (1) at mandates, rounded; None without an answer in time.

        Parameters
        ----------
        y : shape (live,), between 0 and 1, kept by (3).
        seconds : most the LP may take.
        network_only : leave out the rows that follow from the others at whole y; prices are then whole by themselves.
        """
        n, n_rows = len(self.live), len(self.limit)
        room = self.limit - self.joint_rows @ y
        if network_only:
            room = np.where(self.network, room, np.inf)
        self.lp.changeColsBounds(n, np.arange(n, dtype=np.int32), self.least * y, self.most * y)
        self.lp.changeRowsBounds(n_rows, np.arange(n_rows, dtype=np.int32), np.full(n_rows, -np.inf), room)
        if seconds is not None:
            self.lp.setOptionValue("time_limit", self.lp.getRunTime() + max(0.01, seconds))
        run_serially(self.lp)
        if self.lp.getModelStatus() != self.optimal:
            return None
        return np.abs(np.array(self.lp.getSolution().row_dual, dtype=np.float64))

    def first_prices(self, seconds: float | None) -> FloatArray | None:
        """Prices of the rows in the LP relaxation of the whole: their cuts give the master its bound."""
        found = row_prices(self.model, seconds)
        return None if found is None else found[self.rows]

    def cuts(self, prices: FloatArray) -> Cuts:
        """(2) for every block at prices, rounded to multiples of 1 / scale."""
        prices = np.where(self.row_block >= 0, np.rint(np.maximum(prices, 0.0) * self.scale) / self.scale, 0.0)
        rest = self.gain - self.own_rows.T @ prices
        own = np.maximum(self.least * rest, self.most * rest)
        shape = (self.n_blocks, len(self.live))
        weights = coo_array((own, (self.block, np.arange(len(self.live)))), shape=shape).tocsr()
        priced = np.flatnonzero(prices > 0)
        member = coo_array((prices[priced], (self.row_block[priced], priced)), shape=(shape[0], len(prices))).tocsr()
        return Cuts(np.arange(self.n_blocks), member @ self.limit, csr_array(weights - member @ self.joint_rows))


class BendersMaster:
    """max sum_b theta_b over mandates that keep the rows over mandates and (3), under the cuts so far.

    Parameters
    ----------
    problem : whose blocks and rows these are.
    """

    def __init__(self, problem: VolumeProblem) -> None:
        self.problem = problem
        offers, whole, n = problem.offers, problem.model, len(problem.live)
        builder = ModelBuilder(offers.instance.n_offers)
        column = whole.mandate_column[problem.live]
        builder.y[problem.live] = builder.add_columns(
            "y", n, lower=whole.lower[column], upper=whole.upper[column], integer=True, of="offer", keys=problem.live
        )
        # What a block is worth with every offer at its most.
        worth = np.zeros(problem.n_blocks)
        np.add.at(worth, problem.block, problem.gain * problem.most)
        builder.add_columns("theta", problem.n_blocks, upper=worth, objective=1.0)
        self._add(builder, "mandates", problem.over_mandates, whole.row_upper[problem.mandate_rows])
        least = csr_array(problem.own_rows @ diags_array(problem.least) + problem.joint_rows)
        bites = least.maximum(0).sum(axis=1) > problem.limit
        self._add(builder, "least_volumes", least[np.flatnonzero(bites)], problem.limit[bites])
        self.base = builder.finish()
        self.pool = Cuts(np.zeros(0, dtype=np.int64), np.zeros(0), csr_array((0, n)))

    @staticmethod
    def _add(builder: ModelBuilder, family: str, rows: csr_array, limit: FloatArray) -> None:
        builder.add_rows(family, rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data, upper=limit)

    def best(self, y: FloatArray) -> FloatArray:
        """Shape (n_blocks,): the most that the cuts so far allow each block at mandates."""
        n = len(self.problem.live)
        found = self.base.upper[n:].copy()
        np.minimum.at(found, self.pool.block, self.pool.at(y))
        return found

    def add(self, cuts: Cuts, y: FloatArray, unit: float = 0.5) -> int:
        """Add the cuts that cut at mandates by more than `unit`; returns how many."""
        fresh = cuts.chosen(cuts.at(y) < self.best(y)[cuts.block] - unit)
        if len(fresh.block):
            pool = self.pool
            self.pool = Cuts(
                np.append(pool.block, fresh.block),
                np.append(pool.constant, fresh.constant),
                csr_array(vstack((pool.weights, fresh.weights))),
            )
        return len(fresh.block)

    def told(self, number: int) -> dict[str, Any]:
        """A cut for the log: theta_block <= constant + weights @ mandates."""
        instance, row = self.problem.offers.instance, self.pool.weights[[number]]
        offers = self.problem.live[row.indices].tolist()
        weights = [[*instance.offer_name(k), w] for k, w in zip(offers, row.data.tolist(), strict=True) if w]
        return {
            "block": int(self.pool.block[number]),
            "constant": float(self.pool.constant[number]),
            "weights": weights,
        }

    def model(self) -> MipModel:
        """The master as it stands."""
        base, pool = self.base, self.pool
        count = len(pool.block)
        theta = coo_array((np.ones(count), (np.arange(count), pool.block)), shape=(count, self.problem.n_blocks))
        rows = csr_array(block_array([[-pool.weights, theta]]))
        rows.eliminate_zeros()
        return replace(
            base,
            row_start=np.append(base.row_start, base.n_entries + rows.indptr[1:].astype(np.int64)),
            row_columns=np.append(base.row_columns, rows.indices.astype(np.int64)),
            row_values=np.append(base.row_values, rows.data),
            row_lower=np.append(base.row_lower, np.full(count, -np.inf)),
            row_upper=np.append(base.row_upper, pool.constant),
        )
