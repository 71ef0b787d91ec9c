"""Volumes that obey extensions, from mandates of a relaxation's plans: a MILP in which other mandates are gone.

Volumes are continuous at first. At a vertex few of them are not whole, as what is left of the plain rows is a network:
these are settled by a second, small MILP.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splgbench.coupling import build_model
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.shrinking import shrunk
from splgbench.decomposition.subproblems import Subproblems
from splgbench.formulation import BuildsModels
from splgbench.instance import BoolArray
from splgbench.model import FloatArray, MipModel

WHOLE = 1e-6
"""How far from a whole number a volume may lie to count as whole."""
STEP = 3
"""Cases by which a volume that is not whole may move to become so."""


class CoupledRepair:
    """The model of a formulation with the rows of extensions, solved over some mandates.

    Parameters
    ----------
    loop : takes the allocations.
    formulation, backend : whose model it is, and for which solver.
    subproblems : solves it.
    """

    def __init__(self, loop: Loop, formulation: BuildsModels, backend: str, subproblems: Subproblems) -> None:
        self.loop, self.subproblems = loop, subproblems
        self.model = build_model(formulation, loop.instance, backend)
        integer = self.model.integer.copy()
        integer[self.model.volume_column[self.model.volume_column >= 0]] = False
        self.loose = replace(self.model, integer=integer)

    def found(self, mandates: BoolArray, source: str, gap: float, seconds: float | None) -> bool:
        """Try mandates as they stand; where no volumes obey, what is left of them that does.

        Parameters
        ----------
        mandates : shape (K,).
        gap : relative gap at which the solver may stop.
        seconds : most that every question may take.
        """
        for stands in (True, False):
            lower, upper = self._bounds(mandates, stands)
            values = self._solved(self.loose, lower, upper, gap, seconds)
            whole = None if values is None else self._made_whole(values, gap, seconds)
            if whole is not None:
                return self.loop.found(self.model.mandates(whole), source, self.model.volumes(whole))
        return False

    def _bounds(self, mandates: BoolArray, stands: bool) -> tuple[FloatArray, FloatArray]:
        """Bounds of the columns with only these mandates, all of them if `stands`."""
        model, granted = self.model, self.loop.offers.granted
        lower, upper = model.lower.copy(), model.upper.copy()
        there = np.flatnonzero(model.mandate_column >= 0)
        column = model.mandate_column[there]
        upper[column[~mandates[there] & ~granted[there]]] = 0.0
        if stands:
            lower[column[mandates[there]]] = upper[column[mandates[there]]]
        gone = np.flatnonzero(~mandates & ~granted & (model.volume_column >= 0))
        upper[model.volume_column[gone]] = 0.0
        return lower, upper

    def _made_whole(self, values: FloatArray, gap: float, seconds: float | None) -> FloatArray | None:
        """Whole volumes near a solution: those that are whole stay, the others move by `STEP` cases at most."""
        lower, upper = self.model.lower.copy(), self.model.upper.copy()
        column = self.model.mandate_column[self.model.mandate_column >= 0]
        lower[column] = upper[column] = np.rint(values[column])
        column = self.model.volume_column[self.model.volume_column >= 0]
        volume = values[column]
        near = np.rint(volume)
        is_whole = np.abs(volume - near) <= WHOLE
        lower[column] = np.where(is_whole, near, np.maximum(lower[column], np.floor(volume) - STEP))
        upper[column] = np.where(is_whole, near, np.minimum(upper[column], np.ceil(volume) + STEP))
        return self._solved(self.model, lower, upper, gap, seconds)

    def _solved(
        self, model: MipModel, lower: FloatArray, upper: FloatArray, gap: float, seconds: float | None
    ) -> FloatArray | None:
        """A solution within bounds, or None."""
        if (lower > upper).any():
            return None
        part = shrunk(model, lower, upper)
        if part is None:
            return None
        if not part.model.n_columns:
            return part.values
        values = self.subproblems.bounded(part.model, gap, seconds).values
        return None if values is None else part.whole(values)
