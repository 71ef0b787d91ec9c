"""Benefit: the worked example of docs/planning.md, and every score taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from splgbench.errors import InputError, SplgbenchError
from splgbench.planning.benefit import Benefit, BenefitRules, Node

GROUPS = {"group": ["HIP"], "area": ["B"], "level": ["basic"], "stay": [4]}
INDICATORS = {
    "hospital": ["North"] * 5 + ["South"] * 4,
    "indicator": ["minutes", "quality", "cost", "training", "cmi", "minutes", "cost", "training", "cmi"],
    "group": ["", "HIP", "", "", "", "", "", "", ""],
    "value": [20, 80, 10_000, 0.3, 1.2, 10, 9_000, 0.1, 0.8],
}
FUNCTIONS = {
    "indicator": ["minutes", "quality", "cost", "training"],
    "worst": [60, 0, 12_000, 0],
    "best": [10, 100, 8_000, 0.5],
}
WEIGHTS = {
    "level": ["basic"] * 4,
    "goal": ["care", "care", "cost", "university"],
    "indicator": ["minutes", "quality", "cost", "training"],
    "weight": [0.6, 0.4, 1.0, 1.0],
}


def benefit(rules: BenefitRules | None = None, indicators: Any = None) -> Benefit:
    chosen = rules or BenefitRules(efficiency={"cmi": 0.5})
    return Benefit(GROUPS, indicators or INDICATORS, FUNCTIONS, WEIGHTS, chosen)


def test_the_worked_example() -> None:
    """North: care 80, cost 50, university 60; PUS 63.33; mark +10 %; ePUS 69.67, as the page prints it."""
    tree = benefit().explain("North", "HIP")
    pus, mark = tree.children
    assert [goal.points for goal in pus.children] == pytest.approx([80, 50, 60])
    assert pus.points == pytest.approx(190 / 3)
    assert mark.value == pytest.approx(0.1)
    assert tree.points == pytest.approx(69.6667, abs=1e-4)
    page = Path("docs/planning.md").read_text("utf-8")
    for line in tree.lines():
        assert line in page, line


def test_every_score_decomposes() -> None:
    """A node's points are the weighted sum of its children's, and weights sum to 1, down to the leaves."""

    def holds(node: Node) -> None:
        if node.children and node.points is not None and node.name not in ("ePUS", "mark"):
            held = [child for child in node.children if child.points is not None]
            assert sum(child.weight for child in held) == pytest.approx(1)
            assert sum(child.weight * child.points for child in held) == pytest.approx(node.points)  # type: ignore[operator]
        for child in node.children:
            holds(child)

    for hospital in ("North", "South"):
        for rule in ("redistribute", "worst", "mean"):
            tree = benefit(BenefitRules(missing=rule, efficiency={"cmi": 0.5})).explain(hospital, "HIP")
            holds(tree)
            pus, mark = tree.children
            assert tree.points == pytest.approx(pus.points * (1 + mark.value))  # type: ignore[operator]


@pytest.mark.parametrize(("rule", "care"), [("redistribute", 100), ("worst", 60), ("mean", 92)])
def test_missing_values_follow_the_rule(rule: str, care: float) -> None:
    """South has no quality: its weight goes to minutes, counts 0 points, or takes North's 80."""
    assert benefit(BenefitRules(missing=rule)).explain("South", "HIP").children[0].children[0].points == pytest.approx(
        care
    )


def test_a_goal_without_values_gives_its_weight_away() -> None:
    """With rule redistribute the other two goals weigh a half each."""
    rows = [row for row, name in enumerate(INDICATORS["indicator"]) if name != "training"]
    fewer = {key: [cells[row] for row in rows] for key, cells in INDICATORS.items()}
    pus = benefit(BenefitRules(), fewer).explain("North", "HIP").children[0]
    assert [goal.weight for goal in pus.children] == pytest.approx([0.5, 0.5, 0])
    assert pus.points == pytest.approx((80 + 50) / 2)
    with pytest.raises(SplgbenchError, match="no indicator that weighs has a value"):
        benefit(BenefitRules(), fewer).explain("East", "HIP")


def test_the_mark_is_cut_at_its_limit() -> None:
    """Twice the distance would be 20 %."""
    mark = benefit(BenefitRules(efficiency={"cmi": 1.0}, limit=0.1)).explain("South", "HIP").children[1]
    assert mark.value == pytest.approx(-0.1)
    assert "cut from -0.2" in mark.note


def test_tilted_weights_sum_to_one() -> None:
    """One goal moves, the others keep their proportion; a tilt beyond 1 is cut."""
    rules = BenefitRules(goals={"care": 0.5, "cost": 0.3, "university": 0.2}).tilted("care", 0.1)
    assert rules.goals == pytest.approx({"care": 0.6, "cost": 0.24, "university": 0.16})
    assert BenefitRules().tilted("cost", 2).goals == pytest.approx({"care": 0, "cost": 1, "university": 0})


def test_scores_are_what_the_trees_say() -> None:
    """The table has goals, PUS, mark and ePUS of every pair."""
    columns = benefit().scores([("North", "HIP"), ("South", "HIP")])
    assert columns["epus"][0] == pytest.approx(69.6667, abs=1e-4)
    assert columns["care"] == pytest.approx([80, 100])


def test_weights_that_do_not_sum_to_one_are_refused() -> None:
    """By level and goal; and so is a value function without slope, or a weight without function."""
    with pytest.raises(InputError, match=r"weights of level basic, goal care must sum to 1 \(found 0.9\)"):
        Benefit(GROUPS, INDICATORS, FUNCTIONS, WEIGHTS | {"weight": [0.5, 0.4, 1, 1]}, BenefitRules())
    with pytest.raises(InputError, match=r"value_functions, row 1, column best: must differ from worst"):
        Benefit(GROUPS, INDICATORS, FUNCTIONS | {"worst": [10, 0, 12_000, 0]}, WEIGHTS, BenefitRules())
    with pytest.raises(InputError, match="must be in the table value_functions"):
        Benefit(
            GROUPS, INDICATORS, FUNCTIONS, WEIGHTS | {"indicator": ["miles", *WEIGHTS["indicator"][1:]]}, BenefitRules()
        )
    with pytest.raises(InputError, match="the goals' weights must sum to 1"):
        BenefitRules(goals={"care": 0.5, "cost": 0.3, "university": 0.3})
