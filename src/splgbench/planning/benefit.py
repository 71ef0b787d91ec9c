"""Step 4, benefit (ePUS): points a case at a hospital is worth, in three stages that can be taken apart again.

1. An indicator's value becomes 0 to 100 points by its value function.
2. A goal's points are the weighted mean of its indicators; PUS is the weighted mean of the three goals (care of the
   population, cost damping, university medicine), which weigh the same unless the project says otherwise.
3. ePUS = PUS (1 + mark): a mark-up or mark-down for efficiency, the weighted sum of the relative distances of some
   indicators (case-mix index, PCCL, base rate) from their mean over the hospitals, cut at a limit.

Where a value is missing, the rule "redistribute" gives its weight to the rest of its goal (and a goal without any value
to the other goals), "worst" counts 0 points, "mean" the mean points of the hospitals that have the value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from splgbench.errors import InputError, SplgbenchError
from splgbench.planning.schemas import GOALS
from splgbench.planning.tables import Columns, columns_of, sheet

MISSING_RULES = ("redistribute", "worst", "mean")
COLUMNS = ("hospital", "group", *GOALS, "pus", "mark", "epus")
FULL = 100
Number = float | Fraction
"""Points are computed in the kind of number that values and weights come in."""


@dataclass(frozen=True)
class BenefitRules:
    """How points are weighed.

    Parameters
    ----------
    goals : weights of the goals; they sum to 1.
    missing : one of `MISSING_RULES`.
    efficiency : weights of indicators in the mark: positive where more is better.
    limit : largest mark-up and mark-down, a fraction.
    """

    goals: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(GOALS, 1 / 3))
    missing: str = "redistribute"
    efficiency: Mapping[str, float] = field(default_factory=dict)
    limit: float = 0.1

    def __post_init__(self) -> None:
        rules = (
            (set(self.goals) == set(GOALS), f"the goals must be {', '.join(GOALS)}"),
            (all(weight >= 0 for weight in self.goals.values()), "a goal's weight must be at least 0"),
            (math.isclose(sum(self.goals.values()), 1, abs_tol=1e-9), "the goals' weights must sum to 1"),
            (self.missing in MISSING_RULES, f"the rule for missing values must be one of {', '.join(MISSING_RULES)}"),
            (0 <= self.limit < 1, "the limit of the mark must be at least 0 and below 1"),
        )
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise InputError("; ".join(broken), "benefit")

    def tilted(self, goal: str, by: float) -> BenefitRules:
        """One goal's weight moved by `by` (cut at 0 and 1), the others scaled to what is left."""
        new = min(1.0, max(0.0, self.goals[goal] + by))
        rest = 1 - self.goals[goal]
        others = {
            name: (weight * (1 - new) / rest if rest else (1 - new) / (len(self.goals) - 1))
            for name, weight in self.goals.items()
            if name != goal
        }
        return replace(self, goals={name: new if name == goal else others[name] for name in self.goals})


@dataclass(frozen=True)
class Node:
    """A part of a score.

    Parameters
    ----------
    weight : effective weight in the parent, after missing values were dealt with.
    points : of this part; None where it has no value and no weight.
    value : the measured value of a leaf.
    note : how it came about, in words.
    """

    name: str
    weight: Number
    points: Number | None
    value: Number | None = None
    note: str = ""
    children: tuple[Node, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as indented text."""
        points = "-" if self.points is None else f"{float(self.points):.2f}"
        value = "" if self.value is None else f" (value {float(self.value):g})"
        note = f": {self.note}" if self.note else ""
        yield f"{'  ' * depth}{self.name} {points} x {float(self.weight):.4f}{value}{note}"
        for child in self.children:
            yield from child.lines(depth + 1)


class Benefit:
    """Scores of hospitals for groups.

    Parameters
    ----------
    groups, indicators, value_functions, weights : tables of these schemas.

    Raises
    ------
    InputError
        A table breaks its schema; weights do not sum to 1; a weighted indicator has no value function; a value
        function's worst equals its best.
    """

    def __init__(self, groups: Any, indicators: Any, value_functions: Any, weights: Any, rules: BenefitRules) -> None:
        self.rules = rules
        group_sheet = sheet("groups", groups)
        self._level = dict(zip(group_sheet["group"], group_sheet["level"], strict=True))
        measured = sheet("indicators", indicators)
        measured.refer("group", group_sheet["group"], "groups")
        measured.finish()
        self._values: dict[tuple[str, str, str], float] = {
            (hospital, indicator, group): value
            for _, hospital, indicator, group, value in measured.rows("hospital", "indicator", "group", "value")
        }
        self._hospitals = sorted(set(measured["hospital"]))
        functions = sheet("value_functions", value_functions)
        for row, worst, best in functions.rows("worst", "best"):
            if worst == best:
                functions.report(row, "best", "must differ from worst", best)
        functions.finish()
        self._functions: dict[str, tuple[float, float]] = {
            indicator: (worst, best) for _, indicator, worst, best in functions.rows("indicator", "worst", "best")
        }
        weight_sheet = sheet("weights", weights)
        weight_sheet.refer("indicator", self._functions, "value_functions")
        self._weights: dict[tuple[str, str], dict[str, float]] = {}
        for _, level, goal, indicator, weight in weight_sheet.rows("level", "goal", "indicator", "weight"):
            self._weights.setdefault((level, goal), {})[indicator] = weight
        for level in sorted(set(self._level.values())):
            for goal in GOALS:
                total = sum(self._weights.get((level, goal), {}).values())
                if not math.isclose(total, 1, abs_tol=1e-9):
                    rule = f"the weights of level {level}, goal {goal} must sum to 1"
                    weight_sheet.report(None, "weight", rule, round(total, 9))
        weight_sheet.finish()

    def value(self, hospital: str, indicator: str, group: str) -> float | None:
        """The measured value: the group's, else the hospital's."""
        found = self._values.get((hospital, indicator, group))
        return self._values.get((hospital, indicator, "")) if found is None else found

    def explain(self, hospital: str, group: str) -> Node:
        """The whole score as a tree: ePUS over PUS and mark, goals, indicators.

        Raises
        ------
        SplgbenchError
            The hospital has no value that weighs.
        """
        goals = [self._goal(hospital, group, goal) for goal in GOALS]
        held = sum(self.rules.goals[goal.name] for goal in goals if goal.points is not None)
        if held <= 0:
            raise SplgbenchError(f"benefit of {group} at {hospital}: no indicator that weighs has a value")
        children = tuple(
            replace(goal, weight=0.0 if goal.points is None else self.rules.goals[goal.name] / held) for goal in goals
        )
        points = sum(goal.weight * goal.points for goal in children if goal.points is not None)
        pus = Node("PUS", 1.0, points, children=children)
        mark = self._mark(hospital, group)
        return Node("ePUS", 1.0, points * (1 + (mark.value or 0.0)), children=(pus, mark))

    def _goal(self, hospital: str, group: str, goal: str) -> Node:
        weights = self._weights[self._level[group], goal]
        return weighted_mean(goal, [self._leaf(hospital, group, *weighted) for weighted in weights.items()])

    def _leaf(self, hospital: str, group: str, indicator: str, weight: float) -> Node:
        value = self.value(hospital, indicator, group)
        known = [self.value(other, indicator, group) for other in self._hospitals]
        return leaf(indicator, weight, value, known, self._functions[indicator], self.rules.missing)

    def _mark(self, hospital: str, group: str) -> Node:
        parts = []
        for indicator, weight in self.rules.efficiency.items():
            value = self.value(hospital, indicator, group)
            known = [self.value(other, indicator, group) for other in self._hospitals]
            present = [other for other in known if other is not None]
            mean = sum(present) / len(present) if present else 0.0
            if value is None or mean == 0:
                parts.append(Node(indicator, weight, 0.0, value, "missing: no mark"))
            else:
                distance = value / mean - 1
                parts.append(Node(indicator, weight, distance, value, f"mean {mean:.4g}, distance {distance:+.4f}"))
        raw = sum(part.weight * (part.points or 0.0) for part in parts)
        mark = min(self.rules.limit, max(-self.rules.limit, raw))
        cut = f", cut from {raw:+.4f}" if mark != raw else ""
        return Node("mark", 1.0, None, mark, f"{mark:+.4f}{cut}", tuple(parts))

    def scores(self, pairs: Sequence[tuple[str, str]]) -> Columns:
        """The table `scores` of (hospital, group) pairs."""
        rows = []
        for hospital, group in pairs:
            tree = self.explain(hospital, group)
            pus, mark = tree.children
            rows.append((hospital, group, *(goal.points for goal in pus.children), pus.points, mark.value, tree.points))
        return columns_of(COLUMNS, rows)


def leaf(
    name: str,
    weight: Number,
    value: Number | None,
    known: Iterable[Number | None],
    function: tuple[Number, Number],
    missing: str,
) -> Node:
    """The points of a measured value, or what the rule for missing values makes of its absence.

    Parameters
    ----------
    known : the values of all hospitals, for the rule "mean".
    function : the values of 0 and of 100 points; linear between, flat outside.
    missing : one of `MISSING_RULES`.
    """
    worst, best = function

    def points(measured: Number) -> Number:
        return FULL * min(1, max(0, (measured - worst) / (best - worst)))

    if value is not None:
        return Node(name, weight, points(value), value)
    if missing == "worst":
        return Node(name, weight, 0, note="missing: 0 points")
    others = [points(other) for other in known if other is not None] if missing == "mean" else []
    if others:
        return Node(name, weight, sum(others) / len(others), note="missing: mean of the others")
    return Node(name, weight, None, note="missing: weight redistributed")


def weighted_mean(name: str, parts: Sequence[Node]) -> Node:
    """The weighted mean of the parts that have points; the others' weight goes to them."""
    held = sum(part.weight for part in parts if part.points is not None)
    if held <= 0:
        return Node(name, 0, None, note="no value", children=tuple(parts))
    children = tuple(replace(part, weight=0 if part.points is None else part.weight / held) for part in parts)
    points = sum(part.weight * part.points for part in children if part.points is not None)
    return Node(name, 0, points, children=children)
