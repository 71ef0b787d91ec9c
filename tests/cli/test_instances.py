"""``splgbench instances``: the list, its filters, one instance and its picture."""

from __future__ import annotations

import json

import pytest

from splgbench.cli import main
from splgbench.library import load
from splgbench.library.picture import area_loads, text_bars
from splgbench.library.sets import set_members

NAME = "tiny/capacity-both/rules-plain/seed-1"


def listed(capsys, *filters):
    assert main(["instances", *filters, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["instances"]


def test_the_list_has_everything_and_filters_it(capsys):
    """By family, kind, status, name and set; names sort as numbers."""
    everything = listed(capsys)
    assert {entry["kind"] for entry in everything} >= {"real", "synthetic"}
    assert [entry["name"] for entry in listed(capsys, "--family", "scale", "--name", "*seed-1")] == [
        f"scale/hospitals-{size}/seed-1" for size in (26, 120, 280, 1700, 6000)
    ]
    assert all(entry["kind"] == "real" for entry in listed(capsys, "--kind", "real"))
    unknown = listed(capsys, "--status", "unknown")
    assert unknown
    assert all(entry["best_known"] is None for entry in unknown)
    assert {entry["name"] for entry in listed(capsys, "--set", "tiny")} == set(set_members("tiny"))
    assert main(["instances", "--family", "scael"]) == 2
    assert "no such collection or family; there are" in capsys.readouterr().err


def test_an_entry_tells_features_and_what_is_best_known(capsys):
    """The LP gap is against the best known value."""
    (entry,) = listed(capsys, "--name", "us-miami-2011")
    features, best = entry["features"], entry["best_known"]
    assert features["hospitals"] == 26
    assert features["lp_gap_strengthened"] == pytest.approx(features["lp_strengthened"] / best["primal"] - 1)
    assert entry["status"] in ("optimal", "optimal-claimed")
    assert best["dual_kind"] in ("certified", "claimed")


def test_as_a_table(capsys):
    """A line an instance, its source below."""
    assert main(["instances", "--family", "twin"]) == 0
    shown = capsys.readouterr().out
    assert "twin/of-us-miami-2011/seed-1" in shown
    assert "recipe instances/families/twin.toml" in shown


def test_show(capsys, tmp_path):
    """Provenance, features, what is known, a bar an area; the picture in two formats."""
    for suffix, start in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        picture = tmp_path / f"p{suffix}"
        assert main(["instances", "show", NAME, "--picture", str(picture)]) == 0
        assert picture.read_bytes().startswith(start)
    shown = capsys.readouterr().out
    assert "recipe instances/families/tiny.toml" in shown
    assert "best known" in shown
    assert "BASE" in shown
    assert main(["instances", "show", NAME, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [area["area"] for area in told["areas"]] == [area.area for area in area_loads(load(NAME))]


def test_pictures_are_the_same_bytes(tmp_path):
    """No dates, no random ids."""
    texts = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        assert main(["instances", "show", NAME, "--picture", str(tmp_path / folder / "p.svg")]) == 0
        texts.add((tmp_path / folder / "p.svg").read_bytes())
    assert len(texts) == 1


def test_bars_by_hand():
    """Demand is full, capacity beyond it light, what is missing marked."""
    loads = area_loads(load("tiny/capacity-area/rules-plain/seed-1"))
    assert sum(load_.demand for load_ in loads) == int(load("tiny/capacity-area/rules-plain/seed-1").demand.sum())
    for line, area in zip(text_bars(loads), loads, strict=True):
        assert ("▒" in line) <= (area.demand > area.capacity)
        assert ("░" in line) <= (area.capacity > area.demand)


def test_names_that_are_none(capsys, tmp_path):
    """A path is no entry of the library; an unknown name lists none."""
    assert main(["instances", "show", "no-such-instance"]) == 2
    assert main(["instances", "show", NAME, "--picture", str(tmp_path / "p.gif")]) == 2
    assert "must end in .svg or .png" in capsys.readouterr().err


def test_the_library_is_meant_whatever_lies_in_the_working_folder(capsys, tmp_path, monkeypatch):
    """A package of one's own called as a preset is not shown as that preset."""
    monkeypatch.chdir(tmp_path)
    assert (
        main(["generate", "basel", "--set", "hospitals=3", "--set", "groups=8", "--set", "areas=3", "-o", "easy"]) == 0
    )
    capsys.readouterr()
    assert main(["instances", "show", "easy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["features"]["hospitals"] == 12
    assert load("easy").n_hospitals == 3


def test_a_set_of_patterns_that_name_nothing_is_refused(capsys, tmp_path):
    (tmp_path / "sets").mkdir()
    rule = 'always = ["us-miami-2012"]\npool = ["tiny/*"]\nsize = 3\nper_family = 3\nleast_distance = 0\n'
    (tmp_path / "sets" / "few.toml").write_text(rule)
    assert main(["instances", "select", "--set", "few", "--library", str(tmp_path)]) == 2
    assert "nothing in the library is called us-miami-2012" in capsys.readouterr().err
