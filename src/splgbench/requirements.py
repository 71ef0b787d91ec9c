"""Link clauses as requirements between offers: y_k <= sum of the mandates that can satisfy it.

An any-clause is one requirement; an all-clause is one requirement per required group. Scopes, cooperation
groups and exemptions are resolved here, so that formulations see offers only (model statement, links).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splgbench.instance import Instance, IntArray
from splgbench.volumes import exempt_from


@dataclass(frozen=True)
class Requirements:
    """R requirements in CSR form.

    Parameters
    ----------
    offer : shape (R,), the offer k that needs.
    start : shape (R + 1,), where the members of each requirement begin.
    member : offers of which one must hold a mandate; a requirement without members refuses its offer.
    clause_is_all : shape (R,), whether it comes from an all-clause.
    """

    offer: IntArray
    start: IntArray
    member: IntArray
    clause_is_all: np.ndarray

    @property
    def count(self) -> int:
        return len(self.offer)

    @property
    def of_member(self) -> IntArray:
        """The requirement of each member."""
        return np.repeat(np.arange(self.count), np.diff(self.start))


def requirements(instance: Instance) -> Requirements:
    """All requirements of the instance; those an offer meets by itself are left out."""
    # One slot per any-clause and per member of an all-clause.
    members = np.diff(instance.clause_start)
    clause_of_member = np.repeat(np.arange(instance.n_clauses), members)
    slot_of_member, slot_clause = _slots(instance, clause_of_member)
    n_slots = len(slot_clause)

    # Requirement = (slot, offer of the slot's group).
    offers_by_group = np.argsort(instance.offer_group, kind="stable")
    group_start = np.searchsorted(instance.offer_group[offers_by_group], np.arange(instance.n_groups + 1))
    slot_group = instance.clause_group[slot_clause]
    slot_size = group_start[slot_group + 1] - group_start[slot_group]
    requirement_slot = np.repeat(np.arange(n_slots), slot_size)
    offer = offers_by_group[_ranges(group_start[slot_group], slot_size)]
    kept = ~exempt_from(instance, "links")[offer]
    requirement_slot, offer = requirement_slot[kept], offer[kept]

    # Members = (requirement, required group of its slot), each resolved to offers.
    slot_members = np.bincount(slot_of_member, minlength=n_slots)
    member_start = np.concatenate(([0], np.cumsum(slot_members)))[:-1]
    sizes = slot_members[requirement_slot]
    entry_requirement = np.repeat(np.arange(len(offer)), sizes)
    order = np.argsort(slot_of_member, kind="stable")
    entry_member = order[_ranges(member_start[requirement_slot], sizes)]
    entry_requirement, entry_offer = _resolve(instance, offer, entry_requirement, entry_member)

    # y_k <= y_k + ... always holds.
    trivial = np.zeros(len(offer), dtype=np.bool_)
    trivial[entry_requirement[entry_offer == offer[entry_requirement]]] = True
    number = np.cumsum(~trivial) - 1
    alive = ~trivial[entry_requirement]
    entry_requirement, entry_offer = number[entry_requirement[alive]], entry_offer[alive]
    offer, requirement_slot = offer[~trivial], requirement_slot[~trivial]
    order = np.lexsort((entry_offer, entry_requirement))
    entry_requirement, entry_offer = entry_requirement[order], entry_offer[order]
    if len(entry_offer):
        fresh = np.ones(len(entry_offer), dtype=np.bool_)
        fresh[1:] = (np.diff(entry_requirement) != 0) | (np.diff(entry_offer) != 0)
        entry_requirement, entry_offer = entry_requirement[fresh], entry_offer[fresh]
    start = np.concatenate(([0], np.cumsum(np.bincount(entry_requirement, minlength=len(offer))))).astype(np.int64)
    return Requirements(offer, start, entry_offer, instance.clause_is_all[slot_clause[requirement_slot]])


def _slots(instance: Instance, clause_of_member: IntArray) -> tuple[IntArray, IntArray]:
    """Slot of each clause member, and clause of each slot."""
    is_all = instance.clause_is_all[clause_of_member]
    first = np.ones(len(clause_of_member), dtype=np.bool_)
    first[1:] = np.diff(clause_of_member) != 0
    opens = is_all | first
    slot_of_member = np.cumsum(opens) - 1
    return slot_of_member.astype(np.int64), clause_of_member[opens]


def _resolve(instance: Instance, offer: IntArray, requirement: IntArray, member: IntArray) -> tuple[IntArray, IntArray]:
    """(requirement, offer) entries: in-house the hospital's own offer, else those of its cooperation group."""
    hospital = instance.offer_hospital[offer[requirement]]
    group = instance.required_group[member]
    numbers = {name: number for number, name in enumerate(sorted({"", *instance.cooperation}))}
    network = np.array([numbers[name] for name in instance.cooperation], dtype=np.int64)  # 0: none
    wide = instance.required_in_cooperation[member] & (network > 0)[hospital]

    narrow = ~wide
    at = _offer_of(instance, hospital[narrow], group[narrow])
    parts = [(requirement[narrow][at >= 0], at[at >= 0])]
    if wide.any():
        by_network = np.argsort(network, kind="stable")
        network_start = np.searchsorted(network[by_network], np.arange(network.max() + 2))
        mine = network[hospital[wide]]
        sizes = network_start[mine + 1] - network_start[mine]
        partner = by_network[_ranges(network_start[mine], sizes)]
        at = _offer_of(instance, partner, np.repeat(group[wide], sizes))
        parts.append((np.repeat(requirement[wide], sizes)[at >= 0], at[at >= 0]))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _offer_of(instance: Instance, hospital: IntArray, group: IntArray) -> IntArray:
    """The offer of each (hospital, group), -1 where there is none (offers are sorted by that key)."""
    if not instance.n_offers:
        return np.full(len(hospital), -1, dtype=np.int64)
    keys = instance.offer_hospital * instance.n_groups + instance.offer_group
    wanted = hospital * instance.n_groups + group
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _ranges(start: IntArray, size: IntArray) -> IntArray:
    """start[0], start[0] + 1, ... (size[0] of them), start[1], ..."""
    total = int(size.sum())
    shift = np.repeat(np.cumsum(size) - size, size)
    return (np.repeat(start, size) + np.arange(total) - shift).astype(np.int64)
