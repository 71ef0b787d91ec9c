"""A page of a table: filtered, sorted and cut on the server, so that the browser holds few rows of however many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from splgbench.errors import InputError
from splgbench.hashing import csv_line
from splgbench.instance import BoolArray, IntArray

PAGE_SIZES = (25, 50, 100, 200)


@dataclass(frozen=True)
class Column:
    """A column of a grid.

    Parameters
    ----------
    values : one a row: whole or floating numbers, or texts.
    labels : for a column of texts: `values` are positions in them, shape (rows,).
    form : "text", "whole", "number" or "percent".
    """

    title: str
    values: Any
    labels: Sequence[str] | None = None
    form: str = "text"

    def cells(self, rows: IntArray) -> list[Any]:
        """What stands in some rows."""
        taken = self.values[rows].tolist()
        return [self.labels[value] for value in taken] if self.labels is not None else taken


@dataclass(frozen=True)
class View:
    """What of a table is asked for.

    Parameters
    ----------
    sort : key of a column; "" for the rows' own order.
    page : from 0.
    size : rows a page.
    """

    sort: str = ""
    descending: bool = False
    page: int = 0
    size: int = 50

    @classmethod
    def of(cls, query: Mapping[str, str]) -> View:
        """As an address asks for it.

        Raises
        ------
        InputError
            A page or size that is none.
        """
        page, size = query.get("page", "0"), query.get("size", "50")
        if not (page.isdecimal() and len(page) < 10 and size.isdecimal() and len(size) < 10):
            raise InputError("page and size must be whole numbers", "view")
        if int(size) not in PAGE_SIZES:
            raise InputError(f"size must be one of {', '.join(map(str, PAGE_SIZES))}", "view")
        return cls(query.get("sort", ""), query.get("order") == "descending", int(page), int(size))


@dataclass(frozen=True)
class Grid:
    """A table on the server.

    Parameters
    ----------
    columns : by key, all of one length.
    rows : numbers of the rows that the filters leave, in their own order.
    """

    columns: Mapping[str, Column]
    rows: IntArray

    def page(self, view: View) -> dict[str, Any]:
        """The page as the browser takes it; a page beyond the end is the last one."""
        rows = self._sorted(view)
        pages = max(1, -(-len(rows) // view.size))
        page = min(view.page, pages - 1)
        shown = rows[page * view.size : (page + 1) * view.size]
        cells = [column.cells(shown) for column in self.columns.values()]
        return {
            "columns": [
                {"key": key, "title": column.title, "form": column.form} for key, column in self.columns.items()
            ],
            "ids": shown.tolist(),
            "rows": [list(row) for row in zip(*cells, strict=True)] if len(shown) else [],
            "total": len(rows),
            "page": page,
            "pages": pages,
            "sort": view.sort,
            "order": "descending" if view.descending else "ascending",
        }

    def csv(self, view: View) -> str:
        """All rows that the filters leave, as CSV with the columns' keys as header."""
        rows = self._sorted(view)
        lines = [csv_line(self.columns)]
        cells = [column.cells(rows) for column in self.columns.values()]
        lines += [csv_line(["" if cell is None else cell for cell in row]) for row in zip(*cells, strict=True)]
        return "\n".join(lines) + "\n"

    def _sorted(self, view: View) -> IntArray:
        if not view.sort:
            return self.rows
        column = self.columns.get(view.sort)
        if column is None:
            raise InputError(f"no column {view.sort}", "view")
        values = column.values[self.rows]
        if column.labels:
            values = np.unique(column.labels, return_inverse=True)[1][values]
        order = np.argsort(values, kind="stable")
        if view.descending:
            order = order[::-1]
        sorted_rows: IntArray = self.rows[order]
        return sorted_rows


def containing(labels: Sequence[str], text: str) -> BoolArray:
    """Which labels contain a text, whatever its case."""
    wanted = text.casefold()
    return np.array([wanted in label.casefold() for label in labels], dtype=np.bool_)
