"""Delta debugging: what is left still fails, and nothing more can go."""

from __future__ import annotations

import pytest
from instances_for_tests import make, small_tables

from splgbench import load
from splgbench.instance import Instance
from splgbench.testing import reduce_instance
from splgbench.transform import to_tables


def has_link_between(group: str, required: str) -> object:
    def fails(instance: Instance) -> bool:
        links = to_tables(instance).get("links", {"group": [], "required": []})
        return (group, required) in set(zip(links["group"], links["required"], strict=True))

    return fails


def test_a_large_instance_becomes_a_small_one() -> None:
    """What remains of 26 hospitals x 100 groups is one link and what it names."""
    instance = load("us-miami-2011")
    links = to_tables(instance)["links"]
    pair = (links["group"][7], links["required"][7])
    seen: list[str] = []
    fails = has_link_between(*pair)
    reduced = reduce_instance(instance, fails, on_smaller=lambda smaller: seen.append(smaller.instance_hash))  # type: ignore[arg-type]
    assert set(reduced.groups) == set(pair)
    assert reduced.n_offers == 0
    assert len(to_tables(reduced)["links"]["group"]) == 1
    assert fails(reduced)  # type: ignore[operator]
    assert seen[-1] == reduced.instance_hash


def test_numbers_become_small() -> None:
    """A failure that needs a capacity of 4 keeps 4 and nothing above the least elsewhere."""

    def fails(instance: Instance) -> bool:
        return bool((instance.capacity >= 4).any())

    reduced = reduce_instance(make(small_tables()), fails)
    assert reduced.capacity.tolist() == [4]
    assert reduced.utility.tolist() == [1]
    assert (reduced.n_hospitals, reduced.n_groups, len(reduced.override_offer)) == (1, 1, 0)
    assert not reduced.minimum_cases.any()
    assert not reduced.demand.any()


def test_what_breaks_a_rule_of_the_data_is_not_asked_about() -> None:
    """A fix stays legal on the way down; the failure is asked about valid instances only."""
    tables = small_tables()
    tables["overrides"] = {"hospital": ["H1"], "group": ["G1"], "action": ["fix"], "cases": [5], "reason": ["so"]}

    def fails(instance: Instance) -> bool:
        return "fix" in instance.override_action

    reduced = reduce_instance(make(tables), fails)
    assert list(reduced.override_action) == ["fix"]
    assert (reduced.n_offers, int(reduced.capacity[0]), int(reduced.demand[0])) == (1, 5, 5)


def test_patience_ends_it() -> None:
    """With no time the instance comes back as it is; an error of the question itself is not swallowed."""
    instance = make(small_tables())
    assert reduce_instance(instance, lambda _: True, patience=-1.0) is instance

    def breaks(_: Instance) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reduce_instance(instance, breaks)
