"""The linked rows on presolved offers, with the cuts that close most of the LP gap.

    offers that cannot stand are gone; U_k is the conditional largest volume          (presolve stage)
    t_k y_k <= x_k <= U_k y_k
    y_k <= sum_{q in S} y_q                                                           (links)
    sum_{k in c} y_k <= floor(B_c / t)                                                (cell knapsack)
    sum_{k of h in a} t_k y_k <= Q_{h,a}                                              (area knapsack)
    sum_{k of h in a, k needs q} x_k <= Q_{h,a} y_q                                   (closure cut)
    sum_{k of h in a, k needs S} x_k <= Q_{h,a} sum_{q in S} y_q                      (shared link cut)

Rows with Q_{h,a} appear in the modes area and both only; closures follow in-house links only. SCIP is better off
without the area knapsacks: it finds what it needs of them itself (docs/formulations.md has the measurement).
"""

from splgbench.formulation import Formulation
from splgbench.rows.closures import closure_cuts, shared_link_cuts
from splgbench.rows.columns import mandates, tight_volumes
from splgbench.rows.knapsacks import area_knapsack, cell_knapsack
from splgbench.rows.links import links_on_mandates
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight

strengthened = Formulation(
    rows=(
        tight_volumes,
        mandates,
        demand,
        area_capacity,
        big_m_tight,
        links_on_mandates,
        cell_knapsack,
        area_knapsack,
        closure_cuts,
        shared_link_cuts,
    ),
    at_least_as_strong_as=("linked",),
    presolved=True,
    left_out={"scip": (area_knapsack,)},
)
