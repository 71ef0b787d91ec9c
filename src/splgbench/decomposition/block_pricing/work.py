"""What pricing writes, and room for its searches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition.block_pricing.structure import LARGEST_UNIT, Rows, Structure
from splgbench.instance import IntArray
from splgbench.model import FloatArray

UNIT_NODES = 2 * LARGEST_UNIT + 4
"""Most open nodes of the search of one unit."""


class Work(NamedTuple):
    """What pricing writes; every block touches its own part only.

    Parameters
    ----------
    state : shape (K,), int8: 1 must hold a mandate, -1 must not, 0 free.
    lam : shape (R,), lambda of every link.
    active : shape (R,), int8: whether a link still counts in (1a).
    charge, shift : shape (K,); in (1a) a mandate costs charge - shift, shift being what left (1a) on the way to a node.
    value : shape (sets + rows,), value of every listed set, with `charge` where a block is searched, and of every row.
    belief : shape (sets + rows,), value of the best plan with every set and every row, where a block is probed.
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
    belief: FloatArray
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
    decided, dropped, found : the trails of `follow` at the root, and the sets of the best plan.
    trail, left, other : the same of a search.
    kept_unit, kept_choice, kept_best : choices before each node, to be put back.
    stack_offer, stack_side, stack_length, stack_dropped, stack_kept, stack_bound : open nodes: what each decides, how
        long the trails are where it hangs, and its bound.
    base, slope, span : what an offer of a unit is worth at its threshold, then for each of so many cases more.
    stack_row : rows of a plan still to be traced.
    set_must, set_out, set_bound : open nodes of `search_unit`; most, order, rate : offers at one of them.
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
    stack_offer: IntArray
    stack_side: IntArray
    stack_length: IntArray
    stack_dropped: IntArray
    stack_kept: IntArray
    stack_bound: FloatArray
    base: FloatArray
    slope: FloatArray
    span: FloatArray
    stack_row: IntArray
    set_must: IntArray
    set_out: IntArray
    set_bound: FloatArray
    most: IntArray
    order: IntArray
    rate: FloatArray


def scratch(s: Structure, r: Rows) -> Scratch:
    """Scratch for any block."""
    units = np.diff(s.block_unit)
    offers = np.diff(s.unit_start[s.block_unit]) + 1
    links = np.diff(s.block_request) + 1
    searched = np.diff(r.block_row) == 0
    size, most_links, most_units, kept = (
        int(sizes[searched].max(initial=1)) for sizes in (offers, links, units, (offers + 1) * units)
    )
    traced = int((offers + units)[~searched].max(initial=1))

    def whole(n: int) -> IntArray:
        return np.empty(n, dtype=np.int64)

    def real(n: int) -> FloatArray:
        return np.empty(n, dtype=np.float64)

    return Scratch(
        decided=whole(size + 1),
        dropped=whole(most_links),
        found=whole(most_units),
        other=whole(most_units),
        trail=whole(size + 1),
        left=whole(most_links),
        kept_unit=whole(kept),
        kept_choice=whole(kept),
        kept_best=real(kept),
        stack_offer=whole(2 * size + 4),
        stack_side=whole(2 * size + 4),
        stack_length=whole(2 * size + 4),
        stack_dropped=whole(2 * size + 4),
        stack_kept=whole(2 * size + 4),
        stack_bound=real(2 * size + 4),
        base=real(LARGEST_UNIT),
        slope=real(LARGEST_UNIT),
        span=real(LARGEST_UNIT),
        stack_row=whole(traced),
        set_must=whole(UNIT_NODES),
        set_out=whole(UNIT_NODES),
        set_bound=real(UNIT_NODES),
        most=whole(LARGEST_UNIT),
        order=whole(LARGEST_UNIT),
        rate=real(LARGEST_UNIT),
    )


def work(s: Structure, state: NDArray[np.int8], r: Rows) -> Work:
    """Empty work space; `state` is copied."""
    n, n_links, n_units = len(state), len(s.request_offer), len(s.room)
    n_values = len(s.sub_mask) + len(r.width)
    sizes = np.diff(s.unit_start)
    return Work(
        state=state.astype(np.int8).copy(),
        lam=np.zeros(n_links),
        active=np.zeros(n_links, dtype=np.int8),
        charge=np.zeros(n),
        shift=np.zeros(n),
        value=np.zeros(n_values),
        belief=np.zeros(n_values),
        unit_best=np.zeros(n_units),
        unit_choice=np.zeros(n_units, dtype=np.int64),
        unit_must=np.zeros(n_units, dtype=np.int64),
        unit_out=np.zeros(n_units, dtype=np.int64),
        unit_last=np.full(n_units, -1, dtype=np.int64),
        unit_dirty=np.zeros(n_units, dtype=np.int8),
        unit_order=np.arange(sizes.sum()) - np.repeat(s.unit_start[:-1], sizes),
    )
