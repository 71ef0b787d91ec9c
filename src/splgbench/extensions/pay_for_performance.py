"""Pay for performance: a bonus for every step of volume or quality that a hospital reaches.

A step s names offers K_s of a hospital (all, or those of an area, a group or a year), a volume T_s >= 1, where it asks
for quality the points Q_s that its cases must have on average, and its bonus. With q_k the quality points of offer k,

    reached(s)  exactly if  sum_{k in K_s} x_k >= T_s  and  sum_{k in K_s} (q_k - Q_s) x_k >= 0                   (1)
    payment = sum over s reached of floor(units bonus_s / cents)                                                  (2)

where `worth_units` utility units are what `worth_cents` cents are worth. A bonus is paid once; steps add up, so that a
scale of several targets is several steps. The average needs no division, and without cases nothing is reached. A model
has binary columns b_s with

    T_s b_s <= sum_{k in K_s} x_k                                                                                 (3)
    M_s b_s - sum_{k in K_s} (q_k - Q_s) x_k <= M_s,      M_s = sum_{k in K_s} max(0, Q_s - q_k) U_k              (4)

M_s is the largest shortfall there can be, so that b_s = 0 asks for nothing. Bonuses are never negative: the objective
sets b_s wherever it may be. The entry:

    "pay_for_performance": {
      "steps": [{"hospital": "H1", "area": "ORTHO", "cases": 200, "points": 85, "cents": 5000000}, ...],
      "quality": [{"hospital": "H1", "group": "KNEE", "points": 88}, ...],
      "worth_units": 1, "worth_cents": 100
    }

`area`, `group`, `year` (with the extension `years`) and `points` may be left out. Every offer of a step that asks for
quality must have points. Source: Medicare's Hospital Value-Based Purchasing (42 CFR 412.160-412.168: measures with
minimum numbers of cases and thresholds); the steps of the Quality and Outcomes Framework of the British NHS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from splgbench.checker import Violation
from splgbench.coupling import UNLIMITED, WholeRows
from splgbench.extensions.base import LARGEST, LARGEST_NUMBER, MOST_POINTS, Entry, carried_rows, points_rows
from splgbench.extensions.years import calendar
from splgbench.instance import Instance, IntArray
from splgbench.volumes import largest_volumes

MOST_CASES = 2**40
SCOPE = ("hospital", "area", "group", "year")
"""What a step may name of the offers that it counts; the hospital it must."""


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    scope : hospital, area, group and year, "" where any.
    cases : T.
    points : Q; None where the step asks for no quality.
    cents : its bonus.
    worth : what the bonus is worth in utility units, rounded down.
    offers : whose cases count.
    over : by how many points each of `offers` lies above Q, negative below; 0 where no quality is asked for.
    """

    scope: tuple[str, str, str, str]
    cases: int
    points: int | None
    cents: int
    worth: int
    offers: tuple[int, ...]
    over: tuple[int, ...]

    def reached(self, volumes: Sequence[int]) -> bool:
        """Whether volumes over offers reach it."""
        counted = [int(volumes[k]) for k in self.offers]
        quality = sum(over * x for over, x in zip(self.over, counted, strict=True))
        return sum(counted) >= self.cases and quality >= 0

    def __str__(self) -> str:
        return " ".join(filter(None, self.scope)) + f" from {self.cases} cases"


@dataclass(frozen=True, eq=False)
class PayForPerformance:
    """Steps of an instance.

    Parameters
    ----------
    steps : by scope and target.
    quality : (hospital, group) to points.
    worth_units, worth_cents : what money is worth.
    largest : shape (K,), U_k.
    """

    name: ClassVar[str] = "pay_for_performance"
    pays: ClassVar[bool] = True
    limits: ClassVar[bool] = False

    steps: tuple[Step, ...]
    quality: Mapping[tuple[str, str], int]
    worth_units: int
    worth_cents: int
    largest: IntArray

    @classmethod
    def read(cls, entry: Any, instance: Instance, entries: Mapping[str, Any]) -> PayForPerformance:
        """See `splgbench.extensions.base.Extension.read`."""
        reader = Entry(cls.name, entry, ("steps", "quality", "worth_units", "worth_cents"))
        units = reader.whole("worth_units", reader.fields.get("worth_units"))
        cents = reader.whole("worth_cents", reader.fields.get("worth_cents"), least=1)
        quality = reader.points(instance)
        steps = _Steps(reader, instance, entries, quality).read(units, cents)
        reader.done()
        found = cls(steps, quality, units, cents, largest_volumes(instance))
        if (most := sum(step.worth for step in steps)) >= LARGEST:
            reader.report("worth_units", "all bonuses together must be worth less than 2^62 units", most)
        if (most := max(map(found._shortfall, steps), default=0)) >= LARGEST_NUMBER:
            reader.report("quality", "points short of a target times cases must stay below 2^53", most)
        reader.done()
        return found

    def entry(self) -> dict[str, Any]:
        """See `splgbench.extensions.base.Extension.entry`."""
        found: dict[str, Any] = {
            "steps": [
                {name: key for name, key in zip(SCOPE, step.scope, strict=True) if key}
                | {"cases": step.cases}
                | ({} if step.points is None else {"points": step.points})
                | {"cents": step.cents}
                for step in self.steps
            ],
            "worth_units": self.worth_units,
            "worth_cents": self.worth_cents,
        }
        if self.quality:
            found["quality"] = points_rows(self.quality)
        return found

    def carried(self, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
        """See `splgbench.extensions.base.Extension.carried`: steps whose hospital, area or group is gone go."""
        found = self.entry()
        for table in ("steps", "quality"):
            found[table] = carried_rows(found.get(table, ()), keys)
        return found if found["steps"] else None

    def _shortfall(self, step: Step) -> int:
        """M of a step."""
        return sum(max(0, -over) * int(self.largest[k]) for over, k in zip(step.over, step.offers, strict=True))

    def rows(self) -> WholeRows:
        """(3), and (4) divided by the greatest common divisor of its coefficients, for the steps that ask for it."""
        n_offers = len(self.largest)
        entries: list[tuple[int, int, int]] = []
        upper: list[int] = []
        texts: list[str] = []
        for position, step in enumerate(self.steps):
            own = 2 * n_offers + position
            entries += [(len(texts), own, step.cases), *((len(texts), k, -1) for k in step.offers)]
            upper.append(0)
            texts.append(f"volume of {step}")
            if shortfall := self._shortfall(step):
                unit = math.gcd(*step.over)
                entries.append((len(texts), own, shortfall // unit))
                over = zip(step.offers, step.over, strict=True)
                entries += [(len(texts), k, -points // unit) for k, points in over if points]
                upper.append(shortfall // unit)
                texts.append(f"quality of {step}")
        row, column, value = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        reachable = [sum(int(self.largest[k]) for k in step.offers) >= step.cases for step in self.steps]
        return WholeRows(
            family=self.name,
            n_offers=n_offers,
            own_lower=np.zeros(len(self.steps), dtype=np.int64),
            own_upper=np.array(reachable, dtype=np.int64),
            own_worth=np.array([step.worth for step in self.steps], dtype=np.int64),
            row=row,
            column=column,
            value=value,
            lower=np.full(len(texts), -UNLIMITED, dtype=np.int64),
            upper=np.array(upper, dtype=np.int64),
            texts=tuple(texts),
        )

    def violations(self, volumes: Sequence[int]) -> Iterator[Violation]:
        """None: a step that is not reached is not paid."""
        return iter(())

    def payment(self, volumes: Sequence[int]) -> int:
        """See `splgbench.extensions.base.Extension.payment`: (2)."""
        return sum(step.worth for step in self.steps if step.reached(volumes))


class _Steps:
    """Reads the steps of an entry."""

    def __init__(
        self, reader: Entry, instance: Instance, entries: Mapping[str, Any], quality: Mapping[tuple[str, str], int]
    ) -> None:
        self.reader, self.quality = reader, quality
        self.years, group_year = calendar(entries)
        self.known = {"hospital": instance.hospitals, "area": instance.areas, "group": instance.groups}
        self.names = [instance.offer_name(k) for k in range(instance.n_offers)]
        area = {g: instance.areas[a] for g, a in zip(instance.groups, instance.group_area.tolist(), strict=True)}
        self.of_offer = [(h, area[g], g, group_year.get(g, "")) for h, g in self.names]

    def read(self, units: int, cents: int) -> tuple[Step, ...]:
        """By scope and target."""
        reader, found = self.reader, dict[tuple[Any, ...], Step]()
        optional = (*SCOPE[1:], "points")
        for row in reader.rows("steps", *SCOPE, "cases", "points", "cents", optional=optional):
            place = row["place"]
            scope = self._scope(row)
            cases = reader.whole(f"{place}.cases", row["cases"], MOST_CASES, least=1)
            points = row.get("points")
            if points is not None:
                points = reader.whole(f"{place}.points", points, MOST_POINTS + 1)
            bonus = reader.whole(f"{place}.cents", row["cents"])
            key = (scope, cases, -1 if points is None else points)
            if key in found:
                reader.report(place, "must be the only step of its offers with these targets", key)
            if scope is not None:
                offers = tuple(k for k, of in enumerate(self.of_offer) if _within(of, scope))
                over = self._over(place, offers, points)
                found[key] = Step(scope, cases, points, bonus, units * bonus // cents, offers, over)
        return tuple(found[key] for key in sorted(found))

    def _scope(self, row: Mapping[str, Any]) -> tuple[str, str, str, str] | None:
        """None where it is broken."""
        place, before = row["place"], len(self.reader.problems)
        for name, known in self.known.items():
            if name in row and row[name] not in known:
                self.reader.report(f"{place}.{name}", f"must be one of the instance's {name}s", row[name])
        if "year" in row and row["year"] not in self.years:
            rule = "must be a year of the extension years" if self.years else "needs the extension years"
            self.reader.report(f"{place}.year", rule, row["year"])
        if len(self.reader.problems) > before:
            return None
        return row["hospital"], row.get("area", ""), row.get("group", ""), row.get("year", "")

    def _over(self, place: str, offers: Sequence[int], points: int | None) -> tuple[int, ...]:
        if points is None:
            return (0,) * len(offers)
        lacking = [self.names[k] for k in offers if self.names[k] not in self.quality]
        if lacking:
            self.reader.report("quality", f"must name the points of {' '.join(lacking[0])}, which {place} asks for")
            return (0,) * len(offers)
        return tuple(self.quality[self.names[k]] - points for k in offers)


def _within(of_offer: tuple[str, ...], scope: tuple[str, ...]) -> bool:
    return all(not wanted or wanted == key for key, wanted in zip(of_offer, scope, strict=True))


extension = PayForPerformance
