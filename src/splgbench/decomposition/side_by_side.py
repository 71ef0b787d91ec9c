"""When solves end early, and work in numbered parts, several at once in threads: solvers let others run meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from splgbench.decomposition.loop import Loop
from splgbench.trace import Stop


class NothingLeft(Stop):
    """Set where a loop's own stop is, and where its bounds meet: nothing that is still being solved is wanted then.

    Parameters
    ----------
    loop : the solve.
    """

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self.loop = loop

    def __bool__(self) -> bool:
        return super().__bool__() or bool(self.loop.stop) or self.loop.closed


class Patience(NothingLeft):
    """Set, besides, where the gap has hardly closed for some time.

    Parameters
    ----------
    loop : the solve.
    seconds : how long; at least a third of the time since this began, and longer where the gap is narrow.
    """

    SHARE = 0.1
    """Part of the gap that has to close."""
    NARROW, LONGER = 1e-3, 4
    """Relative gap up to which a tree may end all at once, and how many times as long that is waited for."""

    def __init__(self, loop: Loop, seconds: float) -> None:
        super().__init__(loop)
        self.seconds, self.began = seconds, time.perf_counter()
        self.since, self.gap = self.began, loop.gap

    def __bool__(self) -> bool:
        if super().__bool__():
            return True
        now, gap = time.perf_counter(), self.loop.gap
        if gap <= (1 - self.SHARE) * self.gap:
            self.since, self.gap = now, gap
        narrow = gap <= self.NARROW * abs(self.loop.best or 0)
        return now - self.since > max((self.LONGER if narrow else 1) * self.seconds, (now - self.began) / 3)


def in_turn(work: Callable[[int], None], waits_for: Sequence[Collection[int]], threads: int) -> None:
    """Do all parts, up to `threads` at once; what a part waits for is done before it begins.

    The first error ends it: parts that have begun are waited for, no other begins.

    Parameters
    ----------
    work : does the part of a number.
    waits_for : for each part the numbers of others, all smaller than its own.
    threads : 1 does one part after the other in the calling thread.
    """
    if threads == 1:
        for number in range(len(waits_for)):
            work(number)
        return
    todo = list(range(len(waits_for)))
    done: set[int] = set()
    running: dict[Future[None], int] = {}
    with ThreadPoolExecutor(threads) as pool:
        while todo or running:
            for number in [one for one in todo if done.issuperset(waits_for[one])][: threads - len(running)]:
                todo.remove(number)
                running[pool.submit(work, number)] = number
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
                done.add(running.pop(future))
