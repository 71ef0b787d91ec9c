"""Depth-first search for the best plan of a block that is not eliminated, bounded by (1a) of `ascent`.

A link that a decision meets or voids leaves (1a) for the nodes below it.
"""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.ascent import ascend
from splgbench.decomposition.block_pricing.compilation import njit_lean
from splgbench.decomposition.block_pricing.decisions import choose, follow, restore, settle
from splgbench.decomposition.block_pricing.units import CUT_SHORT, NO_VALUE, SAME, value_of_set, value_subsets


@njit_lean
def last_plan(s, w, block):  # type: ignore[no-untyped-def]
    """Value of the last plan at these prices, in (1a) without what its links leave over; NO_VALUE where it is none."""
    block_unit, sub_start, sub_mask, unit_start = s.block_unit, s.sub_start, s.sub_mask, s.unit_start
    unit_offer, block_request, requests, offer_unit = s.unit_offer, s.block_request, s.requests, s.offer_unit
    request_offer, offer_bit, request_start, request_member = (
        s.request_offer,
        s.offer_bit,
        s.request_start,
        s.request_member,
    )
    unit_last, unit_must, unit_out, set_value = w.unit_last, w.unit_must, w.unit_out, w.value
    shift, active, lam = w.shift, w.active, w.lam
    total = 0.0
    for u in range(block_unit[block], block_unit[block + 1]):
        mask = unit_last[u]
        if mask < 0 or mask & unit_must[u] != unit_must[u] or mask & unit_out[u] or sub_start[u] == sub_start[u + 1]:
            return NO_VALUE
        low, high = sub_start[u], sub_start[u + 1]
        at = -1
        for listed in range(low, high):
            if sub_mask[listed] == mask:
                at = listed
                break
        if at < 0:
            return NO_VALUE
        total += set_value[at]
        bits, i = mask, unit_start[u]
        while bits:
            if bits & 1:
                total += shift[unit_offer[i]]
            bits >>= 1
            i += 1
    for i in range(block_request[block], block_request[block + 1]):
        r = requests[i]
        if active[r]:
            over = -(unit_last[offer_unit[request_offer[r]]] >> offer_bit[request_offer[r]] & 1)
            for m in range(request_start[r], request_start[r + 1]):
                q = request_member[m]
                over += unit_last[offer_unit[q]] >> offer_bit[q] & 1
            total -= lam[r] * over
    return total


@njit_lean
def search(s, w, c, block, gain, forced, side, cutoff, node_limit, found):  # type: ignore[no-untyped-def]
    """Depth-first search for the best plan of a block; `w` is as at the root before and after.

    Parameters
    ----------
    forced, side : an offer to decide at the root, -1 for none.
    cutoff : plans of at most this value are of no interest.
    found : shape (units of the block,), receives the sets of the best plan.

    Returns
    -------
    (bound, best, nodes) : an upper bound on the value of every plan; the best value found, or the cutoff.
    """
    block_unit, block_request, offer_bit = s.block_unit, s.block_request, s.offer_bit
    offer_unit, requests, request_offer, request_start = s.offer_unit, s.requests, s.request_offer, s.request_start
    request_member, wanted_start = s.request_member, s.wanted_start
    state, unit_must, unit_out, unit_best = w.state, w.unit_must, w.unit_out, w.unit_best
    unit_choice, unit_dirty, active, lam = w.unit_choice, w.unit_dirty, w.active, w.lam
    first, last = block_unit[block], block_unit[block + 1]
    n_units = last - first
    begin, end = block_request[block], block_request[block + 1]
    decided, dropped, stack_bound = c.trail, c.left, c.stack_bound
    stack_offer, stack_side, stack_length = c.stack_offer, c.stack_side, c.stack_length
    stack_dropped, stack_kept = c.stack_dropped, c.stack_kept
    kept_unit, kept_choice, kept_best = c.kept_unit, c.kept_choice, c.kept_best
    stack_offer[0], stack_side[0], stack_length[0], stack_dropped[0], stack_kept[0] = forced, side, 0, 0, 0
    stack_bound[0] = 1e300
    zero = np.int64(0)
    depth, length, n_dropped, n_kept = 1, zero, zero, zero
    best, open_bound, nodes = cutoff, NO_VALUE, 0
    while depth > 0:
        depth -= 1
        # Back to where this node hangs.
        restore(s, w, dropped, stack_dropped[depth], n_dropped)
        n_dropped = stack_dropped[depth]
        while length > stack_length[depth]:
            length -= 1
            j = decided[length]
            state[j] = 0
            bit = np.int64(1) << offer_bit[j]
            unit_must[offer_unit[j]] &= ~bit
            unit_out[offer_unit[j]] &= ~bit
        while n_kept > stack_kept[depth]:
            n_kept -= 1
            unit_best[kept_unit[n_kept]], unit_choice[kept_unit[n_kept]] = kept_best[n_kept], kept_choice[n_kept]
        if stack_bound[depth] <= best + SAME * abs(best):
            open_bound = max(open_bound, stack_bound[depth])
            continue
        if nodes >= node_limit:
            open_bound = max(open_bound, stack_bound[depth])
            continue
        nodes += 1
        ceiling = stack_bound[depth]
        fits = True
        if stack_offer[depth] >= 0:
            j = stack_offer[depth]
            at = length
            state[j] = stack_side[depth]
            decided[length] = j
            length += 1
            fits, length, n_dropped = follow(s, w, decided, at, length, dropped, n_dropped)
            if fits:
                for u in range(first, last):
                    if unit_dirty[u]:
                        kept_unit[n_kept], kept_choice[n_kept], kept_best[n_kept] = u, unit_choice[u], unit_best[u]
                        n_kept += 1
                fits = choose(s, w, c, first, last, gain, node_limit)
            else:
                for u in range(first, last):
                    unit_dirty[u] = 0
        if not fits:
            continue
        total, tight, known = 0.0, True, True
        for u in range(first, last):
            total += unit_best[u]
            tight = tight and not unit_choice[u] & CUT_SHORT
            known = known and unit_choice[u] >= 0
        if total > ceiling:
            total = ceiling
        if total <= best + SAME * abs(best):
            open_bound = max(open_bound, total)
            continue
        # The link that is broken, else the one that leaves most over.
        branch, weight, over, broken = -1, -1.0, 0.0, False
        for i in range(begin, end):
            r = requests[i]
            if not active[r]:
                continue
            k = request_offer[r]
            excess = -(unit_choice[offer_unit[k]] >> offer_bit[k] & 1)
            price = lam[r]
            if excess == 0 and price == 0.0:
                continue
            member = -1
            for m in range(request_start[r], request_start[r + 1]):
                q = request_member[m]
                if unit_choice[offer_unit[q]] >> offer_bit[q] & 1:
                    excess += 1
                    member = q
            if excess < 0:
                for m in range(request_start[r], request_start[r + 1]):
                    q = request_member[m]
                    heavy = float(wanted_start[q + 1] - wanted_start[q])
                    if state[q] == 0 and (not broken or heavy > weight):
                        branch, weight, broken = q, heavy, True
            elif excess > 0 and price > 0.0:
                over += price * excess
                if not broken and price * excess > weight:
                    branch, weight = member, price * excess
        if not broken and known:
            value = total - over
            if not tight:
                for u in range(first, last):
                    if unit_choice[u] & CUT_SHORT:
                        value += value_of_set(s, u, unit_choice[u] & ~CUT_SHORT, gain, w.charge) - unit_best[u]
            if value > best:
                best = value
                for u in range(n_units):
                    found[u] = unit_choice[first + u] & ~CUT_SHORT
            if tight and over <= SAME * abs(best):
                open_bound = max(open_bound, total)
                continue
        if branch < 0:
            # Only a unit whose own search was cut short is left open.
            open_bound = max(open_bound, total)
            continue
        for way in (-1, 1):
            stack_offer[depth], stack_side[depth], stack_length[depth] = branch, way, length
            stack_dropped[depth], stack_kept[depth], stack_bound[depth] = n_dropped, n_kept, total
            depth += 1
    restore(s, w, dropped, zero, n_dropped)
    while length > 0:
        length -= 1
        j = decided[length]
        state[j] = 0
        bit = np.int64(1) << offer_bit[j]
        unit_must[offer_unit[j]] &= ~bit
        unit_out[offer_unit[j]] &= ~bit
    while n_kept > 0:
        n_kept -= 1
        unit_best[kept_unit[n_kept]], unit_choice[kept_unit[n_kept]] = kept_best[n_kept], kept_choice[n_kept]
    return max(best, open_bound), best, nodes


@njit_lean
def root(s, w, c, block, gain, fee, node_limit):  # type: ignore[no-untyped-def]
    """Set up a block at some prices and solve it; `found` of the scratch receives the sets of its plan.

    Returns
    -------
    (bound, best, nodes, given, length) : as `_search`; how many offers `state` decided, and how many the links then
        decided, both listed in `decided` of the scratch.
    """
    decided, dropped, found = c.decided, c.dropped, c.found
    first, last = s.block_unit[block], s.block_unit[block + 1]
    begin, end = s.block_request[block], s.block_request[block + 1]
    for i in range(s.unit_start[first], s.unit_start[last]):
        k = s.unit_offer[i]
        w.charge[k] = fee[k]
        w.shift[k] = 0.0
    for i in range(begin, end):
        w.active[s.requests[i]] = 1
    fits, given, length = settle(s, w, block, decided, dropped)
    if not fits:
        return NO_VALUE, NO_VALUE, 0, given, length
    for i in range(s.unit_start[first], s.unit_start[last]):
        w.shift[s.unit_offer[i]] = 0.0
    for i in range(begin, end):
        r = s.requests[i]
        if w.active[r]:
            w.charge[s.request_offer[r]] += w.lam[r]
            for m in range(s.request_start[r], s.request_start[r + 1]):
                w.charge[s.request_member[m]] -= w.lam[r]
    value_subsets(s, w, c, first, last, gain, w.charge)
    for u in range(first, last):
        w.unit_dirty[u] = 1
    if not choose(s, w, c, first, last, gain, node_limit):
        return NO_VALUE, NO_VALUE, 0, given, length
    if begin == end:
        # No links between units: the best sets are the plan, if all are known to be.
        total, tight = 0.0, True
        for u in range(first, last):
            total += w.unit_best[u]
            tight = tight and not w.unit_choice[u] & CUT_SHORT
        if tight:
            for u in range(first, last):
                found[u - first] = w.unit_choice[u]
            return total, total, 1, given, length
    floor = last_plan(s, w, block)
    if floor > NO_VALUE:
        for u in range(first, last):
            found[u - first] = w.unit_last[u]
    ascend(s, w, c, block, gain, floor, node_limit)
    bound, best, nodes = search(s, w, c, block, gain, np.int64(-1), np.int64(0), floor, node_limit, found)
    return bound, best, nodes, given, length
