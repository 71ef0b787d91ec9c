"""Direct methods: a formulation on a backend."""

from __future__ import annotations

from typing import Any

from .cases import BACKENDS, BEST_KNOWN, FORMULATIONS, TINY, WHOLE
from .workbench import Figures, Workbench, figure, instance, once, skipped

INSTANCES = ("tiny-real", "tiny-linked", *WHOLE)
"""What every pair of formulation and backend is asked; the third tiny instance is for decompositions."""
NODES = 20
"""Nodes after which a direct solve is looked at."""
GAP = 1e-3
"""Relative gap of the solves that are timed."""
LARGE = ("strengthened@highs", "linked@highs", "strengthened@scip")
"""Pairs that are worth their time on the instances of the full run."""
ENDLESS = (("linked", "linked"),)
"""Formulations that reach `GAP` on an instance with no solver within the time that asv gives a figure."""


def direct(formulation: str, backend: str, name: str, nodes: int | None = None) -> Any:
    """The method, where it can run.

    Raises
    ------
    NotImplementedError
        It cannot, with the reason; or it is not asked on this instance.
    """
    from splgbench.errors import UnsupportedError
    from splgbench.limits import Limits
    from splgbench.methods import method

    pair = f"{formulation}@{backend}"
    if name not in TINY and pair not in LARGE:
        raise skipped(f"{pair} is measured on the tiny instances only")
    try:
        found = method(pair)
    except UnsupportedError as reason:
        raise skipped(str(reason)) from None
    reason = found.reason_against(instance(name), Limits(nodes=nodes))
    if reason is not None:
        raise skipped(f"{pair}: {reason}")
    return found


def above(bound: float, name: str) -> float:
    """How far a bound lies above the best known value, as a fraction of it."""
    return (bound - BEST_KNOWN[name]) / BEST_KNOWN[name]


def solved(method: Any, name: str, **limits: Any) -> Figures:
    """Solve and keep the counters, the checked value and the bound.

    No limit of time: a solve that looks at the clock counts something else every time.

    Raises
    ------
    NotImplementedError
        The pair turns out to be unsupported.
    RuntimeError
        The answer is wrong, or there is none.
    """
    from splgbench.limits import Limits

    result = method.solve(instance(name), Limits(**limits))
    status = str(result.status)
    if status == "unsupported":
        raise skipped(result.message)
    if status in ("error", "wrong", "infeasible"):
        raise RuntimeError(f"{method.name} on {name}: {status}: {result.message}")
    bounds = {"value": result.primal, "bound": result.dual}
    return {**result.counters, **{key: value for key, value in bounds.items() if value is not None}}


class Relaxations(Workbench):
    """The LP relaxation."""

    params = (FORMULATIONS, ("highs", "scip"), INSTANCES)
    param_names = ("formulation", "backend", "instance")

    def setup(self, formulation: str, backend: str, name: str) -> None:
        self.figures = once(f"lp-{formulation}-{backend}-{name}", lambda: _lp(formulation, backend, name))

    def track_lp_gap(self, *case: str) -> float:
        return figure(self.figures, "lp_gap")

    track_lp_gap.unit = "of the best known value"  # type: ignore[attr-defined]


def _lp(formulation: str, backend: str, name: str) -> Figures:
    from splgbench.errors import UnsupportedError

    method = direct(formulation, backend, name)
    try:
        return {"lp_gap": above(method.lp_bound(instance(name)), name)}
    except UnsupportedError as reason:
        raise skipped(str(reason)) from None


class Roots(Workbench):
    """The root node alone."""

    params = (FORMULATIONS, BACKENDS, INSTANCES)
    param_names = ("formulation", "backend", "instance")

    def setup(self, formulation: str, backend: str, name: str) -> None:
        def measure() -> Figures:
            return solved(direct(formulation, backend, name, nodes=1), name, nodes=1)

        self.figures = once(f"root-{formulation}-{backend}-{name}", measure)

    def track_root_gap(self, *case: str) -> float:
        return above(figure(self.figures, "bound"), case[-1])

    def track_cuts(self, *case: str) -> float:
        return figure(self.figures, "cuts")

    track_root_gap.unit = "of the best known value"  # type: ignore[attr-defined]
    track_cuts.unit = "cuts"  # type: ignore[attr-defined]


class Trees(Workbench):
    """Branch and bound to a fixed number of nodes; to the end where the backend has no node limit."""

    params = (FORMULATIONS, BACKENDS, INSTANCES)
    param_names = ("formulation", "backend", "instance")

    def setup(self, formulation: str, backend: str, name: str) -> None:
        def measure() -> Figures:
            from splgbench.capabilities import Capability

            method = direct(formulation, backend, name)
            limited = Capability.NODE_LIMIT in method.backend.capabilities
            return solved(method, name, nodes=NODES if limited else None)

        self.figures = once(f"tree-{formulation}-{backend}-{name}", measure)

    def track_simplex_iterations(self, *case: str) -> float:
        return figure(self.figures, "simplex_iterations")

    def track_nodes(self, *case: str) -> float:
        return figure(self.figures, "nodes" if "nodes" in self.figures else "branches")

    def track_value(self, *case: str) -> float:
        return figure(self.figures, "value")

    def track_bound(self, *case: str) -> float:
        return figure(self.figures, "bound")

    track_simplex_iterations.unit = "iterations"  # type: ignore[attr-defined]
    track_nodes.unit = "nodes"  # type: ignore[attr-defined]
    track_value.unit = track_bound.unit = "utility units"  # type: ignore[attr-defined]


class ToGap(Workbench):
    """Clock of a solve to a gap, model and check included."""

    params = (("linked", "strengthened"), BACKENDS, INSTANCES)
    param_names = ("formulation", "backend", "instance")
    number = 1
    repeat = (1, 3, 20.0)
    warmup_time = 0

    def setup(self, formulation: str, backend: str, name: str) -> None:
        if (formulation, name) in ENDLESS:
            raise skipped(f"{formulation} does not reach a gap of {GAP:.1%} on {name} within two minutes")
        self.method = direct(formulation, backend, name)

    def time_solve_to_gap(self, _formulation: str, _backend: str, name: str) -> None:
        solved(self.method, name, gap=GAP)
