"""The oracles against each other and against answers worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from instances_for_tests import make, small_tables

from splgbench.checker import check
from splgbench.instance import Instance
from splgbench.testing import ORACLES, agreed, instances
from splgbench.testing.oracles import ENUMERATED_OFFERS, Answer, by_search, enumerated


@settings(derandomize=True, database=None, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(instances())
def test_oracles_agree(instance: Instance) -> None:
    """All three find the same optimum, and allocations of that value that the checker accepts."""
    assume(instance.n_offers <= ENUMERATED_OFFERS)
    answers = {name: oracle(instance) for name, oracle in ORACLES.items()}
    assert len({answer.optimum for answer in answers.values()}) == 1
    for answer in answers.values():
        if answer.cases is not None:
            verdict = check(instance, answer.cases)
            assert (verdict.feasible, verdict.objective) == (True, answer.optimum)


@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
def test_by_hand(oracle: object) -> None:
    """H1 holds A only with B; B is worth less than the detour: A at H2 for 4 each, threshold 5."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["A", "B"], "area": ["x", "y"], "minimum_cases": [5, 0]},
        demand={"group": ["A", "B"], "cases": [10, 7]},
        offers={
            "hospital": ["H1", "H2", "H2"],
            "group": ["A", "A", "B"],
            "capacity": [5, 6, 7],
            "utility": [3, 4, 5],
        },
        links={"group": ["A"], "clause": ["1"], "mode": ["any"], "required": ["B"]},
    )
    # H1 offers no B, so it cannot hold A: 6 x 4 + 7 x 5.
    answer: Answer = oracle(instance)  # type: ignore[operator]
    assert answer == Answer(59, {("H2", "A"): 6, ("H2", "B"): 7})


@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
def test_infeasible(oracle: object) -> None:
    """Two mandates that must stand and need more than there is."""
    tables = small_tables()
    tables["demand"]["cases"] = [10, 7, 4]
    tables["overrides"] = {
        "hospital": ["H1", "H2"],
        "group": ["G3", "G3"],
        "action": ["grant", "grant"],
        "reason": ["both", "both"],
    }
    assert oracle(make(tables)) == Answer(None, None)  # type: ignore[operator]


def test_agreed_raises_where_oracles_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong oracle is noticed before it judges anybody."""
    instance = make(small_tables())
    assert agreed(instance).optimum == by_search(instance).optimum
    monkeypatch.setitem(ORACLES, "cpsat", lambda _: Answer(1, {}))
    with pytest.raises(AssertionError, match="the oracles disagree"):
        agreed(instance)


def test_too_many_offers_to_enumerate() -> None:
    """2^K sets are looked at only where K is small."""
    offers = [(f"H{i}", "G") for i in range(ENUMERATED_OFFERS + 1)]
    instance = Instance.from_tables(
        hospitals=[h for h, _ in offers],
        groups={"group": ["G"], "area": ["A"]},
        demand={"group": ["G"], "cases": [5]},
        offers={
            "hospital": [h for h, _ in offers],
            "group": ["G"] * len(offers),
            "capacity": [1] * len(offers),
            "utility": [1] * len(offers),
        },
    )
    with pytest.raises(ValueError, match="too many"):
        enumerated(instance)


def one_group(**changes: object) -> Instance:
    """One hospital that can treat 5 cases of a group of which every mandate must hold half."""
    tables: dict[str, dict[str, list[object]]] = {
        "hospitals": {"hospital": ["H"]},
        "groups": {"group": ["G"], "area": ["A"], "minimum_share_bp": [5000]},
        "demand": {"group": ["G"], "cases": [changes.get("demand", 10)]},
        "offers": {"hospital": ["H"], "group": ["G"], "capacity": [5], "utility": [3]},
    }
    return make(tables)


def test_demand_is_not_monotone() -> None:
    """With a minimum share, more need raises the threshold, and a mandate that stood falls (fact 2)."""
    assert agreed(one_group(demand=10)).optimum == 15
    assert agreed(one_group(demand=11)).optimum == 0


def test_an_any_clause_is_not_monotone_in_its_members() -> None:
    """Taking a member from an any-clause takes a way to meet it (fact 2)."""
    tables = small_tables()
    del tables["overrides"]
    tables["groups"]["minimum_share_bp"] = [0, 0, 0]
    rows = [("G1", "1", "any", "G2"), ("G1", "1", "any", "G3")]
    tables["demand"]["cases"] = [10, 0, 9]
    optima = []
    for members in (rows, rows[:1]):
        columns = ("group", "clause", "mode", "required")
        tables["links"] = {name: [row[i] for row in members] for i, name in enumerate(columns)}
        optima.append(agreed(make(tables)).optimum)
    assert optima[0] is not None
    assert optima[1] is not None
    assert optima[1] < optima[0]
