"""First multipliers from the LP relaxation of a formulation: the duals of the rows that are priced out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from splgbench import registry
from splgbench.backends.highs import pass_model, run_serially, serial_highs
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.model import FloatArray, MipModel
from splgbench.solver_libraries import load_highspy


@dataclass(frozen=True)
class LpStart:
    """What the LP relaxation of `strengthened` says.

    Parameters
    ----------
    multipliers : shape (n_rows,), of the relaxation's rows; without an answer its own first guess.
    weights : shape (K,), mandates of the solution; None without an answer.
    prices : shape (rows of the model,), absolute duals; None without an answer.
    """

    multipliers: FloatArray
    weights: FloatArray | None
    prices: FloatArray | None


def lp_multipliers(relaxation: HospitalRelaxation, seconds: float | None) -> FloatArray:
    """`lp_start`'s multipliers, of a model built for them."""
    model = registry.find("formulations", "strengthened").build(relaxation.offers.instance, "highs")
    return lp_start(relaxation, model, seconds).multipliers


def lp_start(relaxation: HospitalRelaxation, model: MipModel, seconds: float | None) -> LpStart:
    """Duals of the LP of `strengthened` as multipliers of the relaxation's demand and cardinality rows.

    Parameters
    ----------
    model : `strengthened` of the relaxation's instance.
    seconds : most the LP may take; None for no limit.
    """
    solution = _relaxation(model, seconds)
    if solution is None:
        return LpStart(relaxation.first_multipliers(), None, None)
    # A maximum: the dual of a row <= is its price, whatever sign the solver gives it.
    dual = np.abs(np.array(solution.row_dual, dtype=np.float64))
    values = np.array(solution.col_value, dtype=np.float64)
    there = model.mandate_column >= 0
    weights = np.zeros(len(model.mandate_column))
    weights[there] = np.clip(values[model.mandate_column[there]], 0.0, 1.0)
    return LpStart(_multipliers(relaxation, model, dual), weights, dual)


def _multipliers(relaxation: HospitalRelaxation, model: MipModel, dual: FloatArray) -> FloatArray:
    """The duals of a model's demand rows and cell knapsacks, row by row of the relaxation."""
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


def prices_and_values(model: MipModel, seconds: float | None) -> tuple[FloatArray, FloatArray] | None:
    """As `row_prices`, with the values of the columns; None without an answer in time."""
    solution = _relaxation(model, seconds)
    if solution is None:
        return None
    return np.abs(np.array(solution.row_dual, dtype=np.float64)), np.array(solution.col_value, dtype=np.float64)


def column_prices(model: MipModel, seconds: float | None) -> FloatArray | None:
    """As `row_prices`, of all columns: how fast the optimum moves with the bound that a column lies at."""
    solution = _relaxation(model, seconds)
    return None if solution is None else np.abs(np.array(solution.col_dual, dtype=np.float64))


def _relaxation(model: MipModel, seconds: float | None) -> Any:
    """HiGHS's solution of a model's LP relaxation; None without one in time."""
    highspy = load_highspy()
    highs = serial_highs(highspy)
    if seconds is not None:
        highs.setOptionValue("time_limit", max(0.01, seconds))
    pass_model(highspy, highs, model.relaxed())
    run_serially(highs)
    return highs.getSolution() if highs.getModelStatus() == highspy.HighsModelStatus.kOptimal else None
