"""Why not: the rule that forbids a mandate, the offers that displace it, and the loss if it were granted."""

from __future__ import annotations

import numpy as np
import pytest
from instances_for_tests import make, small_tables
from planning_for_tests import decision, instance, solver

from splgbench.checker import check
from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.planning.overrides import apply
from splgbench.planning.solving import Solved, Solver
from splgbench.planning.why_not import WhyNot, why_not


def _asked(given: Instance, hospital: str, group: str) -> WhyNot:
    asked = solver()
    return why_not(given, asked.solve(given), hospital, group, asked)


def _changed(table: str, column: str, row: int, value: int) -> Instance:
    tables = instance().to_tables()
    tables[table][column][row] = value
    return Instance.from_tables(**tables)


def test_displaced_by_better_offers() -> None:
    """By hand: East's least 10 hips at 5 points come from South at 8, so 30 points go; nothing else moves."""
    found = _asked(instance(), "East", "HIP")
    assert (found.kind, found.loss, found.least, found.most, found.exact) == ("displaced", 30, 30, 30, True)
    moved = [(shift.hospital, shift.group, shift.before, shift.after, shift.bond) for shift in found.shifts]
    assert moved == [("East", "HIP", 0, 10, "need"), ("South", "HIP", 20, 10, "need")]
    assert [(shift.hospital, shift.utility, shift.before) for shift in found.placed] == [
        ("North", 9, 40),
        ("South", 8, 20),
    ]


def test_a_loss_without_proof_is_an_interval() -> None:
    """A base with an open bound: the loss of the optimum lies between what the two bounds allow."""
    given, asked = instance(), solver()
    best = asked.solve(given)
    found = why_not(given, Solved(best.volumes, best.primal, best.primal + 7), "East", "HIP", solver())
    assert (found.loss, found.least, found.most, found.exact) == (30, 30, 37, False)
    assert why_not(given, Solved(best.volumes, best.primal, None), "East", "HIP", solver()).most is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (_changed("offers", "capacity", 0, 9), ("HIP has minimum cases of 10; the capacity of East in HIP is 9",)),
        (_changed("demand", "cases", 0, 9), ("HIP has minimum cases of 10; the need is 9",)),
        (_changed("demand", "cases", 0, 0), ("there is no need for HIP",)),
        (
            _changed("groups", "minimum_share_bp", 0, 7000),
            ("the minimum share of HIP (70 % of 60 cases) asks for 42 cases; the capacity of East in HIP is 40",),
        ),
        (
            _changed("offers", "capacity", 0, 9).with_rules(capacity_mode="area"),
            (),
        ),
    ],
)
def test_a_limit_below_the_threshold(given: Instance, told: tuple[str, ...]) -> None:
    """The limit is named with its numbers; in mode area the group's own capacity forbids nothing."""
    found = _asked(given, "East", "HIP")
    assert found.rules == told
    assert found.kind == ("rule" if told else "displaced")
    assert (found.loss is None) == bool(told)


def test_rules_that_only_together_forbid_it() -> None:
    """East's knee mandate needs its hip mandate, which cannot stand: the smallest clash is the answer."""
    tables = instance().to_tables()
    tables["offers"]["capacity"][0] = 9
    tables["links"] = {"group": ["KNEE"], "clause": ["base"], "mode": ["all"], "required": ["HIP"]}
    found = _asked(Instance.from_tables(**tables), "East", "KNEE")
    assert found.kind == "rule"
    assert len(found.rules) == 3
    assert {rule.split()[0] for rule in found.rules} == {"link", "minimum", "capacity"}
    assert not any(rule.startswith("grant") for rule in found.rules)


def test_what_is_no_refusal() -> None:
    """A mandate that stands, one a planner refused with the reason given, and what is no offer at all."""
    assert _asked(instance(), "North", "HIP").kind == "held"
    refused = apply(instance(), decision("refuse", "North", "HIP"))
    found = _asked(refused, "North", "HIP")
    assert (found.kind, found.rules) == ("override", ("a planner refused it: why",))
    with pytest.raises(InputError, match="North makes no offer for KNEE"):
        _asked(instance(), "North", "KNEE")


@pytest.mark.parametrize("mode", ["group", "area", "both", "none"])
def test_a_proved_loss_is_that_of_the_optimum_with_the_mandate(mode: str) -> None:
    """On every offer of an instance with every kind of row: base less the checked value with the mandate forced."""
    given = make(small_tables(), mode)
    asked = Solver("strengthened@highs")
    base = asked.solve(given)
    kinds = set()
    for k in range(given.n_offers):
        hospital, group = given.offer_name(k)
        found = why_not(given, base, hospital, group, asked)
        kinds.add(found.kind)
        if found.kind != "displaced":
            assert (found.kind == "held") == bool(base.volumes[k] > 0)
            continue
        assert found.exact
        volumes = np.array(base.volumes)
        for shift in found.shifts:
            assert volumes[shift.offer] == shift.before
            volumes[shift.offer] = shift.after
        verdict = check(given, volumes)
        assert verdict.feasible
        assert volumes[k] > 0
        assert verdict.objective == base.primal - found.loss
    assert "held" in kinds
