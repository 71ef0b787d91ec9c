"""Neighbourhoods and the search over them: what is freed, what it is worth, what may be claimed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from instances_for_tests import make, plain_tables

from splgbench import load, method, registry, solve
from splgbench.decomposition import neighbourhood_search
from splgbench.decomposition.loop import Finished, Loop
from splgbench.decomposition.lp_start import lp_multipliers
from splgbench.decomposition.neighbourhood_search import NeighbourhoodSearch
from splgbench.decomposition.neighbourhoods import KINDS, Draws, Guide, View, freed, usable_kinds
from splgbench.decomposition.partition import partition
from splgbench.decomposition.probing import Fixed, probe
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.errors import InputError, UnsupportedError
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.model import FloatArray
from splgbench.presolve import Presolved, presolve
from splgbench.result import Status
from splgbench.testing import RELATIONS, sweep
from splgbench.trace import Event, Recorder, Stop

EASY = load("easy")
OPTIMUM = 112_391_421


def begun(instance: Instance = EASY, **limits: Any) -> Loop:
    """A solve with the allocation that repair makes of utilities."""
    loop = Loop(instance, Limits(**limits), None, Recorder("test"), Stop())
    loop.found(repaired(loop.offers, instance.utility * loop.offers.largest), "repair")
    return loop


@cache
def multipliers() -> FloatArray:
    """Of the LP of `easy`."""
    return lp_multipliers(relaxation(presolve(EASY)), None)


def relaxation(offers: Presolved) -> HospitalRelaxation:
    return HospitalRelaxation(offers, partition(offers, "tied"))


def guided(loop: Loop) -> Guide:
    """A guide that knows everything, of `easy`."""
    weights = np.linspace(0, 1, EASY.n_offers) * loop.offers.live
    return Guide(loop.offers, weights, relaxation(loop.offers), multipliers())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_a_kind_frees_as_many_as_asked(kind: str, size: int) -> None:
    """Mandates that may change only, as many as the size says or all; other draws, other mandates."""
    loop = begun()
    assert loop.volumes is not None
    guide = guided(loop)
    may_change = loop.offers.live & (np.arange(EASY.n_offers) % 5 > 0)
    view = View(guide, may_change, loop.volumes > 0, guide.losses(loop.volumes))
    draws = Draws(0)
    found = [freed(KINDS[kind], view, size, draws) for _ in range(6)]
    for free in found:
        assert not (free & ~may_change).any()
        assert free.sum() == min(size, may_change.sum())
    again = Draws(0)
    assert all((freed(KINDS[kind], view, size, again) == free).all() for free in found)
    assert len({free.tobytes() for free in found}) > 1 or size > may_change.sum()


def test_what_an_area_and_a_hospital_are() -> None:
    """Kinds that go by areas, hospitals and cells free whole ones, all but the last."""
    loop = begun()
    assert loop.volumes is not None
    guide = guided(loop)
    view = View(guide, loop.offers.live, loop.volumes > 0, guide.losses(loop.volumes))
    labels = {
        "areas": EASY.group_area[EASY.offer_group],
        "hospitals": EASY.offer_hospital,
        "cells": EASY.offer_cell,
        "links": EASY.offer_cell,
    }
    for kind, label in labels.items():
        free = freed(KINDS[kind], view, 60, Draws(3))
        cut = [part for part in np.unique(label[free]) if (view.open & ~free & (label == part)).any()]
        assert len(cut) <= 1, kind


def test_linked_cells_come_together() -> None:
    """Of three pairs of linked groups, four mandates are two pairs, not parts of three."""
    names = "ABCDEF"
    tables = plain_tables(
        {(h, g): (8, 2) for h in "HI" for g in names},
        dict.fromkeys(names, 9),
        areas={g: f"area {g}" for g in names},
        links=[("A", "1", "all", "B", "inhouse"), ("C", "1", "all", "D", "inhouse"), ("E", "1", "all", "F", "inhouse")],
    )
    instance = make(tables, "both")
    loop = begun(instance)
    assert loop.volumes is not None
    guide = Guide(loop.offers)
    view = View(guide, loop.offers.live, loop.volumes > 0, guide.losses(loop.volumes))
    for kind in ("links", "areas"):
        for seed in range(8):
            free = freed(KINDS[kind], view, 4, Draws(seed))
            groups = "".join(sorted({instance.offer_name(int(k))[1] for k in np.flatnonzero(free)}))
            assert groups in ("AB", "CD", "EF"), kind


def test_the_parts_of_the_gap_add_up() -> None:
    """Equation (7): what cells waste and hospitals lose is the bound minus the value, to the rounding."""
    loop = begun()
    assert loop.volumes is not None
    assert loop.best is not None
    guide = guided(loop)
    losses = guide.losses(loop.volumes)
    bound = relaxation(loop.offers).evaluate(multipliers()).bound
    assert (losses.cell >= -1e-6).all()
    assert (losses.hospital >= -1e-3).all()
    assert losses.cell.sum() + losses.hospital.sum() == pytest.approx(bound - loop.best, abs=1.0)


def test_without_a_guide_there_are_fewer_kinds() -> None:
    """RINS needs a fractional solution, plans need multipliers; losses are then all the same."""
    offers = presolve(EASY)
    assert set(KINDS) - set(usable_kinds(Guide(offers))) == {"rins", "plans"}
    assert set(KINDS) - set(usable_kinds(Guide(offers, np.zeros(EASY.n_offers)))) == {"plans"}
    losses = Guide(offers).losses(np.zeros(EASY.n_offers, dtype=np.int64))
    assert set(losses.cell) == set(losses.hospital) == {1.0}


def test_small_neighbourhoods_improve_and_claim_nothing() -> None:
    """With few mandates free at a time the value rises, and no bound comes of it."""
    loop = begun(iterations=12)
    before = loop.best
    assert before is not None
    with pytest.raises(Finished):
        NeighbourhoodSearch(loop, guided(loop), size=15).run()
    assert loop.best is not None
    assert before < loop.best <= OPTIMUM
    assert (loop.bound, loop.iterations) == (None, 12)
    solved = sum(number for name, number in loop.counters.items() if name.endswith("_solved"))
    gained = sum(number for name, number in loop.counters.items() if name.endswith("_gain"))
    assert (solved, gained) == (12, loop.best - before)


def test_a_neighbourhood_of_everything_is_a_proof() -> None:
    """Freed whole, the model gives its bound and the search is done."""
    loop = begun()
    NeighbourhoodSearch(loop, Guide(loop.offers), size=EASY.n_offers).run()
    assert loop.best == OPTIMUM
    assert loop.bound == pytest.approx(OPTIMUM, abs=0.9)


def test_what_better_allocations_share_stays() -> None:
    """Mandates fixed by probing are not freed; solving all others proves that nothing better exists."""
    loop = begun()
    best = solve(EASY, "strengthened@highs").volumes
    assert best is not None
    loop.found(best > 0, "test")
    fixed = probe(loop, relaxation(loop.offers), multipliers())
    assert (fixed.out | fixed.stand).sum() > 20
    NeighbourhoodSearch(loop, guided(loop), size=EASY.n_offers).run(fixed)
    assert (loop.best, loop.iterations) == (OPTIMUM, 1)
    assert loop.bound == pytest.approx(OPTIMUM, abs=0.9)


def test_an_allocation_that_differs_from_what_is_fixed() -> None:
    """Fixed mandates that the allocation has otherwise stay open: the better allocation is found all the same."""
    tables = plain_tables({("H", "A"): (6, 2), ("I", "A"): (6, 3), ("J", "A"): (6, 4)}, {"A": 6}, minimum={"A": 6})
    instance = make(tables, "group")
    loop = Loop(instance, Limits(), None, Recorder("test"), Stop())
    loop.found(np.array([True, False, False]), "test")
    fixed = Fixed(np.array([True, True, False]), np.array([False, False, True]))
    NeighbourhoodSearch(loop, Guide(loop.offers)).run(fixed)
    assert loop.best == 24


def test_the_search_ends_when_it_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the optimum, with mandates free in twos, it gives up after its patience and claims nothing."""
    monkeypatch.setattr(neighbourhood_search, "PATIENCE", 3)
    monkeypatch.setattr(neighbourhood_search, "GROW", 1.0)
    loop = begun()
    best = solve(EASY, "strengthened@highs").volumes
    assert best is not None
    loop.found(best > 0, "test")
    searching = NeighbourhoodSearch(loop, guided(loop), size=2)
    searching.run(raises=1)
    assert (loop.best, loop.bound) == (OPTIMUM, None)
    assert (loop.iterations <= 6, searching.raised) == (True, 2)
    searching.run(raises=0)
    assert (loop.iterations <= 9, searching.raised) == (True, 3)


def test_kinds_can_be_chosen() -> None:
    """Only those are drawn; with none that can be, nothing is searched."""
    loop = begun(iterations=3)
    with pytest.raises(Finished):
        NeighbourhoodSearch(loop, guided(loop), size=12, kinds=("cells", "links")).run()
    assert {name.partition("_")[0] for name in loop.counters} == {"cells", "links"}
    NeighbourhoodSearch(loop, Guide(loop.offers), kinds=("rins",)).run()


def test_no_allocation_no_search() -> None:
    """There is nothing to improve."""
    loop = Loop(EASY, Limits(), None, Recorder("test"), Stop())
    NeighbourhoodSearch(loop, Guide(loop.offers)).run()
    assert (loop.best, loop.iterations) == (None, 0)


def test_a_seed_gives_one_course() -> None:
    """Without a time limit the same seed finds the same values in the same order; another seed goes another way."""

    def course(seed: int) -> list[tuple[str, float | None]]:
        loop = begun(seed=seed, iterations=10)
        with pytest.raises(Finished):
            NeighbourhoodSearch(loop, guided(loop), size=12).run()
        return [(event.source, event.primal) for event in loop.recorder.events]

    assert course(1) == course(1) != course(2)


def test_lns_without_a_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hospitals cannot be priced apart, bound and weights are those of the LP."""

    def refused(*_: object) -> None:
        raise UnsupportedError("refused for the test")

    module = registry.find("decompositions", "lns").__globals__
    monkeypatch.setitem(module, "by_hospital", refused)
    result = method("lns:size=30").solve(EASY, Limits(iterations=10))
    lp = method("strengthened@highs").lp_bound(EASY)  # type: ignore[attr-defined]
    assert result.status is Status.NODE_LIMIT
    assert result.dual is not None
    assert result.primal is not None
    assert result.primal <= OPTIMUM <= result.dual <= lp + 1
    assert result.counters["rins_solved"] > 0
    assert "plans_solved" not in result.counters


def test_lns_with_far_volumes_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer volumes are open, as on large instances; values rise, bounds hold, the whole is still proved."""
    monkeypatch.setattr(neighbourhood_search, "ALL_VOLUMES", 0)
    events: list[Event] = []
    result = method("lns:size=20").solve(EASY, on_event=events.append)
    primals = [event.primal for event in events if event.primal is not None]
    assert primals == sorted(primals)
    assert len(primals) > 1
    assert (result.status, result.primal) == (Status.OPTIMAL, OPTIMUM)


def test_lns_where_repair_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver's first allocation is taken then."""
    module = registry.find("decompositions", "lns").__globals__
    monkeypatch.setitem(module, "repaired", lambda offers, _weights: ~offers.live)
    result = method("lns").solve(EASY)
    assert (result.status, result.primal) == (Status.OPTIMAL, OPTIMUM)


def test_the_battery_with_parts_of_tiny_instances() -> None:
    """All relations hold where neighbourhoods are smaller than the instance, which the registered size rules out."""
    methods = [method("lns:size=2")]
    for examination in sweep(RELATIONS.values(), methods, examples=6):
        assert (examination.refutation, examination.examples) == (None, 6)


def test_lns_refuses() -> None:
    """Options it does not know, each with its reason."""
    for name in ("lns:size=0", "lns:size=many", "lns:kinds=rins+luck"):
        with pytest.raises(InputError):
            method(name)
    assert method("lns@highs:size=200").name == "lns"
    assert method("lns:size=040,kinds=cells+rins").name == "lns:size=40,kinds=rins+cells"
