"""Every number of an offer of the CMS collection, traced to raw rows or to a named assumption."""

from __future__ import annotations

from collections.abc import Sequence

from splgbench.library.collection import Origin
from splgbench.sources.cms_access import Region
from splgbench.sources.cms_files import Drg, Provider, Volume
from splgbench.sources.cms_nation import STATE, UTILITY_SCALE, Nation, planned_in, planning_level
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


def trace(nation: Nation, hospitals: Sequence[str], provider: Provider, drg: Drg) -> list[Origin]:
    """The origins of an offer, or of a pair that is none.

    Parameters
    ----------
    hospitals : all hospitals of the instance.
    provider, drg : of the pair; both are in the instance.
    """
    volume = next((each for each in nation.by_hospital[provider.key] if each.drg == drg.key), None)
    if volume is None:
        return [*pair(provider, drg), no_offer()]
    return [
        *pair(provider, drg),
        *volume_origins(nation, volume),
        capacity_origin(nation, volume),
        *_utility(nation, volume, provider, drg),
        published_minimum_origin(nation, drg)
        or percentile_origin(nation, drg, "minimum_percentile", nation.assumptions.minimum_percentile),
        _share(nation, drg),
        *_cell(nation, hospitals, provider, drg),
        area_capacity_origin(nation, provider, drg),
        *link_origins(nation, provider, drg),
    ]


def _utility(nation: Nation, volume: Volume, provider: Provider, drg: Drg) -> list[Origin]:
    a = nation.assumptions
    reference, level = nation.reference[drg.key], nation.level[provider.key]
    efficiency, quality, access = nation.factors(volume)
    column = "state_access_bp" if planning_level(drg) == STATE else "referral_access_bp"
    return [
        *payment_origins(nation, provider, drg, "nation"),
        _access(nation, nation.regions[planned_in(provider, drg)], provider, planned_in(provider, drg), column),
        Origin(
            "offers",
            "utility",
            str(nation.utility(volume)),
            "assumed",
            f"{UTILITY_SCALE} x efficiency {efficiency} x quality {quality} x access {access} / 10000^3, rounded half "
            f"up; efficiency = {reference} x {level} / {volume.payment}, rounded half up, within efficiency_least_bp = "
            f"{a.efficiency_least_bp} and efficiency_most_bp = {a.efficiency_most_bp}; quality = 10000 + star_bp = "
            f"{a.star_bp} x ({text(provider.stars) or NEUTRAL_STARS} - {NEUTRAL_STARS}); access = hospitals.{column}",
            lines(nation, [volume]),
        ),
    ]


def _access(nation: Nation, region: Region, provider: Provider, where: str, column: str) -> Origin:
    a, access = nation.assumptions, region.access[provider.key]
    agreement = f"place_agreement_m = {a.place_agreement_m}"
    if access.metres is None:
        how = f"10000: the place of the hospital or of the population of {where} is unknown or in doubt ({agreement})"
        return Origin("hospitals", column, str(access.factor_bp), "assumed", how, provider.rows)
    how = (
        f"10000 + distance_bp = {a.distance_bp} x ({access.region_metres} - {access.metres}) / {access.region_metres}, "
        f"rounded half up, at least 10000 - {a.distance_bp}: {access.metres} m is the hospital's mean distance to "
        f"{sum(each.population for each in region.settlements)} people in {len(region.settlements)} ZIP areas of "
        f"{where}, {access.region_metres} m the mean of its hospitals; {agreement}"
    )
    settled = (nation.files.providers[each.provider] for each in region.settlements)
    rows = dict.fromkeys([*provider.rows, *(row for each in settled for row in each.rows)])
    return Origin("hospitals", column, str(access.factor_bp), "assumed", how, tuple(rows))


def _share(nation: Nation, drg: Drg) -> Origin:
    name = "surgical_share_bp" if drg.surgical else "medical_share_bp"
    share = str(nation.share_bp(drg))
    return Origin("groups", "minimum_share_bp", share, "assumed", f"{name} = {share}", drg.rows[:1])


def _cell(nation: Nation, hospitals: Sequence[str], provider: Provider, drg: Drg) -> list[Origin]:
    region, inside = planned_in(provider, drg), set(hospitals)
    cell = [
        volume
        for volume in nation.by_drg[drg.key]
        if volume.provider in inside and planned_in(nation.files.providers[volume.provider], drg) == region
    ]
    kind = "surgical" if drg.surgical else "medical"
    return [
        Origin(
            "offers",
            "region",
            region,
            "assumed",
            f"a {kind} DRG is planned by {planning_level(drg)}",
            (*provider.rows, *drg.rows[:1]),
        ),
        demand_origin(nation, cell, region),
    ]
