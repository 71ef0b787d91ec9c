"""The recipes that come with the project, by name, and the hashes of what they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from splgbench.errors import InputError
from splgbench.files import parse_csv, write_text
from splgbench.generator.generate import generate
from splgbench.generator.recipe import Recipe, parse_recipe, write_recipe

HASHES_FILE = "hashes.csv"
_HASH_COLUMNS = ("recipe", "seed", "instance_hash")


@dataclass(frozen=True)
class PresetHash:
    """What a preset gave when its hash was written down."""

    recipe: str
    seed: int
    instance_hash: str


def preset_names() -> list[str]:
    """Names of the presets; numbers in them sort as numbers."""
    names = [entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml")]
    return sorted(names, key=lambda name: (name.rstrip("0123456789"), len(name), name))


def load_preset(name: str) -> Recipe:
    """The recipe of a preset.

    Raises
    ------
    InputError
        No preset of that name, or a recipe that breaks the rules.
    """
    if name not in preset_names():
        raise InputError(f"no such recipe; there are {', '.join(preset_names())}", name)
    file = f"{name}.toml"
    return parse_recipe((_folder() / file).read_text("utf-8"), file)


def committed_hashes() -> list[PresetHash]:
    """The hashes as they stand in the library."""
    table = parse_csv("hashes", HASHES_FILE, (_folder() / HASHES_FILE).read_text("utf-8"))
    rows = zip(*(table.columns[column] for column in _HASH_COLUMNS), strict=True)
    return [PresetHash(recipe, int(seed), digest) for recipe, seed, digest in rows]


def computed_hashes(recipes: Iterable[Recipe]) -> list[PresetHash]:
    """The hashes of what recipes give now."""
    return [PresetHash(recipe.name, recipe.seed, generate(recipe).instance_hash) for recipe in recipes]


def write_presets(folder: str | Path, seeds: Mapping[str, int]) -> None:
    """Write all presets and their hashes to a folder (that of a checkout: ``instances/recipes``).

    Parameters
    ----------
    seeds : new seeds by preset name, as a screening finds them; the other presets keep theirs.
    """
    recipes = [load_preset(name) for name in preset_names()]
    recipes = [replace(recipe, seed=seeds.get(recipe.name, recipe.seed)) for recipe in recipes]
    for recipe in recipes:
        write_recipe(recipe, Path(folder) / f"{recipe.name}.toml")
    lines = [",".join(_HASH_COLUMNS)]
    lines += [f"{row.recipe},{row.seed},{row.instance_hash}" for row in computed_hashes(recipes)]
    write_text(Path(folder) / HASHES_FILE, "\n".join(lines) + "\n")


def _folder() -> Traversable:
    return resources.files("splgbench.instances") / "recipes"
