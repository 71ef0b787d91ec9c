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
    start : shape (rows + 1,), where the entries of each row begin in `term`; next to each other most have as many.
    width : shape (rows,), terms of one entry of the row.
    term : entries one after another: a set by its number, row i by the number of sets plus i.
    """

    block_row: IntArray
    start: IntArray
    width: NDArray[np.int32]
    term: NDArray[np.uint32]


@njit(cache=True)
def _room(array, needed):  # type: ignore[no-untyped-def]
    """An array with room for so many: itself, or a larger copy."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


class _Sources(NamedTuple):
    """What entries can use: values that depend on choices on a few offers; all in CSR form over sources.

    Parameters
    ----------
    scope_start, scope : the offers of each, by place in the block.
    key_start, key, at : the choices it has a value for, bit i for offer i of its scope, and the number of the value.
    used : whether an earlier row uses it.
    """

    scope_start: IntArray
    scope: IntArray
    key_start: IntArray
    key: IntArray
    at: IntArray
    used: NDArray[np.bool_]


@njit(cache=True)
def _joined(x, n, scope, key, at):  # type: ignore[no-untyped-def]
    """`n` sources and one more."""
    scope_start, key_start = _room(x.scope_start, n + 2), _room(x.key_start, n + 2)
    scope_start[n + 1], key_start[n + 1] = scope_start[n] + len(scope), key_start[n] + len(key)
    y = _Sources(
        scope_start,
        _room(x.scope, scope_start[n + 1]),
        key_start,
        _room(x.key, key_start[n + 1]),
        _room(x.at, key_start[n + 1]),
        _room(x.used, n + 1),
    )
    y.scope[scope_start[n] : scope_start[n + 1]] = scope
    y.key[key_start[n] : key_start[n + 1]] = key
    y.used[n] = False
    for i in range(len(key)):
        y.at[key_start[n] + i] = at[i]
    return y


@njit(cache=True)
def _sort(key, at):  # type: ignore[no-untyped-def]
    """Sort both by `key`, in place (Shell 1959)."""
    gap = 1
    while gap < len(key) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, len(key)):
            x, y, j = key[i], at[i], i
            while j >= gap and key[j - gap] > x:
                key[j], at[j] = key[j - gap], at[j - gap]
                j -= gap
            key[j], at[j] = x, y
        gap //= 3


@njit(cache=True)
def _find(key, low, high, wanted):  # type: ignore[no-untyped-def]
    """Where a key stands among the sorted `key[low:high]`, -1 if nowhere."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if key[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < end and key[low] == wanted else -1


@njit(cache=True)
def _translated(sources, chosen, place):  # type: ignore[no-untyped-def]
    """The keys of some sources over the offers that have a bit in `place`.

    Returns
    -------
    (start, key, at, mask) : the sources in CSR form, sorted by key each; the bits of each. There is room for as many
        again.
    """
    start, mask = np.zeros(2 * len(chosen) + 1, np.int64), np.zeros(2 * len(chosen), np.int64)
    for c in range(len(chosen)):
        start[c + 1] = start[c] + sources.key_start[chosen[c] + 1] - sources.key_start[chosen[c]]
    key, at = np.zeros(start[len(chosen)], np.int64), np.empty(start[len(chosen)], np.int64)
    for c in range(len(chosen)):
        x = chosen[c]
        begin, first = sources.key_start[x], sources.scope_start[x]
        for j in range(first, sources.scope_start[x + 1]):
            bit = place[sources.scope[j]]
            if bit >= 0:
                mask[c] |= np.int64(1) << bit
                for i in range(start[c], start[c + 1]):
                    key[i] |= (sources.key[begin + i - start[c]] >> (j - first) & 1) << bit
        for i in range(start[c], start[c + 1]):
            at[i] = sources.at[begin + i - start[c]]
        _sort(key[start[c] : start[c + 1]], at[start[c] : start[c + 1]])
    return start, key, at, mask


@njit(cache=True)
def _highest(mask):  # type: ignore[no-untyped-def]
    """The highest bit of a mask, -1 for none."""
    bit = -1
    while mask:
        mask >>= 1
        bit += 1
    return bit


@njit(cache=True)
def _choices(s, requests, offer_place, place, width, start, key, mask, largest):  # type: ignore[no-untyped-def]
    """Every choice on some offers that no link and no source forbids; the same first bits stand together.

    Parameters
    ----------
    requests : links between units.
    offer_place : shape (K,), place in the block of every offer.
    place : shape (offers of the block,), bit of each of the `width` chosen offers, -1 elsewhere.
    start, key, mask : the sources as `_translated`.
    largest : most choices to list.

    Returns
    -------
    (choices, fits) : whether there are no more than `largest`.
    """
    owner, members, closing = np.empty_like(requests), np.empty_like(requests), np.empty_like(requests)
    n_links = 0
    for r in requests:
        k = offer_place[s.request_offer[r]]
        within = place[k] >= 0
        some = np.int64(0)
        for m in range(s.request_start[r], s.request_start[r + 1]):
            q = offer_place[s.request_member[m]]
            if q >= 0:
                within = within and place[q] >= 0
                some |= np.int64(1) << max(place[q], 0)
        if within:
            owner[n_links], members[n_links] = place[k], some
            closing[n_links] = max(place[k], _highest(some))
            n_links += 1
    latest = np.empty(len(mask), np.int64)
    for c in range(len(mask)):
        latest[c] = _highest(mask[c])
    choices = np.zeros(1, np.int64)
    for bit in range(width):
        longer, count = np.empty(2 * len(choices), np.int64), 0
        for choice in choices:
            for taken in range(2):
                fresh, fits = choice | np.int64(taken) << bit, True
                for i in range(n_links):
                    if closing[i] == bit and fresh >> owner[i] & 1 and not fresh & members[i]:
                        fits = False
                        break
                for c in range(len(mask)):
                    if not fits:
                        break
                    fits = latest[c] != bit or _find(key, start[c], start[c + 1], fresh & mask[c]) >= 0
                if fits:
                    longer[count] = fresh
                    count += 1
        if count > largest:
            return choices, False
        choices = longer[:count]
    return choices, True


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
def _next(tied, alive, degree, place, separator):  # type: ignore[no-untyped-def]
    """Take out the offer with the fewest neighbours, and those that have no others than it has; tie the ones that stay.

    Parameters
    ----------
    tied, alive, degree : which offers are tied to which, which are left, and to how many each is tied.
    place : shape (offers,), receives 0, 1, ... for the ones that stay, then for the ones taken out; -1 elsewhere.
    separator : shape (offers,), receives the ones that stay.

    Returns
    -------
    (stay, gone) : how many stay of those it was tied to, and how many were taken out.
    """
    n, v = len(alive), -1
    for a in range(n):
        if alive[a] and (v < 0 or degree[a] < degree[v]):
            v = a
    for a in range(n):
        if alive[a] and tied[v, a]:
            for c in range(n):
                if a != c and alive[c] and tied[v, c] and not tied[a, c]:
                    tied[a, c] = True
                    degree[a] += 1
    stay, gone = 0, 0
    for a in range(n):
        place[a] = -1
        if alive[a] and tied[v, a] and degree[a] > degree[v]:
            place[a], separator[stay] = stay, a
            stay += 1
    for a in range(n):
        if alive[a] and place[a] < 0 and (a == v or tied[v, a]):
            place[a], alive[a] = stay + gone, False
            gone += 1
    for i in range(stay):
        degree[separator[i]] -= gone
    return stay, gone


@njit(cache=True)
def _written(rows, n_rows, stays, terms, width):  # type: ignore[no-untyped-def]
    """Write a row for each run of the same number in `stays`.

    Parameters
    ----------
    rows : `n_rows` are written already.
    stays : shape (entries,), what each entry chooses on the offers that stay.
    terms : shape (entries * width,).

    Returns
    -------
    (rows, keys) : the rows, with room for more; the choice on the offers that stay of every new one.
    """
    first, count = np.empty_like(stays), np.empty_like(stays)
    n = 0
    for i in range(len(stays)):
        if i == 0 or stays[i] != stays[i - 1]:
            first[n], count[n] = i, 0
            n += 1
        count[n - 1] += 1
    # Rows with as many entries as the last one are faster to go through.
    _sort(count[:n], first[:n])
    at = rows.start[n_rows]
    rows = Rows(
        rows.block_row,
        _room(rows.start, n_rows + n + 1),
        _room(rows.width, n_rows + n),
        _room(rows.term, at + len(terms)),
    )
    keys = np.empty(n, np.int64)
    for j in range(n):
        keys[j] = stays[first[j]]
        for i in range(first[j] * width, (first[j] + count[j]) * width):
            rows.term[at] = terms[i]
            at += 1
        rows.start[n_rows + j + 1], rows.width[n_rows + j] = at, width
    return rows, keys


@njit(cache=True)
def _summed(rows, n_rows, n_sets, choices, start, key, at, mask, n, taken, n_taken):  # type: ignore[no-untyped-def]
    """Sum sources ahead of the entries that use them, two at a time, where few choices tell the sums apart.

    Parameters
    ----------
    choices : entries to come.
    start, key, at, mask : `n` sources as `_translated`, joined by the sums.
    taken : numbers of the `n_taken` that the entries use; changed to those that they use then.

    Returns
    -------
    (rows, n_rows, key, at, n_taken) : as they are then.
    """
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
        if np.int64(4) << fewest > len(choices):
            break
        x, y = taken[one], taken[other]
        shown, kept = np.empty_like(choices), 0
        for i in range(len(choices)):
            shown[i] = choices[i] & (mask[x] | mask[y])
        _sort(shown, np.empty_like(choices))
        for i in range(len(shown)):
            if i == 0 or shown[i] != shown[i - 1]:
                shown[kept] = shown[i]
                kept += 1
        terms = np.empty(2 * kept, np.int64)
        key, at = _room(key, start[n] + kept), _room(at, start[n] + kept)
        for i in range(kept):
            terms[2 * i] = at[_find(key, start[x], start[x + 1], shown[i] & mask[x])]
            terms[2 * i + 1] = at[_find(key, start[y], start[y + 1], shown[i] & mask[y])]
            key[start[n] + i], at[start[n] + i] = shown[i], n_sets + n_rows + i
        rows, _ = _written(rows, n_rows, shown[:kept], terms, 2)
        n_rows += kept
        start[n + 1], mask[n] = start[n] + kept, mask[x] | mask[y]
        taken[one], taken[other] = n, taken[n_taken - 1]
        n, n_taken = n + 1, n_taken - 1
    return rows, n_rows, key, at, n_taken


@njit(cache=True)
def _eliminated(s, b, largest, offer_place, rows, n_rows):  # type: ignore[no-untyped-def]
    """Write the rows of a block behind those there are.

    Returns
    -------
    (fits, rows, n_rows) : whether the block has no more than `largest` entries; the rows with room for more; how many
        there are.
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
        return False, rows, n_rows
    none = np.zeros(0, np.int64)
    sources, n_sources = _Sources(np.zeros(1, np.int64), none, np.zeros(1, np.int64), none, none, none > 0), 0
    # Sets of a unit are values already; where some of its offers have no links, the best set for what the others are.
    scope = np.empty(64, np.int64)
    for u in range(first, last):
        begin, size = s.sub_start[u], s.sub_start[u + 1] - s.sub_start[u]
        if size == 0:
            return False, rows, n_rows
        key, count = np.zeros(size, np.int64), 0
        for i in range(s.unit_start[u], s.unit_start[u + 1]):
            if offer_place[s.unit_offer[i]] >= 0:
                scope[count] = offer_place[s.unit_offer[i]]
                for j in range(size):
                    key[j] |= (s.sub_mask[begin + j] >> (i - s.unit_start[u]) & 1) << count
                count += 1
        at = np.empty(size, np.int64)
        for j in range(size):
            at[j] = begin + j
        if count < s.unit_start[u + 1] - s.unit_start[u]:
            _sort(key, at)
            # A choice that one set alone goes with has that set's value; the others have rows.
            shared, terms, lone = np.empty(size, np.int64), np.empty(size, np.int64), 0
            for j in range(size):
                if count > 0 and (j == 0 or key[j] != key[j - 1]) and (j + 1 == size or key[j] != key[j + 1]):
                    key[lone], at[lone] = key[j], at[j]
                    lone += 1
                else:
                    shared[j - lone], terms[j - lone] = key[j], at[j]
            rows, fresh = _written(rows, n_rows, shared[: size - lone], terms[: size - lone], 1)
            for j in range(len(fresh)):
                key[lone + j], at[lone + j] = fresh[j], n_sets + n_rows + j
            n_rows += len(fresh)
            key = key[: lone + len(fresh)]
            entries += size
        sources = _joined(sources, n_sources, scope[:count], key, at)
        n_sources += 1
    tied = _tied(s, first, last, requests, offer_place, n)
    alive, degree = np.ones(n, np.bool_), np.zeros(n, np.int64)
    for i in range(n):
        for j in range(n):
            degree[i] += tied[i, j]
    place, separator = np.empty(n, np.int64), np.empty(n, np.int64)
    left = n
    while left > 0 and entries <= largest:
        stay, gone = _next(tied, alive, degree, place, separator)
        left -= gone
        if stay + gone > WIDEST:
            return False, rows, n_rows
        relevant, taken = np.empty(n_sources, np.int64), np.empty(n_sources, np.int64)
        n_relevant, n_taken = 0, 0
        for x in range(n_sources):
            if not sources.used[x]:
                highest = np.int64(-1)
                for i in range(sources.scope_start[x], sources.scope_start[x + 1]):
                    highest = max(highest, place[sources.scope[i]])
                if highest >= stay:
                    sources.used[x], taken[n_taken] = True, n_relevant
                    n_taken += 1
                if highest >= 0:
                    relevant[n_relevant] = x
                    n_relevant += 1
        start, key, at, mask = _translated(sources, relevant[:n_relevant], place)
        choices, fits = _choices(s, requests, offer_place, place, stay + gone, start, key, mask[:n_relevant], largest)
        entries += len(choices)
        if not fits or len(choices) == 0:
            return False, rows, n_rows
        rows, n_rows, key, at, n_taken = _summed(
            rows, n_rows, n_sets, choices, start, key, at, mask, n_relevant, taken, n_taken
        )
        terms = np.empty(len(choices) * n_taken, np.int64)
        for i in range(len(choices)):
            for x in range(n_taken):
                c = taken[x]
                terms[i * n_taken + x] = at[_find(key, start[c], start[c + 1], choices[i] & mask[c])]
            choices[i] &= (np.int64(1) << stay) - 1
        rows, key = _written(rows, n_rows, choices, terms, n_taken)
        at = np.empty_like(key)
        for i in range(len(key)):
            at[i] = n_sets + n_rows + i
        sources = _joined(sources, n_sources, separator[:stay], key, at)
        n_sources += 1
        n_rows += len(key)
    if entries > largest:
        return False, rows, n_rows
    # What is left depends on nothing: its sum is the block's value.
    terms, count = np.empty(n_sources, np.int64), 0
    for x in range(n_sources):
        if not sources.used[x]:
            terms[count] = sources.at[sources.key_start[x]]
            count += 1
    if count > 1:
        rows, _ = _written(rows, n_rows, np.zeros(1, np.int64), terms[:count], count)
        n_rows += 1
    return True, rows, n_rows


@njit(cache=True)
def eliminate(s, largest):  # type: ignore[no-untyped-def]
    """The rows of every block that needs no more than `largest` entries and whose units are all listed."""
    n_blocks = len(s.block_unit) - 1
    rows = Rows(
        np.zeros(n_blocks + 1, np.int64), np.zeros(1024, np.int64), np.empty(1024, np.int32), np.empty(8192, np.uint32)
    )
    offer_place = np.full(len(s.t), -1, np.int64)
    for b in range(n_blocks):
        fits, rows, n_rows = _eliminated(s, b, largest, offer_place, rows, rows.block_row[b])
        rows.block_row[b + 1] = n_rows if fits else rows.block_row[b]
    n_rows = rows.block_row[n_blocks]
    n_terms = rows.start[n_rows]
    return Rows(rows.block_row, rows.start[: n_rows + 1].copy(), rows.width[:n_rows].copy(), rows.term[:n_terms].copy())
