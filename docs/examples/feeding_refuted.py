"""`linked`, and one row a cell: no more mandates than its demand feeds."""

import numpy as np

from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, tight_volumes
from splgbench.rows.links import links_on_mandates
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight


def feeding_rows(model, offers):
    """sum_{k in c} y_k <= floor(B_c / t_c), t_c the largest threshold of the cell."""
    k = np.flatnonzero(offers.live)
    cells, row_of = np.unique(offers.instance.offer_cell[k], return_inverse=True)
    t = np.ones(len(cells), dtype=np.int64)
    np.maximum.at(t, row_of, offers.threshold[k])
    upper = offers.instance.demand[cells] // t
    model.add_sum_rows("feeding", row_of, model.y[k], n_rows=len(cells), upper=upper, of="cell", keys=cells)


feeding = Formulation(
    rows=(tight_volumes, mandates, demand, area_capacity, big_m_tight, links_on_mandates, feeding_rows),
    at_least_as_strong_as=("linked",),
)
