"""What fixed mandates decide by thresholds and links alone, across blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splgbench.presolve import Presolved


class Settling:
    """Follows decisions on mandates to what they decide in turn.

    1. What stands takes its threshold of demand and of area capacity; an offer whose own no longer fits is out.
    2. An offer is out where a link of it has no member left; a standing one keeps the only member left.

    Parameters
    ----------
    offers : the presolved offers.
    """

    def __init__(self, offers: Presolved) -> None:
        instance = offers.instance
        self.least = np.maximum(offers.threshold, offers.fixed)
        self.rows = [(instance.offer_cell, instance.demand)]
        if instance.limits_areas:
            self.rows.append((offers.pairs.of_offer, offers.pairs.capacity))
        self.links = offers.links
        self.of_member = offers.links.of_member

    def settle(self, state: NDArray[np.int8]) -> bool:
        """Decide what follows, in place; False where the decisions clash.

        Parameters
        ----------
        state : shape (K,), int8: 1 must hold a mandate, -1 must not, 0 free.
        """
        links = self.links
        while True:
            before = state.copy()
            standing = state > 0
            for row, limit in self.rows:
                left = limit.copy()
                np.subtract.at(left, row[standing], self.least[standing])
                if (left < 0).any():
                    return False
                state[(state == 0) & (self.least > left[row])] = -1
            member, owner = state[links.member], state[links.offer]
            met = np.bincount(self.of_member[member > 0], minlength=links.count) > 0
            open_members = np.bincount(self.of_member[member == 0], minlength=links.count)
            if ((owner > 0) & ~met & (open_members == 0)).any():
                return False
            state[links.offer[(owner == 0) & ~met & (open_members == 0)]] = -1
            last = (owner > 0) & ~met & (open_members == 1)
            forced = links.member[last[self.of_member] & (member == 0)]
            if (state[forced] < 0).any():
                return False
            state[forced] = 1
            if (state == before).all():
                return True
