"""Small instances that several tests build on: one by hand, and a seeded family that has every feature of the model."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

from naive import Naive

from splgbench.instance import Instance

Tables = dict[str, dict[str, list[Any]]]

MODES = ("group", "area", "both", "none")


def small_tables() -> Tables:
    """Two hospitals, three groups in two areas, five offers: the least that has every kind of row."""
    return {
        "hospitals": {"hospital": ["H1", "H2"], "cooperation": ["net", "net"]},
        "areas": {"area": ["A", "B"]},
        "groups": {
            "group": ["G1", "G2", "G3"],
            "area": ["A", "A", "B"],
            "minimum_cases": [2, 0, 3],
            "minimum_share_bp": [0, 5000, 0],
        },
        "demand": {"group": ["G1", "G2", "G3"], "cases": [10, 7, 9]},
        "offers": {
            "hospital": ["H1", "H1", "H1", "H2", "H2"],
            "group": ["G1", "G2", "G3", "G1", "G3"],
            "capacity": [8, 6, 5, 9, 4],
            "utility": [5, 3, 4, 2, 6],
        },
        "links": {
            "group": ["G1", "G3", "G3"],
            "clause": ["base", "team", "team"],
            "mode": ["any", "all", "all"],
            "required": ["G3", "G1", "G2"],
            "scope": ["inhouse", "inhouse", "cooperation"],
        },
        "area_capacity": {"hospital": ["H1"], "area": ["A"], "capacity": [12]},
        "overrides": {
            "hospital": ["H2", "H1"],
            "group": ["G3", "G2"],
            "action": ["grant", "exempt"],
            "reason": ["the valley needs it", "one team on two sites"],
            "cases": [None, None],
            "rule": ["", "threshold"],
        },
    }


def make(tables: Tables, mode: str = "both", **settings: Any) -> Instance:
    """The instance of `tables`."""
    return Instance.from_tables(**tables, capacity_mode=mode, **settings)


def small(mode: str = "both", **changes: dict[str, list[Any]] | None) -> Instance:
    """The instance of `small_tables`; a table named in `changes` replaces its namesake, None removes it."""
    tables = {name: table for name, table in (small_tables() | changes).items() if table is not None}
    return make(tables, mode)


def plain_tables(
    offers: dict[tuple[str, str], tuple[int, int]],
    demand: dict[str, int],
    *,
    areas: dict[str, str] | None = None,
    minimum: dict[str, int] | None = None,
    links: list[tuple[str, str, str, str, str]] = (),  # type: ignore[assignment]
    networks: dict[str, str] | None = None,
    pairs: dict[tuple[str, str], int] | None = None,
    overrides: list[tuple[str, str, str, int | None, str]] = (),  # type: ignore[assignment]
) -> Tables:
    """Tables from the few facts a test is about; hospitals and groups are those that it names.

    Parameters
    ----------
    offers : (hospital, group) to (capacity, utility).
    demand : group to cases; its groups are the instance's.
    areas : group to area, "A" where it names none.
    minimum : group to minimum cases.
    links : rows (group, clause, mode, required, scope).
    networks : hospital to cooperation group; its hospitals exist even without offers.
    pairs : (hospital, area) to area capacity.
    overrides : rows (hospital, group, action, cases, rule).
    """
    networks, areas, minimum, pairs = networks or {}, areas or {}, minimum or {}, pairs or {}
    hospitals = sorted({hospital for hospital, _ in offers} | networks.keys())
    tables: Tables = {
        "hospitals": {"hospital": hospitals, "cooperation": [networks.get(h, "") for h in hospitals]},
        "areas": {"area": sorted({areas.get(group, "A") for group in demand})},
        "groups": {
            "group": list(demand),
            "area": [areas.get(group, "A") for group in demand],
            "minimum_cases": [minimum.get(group, 0) for group in demand],
        },
        "demand": {"group": list(demand), "cases": list(demand.values())},
        "offers": {
            "hospital": [hospital for hospital, _ in offers],
            "group": [group for _, group in offers],
            "capacity": [capacity for capacity, _ in offers.values()],
            "utility": [utility for _, utility in offers.values()],
        },
    }
    if links:
        columns = ("group", "clause", "mode", "required", "scope")
        tables["links"] = {name: [row[i] for row in links] for i, name in enumerate(columns)}
    if pairs:
        tables["area_capacity"] = {
            "hospital": [hospital for hospital, _ in pairs],
            "area": [area for _, area in pairs],
            "capacity": list(pairs.values()),
        }
    if overrides:
        columns = ("hospital", "group", "action", "cases", "rule")
        tables["overrides"] = {name: [row[i] for row in overrides] for i, name in enumerate(columns)}
        tables["overrides"]["reason"] = ["as the test says"] * len(overrides)
    return tables


def random_tables(
    seed: int,
    *,
    hospitals: int = 3,
    groups: int = 4,
    most: int = 6,
    eligibility: float = 0.7,
    regions: bool | None = None,
    overrides: float = 0.5,
    link_chance: float = 0.6,
    gentle: bool = False,
) -> Tables:
    """Tables with links of all kinds, stated area capacities, regions and overrides.

    Fixes are 0 or may break their bounds in some capacity mode; `random_instance` leaves those out.

    Parameters
    ----------
    most : largest demand of a cell.
    eligibility : chance that a hospital offers a group.
    regions : whether there are regions; None draws it.
    overrides : chance that there are overrides.
    link_chance : chance that a group has a clause.
    gentle : draw numbers that leave most offers alive, so that what is left is a matter of choice.
    """
    draw = random.Random(seed)
    minima = [1, 2, 2] if gentle else [0, 0, 1, 2, 3, most]
    needs = range(most // 2, most + 1) if gentle else [0, *range(1, most + 1), most]
    capacities = range(2, most + 1) if gentle else [0, *range(1, most + 1), 2 * most]
    names = [f"H{i}" for i in range(hospitals)]
    keys = [f"G{i}" for i in range(groups)]
    n_areas = draw.randint(1, min(3, groups))
    if regions is None:
        regions = draw.random() < 0.3
    places = ["north", "south"] if regions else [""]
    tables: Tables = {
        "hospitals": {"hospital": names, "cooperation": [draw.choice(["", "net", "net", "web"]) for _ in names]},
        "areas": {"area": [f"A{i}" for i in range(n_areas)]},
        "groups": {
            "group": keys,
            "area": [f"A{draw.randrange(n_areas)}" for _ in keys],
            "minimum_cases": [draw.choice(minima) for _ in keys],
            "minimum_share_bp": [draw.choice([0, 0, 2500, 3334, 5000]) for _ in keys],
        },
    }
    cells = [(group, place) for group in keys for place in places if draw.random() < 0.9]
    tables["demand"] = {
        "group": [group for group, _ in cells],
        "cases": [draw.choice(needs) for _ in cells],
    }
    pairs = [(h, g) for h in names for g in keys if draw.random() < eligibility]
    tables["offers"] = {
        "hospital": [h for h, _ in pairs],
        "group": [g for _, g in pairs],
        "capacity": [draw.choice(capacities) for _ in pairs],
        "utility": [draw.randint(1, 9) for _ in pairs],
    }
    if regions:
        tables["regions"] = {"region": places}
        tables["demand"]["region"] = [place for _, place in cells]
        tables["offers"]["region"] = [draw.choice(places) for _ in pairs]
    links: list[tuple[str, str, str, str, str]] = []
    for group in keys:
        for clause in range(draw.choice([1, 1, 2]) if draw.random() < link_chance else 0):
            mode = draw.choice(["any", "all"])
            members = draw.sample(keys, draw.randint(1, min(3, groups)))
            links += [
                (group, f"c{clause}", mode, required, draw.choice(["inhouse", "inhouse", "cooperation"]))
                for required in members
            ]
    if links:
        columns = ("group", "clause", "mode", "required", "scope")
        tables["links"] = {name: [row[i] for row in links] for i, name in enumerate(columns)}
    stated = [(h, f"A{a}") for h in names for a in range(n_areas) if draw.random() < 0.5]
    if stated:
        tables["area_capacity"] = {
            "hospital": [h for h, _ in stated],
            "area": [a for _, a in stated],
            "capacity": [draw.randint(most // 2 if gentle else 0, 2 * most) for _ in stated],
        }
    if pairs and draw.random() < overrides:
        rows: list[tuple[str, str, str, int | None, str]] = []
        for h, g in draw.sample(pairs, min(len(pairs), draw.randint(1, 3))):
            action = draw.choice(["grant", "refuse", "fix", ""])
            if action:
                rows.append((h, g, action, draw.choice([0, draw.randint(1, most)]) if action == "fix" else None, ""))
            rows += [(h, g, "exempt", None, rule) for rule in ("threshold", "links") if draw.random() < 0.4]
        columns = ("hospital", "group", "action", "cases", "rule")
        tables["overrides"] = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
        tables["overrides"]["reason"] = ["drawn"] * len(rows)
    return tables


def random_instance(seed: int, mode: str | None = None, **sizes: Any) -> tuple[Instance, Tables]:
    """A random instance and its tables; fixes that are not legal in the capacity mode are taken out.

    Parameters
    ----------
    mode : the capacity mode; None takes them in turn.
    sizes : as `random_tables` takes them.
    """
    tables = random_tables(seed, **sizes)
    mode = mode or MODES[seed % 4]
    if "overrides" in tables:
        naive, rows = Naive(tables, mode), tables["overrides"]
        legal = [
            action != "fix" or cases == 0 or naive.threshold[h, g] <= cases <= naive.largest[h, g]
            for h, g, action, cases in zip(rows["hospital"], rows["group"], rows["action"], rows["cases"], strict=True)
        ]
        tables["overrides"] = {
            name: [cell for cell, kept in zip(cells, legal, strict=True) if kept] for name, cells in rows.items()
        }
    return make(tables, mode, name=f"random-{seed}"), tables


def write_by_hand(tables: Tables, folder: Path, mode: str = "both", **settings: Any) -> Path:
    """A package as others may write it: the csv module, a bare descriptor, nothing of splgbench.

    Parameters
    ----------
    settings : entries of `splgbench` to change or add.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    descriptor = {
        "name": "by-hand",
        "splgbench": {"schema": 1, "capacity_mode": mode, "utility_scale": 1} | settings,
        "resources": [{"name": name, "path": f"{name}.csv"} for name in tables],
    }
    (folder / "datapackage.json").write_text(json.dumps(descriptor), encoding="utf-8")
    return folder
