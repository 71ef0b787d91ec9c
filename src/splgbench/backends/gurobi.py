"""Gurobi through gurobipy's matrix interface.

The licence that pip brings takes small models only. That is found out with a probe, and a model beyond it is refused.
"""

from __future__ import annotations

import math
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from splgbench import solver_log
from splgbench.backends.base import (
    ABSOLUTE_GAP,
    TOLERANCES,
    Solution,
    SolverStatus,
    Task,
    is_lp,
    missing_capability,
    requested_tolerances,
)
from splgbench.capabilities import Capability
from splgbench.errors import OutputError
from splgbench.limits import Limits
from splgbench.model import MipModel
from splgbench.solver_libraries import load_optional, version_of
from splgbench.watching import run_watched

FREE_SIZE = 2000
"""Rows and columns that the licence of the pip package takes."""


class GurobiBackend:
    """Gurobi."""

    name = "gurobi"
    capabilities = frozenset(Capability)

    def unavailable(self) -> str | None:
        if version_of("gurobipy") is None:
            return "gurobipy is not installed: pip install 'splgbench[gurobi]'"
        return _licence_problem(1)

    def versions(self) -> dict[str, str]:
        return {"gurobipy": version_of("gurobipy") or "missing"}

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        missing = missing_capability(model, limits, self.capabilities)
        if missing is None and max(_size(model)) > FREE_SIZE:
            return _licence_problem(max(_size(model)))
        return missing

    def solve(self, model: MipModel, task: Task) -> Solution:
        began = time.perf_counter()
        gurobipy = _load()
        try:
            with _environment(gurobipy) as environment, gurobipy.Model(env=environment) as gurobi:
                x = _add_model(gurobipy, gurobi, model)
                if task.start is not None:
                    given = np.full(model.n_columns, gurobipy.GRB.UNDEFINED)
                    given[task.start.columns] = task.start.values
                    x.Start = given
                effective = _set_parameters(gurobi, task, began)
                watch, failures = _watcher(gurobipy, x, model, task)
                if task.stop:
                    return Solution(SolverStatus.INTERRUPTED, effective=effective)
                run_watched(lambda: gurobi.optimize(watch), task.stop, gurobi.terminate)
                if gurobi.Status == gurobipy.GRB.INF_OR_UNBD:
                    gurobi.Params.DualReductions = 0
                    run_watched(lambda: gurobi.optimize(watch), task.stop, gurobi.terminate)
                if failures:
                    raise failures[0]
                return _solution(gurobipy, gurobi, x, model, effective)
        except gurobipy.GurobiError as error:
            return Solution(SolverStatus.ERROR, message=f"Gurobi: {error}")

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        gurobipy = _load()
        try:
            with _environment(gurobipy) as environment, gurobipy.Model(env=environment) as gurobi:
                _add_model(gurobipy, gurobi, model, column_names, row_names)
                gurobi.write(str(path))
        except gurobipy.GurobiError as error:
            raise OutputError(f"Gurobi could not write {path.name}: {error}") from error


def _load() -> Any:
    return load_optional("gurobipy", "gurobipy", "gurobi")


def _environment(gurobipy: Any) -> Any:
    return gurobipy.Env(params={"OutputFlag": int(solver_log.wanted())})


def _size(model: MipModel) -> tuple[int, int]:
    """Rows (both sides of a ranged one) and columns."""
    ranged = np.isfinite(model.row_lower) & np.isfinite(model.row_upper) & (model.row_lower != model.row_upper)
    return model.n_rows + int(ranged.sum()), model.n_columns


@cache
def _licence_problem(size: int) -> str | None:
    """Why the licence found here does not take `size` columns, or None."""
    gurobipy = _load()
    try:
        with _environment(gurobipy) as environment, gurobipy.Model(env=environment) as probe:
            probe.addMVar(size)
            probe.optimize()
    except gurobipy.GurobiError as error:
        if error.errno == gurobipy.GRB.Error.SIZE_LIMIT_EXCEEDED:
            return f"its licence takes at most {FREE_SIZE} rows and columns"
        return f"no licence: {error}"
    return None


def _add_model(
    gurobipy: Any,
    gurobi: Any,
    model: MipModel,
    column_names: list[str] | None = None,
    row_names: list[str] | None = None,
) -> Any:
    """Hand the arrays over; returns the columns as one MVar."""
    binary = model.integer & (model.lower >= 0) & (model.upper <= 1)
    kinds = np.where(binary, "B", np.where(model.integer, "I", "C"))
    kinds[model.semicontinuous] = np.where(model.integer, "N", "S")[model.semicontinuous]
    x = gurobi.addMVar(
        model.n_columns, model.lower, model.upper, model.objective, kinds.tolist(), name=column_names or ""
    )
    gurobi.ModelSense = gurobipy.GRB.MAXIMIZE
    shape = (model.n_rows, model.n_columns)
    matrix = csr_array((model.row_values, model.row_columns, model.row_start), shape=shape)
    always = np.ones(model.n_rows, dtype=np.bool_)
    always[model.indicator_row] = False
    for sense, limit, rows in _sides(gurobipy, model):
        kept = np.flatnonzero(rows & always)
        if len(kept):
            added = gurobi.addMConstr(matrix[kept], x, sense, limit[kept])
            if row_names:
                added.ConstrName = [row_names[row] for row in kept]
    columns = x.tolist()
    conditions = dict(zip(model.indicator_row.tolist(), range(len(model.indicator_row)), strict=True))
    for sense, limit, rows in _sides(gurobipy, model):
        for row in np.flatnonzero(rows & ~always).tolist():
            at = slice(model.row_start[row], model.row_start[row + 1])
            activity = gurobipy.LinExpr(model.row_values[at].tolist(), [columns[j] for j in model.row_columns[at]])
            condition = conditions[row]
            gurobi.addGenConstrIndicator(
                columns[model.indicator_column[condition]],
                bool(model.indicator_value[condition]),
                activity,
                sense,
                float(limit[row]),
                name=row_names[row] if row_names else "",
            )
    gurobi.update()
    return x


def _sides(gurobipy: Any, model: MipModel) -> tuple[tuple[str, Any, Any], ...]:
    """Sense, limits and rows: Gurobi's rows have one side or are equations."""
    equal = model.row_lower == model.row_upper
    sense = gurobipy.GRB
    return (
        (sense.EQUAL, model.row_upper, equal),
        (sense.LESS_EQUAL, model.row_upper, ~equal & np.isfinite(model.row_upper)),
        (sense.GREATER_EQUAL, model.row_lower, ~equal & np.isfinite(model.row_lower)),
    )


def _set_parameters(gurobi: Any, task: Task, began: float) -> dict[str, Any]:
    limits, parameters = task.limits, gurobi.Params
    parameters.Threads = limits.threads
    parameters.Seed = limits.seed
    parameters.MIPGap = limits.gap
    parameters.MIPGapAbs = ABSOLUTE_GAP
    parameters.FeasibilityTol = TOLERANCES["primal_feasibility_tolerance"]
    parameters.OptimalityTol = TOLERANCES["dual_feasibility_tolerance"]
    parameters.IntFeasTol = TOLERANCES["mip_feasibility_tolerance"]
    if limits.wall_time is not None:
        parameters.TimeLimit = max(0.0, limits.wall_time - (time.perf_counter() - began))
    if limits.nodes is not None:
        parameters.NodeLimit = limits.nodes
    if limits.memory is not None:
        parameters.SoftMemLimit = limits.memory / 1000
    if not task.presolve:
        parameters.Presolve = 0
    return {
        "threads": parameters.Threads,
        "random_seed": parameters.Seed,
        "mip_rel_gap": parameters.MIPGap,
        "mip_abs_gap": parameters.MIPGapAbs,
        "primal_feasibility_tolerance": parameters.FeasibilityTol,
        "dual_feasibility_tolerance": parameters.OptimalityTol,
        "mip_feasibility_tolerance": parameters.IntFeasTol,
        **requested_tolerances(),
        "presolve": "on" if task.presolve else "off",
    }


def _watcher(gurobipy: Any, x: Any, model: MipModel, task: Task) -> tuple[Any, list[BaseException]]:
    """The callback that reports bounds; what a handler raises is kept and the solve ended."""
    codes = gurobipy.GRB.Callback
    failures: list[BaseException] = []

    def watch(gurobi: Any, where: int) -> None:
        try:
            if where == codes.MIPSOL:
                mandates = model.mandates(np.asarray(gurobi.cbGetSolution(x), dtype=np.float64))
                task.recorder.bounds(primal=gurobi.cbGet(codes.MIPSOL_OBJ), mandates=mandates)
            elif where == codes.MIP:
                task.recorder.bounds(dual=_finite(gurobipy, gurobi.cbGet(codes.MIP_OBJBND)))
        except BaseException as error:
            failures.append(error)
            gurobi.terminate()

    return watch, failures


def _finite(gurobipy: Any, bound: float) -> float | None:
    return float(bound) if math.isfinite(bound) and abs(bound) < gurobipy.GRB.INFINITY else None


def _solution(gurobipy: Any, gurobi: Any, x: Any, model: MipModel, effective: dict[str, Any]) -> Solution:
    codes = gurobipy.GRB
    outcome = {
        codes.OPTIMAL: SolverStatus.FINISHED,
        codes.INFEASIBLE: SolverStatus.INFEASIBLE,
        codes.TIME_LIMIT: SolverStatus.TIME_LIMIT,
        codes.NODE_LIMIT: SolverStatus.NODE_LIMIT,
        codes.MEM_LIMIT: SolverStatus.MEMORY_LIMIT,
        codes.INTERRUPTED: SolverStatus.INTERRUPTED,
    }.get(gurobi.Status, SolverStatus.ERROR)
    lp = is_lp(model)
    counters = {"simplex_iterations": int(gurobi.IterCount)}
    if not lp:
        counters["nodes"] = int(gurobi.NodeCount)
    has_values = gurobi.SolCount > 0 and (not lp or outcome is SolverStatus.FINISHED)
    values = np.asarray(x.X, dtype=np.float64) if has_values else None
    primal = float(gurobi.ObjVal) if has_values else None
    dual = primal if lp else None
    if not lp and outcome not in (SolverStatus.INFEASIBLE, SolverStatus.ERROR):
        dual = _finite(gurobipy, gurobi.ObjBound)
    message = f"Gurobi ended with status {gurobi.Status}" if outcome is SolverStatus.ERROR else ""
    return Solution(outcome, values, primal, dual, effective, counters, message)


backend = GurobiBackend()
