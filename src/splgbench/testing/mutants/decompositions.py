"""Wrong decompositions: the toy Lagrangian with one verb overridden each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splgbench.allocation import Allocation
from splgbench.checker import check
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.judging import Judgement
from splgbench.limits import Limits
from splgbench.result import Status
from splgbench.testing.mutants.base import Mutant
from splgbench.testing.mutants.toy_lagrangian import GRAIN, BlockAnswer, State, ToyLagrangian
from splgbench.trace import Recorder


class StaleSubproblem(ToyLagrangian):
    """The last block's bound is that of the round before, under other prices."""

    _before: int | None = None

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        stale = self._before if state.iteration > 0 and self._before is not None else None
        self._before = answers[-1].bound if answers else None
        taken = [*answers[:-1], replace(answers[-1], bound=stale)] if answers and stale is not None else answers
        return super().total(instance, state, taken)


class SubproblemIncumbent(ToyLagrangian):
    """A subproblem stopped early counts with its incumbent, not its bound."""

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        return super().total(instance, state, [replace(answer, bound=answer.value) for answer in answers])


class BlockForgotten(ToyLagrangian):
    """The last of several blocks is missing in the sum."""

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        return super().total(instance, state, answers[:-1] if len(answers) > 1 else answers)


class ConstantForgotten(ToyLagrangian):
    """L(p) without sum p_c B_c."""

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        return super().total(instance, state, answers) - int(state.prices @ instance.demand)


class ConstantSubtracted(ToyLagrangian):
    """L(p) with - sum p_c B_c."""

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        return super().total(instance, state, answers) - 2 * int(state.prices @ instance.demand)


class PricesBelowZero(ToyLagrangian):
    """Prices may fall below 0 although demand rows are inequalities."""

    def next_prices(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> IntArray:
        return state.prices + self.step(instance, state, answers)


class NextPricesInConstant(ToyLagrangian):
    """The constant is taken at the next prices, the blocks at these."""

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        return super().total(instance, replace(state, prices=self.next_prices(instance, state, answers)), answers)


class WrongCellPriced(ToyLagrangian):
    """Blocks pay the price of the next cell."""

    def reduced(self, instance: Instance, state: State) -> IntArray:
        return super().reduced(instance, replace(state, prices=np.roll(state.prices, 1)))


class PaidTwice(ToyLagrangian):
    """Blocks pay every price twice."""

    def reduced(self, instance: Instance, state: State) -> IntArray:
        return super().reduced(instance, replace(state, prices=2 * state.prices))


class BlocksRoundedDown(ToyLagrangian):
    """Each block's bound is rounded down to whole units before the sum."""

    def total(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> int:
        rounded = [replace(answer, bound=(answer.bound or 0) // GRAIN * GRAIN) for answer in answers]
        return super().total(instance, state, rounded) // GRAIN * GRAIN


class IncumbentAsBound(ToyLagrangian):
    """After the last round the best value is the bound."""

    def judged(
        self, instance: Instance, limits: Limits, ended: Status, state: State, start: Allocation | None
    ) -> Judgement:
        if state.best_value is not None:
            state.best_bound = GRAIN * state.best_value
        return super().judged(instance, limits, ended, state, start)


class ConvergedTooEarly(ToyLagrangian):
    """A tenth between value and bound counts as none."""

    def is_done(self, state: State) -> bool:
        if state.best_value is None or state.best_bound is None:
            return False
        if 10 * state.best_bound > 11 * GRAIN * state.best_value:
            return False
        state.best_bound = GRAIN * state.best_value
        return True


class CooperationTorn(ToyLagrangian):
    """Every hospital is a block of its own, and a partner's mandate counts for nothing there."""

    def blocks(self, instance: Instance) -> list[IntArray]:
        return super().blocks(replace(instance, cooperation=("",) * instance.n_hospitals))


class EmptyBlocksBelieved(ToyLagrangian):
    """A subproblem that stops early without a mandate counts as a bound of 0."""

    def subproblem(self, instance: Instance, state: State, block: IntArray) -> BlockAnswer:
        answer = super().subproblem(instance, state, block)
        return answer if answer.volumes.any() else BlockAnswer(answer.value, answer.value, answer.volumes)


class Unpolished(ToyLagrangian):
    """The volumes of the blocks are the answer, whatever they are in sum."""

    def keep_best(self, instance: Instance, state: State, answers: list[BlockAnswer]) -> None:
        state.mandates = None
        self._volumes = sum((answer.volumes for answer in answers), np.zeros(instance.n_offers, dtype=np.int64))

    def judged(
        self, instance: Instance, limits: Limits, ended: Status, state: State, start: Allocation | None
    ) -> Judgement:
        if not state.iteration:
            return super().judged(instance, limits, ended, state, start)
        worth = check(instance, self._volumes).objective
        return Judgement(ended, worth, float(worth), self._volumes)


class BoundBeforeTheSum(ToyLagrangian):
    """Rounds report the bound before the last block has joined it; the end is right."""

    def report(self, recorder: Recorder, value: float | None, bound: float, mandates: BoolArray | None) -> None:
        super().report(recorder, value, bound * 3 / 4, mandates)


class InfeasibleWithoutIncumbent(ToyLagrangian):
    """No allocation after the last round counts as a proof that there is none."""

    def judged(
        self, instance: Instance, limits: Limits, ended: Status, state: State, start: Allocation | None
    ) -> Judgement:
        if state.mandates is None:
            return Judgement(Status.INFEASIBLE, None, None, None)
        return super().judged(instance, limits, ended, state, start)


class StartAsAnswer(ToyLagrangian):
    """A start that obeys every rule is the answer, and its value the bound."""

    def judged(
        self, instance: Instance, limits: Limits, ended: Status, state: State, start: Allocation | None
    ) -> Judgement:
        if start is not None and check(instance, start).feasible:
            state.best_bound = GRAIN * check(instance, start).objective
            state.mandates = None
        return super().judged(instance, limits, ended, state, start)


def _mutant(name: str, what_is_wrong: str, method: type[ToyLagrangian]) -> Mutant:
    def make() -> ToyLagrangian:
        made = method()
        made.name = name
        return made

    return Mutant(name, "decomposition", what_is_wrong, make)


DECOMPOSITION_MUTANTS = (
    _mutant("stale-subproblem", "one block's bound is that of the round before", StaleSubproblem),
    _mutant("subproblem-incumbent", "a subproblem stopped early counts with its incumbent", SubproblemIncumbent),
    _mutant("block-forgotten", "one hospital block is missing in the sum", BlockForgotten),
    _mutant("constant-forgotten", "the sum of prices times demand is missing", ConstantForgotten),
    _mutant("constant-subtracted", "the sum of prices times demand has the wrong sign", ConstantSubtracted),
    _mutant("prices-below-zero", "prices of inequalities fall below 0", PricesBelowZero),
    _mutant("next-prices-in-constant", "constant at the next prices, blocks at these", NextPricesInConstant),
    _mutant("wrong-cell-priced", "blocks pay the price of the next cell", WrongCellPriced),
    _mutant("paid-twice", "blocks pay every price twice", PaidTwice),
    _mutant("blocks-rounded-down", "each block's bound is rounded down before the sum", BlocksRoundedDown),
    _mutant("value-as-bound", "the best value is the bound after the last round", IncumbentAsBound),
    _mutant("converged-too-early", "a gap of a tenth counts as none", ConvergedTooEarly),
    _mutant("cooperation-torn", "cooperating hospitals are separate blocks", CooperationTorn),
    _mutant("empty-blocks-believed", "an early stop with nothing found counts as a bound of 0", EmptyBlocksBelieved),
    _mutant("unpolished", "the blocks' volumes are the answer, demand or not", Unpolished),
    _mutant(
        "bound-before-sum", "rounds report the bound before all blocks are in, the end is right", BoundBeforeTheSum
    ),
    _mutant("infeasible-without-value", "no allocation found counts as infeasible", InfeasibleWithoutIncumbent),
    _mutant("start-as-answer", "a feasible start is the answer and its value the bound", StartAsAnswer),
)
"""Wrong decompositions."""
