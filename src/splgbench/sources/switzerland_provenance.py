"""What a semi-synthetic Swiss package says of itself, and where each number of an offer comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library.collection import Origin
from splgbench.sources.cms_provenance import PROVENANCE
from splgbench.sources.switzerland_files import Institution
from splgbench.sources.switzerland_groups import BASIC, ELECTIVE, Group, planned, shows
from splgbench.sources.switzerland_offers import Offers

_LICENSES = (
    (
        "other-attribution",
        "Key figures of hospitals: (c) Bundesamt für Gesundheit; extracts may be reproduced with the source named",
        "https://www.bag.admin.ch/",
    ),
    (
        "other-attribution",
        "Cases by SwissDRG: Bundesamt für Statistik, use with the source named",
        "https://www.bfs.admin.ch/",
    ),
    (
        "Apache-2.0",
        "Everything imputed, assumed or computed by splgbench",
        "https://www.apache.org/licenses/LICENSE-2.0",
    ),
)
_SOURCES = (
    ("Bundesamt für Gesundheit: Kennzahlen der Schweizer Spitäler", "https://www.bag.admin.ch/"),
    (
        "Bundesamt für Statistik: Medizinische Statistik der Krankenhäuser 2013, cases and stay by SwissDRG",
        "https://www.bfs.admin.ch/",
    ),
    ("SwissDRG AG: catalogue of SwissDRG (version not stated)", "https://www.swissdrg.org/"),
    ("Gesundheitsdirektion Kanton Zürich: requirements of SPLG, version 2015.1 (in part)", "https://www.zh.ch/"),
    (
        "Leapfrog Group: Complex Adult and Pediatric Surgery, 2024",
        "https://ratings.leapfroggroup.org/measure/hospital/2024/complex-adult-and-pediatric-surgery",
    ),
    ("Gemeinsamer Bundesausschuss: Mindestmengenregelungen", "https://www.g-ba.de/"),
)
_IMPUTED = (
    "cases of a hospital in a group: national mix of 2013 that the hospital's type, services and equipment allow, "
    "fitted to its discharges, to the national cases of each group and, within limits, to its case-mix index"
)


def package_metadata(
    place: str, year: int, assumptions: Mapping[str, int], sha256: Mapping[str, str]
) -> dict[str, Any]:
    """Top-level entries of `datapackage.json`.

    Parameters
    ----------
    place : what the hospitals are, in words.
    year : of the key figures.
    assumptions : the fields of `Assumptions`.
    sha256 : of each raw file, unpacked, in hex.
    """
    return {
        "title": f"{place[0].upper()}{place[1:]}, {year} (semi-synthetic)",
        "description": (
            f"Semi-synthetic: the real acute hospitals of {place} with their published totals of {year}; their cases "
            "by service group are imputed, not observed. Capacities, utilities, minima without a standard and most "
            "links are assumptions. A benchmark, and no statement on any hospital or planner's proposal."
        ),
        "licenses": [{"name": name, "title": title, "path": path} for name, title, path in _LICENSES],
        "sources": [{"title": title, "path": path} for title, path in _SOURCES],
        PROVENANCE: {
            "made_by": "python -m splgbench.sources.switzerland",
            "raw_files_sha256": dict(sorted(sha256.items())),
            "assumptions": dict(assumptions),
            "kinds": {
                "real": "as published",
                "derived": "computed from published numbers alone",
                "imputed": "not observed: spread over published totals",
                "assumed": "an assumption enters",
            },
            "fields": [
                {"table": table, "column": column, "kind": kind, "how": how}
                for table, column, kind, how in _fields(assumptions)
            ],
        },
    }


def _fields(assumed: Mapping[str, int]) -> list[tuple[str, str, str, str]]:
    """(table, column, kind, how) of everything a package holds."""
    return [
        ("hospitals", "hospital", "derived", "canton and name of the institution, in letters, digits and hyphens"),
        ("hospitals", "name", "real", "legal institution; its sites are not told apart in the figures"),
        ("hospitals", "latitude", "real", "of the address, geocoded by third parties, not official"),
        ("hospitals", "longitude", "real", "as latitude"),
        (
            "hospitals",
            "cooperation",
            "assumed",
            "an offer of BPE without one of BP cooperates with the nearest hospital of the instance that offers BP; "
            "children's hospitals do not",
        ),
        ("hospitals", "canton", "real", "of the institution"),
        ("hospitals", "type", "real", "BFS typology"),
        ("hospitals", "services", "real", "NF emergency, IPS intensive care"),
        ("hospitals", "sites", "real", "sites with inpatient care"),
        ("hospitals", "discharges", "real", "acute discharges of the year"),
        (
            "hospitals",
            "efficiency_bp",
            "derived",
            "acute inpatient cost per case-mix point (discharges x net index) of the country over the hospital's, "
            f"within {assumed['efficiency_least_bp']} to {assumed['efficiency_most_bp']}; 10000 where a figure lacks",
        ),
        (
            "hospitals",
            "staff_bp",
            "assumed",
            f"{assumed['staff_bp']} x (nurses per day over the country's - 1), rounded down, within "
            f"{assumed['staff_most_bp']} either way: a proxy of quality",
        ),
        (
            "hospitals",
            "growth_bp",
            "assumed",
            f"beds x 365 x {assumed['full_occupancy_bp']} basis points over acute days, within 10000 to "
            f"{assumed['most_growth_bp']}",
        ),
        ("areas", "area", "assumed", "MDC of SwissDRG by its letter; BASE for basic packages; small MDCs join another"),
        ("areas", "name", "real", "of the MDC"),
        ("groups", "group", "assumed", "families of SwissDRG, as named_groups.csv and the rules say"),
        ("groups", "area", "assumed", "as areas.area"),
        ("groups", "name", "assumed", "by this project, or text of the largest DRG"),
        (
            "groups",
            "minimum_cases",
            "assumed",
            "a published hospital standard where one matches (minimum_from names it; minima per surgeon are out of "
            f"scope), none for the basic packages, else {assumed['minimum_cases']}",
        ),
        ("groups", "minimum_share_bp", "assumed", "the same for all groups but the basic packages"),
        ("groups", "minimum_from", "derived", "where minimum_cases comes from"),
        ("groups", "splg", "assumed", "matched row of the partial SPLG catalogue"),
        ("groups", "families", "real", "SwissDRG families; those of BP and BPE follow the rule"),
        ("groups", "evidence", "assumed", "what a hospital must show; levels of the SPLG where readable"),
        ("regions", "region", "assumed", "canton of the hospital; CH for groups planned for the whole country"),
        (
            "demand",
            "region",
            "assumed",
            f"CH for groups of named_groups.csv with fewer than {assumed['national_cases']} national cases, else the "
            "canton",
        ),
        ("demand", "cases", "imputed", "sum of the imputed cases of the hospitals: where patients are treated"),
        (
            "offers",
            "(rows)",
            "assumed",
            f"a hospital applies for what it does at least {assumed['least_offer_cases']} times by imputation; what "
            "its evidence does not allow it does not do",
        ),
        ("offers", "region", "assumed", "as demand.region"),
        ("offers", "capacity", "assumed", f"{assumed['capacity_percent']} % of imputed_cases, rounded up"),
        (
            "offers",
            "utility",
            "assumed",
            "efficiency_bp x (10000 + staff_bp + experience_bp + access_bp) / 10000, rounded half up",
        ),
        ("offers", "imputed_cases", "imputed", _IMPUTED),
        (
            "offers",
            "experience_bp",
            "assumed",
            f"{assumed['experience_bp']} x (cases - mean) / (cases + mean), rounded down: mean of the group's offers",
        ),
        (
            "offers",
            "access_bp",
            "assumed",
            f"{assumed['access_bp_per_km']} a km to the group's next other offer, at most {assumed['access_most_bp']}",
        ),
        (
            "links",
            "(clause package)",
            "assumed",
            "BPE needs BP: in the SPLG table; that a cooperation will do is assumed",
        ),
        (
            "links",
            "(clause base)",
            "assumed",
            "needs a basic package in the house; readable in the SPLG table for DER and HNO, assumed for all others",
        ),
        (
            "links",
            "(clause related)",
            "assumed",
            "needs one of the groups that named_groups.csv says; BEW4 and HNO1.1.1 are in the SPLG table",
        ),
        (
            "area_capacity",
            "capacity",
            "assumed",
            "imputed cases of the hospital in the area x growth_bp / 10000, rounded up",
        ),
        ("settings", "capacity_mode", "assumed", "both limits hold"),
    ]


def origins(offers: Offers, instance: Instance, hospital: str, group: str) -> list[Origin]:
    """Where every number of an offer, and what belongs to it, comes from; for a pair without an offer, why.

    Raises
    ------
    InputError
        The instance has no such hospital or group.
    """
    if hospital not in instance.hospitals:
        raise InputError(f"{instance.name} has no hospital {hospital}", "--offer")
    if group not in instance.groups:
        raise InputError(f"{instance.name} has no group {group}", "--offer")
    at = instance.offer_index.get((hospital, group))
    if at is None:
        return [_no_offer(offers, offers.hospital[hospital], offers.group[group])]
    one, kind = offers.hospital[hospital], offers.group[group]
    worth, assumed = offers.worth(hospital, group), offers.assumptions
    cases = offers.cases[hospital, group]
    figures = (f"kennzahlen.csv, line {one.line}",)
    place = (f"coordinates.csv, line {one.place_line}",)
    judged = (f"named_groups.csv, line {kind.line}",) if kind.line else ()
    cell = int(instance.offer_cell[at])
    area = instance.areas[instance.group_area[instance.offer_group[at]]]
    standard = (f"minimum_volumes.csv, line {kind.standard.line}",) if kind.standard else ()
    minimum, minimum_from = offers.minimum_cases(kind)
    near = "no other offer of the group" if worth.metres is None else f"next other offer at {worth.metres} m"
    drg_rows = tuple(
        f"drg_cases.csv, line {drg.line}"
        for drg in offers.files.drgs
        if planned(drg) and _in(offers, drg.family, group)
    )
    speciality = offers.grouping.specialities.get(one.name)
    return [
        Origin("hospitals", "discharges", str(one.discharges), "real", "AustStatMSA, acute discharges", figures),
        Origin(
            "offers",
            "imputed_cases",
            str(cases),
            "imputed",
            f"{_IMPUTED}: type {one.kind}, services {' '.join(sorted(one.services)) or 'none'}, {one.discharges} "
            f"discharges, case-mix index {one.case_mix} millionths; {offers.national[group]} cases in the country",
            (*figures, *judged, *((f"specialities.csv, line {speciality[1]}",) if speciality else ()), *drg_rows),
        ),
        Origin(
            "offers",
            "capacity",
            str(offers.capacity(hospital, group)),
            "assumed",
            f"capacity_percent = {assumed.capacity_percent} % of imputed_cases {cases}, rounded up",
        ),
        Origin(
            "offers",
            "utility",
            str(worth.utility),
            "assumed",
            f"efficiency {worth.efficiency} x (10000 + staff {worth.staff} + experience {worth.experience} + access "
            f"{worth.access}) / 10000, rounded half up; cost {one.cost} CHF, {one.nurses} hundredths of nursing posts, "
            f"{one.all_days} days in all, mean of {worth.mean_cases} cases an offer, {near}; "
            f"staff_bp = {assumed.staff_bp}, experience_bp = {assumed.experience_bp}, "
            f"access_bp_per_km = {assumed.access_bp_per_km}",
            (*figures, *place),
        ),
        Origin(
            "demand",
            "cases",
            str(int(instance.demand[cell])),
            "imputed",
            f"imputed cases of {instance.cell_name(cell)} at all hospitals of the instance",
            tuple(f"kennzahlen.csv, line {offers.hospital[key].line}" for key in _in_cell(offers, instance, cell)),
        ),
        Origin(
            "area_capacity",
            "capacity",
            str(offers.area_capacity(hospital, area)),
            "assumed",
            f"{offers.area_cases[hospital, area]} imputed cases in {area} x growth {offers.growth_bp(one)} / 10000, "
            f"rounded up: {one.beds} thousandths of beds at full_occupancy_bp = {assumed.full_occupancy_bp}, "
            f"{one.days} days",
            figures,
        ),
        Origin("groups", "minimum_cases", str(minimum), "assumed", minimum_from, (*standard, *judged)),
        Origin(
            "groups",
            "minimum_share_bp",
            str(offers.minimum_share_bp(kind)),
            "assumed",
            f"minimum_share_bp = {assumed.minimum_share_bp} for all groups but the basic packages",
        ),
        *_link_origins(offers, instance, group, judged),
        Origin(
            "hospitals",
            "cooperation",
            instance.cooperation[instance.offer_hospital[at]],
            "assumed",
            "the nearest hospital that offers BP, for an elective provider; empty for none",
            place,
        ),
    ]


def _no_offer(offers: Offers, one: Institution, kind: Group) -> Origin:
    """Why a hospital has no offer of a group."""
    cases = offers.cases.get((one.key, kind.key), 0)
    lacking = [entry for entry in kind.evidence if not shows(one, (entry,))]
    rows = [f"kennzahlen.csv, line {one.line}", *([f"named_groups.csv, line {kind.line}"] if kind.line else [])]
    if lacking:
        return Origin("offers", "(rows)", "none", "assumed", f"does not show {' and '.join(lacking)}", tuple(rows))
    how = f"{cases} imputed cases; a hospital applies from {offers.assumptions.least_offer_cases} on"
    speciality = offers.grouping.specialities.get(one.name)
    if speciality is not None:
        rows.append(f"specialities.csv, line {speciality[1]}")
    return Origin("offers", "(rows)", "none", "imputed", how, tuple(rows))


def _in(offers: Offers, family: str, group: str) -> bool:
    """Whether a family's cases may be in a group; basic medical ones are in BPE at a hospital without emergency."""
    mine = offers.grouping.of_family[family]
    return mine == group or (group == ELECTIVE and mine == BASIC)


def _in_cell(offers: Offers, instance: Instance, cell: int) -> list[str]:
    """The hospitals of the instance with imputed cases in a cell."""
    group = instance.groups[instance.cell_group[cell]]
    region = instance.regions[instance.cell_region[cell]] if instance.regions else ""
    everywhere = not region or offers.is_national(group)
    return [
        key
        for key in instance.hospitals
        if offers.cases.get((key, group)) and (everywhere or offers.hospital[key].canton == region)
    ]


def _link_origins(offers: Offers, instance: Instance, group: str, judged: tuple[str, ...]) -> list[Origin]:
    links = instance.to_tables().get("links", {})
    splg = offers.group[group].splg
    rows = (f"splg_partial.csv, line {splg.line}",) if splg else ()
    return [
        Origin("links", "required", required, "assumed", f"clause {clause}, any of, {scope}", (*rows, *judged))
        for one, clause, required, scope in zip(
            links["group"], links["clause"], links["required"], links["scope"], strict=True
        )
        if one == group
    ]
