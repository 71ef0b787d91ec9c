"""Wrong strengthenings: presolve, closures, knapsacks and cuts that forbid a best allocation.

A cut that is merely too weak is not wrong and not here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from splgbench.instance import BoolArray, IntArray
from splgbench.model import ModelBuilder
from splgbench.offers import Offers
from splgbench.presolve import Presolved, presolve
from splgbench.rows.closures import closure_cuts, shared_link_cuts
from splgbench.rows.knapsacks import area_knapsack, cell_knapsack
from splgbench.testing.mutants import misreadings as read
from splgbench.testing.mutants.base import wrong_formulation
from splgbench.volumes import thresholds


def knapsack_without_exemption(model: ModelBuilder, offers: Offers) -> None:
    """sum of y_k <= floor(B_c / t) with the t of the group although an exemption lowers one."""
    plain = thresholds(read.no_exemption_from("threshold")(offers.instance))
    cell_knapsack(model, replace(offers, threshold=plain))


def knapsack_one_higher(model: ModelBuilder, offers: Offers) -> None:
    """sum of y_k <= floor(B_c / (t + 1))."""
    cell_knapsack(model, replace(offers, threshold=offers.threshold + 1))


def knapsack_of_capacity(model: ModelBuilder, offers: Offers) -> None:
    """sum of U_k y_k <= Q_{h,a}: the largest volumes in place of the least."""
    area_knapsack(model, replace(offers, threshold=np.maximum(offers.largest, 1)))


def knapsack_in_every_mode(model: ModelBuilder, offers: Offers) -> None:
    """sum of t_k y_k <= Q_{h,a} although the mode has no area capacity."""
    area_knapsack(model, replace(offers, instance=replace(offers.instance, capacity_mode="both")))


def _largest_in_pair(offers: Offers) -> Offers:
    """Q_{h,a} replaced by the largest U_k of the hospital-area."""
    largest = np.zeros_like(offers.pairs.capacity)
    np.maximum.at(largest, offers.pairs.of_offer, offers.largest)
    return replace(offers, pairs=replace(offers.pairs, capacity=largest))


def closure_cut_too_small(model: ModelBuilder, offers: Offers) -> None:
    """sum of x_k <= max U_k * y_q in place of Q_{h,a} y_q."""
    closure_cuts(model, _largest_in_pair(offers))


def shared_cut_too_small(model: ModelBuilder, offers: Offers) -> None:
    """sum of x_k <= t_k * sum of y_q, with the least t_k of the hospital-area in place of Q_{h,a}."""
    least = offers.pairs.capacity.copy()
    np.minimum.at(least, offers.pairs.of_offer[offers.live], offers.threshold[offers.live])
    shared_link_cuts(model, replace(offers, pairs=replace(offers.pairs, capacity=least)))


def _needs(offers: Offers, owner: IntArray, member: IntArray) -> csr_array:
    n = offers.instance.n_offers
    inhouse = offers.instance.offer_hospital[owner] == offers.instance.offer_hospital[member]
    k, q = owner[inhouse], member[inhouse]
    return csr_array((np.ones(len(k), dtype=np.bool_), (k, q)), shape=(n, n))


def closure_cut_over_cooperation(model: ModelBuilder, offers: Offers) -> None:
    """Closures follow cooperation links as if the partner were the hospital itself."""
    assert isinstance(offers, Presolved)
    links = offers.links
    closure_cuts(model, replace(offers, closure=_needs(offers, links.offer[links.of_member], links.member)))


def closure_cut_reversed(model: ModelBuilder, offers: Offers) -> None:
    """Closures read the wrong way round: who is needed in place of who needs."""
    assert isinstance(offers, Presolved)
    closure_cuts(model, replace(offers, closure=csr_array(offers.closure.T)))


def closure_of_any(offers: Presolved) -> Presolved:
    """An any-clause counts as if its first member were required, and granted offers grant it."""
    links = offers.links
    some = np.diff(links.start) > 0
    closure = _needs(offers, links.offer[some], links.member[links.start[:-1][some]])
    granted = offers.granted | (closure.T @ offers.granted.astype(np.int64) > 0)
    return replace(offers, closure=closure, granted=granted)


def _room_lost(offers: Presolved, lost: IntArray) -> Presolved:
    room = offers.pairs.capacity[offers.pairs.of_offer] - lost
    return replace(offers, largest=np.maximum(np.minimum(offers.largest, room), 0))


def room_lost_to_other_areas(offers: Presolved) -> Presolved:
    """U_k leaves room for all that the offer needs, in whatever area it lies."""
    return _room_lost(offers, offers.closure.astype(np.int64) @ offers.threshold)


def room_lost_to_itself(offers: Presolved) -> Presolved:
    """U_k leaves room for every granted offer of the area, the offer itself included."""
    must = np.zeros_like(offers.pairs.capacity)
    np.add.at(must, offers.pairs.of_offer, np.where(offers.granted, offers.threshold, 0))
    return _room_lost(offers, must[offers.pairs.of_offer])


def room_lost_in_cell(offers: Presolved) -> Presolved:
    """U_k leaves room for one more mandate in the cell, as if another had to stand."""
    rest = offers.instance.demand[offers.instance.offer_cell] - offers.threshold
    return replace(offers, largest=np.minimum(offers.largest, np.maximum(rest, 0)))


def _dead(offers: Presolved, dead: BoolArray) -> Presolved:
    return replace(offers, refused=offers.refused | dead)


def dead_at_threshold(offers: Presolved) -> Presolved:
    """An offer dies that can just reach its threshold."""
    return _dead(offers, offers.threshold >= offers.largest)


def dead_by_capacity(offers: Presolved) -> Presolved:
    """An offer dies whose K_k lies below its threshold, in every mode."""
    return _dead(offers, offers.instance.capacity < offers.threshold)


def dead_by_one_member(offers: Presolved) -> Presolved:
    """An offer dies when one member of an any-clause is dead."""
    return _dead(offers, ~presolve(read.any_as_all(offers.instance)).live)


def grants_spread_backwards(offers: Presolved) -> Presolved:
    """Whoever needs a granted offer is granted, too."""
    return replace(offers, granted=offers.granted | (offers.closure.astype(np.int64) @ offers.granted > 0))


STRENGTHENED_MUTANTS = (
    wrong_formulation(
        "knapsack-ignores-exemption",
        "strengthened",
        "cell knapsack with the threshold of the group where an exemption lowers it",
        rows={cell_knapsack: knapsack_without_exemption},
    ),
    wrong_formulation(
        "knapsack-one-higher",
        "strengthened",
        "cell knapsack divides by t + 1",
        rows={cell_knapsack: knapsack_one_higher},
    ),
    wrong_formulation(
        "area-knapsack-of-capacity",
        "strengthened",
        "area knapsack weighs with U_k, not t_k",
        rows={area_knapsack: knapsack_of_capacity},
    ),
    wrong_formulation(
        "area-knapsack-in-every-mode",
        "strengthened",
        "area knapsack in modes without area capacity",
        rows={area_knapsack: knapsack_in_every_mode},
    ),
    wrong_formulation(
        "closure-cut-too-small",
        "strengthened",
        "closure cut with the largest U_k, not Q",
        rows={closure_cuts: closure_cut_too_small},
    ),
    wrong_formulation(
        "closure-cut-over-cooperation",
        "strengthened",
        "closure cut follows cooperation links",
        rows={closure_cuts: closure_cut_over_cooperation},
    ),
    wrong_formulation(
        "closure-cut-reversed",
        "strengthened",
        "closure cut with the closure transposed",
        rows={closure_cuts: closure_cut_reversed},
    ),
    wrong_formulation(
        "shared-cut-too-small",
        "strengthened",
        "shared link cut with the least t_k, not Q",
        rows={shared_link_cuts: shared_cut_too_small},
    ),
    wrong_formulation(
        "closure-of-any", "strengthened", "the first member of an any-clause counts as required", sees=closure_of_any
    ),
    wrong_formulation(
        "room-lost-to-other-areas",
        "strengthened",
        "conditional volume subtracts thresholds of other areas",
        sees=room_lost_to_other_areas,
    ),
    wrong_formulation(
        "room-lost-to-itself",
        "strengthened",
        "conditional volume subtracts a granted offer's own threshold",
        sees=room_lost_to_itself,
    ),
    wrong_formulation(
        "room-lost-in-cell",
        "strengthened",
        "conditional volume leaves demand for a mandate nobody must hold",
        sees=room_lost_in_cell,
    ),
    wrong_formulation(
        "dead-at-threshold", "strengthened", "presolve drops offers that just reach t_k", sees=dead_at_threshold
    ),
    wrong_formulation(
        "dead-by-capacity", "strengthened", "presolve compares t_k with K_k in every mode", sees=dead_by_capacity
    ),
    wrong_formulation(
        "dead-by-one-member",
        "strengthened",
        "presolve drops offers with one dead member of an any-clause",
        sees=dead_by_one_member,
    ),
    wrong_formulation(
        "grants-spread-backwards",
        "strengthened",
        "whoever needs a granted offer is granted",
        sees=grants_spread_backwards,
    ),
)
"""Wrong formulations that strengthen."""
