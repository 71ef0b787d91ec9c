"""Panels whose effect is known: to check the estimator, and to see beforehand what a panel of some size can show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splgbench.planning.tables import Columns
from splgbench.random_bits import FloatArray, normal

CASE_MIX = ("age", "comorbidity")


@dataclass(frozen=True)
class Planted:
    """How a panel is made.

    Parameters
    ----------
    units, treated, periods : how many; the first `treated` units come under contract.
    start : period, from 0, in which their contracts begin; every second unit `stagger` periods later.
    effect : on the outcome of an observation under contract; growth : more of it with every period since the start.
    trend : by how much the outcome of units under contract departs in every period from the first on; 0 is parallel.
    drift : by how much the case mix of units under contract changes in every period.
    noise : standard deviation of the error, which carries over to the next period by half.
    """

    units: int = 40
    treated: int = 16
    periods: int = 8
    start: int = 4
    stagger: int = 0
    effect: float = -1.0
    growth: float = 0.0
    trend: float = 0.0
    drift: float = 0.3
    noise: float = 1.0

    def mean_effect(self) -> float:
        """The mean effect on observations under contract."""
        since = [at - start for start in self.starts() for at in range(start, self.periods)]
        return self.effect + self.growth * sum(since) / len(since)

    def starts(self) -> list[int]:
        """The period in which each contract begins."""
        return [self.start + self.stagger * (unit % 2) for unit in range(self.treated)]


def planted_panel(planted: Planted, seed: int) -> Columns:
    """A panel with the columns of the schema `panel` and of `CASE_MIX`; a seed gives the same panel everywhere."""

    def drawn(name: str, *shape: int) -> FloatArray:
        return normal(f"planted panel {seed} {name}", shape[0] * shape[1]).reshape(shape)

    shape = (planted.units, planted.periods)
    period = np.arange(planted.periods)
    under = np.arange(planted.units)[:, None] < planted.treated
    starts = np.full(planted.units, planted.periods)
    starts[: planted.treated] = planted.starts()
    treated = period >= starts[:, None]
    age = 60 + drawn("age", *shape) + planted.drift * period * under
    comorbidity = 2 + 0.5 * drawn("comorbidity", *shape)
    shocks = planted.noise * drawn("error", *shape)
    error = shocks.copy()
    for at in range(1, planted.periods):
        error[:, at] = 0.5 * error[:, at - 1] + np.sqrt(0.75) * shocks[:, at]
    outcome = (
        10
        + 2 * drawn("unit", planted.units, 1)
        + 0.5 * drawn("period", 1, planted.periods)
        + 0.4 * (age - 60)
        + 1.5 * (comorbidity - 2)
        + treated * (planted.effect + planted.growth * (period - starts[:, None]))
        + planted.trend * period * under
        + error
    )
    return {
        "unit": [f"U{unit + 1:02d}" for unit in range(planted.units) for _ in period],
        "period": [int(at) + 1 for _ in range(planted.units) for at in period],
        "treated": treated.astype(int).ravel().tolist(),
        "outcome": outcome.ravel().round(4).tolist(),
        "age": age.ravel().round(3).tolist(),
        "comorbidity": comorbidity.ravel().round(3).tolist(),
    }
