"""Synthetic families: what their files say is what they make."""

from __future__ import annotations

import pytest

from splgbench.errors import InputError
from splgbench.library import library_names, load
from splgbench.library.families import load_families, parse_family
from splgbench.library.features import committed_features
from splgbench.library.hashes import FAMILIES_FILE, committed_hashes, computed_hash
from splgbench.testing.oracles import by_search

FAMILIES = {family.prefix: family for family in load_families()}
SMALL = """
name = "small"
question = "What?"
seeds = [1, 2]
[base]
hospitals = 4
groups = 6
areas = 3
[axes]
rho = [1, 2.5]
[axes.links]
few = { cross_links = 0, in_area_links = 0.1 }
many = { cross_links = 1 }
"""


def test_axes_span_the_members():
    """Every combination of points with every seed, named after them; a point of several knobs sets them all."""
    family = parse_family(SMALL, "small.toml")
    assert family.names() == tuple(
        f"small/rho-{rho}/links-{links}/seed-{seed}"
        for rho in ("1", "2.5")
        for links in ("few", "many")
        for seed in (1, 2)
    )
    recipe = family.recipe("small/rho-2.5/links-few/seed-2")
    told = recipe.as_text()
    assert (told["rho"], told["cross_links"], told["in_area_links"], told["seed"]) == ("2.5", "0", "0.1", "2")
    assert family.make("small/rho-2.5/links-few/seed-2").name == "small/rho-2.5/links-few/seed-2"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (SMALL.replace('name = "small"', 'name = "No name"'), "name must be lower-case"),
        (SMALL.replace("seeds = [1, 2]", "seeds = []"), "seeds must be whole numbers"),
        (SMALL.replace("hospitals = 4", "hospital = 4"), "base.hospital is no knob"),
        (SMALL.replace("hospitals = 4", "seed = 4"), "base.seed is no knob of a family"),
        (SMALL.replace("[1, 2.5]", "[]"), "axes.rho must have points"),
        (SMALL + "[more]\n", "more is no entry"),
        (SMALL + "[features]\ndensity = [2, 1]\n", "features.density must be"),
        ("name = ", "must be TOML"),
    ],
)
def test_broken_families_are_named(broken, told):
    """File, entry and rule."""
    with pytest.raises(InputError, match=told) as error:
        parse_family(broken, "small.toml")
    assert error.value.problems[0].file == "small.toml"


def test_the_families_of_the_issue_are_there():
    """Each question has its family."""
    assert set(FAMILIES) >= {
        *("competition", "thresholds", "cross-links", "area-tightness", "symmetric", "near-degenerate", "regions"),
        *("cooperation", "scale", "tiny", "twin", "hardness"),
    }
    sizes = [
        recipe.hospitals for recipe in map(FAMILIES["scale"].recipe, FAMILIES["scale"].names()) if recipe.seed == 1
    ]
    assert sizes == [26, 120, 280, 1700, 6000]
    assert all(family.question.endswith("?") for family in FAMILIES.values())


def test_every_member_is_a_sound_recipe_and_has_a_hash():
    """Making the names makes the recipes, with their rules."""
    names = {name for family in FAMILIES.values() for name in family.names()}
    assert names == {row.instance for row in committed_hashes(FAMILIES_FILE)}
    assert names <= set(library_names())


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_members_are_the_committed_bytes(family):
    """The first and (unless it is large) the last member; `splgbench instances hashes` compares them all."""
    committed = {row.instance: row for row in committed_hashes(FAMILIES_FILE)}
    names = FAMILIES[family].names()
    for name in (names[0], *([names[-1]] if family != "scale" else [])):
        assert computed_hash(name) == committed[name]


def test_features_lie_in_the_ranges_that_families_state():
    """What a sweep is named for is what its members have."""
    known = committed_features()
    compared = 0
    for family in FAMILIES.values():
        for name in family.names():
            for feature, (low, high) in family.ranges.items():
                if name in known:
                    assert low <= getattr(known[name], feature) <= high, (name, feature)
                    compared += 1
    assert compared >= 24


def test_sweeps_move_what_they_are_named_for():
    """Along its axis a family's feature never falls, seed by seed."""
    known = committed_features()
    for family, feature in (
        ("competition", "competition"),
        ("thresholds", "threshold_position"),
        ("cross-links", "cross_area_links"),
        ("area-tightness", "area_competition"),
        ("near-degenerate", "utility_spread"),
    ):
        for seed in (1, 2):
            swept = [
                getattr(known[name], feature) for name in FAMILIES[family].names() if name.endswith(f"seed-{seed}")
            ]
            assert swept == sorted(swept), (family, seed)
            assert swept[0] < swept[-1]


def test_equal_hospitals_are_equal():
    """The symmetry measure sees them, and only them."""
    known = committed_features()
    assert known["symmetric/hospitals-equal/seed-1"].symmetry == 1
    assert known["symmetric/hospitals-different/seed-1"].symmetry == 0


def test_tiny_members_are_searched_exhaustively():
    """They are small enough for the oracle."""
    for name in FAMILIES["tiny"].names()[::6]:
        assert by_search(load(name)).optimum is not None


def test_provenance_of_a_synthetic_offer():
    """Every number names the knobs it was drawn from, and that nothing is real."""
    name = "tiny/capacity-both/rules-plain/seed-1"
    instance = load(name)
    hospital, group = instance.offer_name(0)
    origins = FAMILIES["tiny"].provenance(name, hospital, group)
    assert {origin.kind for origin in origins} == {"assumed"}
    capacity = next(origin for origin in origins if (origin.table, origin.column) == ("offers", "capacity"))
    assert capacity.value == str(instance.capacity[0])
    assert "rho = 2.2" in capacity.how
    with pytest.raises(InputError, match="no offer"):
        FAMILIES["tiny"].provenance(name, hospital, "none")


def test_unknown_members():
    """The error lists what there is."""
    with pytest.raises(InputError, match="no such instance; the family has competition/rho-1/seed-1"):
        load("competition/rho-17/seed-1")
