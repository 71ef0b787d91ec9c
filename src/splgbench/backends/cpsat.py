"""CP-SAT of OR-Tools: exact integers.

It has no continuous columns. Volumes it takes as whole, which fact 1 of the model allows; any other continuous
column is refused, and so are coefficients that are not whole and sums that do not fit into 64 bits.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from splgbench import solver_log
from splgbench.backends.base import ABSOLUTE_GAP, TOLERANCES, Solution, SolverStatus, Task, missing_capability
from splgbench.capabilities import Capability
from splgbench.errors import UnsupportedError
from splgbench.limits import Limits
from splgbench.model import FloatArray, MipModel
from splgbench.solver_libraries import load_ortools, version_of
from splgbench.watching import run_watched

_LARGEST = 2.0**62
_UNLIMITED = 2**62


class CpSatBackend:
    """CP-SAT."""

    name = "cpsat"
    capabilities = frozenset(
        {
            Capability.INDICATOR,
            Capability.SEMICONTINUOUS,
            Capability.START,
            Capability.EVENTS,
            Capability.SEED,
            Capability.THREADS,
        }
    )

    def unavailable(self) -> str | None:
        return None if version_of("ortools") else "ortools is not installed"

    def versions(self) -> dict[str, str]:
        return {"ortools": version_of("ortools") or "missing"}

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        missing = missing_capability(model, limits, self.capabilities)
        if missing is not None:
            return missing
        continuous = ~model.integer
        continuous[model.volume_column[model.volume_column >= 0]] = False
        if continuous.any():
            return "no continuous columns other than volumes"
        return _reason_against_numbers(model)

    def solve(self, model: MipModel, task: Task) -> Solution:
        began = time.perf_counter()
        cp_model = load_ortools("ortools.sat.python.cp_model")
        lower, upper = finite_bounds(model)
        if (lower > upper).any():
            return Solution(SolverStatus.INFEASIBLE)
        program, columns = _program(cp_model, model, lower, upper)
        if task.start is not None:
            for column, value in zip(task.start.columns.tolist(), task.start.values.tolist(), strict=True):
                program.add_hint(columns[column], round(value))
        solver = cp_model.CpSolver()
        effective = _set_parameters(solver, task, began)
        watch, news = _watch(cp_model, solver, model, columns, task)
        if task.stop:
            return Solution(SolverStatus.INTERRUPTED, effective=effective)
        run_watched(lambda: solver.solve(program, watch), task.stop, solver.stop_search)
        if news.failures:
            raise news.failures[0]
        return _solution(cp_model, solver, task, news, effective)

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        raise UnsupportedError(f"{self.name} has no {Capability.WRITE.value}")


def finite_bounds(model: MipModel) -> tuple[FloatArray, FloatArray]:
    """The columns' bounds, where they are infinite the ones that rows imply for whole values; else still infinite.

    From a x <= b with a_j > 0: x_j <= floor((b - least value of the other terms) / a_j), and its mirror images.
    """
    lower = np.where(model.semicontinuous, np.minimum(model.lower, 0.0), model.lower)
    upper = model.upper.copy()
    always = np.ones(model.n_rows, dtype=np.bool_)
    always[model.indicator_row] = False
    row_of = np.repeat(np.arange(model.n_rows), np.diff(model.row_start))
    parts = []
    for sign, limit in ((1.0, model.row_upper), (-1.0, -model.row_lower)):
        kept = (always & np.isfinite(limit))[row_of] & (model.row_values != 0)
        parts.append((row_of[kept], model.row_columns[kept], sign * model.row_values[kept], limit[row_of[kept]]))
    row, column, value, limit = (np.concatenate([part[i] for part in parts]) for i in range(4))
    # The two sides of a row are two rows here.
    row[len(parts[0][0]) :] += model.n_rows
    while True:
        least = np.where(value > 0, value * lower[column], value * upper[column])
        open_ended = ~np.isfinite(least)
        known = np.where(open_ended, 0.0, least)
        n_open = np.bincount(row, open_ended, 2 * model.n_rows)
        total = np.bincount(row, known, 2 * model.n_rows)
        usable = n_open[row] == open_ended
        reach = np.where(usable, (limit - (total[row] - known)) / value, np.copysign(np.inf, value))
        high, low = np.full_like(upper, np.inf), np.full_like(lower, -np.inf)
        np.minimum.at(high, column[value > 0], np.floor(reach[value > 0]))
        np.maximum.at(low, column[value < 0], np.ceil(reach[value < 0]))
        new_upper, new_lower = np.isinf(upper) & np.isfinite(high), np.isinf(lower) & np.isfinite(low)
        if not (new_upper.any() or new_lower.any()):
            return lower, upper
        upper[new_upper], lower[new_lower] = high[new_upper], low[new_lower]


def _reason_against_numbers(model: MipModel) -> str | None:
    arrays = (model.objective, model.lower, model.upper, model.row_values, model.row_lower, model.row_upper)
    if any((array[np.isfinite(array)] % 1 != 0).any() for array in arrays):
        return "it takes whole coefficients only"
    lower, upper = finite_bounds(model)
    size = np.maximum(np.abs(lower), np.abs(upper))
    if np.isinf(size).any():
        return "it takes bounded columns only"
    row_of = np.repeat(np.arange(model.n_rows), np.diff(model.row_start))
    sums = np.bincount(row_of, np.abs(model.row_values) * size[model.row_columns], model.n_rows)
    sides = np.concatenate((model.row_lower, model.row_upper))
    sides = np.abs(sides[np.isfinite(sides)])
    worth = np.abs(model.objective) @ size
    largest = max(worth, *(array.max(initial=0.0) for array in (sides, sums, size)))
    return "its sums are too large for 64 bits" if largest >= _LARGEST else None


def _program(cp_model: Any, model: MipModel, lower: FloatArray, upper: FloatArray) -> tuple[Any, list[Any]]:
    program = cp_model.CpModel()
    columns = []
    bounds = zip(lower.tolist(), upper.tolist(), model.lower.tolist(), model.semicontinuous.tolist(), strict=True)
    for low, high, threshold, semicontinuous in bounds:
        if semicontinuous:
            domain = cp_model.Domain.from_intervals([[0, 0], [int(threshold), int(high)]])
            columns.append(program.new_int_var_from_domain(domain, ""))
        else:
            columns.append(program.new_int_var(int(low), int(high), ""))
    conditions = {
        row: columns[column] if value else columns[column].negated()
        for row, column, value in zip(
            model.indicator_row.tolist(), model.indicator_column.tolist(), model.indicator_value.tolist(), strict=True
        )
    }
    start, at = model.row_start.tolist(), model.row_columns.tolist()
    values = model.row_values.astype(np.int64).tolist()
    sides = zip(model.row_lower.tolist(), model.row_upper.tolist(), strict=True)
    for row, (low, high) in enumerate(sides):
        entries = slice(start[row], start[row + 1])
        activity = cp_model.LinearExpr.weighted_sum([columns[j] for j in at[entries]], values[entries])
        bound = program.add_linear_constraint(activity, _whole(low), _whole(high))
        if row in conditions:
            bound.only_enforce_if(conditions[row])
    program.maximize(cp_model.LinearExpr.weighted_sum(columns, model.objective.astype(np.int64).tolist()))
    return program, columns


def _whole(side: float) -> int:
    return int(side) if math.isfinite(side) else int(math.copysign(_UNLIMITED, side))


def _set_parameters(solver: Any, task: Task, began: float) -> dict[str, Any]:
    limits, parameters = task.limits, solver.parameters
    parameters.num_workers = limits.threads
    parameters.random_seed = limits.seed
    parameters.relative_gap_limit = limits.gap
    parameters.absolute_gap_limit = ABSOLUTE_GAP
    parameters.cp_model_presolve = task.presolve
    parameters.catch_sigint_signal = False
    parameters.log_search_progress = solver_log.wanted()
    if limits.wall_time is not None:
        parameters.max_time_in_seconds = max(0.0, limits.wall_time - (time.perf_counter() - began))
    if limits.memory is not None:
        parameters.max_memory_in_mb = limits.memory
    return {
        "threads": parameters.num_workers,
        "random_seed": parameters.random_seed,
        "mip_rel_gap": parameters.relative_gap_limit,
        "mip_abs_gap": parameters.absolute_gap_limit,
        **dict.fromkeys(TOLERANCES, 0.0),
        "presolve": "on" if parameters.cp_model_presolve else "off",
        "volumes": "integer",
    }


@dataclass
class _News:
    """What was heard while CP-SAT worked.

    Parameters
    ----------
    dual : the last bound; the response's own is 0 where the search did not begin.
    failures : what event handlers raised; it must not enter the solver's threads.
    """

    dual: float | None = None
    failures: list[BaseException] = field(default_factory=list)


def _watch(cp_model: Any, solver: Any, model: MipModel, columns: list[Any], task: Task) -> tuple[Any, _News]:
    """Report bounds; a handler that fails ends the solve."""
    news = _News()

    class Watch(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            try:
                values = np.array([self.value(column) for column in columns], dtype=np.float64)
                task.recorder.bounds(primal=self.objective_value, mandates=model.mandates(values))
            except BaseException as error:
                news.failures.append(error)
                self.stop_search()

    def on_bound(bound: float) -> None:
        news.dual = bound
        try:
            task.recorder.bounds(dual=bound)
        except BaseException as error:
            news.failures.append(error)
            solver.stop_search()

    solver.best_bound_callback = on_bound
    return Watch(), news


def _solution(cp_model: Any, solver: Any, task: Task, news: _News, effective: dict[str, Any]) -> Solution:
    response = solver.response_proto
    counters = {
        "branches": int(solver.num_branches),
        "conflicts": int(solver.num_conflicts),
        "simplex_iterations": int(response.num_lp_iterations),
    }
    has_values = response.status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    limits = task.limits
    message = ""
    if response.status == cp_model.OPTIMAL:
        outcome = SolverStatus.FINISHED
    elif response.status == cp_model.INFEASIBLE:
        outcome = SolverStatus.INFEASIBLE
    elif response.status == cp_model.MODEL_INVALID:
        outcome, message = SolverStatus.ERROR, f"CP-SAT refused the model: {solver.solution_info()}"
    elif task.stop:
        outcome = SolverStatus.INTERRUPTED
    elif limits.wall_time is not None and (limits.memory is None or _time_is_up(solver)):
        outcome = SolverStatus.TIME_LIMIT
    elif limits.memory is not None:
        outcome = SolverStatus.MEMORY_LIMIT
    else:
        outcome, message = SolverStatus.ERROR, "CP-SAT gave up without a limit"
    dual = float(solver.best_objective_bound) if has_values else news.dual
    return Solution(
        outcome,
        np.array(response.solution, dtype=np.float64) if has_values else None,
        float(solver.objective_value) if has_values else None,
        None if outcome in (SolverStatus.INFEASIBLE, SolverStatus.ERROR) else dual,
        effective,
        counters,
        message,
    )


def _time_is_up(solver: Any) -> bool:
    """CP-SAT does not say which limit ended it, and it ends a little early where its steps take long."""
    return bool(solver.wall_time >= 0.9 * solver.parameters.max_time_in_seconds)


backend = CpSatBackend()
