"""Delta debugging of instances: the smallest part of a large one on which something still fails.

Source: A. Zeller and R. Hildebrandt, Simplifying and isolating failure-inducing input, IEEE Transactions on Software
Engineering 28 (2002): chunks of halving size are left out while the failure stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.tables import TABLE
from splgbench.transform import from_tables, subset, to_tables

Fails = Callable[[Instance], bool]
Tables = dict[str, dict[str, list[Any]]]
T = TypeVar("T")

NUMBERS = (
    ("groups", "minimum_cases", 0),
    ("groups", "minimum_share_bp", 0),
    ("demand", "cases", 0),
    ("offers", "capacity", 0),
    ("offers", "utility", 1),
    ("area_capacity", "capacity", 0),
)
"""Columns whose numbers are made small, with their least value."""


def reduce_instance(
    instance: Instance, fails: Fails, *, patience: float = 60.0, on_smaller: Callable[[Instance], None] | None = None
) -> Instance:
    """Leave out hospitals, groups, offers, clauses, cells, overrides and size while `fails` stays true.

    Parameters
    ----------
    fails : whether an instance still shows the failure; one that breaks a rule of the data is never asked about.
    patience : seconds after which the smallest instance so far is returned.
    on_smaller : told of every smaller instance that still fails.
    """
    return _Reduction(instance, fails, time.monotonic() + patience, on_smaller).run()


class _OutOfTimeError(Exception):
    """Patience has ended."""


class _Reduction:
    def __init__(
        self, instance: Instance, fails: Fails, deadline: float, on_smaller: Callable[[Instance], None] | None
    ) -> None:
        self.best = instance
        self.fails = fails
        self.deadline = deadline
        self.on_smaller = on_smaller

    def run(self) -> Instance:
        try:
            while self._one_round():
                pass
        except _OutOfTimeError:
            pass
        return self.best

    def _one_round(self) -> bool:
        before = self.best.instance_hash
        start = self.best
        _shorter(list(start.hospitals), lambda kept: self._holds(lambda: subset(start, hospitals=kept)))
        start = self.best
        _shorter(list(start.groups), lambda kept: self._holds(lambda: subset(start, groups=kept)))
        self._fewer_offers()
        self._fewer_clauses()
        for table in ("links", "overrides", "area_capacity", "demand", "regions", "areas"):
            self._fewer_rows(table)
        self._no_networks()
        self._smaller_numbers()
        return self.best.instance_hash != before

    def _holds(self, make: Callable[[], Instance]) -> bool:
        """Whether what `make` gives still fails; if so it is the best so far."""
        if time.monotonic() > self.deadline:
            raise _OutOfTimeError
        try:
            smaller = make()
        except InputError:
            return False
        if smaller.instance_hash == self.best.instance_hash or not self.fails(smaller):
            return False
        self.best = smaller
        if self.on_smaller is not None:
            self.on_smaller(smaller)
        return True

    def _fewer_offers(self) -> None:
        """Offers go with the overrides that name them."""
        start, tables = self.best, to_tables(self.best)
        pairs = list(zip(tables["offers"]["hospital"], tables["offers"]["group"], strict=True))

        def without(kept: list[tuple[str, str]]) -> Instance:
            left = set(kept)
            smaller = dict(tables)
            for name in ("offers", "overrides"):
                if name in tables:
                    named = zip(tables[name]["hospital"], tables[name]["group"], strict=True)
                    smaller[name] = _rows(tables[name], [i for i, pair in enumerate(named) if pair in left])
            return from_tables(start, smaller)

        _shorter(pairs, lambda kept: self._holds(lambda: without(kept)))

    def _fewer_clauses(self) -> None:
        start, tables = self.best, to_tables(self.best)
        if "links" not in tables:
            return
        links = tables["links"]
        keys = list(zip(links["group"], links["clause"], strict=True))

        def without(kept: list[tuple[str, str]]) -> Instance:
            left = set(kept)
            return from_tables(start, {**tables, "links": _rows(links, [i for i, k in enumerate(keys) if k in left])})

        _shorter(list(dict.fromkeys(keys)), lambda kept: self._holds(lambda: without(kept)))

    def _fewer_rows(self, table: str) -> None:
        start, tables = self.best, to_tables(self.best)
        if table not in tables:
            return

        def without(kept: list[int]) -> Instance:
            smaller = {**tables, table: _rows(tables[table], kept)}
            if not kept and not TABLE[table].required:
                del smaller[table]
            return from_tables(start, smaller)

        _shorter(list(range(_length(tables[table]))), lambda kept: self._holds(lambda: without(kept)))

    def _no_networks(self) -> None:
        start, tables = self.best, to_tables(self.best)
        hospitals = {**tables["hospitals"], "cooperation": [""] * start.n_hospitals}
        self._holds(lambda: from_tables(start, {**tables, "hospitals": hospitals}))

    def _smaller_numbers(self) -> None:
        for table, column, least in NUMBERS:
            self._smaller_column(table, column, least)

    def _smaller_column(self, table: str, column: str, least: int) -> None:
        """Halve all numbers of a column at once, then make each small by itself."""
        while self._holds(lambda: self._halved(table, column, least)):
            pass
        for row in range(_length(to_tables(self.best).get(table, {}))):
            candidates = self._candidates(table, column, least, row)
            any(self._holds(partial(self._changed, table, column, {row: value})) for value in candidates)

    def _candidates(self, table: str, column: str, least: int, row: int) -> Iterator[int]:
        now = to_tables(self.best)[table][column][row]
        yield from sorted({value for value in (least, 1, 2, now // 2, now - 1) if least <= value < now})

    def _halved(self, table: str, column: str, least: int) -> Instance:
        cells = to_tables(self.best).get(table, {}).get(column, [])
        return self._changed(table, column, {row: max(least, value // 2) for row, value in enumerate(cells)})

    def _changed(self, table: str, column: str, values: dict[int, int]) -> Instance:
        tables = to_tables(self.best)
        if table in tables:
            for row, value in values.items():
                tables[table][column][row] = value
        return from_tables(self.best, tables)


def _shorter(items: list[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """Leave out chunks of halving size while `holds`."""
    chunk = max(1, len(items) // 2)
    while chunk and items:
        position = 0
        while position < len(items):
            kept = items[:position] + items[position + chunk :]
            if holds(kept):
                items = kept
            else:
                position += chunk
        chunk //= 2
    return items


def _rows(columns: dict[str, list[Any]], kept: list[int]) -> dict[str, list[Any]]:
    return {name: [cells[row] for row in kept] for name, cells in columns.items()}


def _length(columns: dict[str, list[Any]]) -> int:
    return len(next(iter(columns.values()))) if columns else 0
