"""HiGHS through Pyomo: the arrays become a ConcreteModel, which Pyomo's own interface hands to highspy.

It shows what a modelling language costs. Pyomo loads highspy, so a highspy that cannot share a process with ortools
gets one of its own, model and all (`splgbench.solver_libraries`).
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

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
from splgbench.errors import UnsupportedError
from splgbench.limits import Limits
from splgbench.model import MipModel
from splgbench.solver_libraries import highspy_needs_own_process, load_highspy, load_optional, version_of
from splgbench.watching import run_watched


class PyomoBackend:
    """HiGHS behind Pyomo."""

    name = "pyomo"
    capabilities = frozenset(
        {
            Capability.CONTINUOUS,
            Capability.NODE_LIMIT,
            Capability.RELAXATION,
            Capability.SEED,
            Capability.THREADS,
        }
    )

    def unavailable(self) -> str | None:
        missing = [package for package in ("pyomo", "highspy") if version_of(package) is None]
        return f"{' and '.join(missing)} not installed: pip install 'splgbench[pyomo]'" if missing else None

    def versions(self) -> dict[str, str]:
        return {package: version_of(package) or "missing" for package in ("pyomo", "highspy")}

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        return missing_capability(model, limits, self.capabilities)

    def solve(self, model: MipModel, task: Task) -> Solution:
        if highspy_needs_own_process():
            from splgbench.backends.own_process import solve_in_own_process

            return solve_in_own_process(self.name, model, task)
        return self.solve_here(model, task)

    def solve_here(self, model: MipModel, task: Task) -> Solution:
        """Solve in this process."""
        began = time.perf_counter()
        highspy = load_highspy()
        if (model.lower > model.upper).any() or (model.row_lower > model.row_upper).any():
            return Solution(SolverStatus.INFEASIBLE)
        if not model.n_entries and not model.objective.any():
            return _solution_without_entries(model)
        concrete = concrete_model(model)
        highspy.Highs.resetGlobalScheduler(True)
        solver = load_optional("pyomo.contrib.solver.solvers.highs", "pyomo", "pyomo").Highs()
        # Handed over before the time that is left is counted; without the update the model is taken as it is.
        solver.set_instance(concrete)
        for check in solver.config.auto_updates:
            solver.config.auto_updates[check] = False
        effective = _set_options(solver, task, began, mip=not is_lp(model))
        if task.stop:
            return Solution(SolverStatus.INTERRUPTED, effective=effective)

        def interrupt() -> None:
            if solver._solver_model is not None:
                solver._solver_model.cancelSolve()

        results = run_watched(lambda: solver.solve(concrete), task.stop, interrupt)
        effective |= {name: solver._solver_model.getOptionValue(name)[1] for name in TOLERANCES}
        return _solution(model, concrete, results, task, effective)

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        raise UnsupportedError(f"{self.name} has no {Capability.WRITE.value}")


def concrete_model(model: MipModel) -> Any:
    """The arrays as a ConcreteModel with the indexed components `x`, `row` and `objective`."""
    environ = load_optional("pyomo.environ", "pyomo", "pyomo")
    linear = load_optional("pyomo.core.expr.numeric_expr", "pyomo", "pyomo").LinearExpression
    lower, upper = _with_none(model.lower), _with_none(model.upper)
    concrete = environ.ConcreteModel()
    concrete.x = environ.Var(
        range(model.n_columns),
        domain=lambda _, j: environ.Integers if model.integer[j] else environ.Reals,
        bounds=lambda _, j: (lower[j], upper[j]),
        # A column that no row and no objective names stays at this value.
        initialize=dict(enumerate(np.clip(0.0, model.lower, model.upper).tolist())),
    )
    columns = list(concrete.x.values())
    start, at, values = model.row_start.tolist(), model.row_columns.tolist(), model.row_values.tolist()
    row_lower, row_upper = _with_none(model.row_lower), _with_none(model.row_upper)

    def row(_: Any, i: int) -> Any:
        if row_lower[i] is None and row_upper[i] is None:
            return environ.Constraint.Skip
        entries = slice(start[i], start[i + 1])
        body = linear(linear_coefs=values[entries], linear_vars=[columns[j] for j in at[entries]])
        return row_lower[i], body, row_upper[i]

    concrete.row = environ.Constraint(range(model.n_rows), rule=row)
    worth = linear(linear_coefs=model.objective.tolist(), linear_vars=columns)
    concrete.objective = environ.Objective(expr=worth, sense=environ.maximize)
    return concrete


def _with_none(bounds: Any) -> list[float | None]:
    return [bound if math.isfinite(bound) else None for bound in bounds.tolist()]


def _set_options(solver: Any, task: Task, began: float, *, mip: bool) -> dict[str, Any]:
    limits, config = task.limits, solver.config
    config.load_solutions = False
    config.tee = solver_log.wanted()
    config.raise_exception_on_nonoptimal_result = False
    config.threads = limits.threads
    config.rel_gap = limits.gap
    config.abs_gap = ABSOLUTE_GAP
    if limits.wall_time is not None:
        config.time_limit = max(0.0, limits.wall_time - (time.perf_counter() - began))
    options: dict[str, Any] = {
        "parallel": "on" if limits.threads > 1 else "off",
        "random_seed": limits.seed,
        "presolve": "choose" if task.presolve else "off",
        **(TOLERANCES if mip else {}),
    }
    if limits.nodes is not None:
        options["mip_max_nodes"] = limits.nodes
    config.solver_options = options
    return {
        "threads": config.threads,
        "random_seed": limits.seed,
        "mip_rel_gap": config.rel_gap,
        "mip_abs_gap": config.abs_gap,
        "presolve": options["presolve"],
        **(requested_tolerances() if mip else {}),
    }


def _solution(model: MipModel, concrete: Any, results: Any, task: Task, effective: dict[str, Any]) -> Solution:
    ended = results.termination_condition.name
    outcome = {
        "convergenceCriteriaSatisfied": SolverStatus.FINISHED,
        "provenInfeasible": SolverStatus.INFEASIBLE,
        "maxTimeLimit": SolverStatus.TIME_LIMIT,
        # HiGHS's solution limit, which is how it says that the nodes are used up.
        "iterationLimit": SolverStatus.NODE_LIMIT,
    }.get(ended, SolverStatus.INTERRUPTED if task.stop else SolverStatus.ERROR)
    lp = is_lp(model)
    counters = {"simplex_iterations": max(int(results.extra_info.simplex_iteration_count), 0)}
    if not lp:
        counters["nodes"] = max(int(results.extra_info.mip_node_count), 0)
    values = primal = None
    if results.incumbent_objective is not None and (not lp or outcome is SolverStatus.FINISHED):
        results.solution_loader.load_vars()
        values = np.array([column.value for column in concrete.x.values()], dtype=np.float64)
        primal = float(results.incumbent_objective)
    dual = primal if lp or outcome is SolverStatus.ERROR else results.objective_bound
    message = f"HiGHS ended with {ended}" if outcome is SolverStatus.ERROR else ""
    return Solution(
        outcome,
        values,
        primal,
        float(dual) if dual is not None and math.isfinite(dual) else None,
        effective,
        counters,
        message,
    )


def _solution_without_entries(model: MipModel) -> Solution:
    """Pyomo passes on what rows and objective name; where that is nothing, HiGHS would see no model."""
    if (model.row_lower > 0).any() or (model.row_upper < 0).any():
        return Solution(SolverStatus.INFEASIBLE)
    return Solution(SolverStatus.FINISHED, np.clip(0.0, model.lower, model.upper), 0.0, 0.0)


backend = PyomoBackend()
