"""Compiled kernels of one unit: its sets of mandates, what they are worth, and the best of them.

A unit is a set of offers of one hospital-area that share Q_{h,a} (or a single offer where no capacity joins it to
others). Its feasible sets of mandates are listed once, as bit masks. With prices the best volumes of a set are the
thresholds plus a greedy fill.
"""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.compilation import njit_entry, njit_inlined, njit_lean

NO_VALUE = -1e300
SAME = 1e-12
"""Relative difference below which two block values are the same."""
CUT_SHORT = np.int64(1) << 62
"""Marks a set of mandates found by a search that was cut short: the value with it is a bound, not that of the set."""
TRIES = 1_000
"""Sets of mandates looked at, for each that may be listed, before a unit is left to search."""


@njit_entry
def list_subsets(t, room, owner, members, limit, masks, left):  # type: ignore[no-untyped-def]
    """The sets of offers whose thresholds fit and whose own links are met; returns how many.

    Parameters
    ----------
    t : shape (n,), thresholds; n <= 62.
    room : Q_{h,a}.
    owner, members : shape (r,), a link of offer `owner` to one of the bit mask `members`, all of this unit.
    limit : most sets to list; one more than that is returned where there are more, or where `TRIES` sets that fit
        were looked at for each that may be listed: links may leave few sets of very many.
    masks, left : shape (limit,), receive the sets and what they leave of `room`; may be empty to count only.
    """
    n, count, tries = len(t), 0, 0
    depth, mask, used = 0, np.int64(0), np.int64(0)
    # A counter of base 2 with early cut: position `depth` is decided next; taking comes before leaving.
    while True:
        if depth == n:
            tries += 1
            if tries > TRIES * limit:
                return limit + 1
            holds = True
            for i in range(len(owner)):
                if mask >> owner[i] & 1 and not mask & members[i]:
                    holds = False
                    break
            if holds:
                if count < len(masks):
                    masks[count], left[count] = mask, room - used
                count += 1
                if count > limit:
                    return count
        elif used + t[depth] <= room:
            mask |= np.int64(1) << depth
            used += t[depth]
            depth += 1
            continue
        else:
            depth += 1
            continue
        # Step back to the last offer that is taken, and leave it.
        depth -= 1
        while depth >= 0 and not mask >> depth & 1:
            depth -= 1
        if depth < 0:
            return count
        mask &= ~(np.int64(1) << depth)
        used -= t[depth]
        depth += 1


@njit_lean
def value_subsets(s, w, c, first, last, gain, fee):  # type: ignore[no-untyped-def]
    """Value of every set of the units `first` to `last` - 1: thresholds, then what is left to the best gains.

    The offers of each unit are sorted by gain for `fill`.
    """
    order, value, base, slope, span = w.unit_order, w.value, c.base, c.slope, c.span
    for u in range(first, last):
        begin, end = s.unit_start[u], s.unit_start[u + 1]
        for i in range(begin, end):
            bit, j = order[i], i
            rate = gain[s.unit_offer[begin + bit]]
            while j > begin and gain[s.unit_offer[begin + order[j - 1]]] < rate:
                order[j] = order[j - 1]
                j -= 1
            order[j] = bit
        for i in range(end - begin):
            k = s.unit_offer[begin + order[begin + i]]
            base[i], slope[i], span[i] = gain[k] * s.t[k] - fee[k], max(gain[k], 0.0), float(s.high[k] - s.t[k])
        for at in range(s.sub_start[u], s.sub_start[u + 1]):
            mask, room, total = s.sub_mask[at], float(s.sub_left[at]), 0.0
            # Without a branch, which nobody could foretell.
            for i in range(end - begin):
                held = float(mask >> order[begin + i] & 1)
                more = held * min(span[i], room)
                total += held * base[i] + slope[i] * more
                room -= more
            value[at] = total


@njit_inlined
def fill(s, w, unit, mask, gain, fee, volume):  # type: ignore[no-untyped-def]
    """Best volumes of one set of mandates, for offers sorted by `value_subsets`; returns its value."""
    begin, end = s.unit_start[unit], s.unit_start[unit + 1]
    left, total = s.room[unit], 0.0
    for i in range(begin, end):
        k = s.unit_offer[i]
        volume[k] = s.t[k] if mask >> (i - begin) & 1 else 0
        left -= volume[k]
    for i in range(begin, end):
        k = s.unit_offer[begin + w.unit_order[i]]
        if volume[k] > 0:
            if gain[k] > 0.0:
                more = min(s.high[k] - s.t[k], left)
                volume[k] += more
                left -= more
            total += gain[k] * volume[k] - fee[k]
    return total


@njit_inlined
def value_of_set(s, unit, mask, gain, fee):  # type: ignore[no-untyped-def]
    """Value of one set of mandates with its best volumes, whether it is listed or not."""
    begin, n, left = s.unit_start[unit], s.unit_start[unit + 1] - s.unit_start[unit], s.room[unit]
    total, open_offers = 0.0, mask
    for i in range(n):
        if mask >> i & 1:
            k = s.unit_offer[begin + i]
            total += gain[k] * s.t[k] - fee[k]
            left -= s.t[k]
    while left > 0:
        best, at = 0.0, -1
        for i in range(n):
            if open_offers >> i & 1 and gain[s.unit_offer[begin + i]] > best:
                best, at = gain[s.unit_offer[begin + i]], i
        if at < 0:
            break
        open_offers &= ~(np.int64(1) << at)
        k = s.unit_offer[begin + at]
        more = min(s.high[k] - s.t[k], left)
        total += best * more
        left -= more
    return total


@njit_lean
def search_unit(s, c, unit, gain, fee, must, out, node_limit):  # type: ignore[no-untyped-def]
    """The best set of mandates of a unit with too many sets to list: depth-first branch and bound.

    A node is bounded by filling the room with the best gains, thresholds of open offers relaxed and their fees spread
    over their largest volumes.

    Parameters
    ----------
    fee : shape (K,), not negative.
    must, out : bit masks of what is decided.

    Returns
    -------
    (bound, mask) : bound is `NO_VALUE` where there is no set; mask -1 where none was found within `node_limit`, with
        `CUT_SHORT` where a better one than it may exist.
    """
    offers, owner, members, room = s.unit_offer, s.own_owner, s.own_members, s.room[unit]
    begin, n = s.unit_start[unit], s.unit_start[unit + 1] - s.unit_start[unit]
    first, last = s.own_start[unit], s.own_start[unit + 1]
    stack_must, stack_out, stack_bound = c.set_must, c.set_out, c.set_bound
    most, order, rate = c.most, c.order, c.rate
    stack_must[0], stack_out[0], stack_bound[0] = must, out, 1e300
    depth, nodes, best, open_bound, best_mask = 1, 0, NO_VALUE, NO_VALUE, np.int64(-1)
    while depth > 0:
        depth -= 1
        if stack_bound[depth] <= best:
            continue
        if nodes >= node_limit:
            open_bound = max(open_bound, stack_bound[depth])
            continue
        nodes += 1
        must, out, ceiling = stack_must[depth], stack_out[depth], stack_bound[depth]
        changed = True
        while changed:
            changed = False
            for i in range(first, last):
                bit, left = np.int64(1) << owner[i], members[i] & ~out
                if left == 0 and not out & bit:
                    out |= bit
                    changed = True
                elif must & bit and left != 0 and left & (left - 1) == 0 and not must & left:
                    must |= left
                    changed = True
        if must & out:
            continue
        free, total = room, 0.0
        for i in range(n):
            if must >> i & 1:
                k = offers[begin + i]
                free -= s.t[k]
                total += gain[k] * s.t[k] - fee[k]
        if free < 0:
            continue
        count = 0
        for i in range(n):
            k = offers[begin + i]
            if out >> i & 1 or (not must >> i & 1 and s.t[k] > free):
                continue
            if must >> i & 1:
                rate[i], most[i] = gain[k], s.high[k] - s.t[k]
            else:
                rate[i], most[i] = gain[k] - fee[k] / s.high[k], s.high[k]
            j = count
            while j > 0 and rate[order[j - 1]] < rate[i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = i
            count += 1
        chosen, branch = must, -1
        for j in range(count):
            i = order[j]
            if rate[i] <= 0.0 or free == 0:
                break
            x = min(most[i], free)
            if x == 0:
                continue
            total += rate[i] * x
            free -= x
            if not must >> i & 1:
                chosen |= np.int64(1) << i
                k = offers[begin + i]
                if x < s.high[k] and (x < s.t[k] or fee[k] != 0.0):
                    branch = i
        total = min(total, ceiling)
        if total <= best:
            continue
        if branch < 0:
            for i in range(first, last):
                if chosen >> owner[i] & 1 and not chosen & members[i]:
                    left = members[i] & ~out
                    branch = 0
                    while not left >> branch & 1:
                        branch += 1
                    break
        if branch < 0:
            best, best_mask = total, chosen
            continue
        bit = np.int64(1) << branch
        stack_must[depth], stack_out[depth], stack_bound[depth] = must, out | bit, total
        stack_must[depth + 1], stack_out[depth + 1], stack_bound[depth + 1] = must | bit, out, total
        depth += 2
    if open_bound > best and best_mask >= 0:
        best_mask |= CUT_SHORT
    return max(best, open_bound), best_mask
