"""The tables of the planning chain: what its steps take and hand over. `docs/planning-tables.md` is made from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from splgbench.tables import ACTIONS, EXEMPT_RULES

LEVELS = ("basic", "extended", "specialised")
"""Levels of care of a group, which have weights of their own."""
SCENARIOS = ("passive", "active", "restrictive")
LEVERS = ("ambulatory", "technology", "epidemiology", "stay")
GOALS = ("care", "cost", "university")
REQUIREMENTS = ("specialist", "emergency", "intensive_care", "basic_package", "facility", "inhouse", "cooperation")
PACKAGES = ("none", "BP", "BPE")

Kind = Literal["key", "text", "whole", "number", "choice"]


@dataclass(frozen=True)
class Field:
    """One column: what its cells must be.

    Parameters
    ----------
    meaning : for the documentation, with the unit.
    low, high : least and largest value.
    default : of an empty cell or an absent column.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    default: str | int | float | None = None


@dataclass(frozen=True)
class Schema:
    """One table.

    Parameters
    ----------
    made_by : the step that makes it; "" for what a project brings.
    key : columns that are unique together.
    """

    name: str
    meaning: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    made_by: str = ""


def _key(name: str, meaning: str = "") -> Field:
    return Field(name, "key", meaning or f"the {name}")


def _text(name: str, meaning: str, required: bool = False) -> Field:
    return Field(name, "text", meaning, required=required, default="")


def _whole(name: str, meaning: str, low: float | None = 0, high: float | None = None) -> Field:
    return Field(name, "whole", meaning, low=low, high=high)


def _number(name: str, meaning: str, low: float | None = 0, required: bool = True) -> Field:
    return Field(name, "number", meaning, low=low, required=required)


def _flag(name: str, meaning: str) -> Field:
    return Field(name, "whole", meaning, required=False, low=0, high=1, default=0)


_HOSPITAL, _GROUP = _key("hospital"), _key("group")
_AGE, _SEX = _key("age", "age class"), _key("sex", "sex")

_INPUTS = (
    Schema(
        "groups",
        "service groups that are planned",
        (
            _GROUP,
            _key("area", "service area"),
            _text("name", "for people"),
            Field("level", "choice", "level of care", choices=LEVELS),
            Field("minimum_cases", "whole", "least cases of a mandate", required=False, low=0, default=0),
            Field(
                "minimum_share_bp",
                "whole",
                "least part of the demand, basis points",
                required=False,
                low=0,
                high=10_000,
                default=0,
            ),
            Field("cost_weight", "number", "cost of a case in points", required=False, low=0, default=1.0),
            Field("stay", "number", "days a case occupies a bed", low=0),
            _flag("volume_dialogue", "1: mandates carry volumes that are monitored"),
            Field(
                "screened",
                "choice",
                "whether over-use counts: yes, no, or by the rule of the project",
                required=False,
                choices=("yes", "no", "rule"),
                default="rule",
            ),
            Field(
                "supply_share",
                "whole",
                "per cent of the over-use that counts as supply-induced; empty: the project's",
                required=False,
                low=0,
                high=100,
            ),
        ),
        ("group",),
    ),
    Schema(
        "regions",
        "regions of the regression; further columns are covariates",
        (
            _key("region"),
            _whole("population", "persons", low=1),
            _flag("planned", "1: belongs to the planning region"),
        ),
        ("region",),
    ),
    Schema(
        "region_cases",
        "cases by residence in the base year; pairs that are not named have none",
        (_key("region"), _GROUP, _whole("cases", "cases")),
        ("region", "group"),
    ),
    Schema(
        "age_profiles",
        "cases by age and sex, which divide a group's need in the base year",
        (_GROUP, _AGE, _SEX, _whole("cases", "cases, of any population")),
        ("group", "age", "sex"),
    ),
    Schema(
        "population",
        "population of the planning region: base year and horizon",
        (_whole("year", "year", low=1900, high=2200), _AGE, _SEX, _whole("persons", "persons")),
        ("year", "age", "sex"),
    ),
    Schema(
        "trends",
        "yearly change that a lever makes",
        (
            _GROUP,
            Field("lever", "choice", "what changes", choices=LEVERS),
            Field(
                "percent_per_year",
                "number",
                "per cent a year; of cases, or with lever stay of the stay",
                low=-99,
                high=100,
            ),
            _text("reason", "where it comes from"),
        ),
        ("group", "lever"),
    ),
    Schema(
        "hospitals",
        "hospitals that apply",
        (
            _HOSPITAL,
            _text("name", "for people"),
            _text("latitude", "degrees"),
            _text("longitude", "degrees"),
            _text("cooperation", "name of the cooperation group"),
            Field("emergency_level", "whole", "level of the emergency ward, 0 none", low=0, high=9),
            Field("intensive_care_level", "whole", "level of intensive care, 0 none", low=0, high=9),
            Field("basic_package", "choice", "basic package held", choices=PACKAGES),
        ),
        ("hospital",),
    ),
    Schema(
        "facilities",
        "tumour boards, certificates, wards",
        (_HOSPITAL, _key("facility", "facility")),
        ("hospital", "facility"),
    ),
    Schema(
        "specialists",
        "availability of specialists; pairs that are not named have level 0",
        (_HOSPITAL, _GROUP, _whole("level", "level of availability", high=9)),
        ("hospital", "group"),
    ),
    Schema(
        "applications",
        "what hospitals apply for",
        (_HOSPITAL, _GROUP, _whole("capacity", "cases a year")),
        ("hospital", "group"),
    ),
    Schema(
        "area_capacity",
        "cases a hospital can treat in an area; pairs that are not named: the sum over its offers",
        (_HOSPITAL, _key("area", "service area"), _whole("capacity", "cases a year")),
        ("hospital", "area"),
    ),
    Schema(
        "requirements",
        "what a group asks of a hospital; every row must be met",
        (
            _GROUP,
            Field("requirement", "choice", "what is asked", choices=REQUIREMENTS),
            _key("value", "the least level, or names of which one will do, joined by |"),
        ),
        ("group", "requirement", "value"),
    ),
    Schema(
        "admissions",
        "requirements that a planner waives for an application",
        (
            _HOSPITAL,
            _GROUP,
            Field("requirement", "choice", "what is waived", choices=REQUIREMENTS),
            _text("reason", "why", required=True),
            _text("author", "who", required=True),
            _text("date", "when"),
        ),
        ("hospital", "group", "requirement"),
    ),
    Schema(
        "indicators",
        "measured values of hospitals",
        (
            _HOSPITAL,
            _key("indicator", "what is measured"),
            Field("group", "text", "empty: for all groups", required=False, default=""),
            _number("value", "in the indicator's unit", low=None),
        ),
        ("hospital", "indicator", "group"),
    ),
    Schema(
        "value_functions",
        "points of an indicator: 0 at worst, 100 at best, linear between, flat outside",
        (
            _key("indicator", "what is measured"),
            _number("worst", "value of 0 points", low=None),
            _number("best", "value of 100 points", low=None),
        ),
        ("indicator",),
    ),
    Schema(
        "weights",
        "weight of an indicator in its goal; they sum to 1 by level and goal",
        (
            Field("level", "choice", "level of care", choices=LEVELS),
            Field("goal", "choice", "goal", choices=GOALS),
            _key("indicator", "what is measured"),
            Field("weight", "number", "part of the goal", low=0, high=1),
        ),
        ("level", "goal", "indicator"),
    ),
    Schema(
        "travel",
        "travel time from a planned region to a hospital",
        (_key("region"), _HOSPITAL, _number("minutes", "minutes")),
        ("region", "hospital"),
    ),
    Schema(
        "costs",
        "cost of a case of weight 1",
        (_HOSPITAL, _whole("cost_per_point", "CHF", low=1)),
        ("hospital",),
    ),
    Schema(
        "status_quo",
        "cases of the planning region's residents today",
        (_HOSPITAL, _GROUP, _whole("cases", "cases a year")),
        ("hospital", "group"),
    ),
    Schema(
        "overrides",
        "planners' decisions on offers",
        (
            _HOSPITAL,
            _GROUP,
            Field("action", "choice", "what is decided", choices=ACTIONS),
            _text("reason", "why", required=True),
            _text("author", "who", required=True),
            Field("cases", "whole", "with fix", required=False, low=0),
            Field("rule", "choice", "with exempt", required=False, choices=EXEMPT_RULES, default=""),
            _text("date", "when"),
        ),
        ("hospital", "group", "action", "rule"),
    ),
    Schema(
        "actuals",
        "cases of the running year",
        (Field("month", "whole", "month", low=1, high=12), _HOSPITAL, _GROUP, _whole("cases", "cases of the month")),
        ("month", "hospital", "group"),
    ),
    Schema(
        "season",
        "part of a year's cases that falls in a month",
        (Field("month", "whole", "month", low=1, high=12), Field("share", "number", "they sum to 1", low=0, high=1)),
        ("month",),
    ),
)

_HANDED_OVER = (
    Schema(
        "need",
        "need of the planning region in the base year",
        (
            _GROUP,
            _whole("observed", "cases"),
            _number("expected", "cases that the covariates explain"),
            _number("residual", "observed less expected", low=None),
            _number("low", "lower end of the residual's interval", low=None),
            _number("high", "upper end of the residual's interval", low=None),
            _whole("overuse", "whole cases of a positive residual"),
            _flag("screened", "1: the over-use counts"),
            _whole("supply_share", "per cent that counts as supply-induced", high=100),
            _whole("reduction", "cases, rounded down"),
            _whole("need", "observed less reduction"),
        ),
        ("group",),
        "need",
    ),
    Schema(
        "forecast",
        "need of the planning region by scenario and year",
        (
            Field("scenario", "choice", "scenario", choices=SCENARIOS),
            _whole("year", "year", low=1900, high=2200),
            _GROUP,
            _whole("cases", "expected cases, rounded to the nearest"),
            _number("mean", "expected cases"),
            _number("low", "lower end of the simulated interval"),
            _number("high", "upper end of the simulated interval"),
            _number("bed_days", "days"),
            _number("beds", "beds at the occupancy of the project"),
        ),
        ("scenario", "year", "group"),
        "forecast",
    ),
    Schema(
        "offers",
        "applications that meet the requirements, or are admitted",
        (
            _HOSPITAL,
            _GROUP,
            _whole("capacity", "cases a year"),
            _text("exemption", "requirements that are waived, joined by |"),
            _text("exemption_reason", "why"),
            _text("exemption_author", "who"),
        ),
        ("hospital", "group"),
        "eligibility",
    ),
    Schema(
        "refusals",
        "requirements that applications do not meet",
        (
            _HOSPITAL,
            _GROUP,
            Field("requirement", "choice", "what is asked", choices=REQUIREMENTS),
            _text("needs", "what is asked"),
            _text("has", "what the hospital has"),
            _flag("waived", "1: a planner admitted it"),
        ),
        ("hospital", "group", "requirement", "needs"),
        "eligibility",
    ),
    Schema(
        "links",
        "mandates that a mandate needs: rows of the instance package",
        (
            _GROUP,
            _key("clause", "number of the clause"),
            Field("mode", "choice", "any", choices=("any",)),
            _key("required", "the group needed"),
            Field("scope", "choice", "where", choices=("inhouse", "cooperation")),
        ),
        ("group", "clause", "required"),
        "eligibility",
    ),
    Schema(
        "scores",
        "benefit of an offer",
        (
            _HOSPITAL,
            _GROUP,
            *(Field(goal, "number", f"points of the goal {goal}", required=False) for goal in GOALS),
            _number("pus", "points before the mark for efficiency"),
            _number("mark", "mark-up or mark-down, a fraction", low=None),
            _number("epus", "points a case"),
        ),
        ("hospital", "group"),
        "benefit",
    ),
    Schema(
        "mandates",
        "the hospital list",
        (
            _HOSPITAL,
            _GROUP,
            _whole("cases", "cases of the allocation", low=1),
            Field("volume", "whole", "cases agreed; only under volume dialogue", required=False, low=1),
            _whole("capacity", "cases a year"),
            _whole("status_quo", "cases today"),
            _text("exemption", "requirements that are waived"),
            _text("override", "a planner's decision"),
        ),
        ("hospital", "group"),
        "allocation",
    ),
)

SCHEMAS: dict[str, Schema] = {schema.name: schema for schema in (*_INPUTS, *_HANDED_OVER)}
"""By name."""


Sections = tuple[tuple[str, tuple[Schema, ...]], ...]
SECTIONS: Sections = (("What a project brings", _INPUTS), ("What the steps hand over", _HANDED_OVER))
"""The tables of the chain under the headings of their page."""


def as_markdown(sections: Sections = SECTIONS) -> str:
    """Tables as Markdown, for the documentation."""
    return "\n".join(_lines(sections)).rstrip() + "\n"


def _lines(sections: Sections) -> Iterator[str]:
    for title, schemas in sections:
        yield f"## {title}"
        yield ""
        for schema in schemas:
            made = f" Made by the step {schema.made_by}." if schema.made_by else ""
            yield f"### {schema.name}"
            yield ""
            unique = f"; {', '.join(schema.key)} unique" if schema.key else ""
            yield f"{schema.meaning[0].upper()}{schema.meaning[1:]}{unique}.{made}"
            yield ""
            yield "| column | cells | meaning |"
            yield "| --- | --- | --- |"
            yield from (f"| {_name(field)} | {_cells(field)} | {field.meaning} |" for field in schema.fields)
            yield ""


def _name(field: Field) -> str:
    return field.name if field.required else f"[{field.name}]"


def _cells(field: Field) -> str:
    if field.choices:
        return ", ".join(choice for choice in field.choices)
    words = {"key": "text", "text": "text", "whole": "whole number", "number": "number", "choice": "text"}[field.kind]
    if field.low is not None and field.high is not None:
        return f"{words}, {field.low:g} to {field.high:g}"
    if field.low is not None:
        return f"{words}, at least {field.low:g}"
    return words
