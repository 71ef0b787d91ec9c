"""Native semicontinuous volumes; mandates exist only for offers that links name.

    x_k = 0  or  t_k <= x_k <= U_k
    t_q y_q <= x_q                          q a member of some requirement
    x_k <= U_k sum_{q in S} y_{h,q}

An offer that needs others but is needed by none has no mandate column at all.
"""

from splgbench.capabilities import Capability
from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates_that_links_need, semicontinuous_volumes
from splgbench.rows.links import links_on_volumes
from splgbench.rows.supply import area_capacity, demand

semicontinuous = Formulation(
    rows=(semicontinuous_volumes, mandates_that_links_need, demand, area_capacity, links_on_volumes),
    needs=frozenset({Capability.SEMICONTINUOUS}),
)
