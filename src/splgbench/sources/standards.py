"""Published minimum volumes per hospital, and which MS-DRGs they match.

The standards are facts of their issuers; the match is this project's judgement, with a reason a row
(`instances/raw/minimum_volume_standards/`). Standards per surgeon have no place in the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from splgbench.sources.raw import raw_folder, read_raw

STANDARDS_FOLDER = "minimum_volume_standards"
_USES = ("applied", "follows", "rejected")


class Match(NamedTuple):
    """How a published standard bears on a DRG.

    `use` is "applied" (the DRG carries `minimum_cases`), "follows" (the standard counts this DRG's procedure, but
    `carrier`, another DRG, carries it) or "rejected" (close in name, not in content). `rows` are the raw rows
    of the match and of the standard.
    """

    drg: str
    issuer: str
    procedure: str
    minimum_cases: int
    use: str
    carrier: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standards:
    """Matches by DRG, and the SHA-256 of each file in hex."""

    matches: Mapping[str, Match]
    sha256: Mapping[str, str]


def read_standards(folder: Traversable | Path | None = None) -> Standards:
    """Read the standards and their matches.

    Parameters
    ----------
    folder : where `minimum_volumes.csv` and `msdrg_matches.csv` lie; None takes the shipped ones.

    Raises
    ------
    InputError
        A file or a column is missing, or a match names no published hospital standard.
    """
    folder = raw_folder(STANDARDS_FOLDER) if folder is None else folder
    published = read_raw(folder, "minimum_volumes.csv", ("issuer", "procedure", "min_hospital_volume"))
    matches = read_raw(folder, "msdrg_matches.csv", ("drg", "issuer", "procedure", "use", "carrier", "reason"))
    cases = {
        (issuer, procedure): published.whole(row, "min_hospital_volume", minimum)
        for row, issuer, procedure, minimum in published.rows("issuer", "procedure", "min_hospital_volume")
        if minimum
    }
    published.raise_problems()
    standard_rows = {
        (issuer, procedure): published.row_name(row) for row, issuer, procedure in published.rows("issuer", "procedure")
    }

    found: dict[str, Match] = {}
    for row, drg, issuer, procedure, use, carrier in matches.rows("drg", "issuer", "procedure", "use", "carrier"):
        if drg in found:
            matches.report(row, "drg", "must be unique", drg)
        if (issuer, procedure) not in cases:
            matches.report(row, "procedure", "must be a procedure of the issuer with a hospital minimum", procedure)
        if use not in _USES:
            matches.report(row, "use", f"must be one of {', '.join(_USES)}", use)
        if (use == "follows") != bool(carrier):
            matches.report(row, "carrier", "must be there with follows, and only then", carrier)
        rows = (matches.row_name(row), standard_rows.get((issuer, procedure), ""))
        found[drg] = Match(drg, issuer, procedure, cases.get((issuer, procedure), 0), use, carrier, rows)
    matches.raise_problems()
    return Standards(found, {raw.table.name: raw.sha256 for raw in (published, matches)})
