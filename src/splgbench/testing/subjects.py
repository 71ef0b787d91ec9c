"""Which methods the battery is put to, and how often."""

from __future__ import annotations

from collections.abc import Iterable

from splgbench import registry
from splgbench.library import load
from splgbench.limits import NO_LIMITS
from splgbench.methods import Direct, Method, all_direct_methods, method

EXAMPLES = {"ci": 25, "nightly": 500}
"""Instances drawn for a relation, by profile."""

WITHOUT_PRESOLVE = ("semicontinuous@highs:presolve=off", "semicontinuous@scip:presolve=off")
"""Semicontinuous columns have had wrong optima with and without the solver's presolve (HiGHS issues 3015, 3274)."""

STRIDES = {"ci": (2, 6), "nightly": (5, 25)}
"""By profile: n for backends that take twice as long as the fastest, and for methods that go through Pyomo.

A method with n takes part in every n-th draw.
"""

_SLOWER_BACKENDS = {"scip", "scipy_milp", "gurobi"}
_SLOWEST_BACKENDS = {"pyomo"}
_SLOWEST_FORMULATIONS = {"gdp_bigm", "gdp_hull"}


def registered_methods() -> list[Method]:
    """Every registered method that can run here, and the semicontinuous ones with presolve off."""
    names = (*all_direct_methods(), *registry.names("decompositions"), *WITHOUT_PRESOLVE)
    sample = load("easy")
    methods = [method(name) for name in names]
    return [subject for subject in methods if subject.reason_against(sample, NO_LIMITS) is None]


def strides(methods: Iterable[Method], profile: str) -> dict[str, int]:
    """n for each method that takes part in every n-th draw only.

    Parameters
    ----------
    profile : "ci" or "nightly".
    """
    slower, slowest = STRIDES[profile]
    found = {}
    for subject in methods:
        if isinstance(subject, Direct):
            if subject.backend.name in _SLOWEST_BACKENDS or subject.formulation_name in _SLOWEST_FORMULATIONS:
                found[subject.name] = slowest
            elif subject.backend.name in _SLOWER_BACKENDS:
                found[subject.name] = slower
    return found


def by_backend(methods: Iterable[Method]) -> dict[str, list[Method]]:
    """Direct methods by their backend, decompositions by their own name: pieces of a long run."""
    pieces: dict[str, list[Method]] = {}
    for subject in methods:
        pieces.setdefault(subject.backend.name if isinstance(subject, Direct) else subject.name, []).append(subject)
    return pieces
