"""Probing of several blocks: mandates that no good plan holds, or does without."""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.compilation import addresses, njit_entry, njit_inlined
from splgbench.decomposition.block_pricing.decisions import choose
from splgbench.decomposition.block_pricing.rows import believe, value_block
from splgbench.decomposition.block_pricing.search import root, search
from splgbench.decomposition.block_pricing.units import NO_VALUE, SAME


@njit_inlined
def _best_with(s, w, u, bit, held):  # type: ignore[no-untyped-def]
    """Best value of a listed unit among sets that hold an offer, or do not."""
    must, out, most = w.unit_must[u], w.unit_out[u], NO_VALUE
    for listed in range(s.sub_start[u], s.sub_start[u + 1]):
        mask = s.sub_mask[listed]
        if mask & must == must and not mask & out and (mask >> bit & 1) == held and w.value[listed] > most:
            most = w.value[listed]
    return most


@njit_inlined
def _probe_eliminated(s, r, w, c, block, gain, fee, bound, spare, verdict):  # type: ignore[no-untyped-def]
    """Probe an eliminated block: the best value with each set is known for all at once."""
    most = value_block(s, r, w, c, block, gain, fee)
    if most == -np.inf:
        return
    believe(s, r, w, block)
    belief = w.belief
    cutoff = min(most, bound) - spare - 10 * SAME * abs(most)
    for u in range(s.block_unit[block], s.block_unit[block + 1]):
        for i in range(s.unit_start[u], s.unit_start[u + 1]):
            if w.state[s.unit_offer[i]] != 0:
                continue
            held, without = -np.inf, -np.inf
            for at in range(s.sub_start[u], s.sub_start[u + 1]):
                if s.sub_mask[at] >> (i - s.unit_start[u]) & 1:
                    held = max(held, belief[at])
                else:
                    without = max(without, belief[at])
            # Only one side can be excluded, the better one being that of a best plan.
            if held <= cutoff and held < without:
                verdict[s.unit_offer[i]] = -1
            elif without <= cutoff and without < held:
                verdict[s.unit_offer[i]] = 1


@njit_inlined
def _probe_searched(s, w, c, b, gain, fee, bound, spare, root_limit, node_limit, verdict):  # type: ignore[no-untyped-def]
    """Probe a block that is searched; returns the nodes. What is found holds for what is tried next.

    (1a) with one set of one unit exchanged is tried first, then search.
    """
    decided, found = c.decided, c.found
    first, last = s.block_unit[b], s.block_unit[b + 1]
    for u in range(last - first):
        found[u] = -1
    most, best, nodes, given, length = root(s, w, c, b, gain, fee, root_limit)
    cutoff = min(most, bound) - spare - 10 * SAME * abs(most)
    for i in range(s.unit_start[first], s.unit_start[last]):
        k = s.unit_offer[i]
        if best <= NO_VALUE or w.state[k] != 0:
            continue
        u, bit = s.offer_unit[k], s.offer_bit[k]
        # The side the plan takes has the plan's own value: only the other one can be excluded.
        side = -1 if found[u - first] >> bit & 1 else 1
        gone = False
        if s.sub_start[u] < s.sub_start[u + 1]:
            total = _best_with(s, w, u, bit, 1 if side > 0 else 0)
            for v in range(first, last):
                if v != u:
                    total += w.unit_best[v]
            gone = total <= cutoff
        if not gone:
            most, _, spent = search(s, w, c, b, gain, k, side, cutoff, node_limit, c.other)
            nodes += spent
            gone = most <= cutoff + 2 * SAME * abs(cutoff)
        if gone:
            w.state[k] = -side
            if side > 0:
                w.unit_out[u] |= np.int64(1) << bit
            else:
                w.unit_must[u] |= np.int64(1) << bit
            decided[length] = k
            length += 1
            w.unit_dirty[u] = 1
            choose(s, w, c, first, last, gain, root_limit)
    for i in range(given, length):
        verdict[decided[i]] = w.state[decided[i]]
        w.state[decided[i]] = 0
    return nodes


@njit_entry
def probe_blocks(s, r, w, c, blocks, gain, fee, bound, spare, root_limit, node_limit, verdict):  # type: ignore[no-untyped-def]
    """Which mandates no plan can hold, or do without, that is worth more than its block's `bound` less `spare`.

    Parameters
    ----------
    verdict : shape (K,), int8: receives 1 for must hold, -1 for must not, 0 for either.

    Returns
    -------
    int : nodes searched.
    """
    nodes = 0
    s, r, w, c = addresses(s), addresses(r), addresses(w), addresses(c)
    gain, fee, verdict = addresses((gain, fee, verdict))
    for b in blocks:
        if r.block_row[b] < r.block_row[b + 1]:
            _probe_eliminated(s, r, w, c, b, gain, fee, bound[b], spare, verdict)
        else:
            nodes += _probe_searched(s, w, c, b, gain, fee, bound[b], spare, root_limit, node_limit, verdict)
    return nodes
