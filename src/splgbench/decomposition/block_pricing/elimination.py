"""Compiled exact pricing of one block by eliminating its offers one after another: dynamic programming without stages.

What ties the offers of a block is its units, whose sets of mandates are listed, and its links. Offers that links join
are eliminated, fewest neighbours first (`ordering`): once v goes, all that v was tied to becomes its separator, and for
every mandate choice on the separator that can be completed (`choices`) there is one *row*,

    value(row) = max over the choices of v that fit of the values of sets and of earlier rows they use, summed     (1b)

so the last row is the value of the best plan, and going back through the best entries gives the plan. Choices that no
set of a unit and no link allow are never listed; they do not depend on prices, so that pricing is one pass over listed
rows. Work grows with 2 to the width of the elimination: blocks beyond `largest` entries are left to search.

Source: nonserial dynamic programming, Bertele and Brioschi 1972.
"""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.choices import find, list_choices, sort, translate
from splgbench.decomposition.block_pricing.compilation import addresses, njit_entry, njit_inlined, njit_lean
from splgbench.decomposition.block_pricing.ordering import take_next, tie
from splgbench.decomposition.block_pricing.structure import Rows, Structure
from splgbench.decomposition.block_pricing.tables import LONGEST, more_rows, tables, wider_step

ZERO, ONE, TWO = np.int64(0), np.int64(1), np.int64(2)
"""Plain numbers would have kernels that take them compiled for each."""
WIDEST = 40
"""Most offers that are chosen upon at once."""
TOO_LARGE = -1
"""A block is left to search."""
ROWS_FULL = -2
"""There has to be room for more rows."""
STEP_FULL = -3
"""There has to be room for more in one step."""


@njit_lean
def _write(t, n_rows, stays, n, width):  # type: ignore[no-untyped-def]
    """Write a row behind the `n_rows` there are for each run of the same number in `stays`.

    Parameters
    ----------
    stays : shape (n,), what each entry chooses on the offers that stay; its terms are in `terms`, `width` to each.

    Returns
    -------
    int
        How many rows, or `ROWS_FULL`; `fresh` receives their choices on the offers that stay.
    """
    first, count, start = t.run_start, t.run_length, t.row_start
    if n_rows + n > t.row_room or start[n_rows] + n * width > t.term_room:
        return ROWS_FULL
    written = ZERO
    for i in range(n):
        if i == 0 or stays[i] != stays[i - 1]:
            first[written], count[written] = i, 0
            written += 1
        count[written - 1] += 1
    # Rows with as many entries as the last one are faster to go through.
    sort(count, first, ZERO, written)
    at = start[n_rows]
    for j in range(written):
        t.fresh[j] = stays[first[j]]
        for i in range(first[j] * width, (first[j] + count[j]) * width):
            t.row_term[at] = t.terms[i]
            at += 1
        start[n_rows + j + 1], t.row_width[n_rows + j] = at, width
    return written


@njit_lean
def _add_sums(t, n_rows, n_sets, n_choices, n, n_taken):  # type: ignore[no-untyped-def]
    """Sum tables ahead of the entries that use them, two at a time, where few choices tell the sums apart.

    The sums join the `n` tables of the step; of `taken` two give way to each.

    Returns
    -------
    (n_rows, n_taken) : as they are then; for `n_rows` maybe `ROWS_FULL` or `STEP_FULL`.
    """
    start, key, at, mask, taken, shown = t.step_start, t.step_key, t.step_at, t.step_mask, t.taken, t.shown
    while n_taken > 2:
        one, other, fewest = 0, 0, 63
        for i in range(n_taken):
            for j in range(i):
                bits, joint = 0, mask[taken[i]] | mask[taken[j]]
                while joint:
                    joint &= joint - 1
                    bits += 1
                if bits < fewest:
                    one, other, fewest = j, i, bits
        if np.int64(4) << fewest > n_choices:
            break
        x, y = taken[one], taken[other]
        for i in range(n_choices):
            shown[i] = t.choices[i] & (mask[x] | mask[y])
        sort(shown, t.run_start, ZERO, n_choices)
        kept = ZERO
        for i in range(n_choices):
            if i == 0 or shown[i] != shown[kept - 1]:
                shown[kept] = shown[i]
                kept += 1
        if start[n] + kept > t.step_room:
            return STEP_FULL, n_taken
        for i in range(kept):
            t.terms[2 * i] = at[find(key, start[x], start[x + 1], shown[i] & mask[x])]
            t.terms[2 * i + 1] = at[find(key, start[y], start[y + 1], shown[i] & mask[y])]
            key[start[n] + i], at[start[n] + i] = shown[i], n_sets + n_rows + i
        if _write(t, n_rows, shown, kept, TWO) < 0:
            return ROWS_FULL, n_taken
        n_rows += kept
        start[n + 1], mask[n] = start[n] + kept, mask[x] | mask[y]
        taken[one], taken[other] = n, taken[n_taken - 1]
        n, n_taken = n + 1, n_taken - 1
    return n_rows, n_taken


@njit_lean
def _add_unit(s, t, unit, n_tables, n_rows, n_sets):  # type: ignore[no-untyped-def]
    """Make the sets of a unit a table of the block.

    Sets are values already; where some offers of the unit have no links, the best set for what the others are.

    Returns
    -------
    int
        How many rows there are then, or `ROWS_FULL`.
    """
    begin, size, first = s.sub_start[unit], s.sub_start[unit + 1] - s.sub_start[unit], t.key_start[n_tables]
    low = t.scope_start[n_tables]
    for j in range(size):
        t.key[first + j], t.at[first + j] = 0, begin + j
    count = 0
    for i in range(s.unit_start[unit], s.unit_start[unit + 1]):
        if t.offer_place[s.unit_offer[i]] >= 0:
            t.scope[low + count] = t.offer_place[s.unit_offer[i]]
            for j in range(size):
                t.key[first + j] |= (s.sub_mask[begin + j] >> (i - s.unit_start[unit]) & 1) << count
            count += 1
    if count < s.unit_start[unit + 1] - s.unit_start[unit]:
        sort(t.key, t.at, first, first + size)
        # A choice that one set alone goes with has that set's value; the others have rows.
        shared, lone = ZERO, ZERO
        for j in range(first, first + size):
            opens = j == first or t.key[j] != t.key[j - 1]
            if count > 0 and opens and (j + 1 == first + size or t.key[j] != t.key[j + 1]):
                t.key[first + lone], t.at[first + lone] = t.key[j], t.at[j]
                lone += 1
            else:
                t.shown[shared], t.terms[shared] = t.key[j], t.at[j]
                shared += 1
        fresh = _write(t, n_rows, t.shown, shared, ONE)
        if fresh < 0:
            return fresh
        for j in range(fresh):
            t.key[first + lone + j], t.at[first + lone + j] = t.fresh[j], n_sets + n_rows + j
        n_rows += fresh
        size = lone + fresh
    t.scope_start[n_tables + 1], t.key_start[n_tables + 1], t.used[n_tables] = low + count, first + size, 0
    return n_rows


@njit_inlined
def _eliminate_block(s, t, block, n_rows, n_sets, largest):  # type: ignore[no-untyped-def]
    """Write the rows of a block behind those there are; returns how many there are then, or why it is not done."""
    first, last = s.block_unit[block], s.block_unit[block + 1]
    n, entries, n_tables = ZERO, ZERO, ZERO
    for i in range(s.unit_start[first], s.unit_start[last]):
        k = s.unit_offer[i]
        t.offer_place[k] = -1
        if s.owned_start[k] < s.owned_start[k + 1] or s.wanted_start[k] < s.wanted_start[k + 1]:
            t.offer_place[k] = n
            n += 1
    if n > LONGEST:
        return TOO_LARGE
    for u in range(first, last):
        if s.sub_start[u] == s.sub_start[u + 1]:
            return TOO_LARGE
        before = n_rows
        n_rows = _add_unit(s, t, u, n_tables, n_rows, n_sets)
        if n_rows < 0:
            return n_rows
        if n_rows > before:
            entries += s.sub_start[u + 1] - s.sub_start[u]
        n_tables += 1
    tie(s, t, block, n)
    left = n
    while left > 0 and entries <= largest:
        stay, gone = take_next(t, n)
        left -= gone
        if stay + gone > WIDEST:
            return TOO_LARGE
        n_relevant, n_taken = ZERO, ZERO
        for x in range(n_tables):
            if not t.used[x]:
                highest = np.int64(-1)
                for i in range(t.scope_start[x], t.scope_start[x + 1]):
                    highest = max(highest, t.place[t.scope[i]])
                if highest >= stay:
                    t.used[x], t.taken[n_taken] = 1, n_relevant
                    n_taken += 1
                if highest >= 0:
                    t.relevant[n_relevant] = x
                    n_relevant += 1
        if not translate(t, n_relevant):
            return STEP_FULL
        n_choices = list_choices(s, t, block, stay + gone, n_relevant, largest)
        if n_choices <= 0:
            return TOO_LARGE
        entries += n_choices
        n_rows, n_taken = _add_sums(t, n_rows, n_sets, n_choices, n_relevant, n_taken)
        if n_rows < 0:
            return n_rows
        if n_choices * n_taken > t.entry_room:
            return STEP_FULL
        for i in range(n_choices):
            for x in range(n_taken):
                c = t.taken[x]
                at = find(t.step_key, t.step_start[c], t.step_start[c + 1], t.choices[i] & t.step_mask[c])
                t.terms[i * n_taken + x] = t.step_at[at]
            t.choices[i] &= (np.int64(1) << stay) - 1
        fresh = _write(t, n_rows, t.choices, n_choices, n_taken)
        if fresh < 0:
            return fresh
        low, first_key = t.scope_start[n_tables], t.key_start[n_tables]
        for i in range(stay):
            t.scope[low + i] = t.separator[i]
        for i in range(fresh):
            t.key[first_key + i], t.at[first_key + i] = t.fresh[i], n_sets + n_rows + i
        t.scope_start[n_tables + 1], t.key_start[n_tables + 1], t.used[n_tables] = low + stay, first_key + fresh, 0
        n_tables += 1
        n_rows += fresh
    if entries > largest:
        return TOO_LARGE
    # What is left depends on nothing: its sum is the block's value.
    count = ZERO
    for x in range(n_tables):
        if not t.used[x]:
            t.terms[count] = t.at[t.key_start[x]]
            count += 1
    if count > 1:
        t.choices[0] = 0
        if _write(t, n_rows, t.choices, ONE, count) < 0:
            return ROWS_FULL
        n_rows += 1
    return n_rows


@njit_entry
def _eliminate_blocks(s, t, block_row, block, n_sets, largest):  # type: ignore[no-untyped-def]
    """Write the rows of the blocks from `block` on.

    Returns
    -------
    (block, status) : the block that there is no room for, else how many there are; why there is none, else 0.
    """
    s, t = addresses(s), addresses(t)
    for b in range(block, len(block_row) - 1):
        n_rows = _eliminate_block(s, t, b, block_row[b], n_sets, largest)
        if n_rows < TOO_LARGE:
            return b, n_rows
        block_row[b + 1] = n_rows if n_rows != TOO_LARGE else block_row[b]
    return len(block_row) - 1, 0


def eliminate(s: Structure, largest: int) -> Rows:
    """The rows of every block that needs no more than `largest` entries and whose units are all listed."""
    n_sets, block_row = len(s.sub_mask), np.zeros(len(s.block_unit), dtype=np.int64)
    t = tables(s, largest, WIDEST)
    block, status = _eliminate_blocks(s, t, block_row, 0, n_sets, largest)
    while status:
        t = more_rows(t) if status == ROWS_FULL else wider_step(t)
        block, status = _eliminate_blocks(s, t, block_row, block, n_sets, largest)
    n_rows = block_row[-1]
    start = t.row_start[: n_rows + 1].copy()
    return Rows(
        n_sets, block_row, start, t.row_width[:n_rows].astype(np.int32), t.row_term[: start[-1]].astype(np.uint32)
    )
