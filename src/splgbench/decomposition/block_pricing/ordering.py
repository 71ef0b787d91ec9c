"""The order in which the offers of a block are eliminated: the ones with the fewest neighbours first.

Source: minimum degree with mass elimination of indistinguishable offers, George and Liu 1989.
"""

from __future__ import annotations

from splgbench.decomposition.block_pricing.compilation import njit_lean


@njit_lean
def tie(s, t, block, n):  # type: ignore[no-untyped-def]
    """Write which of the `n` offers of a block share a unit or a link to `tied`, and to how many each is tied."""
    first, last, first_link = s.block_unit[block], s.block_unit[block + 1], s.block_request[block]
    for i in range(n * n):
        t.tied[i] = 0
    for x in range(last - first + s.block_request[block + 1] - first_link):
        size = 0
        if x < last - first:
            for i in range(s.unit_start[first + x], s.unit_start[first + x + 1]):
                if t.offer_place[s.unit_offer[i]] >= 0:
                    t.group[size] = t.offer_place[s.unit_offer[i]]
                    size += 1
        else:
            r = s.requests[first_link + x - last + first]
            t.group[0] = t.offer_place[s.request_offer[r]]
            size = 1
            for m in range(s.request_start[r], s.request_start[r + 1]):
                t.group[size] = t.offer_place[s.request_member[m]]
                size += 1
        for i in range(size):
            for j in range(i):
                if t.group[i] != t.group[j]:
                    t.tied[t.group[i] * n + t.group[j]] = 1
                    t.tied[t.group[j] * n + t.group[i]] = 1
    for i in range(n):
        t.alive[i], t.degree[i] = 1, 0
        for j in range(n):
            t.degree[i] += t.tied[i * n + j]


@njit_lean
def take_next(t, n):  # type: ignore[no-untyped-def]
    """Take out the offer with the fewest neighbours, and those that have no others than it has; tie the ones that stay.

    `place` receives 0, 1, ... for the ones that stay, then for the ones taken out, -1 elsewhere; `separator` the ones
    that stay.

    Returns
    -------
    (stay, gone) : how many stay of those it was tied to, and how many were taken out.
    """
    tied, alive, degree, place = t.tied, t.alive, t.degree, t.place
    v = -1
    for a in range(n):
        if alive[a] and (v < 0 or degree[a] < degree[v]):
            v = a
    for a in range(n):
        if alive[a] and tied[v * n + a]:
            for c in range(n):
                if a != c and alive[c] and tied[v * n + c] and not tied[a * n + c]:
                    tied[a * n + c] = 1
                    degree[a] += 1
    stay, gone = 0, 0
    for a in range(n):
        place[a] = -1
        if alive[a] and tied[v * n + a] and degree[a] > degree[v]:
            place[a], t.separator[stay] = stay, a
            stay += 1
    for a in range(n):
        if alive[a] and place[a] < 0 and (a == v or tied[v * n + a]):
            place[a], alive[a] = stay + gone, 0
            gone += 1
    for i in range(stay):
        degree[t.separator[i]] -= gone
    return stay, gone
