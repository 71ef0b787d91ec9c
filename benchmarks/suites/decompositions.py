"""Decompositions, looked at after a fixed number of rounds."""

from __future__ import annotations

from typing import Any

from .cases import DECOMPOSITIONS, INSTANCES, TINY
from .solves import GAP, above, solved
from .workbench import Figures, Workbench, figure, instance, once, skipped

ITERATIONS = 60
"""Rounds of the outer loop after which a decomposition is looked at."""
BY_AREA = ("benders_area", "benders_logic_area", "lagrangian_area")
"""Decompositions whose rounds solve MILPs: they are looked at earlier, and on the tiny instances only."""
ITERATIONS_BY_AREA = 10


def allotted(name: str) -> int:
    """After how many rounds a decomposition is looked at."""
    return ITERATIONS_BY_AREA if name in BY_AREA else ITERATIONS


def decomposition(name: str, instance_name: str) -> Any:
    """The method, where it can run.

    Raises
    ------
    NotImplementedError
        It cannot, with the reason; or it is not asked on this instance.
    """
    from splgbench.errors import UnsupportedError
    from splgbench.limits import Limits
    from splgbench.methods import method

    if name in BY_AREA and instance_name not in TINY:
        raise skipped(f"{name} is measured on the tiny instances only")
    try:
        found = method(name)
    except UnsupportedError as reason:
        raise skipped(str(reason)) from None
    reason = found.reason_against(instance(instance_name), Limits())
    if reason is not None:
        raise skipped(reason)
    return found


class Rounds(Workbench):
    """Counters, value and bound after a fixed number of rounds."""

    params = (DECOMPOSITIONS, INSTANCES)
    param_names = ("decomposition", "instance")

    def setup(self, name: str, instance_name: str) -> None:
        def measure() -> Figures:
            return solved(decomposition(name, instance_name), instance_name, iterations=allotted(name))

        self.figures = once(f"rounds-{name}-{instance_name}", measure)

    def track_rounds(self, *case: str) -> float:
        return figure(self.figures, "iterations")

    def track_pricing_rounds(self, *case: str) -> float:
        return figure(self.figures, "pricing_rounds")

    def track_pricing_nodes(self, *case: str) -> float:
        return figure(self.figures, "pricing_nodes")

    def track_columns(self, *case: str) -> float:
        return figure(self.figures, "columns")

    def track_simplex_iterations(self, *case: str) -> float:
        return figure(self.figures, "simplex_iterations")

    def track_value(self, *case: str) -> float:
        return figure(self.figures, "value")

    def track_bound_gap(self, *case: str) -> float:
        return above(figure(self.figures, "bound"), case[-1])

    track_rounds.unit = track_pricing_rounds.unit = "rounds"  # type: ignore[attr-defined]
    track_pricing_nodes.unit = "nodes"  # type: ignore[attr-defined]
    track_columns.unit = "columns"  # type: ignore[attr-defined]
    track_simplex_iterations.unit = "iterations"  # type: ignore[attr-defined]
    track_value.unit = "utility units"  # type: ignore[attr-defined]
    track_bound_gap.unit = "of the best known value"  # type: ignore[attr-defined]


class ToGap(Workbench):
    """Clock of a solve to a gap, or of the rounds above where they do not reach it; check included, compiling not."""

    params = (DECOMPOSITIONS, INSTANCES)
    param_names = ("decomposition", "instance")
    number = 1
    repeat = (1, 3, 20.0)
    warmup_time = 0

    def setup(self, name: str, instance_name: str) -> None:
        self.method = decomposition(name, instance_name)
        getattr(self.method, "prepare", lambda: None)()
        # What a method finds unsupported only when it solves is skipped here: a clock cannot.
        once(f"first-{name}-{instance_name}", lambda: solved(self.method, instance_name, iterations=1))

    def time_solve_to_gap(self, name: str, instance_name: str) -> None:
        solved(self.method, instance_name, gap=GAP, iterations=allotted(name))
