"""Features against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library import load
from splgbench.library.features import (
    COLUMNS,
    committed_features,
    features,
    lp_bounds,
    parse_features,
    write_features,
)


def hand_made(**changes) -> Instance:
    """Two equal hospitals and a third; A in area x, B in area y; A needs B."""
    tables = {
        "hospitals": ["H1", "H2", "H3"],
        "groups": {"group": ["A", "B"], "area": ["x", "y"], "minimum_cases": [6, 0]},
        "demand": {"group": ["A", "B"], "cases": [10, 20]},
        "offers": {
            "hospital": ["H1", "H2", "H1", "H2", "H3"],
            "group": ["A", "A", "B", "B", "B"],
            "capacity": [8, 8, 10, 10, 9],
            "utility": [2, 2, 3, 3, 5],
        },
        "links": {"group": ["A"], "clause": ["c"], "mode": ["all"], "required": ["B"]},
        "capacity_mode": "group",
    }
    return Instance.from_tables(**{**tables, **changes})


def test_by_hand():
    """Sizes, ratios, and what binds: two thresholds of 6 do not fit into 10 cases."""
    found = features(hand_made(), "mine")
    assert (found.instance, found.hospitals, found.groups, found.areas, found.offers) == ("mine", 3, 2, 2, 5)
    assert found.density == Decimal("0.8333")
    assert found.competition == Decimal("1.5000")
    assert found.area_competition == Decimal("1.5000")
    assert found.binding_thresholds == Decimal("0.4000")
    assert found.cross_area_links == Decimal("0.5000")
    assert found.cooperation_links == 0
    assert found.threshold_position == Decimal("0.1111")
    assert found.symmetry == Decimal("0.3333")
    assert found.live_offers == 5
    assert found.components == 1
    assert found.regions == 1


def test_area_capacity_counts_where_it_holds():
    """Thresholds of one hospital-area that exceed Q bind in the mode area, and not in the mode group."""
    given = {
        "groups": {"group": ["A", "B"], "area": ["x", "x"], "minimum_cases": [6, 6]},
        "demand": {"group": ["A", "B"], "cases": [20, 20]},
        "area_capacity": {"hospital": ["H1"], "area": ["x"], "capacity": [9]},
        "links": None,
    }
    by_mode = {mode: features(hand_made(**given, capacity_mode=mode)) for mode in ("group", "area")}
    assert by_mode["group"].binding_thresholds == 0
    assert by_mode["area"].binding_thresholds == Decimal("0.4000")
    assert by_mode["area"].area_competition == Decimal("0.9000")


@pytest.mark.parametrize(
    "change",
    [
        {"offers": {"hospital": ["H1", "H2"], "group": ["A", "A"], "capacity": [8, 9], "utility": [2, 2]}},
        {"offers": {"hospital": ["H1", "H2"], "group": ["A", "A"], "capacity": [8, 8], "utility": [2, 3]}},
        {"overrides": {"hospital": ["H1"], "group": ["B"], "action": ["refuse"], "reason": ["closed"]}},
        {"area_capacity": {"hospital": ["H1"], "area": ["x"], "capacity": [7]}},
    ],
)
def test_what_breaks_symmetry(change):
    """Capacity, utility, an override, area capacity: each tells two hospitals apart."""
    assert features(hand_made()).symmetry > 0
    assert features(hand_made(**change)).symmetry == 0


def test_spread_of_utilities():
    """Cells with one offer do not count; quartiles are of ranks rounded down."""
    offers = {"hospital": ["H1", "H2", "H3"], "group": ["A"] * 3, "capacity": [8] * 3, "utility": [10, 20, 40]}
    assert features(hand_made(offers=offers, links=None)).utility_spread == Decimal("1.5000")


def test_lp_bounds_are_above_the_optimum_and_ordered():
    """The optimum of the small instance is 2 x 8 + 3 x 11 + 5 x 9 = 94 at most; strengthened is never weaker."""
    bounds = lp_bounds(hand_made(), 10)
    assert bounds["strengthened"] <= bounds["linked"]
    assert features(hand_made(), lp_seconds=10).lp_linked == bounds["linked"]


def test_features_survive_their_file():
    """CSV and back, an unknown LP bound included."""
    row = features(hand_made(), "a")
    rows = {"a": row, "b": replace(row, instance="b", lp_linked=7)}
    assert parse_features(write_features(rows.values()), "f.csv") == rows
    with pytest.raises(InputError, match="must have the columns"):
        parse_features("a,b\n", "f.csv")
    with pytest.raises(InputError, match=r"f\.csv, row 2"):
        parse_features(",".join(COLUMNS) + "\n" + ",".join(["x"] * len(COLUMNS)) + "\n", "f.csv")


@pytest.mark.parametrize("name", ["easy", "tiny/capacity-both/rules-regions/seed-1", "us-miami-2011"])
def test_committed_features_are_what_is_computed(name):
    """The table is the code's, LP bounds left aside."""
    known = committed_features()[name]
    assert (
        replace(features(load(name), name), lp_linked=known.lp_linked, lp_strengthened=known.lp_strengthened) == known
    )
