"""Wrong backends: HiGHS told, read or quoted wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from splgbench.backends.base import Backend, Solution, SolverStatus, Task, is_lp
from splgbench.limits import Limits
from splgbench.model import MipModel
from splgbench.random_bits import permutation
from splgbench.testing.mutants.base import wrong_backend
from splgbench.trace import Recorder

Solves = Callable[[Backend, MipModel, Task], Solution]


@dataclass
class WrongBackend:
    """A backend that solves by a wrong function around the right one."""

    right: Backend
    wrongly: Solves

    def __post_init__(self) -> None:
        self.name = self.right.name
        self.capabilities = self.right.capabilities

    def unavailable(self) -> str | None:
        return self.right.unavailable()

    def versions(self) -> dict[str, str]:
        return self.right.versions()

    def reason_against(self, model: MipModel, limits: Limits) -> str | None:
        return self.right.reason_against(model, limits)

    def solve(self, model: MipModel, task: Task) -> Solution:
        return self.wrongly(self.right, model, task)

    def write(self, model: MipModel, path: Path, column_names: list[str], row_names: list[str]) -> None:
        self.right.write(model, path, column_names, row_names)


def _quietly(right: Backend, model: MipModel, task: Task) -> Solution:
    """Solve without a word to the recorder, so that only the wrong answer is heard."""
    return right.solve(model, replace(task, recorder=Recorder(right.name)))


def incumbent_as_bound(right: Backend, model: MipModel, task: Task) -> Solution:
    """The value of the incumbent stands where the bound should."""
    solution = _quietly(right, model, task)
    return replace(solution, dual=solution.primal)


def bound_one_too_low(right: Backend, model: MipModel, task: Task) -> Solution:
    """The bound lies a unit below what was proved."""
    solution = _quietly(right, model, task)
    return replace(solution, dual=None if solution.dual is None else solution.dual - 1)


def bound_in_tens(right: Backend, model: MipModel, task: Task) -> Solution:
    """The bound of a search that is stopped loses its last digit."""
    solution = _quietly(right, model, task)
    if solution.dual is None or solution.primal is None or solution.dual < solution.primal + 1:
        return solution
    return replace(solution, dual=float(solution.dual // 10 * 10))


def bounds_of_the_incumbent_on_the_way(right: Backend, model: MipModel, task: Task) -> Solution:
    """Events carry half the bound; the end is right."""
    solution = _quietly(right, model, task)
    if solution.dual is not None:
        task.recorder.bounds(dual=solution.dual / 2)
    return solution


def incumbents_too_good_on_the_way(right: Backend, model: MipModel, task: Task) -> Solution:
    """Events carry an incumbent that later falls; the end is right."""
    solution = _quietly(right, model, task)
    if solution.primal is not None and solution.values is not None:
        task.recorder.bounds(primal=solution.primal + 1, mandates=model.mandates(solution.values))
    return solution


def gap_as_proof(right: Backend, model: MipModel, task: Task) -> Solution:
    """Stops at a gap of 25 % and says that it is done."""
    solution = _quietly(right, model, replace(task, limits=replace(task.limits, gap=0.25)))
    return replace(solution, dual=solution.primal) if solution.status is SolverStatus.FINISHED else solution


def limit_as_proof(right: Backend, model: MipModel, task: Task) -> Solution:
    """A node limit ends in a proof, with or without an incumbent."""
    solution = _quietly(right, model, task)
    if solution.status is not SolverStatus.NODE_LIMIT:
        return solution
    return replace(solution, status=SolverStatus.FINISHED, dual=solution.primal)


def limit_as_infeasible(right: Backend, model: MipModel, task: Task) -> Solution:
    """A node limit ends in infeasibility."""
    solution = _quietly(right, model, task)
    return Solution(SolverStatus.INFEASIBLE) if solution.status is SolverStatus.NODE_LIMIT else solution


def last_row_lost(right: Backend, model: MipModel, task: Task) -> Solution:
    """The last row is not passed on."""
    lower, upper = model.row_lower.copy(), model.row_upper.copy()
    lower[-1:], upper[-1:] = -np.inf, np.inf
    return right.solve(replace(model, row_lower=lower, row_upper=upper), task)


def last_entry_lost(right: Backend, model: MipModel, task: Task) -> Solution:
    """The last entry of the matrix is not passed on."""
    values = model.row_values.copy()
    values[-1:] = 0.0
    return right.solve(replace(model, row_values=values), task)


def offset(right: Backend, model: MipModel, task: Task) -> Solution:
    """The objective has a constant of 1 in value and bound."""
    solution = _quietly(right, model, task)
    if solution.primal is None or solution.dual is None:
        return solution
    return replace(solution, primal=solution.primal + 1, dual=solution.dual + 1)


def minimises(right: Backend, model: MipModel, task: Task) -> Solution:
    """The sense is lost: it minimises, and its value counts as proved."""
    solution = _quietly(right, replace(model, objective=-model.objective), task)
    if solution.values is None:
        return solution
    value = float(model.objective @ solution.values)
    return replace(solution, primal=value, dual=value)


def builders_order(right: Backend, model: MipModel, task: Task) -> Solution:
    """Values come back with all volumes first, then all mandates, in whatever order the columns stand."""
    solution = right.solve(model, task)
    if solution.values is None or is_lp(model):
        return solution
    first = np.concatenate((model.volume_column, model.mandate_column))
    rest = np.setdiff1d(np.arange(model.n_columns), first)
    return replace(solution, values=solution.values[np.concatenate((first[first >= 0], rest))])


def start_as_optimum(right: Backend, model: MipModel, task: Task) -> Solution:
    """A start that is feasible comes back as the optimum."""
    if task.start is None:
        return right.solve(model, task)
    lower, upper = model.lower.copy(), model.upper.copy()
    lower[task.start.columns] = upper[task.start.columns] = task.start.values
    solution = _quietly(right, replace(model, lower=lower, upper=upper), task)
    return right.solve(model, task) if solution.status is SolverStatus.INFEASIBLE else solution


def better_than_start(right: Backend, model: MipModel, task: Task) -> Solution:
    """Only what is better than the start counts as an answer."""
    if task.start is None:
        return right.solve(model, task)
    start = np.zeros(model.n_columns)
    start[task.start.columns] = task.start.values
    solution = _quietly(right, model, task)
    no_better = solution.primal is not None and solution.primal < model.objective @ start + 0.5
    return Solution(SolverStatus.INFEASIBLE) if no_better else solution


class AnotherOrderEveryTime:
    """Every call shuffles the columns anew, so that ties break another way."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, right: Backend, model: MipModel, task: Task) -> Solution:
        self.calls += 1
        order = permutation(f"call {self.calls}", model.n_columns)
        shuffled = model.permuted(order, np.arange(model.n_rows))
        solution = right.solve(shuffled, replace(task, start=None))
        if solution.values is None:
            return solution
        values = np.empty_like(solution.values)
        values[order] = solution.values
        return replace(solution, values=values)


def one_percent_more(right: Backend, model: MipModel, task: Task) -> Solution:
    """Claims one per cent more than it has."""
    solution = _quietly(right, model, task)
    return replace(solution, primal=None if solution.primal is None else 1.01 * solution.primal)


def fixed_mandate_infeasible(right: Backend, model: MipModel, task: Task) -> Solution:
    """A mandate that must stand makes the model infeasible."""
    if (model.lower[model.integer] >= 1).any():
        return Solution(SolverStatus.INFEASIBLE)
    return right.solve(model, task)


def rounded_relaxation(right: Backend, model: MipModel, task: Task) -> Solution:
    """Solves the relaxation, and its mandates are rounded."""
    return _quietly(right, model.relaxed(), task)


def relaxation_too_low(right: Backend, model: MipModel, task: Task) -> Solution:
    """The LP ends one unit below its value."""
    solution = _quietly(right, model, task)
    if not is_lp(model) or solution.dual is None:
        return solution
    return replace(solution, primal=solution.dual - 1, dual=solution.dual - 1)


def half_words(right: Backend, model: MipModel, task: Task) -> Solution:
    """Coefficients pass through 16 bits: what is above 32767 wraps around."""
    objective = model.objective.astype(np.int64).astype(np.int16).astype(np.float64)
    return right.solve(replace(model, objective=objective), task)


def starts_at_zero(right: Backend, model: MipModel, task: Task) -> Solution:
    """Semicontinuous columns pass as continuous ones."""
    return right.solve(replace(model.relaxed(), integer=model.integer), task)


def _wraps(solves: Callable[[], Solves]) -> Callable[[Backend], Backend]:
    return lambda right: WrongBackend(right, solves())


def _always(solves: Solves) -> Callable[[Backend], Backend]:
    return _wraps(lambda: solves)


BACKEND_MUTANTS = (
    wrong_backend(
        "incumbent-as-bound", "big_m_literal", "reports the incumbent's value as the bound", _always(incumbent_as_bound)
    ),
    wrong_backend("bound-one-too-low", "linked", "reports a bound one unit too low", _always(bound_one_too_low)),
    wrong_backend(
        "bound-in-tens", "big_m_literal", "the bound of a stopped search loses its last digit", _always(bound_in_tens)
    ),
    wrong_backend(
        "event-bound-too-low",
        "linked",
        "events carry half the bound, the end is right",
        _always(bounds_of_the_incumbent_on_the_way),
    ),
    wrong_backend(
        "event-value-too-high",
        "linked",
        "events carry one unit too much, the end is right",
        _always(incumbents_too_good_on_the_way),
    ),
    wrong_backend("gap-as-proof", "big_m_literal", "stops at a gap of 25 % and says it is done", _always(gap_as_proof)),
    wrong_backend("limit-as-proof", "big_m_literal", "says it is done at a node limit", _always(limit_as_proof)),
    wrong_backend(
        "limit-as-infeasible", "big_m_literal", "says infeasible at a node limit", _always(limit_as_infeasible)
    ),
    wrong_backend("last-row-lost", "linked", "loses the last row", _always(last_row_lost)),
    wrong_backend("last-entry-lost", "linked", "loses the last coefficient", _always(last_entry_lost)),
    wrong_backend("objective-offset", "linked", "adds 1 to value and bound", _always(offset)),
    wrong_backend("minimises", "linked", "minimises", _always(minimises)),
    wrong_backend(
        "order-not-undone", "linked", "takes columns to stand in the builder's order", _always(builders_order)
    ),
    wrong_backend("start-as-optimum", "linked", "returns a feasible start as the optimum", _always(start_as_optimum)),
    wrong_backend(
        "better-than-start",
        "linked",
        "says infeasible where nothing is better than the start",
        _always(better_than_start),
    ),
    wrong_backend("another-order", "linked", "breaks ties another way in every call", _wraps(AnotherOrderEveryTime)),
    wrong_backend("one-percent-more", "linked", "claims one per cent more than it has", _always(one_percent_more)),
    wrong_backend(
        "fixed-infeasible", "linked", "says infeasible where a mandate must stand", _always(fixed_mandate_infeasible)
    ),
    wrong_backend("rounded-relaxation", "linked", "rounds the relaxation", _always(rounded_relaxation)),
    wrong_backend("relaxation-too-low", "linked", "an LP ends one unit below its value", _always(relaxation_too_low)),
    wrong_backend("half-words", "linked", "utilities wrap around above 32767", _always(half_words)),
    wrong_backend(
        "semicontinuity-lost", "semicontinuous", "takes semicontinuous columns as continuous", _always(starts_at_zero)
    ),
)
"""Wrong backends, each under a right formulation."""
