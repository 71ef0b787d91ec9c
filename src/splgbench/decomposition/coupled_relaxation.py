"""The Lagrangian relaxation of extensions: their rows priced out, what is left is the plain model in its components.

With rows sum_j a_rj z_j + sum_e b_re s_e <= d_r of the extensions over columns z of the plain model and columns
0 <= s_e <= S_e of their own, and multipliers m >= 0,

    v_b(m) = max { sum_{j in b} (c_j - sum_r m_r a_rj) z_j : z keeps the plain rows within block b }                (1)
    L(m)   = sum_r m_r d_r + sum_b v_b(m) + sum_e S_e max(0, - sum_r m_r b_re)  >=  optimum                         (2)

Multipliers are what floating point can hold, so sum_r m_r d_r is taken exactly, in fractions, and rounded up once.
v_b counts with the solver's dual bound of the MILP, never with its incumbent, and with what its columns could be
worth, each alone; both carry an allowance for rounding. L bounds the optimum under other limits d', too: L + m (d' -
d)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array, vstack

from splgbench.coupling import UNLIMITED
from splgbench.decomposition.blocks import BlockModel
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.subproblems import Subproblems
from splgbench.errors import InfeasibleError, UnsupportedError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.model import FloatArray

ROUNDING = 2.0**-40
"""Relative allowance for prices that are subtracted from utilities in floating point."""


@dataclass(frozen=True)
class CoupledRows:
    """The rows of all extensions over columns of a plain model, all of them <=.

    Parameters
    ----------
    matrix : shape (rows, columns of the plain model).
    own : shape (rows, own columns).
    own_upper : shape (own columns,), S; lower bounds are 0.
    limit : shape (rows,), d, whole.
    scale : shape (rows,), what a row of the model of `splgbench.coupling.build_model` is of this one.
    family : shape (rows,), the extension of each row.
    """

    matrix: csr_array
    own: csr_array
    own_upper: IntArray
    limit: IntArray
    scale: FloatArray
    family: tuple[str, ...]


def coupled_rows(instance: Instance, cut: BlockModel) -> CoupledRows:
    """The rows of an instance's extensions over a plain model's columns.

    Raises
    ------
    UnsupportedError
        An extension pays, has rows with a lower limit, or own columns with another lower bound than 0.
    """
    model = cut.model
    n_offers = len(model.volume_column)
    matrices, owns, uppers, limits, scales = [], [], [], [], []
    families: list[str] = []
    column_of = np.concatenate((model.volume_column, model.mandate_column))
    for name, extension in instance.extensions.items():
        rows = extension.rows()
        if extension.pays or rows.own_worth.any() or rows.own_lower.any() or (rows.lower > -UNLIMITED).any():
            raise UnsupportedError(f"only rows that limit can be priced out, and {name} has others")
        n_rows = len(rows.texts)
        plain = rows.column < 2 * n_offers
        columns = column_of[rows.column[plain]]
        there = columns >= 0
        size = (n_rows, model.n_columns)
        matrices.append(coo_array((rows.value[plain][there], (rows.row[plain][there], columns[there])), shape=size))
        own = (rows.row[~plain], rows.column[~plain] - 2 * n_offers)
        owns.append(coo_array((rows.value[~plain], own), shape=(n_rows, len(rows.own_upper))))
        uppers.append(rows.own_upper)
        limits.append(rows.upper)
        scales.append(2.0**-rows.row_shift)
        families += [name] * n_rows
    return CoupledRows(
        csr_array(vstack(matrices).astype(np.float64)),
        csr_array(block_diag(owns).astype(np.float64)),
        np.concatenate(uppers),
        np.concatenate(limits),
        np.concatenate(scales),
        tuple(families),
    )


@dataclass(frozen=True)
class CoupledEvaluation:
    """The relaxation at some multipliers.

    Parameters
    ----------
    bound : L, an upper bound on the optimum.
    slack : shape (n_rows,), limits minus what the plans use: a subgradient where all blocks are closed.
    mandates, volumes : shape (K,), the plans of all blocks side by side.
    """

    bound: float
    slack: FloatArray
    mandates: BoolArray
    volumes: IntArray


class CoupledRelaxation:
    """Evaluates (2).

    Parameters
    ----------
    loop : gives time and the stop.
    cut : the plain model as blocks that no plain row joins.
    subproblems : solves the blocks.

    Attributes
    ----------
    n_rows : rows that are priced out.
    unit : shape (n_rows,), so that multipliers times units are of one size: cases for a typical coefficient.
    """

    def __init__(self, loop: Loop, cut: BlockModel, subproblems: Subproblems) -> None:
        self.loop, self.cut, self.subproblems = loop, cut, subproblems
        self.rows = coupled_rows(loop.instance, cut)
        self.n_rows = len(self.rows.limit)
        count = np.maximum(1, np.diff(self.rows.matrix.indptr))
        self.unit = 1.0 / np.maximum(1.0, np.asarray(abs(self.rows.matrix).sum(axis=1)).ravel() / count)
        self.known: list[FloatArray | None] = [None] * len(cut.blocks)

    def evaluate(self, multipliers: FloatArray, gap: float, seconds: float | None) -> CoupledEvaluation:
        """L, and the plans.

        Parameters
        ----------
        multipliers : shape (n_rows,); negative ones count as 0.
        gap : relative gap at which a block may stay open.
        seconds : most that all blocks together may take; a block left over counts with what its columns are worth.

        Raises
        ------
        InfeasibleError
            A block has no plan.
        """
        prices = np.maximum(multipliers, 0.0)
        model = self.cut.model
        objective = self.priced(prices)
        moved = model.objective + abs(self.rows.matrix).T @ prices
        ends = None if seconds is None else time.perf_counter() + seconds
        blocks, threads = self.cut.blocks, self.subproblems.side_by_side

        def value(b: int) -> float:
            share = None
            if ends is not None:
                # Twice an even share: most blocks need less than theirs.
                share = max(0.0, 2 * threads * (ends - time.perf_counter()) / (len(blocks) - b))
            columns = blocks[b].columns
            answer = self.subproblems.bounded(replace(blocks[b].model, objective=objective[columns]), gap, share)
            if answer.bound == -np.inf:
                raise InfeasibleError("the plain rules cannot all hold")
            if answer.values is not None:
                self.known[b] = answer.values
            return answer.bound + ROUNDING * float(moved[columns] @ np.abs(blocks[b].model.upper))

        with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
            numbers = range(len(blocks))
            values = list(map(value, numbers) if pool is None else pool.map(value, numbers))
        own_price = self.own_price(prices)
        bound = float(np.nextafter(float(self.total(prices, values, own_price)), np.inf))
        return CoupledEvaluation(bound, *self._plans(np.where(own_price > 0, self.rows.own_upper, 0)))

    def priced(self, prices: FloatArray) -> FloatArray:
        """What the columns of the plain model are worth at prices, shape (n,): c_j - sum_r m_r a_rj."""
        worth: FloatArray = self.cut.model.objective - self.rows.matrix.T @ prices
        return worth

    def own_price(self, prices: FloatArray) -> FloatArray:
        """What a unit of the extensions' own columns is worth, shape (own columns,): - sum_r m_r b_re."""
        worth: FloatArray = -(self.rows.own.T @ prices)
        return worth

    def total(self, prices: FloatArray, values: list[float], own_price: FloatArray) -> Fraction:
        """The sum of (2) over the bounds of the blocks."""
        found = Fraction(0)
        for price, limit in zip(prices.tolist(), self.rows.limit.tolist(), strict=True):
            found += Fraction(price) * limit
        for part in (*values, *(np.maximum(own_price, 0.0) * self.rows.own_upper * (1 + ROUNDING)).tolist()):
            found += Fraction(part)
        return found

    def _plans(self, own_values: FloatArray) -> tuple[FloatArray, BoolArray, IntArray]:
        """Slack, mandates and volumes of the blocks' best plans."""
        values = np.zeros(self.cut.model.n_columns)
        for block, known in zip(self.cut.blocks, self.known, strict=True):
            if known is not None:
                values[block.columns] = known
        slack = self.rows.limit - self.rows.matrix @ values - self.rows.own @ own_values
        model = self.cut.model
        return slack, model.mandates(values), model.volumes(values)

    def named(self, multipliers: FloatArray) -> Mapping[str, list[tuple[tuple[str, str], float]]]:
        """Multipliers that are not 0, by extension and number of the row."""
        found: dict[str, list[tuple[tuple[str, str], float]]] = {}
        first = {name: self.rows.family.index(name) for name in dict.fromkeys(self.rows.family)}
        for r in np.flatnonzero(multipliers > 0).tolist():
            name = self.rows.family[r]
            found.setdefault(name, []).append(((str(r - first[name]), ""), float(multipliers[r])))
        return found
