"""Public raw files as they are shipped with the package, or as a user gives them: CSV, plain or gzipped."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, Problem
from splgbench.files import decode, parse_csv
from splgbench.package import SIZE_LIMIT
from splgbench.tables import Table

_WHOLE = re.compile(r"[0-9]{1,12}")
_MONEY = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")
_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,20}))?")


def raw_folder(name: str) -> Traversable:
    """The shipped folder `instances/raw/NAME`."""
    return files("splgbench.instances") / "raw" / name


@dataclass
class RawTable:
    """A raw file, with parsers that collect what is wrong with its cells.

    Parameters
    ----------
    table : the cells as text.
    sha256 : of the CSV text as bytes, unpacked, in hex.
    headings : what the file calls its columns, where the table calls them otherwise.
    problems : what the parsers found.
    """

    table: Table
    sha256: str
    headings: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def column(self, name: str) -> Sequence[str]:
        return self.table.columns[name]

    def optional(self, name: str) -> Sequence[str]:
        """A column that need not be there; empty cells where it is not."""
        return self.table.columns.get(name, ("",) * self.table.length)

    def row_name(self, row: int) -> str:
        """The file and line of a row, counted from 0, as provenance quotes it."""
        return f"{self.table.name}, line {self.table.rows[row]}"

    def rows(self, *names: str) -> list[tuple[Any, ...]]:
        """The rows of some columns, each preceded by its row number from 0."""
        return list(zip(range(self.table.length), *(self.column(name) for name in names), strict=True))

    def report(self, row: int, column: str, rule: str, value: str) -> None:
        self.problems.append(
            Problem(self.table.file, self.table.rows[row], self.headings.get(column, column), rule, value)
        )

    def whole(self, row: int, column: str, text: str) -> int:
        """A whole number of at least 1; what is none is reported and counts as 1."""
        if _WHOLE.fullmatch(text) and int(text) >= 1:
            return int(text)
        self.report(row, column, "must be a whole number of at least 1", text)
        return 1

    def cents(self, row: int, column: str, text: str) -> int:
        """An amount above 0 with at most two decimals, in cents; what is none is reported and counts as 1 cent."""
        match = _MONEY.fullmatch(text)
        amount = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else 0
        if amount >= 1:
            return amount
        self.report(row, column, "must be an amount above 0 with at most two decimals", text)
        return 1

    def scaled(self, row: int, column: str, text: str, places: int = 0) -> int:
        """A decimal number of at least 0 in units of 10**-places, rounded half up; empty counts as 0.

        What is none is reported and counts as 0.
        """
        if not text:
            return 0
        match = _DECIMAL.fullmatch(text)
        if match is None:
            self.report(row, column, "must be a decimal number of at least 0, or empty", text)
            return 0
        digits = (match[2] or "").ljust(places + 1, "0")
        return int(match[1] + digits[:places]) + (digits[places] >= "5")

    def raise_problems(self) -> None:
        """Raise `InputError` where something was reported."""
        if self.problems:
            raise InputError(self.problems)


def has_raw(folder: Traversable | Path, name: str) -> bool:
    """Whether a folder has a raw file, plain or gzipped."""
    return (folder / name).is_file() or (folder / f"{name}.gz").is_file()


def read_raw(folder: Traversable | Path, name: str, columns: Sequence[str]) -> RawTable:
    """Read one raw file.

    Parameters
    ----------
    folder : the folder that holds it.
    name : `NAME.csv`; the folder has the file under this name or as `NAME.csv.gz`.
    columns : columns it must have; others are left alone.

    Raises
    ------
    InputError
        The file is missing, broken off, no CSV or without one of the columns.
    """
    for file in (folder / f"{name}.gz", folder / name):
        if file.is_file():
            break
    else:
        raise InputError(f"has no {name}, plain or as {name}.gz", str(folder))
    data = _unpacked(file)
    table = parse_csv(name, str(file), decode(data, str(file)))
    missing = [
        Problem(str(file), 1, column, "the column is missing") for column in columns if column not in table.columns
    ]
    if missing:
        raise InputError(missing)
    return RawTable(table, hashlib.sha256(data).hexdigest())


def _unpacked(file: Traversable | Path) -> bytes:
    try:
        data = file.read_bytes()
        if file.name.endswith(".gz"):
            with gzip.open(BytesIO(data)) as stream:
                data = stream.read(SIZE_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {error}", str(file)) from None
    if len(data) > SIZE_LIMIT:
        raise InputError(f"must hold at most {SIZE_LIMIT} bytes", str(file))
    return data
