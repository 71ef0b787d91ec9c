"""Clocks of two revisions as interleaved pairs, and what can be said of their ratio.

A reading is the processor time of a call. Two processes, one a revision, read in turns (A B, B A, A B, ...), so that
whatever else the machine does meets both; the least reading of a clock in its process counts. How a process happens to
lie in memory moves a clock by per cents for as long as it lives, so a *pair* is a new pair of processes, and the
interval is taken over pairs. It is that of the sign test: order statistics of the paired log ratios, which assumes
nothing of their distribution but that pairs are independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.compare import Value
from gate.workers import Worker

PAIRS = 9
READINGS = 7
"""Readings of a clock a process, in turns with the other revision's."""
CONFIDENCE = 0.95
THRESHOLD = 1.2
"""Ratio beyond which a clock is slower; a ratio below 1 / THRESHOLD is worth telling."""


@dataclass(frozen=True)
class Ratio:
    """Time after / time before, from paired processes.

    Parameters
    ----------
    name : of the clock.
    before, after : medians over pairs, seconds of processor time.
    low, median, high : the ratio and its interval.
    confidence : coverage of the interval, at least `CONFIDENCE`; less where there are too few pairs.
    """

    name: str
    before: float
    after: float
    low: float
    median: float
    high: float
    confidence: float

    def slower(self, threshold: float = THRESHOLD) -> bool:
        """Whether the whole interval lies beyond the threshold, and there are pairs enough for one."""
        return self.confidence >= CONFIDENCE and self.low > threshold

    def faster(self, threshold: float = THRESHOLD) -> bool:
        return self.confidence >= CONFIDENCE and self.high < 1 / threshold


def interval(ratios: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The sign test's interval of the median ratio, the narrowest that covers `confidence`.

    Returns
    -------
    low, high and the coverage: 1 - 2 P(at most r - 1 of n coins show heads) between the r-th smallest and the r-th
    largest; that of the extremes where even they cover less.

    Source: Thompson 1936 (order statistics and the median).
    """
    ordered, n = sorted(ratios), len(ratios)

    def coverage(rank: int) -> float:
        return 1 - 2 * sum(math.comb(n, i) for i in range(rank)) / 2**n

    rank = max((r for r in range(1, n // 2 + 1) if coverage(r) >= confidence), default=1)
    return ordered[rank - 1], ordered[n - rank], coverage(rank)


def ratio(name: str, before: Sequence[float], after: Sequence[float]) -> Ratio:
    """The ratio of paired times, entry by entry."""
    ratios = [b / a for a, b in zip(before, after, strict=True)]
    low, high, confidence = interval(ratios)
    return Ratio(name, _median(before), _median(after), low, _median(ratios), high, confidence)


def measured(
    base: Path, head: Path, scratch: Path, pairs: int = PAIRS, only: str | None = None
) -> tuple[list[Ratio], dict[str, tuple[Value, Value]]]:
    """Clocks of two trees.

    Parameters
    ----------
    base, head : folders of the revisions.
    scratch : working folder.
    only : pattern of the clocks; None takes the gate's.

    Returns
    -------
    The ratios, and the clocks that could not be read on one side or both, with what each side said.
    """
    times: dict[str, tuple[list[float], list[float]]] = {}
    unread: dict[str, tuple[Value, Value]] = {}
    for pair in range(pairs):
        with Worker(base, scratch / "base") as first, Worker(head, scratch / "head") as second:
            sides = (first, second)
            ready = [worker.ask(do="prepare", only=only) for worker in sides]
            numbers, skips = [each["numbers"] for each in ready], [each["skipped"] for each in ready]
            for name in sorted({*skips[0], *skips[1]}):
                unread[name] = (skips[0].get(name, "read"), skips[1].get(name, "read"))
            for name in sorted(numbers[0].keys() & numbers[1].keys()):
                number = max(numbers[0][name], numbers[1][name])
                found = _in_turns(sides, name, number, pair)
                for kept, value in zip(times.setdefault(name, ([], [])), found, strict=True):
                    kept.append(value)
    return [ratio(name, *found) for name, found in times.items()], unread


def _in_turns(sides: tuple[Worker, Worker], clock: str, number: int, pair: int) -> tuple[float, float]:
    """The least reading of each side; who begins changes with every turn."""
    least = [math.inf, math.inf]
    for turn in range(READINGS):
        order = (0, 1) if (pair + turn) % 2 == 0 else (1, 0)
        for side in order:
            least[side] = min(least[side], sides[side].ask(do="read", clock=clock, number=number))
    return least[0], least[1]


def lost(unread: Mapping[str, tuple[Value, Value]]) -> dict[str, str]:
    """Clocks that could be read before and cannot be read now, with what is said now."""
    return {name: str(after) for name, (before, after) in unread.items() if before == "read"}


def _median(values: Sequence[float]) -> float:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
