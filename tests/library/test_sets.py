"""Benchmark sets: chosen by their stated rule, and campaigns take them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest

from splgbench.campaign.spec import parse_campaign
from splgbench.errors import InputError
from splgbench.library.baseline import CLASSES, class_of, committed_runs, page, parse_runs, runs_text
from splgbench.library.best_known import best_known
from splgbench.library.catalogue import catalogue
from splgbench.library.features import committed_features
from splgbench.library.selection import chosen, parse_rule
from splgbench.library.sets import set_members, set_names

SETS = resources.files("splgbench.instances") / "sets"
RULE = 'always = []\npool = ["*"]\nsize = {size}\nper_family = {per_family}\nleast_distance = {least_distance}\n'


def pool():
    """Six instances on a line of competition, two of them equal."""
    one = next(iter(committed_features().values()))
    return {
        name: replace(one, instance=name, competition=Decimal(value))
        for name, value in zip("abcdef", "122349", strict=True)
    }


def rule(size=6, per_family=6, least_distance=0):
    return parse_rule(RULE.format(size=size, per_family=per_family, least_distance=least_distance), "rule")


def test_farthest_first():
    """The middle first (ties by name), then the ends, then what lies between; equal ones last."""
    families = dict.fromkeys("abcdef", "one")
    order = chosen(pool(), families, rule())
    assert set(order[1:3]) == {"a", "f"}
    assert order[0] in "bcd"
    assert order[-1] in "bc"
    assert chosen(pool(), families, rule(size=2)) == order[:2]
    assert chosen(pool(), families, rule(size=3), always=["e"])[0] == "e"


def test_near_duplicates_and_full_families_stay_out():
    """Of the equal pair one; of a full family no more."""
    families = dict.fromkeys("abcdef", "one")
    assert len({"b", "c"} & set(chosen(pool(), families, rule(least_distance=1)))) == 1
    assert len(chosen(pool(), families, rule(per_family=2))) == 2
    assert len(chosen(pool(), families | {"a": "two", "f": "two"}, rule(per_family=2))) == 4


def test_the_benchmark_set_is_what_its_rule_chooses():
    """From the committed features, whatever the machine."""
    stated = parse_rule((SETS / "benchmark.toml").read_text("utf-8"), "benchmark.toml")
    always = [entry for pattern in stated.always for entry in catalogue(pattern)]
    entries = {entry.name: entry for pattern in stated.pool for entry in catalogue(pattern)} | {
        entry.name: entry for entry in always
    }
    families = {name: entry.family for name, entry in entries.items()}
    names = chosen(
        {name: entry.features for name, entry in entries.items()}, families, stated, [entry.name for entry in always]
    )
    members = set_members("benchmark")
    assert set(names) == set(members)
    assert 50 <= len(members) <= 60


@pytest.mark.parametrize("name", ["benchmark", "tiny"])
def test_members_are_of_the_library(name):
    """With the hash that the features were computed for."""
    known = committed_features()
    for member, row in set_members(name).items():
        assert row["instance_hash"] == known[member].instance_hash


def test_classes_follow_their_rule():
    """From the committed runs and records; every class has members."""
    runs, best = committed_runs(), best_known()
    found = {name: class_of(name, runs, best.get(name)) for name in set_members("benchmark")}
    assert found == {name: row["class"] for name, row in set_members("benchmark").items()}
    assert set(found.values()) <= set(CLASSES)
    assert "easy" in found.values()


def test_the_baseline_page_is_made_from_the_tables():
    """As committed beside the sources; an installed package has none."""
    file = Path(__file__).parents[2] / "BASELINE.md"
    made = page(set_members("benchmark"), committed_runs(), best_known(), committed_features())
    assert file.read_text("utf-8") == made


def test_runs_survive_their_file():
    """CSV and back; of two runs under equal terms the later stays."""
    runs = committed_runs()
    assert parse_runs(runs_text(runs), "runs.csv") == runs
    later = replace(runs[0], wall_time_s=99.0)
    assert parse_runs(runs_text([*runs, later]), "runs.csv")[0] == later
    with pytest.raises(InputError, match="must have the columns"):
        parse_runs("a\n", "runs.csv")


def test_campaigns_name_sets():
    """As set:NAME among the names of instances; an unknown one is named."""
    text = 'name = "c"\n[[instances]]\nnames = ["set:{}"]\n[[methods]]\nnames = ["linked@highs"]\n'
    text += "[limits]\nwall_time = 1\n"
    campaign = parse_campaign(text.format("tiny"), Path("c.toml"))
    assert [source.name for source in campaign.sources] == list(set_members("tiny"))
    with pytest.raises(InputError, match=r"no such set; there are benchmark, tiny"):
        parse_campaign(text.format("none"), Path("c.toml"))
    assert set_names() == ["benchmark", "tiny"]
