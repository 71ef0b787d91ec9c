"""The source's row shapes: one global M, minimum cases and share as two rows, links on volumes.

    x_k <= M y_k                            M = max B
    m_g y_k <= x_k,  ceil(v_g B_c) y_k <= x_k
    x_k <= M sum_{q in S} y_{h,q}           any-clause S of g
    x_k <= M y_{h,q}  for every q in S      all-clause S of g

Source: Basel hospital planning model, box on the constraints of distributing the needed volumes; M is not
given there. The weakest formulation, kept as the baseline.
"""

from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, volumes
from splgbench.rows.links import links_on_volumes_global
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_global

big_m_literal = Formulation(
    rows=(volumes, mandates, demand, area_capacity, big_m_global, links_on_volumes_global),
)
