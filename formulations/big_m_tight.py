"""Big-M rows with the least valid M for each offer, minimum cases and share merged into one threshold.

    t_k y_k <= x_k <= U_k y_k
    x_k <= U_k sum_{q in S} y_{h,q}         and likewise for all-clauses

U_k is the least of B_c, K_k and Q_{h,a}, as far as the capacity mode lets them hold.
"""

from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, tight_volumes
from splgbench.rows.links import links_on_volumes
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight as tight_thresholds

big_m_tight = Formulation(
    rows=(tight_volumes, mandates, demand, area_capacity, tight_thresholds, links_on_volumes),
    at_least_as_strong_as=("big_m_literal",),
)
