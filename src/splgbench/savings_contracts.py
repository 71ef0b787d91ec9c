"""What a contract of shared savings pays: exactly, and as an affine function on ranges of savings.

Equations (1) to (5) are those of `splgbench.extensions.shared_savings`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from splgbench.piecewise import Segment, joined

WHOLE = 10_000
"""Basis points of the whole."""
FIRST_DOLLAR, ABOVE_MINIMUM = "first_dollar", "above_minimum"
"""What a share is of where savings reach the minimum: of all, or of what is above it."""


@dataclass(frozen=True)
class Side:
    """How savings are shared, or losses.

    Parameters
    ----------
    minimum : a in cents.
    share_bp : s.
    most : C in cents; None without a limit.
    """

    minimum: int = 0
    share_bp: int = 0
    most: int | None = None

    def cents(self, amount: int, above: bool) -> int:
        """(2) or (4) in ten-thousandths of a cent, of an amount in cents."""
        if amount < max(1, self.minimum):
            return 0
        shared = self.share_bp * (amount - (self.minimum if above else 0))
        return shared if self.most is None else min(shared, WHOLE * self.most)

    def pieces(self, unit: int, high: int, above: bool) -> list[Segment]:
        """The same in segments of amounts counted in `unit` cents, from the minimum to `high`."""
        first = -(-max(1, self.minimum) // unit)
        off = self.minimum if above else 0
        slope = self.share_bp * unit
        at_first = slope * first - self.share_bp * off
        if self.most is None or not self.share_bp:
            return [Segment(first, max(first, high), at_first, slope)]
        last = (WHOLE * self.most // self.share_bp + off) // unit
        capped = Segment(max(first, last + 1), max(first, last + 1, high), WHOLE * self.most, 0)
        return [Segment(first, last, at_first, slope), capped] if first <= last else [capped]

    def entry(self, prefix: str) -> dict[str, int]:
        """The fields of an entry."""
        found = {f"{prefix}share_bp": self.share_bp}
        if self.minimum:
            found[f"{prefix}minimum_cents"] = self.minimum
        if self.most is not None:
            found[f"{prefix}most_cents"] = self.most
        return found


@dataclass(frozen=True)
class Contract:
    """A contract and what it covers.

    Parameters
    ----------
    name : its key.
    gains, losses : how savings and losses are shared; a share of 0 for losses where there is one side alone.
    above : whether the part above the minimum alone is shared.
    points : Q; None where no quality is asked for.
    offers : whose cases count.
    saved : n - f of each in cents.
    over : q - Q of each; 0 where no quality is asked for.
    low, high : least and most of D that demand and capacities leave room for.
    shortfall : M.
    """

    name: str
    gains: Side
    losses: Side
    above: bool
    points: int | None
    offers: tuple[int, ...]
    saved: tuple[int, ...]
    over: tuple[int, ...]
    low: int
    high: int
    shortfall: int

    def cents(self, volumes: Sequence[int]) -> int:
        """What is paid for volumes over offers, in ten-thousandths of a cent; negative where it has to be paid."""
        cases = [int(volumes[k]) for k in self.offers]
        savings = sum(saved * x for saved, x in zip(self.saved, cases, strict=True))
        if savings < 0:
            return -self.losses.cents(-savings, self.above)
        if sum(over * x for over, x in zip(self.over, cases, strict=True)) < 0:
            return 0
        return self.gains.cents(savings, self.above)

    @property
    def unit(self) -> int:
        """Cents of which every D is a multiple."""
        return math.gcd(*self.saved) or 1

    def segments(self, units: int, cents: int) -> tuple[int, tuple[Segment, ...]]:
        """m, and f over D counted in `unit`; quality left aside."""
        unit = self.unit
        low, high = self.low // unit, self.high // unit
        lost = self.losses.pieces(unit, -low, self.above)
        gained = self.gains.pieces(unit, high, self.above)
        pieces = [Segment(-s.last, -s.first, -s.end, s.slope) for s in reversed(lost)]
        pieces.append(Segment(1 - lost[0].first, gained[0].first - 1, 0, 0))
        whole = WHOLE * cents
        scaled = []
        for s in (*pieces, *gained):
            # What is paid is whole, so a constant may as well be.
            value = units * s.value if s.slope else units * s.value // whole * whole
            scaled.append(Segment(s.first, s.last, value, units * s.slope))
        found = joined(scaled, low, high)
        common = math.gcd(whole, *(s.value for s in found), *(s.slope for s in found))
        return whole // common, tuple(Segment(s.first, s.last, s.value // common, s.slope // common) for s in found)

    def entry(self) -> dict[str, Any]:
        """The row of an entry."""
        return (
            {"contract": self.name}
            | self.gains.entry("")
            | (self.losses.entry("loss_") if self.losses.share_bp else {})
            | ({"basis": ABOVE_MINIMUM} if self.above else {})
            | ({} if self.points is None else {"points": self.points})
        )
