"""Fenchel cuts of a cell: what the hull of its allocations says and the LP of its rows does not.

    P_c = { (x, y) : x_k = 0 and y_k = 0, or t_k <= x_k <= U_k and y_k = 1;  sum_{k in c} x_k <= B_c }           (15)

is what is left of a cell without links and area capacities: a node that hospitals flow into, with thresholds. A point
is separated from the hull of P_c by the largest violation over all cuts with coefficients in a box,

    max  a x + b y - d    s.t.  a x' + b y' <= d  for all (x', y') in P_c,   |a_k| <= 1,  |b_k| <= U_k             (16)

by cutting planes: the points of P_c come from a dynamic program over cases, exact in integers, that also proves d. Cuts
have one price each and so change gains and fees of offers only: pricing stays what it is. With them the bound of
column generation is that of the hulls of hospitals and cells together.

Source: Boyd 1994 (Fenchel cutting planes); Padberg, Van Roy and Wolsey 1985 (the polytope, without thresholds).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

from splgbench.backends.highs import run_serially, serial_highs
from splgbench.decomposition.relaxation import Cut, HospitalRelaxation
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray
from splgbench.solver_libraries import load_highspy

UNIT = 1 << 20
"""Coefficients of cuts are whole multiples of 1 / UNIT."""
LARGEST = 500_000
"""Most steps of one dynamic program, offers times cases; a cell that needs more has no cuts."""
ROUNDS = 60
"""Most points of a cell for one cut."""
LEAST = 2e-4
"""Least violation of a cut, as a part of the cell's demand."""
DEEP = 0.9
"""Part of the largest violation that a cut has to have."""
WHOLE = 1e-6
NOTHING = -(1 << 61)
"""Stands for the value of what does not exist."""


@njit(cache=True)
def best_point(t, high, must, demand, gain, reward, cases):  # type: ignore[no-untyped-def]
    """The best point of (15) by dynamic programming over cases; returns its value, `NOTHING` if there is none.

    Parameters
    ----------
    t, high : shape (n,), least and largest volume of a mandate; 1 <= t <= high.
    must : shape (n,), mandates that have to be held.
    demand : B_c.
    gain, reward : shape (n,), whole worth of a case and of a mandate.
    cases : shape (n,), receives x.
    """
    n = len(t)
    value = np.zeros((n + 1, demand + 1), dtype=np.int64)
    took = np.zeros((n, demand + 1), dtype=np.int64)
    queue = np.zeros(demand + 1, dtype=np.int64)
    for j in range(n):
        # The best room left to the offers before: the largest of value - gain * room within t to high below b.
        first, last = 0, 0
        before, a = value[j], gain[j]
        for b in range(demand + 1):
            value[j + 1, b] = NOTHING if must[j] else before[b]
            new = b - t[j]
            if new < 0:
                continue
            worth = before[new] - a * new
            while last > first and before[queue[last - 1]] - a * queue[last - 1] <= worth:
                last -= 1
            queue[last] = new
            last += 1
            while queue[first] < b - high[j]:
                first += 1
            room = queue[first]
            worth = before[room] + a * (b - room) + reward[j]
            if before[room] > NOTHING / 2 and worth > value[j + 1, b]:
                value[j + 1, b] = worth
                took[j, b] = b - room
    b = demand
    for j in range(n - 1, -1, -1):
        cases[j] = took[j, b]
        b -= took[j, b]
    return value[n, demand]


@dataclass
class _Cell:
    """A cell's offers, and the LP of (16) with the points known so far as its rows.

    Parameters
    ----------
    offers : its live offers.
    t, high : their least and largest volumes.
    must : which have to hold a mandate.
    demand : B_c.
    points : volumes of known points; none at all where (15) is empty.
    """

    offers: IntArray
    t: IntArray
    high: IntArray
    must: BoolArray
    demand: int
    points: list[IntArray]
    lp: Any = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.offers)
        self.lp = serial_highs(load_highspy(), presolve="off")
        box, unbounded = np.ones(2 * n), np.array([np.inf])
        none = np.zeros(2 * n + 1, dtype=np.int32)
        lower, upper = np.concatenate((-box, -unbounded)), np.concatenate((box, unbounded))
        self.lp.addCols(2 * n + 1, np.zeros(2 * n + 1), lower, upper, 0, none, none[:0], np.zeros(0))
        if not self.points:
            point, free = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
            if best_point(self.t, self.high, self.must, self.demand, free, free, point) < 0:
                return
            self.points.append(point)
        for point in self.points:
            self._row(point)

    def _row(self, cases: IntArray) -> None:
        """The row a x' + b y' <= d of a point; b in units of U."""
        row = np.concatenate((cases, self.high * (cases > 0), [-1])).astype(np.float64)
        at = np.flatnonzero(row)
        self.lp.addRow(-np.inf, 0.0, len(at), at.astype(np.int32), row[at])

    def cut(self, x: FloatArray, y: FloatArray) -> Cut | None:
        """A cut of the box that is violated by nearly as much as any; None where none is violated enough.

        Parameters
        ----------
        x, y : shape (n,), volumes and mandates of the cell's offers.
        """
        n = len(self.offers)
        if not self.points:
            return None
        cost = np.concatenate((-x, -self.high * y, [1.0]))
        self.lp.changeColsCost(2 * n + 1, np.arange(2 * n + 1, dtype=np.int32), cost)
        cases = np.zeros(n, dtype=np.int64)
        for _ in range(ROUNDS):
            run_serially(self.lp)
            told = np.array(self.lp.getSolution().col_value)
            gain = np.rint(UNIT * told[:n]).astype(np.int64)
            reward = np.rint(UNIT * told[n : 2 * n] * self.high).astype(np.int64)
            worth = (gain @ x + reward @ y) / UNIT
            most = worth - told[-1]
            if most < LEAST * self.demand:
                return None
            limit = int(best_point(self.t, self.high, self.must, self.demand, gain, reward, cases))
            if worth - limit / UNIT >= DEEP * most:
                break
            self.points.append(cases.copy())
            self._row(cases)
        else:
            return None
        return Cut(self.offers, gain / UNIT, reward / UNIT, limit / UNIT)


class CellHull:
    """Cuts for the cells of a relaxation whose demand can bind, as far as its pricer's fixings go.

    Parameters
    ----------
    relaxation : its offers, their volumes, and what is fixed.
    """

    def __init__(self, relaxation: HospitalRelaxation) -> None:
        offers = relaxation.offers
        self.offers, self.pricer = offers, relaxation.pricer
        live = np.flatnonzero(offers.live & offers.binding_cells[offers.instance.offer_cell])
        live = live[np.argsort(offers.instance.offer_cell[live], kind="stable")]
        self.numbers, start = np.unique(offers.instance.offer_cell[live], return_index=True)
        self.members = np.split(live, start[1:])
        self.cells: dict[int, _Cell] = {}

    def separate(self, x: FloatArray, y: FloatArray, check: Callable[[], None] = lambda: None) -> list[Cut]:
        """A cut for every cell whose hull a point violates.

        Parameters
        ----------
        x, y : shape (K,), volumes and mandates.
        check : called before every cell; may end it all by raising.
        """
        found = []
        for number, k in zip(self.numbers.tolist(), self.members, strict=True):
            check()
            split = (y[k] > WHOLE) & (y[k] < 1 - WHOLE)
            steps = len(k) * int(self.offers.instance.demand[number])
            if split.any() and steps <= LARGEST and self.pricer.structure.t[k].min() > 0:
                cell = self._cell(number, k)
                cut = cell.cut(x[cell.offers], y[cell.offers])
                found += [] if cut is None else [cut]
        return found

    def _cell(self, number: int, members: IntArray) -> _Cell:
        """The cell as it is with what is fixed by now."""
        state = self.pricer.state[members]
        offers, must = members[state >= 0], state[state >= 0] > 0
        known = self.cells.get(number)
        if known is not None and len(known.offers) == len(offers) and (known.must == must).all():
            return known
        points = [np.zeros(len(offers), dtype=np.int64)]
        if known is not None:
            stays = np.isin(known.offers, offers)
            points = [point[stays] for point in known.points if not point[~stays].any()]
        demand, structure = int(self.offers.instance.demand[number]), self.pricer.structure
        high = np.minimum(structure.high[offers], demand)
        held = [point for point in points if (point[must] > 0).all()]
        self.cells[number] = _Cell(offers, structure.t[offers], high, must, demand, held)
        return self.cells[number]
