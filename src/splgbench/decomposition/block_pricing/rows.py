"""Kernels on the rows of `elimination`: their values at some prices, the best plan, what each choice would be worth."""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.compilation import njit_inlined
from splgbench.decomposition.block_pricing.units import fill, value_subsets


@njit_inlined
def _value_rows(r, first, last, value):  # type: ignore[no-untyped-def]
    """Values of the rows `first` to `last` - 1 from those of sets and earlier rows."""
    start, width, term, n_sets = r.start, r.width, r.term, r.n_sets
    for row in range(first, last):
        begin, end, most = start[row], start[row + 1], -np.inf
        # The same three times over, for the widths that nearly all rows have.
        if width[row] == 1:
            for at in range(begin, end):
                most = max(most, value[term[at]])
        elif width[row] == 2:
            for at in range(begin, end, 2):
                most = max(most, value[term[at]] + value[term[at + 1]])
        elif width[row] == 3:
            for at in range(begin, end, 3):
                most = max(most, value[term[at]] + value[term[at + 1]] + value[term[at + 2]])
        else:
            for at in range(begin, end, width[row]):
                total = 0.0
                for i in range(at, at + width[row]):
                    total += value[term[i]]
                most = max(most, total)
        value[n_sets + row] = most


@njit_inlined
def _trace(s, r, top, value, stack, chosen):  # type: ignore[no-untyped-def]
    """Write the sets of the best plan of a block to `chosen`, shape (units,), from its last row `top` back."""
    n_sets = r.n_sets
    stack[0], depth = top, 1
    while depth > 0:
        depth -= 1
        row = stack[depth]
        width, at = r.width[row], r.start[row]
        for at in range(r.start[row], r.start[row + 1], width):
            total = 0.0
            for i in range(at, at + width):
                total += value[r.term[i]]
            if total == value[n_sets + row]:
                break
        for i in range(at, at + width):
            term = np.int64(r.term[i])
            if term < n_sets:
                chosen[s.sub_unit[term]] = s.sub_mask[term]
            else:
                stack[depth] = term - n_sets
                depth += 1


@njit_inlined
def value_block(s, r, w, c, block, gain, fee):  # type: ignore[no-untyped-def]
    """Value of the best plan of an eliminated block under `state`, -inf where there is none; values stay in `w`."""
    first, last = s.block_unit[block], s.block_unit[block + 1]
    value_subsets(s, w, c, first, last, gain, fee)
    for u in range(first, last):
        must, out = np.int64(0), np.int64(0)
        for i in range(s.unit_start[u], s.unit_start[u + 1]):
            state = w.state[s.unit_offer[i]]
            if state > 0:
                must |= np.int64(1) << (i - s.unit_start[u])
            elif state < 0:
                out |= np.int64(1) << (i - s.unit_start[u])
        if must | out:
            for at in range(s.sub_start[u], s.sub_start[u + 1]):
                if s.sub_mask[at] & must != must or s.sub_mask[at] & out:
                    w.value[at] = -np.inf
    _value_rows(r, r.block_row[block], r.block_row[block + 1], w.value)
    return w.value[r.n_sets + r.block_row[block + 1] - 1]


@njit_inlined
def price_eliminated(s, r, w, c, block, gain, fee, volume):  # type: ignore[no-untyped-def]
    """Value of the best plan of an eliminated block, -inf where there is none; `volume` receives the plan."""
    most = value_block(s, r, w, c, block, gain, fee)
    if most == -np.inf:
        for i in range(s.unit_start[s.block_unit[block]], s.unit_start[s.block_unit[block + 1]]):
            volume[s.unit_offer[i]] = 0
        return most
    _trace(s, r, r.block_row[block + 1] - 1, w.value, c.stack_row, w.unit_last)
    real = 0.0
    for u in range(s.block_unit[block], s.block_unit[block + 1]):
        real += fill(s, w, u, w.unit_last[u], gain, fee, volume)
    return max(most, real)


@njit_inlined
def believe(s, r, w, block):  # type: ignore[no-untyped-def]
    """Value of the best plan with each set and each row of an eliminated block, from the values in `w`."""
    value, belief, n_sets = w.value, w.belief, r.n_sets
    for at in range(s.sub_start[s.block_unit[block]], s.sub_start[s.block_unit[block + 1]]):
        belief[at] = -np.inf
    for row in range(r.block_row[block], r.block_row[block + 1]):
        belief[n_sets + row] = -np.inf
    top = n_sets + r.block_row[block + 1] - 1
    belief[top] = value[top]
    for row in range(r.block_row[block + 1] - 1, r.block_row[block] - 1, -1):
        if belief[n_sets + row] == -np.inf:
            continue
        width, others = r.width[row], belief[n_sets + row] - value[n_sets + row]
        for at in range(r.start[row], r.start[row + 1], width):
            total = others
            for i in range(at, at + width):
                total += value[r.term[i]]
            for i in range(at, at + width):
                belief[r.term[i]] = max(belief[r.term[i]], total)
