"""Generated figures of the example project, from seeded streams; `splgbench.planning.example` says for what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splgbench.planning.tables import Columns, columns_of
from splgbench.random_bits import normal, uniform
from splgbench.sources.distance import Place, distance

FloatArray = NDArray[np.float64]
BASE_YEAR, HORIZON = 2022, (2024, 2028, 2032)
REGION_POPULATION = 481_000
"""Of the common health region of Basel; published (`basel_project_facts.csv`, ggr_population)."""
COUNTRY_POPULATION = 8_000_000
"""Assumed round number, to which the national cases are related."""
REGIONS, PLANNED = 60, 8
COVARIATES = {
    "demography": ("share_65_and_older", "share_women"),
    "health": ("chronic_illness",),
    "social": ("tertiary_education", "household_size", "single_households"),
    "economy": ("income", "inequality", "wealth", "unemployment"),
}
EFFECT = 0.05
"""Largest effect of one standard deviation of a covariate on the logarithm of the rate."""
_AGE_WEIGHTS = (50, 49, 49, 52, 60, 66, 68, 68, 67, 70, 76, 77, 66, 55, 48, 38, 27, 18, 9, 5)
"""Assumed part of the 20 age classes (five years each) of the population, in thousandths of about 1018."""
_AGE_GROWTH = (*(0.002,) * 4, *(0.001,) * 9, *(0.015,) * 3, *(0.03,) * 4)
"""Assumed yearly growth of each age class."""
_WOMEN = (*(0.49,) * 4, *(0.5,) * 10, *(0.56,) * 3, *(0.66,) * 3)
"""Assumed part of women by age class."""
_SPEED, _DETOUR, _DOOR = 35.0, 1.3, 6.0
"""Kilometres an hour, road by straight line, and minutes from and to the door: assumed."""
_CORNERS = ((47.42, 47.60), (7.50, 7.86))
"""Degrees between which the planned regions' centres are drawn."""


@dataclass(frozen=True)
class Hospital:
    """A hospital with acute cases; `figures` are the cells of its row in the raw file."""

    key: str
    figures: Mapping[str, str]
    latitude: float
    longitude: float

    @property
    def kind(self) -> str:
        return self.figures["Typ"]

    @property
    def name(self) -> str:
        return self.figures["Inst"].replace("\u00ad", "-")

    @property
    def place(self) -> Place:
        return Place(round(self.latitude * 10**6), round(self.longitude * 10**6))

    def number(self, column: str) -> float:
        return float(self.figures[column] or 0)

    def has(self, column: str, entry: str) -> bool:
        return entry in [part.strip() for part in self.figures[column].split(",")]


def parts(total: int, weights: Sequence[float]) -> list[int]:
    """A whole number divided in proportion, by largest remainders."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [math.floor(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


def regions() -> tuple[list[tuple[str, int, int]], dict[str, FloatArray]]:
    """Synthetic regions (name, population, planned), the planned ones first, and their covariates, standardised."""
    sizes = np.exp(0.4 * normal("plan population", REGIONS))
    planned = parts(REGION_POPULATION, sizes[:PLANNED].tolist())
    others = [round(60_000 * float(size)) for size in sizes[PLANNED:]]
    names = [f"{'Basel' if at < PLANNED else 'other'}-{at + 1:02d}" for at in range(REGIONS)]
    regions = list(zip(names, [*planned, *others], [1] * PLANNED + [0] * (REGIONS - PLANNED), strict=True))
    covariates = {name: np.round(normal(f"plan {name}", REGIONS), 3) for names in COVARIATES.values() for name in names}
    return regions, covariates


def region_cases(
    groups: Sequence[Mapping[str, str]],
    ages: Mapping[tuple[str, str, str], int],
    regions: Sequence[tuple[str, int, int]],
    covariates: Mapping[str, FloatArray],
) -> dict[tuple[str, str], int]:
    """Poisson counts about the national rate, the covariates' effects and the planted over-use."""
    from scipy.stats import poisson

    population = np.array([number for _, number, _ in regions], dtype=np.float64)
    planned = np.array([flag for *_, flag in regions], dtype=np.float64)
    cases: dict[tuple[str, str], int] = {}
    for group in groups:
        key = group["group"]
        national = sum(number for (indicator, *_), number in ages.items() if indicator == key)
        effects = EFFECT * (2 * uniform(f"plan effects {key}", len(covariates)) - 1)
        level = sum(effect * values for effect, values in zip(effects, covariates.values(), strict=True))
        noise = float(group["spread"]) * normal(f"plan spread {key}", len(regions))
        mean = population * (national / COUNTRY_POPULATION) * np.exp(level + noise)
        mean = mean * (1 + planned * float(group["overuse"]) / 100)
        drawn = poisson.ppf(uniform(f"plan cases {key}", len(regions)), mean).astype(np.int64)
        cases |= {(region, key): int(number) for (region, *_), number in zip(regions, drawn, strict=True) if number}
    return cases


def population() -> Columns:
    """The planning region by year, age and sex: assumed weights and growth, the published total in the base year."""
    cells = [(f"{at + 1:02d}", sex) for at in range(len(_AGE_WEIGHTS)) for sex in ("m", "f")]
    weights = [
        weight * (women if sex == "f" else 1 - women)
        for weight, women in zip(_AGE_WEIGHTS, _WOMEN, strict=True)
        for sex in ("m", "f")
    ]
    base = parts(REGION_POPULATION, weights)
    rows = []
    for year in (BASE_YEAR, *HORIZON):
        for at, (cell, persons) in enumerate(zip(cells, base, strict=True)):
            rows.append((year, *cell, round(persons * (1 + _AGE_GROWTH[at // 2] * (year - BASE_YEAR)))))
    return columns_of(("year", "age", "sex", "persons"), rows)


def weights(
    hospitals: Sequence[Hospital], groups: Sequence[Mapping[str, str]], profiles: Sequence[Mapping[str, str]]
) -> dict[tuple[str, str], tuple[float, int]]:
    """How much of a group a hospital treats, in relation to others, and the level of its specialists."""
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for h in hospitals:
        for profile in profiles:
            if profile["type"] != h.kind or profile["institution"] not in ("", h.name):
                continue
            for group in groups:
                if group["area"] in profile["areas"].split("|") and group["level"] in profile["levels"].split("|"):
                    spread = 0.7 + 0.6 * uniform(f"plan share {h.key} {group['group']}", 1)[0]
                    size = h.number("AustStatMSA") * float(profile["affinity"]) * spread
                    found[h.key, group["group"]] = (size, int(profile["specialist"]))
    return found


def shared(
    observed: int, weights: Mapping[tuple[str, str], tuple[float, int]], group: str
) -> list[tuple[tuple[str, str], int]]:
    """Today's cases of a group by hospital."""
    held = {pair: size for pair, (size, _) in weights.items() if pair[1] == group}
    return list(zip(held, parts(observed, list(held.values())), strict=True))


def minutes(hospitals: Sequence[Hospital]) -> dict[tuple[str, str], float]:
    """From the planned regions' drawn centres to the hospitals' addresses."""
    (south, north), (west, east) = _CORNERS
    height = south + (north - south) * uniform("plan latitude", PLANNED)
    width = west + (east - west) * uniform("plan longitude", PLANNED)
    places = [Place(round(lat * 10**6), round(lon * 10**6)) for lat, lon in zip(height, width, strict=True)]
    return {
        (f"Basel-{at + 1:02d}", h.key): round(_DOOR + 60 * _DETOUR * distance(place, h.place) / 1000 / _SPEED, 1)
        for at, place in enumerate(places)
        for h in hospitals
    }


def actuals(groups: Sequence[Mapping[str, str]], today: Mapping[tuple[str, str], int]) -> Columns:
    """January to September, as if hospitals went on as today: targets do not bind them yet."""
    dialogue = {group["group"] for group in groups if int(group["volume_dialogue"])}
    rows = []
    for (hospital, group), cases in today.items():
        if group in dialogue and cases:
            swing = 0.85 + 0.3 * uniform(f"plan actuals {hospital} {group}", 12)
            monthly = parts(cases, swing.tolist())
            rows += [(month, hospital, group, monthly[month - 1]) for month in range(1, 10)]
    return columns_of(("month", "hospital", "group", "cases"), rows)
