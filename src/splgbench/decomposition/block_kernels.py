"""Compiled kernels of one block: links between units priced by dual ascent, what is left settled by search.

With lambda_r >= 0 for every link r between units (y_k <= sum_{q in S_r} y_q),

    v_b <= sum_units max { value of a set - sum_{r: k in set} lambda_r + sum_{r: q in set} lambda_r }               (1a)

so units are apart again: lambda_r is a fee on k and a bonus on every q. Coordinate ascent lowers (1a) link by link and
lambda stays from one pricing to the next; a depth-first search over offers settles what remains. A link that a decision
meets or voids leaves (1a) for the nodes below it. Source: dual decomposition with coordinate ascent, Globerson and
Jaakkola 2007 (max-product linear programming).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splgbench.decomposition.unit_kernels import (
    CUT_SHORT,
    NO_VALUE,
    fill,
    inlined,
    lean,
    search_unit,
    value_of_set,
    value_subsets,
)
from splgbench.instance import IntArray
from splgbench.model import FloatArray

PASSES = 8
"""Most passes of ascent in one pricing."""
NO_SET = CUT_SHORT | np.int64(-(2**63))
"""Marks the choice of a unit whose own search was cut short before it found a set."""
SAME = 1e-12
"""Relative difference below which two block values are the same."""


class Work(NamedTuple):
    """What pricing writes; every block touches its own part only.

    Parameters
    ----------
    state : shape (K,), int8: 1 must hold a mandate, -1 must not, 0 free.
    lam : shape (R,), lambda of every link.
    active : shape (R,), int8: whether a link still counts in (1a).
    charge, shift : shape (K,); in (1a) a mandate costs charge - shift, shift being what left (1a) on the way to a node.
    set_value : shape (sets,), value of every listed set with `charge`.
    unit_best, unit_choice : shape (units,), the best set of each unit and its value in (1a).
    unit_must, unit_out : shape (units,), bit masks of `state`.
    unit_last : shape (units,), the sets of the last plan, -1 without one.
    unit_dirty : shape (units,), int8: units to be looked at again.
    """

    state: NDArray[np.int8]
    lam: FloatArray
    active: NDArray[np.int8]
    charge: FloatArray
    shift: FloatArray
    set_value: FloatArray
    unit_best: FloatArray
    unit_choice: IntArray
    unit_must: IntArray
    unit_out: IntArray
    unit_last: IntArray
    unit_dirty: NDArray[np.int8]


class Scratch(NamedTuple):
    """Room for the search of one block at a time, as large as the largest needs; every thread has its own.

    Parameters
    ----------
    decided, dropped, found : the trails of `_follow` at the root, and the sets of the best plan.
    trail, left, other : the same of a search.
    kept_unit, kept_choice, kept_best : choices before each node, to be put back.
    stack, stack_bound : open nodes.
    order : shape (64,), the offers of a unit by gain.
    whole, real : shape (4, 128) and (2, 128), room for `search_unit`.
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
    stack: IntArray
    stack_bound: FloatArray
    order: IntArray
    whole: IntArray
    real: FloatArray


@njit(cache=True)
def _scratch(s, blocks):  # type: ignore[no-untyped-def]
    """Scratch for some blocks."""
    size, links, units, kept = 1, 1, 1, 1
    for b in blocks:
        first, last = s.block_unit[b], s.block_unit[b + 1]
        offers = s.unit_start[last] - s.unit_start[first] + 1
        size = max(size, offers)
        links = max(links, s.block_request[b + 1] - s.block_request[b] + 1)
        units = max(units, last - first)
        kept = max(kept, (offers + 1) * (last - first))
    return Scratch(
        np.empty(size + 1, dtype=np.int64),
        np.empty(links, dtype=np.int64),
        np.empty(units, dtype=np.int64),
        np.empty(units, dtype=np.int64),
        np.empty(size + 1, dtype=np.int64),
        np.empty(links, dtype=np.int64),
        np.empty(kept, dtype=np.int64),
        np.empty(kept, dtype=np.int64),
        np.empty(kept, dtype=np.float64),
        np.empty((2 * size + 4, 5), dtype=np.int64),
        np.empty(2 * size + 4, dtype=np.float64),
        np.empty(64, dtype=np.int64),
        np.empty((4, 128), dtype=np.int64),
        np.empty((2, 128), dtype=np.float64),
    )


def work(state: NDArray[np.int8], n_links: int, n_sets: int, n_units: int) -> Work:
    """Empty work space; `state` is copied."""
    n = len(state)
    return Work(
        state=state.astype(np.int8).copy(),
        lam=np.zeros(n_links),
        active=np.zeros(n_links, dtype=np.int8),
        charge=np.zeros(n),
        shift=np.zeros(n),
        set_value=np.zeros(n_sets),
        unit_best=np.zeros(n_units),
        unit_choice=np.zeros(n_units, dtype=np.int64),
        unit_must=np.zeros(n_units, dtype=np.int64),
        unit_out=np.zeros(n_units, dtype=np.int64),
        unit_last=np.full(n_units, -1, dtype=np.int64),
        unit_dirty=np.zeros(n_units, dtype=np.int8),
    )


@lean
def _choose(s, w, c, first, last, gain, node_limit):  # type: ignore[no-untyped-def]
    """The best sets of the dirty units `first` to `last` - 1 under the decisions; returns whether each has one."""
    sub_start, sub_mask, unit_start, unit_offer = s.sub_start, s.sub_mask, s.unit_start, s.unit_offer
    unit_must, unit_out, unit_best, unit_choice = w.unit_must, w.unit_out, w.unit_best, w.unit_choice
    unit_dirty, shift, set_value = w.unit_dirty, w.shift, w.set_value
    fits = True
    for u in range(first, last):
        if not unit_dirty[u]:
            continue
        unit_dirty[u] = 0
        must, out = unit_must[u], unit_out[u]
        if sub_start[u] == sub_start[u + 1]:
            unit_best[u], unit_choice[u] = search_unit(s, u, gain, w.charge, must, out, node_limit, c.whole, c.real)
            if unit_choice[u] < 0:
                unit_choice[u] = must | NO_SET
        else:
            begin, end = unit_start[u], unit_start[u + 1]
            moved = np.int64(0)
            for i in range(begin, end):
                if shift[unit_offer[i]] != 0.0:
                    moved |= np.int64(1) << (i - begin)
            most, choice = NO_VALUE, must
            for listed in range(sub_start[u], sub_start[u + 1]):
                mask = sub_mask[listed]
                if mask & must != must or mask & out:
                    continue
                value = set_value[listed]
                bits = mask & moved
                i = begin
                while bits:
                    if bits & 1:
                        value += shift[unit_offer[i]]
                    bits >>= 1
                    i += 1
                if value > most:
                    most, choice = value, mask
            unit_best[u], unit_choice[u] = most, choice
        fits = fits and unit_best[u] > NO_VALUE
    return fits


@inlined
def _drop(s, w, listed, begin, end, dropped, n_dropped):  # type: ignore[no-untyped-def]
    """Take the active ones of some links out of (1a) and write them to `dropped`; returns its new length."""
    request_offer, request_start, request_member = s.request_offer, s.request_start, s.request_member
    offer_unit, active, lam, shift, unit_dirty = s.offer_unit, w.active, w.lam, w.shift, w.unit_dirty
    for at in range(begin, end):
        r = listed[at]
        if not active[r]:
            continue
        active[r] = 0
        dropped[n_dropped] = r
        n_dropped += 1
        price = lam[r]
        if price != 0.0:
            k = request_offer[r]
            shift[k] += price
            unit_dirty[offer_unit[k]] = 1
            for i in range(request_start[r], request_start[r + 1]):
                q = request_member[i]
                shift[q] -= price
                unit_dirty[offer_unit[q]] = 1
    return n_dropped


@inlined
def _restore(s, w, dropped, begin, end):  # type: ignore[no-untyped-def]
    """Bring links back into (1a)."""
    request_offer, request_start, request_member = s.request_offer, s.request_start, s.request_member
    active, lam, shift = w.active, w.lam, w.shift
    for at in range(begin, end):
        r = dropped[at]
        active[r] = 1
        price = lam[r]
        if price != 0.0:
            shift[request_offer[r]] -= price
            for i in range(request_start[r], request_start[r + 1]):
                shift[request_member[i]] += price


@lean
def _follow(s, w, decided, at, length, dropped, n_dropped):  # type: ignore[no-untyped-def]
    """Follow the links from the decisions `decided[at:length]`.

    Returns
    -------
    (fits, length, n_dropped) : whether nothing clashes; the trails as they are then.
    """
    offer_unit, offer_bit, wanted_start, owned_start = s.offer_unit, s.offer_bit, s.wanted_start, s.owned_start
    wanted, owned, request_offer, request_start = s.wanted, s.owned, s.request_offer, s.request_start
    request_member = s.request_member
    unit_dirty, state, unit_must, unit_out = w.unit_dirty, w.state, w.unit_must, w.unit_out
    active = w.active
    while at < length:
        j = decided[at]
        at += 1
        u = offer_unit[j]
        bit = np.int64(1) << offer_bit[j]
        unit_dirty[u] = 1
        if state[j] > 0:
            unit_must[u] |= bit
        else:
            unit_out[u] |= bit
        # Links that the decision meets or voids.
        if state[j] > 0:
            n_dropped = _drop(s, w, wanted, wanted_start[j], wanted_start[j + 1], dropped, n_dropped)
        else:
            n_dropped = _drop(s, w, owned, owned_start[j], owned_start[j + 1], dropped, n_dropped)
        # Links that may force something now.
        if state[j] > 0:
            begin, end = owned_start[j], owned_start[j + 1]
        else:
            begin, end = wanted_start[j], wanted_start[j + 1]
        for i in range(begin, end):
            r = owned[i] if state[j] > 0 else wanted[i]
            if not active[r]:
                continue
            k = request_offer[r]
            open_members, last, met = 0, -1, False
            for m in range(request_start[r], request_start[r + 1]):
                q = request_member[m]
                if state[q] == 0:
                    open_members += 1
                    last = q
                met = met or state[q] > 0
            if met:
                continue
            if open_members == 0:
                if state[k] > 0:
                    return False, length, n_dropped
                if state[k] == 0:
                    state[k] = -1
                    decided[length] = k
                    length += 1
            elif open_members == 1 and state[k] > 0:
                state[last] = 1
                decided[length] = last
                length += 1
    return True, length, n_dropped


@inlined
def _difference(s, w, u, bit):  # type: ignore[no-untyped-def]
    """Best value of a listed unit with an offer minus that without it, at the root."""
    sub_start, sub_mask = s.sub_start, s.sub_mask
    unit_must, unit_out, set_value = w.unit_must, w.unit_out, w.set_value
    must, out, with_it, without = unit_must[u], unit_out[u], NO_VALUE, NO_VALUE
    for listed in range(sub_start[u], sub_start[u + 1]):
        mask = sub_mask[listed]
        if mask & must != must or mask & out:
            continue
        if mask >> bit & 1:
            with_it = max(with_it, set_value[listed])
        else:
            without = max(without, set_value[listed])
    if with_it <= NO_VALUE:
        return -1e200
    if without <= NO_VALUE:
        return 1e200
    return with_it - without


@inlined
def _move(s, w, k, change):  # type: ignore[no-untyped-def]
    """Add to the fee of an offer of a listed unit."""
    offer_unit, offer_bit, sub_start, sub_mask = s.offer_unit, s.offer_bit, s.sub_start, s.sub_mask
    charge, set_value = w.charge, w.set_value
    charge[k] += change
    u, bit = offer_unit[k], offer_bit[k]
    for listed in range(sub_start[u], sub_start[u + 1]):
        if sub_mask[listed] >> bit & 1:
            set_value[listed] -= change


@lean
def _ascend(s, w, c, block, gain, floor, node_limit):  # type: ignore[no-untyped-def]
    """Lower (1a) link by link, at most to `floor`; returns how many passes it took.

    With d_k, d_q the differences between holding and not holding an offer, lambda_r minimises
    max(0, d_k - lambda) + sum_q max(0, d_q + lambda); the middle of the flat part is taken.
    """
    block_unit, block_request, requests, request_offer = s.block_unit, s.block_request, s.requests, s.request_offer
    offer_unit, sub_start, request_start, request_member = s.offer_unit, s.sub_start, s.request_start, s.request_member
    offer_bit = s.offer_bit
    unit_best, active, unit_choice, lam = w.unit_best, w.active, w.unit_choice, w.lam
    first, last = block_unit[block], block_unit[block + 1]
    unit_dirty = w.unit_dirty
    before = 1e300
    for number in range(PASSES):
        total = 0.0
        for u in range(first, last):
            total += unit_best[u]
        if floor <= NO_VALUE:
            if before - total < 1e-6 * abs(total):
                return number
        elif total <= floor + SAME * abs(floor) or before - total < 1e-2 * (total - floor):
            return number
        before = total
        settled = True
        for i in range(block_request[block], block_request[block + 1]):
            r = requests[i]
            if not active[r]:
                continue
            k = request_offer[r]
            u = offer_unit[k]
            held, listed = 0, sub_start[u] < sub_start[u + 1]
            for m in range(request_start[r], request_start[r + 1]):
                q = request_member[m]
                v = offer_unit[q]
                listed = listed and sub_start[v] < sub_start[v + 1]
                held += unit_choice[offer_unit[q]] >> offer_bit[q] & 1
            excess = held - (unit_choice[offer_unit[k]] >> offer_bit[k] & 1)
            if not listed or excess == 0 or (excess > 0 and lam[r] == 0.0):
                continue
            settled = False
            price = lam[r]
            needs = price + _difference(s, w, u, offer_bit[k])
            least, second = 1e300, 1e300
            for m in range(request_start[r], request_start[r + 1]):
                q = request_member[m]
                turns = price - _difference(s, w, offer_unit[q], offer_bit[q])
                if turns < least:
                    least, second = turns, least
                elif turns < second:
                    second = turns
            # Slope -1 up to the smaller of both, 0 between, +1 beyond. Where q does not pay, k gives q all it has.
            better = needs if needs <= least else 0.5 * (max(least, 0.0) + min(needs, second))
            better = max(0.0, min(better, 1e100))
            change = better - price
            if change == 0.0 or better >= 1e100:
                continue
            lam[r] = better
            _move(s, w, k, change)
            unit_dirty[u] = 1
            for m in range(request_start[r], request_start[r + 1]):
                q = request_member[m]
                _move(s, w, q, -change)
                unit_dirty[offer_unit[q]] = 1
            _choose(s, w, c, first, last, gain, node_limit)
        if settled:
            return number + 1
    return PASSES


@inlined
def _last_plan(s, w, block):  # type: ignore[no-untyped-def]
    """Value of the last plan at these prices, in (1a) without what its links leave over; NO_VALUE where it is none."""
    block_unit, sub_start, sub_mask, unit_start = s.block_unit, s.sub_start, s.sub_mask, s.unit_start
    unit_offer, block_request, requests, offer_unit = s.unit_offer, s.block_request, s.requests, s.offer_unit
    request_offer, offer_bit, request_start, request_member = (
        s.request_offer,
        s.offer_bit,
        s.request_start,
        s.request_member,
    )
    unit_last, unit_must, unit_out, set_value = w.unit_last, w.unit_must, w.unit_out, w.set_value
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


@lean
def _search(s, w, c, block, gain, forced, side, cutoff, node_limit, found):  # type: ignore[no-untyped-def]
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
    decided, dropped, stack, stack_bound = c.trail, c.left, c.stack, c.stack_bound
    kept_unit, kept_choice, kept_best = c.kept_unit, c.kept_choice, c.kept_best
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3], stack[0, 4] = forced, side, 0, 0, 0
    stack_bound[0] = 1e300
    zero = np.int64(0)
    depth, length, n_dropped, n_kept = 1, zero, zero, zero
    best, open_bound, nodes = cutoff, NO_VALUE, 0
    while depth > 0:
        depth -= 1
        # Back to where this node hangs.
        _restore(s, w, dropped, stack[depth, 3], n_dropped)
        n_dropped = stack[depth, 3]
        while length > stack[depth, 2]:
            length -= 1
            j = decided[length]
            state[j] = 0
            bit = np.int64(1) << offer_bit[j]
            unit_must[offer_unit[j]] &= ~bit
            unit_out[offer_unit[j]] &= ~bit
        while n_kept > stack[depth, 4]:
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
        if stack[depth, 0] >= 0:
            j = stack[depth, 0]
            at = length
            state[j] = stack[depth, 1]
            decided[length] = j
            length += 1
            fits, length, n_dropped = _follow(s, w, decided, at, length, dropped, n_dropped)
            if fits:
                for u in range(first, last):
                    if unit_dirty[u]:
                        kept_unit[n_kept], kept_choice[n_kept], kept_best[n_kept] = u, unit_choice[u], unit_best[u]
                        n_kept += 1
                fits = _choose(s, w, c, first, last, gain, node_limit)
            else:
                unit_dirty[first:last] = 0
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
            stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3] = branch, way, length, n_dropped
            stack[depth, 4] = n_kept
            stack_bound[depth] = total
            depth += 1
    _restore(s, w, dropped, zero, n_dropped)
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


@inlined
def _settle(s, w, block, decided, dropped):  # type: ignore[no-untyped-def]
    """Follow the links from what `state` decides; returns whether it fits, and what was decided on the way."""
    block_unit, unit_start, unit_offer = s.block_unit, s.unit_start, s.unit_offer
    unit_must, unit_out, state, unit_dirty = w.unit_must, w.unit_out, w.state, w.unit_dirty
    first, last = block_unit[block], block_unit[block + 1]
    for u in range(first, last):
        unit_must[u] = 0
        unit_out[u] = 0
    zero = np.int64(0)
    given = zero
    for i in range(unit_start[first], unit_start[last]):
        if state[unit_offer[i]] != 0:
            decided[given] = unit_offer[i]
            given += 1
    fits, length, _ = _follow(s, w, decided, zero, given, dropped, zero)
    for u in range(first, last):
        unit_dirty[u] = 0
    return fits, given, length


@inlined
def _root(s, w, c, block, gain, fee, node_limit):  # type: ignore[no-untyped-def]
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
    fits, given, length = _settle(s, w, block, decided, dropped)
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
    value_subsets(s, first, last, gain, w.charge, w.set_value, c.order)
    w.unit_dirty[first:last] = 1
    if not _choose(s, w, c, first, last, gain, node_limit):
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
    floor = _last_plan(s, w, block)
    if floor > NO_VALUE:
        for u in range(first, last):
            found[u - first] = w.unit_last[u]
    _ascend(s, w, c, block, gain, floor, node_limit)
    bound, best, nodes = _search(s, w, c, block, gain, np.int64(-1), np.int64(0), floor, node_limit, found)
    return bound, best, nodes, given, length


@inlined
def price_block(s, w, c, block, gain, fee, node_limit, volume):  # type: ignore[no-untyped-def]
    """The best plan of one block; `volume` receives it.

    Returns
    -------
    (bound, exact, nodes) : an upper bound on the value of every plan, `NO_VALUE` where there is none; whether it is
        the value of the plan in `volume`.
    """
    first, last = s.block_unit[block], s.block_unit[block + 1]
    decided, found = c.decided, c.found
    found[: last - first] = -1
    bound, best, nodes, given, length = _root(s, w, c, block, gain, fee, node_limit)
    exact = bound <= best + 2 * SAME * abs(best)
    for i in range(s.unit_start[first], s.unit_start[last]):
        volume[s.unit_offer[i]] = 0
    if best > NO_VALUE:
        real = 0.0
        for u in range(first, last):
            w.unit_last[u] = found[u - first]
            fill(s, u, found[u - first], gain, volume)
        for i in range(s.unit_start[first], s.unit_start[last]):
            k = s.unit_offer[i]
            if volume[k] > 0:
                real += gain[k] * volume[k] - fee[k]
        bound = max(bound, real)
    for i in range(given, length):
        w.state[decided[i]] = 0
    return bound, exact, nodes


@njit(cache=True, nogil=True)
def price_blocks(s, w, blocks, gain, fee, node_limit, bound, volume):  # type: ignore[no-untyped-def]
    """`price_block` for several blocks; `bound` (per block) and `volume` receive the answers.

    Returns
    -------
    (exact, nodes) : whether every bound is the value of a plan, and the nodes searched.
    """
    exact, nodes = True, 0
    c = _scratch(s, blocks)
    for b in blocks:
        most, tight, spent = price_block(s, w, c, b, gain, fee, node_limit, volume)
        bound[b] = most if most > NO_VALUE else -np.inf
        exact = exact and tight
        nodes += spent
    return exact, nodes


@inlined
def _best_with(s, w, u, bit, held):  # type: ignore[no-untyped-def]
    """Best value of a listed unit among sets that hold an offer, or do not."""
    must, out, most = w.unit_must[u], w.unit_out[u], NO_VALUE
    for listed in range(s.sub_start[u], s.sub_start[u + 1]):
        mask = s.sub_mask[listed]
        if mask & must == must and not mask & out and (mask >> bit & 1) == held and w.set_value[listed] > most:
            most = w.set_value[listed]
    return most


@njit(cache=True, nogil=True)
def probe_blocks(s, w, blocks, gain, fee, bound, spare, root_limit, node_limit, verdict):  # type: ignore[no-untyped-def]
    """Which mandates no plan can hold, or do without, that is worth more than its block's `bound` less `spare`.

    (1a) with one set of one unit exchanged is tried first, then search. What is found holds for what is tried next.

    Parameters
    ----------
    verdict : shape (K,), int8: receives 1 for must hold, -1 for must not, 0 for either.

    Returns
    -------
    int : nodes searched.
    """
    nodes = 0
    c = _scratch(s, blocks)
    decided, found = c.decided, c.found
    for b in blocks:
        first, last = s.block_unit[b], s.block_unit[b + 1]
        found[: last - first] = -1
        most, best, spent, given, length = _root(s, w, c, b, gain, fee, root_limit)
        nodes += spent
        cutoff = min(most, bound[b]) - spare - 10 * SAME * abs(most)
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
                most, _, spent = _search(s, w, c, b, gain, k, side, cutoff, node_limit, c.other)
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
                _choose(s, w, c, first, last, gain, root_limit)
        for i in range(given, length):
            verdict[decided[i]] = w.state[decided[i]]
            w.state[decided[i]] = 0
    return nodes
