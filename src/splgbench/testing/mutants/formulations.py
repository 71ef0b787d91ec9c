"""Wrong formulations without presolve: rows from wrong data, wrong rows from right data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from splgbench.instance import IntArray
from splgbench.model import MipModel, ModelBuilder
from splgbench.offers import Offers
from splgbench.requirements import Requirements
from splgbench.rows.columns import mandates, semicontinuous_volumes
from splgbench.rows.links import links_on_mandates
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_global, big_m_tight
from splgbench.testing.mutants import misreadings as read
from splgbench.testing.mutants.base import wrong_formulation
from splgbench.volumes import exempt_from

Sees = Callable[[Offers], Offers]


def threshold_moved(by: int) -> Sees:
    """t_k + by, never below 0."""
    return lambda offers: replace(offers, threshold=np.maximum(offers.threshold + by, 0))


def no_case_for_a_mandate(offers: Offers) -> Offers:
    """t_k = max(0, m_g, ...): phantom mandates."""
    instance = offers.instance
    stated = (instance.minimum_cases + instance.minimum_share_bp)[instance.offer_group] > 0
    return replace(offers, threshold=np.where(stated, offers.threshold, 0))


def _threshold(offers: Offers, share: IntArray, together: Callable[[IntArray, IntArray], IntArray]) -> Offers:
    least = np.maximum(together(offers.instance.minimum_cases[offers.instance.offer_group], share), 1)
    return replace(offers, threshold=np.where(exempt_from(offers.instance, "threshold"), 1, least))


def share_rounded_down(offers: Offers) -> Offers:
    """floor(v_g B_c) in place of its ceiling."""
    instance = offers.instance
    share = instance.minimum_share_bp[instance.offer_group] * instance.demand[instance.offer_cell] // 10_000
    return _threshold(offers, share, np.maximum)


def share_rounded_beyond(offers: Offers) -> Offers:
    """floor(v_g B_c) + 1 in place of the ceiling."""
    instance = offers.instance
    share = instance.minimum_share_bp[instance.offer_group] * instance.demand[instance.offer_cell]
    return _threshold(offers, np.where(share > 0, share // 10_000 + 1, 0), np.maximum)


def share_of_capacity(offers: Offers) -> Offers:
    """The share is taken of K_k."""
    instance = offers.instance
    share = -(-instance.minimum_share_bp[instance.offer_group] * instance.capacity // 10_000)
    return _threshold(offers, share, np.maximum)


def minima_added(offers: Offers) -> Offers:
    """m_g + ceil(v_g B_c) in place of the larger."""
    instance = offers.instance
    share = -(-instance.minimum_share_bp[instance.offer_group] * instance.demand[instance.offer_cell] // 10_000)
    return _threshold(offers, share, np.add)


def pairs_of_the_next_hospital(offers: Offers) -> Offers:
    """Q stands one hospital-area further."""
    return replace(offers, pairs=replace(offers.pairs, capacity=np.roll(offers.pairs.capacity, 1)))


def without_capacity_refused(offers: Offers) -> Offers:
    """An offer with K = 0 is dropped in every mode."""
    return replace(offers, refused=offers.refused | (offers.instance.capacity == 0))


def first_member_only(offers: Offers) -> Offers:
    """A requirement knows its first member only."""
    links = offers.links
    first = links.start[:-1][np.diff(links.start) > 0]
    start = np.concatenate(([0], np.cumsum(np.minimum(np.diff(links.start), 1))))
    return replace(offers, links=Requirements(links.offer, start, links.member[first], links.clause_is_all))


def own_mandate_needed_twice(offers: Offers) -> Offers:
    """A clause that names its own group is not met by it: the offer is refused."""
    instance = offers.instance
    clause_of = np.repeat(np.arange(instance.n_clauses), np.diff(instance.clause_start))
    own = np.unique(instance.clause_group[clause_of[instance.required_group == instance.clause_group[clause_of]]])
    return replace(offers, refused=offers.refused | np.isin(instance.offer_group, own))


def m_of_the_smallest_cell(model: ModelBuilder, offers: Offers) -> None:
    """x_k <= M y_k with M = the least demand above 0; thresholds as they are."""
    needed = offers.instance.demand[offers.instance.demand > 0]
    size = float(needed.min(initial=1)) if len(needed) else 1.0
    _volume_rows(model, offers, np.full(offers.instance.n_offers, size))


def m_one_too_small(model: ModelBuilder, offers: Offers) -> None:
    """x_k <= (U_k - 1) y_k where U_k exceeds 1."""
    _volume_rows(model, offers, np.maximum(offers.largest - 1, np.minimum(offers.largest, 1)).astype(np.float64))


def m_huge(model: ModelBuilder, offers: Offers) -> None:
    """x_k <= 10^9 y_k: y = 1e-8 counts as 0 and lets ten cases through."""
    _volume_rows(model, offers, np.full(offers.instance.n_offers, 1e9))


def _volume_rows(model: ModelBuilder, offers: Offers, size: np.ndarray) -> None:
    k = np.flatnonzero(offers.live)
    model.add_pair_rows("volume_needs_mandate", model.x[k], 1.0, model.y[k], -size[k], upper=0.0, of="offer", keys=k)
    model.add_pair_rows("threshold", model.x[k], 1.0, model.y[k], -offers.threshold[k], lower=0.0, of="offer", keys=k)


def share_not_rounded(model: ModelBuilder, offers: Offers) -> None:
    """v_g B_c y_k <= x_k with a fraction of a case on the left."""
    instance = offers.instance
    share = instance.minimum_share_bp[instance.offer_group] * instance.demand[instance.offer_cell] / 10_000
    exempt = exempt_from(instance, "threshold")
    least = np.maximum(np.maximum(instance.minimum_cases[instance.offer_group], share), 1)
    big_m_tight(model, replace(offers, threshold=np.where(exempt, 1, least)))


def links_as_equations(model: ModelBuilder, offers: Offers) -> None:
    """y_k = sum of y_q: the requirement read in both directions."""
    links = offers.links
    for r in range(links.count):
        own = np.concatenate(([links.offer[r]], links.member[links.start[r] : links.start[r + 1]]))
        values = np.where(np.arange(len(own)) == 0, 1.0, -1.0)
        start = np.array([0, len(own)])
        model.add_rows("link", start, model.y[own], values, lower=0.0, upper=0.0, of="offer", keys=links.offer[[r]])


def entries(model: MipModel, family: str) -> IntArray:
    """Positions of the entries of a row family."""
    at = [np.arange(model.row_start[b.start], model.row_start[b.stop]) for b in model.row_blocks if b.family == family]
    return np.concatenate([np.zeros(0, dtype=np.int64), *at])


def last_link_lost(model: MipModel) -> MipModel:
    """The last link row does not bind."""
    upper = model.row_upper.copy()
    for block in model.row_blocks:
        if block.family == "link" and block.stop > block.start:
            upper[block.stop - 1] = np.inf
    return replace(model, row_upper=upper)


def sign_in_demand(model: MipModel) -> MipModel:
    """The first entry of the demand rows has the wrong sign."""
    values = model.row_values.copy()
    values[entries(model, "demand")[:1]] *= -1
    return replace(model, row_values=values)


def sign_in_thresholds(model: MipModel) -> MipModel:
    """x_k + t_k y_k >= 0."""
    values = model.row_values.copy()
    values[entries(model, "threshold")] = np.abs(values[entries(model, "threshold")])
    return replace(model, row_values=values)


def no_integrality(model: MipModel) -> MipModel:
    """y may be a fraction."""
    return replace(model, integer=np.zeros_like(model.integer))


def not_semicontinuous(model: MipModel) -> MipModel:
    """Semicontinuous columns start at 0."""
    return model.relaxed()


def condition_reversed(model: MipModel) -> MipModel:
    """y = 1 closes an offer, y = 0 opens it at its threshold."""
    return replace(model, indicator_value=1 - model.indicator_value)


def semicontinuous_above_threshold(model: ModelBuilder, offers: Offers) -> None:
    """x_k = 0 or t_k + 1 <= x_k where that is possible."""
    moved = np.minimum(offers.threshold + 1, np.maximum(offers.threshold, offers.largest))
    semicontinuous_volumes(model, replace(offers, threshold=moved))


def grants_forgotten(model: ModelBuilder, offers: Offers) -> None:
    """Mandates without the grants."""
    mandates(model, replace(offers, granted=np.zeros_like(offers.granted)))


FORMULATION_MUTANTS = (
    wrong_formulation("links-dropped", "linked", "no link rows", rows={links_on_mandates: None}),
    wrong_formulation("last-link-lost", "linked", "the last link row is lost", writes=last_link_lost),
    wrong_formulation(
        "links-reversed", "linked", "y_k = sum of y_q, not <=", rows={links_on_mandates: links_as_equations}
    ),
    wrong_formulation(
        "first-member-only", "linked", "a requirement knows its first member only", sees=first_member_only
    ),
    wrong_formulation("any-as-all", "big_m_tight", "any-clauses ask for all members", reads=read.any_as_all),
    wrong_formulation("all-as-any", "linked", "all-clauses are content with one member", reads=read.all_as_any),
    wrong_formulation(
        "clause-of-next-group", "linked", "clauses of another group", reads=read.clauses_of_the_next_group
    ),
    wrong_formulation(
        "self-link-impossible", "linked", "a group that names itself is refused", sees=own_mandate_needed_twice
    ),
    wrong_formulation(
        "cooperation-in-house", "linked", "cooperation links in-house only", reads=read.everything_in_house
    ),
    wrong_formulation(
        "in-house-by-cooperation",
        "big_m_literal",
        "in-house links met by partners",
        reads=read.everything_by_cooperation,
    ),
    wrong_formulation("one-network", "linked", "all cooperation groups are one", reads=read.one_network),
    wrong_formulation("threshold-low", "linked", "t_k - 1", sees=threshold_moved(-1)),
    wrong_formulation("threshold-high", "big_m_tight", "t_k + 1", sees=threshold_moved(1)),
    wrong_formulation("phantom-mandates", "linked", "t_k = 0 where no minimum is stated", sees=no_case_for_a_mandate),
    wrong_formulation("share-rounded-down", "linked", "floor(v B) cases as minimum share", sees=share_rounded_down),
    wrong_formulation(
        "share-rounded-beyond", "linked", "floor(v B) + 1 cases as minimum share", sees=share_rounded_beyond
    ),
    wrong_formulation(
        "share-not-rounded", "linked", "v B cases as minimum share, a fraction", rows={big_m_tight: share_not_rounded}
    ),
    wrong_formulation("share-of-capacity", "linked", "the share is taken of K_k, not B_c", sees=share_of_capacity),
    wrong_formulation("minima-added", "linked", "minimum cases and share are added up", sees=minima_added),
    wrong_formulation("minimum-cases-ignored", "big_m_literal", "no minimum cases", reads=read.no_minimum_cases),
    wrong_formulation("minimum-share-ignored", "big_m_literal", "no minimum share", reads=read.no_minimum_share),
    wrong_formulation(
        "m-too-small", "big_m_literal", "M = the least demand", rows={big_m_global: m_of_the_smallest_cell}
    ),
    wrong_formulation("m-one-too-small", "big_m_tight", "x_k <= (U_k - 1) y_k", rows={big_m_tight: m_one_too_small}),
    wrong_formulation(
        "trickle-m", "linked", "M = 10^9, without the solver's presolve", presolve=False, rows={big_m_tight: m_huge}
    ),
    wrong_formulation("demand-dropped", "linked", "no demand rows", rows={demand: None}),
    wrong_formulation("demand-of-next-cell", "linked", "demand of another cell", reads=read.demand_of_the_next_cell),
    wrong_formulation("region-ignored", "linked", "the regions of a group share their demand", reads=read.one_region),
    wrong_formulation("sign-in-demand", "linked", "the sign of one coefficient of a demand row", writes=sign_in_demand),
    wrong_formulation("sign-in-thresholds", "linked", "x_k + t_k y_k >= 0", writes=sign_in_thresholds),
    wrong_formulation(
        "capacity-of-next-offer", "big_m_literal", "capacity of another offer", reads=read.capacity_of_the_next_offer
    ),
    wrong_formulation(
        "group-capacity-missing", "linked", "no group capacity", reads=read.modes(group="none", both="area")
    ),
    wrong_formulation("group-capacity-in-area", "linked", "x_k <= K_k in mode area", reads=read.modes(area="both")),
    wrong_formulation(
        "no-capacity-dead", "linked", "an offer with K = 0 is dropped in mode area", sees=without_capacity_refused
    ),
    wrong_formulation("area-capacity-missing", "big_m_literal", "no area capacity rows", rows={area_capacity: None}),
    wrong_formulation(
        "area-capacity-in-group", "linked", "area capacity in mode group", reads=read.modes(group="both")
    ),
    wrong_formulation(
        "area-capacity-of-next-pair", "linked", "area capacity of another hospital", sees=pairs_of_the_next_hospital
    ),
    wrong_formulation(
        "unstated-pair-closed", "linked", "an unstated area capacity is 0", reads=read.unstated_pairs_closed
    ),
    wrong_formulation(
        "unstated-pair-unlimited",
        "linked",
        "an unstated area capacity is no limit",
        reads=read.unstated_pairs_unlimited,
    ),
    wrong_formulation(
        "threshold-exemption-ignored",
        "linked",
        "exemptions from thresholds ignored",
        reads=read.no_exemption_from("threshold"),
    ),
    wrong_formulation(
        "links-exemption-ignored", "linked", "exemptions from links ignored", reads=read.no_exemption_from("links")
    ),
    wrong_formulation(
        "exemptions-swapped",
        "big_m_literal",
        "exemptions from links and thresholds swapped",
        reads=read.exemptions_swapped,
    ),
    wrong_formulation("refuse-ignored", "linked", "refusals ignored", reads=read.no_override("refuse")),
    wrong_formulation("grant-ignored", "linked", "grants ignored", rows={mandates: grants_forgotten}),
    wrong_formulation("fix-ignored", "linked", "fixed volumes ignored", reads=read.no_override("fix")),
    wrong_formulation(
        "objective-misses-offer", "linked", "the objective misses an offer", reads=read.first_offer_worthless
    ),
    wrong_formulation(
        "utility-of-next-offer", "linked", "utility of another offer", reads=read.utility_of_the_next_offer
    ),
    wrong_formulation("fractional-mandates", "linked", "y is continuous", writes=no_integrality),
    wrong_formulation(
        "false-strength",
        "linked",
        "declares itself as strong as strengthened",
        claims=("strengthened",),
    ),
    wrong_formulation(
        "semicontinuous-above",
        "semicontinuous",
        "columns start at t_k + 1",
        rows={semicontinuous_volumes: semicontinuous_above_threshold},
    ),
    wrong_formulation(
        "semicontinuous-from-0", "semicontinuous", "columns are plainly continuous", writes=not_semicontinuous
    ),
    wrong_formulation(
        "condition-reversed",
        "indicator",
        "conditions hold for the other value",
        backend="cpsat",
        writes=condition_reversed,
    ),
)
"""Wrong formulations that state the rules themselves."""
