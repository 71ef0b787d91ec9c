"""A model with columns fixed by their bounds, made small: what the fixed ones decide is gone.

    1. Bounds of whole columns, and those that a row with one column left states, are tightened by the rows' least and
       largest activities until nothing changes; data are whole numbers, so nothing is rounded wrongly.
    2. Columns with equal bounds go into the rows' limits; rows that cannot be broken any more go.
    3. Where values are known that satisfy all that is fixed and are the best for it, connected parts without an open
       whole column keep them.

Solvers' presolve does 1 and 2 as well, but on the whole model, and it does not know 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray, MipModel

ROUNDS = 20
"""Most rounds of step 1; each one that changes nothing is the last."""


@dataclass(frozen=True)
class Shrunk:
    """What is left of a model.

    Parameters
    ----------
    model : the part that is open.
    kept : shape (n,), the columns that are part of it.
    values : shape (n,), values of the others.
    constant : what the others add to the objective.
    """

    model: MipModel
    kept: BoolArray
    values: FloatArray
    constant: float

    def whole(self, values: FloatArray) -> FloatArray:
        """Values of all columns of the model that was shrunk."""
        found = self.values.copy()
        found[self.kept] = values
        return found


def shrunk(model: MipModel, lower: FloatArray, upper: FloatArray, known: FloatArray | None = None) -> Shrunk | None:
    """The open part of a model under bounds; None where they contradict the rows.

    Parameters
    ----------
    model : with finite bounds, whole-number data, and neither semicontinuous columns nor indicator rows.
    lower, upper : shape (n,), bounds within the model's own.
    known : shape (n,), a solution whose continuous values are the best for its whole ones; None without one.
    """
    rows = _Rows(model)
    lower, upper = lower.copy(), upper.copy()
    for _ in range(ROUNDS):
        before = lower.sum() - upper.sum()
        if not rows.tighten(lower, upper):
            return None
        if lower.sum() - upper.sum() == before:
            break
    fixed = lower == upper
    open_row = rows.breakable(lower, upper)
    entry = ~fixed[rows.column] & open_row[rows.row]
    values = lower
    kept = ~fixed
    if known is not None and ((lower <= known) & (known <= upper)).all():
        values = np.where(fixed, lower, known)
        kept &= _joined(rows.column[entry], rows.row[entry], model.integer & ~fixed, model.n_rows)
        open_row &= rows.touched(kept)
        entry &= kept[rows.column]
    decided = rows.activity(np.where(kept, 0.0, values))
    number, row_number = np.cumsum(kept) - 1, np.cumsum(open_row) - 1
    lengths = np.bincount(row_number[rows.row[entry]], minlength=int(open_row.sum()))
    small = MipModel(
        objective=model.objective[kept],
        lower=lower[kept],
        upper=upper[kept],
        integer=model.integer[kept],
        semicontinuous=np.zeros(int(kept.sum()), dtype=np.bool_),
        row_start=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        row_columns=number[rows.column[entry]],
        row_values=rows.value[entry],
        row_lower=(model.row_lower - decided)[open_row],
        row_upper=(model.row_upper - decided)[open_row],
        indicator_row=np.zeros(0, dtype=np.int64),
        indicator_column=np.zeros(0, dtype=np.int64),
        indicator_value=np.zeros(0, dtype=np.int64),
        volume_column=_moved(model.volume_column, kept, number),
        mandate_column=_moved(model.mandate_column, kept, number),
    )
    return Shrunk(small, kept, values, float(model.objective[~kept] @ values[~kept]))


def _moved(columns: IntArray, kept: BoolArray, number: IntArray) -> IntArray:
    """The new numbers of columns; -1 where they are gone or were not there."""
    there = columns >= 0
    there[there] = kept[columns[there]]
    found = np.full(len(columns), -1, dtype=np.int64)
    found[there] = number[columns[there]]
    return found


def _joined(column: IntArray, row: IntArray, open_whole: BoolArray, n_rows: int) -> BoolArray:
    """Columns that entries connect with an open whole column."""
    n = len(open_whole)
    graph = coo_array((np.ones(len(row), dtype=np.bool_), (column, n + row)), shape=(n + n_rows, n + n_rows))
    count, label = connected_components(graph, directed=False)
    reached = np.zeros(count, dtype=np.bool_)
    reached[label[:n][open_whole]] = True
    found: BoolArray = reached[label[:n]]
    return found


class _Rows:
    """The entries of a model's rows as triples, without those that are 0."""

    def __init__(self, model: MipModel) -> None:
        self.model = model
        there = model.row_values != 0
        self.row = np.repeat(np.arange(model.n_rows), np.diff(model.row_start))[there]
        self.column = model.row_columns[there]
        self.value = model.row_values[there]
        self.up = self.value > 0

    def activity(self, values: FloatArray) -> FloatArray:
        found = np.zeros(self.model.n_rows)
        np.add.at(found, self.row, self.value * values[self.column])
        return found

    def touched(self, columns: BoolArray) -> BoolArray:
        """Rows with an entry in some columns."""
        return np.bincount(self.row[columns[self.column]], minlength=self.model.n_rows) > 0

    def _extremes(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The least and the largest that each entry can add to its row."""
        low, high = self.value * lower[self.column], self.value * upper[self.column]
        return np.where(self.up, low, high), np.where(self.up, high, low)

    def breakable(self, lower: FloatArray, upper: FloatArray) -> BoolArray:
        """Rows that some values within the bounds break."""
        least, most = self._extremes(lower, upper)
        n_rows = self.model.n_rows
        found: BoolArray = (np.bincount(self.row, most, minlength=n_rows) > self.model.row_upper) | (
            np.bincount(self.row, least, minlength=n_rows) < self.model.row_lower
        )
        return found

    def tighten(self, lower: FloatArray, upper: FloatArray) -> bool:
        """One round of step 1, in place; False where a row cannot be satisfied."""
        model, n_rows = self.model, self.model.n_rows
        least, most = self._extremes(lower, upper)
        least_sum = np.bincount(self.row, least, minlength=n_rows)
        most_sum = np.bincount(self.row, most, minlength=n_rows)
        if (least_sum > model.row_upper).any() or (most_sum < model.row_lower).any():
            return False
        open_column = lower < upper
        alone = np.bincount(self.row[open_column[self.column]], minlength=n_rows) == 1
        e = np.flatnonzero(open_column[self.column] & (model.integer[self.column] | alone[self.row]))
        row, column, value, up = self.row[e], self.column[e], self.value[e], self.up[e]
        # What the row's limits leave to this entry, as limits of its column.
        high = (model.row_upper[row] - (least_sum[row] - least[e])) / value
        low = (model.row_lower[row] - (most_sum[row] - most[e])) / value
        high, low = np.where(up, high, low), np.where(up, low, high)
        whole = model.integer[column]
        np.minimum.at(upper, column, np.where(whole, np.floor(high), high))
        np.maximum.at(lower, column, np.where(whole, np.ceil(low), low))
        return bool((lower <= upper).all())
