"""The nation of the CMS files as instances: all of it, each state, each referral region (docs/cms-2011.md).

What describes an offer (capacity, utility, minimum, share, links) is computed once over the nation and is the same in
every instance; a state or a referral region holds the nation's rows of its hospitals. Only demand is summed over the
hospitals at hand. Surgical DRGs are planned by state, medical ones by referral region. Whole numbers throughout.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.sources.cms_access import Access, Region, by_region, region_access
from splgbench.sources.cms_derivation import Derivation
from splgbench.sources.cms_files import Drg, Provider, Volume
from splgbench.sources.cms_offers import (
    area_key,
    area_table,
    efficiency_bp,
    link_table,
    nearest_rank,
    published_minimum,
    quality_bp,
    refuse_impossible,
    rounded,
)

UTILITY_SCALE = 10_000
"""One point: a case at the nation's mean payment, at three stars, at the mean distance of the region's hospitals."""
STATE, REFERRAL_REGION = "state", "referral region"
"""Planning levels: of surgical DRGs and of medical ones."""


@dataclass(frozen=True)
class NationalAssumptions:
    """What the public files do not say.

    Parameters
    ----------
    capacity_percent : capacity of an offer, in % of the hospital's discharges in the DRG.
    area_capacity_percent : capacity of a hospital in an MDC, in % of its discharges there, rounded up.
    minimum_percentile : minimum cases of a DRG without a published standard: this percentile (nearest rank) of the
        discharges of the hospitals that have the DRG.
    surgical_share_bp, medical_share_bp : minimum share, in basis points of the demand of a state or a referral region.
    star_bp : what a star above or below three is worth, in basis points of a point.
    efficiency_least_bp, efficiency_most_bp : range of the efficiency factor, in basis points.
    distance_bp : what it is worth to be in the midst of the region's population rather than at the hospitals' mean
        distance from it, in basis points of a point; at twice the mean and beyond, as much less.
    place_agreement_m : a hospital whose address and ZIP centroid lie farther apart, in metres, has no known place.
    specialty_choices : a surgical DRG needs one of this many largest medical DRGs of its MDC; 0 for no such link.
    base_choices : every other DRG needs one of this many most widespread medical DRGs; 0 for no such link.
    """

    capacity_percent: int = 300
    area_capacity_percent: int = 115
    minimum_percentile: int = 50
    surgical_share_bp: int = 10
    medical_share_bp: int = 100
    star_bp: int = 200
    efficiency_least_bp: int = 8000
    efficiency_most_bp: int = 12500
    distance_bp: int = 500
    place_agreement_m: int = 50_000
    specialty_choices: int = 3
    base_choices: int = 3

    def __post_init__(self) -> None:
        refuse_impossible(asdict(self))


DEFAULT_ASSUMPTIONS = NationalAssumptions()


@dataclass(frozen=True)
class Nation(Derivation):
    """The CMS files with everything that is computed over all hospitals."""

    assumptions: NationalAssumptions = DEFAULT_ASSUMPTIONS

    @property
    def volumes(self) -> Sequence[Volume]:
        """All published volumes."""
        return self.files.volumes

    @cached_property
    def by_drg(self) -> dict[str, list[Volume]]:
        """Volumes by DRG, sorted."""
        found: dict[str, list[Volume]] = {key: [] for key in sorted(self.files.drgs)}
        for volume in self.files.volumes:
            found[volume.drg].append(volume)
        return found

    @cached_property
    def by_hospital(self) -> dict[str, list[Volume]]:
        """Volumes by hospital, sorted."""
        found: dict[str, list[Volume]] = {key: [] for key in sorted(self.files.providers)}
        for volume in self.files.volumes:
            found[volume.provider].append(volume)
        return found

    @cached_property
    def minima(self) -> dict[str, tuple[int, str]]:
        """Minimum cases of each DRG and where they come from."""
        percentile = self.assumptions.minimum_percentile
        return {
            key: published_minimum(key, self.matches, self.by_drg)
            or (
                nearest_rank((volume.discharges for volume in volumes), percentile),
                f"assumed: percentile {percentile} of {len(volumes)} hospitals",
            )
            for key, volumes in self.by_drg.items()
        }

    @cached_property
    def regions(self) -> dict[str, Region]:
        """Settlements and access by planning region, of both levels."""
        providers = [self.files.providers[key] for key in self.by_hospital]
        pairs = [(provider.state, provider) for provider in providers]
        pairs += [(provider.region, provider) for provider in providers]
        distance_bp, agreement_m = self.assumptions.distance_bp, self.assumptions.place_agreement_m
        return {
            region: region_access(members, distance_bp, agreement_m) for region, members in by_region(pairs).items()
        }

    def share_bp(self, drg: Drg) -> int:
        """Minimum share of a DRG, in basis points of its cell's demand."""
        return self.assumptions.surgical_share_bp if drg.surgical else self.assumptions.medical_share_bp

    def access(self, provider: Provider, drg: Drg) -> Access:
        """Access of a hospital to the population that the DRG is planned for."""
        return self.regions[planned_in(provider, drg)].access[provider.key]

    def factors(self, volume: Volume) -> tuple[int, int, int]:
        """Efficiency, quality and access of an offer, in basis points; their product is its utility."""
        provider, a = self.files.providers[volume.provider], self.assumptions
        reference, level = self.reference[volume.drg], self.level[volume.provider]
        return (
            efficiency_bp(volume.payment, reference, level, a.efficiency_least_bp, a.efficiency_most_bp),
            quality_bp(provider.stars, a.star_bp),
            self.access(provider, self.drgs[volume.drg]).factor_bp,
        )

    def utility(self, volume: Volume) -> int:
        """Efficiency-weighted benefit of a case, in utility units: the three factors' product, rounded half up."""
        efficiency, quality, access = self.factors(volume)
        return rounded(UTILITY_SCALE * efficiency * quality * access, 10_000**3)


def planned_in(provider: Provider, drg: Drg) -> str:
    """The planning region of an offer: the state for surgical DRGs, the referral region for medical ones."""
    return provider.state if drg.surgical else provider.region


def planning_level(drg: Drg) -> str:
    """At which level a DRG is planned."""
    return STATE if drg.surgical else REFERRAL_REGION


def scopes(providers: Iterable[Provider]) -> dict[str, list[str]]:
    """The hospitals of every instance, by the last part of its name: us, state/MN, hrr/FL-Miami.

    A referral region is named by its state and city: " - " becomes a hyphen, and so does every other run of signs that
    are neither letters nor digits.

    Raises
    ------
    InputError
        Two referral regions that get one name.
    """
    ordered = sorted(providers, key=lambda provider: provider.key)
    found: dict[str, list[str]] = {"us": [provider.key for provider in ordered]}
    named: dict[str, str] = {}
    for level, by_key in (
        ("state", by_region((provider.state, provider) for provider in ordered)),
        ("hrr", by_region((provider.region, provider) for provider in ordered)),
    ):
        for region in sorted(by_key):
            name = f"{level}/{slug(region)}"
            if name.lower() in named:
                raise InputError(f"{region!r} and {named[name.lower()]!r} would both be called {name}", "providers.csv")
            named[name.lower()] = region
            found[name] = [provider.key for provider in by_key[region]]
    return found


def slug(region: str) -> str:
    """A region as names write it."""
    return re.sub("[^A-Za-z0-9]+", "-", region).strip("-")


def national_instance(nation: Nation, hospitals: Sequence[str], name: str, metadata: Mapping[str, Any]) -> Instance:
    """The instance of some hospitals of the nation.

    Parameters
    ----------
    hospitals : their certification numbers.
    name, metadata : of the instance.
    """
    providers = [nation.files.providers[key] for key in hospitals]
    volumes = [volume for key in hospitals for volume in nation.by_hospital[key]]
    regions: dict[str, str] = {}
    demand: dict[tuple[str, str], int] = defaultdict(int)
    planned: list[str] = []
    for volume in volumes:
        drg = nation.drgs[volume.drg]
        region = planned_in(nation.files.providers[volume.provider], drg)
        regions[region] = planning_level(drg)
        demand[volume.drg, region] += volume.discharges
        planned.append(region)
    pairs = [(key, mdc, cases) for key in hospitals for mdc, cases in nation.area_capacity(key).items()]
    by_state = [nation.regions[provider.state].access[provider.key] for provider in providers]
    by_referral = [nation.regions[provider.region].access[provider.key] for provider in providers]
    drgs = nation.drgs.values()
    return Instance.from_tables(
        hospitals={
            "hospital": [provider.key for provider in providers],
            "name": [provider.name for provider in providers],
            "latitude": [provider.latitude for provider in providers],
            "longitude": [provider.longitude for provider in providers],
            "state": [provider.state for provider in providers],
            "referral_region": [provider.region for provider in providers],
            "star_rating": [_blank(provider.stars) for provider in providers],
            "payment_level_bp": [_blank(nation.level.get(provider.key)) for provider in providers],
            "state_distance_m": [_blank(access.metres) for access in by_state],
            "state_access_bp": [access.factor_bp for access in by_state],
            "referral_distance_m": [_blank(access.metres) for access in by_referral],
            "referral_access_bp": [access.factor_bp for access in by_referral],
        },
        areas=area_table(drgs),
        groups={
            "group": list(nation.drgs),
            "area": [area_key(drg.mdc) for drg in drgs],
            "name": [drg.name for drg in drgs],
            "minimum_cases": [nation.minima[drg.key][0] for drg in drgs],
            "minimum_share_bp": [nation.share_bp(drg) for drg in drgs],
            "kind": ["surgical" if drg.surgical else "medical" for drg in drgs],
            "planned_by": [planning_level(drg) for drg in drgs],
            "mean_payment_cents": [nation.reference[drg.key] for drg in drgs],
            "minimum_from": [nation.minima[drg.key][1] for drg in drgs],
        },
        regions={"region": list(regions), "planned_as": list(regions.values())},
        demand={
            "group": [group for group, _ in demand],
            "cases": list(demand.values()),
            "region": [region for _, region in demand],
        },
        offers={
            "hospital": [volume.provider for volume in volumes],
            "group": [volume.drg for volume in volumes],
            "capacity": [nation.capacity(volume) for volume in volumes],
            "utility": [nation.utility(volume) for volume in volumes],
            "region": planned,
            "discharges": [volume.discharges for volume in volumes],
            "mean_payment_cents": [volume.payment for volume in volumes],
        },
        links=link_table(nation.clauses),
        area_capacity={
            "hospital": [key for key, _, _ in pairs],
            "area": [area_key(mdc) for _, mdc, _ in pairs],
            "capacity": [cases for _, _, cases in pairs],
        },
        capacity_mode="both",
        utility_scale=UTILITY_SCALE,
        name=name,
        metadata=metadata,
    )


def _blank(value: int | None) -> int | str:
    return "" if value is None else value
