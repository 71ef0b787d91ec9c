"""The Lagrangian relaxation by area: rows that join areas priced out, every block solved as a MILP by a backend.

    v_b(m) = max { sum_{j in b} (c_j - sum_r m_r a_rj) z_j : z keeps the rows within block b }                      (1)
    L(m)   = sum_r m_r d_r + sum_b v_b(m)  >=  optimum                                                               (2)

for rows sum_j a_rj z_j <= d_r that join areas and m >= 0. Prices are multiples of 1 / scale, so every v_b is one, too,
and the bounds add up without rounding. v_b counts with the least of what is proved of it at these very prices:

- the solver's dual bound, rounded down to a multiple of 1 / scale;
- what its columns could be worth, each alone;
- its last bound, shifted: v_b(m') <= v_b(m) + sum_j max over z_j of (c'_j - c_j) z_j. A bound at other prices is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np

from splgbench.decomposition.blocks import BlockModel
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.subproblems import Answer, Subproblems, trivial_bound
from splgbench.errors import InfeasibleError
from splgbench.instance import BoolArray
from splgbench.model import FloatArray

FINEST = 10
"""Largest power of two by which whole utilities are divided for prices."""
LARGEST_VALUE = 1e7
"""Values up to which prices are finer than utilities."""


@dataclass(frozen=True)
class AreaEvaluation:
    """The relaxation at some prices.

    Parameters
    ----------
    bound : L, an upper bound on the optimum.
    slack : shape (n_rows,), limits minus what the plans use: a subgradient where all blocks are closed.
    mandates : shape (K,), the plans of all blocks side by side.
    closed : whether L is the sum of the values of the plans.
    """

    bound: float
    slack: FloatArray
    mandates: BoolArray
    closed: bool


@dataclass
class _Known:
    """The last bound of a block, the objective it holds for, and the best plan."""

    objective: FloatArray
    bound: float
    values: FloatArray
    closed: bool


class AreaRelaxation:
    """Evaluates (2).

    Parameters
    ----------
    loop : gives time and the stop; its best bound decides how fine prices are.
    cut : the model as blocks.
    subproblems : solves them.

    Attributes
    ----------
    n_rows : rows that are priced out.
    unit : shape (n_rows,), cases that one unit of a row stands for.
    scale : prices are multiples of 1 / scale.
    """

    def __init__(self, loop: Loop, cut: BlockModel, subproblems: Subproblems) -> None:
        self.loop = loop
        self.cut = cut
        self.subproblems = subproblems
        self.n_rows = len(cut.limit)
        self.unit = _units(cut)
        worth = max(1.0, trivial_bound(cut.model, cut.model.objective))
        self.scale = 2.0 ** int(np.clip(np.floor(np.log2(LARGEST_VALUE / worth)), 0, FINEST))
        self.known: list[_Known | None] = [None] * len(cut.blocks)

    def on_grid(self, prices: FloatArray) -> FloatArray:
        """The nearest prices that `evaluate` takes."""
        return np.rint(np.maximum(prices, 0.0) * self.scale) / self.scale

    def told(self, bound: float, prices: FloatArray) -> dict[str, object]:
        """The relaxation at some prices for the log: rows by family and number in the formulation's model."""
        rows = self.cut.coupling_rows
        named: list[list[object]] = []
        for block in self.cut.model.row_blocks:
            for at in np.flatnonzero((prices > 0) & (rows >= block.start) & (rows < block.stop)).tolist():
                named.append([block.family, str(int(rows[at])), "", float(prices[at])])
        return {"bound": bound, "prices": named}

    def evaluate(
        self,
        prices: FloatArray,
        gap: float = 0.0,
        seconds: float | None = None,
        on_bound: Callable[[float], None] | None = None,
    ) -> AreaEvaluation:
        """L at prices, and the plans.

        Parameters
        ----------
        prices : shape (n_rows,), as `on_grid` gives them.
        gap : relative gap at which a block may stay open.
        seconds : most that all blocks together may take; blocks left over count with what is known of them.
        on_bound : told of L as it falls, with the LP relaxations of the blocks that are not solved yet.

        Raises
        ------
        InfeasibleError
            A block has no plan.
        """
        whole = self.scale * (self.cut.model.objective - self.cut.coupling.T @ prices)
        ends = None if seconds is None else time.perf_counter() + seconds
        constant = float(prices @ self.cut.limit)
        relaxed: list[Answer | None] = [None] * len(self.cut.blocks)
        if on_bound is not None:
            relaxed = [self._relaxed(b, whole[block.columns], ends) for b, block in enumerate(self.cut.blocks)]
        ahead = sum(answer.bound for answer in relaxed if answer is not None)
        threads = self.subproblems.side_by_side

        def value(b: int) -> float:
            share = None
            if ends is not None:
                # Twice an even share: most blocks need less than theirs.
                share = max(0.0, 2 * threads * (ends - time.perf_counter()) / (len(self.cut.blocks) - b))
            return self._value(b, whole[self.cut.blocks[b].columns], gap, share, relaxed[b])

        # Values are whole: their sum does not depend on the order.
        total, numbers = 0.0, range(len(self.cut.blocks))
        with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
            bounds = map(value, numbers) if pool is None else pool.map(value, numbers)
            for found, first in zip(bounds, relaxed, strict=True):
                total += found
                if first is not None and on_bound is not None:
                    ahead -= first.bound
                    on_bound((total + ahead) / self.scale + constant)
        values = np.zeros(self.cut.model.n_columns)
        plans: list[FloatArray | None] = []
        for block, known in zip(self.cut.blocks, self.known, strict=True):
            assert known is not None
            values[block.columns] = known.values
            plans.append(known.values)
        slack = self.cut.limit - self.cut.coupling @ values
        bound = total / self.scale + constant
        return AreaEvaluation(
            bound, slack, self.cut.mandates(plans), all(known is not None and known.closed for known in self.known)
        )

    def _relaxed(self, b: int, objective: FloatArray, ends: float | None) -> Answer:
        """The LP relaxation of (1), or what is known of it."""
        known = self.known[b]
        if known is not None and np.array_equal(known.objective, objective):
            return Answer(known.bound, known.values, known.closed)
        seconds = None if ends is None else max(0.0, ends - time.perf_counter())
        return self.subproblems.relax(replace(self.cut.blocks[b].model, objective=objective), seconds)

    def _value(
        self, b: int, objective: FloatArray, gap: float, seconds: float | None, relaxed: Answer | None = None
    ) -> float:
        """The best bound on (1), times the scale."""
        block, known = self.cut.blocks[b], self.known[b]
        if known is not None and known.closed and np.array_equal(known.objective, objective):
            return known.bound
        model = replace(block.model, objective=objective)
        bound = trivial_bound(model, objective)
        values = np.zeros(model.n_columns) if known is None else known.values
        if known is not None:
            bound = min(bound, known.bound + trivial_bound(model, objective - known.objective))
        closed = False
        if relaxed is not None:
            bound = min(bound, relaxed.bound)
        if seconds is None or seconds > 0:
            answer = self.subproblems.solve(model, gap, seconds, known=relaxed)
            if answer.bound == -np.inf:
                raise InfeasibleError("the rules within an area cannot all hold")
            bound, closed = min(bound, answer.bound), answer.closed
            values = values if answer.values is None else answer.values
        self.known[b] = _Known(objective, bound, values, closed)
        return bound


def _units(cut: BlockModel) -> FloatArray:
    """Cases of a unit of each row: 1 where it counts cases, else the largest volume of the offer that needs."""
    model = cut.model
    entries = cut.coupling.tocoo()
    counts_cases = np.zeros(len(cut.limit), dtype=np.bool_)
    is_volume = np.zeros(model.n_columns, dtype=np.bool_)
    is_volume[model.volume_column[model.volume_column >= 0]] = True
    counts_cases[entries.row[is_volume[entries.col]]] = True
    largest = np.ones(model.n_columns)
    both = (model.volume_column >= 0) & (model.mandate_column >= 0)
    largest[model.mandate_column[both]] = model.upper[model.volume_column[both]]
    unit = np.ones(len(cut.limit))
    needs = (entries.data > 0) & ~counts_cases[entries.row]
    np.maximum.at(unit, entries.row[needs], largest[entries.col[needs]])
    return unit
