"""HiGHS as SciPy brings it, through `scipy.optimize.milp`: one call, no start and no news while it runs.

SciPy documents few options and hands others to HiGHS as they are, with a warning; threads, seed and absolute gap go
that way, so that its terms equal those of other backends. The call cannot be ended from outside: once the stop
is set it is abandoned in its thread, where it works on until its time limit or the end of the process.
"""

from __future__ import annotations

import math
import re
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
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
    semicontinuous_too_large,
)
from splgbench.capabilities import Capability
from splgbench.errors import UnsupportedError
from splgbench.limits import Limits
from splgbench.model import MipModel
from splgbench.solver_libraries import version_of
from splgbench.watching import run_or_abandon

# HighsModelStatus, which SciPy's message quotes: its own status has one number for several ends.
_STATUS = {
    7: SolverStatus.FINISHED,
    8: SolverStatus.INFEASIBLE,
    13: SolverStatus.TIME_LIMIT,
    16: SolverStatus.NODE_LIMIT,
}


class ScipyMilpBackend:
    """SciPy's copy of HiGHS."""

    name = "scipy_milp"
    capabilities = frozenset(
        {
            Capability.CONTINUOUS,
            Capability.SEMICONTINUOUS,
            Capability.NODE_LIMIT,
            Capability.RELAXATION,
            Capability.SEED,
        }
    )

    def unavailable(self) -> str | None:
        return None

    def versions(self) -> dict[str, str]:
        return {"scipy": version_of("scipy") or "missing"}

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        return missing_capability(model, limits, self.capabilities) or semicontinuous_too_large(model)

    def solve(self, model: MipModel, task: Task) -> Solution:
        began = time.perf_counter()
        if not model.n_columns:
            return _solution_without_columns(model)
        kinds = model.integer + 2 * model.semicontinuous
        shape = (model.n_rows, model.n_columns)
        matrix = csr_array((model.row_values, model.row_columns, model.row_start), shape=shape)
        rows = LinearConstraint(matrix, model.row_lower, model.row_upper)
        tolerances = {} if is_lp(model) else dict(TOLERANCES)
        options = {**_options(task, began), **tolerances}
        effective = {
            "threads": options["threads"],
            "random_seed": options["random_seed"],
            "mip_rel_gap": options["mip_rel_gap"],
            "mip_abs_gap": options["mip_abs_gap"],
            "presolve": "on" if task.presolve else "off",
            **(tolerances and {**tolerances, **requested_tolerances()}),
        }

        def work() -> Any:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Unrecognized options detected", RuntimeWarning)
                bounds = Bounds(model.lower, model.upper)
                return milp(-model.objective, integrality=kinds, bounds=bounds, constraints=rows, options=options)

        answer = run_or_abandon(work, task.stop)
        if answer is None:
            told = "SciPy says nothing while it solves, so there is nothing to keep"
            return Solution(SolverStatus.INTERRUPTED, effective=effective, message=told)
        return _solution(model, answer, effective)

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        raise UnsupportedError(f"{self.name} has no {Capability.WRITE.value}")


def _options(task: Task, began: float) -> dict[str, Any]:
    limits = task.limits
    options: dict[str, Any] = {
        "disp": solver_log.wanted(),
        "presolve": task.presolve,
        "mip_rel_gap": limits.gap,
        "mip_abs_gap": ABSOLUTE_GAP,
        "random_seed": limits.seed,
        "threads": 1,
        "parallel": False,
    }
    if limits.wall_time is not None:
        options["time_limit"] = max(0.0, limits.wall_time - (time.perf_counter() - began))
    if limits.nodes is not None:
        options["node_limit"] = limits.nodes
    return options


def _solution(model: MipModel, answer: Any, effective: dict[str, Any]) -> Solution:
    quoted = re.search(r"HiGHS Status (\d+)", answer.message)
    outcome = _STATUS.get(int(quoted[1]) if quoted else -1, SolverStatus.ERROR)
    message = answer.message if outcome is SolverStatus.ERROR else ""
    has_values = answer.x is not None and math.isfinite(answer.fun)
    primal = -float(answer.fun) if has_values else None
    if is_lp(model):
        return Solution(outcome, answer.x, primal, primal, effective, message=message)
    bound = answer.mip_dual_bound
    dual = -float(bound) if bound is not None and math.isfinite(bound) else None
    counters = {} if answer.mip_node_count is None else {"nodes": int(answer.mip_node_count)}
    return Solution(outcome, answer.x if has_values else None, primal, dual, effective, counters, message)


def _solution_without_columns(model: MipModel) -> Solution:
    """SciPy takes no model without columns: each row says 0 <= b or is broken."""
    if (model.row_lower > 0).any() or (model.row_upper < 0).any():
        return Solution(SolverStatus.INFEASIBLE)
    return Solution(SolverStatus.FINISHED, np.zeros(0), 0.0, 0.0)


backend = ScipyMilpBackend()
