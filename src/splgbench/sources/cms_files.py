"""The public CMS file of Medicare inpatient discharges by hospital and MS-DRG, read and checked.

Columns, origin and terms: `instances/raw/cms_ipps_fy2011/README.md`. A user's own folder may hold files of the same
format, or one file as CMS publishes it (`splgbench.sources.cms_published`). Money is read from its decimal text into
whole cents, coordinates into whole micro-degrees; no float appears.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from splgbench.sources.cms_published import find_published
from splgbench.sources.distance import Place
from splgbench.sources.raw import RawTable, has_raw, raw_folder, read_raw

CMS_FOLDER = "cms_ipps_fy2011"
CHARGES = ("charges_drg100.csv", "charges.csv")
"""Names the charges file may have; with neither, the folder must hold a file as CMS publishes it."""
DRGS, MDCS, PROVIDERS = "msdrg_table.csv", "mdc_names.csv", "providers.csv"
UNKNOWN_REGION = "Unknown"
"""Stands for the city of a referral region that neither the file nor the shipped `providers.csv` tells."""
_STARS = {"": None, "Not Available": None, **{str(stars): stars for stars in range(1, 6)}}
_POPULATION = re.compile(r"[0-9]{1,9}(\.0+)?")
_DEGREES = re.compile(r"(-?)([0-9]{1,3})(?:\.([0-9]{1,20}))?")
_NO_MDC = {"PR": "PRE_OR_NONE"}
"""How `mdc_names.csv` calls the pre-MDC groups of `msdrg_table.csv`."""


class Provider(NamedTuple):
    """A hospital: CMS certification number, its referral region, where it lies, overall star rating if known.

    Parameters
    ----------
    latitude, longitude : of the address where it is known, else of the ZIP area; as the file writes them.
    address, zip_centroid : the two places, None where the file has none.
    zip_code, population : of the ZIP area; None where the population is not known.
    rows : the raw rows it comes from.
    """

    key: str
    name: str
    state: str
    region: str
    latitude: str
    longitude: str
    stars: int | None
    address: Place | None = None
    zip_centroid: Place | None = None
    zip_code: str = ""
    population: int | None = None
    rows: tuple[str, ...] = ()


class Drg(NamedTuple):
    """An MS-DRG: number, definition, major diagnostic category, whether it is surgical, and its raw rows."""

    key: str
    name: str
    mdc: str
    mdc_name: str
    surgical: bool
    rows: tuple[str, ...] = ()


class Volume(NamedTuple):
    """Discharges of a hospital in a DRG, their mean total payment in cents, and the line of the file that says so."""

    provider: str
    drg: str
    discharges: int
    payment: int
    line: int = 0


@dataclass(frozen=True)
class CmsFiles:
    """Everything the derivation needs.

    Parameters
    ----------
    providers, drgs : by key.
    volumes : the published hospital-DRG pairs, all of at least 11 discharges.
    sha256 : of each file, unpacked, in hex.
    charges : name of the file of the volumes.
    """

    providers: Mapping[str, Provider]
    drgs: Mapping[str, Drg]
    volumes: tuple[Volume, ...]
    sha256: Mapping[str, str]
    charges: str = CHARGES[0]


def read_cms(folder: Traversable | Path | None = None) -> CmsFiles:
    """Read the CMS files.

    Parameters
    ----------
    folder : where they lie, plain or gzipped; None takes the shipped ones. Four files in the format of the shipped
        ones, or one file as CMS publishes it: then MDCs, kinds, coordinates and ratings come from the shipped files
        where the folder has no `mdc_names.csv`, `msdrg_table.csv` or `providers.csv` of its own.

    Raises
    ------
    InputError
        A file or a column is missing, or cells break a rule; with file, row and column.
    """
    return _shipped() if folder is None else _read(_open(folder))


@cache
def _shipped() -> CmsFiles:
    """The shipped files, read once in a process."""
    return _read(_open(None))


def _read(own: _Folder) -> CmsFiles:
    mdcs = read_raw(own.place(MDCS), MDCS, ("mdc", "name"))
    drgs = read_raw(own.place(DRGS), DRGS, ("drg", "mdc_v25", "medsurg_v25", "fy2011_definition"))
    providers, provider_by_key = _read_hospitals(own)
    charges = own.published or read_raw(
        own.folder, own.charges, ("drg", "provider_id", "discharges", "avg_total_payments")
    )
    drg_by_key = _drgs(drgs, mdcs, set(charges.column("drg")), _published_names(own.published))
    return CmsFiles(
        provider_by_key,
        drg_by_key,
        _volumes(charges, provider_by_key, drg_by_key),
        {raw.table.name: raw.sha256 for raw in (charges, mdcs, drgs, providers)},
        charges.table.name,
    )


def read_hospitals(folder: Traversable | Path | None = None) -> dict[str, Provider]:
    """The hospitals of the CMS files by key (`read_cms`); volumes are read only where no file of hospitals is there."""
    return _read_hospitals(_open(folder))[1]


@dataclass(frozen=True)
class _Folder:
    """A folder of CMS files: the name of its charges file, or the file as CMS publishes it."""

    folder: Traversable | Path
    charges: str
    published: RawTable | None

    def place(self, name: str) -> Traversable | Path:
        """Where a file beside the charges is to be read from."""
        own = self.published is None or has_raw(self.folder, name)
        return self.folder if own else raw_folder(CMS_FOLDER)


def _open(folder: Traversable | Path | None) -> _Folder:
    folder = raw_folder(CMS_FOLDER) if folder is None else folder
    charges = next((name for name in CHARGES if has_raw(folder, name)), None)
    published = None if charges else find_published(folder, (DRGS, MDCS, PROVIDERS))
    return _Folder(folder, charges or CHARGES[0], published)


def _read_hospitals(own: _Folder) -> tuple[RawTable, dict[str, Provider]]:
    providers = read_raw(
        own.place(PROVIDERS),
        PROVIDERS,
        ("provider_id", "name", "state", "hrr", "zip_lat", "zip_lon", "addr_lat", "addr_lon", "star_rating"),
    )
    found = _providers(providers)
    return providers, found if own.published is None else _published_providers(own.published, found)


def _providers(raw: RawTable) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    columns = ("provider_id", "name", "state", "hrr", "addr_lat", "addr_lon", "zip_lat", "zip_lon", "star_rating")
    zips, populations = raw.optional("zip"), raw.optional("zip_population")
    for row, key, name, state, region, addr_lat, addr_lon, zip_lat, zip_lon, stars in raw.rows(*columns):
        if key in found:
            raw.report(row, "provider_id", "must be unique", key)
        if stars not in _STARS:
            raw.report(row, "star_rating", "must be 1 to 5, Not Available or empty", stars)
        if populations[row] and not _POPULATION.fullmatch(populations[row]):
            raw.report(row, "zip_population", "must be a whole number or empty", populations[row])
            continue
        address = _place(raw, row, ("addr_lat", addr_lat), ("addr_lon", addr_lon))
        zip_centroid = _place(raw, row, ("zip_lat", zip_lat), ("zip_lon", zip_lon))
        latitude, longitude = (addr_lat, addr_lon) if address else (zip_lat, zip_lon)
        found[key] = Provider(
            key,
            name,
            state,
            region,
            latitude,
            longitude,
            _STARS.get(stars),
            address,
            zip_centroid,
            zips[row],
            int(populations[row].partition(".")[0]) if populations[row] else None,
            (raw.row_name(row),),
        )
    raw.raise_problems()
    return found


def _place(raw: RawTable, row: int, latitude: tuple[str, str], longitude: tuple[str, str]) -> Place | None:
    """The place of two columns, each given as (column, text); None where one of them is empty."""
    if not (latitude[1] and longitude[1]):
        return None
    found = []
    for (column, text), most in ((latitude, 90), (longitude, 180)):
        match = _DEGREES.fullmatch(text)
        size = int(match[2]) * 10**6 + _micro(match[3] or "") if match else 0
        if match is None or size > most * 10**6:
            raw.report(row, column, f"must be decimal degrees between -{most} and {most}, or empty", text)
        found.append(-size if match and match[1] else size)
    return Place(*found)


def _micro(decimals: str) -> int:
    """Decimals after the point in millionths, rounded half up."""
    return (int(decimals[:7].ljust(7, "0")) + 5) // 10


def _published_providers(raw: RawTable, known: Mapping[str, Provider]) -> dict[str, Provider]:
    """The hospitals of a file as CMS publishes it, with what `providers.csv` knows of them.

    A referral region that the file does not name is that of `providers.csv`: of the hospital, else of another hospital
    in its ZIP area and state, else the state's unknown one.
    """
    by_zip = {(provider.zip_code, provider.state): provider for provider in known.values()}
    regions = raw.optional("hrr")
    found: dict[str, Provider] = {}
    for row, key, name, state, zip_code in raw.rows("provider_id", "name", "state", "zip"):
        if key in found:
            continue
        twin, neighbour = known.get(key), by_zip.get((zip_code, state))
        rows = [raw.row_name(row)]
        region = regions[row]
        if not region:
            of = twin or neighbour
            region = of.region if of else f"{state} - {UNKNOWN_REGION}"
            rows += of.rows if of else ()
        elif twin is not None:
            rows += twin.rows
        nowhere = Provider(key, name, state, region, "", "", None, zip_code=zip_code)
        whole = nowhere if twin is None else twin._replace(name=name, state=state, region=region)
        found[key] = whole._replace(rows=tuple(rows))
    return found


def _published_names(raw: RawTable | None) -> dict[str, str]:
    """Definitions of the DRGs as a file that CMS publishes writes them."""
    return {} if raw is None else dict(zip(raw.column("drg"), raw.column("drg_name"), strict=True))


def _drgs(raw: RawTable, mdcs: RawTable, used: set[str], names: Mapping[str, str]) -> dict[str, Drg]:
    """The DRGs that the charges file uses; the table lists many more."""
    mdc_rows = {mdc: row for row, mdc in mdcs.rows("mdc")}
    mdc_names = mdcs.column("name")
    later_mdc, older_name, later_name = map(raw.optional, ("mdc_v38_1", "description_v25", "description_v38_1"))
    found: dict[str, Drg] = {}
    for row, key, mdc, kind, name in raw.rows("drg", "mdc_v25", "medsurg_v25", "fy2011_definition"):
        if key not in used:
            continue
        if key in found:
            raw.report(row, "drg", "must be unique", key)
        mdc = mdc or later_mdc[row]
        mdc_row = mdc_rows.get(_NO_MDC.get(mdc, mdc))
        if mdc_row is None:
            raw.report(row, "mdc_v25", "must be an MDC of mdc_names.csv", mdc)
            continue
        if kind not in ("M", "S"):
            raw.report(row, "medsurg_v25", "must be M or S, if need be in a msdrg_table.csv beside your file", kind)
        name = names.get(key) or name or older_name[row] or later_name[row]
        rows = (raw.row_name(row), mdcs.row_name(mdc_row))
        found[key] = Drg(key, name.strip(), mdc, mdc_names[mdc_row], kind == "S", rows)
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
            raw.table.rows[row],
        )
    raw.raise_problems()
    return tuple(found[key] for key in sorted(found))
