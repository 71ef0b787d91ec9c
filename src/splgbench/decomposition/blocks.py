"""A model cut into blocks by a partition of its offers: the rows that join parts, and small models for the rest.

A block is a connected component of what is left of a part once the rows that join parts are taken out; rows that
cannot bind within the bounds of their columns join nothing. Components of a few columns are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from splgbench.decomposition.partition import Partition
from splgbench.errors import UnsupportedError
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray, MipModel

SMALL = 48
"""Columns up to which components of one part are taken together: a solver's start costs more than they do."""


@dataclass(frozen=True)
class ModelBlock:
    """One block.

    Parameters
    ----------
    offers : its offers, in order; the model's maps from offers to columns are over them.
    columns : its columns in the whole model, in the order of its own model.
    model : its columns and the rows that lie within it.
    """

    offers: IntArray
    columns: IntArray
    model: MipModel


@dataclass(frozen=True)
class BlockModel:
    """A model as blocks and the rows that join them.

    Parameters
    ----------
    model : the whole; columns of offers that are not live are fixed at 0.
    blocks : where each column that is not so fixed lies in one.
    block_of_offer : shape (K,), -1 where the offer is not live.
    offer : shape (n,), the offer of each column.
    coupling_rows : rows of the whole model that join parts and can bind.
    coupling : shape (rows, n), their entries; they read coupling @ columns <= limit.
    limit : shape (rows,).
    """

    model: MipModel
    blocks: tuple[ModelBlock, ...]
    block_of_offer: IntArray
    offer: IntArray
    coupling_rows: IntArray
    coupling: csr_array
    limit: FloatArray

    def mandates(self, values: list[FloatArray | None]) -> BoolArray:
        """Shape (K,): the mandates of the blocks' values; none where a block has no values."""
        held = np.zeros(len(self.block_of_offer), dtype=np.bool_)
        for block, found in zip(self.blocks, values, strict=True):
            if found is not None:
                held[block.offers] = block.model.mandates(found)
        return held


def cut_into_blocks(model: MipModel, partition: Partition) -> BlockModel:
    """Cut a model of plain rows and columns that belong to offers.

    Raises
    ------
    UnsupportedError
        The model has conditional rows, semicontinuous columns or columns that belong to no offer, or a row that joins
        parts has a lower limit.
    """
    offer = _offer_of_column(model)
    label = partition.block[offer] if len(offer) else offer
    upper = np.where(label >= 0, model.upper, 0.0)
    model = replace(model, upper=upper)
    rows = csr_array((model.row_values, model.row_columns, model.row_start), shape=(model.n_rows, model.n_columns))
    entry_row = np.repeat(np.arange(model.n_rows), np.diff(model.row_start))
    present = (label[model.row_columns] >= 0) & (model.row_values != 0)
    entry_row, entry_column = entry_row[present], model.row_columns[present]
    binds = _can_bind(model, rows)
    joins = _several(entry_row, label[entry_column], model.n_rows)
    coupling_rows = np.flatnonzero(binds & joins)
    if np.isfinite(model.row_lower[coupling_rows]).any():
        raise UnsupportedError("a row that joins blocks has a lower limit")
    inside = (binds & ~joins)[entry_row]
    block = _components(model, label, entry_row[inside], entry_column[inside])
    row_block = np.full(model.n_rows, -1, dtype=np.int64)
    row_block[entry_row[inside]] = block[entry_column[inside]]
    block_of_offer = np.full(len(partition.block), -1, dtype=np.int64)
    block_of_offer[offer] = block
    return BlockModel(
        model,
        _blocks(model, offer, block, row_block),
        block_of_offer,
        offer,
        coupling_rows,
        rows[coupling_rows],
        model.row_upper[coupling_rows],
    )


def _offer_of_column(model: MipModel) -> IntArray:
    """The offer of each column."""
    if len(model.indicator_row) or model.semicontinuous.any():
        raise UnsupportedError("blocks are cut out of formulations without conditional rows or semicontinuous columns")
    offer = np.full(model.n_columns, -1, dtype=np.int64)
    for columns in model.column_blocks:
        if columns.of == "offer" and columns.keys is not None:
            offer[columns.start : columns.stop] = columns.keys
    if (offer < 0).any():
        raise UnsupportedError("the formulation has columns that belong to no offer")
    return offer


def _can_bind(model: MipModel, rows: csr_array) -> BoolArray:
    """Rows that some values within the bounds of the columns break."""
    up, down = rows.maximum(0), rows.minimum(0)
    most = up @ model.upper + down @ model.lower
    least = up @ model.lower + down @ model.upper
    return np.asarray((most > model.row_upper) | (least < model.row_lower))


def _several(row: IntArray, label: IntArray, n_rows: int) -> BoolArray:
    """Rows with entries of more than one label."""
    least, most = np.full(n_rows, np.iinfo(np.int64).max), np.full(n_rows, -1)
    np.minimum.at(least, row, label)
    np.maximum.at(most, row, label)
    return most > least


def _components(model: MipModel, label: IntArray, row: IntArray, column: IntArray) -> IntArray:
    """The block of each column, -1 where its label is: components over the rows and over the columns of an offer."""
    n = model.n_columns
    both = (model.volume_column >= 0) & (model.mandate_column >= 0)
    left = np.concatenate((column, model.volume_column[both]))
    right = np.concatenate((n + row, model.mandate_column[both]))
    size = n + model.n_rows
    graph = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    live = np.flatnonzero(label >= 0)
    # Components in the order of their labels; small ones of a label that follow one another share a block.
    names, first, at, sizes = np.unique(component[live], return_index=True, return_inverse=True, return_counts=True)
    of = label[live][first]
    order = np.argsort(of, kind="stable")
    number = np.zeros(len(names), dtype=np.int64)
    current, held, last = -1, 0, -1
    for i in order.tolist():
        if of[i] != last or held + sizes[i] > SMALL:
            current, held, last = current + 1, 0, int(of[i])
        held += int(sizes[i])
        number[i] = current
    block = np.full(n, -1, dtype=np.int64)
    block[live] = number[at]
    return block


def _blocks(model: MipModel, offer: IntArray, block: IntArray, row_block: IntArray) -> tuple[ModelBlock, ...]:
    """The small models, in the order of their numbers: slices of the whole sorted by block."""
    columns = np.argsort(block, kind="stable")
    rows = np.argsort(row_block, kind="stable")
    n_blocks = int(block.max(initial=-1)) + 1
    column_cut = np.searchsorted(block[columns], np.arange(n_blocks + 1))
    row_cut = np.searchsorted(row_block[rows], np.arange(n_blocks + 1))
    whole = model.permuted(columns, rows)
    made = []
    for b in range(n_blocks):
        c, r = slice(column_cut[b], column_cut[b + 1]), slice(row_cut[b], row_cut[b + 1])
        made.append(_slice(whole, c, r, offer[columns[c]], columns[c]))
    return tuple(made)


def _slice(whole: MipModel, c: slice, r: slice, offer: IntArray, columns: IntArray) -> ModelBlock:
    start = whole.row_start[r.start : r.stop + 1]
    entries = slice(int(start[0]), int(start[-1]))
    offers = np.unique(offer)
    kept = (whole.row_columns[entries] >= c.start) & (whole.row_columns[entries] < c.stop)
    lengths = np.concatenate(([0], np.cumsum(kept)))[start - start[0]]

    def moved(column: IntArray) -> IntArray:
        return np.where(column[offers] >= 0, column[offers] - c.start, -1)

    none = np.zeros(0, dtype=np.int64)
    model = MipModel(
        objective=whole.objective[c],
        lower=whole.lower[c],
        upper=whole.upper[c],
        integer=whole.integer[c],
        semicontinuous=whole.semicontinuous[c],
        row_start=lengths,
        row_columns=whole.row_columns[entries][kept] - c.start,
        row_values=whole.row_values[entries][kept],
        row_lower=whole.row_lower[r],
        row_upper=whole.row_upper[r],
        indicator_row=none,
        indicator_column=none,
        indicator_value=none,
        volume_column=moved(whole.volume_column),
        mandate_column=moved(whole.mandate_column),
    )
    return ModelBlock(offers, columns, model)
