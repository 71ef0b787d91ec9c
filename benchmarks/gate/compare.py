"""Counters of two revisions side by side: what moved beyond its tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gate.figures import tolerance

Value = float | str
"""A number, or the words "skipped: ..." or "failed: ..." with the reason."""


class Kind(StrEnum):
    """What became of a figure."""

    SAME = "same"
    CHANGED = "changed"
    BROKEN = "broken"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True)
class Move:
    """One counter before and after.

    Parameters
    ----------
    name : of the figure.
    before, after : its values; words where there is no number.
    """

    name: str
    before: Value
    after: Value

    @property
    def kind(self) -> Kind:
        """SAME within the tolerance; NEW where there was no number before; GONE or BROKEN where there is none now."""
        before, after = _number(self.before), _number(self.after)
        if after is None:
            if str(self.after).startswith("failed") and self.after != self.before:
                return Kind.BROKEN
            return Kind.SAME if before is None else Kind.GONE
        if before is None:
            return Kind.NEW
        return Kind.SAME if tolerance(self.name).allows(before, after) else Kind.CHANGED

    @property
    def fails(self) -> bool:
        """Whether the gate fails for it, unless it is allowed: a new figure has nothing to be compared with."""
        return self.kind in (Kind.CHANGED, Kind.BROKEN, Kind.GONE)


def moves(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[Move]:
    """Every counter that either side has, in the order of their names."""
    missing = "skipped: not measured"
    return [Move(name, before.get(name, missing), after.get(name, missing)) for name in sorted({*before, *after})]


def _number(value: Value) -> float | None:
    return None if isinstance(value, str) else float(value)
