"""Step 7, volume dialogue (Mengendialog): agreed volumes, what happens against them, and what if a hospital leaves.

A year is projected from its months so far: actual cases by the part of a year that these months are (a twelfth each, or
as `season` says). A mandate or region is

- on track: projected at or below the part `watch` of its target;
- watch: above that;
- talk: projected above its target;
- escalate: already above its target, or projected above it by more than `tolerance`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from splgbench.instance import Instance
from splgbench.planning.overrides import apply
from splgbench.planning.solving import Solved, Solver
from splgbench.planning.tables import Columns, columns_of, sheet

LEVELS = ("on track", "watch", "talk", "escalate")
MONITOR_COLUMNS = ("hospital", "group", "target", "months", "actual", "projected", "part", "exceeded_in", "level")
WITHDRAWAL_COLUMNS = ("hospital", "group", "before", "after", "change")
REGION = ""
"""The hospital of a region's rows."""


@dataclass(frozen=True)
class DialogueRules:
    """When to speak.

    Parameters
    ----------
    watch : part of the target from which a projection is watched.
    tolerance : part by which a projection may exceed the target before it escalates.
    """

    watch: float = 0.95
    tolerance: float = 0.05


def targets(mandates: Any) -> dict[tuple[str, str], int]:
    """Agreed volumes by (hospital, group) of the table `mandates`; ("", group) for the region."""
    found: dict[tuple[str, str], int] = {}
    for _, hospital, group, volume in sheet("mandates", mandates).rows("hospital", "group", "volume"):
        if volume is not None:
            found[hospital, group] = volume
            found[REGION, group] = found.get((REGION, group), 0) + volume
    return found


def monitor(mandates: Any, actuals: Any, rules: DialogueRules, season: Any = None) -> Columns:
    """Actual and projected cases against the targets; regions first, then by hospital.

    Parameters
    ----------
    mandates, actuals, season : tables of these schemas. Months run from January to the last one that `actuals` names.

    Returns
    -------
    columns : target, months so far, actual and projected cases (rounded up), part of the target (a fraction),
        exceeded_in (the month in which the projection passes the target; None where it does not), level. Hospitals
        with cases and without a mandate have target 0.

    Raises
    ------
    InputError
        A table breaks its schema; a month is missing; the shares of `season` do not sum to 1.
    """
    agreed = targets(mandates)
    under_dialogue = {group for _, group in agreed}
    actual_sheet = sheet("actuals", actuals)
    months = max(actual_sheet["month"], default=0)
    for missing in sorted(set(range(1, months + 1)) - set(actual_sheet["month"])):
        actual_sheet.report(None, "month", f"must have rows of month {missing}, for there are later ones")
    actual_sheet.finish()
    shares = _season(season)
    so_far = sum(shares[:months])
    counted: dict[tuple[str, str], int] = dict.fromkeys(agreed, 0)
    for _, hospital, group, cases in actual_sheet.rows("hospital", "group", "cases"):
        if group in under_dialogue:
            for key in ((hospital, group), (REGION, group)):
                counted[key] = counted.get(key, 0) + cases
    rows = []
    for (hospital, group), actual in sorted(counted.items()):
        target = agreed.get((hospital, group), 0)
        yearly = actual / so_far if so_far else 0.0
        projected = math.ceil(yearly - 1e-9)
        part = yearly / target if target else None
        month: int | None = None
        for number in range(1, 13):
            # What was counted stays counted: past months are not projected anew.
            reached = actual + yearly * sum(shares[months:number]) if number >= months else -1.0
            if reached > target + 1e-9:
                month = number
                break
        rows.append(
            (hospital, group, target, months, actual, projected, part, month, _level(target, actual, yearly, rules))
        )
    return columns_of(MONITOR_COLUMNS, rows)


def _season(season: Any) -> list[float]:
    if season is None:
        return [1 / 12] * 12
    season_sheet = sheet("season", season)
    shares = [0.0] * 12
    for _, month, share in season_sheet.rows("month", "share"):
        shares[month - 1] = share
    if not math.isclose(sum(shares), 1, abs_tol=1e-6):
        season_sheet.report(None, "share", "the shares must sum to 1", sum(shares))
    season_sheet.finish()
    return shares


def _level(target: int, actual: int, yearly: float, rules: DialogueRules) -> str:
    if actual > target or yearly > target * (1 + rules.tolerance) + 1e-9:
        return LEVELS[3]
    if yearly > target + 1e-9:
        return LEVELS[2]
    return LEVELS[1] if yearly > target * rules.watch + 1e-9 else LEVELS[0]


@dataclass(frozen=True)
class Withdrawal:
    """What a withdrawal does.

    Parameters
    ----------
    table : cases by mandate before and after, where they differ.
    lost : benefit lost, in utility units.
    unmet : further cases of the need that nobody treats.
    exact : both optima are proved.
    """

    table: Columns
    lost: int
    unmet: int
    exact: bool


def withdrawal(instance: Instance, hospital: str, solver: Solver) -> Withdrawal:
    """What if a hospital gave back all its mandates: the best allocation without it, against the best with it."""
    offers = [name for k in range(instance.n_offers) if (name := instance.offer_name(k))[0] == hospital]
    fixed = {instance.offer_name(int(k)) for k in instance.override_offer}
    without = apply(
        _without_overrides(instance, hospital) if any(offer in fixed for offer in offers) else instance,
        {
            "hospital": [hospital] * len(offers),
            "group": [group for _, group in offers],
            "action": ["refuse"] * len(offers),
            "reason": ["what if it withdraws"] * len(offers),
            "author": ["splgbench"] * len(offers),
        },
    )
    before, after = solver.solve(instance), solver.solve(without)
    rows = []
    for k in range(instance.n_offers):
        old, new = int(before.volumes[k]), int(after.volumes[k])
        if old != new:
            rows.append((*instance.offer_name(k), old, new, new - old))
    unmet = int(before.volumes.sum() - after.volumes.sum())
    return Withdrawal(
        columns_of(WITHDRAWAL_COLUMNS, rows),
        before.primal - after.primal,
        unmet,
        _exact(before, after),
    )


def _without_overrides(instance: Instance, hospital: str) -> Instance:
    """What was decided on the hospital's offers goes with it."""
    from splgbench.transform import from_tables

    tables = instance.to_tables()
    kept = [row for row, name in enumerate(tables["overrides"]["hospital"]) if name != hospital]
    tables["overrides"] = {column: [cells[row] for row in kept] for column, cells in tables["overrides"].items()}
    if not kept:
        del tables["overrides"]
    return from_tables(instance, tables)


def _exact(*solved: Solved) -> bool:
    return all(each.is_optimal for each in solved)
