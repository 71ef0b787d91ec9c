"""Stability: prices and flips are exact: they equal an enumeration over all sets of mandates."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from instances_for_tests import random_instance
from planning_for_tests import decision, instance, solver

from splgbench.instance import Instance
from splgbench.planning.overrides import apply
from splgbench.planning.stability import across, prices
from splgbench.polish import polish


def best(given: Instance) -> dict[tuple[int, ...], int]:
    """Value of the best allocation with exactly these mandates, for every set of mandates that has one."""
    found = {}
    for mandates in itertools.product((0, 1), repeat=given.n_offers):
        polished = polish(given, np.array(mandates, dtype=bool))
        if polished.objective is not None and not ((np.array(mandates) > 0) & (polished.volumes == 0)).any():
            found[mandates] = polished.objective
    return found


def test_prices_by_hand() -> None:
    """Refusing South its hips: 20 go to East at 3 points less; granting East hips costs 30, knees 10."""
    found = prices(instance(), solver(), epsilon=0.05)
    rows = {row[:2]: row[2:] for row in zip(*found.prices.values(), strict=True)}
    assert found.optimum == 730
    assert rows["South", "HIP"][2] == 60
    assert rows["North", "HIP"][2] == 100
    assert rows["South", "KNEE"][2] == 30
    assert rows["East", "HIP"][2] == 30
    assert rows["East", "KNEE"][2] == 10
    # 5 % of 730 is 36.5
    assert {pair for pair, cells in rows.items() if cells[-1]} == {("South", "KNEE"), ("East", "HIP"), ("East", "KNEE")}


@pytest.mark.parametrize("seed", range(4))
def test_prices_and_flips_equal_an_enumeration(seed: int) -> None:
    """On seeded instances with every feature of the model, for every offer that no override decides."""
    given = random_instance(seed)[0].with_rules(overrides=False)
    values = best(given)
    optimum = max(values.values())
    found = prices(given, solver(), epsilon=0.1)
    assert found.optimum == optimum
    rows = {row[:2]: row[2:] for row in zip(*found.prices.values(), strict=True)}
    for k in range(given.n_offers):
        name = given.offer_name(k)
        turned = [value for mandates, value in values.items() if mandates[k] != (rows[name][0] if name in rows else 0)]
        if name in found.impossible:
            assert not turned
            continue
        assert rows[name][2] == optimum - max(turned)
        assert rows[name][-1] == int(max(turned) >= optimum - int(0.1 * optimum))


def test_decided_offers_have_no_price() -> None:
    """A grant or a refusal is no choice of the allocation; held mandates alone are priced on demand."""
    given = apply(instance(), decision("grant", "East", "HIP"))
    assert ("East", "HIP") not in set(zip(*list(prices(given, solver(), 0.0).prices.values())[:2], strict=True))
    assert all(prices(given, solver(), 0.0, offers_without_mandate=False).prices["mandate"])


def test_mandates_across_settings() -> None:
    """Part of the settings in which an offer holds a mandate."""
    one = instance()
    two = apply(one, decision("refuse", "North", "HIP"))
    found = across({name: (given, solver().solve(given)) for name, given in (("one", one), ("two", two))})
    rows = {row[:2]: row[2:] for row in zip(*found.values(), strict=True)}
    assert rows["North", "HIP"] == (1, 2, 0.5, 0)
    assert rows["South", "HIP"] == (2, 2, 1.0, 1)
    assert rows["East", "KNEE"] == (0, 2, 0.0, 1)
