"""Every number of an offer of one referral region's package, traced to raw rows or to a named assumption."""

from __future__ import annotations

from functools import cache

from splgbench.errors import InputError
from splgbench.library.collection import Origin
from splgbench.sources.cms import UTILITY_SCALE, Planned, planned_region
from splgbench.sources.cms_files import Drg, Provider, Volume
from splgbench.sources.cms_offers import NEUTRAL_STARS
from splgbench.sources.cms_origins import (
    area_capacity_origin,
    capacity_origin,
    demand_origin,
    lines,
    link_origins,
    no_offer,
    pair,
    payment_origins,
    percentile_origin,
    published_minimum_origin,
    text,
    volume_origins,
)

PACKAGES = {"us-miami-2011": "FL - Miami"}
"""Packages of the library and the referral regions that they are made of, with the default assumptions."""


def region_provenance(name: str, hospital: str, group: str) -> list[Origin]:
    """Every number of an offer, traced; a pair that is not published says so.

    Parameters
    ----------
    name : of `PACKAGES`.

    Raises
    ------
    InputError
        No such hospital or group.
    """
    planned = _planned(PACKAGES[name])
    if hospital not in planned.hospitals:
        raise InputError(f"{name} has no hospital {hospital} (write its CMS certification number)", "--offer")
    if group not in planned.drgs:
        raise InputError(f"{name} has no group {group} (write an MS-DRG with its zeros, as 039)", "--offer")
    provider, drg = planned.hospitals[hospital], planned.drgs[group]
    volume = next((each for each in planned.by_hospital.get(hospital, ()) if each.drg == group), None)
    if volume is None:
        return [*pair(provider, drg), no_offer()]
    return [
        *pair(provider, drg),
        *volume_origins(planned, volume),
        capacity_origin(planned, volume),
        *payment_origins(planned, provider, drg, "region"),
        _utility(planned, volume, provider),
        published_minimum_origin(planned, drg) or _assumed_minimum(planned, drg),
        _share(planned, drg),
        demand_origin(planned, planned.by_drg[group], provider.region),
        area_capacity_origin(planned, provider, drg),
        *link_origins(planned, provider, drg),
    ]


@cache
def _planned(region: str) -> Planned:
    return planned_region(region)


def _utility(planned: Planned, volume: Volume, provider: Provider) -> Origin:
    a, (efficiency, quality) = planned.assumptions, planned.factors(volume)
    reference, level = planned.reference[volume.drg], planned.level[volume.provider]
    how = (
        f"{UTILITY_SCALE} x efficiency {efficiency} x quality {quality} / 10000^2, rounded half up; efficiency = "
        f"{reference} x {level} / {volume.payment}, rounded half up, within efficiency_least_bp = "
        f"{a.efficiency_least_bp} and efficiency_most_bp = {a.efficiency_most_bp}; quality = 10000 + star_bp = "
        f"{a.star_bp} x ({text(provider.stars) or NEUTRAL_STARS} - {NEUTRAL_STARS})"
    )
    return Origin("offers", "utility", str(planned.utility(volume)), "assumed", how, lines(planned, [volume]))


def _assumed_minimum(planned: Planned, drg: Drg) -> Origin:
    a = planned.assumptions
    if drg.surgical:
        return percentile_origin(planned, drg, "surgical_minimum_percentile", a.surgical_minimum_percentile)
    cases, _ = planned.minima[drg.key]
    how = f"no published standard; medical_minimum_cases = {a.medical_minimum_cases}"
    return Origin("groups", "minimum_cases", str(cases), "assumed", how, drg.rows[:1])


def _share(planned: Planned, drg: Drg) -> Origin:
    share = str(planned.assumptions.minimum_share_bp)
    return Origin("groups", "minimum_share_bp", share, "assumed", f"minimum_share_bp = {share}", drg.rows[:1])
