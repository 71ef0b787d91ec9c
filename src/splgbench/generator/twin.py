"""A recipe that mimics an instance: knobs fitted to its statistics, none of its data.

What is fitted (symbols of the generator, `splgbench.generator.recipe`): the lognormal of the demand of groups, hospital
sizes and the noise of capacities (two-way means of log K / B), density and how it follows size, total and area
competition, minimum cases and shares, density, mode and reach of links, cooperation, mean and spread of utilities.
What is not: which hospital does what, correlation of demand and density, planning levels other than "one region" and
"all regions".

The fit computes in floats and rounds knobs to `DECIMALS` decimals; the recipe, not the fit, decides a twin's bytes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from splgbench.errors import InputError
from splgbench.generator.recipe import KNOBS, REFERENCE_HOSPITALS, Recipe
from splgbench.instance import Instance, IntArray
from splgbench.model import FloatArray
from splgbench.volumes import pairs

DECIMALS = 3
_ROUNDS = 20
"""Alternating means of the two-way fit."""
QUANTILES = (10, 50, 90)


def twin(instance: Instance, name: str = "twin", seed: int = 1) -> Recipe:
    """The recipe fitted to an instance.

    Parameters
    ----------
    name : of the recipe.

    Raises
    ------
    InputError
        An instance without demand or capacity, or smaller than the generator makes: three groups, two areas.
    """
    if instance.n_groups < 3 or instance.n_areas < 2:
        raise InputError("a twin needs three groups and two areas at least", instance.name)
    if not instance.demand.any() or not instance.capacity.any():
        raise InputError("a twin needs demand and capacity", instance.name)
    cells_of_group = np.bincount(instance.cell_group, minlength=instance.n_groups)
    regions = int(cells_of_group.max())
    size, noise = _two_way(instance)
    eligibility, breadth = _density(instance, size)
    mean_utility = float(instance.utility.mean())
    of_hospital, of_offer = _utility_spreads(instance, mean_utility)
    cap_sd = float(noise.std())
    knobs: dict[str, Any] = {
        "hospitals": instance.n_hospitals,
        "groups": instance.n_groups,
        "areas": instance.n_areas,
        "uneven_areas": _uneven(instance),
        "regions": min(regions, instance.n_hospitals),
        "supraregional": float((cells_of_group == 1).mean()) if regions > 1 else 0,
        "capacity_mode": instance.capacity_mode,
        "utility_scale": max(1, round(mean_utility)),
        **_demand(instance),
        "size_sd": float(size.std()),
        "eligibility": eligibility,
        "breadth": breadth,
        # The mean of the noise is exp(cap_sd^2 / 2).
        "rho": float(instance.capacity.sum()) / float(instance.demand.sum()) / math.exp(cap_sd**2 / 2),
        "cap_sd": cap_sd,
        "rho_area": _area_competition(instance),
        **_minima(instance),
        **_links(instance),
        **_cooperation(instance),
        "util_h": of_hospital,
        "util_hl": of_offer,
        "utility_floor": max(1 / round(mean_utility), float(instance.utility.min()) / mean_utility),
    }
    return Recipe(
        name=name,
        description=f"A twin of {instance.name}: what does an instance with its statistics ask, without its data?",
        seed=seed,
        **{knob: _within(knob, value) for knob, value in knobs.items()},
    )


def family_text(instances: Mapping[str, Instance], seeds: Sequence[int]) -> str:
    """The family file `twin` (`splgbench.library.families`): a point for each instance, named as in `instances`."""
    lines = [
        "# A family of the library, written by `splgbench instances twin NAME ... --family FILE`.",
        'name = "twin"',
        'question = "What does an instance with the statistics of a real one ask, without its data?"',
        f"seeds = {list(seeds)}",
        "",
        "[base]",
        "",
        "[axes.of]",
    ]
    for label, instance in instances.items():
        knobs = twin(instance).as_text()
        lines += ["", f'[axes.of."{label}"]']
        lines += [
            f"{knob} = {text}" if KNOBS[knob].kind != "mode" else f'{knob} = "{text}"'
            for knob, text in knobs.items()
            if knob not in ("name", "description", "seed")
        ]
    return "\n".join(lines) + "\n"


def marginals(instance: Instance) -> dict[str, list[int]]:
    """The distributions that a twin is to match: cases by group, offers by hospital, capacity by hospital, and
    capacity and utility by offer."""
    demand, offers, capacity = (np.zeros(n, dtype=np.int64) for n in (instance.n_groups, *(instance.n_hospitals,) * 2))
    np.add.at(demand, instance.cell_group, instance.demand)
    np.add.at(offers, instance.offer_hospital, 1)
    np.add.at(capacity, instance.offer_hospital, instance.capacity)
    found = {
        "demand of a group": demand,
        "offers of a hospital": offers,
        "capacity of a hospital": capacity,
        "capacity of an offer": instance.capacity,
        "utility of an offer": instance.utility,
    }
    return {name: sorted(values.tolist()) for name, values in found.items()}


def fit_rows(instances: Mapping[str, Instance], twins: Mapping[str, Sequence[Instance]]) -> list[tuple[str, ...]]:
    """A header and rows (quantity, quantile, a column an instance): quantiles of the marginals, ranks rounded down.

    A cell holds the instance's own quantile, in brackets the smallest and the largest one of its twins.
    """
    columns = {name: marginals(instance) for name, instance in instances.items()}
    drawn = {name: [marginals(instance) for instance in twins[name]] for name in instances}
    rows: list[tuple[str, ...]] = [("quantity", "quantile", *columns)]
    for quantity in next(iter(columns.values())):
        for percent in QUANTILES:
            cells = []
            for name, column in columns.items():
                found = [_quantile(each[quantity], percent) for each in drawn[name]]
                cells.append(f"{_quantile(column[quantity], percent):,} ({min(found):,} to {max(found):,})")
            rows.append((quantity, f"{percent} %", *cells))
    return rows


def _quantile(ranked: Sequence[int], percent: int) -> int:
    return ranked[(len(ranked) - 1) * percent // 100] if ranked else 0


def _within(knob: str, value: Any) -> Any:
    """A knob's value in its range and type."""
    kind = KNOBS[knob]
    if kind.kind == "mode":
        return value
    if kind.kind == "whole":
        return min(max(round(value), int(kind.low)), int(kind.high))
    rounded = Decimal(f"{value:.{DECIMALS}f}")
    least = max(Decimal(kind.low), Decimal(1).scaleb(-DECIMALS)) if kind.low > 0 else Decimal(kind.low)
    return min(max(rounded, least), Decimal(kind.high))


def _two_way(instance: Instance) -> tuple[FloatArray, FloatArray]:
    """Hospital sizes, shape (H,), and noise of the offers: log (K_k / B_c) = cell + size + noise."""
    demand = instance.demand[instance.offer_cell]
    use = (instance.capacity > 0) & (demand > 0)
    value = np.log(instance.capacity[use] / demand[use])
    hospital, cell = instance.offer_hospital[use], instance.offer_cell[use]
    size, level = np.zeros(instance.n_hospitals), np.zeros(instance.n_cells)
    for _ in range(_ROUNDS):
        level = _means(cell, value - size[hospital], instance.n_cells)
        size = _means(hospital, value - level[cell], instance.n_hospitals)
    return size, value - size[hospital] - level[cell]


def _means(index: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Mean of the values by index; 0 where there is none."""
    mean: FloatArray = np.bincount(index, values, count) / np.maximum(1, np.bincount(index, minlength=count))
    return mean


def _density(instance: Instance, size: FloatArray) -> tuple[float, float]:
    """Mean share of groups that a hospital offers, and its slope over the ranks by size from -1 to 1."""
    share = np.bincount(instance.offer_hospital, minlength=instance.n_hospitals) / instance.n_groups
    if instance.n_hospitals == 1:
        return float(share[0]), 0.0
    place = np.empty(instance.n_hospitals)
    place[np.argsort(size, kind="stable")] = np.linspace(-1, 1, instance.n_hospitals)
    slope = float((place * (share - share.mean())).sum() / (place**2).sum())
    return float(share.mean()), max(0.0, slope)


def _demand(instance: Instance) -> dict[str, float]:
    """Median and logarithmic spread of the demand of a group per ten hospitals."""
    of_group = np.bincount(instance.cell_group, instance.demand, instance.n_groups)
    logs = np.log(of_group[of_group > 0] * 10 / instance.n_hospitals)
    return {"demand_median": math.exp(float(logs.mean())), "demand_sd": float(logs.std())}


def _uneven(instance: Instance) -> float:
    """Groups dealt at random give areas of equal mean and variance."""
    sizes = np.bincount(instance.group_area, minlength=instance.n_areas)
    return min(1.0, float(sizes.var() / sizes.mean()))


def _area_competition(instance: Instance) -> float:
    """Sum of Q over the demand of the areas that have one."""
    pair = pairs(instance)
    offered = np.isin(instance.group_area[instance.cell_group], pair.area)
    return float(pair.capacity.sum()) / max(1.0, float(instance.demand[offered].sum()))


def _minima(instance: Instance) -> dict[str, float]:
    """Positions of minimum cases between 0 and the median capacity, as a uniform draw of equal mean and spread."""
    positions = []
    for g in range(instance.n_groups):
        capacity = instance.capacity[instance.offer_group == g]
        if len(capacity) and np.median(capacity) > 0:
            positions.append(float(instance.minimum_cases[g] / np.median(capacity)))
    middle, half = (float(np.mean(positions)), math.sqrt(3) * float(np.std(positions))) if positions else (0.0, 0.0)
    share = 2 * float(instance.minimum_share_bp.mean()) * instance.n_hospitals / REFERENCE_HOSPITALS
    return {"threshold_low": max(0.0, middle - half), "threshold_high": middle + half, "share_max_bp": share}


def _links(instance: Instance) -> dict[str, float]:
    inside: list[int] = []
    across: list[int] = []
    required: Counter[int] = Counter()
    for clause in range(instance.n_clauses):
        group = int(instance.clause_group[clause])
        members = instance.required_group[instance.clause_start[clause] : instance.clause_start[clause + 1]]
        outside = members[instance.group_area[members] != instance.group_area[group]]
        (across if len(outside) else inside).append(clause)
        required.update(outside.tolist())
    not_first = max(1, instance.n_groups - instance.n_areas)
    most = max(required.values(), default=0)
    return {
        "in_area_links": min(1.0, _groups(instance, inside) / not_first),
        "in_area_all": _share_all(instance, inside),
        "cross_links": min(1.0, _groups(instance, across) / max(1, instance.n_groups - 2)),
        "cross_all": _share_all(instance, across),
        "cross_basic": most / max(1, sum(required.values())),
    }


def _groups(instance: Instance, clauses: Iterable[int]) -> int:
    return len({int(instance.clause_group[clause]) for clause in clauses})


def _share_all(instance: Instance, clauses: Sequence[int]) -> float:
    return float(instance.clause_is_all[list(clauses)].mean()) if clauses else 0.0


def _cooperation(instance: Instance) -> dict[str, float]:
    named = {name for name in instance.cooperation if name}
    if not named:
        return {"cooperation_groups": 0}
    wide = instance.required_in_cooperation
    return {
        "cooperation_groups": len(named),
        "cooperation_members": sum(map(bool, instance.cooperation)) / instance.n_hospitals,
        "cooperation_links": float(wide.mean()) if len(wide) else 0.0,
    }


def _utility_spreads(instance: Instance, mean: float) -> tuple[float, float]:
    """Standard deviations, in points of the mean utility, between hospitals and within them."""
    points = instance.utility / mean
    of_hospital = _means(instance.offer_hospital, points, instance.n_hospitals)
    return float(of_hospital.std()), float((points - of_hospital[instance.offer_hospital]).std())
