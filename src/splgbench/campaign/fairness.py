"""The terms of a run: runs are ranked together only where these agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from splgbench.limits import Limits

_PRESOLVE = {"choose": "on"}
"""Spellings of a solver's presolve; HiGHS chooses to presolve."""
_TOLERANCES = {
    "primal_tolerance": "primal_feasibility_tolerance",
    "dual_tolerance": "dual_feasibility_tolerance",
    "integrality_tolerance": "mip_feasibility_tolerance",
}
"""Terms, and what a solver's effective terms call them."""
MAY_BE_UNKNOWN = ("presolve", "absolute_gap", *_TOLERANCES)
"""Terms that not every run knows: one that was killed, or whose solver does not say."""


def terms(limits: Limits, effective: Mapping[str, Any], processor: str, pinned: bool) -> dict[str, Any]:
    """What was asked and, where the solver says so, what it ran under.

    Seeds and permutations are what a campaign varies: they are recorded with the run, but are no terms. A tolerance of
    0 is one that the solver does not have, as it works in whole numbers: it agrees with all.

    Parameters
    ----------
    effective : the terms the solver reported.
    processor : the machine's processor and cores.
    pinned : whether the run had processors of its own.
    """
    found: dict[str, Any] = {key: value for key, value in limits.as_json().items() if key != "seed"}
    found["threads"] = effective.get("threads", limits.threads)
    found["gap"] = effective.get("mip_rel_gap", limits.gap)
    found["absolute_gap"] = effective.get("mip_abs_gap")
    presolve = effective.get("presolve")
    found["presolve"] = _PRESOLVE.get(str(presolve), presolve)
    for term, name in _TOLERANCES.items():
        found[term] = effective.get(name) or None
    found["processor"] = processor
    found["pinned"] = pinned
    return found


def differing(runs: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The terms in which runs differ, with the values met; terms a run does not know agree with all."""
    seen: dict[str, list[Any]] = {}
    for entry in runs:
        for key, value in entry.items():
            values = seen.setdefault(key, [])
            if value not in values:
                values.append(value)
    met = {k: [v for v in values if v is not None or k not in MAY_BE_UNKNOWN] for k, values in seen.items()}
    return {key: values for key, values in met.items() if len(values) > 1}
