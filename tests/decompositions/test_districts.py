"""Districts of planning regions: whole blocks, bounds that hold at every moment, the optimum in the end."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from splgbench import method
from splgbench.decomposition.by_district import Districts
from splgbench.decomposition.districts import districts
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.lp_start import lp_start
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.restricted import Restriction
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.limits import NO_LIMITS
from splgbench.presolve import presolve
from splgbench.trace import Event, Recorder, Stop

REGIONAL = generate(
    replace(load_preset("hard-h6"), hospitals=16, groups=24, areas=6, regions=4, supraregional="0.3", seed=3)
)
"""Four regions that meet in the groups planned for all of them."""
OPTIMUM = 65_628_818


def loop() -> Loop:
    return Loop(REGIONAL, NO_LIMITS, None, Recorder("test"), Stop())


def lots(of: Loop, most: int) -> Districts:
    """Districts at the prices of the LP, with a first allocation."""
    relaxation = HospitalRelaxation(of.offers, partition(of.offers, "tied"))
    restriction = Restriction(of)
    start = lp_start(relaxation, restriction.model, None)
    assert start.prices is not None
    assert start.weights is not None
    of.found(start.weights > 0.99, "test")
    of.found(np.zeros_like(of.offers.live), "test")
    return Districts(of, restriction, districts(of.offers, relaxation.partition, most), start.prices)


def test_the_optimum_of_regional() -> None:
    """The number the tests below lean on, proved by a direct method."""
    result = method("strengthened@highs").solve(REGIONAL)
    assert (result.status, result.primal) == ("optimal", OPTIMUM)


def test_blocks_stay_whole_and_districts_small() -> None:
    """Only cells join districts; a district has no more offers than allowed, if no smallest region has."""
    offers = presolve(REGIONAL)
    tied = partition(offers, "tied")
    live = int(offers.live.sum())
    for most in (live // 3, live // 2):
        found = districts(offers, tied, most)
        assert found.n_blocks > 1
        assert not found.coupling_links.any()
        assert not found.coupling_pairs.any()
        assert found.coupling_cells.any()
        for b in range(tied.n_blocks):
            assert len(np.unique(found.block[tied.offers(b)])) == 1
        assert np.bincount(found.block[offers.live]).max() <= most


def test_regions_that_meet_are_one_district_where_there_is_room() -> None:
    """No cell is cut when all offers may lie in one district."""
    offers = presolve(REGIONAL)
    found = districts(offers, partition(offers, "tied"), len(offers.live))
    assert not found.coupling_cells.any()


def test_without_regions_there_is_one_district() -> None:
    """Nothing tells where to cut."""
    instance = generate(replace(load_preset("hard-h6"), hospitals=6, groups=12, areas=4))
    offers = presolve(instance)
    assert districts(offers, partition(offers, "tied"), 1).n_blocks == 1


def test_bounds_hold_while_districts_are_solved_one_by_one() -> None:
    """Every bound told on the way is one; it ends at the Lagrangian value, above the optimum and near it."""
    of = loop()
    found = lots(of, int(of.offers.live.sum()) // 3)
    assert found.relaxation.n_rows > 0
    told: list[float] = []
    evaluation = found.relaxation.evaluate(found.prices, 0.0, None, told.append)
    assert len(told) == len(found.relaxation.cut.blocks)
    assert (np.diff(told) <= 0).all()
    assert told[-1] == evaluation.bound
    assert OPTIMUM <= evaluation.bound < told[0]
    assert evaluation.bound == found.relaxation.evaluate(found.prices).bound


def test_districts_improve_the_allocation_and_touch_nothing_else() -> None:
    """With the others as they are the value rises; volumes outside the district stay in its model."""
    of = loop()
    found = lots(of, int(of.offers.live.sum()) // 3)
    first, volumes = of.best, of.volumes
    assert first is not None
    assert volumes is not None
    part, held = found.parts[0], volumes > 0
    solution = found.restriction.solve(~held & ~part, held & ~part, "test", near=part)
    assert solution.values is not None
    column = found.restriction.model.volume_column
    far = ~part & of.offers.live
    np.testing.assert_allclose(solution.values[column[far]], volumes[far])
    found.improve(0.0, None)
    assert first < (of.best or 0) <= OPTIMUM


def test_auto_by_districts_reaches_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step 3 is taken, no bound on the way lies below the optimum, and the whole ends with a proof."""
    pipeline = import_module("splgbench.decompositions.auto")
    monkeypatch.setattr(pipeline, "SMALL", 0)
    monkeypatch.setattr(pipeline, "DISTRICT", 100)
    events: list[Event] = []
    result = method("auto").solve(REGIONAL, on_event=events.append)
    assert "districts" in {event.source for event in events}
    assert min(event.dual for event in events if event.dual is not None) >= OPTIMUM
    assert (result.status, result.primal) == ("optimal", OPTIMUM)
