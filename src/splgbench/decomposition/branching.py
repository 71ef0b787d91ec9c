"""Branch and price on mandates: nodes, their order, the branching rule, and the bound of a node.

A node is a set of fixed mandates. Its bound is the Lagrangian value under its fixings,

    L_n(l, m) = sum_c l_c B_c + sum_c m_c floor(B_c / g_c) + sum_b v_b(l, m | y as the node fixes it)                (8)

which is valid at all multipliers l, m >= 0, however early the node's column generation ends. The bound of the whole is

    max { best, max_{n open} L_n }                                                                                  (9)
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splgbench.backends.base import SolverStatus
from splgbench.decomposition.column_generation import SMOOTHING, ColumnGeneration
from splgbench.decomposition.loop import SAFETY, Finished, Loop
from splgbench.decomposition.neighbourhood_search import NeighbourhoodSearch
from splgbench.decomposition.neighbourhoods import Guide
from splgbench.decomposition.relaxation import Evaluation, HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.restricted import Restriction, rens
from splgbench.decomposition.settling import Settling
from splgbench.decomposition.state import Arrays
from splgbench.decomposition.tree_state import TreeState
from splgbench.errors import InfeasibleError
from splgbench.instance import IntArray
from splgbench.model import FloatArray

ROUNDS = 20
"""Most rounds of column generation at a node."""
TAIL = 0.1
"""Column generation at a node ends where the master's value leaves less than this part of its gap to gain."""
WHOLE = 1e-6
RELIABLE = 4
"""Trials on either side after which the estimate of an offer is trusted. Source: Achterberg, Koch and Martin 2005."""
MOST_TRIED = 10
"""Most offers tried at a node."""
LOOK_AHEAD = 4
"""Trials without a better score after which no further offer is tried."""
TRIAL_ROUNDS = 2
"""Rounds of column generation in one trial."""
PLUNGE = 0.25
"""A child is next while its bound lies within this part of the gap from the largest open bound."""
REPAIR_EVERY, RENS_EVERY = 10, 100
"""Nodes between two attempts at better allocations."""
RENS_NODES = 100
"""Nodes of the solver in one RENS."""
LARGE = 20
"""Nodes after which a tree is large: neighbourhoods of the best allocation then, and the solver for single nodes."""
SEARCH, SEARCH_EFFORT = 1 / 10, 50_000
"""Most that the neighbourhoods may take: part of the time that is left, and simplex iterations."""
LEAF = 1_500
"""Free mandates up to which the strengthened model is asked, at first; ever fewer where it cannot."""
LEAF_NODES = 500
"""Nodes of the solver for that."""
LESS = 0.75
"""Part of the free mandates of a node that could not be settled up to which it is asked again."""
MOST_COLUMNS, COLUMNS_A_BLOCK = 10_000, 40
"""Columns above which the master drops the half that it wants least: so many, and so many for every block."""


@dataclass
class Node:
    """A part of the allocations.

    Parameters
    ----------
    bound : upper bound on what an allocation of this part that is better than the best one is worth.
    state : shape (K,), int8: 1 must hold a mandate, -1 must not, 0 free.
    multipliers : shape (n_rows,), where its column generation starts.
    depth : branchings above it.
    """

    bound: float
    state: NDArray[np.int8]
    multipliers: FloatArray
    depth: int = 0


class OpenNodes:
    """The open nodes, the largest bound first, older ones before younger ones."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Node]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Node]:
        return (node for _, _, node in sorted(self._heap, key=lambda entry: entry[:2]))

    @property
    def bound(self) -> float:
        """The largest bound; -inf where no node is open."""
        return -self._heap[0][0] if self._heap else -np.inf

    def push(self, node: Node) -> None:
        """Add a node."""
        heapq.heappush(self._heap, (-node.bound, self._number, node))
        self._number += 1

    def pop(self) -> Node:
        """Take the node with the largest bound."""
        return heapq.heappop(self._heap)[2]


class PseudoCosts:
    """What branching on an offer has gained so far, per unit of the mandate that it rounds away.

    Parameters
    ----------
    n_offers : K.
    """

    def __init__(self, n_offers: int) -> None:
        self.gain = np.zeros((2, n_offers))
        self.count = np.zeros((2, n_offers), dtype=np.int64)

    def learn(self, k: int, side: int, gain: float, rounded: float) -> None:
        """Take note of one branching: `side` is -1 or 1, `rounded` the part of the mandate it moved."""
        at = int(side > 0)
        self.gain[at, k] += gain / max(rounded, WHOLE)
        self.count[at, k] += 1

    def scores(self, offers: IntArray, weights: FloatArray) -> FloatArray:
        """Estimated score of branching on each of some offers; those never tried count as the average."""
        total = self.count.sum(axis=1)
        average = np.where(total > 0, self.gain.sum(axis=1) / np.maximum(total, 1), 1.0)
        each = np.where(self.count > 0, self.gain / np.maximum(self.count, 1), average[:, None])[:, offers]
        return score(each[0] * weights, each[1] * (1 - weights))

    def reliable(self, k: int) -> bool:
        """Whether the offer was tried often enough on both sides."""
        return bool(self.count[:, k].min() >= RELIABLE)


def score(down: FloatArray, up: FloatArray) -> FloatArray:
    """The product rule. Source: Achterberg, Koch and Martin 2005."""
    return np.maximum(down, WHOLE) * np.maximum(up, WHOLE)


class Tree:
    """Branch and price from a root whose columns have been generated.

    Parameters
    ----------
    loop : the solve.
    generation : column generation at the root; its master and columns serve all nodes.
    restriction : for RENS.
    """

    def __init__(self, loop: Loop, generation: ColumnGeneration[HospitalRelaxation], restriction: Restriction) -> None:
        self.loop = loop
        self.generation = generation
        self.relaxation = generation.relaxation
        self.pricer = generation.relaxation.pricer
        self.master = generation.master
        self.restriction = restriction
        self.settling = Settling(loop.offers)
        self.nodes = OpenNodes()
        self.active: Node | None = None
        self.root = Node(np.inf, self.pricer.state.copy(), generation.best)
        self.costs = PseudoCosts(loop.instance.n_offers)
        self.center: Evaluation | None = None
        self.center_bound = np.inf
        self.leaf = LEAF

    def start(self, bound: float, multipliers: FloatArray) -> None:
        """Open the root."""
        self.root = Node(bound, self.pricer.state.copy(), multipliers)
        self.nodes.push(self.root)

    def resume(self, state: TreeState) -> None:
        """Open the nodes of a state."""
        self.root = Node(np.inf, state.root, state.root_multipliers)
        for bound, fixed, at in zip(state.bounds.tolist(), state.states, state.multipliers_of.tolist(), strict=True):
            self.nodes.push(Node(bound, fixed, state.multipliers[at]))
        self._report(None)

    def run(self) -> None:
        """Work until no node is open.

        Raises
        ------
        Finished
            A limit was reached, or the bounds meet.
        InfeasibleError
            No allocation exists.
        """
        try:
            self._search()
        except Finished:
            if self.active is not None:
                self.nodes.push(self.active)
            raise
        if self.loop.best is None:
            raise InfeasibleError("no node holds an allocation")
        self.loop.proved("branching")

    def _search(self) -> None:
        follow: Node | None = None
        self._report(follow)
        self.loop.check()
        while len(self.nodes) or follow is not None:
            self.active = node = self.nodes.pop() if follow is None else follow
            best = self.loop.best
            children = self._processed(node)
            if self.loop.best != best:
                self._fix_at_root()
            follow = self._next(children)
            self.active = follow
            self.loop.counters["nodes"] = self.loop.counters.get("nodes", 0) + 1
            self.loop.counters["open_nodes"] = len(self.nodes) + (follow is not None)
            self._report(follow)
            self.loop.check()

    def _next(self, children: list[Node]) -> Node | None:
        """The child to go on with, or None; the others are opened."""
        children = sorted((child for child in children if not self._pruned(child.bound)), key=lambda one: -one.bound)
        follow = None
        if children:
            least = self.loop.best if self.loop.best is not None else -np.inf
            most = max(self.nodes.bound, children[0].bound)
            if children[0].bound >= most - PLUNGE * (most - least):
                follow = children.pop(0)
        for child in children:
            self.nodes.push(child)
        return follow

    def _report(self, follow: Node | None) -> None:
        """(9), with `follow` the node that comes next."""
        bounds = [self.nodes.bound]
        if follow is not None:
            bounds.append(follow.bound)
        if self.loop.best is not None:
            bounds.append(float(self.loop.best))
        if np.isfinite(max(bounds)):
            self.loop.bounded(max(bounds), "branching")

    def _pruned(self, bound: float) -> bool:
        """Whether no allocation with at most this bound is better than the best one: values are whole."""
        return self.loop.best is not None and bound + SAFETY * abs(bound) < self.loop.best + 1

    def _processed(self, node: Node) -> list[Node]:
        """Bound a node; its children, none where it is settled."""
        most = MOST_COLUMNS + COLUMNS_A_BLOCK * self.master.n_blocks
        self.loop.counters["dropped_columns"] = self.loop.counters.get("dropped_columns", 0) + self.master.trim(
            most, most // 2
        )
        # What holds for all better allocations holds here, too.
        if self._pruned(node.bound) or ((node.state * self.root.state) < 0).any():
            return []
        node.state = np.where(self.root.state != 0, self.root.state, node.state).astype(np.int8)
        while True:
            if not self.settling.settle(node.state):
                return []
            free = self.loop.offers.live & (node.state == 0)
            if not free.any():
                self.loop.found(node.state > 0, "leaf")
                return []
            if not self._bounded(node):
                return []
            weights = self.master.weights()
            self._improve(weights)
            if self._pruned(node.bound) or not self._probed(node):
                return []
            if self._decided(node):
                return []
            if not ((node.state > 0) & (weights < 1 - WHOLE) | (node.state < 0) & (weights > WHOLE)).any():
                break
        if not (self.loop.offers.live & (node.state == 0)).any():
            self.loop.found(node.state > 0, "leaf")
            return []
        return self._branched(node, weights)

    def _enter(self, state: NDArray[np.int8]) -> None:
        self.pricer.state[:] = state
        self.master.restrict(state)

    def _bounded(self, node: Node) -> bool:
        """Column generation at a node; False where it is pruned."""
        self._enter(node.state)
        multipliers = node.multipliers
        evaluation = self.generation.price(multipliers)
        self.center, self.center_bound = evaluation, evaluation.bound
        node.bound = min(node.bound, evaluation.bound)
        alpha = SMOOTHING
        for _ in range(ROUNDS):
            if self._pruned(node.bound) or not np.isfinite(node.bound):
                return False
            self.loop.check()
            before = self.loop.counters["columns"]
            solved = self.master.solve(self.loop.left)
            if solved is None:
                break
            value, prices = solved
            left = self.center_bound - value
            if left <= max(0.5, 1e-7 * abs(value)):
                break
            best = self.loop.best
            if best is not None and value > best + 1 and left < TAIL * (self.center_bound - best):
                break
            multipliers = alpha * node.multipliers + (1 - alpha) * prices
            evaluation = self.generation.price(multipliers)
            if evaluation.bound < self.center_bound:
                self.center, self.center_bound, node.multipliers = evaluation, evaluation.bound, multipliers
                node.bound = min(node.bound, evaluation.bound)
            if self.loop.counters["columns"] == before:
                if alpha == 0.0:
                    break
                alpha = 0.0
            else:
                alpha = SMOOTHING
        return not self._pruned(node.bound) and bool(np.isfinite(node.bound))

    def _improve(self, weights: FloatArray) -> None:
        """Try for a better allocation, every so often."""
        number = self.loop.counters.get("nodes", 0)
        if ((weights < WHOLE) | (weights > 1 - WHOLE)).all():
            self.loop.found(weights > 0.5, "master")
        elif number % REPAIR_EVERY == 0:
            self.loop.found(repaired(self.loop.offers, weights), "repair")
            if number % RENS_EVERY == 0 and number > 0:
                rens(self.restriction, weights, nodes=RENS_NODES)
            if number == LARGE:
                guide = Guide(self.loop.offers, weights, self.relaxation, self.root.multipliers)
                seconds = None if self.loop.left is None else SEARCH * self.loop.left
                search = NeighbourhoodSearch(self.loop, guide, restriction=self.restriction)
                search.run(seconds=seconds, raises=0, effort=SEARCH_EFFORT)
        self.loop.check()

    def _probed(self, node: Node) -> bool:
        """Fix what no better allocation of this node can have otherwise; False where none is left."""
        if self.loop.best is None or self.center is None:
            return True
        gain, fee = self.relaxation.prices(np.maximum(node.multipliers, 0.0))
        spare = self.center_bound + SAFETY * abs(self.center_bound) - (self.loop.best + 1)
        verdict = self.pricer.probe(gain, fee, self.center.plans.bound, max(spare, 0.0))
        node.state = np.where(node.state != 0, node.state, verdict).astype(np.int8)
        return self.settling.settle(node.state)

    def _decided(self, node: Node) -> bool:
        """Whether the strengthened model settles what is open at a node, which is asked where that is little."""
        free = int((self.loop.offers.live & (node.state == 0)).sum())
        if free > self.leaf or self.loop.counters.get("nodes", 0) < LARGE:
            return False
        solution = self.restriction.solve(node.state < 0, node.state > 0, "leaf", nodes=LEAF_NODES)
        self.loop.counters["leaves"] = self.loop.counters.get("leaves", 0) + 1
        if solution.status is SolverStatus.INFEASIBLE:
            return True
        if solution.dual is not None:
            node.bound = min(node.bound, solution.dual)
        if self._pruned(node.bound):
            return True
        self.loop.check()
        self.leaf = int(LESS * free)
        return False

    def _fix_at_root(self) -> None:
        """Probe the root against a new best value."""
        self.pricer.state[:] = self.root.state
        evaluation = self.relaxation.evaluate(self.root.multipliers)
        probe = Node(evaluation.bound, self.root.state, self.root.multipliers)
        self.center, self.center_bound = evaluation, evaluation.bound
        if not np.isfinite(evaluation.bound) or self._pruned(evaluation.bound) or not self._probed(probe):
            # Nothing better is left anywhere; the open nodes go one by one.
            return
        self.root = probe

    def _branched(self, node: Node, weights: FloatArray) -> list[Node]:
        """The children of a node: trials for what is unreliable, estimates for the rest."""
        free = self.loop.offers.live & (node.state == 0)
        candidates = np.flatnonzero(free & (weights > WHOLE) & (weights < 1 - WHOLE))
        if not len(candidates):
            k = int(np.flatnonzero(free)[np.argmax(weights[free])])
            return [child for child in (self._child(node, k, side) for side in (-1, 1)) if child is not None]
        scores = self.costs.scores(candidates, weights[candidates])
        order = np.argsort(-scores, kind="stable")
        chosen, most = -1, -np.inf
        children: list[Node] = []
        tried, waited = 0, 0
        for at in order.tolist():
            k = int(candidates[at])
            if self.costs.reliable(k) or tried >= MOST_TRIED or waited >= LOOK_AHEAD:
                if scores[at] > most and self.costs.reliable(k):
                    chosen, most, children = k, float(scores[at]), []
                continue
            pair = [self._tried(node, k, side, float(weights[k])) for side in (-1, 1)]
            gains = [np.inf if child is None else self.center_bound - child.bound for child in pair]
            tried += 1
            if np.inf in gains:
                # One side is settled: the other one is all that is left.
                return [child for child in pair if child is not None]
            worth = float(score(np.array(gains[0]), np.array(gains[1])))
            waited += 1
            if worth > most:
                chosen, most, children, waited = k, worth, [child for child in pair if child is not None], 0
        if not children:
            if chosen < 0:
                chosen = int(candidates[order[0]])
            children = [child for child in (self._child(node, chosen, side) for side in (-1, 1)) if child is not None]
        return children

    def _child(self, node: Node, k: int, side: int) -> Node | None:
        """A child without a trial; None where nothing lies in it."""
        state = node.state.copy()
        state[k] = side
        return Node(node.bound, state, node.multipliers, node.depth + 1) if self.settling.settle(state) else None

    def _tried(self, node: Node, k: int, side: int, weight: float) -> Node | None:
        """A child after a few rounds of column generation; None where it is settled."""
        child = self._child(node, k, side)
        if child is None:
            return None
        self._enter(child.state)
        lowest = np.inf
        for _ in range(TRIAL_ROUNDS):
            solved = self.master.solve(self.loop.left)
            self.loop.check()
            if solved is None:
                break
            multipliers = SMOOTHING * node.multipliers + (1 - SMOOTHING) * solved[1]
            evaluation = self.generation.price(multipliers)
            if evaluation.bound < lowest:
                lowest = evaluation.bound
                if lowest < child.bound:
                    child.bound, child.multipliers = lowest, multipliers
            if self._pruned(child.bound) or not np.isfinite(child.bound):
                return None
        self.costs.learn(k, side, max(self.center_bound - lowest, 0.0), weight if side < 0 else 1 - weight)
        return child

    def contents(self) -> Arrays:
        """What the state file holds of the tree."""
        nodes = list(self.nodes)
        if self.active is not None and not any(node is self.active for node in nodes):
            nodes.append(self.active)
        return TreeState.of(self.root.state, self.root.multipliers, nodes).arrays()
