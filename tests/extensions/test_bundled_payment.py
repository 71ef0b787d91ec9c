"""Bundles: the worked example of docs/extensions.md, what is held in part, complete episodes, broken entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from instances_for_tests import make, plain_tables, small

from splgbench import Limits, check, registry, solve
from splgbench.certificates.budget_price import budget_price
from splgbench.errors import InputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.extensions.bundled_payment import BundledPayment
from splgbench.instance import Instance
from splgbench.limits import NO_LIMITS
from splgbench.methods import method
from splgbench.package import package_files, read_package, write_package
from splgbench.polish import polish
from splgbench.result import Status
from splgbench.testing import examine
from splgbench.testing.relations import VARIANT_RELATIONS
from splgbench.transform import subset

SCHEMA = Path(__file__).parents[2] / "src" / "splgbench" / "schemas" / "instance-package-1.schema.json"
PAGE = Path(__file__).parents[2] / "docs" / "extensions.md"
HIP = {
    "bundles": [{"bundle": "HIP", "cents": 2_425_000}],
    "members": [{"bundle": "HIP", "group": "REHAB"}, {"bundle": "HIP", "group": "SURGERY"}],
    "group_prices": [{"group": "REHAB", "cents": 700_000}, {"group": "SURGERY", "cents": 1_800_000}],
    "worth_units": 1,
    "worth_cents": 10_000,
}


def hips(**changes: Any) -> Instance:
    """The example of the page, the entry with changes."""
    offers = {("Nord", "REHAB"): (7, 2), ("Nord", "SURGERY"): (10, 3), ("Sued", "SURGERY"): (8, 5)}
    tables = plain_tables(offers, {"REHAB": 9, "SURGERY": 12})
    return make(tables, "group", extensions={"bundled_payment": {**HIP, **changes}})


def test_the_worked_example() -> None:
    """By hand: 66 without the bundle; with it 44 and 7 episodes of 7 units, and Sued holds nothing."""
    instance = hips()
    apart = {("Nord", "SURGERY"): 4, ("Nord", "REHAB"): 7, ("Sued", "SURGERY"): 8}
    together = {("Nord", "SURGERY"): 10, ("Nord", "REHAB"): 7}
    assert check(instance.plain, apart).objective == solve(instance.plain, "linked@highs").primal == 12 + 14 + 40 == 66
    assert (check(instance, together).objective, check(instance.plain, together).objective) == (93, 44)
    result = solve(instance, "linked@highs")
    assert (result.status, result.primal, result.allocation(instance).cases) == (Status.OPTIMAL, 93, together)
    broken = check(instance, apart)
    assert [str(violation) for violation in broken.violations] == [
        "bundled_payment: Sued has SURGERY of the bundle HIP without REHAB"
    ]
    page = PAGE.read_text("utf-8")
    for row in (
        "| no bundle | 4 surgeries, 7 rehabilitations | 8 surgeries | 12 + 14 + 40 = 66 | | | 66 |",
        "30 + 14 = 44 | min(10, 7) = 7 | 7 x 7 = 49 | 93 |",
        "print(solve(hips).primal, solve(bundled).primal)  # 66 93",
    ):
        assert row in page


def test_episodes_are_complete() -> None:
    """Two surgeries and three rehabilitations an episode: 10 and 7 cases make two of them."""
    members = [{"bundle": "HIP", "group": "REHAB", "cases": 3}, {"bundle": "HIP", "group": "SURGERY", "cases": 2}]
    # 2 x 18,000 + 3 x 7,000 - 24,250 = 32,750 francs, 327 units.
    instance = hips(members=members)
    bundled = instance.extensions["bundled_payment"]
    assert [bundled.payment([rehab, surgery, 0]) for rehab, surgery in ((7, 10), (2, 10), (6, 4), (6, 3), (0, 0))] == [
        2 * 327,
        0,
        2 * 327,
        327,
        0,
    ]
    best = solve(instance, "linked@highs")
    assert (best.status, best.primal) == (Status.OPTIMAL, 44 + 2 * 327)


def test_all_or_none_in_part() -> None:
    """Part of a bundle is broken by as many groups as lack; nothing and everything obey."""
    instance = hips()
    cases: tuple[tuple[dict[tuple[str, str], int], list[int]], ...] = (
        ({}, []),
        ({("Nord", "SURGERY"): 1}, [1]),
        ({("Nord", "REHAB"): 2}, [1]),
        ({("Nord", "REHAB"): 2, ("Nord", "SURGERY"): 1}, []),
        ({("Sued", "SURGERY"): 1, ("Nord", "REHAB"): 1}, [1, 1]),
    )
    for given, amounts in cases:
        assert [violation.amount for violation in check(instance, given).violations] == amounts, given
    held = polish(instance, check_mandates(instance, ("Nord", "SURGERY")))
    assert (held.volumes, held.reason) == (None, "no volumes for these mandates obey bundled_payment")


def check_mandates(instance: Instance, *pairs: tuple[str, str]) -> Any:
    """Truth values over offers."""
    import numpy as np

    return np.array([pair in pairs for pair in instance.offer_index], dtype=np.bool_)


def test_packages_keep_bundles(tmp_path: Path) -> None:
    """Written, read, the same hash; the schema accepts it; order and the default of cases carry no meaning."""
    instance = hips()
    write_package(instance, tmp_path / "p")
    again = read_package(tmp_path / "p")
    assert (again, entries_of(again)) == (instance, entries_of(instance))
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(json.loads(package_files(instance)["datapackage.json"]), schema)
    assert hips(members=[{**row, "cases": 1} for row in reversed(HIP["members"])]) == instance  # type: ignore[call-overload]
    assert hips(worth_cents=9_999) != instance
    assert hips(bundles=[{"bundle": "HIP", "cents": 2_425_001}]) != instance


def test_a_bundle_without_one_of_its_groups_is_gone() -> None:
    """Hospitals may go, groups may not."""
    instance = hips()
    assert entries_of(subset(instance, hospitals=["Sued"])) == entries_of(instance)
    assert entries_of(subset(instance, groups=["SURGERY"])) == {}


def test_a_clash_names_the_bundle() -> None:
    """Sued must hold surgery, which it cannot without rehabilitation."""
    tables: dict[str, Any] = dict(hips().to_tables())
    tables["overrides"] = {"hospital": ["Sued"], "group": ["SURGERY"], "action": ["grant"], "reason": ["near"]}
    result = solve(make(tables, "group", extensions={"bundled_payment": HIP}), "linked@highs")
    assert result.status is Status.INFEASIBLE
    assert set(result.clash) == {"grant Sued SURGERY", "bundle HIP at Sued: no SURGERY without REHAB"}


@pytest.mark.parametrize("name", [n for n in registry.names("decompositions") if n != "auto"])
def test_decompositions_refuse_payments(name: str) -> None:
    """By name; the one that prices out extensions when it sees this one's rows."""
    instance = hips()
    reason = method(name).reason_against(instance, NO_LIMITS)
    if name == "lagrangian_budget":
        result = method(name).solve(instance, Limits(wall_time=20))
        assert (result.status, result.primal) == (Status.UNSUPPORTED, None)
        reason = result.message
    assert "bundled_payment" in (reason or "")


def test_a_price_of_budgets_is_refused() -> None:
    """Its certificate bounds what cases are worth, not what is paid for them."""
    budget = {"group_costs": [{"group": g, "cents": 1} for g in ("REHAB", "SURGERY")], "budgets": [{"cents": 9}]}
    both = with_extensions(hips().plain, {"bundled_payment": HIP, "regional_budget": budget})
    with pytest.raises(InputError, match="and bundled_payment pays besides"):
        budget_price(both, {"0": 0.5})
    # 9 cents buy 5 surgeries and 4 rehabilitations: 15 + 8 + 4 episodes of 7.
    result = solve(both, "linked@highs")
    assert (result.status, result.primal) == (Status.OPTIMAL, 15 + 8 + 28)


def test_scip_conforms() -> None:
    """A third solver: the optimum of the oracles."""
    examination = examine(VARIANT_RELATIONS["bundled payment: oracle"], [method("strengthened@scip")], examples=6)
    assert (examination.refutation, examination.examples) == (None, 6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bundles": [*HIP["bundles"], *HIP["bundles"]]}, r"bundles\[1\].bundle: must be unique"),  # type: ignore[misc]
        ({"bundles": [{"bundle": "", "cents": 1}]}, "must be text"),
        ({"bundles": [{"bundle": "HIP", "cents": 2_500_001}]}, "not cost more than its single cases, 2500000 cents"),
        (
            {"bundles": [{"bundle": "HIP", "cents": 1}, {"bundle": "X", "cents": 0}]},
            "must name a group of the bundle X",
        ),
        ({"members": [{"bundle": "HIP", "group": "G9"}]}, "must be a group of the instance"),
        ({"members": [{"bundle": "B", "group": "REHAB"}]}, "must be one of bundles"),
        ({"members": [{"bundle": "HIP", "group": "REHAB"}] * 2}, "REHAB is in HIP"),
        ({"members": [{"bundle": "HIP", "group": "REHAB", "cases": 0}]}, r"members\[0\].cases: must be a whole number"),
        ({"group_prices": [{"group": "REHAB", "cents": 1}]}, "must name the price of SURGERY, which is in HIP"),
        ({"group_prices": [{"group": "REHAB", "cents": 1}] * 2}, "must be unique"),
        ({"group_prices": [{"group": "G9", "cents": 1}]}, "must be a group of the instance"),
        ({"worth_cents": 0}, "worth_cents: must be a whole number of at least 1"),
        ({"worth_units": None}, "worth_units: must be a whole number"),
        ({"worth_units": 2**52, "worth_cents": 1}, "worth less than 2"),
        ({"discount": 3}, "discount: is no field"),
    ],
)
def test_broken_entries(change: dict[str, Any], words: str) -> None:
    """Each is refused with file, field and rule."""
    with pytest.raises(InputError, match=words) as caught:
        hips(**change)
    assert caught.value.problems[0].file == "datapackage.json"
    assert str(caught.value.problems[0].column).startswith("splgbench.extensions.bundled_payment")


def test_bundles_that_nobody_offers() -> None:
    """A group without offers: every offer of the rest of the bundle is refused."""
    instance = with_extensions(
        small().with_rules(overrides=False, links=False),
        {
            "bundled_payment": {
                "bundles": [{"bundle": "B", "cents": 0}],
                "members": [{"bundle": "B", "group": group} for group in ("G1", "G2", "G3")],
                "group_prices": [{"group": group, "cents": 1} for group in ("G1", "G2", "G3")],
                "worth_units": 0,
                "worth_cents": 1,
            }
        },
    )
    bundled = instance.extensions["bundled_payment"]
    assert isinstance(bundled, BundledPayment)
    assert {c.hospital: c.lacking for c in bundled.contracts} == {"H1": [], "H2": ["G2"]}
    volumes = solve(instance, "strengthened@highs").volumes
    assert volumes is not None
    assert {instance.offer_name(k)[0] for k, x in enumerate(volumes.tolist()) if x} == {"H1"}
