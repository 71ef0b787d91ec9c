"""What a method returns, and the one formula for gaps and statuses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from splgbench.allocation import Allocation
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.limits import Limits
from splgbench.trace import Event


class Status(StrEnum):
    """How a solve ended, after the exact check."""

    OPTIMAL = "optimal"
    GAP_CLOSED = "gap-closed"
    TIME_OUT = "time-out"
    NODE_LIMIT = "node-limit"
    OUT_OF_MEMORY = "out-of-memory"
    INTERRUPTED = "interrupted"
    INFEASIBLE = "infeasible"
    UNSUPPORTED = "unsupported"
    ERROR = "error"
    WRONG = "wrong"


def relative_gap(primal: float | None, dual: float | None) -> float | None:
    """``|dual - primal| / |primal|`` as a fraction; 0 where they are equal, None where it is unknown."""
    if primal is None or dual is None:
        return None
    if primal == dual:
        return 0.0
    return abs(dual - primal) / abs(primal) if primal != 0 else None


def contradicts(dual: float, primal: int) -> bool:
    """Whether an upper bound lies below a checked value by more than rounding explains."""
    return dual < primal - max(0.5, 1e-9 * abs(primal))


def rounded_dual(dual: float | None, primal: int | None) -> float | None:
    """The bound a whole-number optimum allows: rounded down, after an allowance for floating point.

    A bound less than one unit above a checked value proves that value, and one below it by no more than rounding
    explains stands for it. Elsewhere the allowance is 1e-6 units or 1e-9 of the bound.
    """
    if dual is None or not math.isfinite(dual):
        return None
    if primal is not None and not contradicts(dual, primal) and dual < primal + 1:
        return float(primal)
    return float(math.floor(dual + max(1e-6, 1e-9 * abs(dual))))


@dataclass(frozen=True)
class Result:
    """The judged outcome of one solve.

    Parameters
    ----------
    status : after the exact check.
    method, instance, instance_hash : what was run on what.
    primal : value of the allocation, from the exact checker, in utility units; None without one.
    dual : upper bound on the optimum, rounded down to a whole number; None without one.
    claimed_primal, claimed_dual : what the method itself said.
    claimed_mandates : shape (K,), the mandates of its best answer as it gave them; None without one.
    volumes : shape (K,), the checked allocation in cases; None without one.
    wall_time_s, build_time_s, solve_time_s, polish_time_s : seconds; the first holds the others.
    peak_memory_mb : largest resident memory of its process and what that started; None where nobody looked.
    limits : what was asked.
    effective : the terms the solver ran under.
    counters : work done, independent of the clock.
    versions : of everything that took part.
    trace : bound events.
    message : why it is unsupported, wrong, infeasible or failed; "" otherwise.
    clash : for an infeasible instance, overrides and rules no member of which can be dropped.
    multipliers : for a Lagrangian bound by hospital, the price of each row that was priced out, by family ("demand",
        "cell_knapsack") and (group, region); a certificate can be made of them.
    """

    status: Status
    method: str
    instance: str
    instance_hash: str
    primal: int | None = None
    dual: float | None = None
    claimed_primal: float | None = None
    claimed_dual: float | None = None
    claimed_mandates: BoolArray | None = field(default=None, repr=False)
    volumes: IntArray | None = field(default=None, repr=False)
    wall_time_s: float = 0.0
    build_time_s: float = 0.0
    solve_time_s: float = 0.0
    polish_time_s: float = 0.0
    peak_memory_mb: float | None = None
    limits: Limits = field(default_factory=Limits)
    effective: Mapping[str, Any] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    trace: tuple[Event, ...] = field(default=(), repr=False)
    message: str = ""
    clash: tuple[str, ...] = ()
    multipliers: Mapping[str, Sequence[tuple[tuple[str, str], float]]] = field(default_factory=dict, repr=False)

    @property
    def gap(self) -> float | None:
        """``|dual - primal| / |primal|``; None where unknown."""
        return relative_gap(self.primal, self.dual)

    def allocation(self, instance: Instance) -> Allocation | None:
        """The checked allocation, or None."""
        return None if self.volumes is None else Allocation.of_volumes(instance, self.volumes, self.primal)

    def as_json(self) -> dict[str, Any]:
        """One JSON object; numbers that are unknown are null."""
        dual = self.dual
        return {
            "status": str(self.status),
            "primal": self.primal,
            "dual": int(dual) if dual is not None and dual.is_integer() else dual,
            "gap": self.gap,
            "claimed_primal": self.claimed_primal,
            "claimed_dual": self.claimed_dual,
            "wall_time_s": round(self.wall_time_s, 6),
            "build_time_s": round(self.build_time_s, 6),
            "solve_time_s": round(self.solve_time_s, 6),
            "polish_time_s": round(self.polish_time_s, 6),
            "peak_memory_mb": None if self.peak_memory_mb is None else round(self.peak_memory_mb, 1),
            "method": self.method,
            "instance": self.instance,
            "instance_hash": self.instance_hash,
            "seed": self.limits.seed,
            "threads": self.limits.threads,
            "limits": self.limits.as_json(),
            "effective": dict(self.effective),
            "counters": dict(self.counters),
            "versions": dict(self.versions),
            "message": self.message,
            "clash": list(self.clash),
            "multipliers": {
                family: [[list(key), price] for key, price in rows] for family, rows in self.multipliers.items()
            },
            "trace": [event.as_json() for event in self.trace],
        }
