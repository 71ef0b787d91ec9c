"""One CSV file of discharges by hospital and MS-DRG as CMS itself publishes it, of any year and with any DRGs.

Two layouts: that of the first years ("DRG Definition", "Provider Id", "Total Discharges", ...) and the later one
("Rndrng_Prvdr_CCN", "DRG_Cd", "Tot_Dschrgs", ...). Headings are compared without regard to case and outer blanks. Codes
get their leading zeros back, amounts lose dollar signs and commas and are rounded half up to whole cents.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from splgbench.errors import InputError, Problem
from splgbench.sources.raw import RawTable, read_raw
from splgbench.tables import Table

_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,20}))?")


@dataclass(frozen=True)
class Layout:
    """What a published layout calls the columns of the shipped files.

    Parameters
    ----------
    years : it is found in, as errors quote it.
    headings : by the column of the shipped files.
    region_headings : any of these holds the referral region; the later layout has none.
    """

    years: str
    headings: Mapping[str, str]
    region_headings: tuple[str, ...] = ()


_LAYOUTS = (
    Layout(
        "fiscal year 2011",
        {
            "drg": "DRG Definition",
            "provider_id": "Provider Id",
            "name": "Provider Name",
            "state": "Provider State",
            "zip": "Provider Zip Code",
            "discharges": "Total Discharges",
            "avg_total_payments": "Average Total Payments",
        },
        ("Hospital Referral Region (HRR) Description", "Hospital Referral Region Description"),
    ),
    Layout(
        "later years",
        {
            "drg": "DRG_Cd",
            "drg_name": "DRG_Desc",
            "provider_id": "Rndrng_Prvdr_CCN",
            "name": "Rndrng_Prvdr_Org_Name",
            "state": "Rndrng_Prvdr_State_Abrvtn",
            "zip": "Rndrng_Prvdr_Zip5",
            "discharges": "Tot_Dschrgs",
            "avg_total_payments": "Avg_Tot_Pymt_Amt",
        },
    ),
)


def find_published(folder: Traversable | Path, others: Collection[str]) -> RawTable | None:
    """The published file of a folder, its columns named as in the shipped files and `drg_name` beside them.

    Parameters
    ----------
    others : names of files that are none, plain.

    Returns
    -------
    RawTable or None
        None where the folder holds no other CSV file.

    Raises
    ------
    InputError
        More than one such file, or one that lacks columns of the layout it is nearest to.
    """
    names = sorted({entry.name.removesuffix(".gz") for entry in folder.iterdir()} if folder.is_dir() else ())
    names = [name for name in names if name.lower().endswith(".csv") and name not in others]
    if not names:
        return None
    if len(names) > 1:
        raise InputError(f"must hold one file of discharges, has {', '.join(names)}", str(folder))
    raw = read_raw(folder, names[0], ())
    place_of = {heading.strip().lower(): heading for heading in raw.table.columns}
    layout = min(_LAYOUTS, key=lambda each: len(_missing(each, place_of)))
    missing = _missing(layout, place_of)
    if missing:
        rule = f"the column is missing (in the layout of {layout.years})"
        raise InputError([Problem(raw.table.file, 1, heading, rule) for heading in missing])
    return _renamed(raw, layout, place_of)


def _missing(layout: Layout, place_of: Mapping[str, str]) -> list[str]:
    missing = [heading for heading in layout.headings.values() if heading.lower() not in place_of]
    if layout.region_headings and not any(heading.lower() in place_of for heading in layout.region_headings):
        missing.append(layout.region_headings[0])
    return missing


def _renamed(raw: RawTable, layout: Layout, place_of: Mapping[str, str]) -> RawTable:
    headings = {column: place_of[heading.lower()] for column, heading in layout.headings.items()}
    region = next((heading for heading in layout.region_headings if heading.lower() in place_of), None)
    if region is not None:
        headings["hrr"] = place_of[region.lower()]
    columns: dict[str, Sequence[str]] = {
        column: [cell.strip() for cell in raw.column(heading)] for column, heading in headings.items()
    }
    if "drg_name" not in columns:
        split = [cell.partition(" - ") for cell in columns["drg"]]
        columns["drg"], columns["drg_name"] = [number for number, _, _ in split], [name for _, _, name in split]
    columns["drg"] = [cell.strip().zfill(3) for cell in columns["drg"]]
    columns["provider_id"] = [cell.zfill(6) for cell in columns["provider_id"]]
    columns["zip"] = [cell.zfill(5) for cell in columns["zip"]]
    columns["discharges"] = [cell.replace(",", "") for cell in columns["discharges"]]
    columns["avg_total_payments"] = [_cents(cell) for cell in columns["avg_total_payments"]]
    table = Table(raw.table.name, raw.table.file, columns, raw.table.rows)
    return RawTable(table, raw.sha256, headings)


def _cents(text: str) -> str:
    """An amount with at most two decimals; what is none stays as it is, to be reported where it is read."""
    match = _AMOUNT.fullmatch(text.replace("$", "").replace(",", "").strip())
    if match is None:
        return text
    cents = int(match[1]) * 100 + (int((match[2] or "")[:3].ljust(3, "0")) + 5) // 10
    return f"{cents // 100}.{cents % 100:02}"
