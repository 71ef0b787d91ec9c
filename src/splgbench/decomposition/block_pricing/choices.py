"""Mandate choices on the offers that are looked at in one step of elimination: those that links and tables allow.

A table says for some choices on its offers which value they have; a choice without a value in one of the tables is not
feasible. Choices are bit masks over the offers of the step.
"""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.compilation import njit_lean


@njit_lean
def sort(key, other, low, high):  # type: ignore[no-untyped-def]
    """Sort `key[low:high]` in place, and `other` along with it (Shell 1959)."""
    gap = 1
    while gap < (high - low) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(low + gap, high):
            x, y, j = key[i], other[i], i
            while j >= low + gap and key[j - gap] > x:
                key[j], other[j] = key[j - gap], other[j - gap]
                j -= gap
            key[j], other[j] = x, y
        gap //= 3


@njit_lean
def find(key, low, high, wanted):  # type: ignore[no-untyped-def]
    """Where a key stands among the sorted `key[low:high]`, -1 if nowhere."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if key[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < end and key[low] == wanted else -1


@njit_lean
def _highest(mask):  # type: ignore[no-untyped-def]
    """The highest bit of a mask, -1 for none."""
    bit = -1
    while mask:
        mask >>= 1
        bit += 1
    return bit


@njit_lean
def translate(t, n):  # type: ignore[no-untyped-def]
    """Write the `n` tables of `relevant`, with keys over the offers that have a bit in `place`, to those of the step.

    Returns
    -------
    bool
        Whether there was room.
    """
    start, mask, step_key, step_at, place = t.step_start, t.step_mask, t.step_key, t.step_at, t.place
    start[0] = 0
    for c in range(n):
        start[c + 1] = start[c] + t.key_start[t.relevant[c] + 1] - t.key_start[t.relevant[c]]
    if start[n] > t.step_room:
        return False
    for i in range(start[n]):
        step_key[i] = 0
    for c in range(n):
        x = t.relevant[c]
        mask[c] = 0
        shift, first = t.key_start[x] - start[c], t.scope_start[x]
        for j in range(first, t.scope_start[x + 1]):
            bit = place[t.scope[j]]
            if bit >= 0:
                mask[c] |= np.int64(1) << bit
                for i in range(start[c], start[c + 1]):
                    step_key[i] |= (t.key[shift + i] >> (j - first) & 1) << bit
        for i in range(start[c], start[c + 1]):
            step_at[i] = t.at[shift + i]
        sort(step_key, step_at, start[c], start[c + 1])
    return True


@njit_lean
def list_choices(s, t, block, width, n, largest):  # type: ignore[no-untyped-def]
    """Write every choice on the `width` offers of a step that no link and none of its `n` tables forbids to `choices`.

    Returns
    -------
    int
        How many; -1 where they were more than `largest` on the way. The same first bits stand together.
    """
    owner, members, closing, latest, place = t.owner, t.members, t.closing, t.latest, t.place
    n_links = 0
    for i in range(s.block_request[block], s.block_request[block + 1]):
        r = s.requests[i]
        k = t.offer_place[s.request_offer[r]]
        within = place[k] >= 0
        some = np.int64(0)
        for m in range(s.request_start[r], s.request_start[r + 1]):
            q = t.offer_place[s.request_member[m]]
            within = within and place[q] >= 0
            some |= np.int64(1) << max(place[q], 0)
        if within:
            owner[n_links], members[n_links] = place[k], some
            closing[n_links] = max(place[k], _highest(some))
            n_links += 1
    for c in range(n):
        latest[c] = _highest(t.step_mask[c])
    t.choices[0] = 0
    count = 1
    for bit in range(width):
        for i in range(count):
            t.shorter[i] = t.choices[i]
        n_shorter, count = count, 0
        for x in range(n_shorter):
            for taken in range(2):
                fresh, fits = t.shorter[x] | np.int64(taken) << bit, True
                for i in range(n_links):
                    if closing[i] == bit and fresh >> owner[i] & 1 and not fresh & members[i]:
                        fits = False
                        break
                for c in range(n):
                    if not fits:
                        break
                    if latest[c] == bit:
                        fits = find(t.step_key, t.step_start[c], t.step_start[c + 1], fresh & t.step_mask[c]) >= 0
                if fits:
                    t.choices[count] = fresh
                    count += 1
        if count > largest:
            return -1
    return count
