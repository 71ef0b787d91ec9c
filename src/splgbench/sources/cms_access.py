"""How near a hospital lies to the population of its planning region, from the ZIP areas of the CMS hospitals.

The population of a region stands at the centroids of the ZIP areas that have a hospital of the region and a known
population; each ZIP area counts once. A hospital's distance is the mean over that population. Where the address and the
ZIP centroid of a hospital disagree, one of them is wrong and neither is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from splgbench.sources.cms_files import Provider
from splgbench.sources.cms_offers import rounded
from splgbench.sources.distance import Place, distance


class Settlement(NamedTuple):
    """The population of a ZIP area, where it stands, and a hospital whose row says so."""

    population: int
    place: Place
    provider: str


class Access(NamedTuple):
    """Mean distance of a hospital to the population of its region, and what it is worth.

    Parameters
    ----------
    metres : of the hospital; None where its place or every settlement of the region is unknown.
    region_metres : mean over the hospitals of the region that have a distance.
    factor_bp : 10000 where there is no distance.
    """

    metres: int | None
    region_metres: int | None
    factor_bp: int


@dataclass(frozen=True)
class Region:
    """A planning region's settlements and the access of its hospitals, by provider."""

    settlements: tuple[Settlement, ...] = ()
    access: Mapping[str, Access] = field(default_factory=dict)


def located(provider: Provider, agreement_m: int) -> Place | None:
    """Where a hospital is: its address, else its ZIP area, if the two do not lie farther apart than `agreement_m`."""
    address, centroid = provider.address, provider.zip_centroid
    if address and centroid and distance(address, centroid) > agreement_m:
        return None
    return address or centroid


def region_access(providers: Iterable[Provider], distance_bp: int, agreement_m: int) -> Region:
    """The access of the hospitals of one planning region.

    Parameters
    ----------
    providers : all hospitals of the region.
    distance_bp : what it is worth to be in the midst of the population rather than at the hospitals' mean distance.
    agreement_m : how far address and ZIP centroid may lie apart, in metres.
    """
    providers = list(providers)
    places = {provider.key: located(provider, agreement_m) for provider in providers}
    settled: dict[str, Settlement] = {}
    for provider in providers:
        if places[provider.key] and provider.zip_centroid and provider.zip_code and provider.population:
            settlement = Settlement(provider.population, provider.zip_centroid, provider.key)
            settled.setdefault(provider.zip_code, settlement)
    settlements = tuple(settled.values())
    total = sum(settlement.population for settlement in settlements)
    metres = {
        key: rounded(sum(each.population * distance(place, each.place) for each in settlements), total)
        for key, place in places.items()
        if place is not None and total
    }
    mean = rounded(sum(metres.values()), len(metres)) if metres else None
    return Region(
        settlements,
        {key: Access(metres.get(key), mean, access_bp(metres.get(key), mean, distance_bp)) for key in places},
    )


def access_bp(metres: int | None, mean: int | None, distance_bp: int) -> int:
    """10000 at the region's mean distance, up to `distance_bp` more towards 0, as much less at twice it and beyond."""
    if metres is None or not mean:
        return 10_000
    return 10_000 + max(-distance_bp, rounded(distance_bp * (mean - metres), mean))


def by_region(pairs: Iterable[tuple[str, Provider]]) -> dict[str, list[Provider]]:
    """Providers by the region that stands before each."""
    found: dict[str, list[Provider]] = defaultdict(list)
    for region, provider in pairs:
        found[region].append(provider)
    return found
