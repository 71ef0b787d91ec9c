"""Every number of an offer of the CMS collection, traced to raw rows or to a named assumption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splgbench.library.collection import Origin
from splgbench.sources.cms_access import Region
from splgbench.sources.cms_files import Drg, Provider, Volume
from splgbench.sources.cms_nation import STATE, UTILITY_SCALE, Nation, planned_in, planning_level
from splgbench.sources.cms_offers import NEUTRAL_STARS, area_key, carrier_of
from splgbench.sources.cms_provenance import NOT_PUBLISHED


def trace(nation: Nation, hospitals: Sequence[str], provider: Provider, drg: Drg) -> list[Origin]:
    """The origins of an offer, or of a pair that is none.

    Parameters
    ----------
    hospitals : all hospitals of the instance.
    provider, drg : of the pair; both are in the instance.
    """
    hospital = Origin(
        "hospitals", "hospital", provider.key, "real", f"{provider.name}, {provider.state}", provider.rows
    )
    area = Origin("groups", "area", area_key(drg.mdc), "real", f"{drg.name}; {drg.mdc_name}", drg.rows)
    volume = next((each for each in nation.by_hospital[provider.key] if each.drg == drg.key), None)
    if volume is None:
        return [hospital, area, Origin("offers", "(row)", "", "real", f"{NOT_PUBLISHED}; no offer is made of it")]
    return [
        hospital,
        area,
        *_volume(nation, volume),
        _capacity(nation, volume),
        *_utility(nation, volume, provider, drg),
        _minimum(nation, drg),
        _share(nation, drg),
        *_cell(nation, hospitals, provider, drg),
        _area_capacity(nation, provider, drg),
        *_links(nation, provider, drg),
    ]


def _lines(nation: Nation, volumes: Iterable[Volume]) -> tuple[str, ...]:
    """Rows of the charges file, runs of lines put together."""
    lines = sorted(volume.line for volume in volumes)
    runs: list[list[int]] = []
    for line in lines:
        if runs and runs[-1][1] == line - 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    file = nation.files.charges
    return tuple(f"{file}, line {a}" if a == b else f"{file}, lines {a} to {b}" for a, b in runs)


def _volume(nation: Nation, volume: Volume) -> list[Origin]:
    rows = _lines(nation, [volume])
    return [
        Origin("offers", "discharges", str(volume.discharges), "real", "Medicare fee-for-service discharges", rows),
        Origin(
            "offers",
            "mean_payment_cents",
            str(volume.payment),
            "real",
            "mean total payment of a discharge, in cents",
            rows,
        ),
    ]


def _capacity(nation: Nation, volume: Volume) -> Origin:
    percent = nation.assumptions.capacity_percent
    how = f"capacity_percent = {percent} % of {volume.discharges} discharges, rounded down"
    return Origin("offers", "capacity", str(nation.capacity(volume)), "assumed", how, _lines(nation, [volume]))


def _utility(nation: Nation, volume: Volume, provider: Provider, drg: Drg) -> list[Origin]:
    a = nation.assumptions
    reference, level = nation.reference[drg.key], nation.level[provider.key]
    efficiency, quality, access = nation.factors(volume)
    stars = "no rating counts as 3 stars" if provider.stars is None else f"{provider.stars} stars"
    column = "state_access_bp" if planning_level(drg) == STATE else "referral_access_bp"
    return [
        Origin(
            "groups",
            "mean_payment_cents",
            str(reference),
            "derived",
            f"payments of all {sum(each.discharges for each in nation.by_drg[drg.key])} discharges of the DRG in the "
            "nation over their number, rounded half up",
            _lines(nation, nation.by_drg[drg.key]),
        ),
        Origin(
            "hospitals",
            "payment_level_bp",
            str(level),
            "derived",
            "payments of the hospital over what its discharges would be paid at the mean of each DRG, in basis points, "
            "rounded half up; each mean from the rows of its DRG",
            _lines(nation, nation.by_hospital[provider.key]),
        ),
        Origin("hospitals", "star_rating", _text(provider.stars), "real", stars, provider.rows),
        _access(nation, nation.regions[planned_in(provider, drg)], provider, planned_in(provider, drg), column),
        Origin(
            "offers",
            "utility",
            str(nation.utility(volume)),
            "assumed",
            f"{UTILITY_SCALE} x efficiency {efficiency} x quality {quality} x access {access} / 10000^3, rounded half "
            f"up; efficiency = {reference} x {level} / {volume.payment}, rounded half up, within efficiency_least_bp = "
            f"{a.efficiency_least_bp} and efficiency_most_bp = {a.efficiency_most_bp}; quality = 10000 + star_bp = "
            f"{a.star_bp} x ({_text(provider.stars) or NEUTRAL_STARS} - {NEUTRAL_STARS}); access = hospitals.{column}",
            _lines(nation, [volume]),
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


def _minimum(nation: Nation, drg: Drg) -> Origin:
    cases, origin = nation.minima[drg.key]
    match = nation.standards.matches.get(drg.key)
    if match is not None and match.use == "applied":
        how = f"published hospital standard, {origin}; a minimum per surgeon is out of scope"
        return Origin("groups", "minimum_cases", str(cases), "assumed", how, match.rows)
    if match is not None and carrier_of(drg.key, nation.standards.matches, nation.by_drg) is not None:
        how = f"0: the published standard ({match.issuer}: {match.procedure}) is {origin}"
        return Origin("groups", "minimum_cases", str(cases), "assumed", how, match.rows)
    volumes = nation.by_drg[drg.key]
    how = (
        f"no published standard; minimum_percentile = {nation.assumptions.minimum_percentile} (nearest rank) of the "
        f"discharges of the {len(volumes)} hospitals that have the DRG"
    )
    return Origin("groups", "minimum_cases", str(cases), "assumed", how, _lines(nation, volumes))


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
        Origin(
            "demand",
            "cases",
            str(sum(volume.discharges for volume in cell)),
            "derived",
            f"sum of the published discharges of {len(cell)} hospitals in {region}; a hospital without a row is "
            f"{NOT_PUBLISHED}",
            _lines(nation, cell),
        ),
    ]


def _area_capacity(nation: Nation, provider: Provider, drg: Drg) -> Origin:
    volumes = [each for each in nation.by_hospital[provider.key] if nation.drgs[each.drg].mdc == drg.mdc]
    how = (
        f"area_capacity_percent = {nation.assumptions.area_capacity_percent} % of "
        f"{sum(volume.discharges for volume in volumes)} published discharges of the hospital in {area_key(drg.mdc)}, "
        "rounded up"
    )
    cases = nation.area_capacity(provider.key)[drg.mdc]
    return Origin("area_capacity", "capacity", str(cases), "assumed", how, _lines(nation, volumes))


def _links(nation: Nation, provider: Provider, drg: Drg) -> list[Origin]:
    offered = {volume.drg for volume in nation.by_hospital[provider.key]}
    a, found = nation.assumptions, []
    for clause in nation.clauses:
        if clause.group != drg.key:
            continue
        has = [key for key in clause.required if key in offered]
        of = f"; of these the hospital offers {', '.join(has) or 'none: the offer can hold no mandate'}"
        if clause.name == "family":
            match = nation.standards.matches[drg.key]
            how, rows = f"the DRG that carries {match.issuer}: {match.procedure}", match.rows
        else:
            counted = ", ".join(_count(nation, key, clause.name == "base") for key in clause.required)
            how = (
                f"base_choices = {a.base_choices} medical DRGs that most hospitals have: {counted}"
                if clause.name == "base"
                else f"specialty_choices = {a.specialty_choices} largest medical DRGs of {area_key(drg.mdc)}: {counted}"
            )
            rows = _lines(nation, (volume for key in clause.required for volume in nation.by_drg[key]))
        found.append(Origin("links", clause.name, "any of " + ", ".join(clause.required), "assumed", how + of, rows))
    return found


def _count(nation: Nation, drg: str, by_hospitals: bool) -> str:
    volumes = nation.by_drg[drg]
    if by_hospitals:
        return f"{drg} ({len(volumes)} hospitals)"
    return f"{drg} ({sum(volume.discharges for volume in volumes)} discharges)"


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
