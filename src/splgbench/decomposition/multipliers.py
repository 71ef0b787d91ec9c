"""Exchangeable updates of Lagrangian multipliers for min { L(m) : m >= 0 }."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from splgbench.errors import InputError
from splgbench.model import FloatArray


class Evaluation(Protocol):
    """What an update reads of a relaxation's value at some multipliers."""

    @property
    def bound(self) -> float:
        """L, an upper bound on the optimum."""

    @property
    def slack(self) -> FloatArray:
        """Shape (n_rows,), limits minus what the plans use: a subgradient."""


class Relaxation(Protocol):
    """What an update reads of a relaxation."""

    @property
    def unit(self) -> FloatArray:
        """Shape (n_rows,), cases that one unit of a row stands for."""


class Update(Protocol):
    """Chooses the next multipliers from what was evaluated."""

    def next(self, evaluation: Evaluation, target: float) -> FloatArray:
        """The multipliers to evaluate next.

        Parameters
        ----------
        evaluation : at the multipliers given last.
        target : a value L will not fall below, for instance of the best allocation.
        """


class Subgradient:
    """Polyak steps along a deflected subgradient.

    m+ = max(0, m - theta (L(m) - target) / |d|^2 d), d = memory d + (1 - memory) s. Source: Polyak 1969; deflection of
    Camerini, Fratta and Maffioli 1975.

    Parameters
    ----------
    relaxation : whose rows are priced.
    multipliers : the first ones.
    """

    MEMORY, THETA, SHRINK, PATIENCE = 0.6, 0.8, 0.6, 6

    def __init__(self, relaxation: Relaxation, multipliers: FloatArray) -> None:
        self.unit = relaxation.unit
        self.now = multipliers
        self.best = multipliers
        self.best_bound = np.inf
        self.direction = np.zeros(len(multipliers))
        self.theta = self.THETA
        self.waited = 0

    def next(self, evaluation: Evaluation, target: float) -> FloatArray:
        """See `Update.next`."""
        if evaluation.bound < self.best_bound:
            if evaluation.bound < self.best_bound - 1e-4 * abs(self.best_bound - target):
                self.waited = 0
            self.best_bound, self.best = evaluation.bound, self.now
        else:
            self.waited += 1
        if self.waited >= self.PATIENCE:
            self.theta, self.waited, self.now = self.SHRINK * self.theta, 0, self.best
            self.direction = np.zeros(len(self.now))
        self.direction = self.MEMORY * self.direction + (1 - self.MEMORY) * evaluation.slack * self.unit
        self.direction[(self.now <= 0) & (self.direction > 0)] = 0.0
        length = float(self.direction @ self.direction)
        step = self.theta * max(evaluation.bound - target, 0.0) / max(length, 1e-9)
        self.now = np.maximum(0.0, self.now - step * self.direction * self.unit)
        return self.now


class Volume:
    """The volume algorithm: steps from the best point along an average of plans, which tends to a primal solution.

    Source: Barahona and Anbil, Mathematical Programming 87 (2000).

    Parameters
    ----------
    relaxation, multipliers : as for `Subgradient`.
    """

    SMALLEST, LAMBDA = 0.02, 0.5

    def __init__(self, relaxation: Relaxation, multipliers: FloatArray) -> None:
        self.unit = relaxation.unit
        self.now = multipliers
        self.best = multipliers
        self.best_bound = np.inf
        self.average: FloatArray | None = None
        self.step = self.LAMBDA
        self.waited = 0

    def next(self, evaluation: Evaluation, target: float) -> FloatArray:
        """See `Update.next`."""
        slack = evaluation.slack * self.unit
        if self.average is None:
            self.average = slack
        else:
            # The convex combination of shortest length.
            difference = self.average - slack
            length = float(difference @ difference)
            weight = float(self.average @ difference) / length if length > 0 else 0.1
            weight = min(max(weight, self.SMALLEST), 0.5)
            self.average = weight * slack + (1 - weight) * self.average
        if evaluation.bound < self.best_bound:
            self.best_bound, self.best, self.waited = evaluation.bound, self.now, 0
            self.step = min(2.0, 1.1 * self.step)
        else:
            self.waited += 1
            if self.waited >= 10:
                self.step, self.waited = 0.66 * self.step, 0
        direction = self.average.copy()
        direction[(self.best <= 0) & (direction > 0)] = 0.0
        length = float(direction @ direction)
        length = max(length, 1e-9)
        move = self.step * max(self.best_bound - target, 0.0) / length
        self.now = np.maximum(0.0, self.best - move * direction * self.unit)
        return self.now


Rule = Callable[[Relaxation, FloatArray], Update]
"""Makes an update of a relaxation and first multipliers."""
UPDATES: dict[str, Rule] = {"subgradient": Subgradient, "volume": Volume}


def chosen_update(name: str) -> Rule:
    """The update of a name.

    Raises
    ------
    InputError
        It is none of `UPDATES`.
    """
    if name not in UPDATES:
        raise InputError(f"update must be {' or '.join(UPDATES)}, not {name}", "method")
    return UPDATES[name]
