"""The presolve stage against enumeration: it may remove and tighten, but never what some allocation uses."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from instances_for_tests import MODES, Tables, make, plain_tables, random_instance
from naive import Cases, Naive

from splgbench.checker import check
from splgbench.errors import InfeasibleError
from splgbench.instance import Instance, IntArray
from splgbench.presolve import Presolved, presolve
from splgbench.volumes import pairs


def everything(naive: Naive) -> tuple[dict[tuple[str, str], int], set[tuple[str, str]] | None, set[Any]]:
    """Of all allocations: the largest cases of each offer, the mandates common to all, pairs (k, not q) that occur."""
    largest: dict[tuple[str, str], int] = {}
    common: set[tuple[str, str]] | None = None
    apart: set[Any] = set()
    for cases in naive.allocations():
        for pair, x in cases.items():
            largest[pair] = max(largest.get(pair, 0), x)
            apart |= {(pair, other) for other in naive.capacity if other[0] == pair[0] and other not in cases}
        common = set(cases) if common is None else common & set(cases)
    return largest, common, apart


def unsound(instance: Instance, tables: Tables) -> list[str]:
    """What presolve claims of an instance and some allocation refutes."""
    reached, common, apart = everything(Naive(tables, instance.capacity_mode))
    try:
        found = presolve(instance)
    except InfeasibleError as error:
        return [] if common is None else [str(error)]
    names = [instance.offer_name(k) for k in range(instance.n_offers)]
    wrong = [f"{names[k]} is live" for k in range(instance.n_offers) if not found.live[k] and names[k] in reached]
    wrong += [f"{name} holds more" for k, name in enumerate(names) if reached.get(name, 0) > found.largest[k]]
    wrong += [
        f"{names[k]} is free" for k in np.flatnonzero(found.granted) if common is not None and names[k] not in common
    ]
    entries = found.closure.tocoo()
    closure = [(names[k], names[q]) for k, q in zip(entries.row, entries.col, strict=True)]
    wrong += [f"{k} stands without {q}" for k, q in closure if (k, q) in apart]
    wrong += [f"{k} in the closure of {q}" for k, q in closure if k[0] != q[0] or k == q]
    return wrong


def drawn(seed: int, mode: str) -> tuple[Instance, Tables]:
    """Harsh instances, in which much dies, and gentle ones, in which links and area capacities decide."""
    if seed % 2:
        return random_instance(seed, mode, hospitals=2, groups=4, most=4, gentle=True, regions=False)
    return random_instance(seed, mode, hospitals=2 + seed % 3 // 2, groups=3 + seed % 4 // 2, most=5)


@pytest.mark.parametrize("mode", MODES)
def test_presolve_is_sound(mode: str) -> None:
    """No offer that holds a mandate somewhere dies, no volume exceeds its bound, no closure or grant is invented."""
    dead = live = tightened = grants = infeasible = 0
    for seed in range(70):
        instance, tables = drawn(seed, mode)
        assert unsound(instance, tables) == [], seed
        try:
            found = presolve(instance)
        except InfeasibleError:
            infeasible += 1
            continue
        naive = Naive(tables, mode)
        dead += int((~found.live).sum())
        live += int(found.live.sum())
        tightened += sum(found.largest[k] < naive.largest[instance.offer_name(k)] for k in np.flatnonzero(found.live))
        grants += int(found.granted.sum())
    assert min(dead, live, grants, infeasible) > 0
    assert tightened > 0 or mode in ("group", "none")


def naive_volumes(instance: Instance) -> IntArray:
    """The mistake: min(K, B, Q) whatever the capacity mode."""
    pair = pairs(instance)
    limits = (instance.capacity, instance.demand[instance.offer_cell], pair.capacity[pair.of_offer])
    return np.minimum.reduce(limits)


@pytest.mark.parametrize("mode", MODES)
def test_volumes_of_every_mode_in_one_are_unsound(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With min(K, B, Q) in every mode the soundness test above fails in all modes but `both`: it would be noticed."""
    monkeypatch.setattr("splgbench.offers.largest_volumes", naive_volumes)
    wrong = []
    for seed in range(70):
        instance, tables = drawn(seed, mode)
        wrong += unsound(instance, tables)
    assert bool(wrong) == (mode != "both")


def component_of(naive: Naive, instance: Instance, found: Presolved, number: int) -> Naive:
    """The naive instance with one component's offers, presolve's bounds and presolve's grants."""
    part = copy.copy(naive)
    members = {instance.offer_name(k): k for k in np.flatnonzero(found.component == number)}
    part.capacity = {pair: naive.capacity[pair] for pair in members}
    part.largest = {pair: int(found.largest[k]) for pair, k in members.items()}
    part.fixed = {pair: naive.fixed.get(pair, ("grant", None)) for pair, k in members.items() if found.granted[k]}
    return part


@pytest.mark.parametrize("mode", MODES)
def test_components_do_not_interact(mode: str) -> None:
    """The optimum is the sum over components, and any allocations of the components fit together."""
    split = 0
    for seed in range(60):
        instance, tables = random_instance(seed, mode, groups=4, most=4, eligibility=0.6, link_chance=0.4)
        naive = Naive(tables, mode)
        try:
            found = presolve(instance)
        except InfeasibleError:
            continue
        assert set(found.component.tolist()) - {-1} == set(range(found.n_components))
        assert ((found.component >= 0) == found.live).all()
        parts = [component_of(naive, instance, found, number) for number in range(found.n_components)]
        optima = [part.optimum() for part in parts]
        assert naive.optimum() == (None if None in optima else sum(optima)), seed  # type: ignore[arg-type]
        split += found.n_components > 1
        if None in optima:
            continue
        for pick in (max, min):
            together: Cases = {}
            for part in parts:
                together |= pick(part.allocations(), key=lambda cases: sum(cases.values()))
            assert check(instance, together).feasible, (seed, check(instance, together).violations)
    assert split > 10


def test_components_by_hand() -> None:
    """Binding cells, binding hospital-areas and links join offers; what is slack, dead or unlinked does not."""
    offers = {
        ("H1", "G1"): (5, 1),
        ("H1", "G2"): (5, 1),
        ("H2", "G3"): (5, 1),
        ("H2", "G4"): (5, 1),
        ("H3", "G1"): (5, 1),
    }
    facts: dict[str, Any] = {"offers": offers, "pairs": {("H1", "A"): 9, ("H2", "A"): 9, ("H3", "A"): 9}}
    roomy = {"G1": 10, "G2": 9, "G3": 9, "G4": 9}

    def components(mode: str, demand: dict[str, int], **more: Any) -> list[int]:
        return presolve(make(plain_tables(demand=demand, **facts, **more), mode)).component.tolist()

    # Offers in order: H1 G1, H1 G2, H2 G3, H2 G4, H3 G1.
    assert components("group", roomy) == [0, 1, 2, 3, 4]
    assert components("both", roomy) == [0, 0, 1, 1, 2]
    assert components("both", roomy | {"G1": 9}) == [0, 0, 1, 1, 0]
    assert components("group", roomy | {"G1": 9}) == [0, 1, 2, 3, 0]
    assert components("group", roomy | {"G2": 0}) == [0, -1, 1, 2, 3]
    linked = {"links": [("G1", "c", "any", "G3", "cooperation")], "networks": {"H1": "net", "H2": "net", "H3": ""}}
    assert components("group", roomy, **linked) == [0, 1, 0, 2, -1]


@pytest.mark.parametrize("mode", MODES)
def test_rows_that_do_not_bind_may_go(mode: str) -> None:
    """A cell or hospital-area that presolve calls slack cannot be exceeded within the bounds of its live offers."""
    slack = 0
    for seed in range(80):
        instance, _ = random_instance(seed, mode, hospitals=4, groups=6, most=9)
        try:
            found = presolve(instance)
        except InfeasibleError:
            continue
        for c in range(instance.n_cells):
            total = int(found.largest[instance.offer_cell == c].sum())
            assert (total > instance.demand[c]) == found.binding_cells[c]
            slack += not found.binding_cells[c]
        for p in range(len(found.pairs.capacity)):
            total = int(found.largest[found.pairs.of_offer == p].sum())
            expected = total > found.pairs.capacity[p] and mode in ("area", "both")
            assert expected == found.binding_pairs[p]
    assert slack > 0


def live_offers(tables: Tables, mode: str = "both") -> set[tuple[str, str]]:
    instance = make(tables, mode)
    return {instance.offer_name(k) for k in np.flatnonzero(presolve(instance).live)}


def test_offers_die_that_cannot_reach_their_threshold() -> None:
    """An offer dies by B, by K in group and both, by Q in area and both, and takes with it what needs it."""
    tables = plain_tables(
        {("H", "G"): (4, 1), ("H", "F"): (9, 1), ("H", "E"): (9, 1), ("H", "D"): (9, 1)},
        {"G": 9, "F": 3, "E": 9, "D": 9},
        areas={"G": "A", "F": "B", "E": "C", "D": "C"},
        minimum={"G": 5, "F": 4, "E": 6},
        links=[("D", "c", "any", "F", "inhouse"), ("D", "c", "any", "E", "inhouse")],
        pairs={("H", "A"): 9, ("H", "C"): 5},
    )
    expected = {"group": "ED", "area": "G", "both": "", "none": "GED"}
    for mode, groups in expected.items():
        assert live_offers(tables, mode) == {("H", g) for g in groups}
    tables["links"]["required"][0] = "D"
    assert ("H", "D") in live_offers(tables), "a clause that names its own group always holds"


def test_exempt_offers_live() -> None:
    """An exemption from the threshold or from the links keeps alive what would die."""
    facts: dict[str, Any] = {
        "offers": {("H", "G"): (4, 1), ("H", "F"): (9, 1)},
        "demand": {"G": 9, "F": 9, "E": 9},
        "minimum": {"G": 5},
        "links": [("F", "c", "all", "E", "inhouse")],
    }
    assert live_offers(plain_tables(**facts)) == set()
    exempt = [("H", "G", "exempt", None, "threshold")]
    assert live_offers(plain_tables(**facts, overrides=exempt)) == {("H", "G")}
    exempt = [("H", "F", "exempt", None, "links")]
    assert live_offers(plain_tables(**facts, overrides=exempt)) == {("H", "F")}


CHAIN = {
    "offers": {("H", "G"): (9, 1), ("H", "F"): (9, 1), ("H", "E"): (9, 1)},
    "demand": {"G": 9, "F": 9, "E": 9},
    "minimum": {"G": 2, "F": 3, "E": 4},
    "links": [("G", "c", "all", "F", "inhouse"), ("F", "c", "any", "E", "inhouse"), ("F", "c", "any", "X", "inhouse")],
}
CHAIN["demand"]["X"] = 0  # type: ignore[index]


def test_closures_and_the_room_they_leave() -> None:
    """G needs F needs E (the other member of its clause is dead): thresholds 3 and 4 leave G at most Q - 7 cases."""
    for mode in MODES:
        instance = make(plain_tables(**CHAIN, pairs={("H", "A"): 12}), mode)  # type: ignore[arg-type]
        found = presolve(instance)
        at = {instance.offer_name(k)[1]: k for k in range(3)}
        entries = found.closure.tocoo()
        closure = set(zip(entries.row.tolist(), entries.col.tolist(), strict=True))
        assert closure == {(at["G"], at["F"]), (at["G"], at["E"]), (at["F"], at["E"])}
        areas = mode in ("area", "both")
        expected = {"G": 5, "F": 8, "E": 9} if areas else {"G": 9, "F": 9, "E": 9}
        assert {group: int(found.largest[k]) for group, k in at.items()} == expected
    assert live_offers(plain_tables(**CHAIN, pairs={("H", "A"): 9})) == {("H", g) for g in "GFE"}  # type: ignore[arg-type]
    assert live_offers(plain_tables(**CHAIN, pairs={("H", "A"): 8})) == {("H", "F"), ("H", "E")}  # type: ignore[arg-type]
    assert live_offers(plain_tables(**CHAIN, pairs={("H", "A"): 8}), "group") == {("H", g) for g in "GFE"}  # type: ignore[arg-type]


def test_closures_stay_in_house() -> None:
    """A partner's mandate belongs to another hospital: it takes no room here and spreads no grant there."""
    tables = plain_tables(
        {("H1", "G"): (9, 1), ("H2", "F"): (9, 1)},
        {"G": 9, "F": 9},
        minimum={"G": 5, "F": 5},
        links=[("G", "c", "any", "F", "cooperation")],
        networks={"H1": "net", "H2": "net"},
        pairs={("H1", "A"): 9, ("H2", "A"): 9},
        overrides=[("H1", "G", "grant", None, "")],
    )
    found = presolve(make(tables))
    assert found.closure.nnz == 0
    assert found.largest.tolist() == [9, 9]
    assert found.granted.tolist() == [True, False]
    assert found.n_components == 1


def test_grants_spread_and_reserve_their_room() -> None:
    """A grant grants its closure; the thresholds of both are gone for everyone else in the cell and the area."""
    tables = plain_tables(
        {("H1", "G"): (9, 1), ("H1", "F"): (9, 1), ("H1", "D"): (9, 1), ("H2", "F"): (9, 1)},
        {"G": 9, "F": 9, "D": 9},
        minimum={"G": 2, "F": 4},
        links=[("G", "c", "all", "F", "inhouse")],
        pairs={("H1", "A"): 10},
        overrides=[("H1", "G", "grant", None, "")],
    )
    instance = make(tables)
    found = presolve(instance)
    at = {instance.offer_name(k): k for k in range(4)}
    assert {name for name, k in at.items() if found.granted[k]} == {("H1", "G"), ("H1", "F")}
    largest = {name: int(found.largest[k]) for name, k in at.items()}
    assert largest == {("H1", "G"): 6, ("H1", "F"): 8, ("H1", "D"): 4, ("H2", "F"): 5}


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"overrides": [("H", "G", "grant", None, ""), ("H", "F", "refuse", None, "")]}, "H must have a mandate for"),
        ({"overrides": [("H", "G", "grant", None, ""), ("H", "F", "fix", 0, "")]}, "H must have a mandate for"),
        ({"overrides": [("H", "G", "grant", None, "")], "pairs": {("H", "A"): 8}}, "H must have a mandate for"),
        ({"overrides": [("H", "E", "fix", 9, ""), ("H", "F", "grant", None, "")], "pairs": {("H", "A"): 11}}, "H must"),
    ],
)
def test_clashes_are_detected(facts: dict[str, Any], name: str) -> None:
    """An offer that must stand and cannot is named."""
    with pytest.raises(InfeasibleError, match=name):
        presolve(make(plain_tables(**(CHAIN | facts))))  # type: ignore[arg-type]


def test_two_grants_in_a_small_cell_clash() -> None:
    """Granted thresholds that together exceed the demand of their cell leave no allocation."""
    overrides = [("H1", "G", "grant", None, ""), ("H2", "G", "grant", None, "")]
    facts: dict[str, Any] = {"offers": {("H1", "G"): (9, 1), ("H2", "G"): (9, 1)}, "demand": {"G": 9}}
    with pytest.raises(InfeasibleError):
        presolve(make(plain_tables(**facts, minimum={"G": 5}, overrides=overrides)))
    assert presolve(make(plain_tables(**facts, minimum={"G": 4}, overrides=overrides))).largest.tolist() == [5, 5]


def test_link_cycles_live_and_die_together() -> None:
    """In a cycle each needs the other: all live while all can, and all die with one of them."""
    facts: dict[str, Any] = {
        "offers": {("H", "A1"): (9, 1), ("H", "A2"): (9, 1), ("H", "A3"): (9, 1)},
        "links": [
            ("A1", "c", "any", "A2", "inhouse"),
            ("A2", "c", "all", "A3", "inhouse"),
            ("A3", "c", "any", "A1", "inhouse"),
        ],
    }
    alive = presolve(make(plain_tables(demand={"A1": 9, "A2": 9, "A3": 9}, **facts)))
    assert alive.live.all()
    assert alive.closure.nnz == 6
    assert not presolve(make(plain_tables(demand={"A1": 9, "A2": 9, "A3": 0}, **facts))).live.any()


def test_degenerate_instances() -> None:
    """Nothing offered, nothing needed, nothing linked: presolve has nothing to say and says it."""
    empty = presolve(make(plain_tables({}, {"G": 5}, networks={"H": ""})))
    assert (empty.n_components, empty.live.tolist()) == (0, [])
    for mode in MODES:
        nothing = presolve(make(plain_tables({("H", "G"): (5, 1)}, {"G": 0}), mode))
        assert (nothing.live.tolist(), nothing.largest.tolist(), nothing.n_components) == ([False], [0], 0)
