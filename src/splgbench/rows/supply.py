"""Rows of the transportation network: demand of cells and capacity of hospital-areas."""

from __future__ import annotations

import numpy as np

from splgbench.model import ModelBuilder
from splgbench.offers import Offers


def demand(model: ModelBuilder, offers: Offers) -> None:
    """(demand): sum of x_k over the cell <= B_c, for every cell with live offers."""
    k = np.flatnonzero(offers.live)
    cells, row_of = np.unique(offers.instance.offer_cell[k], return_inverse=True)
    model.add_sum_rows(
        "demand", row_of, model.x[k], n_rows=len(cells), upper=offers.instance.demand[cells], of="cell", keys=cells
    )


def area_capacity(model: ModelBuilder, offers: Offers) -> None:
    """(capacity), modes area and both: sum of x_k over the hospital's area <= Q_{h,a}."""
    if not offers.instance.limits_areas:
        return
    k = np.flatnonzero(offers.live)
    held, row_of = np.unique(offers.pairs.of_offer[k], return_inverse=True)
    model.add_sum_rows(
        "area_capacity",
        row_of,
        model.x[k],
        n_rows=len(held),
        upper=offers.pairs.capacity[held],
        of="pair",
        keys=held,
    )
