"""Origins of CMS numbers that the collection and the package of one region have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splgbench.library.collection import Origin
from splgbench.sources.cms_derivation import Derivation
from splgbench.sources.cms_files import Drg, Provider, Volume
from splgbench.sources.cms_offers import area_key, carrier_of
from splgbench.sources.cms_provenance import NOT_PUBLISHED


def pair(provider: Provider, drg: Drg) -> list[Origin]:
    """The hospital and the group."""
    return [
        Origin("hospitals", "hospital", provider.key, "real", f"{provider.name}, {provider.state}", provider.rows),
        Origin("groups", "area", area_key(drg.mdc), "real", f"{drg.name}; {drg.mdc_name}", drg.rows),
    ]


def no_offer() -> Origin:
    """Of a pair without a published volume."""
    return Origin("offers", "(row)", "", "real", f"{NOT_PUBLISHED}; no offer is made of it")


def lines(found: Derivation, volumes: Iterable[Volume]) -> tuple[str, ...]:
    """Rows of the charges file, runs of lines put together."""
    numbers = sorted(volume.line for volume in volumes)
    runs: list[list[int]] = []
    for line in numbers:
        if runs and runs[-1][1] == line - 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    file = found.files.charges
    return tuple(f"{file}, line {a}" if a == b else f"{file}, lines {a} to {b}" for a, b in runs)


def volume_origins(found: Derivation, volume: Volume) -> list[Origin]:
    rows = lines(found, [volume])
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


def capacity_origin(found: Derivation, volume: Volume) -> Origin:
    percent = found.assumptions.capacity_percent
    how = f"capacity_percent = {percent} % of {volume.discharges} discharges, rounded down"
    return Origin("offers", "capacity", str(found.capacity(volume)), "assumed", how, lines(found, [volume]))


def payment_origins(found: Derivation, provider: Provider, drg: Drg, where: str) -> list[Origin]:
    """Mean payment of the DRG, payment level and rating of the hospital; `where` the means are taken."""
    stars = "no rating counts as 3 stars" if provider.stars is None else f"{provider.stars} stars"
    return [
        Origin(
            "groups",
            "mean_payment_cents",
            str(found.reference[drg.key]),
            "derived",
            f"payments of all {sum(each.discharges for each in found.by_drg[drg.key])} discharges of the DRG in the "
            f"{where} over their number, rounded half up",
            lines(found, found.by_drg[drg.key]),
        ),
        Origin(
            "hospitals",
            "payment_level_bp",
            str(found.level[provider.key]),
            "derived",
            "payments of the hospital over what its discharges would be paid at the mean of each DRG, in basis points, "
            "rounded half up; each mean from the rows of its DRG",
            lines(found, found.by_hospital[provider.key]),
        ),
        Origin("hospitals", "star_rating", text(provider.stars), "real", stars, provider.rows),
    ]


def published_minimum_origin(found: Derivation, drg: Drg) -> Origin | None:
    """The minimum of a DRG that has a published standard, or whose standard another DRG carries."""
    cases, origin = found.minima[drg.key]
    match = found.matches.get(drg.key)
    if match is not None and match.use == "applied":
        how = f"published hospital standard, {origin}; a minimum per surgeon is out of scope"
        return Origin("groups", "minimum_cases", str(cases), "assumed", how, match.rows)
    if match is not None and carrier_of(drg.key, found.matches, found.by_drg) is not None:
        how = f"0: the published standard ({match.issuer}: {match.procedure}) is {origin}"
        return Origin("groups", "minimum_cases", str(cases), "assumed", how, match.rows)
    return None


def percentile_origin(found: Derivation, drg: Drg, name: str, percentile: int) -> Origin:
    """A minimum that an assumption of the given name takes from the volumes."""
    volumes = found.by_drg[drg.key]
    how = (
        f"no published standard; {name} = {percentile} (nearest rank) of the "
        f"discharges of the {len(volumes)} hospitals that have the DRG"
    )
    cases, _ = found.minima[drg.key]
    return Origin("groups", "minimum_cases", str(cases), "assumed", how, lines(found, volumes))


def demand_origin(found: Derivation, cell: Sequence[Volume], region: str) -> Origin:
    """Cases of a cell, from its volumes."""
    return Origin(
        "demand",
        "cases",
        str(sum(volume.discharges for volume in cell)),
        "derived",
        f"sum of the published discharges of {len(cell)} hospitals in {region}; a hospital without a row is "
        f"{NOT_PUBLISHED}",
        lines(found, cell),
    )


def area_capacity_origin(found: Derivation, provider: Provider, drg: Drg) -> Origin:
    volumes = [each for each in found.by_hospital[provider.key] if found.drgs[each.drg].mdc == drg.mdc]
    how = (
        f"area_capacity_percent = {found.assumptions.area_capacity_percent} % of "
        f"{sum(volume.discharges for volume in volumes)} published discharges of the hospital in {area_key(drg.mdc)}, "
        "rounded up"
    )
    cases = found.area_capacity(provider.key)[drg.mdc]
    return Origin("area_capacity", "capacity", str(cases), "assumed", how, lines(found, volumes))


def link_origins(found: Derivation, provider: Provider, drg: Drg) -> list[Origin]:
    offered = {volume.drg for volume in found.by_hospital[provider.key]}
    a = found.assumptions
    origins: list[Origin] = []
    for clause in found.clauses:
        if clause.group != drg.key:
            continue
        has = [key for key in clause.required if key in offered]
        of = f"; of these the hospital offers {', '.join(has) or 'none: the offer can hold no mandate'}"
        if clause.name == "family":
            match = found.matches[drg.key]
            how, rows = f"the DRG that carries {match.issuer}: {match.procedure}", match.rows
        else:
            counted = ", ".join(_count(found, key, clause.name == "base") for key in clause.required)
            how = (
                f"base_choices = {a.base_choices} medical DRGs that most hospitals have: {counted}"
                if clause.name == "base"
                else f"specialty_choices = {a.specialty_choices} largest medical DRGs of {area_key(drg.mdc)}: {counted}"
            )
            rows = lines(found, (volume for key in clause.required for volume in found.by_drg[key]))
        origins.append(Origin("links", clause.name, "any of " + ", ".join(clause.required), "assumed", how + of, rows))
    return origins


def _count(found: Derivation, drg: str, by_hospitals: bool) -> str:
    volumes = found.by_drg[drg]
    if by_hospitals:
        return f"{drg} ({len(volumes)} hospitals)"
    return f"{drg} ({sum(volume.discharges for volume in volumes)} discharges)"


def text(value: int | None) -> str:
    return "" if value is None else str(value)
