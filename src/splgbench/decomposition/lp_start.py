"""First multipliers from the LP relaxation of `strengthened`: the duals of its demand and cell knapsack rows."""

from __future__ import annotations

import numpy as np

from splgbench import registry
from splgbench.backends.highs import pass_model
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.model import FloatArray
from splgbench.solver_libraries import load_highspy


def lp_multipliers(relaxation: HospitalRelaxation, seconds: float | None) -> FloatArray:
    """Duals of the LP as multipliers of the relaxation's rows; the relaxation's own first guess without an answer.

    Parameters
    ----------
    seconds : most the LP may take; None for no limit.
    """
    offers = relaxation.offers
    model = registry.find("formulations", "strengthened").build(offers.instance, "highs").relaxed()
    highspy = load_highspy()
    highs = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
        highs.setOptionValue(name, value)
    if seconds is not None:
        highs.setOptionValue("time_limit", max(0.01, seconds))
    pass_model(highspy, highs, model)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return relaxation.first_multipliers()
    # A maximum: the dual of a row <= is its price, whatever sign the solver gives it.
    dual = np.abs(np.array(highs.getSolution().row_dual))
    found = np.zeros(relaxation.n_rows)
    scale = relaxation.weight_scale()
    for block in model.row_blocks:
        rows = {"demand": relaxation.demand_row, "cell_knapsack": relaxation.count_row}.get(block.family)
        if rows is None or block.keys is None:
            continue
        at = rows[block.keys]
        price = dual[block.start : block.stop]
        if block.family == "cell_knapsack":
            price = price * scale[block.keys]
        found[at[at >= 0]] = price[at >= 0]
    return found
