"""Pyomo.GDP's disjunctive model after its hull transformation: each disjunct gets its own copy of the volume.

    x_k = v_k + w_k,   t_k y_k <= v_k <= U_k y_k,   0 <= w_k <= U_k z_k,   w_k <= 0,   y_k + z_k = 1

The hull of one disjunction never leaves more room than its big-M rows. Here it leaves the same: with one volume
in a disjunction both are t_k y_k <= x_k <= U_k y_k. Derived from the instance independently of the row families.
"""

from splgbench.gdp import DisjunctiveFormulation

gdp_hull = DisjunctiveFormulation("gdp.hull", at_least_as_strong_as=("gdp_bigm",))
