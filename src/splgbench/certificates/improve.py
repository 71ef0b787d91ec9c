"""Better Lagrangian multipliers by a subgradient method whose subproblems are the verifier's own exact blocks.

    L(m) = m b + max { u x - m a (x, y) : every hospital block keeps its rules }                                     (1)

is convex in m, and b - a (x*, y*) at a maximiser is a subgradient. Steps are Polyak's, towards a known value, along an
average of the last subgradients; a row over mandates is taken in cases (times its threshold), as demand rows are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from splgbench.certificates.verify import Block, Row, Rules
from splgbench.model import FloatArray

MEMORY = 0.5
"""Weight of the direction so far."""
FIRST_STEP, LONGER, SHORTER = 0.3, 1.2, 0.5
"""The first step as a part of Polyak's, and its factors after a better bound and after `PATIENCE` worse ones."""
PATIENCE = 2
Rows = dict[str, list[tuple[list[Any], int]]]


def improve(rules: Rules, start: Rows, target: int | None, scale: int, rounds: int, node_budget: int) -> Rows:
    """The best multipliers of `rounds` evaluations, the first at `start`.

    Parameters
    ----------
    start : families `demand` and `cell_knapsack` with keys and numerators over `scale`.
    target : a value the bound will not fall below, e.g. of a known allocation; None for 99 % of the first bound.
    scale : the common denominator.
    rounds : evaluations of (1).
    node_budget : search nodes for each block.
    """
    named = [(family, key) for family, entries in start.items() for key, _ in entries]
    m = np.array([m / scale for entries in start.values() for _, m in entries])
    if not named or rules.dead & rules.stands:
        return start
    rows = [rules.row(family, key) for family, key in named]
    cases = np.array([1.0 if not of_mandate else _unit(rules, of_mandate) for _, of_mandate, _ in rows])
    best, best_m, theta, waited = np.inf, m, FIRST_STEP, 0
    direction = np.zeros(len(rows))
    for _ in range(rounds):
        whole = [round(value * scale) for value in m]
        found = _evaluate(rules, rows, whole, scale, node_budget)
        if found is None:
            return start
        bound, subgradient = found
        waited += 1
        if bound < best:
            best, best_m, theta, waited = bound, m, LONGER * theta, 0
        elif waited >= PATIENCE:
            theta, waited, m = SHORTER * theta, 0, best_m
        direction = MEMORY * direction + (1 - MEMORY) * subgradient * cases
        direction[(m == 0) & (direction > 0)] = 0.0  # Slack rows stay where they are, and do not shorten the step.
        aim = target if target is not None else 0.99 * best
        step = theta * max(bound - aim, 0.0) / max(float(direction @ direction), 1e-9)
        m = np.maximum(0.0, m - step * direction * cases)
    numerators = iter([round(value * scale) for value in best_m])
    return {family: [(key, next(numerators)) for key, _ in entries] for family, entries in start.items()}


def _unit(rules: Rules, of_mandate: Any) -> float:
    """Cases that one unit of a row over mandates stands for."""
    return float(max(rules.low[k] / a for k, a in of_mandate.items()))


def _evaluate(
    rules: Rules, rows: list[Row], multipliers: list[int], scale: int, node_budget: int
) -> tuple[float, FloatArray] | None:
    """The bound (1) and a subgradient; None where no allocation exists."""
    gain, fee = [scale * u for u in rules.utility], [0] * len(rules.utility)
    for (of_volume, of_mandate, _), multiplier in zip(rows, multipliers, strict=True):
        for k, a in of_volume.items():
            gain[k] -= multiplier * a
        for k, a in of_mandate.items():
            fee[k] -= multiplier * a
    total = sum(multiplier * limit for multiplier, (_, _, limit) in zip(multipliers, rows, strict=True))
    volume: dict[int, int] = {}
    for offers in rules.blocks():
        block = Block(rules, offers, gain, fee, node_budget)
        if block.value is None:
            return None
        total += block.value
        volume |= _volumes(rules, block, gain)
    slack = [
        limit - sum(a * volume.get(k, 0) for k, a in xs.items()) - sum(a for k, a in ys.items() if k in volume)
        for xs, ys, limit in rows
    ]
    return total / scale, np.array(slack, dtype=float)


def _volumes(rules: Rules, block: Block, gain: list[int]) -> dict[int, int]:
    """Best volumes of the mandates a block chose."""
    volume = {k: rules.low[k] for k in block.chosen}
    for pair, own in block.areas.items():
        stands = own & block.chosen
        room = rules.limit.get(pair, sum(rules.high[k] for k in own)) - sum(volume[k] for k in stands)
        for k in sorted(stands, key=lambda k: -gain[k]):
            more = max(0, min(rules.high[k] - volume[k], room)) if gain[k] > 0 else 0
            volume[k] += more
            room -= more
    return volume
