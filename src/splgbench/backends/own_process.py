"""Running a backend in a process of its own, for a solver library that cannot share this one."""

from __future__ import annotations

from pathlib import Path

from splgbench.backends.base import Solution, SolverStatus, Task
from splgbench.isolation import answered, run_errand
from splgbench.model import MipModel
from splgbench.trace import Event
from splgbench.worker import BackendErrand, WriteErrand


def solve_in_own_process(backend: str, model: MipModel, task: Task) -> Solution:
    """As the backend's `solve_here`, elsewhere; events and the stop are passed on."""

    def pass_on(event: Event) -> None:
        task.recorder.bounds(event.primal, event.dual, event.mandates)

    errand = BackendErrand(backend, model, task.limits, task.start, task.presolve)
    outcome = run_errand(errand, pass_on, stop=task.stop, wall_time=task.limits.wall_time, memory=task.limits.memory)
    ended = {
        "time-out": SolverStatus.TIME_LIMIT,
        "out-of-memory": SolverStatus.MEMORY_LIMIT,
        "interrupted": SolverStatus.INTERRUPTED,
        "crashed": SolverStatus.ERROR,
        "failed": SolverStatus.ERROR,
    }.get(outcome.kind)
    if ended is not None:
        return Solution(ended, message=str(outcome.value or ""))
    solution: Solution = answered(outcome)
    return solution


def write_in_own_process(
    backend: str, model: MipModel, path: Path, column_names: list[str], row_names: list[str]
) -> None:
    """As the backend's `write_here`, elsewhere."""
    answered(run_errand(WriteErrand(backend, model, path.absolute(), column_names, row_names), lambda _event: None))
