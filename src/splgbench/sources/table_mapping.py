"""The small TOML file that says what the columns of a table of hospitals, groups and cases mean (docs/instances.md)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, Problem
from splgbench.files import read_text

REQUIRED = ("hospital", "group", "cases")
OPTIONAL = ("area", "region", "capacity", "quality", "cost", "minimum")
DELIMITERS = (",", ";", "\t", "|")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class TableAssumptions:
    """What the table does not say.

    Parameters
    ----------
    capacity_percent : capacity of an offer without one, in % of its cases, rounded down.
    area_capacity_percent : capacity of a hospital in an area, in % of its cases there, rounded up; 0 for no such limit.
        A hospital without cases in the area can treat what its offers there can.
    minimum_cases : minimum cases of a group without a minimum.
    minimum_share_bp : minimum share of every group, in basis points of its demand.
    efficiency_least_bp, efficiency_most_bp : range of mean cost over own cost, in basis points.
    utility_scale : utility units per point.
    """

    capacity_percent: int = 120
    area_capacity_percent: int = 0
    minimum_cases: int = 0
    minimum_share_bp: int = 0
    efficiency_least_bp: int = 8000
    efficiency_most_bp: int = 12_500
    utility_scale: int = 10_000


_LEAST = {"efficiency_least_bp": 1, "efficiency_most_bp": 1, "utility_scale": 1}
_MOST = {"minimum_share_bp": 10_000}


@dataclass(frozen=True)
class TableMapping:
    """A table and what its columns mean.

    Parameters
    ----------
    file : the TOML file.
    name, title : of the instance.
    table : the CSV or Parquet file.
    delimiter : of the CSV file.
    columns : what the table calls each of `REQUIRED` and the `OPTIONAL` ones that it has.
    """

    file: Path
    name: str
    title: str
    table: Path
    delimiter: str
    columns: Mapping[str, str]
    assumptions: TableAssumptions


def read_mapping(path: Path) -> TableMapping:
    """Read the TOML file.

    Raises
    ------
    InputError
        With the file, the key and the rule of everything that is wrong; a key that is not known is.
    """
    file = str(path)
    try:
        given = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"must be TOML: {error}", file) from None
    problems: list[Problem] = []

    def wrong(key: str, rule: str, value: object = None) -> None:
        problems.append(Problem(file, None, None, f"{key} {rule}", value))

    def text(key: str, default: str | None = None) -> str:
        value = given.get(key, default)
        if not isinstance(value, str) or (not value and default is None) or not (value.isprintable() or value == "\t"):
            wrong(key, "must be given, as a line of text" if value is None else "must be a line of text", value)
            return ""
        return value

    def section(key: str, known: tuple[str, ...]) -> dict[str, Any]:
        value = given.get(key, {})
        if not isinstance(value, dict):
            wrong(key, "must be a table of TOML", value)
            return {}
        for name in value:
            if name not in known:
                wrong(f"{key}.{name}", f"is not known; there are {', '.join(known)}")
        return {name: value[name] for name in known if name in value}

    known = ("name", "title", "table", "delimiter", "columns", "assumptions")
    for key in given:
        if key not in known:
            wrong(key, f"is not known; there are {', '.join(known)}")
    name, title, table, delimiter = text("name"), text("title", ""), text("table"), text("delimiter", ",")
    if name and not _NAME.fullmatch(name):
        wrong("name", "must be lower-case letters, digits and single hyphens", name)
    if table and Path(table).suffix not in (".csv", ".parquet"):
        wrong("table", "must end in .csv or .parquet", table)
    if delimiter not in DELIMITERS:
        wrong("delimiter", "must be a comma, a semicolon, a tab or a bar", delimiter)
    columns = section("columns", REQUIRED + OPTIONAL)
    for role, column in columns.items():
        if not isinstance(column, str) or not column:
            wrong(f"columns.{role}", "must be the name of a column", column)
    for role in REQUIRED:
        if role not in columns:
            wrong(f"columns.{role}", "must be given")
    assumptions = section("assumptions", tuple(entry.name for entry in fields(TableAssumptions)))
    for key, value in assumptions.items():
        least, most = _LEAST.get(key, 0), _MOST.get(key, 10**9)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            wrong(f"assumptions.{key}", f"must be a whole number between {least} and {most}", value)
    if problems:
        raise InputError(problems)
    found = TableAssumptions(**assumptions)
    if found.efficiency_least_bp > found.efficiency_most_bp:
        raise InputError("assumptions.efficiency_least_bp must be at most efficiency_most_bp", file)
    return TableMapping(path, name, title, path.parent / table, delimiter, columns, found)
