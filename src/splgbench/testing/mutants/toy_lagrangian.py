"""A small, correct Lagrangian decomposition over hospital blocks, made to be broken.

    L(p) = sum_c p_c B_c + sum over blocks of max { sum_k (u_k - p_c(k)) x_k : links, thresholds, capacities },  p >= 0

Demand rows are relaxed with prices p, one for each cell; what then remains falls apart into blocks of hospitals that
cooperation joins (model statement, fact 5). Every L(p) is an upper bound (Geoffrion 1974). Prices are whole multiples
of 1/16, so that bounds are exact. It is a subject for mutants, not a method for campaigns: blocks are enumerated.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from splgbench.allocation import Allocation
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.judging import Judgement, judge, judge_infeasible
from splgbench.limits import NO_LIMITS, Limits
from splgbench.methods import start_volumes
from splgbench.offers import Offers, plain_offers
from splgbench.polish import polish
from splgbench.result import Result, Status
from splgbench.trace import EventHandler, Recorder, Stop
from splgbench.versions import versions

GRAIN = 16
"""Prices are multiples of 1 / GRAIN; values below are in units of 1 / GRAIN."""

ENUMERATED_OFFERS = 12
"""A block is solved by looking at 2^K sets of mandates."""

ITERATIONS = 20
"""Rounds where no limit says less."""


@dataclass(frozen=True)
class BlockAnswer:
    """What is known of a block's subproblem.

    Parameters
    ----------
    bound : upper bound on its value; None where the block admits no allocation.
    value : value of `volumes`.
    volumes : shape (K,), an allocation of the block, 0 elsewhere.
    """

    bound: int | None
    value: int
    volumes: IntArray


@dataclass
class State:
    """Where an iteration stands: prices, shape (C,), in units of 1 / GRAIN, and the answers of the blocks."""

    offers: Offers
    blocks: list[IntArray]
    prices: IntArray
    iteration: int = 0
    best_bound: int | None = None
    best_value: int | None = None
    mandates: BoolArray | None = None


class ToyLagrangian:
    """The method. Mutants override one verb each."""

    name = "toy-lagrangian"

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        """A block too large to enumerate."""
        largest = max((len(block) for block in self.blocks(instance)), default=0)
        return f"a block has {largest} offers, {ENUMERATED_OFFERS} at most" if largest > ENUMERATED_OFFERS else None

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Allocation | None = None,
        permutation: int | None = None,
        on_event: EventHandler | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """See `Method.solve`; a permutation changes nothing here."""
        began = time.perf_counter()
        recorder = Recorder(self.name, on_event, began)
        reason = self.reason_against(instance, limits)
        if reason is not None:
            return self._result(instance, limits, recorder, Judgement(Status.UNSUPPORTED, None, None, None, reason))
        state = State(plain_offers(instance), self.blocks(instance), np.zeros(instance.n_cells, dtype=np.int64))
        ended = self._iterate(instance, limits, recorder, state, stop or Stop())
        if ended is Status.INFEASIBLE:
            judgement, clash = judge_infeasible(instance, "")
            return self._result(instance, limits, recorder, judgement, clash)
        return self._result(instance, limits, recorder, self.judged(instance, limits, ended, state, start))

    def judged(
        self, instance: Instance, limits: Limits, ended: Status, state: State, start: Allocation | None
    ) -> Judgement:
        """The best mandates and the best bound, judged exactly."""
        dual = None if state.best_bound is None else state.best_bound / GRAIN
        return judge(instance, limits, ended, state.mandates, dual, start_volumes(instance, start))

    def _iterate(self, instance: Instance, limits: Limits, recorder: Recorder, state: State, stop: Stop) -> Status:
        most = ITERATIONS if limits.iterations is None else min(limits.iterations, ITERATIONS)
        while state.iteration < most:
            if stop:
                return Status.INTERRUPTED
            if limits.wall_time is not None and time.perf_counter() - recorder.started > limits.wall_time:
                return Status.TIME_OUT
            answers = [self.subproblem(instance, state, block) for block in state.blocks]
            if any(answer.bound is None for answer in answers):
                return Status.INFEASIBLE
            bound = self.total(instance, state, answers)
            state.best_bound = bound if state.best_bound is None else min(state.best_bound, bound)
            self.keep_best(instance, state, answers)
            value = None if state.best_value is None else float(state.best_value)
            self.report(recorder, value, state.best_bound / GRAIN, state.mandates)
            if self.is_done(state):
                return Status.OPTIMAL
            state.prices = self.next_prices(instance, state, answers)
            state.iteration += 1
        # The rounds are used up: no status of its own, the nearest is that of a search cut short.
        return Status.NODE_LIMIT

    def blocks(self, instance: Instance) -> list[IntArray]:
        """Offers of each hospital, or of all hospitals of a cooperation group."""
        names = [network or f"\0{h}" for h, network in enumerate(instance.cooperation)]
        label = np.unique(names, return_inverse=True)[1] if names else np.zeros(0, dtype=np.int64)
        of_offer = label[instance.offer_hospital]
        return [np.flatnonzero(of_offer == number) for number in np.unique(of_offer)]

    def reduced(self, instance: Instance, state: State) -> IntArray:
        """u_k - p_c(k), shape (K,)."""
        reduced: IntArray = GRAIN * instance.utility - state.prices[instance.offer_cell]
        return reduced

    def subproblem(self, instance: Instance, state: State, block: IntArray) -> BlockAnswer:
        """Solve the block; the first round stops half-way and has the bound of a relaxation only."""
        worth = self.reduced(instance, state)
        if state.iteration == 0:
            early = _best_of_block(state.offers, block, worth, _sets(len(block))[: 2 ** len(block) // 2])
            if early is not None:
                return BlockAnswer(_relaxed_value(state.offers, block, worth), int(worth @ early), early)
        volumes = _best_of_block(state.offers, block, worth, _sets(len(block)))
        if volumes is None:
            return BlockAnswer(None, 0, np.zeros(instance.n_offers, dtype=np.int64))
        value = int(worth @ volumes)
        return BlockAnswer(value, value, volumes)

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        """L(p) from the bounds of the blocks."""
        return int(state.prices @ instance.demand) + sum(answer.bound or 0 for answer in answers)

    def keep_best(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> None:
        """Union of the blocks' mandates, most valuable blocks first, as far as an allocation exists; polished."""
        held = np.zeros(instance.n_offers, dtype=np.bool_)
        best = polish(instance, held)
        must = state.offers.granted
        # Blocks that hold a grant come first: without them there is no allocation.
        for answer in sorted(answers, key=lambda answer: (not (answer.volumes[must] > 0).any(), -answer.value)):
            tried = held | (answer.volumes > 0)
            polished = polish(instance, tried)
            if polished.volumes is not None or (must & ~tried).any():
                held, best = tried, polished
        if best.objective is None or best.volumes is None:
            return
        if state.best_value is None or best.objective > state.best_value:
            state.best_value, state.mandates = best.objective, best.volumes > 0

    def report(self, recorder: Recorder, value: float | None, bound: float, mandates: BoolArray | None) -> None:
        """Tell of the bounds known after a round."""
        recorder.bounds(primal=value, dual=bound, mandates=mandates)

    def is_done(self, state: State) -> bool:
        """Whether the bound lies less than one unit above the best value."""
        return (
            state.best_value is not None
            and state.best_bound is not None
            and state.best_bound < GRAIN * (state.best_value + 1)
        )

    def next_prices(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> IntArray:
        """A subgradient step of falling length, kept at or above 0."""
        prices: IntArray = np.maximum(state.prices + self.step(instance, state, answers), 0)
        return prices

    def step(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> IntArray:
        """Prices rise where cells are overfilled and fall where demand is left."""
        given = np.zeros(instance.n_cells, dtype=np.int64)
        for answer in answers:
            np.add.at(given, instance.offer_cell, answer.volumes)
        step: IntArray = np.sign(given - instance.demand) * (3 * GRAIN // (1 + state.iteration // 2) + 1)
        return step

    def _result(
        self,
        instance: Instance,
        limits: Limits,
        recorder: Recorder,
        judgement: Judgement,
        clash: tuple[str, ...] = (),
    ) -> Result:
        return Result(
            status=judgement.status,
            method=self.name,
            instance=instance.name,
            instance_hash=instance.instance_hash,
            primal=judgement.primal,
            dual=judgement.dual,
            claimed_primal=recorder.primal,
            claimed_dual=recorder.dual,
            volumes=judgement.volumes,
            wall_time_s=time.perf_counter() - recorder.started,
            limits=limits,
            versions=versions(),
            trace=tuple(recorder.events),
            message=judgement.message,
            clash=clash,
        )


def _sets(n: int) -> BoolArray:
    """All sets of n offers, shape (2^n, n)."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.bool_)


def _best_of_block(offers: Offers, block: IntArray, worth: IntArray, sets: BoolArray) -> IntArray | None:
    """The volumes of largest worth over the given sets of mandates; None where no set admits an allocation."""
    fixed = offers.fixed[block] > 0
    low = np.where(fixed, offers.fixed[block], offers.threshold[block])
    high = np.where(fixed, offers.fixed[block], offers.largest[block])
    allowed = ~(sets & (offers.refused[block] | (low > high))).any(axis=1) & (sets | ~offers.granted[block]).all(axis=1)
    place = np.full(len(offers.live), -1)
    place[block] = np.arange(len(block))
    links = offers.links
    for r in np.flatnonzero(place[links.offer] >= 0):
        members = place[links.member[links.start[r] : links.start[r + 1]]]
        allowed &= ~sets[:, place[links.offer[r]]] | sets[:, members[members >= 0]].any(axis=1)
    least = np.where(sets, low, 0)
    cases, fits = _filled(offers, block, worth, least, np.where(sets, high, 0))
    allowed &= fits
    if not allowed.any():
        return None
    values = np.where(allowed, cases @ worth[block], np.iinfo(np.int64).min)
    volumes = np.zeros(len(offers.live), dtype=np.int64)
    volumes[block] = cases[int(np.argmax(values))]
    return volumes


def _relaxed_value(offers: Offers, block: IntArray, worth: IntArray) -> int:
    """Worth of the block without thresholds, links, grants and fixes: never less than with them."""
    none = np.zeros((1, len(block)), dtype=np.int64)
    cases, _ = _filled(offers, block, worth, none, np.maximum(offers.largest[block], 0)[None, :])
    return int(cases[0] @ worth[block])


def _filled(
    offers: Offers, block: IntArray, worth: IntArray, low: IntArray, high: IntArray
) -> tuple[IntArray, BoolArray]:
    """Volumes from `low` up to `high`, most valuable first, within Q_{h,a}; one row a set. Whether `low` fits."""
    cases, limited = low.copy(), offers.instance.limits_areas
    pair = offers.pairs.of_offer[block]
    left = {p: int(offers.pairs.capacity[p]) - low[:, pair == p].sum(axis=1) for p in np.unique(pair).tolist()}
    fits = np.all([room >= 0 for room in left.values()], axis=0) if limited and left else np.ones(len(low), np.bool_)
    for i in np.argsort(-worth[block], kind="stable"):
        if worth[block[i]] > 0:
            room = high[:, i] - cases[:, i]
            given = np.minimum(room, np.maximum(left[int(pair[i])], 0)) if limited else room
            cases[:, i] += given
            left[int(pair[i])] = left[int(pair[i])] - given
    return cases, fits
