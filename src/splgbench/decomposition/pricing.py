"""Exact pricing of hospital blocks: the best plan of every block under prices on demand and on cardinality rows.

    v_b(l, m) = max { sum_{k in b} (u_k - l_{c(k)}) x_k - m_{c(k)} w_k y_k : x, y keep the rules within block b }   (1)

with w_k = t_k / gcd of the thresholds in the cell, so that sum_{k in c} w_k y_k <= floor(B_c / gcd) is the cell's
knapsack row. Per hospital-area the feasible sets of mandates are listed once; a set's value is its thresholds plus a
greedy fill; a depth-first search settles links between areas (`splgbench.decomposition.kernels`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition import kernels
from splgbench.decomposition.partition import Partition
from splgbench.errors import UnsupportedError
from splgbench.instance import IntArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved

LARGEST_UNIT = 62
SUBSET_LIMIT = 2_000
"""Most sets of mandates listed for one hospital-area; one with more is searched by branch and bound."""
NODE_LIMIT = 2_000
"""Nodes of one block's search, after which its bound is that of the open nodes."""


@dataclass
class Plans:
    """The best plan of every block that was priced.

    Parameters
    ----------
    bound : shape (n_blocks,), upper bounds on (1); -inf where a block has no plan.
    volume : shape (K,), cases of the plans.
    exact : whether every bound is the value of its plan.
    nodes : search nodes, a counter.
    """

    bound: FloatArray
    volume: IntArray
    exact: bool
    nodes: int


class HospitalPricer:
    """Prices blocks of a partition in which every hospital-area lies in one block.

    Parameters
    ----------
    offers : the presolved offers.
    partition : by hospital, or coarser.

    Raises
    ------
    UnsupportedError
        A link or a hospital-area joins blocks, or a hospital-area has more than 62 offers.
    """

    def __init__(self, offers: Presolved, partition: Partition) -> None:
        if partition.coupling_links.any() or partition.coupling_pairs.any():
            raise UnsupportedError(f"the partition by {partition.kind} cuts links or area capacities")
        self.offers = offers
        self.partition = partition
        self.threshold = np.maximum(offers.threshold, np.where(offers.fixed > 0, offers.fixed, 0)).astype(np.int64)
        self.high = np.where(offers.fixed > 0, offers.fixed, offers.largest).astype(np.int64)
        self.state = np.where(offers.granted, 1, np.where(offers.live, 0, -1)).astype(np.int8)
        self._make_units()
        self._make_requests()
        self._make_subsets()

    def _make_units(self) -> None:
        """Offers sorted by block and unit: a hospital-area whose capacity can bind, else an offer by itself."""
        offers = self.offers
        live = np.flatnonzero(offers.live)
        pair = offers.pairs.of_offer[live]
        joins = offers.binding_pairs[pair]
        label = np.where(joins, pair, len(offers.pairs.capacity) + live)
        order = np.lexsort((live, label, self.partition.block[live]))
        live, label = live[order], label[order]
        opens = np.ones(len(live), dtype=np.bool_)
        opens[1:] = label[1:] != label[:-1]
        self.unit_offer = live
        self.unit_start = np.concatenate((np.flatnonzero(opens), [len(live)])).astype(np.int64)
        self.n_units = len(self.unit_start) - 1
        unit = np.cumsum(opens) - 1
        self.offer_unit = np.full(offers.instance.n_offers, -1, dtype=np.int64)
        self.offer_bit = np.zeros(offers.instance.n_offers, dtype=np.int64)
        self.offer_unit[live] = unit
        self.offer_bit[live] = np.arange(len(live)) - self.unit_start[unit]
        first = live[self.unit_start[:-1]]
        block = self.partition.block[first]
        self.block_unit = np.searchsorted(block, np.arange(self.partition.n_blocks + 1)).astype(np.int64)
        alone = np.diff(self.unit_start) == 1
        self.room = np.where(
            alone, self.high[first], offers.pairs.capacity[offers.pairs.of_offer[first]] if len(first) else 0
        ).astype(np.int64)
        if (np.diff(self.unit_start) > LARGEST_UNIT).any():
            raise UnsupportedError(f"a hospital-area has more than {LARGEST_UNIT} offers")

    def _make_requests(self) -> None:
        """Links within one unit are met by its sets; the others are searched over."""
        links = self.offers.links
        owner_unit = self.offer_unit[links.offer]
        inside = np.ones(links.count, dtype=np.bool_)
        outside = self.offer_unit[links.member] != owner_unit[links.of_member]
        inside[links.of_member[outside]] = False
        self.inside = inside
        crossing = np.flatnonzero(~inside)
        block = self.partition.block[links.offer[crossing]]
        order = np.argsort(block, kind="stable")
        self.requests = crossing[order]
        self.block_request = np.searchsorted(block[order], np.arange(self.partition.n_blocks + 1)).astype(np.int64)

    def _make_subsets(self) -> None:
        links = self.offers.links
        by_unit: dict[int, list[int]] = {}
        for r in np.flatnonzero(self.inside).tolist():
            by_unit.setdefault(int(self.offer_unit[links.offer[r]]), []).append(r)
        starts, masks, left, owners, needed = [0], [], [], [], []
        none = np.zeros(0, dtype=np.int64)
        for u in range(self.n_units):
            own = self.unit_offer[self.unit_start[u] : self.unit_start[u + 1]]
            t = self.threshold[own]
            inside = by_unit.get(u, [])
            owner = self.offer_bit[links.offer[inside]] if inside else none
            members = np.array(
                [
                    np.bitwise_or.reduce(1 << self.offer_bit[links.member[links.start[r] : links.start[r + 1]]])
                    for r in inside
                ],
                dtype=np.int64,
            )
            room = int(self.room[u])
            owners.append(owner)
            needed.append(members)
            count = kernels.list_subsets(t, room, owner, members, SUBSET_LIMIT, none, none)
            if count > SUBSET_LIMIT:
                # Too many to list: such a unit is searched every time.
                count = 0
            mask, rest = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
            if count:
                kernels.list_subsets(t, room, owner, members, SUBSET_LIMIT, mask, rest)
            masks.append(mask)
            left.append(rest)
            starts.append(starts[-1] + count)
        self.sub_start = np.array(starts, dtype=np.int64)
        self.sub_mask = np.concatenate([none, *masks])
        self.sub_left = np.concatenate([none, *left])
        self.value = np.zeros(len(self.sub_mask))
        self.own_start = np.concatenate(([0], np.cumsum([len(owner) for owner in owners]))).astype(np.int64)
        self.own_owner = np.concatenate([none, *owners])
        self.own_members = np.concatenate([none, *needed])

    def price(
        self, gain: FloatArray, fee: FloatArray, state: NDArray[np.int8] | None = None, blocks: IntArray | None = None
    ) -> Plans:
        """Solve (1) for all blocks, or some.

        Parameters
        ----------
        gain : shape (K,), u_k - l_{c(k)}.
        fee : shape (K,), m_{c(k)} w_k.
        state : shape (K,), int8: 1 must hold a mandate, -1 must not, 0 free; None takes what the overrides say.
        blocks : numbers of the blocks to price; None takes all.
        """
        decided = self.state.copy() if state is None else state.astype(np.int8)
        chosen = np.arange(self.partition.n_blocks) if blocks is None else np.asarray(blocks, dtype=np.int64)
        bound = np.full(self.partition.n_blocks, -np.inf)
        volume = np.zeros(len(gain), dtype=np.int64)
        exact, nodes = kernels.price_blocks(
            chosen,
            self.block_unit,
            self.block_request,
            self.requests,
            self.unit_start,
            self.unit_offer,
            self.offer_unit,
            self.offer_bit,
            self.sub_start,
            self.sub_mask,
            self.sub_left,
            self.value,
            self.room,
            self.own_start,
            self.own_owner,
            self.own_members,
            self.offers.links.offer,
            self.offers.links.start,
            self.offers.links.member,
            self.threshold,
            self.high,
            gain,
            fee,
            decided,
            NODE_LIMIT,
            bound,
            volume,
        )
        return Plans(bound, volume, bool(exact), int(nodes))
