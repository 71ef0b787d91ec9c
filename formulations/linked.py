"""Links on mandates instead of volumes, one row a requirement (disaggregated).

    y_k <= sum_{q in S} y_{h,q}             any-clause S of g
    y_k <= y_{h,q}  for every q in S        all-clause S of g

With x_k <= U_k y_k they imply the links on volumes.
"""

from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, tight_volumes
from splgbench.rows.links import links_on_mandates
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight

linked = Formulation(
    rows=(tight_volumes, mandates, demand, area_capacity, big_m_tight, links_on_mandates),
    at_least_as_strong_as=("big_m_tight",),
)
