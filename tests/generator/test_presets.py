"""The recipes that come with the project."""

from importlib import resources

import pytest

from splgbench.errors import InputError
from splgbench.generator.generate import generate
from splgbench.generator.presets import (
    PresetHash,
    committed_hashes,
    computed_hashes,
    load_preset,
    preset_names,
    write_presets,
)
from splgbench.generator.recipe import Recipe, recipe_text

HARD = [f"hard-h{i}" for i in range(1, 11)]


def test_names():
    """Ten hard recipes beside an easy one and one of Basel's size."""
    assert preset_names() == ["basel", "easy", *HARD]


@pytest.mark.parametrize("name", preset_names())
def test_preset_files_are_as_the_writer_writes_them(name):
    """Every knob is written out, so that a later default moves no preset."""
    recipe = load_preset(name)
    text = (resources.files("splgbench.instances") / "recipes" / f"{name}.toml").read_text("utf-8")
    assert text == recipe_text(recipe)
    assert recipe.name == name
    assert recipe.description.endswith(("?", "licences."))


def test_presets_give_the_committed_instances():
    """A changed draw, knob or seed shows here; `write_presets` writes the hashes anew."""
    assert computed_hashes(load_preset(name) for name in preset_names()) == committed_hashes()


@pytest.mark.parametrize("name", ["basel", *HARD])
def test_size_of_the_full_presets(name):
    """26 hospitals, 145 groups, 31 areas, both capacities."""
    instance = generate(load_preset(name))
    assert (instance.n_hospitals, instance.n_groups, instance.n_areas) == (26, 145, 31)
    assert instance.capacity_mode == "both"


def test_the_easy_preset_fits_size_limited_licences():
    """At most 2,000 columns with one volume and one mandate an offer."""
    assert 2 * generate(load_preset("easy")).n_offers <= 2000


def test_unknown_preset():
    """The error lists what there is."""
    with pytest.raises(InputError, match="no such recipe; there are basel, easy, hard-h1"):
        load_preset("hardest")


def test_write_presets_changes_seeds_and_hashes(tmp_path):
    """What a screening leads to: new seeds, the hashes to match, nothing else."""
    write_presets(tmp_path, {"easy": 77})
    text = (resources.files("splgbench.instances") / "recipes" / "easy.toml").read_text("utf-8")
    seed = load_preset("easy").seed
    assert (tmp_path / "easy.toml").read_text("utf-8") == text.replace(f"seed = {seed}\n", "seed = 77\n")
    rows = (tmp_path / "hashes.csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + len(preset_names())
    old = {row.recipe: row for row in committed_hashes()}["easy"]
    assert f"easy,77,{old.instance_hash}" not in rows
    assert sum(row.startswith("easy,77,") for row in rows) == 1


def test_computed_hashes_name_recipe_and_seed():
    """A hash without its seed says nothing."""
    recipe = Recipe(name="tiny", seed=5, hospitals=2, groups=3, areas=2)
    assert computed_hashes([recipe]) == [PresetHash("tiny", 5, generate(recipe).instance_hash)]
