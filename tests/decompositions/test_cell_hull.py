"""Cuts of cells against enumeration, and what is made of them: bounds and fixings that keep the optimum."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splgbench import Instance, method
from splgbench.decomposition.cell_hull import UNIT, CellHull, best_point
from splgbench.decomposition.column_generation import ColumnGeneration, by_hospital
from splgbench.decomposition.loop import Finished, Loop
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import Cut, HospitalRelaxation
from splgbench.decomposition.tightening import Tightening, take_cuts
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.instance import IntArray
from splgbench.limits import Limits
from splgbench.planning.overrides import apply
from splgbench.presolve import presolve
from splgbench.trace import Recorder, Stop

SEEDS = (1, 2, 3)
COOPERATION: dict[str, Any] = {"cooperation_groups": 5, "cooperation_links": Decimal("0.3")}
REGIONS: dict[str, Any] = {"regions": 2, "supraregional": Decimal("0.3")}


@cache
def hard(seed: int) -> tuple[Instance, IntArray, int]:
    """A small instance of the family of `hard-h4`, where the hulls of hospitals leave a gap; optimal volumes, value."""
    instance = generate(replace(load_preset("hard-h4"), hospitals=8, groups=22, areas=5, seed=seed))
    result = method("strengthened@highs").solve(instance)
    assert result.volumes is not None
    assert result.primal == result.dual
    return instance, result.volumes, int(result.primal or 0)


def generated(instance: Instance, start: IntArray | None = None) -> ColumnGeneration[HospitalRelaxation]:
    """Column generation by hospital, run to its end."""
    loop = Loop(instance, Limits(gap=0.0), start, Recorder("test"), Stop())
    generation = by_hospital(loop, partition(loop.offers, "tied"))
    generation.run()
    return generation


def points(t: IntArray, high: IntArray, must: IntArray, demand: int) -> list[tuple[int, ...]]:
    """All volumes of a cell."""
    choices = [[*([] if m else [0]), *range(low, most + 1)] for low, most, m in zip(t, high, must, strict=True)]
    return [x for x in product(*choices) if sum(x) <= demand]


def test_best_points_are_those_of_enumeration() -> None:
    """Prices of either sign, mandates that must be held, demand that allows nothing."""
    draw = np.random.default_rng(1)
    nothing = 0
    for _ in range(200):
        n = int(draw.integers(1, 5))
        t = draw.integers(1, 5, n)
        high, must, demand = t + draw.integers(0, 4, n), draw.random(n) < 0.2, int(draw.integers(0, 14))
        gain, reward = draw.integers(-9, 10, n), draw.integers(-30, 31, n)
        cases = np.zeros(n, dtype=np.int64)
        told = int(best_point(t, high, must, demand, gain, reward, cases))
        all_ = np.array(points(t, high, must, demand)).reshape(-1, n)
        if len(all_) == 0:
            nothing += 1
            assert told < -(1 << 60)
            continue
        worth = all_ @ gain + (all_ > 0) @ reward
        assert told == worth.max()
        assert tuple(cases) in {tuple(x) for x in all_.tolist()}
        assert gain @ cases + reward @ (cases > 0) == told
    assert 0 < nothing < 100


@pytest.mark.parametrize("seed", SEEDS)
def test_cuts_hold_for_all_points_and_cut_off_the_master(seed: int) -> None:
    """Each cut at every point of its cell by dynamic programming, at an optimal allocation, and at the master's."""
    instance, best, _ = hard(seed)
    generation = generated(instance)
    x, y = generation.master.solution()
    cuts = CellHull(generation.relaxation).separate(x, y)
    assert cuts
    structure = generation.relaxation.pricer.structure
    for cut in cuts:
        k = cut.offers
        gain, reward = (UNIT * cut.per_case).astype(np.int64), (UNIT * cut.per_mandate).astype(np.int64)
        assert (gain == UNIT * cut.per_case).all()
        demand = int(instance.demand[instance.offer_cell[k[0]]])
        high = np.minimum(structure.high[k], demand)
        free, cases = np.zeros(len(k), dtype=np.bool_), np.zeros(len(k), dtype=np.int64)
        most = best_point(structure.t[k], high, free, demand, gain, reward, cases)
        assert most <= UNIT * cut.limit
        assert cut.per_case @ best[k] + cut.per_mandate @ (best[k] > 0) <= cut.limit
        assert cut.per_case @ x[k] + cut.per_mandate @ y[k] > cut.limit


def test_a_point_of_the_hull_is_not_cut_off() -> None:
    """The mean of allocations lies in the hull of every cell."""
    instance, best, _ = hard(1)
    assert CellHull(generated(instance).relaxation).separate(best / 2, (best > 0) / 2) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_fall_and_stay_above_the_optimum(seed: int) -> None:
    """From a poor allocation on: every bound on the way is valid, the last one below that of the hospitals' hulls."""
    instance, _, optimum = hard(seed)
    poor = generated(instance)
    volumes = poor.loop.volumes
    assert volumes is not None
    generation = generated(instance, volumes)
    before = generation.best_bound
    named = generation.loop.multipliers
    tightening = Tightening(generation)
    try:
        tightening.run()
    except Finished:
        assert generation.loop.best == optimum
    fixed, state = tightening.fixed, generation.relaxation.pricer.state
    assert fixed.count > 0
    assert (state[fixed.out] == -1).all()
    assert (state[fixed.stand] == 1).all()
    assert generation.loop.counters["cuts"] > 0
    assert generation.loop.bound is not None
    assert optimum <= generation.loop.bound < before
    # Certificates do not know cuts: what they name is from before.
    assert generation.loop.multipliers == named


@pytest.mark.parametrize(("seed", "threads"), [(1, 1), (2, 2)])
def test_planners_decisions_stand_in_cells(seed: int, threads: int) -> None:
    """Mandates granted, refused and fixed against the optimum: the bound stays above the optimum under them."""
    plain, best, _ = hard(seed)
    live = presolve(plain).live
    lacking, held = np.flatnonzero(live & (best == 0)), np.flatnonzero(best)
    asked = [(lacking[0], "grant", None), (held[0], "refuse", None), (held[-1], "fix", int(best[held[-1]]))]
    rows = [(*plain.offer_name(int(k)), action, "as the test says", "test", cases) for k, action, cases in asked]
    names = ("hospital", "group", "action", "reason", "author", "cases")
    instance = apply(plain, dict(zip(names, zip(*rows, strict=True), strict=True)))
    exact = method("strengthened@highs").solve(instance)
    assert exact.primal == exact.dual
    assert exact.primal is not None
    result = method("dantzig-wolfe-hospital:cuts=cells").solve(instance, Limits(threads=threads))
    assert result.primal is not None
    assert result.dual is not None
    assert result.primal <= exact.primal <= result.dual
    assert result.counters["cuts"] > 0


@pytest.mark.parametrize("knobs", [COOPERATION, REGIONS], ids=["cooperation", "regions"])
def test_blocks_of_several_hospitals_and_cells_of_several_regions(knobs: dict[str, Any], tmp_path: Path) -> None:
    """Cuts lower the bound, no further than the optimum; a state taken up after some of them does no harm."""
    instance = generate(replace(load_preset("hard-h4"), hospitals=8, groups=22, areas=5, seed=1, **knobs))
    exact = method("strengthened@highs").solve(instance)
    assert exact.primal == exact.dual
    assert exact.primal is not None
    without, within = (method(f"dantzig-wolfe-hospital{options}").solve(instance) for options in ("", ":cuts=cells"))
    assert within.counters["cuts"] > 0
    assert within.primal == exact.primal
    assert without.dual is not None
    assert within.dual is not None
    assert exact.primal <= within.dual < without.dual
    kept = f"dantzig-wolfe-hospital:cuts=cells,state={tmp_path / 'state.npz'}"
    rounds = within.counters["iterations"] - 1
    for limits in (Limits(iterations=rounds), Limits()):
        result = method(kept).solve(instance, limits)
        assert result.primal is not None
        assert result.dual is not None
        assert result.primal <= exact.primal <= result.dual < without.dual


def test_a_limit_below_zero_leaves_the_master_solvable() -> None:
    """Where no plan known so far obeys a cut, what is missing of plans makes up for it."""
    generation = generated(hard(1)[0])
    k = generation.relaxation.pricer.structure.unit_offer[:1]
    take_cuts(generation, [Cut(k, np.array([-1.0]), np.array([0.0]), -float(10**6))])
    assert generation.master.solve(None) is not None
