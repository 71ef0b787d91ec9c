"""HiGHS through highspy: arrays passed whole, bounds from its callbacks.

A highspy that cannot share a process with ortools (from 1.15 on) runs in a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    semicontinuous_too_large,
)
from splgbench.capabilities import Capability
from splgbench.limits import Limits
from splgbench.model import MipModel
from splgbench.solver_libraries import highspy_needs_own_process, load_highspy, version_of
from splgbench.trace import Recorder, Stop


class HighsBackend:
    """HiGHS."""

    name = "highs"
    capabilities = frozenset(
        {
            Capability.CONTINUOUS,
            Capability.SEMICONTINUOUS,
            Capability.START,
            Capability.NODE_LIMIT,
            Capability.EVENTS,
            Capability.RELAXATION,
            Capability.SEED,
            Capability.THREADS,
            Capability.WRITE,
        }
    )

    def unavailable(self) -> str | None:
        return None if version_of("highspy") else "highspy is not installed"

    def versions(self) -> dict[str, str]:
        return {"highspy": version_of("highspy") or "missing"}

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        return missing_capability(model, limits, self.capabilities) or semicontinuous_too_large(model)

    def solve(self, model: MipModel, task: Task) -> Solution:
        if highspy_needs_own_process():
            from splgbench.backends.own_process import solve_in_own_process

            return solve_in_own_process(self.name, model, task)
        return self.solve_here(model, task)

    def solve_here(
        self, model: MipModel, task: Task, options: Mapping[str, Any] | None = None, constant: float = 0.0
    ) -> Solution:
        """Solve in this process.

        Parameters
        ----------
        options : further options in HiGHS's own words; they go over those of the task.
        constant : worth of what is not in the model, part of every value and bound.
        """
        highspy = load_highspy()
        highs = highspy.Highs()
        effective = _set_options(highspy, highs, task, options or {}, mip=not is_lp(model))
        if pass_model(highspy, highs, model, constant) == highspy.HighsStatus.kError:
            return Solution(SolverStatus.ERROR, effective=effective, message="HiGHS refused the model")
        if task.start is not None and not is_lp(model):
            columns, values = task.start.columns.astype(np.int32), task.start.values
            highs.setSolution(len(columns), columns, values)
        if task.stop:
            return Solution(SolverStatus.INTERRUPTED, effective=effective)
        counters = _watch(highspy, highs, model, task.recorder, task.stop)
        highs.run()
        return _solution(highspy, highs, model, effective, constant, counters)

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        if highspy_needs_own_process():
            from splgbench.backends.own_process import write_in_own_process

            write_in_own_process(self.name, model, path, column_names, row_names)
        else:
            self.write_here(model, path, column_names, row_names)

    def write_here(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        """Write the model file in this process."""
        highspy = load_highspy()
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        pass_model(highspy, highs, model)
        for column, name in enumerate(column_names):
            highs.passColName(column, name)
        for row, name in enumerate(row_names):
            highs.passRowName(row, name)
        if highs.writeModel(str(path)) == highspy.HighsStatus.kError:
            raise OSError(f"HiGHS could not write {path.name}")


def serial_highs(highspy: Any, **options: Any) -> Any:
    """A silent HiGHS of one thread with further options in its own words, for LPs; to be run by `run_serially`."""
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "parallel": "off", **options}.items():
        highs.setOptionValue(name, value)
    return highs


def run_serially(highs: Any) -> None:
    """Run; HiGHS would refuse where another solve has left a scheduler of more threads behind."""
    highs.resetGlobalScheduler(True)
    highs.run()


def pass_model(highspy: Any, highs: Any, model: MipModel, constant: float = 0.0) -> Any:
    """Hand the arrays over in one call, with a constant part of the objective."""
    kinds = np.zeros(model.n_columns, dtype=np.int32)
    kinds[model.integer] = int(highspy.HighsVarType.kInteger)
    kinds[model.semicontinuous] = int(highspy.HighsVarType.kSemiContinuous)
    kinds[model.semicontinuous & model.integer] = int(highspy.HighsVarType.kSemiInteger)
    return highs.passModel(
        model.n_columns,
        model.n_rows,
        model.n_entries,
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMaximize),
        constant,
        model.objective,
        model.lower,
        model.upper,
        model.row_lower,
        model.row_upper,
        model.row_start.astype(np.int32),
        model.row_columns.astype(np.int32),
        model.row_values,
        kinds,
    )


def _set_options(highspy: Any, highs: Any, task: Task, more: Mapping[str, Any], *, mip: bool) -> dict[str, Any]:
    limits = task.limits
    highspy.Highs.resetGlobalScheduler(True)
    options: dict[str, Any] = {
        "output_flag": solver_log.wanted(),
        "threads": limits.threads,
        "parallel": "on" if limits.threads > 1 else "off",
        "random_seed": limits.seed,
        "mip_rel_gap": limits.gap,
        "mip_abs_gap": ABSOLUTE_GAP,
        "presolve": "choose" if task.presolve else "off",
        **(TOLERANCES if mip else {}),
    }
    if limits.wall_time is not None:
        options["time_limit"] = limits.wall_time
    if limits.nodes is not None:
        options["mip_max_nodes"] = limits.nodes
    for name, value in {**options, **more}.items():
        highs.setOptionValue(name, value)
    shown = (
        "threads",
        "random_seed",
        "mip_rel_gap",
        "mip_abs_gap",
        *TOLERANCES,
        "presolve",
    )
    effective = {name: highs.getOptionValue(name)[1] for name in shown}
    return {**effective, **requested_tolerances()} if mip else effective


def _watch(highspy: Any, highs: Any, model: MipModel, recorder: Recorder, stop: Stop) -> dict[str, int]:
    """Report bounds and pass the stop on; what is counted on the way stands in the answer when HiGHS has ended."""
    kinds = highspy.cb.HighsCallbackType
    counters = {} if is_lp(model) else {"cuts": 0}

    def on_callback(kind: Any, _message: str, out: Any, into: Any, _data: object) -> None:
        if kind == kinds.kCallbackMipImprovingSolution:
            recorder.bounds(primal=out.objective_function_value, mandates=model.mandates(np.array(out.mip_solution)))
        elif kind == kinds.kCallbackMipInterrupt and math.isfinite(out.mip_dual_bound):
            recorder.bounds(dual=out.mip_dual_bound)
        elif kind == kinds.kCallbackMipGetCutPool:
            # HiGHS shows the pool once, after the root node.
            counters["cuts"] = int(out.cutpool_num_cut)
        if kind in (kinds.kCallbackMipInterrupt, kinds.kCallbackSimplexInterrupt) and stop:
            into.user_interrupt = True

    highs.setCallback(on_callback, None)
    for kind in (
        kinds.kCallbackMipImprovingSolution,
        kinds.kCallbackMipInterrupt,
        kinds.kCallbackSimplexInterrupt,
        kinds.kCallbackMipGetCutPool,
    ):
        highs.startCallback(kind)
    return counters


def _solution(
    highspy: Any, highs: Any, model: MipModel, effective: dict[str, Any], constant: float, watched: Mapping[str, int]
) -> Solution:
    status = highspy.HighsModelStatus
    ended = highs.getModelStatus()
    outcome = {
        status.kOptimal: SolverStatus.FINISHED,
        status.kModelEmpty: SolverStatus.FINISHED,
        status.kInfeasible: SolverStatus.INFEASIBLE,
        status.kTimeLimit: SolverStatus.TIME_LIMIT,
        status.kSolutionLimit: SolverStatus.NODE_LIMIT,
        status.kInterrupt: SolverStatus.INTERRUPTED,
        status.kMemoryLimit: SolverStatus.MEMORY_LIMIT,
    }.get(ended, SolverStatus.ERROR)
    info = highs.getInfo()
    lp = is_lp(model)
    counters = {"simplex_iterations": int(max(info.simplex_iteration_count, 0)), **watched}
    if not lp:
        counters["nodes"] = int(max(info.mip_node_count, 0))
    feasible = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    has_values = feasible and (not lp or outcome is SolverStatus.FINISHED)
    values = np.array(highs.getSolution().col_value) if has_values else None
    primal = float(info.objective_function_value) if has_values else None
    dual: float | None = primal if lp else float(info.mip_dual_bound)
    if ended == status.kModelEmpty:
        # HiGHS looks at no row of a model without columns.
        values, primal, dual = np.zeros(model.n_columns), constant, constant
        if (model.row_lower > 0).any() or (model.row_upper < 0).any():
            return Solution(SolverStatus.INFEASIBLE, effective=effective, counters=counters)
    message = ""
    if outcome is SolverStatus.ERROR:
        # What HiGHS holds as a bound after an error is none.
        dual, message = None, highs.modelStatusToString(ended)
    return Solution(
        outcome,
        values,
        primal,
        dual if dual is not None and math.isfinite(dual) else None,
        effective,
        counters,
        message,
    )


backend = HighsBackend()
