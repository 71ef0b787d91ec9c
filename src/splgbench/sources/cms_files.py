"""The public CMS file of Medicare inpatient discharges by hospital and MS-DRG, read and checked.

Columns, origin and terms: `instances/raw/cms_ipps_fy2011/README.md`. Money is read from its decimal text into
whole cents; no float appears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from splgbench.sources.raw import RawTable, raw_folder, read_raw

CMS_FOLDER = "cms_ipps_fy2011"
_STARS = {"": None, "Not Available": None, **{str(stars): stars for stars in range(1, 6)}}
_NO_MDC = {"PR": "PRE_OR_NONE"}
"""How `mdc_names.csv` calls the pre-MDC groups of `msdrg_table.csv`."""


class Provider(NamedTuple):
    """A hospital: CMS certification number, its referral region, where it lies, overall star rating if known."""

    key: str
    name: str
    state: str
    region: str
    latitude: str
    longitude: str
    stars: int | None


class Drg(NamedTuple):
    """An MS-DRG: number, definition, major diagnostic category and whether it is surgical."""

    key: str
    name: str
    mdc: str
    mdc_name: str
    surgical: bool


class Volume(NamedTuple):
    """Discharges of a hospital in a DRG and their mean total payment in cents."""

    provider: str
    drg: str
    discharges: int
    payment: int


@dataclass(frozen=True)
class CmsFiles:
    """Everything the derivation needs.

    Parameters
    ----------
    providers, drgs : by key.
    volumes : the published hospital-DRG pairs, all of at least 11 discharges.
    sha256 : of each file, unpacked, in hex.
    """

    providers: Mapping[str, Provider]
    drgs: Mapping[str, Drg]
    volumes: tuple[Volume, ...]
    sha256: Mapping[str, str]


def read_cms(folder: Traversable | Path | None = None) -> CmsFiles:
    """Read the four CMS files.

    Parameters
    ----------
    folder : where they lie, plain or gzipped; None takes the shipped ones.

    Raises
    ------
    InputError
        A file or a column is missing, or cells break a rule; with file, row and column.
    """
    folder = raw_folder(CMS_FOLDER) if folder is None else folder
    mdcs = read_raw(folder, "mdc_names.csv", ("mdc", "name"))
    drgs = read_raw(folder, "msdrg_table.csv", ("drg", "mdc_v25", "medsurg_v25", "fy2011_definition"))
    providers = read_raw(
        folder,
        "providers.csv",
        ("provider_id", "name", "state", "hrr", "zip_lat", "zip_lon", "addr_lat", "addr_lon", "star_rating"),
    )
    charges = read_raw(folder, "charges_drg100.csv", ("drg", "provider_id", "discharges", "avg_total_payments"))
    mdc_names = dict(zip(mdcs.column("mdc"), mdcs.column("name"), strict=True))
    provider_by_key = _providers(providers)
    drg_by_key = _drgs(drgs, mdc_names, set(charges.column("drg")))
    return CmsFiles(
        provider_by_key,
        drg_by_key,
        _volumes(charges, provider_by_key, drg_by_key),
        {raw.table.name: raw.sha256 for raw in (charges, mdcs, drgs, providers)},
    )


def _providers(raw: RawTable) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    columns = ("provider_id", "name", "state", "hrr", "addr_lat", "addr_lon", "zip_lat", "zip_lon", "star_rating")
    for row, key, name, state, region, addr_lat, addr_lon, zip_lat, zip_lon, stars in raw.rows(*columns):
        if key in found:
            raw.report(row, "provider_id", "must be unique", key)
        if stars not in _STARS:
            raw.report(row, "star_rating", "must be 1 to 5, Not Available or empty", stars)
        by_address = addr_lat and addr_lon
        latitude, longitude = (addr_lat, addr_lon) if by_address else (zip_lat, zip_lon)
        found[key] = Provider(key, name, state, region, latitude, longitude, _STARS.get(stars))
    raw.raise_problems()
    return found


def _drgs(raw: RawTable, mdc_names: Mapping[str, str], used: set[str]) -> dict[str, Drg]:
    """The DRGs that the charges file uses; the table lists many more."""
    found: dict[str, Drg] = {}
    for row, key, mdc, kind, name in raw.rows("drg", "mdc_v25", "medsurg_v25", "fy2011_definition"):
        if key not in used:
            continue
        if key in found:
            raw.report(row, "drg", "must be unique", key)
        mdc_name = mdc_names.get(_NO_MDC.get(mdc, mdc))
        if mdc_name is None:
            raw.report(row, "mdc_v25", "must be an MDC of mdc_names.csv", mdc)
        if kind not in ("M", "S"):
            raw.report(row, "medsurg_v25", "must be M or S", kind)
        found[key] = Drg(key, name.strip(), mdc, mdc_name or "", kind == "S")
    raw.raise_problems()
    return found


def _volumes(raw: RawTable, providers: Mapping[str, Provider], drgs: Mapping[str, Drg]) -> tuple[Volume, ...]:
    found: dict[tuple[str, str], Volume] = {}
    for row, drg, provider, discharges, payment in raw.rows("drg", "provider_id", "discharges", "avg_total_payments"):
        if drg not in drgs:
            raw.report(row, "drg", "must be a DRG of msdrg_table.csv", drg)
        if provider not in providers:
            raw.report(row, "provider_id", "must be a hospital of providers.csv", provider)
        if (provider, drg) in found:
            raw.report(row, "provider_id", "must be unique within its DRG", provider)
        found[provider, drg] = Volume(
            provider,
            drg,
            raw.whole(row, "discharges", discharges),
            raw.cents(row, "avg_total_payments", payment),
        )
    raw.raise_problems()
    return tuple(found[key] for key in sorted(found))
