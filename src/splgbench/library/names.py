"""Names of the library: packages, recipes and collections whose instances are made when they are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from splgbench.errors import InputError
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset, preset_names
from splgbench.instance import Instance
from splgbench.library.cache import cached
from splgbench.library.collection import Collection, Origin
from splgbench.library.families import load_families
from splgbench.package import DESCRIPTOR, read_package
from splgbench.sources.cms_collection import CmsCollection, cms_of_folder
from splgbench.sources.cms_region_trace import PACKAGES, region_provenance
from splgbench.sources.switzerland_collection import SwissCollection, swiss_of_folder

OWN_FILES: tuple[Callable[[str, Path], Collection | None], ...] = (cms_of_folder, swiss_of_folder)
"""Collections of a user's own files: from a name and a folder, where the name is one of theirs."""


@cache
def collections() -> tuple[Collection, ...]:
    """The collections of the project; their files are read when they are first asked for."""
    return (CmsCollection(), SwissCollection("basel"), SwissCollection("switzerland"), *load_families())


@cache
def library_names() -> dict[str, str]:
    """Name to kind ("package", "recipe" or "collection") of everything in the library."""
    packages = {entry.name: "package" for entry in _root().iterdir() if _is_package(entry)}
    made = {name: "collection" for collection in collections() for name in collection.names()}
    return {**made, **packages, **dict.fromkeys(preset_names(), "recipe")}


def library_summary() -> str:
    """What the library has, in a line: packages and recipes by name, collections by prefix."""
    names = [name for name, kind in library_names().items() if kind != "collection"]
    counts = [f"{each.prefix}/... ({len(list(each.names()))} instances)" for each in collections()]
    return ", ".join(sorted(names) + counts)


def collection_of(name: str) -> Collection | None:
    """The collection that a name belongs to, by its prefix."""
    return next((each for each in collections() if name == each.prefix or name.startswith(f"{each.prefix}/")), None)


def load(name: str | Path) -> Instance:
    """The instance of a folder, a zip or a library name.

    Raises
    ------
    InputError
        Nothing of that name, or a package that breaks the rules.
    """
    path = Path(name)
    try:
        there = str(name) != "" and path.exists()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", str(name)) from None
    if there or (collection_of(str(name)) is None and (path.suffix == ".zip" or len(path.parts) > 1)):
        return read_package(path)
    return load_named(str(name))


def load_named(name: str) -> Instance:
    """The instance of a library name, also where the working folder has a folder of that name.

    Raises
    ------
    InputError
        Nothing in the library has that name.
    """
    collection = collection_of(name)
    if collection is not None:
        return cached(name, lambda: collection.make(name))
    kind = library_names().get(name)
    if kind == "recipe":
        return generate(load_preset(name))
    if kind == "package":
        with resources.as_file(_root() / name) as folder:
            return read_package(folder)
    raise InputError(f"no such folder, zip or library instance; the library has {library_summary()}", name)


def derive(name: str, raw: Path | None = None) -> Instance:
    """An instance of a collection.

    Parameters
    ----------
    raw : folder of a user's own files; None takes the shipped ones.

    Raises
    ------
    InputError
        No such instance, or files that break a rule.
    """
    return _collection(name, raw).make(name)


def provenance(name: str, hospital: str, group: str, raw: Path | None = None) -> Sequence[Origin]:
    """Where every number of an offer of a collection's instance, or of a package of the library, comes from.

    Parameters
    ----------
    raw : folder of a user's own files; None takes the shipped ones.

    Raises
    ------
    InputError
        No such instance or offer, or an instance of no collection.
    """
    if raw is None and name in PACKAGES:
        return region_provenance(name, hospital, group)
    return _collection(name, raw).provenance(name, hospital, group)


def _collection(name: str, raw: Path | None) -> Collection:
    if raw is None:
        collection = collection_of(name)
    elif not raw.is_dir():
        raise InputError("is no folder", str(raw))
    else:
        collection = next((found for of_folder in OWN_FILES if (found := of_folder(name, raw)) is not None), None)
    if collection is None:
        prefixes = ", ".join(sorted(each.prefix for each in collections())) or "none yet"
        raise InputError(f"must be an instance of a collection ({prefixes}); own files may be of another year", name)
    return collection


def by_number(name: str) -> list[tuple[int, str]]:
    """A sort key under which numbers in names sort as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def package_kind(name: str) -> str:
    """What a package of the library says that its data are: "real", "semi-synthetic" or "synthetic"."""
    descriptor = json.loads((_root() / name / DESCRIPTOR).read_text("utf-8"))
    return str(descriptor.get("kind", "real"))


def _root() -> Traversable:
    return resources.files("splgbench.instances")


def _is_package(entry: Traversable) -> bool:
    return entry.is_dir() and (entry / DESCRIPTOR).is_file()
