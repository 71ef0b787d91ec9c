"""Thresholds, largest volumes and area capacities of offers, as the models use them.

The checker does not use this module: it derives the same quantities on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splgbench.instance import BoolArray, Instance, IntArray


@dataclass(frozen=True)
class Pairs:
    """Hospital-area pairs that hold offers, in the order (hospital, area).

    Parameters
    ----------
    hospital, area : shape (P,).
    capacity : shape (P,), Q_{h,a}: the stated one, else the sum of K over the pair's offers.
    of_offer : shape (K,), the pair of each offer.
    """

    hospital: IntArray
    area: IntArray
    capacity: IntArray
    of_offer: IntArray


def pairs(instance: Instance) -> Pairs:
    """The hospital-area pairs of the offers with their capacity Q_{h,a}."""
    n_areas = max(1, instance.n_areas)
    code = instance.offer_hospital * n_areas + instance.group_area[instance.offer_group]
    codes, of_offer = np.unique(code, return_inverse=True)
    capacity = np.zeros(len(codes), dtype=np.int64)
    np.add.at(capacity, of_offer, instance.capacity)
    stated = instance.stated_pair_hospital * n_areas + instance.stated_pair_area
    if len(codes):
        at = np.minimum(np.searchsorted(codes, stated), len(codes) - 1)
        hit = codes[at] == stated
        capacity[at[hit]] = instance.stated_pair_capacity[hit]
    return Pairs(codes // n_areas, codes % n_areas, capacity, of_offer.astype(np.int64))


def thresholds(instance: Instance) -> IntArray:
    """t_k = max(1, m_g, ceil(v_g B_c)) per offer, 1 where an override exempts the offer."""
    m = instance.minimum_cases[instance.offer_group]
    t = np.maximum(np.maximum(m, minimum_share_cases(instance)), 1)
    t[exempt_from(instance, "threshold")] = 1
    return t


def minimum_share_cases(instance: Instance) -> IntArray:
    """ceil(v_g B_c) per offer in cases, without overflow: B = 10000 q + r gives v q + ceil(v r / 10000)."""
    share = instance.minimum_share_bp[instance.offer_group]
    demand = instance.demand[instance.offer_cell]
    return share * (demand // 10_000) + (share * (demand % 10_000) + 9_999) // 10_000


def largest_volumes(instance: Instance) -> IntArray:
    """U_k: the least of B_c, K_k (modes group, both) and Q_{h,a} (modes area, both)."""
    largest = instance.demand[instance.offer_cell]
    if instance.limits_groups:
        largest = np.minimum(largest, instance.capacity)
    if instance.limits_areas:
        pair = pairs(instance)
        largest = np.minimum(largest, pair.capacity[pair.of_offer])
    return largest


def exempt_from(instance: Instance, rule: str) -> BoolArray:
    """Which offers an override exempts from `rule` ("threshold" or "links")."""
    exempt = np.zeros(instance.n_offers, dtype=np.bool_)
    for k, named in zip(instance.override_offer.tolist(), instance.override_rule, strict=True):
        exempt[k] |= named == rule
    return exempt


@dataclass(frozen=True)
class Fixings:
    """What overrides impose on offers.

    Parameters
    ----------
    granted : shape (K,), mandate forced (grant, or fix above 0).
    refused : shape (K,), mandate forbidden (refuse, or fix 0).
    cases : shape (K,), the fixed volume, -1 where none.
    """

    granted: BoolArray
    refused: BoolArray
    cases: IntArray


def fixings(instance: Instance) -> Fixings:
    """Overrides grant, refuse and fix as arrays over offers."""
    granted = np.zeros(instance.n_offers, dtype=np.bool_)
    refused = np.zeros(instance.n_offers, dtype=np.bool_)
    fixed = np.full(instance.n_offers, -1, dtype=np.int64)
    rows = zip(
        instance.override_offer.tolist(),
        instance.override_action,
        instance.override_cases.tolist(),
        strict=True,
    )
    for k, action, cases in rows:
        granted[k] |= action == "grant" or (action == "fix" and cases > 0)
        refused[k] |= action == "refuse" or (action == "fix" and cases == 0)
        if action == "fix":
            fixed[k] = cases
    return Fixings(granted, refused, fixed)
