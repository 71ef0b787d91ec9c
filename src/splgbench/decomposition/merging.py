"""A model in which several columns are one: what is left are the solutions that are equal there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from splgbench.instance import IntArray
from splgbench.model import FloatArray, MipModel


@dataclass(frozen=True)
class Merged:
    """A model with fewer columns.

    Parameters
    ----------
    model : its objective adds up what the columns that are one were worth; their bounds hold together.
    number : shape (n,), the column that stands for each column of the whole.
    """

    model: MipModel
    number: IntArray

    def whole(self, values: FloatArray) -> FloatArray:
        """Values of the whole model, shape (n,)."""
        found: FloatArray = values[self.number]
        return found


def merged(model: MipModel, label: IntArray) -> Merged:
    """The model in which columns of the same label are one.

    Parameters
    ----------
    model : without indicator rows.
    label : shape (n,), whole numbers; columns that it joins are all whole, or none is.
    """
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    n = len(first)
    lower, upper, objective = np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n)
    np.maximum.at(lower, number, model.lower)
    np.minimum.at(upper, number, model.upper)
    np.add.at(objective, number, model.objective)
    rows = csr_array((model.row_values, number[model.row_columns], model.row_start), (model.n_rows, n), copy=True)
    rows.sum_duplicates()
    small = replace(
        model,
        objective=objective,
        lower=lower,
        upper=upper,
        integer=model.integer[first],
        semicontinuous=model.semicontinuous[first],
        row_start=rows.indptr.astype(np.int64),
        row_columns=rows.indices.astype(np.int64),
        row_values=rows.data,
        volume_column=_moved(model.volume_column, number),
        mandate_column=_moved(model.mandate_column, number),
        column_blocks=(),
        row_blocks=(),
    )
    return Merged(small, number.astype(np.int64))


def _moved(columns: IntArray, number: IntArray) -> IntArray:
    return np.where(columns >= 0, number[columns], -1).astype(np.int64)
