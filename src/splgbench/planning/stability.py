"""Step 8, stability: what a mandate is worth, and which mandates hang in the balance.

The price of a mandate is the benefit lost if it is refused, the price of an offer without mandate the benefit lost if
it is granted: each by solving again with that one decision. An offer flips within epsilon exactly where its price is at
most epsilon times the optimum, for then an allocation of that value exists in which it stands the other way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from splgbench.errors import InfeasibleError, InputError
from splgbench.instance import Instance
from splgbench.planning.overrides import apply
from splgbench.planning.solving import Solved, Solver
from splgbench.planning.tables import Columns, columns_of
from splgbench.volumes import fixings

PRICE_COLUMNS = ("hospital", "group", "mandate", "cases", "price", "price_low", "price_high", "share", "flips")
ACROSS_COLUMNS = ("hospital", "group", "mandates", "settings", "part", "steady")


@dataclass(frozen=True)
class Stability:
    """The step's result.

    Parameters
    ----------
    prices : by offer: mandate (1 held), cases, the price in utility units between price_low and price_high (equal where
        both optima are proved, then also `price`; else None), its share of the optimum, flips (1 within epsilon, 0 not,
        None where the bounds cannot tell). Offers that a decision fixed are left out.
    optimum : value of the allocation that prices are measured from.
    impossible : offers that no allocation grants.
    """

    prices: Columns
    optimum: int
    impossible: tuple[tuple[str, str], ...]


def prices(instance: Instance, solver: Solver, epsilon: float, offers_without_mandate: bool = True) -> Stability:
    """The price of every mandate, and of every offer without one.

    Parameters
    ----------
    epsilon : part of the optimum within which a mandate counts as flipping; at least 0.
    offers_without_mandate : False leaves them out, which halves the time or better.
    """
    if not 0 <= epsilon < 1:
        raise InputError("must be at least 0 and below 1", "epsilon")
    base = solver.solve(instance)
    fixed = fixings(instance)
    decided = fixed.granted | fixed.refused
    rows, impossible = [], []
    for k in range(instance.n_offers):
        held = bool(base.volumes[k])
        if decided[k] or (not held and not offers_without_mandate):
            continue
        try:
            other = solver.solve(_turned(instance, k, "refuse" if held else "grant"))
        except InfeasibleError:
            impossible.append(instance.offer_name(k))
            continue
        low, high = _bounds(base, other)
        limit = math.floor(epsilon * base.primal)
        flips = 1 if high is not None and high <= limit else 0 if low > limit else None
        exact = low if low == high else None
        share = None if exact is None or not base.primal else exact / base.primal
        rows.append((*instance.offer_name(k), int(held), int(base.volumes[k]), exact, low, high, share, flips))
    return Stability(columns_of(PRICE_COLUMNS, rows), base.primal, tuple(impossible))


def _turned(instance: Instance, k: int, action: str) -> Instance:
    hospital, group = instance.offer_name(k)
    row: Mapping[str, Any] = {
        "hospital": [hospital],
        "group": [group],
        "action": [action],
        "reason": ["price of the mandate"],
        "author": ["splgbench"],
    }
    return apply(instance, row)


def _bounds(base: Solved, other: Solved) -> tuple[int, int | None]:
    """The least and the largest price that the bounds of both solves allow; None where there is no largest."""
    low = 0 if other.dual is None else max(0, base.primal - other.dual)
    return low, None if base.dual is None else max(0, base.dual - other.primal)


def across(settings: Mapping[str, tuple[Instance, Solved]]) -> Columns:
    """How often an offer holds a mandate across settings (weights, scenarios): part 0 to 1; steady where 0 or 1.

    Parameters
    ----------
    settings : name to instance and allocation; an offer that a setting does not have holds no mandate there.
    """
    names: Iterable[tuple[str, str]] = sorted(
        {pair for instance, _ in settings.values() for pair in instance.offer_index}
    )
    rows = []
    for pair in names:
        held = sum(
            1
            for instance, solved in settings.values()
            if pair in instance.offer_index and solved.volumes[instance.offer_index[pair]] > 0
        )
        rows.append((*pair, held, len(settings), held / len(settings), int(held in (0, len(settings)))))
    return columns_of(ACROSS_COLUMNS, rows)
