"""The tables of the instance package, schema 1, and the one way a table of any library becomes columns.

`TABLES` is the contract: reading, validation, hashing, writing and the published JSON Schema all follow it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from splgbench.errors import InputError, Problem

SCHEMA_VERSION = 1
CAPACITY_MODES = ("group", "area", "both", "none")
LINK_MODES = ("any", "all")
SCOPES = ("inhouse", "cooperation")
ACTIONS = ("grant", "refuse", "fix", "exempt")
EXEMPT_RULES = ("threshold", "links")

Kind = Literal["key", "whole", "choice", "text"]


@dataclass(frozen=True)
class Column:
    """One column: what its cells must be, whether it must be there, and whether the content hash sees it."""

    name: str
    kind: Kind
    required: bool = True
    hashed: bool = True
    choices: tuple[str, ...] = ()
    default: int | str | None = ""


@dataclass(frozen=True)
class TableSpec:
    """One table of the package."""

    name: str
    required: bool
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def _key(name: str) -> Column:
    return Column(name, "key")


def _note(name: str, required: bool = False) -> Column:
    return Column(name, "text", required=required, hashed=False)


# Order of tables and of columns is the order of the content hash.
TABLES: tuple[TableSpec, ...] = (
    TableSpec(
        "hospitals",
        True,
        (
            _key("hospital"),
            _note("name"),
            _note("latitude"),
            _note("longitude"),
            Column("cooperation", "text", required=False),
        ),
    ),
    TableSpec("areas", True, (_key("area"), _note("name"))),
    TableSpec(
        "groups",
        True,
        (
            _key("group"),
            _key("area"),
            _note("name"),
            Column("minimum_cases", "whole", required=False, default=0),
            Column("minimum_share_bp", "whole", required=False, default=0),
        ),
    ),
    TableSpec("regions", False, (_key("region"), _note("name"))),
    TableSpec("demand", True, (_key("group"), Column("cases", "whole"), Column("region", "key", required=False))),
    TableSpec(
        "offers",
        True,
        (
            _key("hospital"),
            _key("group"),
            Column("capacity", "whole"),
            Column("utility", "whole"),
            Column("region", "key", required=False),
        ),
    ),
    TableSpec(
        "links",
        False,
        (
            _key("group"),
            _key("clause"),
            Column("mode", "choice", choices=LINK_MODES),
            _key("required"),
            Column("scope", "choice", required=False, choices=SCOPES, default="inhouse"),
        ),
    ),
    TableSpec("area_capacity", False, (_key("hospital"), _key("area"), Column("capacity", "whole"))),
    TableSpec(
        "overrides",
        False,
        (
            _key("hospital"),
            _key("group"),
            Column("action", "choice", choices=ACTIONS),
            _note("reason", required=True),
            Column("cases", "whole", required=False, default=None),
            Column("rule", "choice", required=False, choices=EXEMPT_RULES, default=""),
            _note("author"),
            _note("date"),
        ),
    ),
)
TABLE = {spec.name: spec for spec in TABLES}


@dataclass
class Table:
    """Columns of raw cells with the place they came from.

    Parameters
    ----------
    name : the table's name in the package.
    file : what errors call it.
    columns : column name to cells; all of one length.
    rows : the row number of each cell, as errors quote it.
    """

    name: str
    file: str
    columns: dict[str, Sequence[Any]]
    rows: Sequence[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        lengths = {name: len(cells) for name, cells in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError([Problem(self.file, None, None, "all columns must have the same number of rows", lengths)])
        if not self.rows:
            self.rows = range(1, 1 + self.length)

    @property
    def length(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def as_table(name: str, data: Any) -> Table:
    """Take a table of any common kind.

    Parameters
    ----------
    name : the table's name in the package.
    data : a pandas, polars or pyarrow table, a numpy structured array, a mapping of columns, or a plain
        sequence of keys where the table is one key column (hospitals, areas, regions).

    Returns
    -------
    Table
        Cells as Python objects; missing values are None.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping):
        scalar = [
            key for key, cells in data.items() if isinstance(cells, str | bytes) or not isinstance(cells, Iterable)
        ]
        if scalar:
            raise InputError([Problem(name, None, str(key), "must be a column of cells", data[key]) for key in scalar])
        columns: dict[str, Sequence[Any]] = {str(key): _cells(cells) for key, cells in data.items()}
    elif getattr(getattr(data, "dtype", None), "names", None):
        columns = {key: _cells(data[key]) for key in data.dtype.names}
    elif hasattr(data, "column_names"):
        columns = {key: _cells(data[key]) for key in data.column_names}
    elif hasattr(data, "columns"):
        columns = {str(key): _cells(data[key]) for key in data.columns}
    elif isinstance(data, Sequence) and not isinstance(data, str) and all(isinstance(key, str) for key in data):
        columns = {TABLE[name].columns[0].name: list(data)}
    else:
        raise InputError(f"cannot read a table from {type(data).__name__}", name)
    return Table(name, name, columns)


def _cells(column: Any) -> list[Any]:
    """Cells as Python objects. A pandas column of whole numbers with gaps is float: make it whole again."""
    for method in ("to_list", "to_pylist", "tolist"):
        if hasattr(column, method):
            column = getattr(column, method)()
            break
    cells = [None if _is_missing(cell) else cell for cell in column]
    if None in cells and all(cell is None or (isinstance(cell, float) and cell.is_integer()) for cell in cells):
        return [None if cell is None else int(cell) for cell in cells]
    return cells


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or type(cell).__name__ == "NAType"
