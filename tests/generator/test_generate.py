"""What the generator draws: the same bytes everywhere, and knobs that do what they say."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from splgbench.generator.generate import Draws, generate
from splgbench.generator.recipe import Recipe
from splgbench.package import package_files, read_package, write_package
from splgbench.transform import to_tables

SMALL = {
    "plain": Recipe(name="plain", hospitals=7, groups=12, areas=4),
    "links": Recipe(
        name="links",
        seed=20_260_101,
        hospitals=9,
        groups=30,
        areas=7,
        uneven_areas="0.5",
        basic_links="0.5",
        in_area_links="0.9",
        cross_links="0.9",
        share_max_bp=500,
        util_h="0.2",
    ),
    "regions": Recipe(name="regions", seed=3, hospitals=11, groups=14, areas=5, regions=3, supraregional="0.3"),
    "cooperation": Recipe(
        name="cooperation",
        seed=4,
        hospitals=10,
        groups=15,
        areas=3,
        capacity_mode="area",
        cooperation_groups=2,
        cooperation_members="0.7",
        cooperation_links="0.5",
    ),
}
PACKAGE_SHA256 = {
    "plain": "f5b63974e9a313340dba0eb804e4f9b4ffbd8843cdf53b23cb22991f69c05a6a",
    "links": "0b3ac640b0a77d7c59c58472007c42f1c0ed436ffdfdf0f3316543acef92f451",
    "regions": "095014f4ed344ffc95045e0663588cef90e00db81116cb2d468c32c09a9932cf",
    "cooperation": "794d2037eefca632befc8b265de70fc187d2dc7624429162916a90ca5dfe83ee",
}


def package_sha256(recipe):
    """SHA-256 over the names and bytes of the package's files."""
    digest = hashlib.sha256()
    for name, data in package_files(generate(recipe)).items():
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def cell_sums(instance):
    total = np.zeros(instance.n_cells, dtype=np.int64)
    np.add.at(total, instance.offer_cell, instance.capacity)
    return total


def clauses(instance, name):
    """(group, is_all, required groups, in cooperation) of the clauses of one kind."""
    found = []
    for i, clause in enumerate(instance.clause_name):
        if clause == name:
            members = slice(instance.clause_start[i], instance.clause_start[i + 1])
            required = instance.required_group[members].tolist()
            wide = instance.required_in_cooperation[members].tolist()
            found.append((int(instance.clause_group[i]), bool(instance.clause_is_all[i]), required, wide))
    return found


def within(share, probability, count):
    """Whether a measured share fits its probability, within four standard errors."""
    return abs(share - probability) <= 4 * (probability * (1 - probability) / count) ** 0.5


@pytest.mark.parametrize("name", SMALL)
def test_packages_are_the_same_bytes_everywhere(name):
    """The committed hash of the whole package: any change of a draw or of the writing shows."""
    assert package_sha256(SMALL[name]) == PACKAGE_SHA256[name]


def test_breadth_lets_large_hospitals_offer_more():
    """The larger half offers more groups, the expected number stays, and no other draw moves."""
    flat = Recipe(hospitals=40, groups=60, areas=6, eligibility="0.5", size_sd="0.5")
    even, broad = generate(flat), generate(replace(flat, breadth="0.4"))
    offers = np.bincount(broad.offer_hospital, minlength=40)
    capacity = np.bincount(broad.offer_hospital, broad.capacity, 40)
    large = np.argsort(capacity)[20:]
    assert offers[large].sum() > 2 * (offers.sum() - offers[large].sum())
    assert within(broad.n_offers / 2400, 0.5, 2400)
    assert (even.demand == broad.demand).all()


def test_another_process_draws_the_same():
    """Nothing hangs on hash randomisation or on what was drawn before."""
    code = (
        "from splgbench.generator.generate import generate\n"
        "from splgbench.generator.recipe import Recipe\n"
        "print(generate(Recipe(name='plain', hospitals=7, groups=12, areas=4)).instance_hash)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == generate(SMALL["plain"]).instance_hash


def test_the_package_says_how_it_was_made(tmp_path):
    """Licence, seed and every knob stand in the descriptor and survive a round trip."""
    recipe = SMALL["links"]
    write_package(generate(recipe), tmp_path / "package")
    metadata = read_package(tmp_path / "package").metadata
    assert metadata["licenses"][0]["name"] == "CC0-1.0"
    assert metadata["title"] == "Synthetic instance links, seed 20260101"
    assert "no hospital and no patient is real" in metadata["description"]
    assert Recipe(**metadata["recipe"]) == recipe


def test_a_stream_for_every_kind_of_draw():
    """A knob moves its own draws and nothing else."""
    base = SMALL["links"]
    before = to_tables(generate(base))
    moves = {
        "util_hl": ({"util_hl": "0.2"}, {("offers", "utility")}),
        "threshold": ({"threshold_high": "0.9"}, {("groups", "minimum_cases")}),
        "share": ({"share_max_bp": 900}, {("groups", "minimum_share_bp")}),
        "rho_area": ({"rho_area": "1.1"}, {("area_capacity", "capacity")}),
        "cooperation": ({"cooperation_groups": 2}, {("hospitals", "cooperation")}),
        "capacity": (
            {"cap_sd": "0.1"},
            {("offers", "capacity"), ("groups", "minimum_cases"), ("area_capacity", "capacity")},
        ),
    }
    for name, (change, expected) in moves.items():
        after = to_tables(generate(replace(base, **change)))
        moved = {
            (table, column)
            for table, columns in after.items()
            for column in columns
            if columns[column] != before[table][column]
        }
        assert moved == expected, name
    for links in ("basic_links", "in_area_links", "cross_links"):
        after = to_tables(generate(replace(base, **{links: 0})))
        assert {table for table in before if before[table] != after[table]} == {"links"}
        kept = [
            row
            for row in zip(*before["links"].values(), strict=True)
            if row[1] != links.partition("_l")[0].replace("_", "-")
        ]
        assert list(zip(*after["links"].values(), strict=True)) == kept


def test_seeds_and_kinds_have_streams_of_their_own():
    """Two seeds, or two kinds of one seed, share no words."""
    streams = [Draws(seed).bits(kind, 1000) for seed in (1, 2) for kind in ("offer", "capacity")]
    assert len(np.unique(np.concatenate(streams))) == 4000
    assert generate(Recipe(seed=1)).instance_hash != generate(Recipe(seed=2)).instance_hash


def test_sizes_and_keys():
    """The basic package counts towards groups and areas; keys are padded."""
    instance = generate(Recipe(name="a", hospitals=103, groups=145, areas=31))
    assert (instance.n_hospitals, instance.n_groups, instance.n_areas) == (103, 145, 31)
    assert instance.name == "a-s1"
    assert instance.hospitals[0] == "H001"
    assert instance.hospitals[-1] == "H103"
    assert instance.groups[:2] == ("A01G1", "A01G2")
    assert instance.groups[-2:] == ("BP", "BPE")
    sizes = np.bincount(instance.group_area)
    assert sizes[instance.areas.index("BASE")] == 2
    assert set(sizes.tolist()) == {2, 4, 5}


def test_uneven_areas():
    """Dealt at random, areas differ in size and none is empty."""
    sizes = np.bincount(generate(Recipe(groups=145, areas=31, uneven_areas=1)).group_area)
    assert sizes.min() >= 1
    assert sizes.max() > 6


@pytest.mark.parametrize("rho", ["0.5", "2.72"])
def test_competition_is_the_ratio_of_capacity_to_demand(rho):
    """Without noise the capacities of a cell add up to rho x demand, but for rounding of each offer."""
    instance = generate(Recipe(rho=rho, cap_sd=0, size_sd="0.4"))
    offers = np.bincount(instance.offer_cell, minlength=instance.n_cells)
    assert (np.abs(cell_sums(instance) - float(rho) * instance.demand) <= offers / 2 + 1).all()


def test_capacity_noise_is_lognormal():
    """Noise of logarithmic spread 0.3 leaves the median and raises the mean by e^0.045."""
    quiet, noisy = (generate(Recipe(rho=30, size_sd=0, cap_sd=sd)) for sd in ("0", "0.3"))
    logarithm = np.log(noisy.capacity / quiet.capacity)
    assert abs(logarithm.mean()) < 0.03
    assert abs(logarithm.std() - 0.3) < 0.02


def test_hospital_sizes():
    """With size_sd 0 all hospitals of a cell are alike; with 0.8 they are not."""
    alike, spread = (generate(Recipe(rho=30, cap_sd=0, size_sd=sd)) for sd in ("0", "0.8"))
    cell = alike.offer_cell
    for instance, differs in ((alike, False), (spread, True)):
        ranges = [np.ptp(instance.capacity[cell == c]) > 0 for c in range(instance.n_cells)]
        assert all(ranges) if differs else not any(ranges)


@pytest.mark.parametrize("rho_area", ["0.98", "1.97"])
def test_area_capacity_is_scaled_to_demand(rho_area):
    """Area capacities add up to rho_area x the area's demand; BASE states none."""
    instance = generate(Recipe(rho_area=rho_area))
    stated = np.zeros(instance.n_areas, dtype=np.int64)
    np.add.at(stated, instance.stated_pair_area, instance.stated_pair_capacity)
    demand = np.zeros(instance.n_areas, dtype=np.int64)
    np.add.at(demand, instance.group_area[instance.cell_group], instance.demand)
    base = instance.areas.index("BASE")
    assert stated[base] == 0
    medical = np.arange(instance.n_areas) != base
    assert (np.abs(stated - float(rho_area) * demand)[medical] <= instance.n_hospitals / 2 + 1).all()


def test_demand_grows_with_the_hospitals():
    """Median and spread of demand, and twice the hospitals, twice the demand."""
    small, large = (generate(Recipe(hospitals=h, groups=1000, areas=10, eligibility="0.02")) for h in (20, 40))
    logarithm = np.log(small.demand / 362)
    assert abs(logarithm.mean()) < 0.13
    assert abs(logarithm.std() - 1) < 0.1
    assert (np.abs(large.demand - 2 * small.demand) <= 2).all()


def test_eligibility_is_the_share_of_pairs_that_are_offers():
    """Measured over all pairs, and both ends of the range."""
    recipe = Recipe(hospitals=60, groups=60, areas=9)
    for share in ("0", "0.69", "1"):
        instance = generate(replace(recipe, eligibility=share))
        assert within(instance.n_offers / 3600, float(share), 3600)


def test_thresholds_lie_between_their_positions():
    """m_g / median(K) is uniform between threshold_low and threshold_high."""
    instance = generate(Recipe(demand_median=10_000, groups=300, threshold_low="0.2", threshold_high="1.16"))
    medians = [np.median(instance.capacity[instance.offer_group == g]) for g in range(instance.n_groups)]
    position = instance.minimum_cases / medians
    assert 0.2 - 0.01 < position.min() < 0.25
    assert 1.1 < position.max() < 1.16 + 0.01
    assert abs(position.mean() - 0.68) < 4 * 0.28 / 300**0.5


def test_a_threshold_at_the_median_is_the_median():
    """With an even number of offers it is the mean of the middle two, rounded down."""
    instance = generate(Recipe(threshold_low=1, threshold_high=1))
    medians = [np.median(instance.capacity[instance.offer_group == g]) for g in range(instance.n_groups)]
    assert instance.minimum_cases.tolist() == np.floor(medians).tolist()


@pytest.mark.parametrize(
    ("hospitals", "regions", "most"), [(26, 1, 1000), (260, 1, 100), (260, 10, 1000), (1, 1, 10_000)]
)
def test_minimum_shares_fall_as_hospitals_multiply(hospitals, regions, most):
    """share_max_bp is stated for 26 hospitals that plan together."""
    recipe = Recipe(hospitals=hospitals, regions=regions, groups=400, areas=9, eligibility="0.1", share_max_bp=1000)
    share = generate(recipe).minimum_share_bp
    assert 0.9 * most < share.max() <= most
    assert abs(share.mean() - most / 2) < 0.1 * most


def test_in_area_links():
    """They go to one to three earlier groups of the area, as often as asked, any or all."""
    recipe = Recipe(hospitals=1, groups=2000, areas=400, in_area_links="0.5", in_area_all="0.3", cross_links=0)
    instance = generate(recipe)
    found = clauses(instance, "in-area")
    assert len(found) == instance.n_clauses
    for g, _, required, _ in found:
        assert all(instance.group_area[q] == instance.group_area[g] and q < g for q in required)
        assert len(set(required)) == len(required) <= 3
    assert within(len(found) / (1998 - 399), 0.5, 1599)
    assert within(sum(is_all for _, is_all, _, _ in found) / len(found), 0.3, len(found))
    first = np.searchsorted(instance.group_area, instance.group_area)
    sizes = np.array([len(required) for g, _, required, _ in found if g - first[g] >= 3])
    assert all(within((sizes == size).mean(), 1 / 3, len(sizes)) for size in (1, 2, 3))


def test_cross_area_links():
    """They go to one or two of the basic package and groups of other areas, cycles included."""
    recipe = Recipe(hospitals=1, groups=2000, areas=400, in_area_links=0, cross_links="0.9", cross_basic="0.4")
    instance = generate(recipe)
    found = clauses(instance, "cross")
    bp, bpe = instance.groups.index("BP"), instance.groups.index("BPE")
    for g, _, required, _ in found:
        assert g not in (bp, bpe)
        assert bpe not in required
        assert all(instance.group_area[q] != instance.group_area[g] for q in required)
        assert 1 <= len(set(required)) == len(required) <= 2
    assert within(len(found) / 1998, 0.9, 1998)
    assert within(sum(is_all for _, is_all, _, _ in found) / len(found), 0.7, len(found))
    single = [required for _, _, required, _ in found if len(required) == 1]
    # One pick takes BP with 0.4, two picks fall together on it with 0.16.
    assert within(sum(required == [bp] for required in single) / len(single), 0.56 / 1.16, len(single))
    assert any(q > g for g, _, required, _ in found for q in required if q != bp)


def test_links_to_the_basic_package():
    """Any of BP and BPE, for every group but the two."""
    instance = generate(Recipe(groups=50, areas=9, basic_links=1, in_area_links=0, cross_links=0))
    pair = [instance.groups.index("BP"), instance.groups.index("BPE")]
    found = clauses(instance, "basic")
    assert len(found) == 48
    assert all(not is_all and required == pair for _, is_all, required, _ in found)


def test_utilities():
    """Spread by hospital and by offer, the floor, and the scale."""
    recipe = Recipe(hospitals=200, groups=60, areas=9, util_h="0.2", util_hl="0.1", utility_scale=100_000)
    instance = generate(recipe)
    points = instance.utility / 100_000
    of_hospital = np.array([points[instance.offer_hospital == h].mean() for h in range(200)])
    assert abs(of_hospital.std() - 0.2) < 0.04
    assert abs((points - of_hospital[instance.offer_hospital]).std() - 0.1) < 0.01
    floored = generate(replace(recipe, util_hl=2, utility_floor="0.25"))
    assert floored.utility.min() == 25_000
    assert (generate(replace(recipe, util_h=0, util_hl=0)).utility == 100_000).all()


@pytest.mark.parametrize("mode", ["group", "area", "both", "none"])
def test_capacity_modes(mode):
    """The mode changes the instance's rules and no number."""
    instance = generate(replace(SMALL["plain"], capacity_mode=mode))
    assert instance.capacity_mode == mode
    assert to_tables(instance) == to_tables(generate(SMALL["plain"]))


def test_regions():
    """Hospitals are dealt evenly; a group has a cell in each region, or one for all."""
    instance = generate(Recipe(hospitals=11, groups=200, areas=9, regions=3, supraregional="0.3"))
    assert instance.regions == ("ALL", "R1", "R2", "R3")
    per_group = np.bincount(instance.cell_group)
    assert set(per_group.tolist()) == {1, 3}
    assert within((per_group == 1).mean(), 0.3, 200)
    region = instance.cell_region[instance.offer_cell]
    home = {h: set(region[(instance.offer_hospital == h) & (region > 0)].tolist()) for h in range(11)}
    assert [len([h for h in home if home[h] == {r}]) for r in (1, 2, 3)] == [4, 4, 3]
    assert ((instance.cell_region == 0) == (per_group[instance.cell_group] == 1)).all()
    whole = generate(Recipe(hospitals=11, groups=200, areas=9)).demand[instance.cell_group]
    assert (np.abs(instance.demand - whole * np.array([11, 4, 4, 3])[instance.cell_region] / 11) <= 1).all()


def test_regions_that_share_no_group():
    """Without supraregional groups there is no region for all; with one region there is no table."""
    assert generate(Recipe(hospitals=6, regions=2)).regions == ("R1", "R2")
    assert generate(Recipe(hospitals=6, regions=1, supraregional=1)).regions == ()


def test_cooperation():
    """Groups of hospitals, and the share of link members that may stand at a partner."""
    recipe = Recipe(
        hospitals=300,
        groups=500,
        areas=50,
        cooperation_groups=3,
        cooperation_members="0.5",
        cooperation_links="0.4",
        eligibility="0.05",
        in_area_links="0.9",
        cross_links="0.9",
    )
    instance = generate(recipe)
    assert set(instance.cooperation) == {"", "C1", "C2", "C3"}
    assert within(sum(name != "" for name in instance.cooperation) / 300, 0.5, 300)
    wide = instance.required_in_cooperation
    assert within(wide.mean(), 0.4, len(wide))
    alone = generate(replace(recipe, cooperation_groups=0, cooperation_links=0))
    assert set(alone.cooperation) == {""}
    assert not alone.required_in_cooperation.any()


def test_smallest_and_emptiest_instances():
    """One hospital, one ordinary group, no offers: all valid."""
    instance = generate(Recipe(hospitals=1, groups=3, areas=2, cross_links=1, in_area_links=1, basic_links=1))
    assert instance.groups == ("A1G1", "BP", "BPE")
    assert all(required == [1] for _, _, required, _ in clauses(instance, "cross"))
    assert generate(Recipe(eligibility=0)).n_offers == 0


def test_extreme_knobs_stay_exact():
    """The corners of the ranges overflow nothing: capacities follow their demand."""
    recipe = Recipe(
        hospitals=300, groups=20, areas=3, demand_median=100_000, demand_sd="1.5", size_sd=1, cap_sd=0, rho=100,
        utility_scale=10**6,
    )  # fmt: skip
    instance = generate(recipe)
    assert instance.capacity.min() >= 0
    assert (np.abs(cell_sums(instance) / instance.demand - 100) < 0.01).all()
    assert Decimal(int(instance.demand.max())) < Decimal(2) ** 62
