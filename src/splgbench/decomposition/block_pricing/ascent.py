"""Links between units priced by dual ascent.

With lambda_r >= 0 for every link r between units (y_k <= sum_{q in S_r} y_q),

    v_b <= sum_units max { value of a set - sum_{r: k in set} lambda_r + sum_{r: q in set} lambda_r }               (1a)

so units are apart again: lambda_r is a fee on k and a bonus on every q. Coordinate ascent lowers (1a) link by link and
lambda stays from one pricing to the next. Source: dual decomposition with coordinate ascent, Globerson and Jaakkola
2007 (max-product linear programming).
"""

from __future__ import annotations

from splgbench.decomposition.block_pricing.compilation import njit_inlined, njit_lean
from splgbench.decomposition.block_pricing.decisions import choose
from splgbench.decomposition.block_pricing.units import NO_VALUE, SAME

PASSES = 8
"""Most passes of ascent in one pricing."""


@njit_inlined
def _difference(s, w, u, bit):  # type: ignore[no-untyped-def]
    """Best value of a listed unit with an offer minus that without it, at the root."""
    sub_start, sub_mask = s.sub_start, s.sub_mask
    unit_must, unit_out, set_value = w.unit_must, w.unit_out, w.value
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


@njit_inlined
def _move(s, w, k, change):  # type: ignore[no-untyped-def]
    """Add to the fee of an offer of a listed unit."""
    offer_unit, offer_bit, sub_start, sub_mask = s.offer_unit, s.offer_bit, s.sub_start, s.sub_mask
    charge, set_value = w.charge, w.value
    charge[k] += change
    u, bit = offer_unit[k], offer_bit[k]
    for listed in range(sub_start[u], sub_start[u + 1]):
        if sub_mask[listed] >> bit & 1:
            set_value[listed] -= change


@njit_lean
def ascend(s, w, c, block, gain, floor, node_limit):  # type: ignore[no-untyped-def]
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
            choose(s, w, c, first, last, gain, node_limit)
        if settled:
            return number + 1
    return PASSES
