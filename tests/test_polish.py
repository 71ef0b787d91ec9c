"""Exact volumes for fixed mandates: never worse than enumeration, linear programming or a MILP."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from instances_for_tests import MODES, make, plain_tables, random_instance, small
from naive import Cases, Naive
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from splgbench.checker import check
from splgbench.errors import InfeasibleError
from splgbench.instance import Instance
from splgbench.polish import polish, polished_or_raise
from splgbench.volumes import largest_volumes, pairs, thresholds


def flags(instance: Instance, mandates: set[tuple[str, str]]) -> np.ndarray:
    return np.array([instance.offer_name(k) in mandates for k in range(instance.n_offers)], dtype=np.bool_)


def by_enumeration(naive: Naive) -> dict[frozenset[tuple[str, str]], int]:
    """The best value of every set of mandates that has an allocation."""
    best: dict[frozenset[tuple[str, str]], int] = {}
    for cases in naive.allocations():
        mandates = frozenset(cases)
        best[mandates] = max(best.get(mandates, 0), naive.value(cases))
    return best


@pytest.mark.parametrize("mode", MODES)
def test_polish_equals_enumeration(mode: str) -> None:
    """For every set of mandates of tiny instances: the enumerated optimum, or a reason exactly where there is none."""
    sets = found = 0
    for seed in range(40):
        instance, tables = random_instance(seed, mode, hospitals=2, groups=3, most=4, link_chance=0.3)
        best = by_enumeration(Naive(tables, mode))
        names = [instance.offer_name(k) for k in range(instance.n_offers)]
        for code in range(2 ** len(names)):
            mandates = frozenset(name for k, name in enumerate(names) if code >> k & 1)
            polished = polish(instance, flags(instance, set(mandates)))
            assert polished.objective == best.get(mandates), (seed, mandates)
            assert bool(polished.reason) == (mandates not in best)
            sets += 1
            if polished.volumes is not None:
                found += 1
                verdict = check(instance, polished.volumes)
                assert verdict.feasible
                assert verdict.objective == polished.objective
                assert {names[k] for k in np.flatnonzero(polished.volumes)} == mandates
    assert sets > 700
    assert found > 80


def loose_instance(seed: int, mode: str) -> tuple[Instance, Naive]:
    """A mid-size instance whose rules leave many sets of mandates standing."""
    draw = random.Random(seed)
    hospitals, groups = [f"H{i}" for i in range(8)], [f"G{i:02}" for i in range(12)]
    offers = {
        (h, g): (draw.randint(5, 60), draw.randint(1, 10_000)) for h in hospitals for g in groups if draw.random() < 0.6
    }
    areas = {g: f"A{i % 4}" for i, g in enumerate(groups)}
    tables = plain_tables(
        offers,
        {g: draw.randint(20, 200) for g in groups},
        areas=areas,
        minimum={g: draw.randint(0, 6) for g in groups},
        pairs={(h, a): draw.randint(20, 90) for h in hospitals for a in set(areas.values()) if draw.random() < 0.8},
    )
    chosen = sorted(draw.sample(sorted(offers), 6))
    fixed: list[Any] = []
    for position, (h, g) in enumerate(chosen):
        if position < 2:
            fixed.append((h, g, "exempt", None, "threshold"))
        elif position < 5:
            fixed.append((h, g, "fix", min(6, offers[h, g][0]), ""))
        else:
            fixed.append((h, g, "grant", None, ""))
    columns = ("hospital", "group", "action", "cases", "rule")
    tables["overrides"] = {name: [row[i] for row in fixed] for i, name in enumerate(columns)}
    tables["overrides"]["reason"] = ["drawn"] * len(fixed)
    return make(tables, mode), Naive(tables, mode)


@pytest.mark.parametrize("mode", MODES)
def test_polish_equals_milp_and_lp(mode: str) -> None:
    """On mid-size instances the polish equals a MILP with the mandates fixed and the LP over volumes (fact 1)."""
    solved = 0
    for seed in range(6):
        instance, naive = loose_instance(seed, mode)
        draw = random.Random(seed)
        fixed = {pair for pair, (action, _) in naive.fixed.items() if action != "refuse"}
        mandates = {pair for pair in naive.capacity if draw.random() < 0.5} | fixed
        y = flags(instance, mandates)
        polished = polish(instance, y)
        assert polished.objective == naive.solved(mandates)
        if polished.volumes is None:
            continue
        solved += 1
        assert check(instance, polished.volumes).objective == polished.objective
        assert polished.objective == lp_value(instance, y)
    assert solved >= 3


def lp_value(instance: Instance, mandates: np.ndarray) -> int:
    """max u x over the transportation polytope with y fixed, as a float LP."""
    lower, upper = np.where(mandates, thresholds(instance), 0), np.where(mandates, largest_volumes(instance), 0)
    for k, action, cases in zip(
        instance.override_offer, instance.override_action, instance.override_cases, strict=True
    ):
        if action == "fix":
            lower[k] = upper[k] = cases
    pair, n = pairs(instance), instance.n_offers
    ones = np.ones(n)
    rows, limits = (
        [coo_array((ones, (instance.offer_cell, np.arange(n))), shape=(instance.n_cells, n))],
        [instance.demand],
    )
    if instance.limits_areas:
        rows.append(coo_array((ones, (pair.of_offer, np.arange(n))), shape=(len(pair.capacity), n)))
        limits.append(pair.capacity)
    answer = linprog(
        -instance.utility.astype(float),
        A_ub=vstack(rows).tocsr(),
        b_ub=np.concatenate(limits),
        bounds=np.column_stack((lower, upper)),
    )
    return round(-answer.fun)


def one_offer(mode: str = "both", overrides: list[Any] | None = None, **facts: Any) -> Instance:
    """H offers G (t = 3, B = 9, K = 5, Q = 7) and F (B = 4, K = 4), which G needs."""
    tables = plain_tables(
        {("H", "F"): (4, 1), ("H", "G"): (5, 2)},
        {"F": facts.get("f", 4), "G": facts.get("g", 9)},
        minimum={"G": facts.get("m", 3)},
        links=[("G", "c", "any", "F", "inhouse")],
        pairs={("H", "A"): facts.get("q", 7)},
        overrides=overrides or [],
    )
    return make(tables, mode)


def test_volumes_by_mode() -> None:
    """Each mode gives the volumes one can work out by hand."""
    both = np.array([True, True])
    expected = {"group": [4, 5], "area": [1, 6], "both": [2, 5], "none": [4, 9]}
    for mode, volumes in expected.items():
        polished = polish(one_offer(mode), both)
        assert polished.volumes is not None
        assert (polished.volumes.tolist(), polished.objective) == (volumes, volumes[0] + 2 * volumes[1])


def test_fixes_and_exemptions() -> None:
    """A fixed offer has its cases exactly, an exempt one may have a single case, a refused one none."""
    both = np.array([True, True])
    assert polish(one_offer(overrides=[("H", "G", "fix", 4, "")]), both).volumes.tolist() == [3, 4]  # type: ignore[union-attr]
    exempt = one_offer(g=1, overrides=[("H", "G", "exempt", None, "threshold")])
    assert polish(exempt, both).volumes.tolist() == [4, 1]  # type: ignore[union-attr]
    unlinked = one_offer(overrides=[("H", "G", "exempt", None, "links")])
    assert polish(unlinked, np.array([False, True])).volumes.tolist() == [0, 5]  # type: ignore[union-attr]
    closed = one_offer(overrides=[("H", "G", "fix", 0, "")])
    assert polish(closed, np.array([True, False])).volumes.tolist() == [4, 0]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("instance", "mandates", "words"),
    [
        (one_offer(g=2), [True, True], "H cannot hold G: it needs 3 cases, at most 2 fit"),
        (one_offer(m=6), [True, True], "H cannot hold G: it needs 6 cases, at most 5 fit"),
        (one_offer(q=3), [True, True], "area_capacity: H is given 4 cases in area A, capacity 3"),
        (one_offer(), [False, True], "link: H has G without one of F"),
        (one_offer(overrides=[("H", "G", "grant", None, "")]), [True, False], "override: H must have a mandate for G"),
        (one_offer(overrides=[("H", "F", "refuse", None, "")]), [True, True], "override: H must have no mandate for F"),
        (one_offer(overrides=[("H", "F", "fix", 0, "")]), [True, True], "H cannot hold F: it needs 1 cases, at most 0"),
        (one_offer(overrides=[("H", "F", "fix", 2, "")]), [False, False], "override: H must have 2 cases of F, has 0"),
        (one_offer(f=0), [True, False], "H cannot hold F: it needs 1 cases, at most 0 fit"),
    ],
)
def test_reasons(instance: Instance, mandates: list[bool], words: str) -> None:
    """Where the mandates admit no allocation, one sentence says why; `polished_or_raise` raises it."""
    polished = polish(instance, np.array(mandates))
    assert (polished.volumes, polished.objective) == (None, None)
    assert words in polished.reason
    with pytest.raises(InfeasibleError) as caught:
        polished_or_raise(instance, np.array(mandates))
    assert str(caught.value) == polished.reason


def test_a_shared_cell_is_named() -> None:
    """Two thresholds that together exceed the demand of their cell are refused by name."""
    instance = make(plain_tables({("H1", "G"): (9, 1), ("H2", "G"): (9, 1)}, {"G": 9}, minimum={"G": 5}))
    assert polish(instance, np.array([True, True])).reason == "demand: G: 10 cases given, 9 needed"
    assert polished_or_raise(instance, np.array([True, False])).objective == 9


@pytest.mark.parametrize(
    "mandates",
    [
        np.True_,
        [],
        np.zeros(4, bool),
        np.zeros((5, 1), bool),
        np.array([0.0, 0.3, 1.0, 0.0, 0.0]),
        np.array([0, 2, 0, 0, 0]),
        np.array([0, -1, 0, 0, 0]),
        np.array(["", "x", "", "", ""]),
        [None] * 5,
    ],
)
def test_mandates_of_the_wrong_kind(mandates: Any) -> None:
    """Mandates are truth values over the offers: volumes, fractions and other lengths are refused, not guessed."""
    with pytest.raises(TypeError, match="mandates must be truth values"):
        polish(small(), mandates)


def test_mandates_as_numbers() -> None:
    """0 and 1 are truth values, too."""
    instance, expected = small(), [True, True, True, True, True]
    for form in (np.array(expected), np.array(expected, dtype=int), np.array(expected, dtype=float), expected):
        assert polish(instance, form).objective == polish(instance, np.array(expected)).objective  # type: ignore[arg-type]


def test_empty_and_degenerate_instances() -> None:
    """No offers, no mandates and no demand all have an allocation: the empty one."""
    empty = make(plain_tables({}, {"G": 5}, networks={"H": ""}))
    assert polish(empty, np.zeros(0, bool)).objective == 0
    for mode in MODES:
        polished = polish(one_offer(mode), np.array([False, False]))
        assert polished.volumes is not None
        assert polished.volumes.tolist() == [0, 0]


def test_numbers_near_the_limits() -> None:
    """Capacities that mean "no limit" and large utilities go through the integer flow without overflow."""
    for mode in MODES:
        tables = plain_tables(
            {("H1", "G"): (10**17, 7), ("H2", "G"): (10**17, 5), ("H1", "F"): (10**17, 9)},
            {"G": 10**9, "F": 10**6},
            pairs={("H1", "A"): 10**18, ("H2", "A"): 10**18},
        )
        assert polish(make(tables, mode), np.ones(3, bool)).objective == 9 * 10**6 + 7 * (10**9 - 1) + 5
    tables = plain_tables({("H1", "G"): (40, 2**54), ("H2", "G"): (40, 1)}, {"G": 50}, pairs={("H1", "A"): 30})
    assert polish(make(tables, "both"), np.ones(2, bool)).objective == 30 * 2**54 + 20


def test_ties_do_not_matter() -> None:
    """Equal utilities may be split in any way; the value is the same in any order of the rows."""
    draw = random.Random(1)
    offers: Cases = {}
    values = set()
    pairs_ = [(f"H{h}", f"G{g}") for h in range(5) for g in range(4)]
    offers = {pair: draw.randint(1, 9) for pair in pairs_}
    for _ in range(4):
        draw.shuffle(pairs_)
        tables = plain_tables({pair: (offers[pair], 3) for pair in pairs_}, {f"G{g}": 12 for g in range(4)})
        values.add(polish(make(tables, "both"), np.ones(20, bool)).objective)
    assert len(values) == 1
