"""The presolve stage: which offers can hold a mandate at all, who needs whom, and what that leaves room for.

It works on offers, keeps their numbers and therefore needs no map back: an offer that is not live has no
mandate in any allocation. `strengthened` builds on it, and so do decompositions.

The steps are run to their common fixpoint:

1. An offer dies that cannot reach its threshold (t_k > largest volume), or whose requirement nobody live can meet.
2. Closure of an offer: the offers of the same hospital that must stand if it does (requirements with one live
   member, transitively). In-house only: a partner's mandate in a cooperation group belongs to another hospital.
3. Conditional largest volume: in the modes area and both, what Q_{h,a} leaves once the thresholds of the
   offer's closure, and of all granted offers, are met. In the modes without area capacity there is no such room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array
from scipy.sparse.csgraph import connected_components

from splgbench.errors import InfeasibleError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.offers import Offers, plain_offers
from splgbench.requirements import Requirements


@dataclass(frozen=True)
class Presolved(Offers):
    """The offers after presolve; `granted` holds the closures of granted offers, too.

    Parameters
    ----------
    closure : shape (K, K), sparse; entry (k, q) says that k cannot stand without q of the same hospital, q != k.
    binding_cells : shape (C,), whether the live offers of the cell could together exceed B_c.
    binding_pairs : shape (P,), whether those of the hospital-area could exceed Q_{h,a}; False where Q does not hold.
    component : shape (K,), number of the connected component of each live offer, -1 for the others. Allocations of
        different components fit together as long as each keeps to `granted` and `largest`: a row that cannot bind
        within these bounds joins nothing.
    n_components : how many there are.
    """

    closure: csr_array
    binding_cells: BoolArray
    binding_pairs: BoolArray
    component: IntArray
    n_components: int


def presolve(instance: Instance) -> Presolved:
    """Run the stage.

    Raises
    ------
    InfeasibleError
        An offer that must stand cannot.
    """
    offers = plain_offers(instance)
    live = ~offers.refused & (offers.threshold <= offers.largest)
    granted = offers.granted
    while True:
        live = without_unmet(offers.links, live)
        links = _on_live(offers.links, live)
        closure = _closure(instance, links)
        granted = _spread(granted, closure)
        _refuse_dead(instance, granted & ~live)
        largest, fits = _conditional_volumes(offers, live, granted, closure)
        _refuse_dead(instance, granted & ~fits)
        if (fits | ~live).all():
            break
        live = live & fits
    binding_cells, binding_pairs = _binding(offers, live, largest)
    n_components, component = _components(offers, live, links, binding_cells, binding_pairs)
    base = replace(
        offers,
        live=live,
        granted=granted,
        refused=offers.refused | ~live,
        largest=np.where(live, largest, 0),
        links=links,
    )
    return Presolved(
        **vars(base),
        closure=closure,
        binding_cells=binding_cells,
        binding_pairs=binding_pairs,
        component=component,
        n_components=n_components,
    )


def _refuse_dead(instance: Instance, clash: BoolArray) -> None:
    if clash.any():
        hospital, group = instance.offer_name(int(np.flatnonzero(clash)[0]))
        raise InfeasibleError(f"{hospital} must have a mandate for {group}, but cannot hold one")


def without_unmet(links: Requirements, live: BoolArray) -> BoolArray:
    """Step 1: offers die whose requirement has no live member, and whatever needs them in turn."""
    live = live.copy()
    of_member = links.of_member
    while True:
        met = np.bincount(of_member[live[links.member]], minlength=links.count) > 0
        dying = links.offer[~met & live[links.offer]]
        if not len(dying):
            return live
        live[dying] = False


def _on_live(links: Requirements, live: BoolArray) -> Requirements:
    """Requirements of live offers, with live members only."""
    kept = live[links.offer]
    member_kept = kept[links.of_member] & live[links.member]
    lengths = np.bincount(links.of_member[member_kept], minlength=links.count)[kept]
    start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return Requirements(links.offer[kept], start, links.member[member_kept], links.clause_is_all[kept])


def _closure(instance: Instance, links: Requirements) -> csr_array:
    """Step 2: transitive closure of the requirements that have one live member, in the same hospital."""
    n = instance.n_offers
    single = np.flatnonzero(np.diff(links.start) == 1)
    k, q = links.offer[single], links.member[links.start[single]]
    inhouse = instance.offer_hospital[k] == instance.offer_hospital[q]
    k, q = k[inhouse], q[inhouse]
    step = csr_array((np.ones(len(k), dtype=np.bool_), (k, q)), shape=(n, n))
    reach = step
    while True:
        longer = (reach + reach @ step).astype(np.bool_)
        if longer.nnz == reach.nnz:
            break
        reach = longer
    off_diagonal = reach.tocoo()
    other = off_diagonal.row != off_diagonal.col
    return csr_array((off_diagonal.data[other], (off_diagonal.row[other], off_diagonal.col[other])), shape=(n, n))


def _spread(granted: BoolArray, closure: csr_array) -> BoolArray:
    """Granted offers and their closures."""
    return granted | (closure.T @ granted.astype(np.int64) > 0) if granted.any() else granted


def _conditional_volumes(
    offers: Offers, live: BoolArray, granted: BoolArray, closure: csr_array
) -> tuple[IntArray, BoolArray]:
    """Step 3: the largest volume given what must stand beside the offer, and whether it reaches the threshold."""
    instance, pair = offers.instance, offers.pairs.of_offer
    must = np.where(granted, np.where(offers.fixed > 0, offers.fixed, offers.threshold), 0)
    cell_must = np.zeros(instance.n_cells, dtype=np.int64)
    np.add.at(cell_must, instance.offer_cell, must)
    largest = np.minimum(offers.largest, instance.demand[instance.offer_cell] - (cell_must[instance.offer_cell] - must))
    fits = np.ones(len(live), dtype=np.bool_)
    if instance.limits_areas:
        pair_must = np.zeros(len(offers.pairs.capacity), dtype=np.int64)
        np.add.at(pair_must, pair, must)
        left = offers.pairs.capacity - pair_must
        fits &= left[pair] >= 0
        # Thresholds of the closure beyond what is granted anyway, summed per (offer, pair).
        entries = closure.tocoo()
        k, q = entries.row.astype(np.int64), entries.col.astype(np.int64)
        fresh = ~granted[q]
        k, q = k[fresh], q[fresh]
        n_pairs = max(1, len(offers.pairs.capacity))
        codes, at = np.unique(k * n_pairs + pair[q], return_inverse=True)
        needed = np.zeros(len(codes), dtype=np.int64)
        np.add.at(needed, at, offers.threshold[q])
        owner, where = codes // n_pairs, codes % n_pairs
        own = where == pair[owner]
        room = left[pair] + must
        room[owner[own]] -= needed[own]
        largest = np.minimum(largest, room)
        np.logical_and.at(fits, owner[~own], needed[~own] <= left[where[~own]])
    fits &= largest >= np.where(offers.fixed > 0, offers.fixed, offers.threshold)
    return largest, fits


def _binding(offers: Offers, live: BoolArray, largest: IntArray) -> tuple[BoolArray, BoolArray]:
    """Which demand and area rows the live offers could break."""
    instance = offers.instance
    most = np.where(live, largest, 0)
    by_cell = np.zeros(instance.n_cells, dtype=np.int64)
    np.add.at(by_cell, instance.offer_cell, most)
    by_pair = np.zeros(len(offers.pairs.capacity), dtype=np.int64)
    np.add.at(by_pair, offers.pairs.of_offer, most)
    pairs_bind = by_pair > offers.pairs.capacity if instance.limits_areas else np.zeros(len(by_pair), dtype=np.bool_)
    return by_cell > instance.demand, pairs_bind


def _components(
    offers: Offers, live: BoolArray, links: Requirements, binding_cells: BoolArray, binding_pairs: BoolArray
) -> tuple[int, IntArray]:
    """Connected components of live offers over binding rows and links (model statement, fact 5)."""
    instance, pair = offers.instance, offers.pairs.of_offer
    n, n_cells, n_pairs = instance.n_offers, instance.n_cells, len(offers.pairs.capacity)
    k = np.flatnonzero(live)
    in_cell = k[binding_cells[instance.offer_cell[k]]]
    in_pair = k[binding_pairs[pair[k]]]
    row = np.concatenate((in_cell, in_pair, links.offer[links.of_member]))
    column = np.concatenate((n + instance.offer_cell[in_cell], n + n_cells + pair[in_pair], links.member))
    size = n + n_cells + n_pairs
    graph = coo_array((np.ones(len(row), dtype=np.bool_), (row, column)), shape=(size, size)) + eye_array(
        size, dtype=np.bool_
    )
    _, label = connected_components(graph, directed=False)
    component = np.full(n, -1, dtype=np.int64)
    numbers, component[k] = np.unique(label[k], return_inverse=True)
    return len(numbers), component
