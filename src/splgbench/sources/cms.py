"""Instances from the public CMS file: the hospitals of a referral region, their MS-DRGs and real discharges.

    python -m splgbench.sources.cms --region "FL - Miami" -o instances/us-miami-2011

Hospital = CMS certification number, group = MS-DRG, area = MDC. Discharges, payments, ratings and the grouping are
real; capacities, utilities, most minima and all links are assumptions, each a field of `Assumptions`. Everything is
computed in whole numbers (money in cents, shares and weights in basis points), so the package has the same
bytes everywhere.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, SplgbenchError
from splgbench.files import written_whole
from splgbench.instance import Instance
from splgbench.package import package_files
from splgbench.sources.cms_derivation import Derivation
from splgbench.sources.cms_files import Drg, Provider, Volume, read_cms
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
from splgbench.sources.cms_provenance import package_metadata
from splgbench.sources.standards import read_standards

UTILITY_SCALE = 10_000
"""One point is a case at a three-star hospital that is paid the regional mean of its DRG."""
_README = "README.md"


@dataclass(frozen=True)
class Assumptions:
    """What the public file does not say.

    Parameters
    ----------
    capacity_percent : capacity of an offer, in % of the hospital's discharges in the DRG.
    area_capacity_percent : capacity of a hospital in an MDC, in % of its discharges there, rounded up.
    medical_minimum_cases : minimum cases of medical DRGs.
    surgical_minimum_percentile : minimum cases of surgical DRGs without a published standard: this percentile
        (nearest rank) of the discharges of the hospitals that have the DRG.
    minimum_share_bp : minimum share of every DRG, in basis points of its demand.
    star_bp : what a star above or below three is worth, in basis points of a point.
    efficiency_least_bp, efficiency_most_bp : range of the efficiency factor, in basis points.
    specialty_choices : a surgical DRG needs one of this many largest medical DRGs of its MDC; 0 for no such link.
    base_choices : every other DRG needs one of this many most widespread medical DRGs; 0 for no such link.
    """

    capacity_percent: int = 300
    area_capacity_percent: int = 115
    medical_minimum_cases: int = 12
    surgical_minimum_percentile: int = 50
    minimum_share_bp: int = 100
    star_bp: int = 200
    efficiency_least_bp: int = 8000
    efficiency_most_bp: int = 12500
    specialty_choices: int = 3
    base_choices: int = 3

    def __post_init__(self) -> None:
        refuse_impossible(asdict(self))


DEFAULT_ASSUMPTIONS = Assumptions()


@dataclass(frozen=True)
class Planned(Derivation):
    """The volumes of hospitals that are planned together, as one region, with everything that is computed over them.

    Parameters
    ----------
    hospitals : by key; those without a published volume have no offer.
    """

    assumptions: Assumptions
    hospitals: Mapping[str, Provider]

    @cached_property
    def volumes(self) -> list[Volume]:
        """The published volumes, in the order of the file."""
        return [volume for volume in self.files.volumes if volume.provider in self.hospitals]

    @cached_property
    def by_drg(self) -> dict[str, list[Volume]]:
        """Volumes by DRG, sorted."""
        found: dict[str, list[Volume]] = {key: [] for key in sorted({volume.drg for volume in self.volumes})}
        for volume in self.volumes:
            found[volume.drg].append(volume)
        return found

    @cached_property
    def by_hospital(self) -> dict[str, list[Volume]]:
        """Volumes by hospital."""
        found: dict[str, list[Volume]] = defaultdict(list)
        for volume in self.volumes:
            found[volume.provider].append(volume)
        return found

    @cached_property
    def minima(self) -> dict[str, tuple[int, str]]:
        """Minimum cases of each DRG and where they come from."""
        return {
            key: published_minimum(key, self.matches, self.by_drg) or self._assumed(drg)
            for key, drg in self.drgs.items()
        }

    def _assumed(self, drg: Drg) -> tuple[int, str]:
        if not drg.surgical:
            return self.assumptions.medical_minimum_cases, "assumed: medical"
        percentile = self.assumptions.surgical_minimum_percentile
        cases = nearest_rank((volume.discharges for volume in self.by_drg[drg.key]), percentile)
        return cases, f"assumed: percentile {percentile}"

    def factors(self, volume: Volume) -> tuple[int, int]:
        """Efficiency and quality of an offer, in basis points.

        Efficiency is the mean payment of the DRG, at the hospital's payment level, over the hospital's own mean
        payment, rounded half up and kept within the assumed range. Quality is one point at three stars (or where no
        rating is known), and `star_bp` more or less per star.
        """
        a, reference, level = self.assumptions, self.reference[volume.drg], self.level[volume.provider]
        return (
            efficiency_bp(volume.payment, reference, level, a.efficiency_least_bp, a.efficiency_most_bp),
            quality_bp(self.hospitals[volume.provider].stars, a.star_bp),
        )

    def utility(self, volume: Volume) -> int:
        """Efficiency-weighted patient benefit of a case, in utility units: the factors' product, rounded half up."""
        efficiency, quality = self.factors(volume)
        return rounded(UTILITY_SCALE * quality * efficiency, 10_000 * 10_000)


def derive_cms(
    region: str = "FL - Miami",
    assumptions: Assumptions = DEFAULT_ASSUMPTIONS,
    raw: Path | None = None,
    standards: Path | None = None,
    fiscal_year: int = 2011,
) -> Instance:
    """The instance of one hospital referral region.

    Parameters
    ----------
    region : the region as `providers.csv` writes it.
    assumptions : what the file does not say.
    raw : folder of the four CMS files; None takes the shipped ones of fiscal year 2011.
    standards : folder of the minimum volumes and their matches; None takes the shipped ones.
    fiscal_year : of the files, for names and titles.

    Raises
    ------
    InputError
        No such region, or the files break a rule.
    """
    planned = planned_region(region, assumptions, raw, standards)
    return derive(
        planned,
        name=f"us-{_region_slug(region, planned.files.providers.values())}-{fiscal_year}",
        metadata=package_metadata(
            f"hospital referral region {region}",
            fiscal_year,
            asdict(assumptions),
            {**planned.files.sha256, **planned.standards.sha256},
        ),
    )


def planned_region(
    region: str,
    assumptions: Assumptions = DEFAULT_ASSUMPTIONS,
    raw: Path | None = None,
    standards: Path | None = None,
) -> Planned:
    """The volumes of one hospital referral region; parameters and errors are those of `derive_cms`."""
    files = read_cms(raw)
    hospitals = {provider.key: provider for provider in files.providers.values() if provider.region == region}
    if not hospitals:
        raise InputError(f"no hospital referral region named {region!r} (write it as in providers.csv)", "--region")
    return Planned(files, read_standards(standards), assumptions, hospitals)


def derive(planned: Planned, *, name: str, metadata: Mapping[str, Any]) -> Instance:
    """The instance of a set of hospitals that are planned together, as one region.

    Parameters
    ----------
    name, metadata : of the instance.
    """
    hospitals, volumes, drgs = planned.hospitals, planned.volumes, planned.drgs
    reference, level, minima = planned.reference, planned.level, planned.minima
    return Instance.from_tables(
        hospitals={
            "hospital": list(hospitals),
            "name": [hospital.name for hospital in hospitals.values()],
            "latitude": [hospital.latitude for hospital in hospitals.values()],
            "longitude": [hospital.longitude for hospital in hospitals.values()],
            "star_rating": ["" if hospital.stars is None else hospital.stars for hospital in hospitals.values()],
            "payment_level_bp": [level.get(hospital, "") for hospital in hospitals],
        },
        areas=area_table(drgs.values()),
        groups={
            "group": list(drgs),
            "area": [area_key(drg.mdc) for drg in drgs.values()],
            "name": [drg.name for drg in drgs.values()],
            "minimum_cases": [cases for cases, _ in minima.values()],
            "minimum_share_bp": [planned.assumptions.minimum_share_bp] * len(drgs),
            "kind": ["surgical" if drg.surgical else "medical" for drg in drgs.values()],
            "mean_payment_cents": [reference[key] for key in drgs],
            "minimum_from": [origin for _, origin in minima.values()],
        },
        demand={
            "group": list(drgs),
            "cases": [sum(volume.discharges for volume in planned.by_drg[key]) for key in drgs],
        },
        offers={
            "hospital": [volume.provider for volume in volumes],
            "group": [volume.drg for volume in volumes],
            "capacity": [planned.capacity(volume) for volume in volumes],
            "utility": [planned.utility(volume) for volume in volumes],
            "discharges": [volume.discharges for volume in volumes],
            "mean_payment_cents": [volume.payment for volume in volumes],
        },
        links=link_table(planned.clauses),
        area_capacity={
            "hospital": [hospital for hospital in planned.by_hospital for _ in planned.area_capacity(hospital)],
            "area": [area_key(mdc) for hospital in planned.by_hospital for mdc in planned.area_capacity(hospital)],
            "capacity": [
                cases for hospital in planned.by_hospital for cases in planned.area_capacity(hospital).values()
            ],
        },
        capacity_mode="both",
        utility_scale=UTILITY_SCALE,
        name=name,
        metadata=metadata,
    )


def _region_slug(region: str, providers: Iterable[Provider]) -> str:
    """The region's city, with its state where another state has a region of that name."""
    _, _, city = region.partition(" - ")
    namesakes = {provider.region for provider in providers if provider.region.partition(" - ")[2] == city}
    return re.sub("[^a-z0-9]+", "-", (city if len(namesakes) == 1 else region).lower()).strip("-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the package of a region; the exit code is that of the error, if any."""
    parser = argparse.ArgumentParser(prog="python -m splgbench.sources.cms", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--region", default="FL - Miami", help="hospital referral region, as in providers.csv")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write; a README.md in it stays")
    parser.add_argument("--raw", type=Path, help="folder of CMS files in the format of the shipped ones")
    parser.add_argument("--standards", type=Path, help="folder of minimum volumes and their matches")
    parser.add_argument("--fiscal-year", type=int, default=2011, help="of the CMS files")
    for name, value in asdict(DEFAULT_ASSUMPTIONS).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value, help="assumption (%(default)s)")
    options = vars(parser.parse_args(arguments))
    try:
        assumptions = Assumptions(**{name: options[name] for name in asdict(DEFAULT_ASSUMPTIONS)})
        instance = derive_cms(
            options["region"], assumptions, options["raw"], options["standards"], options["fiscal_year"]
        )
        _write(instance, options["output"])
    except SplgbenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{options['output']}: {instance!r}\n{instance.instance_hash}\n")
    return 0


def _write(instance: Instance, folder: Path) -> None:
    """Write the package as a folder, whole or not at all, and keep the README.md that describes it."""
    readme = folder / _README
    kept = {_README: readme.read_bytes()} if readme.is_file() else {}
    with written_whole(folder) as draft:
        draft.mkdir()
        for name, data in (package_files(instance) | kept).items():
            (draft / name).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
