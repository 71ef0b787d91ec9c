"""Semi-synthetic instances of Switzerland: real hospitals and totals, imputed volumes by service group.

Hospitals, their discharges, days, beds, costs and case-mix index are published figures of the year; the national mix
of cases by SwissDRG is that of 2013. Which hospital treats how many cases of which group is imputed; what it could
treat and what a case is worth are assumptions. Whole numbers throughout.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.sources.switzerland_files import Institution
from splgbench.sources.switzerland_groups import BASE_AREA, BASIC, ELECTIVE, Group
from splgbench.sources.switzerland_offers import UTILITY_SCALE, Offers, metres_between
from splgbench.sources.switzerland_provenance import package_metadata

NATION = "CH"
"""The planning region of groups that are planned for the whole country."""
BASEL, SWITZERLAND = "basel", "switzerland"
_BASEL_CANTONS = ("BL", "BS")
_BASEL_TOWN = "Rheinfelden"
_CHILDREN = "K233"
_AREA_NAMES = {BASE_AREA: "Basic packages"}


def derive(offers: Offers, name: str) -> Instance:
    """The instance of a place.

    Parameters
    ----------
    offers : of the year.
    name : "basel-YEAR", "switzerland-YEAR" or "switzerland-YEAR/canton/CC".

    Raises
    ------
    InputError
        No such place.
    """
    hospitals = _hospitals_of(offers, name)
    if name == f"{SWITZERLAND}-{offers.year}":
        regions = [NATION, *sorted({hospital.canton for hospital in hospitals})]
    else:
        regions = []
    keys = {hospital.key for hospital in hospitals}
    offered = [pair for pair in offers.offered if pair[0] in keys]
    cooperation = _cooperation(hospitals, set(offered))
    demand: dict[tuple[str, str], int] = defaultdict(int)
    for (hospital, group), cases in offers.cases.items():
        if hospital in keys:
            demand[group, region_of(offers, hospital, group) if regions else ""] += cases
    groups = [offers.group[key] for key in sorted({group for group, _ in demand})]
    minima = [offers.minimum_cases(group) for group in groups]
    worths = [offers.worth(*pair) for pair in offered]
    cells = sorted(demand)
    pairs = sorted(pair for pair in offers.area_cases if pair[0] in keys)
    regional = {"region": [region for _, region in cells]} if regions else {}
    offered_regions = {"region": [region_of(offers, *pair) for pair in offered]} if regions else {}
    return Instance.from_tables(
        hospitals={
            "hospital": [hospital.key for hospital in hospitals],
            "name": [hospital.name for hospital in hospitals],
            "latitude": [_degrees(hospital.latitude) for hospital in hospitals],
            "longitude": [_degrees(hospital.longitude) for hospital in hospitals],
            "cooperation": [cooperation[hospital.key] for hospital in hospitals],
            "canton": [hospital.canton for hospital in hospitals],
            "type": [hospital.kind for hospital in hospitals],
            "services": [" ".join(sorted(hospital.services)) for hospital in hospitals],
            "sites": ["; ".join(hospital.sites) for hospital in hospitals],
            "discharges": [hospital.discharges for hospital in hospitals],
            "efficiency_bp": [offers.efficiency_bp(hospital) for hospital in hospitals],
            "staff_bp": [offers.staff_bp(hospital) for hospital in hospitals],
            "growth_bp": [offers.growth_bp(hospital) for hospital in hospitals],
        },
        areas=_areas(offers, groups),
        groups={
            "group": [group.key for group in groups],
            "area": [group.area for group in groups],
            "name": [group.name for group in groups],
            "minimum_cases": [cases for cases, _ in minima],
            "minimum_share_bp": [offers.minimum_share_bp(group) for group in groups],
            "minimum_from": [origin for _, origin in minima],
            "splg": [group.splg.code if group.splg else "" for group in groups],
            "families": [" ".join(group.families) for group in groups],
            "evidence": [" ".join(group.evidence) for group in groups],
        },
        regions=regions or None,
        demand={
            "group": [group for group, _ in cells],
            **regional,
            "cases": [demand[cell] for cell in cells],
        },
        offers={
            "hospital": [hospital for hospital, _ in offered],
            "group": [group for _, group in offered],
            **offered_regions,
            "capacity": [offers.capacity(*pair) for pair in offered],
            "utility": [worth.utility for worth in worths],
            "imputed_cases": [offers.cases[pair] for pair in offered],
            "experience_bp": [worth.experience for worth in worths],
            "access_bp": [worth.access for worth in worths],
        },
        links=_links(groups),
        area_capacity={
            "hospital": [hospital for hospital, _ in pairs],
            "area": [area for _, area in pairs],
            "capacity": [offers.area_capacity(*pair) for pair in pairs],
        },
        capacity_mode="both",
        utility_scale=UTILITY_SCALE,
        name=name,
        metadata=package_metadata(
            place_of(offers, name),
            offers.year,
            asdict(offers.assumptions),
            {**offers.files.sha256, **offers.grouping.sha256},
        ),
    )


def region_of(offers: Offers, hospital: str, group: str) -> str:
    """The planning region of an offer in the whole country."""
    return NATION if offers.is_national(group) else offers.hospital[hospital].canton


def place_of(offers: Offers, name: str) -> str:
    """The place of an instance in words."""
    if name == f"{BASEL}-{offers.year}":
        return "the Basel region (cantons Basel-Stadt and Basel-Landschaft, and Rheinfelden)"
    canton = name.rpartition("/")[2] if "/" in name else ""
    return f"canton {canton} of Switzerland" if canton else "Switzerland"


def instance_names(institutions: Iterable[Institution], year: int) -> list[str]:
    """All names: Basel, Switzerland and every canton with at least two acute hospitals."""
    hospitals = Counter(institution.canton for institution in institutions)
    country = f"{SWITZERLAND}-{year}"
    cantons = [f"{country}/canton/{canton}" for canton, number in sorted(hospitals.items()) if number >= 2]
    return [f"{BASEL}-{year}", country, *cantons]


def _hospitals_of(offers: Offers, name: str) -> list[Institution]:
    every = offers.files.institutions
    names = instance_names(every, offers.year)
    if name not in names:
        raise InputError(f"no such instance; there are {', '.join(names)}", name)
    if name == f"{BASEL}-{offers.year}":
        return [one for one in every if one.canton in _BASEL_CANTONS or one.town.endswith(_BASEL_TOWN)]
    canton = name.rpartition("/")[2] if "/" in name else ""
    return [one for one in every if not canton or one.canton == canton]


def _cooperation(hospitals: Sequence[Institution], offered: set[tuple[str, str]]) -> dict[str, str]:
    """Cooperation group of each hospital: an elective provider joins the nearest hospital that offers BP.

    Children's hospitals keep to themselves. The group has the key of that hospital; "" where nobody joins it.
    """
    hubs = [one for one in hospitals if (one.key, BASIC) in offered and one.kind != _CHILDREN]
    joined: dict[str, str] = {}
    for one in hospitals:
        if hubs and (one.key, BASIC) not in offered and (one.key, ELECTIVE) in offered and one.kind != _CHILDREN:
            joined[one.key] = min(hubs, key=lambda hub: (metres_between(one, hub), hub.key)).key
    return {one.key: joined.get(one.key, one.key if one.key in joined.values() else "") for one in hospitals}


def _links(groups: Sequence[Group]) -> dict[str, list[str]]:
    """Link clauses, each "any of".

    - package: BPE needs BP, in cooperation.
    - base: every other group needs a basic package in the house (BP, or BP or BPE), unless it needs none.
    - splg, related: what `named_groups.csv` says that it needs, in the house.
    """
    here = {group.key for group in groups}
    rows: list[tuple[str, str, str, str]] = []
    for group in groups:
        if group.key == ELECTIVE:
            rows.append((ELECTIVE, "package", BASIC, "cooperation"))
        elif group.base != "none":
            base = (BASIC,) if group.base == BASIC else (BASIC, ELECTIVE)
            rows += [(group.key, "base", required, "inhouse") for required in base if required in here]
        rows += [(group.key, "related", required, "inhouse") for required in group.requires if required in here]
    columns = ("group", "clause", "mode", "required", "scope")
    full = [(group, clause, "any", required, scope) for group, clause, required, scope in rows]
    return {column: [row[position] for row in full] for position, column in enumerate(columns)}


def _areas(offers: Offers, groups: Iterable[Group]) -> dict[str, list[str]]:
    areas = sorted({group.area for group in groups})
    return {"area": areas, "name": [_AREA_NAMES.get(area) or offers.files.chapters.get(area, area) for area in areas]}


def _degrees(millionths: int) -> str:
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"
