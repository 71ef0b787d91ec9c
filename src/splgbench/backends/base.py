"""What a backend is: the protocol every file in this folder follows.

A file defines `backend`, an object with the attributes and verbs of `Backend`. It takes the model as it is:
an unsupported feature is refused by `reason_against`, never rewritten in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from splgbench.capabilities import Capability
from splgbench.instance import IntArray
from splgbench.limits import Limits
from splgbench.model import FloatArray, MipModel
from splgbench.trace import Recorder, Stop

ABSOLUTE_GAP = 0.1
"""Objective units at which a solver may call a model solved: data are whole, so less than 1 proves the optimum.

The rest of the unit is room for the solver's rounding.
"""

TOLERANCES: Mapping[str, float] = {
    "primal_feasibility_tolerance": 1e-6,
    "dual_feasibility_tolerance": 1e-7,
    "mip_feasibility_tolerance": 1e-6,
}
"""What a solver of a MIP may miss rows, reduced costs and whole values by, asked of every one; the names are HiGHS's.

SCIP has one tolerance for rows and whole values, so these two are the same. They are the solvers' defaults but for
HiGHS's first, which decides nothing in a MIP, and Gurobi's last two. HiGHS solves LPs at its defaults.
"""


def requested_tolerances() -> dict[str, float]:
    """`TOLERANCES` as a solution's effective terms hold them, besides those that the solver says it has."""
    return {f"requested_{name}": value for name, value in TOLERANCES.items()}


class SolverStatus(Enum):
    """How a solver ended, in its own words made common."""

    FINISHED = "finished"
    INFEASIBLE = "infeasible"
    TIME_LIMIT = "time limit"
    NODE_LIMIT = "node limit"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    ERROR = "error"


@dataclass(frozen=True)
class Solution:
    """What a solver says of a model.

    Parameters
    ----------
    status : how it ended.
    values : shape (n,), the best solution found; None without one.
    primal : its value as the solver states it; None without one.
    dual : upper bound on the optimum as the solver states it; None where it proved none.
    effective : the terms the solver ran under (threads, presolve, seed, tolerances by the names in `TOLERANCES`, ...);
        a tolerance of 0 says that it works in whole numbers and has none.
    counters : work done, independent of the clock: "nodes", "simplex_iterations", "cuts" (in HiGHS's pool after the
        root, or applied by SCIP), and what else the solver counts.
    message : the reason of an error or an oddity.
    """

    status: SolverStatus
    values: FloatArray | None = None
    primal: float | None = None
    dual: float | None = None
    effective: Mapping[str, Any] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Start:
    """A known solution: values of some columns (others are for the solver to complete)."""

    columns: IntArray
    values: FloatArray


@dataclass(frozen=True)
class Task:
    """How a model is to be solved.

    Parameters
    ----------
    limits : what the solver may use.
    recorder : takes the bounds as they come.
    stop : ends the solve early when set.
    start : a known solution, or None.
    presolve : whether the solver's own presolve runs.
    """

    limits: Limits
    recorder: Recorder
    stop: Stop = field(default_factory=Stop)
    start: Start | None = None
    presolve: bool = True


@runtime_checkable
class Backend(Protocol):
    """The verbs of a backend."""

    name: str
    capabilities: frozenset[Capability]

    def unavailable(self) -> str | None:
        """Why it cannot run here (package missing, licence), or None."""

    def versions(self) -> dict[str, str]:
        """Versions of the solver and its Python package."""

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        """Why it cannot take this model under these limits, or None."""

    def solve(self, model: MipModel, task: Task) -> Solution:
        """Solve, reporting bounds to `task.recorder` and ending soon after `task.stop` is set.

        `task.limits.wall_time` counts from the call. An LP (no integer, semicontinuous or conditional part) is
        solved as one: then primal and dual are its optimal value.
        """

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        """Write the model as `.mps` or `.lp` (only with `Capability.WRITE`)."""


LARGEST_SEMICONTINUOUS = 1e5
"""HiGHS calls the solve an error where a semicontinuous column may exceed this (its kMaxSemiVariableUpper)."""


def semicontinuous_too_large(model: MipModel) -> str | None:
    """Why HiGHS cannot take a model's semicontinuous columns, or None."""
    if (model.upper[model.semicontinuous] > LARGEST_SEMICONTINUOUS).any():
        return f"no semicontinuous columns above {LARGEST_SEMICONTINUOUS:,.0f}"
    return None


def asked_by(limits: Limits) -> tuple[Capability, ...]:
    """The capabilities that limits need."""
    asked = ((limits.nodes is not None, Capability.NODE_LIMIT), (limits.threads > 1, Capability.THREADS))
    return tuple(capability for wanted, capability in asked if wanted)


def missing_capability(model: MipModel, limits: Limits, capabilities: frozenset[Capability]) -> str | None:
    """The first thing the model or the limits ask that is not among `capabilities`, in words."""
    features = (
        (len(model.indicator_row) > 0, Capability.INDICATOR),
        (bool(model.semicontinuous.any()), Capability.SEMICONTINUOUS),
    )
    asked = [capability for wanted, capability in features if wanted]
    for capability in (*asked, *asked_by(limits)):
        if capability not in capabilities:
            return f"no {capability.value}"
    return None


def is_lp(model: MipModel) -> bool:
    """Whether the model is a plain LP."""
    return not (model.integer.any() or model.semicontinuous.any() or len(model.indicator_row))
