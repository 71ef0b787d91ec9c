"""Bundled payment: groups contracted together, all or none per hospital, at one price for an episode of care.

A bundle b holds groups G_b; an episode takes n_g cases of each. A hospital contracts the whole bundle or nothing of it,
so that one which does not offer all of its groups holds none of them:

    y_{h,g} = y_{h,q}      g, q in G_b, where h offers all of G_b                                                 (1)
    y_{h,g} = 0            g in G_b, where it does not                                                            (2)

With p_g the single price of a case and P_b that of an episode, the payer saves the difference with every complete
episode; cases beyond are paid singly:

    E_{h,b} = min over g in G_b of floor(x_{h,g} / n_g)                                                           (3)
    D_b = sum over g in G_b of n_g p_g - P_b >= 0                                                                 (4)
    payment = sum over h, b of floor(units D_b / cents) E_{h,b}                                                   (5)

where `worth_units` utility units are what `worth_cents` cents are worth. A model has whole columns e_{h,b} with

    n_g e_{h,b} <= x_{h,g}      every g in G_b,      0 <= e_{h,b} <= min over g of floor(U_{h,g} / n_g)           (6)

which the objective drives up to E. The entry:

    "bundled_payment": {
      "bundles": [{"bundle": "HIP", "cents": 2425000}, ...],
      "members": [{"bundle": "HIP", "group": "HIP-SURGERY", "cases": 1}, {"bundle": "HIP", "group": "REHAB"}, ...],
      "group_prices": [{"group": "HIP-SURGERY", "cents": 1800000}, {"group": "REHAB", "cents": 700000}, ...],
      "worth_units": 1, "worth_cents": 100
    }

`cases` is 1 where it is left out. A group stands in one bundle at most: nobody pays twice. Source: a price for the
episode below the sum of its single prices, as in Medicare's Comprehensive Care for Joint Replacement (42 CFR part 510)
and the Acute Care Episode demonstration, where hospitals contracted whole product lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from splgbench.checker import Violation
from splgbench.coupling import UNLIMITED, WholeRows
from splgbench.extensions.base import LARGEST, Entry, carried_rows
from splgbench.instance import Instance, IntArray
from splgbench.volumes import largest_volumes


@dataclass(frozen=True)
class Bundle:
    """A bundle.

    Parameters
    ----------
    name : its key.
    cents : P, price of an episode.
    cases : group to n, cases that an episode takes.
    worth : utility units that the payer's saving with an episode is worth, rounded down.
    """

    name: str
    cents: int
    cases: Mapping[str, int]
    worth: int


@dataclass(frozen=True)
class Contract:
    """What a hospital that offers something of a bundle may contract.

    Parameters
    ----------
    bundle, hospital : whose.
    offers : by group of the bundle, those that there are.
    """

    bundle: Bundle
    hospital: str
    offers: Mapping[str, int]

    @property
    def lacking(self) -> list[str]:
        """Groups of the bundle that the hospital does not offer: with any it can hold nothing of it."""
        return [group for group in self.bundle.cases if group not in self.offers]

    def episodes(self, volumes: Sequence[int]) -> int:
        """Complete episodes in volumes over offers."""
        if self.lacking:
            return 0
        return max(0, min(int(volumes[k]) // self.bundle.cases[group] for group, k in self.offers.items()))


@dataclass(frozen=True, eq=False)
class BundledPayment:
    """Bundles of an instance.

    Parameters
    ----------
    bundles : by name.
    group_prices : group to cents a case.
    worth_units, worth_cents : what money is worth.
    contracts : by bundle and hospital.
    largest : shape (K,), U_k.
    """

    name: ClassVar[str] = "bundled_payment"
    pays: ClassVar[bool] = True
    limits: ClassVar[bool] = True

    bundles: tuple[Bundle, ...]
    group_prices: Mapping[str, int]
    worth_units: int
    worth_cents: int
    contracts: tuple[Contract, ...]
    largest: IntArray

    @classmethod
    def read(cls, entry: Any, instance: Instance, entries: Mapping[str, Any]) -> BundledPayment:
        """See `splgbench.extensions.base.Extension.read`."""
        reader = Entry(cls.name, entry, ("bundles", "members", "group_prices", "worth_units", "worth_cents"))
        units = reader.whole("worth_units", reader.fields.get("worth_units"))
        cents = reader.whole("worth_cents", reader.fields.get("worth_cents"), least=1)
        prices = {group: p for group, (p,) in reader.by_group("group_prices", instance, "cents").items()}
        episode_cents = _episode_cents(reader)
        cases = _members(reader, instance, episode_cents)
        reader.done()
        bundles = []
        for bundle in sorted(episode_cents):
            members = dict(sorted(cases[bundle].items()))
            unpriced = [group for group in members if group not in prices]
            saved = sum(n * prices.get(group, 0) for group, n in members.items()) - episode_cents[bundle]
            if not members:
                reader.report("members", f"must name a group of the bundle {bundle}")
            elif unpriced:
                reader.report("group_prices", f"must name the price of {unpriced[0]}, which is in {bundle}")
            elif saved < 0:
                single = saved + episode_cents[bundle]
                rule = f"an episode of {bundle} must not cost more than its single cases, {single} cents"
                reader.report("bundles", rule, episode_cents[bundle])
            bundles.append(Bundle(bundle, episode_cents[bundle], members, units * max(0, saved) // cents))
        reader.done()
        contracts = tuple(
            Contract(bundle, hospital, offers)
            for bundle in bundles
            for hospital in instance.hospitals
            if (offers := {g: k for g in bundle.cases if (k := instance.offer_index.get((hospital, g))) is not None})
        )
        found = cls(tuple(bundles), prices, units, cents, contracts, largest_volumes(instance))
        most = sum(contract.bundle.worth * most for contract, most in found._paid())
        if most >= LARGEST:
            reader.report("worth_units", "all episodes that could be treated must be worth less than 2^62 units", most)
            reader.done()
        return found

    def entry(self) -> dict[str, Any]:
        """See `splgbench.extensions.base.Extension.entry`."""
        return {
            "bundles": [{"bundle": bundle.name, "cents": bundle.cents} for bundle in self.bundles],
            "members": [
                {"bundle": bundle.name, "group": group, "cases": cases}
                for bundle in self.bundles
                for group, cases in bundle.cases.items()
            ],
            "group_prices": [{"group": group, "cents": cents} for group, cents in sorted(self.group_prices.items())],
            "worth_units": self.worth_units,
            "worth_cents": self.worth_cents,
        }

    def carried(self, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
        """See `splgbench.extensions.base.Extension.carried`: a bundle that loses a group is gone, the rest is free."""
        kept = {bundle.name for bundle in self.bundles if all(group in keys["group"] for group in bundle.cases)}
        if not kept:
            return None
        found = self.entry()
        found["bundles"] = [row for row in found["bundles"] if row["bundle"] in kept]
        found["members"] = [row for row in found["members"] if row["bundle"] in kept]
        for table in ("members", "group_prices"):
            found[table] = carried_rows(found[table], keys)
        return found

    def _paid(self) -> list[tuple[Contract, int]]:
        """Contracts whose episodes are worth something, and the most episodes that they can have."""
        return [
            (
                contract,
                min(int(self.largest[k]) // contract.bundle.cases[group] for group, k in contract.offers.items()),
            )
            for contract in self.contracts
            if contract.bundle.worth and not contract.lacking
        ]

    def rows(self) -> WholeRows:
        """(1), (2) and (6)."""
        n_offers = len(self.largest)
        entries: list[tuple[int, int, int]] = []
        lower: list[int] = []
        texts: list[str] = []

        def add(low: int, text: str, *terms: tuple[int, int]) -> None:
            entries.extend((len(texts), column, value) for column, value in terms)
            lower.append(low)
            texts.append(text)

        for contract in self.contracts:
            where = f"bundle {contract.bundle.name} at {contract.hospital}"
            if contract.lacking:
                for group, k in contract.offers.items():
                    add(0, f"{where}: no {group} without {contract.lacking[0]}", (n_offers + k, 1))
            else:
                (first, k), *others = contract.offers.items()
                for group, q in others:
                    add(0, f"{where}: {first} with {group}", (n_offers + k, 1), (n_offers + q, -1))
        paid = self._paid()
        for position, (contract, _) in enumerate(paid):
            for group, k in contract.offers.items():
                text = f"episodes of {contract.bundle.name} at {contract.hospital} in {group}"
                add(-UNLIMITED, text, (2 * n_offers + position, contract.bundle.cases[group]), (k, -1))
        row, column, value = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        return WholeRows(
            family=self.name,
            n_offers=n_offers,
            own_lower=np.zeros(len(paid), dtype=np.int64),
            own_upper=np.array([most for _, most in paid], dtype=np.int64),
            own_worth=np.array([contract.bundle.worth for contract, _ in paid], dtype=np.int64),
            row=row,
            column=column,
            value=value,
            lower=np.array(lower, dtype=np.int64),
            upper=np.zeros(len(texts), dtype=np.int64),
            texts=tuple(texts),
        )

    def violations(self, volumes: Sequence[int]) -> Iterator[Violation]:
        """See `splgbench.extensions.base.Extension.violations`; amounts in groups that lack a mandate."""
        for contract in self.contracts:
            held = [group for group, k in contract.offers.items() if volumes[k] > 0]
            missing = [group for group in contract.bundle.cases if group not in held]
            if held and missing:
                text = f"{contract.hospital} has {', '.join(held)} of the bundle {contract.bundle.name} without "
                yield Violation(self.name, contract.hospital, None, len(missing), text + ", ".join(missing))

    def payment(self, volumes: Sequence[int]) -> int:
        """See `splgbench.extensions.base.Extension.payment`: (5)."""
        return sum(contract.bundle.worth * contract.episodes(volumes) for contract in self.contracts)


def _episode_cents(reader: Entry) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in reader.rows("bundles", "bundle", "cents"):
        place, bundle = row["place"], row["bundle"]
        if not isinstance(bundle, str) or not bundle:
            reader.report(f"{place}.bundle", "must be text", bundle)
        elif bundle in found:
            reader.report(f"{place}.bundle", "must be unique", bundle)
        else:
            found[bundle] = reader.whole(f"{place}.cents", row["cents"])
    return found


def _members(reader: Entry, instance: Instance, bundles: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Cases an episode takes, by bundle and group."""
    found: dict[str, dict[str, int]] = {bundle: {} for bundle in bundles}
    taken: dict[str, str] = {}
    known = set(instance.groups)
    for row in reader.rows("members", "bundle", "group", "cases", optional=("cases",)):
        place, bundle, group = row["place"], row["bundle"], row["group"]
        if bundle not in found:
            reader.report(f"{place}.bundle", "must be one of bundles", bundle)
        elif group not in known:
            reader.report(f"{place}.group", "must be a group of the instance", group)
        elif group in taken:
            reader.report(f"{place}.group", f"a group stands in one bundle; {group} is in {taken[group]}", bundle)
        else:
            taken[group] = bundle
            found[bundle][group] = reader.whole(f"{place}.cases", row.get("cases", 1), least=1)
    return found


extension = BundledPayment
