"""Exact volumes for fixed mandates where extensions couple what a flow cannot hold: a small MIP in whole numbers.

The flow of the plain instance comes first: where it obeys the extensions and they pay nothing, it is the best. Else
CP-SAT, which works in integers, distributes the cases; its time is counted in its own units of work, not by the clock,
so the same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from splgbench.checker import check
from splgbench.coupling import WholeRows, cpsat_rows
from splgbench.errors import SplgbenchError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.solver_libraries import load_ortools
from splgbench.volumes import pairs

WORK = 5.0
"""CP-SAT's deterministic time for one set of mandates; about as many seconds."""
MOST_OPEN = 500
"""Volumes that are looked at again where some are known that obey: more are as good as the solver that gave them."""


@dataclass(frozen=True)
class Coupled:
    """The best volumes found.

    Parameters
    ----------
    volumes : shape (K,); None where the mandates admit no allocation.
    proved : whether no others are better (or there are none).
    """

    volumes: IntArray | None
    proved: bool


def coupled_volumes(
    instance: Instance, lower: IntArray, upper: IntArray, flow: IntArray, known: IntArray | None = None
) -> Coupled:
    """The best whole volumes between `lower` and `upper`.

    Parameters
    ----------
    lower, upper : shape (K,), bounds of each volume under the mandates.
    flow : shape (K,), the best volumes of the plain instance.
    known : shape (K,), volumes with these mandates that obey every rule, or None.

    Raises
    ------
    SplgbenchError
        Nothing is found within `WORK`, nothing was known, and the flow does not obey.
    """
    verdict = check(instance, flow)
    extensions = instance.extensions.values()
    if verdict.feasible and not any(extension.pays for extension in extensions):
        return Coupled(flow, True)
    at_hand = [known] if known is not None else []
    if verdict.feasible:
        at_hand.append(flow)
    if known is not None and int((lower < upper).sum()) > MOST_OPEN:
        return Coupled(_best(instance, at_hand), False)
    cp_model = load_ortools("ortools.sat.python.cp_model")
    question = _Question(cp_model, instance, lower, upper)
    for extension in extensions:
        question.add(extension.rows(), upper > 0)
    question.hint(_best(instance, at_hand) if at_hand else flow)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = WORK
    status = solver.solve(question.stated())
    if status == cp_model.INFEASIBLE:
        return Coupled(None, True)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        at_hand.append(np.array([int(solver.value(x)) for x in question.x], dtype=np.int64))
    if not at_hand:
        raise SplgbenchError("the polish found no volumes for the mandates within its limit")
    return Coupled(_best(instance, at_hand), status == cp_model.OPTIMAL)


def _best(instance: Instance, volumes: Sequence[IntArray]) -> IntArray:
    """Of volumes that obey every rule those of largest value."""
    return max(volumes, key=lambda each: check(instance, each).objective)


class _Question:
    """A CP-SAT model over the volumes of mandates that stand."""

    def __init__(self, cp_model: Any, instance: Instance, lower: IntArray, upper: IntArray) -> None:
        self.model = cp_model.CpModel()
        self.n_offers = instance.n_offers
        self.x = [
            self.model.new_int_var(low, high, "") for low, high in zip(lower.tolist(), upper.tolist(), strict=True)
        ]
        self.worth = [u * x for u, x, high in zip(instance.utility.tolist(), self.x, upper, strict=True) if high > 0]
        held = np.flatnonzero(upper > 0).tolist()
        sums = [(instance.offer_cell, instance.demand)]
        if instance.limits_areas:
            pair = pairs(instance)
            sums.append((pair.of_offer, pair.capacity))
        for index, limit in sums:
            members: dict[int, list[Any]] = {}
            for k in held:
                members.setdefault(int(index[k]), []).append(self.x[k])
            for position, columns in members.items():
                self.model.add(sum(columns) <= int(limit[position]))

    def add(self, rows: WholeRows, mandates: BoolArray) -> None:
        """The rows of an extension with the mandates as they are."""
        stated = cpsat_rows(self.model, rows, self.x, mandates.astype(int).tolist())
        self.worth += stated.worth
        for total, low, high, _ in stated.sums:
            if not isinstance(total, int):
                self.model.add_linear_constraint(total, low, high)
            elif not low <= total <= high:
                self.model.add_bool_or([])

    def hint(self, volumes: IntArray) -> None:
        """Volumes to start from."""
        for x, cases in zip(self.x, volumes.tolist(), strict=True):
            self.model.add_hint(x, cases)

    def stated(self) -> Any:
        """The model with its objective."""
        self.model.maximize(sum(self.worth))
        return self.model
