"""From what a method claims to what it is worth: exact volumes, the exact check, the status.

Direct methods and decompositions end here alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from splgbench.checker import check
from splgbench.clash import infeasibility
from splgbench.errors import SplgbenchError, UnsupportedError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.limits import Limits
from splgbench.polish import Polished, polish
from splgbench.result import Status, contradicts, relative_gap, rounded_dual


@dataclass(frozen=True)
class Judgement:
    """Status, checked value, bound and allocation."""

    status: Status
    primal: int | None
    dual: float | None
    volumes: IntArray | None
    message: str = ""


def judge(
    instance: Instance,
    limits: Limits,
    ended: Status,
    mandates: BoolArray | None,
    claimed_dual: float | None,
    start: IntArray | None = None,
    claimed_volumes: IntArray | None = None,
) -> Judgement:
    """Judge a method's answer.

    Parameters
    ----------
    ended : why the method stopped; OPTIMAL where it says it is done.
    mandates : the mandates of its best answer, shape (K,); None without one.
    claimed_dual : its upper bound as a float.
    start : volumes it was started from, kept where they are better and feasible.
    claimed_volumes : shape (K,), the whole volumes of its best answer, where it has such; of use where extensions make
        volumes hard to find again.

    Returns
    -------
    Judgement
        WRONG where the mandates admit no allocation, the checker refuses it, or the bound contradicts it.
    """
    primal, volumes, message = None, None, ""
    if mandates is not None:
        try:
            polished = _polished(instance, mandates, claimed_volumes, claimed_dual)
        except SplgbenchError as error:
            failed = Status.UNSUPPORTED if isinstance(error, UnsupportedError) else Status.ERROR
            return Judgement(failed, None, claimed_dual, None, str(error))
        if polished.volumes is None:
            return Judgement(
                Status.WRONG, None, claimed_dual, None, f"its mandates are not feasible: {polished.reason}"
            )
        verdict = check(instance, polished.volumes)
        if not verdict.feasible:
            return Judgement(Status.WRONG, None, claimed_dual, None, f"the checker refuses it: {verdict.violations[0]}")
        if verdict.objective != polished.objective:
            message = f"the polish says {polished.objective}, the checker {verdict.objective}"
            return Judgement(Status.WRONG, verdict.objective, claimed_dual, polished.volumes, message)
        primal, volumes = verdict.objective, polished.volumes
    if start is not None:
        known = check(instance, start)
        if known.feasible and (primal is None or known.objective > primal):
            primal, volumes, message = known.objective, start, "the start is better than what the method found"
    if primal is not None and claimed_dual is not None and contradicts(claimed_dual, primal):
        message = f"its bound {claimed_dual:.6f} lies below the checked value {primal}"
        return Judgement(Status.WRONG, primal, claimed_dual, volumes, message)
    dual = rounded_dual(claimed_dual, primal)
    status, note = _status(limits, ended, primal, dual)
    return Judgement(status, primal, dual, volumes, message or note)


def _polished(
    instance: Instance, mandates: BoolArray, claimed: IntArray | None, claimed_dual: float | None
) -> Polished:
    """The volumes of the mandates. Without extensions a flow finds the best; with them claimed ones come first."""
    if not instance.extensions or claimed is None:
        return polish(instance, mandates)
    verdict = check(instance, claimed)
    if not verdict.feasible or ((claimed > 0) != mandates).any():
        return polish(instance, mandates)
    if claimed_dual is not None and verdict.objective <= claimed_dual < verdict.objective + 1:
        return Polished(claimed, verdict.objective)
    return polish(instance, mandates, claimed)


def judge_infeasible(instance: Instance, told: str) -> tuple[Judgement, tuple[str, ...]]:
    """Believe infeasibility only with a second proof: an irreducible clash of overrides and rules.

    Parameters
    ----------
    told : what the method says, "" where nothing.

    Returns
    -------
    The judgement (INFEASIBLE, WRONG where an allocation exists, ERROR where nobody can tell) and the clash.
    """
    try:
        clash = infeasibility(instance)
    except SplgbenchError as error:
        return Judgement(Status.ERROR, None, None, None, f"{told or 'it says infeasible'}; {error}"), ()
    if clash is None:
        words, status = ("it says infeasible, but an allocation exists", told), Status.WRONG
    else:
        words, status = (told, "no allocation satisfies " + " with ".join(clash)), Status.INFEASIBLE
    return Judgement(status, None, None, None, "; ".join(filter(None, words))), clash or ()


def _status(limits: Limits, ended: Status, primal: int | None, dual: float | None) -> tuple[Status, str]:
    if primal is not None and dual is not None:
        if dual < primal + 1:
            return Status.OPTIMAL, ""
        gap = relative_gap(primal, dual)
        if limits.gap > 0 and gap is not None and gap <= limits.gap:
            return Status.GAP_CLOSED, ""
    if ended is Status.OPTIMAL:
        # The solver is done by its own tolerances, but the exact values do not meet.
        if primal is None:
            return Status.ERROR, "the solver ended without an answer"
        return Status.ERROR, "the solver stopped at its numerical tolerances, short of a proof"
    return ended, ""
