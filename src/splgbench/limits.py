"""The limits of one solve, the same for every method."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from splgbench.errors import InputError


@dataclass(frozen=True)
class Limits:
    """What a method may use.

    Parameters
    ----------
    wall_time : seconds, building the model included; None for no limit.
    memory : megabytes; None for no limit.
    threads : threads the solver may use.
    gap : relative gap ``|dual - primal| / |primal|`` at which it may stop, a fraction; 0 asks for a proof.
    seed : the solver's random seed.
    nodes : branch-and-bound nodes; None for no limit.
    iterations : iterations of a decomposition's outer loop; None for no limit.
    """

    wall_time: float | None = None
    memory: int | None = None
    threads: int = 1
    gap: float = 0.0
    seed: int = 0
    nodes: int | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        rules = (
            (self.wall_time is None or self.wall_time > 0, "the time limit must be above 0 seconds"),
            (self.memory is None or self.memory > 0, "the memory limit must be above 0 MB"),
            (self.threads >= 1, "threads must be at least 1"),
            (0 <= self.gap < float("inf"), "the gap must be at least 0"),
            (0 <= self.seed < 2**31, "the seed must be between 0 and 2^31 - 1"),
            (self.nodes is None or self.nodes >= 0, "the node limit must be at least 0"),
            (self.iterations is None or self.iterations >= 0, "the iteration limit must be at least 0"),
        )
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise InputError("; ".join(broken), "limits")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


NO_LIMITS = Limits()
"""One thread, no time limit, gap 0, seed 0."""
