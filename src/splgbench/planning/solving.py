"""Solving as the planning chain needs it: through any method, each instance once."""

from __future__ import annotations

from dataclasses import dataclass, field

from splgbench.errors import InfeasibleError, SplgbenchError
from splgbench.instance import Instance, IntArray
from splgbench.limits import NO_LIMITS, Limits
from splgbench.methods import method
from splgbench.result import Status


@dataclass(frozen=True)
class Solved:
    """A checked allocation and what is known about the optimum.

    Parameters
    ----------
    volumes : shape (K,), cases.
    primal : its value in utility units.
    dual : upper bound on the optimum, at least `primal`; None where the method gave none.
    """

    volumes: IntArray
    primal: int
    dual: int | None

    @property
    def is_optimal(self) -> bool:
        return self.dual == self.primal


@dataclass
class Solver:
    """A method with its limits; an instance that was answered is not solved again.

    Parameters
    ----------
    name : NAME[@BACKEND][:key=value,...].
    limits : of each solve.
    """

    name: str
    limits: Limits = NO_LIMITS
    _known: dict[str, Solved] = field(default_factory=dict, repr=False)

    def solve(self, instance: Instance) -> Solved:
        """The best checked allocation found.

        Raises
        ------
        InfeasibleError
            The overrides clash; the message names the smallest clash.
        SplgbenchError
            The method failed, cannot answer the instance, or found nothing within its limits.
        """
        known = self._known.get(instance.instance_hash)
        if known is None:
            known = self._known[instance.instance_hash] = self._solved(instance)
        return known

    def know(self, instance: Instance, solved: Solved) -> None:
        """Take an answer from elsewhere in place of a solve."""
        self._known.setdefault(instance.instance_hash, solved)

    def _solved(self, instance: Instance) -> Solved:
        result = method(self.name).solve(instance, self.limits)
        if result.status is Status.INFEASIBLE:
            raise InfeasibleError(f"no allocation exists: {'; '.join(result.clash) or result.message}")
        if result.volumes is None or result.primal is None or result.status is Status.WRONG:
            raise SplgbenchError(f"{self.name} on {instance.name}: {result.status} {result.message}".strip())
        dual = None if result.dual is None else int(result.dual)
        return Solved(result.volumes, result.primal, dual)
