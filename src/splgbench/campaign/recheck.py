"""A method's own result is not believed either: value, bound and status are held against the exact checker once more.

Direct methods come through `splgbench.judging`, but a decomposition or a plug-in makes its `Result` itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np

from splgbench.checker import check
from splgbench.instance import Instance
from splgbench.result import Result, Status, contradicts
from splgbench.trace import Event


def rechecked(result: Result, instance: Instance) -> Result:
    """The result, or what is wrong with it.

    WRONG where the instance refutes it. ERROR where it says `gap-closed` and value and bound, which stand, do not
    meet the gap of its limits.
    """
    try:
        result = _plain(result)
        status, complaint = Status.WRONG, _complaint(result, instance)
        if complaint is None and result.status is Status.GAP_CLOSED:
            status, complaint = Status.ERROR, _gap_complaint(result)
    except Exception as error:
        empty = Result(Status.ERROR, str(result.method), instance.name, instance.instance_hash)
        told = f"its result makes no sense: {type(error).__name__}: {error}"
        return replace(empty, wall_time_s=result.wall_time_s, message=told)
    if complaint is None or result.status is Status.WRONG:
        return result
    return replace(result, status=status, message="; ".join(filter(None, (complaint, result.message))))


def _plain(result: Result) -> Result:
    """The result in plain numbers and text, as a store takes them."""
    return replace(
        result,
        primal=None if result.primal is None else int(result.primal),
        dual=_float(result.dual),
        claimed_primal=_float(result.claimed_primal),
        claimed_dual=_float(result.claimed_dual),
        wall_time_s=float(result.wall_time_s),
        build_time_s=float(result.build_time_s),
        solve_time_s=float(result.solve_time_s),
        polish_time_s=float(result.polish_time_s),
        message=_text(result.message),
        trace=tuple(
            Event(
                float(e.time),
                _float(e.primal),
                _float(e.dual),
                _text(e.source),
                iteration=None if e.iteration is None else int(e.iteration),
            )
            for e in result.trace
        ),
    )


def storable(result: Result) -> Result:
    """The result as a database and JSON can hold it, or what keeps it from being held."""
    try:
        for name in ("primal", "dual", "claimed_primal", "claimed_dual", "wall_time_s", *_PARTS, "peak_memory_mb"):
            value = getattr(result, name)
            if isinstance(value, int) and abs(value) >= 2**63:
                raise ValueError(f"{name} is beyond 64 bits")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is {value}")
        effective = _json(dict(result.effective))
        return replace(
            result,
            message=_text(result.message),
            clash=tuple(_json(list(result.clash))),
            counters=_json(dict(result.counters)),
            effective={key: value if _is_plain(value) else str(value) for key, value in effective.items()},
            versions=_json(dict(result.versions)),
        )
    except Exception as error:
        told = _text(f"its result cannot be stored: {type(error).__name__}: {error}")
        status = Status.WRONG if result.status is Status.WRONG else Status.ERROR
        empty = Result(status, result.method, result.instance, result.instance_hash)
        return replace(empty, wall_time_s=result.wall_time_s, message=told)


_PARTS = ("build_time_s", "solve_time_s", "polish_time_s")
LONGEST_MESSAGE = 4000
"""Characters of a text that are kept."""


def _text(value: object) -> str:
    return str(value).encode(errors="replace").decode()[:LONGEST_MESSAGE]


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _complaint(result: Result, instance: Instance) -> str | None:
    if result.status not in Status:
        raise ValueError(f"there is no status {result.status}")
    if result.instance_hash != instance.instance_hash:
        return f"it answers another instance ({result.instance_hash[:12]})"
    if (result.primal is None) != (result.volumes is None):
        return "it has a value without an allocation" if result.volumes is None else "it has volumes without a value"
    if result.volumes is not None and result.status is not Status.WRONG:
        verdict = check(instance, result.volumes)
        if not verdict.feasible:
            return f"the checker refuses its allocation: {verdict.violations[0]}"
        if verdict.objective != result.primal:
            return f"it says {result.primal}, the checker {verdict.objective}"
    if result.dual is not None and not math.isfinite(result.dual):
        raise ValueError(f"its bound is {result.dual}")
    if result.primal is not None and result.dual is not None and contradicts(result.dual, result.primal):
        return f"its bound {result.dual} lies below the checked value {result.primal}"
    proved = result.primal is not None and result.dual is not None and result.dual < result.primal + 1
    if result.status is Status.OPTIMAL and not proved:
        return "it says optimal, but its value and its bound do not meet"
    if result.status is Status.INFEASIBLE and result.primal is not None:
        return f"it says infeasible, but has an allocation of {result.primal}"
    if result.status is Status.INFEASIBLE and check(instance, np.zeros(instance.n_offers, dtype=np.int64)).feasible:
        return "it says infeasible, but to grant nothing is feasible"
    return None


def _gap_complaint(result: Result) -> str | None:
    """What speaks against `gap-closed`; its limits are what was asked."""
    asked = result.limits.gap
    if asked == 0:
        return "it says gap-closed, but no gap was asked for"
    if result.gap is None:
        return "it says gap-closed, but its gap is unknown"
    return None if result.gap <= asked else f"it says gap-closed, but its gap {result.gap:.3g} is above {asked:g}"
