"""The strengthened model with mandates fixed: RENS, neighbourhoods, and the rest that probing leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splgbench import registry
from splgbench.backends.base import Solution, SolverStatus, Start, Task
from splgbench.decomposition.loop import Loop
from splgbench.instance import BoolArray
from splgbench.model import FloatArray, MipModel
from splgbench.trace import Event, Recorder

WHOLE = 1e-6


def rens(loop: Loop, weights: FloatArray, seconds: float | None = None, nodes: int | None = None) -> None:
    """Fix the mandates that a fractional solution leaves whole and solve the rest.

    Where that has no solution, only the mandates at 0 are fixed.

    Parameters
    ----------
    weights : shape (K,), mandates of the fractional solution.
    seconds, nodes : most it may take.
    """
    out, stand = weights <= WHOLE, weights >= 1 - WHOLE
    solution = solve_restricted(loop, out, stand, "rens", seconds, nodes)
    if solution.status is SolverStatus.INFEASIBLE:
        solve_restricted(loop, out, np.zeros_like(stand), "rens", seconds, nodes)


def solve_restricted(
    loop: Loop,
    out: BoolArray,
    stand: BoolArray,
    source: str,
    seconds: float | None = None,
    nodes: int | None = None,
) -> Solution:
    """Solve `strengthened` with some mandates refused or granted; incumbents go to the loop.

    Parameters
    ----------
    out, stand : shape (K,), mandates fixed at 0 and at 1; overrides win.
    seconds : most it may take; the loop's limit holds anyway.
    nodes : most nodes of the solver; None for no limit.
    """
    left = [value for value in (loop.left, seconds) if value is not None]
    model = restricted(loop, out, stand)
    limits = replace(loop.limits, wall_time=max(0.05, min(left)) if left else None, nodes=nodes, iterations=None)

    def on_event(event: Event) -> None:
        if event.mandates is not None and (loop.best is None or (event.primal or 0.0) > loop.best):
            loop.found(event.mandates, source)

    start = None if loop.volumes is None else Start(*model.start_values(loop.volumes))
    task = Task(limits, Recorder("highs", on_event), loop.stop, start)
    solution: Solution = registry.find("backends", "highs").solve(model, task)
    if solution.values is not None:
        loop.found(model.mandates(solution.values), source)
    return solution


def restricted(loop: Loop, out: BoolArray, stand: BoolArray) -> MipModel:
    """The strengthened model of the loop's instance with mandates fixed."""
    offers = loop.offers
    model: MipModel = registry.find("formulations", "strengthened").build(offers.instance, "highs")
    lower, upper = model.lower.copy(), model.upper.copy()
    gone = np.flatnonzero(out & ~offers.granted & offers.live)
    upper[model.mandate_column[gone]] = 0.0
    upper[model.volume_column[gone]] = 0.0
    held = np.flatnonzero(stand & ~offers.refused & offers.live)
    lower[model.mandate_column[held]] = 1.0
    return replace(model, lower=lower, upper=upper)
