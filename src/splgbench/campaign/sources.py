"""Where a campaign's instances come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from splgbench.errors import InputError
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.recipe import Recipe, read_recipe
from splgbench.instance import Instance
from splgbench.library import by_number, library_names, library_summary, load
from splgbench.library.sets import PREFIX, set_members
from splgbench.package import DESCRIPTOR
from splgbench.transform import CUT, cut, without_rules


@dataclass(frozen=True)
class Source:
    """One instance as a campaign names it.

    Parameters
    ----------
    kind : "library", "package" or "recipe".
    name : a library name, or the path of a package or a recipe file.
    seed : the generator's seed in place of the recipe's own; None keeps that.
    cut : HxG, the size of a cut; "" for the whole.
    without : rules switched off.
    """

    kind: str
    name: str
    seed: int | None = None
    cut: str = ""
    without: tuple[str, ...] = ()

    def load(self) -> Instance:
        """The instance.

        Raises
        ------
        InputError
            It breaks the rules.
        """
        return _loaded(self)

    def recipe(self) -> Recipe | None:
        """The recipe it is made from, if there is one."""
        if self.kind == "recipe":
            recipe = read_recipe(self.name)
        elif self.kind == "library" and library_names().get(self.name) == "recipe":
            recipe = load_preset(self.name)
        else:
            return None
        return recipe if self.seed is None else replace(recipe, seed=self.seed)


@lru_cache(maxsize=4)
def _loaded(source: Source) -> Instance:
    recipe = source.recipe()
    instance = load(source.name) if recipe is None else generate(recipe)
    if source.cut:
        match = CUT.fullmatch(source.cut)
        assert match is not None
        instance = cut(instance, int(match[1]), int(match[2]), f"{instance.name}-cut-{source.cut}")
    return without_rules(instance, source.without)


def library_sources(patterns: Iterable[str]) -> list[Source]:
    """Library instances by name, with * allowed (numbers in names sort as numbers), or by set (`set:tiny`).

    Raises
    ------
    InputError
        A pattern that nothing matches, or no such set.
    """
    known = sorted(library_names(), key=by_number)
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = (
            list(set_members(pattern.removeprefix(PREFIX)))
            if pattern.startswith(PREFIX)
            else [name for name in known if fnmatchcase(name, pattern)]
        )
        if not matches:
            raise InputError(f"nothing in the library is called {pattern}; it has {library_summary()}")
        found.update(dict.fromkeys(matches))
    return [Source("library", name) for name in found]


def package_sources(patterns: Iterable[str], folder: Path) -> list[Source]:
    """Packages (folders and zips) by path or glob, relative to `folder`; a glob passes over files that are no zips.

    Raises
    ------
    InputError
        Nothing of that name, or something that is no package.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        packages = [path for path in _paths([pattern], folder) if path.is_dir() or path.suffix == ".zip"]
        for path in packages:
            if path.is_dir() and not (path / DESCRIPTOR).is_file():
                raise InputError(f"{path} is no package: it has no {DESCRIPTOR}")
        if not packages:
            raise InputError(f"{pattern} is no package, which is a folder or a zip")
        found.update(dict.fromkeys(packages))
    return [Source("package", str(path)) for path in found]


def recipe_sources(patterns: Iterable[str], folder: Path) -> list[Source]:
    """Recipe files by path or glob, relative to `folder`."""
    return [Source("recipe", str(path)) for path in _paths(patterns, folder)]


def _paths(patterns: Iterable[str], folder: Path) -> list[Path]:
    found: dict[Path, None] = {}
    for pattern in patterns:
        base = Path("/") if Path(pattern).is_absolute() else folder
        try:
            matches = sorted(base.glob(pattern.lstrip("/")), key=lambda path: by_number(str(path)))
        except (ValueError, NotImplementedError, OSError) as error:
            raise InputError(f"{pattern} is no path: {error}") from None
        if not matches:
            raise InputError(f"there is no {pattern}")
        found.update(dict.fromkeys(matches))
    return list(found)
