"""Bonuses: the worked example of docs/extensions.md, targets to the last case and point, broken entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from instances_for_tests import make, plain_tables

from splgbench import Limits, check, registry, solve
from splgbench.errors import InputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.instance import Instance
from splgbench.limits import NO_LIMITS
from splgbench.methods import method
from splgbench.package import package_files, read_package, write_package
from splgbench.result import Status
from splgbench.testing import examine
from splgbench.testing.relations import VARIANT_RELATIONS
from splgbench.transform import subset

SCHEMA = Path(__file__).parents[2] / "src" / "splgbench" / "schemas" / "instance-package-1.schema.json"
PAGE = Path(__file__).parents[2] / "docs" / "extensions.md"
EARLY = {"hospital": "Nord", "cases": 8, "cents": 100_000}
GOOD = {"hospital": "Nord", "area": "A", "cases": 12, "points": 80, "cents": 200_000}
QUALITY = [{"hospital": "Nord", "group": "HIP", "points": 70}, {"hospital": "Nord", "group": "KNEE", "points": 90}]


def entry(**changes: Any) -> dict[str, Any]:
    return {"steps": [EARLY, GOOD], "quality": QUALITY, "worth_units": 1, "worth_cents": 10_000, **changes}


def joints(years: bool = False, **changes: Any) -> Instance:
    """The example of the page, the entry with changes."""
    offers = {("Nord", "HIP"): (10, 5), ("Nord", "KNEE"): (10, 4), ("Sued", "HIP"): (10, 4)}
    extensions: dict[str, Any] = {"pay_for_performance": entry(**changes)}
    if years:
        groups = [{"group": "HIP", "year": "1"}, {"group": "KNEE", "year": "2"}]
        extensions["years"] = {"years": ["1", "2"], "groups": groups}
    return make(plain_tables(offers, {"HIP": 10, "KNEE": 6}), "group", extensions=extensions)


def test_the_worked_example() -> None:
    """By hand: 74 and one bonus of 10, or 70 and both."""
    instance = joints()
    first = {("Nord", "KNEE"): 6, ("Nord", "HIP"): 10}
    second = {("Nord", "KNEE"): 6, ("Nord", "HIP"): 6, ("Sued", "HIP"): 4}
    assert [check(instance.plain, cases).objective for cases in (first, second)] == [24 + 50, 24 + 30 + 16]
    assert [check(instance, cases).objective for cases in (first, second)] == [84, 100]
    assert solve(instance.plain, "linked@highs").primal == 74
    result = solve(instance, "linked@highs")
    assert (result.status, result.primal, result.allocation(instance).cases) == (Status.OPTIMAL, 100, second)
    page = PAGE.read_text("utf-8")
    for row in (
        "| 6 knees, 10 hips | | 24 + 50 = 74 | 1,240 / 16 = 77.5 | 10 | 84 |",
        "| 6 knees, 6 hips | 4 hips | 24 + 30 + 16 = 70 | 960 / 12 = 80 | 10 + 20 | 100 |",
        "print(solve(joints).primal, solve(performing).primal)  # 74 100",
    ):
        assert row in page


def test_targets_to_the_last_case_and_point() -> None:
    """Reached exactly at the target; nothing is reached without cases."""
    steps = joints().extensions["pay_for_performance"]
    paid = {(hip, knee): steps.payment([hip, knee, 0]) for hip in range(11) for knee in range(11)}
    for (hip, knee), units in paid.items():
        good = hip + knee >= 12 and 70 * hip + 90 * knee >= 80 * (hip + knee)
        assert units == 10 * (hip + knee >= 8) + 20 * good
    lenient = joints(steps=[{**GOOD, "cases": 1, "points": 0}]).extensions["pay_for_performance"]
    assert (lenient.payment([0, 0, 9]), lenient.payment([1, 0, 0])) == (0, 20)
    assert check(joints(), {}).objective == 0
    # 99.99 francs at a unit for 100: nothing; three units for 100 francs: 59.99 rounded down.
    assert joints(steps=[{**EARLY, "cents": 9_999}]).extensions["pay_for_performance"].payment([8, 0, 0]) == 0
    dear = joints(steps=[{**EARLY, "cents": 199_999}], worth_units=3).extensions["pay_for_performance"]
    assert dear.payment([8, 0, 0]) == 59


@pytest.mark.parametrize(
    ("scope", "counted"),
    [
        ({}, [0, 1]),
        ({"area": "A"}, [0, 1]),
        ({"group": "KNEE"}, [1]),
        ({"year": "1"}, [0]),
        ({"hospital": "Sued"}, [2]),
    ],
)
def test_whose_cases_count(scope: dict[str, str], counted: list[int]) -> None:
    """A hospital's, narrowed by area, group and year."""
    steps = joints(years=True, steps=[{**EARLY, "cases": 3, **scope}]).extensions["pay_for_performance"]
    for k in range(3):
        assert steps.payment([3 * (k == other) for other in range(3)]) == 10 * (k in counted)


def test_packages_keep_bonuses(tmp_path: Path) -> None:
    """Written, read, the same hash; the schema accepts it; order carries no meaning."""
    instance = joints(years=True)
    write_package(instance, tmp_path / "p")
    again = read_package(tmp_path / "p")
    assert (again, entries_of(again)) == (instance, entries_of(instance))
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(json.loads(package_files(instance)["datapackage.json"]), schema)
    assert joints(steps=[GOOD, EARLY], quality=QUALITY[::-1]) == joints()
    assert joints(steps=[EARLY, {**GOOD, "points": 79}]) != joints()


def test_what_goes_takes_its_steps_along() -> None:
    """Without the hospital nothing is left; without a group its quality."""
    instance = joints(steps=[EARLY, GOOD, {**EARLY, "group": "HIP"}])
    assert entries_of(subset(instance, hospitals=["Sued"])) == {}
    part = entries_of(subset(instance, groups=["KNEE"]))["pay_for_performance"]
    assert (part["steps"], part["quality"]) == ([EARLY, GOOD], QUALITY[1:])


@pytest.mark.parametrize("name", [n for n in registry.names("decompositions") if n != "auto"])
def test_decompositions_refuse_payments(name: str) -> None:
    """By name; the one that prices out extensions when it sees this one's rows."""
    instance = joints()
    reason = method(name).reason_against(instance, NO_LIMITS)
    if name == "lagrangian_budget":
        result = method(name).solve(instance, Limits(wall_time=20))
        assert (result.status, result.primal) == (Status.UNSUPPORTED, None)
        reason = result.message
    assert "pay_for_performance" in (reason or "")


def test_bundles_and_bonuses_together() -> None:
    """Payments add up: 100 as without the bundle, and 6 episodes of 5 units."""
    bundle = {
        "bundles": [{"bundle": "B", "cents": 5}],
        "members": [{"bundle": "B", "group": "HIP"}, {"bundle": "B", "group": "KNEE"}],
        "group_prices": [{"group": "HIP", "cents": 4}, {"group": "KNEE", "cents": 6}],
        "worth_units": 1,
        "worth_cents": 1,
    }
    both = with_extensions(joints().plain, {"bundled_payment": bundle, "pay_for_performance": entry()})
    for name in ("linked@highs", "strengthened@scip", "strengthened@cpsat"):
        result = solve(both, name)
        # Sued may hold no hips alone: Nord treats 6 knees and 10 hips, or loses 20 of utility to reach 80 points.
        assert (result.status, result.primal) == (Status.OPTIMAL, max(84, 24 + 30 + 30) + 6 * 5), name


def test_scip_conforms() -> None:
    """A third solver: the optimum of the oracles."""
    examination = examine(VARIANT_RELATIONS["pay for performance: oracle"], [method("strengthened@scip")], examples=6)
    assert (examination.refutation, examination.examples) == (None, 6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": [{**EARLY, "hospital": "West"}]}, r"steps\[0\].hospital: must be one of the instance's hospitals"),
        ({"steps": [{**EARLY, "area": "X"}]}, "must be one of the instance's areas"),
        ({"steps": [{**EARLY, "group": "X"}]}, "must be one of the instance's groups"),
        ({"steps": [{**EARLY, "year": "2030"}]}, "needs the extension years"),
        ({"steps": [{**EARLY, "cases": 0}]}, r"steps\[0\].cases: must be a whole number of at least 1"),
        ({"steps": [{**EARLY, "cents": -1}]}, "cents: must be a whole number of at least 0"),
        ({"steps": [{**GOOD, "points": 1_000_001}]}, "points: must be a whole number"),
        ({"steps": [EARLY, {**EARLY, "cents": 5}]}, "must be the only step of its offers with these targets"),
        ({"steps": [{"hospital": "Nord", "cases": 3}]}, "lacks cents"),
        ({"quality": QUALITY[:1]}, r"must name the points of Nord KNEE, which steps\[1\] asks for"),
        ({"quality": QUALITY + QUALITY}, "hospital and group must be unique"),
        ({"quality": [{"hospital": "Sued", "group": "KNEE", "points": 1}]}, "must name an existing offer"),
        ({"worth_units": None}, "worth_units: must be a whole number"),
        ({"worth_units": 2**50, "worth_cents": 1}, "must be worth less than"),
        ({"target": 1}, "target: is no field"),
    ],
)
def test_broken_entries(change: dict[str, Any], words: str) -> None:
    """Each is refused with file, field and rule."""
    with pytest.raises(InputError, match=words) as caught:
        joints(**change)
    assert caught.value.problems[0].file == "datapackage.json"
    assert str(caught.value.problems[0].column).startswith("splgbench.extensions.pay_for_performance")


def test_a_year_that_there_is_not() -> None:
    """Steps name years of the calendar."""
    with pytest.raises(InputError, match="must be a year of the extension years"):
        joints(years=True, steps=[{**EARLY, "year": "3"}])


def test_a_shortfall_that_solvers_cannot_hold() -> None:
    """A million points short times many cases."""
    tables = plain_tables({("H", "G"): (2**35, 1)}, {"G": 2**35})
    steps = {
        "steps": [{"hospital": "H", "cases": 1, "points": 1_000_000, "cents": 1}],
        "quality": [{"hospital": "H", "group": "G", "points": 0}],
        "worth_units": 1,
        "worth_cents": 1,
    }
    with pytest.raises(InputError, match="times cases must stay below"):
        make(tables, "group", extensions={"pay_for_performance": steps})
