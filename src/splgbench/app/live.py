"""The best allocation of a solve that is under way, checked exactly, so that the page has one before the proof ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from splgbench.checker import check
from splgbench.errors import SplgbenchError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.polish import polish
from splgbench.trace import Stop

MOST_OFFERS = 20_000
"""Offers up to which allocations are checked on the way: beyond, exact volumes would hold up the app's own answers."""
CARRIED, FOUND = "carried over", "found"
_LOOK = 0.2


@dataclass(frozen=True)
class Checked:
    """An allocation that obeys every rule of the instance as it stands.

    Parameters
    ----------
    number : from 1, larger for every better one.
    volumes : cases, shape (K,).
    primal : its value in utility units.
    origin : `CARRIED` over from the last run, with volumes anew, or `FOUND` by the solve.
    """

    number: int
    volumes: IntArray
    primal: int
    origin: str


class Live:
    """Takes mandates from whoever finds them and keeps the best allocation they stand for.

    Parameters
    ----------
    instance : what is solved.
    carried : mandates of the last run, shape (K,); None for none. They are looked at first.

    Attributes
    ----------
    best : None until there is one.
    """

    def __init__(self, instance: Instance, carried: BoolArray | None) -> None:
        self.instance = instance
        self.best: Checked | None = None
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._next: tuple[BoolArray, str] | None = None
        self._over = Stop()
        if carried is not None:
            self._next = carried, CARRIED
            self._news.set()
        if instance.n_offers <= MOST_OFFERS and not instance.extensions:
            threading.Thread(target=self._work, daemon=True).start()

    def hear(self, mandates: BoolArray) -> None:
        """Take the mandates of a new incumbent; of those that wait, the newest is looked at."""
        with self._lock:
            self._next = mandates, FOUND
        self._news.set()

    def end(self) -> None:
        """Look at no more."""
        self._over.set()

    def _work(self) -> None:
        while not self._over:
            if not self._news.wait(_LOOK):
                continue
            self._news.clear()
            with self._lock:
                asked, self._next = self._next, None
            if asked is not None:
                self._judge(*asked)

    def _judge(self, mandates: BoolArray, origin: str) -> None:
        try:
            volumes = polish(self.instance, mandates).volumes
        except SplgbenchError:
            return
        if volumes is None:
            return
        verdict = check(self.instance, volumes)
        if verdict.feasible and (self.best is None or verdict.objective > self.best.primal):
            number = 1 if self.best is None else self.best.number + 1
            self.best = Checked(number, volumes, verdict.objective, origin)
