"""Pyomo.GDP's disjunctive model after its big-M transformation.

    [ Y_k:  t_k <= x_k ]  or  [ not Y_k:  x_k <= 0 ],  Y_k => or_{q in S} Y_q

becomes

    t_k y_k <= x_k,   x_k <= U_k (1 - z_k),   y_k + z_k = 1
    y_k <= w,   w <= sum_{q in S} y_q         (w: Pyomo's auxiliary binary of the "or")

with the M that follows from 0 <= x_k <= U_k: the LP is the one of `linked`, reached on another way. Derived from
the instance independently of the row families (`splgbench.gdp`).
"""

from splgbench.gdp import DisjunctiveFormulation

gdp_bigm = DisjunctiveFormulation("gdp.bigm", at_least_as_strong_as=("linked",))
