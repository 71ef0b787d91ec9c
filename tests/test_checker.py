"""The exact checker: each violation with its numbers, and agreement with a second checker on random cases."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from instances_for_tests import MODES, make, plain_tables, random_instance, small, small_tables
from naive import Cases, Naive

from splgbench.allocation import Allocation
from splgbench.checker import Verdict, check
from splgbench.errors import InputError
from splgbench.instance import Instance


def broken(instance: Instance, cases: Any) -> list[tuple[str, str | None, str | None, int]]:
    """(rule, hospital, group, amount) of every violation, sorted."""
    return sorted(((v.rule, v.hospital, v.group, v.amount) for v in check(instance, cases).violations), key=str)


FEASIBLE = {("H1", "G1"): 5, ("H1", "G2"): 6, ("H1", "G3"): 5, ("H2", "G1"): 2, ("H2", "G3"): 4}


def test_a_feasible_allocation_and_its_value() -> None:
    """The objective is the exact sum of utility times cases; an `Allocation`, a mapping and volumes are one."""
    value = 5 * 5 + 3 * 6 + 4 * 5 + 2 * 2 + 6 * 4
    instance = small()
    for form in (
        FEASIBLE,
        Allocation(FEASIBLE, None, 0),
        np.array([5, 6, 5, 2, 4]),
        np.array([5, 6, 5, 2, 4], "u1"),
    ):
        assert check(instance, form) == Verdict(value, ())
        assert check(instance, form).feasible
    assert check(instance, {pair: np.int64(cases) for pair, cases in FEASIBLE.items()}).objective == value


def test_the_objective_has_no_limit() -> None:
    """Python integers throughout: a claim far beyond int64 is still summed exactly."""
    instance = make(plain_tables({("H", "G"): (2**60, 2**31)}, {"G": 2**30}), "none")
    verdict = check(instance, {("H", "G"): 2**62})
    assert verdict.objective == 2**93
    assert verdict.violations[0].amount == 2**62 - 2**30


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({("H1", "G9"): 3}, [("offer", "H1", "G9", 3)]),
        ({("H9", "G1"): 3}, [("offer", "H9", "G1", 3)]),
        ({("H2", "G2"): 1}, [("offer", "H2", "G2", 1)]),
        ({("H2", "G2"): -1}, [("offer", "H2", "G2", 1)]),
        ({("H1", "G2"): -2}, [("link", "H1", "G3", 1), ("link", "H2", "G3", 1), ("whole", "H1", "G2", 2)]),
        ({("H2", "G1"): 6}, [("demand", None, "G1", 1)]),
        ({("H1", "G2"): 7}, [("capacity", "H1", "G2", 1)]),
        ({("H1", "G1"): 7, ("H2", "G1"): 2}, [("area_capacity", "H1", None, 1)]),
        ({("H2", "G1"): 1}, [("threshold", "H2", "G1", 1)]),
        ({("H1", "G3"): 1}, [("threshold", "H1", "G3", 2)]),
        ({("H1", "G2"): 1}, []),
        ({("H1", "G3"): 0}, [("link", "H1", "G1", 1)]),
        ({("H2", "G3"): 0}, [("link", "H2", "G1", 1), ("override", "H2", "G3", 1)]),
        ({("H2", "G1"): 0}, [("link", "H2", "G3", 1)]),
        (dict.fromkeys(FEASIBLE, 0), [("override", "H2", "G3", 1)]),
    ],
)
def test_each_violation_with_its_numbers(change: Cases, expected: list[Any]) -> None:
    """One change to a feasible allocation breaks exactly the rules that it touches, by exactly so many cases."""
    assert broken(small(), FEASIBLE | change) == sorted(expected, key=str)


def test_sentences_name_the_numbers() -> None:
    """A violation reads as a sentence with place, found and allowed value."""
    cases = FEASIBLE | {("H1", "G1"): 9, ("H1", "G3"): 1, ("H2", "G2"): 4}
    texts = [str(violation) for violation in check(small(), cases).violations]
    assert texts == [
        "offer: H2 is given 4 cases of G2 but does not offer it",
        "demand: G1: 11 cases given, 10 needed",
        "capacity: H1 is given 9 cases of G1, capacity 8",
        "area_capacity: H1 is given 15 cases in area A, capacity 12",
        "threshold: H1 is given 1 cases of G3, a mandate needs 3",
    ]
    (link,) = check(small(), FEASIBLE | {("H1", "G3"): 0}).violations
    assert link.text == "H1 has G1 without one of G3 (clause base; missing: G3)"


def test_overrides() -> None:
    """grant, refuse and fix are judged on the cases: missing, forbidden, and the distance to the fixed number."""

    def instance(action: str, cases: int | None = None) -> Instance:
        return make(plain_tables({("H", "G"): (9, 1)}, {"G": 9}, overrides=[("H", "G", action, cases, "")]))

    assert broken(instance("grant"), {}) == [("override", "H", "G", 1)]
    assert broken(instance("grant"), {("H", "G"): 1}) == []
    assert broken(instance("refuse"), {("H", "G"): 4}) == [("override", "H", "G", 4)]
    assert broken(instance("refuse"), {}) == []
    assert broken(instance("fix", 5), {("H", "G"): 3}) == [("override", "H", "G", 2)]
    assert broken(instance("fix", 5), {("H", "G"): 9}) == [("override", "H", "G", 4)]
    assert broken(instance("fix", 5), {}) == [("override", "H", "G", 5)]
    assert broken(instance("fix", 0), {("H", "G"): 3}) == [("override", "H", "G", 3)]
    assert broken(instance("fix", 0), {}) == []
    negative = [("override", "H", "G", 3), ("whole", "H", "G", 3)]
    assert broken(instance("refuse"), {("H", "G"): -3}) == negative


def test_exemptions_set_one_rule_aside_for_one_offer() -> None:
    """threshold lowers t to 1, links drops every clause of the group, each at its own hospital only."""
    tables = plain_tables(
        {("H1", "G"): (9, 1), ("H2", "G"): (9, 1), ("H3", "G"): (9, 1)},
        {"G": 20, "B": 0},
        minimum={"G": 4},
        links=[("G", "c", "any", "B", "inhouse")],
        overrides=[("H1", "G", "exempt", None, "threshold"), ("H2", "G", "exempt", None, "links")],
    )
    found = broken(make(tables), {("H1", "G"): 1, ("H2", "G"): 1, ("H3", "G"): 1})
    assert found == [
        ("link", "H1", "G", 1),
        ("link", "H3", "G", 1),
        ("threshold", "H2", "G", 3),
        ("threshold", "H3", "G", 3),
    ]


def test_capacity_modes() -> None:
    """K binds in group and both, Q in area and both; in mode area an offer with K = 0 may hold cases."""
    tables = plain_tables({("H", "G"): (0, 1), ("H", "F"): (4, 1)}, {"G": 9, "F": 9}, pairs={("H", "A"): 6})
    cases = {("H", "G"): 3, ("H", "F"): 5}
    group = [("capacity", "H", "F", 1), ("capacity", "H", "G", 3)]
    area = [("area_capacity", "H", None, 2)]
    expected = {"none": [], "group": group, "area": area, "both": sorted(group + area, key=str)}
    for mode in MODES:
        assert broken(make(tables, mode), cases) == expected[mode]
    del tables["area_capacity"]
    assert broken(make(tables, "area"), cases) == [("area_capacity", "H", None, 4)]


@pytest.mark.parametrize("mode", ["any", "all"])
def test_cooperation(mode: str) -> None:
    """The required mandate may stand at any partner, the hospital itself included; `all` may be split between them."""
    tables = plain_tables(
        {("H1", "G"): (9, 1), ("H1", "B"): (9, 1), ("H2", "B"): (9, 1), ("H3", "C"): (9, 1), ("H4", "C"): (9, 1)},
        {"G": 9, "B": 9, "C": 9},
        links=[("G", "c", mode, "B", "cooperation"), ("G", "c", mode, "C", "cooperation")],
        networks={"H1": "net", "H2": "net", "H3": "net", "H4": ""},
    )
    instance = make(tables)
    link = [("link", "H1", "G", 1)]
    one_is_enough = [] if mode == "any" else link
    assert broken(instance, {("H1", "G"): 1}) == link
    assert broken(instance, {("H1", "G"): 1, ("H4", "C"): 1}) == link
    assert broken(instance, {("H1", "G"): 1, ("H1", "B"): 1}) == one_is_enough
    assert broken(instance, {("H1", "G"): 1, ("H2", "B"): 1}) == one_is_enough
    assert broken(instance, {("H1", "G"): 1, ("H2", "B"): 1, ("H3", "C"): 1}) == []
    tables["links"]["scope"] = ["inhouse", "inhouse"]
    assert broken(make(tables), {("H1", "G"): 1, ("H2", "B"): 1, ("H3", "C"): 1}) == link
    tables["links"]["scope"] = ["inhouse", "cooperation"]
    assert broken(make(tables), {("H1", "G"): 1, ("H2", "B"): 1, ("H3", "C"): 1}) == one_is_enough


def test_hospitals_without_a_network_have_no_partners() -> None:
    """An empty cooperation group joins nobody: two hospitals without one are not partners of each other."""
    tables = plain_tables(
        {("H1", "G"): (9, 1), ("H2", "B"): (9, 1)},
        {"G": 9, "B": 9},
        links=[("G", "c", "any", "B", "cooperation")],
    )
    assert broken(make(tables), {("H1", "G"): 1, ("H2", "B"): 1}) == [("link", "H1", "G", 1)]


def test_a_mandate_where_nothing_is_offered_helps_nobody() -> None:
    """Cases at a pair that is no offer do not satisfy a link."""
    tables = plain_tables({("H", "G"): (9, 1)}, {"G": 9, "B": 9}, links=[("G", "c", "any", "B", "inhouse")])
    found = broken(make(tables), {("H", "G"): 1, ("H", "B"): 1})
    assert found == [("link", "H", "G", 1), ("offer", "H", "B", 1)]


def test_link_cycles_and_self_links() -> None:
    """Two groups that need each other stand or fall together; a group that needs itself is content."""
    tables = plain_tables(
        {("H", "A"): (9, 1), ("H", "B"): (9, 1), ("H", "C"): (9, 1)},
        {"A": 9, "B": 9, "C": 9},
        links=[
            ("A", "c", "all", "B", "inhouse"),
            ("B", "c", "any", "A", "inhouse"),
            ("C", "c", "all", "C", "cooperation"),
        ],
    )
    instance = make(tables)
    assert broken(instance, {("H", "A"): 1, ("H", "B"): 1, ("H", "C"): 1}) == []
    assert broken(instance, {("H", "A"): 1}) == [("link", "H", "A", 1)]
    assert broken(instance, {("H", "B"): 1, ("H", "C"): 2}) == [("link", "H", "B", 1)]


def test_zero_demand() -> None:
    """Where nobody needs anything, every case is one too many."""
    instance = make(plain_tables({("H", "G"): (9, 1)}, {"G": 0}))
    assert broken(instance, {("H", "G"): 1}) == [("demand", None, "G", 1)]
    assert check(instance, {}) == Verdict(0, ())


def test_cells_of_one_group_in_two_regions_are_apart() -> None:
    """Each offer takes from the cell of its own region; the minimum share is a share of that cell."""
    tables = plain_tables({("H1", "G"): (9, 1), ("H2", "G"): (9, 1)}, {"G": 4})
    tables |= {
        "regions": {"region": ["n", "s"]},
        "demand": {"group": ["G", "G"], "cases": [4, 8], "region": ["n", "s"]},
    }
    tables["offers"]["region"] = ["n", "s"]
    tables["groups"]["minimum_share_bp"] = [5000]
    instance = make(tables)
    assert broken(instance, {("H1", "G"): 2, ("H2", "G"): 4}) == []
    assert broken(instance, {("H1", "G"): 5, ("H2", "G"): 3}) == [("demand", None, "G", 1), ("threshold", "H2", "G", 1)]
    assert check(instance, {("H1", "G"): 5}).violations[0].text == "G in n: 5 cases given, 4 needed"


@pytest.mark.parametrize("cases", [0.5, 2.0, np.float64(3), "4", None])
def test_cases_that_are_not_whole(cases: Any) -> None:
    """Fractions are no cases: they are refused, not rounded."""
    with pytest.raises(TypeError):
        check(small(), {("H1", "G1"): cases})


@pytest.mark.parametrize("volumes", [np.zeros(4, int), np.zeros((5, 1), int), np.zeros(5), np.zeros(5, bool)])
def test_volumes_of_the_wrong_kind(volumes: np.ndarray) -> None:
    """Volumes are whole numbers over the offers, in that shape."""
    with pytest.raises(TypeError, match="whole numbers over the offers"):
        check(small(), volumes)


def test_agreement_with_a_second_checker() -> None:
    """On hundreds of random instances and allocations both checkers find the same violations, number by number."""
    seen: set[str] = set()
    feasible = 0
    for seed in range(300):
        instance, tables = random_instance(seed, link_chance=0.3 if seed % 3 else 0.8)
        naive = Naive(tables, instance.capacity_mode)
        draw = random.Random(seed)
        pairs = [*naive.capacity, ("H0", "G9"), ("X", "G0")]
        for density in (0.1, 0.3, 0.6, 0.9):
            cases = {pair: draw.choice([0, 1, 2, 3, 4, 5, 9]) for pair in pairs if draw.random() < density}
            if draw.random() < 0.1:
                cases[pairs[0]] = -2
            assert broken(instance, cases) == naive.violations(cases), (seed, cases)
            verdict = check(instance, cases)
            assert verdict.objective == naive.value(cases)
            seen |= {violation.rule for violation in verdict.violations}
            feasible += verdict.feasible
        best = max(naive.allocations(), key=naive.value, default=None) if len(naive.capacity) < 7 else None
        if best is not None:
            assert broken(instance, best) == []
            feasible += 1
    assert seen == {"offer", "whole", "demand", "capacity", "area_capacity", "threshold", "link", "override"}
    assert feasible > 50


def test_an_allocation_for_another_instance_is_refused() -> None:
    """With the hash of another instance there is nothing to judge."""
    instance = make(small_tables())
    other = instance.with_rules(links=False)
    with pytest.raises(InputError, match="another instance"):
        check(other, Allocation({("H1", "G1"): 5}, instance.instance_hash))
    assert check(instance, Allocation({("H1", "G1"): 5}, instance.instance_hash)).objective == 25
