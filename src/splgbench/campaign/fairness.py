"""The terms of a run: runs are ranked together only where these agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from splgbench.limits import Limits

_PRESOLVE = {"choose": "on"}
"""Spellings of a solver's presolve; HiGHS chooses to presolve."""


def terms(limits: Limits, effective: Mapping[str, Any], processor: str, pinned: bool) -> dict[str, Any]:
    """What was asked and, where the solver says so, what it ran under.

    Seeds and permutations are what a campaign varies, and tolerances of feasibility do not matter to an answer that is
    checked exactly: both are recorded with the run, but are no terms.

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
    unknown_agrees = ("presolve", "absolute_gap")
    met = {k: [v for v in values if v is not None or k not in unknown_agrees] for k, values in seen.items()}
    return {key: values for key, values in met.items() if len(values) > 1}
