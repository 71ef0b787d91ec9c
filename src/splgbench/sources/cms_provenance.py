"""What a derived CMS package says of itself: terms, sources, and field by field what is real and what assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PROVENANCE = "splgbench:provenance"
"""The entry of `datapackage.json` that tells real numbers from assumed ones."""
KINDS = {
    "real": "as published",
    "derived": "computed from published numbers alone",
    "assumed": "an assumption enters",
}
NOT_PUBLISHED = "not published, which is no zero: suppressed or none, 0 to 10 cases"
"""What a hospital-DRG pair without a row means."""

Field = tuple[str, str, str, str]
"""(table, column, kind, how) of something that a package holds."""

_LICENSES = (
    (
        "other-pd",
        "Discharges, payments, ratings, grouping: works of the US federal government, public domain in the US",
        "https://www.usa.gov/government-copyright",
    ),
    (
        "CC0-1.0",
        "The copy of the CMS tables in the R package dcData",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    (
        "MIT",
        "Geocoded addresses: R package carecompare, Copyright (c) 2021, Alex Zajichek",
        "https://github.com/zajichek/carecompare",
    ),
    ("Apache-2.0", "Everything assumed or computed by splgbench", "https://www.apache.org/licenses/LICENSE-2.0"),
)
_SOURCES = (
    (
        "Centers for Medicare & Medicaid Services: Inpatient Prospective Payment System, Provider Level Charges and "
        "Medicare Payments for the Top 100 Diagnosis-Related Groups",
        "https://www.cms.gov/Research-Statistics-Data-and-Systems/Statistics-Trends-and-Reports/Medicare-Provider-Charge-Data",
    ),
    ("R package dcData, the copy that was read", "https://github.com/mdbeckman/dcData"),
    ("R package carecompare, geocoded hospital addresses", "https://github.com/zajichek/carecompare"),
    (
        "Leapfrog Group: Complex Adult and Pediatric Surgery, 2024",
        "https://ratings.leapfroggroup.org/measure/hospital/2024/complex-adult-and-pediatric-surgery",
    ),
    ("Gemeinsamer Bundesausschuss: Mindestmengenregelungen", "https://www.g-ba.de/"),
)


def package_metadata(
    place: str, fiscal_year: int, assumptions: Mapping[str, int], sha256: Mapping[str, str]
) -> dict[str, Any]:
    """Top-level entries of `datapackage.json`.

    Parameters
    ----------
    place : what the hospitals are, in words.
    assumptions : the fields of `Assumptions`.
    sha256 : of each raw file, unpacked, in hex.
    """
    return _metadata(
        f"US Medicare, {place}, fiscal year {fiscal_year}",
        f"Hospitals of the {place}, the most frequent MS-DRGs in their major diagnostic categories, Medicare "
        f"fee-for-service discharges of fiscal year {fiscal_year}. Volumes, payments, ratings and grouping are "
        "real; capacities, utilities, links and most minima are assumptions. No planner's proposal: a benchmark.",
        "python -m splgbench.sources.cms",
        assumptions,
        sha256,
        _fields(assumptions),
    )


def nation_metadata(
    name: str,
    place: str,
    fiscal_year: int,
    assumptions: Mapping[str, int],
    sha256: Mapping[str, str],
    *,
    own_files: bool,
) -> dict[str, Any]:
    """Top-level entries of `datapackage.json` of an instance of the nation's collection.

    Parameters
    ----------
    name : of the instance.
    place : what the hospitals are, in words.
    assumptions : the fields of `NationalAssumptions`.
    sha256 : of each raw file, unpacked, in hex.
    own_files : whether a user's own files were read in place of the shipped ones.
    """
    metadata = _metadata(
        f"US Medicare, {place}, fiscal year {fiscal_year}",
        f"Hospitals of {place}, their MS-DRGs in their major diagnostic categories, Medicare fee-for-service "
        f"discharges of fiscal year {fiscal_year}; surgical DRGs planned by state, medical ones by referral region. "
        "Volumes, payments, ratings and grouping are real; capacities, utilities, links and most minima are "
        "assumptions. No planner's proposal: a benchmark.",
        "splgbench instances derive",
        assumptions,
        sha256,
        _nation_fields(assumptions),
    )
    if own_files:
        shipped = {
            "title": "Coordinates, ratings, regions and grouping, where the files have none: splgbench's own copy"
        }
        metadata["sources"] = [metadata["sources"][0], shipped, *metadata["sources"][2:]]
    metadata[PROVENANCE] |= {
        "one_offer": f"splgbench instances provenance {name} --offer HOSPITAL GROUP",
        "missing_pairs": f"a pair of hospital and MS-DRG without an offer is {NOT_PUBLISHED}",
        "out_of_scope": "minimum numbers per surgeon: the model has no surgeons",
    }
    return metadata


def _metadata(
    title: str,
    description: str,
    made_by: str,
    assumptions: Mapping[str, int],
    sha256: Mapping[str, str],
    fields: Iterable[Field],
) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "licenses": [{"name": name, "title": title, "path": path} for name, title, path in _LICENSES],
        "sources": [{"title": title, "path": path} for title, path in _SOURCES],
        PROVENANCE: {
            "made_by": made_by,
            "raw_files_sha256": dict(sorted(sha256.items())),
            "assumptions": dict(assumptions),
            "kinds": dict(KINDS),
            "fields": [
                {"table": table, "column": column, "kind": kind, "how": how} for table, column, kind, how in fields
            ],
        },
    }


def _fields(assumptions: Mapping[str, int]) -> list[Field]:
    """(table, column, kind, how) of everything the package holds."""
    least, most = assumptions["efficiency_least_bp"], assumptions["efficiency_most_bp"]
    base, specialty = assumptions["base_choices"], assumptions["specialty_choices"]
    return [
        ("hospitals", "hospital", "real", "CMS certification number"),
        ("hospitals", "name", "real", "as in the CMS file"),
        ("hospitals", "latitude", "real", "of the address (2024); where that is unknown, centroid of the ZIP area"),
        ("hospitals", "longitude", "real", "as latitude"),
        ("hospitals", "star_rating", "real", "CMS overall rating of 2023; empty where there is none"),
        (
            "hospitals",
            "payment_level_bp",
            "derived",
            "payments of the hospital over what its cases would be paid at the mean of each DRG, in basis points",
        ),
        ("areas", "area", "real", "major diagnostic category (MDC)"),
        ("areas", "name", "real", "of the MDC"),
        ("groups", "group", "real", "MS-DRG"),
        ("groups", "area", "real", "MDC of the MS-DRG, version 25"),
        ("groups", "name", "real", "definition of the MS-DRG"),
        (
            "groups",
            "minimum_cases",
            "assumed",
            "a published hospital standard where one matches (minimum_from names it; 0 where another DRG carries it), "
            f"else {assumptions['medical_minimum_cases']} for medical DRGs and for surgical DRGs percentile "
            f"{assumptions['surgical_minimum_percentile']} (nearest rank) of the hospitals' discharges",
        ),
        ("groups", "minimum_share_bp", "assumed", "the same for all DRGs"),
        ("groups", "kind", "real", "medical or surgical, MS-DRG version 25"),
        (
            "groups",
            "mean_payment_cents",
            "derived",
            "mean payment over all discharges of the instance's hospitals, rounded half up",
        ),
        ("groups", "minimum_from", "derived", "where minimum_cases comes from"),
        (
            "demand",
            "cases",
            "derived",
            "sum of the hospitals' published discharges; cells of 0 to 10 are not published",
        ),
        (
            "offers",
            "(rows)",
            "assumed",
            "a hospital applies for what it did, at least 11 times, and meets all requirements; a pair that is not "
            "published (0 to 10 discharges) is no offer",
        ),
        ("offers", "capacity", "assumed", f"{assumptions['capacity_percent']} % of discharges, rounded down"),
        (
            "offers",
            "utility",
            "assumed",
            "efficiency x quality, rounded half up: efficiency = groups.mean_payment_cents x "
            "hospitals.payment_level_bp / offers.mean_payment_cents, in basis points, rounded half up, within "
            f"{least} to {most}; quality = 10000 + {assumptions['star_bp']} x (star_rating - 3) basis points, empty "
            "counts as 3",
        ),
        ("offers", "discharges", "real", "Medicare fee-for-service discharges of the hospital in the DRG"),
        ("offers", "mean_payment_cents", "real", "mean total payment a discharge, in cents"),
        (
            "links",
            "(clause base)",
            "assumed",
            f"needs one of the {base} medical DRGs that most hospitals offer, in the same hospital",
        ),
        (
            "links",
            "(clause specialty)",
            "assumed",
            f"a surgical DRG needs one of the {specialty} largest medical DRGs of its MDC, in the same hospital; none "
            "where the MDC has fewer",
        ),
        (
            "links",
            "(clause family)",
            "assumed",
            "needs the DRG that carries the published minimum of the same operation, in the same hospital",
        ),
        (
            "area_capacity",
            "capacity",
            "assumed",
            f"{assumptions['area_capacity_percent']} % of the hospital's published discharges in the MDC, rounded up",
        ),
        ("settings", "capacity_mode", "assumed", "both limits hold"),
    ]


def _nation_fields(assumptions: Mapping[str, int]) -> list[Field]:
    """(table, column, kind, how) of everything that an instance of the nation's collection holds."""
    least, most = assumptions["efficiency_least_bp"], assumptions["efficiency_most_bp"]
    kept = [
        entry
        for entry in _fields({**assumptions, "medical_minimum_cases": 0, "surgical_minimum_percentile": 0})
        if entry[:2] not in _OTHERWISE_IN_THE_NATION
    ]
    access = (
        f"10000 at the mean distance of the region's hospitals, up to {assumptions['distance_bp']} more towards 0, as "
        "much less at twice the mean and beyond; 10000 where there is no distance"
    )
    distance = (
        "mean distance in metres to the population of the {}: the ZIP areas with a hospital there and a known "
        "population, each once; empty where the place is unknown, also because address and ZIP centroid lie more than "
        f"{assumptions['place_agreement_m']} m apart"
    )
    return [
        *kept,
        ("hospitals", "state", "real", "as in the CMS file"),
        ("hospitals", "referral_region", "real", "Dartmouth hospital referral region, as in the CMS file"),
        ("hospitals", "state_distance_m", "assumed", distance.format("state")),
        ("hospitals", "state_access_bp", "assumed", access),
        ("hospitals", "referral_distance_m", "assumed", distance.format("referral region")),
        ("hospitals", "referral_access_bp", "assumed", access),
        (
            "groups",
            "minimum_cases",
            "assumed",
            "a published hospital standard where one matches (minimum_from names it; 0 where another DRG carries it), "
            f"else percentile {assumptions['minimum_percentile']} (nearest rank) of the discharges of the nation's "
            "hospitals that have the DRG; minimum numbers per surgeon are out of scope",
        ),
        (
            "groups",
            "minimum_share_bp",
            "assumed",
            f"{assumptions['surgical_share_bp']} for surgical DRGs, {assumptions['medical_share_bp']} for medical ones",
        ),
        (
            "groups",
            "mean_payment_cents",
            "derived",
            "mean payment over all discharges of the nation, rounded half up",
        ),
        ("groups", "planned_by", "assumed", "surgical DRGs by state, medical ones by referral region"),
        ("regions", "region", "real", "state or hospital referral region of the hospitals"),
        ("regions", "planned_as", "assumed", "which of the two"),
        (
            "demand",
            "cases",
            "derived",
            "sum of the published discharges of the instance's hospitals in the region; cells of 0 to 10 are not "
            "published",
        ),
        ("offers", "region", "assumed", "the hospital's state for surgical DRGs, its referral region for medical ones"),
        (
            "offers",
            "utility",
            "assumed",
            "efficiency x quality x access, rounded half up: efficiency = groups.mean_payment_cents x "
            "hospitals.payment_level_bp / offers.mean_payment_cents, in basis points, rounded half up, within "
            f"{least} to {most}; quality = 10000 + {assumptions['star_bp']} x (star_rating - 3) basis points, empty "
            "counts as 3; access = that of the hospital in the region the DRG is planned for",
        ),
    ]


_OTHERWISE_IN_THE_NATION = {
    ("groups", "minimum_cases"),
    ("groups", "minimum_share_bp"),
    ("groups", "mean_payment_cents"),
    ("demand", "cases"),
    ("offers", "utility"),
}
