"""The exact checker: judges an allocation from the instance alone, in Python integers.

Written from the statement of the problem (docs/model.md). It shares nothing with the formulations, the
model arrays or the presolve stage, so that a mistake there cannot hide here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import index

import numpy as np

from splgbench.allocation import Allocation
from splgbench.errors import InputError
from splgbench.instance import Instance, IntArray


@dataclass(frozen=True)
class Violation:
    """One broken rule with its numbers.

    Parameters
    ----------
    rule : "offer", "whole", "demand", "capacity", "area_capacity", "threshold", "link", "override" or the name of an
        extension.
    hospital, group : where; None where the rule spans several.
    amount : by how many cases (1 for a broken link or a missing or forbidden mandate); an extension says by what.
    text : the sentence a reader needs.
    """

    rule: str
    hospital: str | None
    group: str | None
    amount: int
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


@dataclass(frozen=True)
class Verdict:
    """What the checker found: the exact objective and every violation."""

    objective: int
    violations: tuple[Violation, ...]

    @property
    def feasible(self) -> bool:
        return not self.violations


def check(instance: Instance, allocation: Allocation | Mapping[tuple[str, str], int] | IntArray) -> Verdict:
    """Judge an allocation exactly.

    Parameters
    ----------
    allocation : an `Allocation`, cases by (hospital, group), or whole volumes over offers, shape (K,).

    Returns
    -------
    Verdict
        The objective in utility units over the cases that name offers, and all violations.

    Raises
    ------
    TypeError
        Cases are no whole numbers.
    InputError
        The allocation is for another instance.

    Source: model statement, rows (demand) to (override).
    """
    if isinstance(allocation, Allocation):
        if allocation.instance_hash not in (None, instance.instance_hash):
            raise InputError("is for another instance", "allocation")
        allocation = allocation.cases
    if isinstance(allocation, np.ndarray):
        if allocation.shape != (instance.n_offers,) or not np.issubdtype(allocation.dtype, np.integer):
            raise TypeError("volumes must be whole numbers over the offers of the instance")
        allocation = {instance.offer_name(k): x for k, x in enumerate(allocation.tolist())}
    return _Court(instance, allocation).verdict()


class _Court:
    def __init__(self, instance: Instance, cases: Mapping[tuple[str, str], int]) -> None:
        self.instance = instance
        self.cases = {pair: whole for pair, x in cases.items() if (whole := index(x)) != 0}
        self.capacity = dict(zip(instance.offer_index, instance.capacity.tolist(), strict=True))
        self.area_of = {
            group: instance.areas[a] for group, a in zip(instance.groups, instance.group_area.tolist(), strict=True)
        }
        self.volumes = [0] * instance.n_offers
        for k, _, _, x in self._offered():
            self.volumes[k] = x
        self.exempt: dict[str, set[tuple[str, str]]] = {"threshold": set(), "links": set()}
        overrides = zip(instance.override_offer.tolist(), instance.override_rule, strict=True)
        for k, rule in overrides:
            if rule:
                self.exempt[rule].add(instance.offer_name(k))

    def verdict(self) -> Verdict:
        utility = self.instance.utility
        offers = self.instance.offer_index
        objective = sum(int(utility[offers[pair]]) * x for pair, x in self.cases.items() if pair in offers)
        rules = (
            self._offers(),
            self._demand(),
            self._capacity(),
            self._area_capacity(),
            self._threshold(),
            self._links(),
            self._overrides(),
            *(extension.violations(self.volumes) for extension in self.instance.extensions.values()),
        )
        objective += sum(extension.payment(self.volumes) for extension in self.instance.extensions.values())
        return Verdict(objective, tuple(violation for rule in rules for violation in rule))

    def _offers(self) -> Iterator[Violation]:
        """Cases are whole, not negative, and stand only where the hospital offers the group."""
        for (hospital, group), x in sorted(self.cases.items()):
            if (hospital, group) not in self.instance.offer_index:
                text = f"{hospital} is given {x} cases of {group} but does not offer it"
                yield Violation("offer", hospital, group, abs(x), text)
            elif x < 0:
                yield Violation("whole", hospital, group, -x, f"{hospital} is given {x} cases of {group}")

    def _offered(self) -> Iterator[tuple[int, str, str, int]]:
        for (hospital, group), x in self.cases.items():
            k = self.instance.offer_index.get((hospital, group))
            if k is not None:
                yield k, hospital, group, x

    def _demand(self) -> Iterator[Violation]:
        """(demand): the cases of a cell do not exceed B_c."""
        total: dict[int, int] = defaultdict(int)
        for k, _, _, x in self._offered():
            total[int(self.instance.offer_cell[k])] += x
        for c, cases in sorted(total.items()):
            demand = int(self.instance.demand[c])
            if cases > demand:
                text = f"{self.instance.cell_name(c)}: {cases} cases given, {demand} needed"
                group = self.instance.groups[int(self.instance.cell_group[c])]
                yield Violation("demand", None, group, cases - demand, text)

    def _capacity(self) -> Iterator[Violation]:
        """(capacity), modes group and both: x_k <= K_k."""
        if self.instance.capacity_mode not in ("group", "both"):
            return
        for _, hospital, group, x in self._offered():
            limit = self.capacity[hospital, group]
            if x > limit:
                text = f"{hospital} is given {x} cases of {group}, capacity {limit}"
                yield Violation("capacity", hospital, group, x - limit, text)

    def _area_capacity(self) -> Iterator[Violation]:
        """(capacity), modes area and both: the cases of a hospital in an area do not exceed Q_{h,a}."""
        if self.instance.capacity_mode not in ("area", "both"):
            return
        limit: dict[tuple[str, str], int] = defaultdict(int)
        for (hospital, group), capacity in self.capacity.items():
            limit[hospital, self.area_of[group]] += capacity
        stated = zip(
            self.instance.stated_pair_hospital.tolist(),
            self.instance.stated_pair_area.tolist(),
            self.instance.stated_pair_capacity.tolist(),
            strict=True,
        )
        for h, a, capacity in stated:
            limit[self.instance.hospitals[h], self.instance.areas[a]] = capacity
        total: dict[tuple[str, str], int] = defaultdict(int)
        for _, hospital, group, x in self._offered():
            total[hospital, self.area_of[group]] += x
        for (hospital, area), cases in sorted(total.items()):
            if cases > limit[hospital, area]:
                text = f"{hospital} is given {cases} cases in area {area}, capacity {limit[hospital, area]}"
                yield Violation("area_capacity", hospital, None, cases - limit[hospital, area], text)

    def _threshold(self) -> Iterator[Violation]:
        """(threshold): a mandate holds at least max(1, m_g, ceil(v_g B_c / 10000)) cases."""
        for k, hospital, group, x in self._offered():
            g, c = int(self.instance.offer_group[k]), int(self.instance.offer_cell[k])
            share = -(-int(self.instance.minimum_share_bp[g]) * int(self.instance.demand[c]) // 10_000)
            least = max(1, int(self.instance.minimum_cases[g]), share)
            if (hospital, group) in self.exempt["threshold"]:
                least = 1
            if 0 < x < least:
                text = f"{hospital} is given {x} cases of {group}, a mandate needs {least}"
                yield Violation("threshold", hospital, group, least - x, text)

    def _links(self) -> Iterator[Violation]:
        """(link any), (link all): every clause of the group holds at the hospital that has the mandate."""
        instance = self.instance
        mandates = {(hospital, group) for _, hospital, group, x in self._offered() if x > 0}
        partners: dict[str, list[str]] = defaultdict(list)
        for hospital, network in zip(instance.hospitals, instance.cooperation, strict=True):
            if network:
                partners[network].append(hospital)
        network_of = dict(zip(instance.hospitals, instance.cooperation, strict=True))
        clauses: dict[str, list[tuple[str, bool, list[tuple[str, bool]]]]] = defaultdict(list)
        for i in range(instance.n_clauses):
            begin, end = int(instance.clause_start[i]), int(instance.clause_start[i + 1])
            members = [
                (instance.groups[int(instance.required_group[j])], bool(instance.required_in_cooperation[j]))
                for j in range(begin, end)
            ]
            group = instance.groups[int(instance.clause_group[i])]
            clauses[group].append((instance.clause_name[i], bool(instance.clause_is_all[i]), members))

        def stands(hospital: str, required: str, in_cooperation: bool) -> bool:
            network = network_of[hospital]
            places = partners[network] if in_cooperation and network else [hospital]
            return any((place, required) in mandates for place in places)

        for hospital, group in sorted(mandates - self.exempt["links"]):
            for name, is_all, members in clauses[group]:
                missing = [required for required, wide in members if not stands(hospital, required, wide)]
                if missing and (is_all or len(missing) == len(members)):
                    words = "all of" if is_all else "one of"
                    wanted = ", ".join(required for required, _ in members)
                    lacking = ", ".join(missing)
                    text = f"{hospital} has {group} without {words} {wanted} (clause {name}; missing: {lacking})"
                    yield Violation("link", hospital, group, 1, text)

    def _overrides(self) -> Iterator[Violation]:
        """(override): what a planner fixed."""
        instance = self.instance
        overrides = zip(
            instance.override_offer.tolist(), instance.override_action, instance.override_cases.tolist(), strict=True
        )
        for k, action, wanted in overrides:
            hospital, group = instance.offer_name(k)
            x = self.cases.get((hospital, group), 0)
            if action == "grant" and x <= 0:
                yield Violation("override", hospital, group, 1, f"{hospital} must have a mandate for {group}")
            elif action == "refuse" and x != 0:
                text = f"{hospital} must have no mandate for {group}, has {x} cases"
                yield Violation("override", hospital, group, abs(x), text)
            elif action == "fix" and x != wanted:
                text = f"{hospital} must have {wanted} cases of {group}, has {x}"
                yield Violation("override", hospital, group, abs(x - wanted), text)
