"""Reading tables by their schemas: every cell is judged by its schema, every break named by file, row and rule."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from splgbench.errors import InputError, Problem
from splgbench.files import parse_csv, read_text, write_text
from splgbench.hashing import csv_line
from splgbench.planning.schemas import SCHEMAS, Field, Schema
from splgbench.tables import Table, as_table

Columns = dict[str, list[Any]]
"""A table as columns by name."""

_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?")
_BROKEN = object()


class Sheet:
    """A table that obeys its schema; further rules can be reported against its rows.

    Parameters
    ----------
    schema : or the name of one of the planning chain's.
    data : a table of any kind that `splgbench.tables.as_table` takes, or a `Sheet`'s `columns`.
    numeric : columns besides the schema's that must be there and hold numbers.

    Raises
    ------
    InputError
        With file, row, column and rule of every cell that breaks its schema.
    """

    def __init__(self, schema: str | Schema, data: Any, numeric: Iterable[str] = ()) -> None:
        self.schema: Schema = SCHEMAS[schema] if isinstance(schema, str) else schema
        self.table: Table = _renamed(as_table(self.schema.name, data), self.schema.name)
        self.problems: list[Problem] = []
        fields = [*self.schema.fields, *(Field(column, "number", "a covariate") for column in numeric)]
        self.columns: Columns = {field.name: self._column(field) for field in fields}
        self._check_unique()
        self.finish()

    def __getitem__(self, column: str) -> list[Any]:
        return self.columns[column]

    def __len__(self) -> int:
        return self.table.length

    def rows(self, *columns: str) -> Iterator[tuple[Any, ...]]:
        """The rows of some columns, each preceded by its row number from 0."""
        return zip(range(len(self)), *(self.columns[column] for column in columns), strict=True)

    def report(self, row: int | None, column: str | None, rule: str, value: object = None) -> None:
        """Note a broken rule; `finish` raises it."""
        place = None if row is None else self.table.rows[row]
        self.problems.append(Problem(self.table.file, place, column, rule, value))

    def refer(self, column: str, keys: Iterable[str], target: str) -> None:
        """Every non-empty cell of a column must be among the keys of another table."""
        known = set(keys)
        for row, key in enumerate(self.columns[column]):
            if key not in ("", None) and key not in known:
                self.report(row, column, f"must be in the table {target}", key)

    def finish(self) -> None:
        """Raise what was reported."""
        if self.problems:
            raise InputError(sorted(self.problems, key=lambda problem: problem.row or 0))

    def _column(self, field: Field) -> list[Any]:
        cells = self.table.columns.get(field.name)
        if cells is None:
            if field.required:
                self.report(None, field.name, "the column is missing")
            return [field.default] * self.table.length
        return [self._cell(field, row, cell) for row, cell in enumerate(cells)]

    def _cell(self, field: Field, row: int, cell: Any) -> Any:
        if cell is None or cell == "":
            if field.required:
                self.report(row, field.name, "must not be empty")
            return field.default
        value = _parsed(field.kind, cell)
        if value is _BROKEN:
            self.report(row, field.name, f"must be {_ARTICLE[field.kind]}", cell)
            return field.default
        if field.choices and value not in field.choices:
            self.report(row, field.name, f"must be one of {', '.join(field.choices)}", cell)
        if field.low is not None and value < field.low:
            self.report(row, field.name, f"must be at least {field.low:g}", cell)
        if field.high is not None and value > field.high:
            self.report(row, field.name, f"must be at most {field.high:g}", cell)
        return value

    def _check_unique(self) -> None:
        if not self.schema.key or self.problems:
            return
        seen: dict[tuple[Any, ...], int] = {}
        for row, *key in self.rows(*self.schema.key):
            first = seen.setdefault(tuple(key), row)
            if first != row:
                rule = f"{' and '.join(self.schema.key)} must be unique (first in row {self.table.rows[first]})"
                self.report(row, self.schema.key[0], rule, ", ".join(map(str, key)))


_ARTICLE = {"key": "text", "text": "text", "whole": "a whole number", "number": "a finite number", "choice": "text"}


def _renamed(table: Table, name: str) -> Table:
    return table if table.name == name else Table(name, table.file, table.columns, table.rows)


def _parsed(kind: str, cell: Any) -> Any:
    if kind in ("key", "text", "choice"):
        if isinstance(cell, str):
            return cell
        return str(int(cell)) if isinstance(cell, int | np.integer) and not isinstance(cell, bool) else _BROKEN
    if isinstance(cell, bool | np.bool_):
        return _BROKEN
    if isinstance(cell, str):
        if not (_WHOLE if kind == "whole" else _NUMBER).fullmatch(cell):
            return _BROKEN
        return int(cell) if kind == "whole" else float(cell)
    if isinstance(cell, int | np.integer):
        return int(cell) if kind == "whole" else float(cell)
    if isinstance(cell, float | np.floating) and math.isfinite(cell):
        if kind == "number":
            return float(cell)
        return int(cell) if float(cell).is_integer() else _BROKEN
    return _BROKEN


def sheet(schema: str | Schema, data: Any, numeric: Iterable[str] = ()) -> Sheet:
    """`data` as a sheet of the schema; a sheet stays what it is."""
    return data if isinstance(data, Sheet) else Sheet(schema, data, numeric)


def read_sheet(schema: str | Schema, path: Path, numeric: Iterable[str] = ()) -> Sheet:
    """A CSV file as a sheet; its rows are the lines of the file.

    Raises
    ------
    InputError
        With file, row, column and rule of everything that is wrong.
    """
    name = schema if isinstance(schema, str) else schema.name
    return Sheet(schema, parse_csv(name, str(path), read_text(path)), numeric)


def csv_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """A table as CSV; floats at ten significant digits, which is more than any input has."""
    lines = [csv_line(columns)]
    lines += [csv_line([_written(cell) for cell in row]) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"


def write_columns(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    """Write a table as CSV, whole or not at all."""
    write_text(path, csv_text(columns))


def _written(cell: Any) -> Any:
    if cell is None:
        return ""
    return f"{cell:.10g}" if isinstance(cell, float) else cell


def columns_of(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Columns:
    """Columns from rows."""
    kept = list(rows)
    return {name: [row[position] for row in kept] for position, name in enumerate(names)}
