"""Logic instead of big M: indicator rows, which the solver branches on or linearises itself.

    y_k = 0  =>  x_k <= 0
    y_k = 1  =>  x_k >= t_k
    y_k = 1  =>  sum_{q in S} y_{h,q} >= 1

Its LP relaxation drops the conditional rows, so it is declared stronger than nothing.
"""

from splgbench.capabilities import Capability
from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, tight_volumes
from splgbench.rows.links import indicator_links
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import indicator_thresholds

indicator = Formulation(
    rows=(tight_volumes, mandates, demand, area_capacity, indicator_thresholds, indicator_links),
    needs=frozenset({Capability.INDICATOR}),
)
