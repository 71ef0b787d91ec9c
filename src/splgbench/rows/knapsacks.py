"""Knapsack rows over mandates: implied by the thresholds, but not by the LP relaxation."""

from __future__ import annotations

import numpy as np

from splgbench.model import ModelBuilder
from splgbench.offers import Offers


def cell_knapsack(model: ModelBuilder, offers: Offers) -> None:
    """sum of y_k over the cell <= floor(B_c / t) where all thresholds are t, else sum of t_k y_k <= B_c."""
    instance = offers.instance
    k = np.flatnonzero(offers.live)
    cells, row_of = np.unique(instance.offer_cell[k], return_inverse=True)
    t = offers.threshold[k]
    least = np.full(len(cells), np.iinfo(np.int64).max)
    most = np.zeros(len(cells), dtype=np.int64)
    total = np.zeros(len(cells), dtype=np.int64)
    np.minimum.at(least, row_of, t)
    np.maximum.at(most, row_of, t)
    np.add.at(total, row_of, t)
    demand = instance.demand[cells]
    equal = least == most
    weight = np.where(equal[row_of], 1, t)
    limit = np.where(equal, demand // np.maximum(least, 1), demand)
    bites = total > demand
    _add(model, "cell_knapsack", k, row_of, weight, limit, bites, cells, "cell")


def area_knapsack(model: ModelBuilder, offers: Offers) -> None:
    """sum of t_k y_k over the hospital's area <= Q_{h,a} (modes area and both)."""
    if not offers.instance.limits_areas:
        return
    k = np.flatnonzero(offers.live)
    held, row_of = np.unique(offers.pairs.of_offer[k], return_inverse=True)
    t = offers.threshold[k]
    total = np.zeros(len(held), dtype=np.int64)
    np.add.at(total, row_of, t)
    limit = offers.pairs.capacity[held]
    _add(model, "area_knapsack", k, row_of, t, limit, total > limit, held, "pair")


def _add(  # type: ignore[no-untyped-def]
    model: ModelBuilder, family: str, k, row_of, weight, limit, bites, keys, of
) -> None:
    """Only rows that can bite are worth their place."""
    number = np.cumsum(bites) - 1
    kept = bites[row_of]
    model.add_sum_rows(
        family,
        number[row_of[kept]],
        model.y[k[kept]],
        weight[kept],
        n_rows=int(bites.sum()),
        upper=limit[bites],
        of=of,
        keys=keys[bites],
    )
