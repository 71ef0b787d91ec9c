"""From wishes to an allocation: mandates granted greedily by score, each with all that it needs."""

from __future__ import annotations

import numpy as np

from splgbench.instance import BoolArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved


def repaired(offers: Presolved, score: FloatArray) -> BoolArray:
    """Mandates whose thresholds fit and whose links are met, the best scores first.

    Parameters
    ----------
    score : shape (K,); offers at 0 or below get a mandate only where another needs it.

    Returns
    -------
    BoolArray
        shape (K,). Overrides that force mandates come first; whether they all fit is for the polish to say.
    """
    return _Repair(offers, score).run()


class _Repair:
    def __init__(self, offers: Presolved, score: FloatArray) -> None:
        instance = offers.instance
        self.offers = offers
        self.score = score.tolist()
        self.cell = instance.offer_cell.tolist()
        self.pair = offers.pairs.of_offer.tolist()
        self.least = np.maximum(offers.threshold, offers.fixed).tolist()
        self.cell_left = instance.demand.tolist()
        unlimited = int(instance.demand.sum()) + 1
        limited = offers.pairs.capacity.tolist()
        self.pair_left = limited if instance.limits_areas else [unlimited] * len(limited)
        self.live = offers.live.tolist()
        self.held = [False] * instance.n_offers
        links = offers.links
        self.needs: dict[int, list[list[int]]] = {}
        for r, k in enumerate(links.offer.tolist()):
            self.needs.setdefault(k, []).append(links.member[links.start[r] : links.start[r + 1]].tolist())

    def run(self) -> BoolArray:
        order = np.argsort(-np.asarray(self.score), kind="stable").tolist()
        for k in np.flatnonzero(self.offers.granted).tolist():
            self._try(k)
        for k in order:
            if self.score[k] <= 0:
                break
            if self.live[k] and not self.held[k]:
                self._try(k)
        return np.array(self.held, dtype=np.bool_)

    def _try(self, k: int) -> None:
        """Grant an offer and what it needs, or nothing."""
        added: list[int] = []
        queue = [k]
        fits = True
        while queue and fits:
            k = queue.pop()
            if self.held[k]:
                continue
            self.held[k] = True
            added.append(k)
            self.cell_left[self.cell[k]] -= self.least[k]
            self.pair_left[self.pair[k]] -= self.least[k]
            fits = self.cell_left[self.cell[k]] >= 0 and self.pair_left[self.pair[k]] >= 0
            for members in self.needs.get(k, ()):
                if not any(self.held[q] or q in queue for q in members):
                    able = [q for q in members if self._room(q)]
                    fits = fits and bool(able)
                    if able:
                        queue.append(max(able, key=lambda q: self.score[q]))
        if not fits:
            for q in added:
                self.held[q] = False
                self.cell_left[self.cell[q]] += self.least[q]
                self.pair_left[self.pair[q]] += self.least[q]

    def _room(self, q: int) -> bool:
        return bool(self.cell_left[self.cell[q]] >= self.least[q] and self.pair_left[self.pair[q]] >= self.least[q])
