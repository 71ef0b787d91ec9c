"""`lagrangian_budget` with a wrong sum: a relaxation with one verb overridden each."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from splgbench import registry
from splgbench.decomposition.coupled_relaxation import CoupledRelaxation
from splgbench.decomposition.loop import Decomposition
from splgbench.decomposition.multipliers import chosen_update
from splgbench.model import FloatArray
from splgbench.testing.mutants.base import Mutant


class LimitsSubtracted(CoupledRelaxation):
    """L with - sum m d."""

    def total(self, prices: FloatArray, values: list[float], own_price: FloatArray) -> Fraction:
        return super().total(-prices, values, own_price)


class LimitsForgotten(CoupledRelaxation):
    """L without sum m d."""

    def total(self, prices: FloatArray, values: list[float], own_price: FloatArray) -> Fraction:
        return super().total(0 * prices, values, own_price)


class BlockForgotten(CoupledRelaxation):
    """The last of several blocks is missing in the sum."""

    def total(self, prices: FloatArray, values: list[float], own_price: FloatArray) -> Fraction:
        return super().total(prices, values[:-1] if len(values) > 1 else values, own_price)


class StaleBlock(CoupledRelaxation):
    """The last block's bound is that of the round before, under other prices."""

    _before: float | None = None

    def total(self, prices: FloatArray, values: list[float], own_price: FloatArray) -> Fraction:
        before, self._before = self._before, values[-1] if values else None
        return super().total(prices, values if before is None else [*values[:-1], before], own_price)


class PaidTwice(CoupledRelaxation):
    """Blocks pay every price twice."""

    def priced(self, prices: FloatArray) -> FloatArray:
        return super().priced(2 * prices)


class NothingSaved(CoupledRelaxation):
    """What is carried over is worth nothing."""

    def own_price(self, prices: FloatArray) -> FloatArray:
        return np.zeros_like(super().own_price(prices))


def _mutant(name: str, what_is_wrong: str, relaxation: type[CoupledRelaxation]) -> Mutant:
    def make() -> Decomposition:
        rows = registry.find("formulations", "strengthened")
        update: Any = chosen_update("subgradient")
        priced_out = import_module("splgbench.decompositions.lagrangian_budget").priced_out
        steps = partial(priced_out, rows=rows, solver="highs", make_update=update, relaxation_of=relaxation)
        return Decomposition(name, steps, knows=None)

    return Mutant(name, "decomposition", what_is_wrong, make)


BY_VARIANT = {
    "regional_budget": (
        _mutant(
            "priced-limits-subtracted", "the sum of multipliers times budgets has the wrong sign", LimitsSubtracted
        ),
        _mutant("priced-limits-forgotten", "the sum of multipliers times budgets is missing", LimitsForgotten),
        _mutant("priced-block-forgotten", "one component is missing in the sum", BlockForgotten),
        _mutant("priced-stale-block", "one component's bound is that of the round before", StaleBlock),
        _mutant("priced-twice", "components pay every price twice", PaidTwice),
    ),
    "budgets_by_year": (_mutant("priced-nothing-saved", "what is carried over is worth nothing", NothingSaved),),
}
"""By the extension that is priced out."""
