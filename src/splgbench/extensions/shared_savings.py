"""Shared savings and losses: hospitals under a contract are paid a share of what they save against a norm cost.

A contract l covers offers K_l. With f_k the cost of a case of offer k and n_k its norm cost, adjusted for risk, in
cents, a the least savings that are shared, s their share in basis points and C the most that is paid,

    D = sum_{k in K_l} (n_k - f_k) x_k                                        savings; losses where negative       (1)
    gain(D) = min(s B / 10000, C)   where D >= a and D > 0, else 0                                                 (2)
    B = D   (first_dollar)          B = D - a   (above_minimum)                                                    (3)
    loss(D) = min(s' B' / 10000, C')   where -D >= a' and D < 0, else 0, with B' of -D and a' as in (3)            (4)
    met     exactly if  sum_{k in K_l} (q_k - Q) x_k >= 0                     quality points q_k, their target Q   (5)
    payment = floor(units gain(D) / cents)    where D > 0: 0 unless (5) holds                                      (6)
            = floor(- units loss(D) / cents)  where D < 0: quality or not

`worth_units` utility units are what `worth_cents` cents are worth; each contract is rounded by itself, and downwards,
so that losses are rounded away from 0. At the minimum itself savings and losses are shared. Without cases D = 0 and
nothing is paid. D is whole, so (2) and (4) are affine on ranges of whole numbers, which `splgbench.piecewise` states in
rows; with w the payment, a whole column of worth 1, and f the numerator of a function over a common denominator m,

    m w <= f(D)                                                                                                    (7)
    w <= W g,    sum_{k in K_l} (q_k - Q) x_k >= - M (1 - g),    g binary                                          (8)

W is the most that is paid, M the largest shortfall of points. The objective drives w up to (6). The entry:

    "shared_savings": {
      "group_costs": [{"group": "KNEE", "norm_cents": 1200000, "cents": 1150000}, ...],
      "offer_costs": [{"hospital": "H1", "group": "KNEE", "cents": 1100000}, ...],
      "quality": [{"hospital": "H1", "group": "KNEE", "points": 88}, ...],
      "contracts": [{"contract": "ACO", "minimum_cents": 20000000, "share_bp": 5000, "most_cents": 100000000,
                     "points": 80, "loss_minimum_cents": 20000000, "loss_share_bp": 3000}, ...],
      "members": [{"contract": "ACO", "hospital": "H1", "area": "ORTHO"}, ...],
      "worth_units": 1, "worth_cents": 100
    }

A contract covers the offers that one of its members names: by hospital, group, area, region, year (with the extension
`years`) or several of these; a member that names none covers all. An offer under several contracts counts in each.
Source: Medicare's Shared Savings Program, 42 CFR part 425 subpart G.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from splgbench.checker import Violation
from splgbench.coupling import LARGEST_BITS, RowsBuilder, WholeRows
from splgbench.extensions.base import LARGEST_NUMBER, MOST_POINTS, Entry, carried_rows, points_rows
from splgbench.extensions.years import calendar
from splgbench.instance import Instance, IntArray
from splgbench.piecewise import ENCODINGS
from splgbench.savings_contracts import ABOVE_MINIMUM, FIRST_DOLLAR, WHOLE, Contract, Side
from splgbench.volumes import largest_volumes

MOST_CENTS = 2**30
"""Costs of a case stay below this, 10 million francs: solvers drop coefficients that are smaller by more."""
WHOLE_BITS, COUNTED_BITS = 24, 20
"""Payments below 2 to the power of the first are whole in every model. Larger ones are continuous for solvers in
floating point, counted so that they stay below 2 to the power of the second: with whole ones in the billions SCIP 10.0
proved an optimum of 12 million where it was 1,200."""
LARGEST_SAVINGS = 2**60
"""Sums of what cases could save stay below this."""
SCOPE = ("hospital", "group", "area", "region", "year")
"""What a member may name of the offers that it covers."""

Scope = tuple[str, ...]
"""By `SCOPE`, "" where any."""
Pair = tuple[str, str]


@dataclass(frozen=True, eq=False)
class SharedSavings:
    """The contracts of an instance.

    Parameters
    ----------
    group_costs : group to norm cost and cost of a case, in cents.
    offer_costs : (hospital, group) to the same; None where it is the group's.
    quality : (hospital, group) to points.
    contracts : by name.
    members : contract and scope of each, sorted.
    worth_units, worth_cents : what money is worth.
    n_offers : K.
    """

    name: ClassVar[str] = "shared_savings"
    pays: ClassVar[bool] = True
    limits: ClassVar[bool] = False
    encodings: ClassVar[tuple[str, ...]] = tuple(ENCODINGS)

    group_costs: Mapping[str, tuple[int, ...]]
    offer_costs: Mapping[Pair, tuple[int | None, ...]]
    quality: Mapping[Pair, int]
    contracts: tuple[Contract, ...]
    members: tuple[tuple[str, Scope], ...]
    worth_units: int
    worth_cents: int
    n_offers: int

    @classmethod
    def read(cls, entry: Any, instance: Instance, entries: Mapping[str, Any]) -> SharedSavings:
        """See `splgbench.extensions.base.Extension.read`."""
        fields = ("group_costs", "offer_costs", "quality", "contracts", "members", "worth_units", "worth_cents")
        reader = Entry(cls.name, entry, fields)
        units = reader.whole("worth_units", reader.fields.get("worth_units"))
        cents = reader.whole("worth_cents", reader.fields.get("worth_cents"), least=1)
        terms = _terms(reader)
        members = _members(reader, instance, entries, terms)
        columns = ("norm_cents", "cents")
        group_costs = reader.by_group("group_costs", instance, *columns, most=MOST_CENTS)
        offer_costs = reader.by_offer("offer_costs", instance, *columns, optional=columns, most=MOST_CENTS)
        quality = reader.points(instance)
        reader.done()
        covered = _covered(instance, entries, members)
        data = _Data(reader, instance, group_costs, offer_costs, quality, largest_volumes(instance))
        contracts = tuple(data.contract(name, terms[name], covered.get(name, [])) for name in sorted(terms))
        reader.done()
        found = cls(group_costs, offer_costs, quality, contracts, members, units, cents, instance.n_offers)
        found._check_sizes(reader)
        return found

    def _check_sizes(self, reader: Entry) -> None:
        """Coefficients and payments stay exact."""
        total = 0
        for contract in self.contracts:
            whole, segments = contract.segments(self.worth_units, self.worth_cents)
            ends = [end for s in segments for end in (s.value, s.end)]
            if max(whole, *map(abs, ends)) >= LARGEST_NUMBER:
                rule = (
                    f"payments of {contract.name} in whole parts of a unit must stay below 2^53: rounder numbers help"
                )
                reader.report("contracts", rule, max(whole, *map(abs, ends)))
            total += max(abs(end) // whole + 1 for end in ends)
        if total >= LARGEST_NUMBER:
            reader.report("worth_units", "all payments together must be worth less than 2^53 units", total)
        reader.done()

    def entry(self) -> dict[str, Any]:
        """See `splgbench.extensions.base.Extension.entry`."""
        found: dict[str, Any] = {
            "group_costs": [
                {"group": group, "norm_cents": norm, "cents": cents}
                for group, (norm, cents) in sorted(self.group_costs.items())
            ],
            "contracts": [contract.entry() for contract in self.contracts],
            "members": [
                {"contract": name} | {field: key for field, key in zip(SCOPE, scope, strict=True) if key}
                for name, scope in self.members
            ],
            "worth_units": self.worth_units,
            "worth_cents": self.worth_cents,
        }
        if self.offer_costs:
            found["offer_costs"] = [
                {"hospital": hospital, "group": group}
                | ({} if norm is None else {"norm_cents": norm})
                | ({} if cents is None else {"cents": cents})
                for (hospital, group), (norm, cents) in sorted(self.offer_costs.items())
            ]
        if self.quality:
            found["quality"] = points_rows(self.quality)
        return found

    def carried(self, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
        """See `splgbench.extensions.base.Extension.carried`: a contract goes with its last member."""
        found = self.entry()
        for table in ("group_costs", "offer_costs", "quality", "members"):
            found[table] = carried_rows(found.get(table, ()), keys)
        left = {row["contract"] for row in found["members"]}
        found["contracts"] = [row for row in found["contracts"] if row["contract"] in left]
        return found if left else None

    def rows(self, encoding: str | None = None) -> WholeRows:
        """(7) and (8) for the contracts that can pay anything.

        Parameters
        ----------
        encoding : of `splgbench.piecewise.ENCODINGS`; the first where None.
        """
        encode = ENCODINGS[encoding or self.encodings[0]]
        rows = RowsBuilder(self.name, self.n_offers)
        for contract in self.contracts:
            whole, segments = contract.segments(self.worth_units, self.worth_cents)
            least, most = (pick(end for s in segments for end in (s.value, s.end)) // whole for pick in (min, max))
            if least == most == 0:
                continue
            text = f"savings of {contract.name}"
            argument = {k: d // contract.unit for k, d in zip(contract.offers, contract.saved, strict=True) if d}
            bits = max(0, max(map(abs, argument.values()), default=0).bit_length() - LARGEST_BITS)
            constant, terms = encode(rows, argument, segments, bits, text)
            size = max(-least, most).bit_length()
            paid = rows.column(least, most, worth=1, bits=None if size <= WHOLE_BITS else size - COUNTED_BITS)
            rows.row({paid: whole, **{j: -value for j, value in terms.items()}}, None, constant, f"{text}: payment")
            if contract.shortfall and most > 0:
                unit = math.gcd(*contract.over)
                met = rows.column(0, 1)
                rows.row({paid: 1, met: -most}, None, 0, f"{text}: quality needed")
                over = {k: q // unit for k, q in zip(contract.offers, contract.over, strict=True)}
                short = contract.shortfall // unit
                rows.row({**over, met: -short}, -short, None, f"quality of {contract.name}")
        return rows.finished()

    def violations(self, volumes: Sequence[int]) -> Iterator[Violation]:
        """None: a contract pays, or is paid."""
        return iter(())

    def payment(self, volumes: Sequence[int]) -> int:
        """See `splgbench.extensions.base.Extension.payment`: (6)."""
        paid = (contract.cents(volumes) for contract in self.contracts)
        return sum(self.worth_units * cents // (WHOLE * self.worth_cents) for cents in paid)


@dataclass(frozen=True)
class _Terms:
    gains: Side
    losses: Side
    above: bool
    points: int | None


@dataclass(frozen=True)
class _Data:
    """What contracts are made of, offer by offer."""

    reader: Entry
    instance: Instance
    group_costs: Mapping[str, tuple[int, ...]]
    offer_costs: Mapping[Pair, tuple[int | None, ...]]
    quality: Mapping[Pair, int]
    largest: IntArray

    def contract(self, name: str, terms: _Terms, offers: Sequence[int]) -> Contract:
        saved = [self._saved(k, name) for k in offers]
        over = [0 if terms.points is None else self._points(k, name) - terms.points for k in offers]
        most = sum(abs(d) * int(self.largest[k]) for k, d in zip(offers, saved, strict=True))
        if most >= LARGEST_SAVINGS:
            self.reader.report("group_costs", f"what cases of {name} save must stay below 2^60 cents", most)
        return Contract(
            name,
            terms.gains,
            terms.losses,
            terms.above,
            terms.points,
            tuple(offers),
            tuple(saved),
            tuple(over),
            -self._most(offers, [-d for d in saved]),
            self._most(offers, saved),
            self._most(offers, [-q for q in over]),
        )

    def _saved(self, k: int, contract: str) -> int:
        pair = self.instance.offer_name(k)
        norm, cents = self.offer_costs.get(pair, (None, None))
        of_group = self.group_costs.get(pair[1])
        if of_group is None and (norm is None or cents is None):
            self.reader.report("group_costs", f"must name {pair[1]}, which {pair[0]} offers under {contract}")
            self.reader.done()
        norm_of_group, cents_of_group = of_group or (0, 0)
        return (norm_of_group if norm is None else norm) - (cents_of_group if cents is None else cents)

    def _points(self, k: int, contract: str) -> int:
        pair = self.instance.offer_name(k)
        if pair not in self.quality:
            self.reader.report("quality", f"must name the points of {' '.join(pair)}, which {contract} asks for")
            self.reader.done()
        return self.quality[pair]

    def _most(self, offers: Sequence[int], weights: Sequence[int]) -> int:
        """Most of sum weights x that demand and the largest volumes leave room for: every cell filled greedily."""
        total, left = 0, dict[int, int]()
        for weight, k in sorted(zip(weights, offers, strict=True), reverse=True):
            if weight <= 0:
                break
            cell = int(self.instance.offer_cell[k])
            room = left.get(cell, int(self.instance.demand[cell]))
            cases = min(room, int(self.largest[k]))
            left[cell] = room - cases
            total += weight * cases
        return total


def _covered(
    instance: Instance, entries: Mapping[str, Any], members: Sequence[tuple[str, Scope]]
) -> dict[str, list[int]]:
    """Offers by contract, in order."""
    _, group_year = calendar(entries)
    area = [instance.areas[a] for a in instance.group_area.tolist()]
    by_pattern: dict[tuple[int, ...], dict[Scope, set[str]]] = {}
    for name, scope in members:
        pattern = tuple(i for i, key in enumerate(scope) if key)
        named = tuple(scope[i] for i in pattern)
        by_pattern.setdefault(pattern, {}).setdefault(named, set()).add(name)
    found: dict[str, list[int]] = {}
    for k, g in enumerate(instance.offer_group.tolist()):
        hospital, group = instance.offer_name(k)
        region = instance.regions[int(instance.cell_region[instance.offer_cell[k]])] if instance.regions else ""
        of_offer = (hospital, group, area[g], region, group_year.get(group, ""))
        names = [named.get(tuple(of_offer[i] for i in pattern), set()) for pattern, named in by_pattern.items()]
        for name in sorted(set().union(*names)):
            found.setdefault(name, []).append(k)
    return found


def _terms(reader: Entry) -> dict[str, _Terms]:
    terms: dict[str, _Terms] = {}
    sides = [f"{side}{field}" for side in ("", "loss_") for field in ("share_bp", "minimum_cents", "most_cents")]
    columns = ("contract", *sides, "basis", "points")
    for row in reader.rows("contracts", *columns, optional=[c for c in columns if c not in ("contract", "share_bp")]):
        place, name = row["place"], row["contract"]
        if not isinstance(name, str) or not name:
            reader.report(f"{place}.contract", "must be text and not empty", name)
            continue
        if name in terms:
            reader.report(f"{place}.contract", "must be unique", name)
        basis = row.get("basis", FIRST_DOLLAR)
        if basis not in (FIRST_DOLLAR, ABOVE_MINIMUM):
            reader.report(f"{place}.basis", f"must be {FIRST_DOLLAR} or {ABOVE_MINIMUM}", basis)
        if "loss_share_bp" not in row and ("loss_minimum_cents" in row or "loss_most_cents" in row):
            reader.report(f"{place}.loss_share_bp", "must say how losses are shared")
        points = row.get("points")
        if points is not None:
            points = reader.whole(f"{place}.points", points, MOST_POINTS + 1)
        gains, losses = _side(reader, row, ""), _side(reader, row, "loss_")
        terms[name] = _Terms(gains, losses if losses.share_bp else Side(), basis == ABOVE_MINIMUM, points)
    if not terms:
        reader.report("contracts", "must name at least one contract")
    return terms


def _side(reader: Entry, row: Mapping[str, Any], prefix: str) -> Side:
    def read(field: str, most: int = LARGEST_NUMBER) -> int:
        return reader.whole(f"{row['place']}.{prefix}{field}", row.get(f"{prefix}{field}", 0), most)

    most = read("most_cents") if f"{prefix}most_cents" in row else None
    return Side(read("minimum_cents"), read("share_bp", WHOLE + 1), most)


def _members(
    reader: Entry, instance: Instance, entries: Mapping[str, Any], contracts: Mapping[str, Any]
) -> tuple[tuple[str, Scope], ...]:
    years, _ = calendar(entries)
    known: dict[str, Sequence[str]] = {
        "hospital": instance.hospitals,
        "group": instance.groups,
        "area": instance.areas,
        "region": instance.regions,
        "year": years,
    }
    missing = {"region": "needs a regions table in the package", "year": "needs the extension years"}
    found: set[tuple[str, Scope]] = set()
    for row in reader.rows("members", "contract", *SCOPE, optional=SCOPE):
        place, before = row["place"], len(reader.problems)
        if row["contract"] not in contracts:
            reader.report(f"{place}.contract", "must be one of contracts", row["contract"])
        for field in SCOPE:
            if field in row and row[field] not in known[field]:
                rule = f"must be a {field} that is there" if known[field] else missing[field]
                reader.report(f"{place}.{field}", rule, row[field])
        member = (row["contract"], tuple(row.get(field, "") for field in SCOPE))
        if len(reader.problems) == before and member in found:
            reader.report(place, "must be named once", member)
        elif len(reader.problems) == before:
            found.add(member)
    lacking = sorted(set(contracts) - {name for name, _ in found})
    if lacking and not reader.problems:
        reader.report("members", f"must say what {lacking[0]} covers")
    return tuple(sorted(found))


extension = SharedSavings
