"""Twins have an instance's statistics and none of its data."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from splgbench.errors import InputError
from splgbench.generator.generate import generate
from splgbench.generator.recipe import Recipe
from splgbench.generator.twin import family_text, fit_rows, marginals, twin
from splgbench.instance import Instance
from splgbench.library import load

TOLD = Recipe(
    name="told",
    hospitals=60,
    groups=120,
    areas=12,
    eligibility="0.6",
    breadth="0.3",
    demand_median="80",
    demand_sd="0.8",
    size_sd="0.5",
    cap_sd="0.3",
    rho="2.5",
    rho_area="1.2",
    threshold_low="0.1",
    threshold_high="0.5",
    share_max_bp=300,
    in_area_links="0.6",
    in_area_all="0.3",
    cross_links="0.4",
    cross_all="0.8",
    util_h="0.1",
    util_hl="0.15",
)


def test_a_twin_finds_the_knobs_of_a_generated_instance():
    """The generator's own knobs come back, within what one draw allows."""
    found = twin(generate(TOLD))
    assert (found.hospitals, found.groups, found.areas, found.capacity_mode) == (60, 120, 12, "both")
    for knob, room in {
        **dict.fromkeys(("eligibility", "breadth", "cap_sd", "size_sd", "util_h", "util_hl", "rho_area"), 0.12),
        **dict.fromkeys(("demand_sd", "in_area_links", "cross_links", "in_area_all", "cross_all"), 0.2),
        **dict.fromkeys(("threshold_low", "threshold_high"), 0.12),
        "rho": 0.25,
        "demand_median": 20,
        "share_max_bp": 90,
    }.items():
        assert abs(float(getattr(found, knob)) - float(getattr(TOLD, knob))) <= room, knob


def test_the_committed_twins_are_what_is_fitted():
    """The points of the family file are the ones that the command writes."""
    text = (resources.files("splgbench.instances") / "families" / "twin.toml").read_text("utf-8")
    committed = tomllib.loads(text)
    fitted = tomllib.loads(family_text({name: load(name) for name in ("us-miami-2011", "basel-2022")}, [1, 2, 3]))
    for name, knobs in fitted.pop("axes")["of"].items():
        assert committed["axes"]["of"][name] == knobs, name
    del committed["axes"]
    assert committed == fitted


def test_a_twin_matches_its_marginals_and_no_key():
    """Medians within a factor of 1.4 on three seeds; no hospital or group of the original."""
    real = load("us-miami-2011")
    for seed in (1, 2, 3):
        copy = generate(replace(twin(real), seed=seed))
        for (quantity, own), other in zip(marginals(real).items(), marginals(copy).values(), strict=True):
            ratio = other[len(other) // 2] / own[len(own) // 2]
            assert 1 / 1.4 < ratio < 1.4, (quantity, seed)
        assert not set(real.hospitals) & set(copy.hospitals)
        assert not set(real.groups) & set(copy.groups)
    assert fit_rows({"a": real}, {"a": [real]})[0] == ("quantity", "quantile", "a")


def test_twins_of_regions_and_cooperation():
    """Their knobs come back, too."""
    given = replace(TOLD, regions=4, supraregional="0.3", cooperation_groups=6, cooperation_links="0.5")
    found = twin(generate(given))
    assert found.regions == 4
    assert found.cooperation_groups == 6
    assert abs(found.supraregional - given.supraregional) < 0.12  # type: ignore[operator]
    assert abs(found.cooperation_links - given.cooperation_links) < 0.12  # type: ignore[operator]


def test_what_has_no_twin():
    """Too small, or without demand."""
    for cases, groups in ((5, ["A", "B"]), (0, ["A", "B", "C"])):
        tables = {
            "hospitals": ["H"],
            "groups": {"group": groups, "area": ["x", "y", "x"][: len(groups)]},
            "demand": {"group": groups, "cases": [cases] * len(groups)},
            "offers": {"hospital": ["H"], "group": ["A"], "capacity": [3], "utility": [1]},
        }
        with pytest.raises(InputError, match="a twin needs"):
            twin(Instance.from_tables(**tables))
