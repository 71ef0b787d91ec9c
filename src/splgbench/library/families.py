"""Synthetic families: one TOML file each, whose axes span a set of recipes that answer one question.

    name = "competition"
    question = "From which surplus of capacity on do instances become hard?"
    seeds = [1, 2]

    [base]                      # knobs that all members share (splgbench.generator.recipe)
    hospitals = 26

    [axes]                      # members: every combination of one point of each axis, with every seed
    rho = [1, 1.5, 2]           # points of a knob ...

    [axes.links]                # ... or named points that set several knobs
    few = { in_area_links = 0.1, cross_links = 0 }
    many = { in_area_links = 0.9, cross_links = 0.9 }

    [features]                  # range that a feature of every member lies in (splgbench.library.features)
    competition = [0.9, 2.2]

The member `competition/rho-1.5/links-few/seed-2` is the recipe with these knobs and that seed.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from splgbench.errors import InputError, Problem
from splgbench.generator.generate import GENERATOR, generate
from splgbench.generator.recipe import KNOBS, Recipe
from splgbench.instance import Instance
from splgbench.library.collection import Origin
from splgbench.volumes import pairs, thresholds

KIND = "synthetic"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LABEL = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_TOP = ("name", "question", "seeds", "base", "axes", "features")


@dataclass(frozen=True)
class Family:
    """A synthetic family; it is a `splgbench.library.collection.Collection`.

    Parameters
    ----------
    prefix : its name, with which the names of its members begin.
    question : what it answers.
    seeds : of every combination of points.
    base : knobs of all members.
    axes : by axis, its points by label: the knobs that the point sets.
    ranges : by feature, the least and the largest value of any member.
    """

    prefix: str
    question: str
    seeds: tuple[int, ...]
    base: Mapping[str, Any]
    axes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ranges: Mapping[str, tuple[Decimal, Decimal]]

    @property
    def kind(self) -> str:
        return KIND

    @property
    def source(self) -> str:
        return f"{GENERATOR}, recipe instances/families/{self.prefix}.toml"

    def names(self) -> Sequence[str]:
        return tuple(self._members)

    def recipe(self, name: str) -> Recipe:
        """The recipe of a member.

        Raises
        ------
        InputError
            No such name.
        """
        if name not in self._members:
            raise InputError(f"no such instance; the family has {', '.join(self._members)}", name)
        return self._members[name]

    def make(self, name: str) -> Instance:
        return replace(generate(self.recipe(name)), name=name)

    def provenance(self, name: str, hospital: str, group: str) -> Sequence[Origin]:
        instance, recipe = self.make(name), self.recipe(name)
        try:
            k = instance.offer_index[hospital, group]
        except KeyError:
            raise InputError(f"no offer of hospital {hospital} for group {group}", name) from None
        g, c, pair = instance.offer_group[k], instance.offer_cell[k], pairs(instance)
        drawn = f"drawn by {GENERATOR} with seed {recipe.seed}; no hospital and no patient is real"
        values = (
            ("demand", "cases", instance.demand[c], ("demand_median", "demand_sd")),
            ("offers", "capacity", instance.capacity[k], ("rho", "size_sd", "cap_sd")),
            ("offers", "utility", instance.utility[k], ("util_h", "util_hl", "utility_floor", "utility_scale")),
            ("groups", "minimum_cases", instance.minimum_cases[g], ("threshold_low", "threshold_high")),
            ("groups", "minimum_share_bp", instance.minimum_share_bp[g], ("share_max_bp",)),
            ("area_capacity", "capacity", pair.capacity[pair.of_offer[k]], ("rho_area",)),
            ("offers", "threshold", thresholds(instance)[k], ("threshold_low", "threshold_high", "share_max_bp")),
        )
        text = recipe.as_text()
        return [
            Origin(
                table,
                column,
                str(value),
                "assumed",
                f"{drawn}; {', '.join(f'{knob} = {text[knob]}' for knob in knobs)}",
            )
            for table, column, value, knobs in values
        ]

    @cached_property
    def _members(self) -> dict[str, Recipe]:
        members = {}
        points = [[(axis, label, knobs) for label, knobs in points.items()] for axis, points in self.axes.items()]
        for combination in itertools.product(*points):
            path = "/".join((self.prefix, *(f"{axis}-{label}" for axis, label, _ in combination)))
            knobs = dict(self.base)
            for _, _, changed in combination:
                knobs |= changed
            for seed in self.seeds:
                slug = re.sub(r"[^a-z0-9]+", "-", path)
                members[f"{path}/seed-{seed}"] = Recipe(**knobs, name=slug, description=self.question, seed=seed)
        return members


def parse_family(text: str, file: str) -> Family:
    """Read a family from TOML text; `file` is what errors call it.

    Raises
    ------
    InputError
        With the file, the entry and the rule of what is wrong.
    """
    try:
        given = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ArithmeticError) as error:
        raise InputError(f"must be TOML: {error}", file) from None
    problems = [_problem(file, key, "is no entry of a family") for key in given if key not in _TOP]
    for key, kind in (("name", str), ("question", str), ("seeds", list), ("base", dict), ("axes", dict)):
        if not isinstance(given.get(key), kind):
            problems.append(_problem(file, key, "must be given, as the format says"))
    if problems:
        raise InputError(problems)
    if not _NAME.fullmatch(given["name"]):
        problems.append(_problem(file, "name", "must be lower-case letters, digits and single hyphens"))
    if not given["seeds"] or not all(type(seed) is int and seed >= 0 for seed in given["seeds"]):
        problems.append(_problem(file, "seeds", "must be whole numbers, one at least"))
    axes = {axis: _points(axis, points) for axis, points in given["axes"].items()}
    used = [("base", knob) for knob in given["base"]]
    for axis, points in axes.items():
        if not points or not all(_LABEL.fullmatch(label) for label in points):
            problems.append(_problem(file, f"axes.{axis}", "must have points, named in lower-case letters and digits"))
        used += [(f"axes.{axis}", knob) for knobs in points.values() for knob in knobs]
    reserved = ("name", "description", "seed")
    problems += [
        _problem(file, f"{place}.{knob}", "is no knob of a family")
        for place, knob in dict.fromkeys(used)
        if knob not in KNOBS or knob in reserved
    ]
    ranges = given.get("features", {})
    for feature, limits in ranges.items():
        if not isinstance(limits, list) or len(limits) != 2 or not limits[0] <= limits[1]:
            problems.append(_problem(file, f"features.{feature}", "must be [least, largest]"))
    if problems:
        raise InputError(problems)
    return Family(
        prefix=given["name"],
        question=given["question"],
        seeds=tuple(given["seeds"]),
        base=given["base"],
        axes=axes,
        ranges={feature: (Decimal(low), Decimal(high)) for feature, (low, high) in ranges.items()},
    )


def _points(axis: str, points: Any) -> dict[str, dict[str, Any]]:
    """The points of an axis by label; a list holds values of the knob that the axis is named for."""
    if isinstance(points, list):
        return {format(value, "f") if isinstance(value, Decimal) else str(value): {axis: value} for value in points}
    if isinstance(points, dict) and all(isinstance(knobs, dict) for knobs in points.values()):
        return points
    return {}


def _problem(file: str, entry: str, rule: str) -> Problem:
    return Problem(file, None, None, f"{entry} {rule}")


def load_families() -> tuple[Family, ...]:
    """The families that come with the project, by name."""
    files = sorted((entry for entry in _folder().iterdir() if entry.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(parse_family(file.read_text("utf-8"), file.name) for file in files)


def _folder() -> Traversable:
    return resources.files("splgbench.instances") / "families"
