"""Drawn instances: what they exercise, that knobs hold, and that near allocations and new names are what they say."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from splgbench.instance import Instance
from splgbench.testing import Knobs, allocations, instances, relabelings, survey
from splgbench.testing.draws import reproducibly
from splgbench.testing.oracles import by_search

FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def drawn(count: int, knobs: Knobs, number: int = 1) -> list[Instance]:
    """`count` instances of a fixed seed."""
    found: list[Instance] = []

    @reproducibly("drawn", number, count, shrink=False)
    @given(instances(knobs))
    def draw(instance: Instance) -> None:
        found.append(instance)

    draw()
    return found


def test_most_draws_are_interesting() -> None:
    """Every rule changes the optimum of a good part of the draws, and few draws have no allocation."""
    total, counts = survey(drawn(250, Knobs()))
    part = {feature: count / total for feature, count in counts.items()}
    assert total == 250
    least = {"threshold": 0.2, "link": 0.2, "cross-area link": 0.08, "capacity": 0.15, "demand": 0.5, "override": 0.03}
    assert {feature: part[feature] for feature, bar in least.items() if part[feature] < bar} == {}
    assert counts["cooperation link"] >= 2
    assert part["infeasible"] < 0.15


@pytest.mark.parametrize(
    "knobs",
    [
        Knobs(hospitals=1, groups=2, areas=1, regions=1, offers=2, cases=4, utility=2, modes=("area",)),
        Knobs().without("minima", "shares", "links", "overrides", "area_capacity"),
        Knobs(hospitals=5, groups=6, offers=20).without("cooperation"),
    ],
)
def test_knobs_hold(knobs: Knobs) -> None:
    """No instance is larger, or has more, than the knobs allow."""
    for instance in drawn(80, knobs):
        assert 1 <= instance.n_hospitals <= knobs.hospitals
        assert 1 <= instance.n_groups <= knobs.groups
        assert len(instance.areas) <= knobs.areas
        assert len(instance.regions) <= knobs.regions
        assert instance.n_offers <= knobs.offers
        assert max(instance.demand.max(initial=0), instance.capacity.max(initial=0)) <= knobs.cases
        assert instance.utility.max(initial=0) <= knobs.utility
        assert instance.capacity_mode in knobs.modes
        assert knobs.links or not instance.n_clauses
        assert knobs.minima or not instance.minimum_cases.any()
        assert knobs.shares or not instance.minimum_share_bp.any()
        assert knobs.overrides or not len(instance.override_offer)
        assert knobs.area_capacity or not len(instance.stated_pair_capacity)
        assert knobs.cooperation or not instance.required_in_cooperation.any()


def test_all_features_occur() -> None:
    """Modes, regions, clauses of both kinds and scopes, overrides and exemptions of every kind are drawn."""
    found = drawn(250, Knobs())
    assert {instance.capacity_mode for instance in found} == {"group", "area", "both", "none"}
    assert any(len(instance.regions) > 1 for instance in found)
    assert any(instance.clause_is_all.any() for instance in found)
    assert any((~instance.clause_is_all).any() for instance in found)
    assert any(instance.required_in_cooperation.any() for instance in found)
    actions = {(a, r) for i in found for a, r in zip(i.override_action, i.override_rule, strict=True)}
    assert actions == {("grant", ""), ("refuse", ""), ("fix", ""), ("exempt", "threshold"), ("exempt", "links")}


@FIXED
@given(st.data())
def test_allocations_are_near(data: st.DataObject) -> None:
    """At most three numbers differ from the allocation they start from, and every pair is an offer."""
    instance = data.draw(instances())
    best = by_search(instance).cases or {}
    cases = data.draw(allocations(instance, best))
    assert sum(cases.get(pair, 0) != best.get(pair, 0) for pair in cases.keys() | best.keys()) <= 3
    assert set(cases) <= set(instance.offer_index)
    assert all(x > 0 for x in cases.values())


@FIXED
@given(st.data())
def test_relabelings_permute(data: st.DataObject) -> None:
    """New names, the same numbers."""
    instance = data.draw(instances())
    other = data.draw(relabelings(instance)).of(instance)
    assert sorted(other.hospitals) == sorted(instance.hospitals)
    assert sorted(other.utility) == sorted(instance.utility)
    assert other.n_clauses == instance.n_clauses
    assert sorted(other.demand) == sorted(instance.demand)
