"""The Swiss key figures of hospitals (BAG) and the national SwissDRG statistics (BFS), read and checked.

Columns, origin and terms: the README files of `instances/raw/bag_kennzahlen_2022` and `instances/raw/swissdrg_2013`.
Decimal texts are read into whole numbers of a stated unit; no float appears.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from splgbench.errors import InputError
from splgbench.sources.raw import RawTable, raw_folder, read_raw

BAG_FOLDER = "bag_kennzahlen_2022"
DRG_FOLDER = "swissdrg_2013"
AGES = ("0-14", "15-39", "40-69", "70+")
"""Age classes of the national statistics."""
_TOTAL = "Total"
_KEY_FIGURES = (
    "JAHR",
    "KT",
    "Inst",
    "Ort",
    "Typ",
    "Akt",
    "SL",
    "SA",
    "PtageStatMST",
    "NeugStatMST",
    "Ops",
    "Gebs",
    "PersP",
    "PtageStatMSA",
    "AustStatMSA",
    "BettenStatA",
    "KostStatA",
    "CMInA",
)
_PARTITIONS = ("O", "A", "M")
_FIRST_OTHER, _FIRST_MEDICAL = 40, 60
"""Numbers of DRG families from which on they are "other" and medical, where the catalogue does not say."""


class Institution(NamedTuple):
    """A hospital with acute discharges in the year.

    `services` holds NF (emergency) and IPS (intensive care), `equipment` the codes of column SA. `beds` in thousandths,
    `case_mix` (net) in millionths, 0 where unknown, `cost` (acute inpatient) in CHF, `nurses` in hundredths of a full
    post, `latitude` and `longitude` in millionths of a degree. `days` (acute) and `all_days` (all activities) do not
    count the day of discharge. `line` and `place_line` are the lines of the raw files.
    """

    key: str
    name: str
    canton: str
    town: str
    kind: str
    activities: str
    services: frozenset[str]
    equipment: frozenset[str]
    operating_rooms: int
    delivery_rooms: int
    newborns: int
    discharges: int
    days: int
    all_days: int
    beds: int
    case_mix: int
    cost: int
    nurses: int
    latitude: int
    longitude: int
    sites: tuple[str, ...]
    line: int
    place_line: int


class Drg(NamedTuple):
    """A SwissDRG of the national statistics.

    `cases` and `days` by age class; like the key figures, and unlike the raw file, days leave out the day of discharge.
    `weight` in thousandths, 0 where the catalogue lacks it; `partition` "O" operative, "A" other, "M" medical. `line`
    is that of the total in the raw file.
    """

    code: str
    name: str
    partition: str
    weight: int
    cases: Mapping[str, int]
    days: Mapping[str, int]
    line: int

    @property
    def family(self) -> str:
        return self.code[:3]

    @property
    def mdc(self) -> str:
        return self.code[0]


@dataclass(frozen=True)
class SwissFiles:
    """Everything the derivation needs of the two folders.

    Parameters
    ----------
    year : of the key figures.
    institutions : with acute discharges, sorted by key.
    drgs : of the national statistics, sorted by code.
    chapters : name of each MDC by its letter.
    sha256 : of each file, unpacked, in hex.
    """

    year: int
    institutions: tuple[Institution, ...]
    drgs: tuple[Drg, ...]
    chapters: Mapping[str, str]
    sha256: Mapping[str, str]


def read_switzerland(
    year: int = 2022, figures: Traversable | Path | None = None, drg: Traversable | Path | None = None
) -> SwissFiles:
    """Read the key figures of one year and the national statistics.

    Parameters
    ----------
    year : one of column JAHR.
    figures : folder with `kennzahlen.csv`, `sites.csv` and `coordinates.csv`; None takes the shipped ones.
    drg : folder with `drg_cases.csv`, `catalogue.csv` and `mdc.csv`; None takes the shipped ones.

    Raises
    ------
    InputError
        A file or a column is missing, no such year, or cells break a rule; with file, row and column.
    """
    folder = raw_folder(BAG_FOLDER) if figures is None else figures
    drg = raw_folder(DRG_FOLDER) if drg is None else drg
    hospitals = read_raw(folder, "kennzahlen.csv", _KEY_FIGURES)
    sites = read_raw(folder, "sites.csv", ("KT", "Inst", "Standort", "LA_Standort"))
    places = read_raw(folder, "coordinates.csv", ("KT", "Inst", "lat", "lon"))
    cases = read_raw(drg, "drg_cases.csv", ("age_group", "drg", "text_de", "cases", "mean_los"))
    catalogue = read_raw(drg, "catalogue.csv", ("code", "partition", "cost_weight"))
    chapters = read_raw(drg, "mdc.csv", ("code", "text_de"))
    return SwissFiles(
        year,
        _institutions(hospitals, _sites(sites), _places(places), year),
        _drgs(cases, catalogue),
        _chapters(chapters),
        {raw.table.name: raw.sha256 for raw in (hospitals, sites, places, cases, catalogue, chapters)},
    )


def _sites(raw: RawTable) -> dict[tuple[str, str], tuple[str, ...]]:
    """Names of the sites with inpatient care, by canton and institution."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for _, canton, institution, site, offer in raw.rows("KT", "Inst", "Standort", "LA_Standort"):
        if "Stat" in offer:
            found[canton, institution] = (*found.get((canton, institution), ()), site)
    return found


def _places(raw: RawTable) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Latitude and longitude in millionths of a degree, and the line, by canton and institution."""
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for row, canton, institution, latitude, longitude in raw.rows("KT", "Inst", "lat", "lon"):
        if (canton, institution) in found:
            raw.report(row, "Inst", "must be unique within its canton", institution)
        found[canton, institution] = (
            raw.scaled(row, "lat", latitude, 6),
            raw.scaled(row, "lon", longitude, 6),
            raw.table.rows[row],
        )
    raw.raise_problems()
    return found


def _institutions(
    raw: RawTable,
    sites: Mapping[tuple[str, str], tuple[str, ...]],
    places: Mapping[tuple[str, str], tuple[int, int, int]],
    year: int,
) -> tuple[Institution, ...]:
    found: dict[str, Institution] = {}
    years = set(raw.column("JAHR"))
    if str(year) not in years:
        raise InputError(f"has no rows of year {year}; it has {', '.join(sorted(years))}", raw.table.file)
    names = ("JAHR", "KT", "Inst", "Ort", "Typ", "Akt", "SL", "SA")
    numbers = (
        ("Ops", 0),
        ("Gebs", 0),
        ("NeugStatMST", 0),
        ("AustStatMSA", 0),
        ("PtageStatMSA", 0),
        ("PtageStatMST", 0),
        ("BettenStatA", 3),
        ("CMInA", 6),
        ("KostStatA", 0),
        ("PersP", 2),
    )
    for row, of_year, canton, name, town, kind, activities, services, equipment in raw.rows(*names):
        if of_year != str(year):
            continue
        rooms, delivery, newborns, discharges, days, all_days, beds, case_mix, cost, nurses = (
            raw.scaled(row, column, raw.column(column)[row], places_after) for column, places_after in numbers
        )
        if not discharges:
            continue
        key = f"{canton}-{_slug(name)}"
        if key in found:
            raw.report(row, "Inst", "must be unique within its canton", name)
        place = places.get((canton, name))
        if place is None:
            raw.report(row, "Inst", "must have a row in coordinates.csv", name)
        latitude, longitude, place_line = place or (0, 0, 0)
        found[key] = Institution(
            key,
            name,
            canton,
            town,
            kind,
            activities,
            _codes(services),
            _codes(equipment),
            rooms,
            delivery,
            newborns,
            discharges,
            days,
            all_days,
            beds,
            case_mix,
            cost,
            nurses,
            latitude,
            longitude,
            sites.get((canton, name), ()),
            raw.table.rows[row],
            place_line,
        )
    raw.raise_problems()
    return tuple(found[key] for key in sorted(found))


def _codes(text: str) -> frozenset[str]:
    return frozenset(code.strip() for code in text.split(",") if code.strip())


def _slug(name: str) -> str:
    """A key of letters, digits and hyphens: accents go, anything else becomes a hyphen."""
    plain = unicodedata.normalize("NFKD", name.replace("\u00ad", "-")).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")


def _drgs(cases: RawTable, catalogue: RawTable) -> tuple[Drg, ...]:
    weights: dict[str, int] = {}
    partitions: dict[str, str] = {}
    for row, code, partition, weight in catalogue.rows("code", "partition", "cost_weight"):
        if partition not in _PARTITIONS:
            catalogue.report(row, "partition", f"must be one of {', '.join(_PARTITIONS)}", partition)
        weights[code] = catalogue.scaled(row, "cost_weight", weight, 3)
        partitions[code[:3]] = partition
    catalogue.raise_problems()

    names: dict[str, tuple[str, int]] = {}
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for row, age, code, text, number, stay in cases.rows("age_group", "drg", "text_de", "cases", "mean_los"):
        if (age, code) in counts:
            cases.report(row, "drg", "must be unique within its age class", code)
        if age not in (*AGES, _TOTAL):
            cases.report(row, "age_group", f"must be {_TOTAL} or one of {', '.join(AGES)}", age)
        whole = cases.whole(row, "cases", number)
        # Whole days including that of discharge: the mean has as many digits as it needs for the sum.
        days = (whole * cases.scaled(row, "mean_los", stay, 9) + 5 * 10**8) // 10**9
        counts[age, code] = (whole, days - whole)
        if age == _TOTAL:
            names[code] = (text, cases.table.rows[row])
    cases.raise_problems()
    return tuple(
        Drg(
            code,
            names[code][0],
            partitions.get(code[:3]) or _partition_by_number(code),
            weights.get(code, 0),
            {age: counts.get((age, code), (0, 0))[0] for age in AGES},
            {age: counts.get((age, code), (0, 0))[1] for age in AGES},
            names[code][1],
        )
        for code in sorted(names)
    )


def _partition_by_number(code: str) -> str:
    number = int(code[1:3])
    return "O" if number < _FIRST_OTHER else "A" if number < _FIRST_MEDICAL else "M"


def _chapters(raw: RawTable) -> dict[str, str]:
    return dict(zip(raw.column("code"), raw.column("text_de"), strict=True))
