"""Value of a case: what patients have of it, over what the cycle of care costs (Porter 2010, NEJM 363).

For a condition c with measures m, and a hospital h:

    p_{h,c,m}   0 to 100 points, linear over the measure's scale, flat outside it
    P_{h,c}   = sum_m w_{c,m} p_{h,c,m}                     weights sum to 1
    C_{h,c}   = sum over the phases of the cycle of care    whole units of currency a case
    V_{h,c}   = P_{h,c} R_c / C_{h,c}                       R_c: the condition's reference cost

V is in points at the reference cost, so that dear conditions are not worth less than cheap ones. An offer (h, g) has

    u_{h,g} = floor(scale sum_c s_c V_{h,c} + 1/2)          s_c: the condition's part of the group's cases

which takes the place of ePUS x scale; all else about the instance stays. With `Objective.OUTCOMES` the points P alone
count, for a frontier of benefit against cost. Missing measures are dealt with as in `splgbench.planning.benefit`.
All of it is computed in exact fractions of the decimals given (15 significant digits), and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, Problem, SplgbenchError
from splgbench.instance import Instance
from splgbench.planning.benefit import MISSING_RULES, Node, Number, leaf, weighted_mean
from splgbench.planning.tables import Columns, Sheet, columns_of, read_sheet, sheet
from splgbench.transform import from_tables, to_tables
from splgbench.value.schemas import CONDITIONS, CYCLE_COSTS, OUTCOME_SET, OUTCOMES, WHOLE_BP

COLUMNS = ("hospital", "group", "points", "cost", "value")
HALF = Fraction(1, 2)


class Objective(StrEnum):
    """What an instance is to maximise."""

    VALUE = "value"
    OUTCOMES = "outcomes"


@dataclass(frozen=True)
class ValueRules:
    """How measures count.

    Parameters
    ----------
    missing : one of `MISSING_RULES`.
    least_patients : a measure of fewer patients counts as missing.
    """

    missing: str = "redistribute"
    least_patients: int = 0

    def __post_init__(self) -> None:
        if self.missing not in MISSING_RULES:
            raise InputError(f"the rule for missing values must be one of {', '.join(MISSING_RULES)}", "value")
        if self.least_patients < 0:
            raise InputError("the least number of patients must be at least 0", "value")


@dataclass(frozen=True)
class _Condition:
    group: str
    share: Fraction
    reference: Fraction
    functions: Mapping[str, tuple[Fraction, Fraction]]
    weights: Mapping[str, Fraction]


class Value:
    """Outcomes, cost and value of hospitals by condition and by group.

    Parameters
    ----------
    conditions, outcome_set, outcomes, cycle_costs : tables of these schemas.

    Raises
    ------
    InputError
        A table breaks its schema; shares do not sum to 10000 by group, or weights to 1 by condition; a scale is empty;
        a table names a condition or a measure that is not there; a hospital's phases are not those of the others, or
        its cycle of care costs nothing; a condition has no measure, or neither a cost nor a reference cost.
    """

    def __init__(
        self, conditions: Any, outcome_set: Any, outcomes: Any, cycle_costs: Any, rules: ValueRules | None = None
    ) -> None:
        self.rules = rules or ValueRules()
        condition_sheet = sheet(CONDITIONS, conditions)
        names = condition_sheet["condition"]
        measured = sheet(OUTCOMES, outcomes)
        functions, weights = self._outcome_set(condition_sheet, sheet(OUTCOME_SET, outcome_set), measured)
        self._values: dict[tuple[str, str, str], Fraction] = {
            (hospital, condition, measure): _exact(value)
            for _, hospital, condition, measure, value, patients in measured.rows(
                "hospital", "condition", "measure", "value", "patients"
            )
            if patients >= self.rules.least_patients
        }
        self._hospitals = sorted(set(measured["hospital"]))
        self._costs = _cycle_costs(sheet(CYCLE_COSTS, cycle_costs), names)
        references = _references(condition_sheet, self._costs)
        _check_shares(condition_sheet)
        self._conditions: dict[str, _Condition] = {
            name: _Condition(group, Fraction(share, WHOLE_BP), references[name], functions[name], weights[name])
            for _, name, group, share in condition_sheet.rows("condition", "group", "share_bp")
        }
        self._file = condition_sheet.table.file

    @staticmethod
    def _outcome_set(
        conditions: Sheet, table: Sheet, measured: Sheet
    ) -> tuple[dict[str, dict[str, tuple[Fraction, Fraction]]], dict[str, dict[str, Fraction]]]:
        """Values of 0 and 100 points, and weight, of each measure by condition."""
        functions: dict[str, dict[str, tuple[Fraction, Fraction]]] = {name: {} for name in conditions["condition"]}
        weights: dict[str, dict[str, Fraction]] = {name: {} for name in conditions["condition"]}
        table.refer("condition", functions, conditions.table.file)
        for row, condition, measure, weight, direction, low, high in table.rows(
            "condition", "measure", "weight", "direction", "low", "high"
        ):
            if low >= high:
                table.report(row, "high", f"must be above low, {low:g}", high)
            worst, best = (low, high) if direction == "higher" else (high, low)
            functions.setdefault(condition, {})[measure] = _exact(worst), _exact(best)
            weights.setdefault(condition, {})[measure] = _exact(weight)
        for condition, parts in weights.items():
            if (total := sum(parts.values())) != 1:
                table.report(None, "weight", f"the weights of {condition} must sum to 1", float(total))
        table.finish()
        for row, condition, measure in measured.rows("condition", "measure"):
            if measure not in functions.get(condition, {}):
                rule = f"must be a measure of its condition in {table.table.file}"
                measured.report(row, "measure", rule, f"{condition}, {measure}")
        measured.finish()
        return functions, weights

    def conditions_of(self, group: str) -> list[str]:
        """Conditions of a group, in the table's order."""
        return [name for name, condition in self._conditions.items() if condition.group == group]

    def explain(self, hospital: str, group: str) -> Node:
        """The value of an offer as a tree: conditions, their outcome points and cost, and the measures.

        Raises
        ------
        InputError
            The group has no condition, or the hospital no cost of one.
        SplgbenchError
            The hospital has no measure that weighs.
        """
        names = self.conditions_of(group)
        if not names:
            raise InputError(f"must name a condition of the group {group}", self._file)
        parts = tuple(self._explained(hospital, name) for name in names)
        points = sum(part.weight * part.points for part in parts if part.points is not None)
        return Node("value", 1, points, children=parts)

    def _explained(self, hospital: str, name: str) -> Node:
        condition = self._conditions[name]
        cost = self._costs.get((hospital, name))
        if cost is None:
            raise InputError(f"must have the cost of {name} at {hospital}", CYCLE_COSTS.name)
        leaves = [
            leaf(
                measure,
                weight,
                self._values.get((hospital, name, measure)),
                [self._values.get((other, name, measure)) for other in self._hospitals],
                condition.functions[measure],
                self.rules.missing,
            )
            for measure, weight in condition.weights.items()
        ]
        outcomes = weighted_mean("outcomes", leaves)
        if outcomes.points is None:
            raise SplgbenchError(f"value of {name} at {hospital}: no measure that weighs has a value")
        told = Node("cost", 1, None, Fraction(cost), f"the reference cost, {float(condition.reference):.10g}, over it")
        points = outcomes.points * condition.reference / cost
        return Node(name, condition.share, points, children=(replace(outcomes, weight=1), told))

    def table(self, pairs: Iterable[tuple[str, str]]) -> Columns:
        """Outcome points, cost of a case (rounded to the nearest whole) and value of (hospital, group) pairs, exact."""
        rows = []
        for hospital, group in pairs:
            tree = self.explain(hospital, group)
            points: Number = 0
            cost: Number = 0
            for part in tree.children:
                outcomes, told = part.children
                points += part.weight * (outcomes.points or 0)
                cost += part.weight * (told.value or 0)
            rows.append((hospital, group, points, math.floor(cost + HALF), tree.points))
        return columns_of(COLUMNS, rows)


def read_value(folder: Path, rules: ValueRules | None = None) -> Value:
    """The tables of a folder: `conditions.csv`, `outcome_set.csv`, `outcomes.csv` and `cycle_costs.csv`.

    Raises
    ------
    InputError
        With file, row, column and rule of everything that is wrong.
    """
    sheets: list[Sheet] = []
    problems: list[Problem] = []
    for schema in (CONDITIONS, OUTCOME_SET, OUTCOMES, CYCLE_COSTS):
        try:
            sheets.append(read_sheet(schema, folder / f"{schema.name}.csv"))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    conditions, outcome_set, outcomes, cycle_costs = sheets
    return Value(conditions, outcome_set, outcomes, cycle_costs, rules)


def with_value(
    instance: Instance, value: Value, objective: Objective = Objective.VALUE, utility_scale: int = 100
) -> Instance:
    """The same instance with value, or outcome points, in place of its utilities; offers carry their `cost`.

    A utility is the points times `utility_scale`, rounded to the nearest whole number, halves up.

    Raises
    ------
    InputError
        A group has no condition, a hospital no cost; a utility comes out as 0.
    SplgbenchError
        A hospital has no measure that weighs.
    """
    pairs = [instance.offer_name(k) for k in range(instance.n_offers)]
    found = value.table(pairs)
    worth = found["value" if objective is Objective.VALUE else "points"]
    tables = to_tables(instance)
    tables["offers"] |= {
        "utility": [math.floor(points * utility_scale + HALF) for points in worth],
        "cost": found["cost"],
    }
    return from_tables(instance, tables, utility_scale=utility_scale, name=f"{instance.name}-{objective}")


def _exact(number: float) -> Fraction:
    """The decimal that a number was read from."""
    return Fraction(repr(number))


def _check_shares(conditions: Sheet) -> None:
    sums: dict[str, int] = {}
    for _, group, share in conditions.rows("group", "share_bp"):
        sums[group] = sums.get(group, 0) + share
    for group, total in sums.items():
        if total != WHOLE_BP:
            conditions.report(None, "share_bp", f"the shares of group {group} must sum to {WHOLE_BP}", total)
    conditions.finish()


def _cycle_costs(table: Sheet, conditions: list[str]) -> dict[tuple[str, str], int]:
    """Cost over the cycle by hospital and condition, where every hospital has the condition's phases."""
    table.refer("condition", conditions, "conditions")
    phases: dict[tuple[str, str], set[str]] = {}
    costs: dict[tuple[str, str], int] = {}
    first_row: dict[tuple[str, str], int] = {}
    for row, hospital, condition, phase, cost in table.rows("hospital", "condition", "phase", "cost"):
        key = (hospital, condition)
        phases.setdefault(key, set()).add(phase)
        costs[key] = costs.get(key, 0) + cost
        first_row.setdefault(key, row)
    of_condition: dict[str, set[str]] = {}
    for (_, condition), names in phases.items():
        of_condition.setdefault(condition, set()).update(names)
    for (hospital, condition), names in phases.items():
        if missing := sorted(of_condition[condition] - names):
            rule = f"{hospital} must have every phase that others have of {condition}"
            table.report(first_row[hospital, condition], "phase", rule, f"without {', '.join(missing)}")
        if costs[hospital, condition] == 0:
            table.report(first_row[hospital, condition], "cost", "the cycle of care must cost something", 0)
    table.finish()
    return costs


def _references(conditions: Sheet, costs: Mapping[tuple[str, str], int]) -> dict[str, Fraction]:
    """Reference cost by condition: the table's, else the mean of the hospitals."""
    references: dict[str, Fraction] = {}
    for row, condition, stated in conditions.rows("condition", "reference_cost"):
        known = [cost for (_, name), cost in sorted(costs.items()) if name == condition]
        if stated is None and not known:
            conditions.report(row, "reference_cost", "must be there where no hospital has a cost", condition)
        references[condition] = Fraction(sum(known), max(1, len(known))) if stated is None else Fraction(stated)
    conditions.finish()
    return references
