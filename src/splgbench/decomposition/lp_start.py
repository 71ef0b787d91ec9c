"""First multipliers from the LP relaxation of a formulation: the duals of the rows that are priced out."""

from __future__ import annotations

from typing import Any

import numpy as np

from splgbench import registry
from splgbench.backends.highs import pass_model
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.model import FloatArray, MipModel
from splgbench.solver_libraries import load_highspy


def lp_multipliers(relaxation: HospitalRelaxation, seconds: float | None) -> FloatArray:
    """Duals of the LP of `strengthened` as multipliers of the relaxation's demand and cardinality rows.

    Without an answer they are the relaxation's own first guess.

    Parameters
    ----------
    seconds : most the LP may take; None for no limit.
    """
    offers = relaxation.offers
    model = registry.find("formulations", "strengthened").build(offers.instance, "highs")
    dual = row_prices(model, seconds)
    if dual is None:
        return relaxation.first_multipliers()
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


def row_prices(model: MipModel, seconds: float | None) -> FloatArray | None:
    """Absolute duals of all rows of a model's LP relaxation, by HiGHS; None without an answer in time.

    Parameters
    ----------
    seconds : most the LP may take; None for no limit.
    """
    # A maximum: the dual of a row <= is its price, whatever sign the solver gives it.
    solution = _relaxation(model, seconds)
    return None if solution is None else np.abs(np.array(solution.row_dual, dtype=np.float64))


def column_prices(model: MipModel, seconds: float | None) -> FloatArray | None:
    """As `row_prices`, of all columns: how fast the optimum moves with the bound that a column lies at."""
    solution = _relaxation(model, seconds)
    return None if solution is None else np.abs(np.array(solution.col_dual, dtype=np.float64))


def _relaxation(model: MipModel, seconds: float | None) -> Any:
    """HiGHS's solution of a model's LP relaxation; None without one in time."""
    highspy = load_highspy()
    highs = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
        highs.setOptionValue(name, value)
    if seconds is not None:
        highs.setOptionValue("time_limit", max(0.01, seconds))
    pass_model(highspy, highs, model.relaxed())
    highs.run()
    return highs.getSolution() if highs.getModelStatus() == highspy.HighsModelStatus.kOptimal else None
