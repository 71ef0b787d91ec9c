"""What pricing writes, and room for its searches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splgbench.decomposition.block_pricing.structure import Structure
from splgbench.instance import IntArray
from splgbench.model import FloatArray


class Work(NamedTuple):
    """What pricing writes; every block touches its own part only.

    Parameters
    ----------
    state : shape (K,), int8: 1 must hold a mandate, -1 must not, 0 free.
    lam : shape (R,), lambda of every link.
    active : shape (R,), int8: whether a link still counts in (1a).
    charge, shift : shape (K,); in (1a) a mandate costs charge - shift, shift being what left (1a) on the way to a node.
    value : shape (sets + rows,), value of every listed set, with `charge` where a block is searched, and of every row.
    unit_best, unit_choice : shape (units,), the best set of each unit and its value in (1a).
    unit_must, unit_out : shape (units,), bit masks of `state`.
    unit_last : shape (units,), the sets of the last plan, -1 without one.
    unit_dirty : shape (units,), int8: units to be looked at again.
    unit_order : shape (offers,), the offers of each unit by falling gain, in CSR form of their places in it.
    """

    state: NDArray[np.int8]
    lam: FloatArray
    active: NDArray[np.int8]
    charge: FloatArray
    shift: FloatArray
    value: FloatArray
    unit_best: FloatArray
    unit_choice: IntArray
    unit_must: IntArray
    unit_out: IntArray
    unit_last: IntArray
    unit_dirty: NDArray[np.int8]
    unit_order: IntArray


class Scratch(NamedTuple):
    """Room for the search of one block at a time, as large as the largest needs; every thread has its own.

    Parameters
    ----------
    decided, dropped, found : the trails of `_follow` at the root, and the sets of the best plan.
    trail, left, other : the same of a search.
    kept_unit, kept_choice, kept_best : choices before each node, to be put back.
    stack, stack_bound : open nodes.
    base, slope, span : shape (64,), what an offer is worth at its threshold, then for each of so many cases more.
    stack_row : rows of a plan still to be traced.
    whole, real : shape (4, 128) and (2, 128), room for `search_unit`.
    """

    decided: IntArray
    dropped: IntArray
    found: IntArray
    other: IntArray
    trail: IntArray
    left: IntArray
    kept_unit: IntArray
    kept_choice: IntArray
    kept_best: FloatArray
    stack: IntArray
    stack_bound: FloatArray
    base: FloatArray
    slope: FloatArray
    span: FloatArray
    stack_row: IntArray
    whole: IntArray
    real: FloatArray


@njit(cache=True)
def scratch(s, r, blocks):  # type: ignore[no-untyped-def]
    """Scratch for some blocks."""
    size, links, units, kept, traced = 1, 1, 1, 1, 1
    for b in blocks:
        first, last = s.block_unit[b], s.block_unit[b + 1]
        offers = s.unit_start[last] - s.unit_start[first] + 1
        if r.block_row[b] < r.block_row[b + 1]:
            traced = max(traced, offers + last - first)
            continue
        size = max(size, offers)
        links = max(links, s.block_request[b + 1] - s.block_request[b] + 1)
        units = max(units, last - first)
        kept = max(kept, (offers + 1) * (last - first))
    return Scratch(
        np.empty(size + 1, dtype=np.int64),
        np.empty(links, dtype=np.int64),
        np.empty(units, dtype=np.int64),
        np.empty(units, dtype=np.int64),
        np.empty(size + 1, dtype=np.int64),
        np.empty(links, dtype=np.int64),
        np.empty(kept, dtype=np.int64),
        np.empty(kept, dtype=np.int64),
        np.empty(kept, dtype=np.float64),
        np.empty((2 * size + 4, 5), dtype=np.int64),
        np.empty(2 * size + 4, dtype=np.float64),
        np.empty(64, dtype=np.float64),
        np.empty(64, dtype=np.float64),
        np.empty(64, dtype=np.float64),
        np.empty(traced, dtype=np.int64),
        np.empty((4, 128), dtype=np.int64),
        np.empty((2, 128), dtype=np.float64),
    )


def work(s: Structure, state: NDArray[np.int8], n_rows: int) -> Work:
    """Empty work space; `state` is copied."""
    n, n_links, n_units = len(state), len(s.request_offer), len(s.room)
    sizes = np.diff(s.unit_start)
    return Work(
        state=state.astype(np.int8).copy(),
        lam=np.zeros(n_links),
        active=np.zeros(n_links, dtype=np.int8),
        charge=np.zeros(n),
        shift=np.zeros(n),
        value=np.zeros(len(s.sub_mask) + n_rows),
        unit_best=np.zeros(n_units),
        unit_choice=np.zeros(n_units, dtype=np.int64),
        unit_must=np.zeros(n_units, dtype=np.int64),
        unit_out=np.zeros(n_units, dtype=np.int64),
        unit_last=np.full(n_units, -1, dtype=np.int64),
        unit_dirty=np.zeros(n_units, dtype=np.int8),
        unit_order=np.arange(sizes.sum()) - np.repeat(s.unit_start[:-1], sizes),
    )
