"""Decisions on offers at a node of the search: what links force, what leaves (1a), the best sets that are left."""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.compilation import njit_inlined, njit_lean
from splgbench.decomposition.block_pricing.units import CUT_SHORT, NO_VALUE, search_unit

NO_SET = CUT_SHORT | np.int64(-(2**63))
"""Marks the choice of a unit whose own search was cut short before it found a set."""


@njit_lean
def choose(s, w, c, first, last, gain, node_limit):  # type: ignore[no-untyped-def]
    """The best sets of the dirty units `first` to `last` - 1 under the decisions; returns whether each has one."""
    sub_start, sub_mask, unit_start, unit_offer = s.sub_start, s.sub_mask, s.unit_start, s.unit_offer
    unit_must, unit_out, unit_best, unit_choice = w.unit_must, w.unit_out, w.unit_best, w.unit_choice
    unit_dirty, shift, set_value = w.unit_dirty, w.shift, w.value
    fits = True
    for u in range(first, last):
        if not unit_dirty[u]:
            continue
        unit_dirty[u] = 0
        must, out = unit_must[u], unit_out[u]
        if sub_start[u] == sub_start[u + 1]:
            unit_best[u], unit_choice[u] = search_unit(s, c, u, gain, w.charge, must, out, node_limit)
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


@njit_inlined
def drop(s, w, listed, begin, end, dropped, n_dropped):  # type: ignore[no-untyped-def]
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


@njit_inlined
def restore(s, w, dropped, begin, end):  # type: ignore[no-untyped-def]
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


@njit_lean
def follow(s, w, decided, at, length, dropped, n_dropped):  # type: ignore[no-untyped-def]
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
            n_dropped = drop(s, w, wanted, wanted_start[j], wanted_start[j + 1], dropped, n_dropped)
        else:
            n_dropped = drop(s, w, owned, owned_start[j], owned_start[j + 1], dropped, n_dropped)
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


@njit_lean
def settle(s, w, block, decided, dropped):  # type: ignore[no-untyped-def]
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
    fits, length, _ = follow(s, w, decided, zero, given, dropped, zero)
    for u in range(first, last):
        unit_dirty[u] = 0
    return fits, given, length
