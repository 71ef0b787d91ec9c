"""What pricing reads: blocks of units of offers, their sets of mandates, their links, their rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splgbench.instance import IntArray

LARGEST_UNIT = 62
"""Most offers of a unit: its sets are bit masks."""


class Structure(NamedTuple):
    """What stays the same from pricing to pricing: blocks of units of offers, their sets of mandates, their links.

    Parameters
    ----------
    t, high : shape (K,), least and largest volume of a mandate.
    offer_unit, offer_bit : shape (K,), the unit of each offer and its place in it.
    unit_start, unit_offer : the offers of each unit, in CSR form; room : by unit, its capacity.
    sub_start, sub_mask, sub_left : the listed sets of each unit and what they leave of its room, in CSR form; a unit
        without any is searched. sub_unit : the unit of each set.
    own_start, own_owner, own_members : the links within each unit, in CSR form: place of the offer, mask of members.
    block_unit : shape (n_blocks + 1,), where the units of each block begin.
    block_request, requests : the links between units of each block, in CSR form.
    request_offer, request_start, request_member : all links, as in `Requirements`.
    owned_start, owned : the links between units that each offer needs, in CSR form over offers.
    wanted_start, wanted : the links between units of which each offer is a member, in CSR form over offers.
    """

    t: IntArray
    high: IntArray
    offer_unit: IntArray
    offer_bit: IntArray
    unit_start: IntArray
    unit_offer: IntArray
    room: IntArray
    sub_start: IntArray
    sub_mask: IntArray
    sub_left: IntArray
    sub_unit: IntArray
    own_start: IntArray
    own_owner: IntArray
    own_members: IntArray
    block_unit: IntArray
    block_request: IntArray
    requests: IntArray
    request_offer: IntArray
    request_start: IntArray
    request_member: IntArray
    owned_start: IntArray
    owned: IntArray
    wanted_start: IntArray
    wanted: IntArray


class Rows(NamedTuple):
    """The rows of (1b) in `elimination`, block after block, those used before those that use them.

    Parameters
    ----------
    n_sets : sets of all units: the number of row 0 in `term`.
    block_row : shape (n_blocks + 1,), where the rows of each block begin; the last one of a block is its value, a block
        without rows is searched.
    start : shape (rows + 1,), where the entries of each row begin in `term`; next to each other most have as many.
    width : shape (rows,), terms of one entry of the row.
    term : entries one after another: a set by its number, row i by the number of sets plus i.
    """

    n_sets: int
    block_row: IntArray
    start: IntArray
    width: NDArray[np.int32]
    term: NDArray[np.uint32]
