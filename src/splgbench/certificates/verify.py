"""The verifier of certificates (docs/certificates.md): whole numbers and the standard library only.

It reads package tables and derives everything else again: no solver, formulation, presolve stage or checker takes part.
A bound comes from rows that hold for every allocation, with multipliers m_i >= 0 over a common denominator D:

    D u x <= sum_i m_i b_i + max { (D u - sum_i m_i a_i) (x, y) : (x, y) in X }                                      (1)

Kind `lp` takes for X the box of the columns, kind `lagrangian` the rules of one hospital block after the other (2).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from math import gcd
from typing import Any

from splgbench.certificates.certificate import Certificate, DualPart, RefutedError, Verified
from splgbench.certificates.numbers import Numbers, Place
from splgbench.errors import InputError
from splgbench.instance import Instance

RELAXED = ("demand", "cell_knapsack")  # What kind `lagrangian` may relax: all other rows hold within a block.
Row = tuple[Mapping[int, int], Mapping[int, int], int]  # Coefficients of x, of y, right-hand side of a row <=.
Chosen = frozenset[int]
Needs = Sequence[tuple[int, Chosen]]
Relaxed = tuple[int, Chosen, int | None] | None
Relax = Callable[[Chosen, Chosen], Relaxed]


def verify(instance: Instance, certificate: Certificate) -> Verified:
    """Verify every claim.

    Raises `InputError` for another instance's hash, a wrong sign or a row that cannot be derived, `RefutedError` for an
    allocation that breaks a rule or has another value and for a bound lower than what its multipliers prove.
    """
    file, primal, bounds = certificate.file, None, dict[str, int | None]()
    if certificate.instance_hash != instance.instance_hash:
        raise InputError(f"field instance_hash: must be this instance's, {instance.instance_hash[:12]}...", file)
    if instance.extensions:
        raise InputError("certificates say nothing of extensions: certify the plain instance", file)
    rules = Rules(instance.to_tables(), instance.capacity_mode)
    if certificate.cases is not None:
        broken, primal = rules.judge(certificate.cases)
        if broken:
            raise RefutedError(f"{file}: field allocation: {broken}")
    if certificate.primal != primal:
        raise RefutedError(f"{file}: field primal: claims {certificate.primal}, the allocation is worth {primal}")
    for number, part in enumerate(certificate.parts):
        bound = prove(rules, part, f"{file}: field bounds[{number}]")
        if bound is not None and part.bound < bound:
            raise RefutedError(f"{file}: field bounds[{number}].bound: claims {part.bound}, {bound} is proved")
        bounds[part.kind] = bound
    return Verified(primal, bounds)


def prove(rules: Rules, part: DualPart, where: str = "certificate") -> int | None:
    """The bound that the multipliers of a dual part prove, equation (1), rounded down; None: no allocation exists."""
    total, gain, fee = 0, [part.denominator * u for u in rules.utility], [0] * len(rules.utility)
    for family, rows in part.rows.items():
        if part.kind == "lagrangian" and family not in RELAXED:
            raise InputError(f"lagrangian relaxes {' and '.join(RELAXED)}, not {family}", where)
        for key, multiplier in rows:
            try:
                of_volume, of_mandate, limit = rules.row(family, key)
                if multiplier < 0:
                    raise ValueError("its multiplier must not be negative")
            except (LookupError, TypeError, ValueError) as error:
                raise InputError(f"cannot derive the row {family} of {key}: {error!r}", where) from None
            total += multiplier * limit
            for coefficients, reduced in ((of_volume, gain), (of_mandate, fee)):
                for k, a in coefficients.items():
                    reduced[k] -= multiplier * a
    if rules.dead & rules.stands:
        return None
    if part.kind == "lagrangian":
        values = [Block(rules, offers, gain, fee, part.node_budget).value for offers in rules.blocks()]
        return None if None in values else (total + sum(filter(None, values))) // part.denominator
    for k in rules.live:
        low, least = (rules.low[k], 1) if k in rules.stands else (0, 0)
        total += max(gain[k] * low, gain[k] * rules.high[k]) + max(fee[k] * least, fee[k])
    return total // part.denominator


class Rules(Numbers):
    """The rules of an instance and what follows from them ("Deductions" of docs/certificates.md)."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]], mode: str) -> None:
        """To a fixpoint: which offers cannot stand, which must, and the volume that what must stand leaves each."""
        super().__init__(tables, mode)
        self.high = list(self.most)
        self.dead = self.refused | {k for k in range(len(self.name)) if self.low[k] > self.high[k]}
        died = True
        while died:
            died = False
            self.live = [k for k in range(len(self.name)) if k not in self.dead]
            self.alive = {k: {key: at - self.dead for key, at in self.needs[k].items()} for k in self.live}
            self.forced = {k: {q for at in self.alive[k].values() if len(at) == 1 for q in at} for k in self.live}
            self.stands = self.closure(self.granted)
            for k in self.live:
                taken = Counter(dict.fromkeys(self.places[k], 0))
                for q in (self.closure({k}) | self.stands) - {k}:
                    for place in self.places[q]:
                        taken[place] += self.low[q]
                left = {place: self.limit[place] - n for place, n in taken.items()}
                self.high[k] = min(self.high[k], *(left[place] for place in self.places[k]))
                if self.high[k] < self.low[k] or min(left.values()) < 0 or not all(self.alive[k].values()):
                    self.dead.add(k)
                    died = True
        self.members: dict[Place, list[int]] = {place: [] for place in self.limit}
        for k in self.live:
            for place in self.places[k]:
                self.members[place].append(k)

    def closure(self, start: Iterable[int]) -> set[int]:
        """The offers that must stand where those of `start` do, themselves included."""
        order = list(start)
        for k in order:
            order += self.forced.get(k, set()).difference(order)
        return set(order)

    def judge(self, cases: Mapping[tuple[str, str], int]) -> tuple[str, int]:
        """The first rule that an allocation breaks ("" where none), and its value."""
        for (h, g), x in cases.items():
            if (h, g) not in self.offer or x < 0:
                return f"{x} cases of {g} at {h} are not possible", 0
        volume, left = {self.offer[name]: x for name, x in cases.items() if x}, Counter(self.limit)
        for k, x in volume.items():
            if k in self.refused or not self.low[k] <= x <= self.most[k]:
                return f"{self.name[k]} is given {x} cases, may have {self.low[k]} to {self.most[k]} or none", 0
            if any(members.isdisjoint(volume) for members in self.needs[k].values()):
                return f"{self.name[k]} has a mandate without all that its links need", 0
            left.subtract(dict.fromkeys(self.places[k], x))
        for place in +Counter({place: -x for place, x in left.items()}):
            return f"{place} is given {-left[place]} cases more than its limit {self.limit[place]}", 0
        for k in self.granted - volume.keys():
            return f"{self.name[k]} has no mandate, which an override grants", 0
        return "", sum(self.utility[k] * x for k, x in volume.items())

    def row(self, family: str, key: Sequence[Any]) -> Row:
        """A row, derived from the rules; LookupError, TypeError or ValueError where it does not follow from them."""
        h, g, *rest = key
        if family in ("demand", "area_capacity", "cell_knapsack", "area_knapsack"):
            place = ("cell" if family in ("demand", "cell_knapsack") else "pair", h, g)
            limit, offers = self.limit[place], self.members[place]
            if family in ("demand", "area_capacity"):
                return dict.fromkeys(offers, 1), {}, limit
            unit = gcd(*(self.low[k] for k in offers)) or 1
            return {}, {k: self.low[k] // unit for k in offers}, limit // unit
        if family in ("closure_cut", "shared_link_cut"):
            if family == "closure_cut":  # Offers of hospital h in an area whose closures hold its group g.
                place, members = ("pair", h, rest[0]), frozenset({self.offer[h, g]})
                needs = {self.offer[h, own]: frozenset(self.closure([self.offer[h, own]])) & members for own in rest[1]}
            else:  # Offers of hospital h in area g whose needs, by [group, clause, required], have the same members.
                needs = {self.offer[h, own]: self.alive[self.offer[h, own]][clause, r] for own, clause, r in rest[0]}
                place, (members,) = ("pair", h, g), set(needs.values())
            if any(need != members or place not in self.places[k] for k, need in needs.items()):
                raise ValueError("not all of these offers need it, or not all lie in this area")
            return dict.fromkeys(needs, 1), dict.fromkeys(members, -self.limit[place]), 0
        k = self.offer[h, g]
        if family == "volume_needs_mandate":
            return {k: 1}, {k: -self.high[k]}, 0
        if family == "threshold":
            return {k: -1}, {k: self.low[k]}, 0
        if family != "link":
            raise ValueError("no such family")
        clause, required = rest
        return {}, {k: 1, **dict.fromkeys(self.alive[k][clause, required], -1)}, 0

    def blocks(self) -> list[Chosen]:
        """The live offers by hospital, where hospitals that live links join are one."""
        block = {h: frozenset({h}) for h, _ in self.name}
        for k in self.live:
            for q in frozenset().union(*self.alive[k].values()):
                joined = block[self.name[k][0]] | block[self.name[q][0]]
                block.update(dict.fromkeys(joined, joined))
        return [frozenset(k for k in self.live if self.name[k][0] in hospitals) for hospitals in set(block.values())]


class Block:
    """The largest sum of gain x + fee y that the rules allow hospitals of one block, or a number above it.    (2)

    Two searches, one in the other. The outer one takes each hospital-area at its own best and branches on mandates
    that links across areas miss; the inner one finds that best. Both branch with the mandate first. A node that is
    reached after `budget` nodes counts with its relaxation.
    """

    def __init__(self, rules: Rules, offers: Chosen, gain: list[int], fee: list[int], budget: int) -> None:
        self.rules, self.gain, self.fee, self.left = rules, gain, fee, budget
        self.ceiling = sum(max(0, gain[k] * rules.high[k]) for k in offers)
        pairs: dict[Place, set[int]] = defaultdict(set)
        for k in offers:
            pairs[rules.pair[k]].add(k)
        self.areas = {pair: frozenset(own) for pair, own in pairs.items()}
        self.needs = [(k, members) for k in sorted(offers) for members in rules.alive[k].values()]
        self.within = {p: [(k, at) for k, at in self.needs if k in own and at <= own] for p, own in self.areas.items()}
        self.known: dict[Any, tuple[int | None, Chosen]] = {}
        self.value, self.chosen = self._search(offers & rules.stands, frozenset(), self._block)

    def _search(self, inside: Chosen, outside: Chosen, relax: Relax) -> tuple[int | None, Chosen]:
        """Depth-first branch and bound: the best leaf and its mandates; None where there is none."""
        best: int | None = None
        chosen, stack = inside, [(inside, outside, self.ceiling)]
        while stack:
            inside, outside, ceiling = stack.pop()
            self.left -= 1
            found = relax(inside, outside)
            if found is None:
                continue
            value, solution, branch = min(found[0], ceiling), *found[1:]
            if best is not None and value <= best:
                continue
            if branch is None or self.left <= 0:
                best, chosen = value, solution
            else:
                stack += [(inside, outside | {branch}, value), (inside | {branch}, outside, value)]
        return best, chosen

    def _block(self, inside: Chosen, outside: Chosen) -> Relaxed:
        """Each hospital-area at its best, links across areas left out."""
        stands, gone = _follow(self.needs, inside, outside)
        if stands & gone:
            return None
        total, chosen = 0, Chosen()
        for pair, own in self.areas.items():
            at = (pair, frozenset(stands & own), frozenset(gone & own))
            if at not in self.known:
                self.known[at] = self._search(at[1], at[2], partial(self._area, pair))
            value, solution = self.known[at]
            if value is None:
                return None
            total, chosen = total + value, chosen | solution
        return total, chosen, _missed(self.needs, chosen, gone)

    def _area(self, pair: Place, inside: Chosen, outside: Chosen) -> Relaxed:
        """Fill the area by the best gain, the fee of an open mandate spread over its largest volume."""
        stands, gone = _follow(self.within[pair], inside, outside)
        low, high = self.rules.low, self.rules.high
        room = self.rules.limit.get(pair, sum(high[k] for k in self.areas[pair])) - sum(low[k] for k in stands)
        if room < 0 or stands & gone:
            return None
        total, chosen, branch = sum(self.gain[k] * low[k] + self.fee[k] for k in stands), set(stands), None
        items = [(self.gain[k], k, high[k] - low[k]) for k in stands]
        free = [k for k in self.areas[pair] - stands - gone if low[k] <= room]
        items += [(-(-(self.gain[k] * high[k] + self.fee[k]) // high[k]), k, high[k]) for k in free]
        for rate, k, most in sorted(items, reverse=True):
            if rate <= 0 or not room:
                break
            x = min(most, room)
            total, room = total + rate * x, room - x
            chosen.add(k)
            if k not in stands and x < most and (x < low[k] or self.fee[k]):
                branch = k
        if branch is None:
            branch = _missed(self.within[pair], chosen, gone)
        return total, frozenset(chosen), branch


def _follow(needs: Needs, inside: Chosen, outside: Chosen) -> tuple[set[int], set[int]]:
    """What stands and what is gone as a consequence; they overlap where these clash."""
    stands, gone, known = set(inside), set(outside), -1
    while known < len(stands) + len(gone):
        known = len(stands) + len(gone)
        for k, members in needs:
            left = members - gone
            if not left:
                gone.add(k)
            elif k in stands and len(left) == 1:
                stands |= left
    return stands, gone


def _missed(needs: Needs, chosen: Collection[int], gone: set[int]) -> int | None:
    """The mandate that most of the unmet links ask for; None where all are met."""
    asked = Counter(q for k, at in needs if k in chosen and at.isdisjoint(chosen) for q in sorted(at - gone))
    return max(asked, key=lambda q: (asked[q], -q)) if asked else None
