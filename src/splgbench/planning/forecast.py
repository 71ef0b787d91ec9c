"""Step 2, forecast: rates by age and sex of the base year applied to a future population, in three scenarios.

    rate[g, a, s] = cases[g, a, s] / persons[t0, a, s]
    mean[g, t]    = sum over a, s of rate[g, a, s] persons[t, a, s], times (1 - removed[g] ramp(t)), times trends[g, t]

The observed cases of the base year are divided among ages and sexes as the group's profile is. `removed` is the part of
the cases that goes as over-use: nothing in the scenario passive, the supply-induced part in active, all of the
screened over-use in restrictive; `ramp` rises linearly from 0 in the base year to 1 in the first year of the horizon
and stays there. Trends hold in active and restrictive: each lever multiplies by (1 + percent / 100) a year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splgbench.errors import InputError
from splgbench.planning.schemas import SCENARIOS
from splgbench.planning.tables import Columns, Sheet, columns_of, sheet

FloatArray = NDArray[np.float64]
DAYS = 365
COLUMNS = ("scenario", "year", "group", "cases", "mean", "low", "high", "bed_days", "beds")


@dataclass(frozen=True)
class ForecastRules:
    """How the future is computed.

    Parameters
    ----------
    base_year, horizon : years; the horizon's are later, in order.
    occupancy : part of a year's days that a bed is occupied.
    draws : of the simulation; 0 for none (the interval is then the mean).
    seed : of the simulation.
    level : of intervals.
    """

    base_year: int
    horizon: tuple[int, ...]
    occupancy: float = 0.85
    draws: int = 1000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        rules = (
            (bool(self.horizon), "the horizon must name at least one year"),
            (list(self.horizon) == sorted(set(self.horizon)), "the years of the horizon must rise"),
            (all(year > self.base_year for year in self.horizon), "the horizon must lie after the base year"),
            (0 < self.occupancy <= 1, "occupancy must be above 0 and at most 1"),
            (self.draws >= 0, "draws must be at least 0"),
            (0 < self.level < 1, "level must lie between 0 and 1"),
        )
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise InputError("; ".join(broken), "forecast")


def forecast(
    groups: Any, need: Any, age_profiles: Any, population: Any, rules: ForecastRules, trends: Any = None
) -> Columns:
    """Cases and beds by scenario, year and group: the table `forecast`.

    The interval is of the future count: it holds the chance of the base year's count (Poisson, by age and sex), of the
    over-use (normal, from its interval in `need`) and of the future count itself (Poisson), by simulation.

    Parameters
    ----------
    groups, need, age_profiles, population, trends : tables of these schemas.

    Raises
    ------
    InputError
        A table breaks its schema; a group with cases has no profile; a year of the horizon has no population; an age
        class with cases has nobody in the base year.
    """
    group_sheet, need_sheet = sheet("groups", groups), sheet("need", need)
    need_sheet.refer("group", group_sheet["group"], "groups")
    need_sheet.finish()
    people = sheet("population", population)
    cells = sorted({(age, sex) for _, age, sex in people.rows("age", "sex")})
    persons = _persons(people, cells, rules)
    levers = _levers(group_sheet, trends)
    stays = dict(zip(group_sheet["group"], group_sheet["stay"], strict=True))
    shares = _profiles(sheet("age_profiles", age_profiles), need_sheet, cells, persons[rules.base_year], people)
    draw = np.random.Generator(np.random.PCG64(rules.seed))
    found: dict[tuple[str, int, str], tuple[Any, ...]] = {}
    columns = ("group", "observed", "low", "high", "overuse", "screened", "supply_share")
    for _, group, observed, low, high, overuse, screened, share in need_sheet.rows(*columns):
        base = observed * shares[group]
        drawn_base = draw.poisson(base, (rules.draws, len(cells)))
        spread = (high - low) / 2 / _quantile(rules.level)
        drawn_use = np.clip(draw.normal(overuse, spread, rules.draws), 0, None) if screened else np.zeros(rules.draws)
        for scenario, part in zip(SCENARIOS, (0.0, share / 100, 1.0), strict=True):
            moved = scenario != SCENARIOS[0]
            for year in rules.horizon:
                growth = np.divide(
                    persons[year],
                    persons[rules.base_year],
                    out=np.zeros(len(cells)),
                    where=persons[rules.base_year] > 0,
                )
                since = year - rules.base_year
                trend = levers[group, "cases"] ** since if moved else 1.0
                weight = part * min(1.0, since / (rules.horizon[0] - rules.base_year))
                kept = 1 - weight * (overuse * screened / observed if observed else 0.0)
                mean = float(base @ growth) * kept * trend
                bottom, top = _interval(draw, drawn_base, growth, drawn_use, weight, trend, mean, rules)
                stay = stays[group] * (levers[group, "stay"] ** since if moved else 1.0)
                found[scenario, year, group] = (
                    math.floor(mean + 0.5),
                    mean,
                    bottom,
                    top,
                    mean * stay,
                    mean * stay / (DAYS * rules.occupancy),
                )
    order = [(s, year, group) for s in SCENARIOS for year in rules.horizon for group in need_sheet["group"]]
    return columns_of(COLUMNS, [(*key, *found[key]) for key in order])


def _interval(
    draw: np.random.Generator,
    base: NDArray[np.int64],
    growth: FloatArray,
    overuse: FloatArray,
    weight: float,
    trend: float,
    mean: float,
    rules: ForecastRules,
) -> tuple[float, float]:
    if not rules.draws:
        return mean, mean
    total = base.sum(axis=1)
    kept = 1 - weight * np.minimum(1.0, np.divide(overuse, total, out=np.zeros(len(total)), where=total > 0))
    future = draw.poisson(np.maximum(0.0, (base @ growth) * kept * trend))
    tail = (1 - rules.level) / 2
    low, high = np.quantile(future, [tail, 1 - tail])
    return float(low), float(high)


def _persons(people: Sheet, cells: Sequence[tuple[str, str]], rules: ForecastRules) -> dict[int, FloatArray]:
    """Persons by year, in the order of the cells; who is not named is not there."""
    at = {cell: position for position, cell in enumerate(cells)}
    persons = {year: np.zeros(len(cells)) for year in people["year"]}
    for _, year, age, sex, number in people.rows("year", "age", "sex", "persons"):
        persons[year][at[age, sex]] = number
    for year in (rules.base_year, *rules.horizon):
        if year not in persons or not persons[year].any():
            people.report(None, "year", f"must name the population of {year}")
    people.finish()
    return persons


def _profiles(
    profiles: Sheet, need: Sheet, cells: Sequence[tuple[str, str]], base: FloatArray, people: Sheet
) -> dict[str, FloatArray]:
    """Each group's cases by cell as parts of 1."""
    at = {cell: position for position, cell in enumerate(cells)}
    counts = {group: np.zeros(len(cells)) for group in need["group"]}
    for row, group, age, sex, cases in profiles.rows("group", "age", "sex", "cases"):
        if group not in counts or not cases:
            continue
        if (age, sex) not in at or not base[at[age, sex]]:
            profiles.report(row, "age", f"must have persons in the base year in {people.table.file}", f"{age}, {sex}")
            continue
        counts[group][at[age, sex]] += cases
    for group, observed in zip(need["group"], need["observed"], strict=True):
        if observed and not counts[group].any():
            profiles.report(None, "group", "must have cases of every group that has some", group)
    profiles.finish()
    return {group: number / max(1.0, float(number.sum())) for group, number in counts.items()}


def _levers(groups: Sheet, trends: Any) -> dict[tuple[str, str], float]:
    """Yearly factors by group, of cases and of stay."""
    factors = {(group, kind): 1.0 for group in groups["group"] for kind in ("cases", "stay")}
    if trends is None:
        return factors
    trend_sheet = sheet("trends", trends)
    trend_sheet.refer("group", groups["group"], "groups")
    trend_sheet.finish()
    for _, group, lever, percent in trend_sheet.rows("group", "lever", "percent_per_year"):
        factors[group, "stay" if lever == "stay" else "cases"] *= 1 + percent / 100
    return factors


def _quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
