"""Recipes: ranges, exact decimals, the TOML file and its errors."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from splgbench.errors import InputError
from splgbench.generator.recipe import KNOBS, Recipe, parse_recipe, read_recipe, recipe_text, write_recipe


def problems_of(call, *arguments, **named):
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    return [str(problem) for problem in caught.value.problems]


def test_every_knob_has_a_range_and_a_description():
    """The table of ranges, the fields and the docstring name the same knobs in the same order."""
    assert list(KNOBS) == [entry.name for entry in fields(Recipe)]
    assert all(name in (Recipe.__doc__ or "") for name in KNOBS)


def test_round_trip_through_a_file(tmp_path):
    """Every knob survives, with awkward decimals and a description full of marks."""
    recipe = Recipe(
        name="round-trip",
        description='quotes "here", a \\ backslash, ümlaut and # hash',
        seed=2**63 - 1,
        rho="2.720000",
        eligibility=Decimal("0.000001"),
        demand_median=Decimal("1E+2"),
        capacity_mode="area",
    )
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe
    assert "rho = 2.72\n" in recipe_text(recipe)
    assert "demand_median = 100\n" in recipe_text(recipe)


def test_decimals_are_exact():
    """0.1 in the file is one tenth, not the nearest double."""
    assert parse_recipe('name = "a"\nrho_area = 0.1\n').rho_area == Decimal("0.1")
    assert parse_recipe('name = "a"\nrho_area = "0.1"\n').rho_area == Decimal("0.1")


def test_equal_recipes_give_equal_text():
    """However a number is written, the package records it the same way."""
    assert Recipe(util_h="0.50").as_text() == Recipe(util_h=Decimal("5E-1")).as_text()
    assert Recipe(util_h=Decimal("-0.0")).as_text()["util_h"] == "0"


def test_knobs_left_out_keep_their_defaults():
    """A recipe file may be short."""
    assert parse_recipe('name = "short"\nhospitals = 5\n') == Recipe(name="short", hospitals=5)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("rho = 0", "rho must be a decimal number with at most 6 decimals, no float, between 0.01 and 100 (found 0)"),
        ("rho = nan", "rho must be a decimal"),
        ("rho = -inf", "rho must be a decimal"),
        ("rho = 1e999999", "rho must be a decimal"),
        ("util_h = 1e-999999", "util_h must be a decimal"),
        ("util_h = 0.1234567", "util_h must be a decimal"),
        ("util_h = true", "util_h must be a decimal"),
        ('util_h = "half"', "util_h must be a decimal"),
        ("hospitals = 2.5", "hospitals must be a whole number between 1 and 100000 (found '2.5')"),
        ("hospitals = -3", "hospitals must be a whole number"),
        ("hospitals = [3]", "hospitals must be a whole number"),
        ("seed = 9223372036854775808", "seed must be a whole number"),
        ('capacity_mode = "beds"', "capacity_mode must be one of group, area, both, none (found 'beds')"),
        ('description = "two\\nlines"', "description must be one line of text"),
        ("hospital = 3", "hospital is no knob of a recipe"),
        ("groups = 31", "areas must be fewer than groups"),
        ("regions = 27", "regions must be at most as many as hospitals"),
        ("threshold_low = 0.9", "threshold_low must be at most threshold_high"),
        ("cooperation_links = 0.5", "cooperation_links needs cooperation_groups"),
        ("utility_scale = 9", "utility_floor times utility_scale must be at least 1"),
    ],
)
def test_a_broken_knob_is_named_with_its_file(tmp_path, line, found):
    """Each error says which file, which knob and what must hold."""
    file = tmp_path / "bad.toml"
    file.write_text(f'name = "bad"\n{line}\n', encoding="utf-8")
    (problem,) = problems_of(read_recipe, file)
    assert problem.startswith(f"{file}: {found}")


def test_all_broken_knobs_are_reported_at_once():
    """One reading shows everything that is wrong."""
    found = problems_of(parse_recipe, 'name = "Bad Name"\nrho = 0\nknob = 1\n', "bad.toml")
    assert [problem.split()[1] for problem in found] == ["knob", "name", "rho"]


@pytest.mark.parametrize("text", ["", "hospitals = 3\n"])
def test_a_recipe_needs_a_name(text):
    """The instance is called after it."""
    assert problems_of(parse_recipe, text, "bad.toml") == ["bad.toml: name must be given"]


@pytest.mark.parametrize("text", ["name = ", "name", "rho = 1e99999999999999999999", "\x00"])
def test_text_that_is_no_toml(text):
    """A syntax error is one sentence."""
    (problem,) = problems_of(parse_recipe, text, "bad.toml")
    assert problem.startswith("bad.toml: must be TOML")


def test_missing_file(tmp_path):
    """A file that is not there is an input error, too."""
    assert "cannot be read" in problems_of(read_recipe, tmp_path / "none.toml")[0]


def test_floats_are_refused_in_python():
    """A float has already lost the decimal that was meant."""
    assert problems_of(Recipe, rho=2.5)[0].startswith("recipe: rho must be a decimal number")
    assert problems_of(replace, Recipe(), rho=0.1)[0].startswith("recipe: rho must be a decimal number")
