"""Room for elimination: the tables of a block and of one step, and the rows that are written."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition.block_pricing.structure import LARGEST_UNIT, Structure
from splgbench.instance import IntArray

LONGEST = 2_000
"""Most offers of a block that are eliminated."""


class Tables(NamedTuple):
    """Room for the elimination of one block after another, and the rows of all.

    Parameters
    ----------
    row_room, term_room, step_room, entry_room : rows, terms of rows, keys of a step, terms of a step there is room for.
    row_start, row_width, row_term : as in `Rows`.
    offer_place : shape (K,), place in its block of every offer that links join, -1 elsewhere.
    tied : shape (n * n,), whether two offers of the block share something; alive, degree : shape (n,), whether an offer
        is left, and to how many others it is tied.
    place : shape (n,), bit of each offer in this step, -1 elsewhere; separator : the offers that stay.
    group : offers that share something.
    scope_start, scope : the offers of each table of the block, by place, in CSR form.
    key_start, key, at : the choices each table has a value for, bit i for offer i of its scope, and the number of the
        value, in CSR form.
    used : whether an earlier row uses a table.
    relevant, taken : the tables of this step, and those of them that its rows use.
    step_start, step_key, step_at, step_mask : the tables of this step in CSR form, sorted by key each, with keys over
        its offers; and which of its offers each depends on.
    owner, members, closing : links among the offers of this step: one offer, mask of the others, last bit of them.
    latest : last bit of the tables of this step.
    choices, shorter, shown : choices on the offers of this step.
    terms : terms of the entries to be written.
    run_start, run_length, fresh : by row to be written: its first entry, how many, what it chooses on the offers that
        stay.
    """

    row_room: int
    term_room: int
    step_room: int
    entry_room: int
    row_start: IntArray
    row_width: IntArray
    row_term: IntArray
    offer_place: IntArray
    tied: NDArray[np.int8]
    alive: IntArray
    degree: IntArray
    place: IntArray
    separator: IntArray
    group: IntArray
    scope_start: IntArray
    scope: IntArray
    key_start: IntArray
    key: IntArray
    at: IntArray
    used: IntArray
    relevant: IntArray
    taken: IntArray
    step_start: IntArray
    step_key: IntArray
    step_at: IntArray
    step_mask: IntArray
    owner: IntArray
    members: IntArray
    closing: IntArray
    latest: IntArray
    choices: IntArray
    shorter: IntArray
    shown: IntArray
    terms: IntArray
    run_start: IntArray
    run_length: IntArray
    fresh: IntArray


def tables(s: Structure, largest: int, widest: int) -> Tables:
    """Tables for any block; `more_rows` and `wider_step` where they do not do.

    Parameters
    ----------
    largest : most entries of a block; no less than choices of a step.
    widest : most offers of a step.
    """
    offers = min(int(np.diff(s.unit_start[s.block_unit]).max(initial=0)), LONGEST)
    links = int(np.diff(s.block_request).max(initial=0))
    sets = int(np.diff(s.sub_start[s.block_unit]).max(initial=0))
    group = max(LARGEST_UNIT, int(np.diff(s.request_start).max(initial=0)) + 1)
    n_tables = int(np.diff(s.block_unit).max(initial=0)) + offers + 1
    entries = max(2 * largest, sets) + 2
    rows = max(1024, len(s.sub_mask))
    keys, entry_room = sets + entries, max(2 * entries, n_tables)

    def whole(n: int) -> IntArray:
        return np.empty(n, dtype=np.int64)

    return Tables(
        row_room=rows,
        term_room=8 * rows,
        step_room=keys,
        entry_room=entry_room,
        row_start=np.zeros(rows + 1, dtype=np.int64),
        row_width=whole(rows),
        row_term=whole(8 * rows),
        offer_place=whole(len(s.t)),
        tied=np.empty(offers * offers, dtype=np.int8),
        alive=whole(offers),
        degree=whole(offers),
        place=whole(offers),
        separator=whole(offers),
        group=whole(group),
        scope_start=np.zeros(n_tables + 1, dtype=np.int64),
        scope=whole(offers * (widest + 1)),
        key_start=np.zeros(n_tables + 1, dtype=np.int64),
        key=whole(keys),
        at=whole(keys),
        used=whole(n_tables),
        relevant=whole(n_tables),
        taken=whole(n_tables),
        step_start=whole(2 * n_tables + 1),
        step_key=whole(keys),
        step_at=whole(keys),
        step_mask=whole(2 * n_tables),
        owner=whole(links),
        members=whole(links),
        closing=whole(links),
        latest=whole(n_tables),
        choices=whole(entries),
        shorter=whole(entries),
        shown=whole(entries),
        terms=whole(entry_room),
        run_start=whole(entries),
        run_length=whole(entries),
        fresh=whole(entries),
    )


def more_rows(t: Tables) -> Tables:
    """Twice the room for rows; they are kept."""
    return t._replace(
        row_room=2 * t.row_room,
        term_room=2 * t.term_room,
        row_start=_twice(t.row_start),
        row_width=_twice(t.row_width),
        row_term=_twice(t.row_term),
    )


def wider_step(t: Tables) -> Tables:
    """Twice the room for one step."""
    return t._replace(
        step_room=2 * t.step_room,
        entry_room=2 * t.entry_room,
        step_key=_twice(t.step_key),
        step_at=_twice(t.step_at),
        terms=_twice(t.terms),
    )


def _twice(array: IntArray) -> IntArray:
    return np.concatenate((array, np.empty_like(array)))
