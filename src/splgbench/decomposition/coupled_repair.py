"""Allocations that obey extensions, from a relaxation's plans: stage by stage, a MILP for each.

A stage is a year, or all there is. Its MILP has the plain rows of the stage and, as they stand, the rows of
extensions that join it with what is decided; rows that join it with later stages are priced, as in the relaxation. As
in RENS (Berthold 2014) mandates stand that the plans and the LP relaxation agree on, and those are out that neither
holds; where that has no solution, the first are free, and then all.

Where that gives nothing better, mandates last, once: those of one service in all years are one column of the whole
model, so that no hospital has to give up what it cannot shrink in time. Services are told by the keys of their groups
without the year (`KNEE@2026` and `KNEE@2027`). From then on the years are decided anew, one at a time between the
others as they stand. Without any allocation the last year comes first.

Volumes are continuous at first. At a vertex few of them are not whole, as what is left of the plain rows is a network:
these are settled by a second, small MILP, and where that has no solution, by one in which all volumes move a little.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splgbench.decomposition.coupled_relaxation import CoupledRelaxation
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.merging import merged
from splgbench.decomposition.restricted import fixed_bounds
from splgbench.decomposition.shrinking import shrunk
from splgbench.decomposition.subproblems import Subproblems
from splgbench.extensions.years import Years
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.model import FloatArray, MipModel

WHOLE = 1e-6
"""How far from a whole number a volume may lie to count as whole."""
STEP = 3
"""Cases by which a volume that is not whole may move to become so."""
WHOLE_GAP = 1e-3
"""Relative gap at which the solver may stop where all volumes move."""
LASTING_GAP = 5e-3
"""Relative gap at which the solver may stop where mandates last; the years are decided anew afterwards."""
ANEW_GAP = 1e-4
"""The same for a year decided anew."""


class CoupledRepair:
    """The model of a formulation with the rows of extensions, solved stage by stage.

    Parameters
    ----------
    loop : takes the allocations.
    model : with columns x and y, and the rows of the extensions behind all others.
    relaxation : whose rows those are.
    subproblems : solves the stages.
    values : shape (n,), of the model's LP relaxation; None without any.
    """

    def __init__(
        self,
        loop: Loop,
        model: MipModel,
        relaxation: CoupledRelaxation,
        subproblems: Subproblems,
        values: FloatArray | None,
    ) -> None:
        self.loop, self.model, self.subproblems = loop, model, subproblems
        self.matrix, self.n_rows = relaxation.rows.matrix, relaxation.n_rows
        self.weights = np.zeros(loop.instance.n_offers)
        there = model.mandate_column >= 0
        if values is not None:
            self.weights[there] = values[model.mandate_column[there]]
        integer = model.integer.copy()
        integer[model.volume_column[model.volume_column >= 0]] = False
        self.continuous = integer
        # Blocks lie within stages, unless plain rows join years; then they count with their last one.
        of_offer = stages(loop.instance)
        self.stage = np.full(model.n_columns, -1, dtype=np.int64)
        for block in relaxation.cut.blocks:
            self.stage[block.columns] = of_offer[block.offers].max(initial=0)
        self._order(backwards=False)
        self.lasts = self.tried = False

    def _order(self, *, backwards: bool) -> None:
        """Number the stages from the first year on or from the last, and rows by the stage that completes them."""
        if backwards:
            self.stage = np.where(self.stage >= 0, self.stage.max(initial=0) - self.stage, -1)
        entries = self.matrix.tocoo()
        self.row_stage = np.zeros(self.n_rows, dtype=np.int64)
        np.maximum.at(self.row_stage, entries.row, self.stage[entries.col])

    def found(self, mandates: BoolArray, prices: FloatArray, source: str, gap: float, seconds: float | None) -> bool:
        """Make an allocation of plans, or a better one of the best.

        Parameters
        ----------
        mandates : shape (K,), of the plans.
        prices : shape (n_rows,), multipliers of the rows of extensions.
        gap : relative gap at which the solver may stop in a stage.
        seconds : most that all stages may take together.
        """
        if not self.lasts and self._in_order(mandates, prices, source, gap, seconds):
            return True
        if not self.tried:
            self.tried, self.lasts = True, self._lasting(source, seconds)
            if self.lasts:
                return True
        if not self.loop.best:
            # What must be given up later shows only from the other end; the next plans begin there, too.
            self._order(backwards=True)
            return self._in_order(mandates, prices, source, gap, seconds)
        return self._anew(source, seconds)

    def _lasting(self, source: str, seconds: float | None) -> bool:
        """An allocation whose mandates last; False where no service does, or nothing better comes of it."""
        column = self.model.mandate_column
        there = column >= 0
        label = np.arange(self.model.n_columns)
        label[column[there]] = self.model.n_columns + services(self.loop.instance)[there]
        one = merged(replace(self.model, integer=self.continuous), label)
        if one.model.n_columns == self.model.n_columns:
            return False
        found = self.subproblems.bounded(one.model, LASTING_GAP, seconds).values
        self.loop.check()
        if found is None:
            return False
        values = self._made_whole(self.model, one.whole(found), self.model.lower, self.model.upper, seconds)
        if values is None:
            return False
        return self.loop.found(self.model.mandates(values), source, self.model.volumes(values))

    def _anew(self, source: str, seconds: float | None) -> bool:
        """One year after the other, between the others as they stand; whether anything better came of it."""
        numbers = np.unique(self.stage[self.stage >= 0]).tolist()
        volumes = self.loop.volumes
        if len(numbers) == 1 or volumes is None:
            return False
        nothing = np.zeros(len(volumes), dtype=np.bool_)
        share = None if seconds is None else seconds / len(numbers)
        better = False
        for number in numbers:
            self.loop.check()
            columns, known = self.model.start_values(volumes)
            values = np.zeros(self.model.n_columns)
            values[columns] = known
            lower, upper = self._bounds(number, values, nothing, nothing)
            loose = self._solved(replace(self.model, integer=self.continuous), lower, upper, ANEW_GAP, share)
            whole = None if loose is None else self._made_whole(self.model, loose, lower, upper, share)
            if whole is not None and self.loop.found(self.model.mandates(whole), source, self.model.volumes(whole)):
                better = True
                volumes = self.loop.volumes
                assert volumes is not None
        return better

    def _in_order(
        self, mandates: BoolArray, prices: FloatArray, source: str, gap: float, seconds: float | None
    ) -> bool:
        """All stages, one after the other; False where one has no solution, or nothing better comes of them."""
        values = np.zeros(self.model.n_columns)
        numbers = np.unique(self.stage[self.stage >= 0]).tolist()
        for number in numbers:
            share = None if seconds is None else seconds / len(numbers)
            found = self._staged(number, values, mandates, prices, gap, share)
            if found is None:
                return False
            values = found
        return self.loop.found(self.model.mandates(values), source, self.model.volumes(values))

    def _staged(
        self,
        number: int,
        values: FloatArray,
        mandates: BoolArray,
        prices: FloatArray,
        gap: float,
        seconds: float | None,
    ) -> FloatArray | None:
        """Values with a stage more; None where it has none."""
        model = self._model_of(number, prices)
        nothing = np.zeros_like(mandates)
        out, stand = ~mandates & (self.weights <= WHOLE), mandates & (self.weights >= 1 - WHOLE)
        for gone, held in ((out, stand), (out, nothing), (nothing, nothing)):
            lower, upper = self._bounds(number, values, gone, held)
            loose = self._solved(replace(model, integer=self.continuous), lower, upper, gap, seconds)
            whole = None if loose is None else self._made_whole(model, loose, lower, upper, seconds)
            if whole is not None:
                return whole
        return None

    def _model_of(self, number: int, prices: FloatArray) -> MipModel:
        """The model of a stage: rows that wait for later ones do not hold, and are priced."""
        waits = self.row_stage > number
        row_upper = self.model.row_upper.copy()
        row_upper[len(row_upper) - self.n_rows :][waits] = np.inf
        objective = self.model.objective.copy()
        n_plain = self.matrix.shape[1]
        objective[:n_plain] -= self.matrix.T @ np.where(waits, prices, 0.0)
        objective[:n_plain][self.stage[:n_plain] != number] = 0.0
        return replace(self.model, objective=objective, row_upper=row_upper)

    def _bounds(
        self, number: int, values: FloatArray, out: BoolArray, stand: BoolArray
    ) -> tuple[FloatArray, FloatArray]:
        """Bounds of the columns: earlier stages as decided, later ones empty, of this one what is out and stands."""
        lower, upper = fixed_bounds(self.model, self.loop.offers, out, stand)
        n_plain = self.matrix.shape[1]
        other = np.flatnonzero(self.stage[:n_plain] != number)
        lower[other] = upper[other] = values[other]
        return lower, upper

    def _made_whole(
        self, model: MipModel, values: FloatArray, lower: FloatArray, upper: FloatArray, seconds: float | None
    ) -> FloatArray | None:
        """Whole volumes near a solution.

        Those that are whole stay, the others move by `STEP` cases at most; without a solution all of them do.
        """
        lower, upper = lower.copy(), upper.copy()
        column = model.mandate_column[model.mandate_column >= 0]
        lower[column] = upper[column] = np.rint(values[column])
        column = model.volume_column[model.volume_column >= 0]
        volume = values[column]
        lower[column] = np.maximum(lower[column], np.floor(volume + WHOLE) - STEP)
        upper[column] = np.minimum(upper[column], np.ceil(volume - WHOLE) + STEP)
        whole = column[np.abs(volume - np.rint(volume)) <= WHOLE]
        least, most = lower.copy(), upper.copy()
        least[whole] = most[whole] = np.rint(values[whole])
        settled = self._solved(model, least, most, 0.0, seconds)
        return self._solved(model, lower, upper, WHOLE_GAP, seconds) if settled is None else settled

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


def stages(instance: Instance) -> IntArray:
    """Shape (K,), the place of each offer's year among the years; 0 without the extension."""
    years = instance.extensions.get(Years.name)
    if not isinstance(years, Years):
        return np.zeros(instance.n_offers, dtype=np.int64)
    return np.array([t for _, _, t in years.places], dtype=np.int64)[years.place]


def services(instance: Instance) -> IntArray:
    """Shape (K,), the number of each offer's hospital and group without its year: a service that may last."""
    years = instance.extensions.get(Years.name)
    named = [instance.offer_name(k) for k in range(instance.n_offers)]
    if isinstance(years, Years):
        named = [(hospital, "".join(group.rsplit(years.group_year[group], 1))) for hospital, group in named]
    number: dict[tuple[str, str], int] = {}
    return np.array([number.setdefault(service, len(number)) for service in named], dtype=np.int64)
