"""Pricing of several blocks: the best plan of each."""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.compilation import addresses, njit_entry, njit_inlined
from splgbench.decomposition.block_pricing.rows import price_eliminated
from splgbench.decomposition.block_pricing.search import root
from splgbench.decomposition.block_pricing.units import NO_VALUE, SAME, fill


@njit_inlined
def _price_searched(s, w, c, block, gain, fee, node_limit, volume):  # type: ignore[no-untyped-def]
    """The best plan of one block by search; `volume` receives it.

    Returns
    -------
    (bound, exact, nodes) : an upper bound on the value of every plan, `NO_VALUE` where there is none; whether it is
        the value of the plan in `volume`.
    """
    first, last = s.block_unit[block], s.block_unit[block + 1]
    decided, found = c.decided, c.found
    for u in range(last - first):
        found[u] = -1
    bound, best, nodes, given, length = root(s, w, c, block, gain, fee, node_limit)
    exact = bound <= best + 2 * SAME * abs(best)
    for i in range(s.unit_start[first], s.unit_start[last]):
        volume[s.unit_offer[i]] = 0
    if best > NO_VALUE:
        real = 0.0
        for u in range(first, last):
            w.unit_last[u] = found[u - first]
            real += fill(s, w, u, found[u - first], gain, fee, volume)
        bound = max(bound, real)
    for i in range(given, length):
        w.state[decided[i]] = 0
    return bound, exact, nodes


@njit_entry
def price_blocks(s, r, w, c, blocks, gain, fee, node_limit, bound, volume):  # type: ignore[no-untyped-def]
    """The best plans of several blocks; `bound` (per block) and `volume` receive the answers.

    Returns
    -------
    (exact, nodes) : whether every bound is the value of a plan, and the nodes searched.
    """
    exact, nodes = True, 0
    s, r, w, c = addresses(s), addresses(r), addresses(w), addresses(c)
    gain, fee, volume = addresses((gain, fee, volume))
    for b in blocks:
        if r.block_row[b] < r.block_row[b + 1]:
            bound[b] = price_eliminated(s, r, w, c, b, gain, fee, volume)
        else:
            most, tight, spent = _price_searched(s, w, c, b, gain, fee, node_limit, volume)
            bound[b] = most if most > NO_VALUE else -np.inf
            exact = exact and tight
            nodes += spent
    return exact, nodes
