"""Small models solved through a backend: their LP first, and what is proved of them whatever ended the solver.

The objective of a subproblem is whole on every column, and so is its optimum (model statement, fact 1): a solver's
bound is rounded down to a whole number, which also makes up for the absolute gap at which backends stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from splgbench import registry
from splgbench.backends.base import Backend, Solution, SolverStatus, Task, is_lp
from splgbench.backends.highs import HighsBackend
from splgbench.capabilities import Capability
from splgbench.decomposition.loop import Loop
from splgbench.errors import UnsupportedError
from splgbench.model import FloatArray, MipModel
from splgbench.result import rounded_dual
from splgbench.trace import EventHandler, Recorder

WHOLE = 1e-6
"""How far from a whole number the mandates of an LP may lie to count as whole."""
ALLOWANCE = 1e-6
"""What a solver's bound on an objective that is not whole may lack, in units; a thousandth of that of its size."""
SHORTEST = 0.02
"""Seconds a solver gets at least."""


@dataclass(frozen=True)
class Answer:
    """What is known of a subproblem.

    Parameters
    ----------
    bound : upper bound on its optimum, whole; -inf where it has no solution.
    values : shape (n,), its best solution; None without one.
    closed : whether the bound is the optimum.
    """

    bound: float
    values: FloatArray | None
    closed: bool


class Subproblems:
    """Solves models for a loop, within its limits and under its stop.

    Parameters
    ----------
    loop : whose time, stop, threads, seed and counters they share.
    backend : name of the backend.
    apart : solve with one thread each, so that several can be solved side by side.

    Attributes
    ----------
    options : of HiGHS for models with whole columns, in its own words; may be changed between solves.
    side_by_side : how many may be solved at once, in threads.
    """

    def __init__(self, loop: Loop, backend: str, apart: bool = False) -> None:
        self.loop = loop
        # HiGHS lets other threads run while it works.
        self.side_by_side = loop.limits.threads if apart and backend == "highs" else 1
        self.threads = 1 if apart else loop.limits.threads
        self.lock = Lock()
        self.options: Mapping[str, object] = {}
        self.backend: Backend = registry.find("backends", backend)
        self.name = backend

    def solve(
        self,
        model: MipModel,
        gap: float = 0.0,
        seconds: float | None = None,
        on_event: EventHandler | None = None,
        known: Answer | None = None,
    ) -> Answer:
        """The optimum, or a bound on it.

        Parameters
        ----------
        model : with whole numbers in its objective and finite bounds on the columns that have any.
        gap : relative gap at which the solver may stop.
        seconds : most it may take; the loop's limit holds anyway.
        on_event : receives the solver's events.
        known : what `relax` says of the model; None to ask it.

        Raises
        ------
        UnsupportedError
            The backend does not take the model.
        """
        known = self.relax(model, seconds) if known is None else known
        if known.closed:
            return known
        solution = self._run(model, gap, seconds, on_event)
        if solution is None:
            return replace(known, values=None)
        if solution.status is SolverStatus.INFEASIBLE:
            return Answer(-np.inf, None, True)
        bound = known.bound
        if solution.status is not SolverStatus.ERROR:
            bound = min(bound, _whole(solution.dual))
        closed = solution.primal is not None and bound < solution.primal + 0.5
        return Answer(bound, solution.values, closed)

    def bounded(self, model: MipModel, gap: float = 0.0, seconds: float | None = None) -> Answer:
        """As `solve`, for an objective that need not be whole: the bound carries an allowance and is not rounded.

        Parameters
        ----------
        model : with finite bounds on the columns that have a worth.
        gap, seconds : as for `solve`.
        """
        trivial = trivial_bound(model, model.objective)
        solution = None if seconds == 0 else self._run(model, gap, seconds, None)
        if solution is None:
            return Answer(trivial, None, False)
        if solution.status is SolverStatus.INFEASIBLE:
            return Answer(-np.inf, None, True)
        bound = trivial
        if solution.status is not SolverStatus.ERROR and solution.dual is not None:
            bound = min(bound, solution.dual + ALLOWANCE * max(1.0, 1e-3 * abs(solution.dual)))
        return Answer(bound, solution.values, solution.status is SolverStatus.FINISHED)

    def relax(self, model: MipModel, seconds: float | None = None) -> Answer:
        """The LP relaxation: its bound, rounded down, and its values; closed where its mandates are whole.

        A backend that solves no LPs, or has no time for one, leaves what the columns are worth, each alone.
        """
        bound = trivial_bound(model, model.objective)
        if Capability.RELAXATION not in self.backend.capabilities:
            return Answer(bound, None, False)
        solution = self._run(model.relaxed(), 0.0, seconds, None)
        if solution is not None and solution.status is SolverStatus.INFEASIBLE:
            return Answer(-np.inf, None, True)
        if solution is None or solution.status is not SolverStatus.FINISHED or solution.values is None:
            return Answer(bound, None, False)
        return Answer(min(bound, _whole(solution.dual)), solution.values, _is_whole(solution.values[model.integer]))

    def coarse_gap(self) -> float:
        """A gap for masters that are still far from the optimum: a tenth of the loop's."""
        loop = self.loop
        if not loop.best or loop.bound is None:
            return 0.01
        return 0.1 * max(0.0, loop.bound - loop.best) / loop.best

    def _run(
        self, model: MipModel, gap: float, seconds: float | None, on_event: EventHandler | None
    ) -> Solution | None:
        """What the backend says; None where there is no time to ask it."""
        loop = self.loop
        left = [value for value in (loop.left, seconds) if value is not None]
        if loop.stop or (loop.left is not None and loop.left <= 0):
            return None
        wall_time = max(SHORTEST, min(left)) if left else None
        limits = replace(loop.limits, wall_time=wall_time, iterations=None, gap=gap, threads=self.threads)
        reason = self.backend.reason_against(model, limits)
        if reason is not None:
            raise UnsupportedError(f"{self.name}: {reason}")
        task = Task(limits, Recorder(self.name, on_event), loop.stop)
        if self.options and isinstance(self.backend, HighsBackend) and not is_lp(model):
            solution = self.backend.solve_here(model, task, self.options)
        else:
            solution = self.backend.solve(model, task)
        with self.lock:
            for name in ("simplex_iterations", "nodes"):
                loop.counters[name] = loop.counters.get(name, 0) + solution.counters.get(name, 0)
            if solution.status is SolverStatus.ERROR:
                loop.noted(f"{self.name}: {solution.message or 'error'}")
            loop.counters["subproblems"] = loop.counters.get("subproblems", 0) + 1
        return solution


def trivial_bound(model: MipModel, objective: FloatArray) -> float:
    """The most that an objective is worth within the bounds of the columns alone."""
    return float(np.maximum(objective * model.lower, objective * model.upper).sum())


def _whole(dual: float | None) -> float:
    rounded = rounded_dual(dual, None)
    return np.inf if rounded is None else rounded


def _is_whole(values: FloatArray) -> bool:
    return bool((np.abs(values - np.rint(values)) <= WHOLE).all())
