"""Dantzig-Wolfe by region and by maps: valid bounds whatever the blocks, clear refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from instances_for_tests import make, plain_tables, random_instance

from splgbench import load, method
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.limits import Limits
from splgbench.result import Status
from splgbench.testing.oracles import agreed

REGIONS = generate(
    replace(load_preset("hard-h6"), name="regions", hospitals=9, groups=14, areas=4, regions=3, supraregional="0.3")
)
"""Three regions that meet in the groups planned for all of them."""


@pytest.mark.parametrize(
    "name", ["dantzig-wolfe-region", "dantzig-wolfe-region@scip", "dantzig-wolfe-region:blocks=area"]
)
def test_bounds_and_values(name: str) -> None:
    """Stopped anywhere or not at all, bound and value lie on their sides of the optimum."""
    direct = method("strengthened@highs").solve(REGIONS)
    assert direct.status is Status.OPTIMAL
    assert direct.primal is not None
    for iterations in (0, 1, 3, 7, None):
        result = method(name).solve(REGIONS, Limits(iterations=iterations))
        assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL), result.message
        assert result.dual is None or result.dual >= direct.primal
        assert result.primal is None or result.primal <= direct.primal
    assert result.dual is not None
    assert result.dual <= 1.001 * method("strengthened@highs").lp_bound(REGIONS)  # type: ignore[attr-defined]
    assert result.primal is not None
    assert result.primal >= 0.98 * direct.primal


def test_small_instances_against_the_oracles() -> None:
    """Every mode, overrides and cooperation across regions; one region is refused with the reason."""
    seen = {"bounds": 0, "proofs": 0, "refused": 0}
    for seed in range(40):
        instance, _ = random_instance(seed, link_chance=0.9, regions=seed % 4 > 0)
        optimum = agreed(instance).optimum
        result = method("dantzig-wolfe-region").solve(instance)
        if result.status is Status.UNSUPPORTED:
            assert "has one block by region" in result.message
            seen["refused"] += 1
            continue
        assert (result.status is Status.INFEASIBLE) == (optimum is None), (seed, result.message)
        if optimum is not None:
            assert result.dual is not None
            assert result.dual >= optimum, seed
            assert result.primal is None or result.primal <= optimum
            seen["bounds"] += 1
            seen["proofs"] += result.status is Status.OPTIMAL
    assert seen["bounds"] >= 15
    assert seen["proofs"] >= 10
    assert seen["refused"] >= 5


def test_a_map_of_hospitals_for_every_method_with_blocks(tmp_path: Path) -> None:
    """The exact pricer takes a map that cuts no links, and refuses one that does; MILPs take any."""
    easy = load("easy")
    path = tmp_path / "map.csv"
    path.write_text("hospital,block\n" + "".join(f"{h},{i // 2}\n" for i, h in enumerate(easy.hospitals)))
    optimum = 112_391_421
    for name in ("lagrangian-hospital", "dantzig-wolfe-hospital", "dantzig-wolfe-region", "lagrangian-area"):
        result = method(f"{name}:blocks={path}").solve(easy, Limits(iterations=3))
        assert result.status is Status.NODE_LIMIT, result.message
        assert result.dual is not None
        assert result.dual >= optimum
    path.write_text("area,block\n" + "".join(f"{a},{i}\n" for i, a in enumerate(easy.areas)))
    assert "cuts links or area capacities" in method(f"lagrangian-hospital:blocks={path}").solve(easy).message


def test_degenerate_instances() -> None:
    """No live offer and zero demand are settled before any block is; one hospital has one region."""
    for tables in (
        plain_tables({("H", "A"): (0, 1)}, {"A": 3}),
        plain_tables({("H", "A"): (5, 2)}, {"A": 0}),
    ):
        result = method("dantzig-wolfe-region").solve(make(tables, "group"))
        assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, 0, 0)
    result = method("dantzig-wolfe-region").solve(make(plain_tables({("H", "A"): (5, 2)}, {"A": 3}), "group"))
    assert result.status is Status.UNSUPPORTED
