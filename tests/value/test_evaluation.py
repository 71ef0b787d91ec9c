"""Evaluation: differences by hand, planted effects recovered as often as promised, trends that part are seen."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from splgbench.cli import main
from splgbench.errors import InputError, SplgbenchError
from splgbench.value.evaluation import Evaluation, evaluate
from splgbench.value.planted import CASE_MIX, Planted, planted_panel

PANEL = Path("docs/examples/evaluation/panel.csv")
RUNS = 100


def panel(outcomes: dict[str, list[float]], start: dict[str, int]) -> dict[str, list[Any]]:
    """Outcomes by unit, periods from 1, and the period in which a contract begins."""
    rows = [
        (unit, period, int(unit in start and period >= start[unit]), value)
        for unit, values in outcomes.items()
        for period, value in enumerate(values, 1)
    ]
    return dict(zip(("unit", "period", "treated", "outcome"), map(list, zip(*rows, strict=True)), strict=True))


TWO_BY_TWO = panel({"A": [10, 7], "B": [12, 10], "C": [5, 6], "D": [9, 11]}, {"A": 2, "B": 2})


@cache
def simulated(planted: Planted, runs: int = RUNS) -> list[Evaluation]:
    """Panels of the seeds from 0 on."""
    return [evaluate(planted_panel(planted, seed), CASE_MIX) for seed in range(runs)]


def held(rate: float, runs: int = RUNS) -> float:
    """Three standard deviations of a rate's sampling error."""
    return 3 * math.sqrt(rate * (1 - rate) / runs)


def test_two_groups_and_two_periods_by_hand() -> None:
    """A and B fall by 3 and 2, C and D rise by 1 and 2: the effect is -2.5 - 1.5 = -4."""
    found = evaluate(TWO_BY_TWO)
    assert found.effect.value == pytest.approx(-4)
    assert found.events[0].value == pytest.approx(-4)
    assert found.trends is None
    assert "parallel trends cannot be tested" in found.notes[-1]
    # Changes about their group's mean are -.5, .5, -.5, .5; clusters' scores give sum (.25 / 2 ** 2) x 4 = 1 / 4 of
    # variance, times G / (G - 1) = 4 / 3 and (N - 1) / (N - K) = 7 / 6.
    assert found.effect.error == pytest.approx(math.sqrt(1 / 4 * 4 / 3 * 7 / 6))


def test_each_start_has_its_own_comparison() -> None:
    """Contracts that begin apart, with effects that grow: the mean effect is exact, where one coefficient is biased."""
    flat = [0.0] * 6
    outcomes = {"N1": flat, "N2": flat}
    start = {"E1": 3, "E2": 3, "L1": 5, "L2": 5}
    for unit, begin in start.items():
        outcomes[unit] = [0.0 if period < begin else -1.0 - (period - begin) for period in range(1, 7)]
    found = evaluate(panel(outcomes, start))
    assert found.effect.value == pytest.approx(-(2 * (1 + 2 + 3 + 4) + 2 * (1 + 2)) / 12)
    assert {since: each.value for since, each in found.events.items()} == pytest.approx(
        {-4: 0, -3: 0, -2: 0, 0: -1, 1: -2, 2: -3, 3: -4}, abs=1e-9
    )


def dummies(given: dict[str, list[Any]], periods: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and clustered covariance of the effects in some periods, by least squares with dummies."""
    units = sorted(set(given["unit"]))
    unit, period = np.array([units.index(name) for name in given["unit"]]), np.array(given["period"])
    under = np.array([max(given["treated"][at] for at in np.flatnonzero(unit == one)) for one in unit])
    effects = [under * (period == at) for at in periods]
    others = [*(np.array(given[name]) for name in CASE_MIX), *(period == at for at in sorted(set(period))[1:])]
    design = np.column_stack([*effects, *others, *(unit == at for at in range(len(units)))]).astype(float)
    outcome = np.array(given["outcome"])
    coefficients = np.linalg.lstsq(design, outcome, rcond=None)[0]
    scores = design * (outcome - design @ coefficients)[:, None]
    sums = np.array([scores[unit == at].sum(axis=0) for at in range(len(units))])
    inverse = np.linalg.inv(design.T @ design)
    n, g, k = len(outcome), len(units), len(effects) + len(others)
    covariance = g / (g - 1) * (n - 1) / (n - k) * inverse @ sums.T @ sums @ inverse
    return coefficients[: len(periods)], covariance[: len(periods), : len(periods)]


def test_effect_error_and_trends_are_those_of_least_squares_with_dummies() -> None:
    """The same regressions, written apart with numpy: mean effect, its error, course and the F of the leads."""
    given = planted_panel(Planted(units=14, treated=6, periods=7, start=3), 4)
    found = evaluate(given, CASE_MIX)
    effects, covariance = dummies(given, [4, 5, 6, 7])
    assert found.effect.value == pytest.approx(effects.mean())
    assert found.effect.error == pytest.approx(math.sqrt(covariance.mean()))
    course, covariance = dummies(given, [1, 2, 4, 5, 6, 7])
    assert [each.value for each in found.events.values()] == pytest.approx(course)
    assert [each.error for each in found.events.values()] == pytest.approx(np.sqrt(np.diag(covariance)))
    leads = course[:2] @ np.linalg.inv(covariance[:2, :2]) @ course[:2] / 2
    assert found.trends is not None
    assert (found.trends.leads, found.trends.degrees) == (2, 13)
    assert found.trends.f == pytest.approx(leads)


def test_weights_count_rows_as_often() -> None:
    """A row of weight 2 in each period is two units that are alike; the interval differs, the effect does not."""
    heavy = {**TWO_BY_TWO, "weight": [2, 2, 1, 1, 1, 1, 1, 1]}
    assert evaluate(heavy).effect.value == pytest.approx((-3 * 2 - 2) / 3 - 1.5)


def test_any_table_will_do_and_the_order_of_rows_does_not_count() -> None:
    """A data frame, shuffled."""
    given = planted_panel(Planted(units=12, treated=5), 3)
    frame = pandas.DataFrame(given).sample(frac=1, random_state=1)
    assert evaluate(frame, CASE_MIX).effect.value == pytest.approx(evaluate(given, CASE_MIX).effect.value)


def test_clusters_are_those_that_are_stated() -> None:
    """Two units that are the same count once: their cluster's error is that of one of them alone."""
    given = planted_panel(Planted(units=20, treated=8, effect=-1), 5)
    twice = {name: cells * 2 for name, cells in given.items()}
    twice["cluster"] = twice["unit"]
    twice["unit"] = [*given["unit"], *(f"{unit} again" for unit in given["unit"])]
    once, both = evaluate(given, CASE_MIX), evaluate(twice, CASE_MIX)
    assert both.clusters == once.clusters == 20
    assert both.units == 40
    assert both.effect.value == pytest.approx(once.effect.value)
    assert both.effect.error == pytest.approx(once.effect.error, rel=0.05)
    assert evaluate({**twice, "cluster": [""] * 320}, CASE_MIX).effect.error < 0.8 * once.effect.error


def test_planted_effects_lie_in_their_intervals_as_often_as_promised() -> None:
    """95 % intervals of 100 panels, within sampling error; without case mix, which drifts, far too seldom."""
    planted = Planted()
    found = simulated(planted)
    rate = np.mean([each.effect.low <= planted.effect <= each.effect.high for each in found])
    assert 0.95 - 0.02 - held(0.95) <= rate <= min(1.0, 0.95 + held(0.95))
    error = np.std([each.effect.value for each in found], ddof=1)
    assert np.mean([each.effect.value for each in found]) == pytest.approx(planted.effect, abs=3 * error / RUNS**0.5)
    assert np.mean([each.effect.error for each in found]) == pytest.approx(error, rel=0.25)
    assert np.mean([each.unadjusted.low <= planted.effect <= each.unadjusted.high for each in found]) < 0.8


def test_parallel_trends_are_rejected_where_they_are_not() -> None:
    """At 5 %: seldom where trends are parallel, nearly always where they part by 0.6 standard deviations a period."""
    parallel = [each.trends.p < 0.05 for each in simulated(Planted()) if each.trends]
    parting = [each.trends.p < 0.05 for each in simulated(Planted(trend=0.6), 40) if each.trends]
    assert len(parallel) == RUNS
    # With 40 clusters the test rejects a little too often; five points are allowed beside the sampling error.
    assert np.mean(parallel) <= 0.05 + 0.05 + held(0.05)
    assert np.mean(parting) >= 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": [0, 1, 0, 2, 0, 0, 0, 0]}, r"panel, row 4, column treated: must be at most 1"),
        ({"treated": [1, 1, 0, 1, 0, 0, 0, 0]}, r"panel, row 1, column treated: a unit must have a period before"),
        ({"treated": [0, 1, 0, 0, 0, 0, 0, 0]}, r"at least 2 units must be under contract \(found 1\)"),
        ({"treated": [0, 1, 0, 1, 0, 1, 0, 0]}, r"at least 2 units must never be under contract \(found 1\)"),
        ({"weight": [1, 1, 0, 1, 1, 1, 1, 1]}, r"panel, row 3, column weight: must be above 0"),
        ({"cluster": ["x", "y", "z", "z", "", "", "", ""]}, r"panel, row 1, column cluster: must be the same"),
        ({"outcome": [1, 2, "", 4, 5, 6, 7, 8]}, r"panel, row 3, column outcome: must not be empty"),
        ({"period": [1, 1, 1, 2, 1, 2, 1, 2]}, r"panel, row 2, column unit: unit and period must be unique"),
    ],
)
def test_panels_that_break_a_rule_are_refused(change: dict[str, list[Any]], message: str) -> None:
    """With table, row, column and rule."""
    with pytest.raises(InputError, match=message):
        evaluate({**TWO_BY_TWO, **change})


def test_a_contract_that_ends_is_refused() -> None:
    """Its effect on the time after would count as none."""
    given = planted_panel(Planted(units=6, treated=2, periods=4, start=1), 1)
    given["treated"][3] = 0
    with pytest.raises(InputError, match=r"panel, row 4, column treated: a contract that has begun must not end"):
        evaluate(given)


def test_case_mix_that_cannot_be_told_apart_is_refused() -> None:
    """Constant in units; the contract itself; a column that is not there; a level that is none."""
    given = planted_panel(Planted(units=6, treated=2, periods=4, start=2), 1)
    with pytest.raises(SplgbenchError, match="case mix size does not vary within units"):
        evaluate({**given, "size": [int(unit[1:]) for unit in given["unit"]]}, ["size"])
    with pytest.raises(SplgbenchError, match=r"case mix year depends on itself, on periods or on the contract"):
        evaluate({**given, "year": given["period"]}, ["year"])
    with pytest.raises(InputError, match="column income: the column is missing"):
        evaluate(given, ["income"])
    with pytest.raises(InputError, match="between 0 and 1, not 95"):
        evaluate(given, level=95)


def test_few_clusters_are_told() -> None:
    """More leads than clusters can bear are refused."""
    found = evaluate(planted_panel(Planted(units=8, treated=3), 1), CASE_MIX)
    assert found.notes[0].startswith("8 clusters, 3 of them under contract: errors may be too small")
    with pytest.raises(SplgbenchError, match="10 leads cannot be tested with 6 clusters"):
        evaluate(planted_panel(Planted(units=6, treated=2, periods=14, start=11), 1))


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example is what `planted_panel` makes, and what the page prints; its planted effect lies in the interval."""
    planted = Planted(effect=-1.5)
    given = planted_panel(planted, 1)
    frame = pandas.read_csv(PANEL)
    assert {name: frame[name].tolist() for name in given} == given
    arguments = ["evaluate", str(PANEL), "--case-mix", *CASE_MIX]
    assert main([*arguments, "-o", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    page = Path("docs/value.md").read_text("utf-8")
    *lines, note = told.splitlines()
    assert len(lines) == 14
    for line in lines:
        assert f"    {line.rstrip()}\n" in page
    assert note.startswith("note: leads that are not rejected")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "estimates.csv",
        "event-study.pdf",
        "event-study.svg",
    ]
    assert main([*arguments, "--json"]) == 0
    effect = json.loads(capsys.readouterr().out)["estimates"][0]
    assert effect["low"] <= planted.effect <= effect["high"]
