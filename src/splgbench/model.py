"""A solver-neutral mixed-integer model as arrays, and the builder that formulations append to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splgbench.instance import BoolArray, IntArray

FloatArray = NDArray[np.float64]
KeyKind = Literal["offer", "cell", "pair", "none"]


@dataclass(frozen=True)
class Block:
    """Consecutive rows or columns of one family.

    Parameters
    ----------
    family : e.g. "demand", "x".
    start, stop : their range.
    of : what the entries belong to, for names: offers, cells, hospital-area pairs, or nothing.
    keys : the offer, cell or pair of each entry.
    """

    family: str
    start: int
    stop: int
    of: KeyKind = "none"
    keys: IntArray | None = None


@dataclass(frozen=True)
class MipModel:
    """maximise c x subject to row_lower <= A x <= row_upper, lower <= x <= upper, integrality.

    Whole-number data throughout, held as float64 (exact below 2^53).

    Parameters
    ----------
    objective, lower, upper : shape (n,).
    integer : shape (n,).
    semicontinuous : shape (n,), x = 0 or lower <= x <= upper; such a column may always be 0.
    row_start : shape (m + 1,), CSR.
    row_columns, row_values : CSR entries.
    row_lower, row_upper : shape (m,).
    indicator_row : rows that hold only while a binary column has a value.
    indicator_column, indicator_value : that column and value, one entry per indicator row.
    volume_column : shape (K,), the column of x_k, -1 where the model has none (x_k = 0).
    mandate_column : shape (K,), the column of y_k, -1 where the model has none.
    column_blocks, row_blocks : families, in order.
    """

    objective: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    semicontinuous: BoolArray
    row_start: IntArray
    row_columns: IntArray
    row_values: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    indicator_row: IntArray
    indicator_column: IntArray
    indicator_value: IntArray
    volume_column: IntArray
    mandate_column: IntArray
    column_blocks: tuple[Block, ...] = ()
    row_blocks: tuple[Block, ...] = ()

    @property
    def n_columns(self) -> int:
        return len(self.objective)

    @property
    def n_rows(self) -> int:
        return len(self.row_lower)

    @property
    def n_entries(self) -> int:
        return len(self.row_values)

    def size(self) -> dict[str, int]:
        """Rows, columns, entries and kinds: counters that do not depend on the machine."""
        return {
            "rows": self.n_rows,
            "columns": self.n_columns,
            "entries": self.n_entries,
            "integers": int(self.integer.sum()),
            "semicontinuous": int(self.semicontinuous.sum()),
            "indicators": len(self.indicator_row),
        }

    def with_integer_volumes(self) -> MipModel:
        """The same model with whole volumes (fact 1: the same optimum)."""
        integer = self.integer.copy()
        integer[self.volume_column[self.volume_column >= 0]] = True
        return replace(self, integer=integer)

    def relaxed(self) -> MipModel:
        """The LP relaxation: integrality dropped; a semicontinuous column ranges from 0 to its upper bound."""
        return replace(
            self,
            integer=np.zeros_like(self.integer),
            lower=np.where(self.semicontinuous, 0.0, self.lower),
            semicontinuous=np.zeros_like(self.semicontinuous),
        )

    def permuted(self, columns: IntArray, rows: IntArray) -> MipModel:
        """The same model with columns and rows in another order.

        Parameters
        ----------
        columns : shape (n,), new position j holds old column `columns[j]`.
        rows : shape (m,), likewise.
        """
        new_column = np.empty_like(columns)
        new_column[columns] = np.arange(len(columns))
        new_row = np.empty_like(rows)
        new_row[rows] = np.arange(len(rows))
        lengths = np.diff(self.row_start)[rows]
        start = np.concatenate(([0], np.cumsum(lengths)))
        take = np.repeat(self.row_start[rows] - start[:-1], lengths) + np.arange(start[-1])

        def moved(column: IntArray) -> IntArray:
            return np.where(column >= 0, new_column[np.maximum(column, 0)], -1) if len(columns) else column

        return MipModel(
            objective=self.objective[columns],
            lower=self.lower[columns],
            upper=self.upper[columns],
            integer=self.integer[columns],
            semicontinuous=self.semicontinuous[columns],
            row_start=start,
            row_columns=new_column[self.row_columns[take]],
            row_values=self.row_values[take],
            row_lower=self.row_lower[rows],
            row_upper=self.row_upper[rows],
            indicator_row=new_row[self.indicator_row],
            indicator_column=new_column[self.indicator_column],
            indicator_value=self.indicator_value,
            volume_column=moved(self.volume_column),
            mandate_column=moved(self.mandate_column),
        )

    def mandates(self, values: FloatArray) -> BoolArray:
        """Mandates of a solver's values: y rounded; where x itself says it, x at least half its threshold.

        It does where there is no y, and where x is semicontinuous or above 0 throughout: then its lower bound is
        the threshold, and a y that is there may be 0 although x stands (links ask only that y = 1 means x > 0).
        """
        with_y = self.mandate_column >= 0
        granted = np.zeros(len(self.mandate_column), dtype=np.bool_)
        granted[with_y] = values[self.mandate_column[with_y]] >= 0.5
        with_x = np.flatnonzero(self.volume_column >= 0)
        columns = self.volume_column[with_x]
        telling = ~with_y[with_x] | self.semicontinuous[columns] | (self.lower[columns] > 0)
        with_x, columns = with_x[telling], columns[telling]
        granted[with_x] |= values[columns] >= np.maximum(0.5, self.lower[columns] / 2)
        return granted

    def volumes(self, values: FloatArray) -> IntArray:
        """The nearest whole volumes of a solver's values, 0 where there is no mandate; shape (K,)."""
        there = self.volume_column >= 0
        found = np.zeros(len(self.volume_column), dtype=np.int64)
        found[there] = np.rint(values[self.volume_column[there]])
        return np.where(self.mandates(values), found, 0)

    def start_values(self, volumes: IntArray) -> tuple[IntArray, FloatArray]:
        """Columns and values that a known allocation gives (model-specific columns are left open)."""
        with_x = self.volume_column >= 0
        with_y = self.mandate_column >= 0
        columns = np.concatenate((self.volume_column[with_x], self.mandate_column[with_y]))
        values = np.concatenate((volumes[with_x], volumes[with_y] > 0)).astype(np.float64)
        return columns, values


@dataclass
class ModelBuilder:
    """Collects column and row blocks; formulations append, `finish` makes the arrays.

    Parameters
    ----------
    n_offers : K, the length of the offer-to-column maps.
    """

    n_offers: int
    _columns: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray, BoolArray]] = field(default_factory=list)
    _rows: list[tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    _indicators: list[tuple[IntArray, IntArray, IntArray]] = field(default_factory=list)
    _column_blocks: list[Block] = field(default_factory=list)
    _row_blocks: list[Block] = field(default_factory=list)
    n_columns: int = 0
    n_rows: int = 0

    def __post_init__(self) -> None:
        self.x = np.full(self.n_offers, -1, dtype=np.int64)
        self.y = np.full(self.n_offers, -1, dtype=np.int64)

    def add_columns(
        self,
        family: str,
        count: int,
        *,
        lower: float | FloatArray | IntArray = 0.0,
        upper: float | FloatArray | IntArray = np.inf,
        objective: float | FloatArray | IntArray = 0.0,
        integer: bool = False,
        semicontinuous: bool = False,
        of: KeyKind = "none",
        keys: IntArray | None = None,
    ) -> IntArray:
        """Append columns; returns their numbers, shape (count,)."""
        full = [np.broadcast_to(np.asarray(part, dtype=np.float64), count) for part in (objective, lower, upper)]
        self._columns.append((*full, np.full(count, integer), np.full(count, semicontinuous)))  # type: ignore[arg-type]
        self._column_blocks.append(Block(family, self.n_columns, self.n_columns + count, of, keys))
        numbers = np.arange(self.n_columns, self.n_columns + count, dtype=np.int64)
        self.n_columns += count
        return numbers

    def add_rows(
        self,
        family: str,
        start: IntArray,
        columns: IntArray,
        values: float | FloatArray | IntArray,
        *,
        lower: float | FloatArray | IntArray = -np.inf,
        upper: float | FloatArray | IntArray = np.inf,
        of: KeyKind = "none",
        keys: IntArray | None = None,
    ) -> IntArray:
        """Append rows in CSR; returns their numbers.

        Parameters
        ----------
        start : shape (rows + 1,), where each row's entries begin.
        columns, values : the entries; `values` may be one number.
        lower, upper : row bounds.
        """
        count = len(start) - 1
        entries = np.broadcast_to(np.asarray(values, dtype=np.float64), len(columns))
        low = np.broadcast_to(np.asarray(lower, dtype=np.float64), count)
        high = np.broadcast_to(np.asarray(upper, dtype=np.float64), count)
        self._rows.append((start, columns, entries, low, high))
        self._row_blocks.append(Block(family, self.n_rows, self.n_rows + count, of, keys))
        numbers = np.arange(self.n_rows, self.n_rows + count, dtype=np.int64)
        self.n_rows += count
        return numbers

    def add_pair_rows(
        self,
        family: str,
        first: IntArray,
        first_value: float | FloatArray | IntArray,
        second: IntArray,
        second_value: float | FloatArray | IntArray,
        *,
        lower: float | FloatArray | IntArray = -np.inf,
        upper: float | FloatArray | IntArray = np.inf,
        of: KeyKind = "none",
        keys: IntArray | None = None,
    ) -> IntArray:
        """Append rows of two entries each: first_value * first + second_value * second."""
        count = len(first)
        columns = np.empty(2 * count, dtype=np.int64)
        columns[0::2], columns[1::2] = first, second
        values = np.empty(2 * count, dtype=np.float64)
        values[0::2], values[1::2] = first_value, second_value
        start = np.arange(0, 2 * count + 1, 2, dtype=np.int64)
        return self.add_rows(family, start, columns, values, lower=lower, upper=upper, of=of, keys=keys)

    def add_sum_rows(
        self,
        family: str,
        row_of: IntArray,
        columns: IntArray,
        values: float | FloatArray | IntArray = 1.0,
        *,
        n_rows: int,
        lower: float | FloatArray | IntArray = -np.inf,
        upper: float | FloatArray | IntArray = np.inf,
        of: KeyKind = "none",
        keys: IntArray | None = None,
    ) -> IntArray:
        """Append rows given as scattered entries: entry i belongs to row `row_of[i]` of `n_rows`."""
        order = np.argsort(row_of, kind="stable")
        start = np.concatenate(([0], np.cumsum(np.bincount(row_of, minlength=n_rows)))).astype(np.int64)
        entries = np.broadcast_to(np.asarray(values, dtype=np.float64), len(columns))[order]
        return self.add_rows(family, start, columns[order], entries, lower=lower, upper=upper, of=of, keys=keys)

    def only_if(self, rows: IntArray, columns: IntArray, value: int) -> None:
        """Make rows hold only while the binary `columns` have `value`."""
        self._indicators.append((rows, columns, np.full(len(rows), value, dtype=np.int64)))

    def finish(self) -> MipModel:
        """The finished arrays."""
        objective, lower, upper, integer, semicontinuous = _joined(self._columns, (float, float, float, bool, bool))
        _, row_columns, row_values, row_lower, row_upper = _joined(self._rows, (int, int, float, float, float))
        shifts = np.cumsum([0, *(len(columns) for _, columns, *_ in self._rows)])
        starts = [start[:-1] + shift for (start, *_), shift in zip(self._rows, shifts, strict=False)]
        row_start = np.concatenate([*starts, [shifts[-1]]]).astype(np.int64)
        indicator_row, indicator_column, indicator_value = _joined(self._indicators, (int, int, int))
        return MipModel(
            objective=objective,
            lower=lower,
            upper=upper,
            integer=integer,
            semicontinuous=semicontinuous,
            row_start=row_start,
            row_columns=row_columns,
            row_values=row_values,
            row_lower=row_lower,
            row_upper=row_upper,
            indicator_row=indicator_row,
            indicator_column=indicator_column,
            indicator_value=indicator_value,
            volume_column=self.x,
            mandate_column=self.y,
            column_blocks=tuple(self._column_blocks),
            row_blocks=tuple(self._row_blocks),
        )


def _joined(parts: Sequence[tuple[NDArray[np.generic], ...]], types: tuple[type, ...]) -> list[NDArray]:  # type: ignore[type-arg]
    """Concatenate tuples of arrays position by position; empty input gives empty arrays."""
    names = {int: np.int64, float: np.float64, bool: np.bool_}
    if not parts:
        return [np.zeros(0, dtype=names[kind]) for kind in types]
    return [
        np.concatenate([part[position] for part in parts]).astype(names[kind], copy=False)
        for position, kind in enumerate(types)
    ]
