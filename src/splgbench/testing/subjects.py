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

_SLOW_BACKENDS = {"pyomo"}
_SLOW_FORMULATIONS = {"gdp_bigm", "gdp_hull"}
SLOW_STRIDE = {"ci": 5, "nightly": 25}
"""Methods that go through Pyomo take part in every n-th draw, by profile: they need several times as long."""


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
    return {subject.name: SLOW_STRIDE[profile] for subject in methods if _is_slow(subject)}


def _is_slow(subject: Method) -> bool:
    if not isinstance(subject, Direct):
        return False
    return subject.backend.name in _SLOW_BACKENDS or subject.formulation_name in _SLOW_FORMULATIONS
