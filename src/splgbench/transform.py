"""Instances made from an instance: rules switched off, a smaller cut, other keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from splgbench.errors import InputError
from splgbench.extensions import carried, entries_of
from splgbench.instance import Instance
from splgbench.tables import TABLE

RULES = (
    "capacity",
    "group-capacity",
    "area-capacity",
    "minimum-cases",
    "minimum-share",
    "links",
    "overrides",
)
"""Rules that can be switched off by name."""
CUT = re.compile(r"([1-9][0-9]{0,8})x([1-9][0-9]{0,8})")
"""How the size of a cut is written: HxG, hospitals and groups."""


def to_tables(instance: Instance) -> dict[str, dict[str, list[Any]]]:
    """The instance as columns of its package tables, defaults filled in; optional empty tables left out."""

    def names(keys: tuple[str, ...], index: Any) -> list[str]:
        return [keys[i] for i in index.tolist()]

    stated = np.flatnonzero(instance.demand_stated)
    members = np.diff(instance.clause_start)
    clause_of = np.repeat(np.arange(instance.n_clauses), members)
    override_offer = instance.override_offer
    tables: dict[str, dict[str, list[Any]]] = {
        "hospitals": {"hospital": list(instance.hospitals), "cooperation": list(instance.cooperation)},
        "areas": {"area": list(instance.areas)},
        "groups": {
            "group": list(instance.groups),
            "area": names(instance.areas, instance.group_area),
            "minimum_cases": instance.minimum_cases.tolist(),
            "minimum_share_bp": instance.minimum_share_bp.tolist(),
        },
        "demand": {
            "group": names(instance.groups, instance.cell_group[stated]),
            "cases": instance.demand[stated].tolist(),
        },
        "offers": {
            "hospital": names(instance.hospitals, instance.offer_hospital),
            "group": names(instance.groups, instance.offer_group),
            "capacity": instance.capacity.tolist(),
            "utility": instance.utility.tolist(),
        },
    }
    if instance.regions:
        tables["regions"] = {"region": list(instance.regions)}
        tables["demand"]["region"] = names(instance.regions, instance.cell_region[stated])
        tables["offers"]["region"] = names(instance.regions, instance.cell_region[instance.offer_cell])
    if instance.n_clauses:
        tables["links"] = {
            "group": names(instance.groups, instance.clause_group[clause_of]),
            "clause": [instance.clause_name[i] for i in clause_of.tolist()],
            "mode": ["all" if instance.clause_is_all[i] else "any" for i in clause_of.tolist()],
            "required": names(instance.groups, instance.required_group),
            "scope": ["cooperation" if wide else "inhouse" for wide in instance.required_in_cooperation.tolist()],
        }
    if len(instance.stated_pair_capacity):
        tables["area_capacity"] = {
            "hospital": names(instance.hospitals, instance.stated_pair_hospital),
            "area": names(instance.areas, instance.stated_pair_area),
            "capacity": instance.stated_pair_capacity.tolist(),
        }
    if len(override_offer):
        tables["overrides"] = {
            "hospital": names(instance.hospitals, instance.offer_hospital[override_offer]),
            "group": names(instance.groups, instance.offer_group[override_offer]),
            "action": list(instance.override_action),
            "cases": [cases if cases >= 0 else None for cases in instance.override_cases.tolist()],
            "rule": list(instance.override_rule),
        }
    for table, columns in tables.items():
        for column, cells in instance.notes.get(table, {}).items():
            columns[column] = list(cells)
    return tables


def from_tables(instance: Instance, tables: Mapping[str, Any], **changes: Any) -> Instance:
    """An instance from changed tables of `instance`, with its settings and extensions but for `changes`."""
    settings: dict[str, Any] = {
        "capacity_mode": instance.capacity_mode,
        "utility_scale": instance.utility_scale,
        "name": instance.name,
        "metadata": dict(instance.metadata),
        "extensions": entries_of(instance),
    }
    return Instance.from_tables(**tables, **(settings | changes))


def with_rules(
    instance: Instance,
    *,
    capacity_mode: str | None = None,
    minimum_cases: bool = True,
    minimum_share: bool = True,
    links: bool = True,
    overrides: bool = True,
) -> Instance:
    """See `Instance.with_rules`."""
    tables = to_tables(instance)
    if not minimum_cases:
        tables["groups"]["minimum_cases"] = [0] * instance.n_groups
    if not minimum_share:
        tables["groups"]["minimum_share_bp"] = [0] * instance.n_groups
    if not links:
        tables.pop("links", None)
    if not overrides:
        tables.pop("overrides", None)
    return from_tables(instance, tables, capacity_mode=capacity_mode or instance.capacity_mode)


def without_rules(instance: Instance, rules: Iterable[str]) -> Instance:
    """Switch rules off by name (`RULES`)."""
    rules = set(rules)
    unknown = rules - set(RULES)
    if unknown:
        raise InputError(f"no rule named {', '.join(sorted(unknown))}; rules: {', '.join(RULES)}", "--without")
    if not rules:
        return instance
    groups = instance.limits_groups and not rules & {"capacity", "group-capacity"}
    areas = instance.limits_areas and not rules & {"capacity", "area-capacity"}
    mode = {(True, True): "both", (True, False): "group", (False, True): "area", (False, False): "none"}[groups, areas]
    return with_rules(
        instance,
        capacity_mode=mode,
        minimum_cases="minimum-cases" not in rules,
        minimum_share="minimum-share" not in rules,
        links="links" not in rules,
        overrides="overrides" not in rules,
    )


def subset(instance: Instance, hospitals: Iterable[str] | None = None, groups: Iterable[str] | None = None) -> Instance:
    """Keep some hospitals and groups, with everything that names only them.

    A clause loses the members that go, and goes when it has none left. Demand, capacities and minima stay.

    Parameters
    ----------
    hospitals, groups : keys to keep; None keeps all.
    """
    kept_hospitals = instance.hospitals if hospitals is None else hospitals
    kept_groups = instance.groups if groups is None else groups
    kept_hospitals, kept_groups = set(kept_hospitals), set(kept_groups)
    keys = {
        "hospital": {key: key for key in instance.hospitals if key in kept_hospitals},
        "group": {key: key for key in instance.groups if key in kept_groups},
        "area": {key: key for key in instance.areas},
        "region": {key: key for key in instance.regions},
    }
    tables = _kept_rows(to_tables(instance), kept_hospitals, kept_groups)
    return from_tables(instance, tables, extensions=carried(instance, keys))


def _kept_rows(
    tables: Mapping[str, dict[str, list[Any]]], hospitals: Iterable[str], groups: Iterable[str]
) -> dict[str, dict[str, list[Any]]]:
    """The rows that name only hospitals and groups to keep."""
    keep = {"hospital": set(hospitals), "group": set(groups)}
    keep["required"] = keep["group"]
    kept_tables = {}
    for name, columns in tables.items():
        tests = [(columns[key], kept) for key, kept in keep.items() if key in columns]
        rows = [
            row for row in range(len(next(iter(columns.values())))) if all(cells[row] in kept for cells, kept in tests)
        ]
        if rows or TABLE[name].required:
            kept_tables[name] = {column: [cells[row] for row in rows] for column, cells in columns.items()}
    return kept_tables


def cut(instance: Instance, n_hospitals: int, n_groups: int, name: str = "") -> Instance:
    """A small instance with the competition of a large one: its largest hospitals and groups.

    Hospitals are ranked by the capacity of their offers, groups by demand (ties: by key). The demand of a
    cell, and with it the minimum share in cases, shrinks by the part of its capacity that stays (rounded
    down), so that the ratio of capacity to demand remains.

    Parameters
    ----------
    n_hospitals, n_groups : how many to keep.
    name : the name of the cut.

    Raises
    ------
    InputError
        The instance has extensions: what a smaller budget would be is not for a cut to say.
    """
    if instance.extensions:
        raise InputError(f"an instance with extensions ({', '.join(instance.extensions)}) has no cut", "cut")
    group_demand = np.zeros(instance.n_groups, dtype=np.int64)
    np.add.at(group_demand, instance.cell_group, instance.demand)
    size = np.zeros(instance.n_hospitals, dtype=np.int64)
    np.add.at(size, instance.offer_hospital, instance.capacity)
    kept_hospitals = np.argsort(-size, kind="stable")[:n_hospitals]
    kept_groups = np.argsort(-group_demand, kind="stable")[:n_groups]

    kept = np.isin(instance.offer_hospital, kept_hospitals)
    all_capacity = np.zeros(instance.n_cells, dtype=np.int64)
    kept_capacity = np.zeros(instance.n_cells, dtype=np.int64)
    np.add.at(all_capacity, instance.offer_cell, instance.capacity)
    np.add.at(kept_capacity, instance.offer_cell[kept], instance.capacity[kept])
    tables = to_tables(instance)
    tables["demand"]["cases"] = [
        int(instance.demand[c]) * int(kept_capacity[c]) // max(1, int(all_capacity[c]))
        for c in np.flatnonzero(instance.demand_stated)
    ]
    hospitals = [instance.hospitals[h] for h in kept_hospitals]
    groups = [instance.groups[g] for g in kept_groups]
    return from_tables(instance, _kept_rows(tables, hospitals, groups), name=name or f"{instance.name}-cut")
