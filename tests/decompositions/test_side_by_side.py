"""Parts solved side by side: their order, and that what comes of it is valid and the same every time."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from splgbench import check, load, method
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.apart import Components, solve_apart
from splgbench.decomposition.by_district import Districts
from splgbench.decomposition.districts import districts
from splgbench.decomposition.loop import Finished, Loop
from splgbench.decomposition.lp_start import lp_start
from splgbench.decomposition.neighbourhood_search import NeighbourhoodSearch
from splgbench.decomposition.neighbourhoods import Guide
from splgbench.decomposition.partition import partition
from splgbench.decomposition.probing import nothing_fixed
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.restricted import Beside, Restriction
from splgbench.decomposition.side_by_side import NothingLeft, Patience, in_turn
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.trace import Recorder, Stop

APART = generate(replace(load_preset("hard-h10"), hospitals=6, groups=24, areas=6))
"""Links within areas only."""
REGIONAL = generate(
    replace(load_preset("hard-h6"), hospitals=16, groups=24, areas=6, regions=4, supraregional="0.3", seed=3)
)
"""Four regions that meet in the groups planned for all of them."""


def begun(instance: Instance, threads: int) -> tuple[Loop, HospitalRelaxation, Restriction]:
    """A solve with the allocation that repair makes of utilities."""
    loop = Loop(instance, Limits(threads=threads), None, Recorder("test"), Stop())
    loop.found(repaired(loop.offers, instance.utility * loop.offers.largest), "repair")
    relaxation = HospitalRelaxation(loop.offers, partition(loop.offers, "tied"))
    return loop, relaxation, Restriction(loop)


def checked(loop: Loop) -> int:
    """The value of the best allocation, by the checker."""
    assert loop.volumes is not None
    verdict = check(loop.instance, loop.volumes)
    assert verdict.feasible
    assert verdict.objective == loop.best
    return int(verdict.objective)


@pytest.mark.parametrize(("share", "longest"), [(1.5, 10), (1.0, 40)], ids=["wide", "narrow"])
def test_patience_is_longer_where_the_gap_is_narrow(
    share: float, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins anew where a tenth of the gap has closed, and lasts a third of the time so far at least."""
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    loop, _, _ = begun(APART, 1)
    assert loop.best is not None
    gap = share * Patience.NARROW * loop.best
    loop.bounded(loop.best + gap, "test")
    patience = Patience(loop, 10.0)
    now = longest - 1.0
    assert not patience
    now = longest + 1.0
    assert patience
    loop.bounded(loop.best + 0.95 * gap, "test")
    assert patience
    now = 100.0
    loop.bounded(loop.best + 0.85 * gap, "test")
    assert not patience
    now = 149.0
    assert not patience
    now = 151.0
    assert patience


def test_two_parts_run_at_once() -> None:
    """Each of two parts waits for the other to be there."""
    meet = Barrier(2, timeout=20)
    in_turn(lambda _: meet.wait() and None, [(), ()], 2)
    assert not meet.broken


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_a_part_waits_for_is_done(threads: int) -> None:
    """All parts are done once, none before one that it waits for."""
    waits_for = [(), (0,), (), (1, 2), (0,), (3,)]
    done: list[int] = []

    def work(number: int) -> None:
        assert set(waits_for[number]) <= set(done)
        done.append(number)

    in_turn(work, waits_for, threads)
    assert sorted(done) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_ends_it(threads: int) -> None:
    """It is passed on, and what waits for the part does not begin."""
    done: list[int] = []

    def work(number: int) -> None:
        if number == 0:
            raise ValueError("none")
        done.append(number)

    with pytest.raises(ValueError, match="none"):
        in_turn(work, [(), (0,), (0, 1)], threads)
    assert done == []


def test_nothing_is_left_where_bounds_meet() -> None:
    """Solvers are stopped by the loop's own stop, and once the bounds meet."""
    loop, _, _ = begun(APART, 1)
    stop = NothingLeft(loop)
    assert not stop
    loop.proved("test")
    assert stop
    loop, _, _ = begun(APART, 1)
    loop.stop.set()
    assert NothingLeft(loop)


def test_components_side_by_side_are_a_proof() -> None:
    """Two threads: several groups of components, all settled, the sum of their bounds the optimum."""
    optimum = method("strengthened@highs").solve(APART).primal
    loop, relaxation, restriction = begun(APART, 2)
    components = Components(relaxation, relaxation.first_multipliers())
    assert len(components.parts) > 2
    first = loop.best
    with pytest.raises(Finished) as ended:
        solve_apart(loop, restriction, components, nothing_fixed(loop), None)
    assert ended.value.status is SolverStatus.FINISHED
    assert first is not None
    assert first < checked(loop) == optimum == loop.bound


def lots(threads: int) -> tuple[Loop, Districts]:
    loop, relaxation, restriction = begun(REGIONAL, threads)
    start = lp_start(relaxation, restriction.model, None)
    assert start.prices is not None
    split = districts(loop.offers, relaxation.partition, int(loop.offers.live.sum()) // 3)
    assert split.n_blocks > 2
    return loop, Districts(loop, restriction, split, start.prices)


def watched(monkeypatch: pytest.MonkeyPatch, found: Districts) -> list[set[int]]:
    """Makes the districts tell of themselves; no two in work may share a cell whose demand can bind."""
    offers, solve = found.loop.offers, found.restriction.solve
    now: list[set[int]] = []
    told: list[set[int]] = []

    def solved(*given: Any, beside: Beside, **more: Any) -> Any:
        cells = REGIONAL.offer_cell[beside.part & offers.live]
        mine = set(cells[offers.binding_cells[cells]].tolist())
        assert not any(mine & other for other in now)
        now.append(mine)
        told.append(mine)
        try:
            return solve(*given, beside=beside, **more)
        finally:
            now.remove(mine)

    monkeypatch.setattr(found.restriction, "solve", solved)
    return told


def test_districts_that_meet_are_not_improved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads give the allocation that one gives."""
    outcome = []
    for threads in (1, 2):
        loop, found = lots(threads)
        told = watched(monkeypatch, found)
        before = loop.best or 0
        found.improve(0.0, None)
        assert len(told) == len(found.parts)
        assert checked(loop) > before
        assert loop.volumes is not None
        outcome.append((loop.best, (loop.volumes > 0).tolist()))
    assert outcome[0] == outcome[1]


def test_what_was_found_beside_others_is_put_together() -> None:
    """Mandates of one part go into the best allocation as it is by then; a quiet solve leaves it as it was."""
    loop, found = lots(2)
    volumes, first = loop.volumes, loop.best
    assert volumes is not None
    one, other = found.parts[0], found.parts[1]
    held = volumes > 0
    solution = found.restriction.solve(~held & ~one, held & ~one, "test", beside=Beside(volumes, one, quiet=True))
    assert solution.values is not None
    assert loop.best == first
    found.restriction.solve(~held & ~other, held & ~other, "test", beside=Beside(volumes, other))
    between = loop.best
    assert between is not None
    assert first is not None
    assert loop.volumes is not None
    others = loop.volumes[~one] > 0
    found.restriction.put(found.restriction.model.mandates(solution.values), "test", Beside(volumes, one))
    assert checked(loop) > between > first
    np.testing.assert_array_equal(loop.volumes[~one] > 0, others)


def test_neighbourhoods_side_by_side() -> None:
    """Two threads: better, checked, below the optimum, and one course for a seed."""
    instance = load("easy")
    courses = []
    for _ in range(2):
        loop, _, restriction = begun(instance, 2)
        first = loop.best
        search = NeighbourhoodSearch(loop, Guide(loop.offers), size=60, restriction=restriction)
        search.run(effort=3_000)
        assert first is not None
        assert first < checked(loop) <= 112_391_421
        assert loop.iterations > 2
        courses.append((loop.best, loop.counters))
    assert courses[0] == courses[1]
