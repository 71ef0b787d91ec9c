"""Smaller instances made from an instance: parts of it, and cuts that keep its competition."""

from __future__ import annotations

from typing import Any

import pytest
from instances_for_tests import MODES, make, plain_tables, random_instance, small
from naive import Naive

from splgbench.errors import InputError
from splgbench.transform import cut, subset


def test_a_part_names_only_what_it_keeps() -> None:
    """Offers, links, area capacities and overrides go with their hospitals and groups; clauses lose members."""
    part = subset(small(), groups=["G3", "G1"])
    assert part.groups == ("G1", "G3")
    assert [part.offer_name(k) for k in range(part.n_offers)] == [
        ("H1", "G1"),
        ("H1", "G3"),
        ("H2", "G1"),
        ("H2", "G3"),
    ]
    assert part.to_tables()["links"]["required"] == ["G3", "G1"]
    assert part.to_tables()["overrides"]["group"] == ["G3"]
    alone = subset(small(), hospitals=["H1"])
    assert (alone.hospitals, alone.n_offers, alone.n_cells) == (("H1",), 3, 3)
    assert alone.to_tables()["overrides"]["group"] == ["G2"]
    assert len(subset(small(), hospitals=["H2"]).stated_pair_capacity) == 0
    assert subset(small()) == small()
    nothing = subset(small(), hospitals=[], groups=[])
    assert (nothing.n_hospitals, nothing.n_groups, nothing.n_offers, nothing.n_clauses) == (0, 0, 0, 0)


@pytest.mark.parametrize("mode", MODES)
def test_an_instance_that_splits_is_the_sum_of_its_parts(mode: str) -> None:
    """Two instances side by side have the sum of their optima, and `subset` takes them apart again (fact 3)."""
    for seed in range(0, 40, 4):
        one, tables = random_instance(seed, mode, gentle=True, overrides=0, regions=False)
        two, others = random_instance(seed + 1, mode, gentle=True, overrides=0, regions=False)
        both: dict[str, Any] = {}
        for side, part in (("a", tables), ("b", others)):
            for table, columns in part.items():
                for column, cells in columns.items():
                    named = column in ("hospital", "group", "area", "required", "cooperation")
                    marked = [side + cell if named and cell else cell for cell in cells]
                    both.setdefault(table, {}).setdefault(column, []).extend(marked)
        joined = make(both, mode)
        expected = [Naive(part, mode).solved() for part in (tables, others)]
        assert Naive(both, mode).solved() == sum(filter(None, expected))
        for side, part in (("a", one), ("b", two)):
            taken = subset(
                joined,
                [h for h in joined.hospitals if h[0] == side],
                [g for g in joined.groups if g[0] == side],
            )
            assert (taken.n_offers, taken.n_clauses, taken.n_cells) == (part.n_offers, part.n_clauses, part.n_cells)
            assert taken.demand.tolist() == part.demand.tolist()


CITY = plain_tables(
    {
        ("big", "G1"): (50, 1),
        ("big", "G2"): (30, 1),
        ("mid", "G1"): (40, 1),
        ("mid", "G3"): (9, 1),
        ("tiny", "G1"): (10, 1),
        ("tiny", "G2"): (3, 1),
    },
    {"G1": 70, "G2": 80, "G3": 9},
)


def test_a_cut_keeps_the_largest_and_their_competition() -> None:
    """The largest hospitals and groups stay; demand shrinks with the capacity that goes, rounded down."""
    smaller = cut(make(CITY, name="city"), 2, 2)
    assert (smaller.name, smaller.hospitals, smaller.groups) == ("city-cut", ("big", "mid"), ("G1", "G2"))
    assert smaller.demand.tolist() == [70 * 90 // 100, 80 * 30 // 33]
    assert cut(make(CITY), 1, 1, "named").name == "named"
    assert cut(make(CITY), 1, 1).groups == ("G2",)
    assert cut(make(CITY), 99, 99) == make(CITY)
    assert cut(make(CITY), 0, 3).demand.tolist() == [0, 0, 0]


def test_a_cut_does_not_care_for_what_it_drops() -> None:
    """A fix at a hospital that goes cannot spoil the cut; one that stays must still fit the smaller demand."""
    fixed = {"hospital": ["tiny"], "group": ["G2"], "action": ["fix"], "cases": [3], "reason": ["so"]}
    tables = CITY | {"overrides": fixed}
    tables["demand"] = {"group": ["G1", "G2", "G3"], "cases": [70, 3, 9]}
    assert len(cut(make(tables), 2, 2).override_action) == 0
    fixed["hospital"] = ["big"]
    with pytest.raises(InputError, match="a fix must be 0 or between"):
        cut(make(tables), 2, 3)
