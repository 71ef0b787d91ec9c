"""Exact pricing of hospital blocks: the best plan of every block under prices on demand and on cardinality rows.

    v_b(l, m) = max { sum_{k in b} (u_k - l_{c(k)}) x_k - m_{c(k)} w_k y_k : x, y keep the rules within block b }   (1)

with w_k = t_k / gcd of the thresholds in the cell, so that sum_{k in c} w_k y_k <= floor(B_c / gcd) is the cell's
knapsack row. Per hospital-area the feasible sets of mandates are listed once; a set's value is its thresholds plus a
greedy fill; what links between areas leave of them is found by elimination, in blocks too wide for it by search bounded
by dual ascent (`block_pricing`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition.block_pricing import plans, probes, units
from splgbench.decomposition.block_pricing.elimination import eliminate
from splgbench.decomposition.block_pricing.structure import LARGEST_UNIT, Structure
from splgbench.decomposition.block_pricing.work import Scratch, scratch, work
from splgbench.decomposition.partition import Partition
from splgbench.errors import UnsupportedError
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved
from splgbench.requirements import Requirements

SUBSET_LIMIT = 2_000
"""Most sets of mandates listed for one hospital-area; one with more is searched by branch and bound."""
ENTRY_LIMIT = 50_000
"""Most entries of the rows of an eliminated block; one that needs more is searched."""
NODE_LIMIT = 2_000
"""Nodes of one block's search, after which its bound is that of the open nodes."""
PROBE_LIMIT = 200
"""The same for one probe."""


WORTH_THREADS = 20_000
"""Sets of mandates from which on threads are worth their start."""
T = TypeVar("T")


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
    threads : blocks are priced in so many threads, where there is enough to do; the answers are the same.

    Raises
    ------
    UnsupportedError
        A link or a hospital-area joins blocks, or a hospital-area has more than 62 offers.
    """

    def __init__(self, offers: Presolved, partition: Partition, threads: int = 1) -> None:
        if partition.coupling_links.any() or partition.coupling_pairs.any():
            raise UnsupportedError(f"the partition by {partition.kind} cuts links or area capacities")
        self.offers = offers
        self.partition = partition
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.state = np.where(offers.granted, 1, np.where(offers.live, 0, -1)).astype(np.int8)
        self.structure = _structure(offers, partition)
        self.rows = eliminate(self.structure, ENTRY_LIMIT)
        self.work = work(self.structure, self.state, self.rows)
        self.scratch = [scratch(self.structure, self.rows) for _ in range(threads)]

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
        self.work.state[:] = self.state if state is None else state
        chosen = np.arange(self.partition.n_blocks) if blocks is None else _own(blocks, np.int64)
        gain, fee = _own(gain, np.float64), _own(fee, np.float64)
        bound = np.full(self.partition.n_blocks, -np.inf)
        volume = np.zeros(len(gain), dtype=np.int64)

        def price(part: IntArray, room: Scratch) -> tuple[bool, int]:
            answer: tuple[bool, int] = plans.price_blocks(
                self.structure, self.rows, self.work, room, part, gain, fee, NODE_LIMIT, bound, volume
            )
            return answer

        answers = self._side_by_side(price, chosen)
        return Plans(bound, volume, all(exact for exact, _ in answers), int(sum(nodes for _, nodes in answers)))

    def probe(self, gain: FloatArray, fee: FloatArray, bound: FloatArray, spare: float) -> NDArray[np.int8]:
        """Mandates that no set of plans can hold, or do without, that is worth more than its bound less `spare`.

        Parameters
        ----------
        gain, fee : as in `price`.
        bound : shape (n_blocks,), upper bounds on (1) at these prices.
        spare : not negative.

        Returns
        -------
        NDArray
            shape (K,), int8: 1 for must hold, -1 for must not, 0 for either.
        """
        self.work.state[:] = self.state
        verdict = np.zeros(len(gain), dtype=np.int8)
        gain, fee, bound = (_own(values, np.float64) for values in (gain, fee, bound))

        def probe(part: IntArray, room: Scratch) -> None:
            probes.probe_blocks(
                self.structure,
                self.rows,
                self.work,
                room,
                part,
                gain,
                fee,
                bound,
                spare,
                NODE_LIMIT,
                PROBE_LIMIT,
                verdict,
            )

        self._side_by_side(probe, np.arange(self.partition.n_blocks))
        return np.where(self.offers.live, verdict, 0).astype(np.int8)

    def _side_by_side(self, work: Callable[[IntArray, Scratch], T], blocks: IntArray) -> list[T]:
        """Give each thread consecutive blocks with about as many sets of mandates: no two touch the same numbers."""
        sets = np.diff(self.structure.sub_start[self.structure.block_unit])[blocks]
        if self.pool is None or sets.sum() < WORTH_THREADS:
            return [work(blocks, self.scratch[0])]
        share = np.cumsum(sets) * self.threads // (sets.sum() + 1)
        parts = np.split(blocks, np.searchsorted(share, np.arange(1, self.threads)))
        return list(self.pool.map(work, parts, self.scratch))

    def fix(self, out: BoolArray, stand: BoolArray) -> None:
        """From now on plans do without the mandates of `out` and hold those of `stand`, each shape (K,)."""
        self.state[out] = -1
        self.state[stand] = 1


def _own(values: NDArray[Any], dtype: type) -> NDArray[Any]:
    """The array, or a copy, as kernels take all: next to each other and writable; they are compiled for each kind."""
    return np.require(values, dtype, ("C_CONTIGUOUS", "WRITEABLE"))


def _structure(offers: Presolved, partition: Partition) -> Structure:
    """Units are hospital-areas whose capacity can bind, and single offers; offers come sorted by block and unit."""
    links = offers.links
    t = np.maximum(offers.threshold, np.where(offers.fixed > 0, offers.fixed, 0)).astype(np.int64)
    high = np.where(offers.fixed > 0, offers.fixed, offers.largest).astype(np.int64)
    live = np.flatnonzero(offers.live)
    pair = offers.pairs.of_offer[live]
    label = np.where(offers.binding_pairs[pair], pair, len(offers.pairs.capacity) + live)
    order = np.lexsort((live, label, partition.block[live]))
    live, label = live[order], label[order]
    opens = np.ones(len(live), dtype=np.bool_)
    opens[1:] = label[1:] != label[:-1]
    unit_start = np.concatenate((np.flatnonzero(opens), [len(live)])).astype(np.int64)
    sizes = np.diff(unit_start)
    if (sizes > LARGEST_UNIT).any():
        raise UnsupportedError(f"a hospital-area has more than {LARGEST_UNIT} offers")
    unit = np.cumsum(opens) - 1
    offer_unit = np.full(offers.instance.n_offers, -1, dtype=np.int64)
    offer_bit = np.zeros(offers.instance.n_offers, dtype=np.int64)
    offer_unit[live], offer_bit[live] = unit, np.arange(len(live)) - unit_start[unit]
    first = live[unit_start[:-1]]
    room = np.where(sizes == 1, high[first], offers.pairs.capacity[offers.pairs.of_offer[first]]).astype(np.int64)
    # Links within one unit are met by its sets; the others are searched over.
    inside = np.ones(links.count, dtype=np.bool_)
    inside[links.of_member[offer_unit[links.member] != offer_unit[links.offer[links.of_member]]]] = False
    own_start, own_owner, own_members = _own_links(links, np.flatnonzero(inside), offer_unit, offer_bit, len(sizes))
    sub_start, sub_mask, sub_left = _listed(t[live], unit_start, room, own_start, own_owner, own_members)
    crossing = np.flatnonzero(~inside)
    requests = crossing[np.argsort(partition.block[links.offer[crossing]], kind="stable")]
    owned_start, owned = _by_offer(links.offer[crossing], crossing, offers.instance.n_offers)
    members = np.flatnonzero(~inside[links.of_member])
    wanted_start, wanted = _by_offer(links.member[members], links.of_member[members], offers.instance.n_offers)
    numbers = np.arange(partition.n_blocks + 1)
    return Structure(
        t=t,
        high=high,
        offer_unit=offer_unit,
        offer_bit=offer_bit,
        unit_start=unit_start,
        unit_offer=live,
        room=room,
        sub_start=sub_start,
        sub_mask=sub_mask,
        sub_left=sub_left,
        sub_unit=np.repeat(np.arange(len(sizes)), np.diff(sub_start)),
        own_start=own_start,
        own_owner=own_owner,
        own_members=own_members,
        block_unit=np.searchsorted(partition.block[first], numbers).astype(np.int64),
        block_request=np.searchsorted(partition.block[links.offer[requests]], numbers).astype(np.int64),
        requests=requests,
        request_offer=_own(links.offer, np.int64),
        request_start=_own(links.start, np.int64),
        request_member=_own(links.member, np.int64),
        owned_start=owned_start,
        owned=owned,
        wanted_start=wanted_start,
        wanted=wanted,
    )


def _by_offer(offer: IntArray, link: IntArray, n_offers: int) -> tuple[IntArray, IntArray]:
    """Links by the offer they are listed with, in CSR form."""
    order = np.argsort(offer, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(offer, minlength=n_offers)))).astype(np.int64)
    return start, link[order].astype(np.int64)


def _own_links(
    links: Requirements, within: IntArray, offer_unit: IntArray, offer_bit: IntArray, n_units: int
) -> tuple[IntArray, IntArray, IntArray]:
    """The links within each unit in CSR form: place of the offer that needs, mask of the members."""
    unit = offer_unit[links.offer[within]]
    within = within[np.argsort(unit, kind="stable")]
    masks = [np.bitwise_or.reduce(1 << offer_bit[links.member[links.start[r] : links.start[r + 1]]]) for r in within]
    start = np.concatenate(([0], np.cumsum(np.bincount(unit, minlength=n_units)))).astype(np.int64)
    return start, offer_bit[links.offer[within]], np.array(masks, dtype=np.int64)


def _listed(
    t: IntArray, unit_start: IntArray, room: IntArray, own_start: IntArray, own_owner: IntArray, own_members: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """The feasible sets of mandates of each unit in CSR form, and what they leave of its room; none where too many."""
    none = np.zeros(0, dtype=np.int64)
    starts, masks, left = [0], [none], [none]
    for u in range(len(room)):
        own = slice(own_start[u], own_start[u + 1])
        unit = (t[unit_start[u] : unit_start[u + 1]], room[u], own_owner[own], own_members[own], SUBSET_LIMIT)
        count = units.list_subsets(*unit, none, none)
        count = count if count <= SUBSET_LIMIT else 0
        mask, rest = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        if count:
            units.list_subsets(*unit, mask, rest)
        masks.append(mask)
        left.append(rest)
        starts.append(starts[-1] + count)
    return np.array(starts, dtype=np.int64), np.concatenate(masks), np.concatenate(left)
