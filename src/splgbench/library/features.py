"""What an instance is like, in numbers: sizes, density, competition, thresholds, links, symmetry, LP bounds.

All but the LP bounds are computed from whole numbers in vectorised passes over the offers (seconds for 163,000).
Ratios are rounded half up to `DECIMALS` decimals from exact fractions, so that they are equal on every machine. Symbols
are those of the model: offer k, cell c, hospital-area (h, a); t_k threshold, U_k largest volume.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from splgbench.errors import InfeasibleError, InputError, Problem, UnsupportedError
from splgbench.files import parse_csv
from splgbench.instance import Instance, IntArray
from splgbench.limits import Limits
from splgbench.methods import Direct, method
from splgbench.presolve import presolve
from splgbench.volumes import largest_volumes, pairs, thresholds

DECIMALS = 4
FEATURES_FILE = "features.csv"
LP_FORMULATIONS = ("linked", "strengthened")
"""Formulations whose LP bound is a feature; the LP is solved by HiGHS."""


@dataclass(frozen=True)
class Features:
    """Features of one instance; shares and ratios are fractions, not per cent.

    Parameters
    ----------
    instance, instance_hash : of what.
    hospitals, groups, areas, regions, cells, offers, clauses : sizes; regions counts those with a cell, 1 where there
        is no regions table.
    live_offers : offers that presolve leaves alive.
    components : connected components after presolve.
    density : offers / (hospitals x groups).
    competition : sum of K_k / sum of B_c, over all offers and cells, whatever the capacity mode.
    area_competition : sum of Q_{h,a} / sum of B_c, over all hospital-areas with offers.
    threshold_position : median over all offers of t_k / U_k, which counts as 10 where it is larger or U_k is 0.
    binding_thresholds : share of the live offers in a cell or (where area capacity holds) hospital-area in which not
        every live offer can reach its threshold at once: sum of t_k > B_c or sum of t_k > Q_{h,a}.
    cross_area_links : share of the groups with a clause that requires a group of another area.
    cooperation_links : share of the clause members with scope cooperation.
    symmetry : share of the pairs of hospitals that can be swapped: same offers with the same capacity, utility and
        cell, same area capacities, same cooperation group, no overrides.
    utility_spread : median over the cells with two offers or more of (upper - lower quartile) / median of their
        utilities.
    capacity_spread : likewise of their capacities.
    lp_linked, lp_strengthened : LP bounds in utility units, rounded up; None where not computed.
    """

    instance: str
    instance_hash: str
    hospitals: int
    groups: int
    areas: int
    regions: int
    cells: int
    offers: int
    clauses: int
    live_offers: int
    components: int
    density: Decimal
    competition: Decimal
    area_competition: Decimal
    threshold_position: Decimal
    binding_thresholds: Decimal
    cross_area_links: Decimal
    cooperation_links: Decimal
    symmetry: Decimal
    utility_spread: Decimal
    capacity_spread: Decimal
    lp_linked: int | None = None
    lp_strengthened: int | None = None


COLUMNS = tuple(field.name for field in fields(Features))
_RATIOS = tuple(field.name for field in fields(Features) if field.type == "Decimal")


def features(instance: Instance, name: str = "", lp_seconds: float | None = None) -> Features:
    """The features of an instance.

    Parameters
    ----------
    name : what it is called in the library; the instance's own name where there is none.
    lp_seconds : time limit of each LP bound; None computes none. An LP that does not end in time has no bound.

    Raises
    ------
    InfeasibleError
        The overrides leave no allocation.
    """
    offers = presolve(instance)
    live = offers.live
    threshold, largest, pair = thresholds(instance), largest_volumes(instance), pairs(instance)
    demand = int(instance.demand.sum())
    cell_need = _sums(instance.offer_cell, np.where(live, threshold, 0), instance.n_cells)
    crowded = (cell_need > instance.demand)[instance.offer_cell]
    if instance.limits_areas:
        pair_need = _sums(pair.of_offer, np.where(live, threshold, 0), len(pair.capacity))
        crowded |= (pair_need > pair.capacity)[pair.of_offer]
    regions = len(np.unique(instance.cell_region)) if instance.regions else 1
    bounds = {} if lp_seconds is None else lp_bounds(instance, lp_seconds)
    return Features(
        instance=name or instance.name,
        instance_hash=instance.instance_hash,
        hospitals=instance.n_hospitals,
        groups=instance.n_groups,
        areas=instance.n_areas,
        regions=regions,
        cells=instance.n_cells,
        offers=instance.n_offers,
        clauses=instance.n_clauses,
        live_offers=int(live.sum()),
        components=offers.n_components,
        density=_ratio(instance.n_offers, instance.n_hospitals * instance.n_groups),
        competition=_ratio(int(instance.capacity.sum()), demand),
        area_competition=_ratio(int(pair.capacity.sum()), demand),
        threshold_position=_threshold_position(threshold, largest),
        binding_thresholds=_ratio(int((crowded & live).sum()), int(live.sum())),
        cross_area_links=_ratio(_groups_linked_across(instance), instance.n_groups),
        cooperation_links=_ratio(int(instance.required_in_cooperation.sum()), len(instance.required_group)),
        symmetry=_symmetry(instance),
        utility_spread=_spread(instance, instance.utility),
        capacity_spread=_spread(instance, instance.capacity),
        lp_linked=bounds.get("linked"),
        lp_strengthened=bounds.get("strengthened"),
    )


def lp_bounds(instance: Instance, seconds: float) -> dict[str, int]:
    """LP bounds by formulation, in utility units, rounded up; those that do not end in time are left out."""
    found = {}
    for formulation in LP_FORMULATIONS:
        direct = method(f"{formulation}@highs")
        assert isinstance(direct, Direct)
        try:
            found[formulation] = math.ceil(direct.lp_bound(instance, Limits(wall_time=seconds)) - 1e-6)
        except (UnsupportedError, InfeasibleError):
            continue
    return found


def write_features(rows: Iterable[Features]) -> str:
    """The features as CSV, sorted by name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: row.instance):
        cells = (getattr(row, column) for column in COLUMNS)
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def parse_features(text: str, file: str) -> dict[str, Features]:
    """Features by name, as `write_features` wrote them.

    Raises
    ------
    InputError
        A file that holds something else.
    """
    table = parse_csv("features", file, text)
    if tuple(table.columns) != COLUMNS:
        raise InputError(f"must have the columns {', '.join(COLUMNS)}", file)
    found = {}
    for line, cells in zip(table.rows, zip(*table.columns.values(), strict=True), strict=True):
        row = dict(zip(COLUMNS, cells, strict=True))
        try:
            values = {column: _parsed(column, cell) for column, cell in row.items()}
        except ArithmeticError as error:
            raise InputError([Problem(file, line, None, f"must hold numbers: {error}")]) from None
        except ValueError as error:
            raise InputError([Problem(file, line, None, f"must hold whole numbers: {error}")]) from None
        found[row["instance"]] = Features(**values)
    return found


@cache
def committed_features() -> Mapping[str, Features]:
    """By name, the features as they stand in the library."""
    file = resources.files("splgbench.instances") / FEATURES_FILE
    return parse_features(file.read_text("utf-8"), FEATURES_FILE)


def _parsed(column: str, cell: str) -> Any:
    if column in ("instance", "instance_hash"):
        return cell
    if column in _RATIOS:
        return Decimal(cell)
    return int(cell) if cell else None


def _ratio(part: int, whole: int) -> Decimal:
    """part / whole, rounded half up; 0 where the whole is 0."""
    units = 10**DECIMALS
    return Decimal((2 * part * units + whole) // (2 * whole) if whole else 0).scaleb(-DECIMALS)


def _sums(index: IntArray, values: IntArray, count: int) -> IntArray:
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, index, values)
    return total


_MOST = 10
"""Largest threshold position."""


def _threshold_position(threshold: IntArray, largest: IntArray) -> Decimal:
    if not len(threshold):
        return _ratio(0, 1)
    over = (largest == 0) | (threshold > _MOST * largest)
    scaled = np.where(over, _MOST * 10**6, threshold * 10**6 // np.maximum(1, largest))
    return _ratio(int(np.sort(scaled)[len(scaled) // 2]), 10**6)


def _groups_linked_across(instance: Instance) -> int:
    of_member = np.repeat(np.arange(instance.n_clauses), np.diff(instance.clause_start))
    group = instance.clause_group[of_member]
    across = instance.group_area[group] != instance.group_area[instance.required_group]
    return len(np.unique(group[across]))


def _symmetry(instance: Instance) -> Decimal:
    """Share of the pairs of hospitals with equal signatures."""
    n = instance.n_hospitals
    touched = set(instance.offer_hospital[instance.override_offer].tolist())
    parts: list[list[bytes]] = [[] for _ in range(n)]
    columns = np.column_stack((instance.offer_group, instance.offer_cell, instance.capacity, instance.utility))
    ends = np.searchsorted(instance.offer_hospital, np.arange(n + 1))
    pair = pairs(instance)
    areas = np.column_stack((pair.area, pair.capacity))
    pair_ends = np.searchsorted(pair.hospital, np.arange(n + 1))
    for h in range(n):
        parts[h] = [columns[ends[h] : ends[h + 1]].tobytes(), areas[pair_ends[h] : pair_ends[h + 1]].tobytes()]
    counts: dict[tuple[object, ...], int] = {}
    for h in range(n):
        key = (*parts[h], instance.cooperation[h], h if h in touched else -1)
        counts[key] = counts.get(key, 0) + 1
    return _ratio(sum(count * (count - 1) for count in counts.values()), n * (n - 1))


def _spread(instance: Instance, values: IntArray) -> Decimal:
    """Median over the cells of (upper - lower quartile) / median, all at ranks rounded down."""
    order = np.lexsort((values, instance.offer_cell))
    ranked = values[order]
    cells = np.arange(instance.n_cells)
    start = np.searchsorted(instance.offer_cell[order], cells, side="left")
    count = np.searchsorted(instance.offer_cell[order], cells, side="right") - start
    start, count = start[count > 1], count[count > 1]
    if not len(start):
        return _ratio(0, 1)
    lower, middle, upper = (ranked[start + count * quarter // 4] for quarter in (1, 2, 3))
    spread = (upper - lower) * 10**6 // np.maximum(1, middle)
    return _ratio(int(np.sort(spread)[len(spread) // 2]), 10**6)
