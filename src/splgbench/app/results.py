"""Views of a run: tiles, heat map, coverage, offers, map, and its difference to another run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from splgbench.app.grid import Column, Grid, containing
from splgbench.app.workspace import hospital_places, names_of
from splgbench.errors import InputError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.limits import NO_LIMITS
from splgbench.result import Result, Status
from splgbench.volumes import pairs, thresholds

HEAT_LEVELS = (0.0, 0.05, 0.15, 0.3, 0.5)
"""Shares of an area's need from which on the next deeper colour stands."""
HOSPITALS_A_PAGE = 30
MOST_AREAS = 60
"""Columns of a page of the heat map."""


@dataclass(frozen=True)
class Run:
    """A finished solve of a session.

    Parameters
    ----------
    number : from 1.
    instance : what was solved.
    changes : how its rules and numbers differ from the instance as loaded; "" for not.
    """

    number: int
    instance: Instance
    result: Result
    changes: str

    @classmethod
    def under_way(cls, instance: Instance, volumes: IntArray, primal: int) -> Run:
        """A checked allocation of a solve that has not ended, shape (K,), for the views of it."""
        result = Result(
            Status.INTERRUPTED,
            "",
            instance.name,
            instance.instance_hash,
            primal,
            None,
            volumes=volumes,
            limits=NO_LIMITS,
        )
        return cls(0, instance, result, "")

    @cached_property
    def volumes(self) -> IntArray:
        """Cases, shape (K,); 0 everywhere without an allocation."""
        found = self.result.volumes
        return np.zeros(self.instance.n_offers, dtype=np.int64) if found is None else found

    @property
    def label(self) -> str:
        """For lists of runs."""
        return f"#{self.number} {self.result.method}" + (f" ({self.changes})" if self.changes else "")

    def as_json(self) -> dict[str, Any]:
        """What the page shows of it before any table."""
        result, instance = self.result, self.instance
        demand, cases = int(instance.demand.sum()), int(self.volumes.sum())
        return {
            "number": self.number,
            "label": self.label,
            "method": result.method,
            "status": str(result.status),
            "primal": result.primal,
            "dual": result.dual,
            "gap": result.gap,
            "points": None if result.primal is None else result.primal / instance.utility_scale,
            "seconds": result.wall_time_s,
            "mandates": int((self.volumes > 0).sum()),
            "offers": instance.n_offers,
            "cases": cases,
            "demand": demand,
            "covered": cases / demand if demand else None,
            "message": result.message,
            "clash": list(result.clash),
            "has_allocation": result.volumes is not None,
            "hash": instance.instance_hash,
        }


def heat(run: Run, page: int, text: str, area_page: int = 0) -> dict[str, Any]:
    """Hospitals against areas: cases, mandates, offers and the share of the area's need of each pair with an offer.

    Parameters
    ----------
    page : of hospitals, the largest first.
    text : part of a hospital's key or name.
    area_page : of areas.
    """
    instance, volumes = run.instance, run.volumes
    pair = pairs(instance)
    n_areas = instance.n_areas
    cases, mandates, offers = (np.zeros(len(pair.capacity), dtype=np.int64) for _ in range(3))
    np.add.at(cases, pair.of_offer, volumes)
    np.add.at(mandates, pair.of_offer, volumes > 0)
    np.add.at(offers, pair.of_offer, 1)
    need = np.zeros(n_areas, dtype=np.int64)
    np.add.at(need, instance.group_area[instance.cell_group], instance.demand)
    size = np.zeros(instance.n_hospitals, dtype=np.int64)
    np.add.at(size, instance.offer_hospital, volumes)
    names = names_of(instance, "hospitals", instance.hospitals)
    kept = np.flatnonzero(_named(instance.hospitals, names, text))
    ordered = kept[np.argsort(-size[kept], kind="stable")]
    pages = max(1, -(-len(ordered) // HOSPITALS_A_PAGE))
    page = min(max(0, page), pages - 1)
    area_pages = max(1, -(-n_areas // MOST_AREAS))
    area_page = min(max(0, area_page), area_pages - 1)
    areas = range(area_page * MOST_AREAS, min(n_areas, (area_page + 1) * MOST_AREAS))
    area_names = names_of(instance, "areas", instance.areas)
    rows = []
    for h in ordered[page * HOSPITALS_A_PAGE : (page + 1) * HOSPITALS_A_PAGE].tolist():
        cells: list[dict[str, Any] | None] = [None] * len(areas)
        first, last = np.searchsorted(pair.hospital, [h, h + 1])
        for p in range(int(first), int(last)):
            a = int(pair.area[p])
            if a in areas:
                share = float(cases[p] / need[a]) if need[a] else 0.0
                cells[a - areas.start] = {
                    "cases": int(cases[p]),
                    "mandates": int(mandates[p]),
                    "offers": int(offers[p]),
                    "share": share,
                    "level": _level(share) if mandates[p] else 0,
                }
        rows.append({"hospital": instance.hospitals[h], "name": names[h], "cases": int(size[h]), "cells": cells})
    return {
        "areas": [{"area": instance.areas[a], "name": area_names[a], "need": int(need[a])} for a in areas],
        "rows": rows,
        "total": len(ordered),
        "page": page,
        "pages": pages,
        "area_page": area_page,
        "area_pages": area_pages,
        "levels": list(HEAT_LEVELS),
    }


def _level(share: float) -> int:
    return sum(share >= bound for bound in HEAT_LEVELS)


def _named(keys: Sequence[str], names: Sequence[str], text: str) -> BoolArray:
    return containing([f"{key} {name}" for key, name in zip(keys, names, strict=True)], text)


def coverage(run: Run, text: str) -> Grid:
    """Need, cases given and mandates of every cell whose group or region contains a text."""
    instance, volumes = run.instance, run.volumes
    given, holders, offers = (np.zeros(instance.n_cells, dtype=np.int64) for _ in range(3))
    np.add.at(given, instance.offer_cell, volumes)
    np.add.at(holders, instance.offer_cell, volumes > 0)
    np.add.at(offers, instance.offer_cell, 1)
    demand = instance.demand
    names = names_of(instance, "groups", instance.groups)
    kept = _named(instance.groups, names, text)[instance.cell_group]
    if instance.regions:
        kept = kept | containing(instance.regions, text)[instance.cell_region]
    kept &= (demand > 0) | (offers > 0)
    columns = {
        "group": Column("Group", instance.cell_group, instance.groups),
        "group_name": Column("Name", instance.cell_group, names),
        **_region(instance, instance.cell_region),
        "area": Column("Area", instance.group_area[instance.cell_group], instance.areas),
        "demand": Column("Need", demand, form="whole"),
        "cases": Column("Placed", given, form="whole"),
        "covered": Column("Coverage", given / np.maximum(demand, 1), form="percent"),
        "mandates": Column("Mandates", holders, form="whole"),
        "offers": Column("Offers", offers, form="whole"),
    }
    return Grid(columns, np.flatnonzero(kept))


def _region(instance: Instance, numbers: IntArray) -> dict[str, Column]:
    return {"region": Column("Region", numbers, instance.regions)} if instance.regions else {}


@dataclass(frozen=True)
class OfferFilter:
    """What offers are shown.

    Parameters
    ----------
    text : part of a hospital's or a group's key or name.
    hospital : key of one, else part of keys or names.
    area, group : keys; "" for all.
    mandate : "yes", "no" or "" for all.
    """

    text: str = ""
    hospital: str = ""
    area: str = ""
    group: str = ""
    mandate: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> OfferFilter:
        """As an address asks for it."""
        return cls(*(query.get(name, "") for name in ("text", "hospital", "area", "group", "mandate")))

    def rows(self, instance: Instance, volumes: IntArray) -> BoolArray:
        """Which offers pass, shape (K,)."""
        kept = np.ones(instance.n_offers, dtype=np.bool_)
        h, g = instance.offer_hospital, instance.offer_group
        if self.text:
            hospitals = _named(instance.hospitals, names_of(instance, "hospitals", instance.hospitals), self.text)
            groups = _named(instance.groups, names_of(instance, "groups", instance.groups), self.text)
            kept &= hospitals[h] | groups[g]
        if self.hospital in instance.hospitals:
            kept &= h == instance.hospitals.index(self.hospital)
        elif self.hospital:
            names = names_of(instance, "hospitals", instance.hospitals)
            kept &= _named(instance.hospitals, names, self.hospital)[h]
        for wanted, keys, numbers in (
            (self.group, instance.groups, g),
            (self.area, instance.areas, instance.group_area[g]),
        ):
            if wanted:
                kept &= numbers == (keys.index(wanted) if wanted in keys else -1)
        if self.mandate in ("yes", "no"):
            kept &= (volumes > 0) == (self.mandate == "yes")
        return kept


def offers(run: Run, wanted: OfferFilter) -> Grid:
    """The offers of a run with what was decided about each."""
    instance, volumes = run.instance, run.volumes
    g, cell = instance.offer_group, instance.offer_cell
    columns = {
        "hospital": Column("Hospital", instance.offer_hospital, instance.hospitals),
        "hospital_name": Column("Name", instance.offer_hospital, names_of(instance, "hospitals", instance.hospitals)),
        "group": Column("Group", g, instance.groups),
        "group_name": Column("Group name", g, names_of(instance, "groups", instance.groups)),
        **_region(instance, instance.cell_region[cell]),
        "area": Column("Area", instance.group_area[g], instance.areas),
        "mandate": Column("Mandate", (volumes > 0).astype(np.int64), ("no", "yes")),
        "cases": Column("Cases", volumes, form="whole"),
        "share": Column("Share", volumes / np.maximum(instance.demand[cell], 1), form="percent"),
        "utility": Column("Benefit", instance.utility / instance.utility_scale, form="number"),
        "capacity": Column("Capacity", instance.capacity, form="whole"),
        "threshold": Column("Least", thresholds(instance), form="whole"),
        "demand": Column("Need", instance.demand[cell], form="whole"),
        "decision": Column("Decision", *_decisions(instance)),
    }
    return Grid(columns, np.flatnonzero(wanted.rows(instance, volumes)))


def _decisions(instance: Instance) -> tuple[IntArray, tuple[str, ...]]:
    """Number and words of the decisions on each offer."""
    words: dict[int, str] = {}
    rows = zip(instance.override_offer.tolist(), instance.override_action, instance.override_rule, strict=True)
    for k, action, rule in rows:
        told = f"{action} {rule}".strip()
        words[k] = f"{words[k]}, {told}" if k in words else told
    labels = ("", *sorted(set(words.values())))
    numbers = np.zeros(instance.n_offers, dtype=np.int64)
    for k, told in words.items():
        numbers[k] = labels.index(told)
    return numbers, labels


def places(run: Run) -> dict[str, Any]:
    """Hospitals with coordinates: degrees, cases and mandates."""
    instance, volumes = run.instance, run.volumes
    found = hospital_places(instance)
    if found is None:
        return {"hospitals": [], "without": instance.n_hospitals}
    latitude, longitude = found
    cases, mandates = (np.zeros(instance.n_hospitals, dtype=np.int64) for _ in range(2))
    np.add.at(cases, instance.offer_hospital, volumes)
    np.add.at(mandates, instance.offer_hospital, volumes > 0)
    names = names_of(instance, "hospitals", instance.hospitals)
    known = np.flatnonzero(np.isfinite(latitude))
    return {
        "hospitals": [
            {
                "hospital": instance.hospitals[h],
                "name": names[h],
                "latitude": float(latitude[h]),
                "longitude": float(longitude[h]),
                "cases": int(cases[h]),
                "mandates": int(mandates[h]),
            }
            for h in known.tolist()
        ],
        "without": instance.n_hospitals - len(known),
    }


def difference(run: Run, other: Run) -> tuple[dict[str, Any], Grid]:
    """What a run changes against another one on the same offers: sums, and the offers that differ.

    Raises
    ------
    InputError
        The runs are of instances with other offers.
    """
    if (
        run.instance.hospitals != other.instance.hospitals
        or run.instance.groups != other.instance.groups
        or not (
            np.array_equal(run.instance.offer_hospital, other.instance.offer_hospital)
            and np.array_equal(run.instance.offer_group, other.instance.offer_group)
        )
    ):
        raise InputError("the runs are of instances with other offers", "difference")
    before, after, instance = other.volumes, run.volumes, run.instance
    changed = (before > 0) != (after > 0)
    kind = np.where(before == after, 0, np.where(changed, np.where(after > 0, 1, 2), np.where(after > before, 3, 4)))
    values = (run.result.primal, other.result.primal)
    sums = {
        "value": None if None in values else values[0] - values[1],  # type: ignore[operator]
        "points": None
        if None in values
        else values[0] / instance.utility_scale - values[1] / other.instance.utility_scale,  # type: ignore[operator]
        "cases": int(after.sum()) - int(before.sum()),
        "gained": int((kind == 1).sum()),
        "lost": int((kind == 2).sum()),
        "moved": int(np.abs(after - before).sum()),
    }
    columns = {
        "hospital": Column("Hospital", instance.offer_hospital, instance.hospitals),
        "hospital_name": Column("Name", instance.offer_hospital, names_of(instance, "hospitals", instance.hospitals)),
        "group": Column("Group", instance.offer_group, instance.groups),
        "area": Column("Area", instance.group_area[instance.offer_group], instance.areas),
        "before": Column(f"Cases in #{other.number}", before, form="whole"),
        "after": Column(f"Cases in #{run.number}", after, form="whole"),
        "change": Column("Change", after - before, form="whole"),
        "kind": Column("", kind, ("", "mandate gained", "mandate lost", "more cases", "fewer cases")),
    }
    return sums, Grid(columns, np.flatnonzero(before != after))


def inputs(instance: Instance, table: str, text: str) -> Grid:
    """A table whose numbers can be edited, its rows those that contain a text.

    Raises
    ------
    InputError
        No such table.
    """
    hospitals = names_of(instance, "hospitals", instance.hospitals)
    groups = names_of(instance, "groups", instance.groups)
    if table == "offers":
        kept = OfferFilter(text).rows(instance, instance.capacity)
        columns = {
            "hospital": Column("Hospital", instance.offer_hospital, instance.hospitals),
            "hospital_name": Column("Name", instance.offer_hospital, hospitals),
            "group": Column("Group", instance.offer_group, instance.groups),
            **_region(instance, instance.cell_region[instance.offer_cell]),
            "capacity": Column("Capacity", instance.capacity, form="whole"),
            "utility": Column(
                f"Benefit a case, in 1/{instance.utility_scale:,} points", instance.utility, form="whole"
            ),
        }
    elif table == "groups":
        kept = _named(instance.groups, groups, text)
        columns = {
            "group": Column("Group", np.arange(instance.n_groups), instance.groups),
            "group_name": Column("Name", np.arange(instance.n_groups), groups),
            "area": Column("Area", instance.group_area, instance.areas),
            "minimum_cases": Column("Minimum cases", instance.minimum_cases, form="whole"),
            "minimum_share_bp": Column("Minimum share, in 1/10,000", instance.minimum_share_bp, form="whole"),
        }
    elif table == "demand":
        kept = _named(instance.groups, groups, text)[instance.cell_group]
        columns = {
            "group": Column("Group", instance.cell_group, instance.groups),
            "group_name": Column("Name", instance.cell_group, groups),
            **_region(instance, instance.cell_region),
            "cases": Column("Need, cases", instance.demand, form="whole"),
        }
    elif table == "area_capacity":
        pair = pairs(instance)
        kept = _named(instance.hospitals, hospitals, text)[pair.hospital] | containing(instance.areas, text)[pair.area]
        columns = {
            "hospital": Column("Hospital", pair.hospital, instance.hospitals),
            "hospital_name": Column("Name", pair.hospital, hospitals),
            "area": Column("Area", pair.area, instance.areas),
            "capacity": Column("Capacity in the area", pair.capacity, form="whole"),
        }
    else:
        raise InputError(f"no table {table}", "inputs")
    return Grid(columns, np.flatnonzero(kept))
