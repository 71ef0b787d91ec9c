"""Step 5, second half: an allocation as a hospital list, and what it means for coverage, travel and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from splgbench.errors import InputError
from splgbench.instance import Instance, IntArray
from splgbench.planning.assembly import case_cost
from splgbench.planning.tables import Columns, columns_of, sheet

CANTON_SHARE = 55
"""Per cent of the cost of an inpatient case that the canton pays; the source's figure."""
MANDATE_COLUMNS = ("hospital", "group", "cases", "volume", "capacity", "status_quo", "exemption", "override")
COVERAGE_COLUMNS = ("group", "need", "allotted", "unmet", "coverage", "mandates", "largest_share", "hhi")
TRAVEL_COLUMNS = ("group", "minutes", "status_quo_minutes", "change")
COST_COLUMNS = ("group", "cases", "status_quo_cases", "cost", "status_quo_cost", "effect", "canton_effect")
TOTAL = "all"
"""The group of the row of totals."""


@dataclass(frozen=True)
class HospitalList:
    """What a planner reads.

    Parameters
    ----------
    mandates : the table `mandates`.
    coverage : by group: need, allotted and unmet cases, coverage and largest share as fractions, number of mandates,
        HHI (sum of squared shares, 0 to 1); the last row is of all groups, without shares.
    travel : by group, mean minutes of a case from home, now and in the status quo; empty without travel times.
    costs : by group, CHF, against the status quo; empty without costs. Negative effects are savings.
    """

    mandates: Columns
    coverage: Columns
    travel: Columns
    costs: Columns


def hospital_list(
    instance: Instance,
    volumes: IntArray,
    groups: Any,
    status_quo: Any = None,
    travel: Any = None,
    regions: Any = None,
    costs: Any = None,
    canton_share: int = CANTON_SHARE,
) -> HospitalList:
    """Read an allocation as a hospital list.

    Parameters
    ----------
    volumes : shape (K,), cases by offer, checked.
    groups, status_quo, travel, regions, costs : tables of these schemas; the last four may be missing.
    canton_share : per cent.

    Raises
    ------
    InputError
        A table breaks its schema, or travel times or costs of a hospital are missing.
    """
    group_sheet = sheet("groups", groups)
    now = _status_quo(status_quo)
    cases = {instance.offer_name(int(k)): int(volumes[k]) for k in volumes.nonzero()[0]}
    return HospitalList(
        _mandates(instance, cases, now, dict(zip(group_sheet["group"], group_sheet["volume_dialogue"], strict=True))),
        _coverage(instance, cases),
        _travel(cases, now, travel, regions),
        _costs(
            cases, now, costs, dict(zip(group_sheet["group"], group_sheet["cost_weight"], strict=True)), canton_share
        ),
    )


def _status_quo(status_quo: Any) -> dict[tuple[str, str], int]:
    if status_quo is None:
        return {}
    return {(h, g): cases for _, h, g, cases in sheet("status_quo", status_quo).rows("hospital", "group", "cases")}


def _mandates(
    instance: Instance,
    cases: Mapping[tuple[str, str], int],
    now: Mapping[tuple[str, str], int],
    dialogue: Mapping[str, int],
) -> Columns:
    notes = instance.notes.get("offers", {})
    exemption = notes.get("exemption", ("",) * instance.n_offers)
    decided: dict[tuple[str, str], list[str]] = {}
    for k, action, rule in zip(
        instance.override_offer.tolist(), instance.override_action, instance.override_rule, strict=True
    ):
        decided.setdefault(instance.offer_name(k), []).append(f"{action} {rule}".strip())
    rows = []
    for pair, number in sorted(cases.items()):
        k = instance.offer_index[pair]
        rows.append(
            (
                *pair,
                number,
                number if dialogue.get(pair[1]) else None,
                int(instance.capacity[k]),
                now.get(pair, 0),
                exemption[k] or "",
                "; ".join(decided.get(pair, ())),
            )
        )
    return columns_of(MANDATE_COLUMNS, rows)


def _coverage(instance: Instance, cases: Mapping[tuple[str, str], int]) -> Columns:
    needs = dict.fromkeys(instance.groups, 0)
    for c, demand in enumerate(instance.demand.tolist()):
        needs[instance.groups[instance.cell_group[c]]] += demand
    rows: list[tuple[Any, ...]] = []
    for group, needed in needs.items():
        parts = [number for (_, g), number in cases.items() if g == group]
        allotted = sum(parts)
        shares = [part / allotted for part in parts] if allotted else []
        rows.append(
            (
                group,
                needed,
                allotted,
                needed - allotted,
                allotted / needed if needed else None,
                len(parts),
                max(shares, default=None),
                sum(share**2 for share in shares) if shares else None,
            )
        )
    total, given = sum(needs.values()), sum(cases.values())
    rows.append((TOTAL, total, given, total - given, given / total if total else None, len(cases), None, None))
    return columns_of(COVERAGE_COLUMNS, rows)


def _travel(
    cases: Mapping[tuple[str, str], int], now: Mapping[tuple[str, str], int], travel: Any, regions: Any
) -> Columns:
    """A hospital's patients are taken to live as the population of the planned regions does."""
    if travel is None or regions is None:
        return columns_of(TRAVEL_COLUMNS, [])
    region_sheet = sheet("regions", regions)
    people = {r: n for _, r, n, planned in region_sheet.rows("region", "population", "planned") if planned}
    minutes: dict[str, float] = {}
    seen: dict[str, set[str]] = {}
    travel_sheet = sheet("travel", travel)
    for _, region, hospital, duration in travel_sheet.rows("region", "hospital", "minutes"):
        if region in people:
            minutes[hospital] = minutes.get(hospital, 0.0) + people[region] * duration / sum(people.values())
            seen.setdefault(hospital, set()).add(region)
    for hospital in sorted({h for h, _ in (*cases, *now)}):
        if seen.get(hospital, set()) != set(people):
            travel_sheet.report(None, "hospital", "must have minutes from every planned region", hospital)
    travel_sheet.finish()
    rows = []
    for group in [*sorted({g for _, g in (*cases, *now)}), TOTAL]:
        means = [_mean_minutes(allotted, group, minutes) for allotted in (cases, now)]
        change = None if None in means else means[0] - means[1]  # type: ignore[operator]
        rows.append((group, *means, change))
    return columns_of(TRAVEL_COLUMNS, rows)


def _mean_minutes(cases: Mapping[tuple[str, str], int], group: str, minutes: Mapping[str, float]) -> float | None:
    held = {pair: number for pair, number in cases.items() if group in (TOTAL, pair[1])}
    total = sum(held.values())
    return sum(number * minutes[hospital] for (hospital, _), number in held.items()) / total if total else None


def _costs(
    cases: Mapping[tuple[str, str], int],
    now: Mapping[tuple[str, str], int],
    costs: Any,
    weights: Mapping[str, float],
    canton_share: int,
) -> Columns:
    if costs is None:
        return columns_of(COST_COLUMNS, [])
    if not 0 <= canton_share <= 100:
        raise InputError("must lie between 0 and 100 per cent", "canton_share")
    cost_sheet = sheet("costs", costs)
    per_point = dict(zip(cost_sheet["hospital"], cost_sheet["cost_per_point"], strict=True))
    for hospital in sorted({h for h, _ in (*cases, *now)} - set(per_point)):
        cost_sheet.report(None, "hospital", "must have a cost for every hospital with cases", hospital)
    cost_sheet.finish()
    rows: list[tuple[Any, ...]] = []
    for group in sorted({g for _, g in (*cases, *now)}):
        sums = []
        for allotted in (cases, now):
            held = [(hospital, number) for (hospital, g), number in allotted.items() if g == group]
            price = {hospital: case_cost(per_point[hospital], weights[group]) for hospital, _ in held}
            sums.append((sum(n for _, n in held), sum(n * price[hospital] for hospital, n in held)))
        (number, cost), (number_now, cost_now) = sums
        effect = cost - cost_now
        rows.append((group, number, number_now, cost, cost_now, effect, canton_part(effect, canton_share)))
    if rows:
        totals = [sum(row[at] for row in rows) for at in range(1, 6)]
        rows.append((TOTAL, *totals, canton_part(totals[4], canton_share)))
    return columns_of(COST_COLUMNS, rows)


def canton_part(effect: int, canton_share: int = CANTON_SHARE) -> int:
    """The canton's part of an amount in whole CHF, rounded towards zero: a reduction is never overstated."""
    part = abs(effect) * canton_share // 100
    return part if effect >= 0 else -part
