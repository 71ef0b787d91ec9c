"""Instances as a careless reader takes them: the same offers in the same order, one thing misread.

Formulations, the checker and the polish are all made wrong by these: each of them reads the instance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from splgbench.instance import Instance, IntArray


def no_links(instance: Instance) -> Instance:
    """No group has a clause."""
    nothing = np.zeros(0, dtype=np.int64)
    return replace(
        instance,
        clause_group=nothing,
        clause_name=(),
        clause_is_all=nothing.astype(np.bool_),
        clause_start=np.zeros(1, dtype=np.int64),
        required_group=nothing,
        required_in_cooperation=nothing.astype(np.bool_),
    )


def any_as_all(instance: Instance) -> Instance:
    """Every clause asks for all its members."""
    return replace(instance, clause_is_all=np.ones_like(instance.clause_is_all))


def all_as_any(instance: Instance) -> Instance:
    """Every clause is content with one member."""
    return replace(instance, clause_is_all=np.zeros_like(instance.clause_is_all))


def clauses_of_the_next_group(instance: Instance) -> Instance:
    """Clauses stand one group further."""
    return replace(instance, clause_group=(instance.clause_group + 1) % max(1, instance.n_groups))


def everything_in_house(instance: Instance) -> Instance:
    """No link may be met by cooperation."""
    return replace(instance, required_in_cooperation=np.zeros_like(instance.required_in_cooperation))


def everything_by_cooperation(instance: Instance) -> Instance:
    """Every link may be met by cooperation."""
    return replace(instance, required_in_cooperation=np.ones_like(instance.required_in_cooperation))


def one_network(instance: Instance) -> Instance:
    """All cooperation groups are one."""
    return replace(instance, cooperation=tuple("N" if name else "" for name in instance.cooperation))


def no_exemption_from(rule: str) -> Callable[[Instance], Instance]:
    """Exemptions from `rule` are overlooked."""

    def read(instance: Instance) -> Instance:
        return replace(instance, override_rule=tuple("" if name == rule else name for name in instance.override_rule))

    return read


def exemptions_swapped(instance: Instance) -> Instance:
    """An exemption from the threshold is one from links, and the reverse."""
    other = {"threshold": "links", "links": "threshold", "": ""}
    return replace(instance, override_rule=tuple(other[name] for name in instance.override_rule))


def no_override(action: str) -> Callable[[Instance], Instance]:
    """Overrides with `action` are overlooked."""

    def read(instance: Instance) -> Instance:
        kept = [row for row, name in enumerate(instance.override_action) if name != action]
        return replace(
            instance,
            override_offer=instance.override_offer[kept],
            override_action=tuple(instance.override_action[row] for row in kept),
            override_cases=instance.override_cases[kept],
            override_rule=tuple(instance.override_rule[row] for row in kept),
        )

    return read


def fix_as_grant(instance: Instance) -> Instance:
    """A fixed volume is a grant of any volume."""
    actions = zip(instance.override_action, instance.override_cases.tolist(), strict=True)
    read = tuple("grant" if action == "fix" and cases > 0 else action for action, cases in actions)
    return replace(instance, override_action=read)


def modes(**other: str) -> Callable[[Instance], Instance]:
    """Capacity modes mistaken for others."""

    def read(instance: Instance) -> Instance:
        return replace(instance, capacity_mode=other.get(instance.capacity_mode, instance.capacity_mode))

    return read


def _with_every_pair(instance: Instance, unstated: int) -> Instance:
    """All hospital-areas stated, those without a row at `unstated`."""
    n_areas = max(1, instance.n_areas)
    every: IntArray = np.arange(instance.n_hospitals * n_areas)
    capacity = np.full(len(every), unstated, dtype=np.int64)
    capacity[instance.stated_pair_hospital * n_areas + instance.stated_pair_area] = instance.stated_pair_capacity
    return replace(
        instance,
        stated_pair_hospital=every // n_areas,
        stated_pair_area=every % n_areas,
        stated_pair_capacity=capacity,
    )


def unstated_pairs_closed(instance: Instance) -> Instance:
    """A hospital-area without stated capacity has none."""
    return _with_every_pair(instance, 0)


def unstated_pairs_unlimited(instance: Instance) -> Instance:
    """A hospital-area without stated capacity has no limit."""
    return _with_every_pair(instance, int(instance.demand.sum()))


def capacity_of_the_next_offer(instance: Instance) -> Instance:
    """K stands one offer further."""
    return replace(instance, capacity=np.roll(instance.capacity, 1))


def demand_of_the_next_cell(instance: Instance) -> Instance:
    """B stands one cell further."""
    return replace(instance, demand=np.roll(instance.demand, 1))


def utility_of_the_next_offer(instance: Instance) -> Instance:
    """u stands one offer further."""
    return replace(instance, utility=np.roll(instance.utility, 1))


def first_offer_worthless(instance: Instance) -> Instance:
    """The objective misses an offer."""
    utility = instance.utility.copy()
    utility[:1] = 0
    return replace(instance, utility=utility)


def one_region(instance: Instance) -> Instance:
    """The regions of a group share their demand."""
    if not instance.n_offers:
        return instance
    first = np.searchsorted(instance.cell_group, np.arange(instance.n_groups))
    demand = np.zeros_like(instance.demand)
    np.add.at(demand, first[instance.cell_group], instance.demand)
    return replace(instance, offer_cell=first[instance.offer_group], demand=demand)


def no_minimum_cases(instance: Instance) -> Instance:
    """m = 0."""
    return replace(instance, minimum_cases=np.zeros_like(instance.minimum_cases))


def no_minimum_share(instance: Instance) -> Instance:
    """v = 0."""
    return replace(instance, minimum_share_bp=np.zeros_like(instance.minimum_share_bp))
