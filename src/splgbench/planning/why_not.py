"""Why an offer has no mandate: the rule that forbids it, or the offers that displace it, and what granting it costs.

A mandate that a rule forbids is explained by numbers where one limit settles it, else by the smallest set of rules that
clash with it. For any other, the instance is solved again with the mandate forced: the loss is the difference of the
two values, and the offers whose cases make room are those that displace it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from splgbench.errors import InputError
from splgbench.instance import Instance, IntArray
from splgbench.planning.overrides import price
from splgbench.planning.solving import Solved, Solver
from splgbench.planning.tables import columns_of
from splgbench.volumes import exempt_from, fixings, largest_volumes, minimum_share_cases, pairs, thresholds

Kind = Literal["held", "override", "rule", "displaced"]
Bond = Literal["need", "area", "link", "elsewhere"]


@dataclass(frozen=True)
class Shift:
    """An offer whose cases differ once the mandate is granted.

    Parameters
    ----------
    offer : number k.
    hospital, group : its keys.
    utility : u_k, utility units a case.
    before, after : cases without and with the mandate.
    bond : what it shares with the refused offer: the "need" of its cell, the "area" capacity of its hospital, a "link"
        to or from its group in the hospital or its cooperation group; else "elsewhere".
    """

    offer: int
    hospital: str
    group: str
    utility: int
    before: int
    after: int
    bond: Bond


@dataclass(frozen=True)
class WhyNot:
    """The answer.

    Parameters
    ----------
    kind : "held" (it has the mandate), "override" (a planner refused it), "rule" or "displaced".
    hospital, group : of the offer.
    rules : for "override" and "rule", what forbids the mandate, a sentence each.
    loss : benefit lost by granting it, in utility units; None where it cannot be granted.
    least, most : bounds on the loss of the optimum; `most` is None where no bound is known. Equal where both optima are
        proved.
    shifts : what differs with the mandate, those that share something with the offer first.
    placed : offers of the cell that hold cases, the best utility first; nothing shifts unless it is "displaced".
    """

    kind: Kind
    hospital: str
    group: str
    rules: tuple[str, ...] = ()
    loss: int | None = None
    least: int | None = None
    most: int | None = None
    shifts: tuple[Shift, ...] = ()
    placed: tuple[Shift, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the loss is proved."""
        return self.loss is not None and self.least == self.most == self.loss


def why_not(instance: Instance, base: Solved, hospital: str, group: str, solver: Solver) -> WhyNot:
    """Why `hospital` has no mandate for `group` in an allocation, and the loss if it had.

    Parameters
    ----------
    base : the allocation that is asked about, of this instance.
    solver : solves with the mandate forced; what it knows of the instance must not be worse than `base`.

    Raises
    ------
    InputError
        The hospital makes no such offer.
    SplgbenchError
        A solve failed, or nothing was found within its limits.
    """
    k = instance.offer_index.get((hospital, group))
    if k is None:
        told = (
            f"{hospital} makes no offer for {group}: it did not apply, or its application does not meet a requirement"
        )
        raise InputError(told, "why not")
    placed = tuple(_placed(instance, base.volumes, k))
    if base.volumes[k] > 0:
        return WhyNot("held", hospital, group, placed=placed)
    if fixings(instance).refused[k]:
        return WhyNot("override", hospital, group, (_refusal(instance, k),), placed=placed)
    rules = tuple(_forbidding(instance, k))
    if rules:
        return WhyNot("rule", hospital, group, rules, placed=placed)
    solver.know(instance, base)
    priced = price(instance, _grant(hospital, group), solver)
    if priced.solved is None:
        clash = tuple(member for member in priced.clash if member != f"grant {hospital} {group}")
        return WhyNot("rule", hospital, group, clash, placed=placed)
    least, most = _interval(base, priced.solved)
    shifts = tuple(_shifts(instance, base.volumes, priced.solved.volumes, k))
    after = priced.solved.volumes
    placed = tuple(_placed(instance, base.volumes, k, after))
    return WhyNot("displaced", hospital, group, (), base.primal - priced.solved.primal, least, most, shifts, placed)


def _grant(hospital: str, group: str) -> dict[str, list[Any]]:
    names = ("hospital", "group", "action", "reason", "author")
    return columns_of(names, [(hospital, group, "grant", "why not?", "splgbench")])


def _interval(base: Solved, forced: Solved) -> tuple[int, int | None]:
    """Bounds on the difference of the two optima: forcing a mandate can only lose."""
    least = 0 if forced.dual is None else max(0, base.primal - forced.dual)
    return least, None if base.dual is None else base.dual - forced.primal


def _refusal(instance: Instance, k: int) -> str:
    reasons = instance.notes.get("overrides", {}).get("reason", ())
    for row, (offer, action) in enumerate(zip(instance.override_offer.tolist(), instance.override_action, strict=True)):
        if offer == k and action in ("refuse", "fix"):
            return (
                f"a planner refused it: {reasons[row]}"
                if row < len(reasons) and reasons[row]
                else "a planner refused it"
            )
    raise AssertionError("unreachable: the offer is refused")


def _forbidding(instance: Instance, k: int) -> Iterator[str]:
    """Limits that lie below the threshold by themselves."""
    cell = int(instance.offer_cell[k])
    hospital, group = instance.offer_name(k)
    demand = int(instance.demand[cell])
    if demand == 0:
        yield f"there is no need for {instance.cell_name(cell)}"
        return
    least = int(thresholds(instance)[k])
    if least <= int(largest_volumes(instance)[k]):
        return
    share, cases = int(minimum_share_cases(instance)[k]), int(instance.minimum_cases[instance.offer_group[k]])
    if exempt_from(instance, "threshold")[k]:
        rule = "a mandate needs at least 1 case"
    elif share > cases:
        basis = int(instance.minimum_share_bp[instance.offer_group[k]]) / 100
        rule = f"the minimum share of {group} ({basis:g} % of {demand:,} cases) asks for {share:,} cases"
    else:
        rule = f"{group} has minimum cases of {least:,}"
    if least > demand:
        yield f"{rule}; the need is {demand:,}"
    if instance.limits_groups and least > int(instance.capacity[k]):
        yield f"{rule}; the capacity of {hospital} in {group} is {int(instance.capacity[k]):,}"
    if instance.limits_areas:
        pair = pairs(instance)
        limit = int(pair.capacity[pair.of_offer[k]])
        if least > limit:
            area = instance.areas[int(instance.group_area[instance.offer_group[k]])]
            yield f"{rule}; the capacity of {hospital} in area {area} is {limit:,}"


def _placed(instance: Instance, before: IntArray, k: int, after: IntArray | None = None) -> Iterator[Shift]:
    """Offers of the cell that hold cases, the best utility first."""
    after = before if after is None else after
    same = np.flatnonzero((instance.offer_cell == instance.offer_cell[k]) & (before > 0))
    for q in same[np.argsort(-instance.utility[same], kind="stable")].tolist():
        yield _shift(instance, before, after, q, "need")


def _shifts(instance: Instance, before: IntArray, after: IntArray, k: int) -> Iterator[Shift]:
    order: dict[Bond, int] = {"need": 0, "area": 1, "link": 2, "elsewhere": 3}
    found = [
        _shift(instance, before, after, q, _bond(instance, k, q)) for q in np.flatnonzero(before != after).tolist()
    ]
    yield from sorted(found, key=lambda shift: (shift.offer != k, order[shift.bond], shift.after - shift.before))


def _shift(instance: Instance, before: IntArray, after: IntArray, q: int, bond: Bond) -> Shift:
    hospital, group = instance.offer_name(q)
    return Shift(q, hospital, group, int(instance.utility[q]), int(before[q]), int(after[q]), bond)


def _bond(instance: Instance, k: int, q: int) -> Bond:
    if instance.offer_cell[k] == instance.offer_cell[q]:
        return "need"
    h, other = int(instance.offer_hospital[k]), int(instance.offer_hospital[q])
    g, required = int(instance.offer_group[k]), int(instance.offer_group[q])
    network = instance.cooperation[h]
    if (h == other or (network and network == instance.cooperation[other])) and _linked(instance, g, required):
        return "link"
    if instance.limits_areas and h == other and instance.group_area[g] == instance.group_area[required]:
        return "area"
    return "elsewhere"


def _linked(instance: Instance, g: int, required: int) -> bool:
    """Whether a clause of one of the groups names the other."""
    groups = np.repeat(instance.clause_group, np.diff(instance.clause_start))
    return bool(
        ((groups == g) & (instance.required_group == required)).any()
        or ((groups == required) & (instance.required_group == g)).any()
    )
