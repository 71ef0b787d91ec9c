"""Which methods the battery is put to, and how often; which backend a formulation gets that is named without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from splgbench import registry
from splgbench.checker import check
from splgbench.errors import SplgbenchError, UnsupportedError
from splgbench.instance import Instance
from splgbench.limits import NO_LIMITS
from splgbench.methods import Direct, Method, all_direct_methods, method
from splgbench.polish import polish
from splgbench.result import Status
from splgbench.testing.relations.value import by_value
from splgbench.value.frontier import frontier
from splgbench.value.fund import account
from splgbench.value.fund_path import under_fund

OWN: Mapping[str, Any] = {
    "checker": check,
    "polish": polish,
    "valuation": by_value,
    "frontier": frontier,
    "account": account,
    "funding": under_fund,
}
"""What relations that are not about methods are put to, by `Relation.subject`; those of this package."""
EXAMPLES = {"ci": 25, "nightly": 500}
"""Instances drawn for a relation, by profile."""

WITHOUT_PRESOLVE = ("semicontinuous@highs:presolve=off", "semicontinuous@scip:presolve=off")
"""Semicontinuous columns have had wrong optima with and without the solver's presolve (HiGHS issues 3015, 3274)."""

STRIDES = {
    "ci": {"HiGHS": 2, "decompositions": 5, "other backends": 5, "Pyomo": 10},
    "nightly": {"HiGHS": 1, "decompositions": 10, "other backends": 20, "Pyomo": 100},
}
"""By profile and class of methods: n for those that take part in every n-th draw only, the slower the rarer."""

_SLOWEST_FORMULATIONS = {"gdp_bigm", "gdp_hull"}


def registered_methods() -> list[Method]:
    """Every registered method that can run here, and the semicontinuous ones with presolve off."""
    names = (*all_direct_methods(), *registry.names("decompositions"), *WITHOUT_PRESOLVE)
    sample = _sample()
    methods = [method(name) for name in names]
    return [subject for subject in methods if subject.reason_against(sample, NO_LIMITS) is None]


def strides(methods: Iterable[Method], profile: str) -> dict[str, int]:
    """n for each method that takes part in every n-th draw only.

    Parameters
    ----------
    profile : "ci" or "nightly".
    """
    return {subject.name: STRIDES[profile][class_of(subject)] for subject in methods}


def class_of(subject: Method) -> str:
    """The class of a method in `STRIDES`."""
    if not isinstance(subject, Direct):
        return "decompositions"
    if subject.backend.name == "pyomo" or subject.formulation_name in _SLOWEST_FORMULATIONS:
        return "Pyomo"
    return "HiGHS" if subject.backend.name == "highs" else "other backends"


def by_backend(methods: Iterable[Method]) -> dict[str, list[Method]]:
    """Direct methods by their backend, and the decompositions: pieces of the battery."""
    pieces: dict[str, list[Method]] = {}
    for subject in methods:
        pieces.setdefault(subject.backend.name if isinstance(subject, Direct) else "decompositions", []).append(subject)
    return pieces


def runnable(name: str) -> str:
    """A method name with a backend: the first one, HiGHS before others, that takes the formulation.

    Raises
    ------
    UnsupportedError
        No backend here does.
    """
    if "@" in name or not _is_formulation(name):
        reason = method(name).reason_against(_sample(), NO_LIMITS)
        if reason is not None:
            raise UnsupportedError(f"{name}: {reason}")
        return name
    head, colon, options = name.partition(":")
    reasons = []
    for backend in BACKENDS:
        candidate = f"{head}@{backend}{colon}{options}"
        reason = reason_against(candidate)
        if reason is None:
            return candidate
        reasons.append(reason)
    raise UnsupportedError(f"no backend here takes {name}: {'; '.join(dict.fromkeys(reasons))}")


BACKENDS = ("highs", "scip", "cpsat", "scipy_milp", "gurobi", "pyomo")
"""In the order in which a method without a backend is tried."""


def _is_formulation(name: str) -> bool:
    try:
        return isinstance(method(f"{name.partition(':')[0]}@highs"), Direct)
    except SplgbenchError:
        return False


def _sample() -> Instance:
    return Instance.from_tables(
        hospitals=["H1"],
        groups={"group": ["G1"], "area": ["A1"]},
        demand={"group": ["G1"], "cases": [1]},
        offers={"hospital": ["H1"], "group": ["G1"], "capacity": [1], "utility": [1]},
    )


def reason_against(name: str) -> str | None:
    """Why a method cannot answer even the smallest instance here, or None."""
    subject, sample = method(name), _sample()
    reason = subject.reason_against(sample, NO_LIMITS)
    if reason is not None:
        return reason
    result = subject.solve(sample)
    return result.message if result.status is Status.UNSUPPORTED else None
