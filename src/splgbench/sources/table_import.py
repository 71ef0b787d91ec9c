"""Any table of hospital, group and cases as an instance, as one TOML file describes it (docs/instances.md).

One row an offer. Everything is computed in whole numbers; decimals of quality and cost are read from their text.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from splgbench.errors import InputError, Problem
from splgbench.files import decode, parse_csv
from splgbench.instance import Instance
from splgbench.package import SIZE_LIMIT, read_parquet
from splgbench.sources.cms_offers import rounded
from splgbench.sources.cms_provenance import KINDS, PROVENANCE, Field
from splgbench.sources.table_mapping import OPTIONAL, TableMapping, read_mapping
from splgbench.tables import Table

ONE_AREA = "all"
"""The service area where the table has none."""
_WHOLE = re.compile(r"[0-9]{1,15}")
_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_NANO = 10**9


class Row(NamedTuple):
    """One row of the table, parsed; None where a cell is empty. Quality and cost are in units of 10^-9."""

    at: int
    hospital: str
    group: str
    cases: int
    area: str
    region: str
    capacity: int | None
    quality: int | None
    cost: int | None
    minimum: int | None


def import_table(path: Path) -> Instance:
    """The instance of a table.

    Parameters
    ----------
    path : the TOML file beside the table.

    Raises
    ------
    InputError
        With file, row or key and the rule of everything that is wrong.
    """
    mapping = read_mapping(path)
    data = _bytes(mapping.table)
    reader = _Reader(mapping, _table(mapping, data))
    rows = reader.rows()
    utilities = _utilities(mapping, rows)
    for row, utility in zip(rows, utilities, strict=True):
        if utility == 0:
            role = "quality" if "quality" in mapping.columns else "cost"
            reader.report(row.at, role, "makes a utility that rounds to 0: raise assumptions.utility_scale")
    reader.raise_problems()
    return _instance(mapping, rows, utilities, hashlib.sha256(data).hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise InputError(f"must hold at most {SIZE_LIMIT} bytes", str(path))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from None


def _table(mapping: TableMapping, data: bytes) -> Table:
    file = str(mapping.table)
    if mapping.table.suffix == ".parquet":
        return read_parquet("table", file, data)
    return parse_csv("table", file, decode(data, file), delimiter=mapping.delimiter)


@dataclass
class _Reader:
    """Parses the rows and collects what is wrong."""

    mapping: TableMapping
    table: Table
    problems: list[Problem] = field(default_factory=list)

    def rows(self) -> list[Row]:
        missing = [
            Problem(self.table.file, 1, column, f"the column is missing, which columns.{role} names")
            for role, column in self.mapping.columns.items()
            if column not in self.table.columns
        ]
        if missing:
            raise InputError(missing)
        cells = {
            role: [_text(cell) for cell in self.table.columns[column]] for role, column in self.mapping.columns.items()
        }
        blank = [""] * self.table.length
        for role in OPTIONAL:
            cells.setdefault(role, blank)
        rows = [self._row(at, {role: column[at] for role, column in cells.items()}) for at in range(self.table.length)]
        if not rows:
            self.problems.append(Problem(self.table.file, None, None, "must have a row"))
        self._check_pairs(rows)
        self._check_alike(rows, "area", [row.area for row in rows])
        self._check_alike(rows, "minimum", [row.minimum for row in rows])
        self.raise_problems()
        return rows

    def raise_problems(self) -> None:
        if self.problems:
            raise InputError(sorted(self.problems, key=lambda problem: problem.row or 0))

    def report(self, at: int, role: str, rule: str, value: object = None) -> None:
        self.problems.append(Problem(self.table.file, self.table.rows[at], self.mapping.columns[role], rule, value))

    def _row(self, at: int, cells: dict[str, str]) -> Row:
        for role in ("hospital", "group", "area", "region"):
            if role in self.mapping.columns and not cells[role]:
                self.report(at, role, "must not be empty")
        return Row(
            at,
            cells["hospital"],
            cells["group"],
            self._whole(at, "cases", cells["cases"], empty=False) or 0,
            cells["area"] or ONE_AREA,
            cells["region"],
            self._whole(at, "capacity", cells["capacity"]),
            self._decimal(at, "quality", cells["quality"]),
            self._decimal(at, "cost", cells["cost"]),
            self._whole(at, "minimum", cells["minimum"]),
        )

    def _whole(self, at: int, role: str, text: str, *, empty: bool = True) -> int | None:
        if text == "" and empty:
            return None
        if not _WHOLE.fullmatch(text):
            or_empty = " or empty" if empty else ""
            self.report(at, role, f"must be a whole number of at least 0{or_empty}", text)
            return None
        return int(text)

    def _decimal(self, at: int, role: str, text: str) -> int | None:
        if text == "":
            return None
        match = _DECIMAL.fullmatch(text)
        number = int(match[1]) * _NANO + int((match[2] or "").ljust(9, "0")) if match else 0
        if number == 0:
            self.report(at, role, "must be a number above 0, with a point and at most nine decimals, or empty", text)
            return None
        return number

    def _check_pairs(self, rows: Sequence[Row]) -> None:
        seen: dict[tuple[str, str], int] = {}
        for row in rows:
            first = seen.setdefault((row.hospital, row.group), row.at)
            if first != row.at:
                rule = f"hospital and group must be unique (first in row {self.table.rows[first]})"
                self.report(row.at, "group", rule, f"{row.hospital}, {row.group}")

    def _check_alike(self, rows: Sequence[Row], role: str, values: Sequence[str | int | None]) -> None:
        """A group has one area and one minimum."""
        seen: dict[str, tuple[str | int, int]] = {}
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                first, at = seen.setdefault(row.group, (value, row.at))
                if first != value:
                    rule = f"a group has one {role}, and {row.group} has {first} in row {self.table.rows[at]}"
                    self.report(row.at, role, rule, value)


def _text(cell: Any) -> str:
    """A cell of CSV or Parquet as text."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _instance(mapping: TableMapping, rows: Sequence[Row], utilities: Sequence[int], sha256: str) -> Instance:
    a = mapping.assumptions
    by_group: dict[str, list[Row]] = defaultdict(list)
    demand: dict[tuple[str, str], int] = defaultdict(int)
    treated: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        by_group[row.group].append(row)
        demand[row.group, row.region] += row.cases
        treated[row.hospital, row.area] += row.cases
    with_regions, with_areas = "region" in mapping.columns, a.area_capacity_percent > 0
    offers: dict[str, list[Any]] = {
        "hospital": [row.hospital for row in rows],
        "group": [row.group for row in rows],
        "capacity": [row.cases * a.capacity_percent // 100 if row.capacity is None else row.capacity for row in rows],
        "utility": list(utilities),
        "cases": [row.cases for row in rows],
    }
    if with_regions:
        offers["region"] = [row.region for row in rows]
    tables: dict[str, Any] = {
        "hospitals": list(dict.fromkeys(row.hospital for row in rows)),
        "groups": {
            "group": list(by_group),
            "area": [members[0].area for members in by_group.values()],
            "minimum_cases": [_minimum(members, a.minimum_cases) for members in by_group.values()],
            "minimum_share_bp": [a.minimum_share_bp] * len(by_group),
        },
        "demand": {"group": [group for group, _ in demand], "cases": list(demand.values())},
        "offers": offers,
    }
    if with_regions:
        tables["regions"] = list(dict.fromkeys(row.region for row in rows))
        tables["demand"]["region"] = [region for _, region in demand]
    if with_areas:
        limited = {pair: -(-cases * a.area_capacity_percent // 100) for pair, cases in treated.items() if cases}
        tables["area_capacity"] = {
            "hospital": [hospital for hospital, _ in limited],
            "area": [area for _, area in limited],
            "capacity": list(limited.values()),
        }
    return Instance.from_tables(
        **tables,
        capacity_mode="both" if with_areas else "group",
        utility_scale=a.utility_scale,
        name=mapping.name,
        metadata=_metadata(mapping, sha256),
    )


def _utilities(mapping: TableMapping, rows: Sequence[Row]) -> list[int]:
    by_group: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_group[row.group].append(row)
    means = {group: _mean_cost(members) for group, members in by_group.items()}
    return [_utility(mapping, row, means[row.group]) for row in rows]


def _mean_cost(rows: Sequence[Row]) -> tuple[int, int] | None:
    """Mean cost of a group's cases as (numerator, denominator); of its rows, where nobody has cases."""
    known = [(row.cases, row.cost) for row in rows if row.cost is not None]
    cases = sum(number for number, _ in known)
    if not known:
        return None
    if cases == 0:
        return sum(cost for _, cost in known), len(known)
    return sum(number * cost for number, cost in known), cases


def _utility(mapping: TableMapping, row: Row, mean: tuple[int, int] | None) -> int:
    """Quality x efficiency in utility units, rounded half up."""
    a, efficiency = mapping.assumptions, 10_000
    if row.cost is not None and mean is not None:
        efficiency = rounded(10_000 * mean[0], mean[1] * row.cost)
        efficiency = min(max(efficiency, a.efficiency_least_bp), a.efficiency_most_bp)
    quality = _NANO if row.quality is None else row.quality
    return rounded(a.utility_scale * quality * efficiency, 10_000 * _NANO)


def _minimum(rows: Sequence[Row], otherwise: int) -> int:
    return next((row.minimum for row in rows if row.minimum is not None), otherwise)


def _metadata(mapping: TableMapping, sha256: str) -> dict[str, Any]:
    return {
        "title": mapping.title or mapping.name,
        "sources": [{"title": mapping.table.name, "path": mapping.table.name}],
        PROVENANCE: {
            "made_by": "splgbench import",
            "raw_files_sha256": {mapping.table.name: sha256},
            "columns": dict(mapping.columns),
            "assumptions": asdict(mapping.assumptions),
            "kinds": dict(KINDS),
            "fields": [
                {"table": table, "column": column, "kind": kind, "how": how}
                for table, column, kind, how in _fields(mapping)
            ],
        },
    }


def _fields(mapping: TableMapping) -> list[Field]:
    """(table, column, kind, how) of everything that the package holds."""
    a, columns = mapping.assumptions, mapping.columns

    def given(role: str, otherwise: str) -> tuple[str, str]:
        return ("real", f"column {columns[role]}; empty: {otherwise}") if role in columns else ("assumed", otherwise)

    efficiency = "the group's mean cost over the offer's"
    efficiency += f", within {a.efficiency_least_bp} to {a.efficiency_most_bp} basis points"
    utility = f"{columns.get('quality', '1 point')} x {efficiency if 'cost' in columns else '1'}"
    found: list[Field] = [
        ("hospitals", "hospital", "real", f"column {columns['hospital']}"),
        ("groups", "group", "real", f"column {columns['group']}"),
        (
            "groups",
            "area",
            *(("real", f"column {columns['area']}") if "area" in columns else ("assumed", "one for all")),
        ),
        ("groups", "minimum_cases", *given("minimum", str(a.minimum_cases))),
        ("groups", "minimum_share_bp", "assumed", str(a.minimum_share_bp)),
        ("demand", "cases", "derived", "sum of the hospitals' cases in the cell"),
        ("offers", "capacity", *given("capacity", f"{a.capacity_percent} % of the cases, rounded down")),
        ("offers", "utility", "assumed", f"{utility}, rounded half up; an empty cell counts as 1"),
        ("offers", "cases", "real", f"column {columns['cases']}"),
    ]
    if "region" in columns:
        found.append(("offers", "region", "real", f"column {columns['region']}"))
    if a.area_capacity_percent:
        how = (
            f"{a.area_capacity_percent} % of the hospital's cases in the area, rounded up; without cases none is stated"
        )
        found.append(("area_capacity", "capacity", "assumed", how))
    return found
