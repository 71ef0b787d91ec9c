"""Rows that extensions add to the plain model, in whole numbers, and the model with them.

The same arrays go to every formulation and to the exact polish. With them the network of the plain model is lost
(model statement, fact 1): with mandates fixed some optimal vertex need not be whole any more, so volumes are whole by
declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.model import Block, MipModel

if TYPE_CHECKING:
    from splgbench.formulation import BuildsModels

UNLIMITED = 2**62
"""Stands for a row bound that is not there."""
LARGEST_BITS = 6
"""Rows reach solvers with coefficients below 2^this: with cents by the million HiGHS called optimal what is not."""


@dataclass(frozen=True)
class WholeRows:
    """lower <= sum of value x column <= upper, every column whole.

    Columns are x_k (0 .. K - 1), y_k (K .. 2 K - 1) and columns of their own from 2 K on.

    Parameters
    ----------
    family : what the rows are called.
    n_offers : K.
    own_lower, own_upper, own_worth : shape (own columns,), bounds, and utility units per unit.
    row, column, value : one entry a coefficient; a (row, column) at most once.
    lower, upper : shape (rows,); -`UNLIMITED` and `UNLIMITED` where there is none.
    texts : what each row says, for those who ask which rules clash.
    own_free : whether own columns (all, or each) may be continuous in a model, because whole x and y leave whole ones;
        amounts of money are larger than what solvers tell from whole numbers.
    own_bits : shape (own columns,), the power of two in which a solver counts each; as the rows suggest where None.
    """

    family: str
    n_offers: int
    own_lower: IntArray
    own_upper: IntArray
    own_worth: IntArray
    row: IntArray
    column: IntArray
    value: IntArray
    lower: IntArray
    upper: IntArray
    texts: tuple[str, ...]
    own_free: bool | BoolArray = False
    own_bits: IntArray | None = None

    @property
    def free(self) -> BoolArray:
        """Shape (own columns,), `own_free` of each."""
        return np.broadcast_to(np.asarray(self.own_free, dtype=np.bool_), len(self.own_lower))

    @property
    def row_shift(self) -> IntArray:
        """Shape (rows,), the power of two by which a row is divided where a solver works in floating point.

        It loses no digit, and a solver's tolerance of 1e-6 stays below a whole unit of coefficients up to 2^25.
        """
        size = np.abs(self.value).astype(np.float64)
        if self.own_bits is not None:
            own = self.column >= 2 * self.n_offers
            size[own] = np.ldexp(size[own], self.own_bits[self.column[own] - 2 * self.n_offers])
        largest = np.ones(len(self.texts))
        np.maximum.at(largest, self.row, size)
        return np.maximum(0, np.frexp(largest)[1].astype(np.int64) - LARGEST_BITS)

    @property
    def own_shift(self) -> IntArray:
        """Shape (own columns,), the power of two in which a solver counts each own column that may be continuous."""
        if self.own_bits is not None:
            return self.own_bits
        shift = np.full(len(self.own_lower), 62, dtype=np.int64)
        first_own = 2 * self.n_offers
        own = self.column >= first_own
        np.minimum.at(shift, self.column[own] - first_own, self.row_shift[self.row[own]])
        return np.where((shift < 62) & self.free, shift, 0)

    @property
    def most_worth(self) -> int:
        """Upper bound on what the own columns are worth, in utility units."""
        ends = zip(self.own_worth.tolist(), self.own_lower.tolist(), self.own_upper.tolist(), strict=True)
        return sum(max(worth * low, worth * high) for worth, low, high in ends)


@runtime_checkable
class Encoded(Protocol):
    """An extension whose rows can be written in several ways, equal in all whole solutions."""

    @property
    def encodings(self) -> tuple[str, ...]:
        """Their names, of `splgbench.piecewise.ENCODINGS`."""

    def rows(self, encoding: str | None = None) -> WholeRows:
        """The rows in one of them; in the first where None."""


@dataclass
class RowsBuilder:
    """Collects rows one by one.

    Parameters
    ----------
    family : what the rows are called.
    n_offers : K.
    """

    family: str
    n_offers: int
    _columns: list[tuple[int, int, int, int | None]] = field(default_factory=list)
    _rows: list[tuple[Mapping[int, int], int, int, str]] = field(default_factory=list)

    def column(self, lower: int, upper: int, *, worth: int = 0, bits: int | None = None) -> int:
        """A column of their own; its number.

        Parameters
        ----------
        bits : it may be continuous, and solvers in floating point count it in units of two to the power of this; None
            for one that is whole.
        """
        self._columns.append((lower, upper, worth, bits))
        return 2 * self.n_offers + len(self._columns) - 1

    def row(self, terms: Mapping[int, int], lower: int | None, upper: int | None, text: str) -> None:
        """A row over columns; None for a bound that is not there."""
        low, high = (UNLIMITED * sign if end is None else end for sign, end in ((-1, lower), (1, upper)))
        self._rows.append((terms, low, high, text))

    def finished(self) -> WholeRows:
        """All of them."""
        entries = [(r, j, value) for r, (terms, *_) in enumerate(self._rows) for j, value in terms.items() if value]
        row, column, value = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        own = np.array([(low, high, worth, bits or 0) for low, high, worth, bits in self._columns], dtype=np.int64)
        own_lower, own_upper, own_worth, own_bits = own.reshape(-1, 4).T
        lower, upper = np.array([limits for _, *limits, _ in self._rows], dtype=np.int64).reshape(-1, 2).T
        return WholeRows(
            family=self.family,
            n_offers=self.n_offers,
            own_lower=own_lower,
            own_upper=own_upper,
            own_worth=own_worth,
            row=row,
            column=column,
            value=value,
            lower=lower,
            upper=upper,
            texts=tuple(text for *_, text in self._rows),
            own_free=np.array([bits is not None for *_, bits in self._columns], dtype=np.bool_),
            own_bits=own_bits,
        )


def build_model(
    formulation: BuildsModels,
    instance: Instance,
    backend: str | None = None,
    without: Iterable[str] = (),
    solver: str | None = None,
    encoding: str | None = None,
) -> MipModel:
    """The model of a formulation with the rows of the instance's extensions behind its own.

    Parameters
    ----------
    formulation, backend, without : see `splgbench.formulation.BuildsModels.build`.
    solver : the backend that the rows of extensions are written for; `backend` where there is none.
    encoding : of `splgbench.piecewise.ENCODINGS`, for extensions that have several; the first where None.
    """
    model = formulation.build(instance, backend, without)
    if not instance.extensions:
        return model
    for extension in instance.extensions.values():
        # CP-SAT has no continuous columns and no fractions, and does not need any.
        rows = extension.rows(encoding) if encoding and isinstance(extension, Encoded) else extension.rows()
        model = with_rows(model, rows, exact=(solver or backend) == "cpsat")
    return model.with_integer_volumes()


@dataclass(frozen=True)
class CpSatRows:
    """Rows as CP-SAT takes them.

    Parameters
    ----------
    sums : left-hand side, lower and upper limit and text of each row that has a column.
    worth : what the own columns are worth, as terms of the objective.
    """

    sums: list[tuple[Any, int, int, str]]
    worth: list[Any]


def cpsat_rows(model: Any, rows: WholeRows, x: Sequence[Any], y: Sequence[Any]) -> CpSatRows:
    """State rows in integers: own columns are added to the model, rows are left to the caller.

    Parameters
    ----------
    model : a CP-SAT model.
    x, y : of length K, columns or whole numbers.
    """
    own_bounds = zip(rows.own_lower.tolist(), rows.own_upper.tolist(), strict=True)
    own = [model.new_int_var(low, high, "") for low, high in own_bounds]
    columns = [*x, *y, *own]
    terms: list[list[Any]] = [[] for _ in rows.texts]
    for row, column, value in zip(rows.row.tolist(), rows.column.tolist(), rows.value.tolist(), strict=True):
        terms[row].append(value * columns[column])
    limits = zip(rows.lower.tolist(), rows.upper.tolist(), rows.texts, strict=True)
    sums = [(sum(found), *limit) for found, limit in zip(terms, limits, strict=True)]
    return CpSatRows(sums, [worth * column for worth, column in zip(rows.own_worth.tolist(), own, strict=True)])


def with_rows(model: MipModel, rows: WholeRows, exact: bool) -> MipModel:
    """The model with own columns and rows appended; an offer without columns holds no case.

    Parameters
    ----------
    rows : of an extension, or of a question asked of the instance, such as what it is to cost.
    exact : whether rows stay in whole numbers, and own columns whole even where they need not be.
    """
    n_offers = len(model.volume_column)
    wanted = np.unique(rows.column[(rows.column >= n_offers) & (rows.column < 2 * n_offers)]) - n_offers
    model = _with_mandates(model, wanted)
    first_own = model.n_columns
    n_own = len(rows.own_lower)
    place = np.concatenate(
        (model.volume_column, model.mandate_column, np.arange(first_own, first_own + n_own, dtype=np.int64))
    )
    columns = place[rows.column]
    there = columns >= 0
    row_scale = np.ones(len(rows.texts)) if exact else 2.0**-rows.row_shift
    own_scale = np.ones(n_own) if exact else 2.0**rows.own_shift
    scale = np.concatenate((np.ones(first_own), own_scale))
    value = rows.value[there] * row_scale[rows.row[there]] * scale[columns[there]]
    lower = np.where(rows.lower > -UNLIMITED, rows.lower * row_scale, -np.inf)
    upper = np.where(rows.upper < UNLIMITED, rows.upper * row_scale, np.inf)
    return _appended(
        model,
        Block(rows.family, first_own, first_own + n_own),
        exact | ~rows.free,
        (rows.own_lower / own_scale, rows.own_upper / own_scale, rows.own_worth * own_scale),
        (rows.row[there], columns[there], value),
        (lower, upper),
    )


def _with_mandates(model: MipModel, offers: IntArray) -> MipModel:
    """The model with y_k for those offers that have x_k alone: x_k <= U_k y_k and y_k <= x_k."""
    lacking = offers[(model.mandate_column[offers] < 0) & (model.volume_column[offers] >= 0)]
    if not len(lacking):
        return model
    first, n = model.n_columns, len(lacking)
    mandate = np.arange(first, first + n, dtype=np.int64)
    volume = model.volume_column[lacking]
    row = np.repeat(np.arange(2 * n), 2)
    columns = np.concatenate((np.stack((volume, mandate), 1).ravel(), np.stack((mandate, volume), 1).ravel()))
    values = np.concatenate((np.stack((np.ones(n), -model.upper[volume]), 1).ravel(), np.tile([1.0, -1.0], n)))
    ones = np.ones(n)
    block = Block("y", first, first + n, "offer", lacking)
    bounds = (np.full(2 * n, -np.inf), np.zeros(2 * n))
    model = _appended(model, block, True, (0 * ones, ones, 0 * ones), (row, columns, values), bounds)
    mandate_column = model.mandate_column.copy()
    mandate_column[lacking] = mandate
    return replace(model, mandate_column=mandate_column)


def _appended(
    model: MipModel,
    block: Block,
    whole: bool | BoolArray,
    own: tuple[np.ndarray, np.ndarray, np.ndarray],
    entries: tuple[IntArray, IntArray, np.ndarray],
    bounds: tuple[np.ndarray, np.ndarray],
) -> MipModel:
    """Columns (lower, upper, worth) and rows (entries as row, column, value) behind those of the model."""
    lower, upper, worth = own
    wider = replace(
        model,
        objective=np.concatenate((model.objective, worth.astype(np.float64))),
        lower=np.concatenate((model.lower, lower.astype(np.float64))),
        upper=np.concatenate((model.upper, upper.astype(np.float64))),
        integer=np.concatenate((model.integer, np.full(len(lower), whole))),
        semicontinuous=np.concatenate((model.semicontinuous, np.zeros(len(lower), dtype=np.bool_))),
        column_blocks=(*model.column_blocks, block),
    )
    return _appended_rows(wider, block.family, entries, bounds)


def _appended_rows(
    model: MipModel,
    family: str,
    entries: tuple[IntArray, IntArray, np.ndarray],
    bounds: tuple[np.ndarray, np.ndarray],
) -> MipModel:
    """The model with rows behind its own.

    Parameters
    ----------
    family : what the rows are called.
    entries : row, counted from 0, column and value of each coefficient.
    bounds : lower and upper, shape (new rows,).
    """
    row, column, value = entries
    order = np.argsort(row, kind="stable")
    lengths = np.bincount(row, minlength=len(bounds[0]))
    start = model.row_start[-1] + np.cumsum(lengths, dtype=np.int64)
    return replace(
        model,
        row_start=np.concatenate((model.row_start, start)),
        row_columns=np.concatenate((model.row_columns, column[order])),
        row_values=np.concatenate((model.row_values, value[order].astype(np.float64))),
        row_lower=np.concatenate((model.row_lower, bounds[0])),
        row_upper=np.concatenate((model.row_upper, bounds[1])),
        row_blocks=(*model.row_blocks, Block(family, model.n_rows, model.n_rows + len(bounds[0]))),
    )
