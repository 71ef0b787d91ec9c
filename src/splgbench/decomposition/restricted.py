"""The strengthened model with mandates fixed: RENS, neighbourhoods, and the rest that probing leaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from splgbench import registry
from splgbench.backends.base import Backend, Solution, SolverStatus, Start, Task
from splgbench.backends.highs import HighsBackend
from splgbench.capabilities import Capability
from splgbench.coupling import build_model
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.probing import Fixed
from splgbench.decomposition.shrinking import shrunk
from splgbench.decomposition.side_by_side import NothingLeft
from splgbench.errors import InfeasibleError, SplgbenchError
from splgbench.instance import BoolArray, IntArray
from splgbench.limits import Limits
from splgbench.model import FloatArray, MipModel
from splgbench.presolve import Presolved
from splgbench.trace import Event, EventHandler, Recorder, Stop

WHOLE = 1e-6


def rens(
    restriction: Restriction,
    weights: FloatArray,
    seconds: float | None = None,
    nodes: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Fix the mandates that a fractional solution leaves whole and solve the rest.

    Where that has no solution, only the mandates at 0 are fixed.

    Parameters
    ----------
    restriction : of the loop that takes the incumbents.
    weights : shape (K,), mandates of the fractional solution.
    seconds, nodes : most it may take.
    options : as for `Restriction.solve`.
    """
    out, stand = weights <= WHOLE, weights >= 1 - WHOLE
    solution = restriction.solve(out, stand, "rens", seconds, nodes, options)
    if solution.status is SolverStatus.INFEASIBLE:
        restriction.solve(out, np.zeros_like(stand), "rens", seconds, nodes, options)


def solve_whole(loop: Loop) -> SolverStatus:
    """Solve `strengthened` as it is, wherever HiGHS can run."""
    model = build_model(registry.find("formulations", "strengthened"), loop.instance, "highs")

    def on_event(event: Event) -> None:
        if event.mandates is not None:
            loop.found(event.mandates, "highs")
        if event.dual is not None:
            loop.bounded(max(event.dual, float(loop.best or 0)), "highs")

    start = None if loop.volumes is None else Start(*model.start_values(loop.volumes))
    limits = replace(loop.limits, wall_time=None if loop.left is None else max(0.05, loop.left), iterations=None)
    solution: Solution = registry.find("backends", "highs").solve(
        model, Task(limits, Recorder("highs", on_event), loop.stop, start)
    )
    if solution.status is SolverStatus.INFEASIBLE:
        raise InfeasibleError("the solver finds no allocation")
    if solution.status is SolverStatus.ERROR:
        raise SplgbenchError(solution.message)
    if solution.values is not None:
        loop.found(model.mandates(solution.values), "highs", model.volumes(solution.values))
    if solution.dual is not None:
        loop.bounded(max(solution.dual, float(loop.best or 0)), "highs")
    return solution.status


@dataclass(frozen=True)
class Beside:
    """What a solve with others beside it stands on; it has one thread.

    Parameters
    ----------
    volumes : shape (K,), the allocation it starts from; the loop may have a better one when it ends.
    part : shape (K,), offers whose mandates it may change: what it finds there is put into the loop's best allocation.
    quiet : whether the loop is told nothing; `Restriction.put` does it.
    """

    volumes: IntArray
    part: BoolArray
    quiet: bool = False


class Restriction:
    """The strengthened model of a loop's instance, built once and solved with ever other mandates fixed.

    Parameters
    ----------
    loop : takes the incumbents; its best allocation is the start of every solve.
    backend : name of the solver.

    Attributes
    ----------
    side_by_side : how many may be solved at once, in threads.
    """

    def __init__(self, loop: Loop, backend: str = "highs") -> None:
        self.loop = loop
        self.side_by_side = loop.limits.threads if backend == "highs" else 1
        self.model: MipModel = registry.find("formulations", "strengthened").build(loop.instance, backend)
        self.backend: Backend = registry.find("backends", backend)

    def solve(
        self,
        out: BoolArray,
        stand: BoolArray,
        source: str,
        seconds: float | None = None,
        nodes: int | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        on_dual: Callable[[float], None] | None = None,
        near: BoolArray | None = None,
        beside: Beside | None = None,
        until: Stop | None = None,
    ) -> Solution:
        """Solve what is open; incumbents go to the loop as they come.

        Parameters
        ----------
        out, stand : shape (K,), mandates fixed at 0 and at 1; overrides win.
        source : what the trace calls the incumbents.
        seconds : most it may take; the loop's limit holds anyway.
        nodes : most branch-and-bound nodes.
        options : of HiGHS, in its own words; another solver does without.
        on_dual : told of upper bounds on what every allocation with these mandates fixed is worth.
        near : shape (K,), offers whose volumes are open; the others keep those of the best allocation, and the bounds
            of the solution hold for such allocations only. None opens all.
        beside : what it stands on where others are solved at the same time.
        until : ends it, with HiGHS, besides the loop's own stop.

        Returns
        -------
        Solution
            of the whole model: what is fixed is part of its values and bounds.
        """
        loop = self.loop
        left = [value for value in (loop.left, seconds) if value is not None]
        limits = replace(loop.limits, wall_time=max(0.05, min(left)) if left else None, nodes=nodes, iterations=None)
        first = loop.volumes
        if beside is not None:
            first, limits = beside.volumes, replace(limits, threads=1)
        known, reached = None, -math.inf
        if first is not None:
            reached = float(loop.instance.utility @ first)
            columns, values = self.model.start_values(first)
            known = np.zeros(self.model.n_columns)
            known[columns] = values
        lower, upper = fixed_bounds(self.model, self.loop.offers, out, stand)
        if near is not None and known is not None:
            far = self.model.volume_column[~near & loop.offers.live]
            lower[far] = upper[far] = known[far]
        part = shrunk(self.model, lower, upper, known)
        if part is None:
            return Solution(SolverStatus.INFEASIBLE)
        # The mandates of what is not open; the others come with each event.
        held = self.model.mandates(np.where(part.kept, 0.0, part.values))

        def on_event(event: Event) -> None:
            nonlocal reached
            if event.mandates is not None and (event.primal or 0.0) > reached:
                reached = event.primal or 0.0
                if beside is None or not beside.quiet:
                    self.put(held | event.mandates, source, beside)
            if on_dual is not None and event.dual is not None:
                on_dual(event.dual)

        start = None if known is None else Start(np.arange(part.model.n_columns), known[part.kept])
        solution = self._solved(part.model, limits, start, on_event, options, part.constant, until)
        if solution.status is SolverStatus.ERROR:
            loop.noted(f"{self.backend.name}: {solution.message or 'error'}")
        if solution.values is None:
            return solution
        whole = part.whole(solution.values)
        if beside is None or not beside.quiet:
            self.put(self.model.mandates(whole), source, beside)
        return replace(solution, values=whole)

    def put(self, mandates: BoolArray, source: str, beside: Beside | None = None) -> None:
        """Give mandates that a solve has found to the loop, as far as they are news."""
        loop = self.loop
        with loop.lock:
            if loop.volumes is not None:
                held = loop.volumes > 0
                mandates = mandates if beside is None else np.where(beside.part, mandates, held)
                if (mandates == held).all():
                    return
            loop.found(mandates, source)

    def decide(
        self,
        fixed: Fixed,
        source: str,
        seconds: float | None = None,
        options: Mapping[str, Any] | None = None,
        until: Stop | None = None,
    ) -> Solution:
        """Solve what is open where every better allocation has the mandates that are fixed; bounds go to the loop.

        Parameters
        ----------
        source, seconds, options, until : as in `solve`.

        Raises
        ------
        InfeasibleError
            There is no allocation.
        """
        loop = self.loop

        def on_dual(dual: float) -> None:
            loop.bounded(max(dual, float(loop.best or 0)), source)

        solution = self.solve(fixed.out, fixed.stand, source, seconds, options=options, on_dual=on_dual, until=until)
        if solution.dual is not None:
            on_dual(solution.dual)
        if solution.status is SolverStatus.INFEASIBLE:
            if loop.best is None:
                raise InfeasibleError("the solver finds no allocation")
            loop.bounded(float(loop.best), source)
        return solution

    def relaxed(self) -> FloatArray | None:
        """Mandates of the LP relaxation, whose value bounds the loop.

        Returns
        -------
        FloatArray or None
            shape (K,); None where HiGHS has no answer in time.

        Raises
        ------
        InfeasibleError
            No allocation exists.
        """
        loop = self.loop
        limits = replace(loop.limits, wall_time=None if loop.left is None else max(0.05, loop.left), iterations=None)
        solution = self._solved(self.model.relaxed(), limits)
        if solution.status is SolverStatus.INFEASIBLE:
            raise InfeasibleError("the relaxation is infeasible, so no allocation exists")
        if solution.values is None or solution.dual is None:
            return None
        loop.bounded(solution.dual, "lp")
        found = np.zeros(len(self.model.mandate_column))
        there = self.model.mandate_column >= 0
        found[there] = solution.values[self.model.mandate_column[there]]
        return found

    def _solved(
        self,
        model: MipModel,
        limits: Limits,
        start: Start | None = None,
        on_event: EventHandler | None = None,
        options: Mapping[str, Any] | None = None,
        constant: float = 0.0,
        until: Stop | None = None,
    ) -> Solution:
        """What the solver says of a model whose values and bounds all lack `constant`."""
        name, backend = self.backend.name, self.backend
        if isinstance(backend, HighsBackend):
            stop = NothingLeft(self.loop) if until is None else until
            return backend.solve_here(model, Task(limits, Recorder(name, on_event), stop, start), options, constant)

        def more(value: float | None) -> float | None:
            return None if value is None else value + constant

        def shifted(event: Event) -> None:
            if on_event is not None:
                on_event(replace(event, primal=more(event.primal), dual=more(event.dual)))

        if Capability.THREADS not in backend.capabilities:
            limits = replace(limits, threads=1)
        solution = backend.solve(model, Task(limits, Recorder(name, shifted), self.loop.stop, start))
        return replace(solution, primal=more(solution.primal), dual=more(solution.dual))


def fixed_bounds(model: MipModel, offers: Presolved, out: BoolArray, stand: BoolArray) -> tuple[FloatArray, FloatArray]:
    """The model's column bounds with the mandates of `out` gone and those of `stand` held, where they may be."""
    lower, upper = model.lower.copy(), model.upper.copy()
    gone = np.flatnonzero(out & ~offers.granted & offers.live)
    upper[model.mandate_column[gone]] = 0.0
    upper[model.volume_column[gone]] = 0.0
    held = np.flatnonzero(stand & ~offers.refused & offers.live)
    lower[model.mandate_column[held]] = 1.0
    return lower, upper
