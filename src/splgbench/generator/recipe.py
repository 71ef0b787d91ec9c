"""Recipes: every knob of the synthetic generator, its range, and the TOML file that holds them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, Problem
from splgbench.files import read_text, write_text
from splgbench.tables import CAPACITY_MODES

DECIMALS = 6
"""Decimals a knob may have."""
REFERENCE_HOSPITALS = 26
"""Number of hospitals for which `Recipe.share_max_bp` is stated."""

PATH_YEARS = 20
"""Years of the budget path that a fund's contract takes where none is stated."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DIGITS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


@dataclass(frozen=True)
class Knob:
    """What a knob must be.

    Parameters
    ----------
    kind : "whole", "decimal", "name", "text" or "mode".
    low, high : range of a number, both ends included.
    """

    kind: str
    low: int | Decimal = 0
    high: int | Decimal = 0


def _whole(low: int, high: int) -> Knob:
    return Knob("whole", low, high)


def _decimal(low: str, high: str) -> Knob:
    return Knob("decimal", Decimal(low), Decimal(high))


KNOBS: Mapping[str, Knob] = {
    "name": Knob("name"),
    "description": Knob("text"),
    "seed": _whole(0, 2**63 - 1),
    "hospitals": _whole(1, 100_000),
    "groups": _whole(3, 10_000),
    "areas": _whole(2, 10_000),
    "uneven_areas": _decimal("0", "1"),
    "regions": _whole(1, 1_000),
    "supraregional": _decimal("0", "1"),
    "capacity_mode": Knob("mode"),
    "utility_scale": _whole(1, 10**9),
    "demand_median": _decimal("1", "100000"),
    "demand_sd": _decimal("0", "1.5"),
    "size_sd": _decimal("0", "1"),
    "eligibility": _decimal("0", "1"),
    "breadth": _decimal("0", "1"),
    "rho": _decimal("0.01", "100"),
    "cap_sd": _decimal("0", "1"),
    "rho_area": _decimal("0.01", "100"),
    "threshold_low": _decimal("0", "100"),
    "threshold_high": _decimal("0", "100"),
    "share_max_bp": _whole(0, 10_000),
    "basic_links": _decimal("0", "1"),
    "in_area_links": _decimal("0", "1"),
    "in_area_all": _decimal("0", "1"),
    "cross_links": _decimal("0", "1"),
    "cross_all": _decimal("0", "1"),
    "cross_basic": _decimal("0", "1"),
    "cooperation_groups": _whole(0, 10_000),
    "cooperation_members": _decimal("0", "1"),
    "cooperation_links": _decimal("0", "1"),
    "util_h": _decimal("0", "2"),
    "util_hl": _decimal("0", "2"),
    "utility_floor": _decimal("0.000001", "1"),
    "years": _whole(1, 100),
    "year_growth": _decimal("0", "0.5"),
    "year_sd": _decimal("0", "0.5"),
    "yearly_change": _decimal("0", "1"),
    "yearly_cases": _whole(0, 10**6),
    "budget": _decimal("0", "100"),
    "cost_sd": _decimal("0", "1"),
    "cost_h": _decimal("0", "1"),
    "carry_over": _decimal("0", "1"),
    "bundles": _decimal("0", "1"),
    "bundle_groups": _whole(2, 100),
    "bundle_discount": _decimal("0", "1"),
    "bonus_steps": _whole(0, 20),
    "bonus": _decimal("0", "10"),
    "bonus_quality": _decimal("0", "1"),
    "quality_sd": _decimal("0", "20"),
    "money": _decimal("0", "100"),
    "savings_contracts": _whole(0, 100_000),
    "savings_share": _decimal("0", "1"),
    "savings_minimum": _decimal("0", "1"),
    "savings_most": _decimal("0", "1"),
    "savings_points": _whole(0, 100),
    "losses_share": _decimal("0", "1"),
    "losses_most": _decimal("0", "1"),
    "conditions": _whole(0, 20),
    "measures": _whole(1, 20),
    "outcome_sd": _decimal("0", "50"),
    "fund": _decimal("0", "100"),
    "insured": _whole(1, 10**9),
    "risk_groups": _whole(1, 1_000),
}
"""Every knob of `Recipe` by name, in the order of the file."""
OF_EXTENSIONS = tuple(KNOBS)[tuple(KNOBS).index("years") :]
"""Knobs of extensions: a recipe is told without those that are as by default, as before there were any."""


@dataclass(frozen=True)
class Recipe:
    """What decides a synthetic instance; the same recipe gives the same instance, byte for byte.

    Shares and probabilities lie between 0 and 1. Decimal knobs are given as whole numbers, `decimal.Decimal` or
    decimal text with at most six decimals, never as floats. "lognormal(s)" has median 1 and logarithmic standard
    deviation s; N is a standard normal.

    Parameters
    ----------
    name : lower-case letters, digits and hyphens; the instance is called NAME-sSEED.
    description : the question the recipe answers, one line.
    seed : decides every draw.
    hospitals : number of hospitals.
    groups : number of groups, BP and BPE included.
    areas : number of areas, that of BP and BPE (BASE) included; each of the others holds at least one group.
    uneven_areas : share of the groups that are dealt to areas at random; the others are dealt in turn.
    regions : number of planning regions; hospitals are dealt to them evenly. With 1 there is no regions table.
    supraregional : share of groups planned for all regions as one; they tie the regions together.
    capacity_mode : "group", "area", "both" or "none".
    utility_scale : utility units per point.
    demand_median : median demand of a group per ten hospitals that plan it, cases.
    demand_sd : demand of a group is demand_median x lognormal(demand_sd) x hospitals / 10.
    size_sd : size of a hospital is lognormal(size_sd).
    eligibility : probability that a hospital offers a group.
    breadth : how far that probability follows size: eligibility - breadth at the smallest hospital, eligibility +
        breadth at the largest, evenly by rank between them, cut at 0 and 1.
    rho : competition: capacity of all offers of a cell as a multiple of its demand. An offer's capacity is
        rho x demand x its hospital's share in the sizes of those that offer the group x lognormal(cap_sd).
    cap_sd : see rho.
    rho_area : area tightness: area capacity of all hospitals as a multiple of the area's demand. A hospital's area
        capacity is in proportion to its capacities in the area. BASE has none of its own, so that it is the sum of
        the hospital's capacities there: else a large BP rarely fits beside BPE, and whatever needs it dies.
    threshold_low, threshold_high : minimum cases of a group are the median capacity of its offers times a uniform draw
        between the two.
    share_max_bp : the minimum share of a group is uniform between 0 and this many basis points, times 26 / the
        number of hospitals that plan the group: a share fixed while hospitals multiply soon exceeds every capacity.
    basic_links : probability that a group needs the basic package (any of BP, BPE).
    in_area_links : probability that a group, if it is not its area's first, needs one to three earlier groups of it.
    in_area_all : probability that such a clause asks for all of them, else for any.
    cross_links : probability that a group needs one or two groups outside its area.
    cross_all : probability that such a clause asks for all of them, else for any.
    cross_basic : probability that a group so needed is the basic package BP, else a random one of another area.
    cooperation_groups : number of cooperation groups of hospitals; 0 for none.
    cooperation_members : share of hospitals in one of them.
    cooperation_links : share of required groups that may stand at a hospital of the same cooperation group.
    util_h, util_hl : utility per case is 1 + util_h N(hospital) + util_hl N(hospital, group) points ...
    utility_floor : ... and at least this many points.
    years : years planned together; with more than one, every group and area is there once a year.
    year_growth, year_sd : from one year to the next the demand of a cell is multiplied by 1 + year_growth and by
        lognormal(year_sd).
    yearly_change, yearly_cases : how far a hospital's volume may move from one year to the next, as a share of the year
        before and in cases; with yearly_change 0 it moves freely.
    budget : budget of a region and year as a multiple of what all its demand costs at the groups' costs; 0 for none.
    cost_sd : a case of a group costs 10,000 francs x lognormal(cost_sd) ...
    cost_h : ... and at a hospital that x lognormal(cost_h), in whole francs.
    carry_over : most of a budget that may be carried over to the next year, as a share of the mean budget.
    bundles : share of the areas with two groups or more, BASE apart, in which the first groups are a bundle; an episode
        takes a case of each.
    bundle_groups : most groups of a bundle.
    bundle_discount : how far the price of an episode lies below the costs of its cases, as a share of them.
    bonus_steps : steps of a bonus for every hospital and area, BASE apart, at equal parts of its area capacity.
    bonus : bonus of a step as a multiple of 10,000 francs for every case that it asks for more than the one before.
    bonus_quality : share of the steps that ask for 80 quality points, too.
    quality_sd : an offer's quality is 80 + quality_sd N points, between 0 and 100.
    money : points that 10,000 francs are worth.
    savings_contracts : contracts that share savings, to which hospitals are dealt in turn; 0 for none. The norm of a
        case is the group's cost.
    savings_share : share of the savings that is paid, ...
    savings_minimum : ... from this part of the norm on ...
    savings_most : ... and up to this part. The norm of a contract is an even part of what a year's demand costs.
    savings_points : points that its cases must have on average for that; 0 for none.
    losses_share : share of the losses that has to be paid, from savings_minimum on; 0 for none.
    losses_most : most of them, as a part of the norm.
    conditions : most medical conditions of a group; 0 for none. Where there are some, utilities are values of outcomes
        over cost, in points around 60, and util_h, util_hl and utility_floor move nothing.
    measures : outcome measures of a condition.
    outcome_sd : an outcome of a hospital has 60 + outcome_sd N points, between 1 and 99.
    fund : norm cost of a year as a multiple of what all its demand costs at the groups' costs, of which a regional fund
        pays the budget, 3 % above it in the first years and 2 % below in the last (docs/value.md); 0 for none.
    insured, risk_groups : persons, dealt unevenly to risk groups whose norm costs differ.
    """

    name: str = "recipe"
    description: str = ""
    seed: int = 1
    hospitals: int = 26
    groups: int = 145
    areas: int = 31
    uneven_areas: Decimal = Decimal("0")
    regions: int = 1
    supraregional: Decimal = Decimal("0")
    capacity_mode: str = "both"
    utility_scale: int = 10_000
    demand_median: Decimal = Decimal("181")
    demand_sd: Decimal = Decimal("1")
    size_sd: Decimal = Decimal("0.4")
    eligibility: Decimal = Decimal("0.8")
    breadth: Decimal = Decimal("0")
    rho: Decimal = Decimal("2")
    cap_sd: Decimal = Decimal("0.3")
    rho_area: Decimal = Decimal("1.5")
    threshold_low: Decimal = Decimal("0.2")
    threshold_high: Decimal = Decimal("0.8")
    share_max_bp: int = 0
    basic_links: Decimal = Decimal("0")
    in_area_links: Decimal = Decimal("0.5")
    in_area_all: Decimal = Decimal("0.5")
    cross_links: Decimal = Decimal("0.5")
    cross_all: Decimal = Decimal("0.7")
    cross_basic: Decimal = Decimal("0.5")
    cooperation_groups: int = 0
    cooperation_members: Decimal = Decimal("1")
    cooperation_links: Decimal = Decimal("0")
    util_h: Decimal = Decimal("0")
    util_hl: Decimal = Decimal("0.3")
    utility_floor: Decimal = Decimal("0.1")
    years: int = 1
    year_growth: Decimal = Decimal("0")
    year_sd: Decimal = Decimal("0")
    yearly_change: Decimal = Decimal("0")
    yearly_cases: int = 0
    budget: Decimal = Decimal("0")
    cost_sd: Decimal = Decimal("0.5")
    cost_h: Decimal = Decimal("0.1")
    carry_over: Decimal = Decimal("0")
    bundles: Decimal = Decimal("0")
    bundle_groups: int = 2
    bundle_discount: Decimal = Decimal("0.03")
    bonus_steps: int = 0
    bonus: Decimal = Decimal("0.05")
    bonus_quality: Decimal = Decimal("0.5")
    quality_sd: Decimal = Decimal("5")
    money: Decimal = Decimal("1")
    savings_contracts: int = 0
    savings_share: Decimal = Decimal("0.5")
    savings_minimum: Decimal = Decimal("0.02")
    savings_most: Decimal = Decimal("0.1")
    savings_points: int = 0
    losses_share: Decimal = Decimal("0")
    losses_most: Decimal = Decimal("0.05")
    conditions: int = 0
    measures: int = 3
    outcome_sd: Decimal = Decimal("10")
    fund: Decimal = Decimal("0")
    insured: int = 100_000
    risk_groups: int = 3

    def __post_init__(self) -> None:
        for name, value in _checked(vars(self), "recipe").items():
            object.__setattr__(self, name, value)

    def as_text(self) -> dict[str, str]:
        """Every knob as text, those of extensions where they are not as by default; equal recipes give equal text."""
        return {name: _plain(getattr(self, name)) for name in KNOBS if self._told(name)}

    def _told(self, name: str) -> bool:
        return name not in OF_EXTENSIONS or getattr(self, name) != _DEFAULTS[name]


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a TOML file; knobs it leaves out keep their defaults.

    Raises
    ------
    InputError
        With the file, the knob and the rule of everything that is wrong.
    """
    return parse_recipe(read_text(Path(path)), str(path))


def parse_recipe(text: str, file: str = "recipe") -> Recipe:
    """Read a recipe from TOML text; `file` is what errors call it."""
    try:
        given = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"must be TOML: {error}", file) from None
    except ArithmeticError:
        raise InputError("must be TOML: a number is out of every range", file) from None
    if "name" not in given:
        raise InputError("name must be given", file)
    return Recipe(**_checked(given, file))


def recipe_text(recipe: Recipe) -> str:
    """The recipe as TOML, every knob written out but those of extensions that are as by default."""
    lines = ["# A recipe of the splgbench generator; splgbench.generator.recipe explains every knob."]
    for name, text in recipe.as_text().items():
        knob = KNOBS[name]
        lines.append(f"{name} = {text}" if knob.kind in ("whole", "decimal") else f"{name} = {_quoted(text)}")
    return "\n".join(lines) + "\n"


def write_recipe(recipe: Recipe, path: str | Path) -> None:
    """Write a recipe as TOML; `read_recipe` gives it back."""
    write_text(Path(path), recipe_text(recipe))


def _checked(given: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Knobs as their types, or every broken rule."""
    problems = [_problem(file, name, "is no knob of a recipe") for name in given if name not in KNOBS]
    knobs: dict[str, Any] = {}
    for name, knob in KNOBS.items():
        if name in given:
            value = _value(knob, given[name])
            if value is None:
                problems.append(_problem(file, name, _rule(knob), given[name]))
            else:
                knobs[name] = value
    if not problems:
        problems = [_problem(file, name, rule) for name, rule in _clashes({**_DEFAULTS, **knobs})]
    if problems:
        raise InputError(problems)
    return knobs


def _problem(file: str, name: str, rule: str, value: object = None) -> Problem:
    return Problem(file, None, None, f"{name} {rule}", str(value) if isinstance(value, Decimal) else value)


def _value(knob: Knob, given: Any) -> Any:
    """The knob's value in its type, or None where it breaks the rule."""
    if knob.kind in ("name", "text", "mode"):
        fits = isinstance(given, str) and (
            (knob.kind == "name" and _NAME.fullmatch(given) is not None)
            or (knob.kind == "text" and (given == "" or given.isprintable()))
            or (knob.kind == "mode" and given in CAPACITY_MODES)
        )
        return given if fits else None
    if isinstance(given, str) and _DIGITS.fullmatch(given):
        given = Decimal(given)
    if isinstance(given, bool) or not isinstance(given, int | Decimal) or not Decimal(given).is_finite():
        return None
    if not knob.low <= given <= knob.high:
        return None
    if knob.kind == "whole":
        return int(given) if given == int(given) else None
    exponent = Decimal(given).as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -20:
        return None
    text = _plain(Decimal(given))
    return Decimal(text) if len(text.partition(".")[2]) <= DECIMALS else None


def _rule(knob: Knob) -> str:
    if knob.kind == "name":
        return "must be lower-case letters, digits and single hyphens"
    if knob.kind == "text":
        return "must be one line of text"
    if knob.kind == "mode":
        return f"must be one of {', '.join(CAPACITY_MODES)}"
    what = "a whole number" if knob.kind == "whole" else f"a decimal number with at most {DECIMALS} decimals, no float,"
    return f"must be {what} between {knob.low} and {knob.high}"


def _clashes(knobs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rules that several knobs share: (knob, rule)."""
    rules = (
        (
            knobs["groups"] > knobs["areas"],
            "areas",
            "must be fewer than groups: BASE holds two, the others one at least",
        ),
        (knobs["regions"] <= knobs["hospitals"], "regions", "must be at most as many as hospitals"),
        (not knobs["carry_over"] or knobs["years"] > 1, "carry_over", "needs years of at least 2"),
        (not (knobs["fund"] and knobs["budget"]), "fund", "takes the place of budget: one of them must be 0"),
        (
            not knobs["fund"] or (2 <= knobs["years"] <= PATH_YEARS and knobs["regions"] == 1),
            "fund",
            f"needs years of 2 to {PATH_YEARS} and one region",
        ),
        (
            not knobs["fund"] or knobs["insured"] >= 100 * knobs["risk_groups"],
            "insured",
            "must be at least 100 a risk group",
        ),
        (knobs["threshold_low"] <= knobs["threshold_high"], "threshold_low", "must be at most threshold_high"),
        (
            knobs["cooperation_groups"] > 0 or knobs["cooperation_links"] == 0,
            "cooperation_links",
            "needs cooperation_groups of at least 1",
        ),
        (
            knobs["utility_floor"] * knobs["utility_scale"] >= 1,
            "utility_floor",
            "times utility_scale must be at least 1: a utility would round to 0",
        ),
    )
    return [(name, rule) for holds, name, rule in rules if not holds]


def _plain(value: Any) -> str:
    """A value as text: decimals without exponent, trailing zeros or a sign on 0."""
    if not isinstance(value, Decimal):
        return str(value)
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _quoted(text: str) -> str:
    """A TOML basic string of printable text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_DEFAULTS = {entry.name: entry.default for entry in fields(Recipe)}
