"""A method's own result is not believed either: value, bound and status are held against the exact checker once more.

Direct methods come through `splgbench.judging`, but a decomposition or a plug-in makes its `Result` itself.
"""

from __future__ import annotations

import math
from dataclasses import replace

from splgbench.checker import check
from splgbench.instance import Instance
from splgbench.result import Result, Status, contradicts
from splgbench.trace import Event


def rechecked(result: Result, instance: Instance) -> Result:
    """The result, or what is wrong with it."""
    try:
        result = _plain(result)
        complaint = _complaint(result, instance)
    except Exception as error:
        empty = Result(Status.ERROR, str(result.method), instance.name, instance.instance_hash)
        return replace(empty, message=f"its result makes no sense: {type(error).__name__}: {error}")
    if complaint is None or result.status is Status.WRONG:
        return result
    return replace(result, status=Status.WRONG, message="; ".join(filter(None, (complaint, result.message))))


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
        message=str(result.message).encode(errors="replace").decode(),
        trace=tuple(Event(float(e.time), _float(e.primal), _float(e.dual), str(e.source)) for e in result.trace),
    )


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
    return None
