"""Years: groups planned for several years, and how fast a hospital's volume may change from one to the next.

A group of the instance is a service group in one year (`KNEE@2026`), with its own demand, offers and minima; areas are
kept apart by year in the same way, so that area capacities and links hold year by year and the plain model falls into
years. What joins them is stated here. With V_{h,e,t} the cases of hospital h in the groups of year t that belong to
unit e (an area, or the whole hospital), for every year t but the first

    10000 V_t <= (10000 + d) V_{t-1} + 10000 s                                                                   (3)
    10000 V_t >= (10000 - d) V_{t-1} - 10000 s                                                                   (4)

with d the change allowed in basis points and s in cases. The entry:

    "years": {
      "years": ["2025", "2026"],
      "groups": [{"group": "KNEE@2025", "year": "2025", "unit": "orthopaedics"}, ...],
      "change_bp": 1000, "change_cases": 5
    }

Every group has a year; years stand in their order. Without change_bp and change_cases volumes change freely, and a
hospital that offers nothing of a unit in one of two years has no row for them. Budgets by year, with what is carried
over, are those of `regional_budget`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from splgbench.checker import Violation
from splgbench.coupling import UNLIMITED, WholeRows
from splgbench.extensions.base import Entry, carried_rows
from splgbench.instance import Instance, IntArray

WHOLE = 10_000
"""Basis points of the whole."""


@dataclass(frozen=True, eq=False)
class Years:
    """The years of an instance.

    Parameters
    ----------
    years : in their order.
    group_year, group_unit : by group.
    change_bp, change_cases : d and s; None where volumes change freely.
    place : shape (K,), the number of the (hospital, unit, year) of each offer, in `places`.
    places : (hospital, unit, year), sorted.
    """

    name: ClassVar[str] = "years"
    pays: ClassVar[bool] = False
    limits: ClassVar[bool] = True

    years: tuple[str, ...]
    group_year: Mapping[str, str]
    group_unit: Mapping[str, str]
    change_bp: int | None
    change_cases: int | None
    place: IntArray
    places: tuple[tuple[str, str, int], ...]

    @classmethod
    def read(cls, entry: Any, instance: Instance, entries: Mapping[str, Any]) -> Years:
        """See `splgbench.extensions.base.Extension.read`."""
        reader = Entry(cls.name, entry, ("years", "groups", "change_bp", "change_cases"))
        years = _years(reader)
        group_year, group_unit = dict[str, str](), dict[str, str]()
        for row in reader.rows("groups", "group", "year", "unit", optional=("unit",)):
            place, group, year, unit = row["place"], row["group"], row["year"], row.get("unit", "")
            if group not in instance.groups:
                reader.report(f"{place}.group", "must be a group of the instance", group)
            elif group in group_year:
                reader.report(f"{place}.group", "a group has one year", group)
            elif year not in years:
                reader.report(f"{place}.year", "must be one of years", year)
            elif not isinstance(unit, str):
                reader.report(f"{place}.unit", "must be text", unit)
            else:
                group_year[group], group_unit[group] = year, unit
        change = [
            None if reader.fields.get(field) is None else reader.whole(field, reader.fields[field], most)
            for field, most in (("change_bp", WHOLE + 1), ("change_cases", 2**40))
        ]
        reader.done()
        lacking = [group for group in instance.groups if group not in group_year]
        if lacking:
            reader.report("groups", f"must name every group; {lacking[0]} is missing")
            reader.done()
        if change != [None, None]:
            change = [part or 0 for part in change]
        number = {year: t for t, year in enumerate(years)}
        of_offer = [
            (hospital, group_unit[group], number[group_year[group]])
            for hospital, group in map(instance.offer_name, range(instance.n_offers))
        ]
        places = tuple(sorted(set(of_offer)))
        at = {place: position for position, place in enumerate(places)}
        place_of = np.array([at[place] for place in of_offer], dtype=np.int64)
        place_of.flags.writeable = False
        return cls(years, group_year, group_unit, change[0], change[1], place_of, places)

    def entry(self) -> dict[str, Any]:
        """See `splgbench.extensions.base.Extension.entry`."""
        found: dict[str, Any] = {
            "years": list(self.years),
            "groups": [
                {"group": group, "year": year} | ({"unit": self.group_unit[group]} if self.group_unit[group] else {})
                for group, year in sorted(self.group_year.items())
            ],
        }
        if self.change_bp is not None:
            found |= {"change_bp": self.change_bp, "change_cases": self.change_cases}
        return found

    def carried(self, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
        """See `splgbench.extensions.base.Extension.carried`."""
        found = self.entry()
        found["groups"] = carried_rows(found["groups"], keys)
        return found

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Places of one hospital and unit in two years that follow one another: (before, after)."""
        if self.change_bp is None:
            return
        at = {place: position for position, place in enumerate(self.places)}
        for (hospital, unit, t), position in at.items():
            if (hospital, unit, t + 1) in at:
                yield position, at[hospital, unit, t + 1]

    def rows(self) -> WholeRows:
        """(3) and (4), written as <= 0."""
        members: list[list[int]] = [[] for _ in self.places]
        for k, place in enumerate(self.place.tolist()):
            members[place].append(k)
        entries: list[tuple[int, int, int]] = []
        limits: list[int] = []
        texts: list[str] = []
        for before, after in self.pairs():
            assert self.change_bp is not None
            assert self.change_cases is not None
            hospital, unit, t = self.places[after]
            for sign, word in ((1, "rise"), (-1, "fall")):
                row = len(limits)
                entries += [(row, k, sign * WHOLE) for k in members[after]]
                entries += [(row, k, -sign * (WHOLE + sign * self.change_bp)) for k in members[before]]
                limits.append(WHOLE * self.change_cases)
                texts.append(f"{word} of {hospital}{f' in {unit}' if unit else ''} to {self.years[t]}")
        row_of, column, value = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        none = np.zeros(0, dtype=np.int64)
        return WholeRows(
            family="yearly_change",
            n_offers=len(self.place),
            own_lower=none,
            own_upper=none,
            own_worth=none,
            row=row_of,
            column=column,
            value=value,
            lower=np.full(len(limits), -UNLIMITED, dtype=np.int64),
            upper=np.array(limits, dtype=np.int64),
            texts=tuple(texts),
        )

    def violations(self, volumes: Sequence[int]) -> Iterator[Violation]:
        """See `splgbench.extensions.base.Extension.violations`; amounts in cases, rounded up."""
        total = [0] * len(self.places)
        for cases, place in zip(volumes, self.place.tolist(), strict=True):
            total[place] += int(cases)
        for before, after in self.pairs():
            assert self.change_bp is not None
            assert self.change_cases is not None
            hospital, unit, t = self.places[after]
            then, now = total[before], total[after]
            room = self.change_bp * then + WHOLE * self.change_cases
            over = WHOLE * abs(now - then) - room
            if over > 0:
                where = f"{hospital}{f' in {unit}' if unit else ''}"
                text = f"{where} goes from {then} to {now} cases in {self.years[t]}, more than a year may change"
                yield Violation("years", hospital, None, -(-over // WHOLE), text)

    def payment(self, volumes: Sequence[int]) -> int:
        """Nothing."""
        return 0


def year_names(count: int) -> list[str]:
    """Y1, Y2, ..., numbers of one width."""
    width = len(str(count))
    return [f"Y{t:0{width}}" for t in range(1, count + 1)]


def repeated(tables: Mapping[str, Mapping[str, Sequence[Any]]], years: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The tables of one year told again for each: the group KNEE of year Y2 is KNEE@Y2, its area likewise.

    Hospitals and regions stay as they are, and so does every number.
    """
    dated = ("group", "required", "area")
    return {
        name: {
            column: list(cells)
            if name in ("hospitals", "regions")
            else [f"{cell}@{year}" if column in dated else cell for year in years for cell in cells]
            for column, cells in columns.items()
        }
        for name, columns in tables.items()
    }


def calendar(entries: Mapping[str, Any]) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The years of a package's extensions, in their order, and the year of each group; nothing where there are none.

    The entry is judged by `Years.read`: what is broken in it is left out here.
    """
    entry = entries.get(Years.name)
    if not isinstance(entry, Mapping):
        return (), {}
    reader = Entry(Years.name, entry, ("years", "groups", "change_bp", "change_cases"))
    rows = reader.rows("groups", "group", "year", "unit", optional=("unit",))
    return _years(reader), {row["group"]: row["year"] for row in rows if isinstance(row["group"], str)}


def _years(reader: Entry) -> tuple[str, ...]:
    found = reader.fields.get("years")
    if not isinstance(found, list | tuple) or not all(isinstance(year, str) and year for year in found):
        reader.report("years", "must be a list of years as text", found)
        return ()
    if len(set(found)) < len(found) or not found:
        reader.report("years", "must name at least one year, each once", found)
    return tuple(found)


extension = Years
