"""SCIP through pyscipopt: rows from term dictionaries, bounds from an event handler.

pyscipopt has no semicontinuous columns. SCIP itself knows them as bound disjunctions (x <= 0 or x >= t), and its
reader of LP files makes them: so such columns enter through a small LP file, everything else through the interface.
"""

from __future__ import annotations

import math
import tempfile
import time
from functools import cache
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
from splgbench.model import FloatArray, MipModel
from splgbench.solver_libraries import load_optional, version_of
from splgbench.watching import run_watched

_STATUS = {
    "optimal": SolverStatus.FINISHED,
    "gaplimit": SolverStatus.FINISHED,
    "infeasible": SolverStatus.INFEASIBLE,
    "timelimit": SolverStatus.TIME_LIMIT,
    "totalnodelimit": SolverStatus.NODE_LIMIT,
    "memlimit": SolverStatus.MEMORY_LIMIT,
    "userinterrupt": SolverStatus.INTERRUPTED,
}


class ScipBackend:
    """SCIP, single-threaded."""

    name = "scip"
    capabilities = frozenset(
        {
            Capability.CONTINUOUS,
            Capability.INDICATOR,
            Capability.SEMICONTINUOUS,
            Capability.START,
            Capability.NODE_LIMIT,
            Capability.EVENTS,
            Capability.RELAXATION,
            Capability.SEED,
            Capability.WRITE,
        }
    )

    def unavailable(self) -> str | None:
        return None if version_of("pyscipopt") else "pyscipopt is not installed: pip install 'splgbench[scip]'"

    def versions(self) -> dict[str, str]:
        version = version_of("pyscipopt")
        return {"pyscipopt": version, "scip": _scip_version()} if version else {"pyscipopt": "missing"}

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        return missing_capability(model, limits, self.capabilities)

    def solve(self, model: MipModel, task: Task) -> Solution:
        began = time.perf_counter()
        pyscipopt = load_optional("pyscipopt", "pyscipopt", "scip")
        if ((model.lower > model.upper) & ~model.semicontinuous).any():
            return Solution(SolverStatus.INFEASIBLE)
        problem = _Problem(pyscipopt, model)
        try:
            return self._solve(pyscipopt, problem, task, began)
        finally:
            # The event handler and the problem hold each other: Python alone would free them late.
            problem.scip.free()

    def _solve(self, pyscipopt: Any, problem: _Problem, task: Task, began: float) -> Solution:
        scip = problem.scip
        if task.start is not None:
            problem.add_start(task.start.columns.tolist(), task.start.values.tolist())
        effective = _set_parameters(pyscipopt, scip, task, began)
        failures = _watch(pyscipopt, problem, task)
        if task.stop:
            return Solution(SolverStatus.INTERRUPTED, effective=effective)
        try:
            run_watched(scip.optimizeNogil, task.stop, scip.interruptSolve)
        except MemoryError:
            return Solution(SolverStatus.MEMORY_LIMIT, effective=effective)
        if failures:
            raise failures[0]
        return _solution(problem, effective)

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        if model.semicontinuous.any():
            raise UnsupportedError("SCIP's writers drop semicontinuous columns")
        pyscipopt = load_optional("pyscipopt", "pyscipopt", "scip")
        _Problem(pyscipopt, model, column_names, row_names).scip.writeProblem(str(path), verbose=False)


@cache
def _scip_version() -> str:
    return str(load_optional("pyscipopt", "pyscipopt", "scip").Model().version())


class _Problem:
    """A MipModel as a SCIP problem.

    Parameters
    ----------
    column_names, row_names : for model files; generic names without them.
    """

    def __init__(
        self,
        pyscipopt: Any,
        model: MipModel,
        column_names: list[str] | None = None,
        row_names: list[str] | None = None,
    ) -> None:
        self.model = model
        self.scip = pyscipopt.Model()
        if not solver_log.wanted():
            self.scip.hideOutput()
        self.columns: list[Any] = [None] * model.n_columns
        self.slacks: list[tuple[Any, Any, float]] = []
        self._add_semicontinuous_columns()
        self._add_columns(column_names)
        self._add_rows(pyscipopt, row_names)
        self.scip.setMaximize()

    def values(self, solution: Any) -> FloatArray:
        """The columns' values in a solution of SCIP."""
        return np.array([solution[column] for column in self.columns], dtype=np.float64)

    def add_start(self, columns: list[int], values: list[float]) -> None:
        """Hand a known solution over; SCIP completes one that leaves columns open."""
        complete = len(set(columns)) == self.model.n_columns
        start = self.scip.createSol() if complete else self.scip.createPartialSol()
        for column, value in zip(columns, values, strict=True):
            self.scip.setSolVal(start, self.columns[column], value)
        if complete:
            for slack, row, limit in self.slacks:
                self.scip.setSolVal(start, slack, max(0.0, start[row] - limit))
        self.scip.addSol(start)

    def _add_semicontinuous_columns(self) -> None:
        model = self.model
        numbers = np.flatnonzero(model.semicontinuous).tolist()
        if not numbers:
            return
        worth = [f" {float(model.objective[j]):+} x{j}" for j in numbers]
        bounds = [f" {float(model.lower[j])} <= x{j} <= {float(model.upper[j])}" for j in numbers]
        whole = [f" x{j}" for j in numbers if model.integer[j]]
        names = [f" x{j}" for j in numbers]
        lines = ["Maximize", " value:", *worth, "Subject To", "Bounds", *bounds]
        lines += ["General", *whole, "Semi-Continuous", *names, "End"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "columns.lp"
            file.write_text("\n".join(lines) + "\n")
            self.scip.readProblem(str(file))
        for column in self.scip.getVars():
            self.columns[int(column.name[1:])] = column

    def _add_columns(self, names: list[str] | None) -> None:
        model = self.model
        binary = model.integer & (model.lower >= 0) & (model.upper <= 1)
        kinds = np.where(binary, "B", np.where(model.integer, "I", "C")).tolist()
        columns = zip(kinds, model.lower.tolist(), model.upper.tolist(), model.objective.tolist(), strict=True)
        for j, (kind, lower, upper, objective) in enumerate(columns):
            if self.columns[j] is None:
                self.columns[j] = self.scip.addVar(
                    names[j] if names else f"c{j}", kind, _finite(lower), _finite(upper), objective
                )

    def _add_rows(self, pyscipopt: Any, names: list[str] | None) -> None:
        model = self.model
        terms = [pyscipopt.scip.Term(column) for column in self.columns]
        start, columns, values = model.row_start.tolist(), model.row_columns.tolist(), model.row_values.tolist()
        lower, upper = model.row_lower.tolist(), model.row_upper.tolist()
        conditional = set(model.indicator_row.tolist())

        def expression(row: int, sign: float = 1.0) -> Any:
            entries: dict[Any, float] = {}
            for at in range(start[row], start[row + 1]):
                term = terms[columns[at]]
                entries[term] = entries.get(term, 0.0) + sign * values[at]
            return pyscipopt.Expr(entries)

        def name_of(row: int) -> str:
            return names[row] if names else f"r{row}"

        for row in range(model.n_rows):
            low, high = _finite(lower[row]), _finite(upper[row])
            if row not in conditional and (low is not None or high is not None):
                self.scip.addCons(pyscipopt.scip.ExprCons(expression(row), low, high), name_of(row))
        conditions = zip(
            model.indicator_row.tolist(), model.indicator_column.tolist(), model.indicator_value.tolist(), strict=True
        )
        for row, column, value in conditions:
            # SCIP's conditional rows have one side, which is an upper one.
            sides = [(1.0, upper[row])] * math.isfinite(upper[row]) + [(-1.0, -lower[row])] * math.isfinite(lower[row])
            for part, (sign, limit) in enumerate(sides):
                held = pyscipopt.scip.ExprCons(expression(row, sign), None, limit)
                name = f"{name_of(row)}_{part}" if len(sides) > 1 else name_of(row)
                indicator = self.scip.addConsIndicator(held, self.columns[column], bool(value), name)
                self.slacks.append((self.scip.getSlackVarIndicator(indicator), held.expr, limit))


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _set_parameters(pyscipopt: Any, scip: Any, task: Task, began: float) -> dict[str, Any]:
    limits = task.limits
    scip.setParams(
        {
            "misc/catchctrlc": False,
            "timing/clocktype": 2,
            "lp/threads": 1,
            "randomization/randomseedshift": limits.seed,
            "limits/gap": limits.gap,
            "limits/absgap": ABSOLUTE_GAP,
            "numerics/feastol": TOLERANCES["primal_feasibility_tolerance"],
            "numerics/dualfeastol": TOLERANCES["dual_feasibility_tolerance"],
            # A start may leave any share of the columns open.
            "heuristics/completesol/maxunknownrate": 1.0,
        }
    )
    if limits.wall_time is not None:
        scip.setParam("limits/time", max(0.0, limits.wall_time - (time.perf_counter() - began)))
    if limits.nodes is not None:
        scip.setParam("limits/totalnodes", limits.nodes)
    if limits.memory is not None:
        scip.setParam("limits/memory", limits.memory)
    if not task.presolve:
        scip.setPresolve(pyscipopt.SCIP_PARAMSETTING.OFF)
    return {
        "threads": 1,
        "random_seed": scip.getParam("randomization/randomseedshift"),
        "mip_rel_gap": scip.getParam("limits/gap"),
        "mip_abs_gap": scip.getParam("limits/absgap"),
        "primal_feasibility_tolerance": scip.getParam("numerics/feastol"),
        "dual_feasibility_tolerance": scip.getParam("numerics/dualfeastol"),
        "mip_feasibility_tolerance": scip.getParam("numerics/feastol"),
        **requested_tolerances(),
        "presolve": "on" if task.presolve else "off",
    }


def _watch(pyscipopt: Any, problem: _Problem, task: Task) -> list[BaseException]:
    """Report bounds; SCIP swallows what a handler raises, so that is kept and the solve ended."""
    scip, kinds = problem.scip, pyscipopt.SCIP_EVENTTYPE
    wanted = kinds.BESTSOLFOUND | kinds.DUALBOUNDIMPROVED
    failures: list[BaseException] = []

    def report(kind: int) -> None:
        if kind & kinds.BESTSOLFOUND:
            best = scip.getBestSol()
            mandates = problem.model.mandates(problem.values(best))
            task.recorder.bounds(primal=scip.getSolObjVal(best), mandates=mandates)
        elif scip.getDualbound() > scip.getPrimalbound():
            # A tree without open nodes has the incumbent's value for a bound, also where a gap limit is about to
            # put a node back. The bound at the end is read when SCIP has ended.
            task.recorder.bounds(dual=_dual(scip))

    class Handler(pyscipopt.Eventhdlr):  # type: ignore[misc]
        def eventinit(self) -> None:
            self.model.catchEvent(wanted, self)

        def eventexit(self) -> None:
            self.model.dropEvent(wanted, self)

        def eventexec(self, event: Any) -> None:
            try:
                report(event.getType())
            except BaseException as error:
                failures.append(error)
                scip.interruptSolve()

    scip.includeEventhdlr(Handler(), "splgbench", "reports bounds")
    return failures


def _dual(scip: Any) -> float | None:
    bound = float(scip.getDualbound())
    return bound if abs(bound) < scip.infinity() else None


def _solution(problem: _Problem, effective: dict[str, Any]) -> Solution:
    scip, model = problem.scip, problem.model
    ended = scip.getStatus()
    outcome = _STATUS.get(ended, SolverStatus.ERROR)
    counters = {"simplex_iterations": int(scip.getNLPIterations())}
    if not is_lp(model):
        counters["nodes"] = int(scip.getNTotalNodes())
        counters["cuts"] = int(scip.getNCutsApplied())
    best = scip.getBestSol() if scip.getNSols() else None
    values = None if best is None else problem.values(best)
    primal = None if best is None else float(scip.getSolObjVal(best))
    dual = None if outcome in (SolverStatus.INFEASIBLE, SolverStatus.ERROR) else _dual(scip)
    message = f"SCIP ended with {ended}" if outcome is SolverStatus.ERROR else ""
    return Solution(outcome, values, primal, dual, effective, counters, message)


backend = ScipBackend()
