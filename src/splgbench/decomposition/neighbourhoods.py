"""Neighbourhoods of an allocation: sets of mandates that are freed while all others stay.

Each kind puts the mandates that may change into an order, by what makes them worth freeing together, and the first
ones are freed. Kinds that go by areas, hospitals or cells take one of them and then what is related to it. Source: Shaw
1998.

With multipliers m of the hospital relaxation (2) the gap of an allocation x falls apart exactly,

    L(m) - u x = sum_i m_i (limit_i - use_i(x))  +  sum_b (v_b(m) - value_b(m, x))                               (10)

into what the rows of every cell waste and what every block of a hospital loses against its best plan. Drawing is
weighted with these losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved
from splgbench.random_bits import raw_bits

FLOOR = 0.1
"""Weight of what loses nothing, as a part of the mean loss."""
AGREED = 0.001
"""Weight of a mandate on which allocation and guide agree, against 1 where they differ."""


class Draws:
    """A stream of random numbers, the same on every machine.

    Parameters
    ----------
    seed : of the solve.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.count = 0

    def uniform(self, n: int) -> FloatArray:
        """Shape (n,), in (0, 1)."""
        self.count += 1
        words = raw_bits(f"neighbourhoods/{self.seed}/{self.count}", n) >> np.uint64(11)
        return (words.astype(np.float64) + 0.5) / 2.0**53

    def race(self, weights: FloatArray) -> FloatArray:
        """Shape (n,), arrival times: the first ones are a weighted sample without replacement; weight 0 never arrives.

        Source: Efraimidis and Spirakis 2006.
        """
        with np.errstate(divide="ignore"):
            return -np.log(self.uniform(len(weights))) / weights


@dataclass(frozen=True)
class Losses:
    """Where the gap of an allocation lies, the parts of (10).

    Parameters
    ----------
    cell : shape (C,), what the cell's rows waste.
    hospital : shape (H,), what the blocks lose in which the hospital has offers.
    """

    cell: FloatArray
    hospital: FloatArray


class Guide:
    """What is known of good allocations besides the best one.

    Parameters
    ----------
    offers : the presolved offers.
    weights : shape (K,), mandates of a fractional solution, or None.
    relaxation, multipliers : the hospital relaxation and multipliers whose bound is good, or None.
    """

    def __init__(
        self,
        offers: Presolved,
        weights: FloatArray | None = None,
        relaxation: HospitalRelaxation | None = None,
        multipliers: FloatArray | None = None,
    ) -> None:
        self.offers = offers
        self.weights = weights
        self.prices: _Prices | None = None
        if relaxation is not None and multipliers is not None:
            self.prices = _Prices(relaxation, multipliers)

    def losses(self, volumes: IntArray) -> Losses:
        """The parts of (10); all the same without multipliers.

        Parameters
        ----------
        volumes : shape (K,), of the allocation.
        """
        if self.prices is None:
            return Losses(np.ones(self.offers.instance.n_cells), np.ones(self.offers.instance.n_hospitals))
        return self.prices.losses(volumes)

    @cached_property
    def cell_ties(self) -> csr_array:
        """Shape (C, C): how many live requirements join two cells."""
        links, cell = self.offers.links, self.offers.instance.offer_cell
        return _meetings(cell[links.offer[links.of_member]], cell[links.member], self.offers.instance.n_cells)

    @cached_property
    def area_ties(self) -> csr_array:
        """Shape (A, A): how many live requirements join two areas."""
        links, instance = self.offers.links, self.offers.instance
        area = instance.group_area[instance.offer_group]
        return _meetings(area[links.offer[links.of_member]], area[links.member], instance.n_areas)

    @cached_property
    def presence(self) -> csr_array:
        """Shape (H, C): live offers of a hospital in cells whose demand can bind."""
        instance = self.offers.instance
        k = np.flatnonzero(self.offers.live & self.offers.binding_cells[instance.offer_cell])
        at = (instance.offer_hospital[k], instance.offer_cell[k])
        return csr_array((np.ones(len(k)), at), shape=(instance.n_hospitals, instance.n_cells))


class _Prices:
    """The relaxation at its multipliers."""

    def __init__(self, relaxation: HospitalRelaxation, multipliers: FloatArray) -> None:
        self.relaxation = relaxation
        self.multipliers = np.maximum(multipliers, 0.0)
        self.gain, self.fee = relaxation.prices(self.multipliers)
        plans = relaxation.evaluate(self.multipliers).plans
        self.block_value = plans.bound
        self.plan: BoolArray = plans.volume > 0

    def losses(self, volumes: IntArray) -> Losses:
        relaxation, instance = self.relaxation, self.relaxation.offers.instance
        row = np.append(self.multipliers * (relaxation.limit - relaxation.use(volumes)), 0.0)
        held, block = np.flatnonzero(volumes), relaxation.partition.block
        worth = (self.gain * volumes - self.fee)[held]
        lost = self.block_value - np.bincount(block[held], worth, minlength=len(self.block_value))
        live = np.flatnonzero(relaxation.offers.live)
        meets = np.unique(np.stack((instance.offer_hospital[live], block[live])), axis=1)
        hospital = np.zeros(instance.n_hospitals)
        np.add.at(hospital, meets[0], lost[meets[1]])
        cell = row[relaxation.demand_row] + row[relaxation.count_row]
        if relaxation.cuts:
            np.add.at(cell, relaxation.cut_cell, row[relaxation.n_own : -1])
        # Where mandates are fixed for better allocations, this one may do without a loss what they may not.
        return Losses(np.maximum(cell, 0.0), np.maximum(hospital, 0.0))


@dataclass(frozen=True)
class View:
    """What a kind sees.

    Parameters
    ----------
    guide : what is known besides the allocation.
    open : shape (K,), mandates that may change at all.
    held : shape (K,), mandates of the allocation.
    losses : of the allocation.
    """

    guide: Guide
    open: BoolArray
    held: BoolArray
    losses: Losses


Kind = Callable[[View, int, Draws], FloatArray]
"""Of a view and a size: shape (K,), when each mandate is freed, the lowest first; infinite where never."""


def freed(kind: Kind, view: View, size: int, draws: Draws) -> BoolArray:
    """Shape (K,): the first `size` mandates that may change in the order of a kind, or all there are."""
    order = np.where(view.open, kind(view, size, draws), np.inf)
    free = np.zeros(len(order), dtype=np.bool_)
    free[np.argsort(order, kind="stable")[:size]] = True
    return free & np.isfinite(order)


def rins(view: View, _size: int, draws: Draws) -> FloatArray:
    """Mandates on which the allocation and the fractional solution differ, then any.

    Source: Danna, Rothberg and Le Pape 2005.
    """
    assert view.guide.weights is not None
    return draws.race(np.abs(view.held - view.guide.weights) + AGREED)


def plans(view: View, _size: int, draws: Draws) -> FloatArray:
    """Mandates on which the allocation and the blocks' best plans differ, then any."""
    assert view.guide.prices is not None
    return draws.race((view.held != view.guide.prices.plan) + AGREED)


def cells(view: View, _size: int, draws: Draws) -> FloatArray:
    """Cells under competition: those whose demand and thresholds are used worst at the bound's prices."""
    instance = view.guide.offers.instance
    return _in_turn(draws.race(_chances(view.losses.cell)), instance.offer_cell, instance.offer_hospital, draws)


def hospitals(view: View, size: int, draws: Draws) -> FloatArray:
    """A hospital that loses much, then those that meet the chosen ones in most cells."""
    instance, presence = view.guide.offers.instance, view.guide.presence

    def ties(h: int) -> FloatArray:
        found: FloatArray = presence @ presence[[h]].toarray()[0]
        return found

    turn = _grown(view, size, instance.offer_hospital, view.losses.hospital, ties, draws)
    return _in_turn(turn, instance.offer_hospital, instance.offer_cell, draws)


def areas(view: View, size: int, draws: Draws) -> FloatArray:
    """An area that loses much, then those most linked with the chosen ones."""
    instance = view.guide.offers.instance
    area = instance.group_area[instance.offer_group]
    loss = np.zeros(instance.n_areas)
    np.add.at(loss, instance.group_area[instance.cell_group], view.losses.cell)
    turn = _grown(view, size, area, loss, _row_of(view.guide.area_ties), draws)
    return _in_turn(turn, area, instance.offer_cell, draws)


def links(view: View, size: int, draws: Draws) -> FloatArray:
    """A cell that loses much, then those whose groups need the chosen ones or are needed by them."""
    instance = view.guide.offers.instance
    turn = _grown(view, size, instance.offer_cell, view.losses.cell, _row_of(view.guide.cell_ties), draws)
    return _in_turn(turn, instance.offer_cell, instance.offer_hospital, draws)


def anything(view: View, _size: int, draws: Draws) -> FloatArray:
    """Any mandates."""
    return draws.uniform(len(view.held))


KINDS: dict[str, Kind] = {
    "rins": rins,
    "plans": plans,
    "cells": cells,
    "hospitals": hospitals,
    "areas": areas,
    "links": links,
    "anything": anything,
}
"""All kinds, the most promising first."""


def usable_kinds(guide: Guide) -> dict[str, Kind]:
    """The kinds for which the guide knows enough."""
    lacking = {"rins"} if guide.weights is None else set()
    lacking |= {"plans"} if guide.prices is None else set()
    return {name: kind for name, kind in KINDS.items() if name not in lacking}


def _meetings(a: IntArray, b: IntArray, n: int) -> csr_array:
    """How often two labels meet, symmetric."""
    return csr_array((np.ones(2 * len(a)), (np.append(a, b), np.append(b, a))), shape=(n, n))


def _row_of(ties: csr_array) -> Callable[[int], FloatArray]:
    return lambda label: ties[[label]].toarray()[0]


def _chances(loss: FloatArray) -> FloatArray:
    """Weights of a draw by loss; nothing is left out."""
    loss = np.maximum(loss, 0.0)
    floor = FLOOR * float(loss.mean()) if len(loss) else 0.0
    return loss + floor if floor > 0 else np.ones(len(loss))


def _grown(
    view: View, size: int, label: IntArray, loss: FloatArray, ties: Callable[[int], FloatArray], draws: Draws
) -> FloatArray:
    """Labels drawn one by one, by their losses and their ties to those drawn before, until `size` mandates are theirs.

    Parameters
    ----------
    label : shape (K,).
    loss : by label.
    ties : of a label, to every label.

    Returns
    -------
    FloatArray
        by label, its turn; infinite where it has none.
    """
    mandates = np.bincount(label[view.open], minlength=len(loss))
    chances = np.where(mandates > 0, _chances(loss), 0.0)
    turn = np.full(len(loss), np.inf)
    tied = np.zeros(len(loss))
    count = 0
    while count < size and chances.any():
        tied_chances = chances * tied
        drawn = int(np.argmin(draws.race(tied_chances if tied_chances.any() else chances)))
        turn[drawn] = np.isfinite(turn).sum()
        chances[drawn] = 0.0
        count += int(mandates[drawn])
        tied += ties(drawn)
    return turn


def _in_turn(turn: FloatArray, label: IntArray, part: IntArray, draws: Draws) -> FloatArray:
    """Shape (K,): offers by the turn of their label, and within it by a random order of their parts.

    Parameters
    ----------
    turn : by label, infinite where never.
    label, part : shape (K,).
    """
    n_parts = int(part.max(initial=0)) + 1
    place = _places(turn)[label] * n_parts + _places(draws.uniform(n_parts))[part]
    return np.where(np.isfinite(turn)[label], place, np.inf)


def _places(keys: FloatArray) -> FloatArray:
    """The place of each key when they are sorted."""
    return np.argsort(np.argsort(keys, kind="stable"), kind="stable").astype(np.float64)
