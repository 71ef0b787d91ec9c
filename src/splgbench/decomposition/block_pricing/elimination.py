"""Compiled exact pricing of one block by eliminating its offers one after another: dynamic programming without stages.

What ties the offers of a block is its units, whose sets of mandates are listed, and its links. Offers that links join
are eliminated, fewest neighbours first: once v goes, all that v was tied to becomes its separator, and for every
mandate choice on the separator that can be completed there is one *row*,

    value(row) = max over the choices of v that fit of the values of sets and of earlier rows they use, summed     (1b)

so the last row is the value of the best plan, and going back through the best entries gives the plan. Choices that no
set of a unit and no link allow are never listed; they do not depend on prices, so that pricing is one pass over listed
rows. Work grows with 2 to the width of the elimination: blocks beyond `LARGEST` entries are left to search.

Source: nonserial dynamic programming, Bertele and Brioschi 1972; order by minimum degree, mass elimination of
indistinguishable offers, George and Liu 1989.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splgbench.instance import IntArray

WIDEST = 40
"""Most offers that are chosen upon at once."""
LONGEST = 2_000
"""Most offers of a block that are eliminated."""


class Rows(NamedTuple):
    """The rows of (1b), block after block, those used before those that use them.

    Parameters
    ----------
    block_row : shape (n_blocks + 1,), where the rows of each block begin; the last one of a block is its value, a block
        without rows is searched.
    start : shape (rows + 1,), where the entries of each row begin in `term`.
    width : shape (rows,), terms of one entry of the row.
    term : entries one after another: a set by its number, row i by the number of sets plus i.
    """

    block_row: IntArray
    start: IntArray
    width: NDArray[np.int32]
    term: NDArray[np.int32]


@njit(cache=True)
def _room(array, needed):  # type: ignore[no-untyped-def]
    """An array with room for so many: itself, or a larger copy."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True)
def _find(keys, key):  # type: ignore[no-untyped-def]
    """Where a key stands among sorted ones, -1 if nowhere."""
    at = np.searchsorted(keys, key)
    return at if at < len(keys) and keys[at] == key else -1


class _Sources(NamedTuple):
    """What entries can use: values that depend on choices on a few offers; all in CSR form over sources.

    Parameters
    ----------
    scope_start, scope : the offers of each, by place in the block.
    key_start, key, at : the choices it has a value for, bit i for offer i of its scope, and the number of the value.
    """

    scope_start: IntArray
    scope: IntArray
    key_start: IntArray
    key: IntArray
    at: IntArray


@njit(cache=True)
def _joined(x, scope, key, at):  # type: ignore[no-untyped-def]
    """The sources and one more, whose keys are sorted."""
    return _Sources(
        np.append(x.scope_start, len(x.scope) + len(scope)),
        np.append(x.scope, scope),
        np.append(x.key_start, len(x.key) + len(key)),
        np.append(x.key, key),
        np.append(x.at, at),
    )


@njit(cache=True)
def _choices(s, requests, offer_place, place, sources, relevant, largest):  # type: ignore[no-untyped-def]
    """Every choice on some offers that no link, set or earlier row forbids, sorted by the first offers' bits.

    Parameters
    ----------
    requests : links between units.
    offer_place : shape (K,), place in the block of every offer.
    place : shape (offers of the block,), bit of each chosen offer, -1 elsewhere.
    relevant : numbers of the sources with a chosen offer.
    largest : most choices to list.

    Returns
    -------
    (choices, fits) : None beyond `largest`.
    """
    n = place.max() + 1
    owners, members, closing = (
        np.empty(len(requests), np.int64),
        np.empty(len(requests), np.int64),
        np.empty(len(requests), np.int64),
    )
    n_links = 0
    for r in requests:
        k = offer_place[s.request_offer[r]]
        within = place[k] >= 0
        mask, latest = np.int64(0), place[k]
        for m in range(s.request_start[r], s.request_start[r + 1]):
            q = offer_place[s.request_member[m]]
            if q >= 0:
                within = within and place[q] >= 0
                if within:
                    mask |= np.int64(1) << place[q]
                    latest = max(latest, place[q])
        if within:
            owners[n_links], members[n_links], closing[n_links] = place[k], mask, latest
            n_links += 1
    # Sources as lists of the choices they allow, each looked at once its last offer is chosen upon.
    masks, latest = np.zeros(len(relevant), np.int64), np.zeros(len(relevant), np.int64)
    start = np.zeros(len(relevant) + 1, np.int64)
    size = 0
    for x in relevant:
        size += sources.key_start[x + 1] - sources.key_start[x]
    allowed = np.empty(size, np.int64)
    for i in range(len(relevant)):
        keys, masks[i] = _translated(sources, relevant[i], place)
        keys = np.unique(keys)
        start[i + 1] = start[i] + len(keys)
        allowed[start[i] : start[i + 1]] = keys
        for bit in range(n):
            if masks[i] >> bit & 1:
                latest[i] = bit
    states = np.zeros(1, np.int64)
    for bit in range(n):
        longer, count = np.empty(2 * len(states), np.int64), 0
        for state in states:
            for taken in range(2):
                fresh = state | np.int64(taken) << bit
                fits = True
                for i in range(n_links):
                    if closing[i] == bit and fresh >> owners[i] & 1 and not fresh & members[i]:
                        fits = False
                        break
                if fits:
                    for i in range(len(relevant)):
                        if latest[i] == bit and _find(allowed[start[i] : start[i + 1]], fresh & masks[i]) < 0:
                            fits = False
                            break
                if fits:
                    longer[count] = fresh
                    count += 1
        if count > largest:
            return states, False
        states = longer[:count]
    return states, True


@njit(cache=True)
def _translated(sources, x, place):  # type: ignore[no-untyped-def]
    """The choices of a source on the offers that have a bit, and the mask of these bits."""
    mask = np.int64(0)
    first = sources.scope_start[x]
    keys = np.zeros(sources.key_start[x + 1] - sources.key_start[x], np.int64)
    for j in range(first, sources.scope_start[x + 1]):
        bit = place[sources.scope[j]]
        if bit >= 0:
            mask |= np.int64(1) << bit
            for i in range(len(keys)):
                if sources.key[sources.key_start[x] + i] >> (j - first) & 1:
                    keys[i] |= np.int64(1) << bit
    return keys, mask


@njit(cache=True)
def _tied(s, first, last, requests, offer_place, n):  # type: ignore[no-untyped-def]
    """Which offers of a block share a unit or a link, shape (n, n)."""
    tied = np.zeros((n, n), np.bool_)
    scope = np.empty(n, np.int64)
    for x in range(last - first + len(requests)):
        size = 0
        if x < last - first:
            u = first + x
            for i in range(s.unit_start[u], s.unit_start[u + 1]):
                if offer_place[s.unit_offer[i]] >= 0:
                    scope[size] = offer_place[s.unit_offer[i]]
                    size += 1
        else:
            r = requests[x - last + first]
            scope[0] = offer_place[s.request_offer[r]]
            size = 1
            for m in range(s.request_start[r], s.request_start[r + 1]):
                q = offer_place[s.request_member[m]]
                if q >= 0:
                    scope[size] = q
                    size += 1
        for i in range(size):
            for j in range(i):
                tied[scope[i], scope[j]] = tied[scope[j], scope[i]] = scope[i] != scope[j]
    return tied


@njit(cache=True)
def _next(tied, alive, degree):  # type: ignore[no-untyped-def]
    """Take out the offer with the fewest neighbours, and those that have no others than it has.

    Returns
    -------
    (separator, gone) : the offers that stay of those it was tied to, now tied to each other; the ones taken out.
    """
    v = -1
    for i in range(len(alive)):
        if alive[i] and (v < 0 or degree[i] < degree[v]):
            v = i
    near = np.flatnonzero(tied[v] & alive)
    for a in near:
        for c in near:
            if a != c and not tied[a, c]:
                tied[a, c] = True
                degree[a] += 1
    alive[v] = False
    for a in near:
        degree[a] -= 1
    leaves = degree[near] == len(near) - 1
    gone, separator = np.append(near[leaves], v), near[~leaves]
    gone.sort()
    for a in gone:
        alive[a] = False
    for a in separator:
        degree[a] -= len(gone) - 1
    return separator, gone


@njit(cache=True)
def _eliminated(s, b, largest, offer_place, start, width, term, n_rows):  # type: ignore[no-untyped-def]
    """Write the rows of a block behind those there are.

    Returns
    -------
    (fits, start, width, term, n_rows) : whether the block has no more than `largest` entries; the arrays, larger ones
        if need be; the number of rows.
    """
    first, last = s.block_unit[b], s.block_unit[b + 1]
    requests = s.requests[s.block_request[b] : s.block_request[b + 1]]
    n_sets, n, entries = len(s.sub_mask), 0, 0
    for i in range(s.unit_start[first], s.unit_start[last]):
        k = s.unit_offer[i]
        offer_place[k] = -1
        if s.owned_start[k] < s.owned_start[k + 1] or s.wanted_start[k] < s.wanted_start[k + 1]:
            offer_place[k] = n
            n += 1
    if n > LONGEST:
        return False, start, width, term, n_rows
    none = np.zeros(0, np.int64)
    zero = np.zeros(1, np.int64)
    sources = _Sources(zero, none, zero, none, none)
    used = np.zeros(last - first + n, np.bool_)
    # Sets of a unit are values already; where some of its offers have no links, the best set for what the others are.
    for u in range(first, last):
        begin, size = s.sub_start[u], s.sub_start[u + 1] - s.sub_start[u]
        if size == 0:
            return False, start, width, term, n_rows
        scope, key = np.empty(64, np.int64), np.zeros(size, np.int64)
        count = 0
        for i in range(s.unit_start[u], s.unit_start[u + 1]):
            if offer_place[s.unit_offer[i]] >= 0:
                scope[count] = offer_place[s.unit_offer[i]]
                for j in range(size):
                    key[j] |= (s.sub_mask[begin + j] >> (i - s.unit_start[u]) & 1) << count
                count += 1
        order = np.argsort(key, kind="mergesort")
        key, at = key[order], begin + order
        if count < s.unit_start[u + 1] - s.unit_start[u]:
            start, width = _room(start, n_rows + size + 1), _room(width, n_rows + size)
            term = _room(term, start[n_rows] + size)
            kept = 0
            for j in range(size):
                if j == 0 or key[j] != key[j - 1]:
                    width[n_rows], start[n_rows + 1] = 1, start[n_rows]
                    key[kept], n_rows = key[j], n_rows + 1
                    kept += 1
                term[start[n_rows]] = at[j]
                start[n_rows] += 1
            key, at = key[:kept], n_sets + np.arange(n_rows - kept, n_rows)
            entries += size
            if entries > largest:
                return False, start, width, term, n_rows
        sources = _joined(sources, scope[:count], key, at)
    tied = _tied(s, first, last, requests, offer_place, n)
    alive, degree = np.ones(n, np.bool_), tied.sum(axis=1)
    place = np.full(n, -1, np.int64)
    while alive.any():
        separator, gone = _next(tied, alive, degree)
        if len(separator) + len(gone) > WIDEST:
            return False, start, width, term, n_rows
        place[:] = -1
        for i in range(len(separator)):
            place[separator[i]] = i
        for i in range(len(gone)):
            place[gone[i]] = len(separator) + i
        relevant, taken = np.empty(len(used), np.int64), np.empty(len(used), np.int64)
        n_relevant, n_taken = 0, 0
        for x in range(len(sources.scope_start) - 1):
            touched, goes = False, False
            for v in sources.scope[sources.scope_start[x] : sources.scope_start[x + 1]]:
                touched = touched or place[v] >= 0
                goes = goes or place[v] >= len(separator)
            if touched and not used[x]:
                relevant[n_relevant] = x
                n_relevant += 1
                if goes:
                    taken[n_taken] = x
                    n_taken += 1
        choices, fits = _choices(s, requests, offer_place, place, sources, relevant[:n_relevant], largest)
        entries += len(choices)
        if not fits or len(choices) == 0 or entries > largest:
            return False, start, width, term, n_rows
        start, width = _room(start, n_rows + len(choices) + 1), _room(width, n_rows + len(choices))
        term = _room(term, start[n_rows] + len(choices) * n_taken)
        terms = np.empty((len(choices), n_taken), np.int64)
        for x in range(n_taken):
            used[taken[x]] = True
            key, mask = _translated(sources, taken[x], place)
            order = np.argsort(key, kind="mergesort")
            key, at = key[order], sources.at[sources.key_start[taken[x]] :][order]
            for i in range(len(choices)):
                terms[i, x] = at[_find(key, choices[i] & mask)]
        key, kept = np.empty(len(choices), np.int64), 0
        stays = (np.int64(1) << len(separator)) - 1
        # Choices with the same separator follow each other only when sorted by it.
        order = np.argsort(choices & stays, kind="mergesort")
        for i in order:
            if kept == 0 or choices[i] & stays != key[kept - 1]:
                width[n_rows], start[n_rows + 1] = n_taken, start[n_rows]
                key[kept], n_rows = choices[i] & stays, n_rows + 1
                kept += 1
            for x in range(n_taken):
                term[start[n_rows]] = terms[i, x]
                start[n_rows] += 1
        sources = _joined(sources, separator, key[:kept], n_sets + np.arange(n_rows - kept, n_rows))
    # What is left depends on nothing: its sum is the block's value.
    left = np.flatnonzero(~used[: len(sources.scope_start) - 1])
    if len(left) > 1:
        start, width, term = _room(start, n_rows + 2), _room(width, n_rows + 1), _room(term, start[n_rows] + len(left))
        width[n_rows], start[n_rows + 1] = len(left), start[n_rows] + len(left)
        for i in range(len(left)):
            term[start[n_rows] + i] = sources.at[sources.key_start[left[i]]]
        n_rows += 1
    return True, start, width, term, n_rows


@njit(cache=True)
def eliminate(s, largest):  # type: ignore[no-untyped-def]
    """The rows of every block that needs no more than `largest` entries and whose units are all listed."""
    n_blocks = len(s.block_unit) - 1
    block_row = np.zeros(n_blocks + 1, np.int64)
    start, width, term = np.zeros(1024, np.int64), np.empty(1024, np.int32), np.empty(8192, np.int32)
    offer_place = np.full(len(s.t), -1, np.int64)
    for b in range(n_blocks):
        before = block_row[b]
        mark = start[before]
        fits, start, width, term, n_rows = _eliminated(s, b, largest, offer_place, start, width, term, before)
        block_row[b + 1] = n_rows if fits else before
        if not fits:
            start[before] = mark
    n_rows = block_row[n_blocks]
    return Rows(block_row, start[: n_rows + 1].copy(), width[:n_rows].copy(), term[: start[n_rows]].copy())
