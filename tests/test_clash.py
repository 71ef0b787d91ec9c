"""Clashes of overrides and rules: named exactly where there is no allocation, and with no member too many."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from instances_for_tests import make, plain_tables, random_instance, small
from naive import Cases, Naive

from splgbench import clash
from splgbench.clash import infeasibility
from splgbench.methods import method
from splgbench.result import Status

Rule = Callable[[Cases], bool]


def rule_of(text: str, naive: Naive) -> Rule:
    """What a member of a clash asks of an allocation, from its words alone."""
    if match := re.fullmatch(r"(grant|refuse) (\S+) (\S+)", text):
        action, *pair = match.groups()
        return lambda x: (x[tuple(pair)] > 0) == (action == "grant")  # type: ignore[index]
    if match := re.fullmatch(r"fix (\S+) (\S+) at (\d+) cases", text):
        h, g, cases = match.groups()
        return lambda x: x[h, g] == int(cases)
    if match := re.fullmatch(r"demand of (\S+)(?: in (\S+))? \((\d+) cases\)", text):
        group, region, cases = match.groups()
        members = [(h, g) for h, g in naive.capacity if g == group and naive.region[h, g] == (region or "")]
        return lambda x: sum(x[pair] for pair in members) <= int(cases)
    if match := re.fullmatch(r"minimum (?:cases|share) of (\S+) at (\S+) \((\d+) cases\)", text):
        g, h, cases = match.groups()
        return lambda x: x[h, g] == 0 or x[h, g] >= int(cases)
    if match := re.fullmatch(r"capacity of (\S+) in area (\S+) \((\d+) cases\)", text):
        hospital, area, cases = match.groups()
        members = [(h, g) for h, g in naive.capacity if h == hospital and naive.area[g] == area]
        return lambda x: sum(x[pair] for pair in members) <= int(cases)
    if match := re.fullmatch(r"capacity of (\S+) in (\S+) \((\d+) cases\)", text):
        h, g, cases = match.groups()
        return lambda x: x[h, g] <= int(cases)
    match = re.fullmatch(r"link of (\S+) (\S+) to (.+)", text)
    assert match, text
    h, g, others = match.groups()
    members = [] if others == "a group nobody offers" else [tuple(pair.split(" ")) for pair in others.split(", ")]  # type: ignore[misc]
    return lambda x: x[h, g] == 0 or any(x[pair] > 0 for pair in members)


def assert_irreducible(found: tuple[str, ...], naive: Naive, most: int) -> None:
    """No volumes keep all members; without any one of them, some do (all volumes up to `most` are tried)."""
    rules = [rule_of(text, naive) for text in found]
    pairs = sorted(naive.capacity)
    spared: set[int] = set()
    for volumes in product(range(most + 1), repeat=len(pairs)):
        cases = dict(zip(pairs, volumes, strict=True))
        broken = [i for i, rule in enumerate(rules) if not rule(cases)]
        assert broken, f"{found} holds at {cases}"
        if len(broken) == 1:
            spared.add(broken[0])
    assert spared == set(range(len(rules))), f"{[found[i] for i in set(range(len(rules))) - spared]} can go"


def test_random_clashes_are_exact_and_irreducible() -> None:
    """A clash is found exactly where enumeration finds no allocation; dropping any member gives one."""
    clashes = feasible = 0
    for seed in range(400):
        instance, tables = random_instance(
            seed, hospitals=2, groups=2 + seed % 2, most=3, eligibility=0.75, overrides=1, link_chance=0.7
        )
        naive = Naive(tables, instance.capacity_mode)
        if len(naive.capacity) > 5:
            continue
        found = infeasibility(instance)
        exists = next(naive.allocations(), None) is not None
        assert (found is None) == exists, seed
        if found is None:
            feasible += 1
            continue
        assert_irreducible(found, naive, 3)
        clashes += 1
        if clashes >= 25 and feasible >= 25:
            return
    pytest.fail(f"only {clashes} clashes and {feasible} feasible instances")


def clash_of(mode: str = "both", **facts: Any) -> set[str]:
    facts.setdefault("offers", {("H", "G"): (5, 1), ("H", "F"): (5, 1)})
    facts.setdefault("demand", {"G": 9, "F": 9})
    found = infeasibility(make(plain_tables(**facts), mode))
    assert found is not None
    assert len(set(found)) == len(found)
    return set(found)


GRANT = ("H", "G", "grant", None, "")


@pytest.mark.parametrize(
    ("expected", "mode", "facts"),
    [
        (
            {"grant H G", "refuse H F", "link of H G to H F"},
            "none",
            {"overrides": [GRANT, ("H", "F", "refuse", None, "")], "links": [("G", "c", "any", "F", "inhouse")]},
        ),
        (
            {"grant H G", "link of H G to a group nobody offers"},
            "none",
            {"overrides": [GRANT], "demand": {"G": 9, "F": 9, "X": 9}, "links": [("G", "c", "all", "X", "inhouse")]},
        ),
        (
            {"grant H G", "minimum cases of G at H (6 cases)", "capacity of H in G (5 cases)"},
            "group",
            {"overrides": [GRANT], "minimum": {"G": 6}},
        ),
        (
            {"grant H G", "minimum cases of G at H (6 cases)", "capacity of H in area A (4 cases)"},
            "area",
            {"overrides": [GRANT], "minimum": {"G": 6}, "pairs": {("H", "A"): 4}},
        ),
        (
            {"grant H G", "minimum cases of G at H (6 cases)", "demand of G (4 cases)"},
            "none",
            {"overrides": [GRANT], "minimum": {"G": 6}, "demand": {"G": 4, "F": 9}},
        ),
        ({"grant H G", "demand of G (0 cases)"}, "none", {"overrides": [GRANT], "demand": {"G": 0, "F": 9}}),
        (
            {"fix H G at 5 cases", "fix H F at 4 cases", "capacity of H in area A (8 cases)"},
            "both",
            {"overrides": [("H", "G", "fix", 5, ""), ("H", "F", "fix", 4, "")], "pairs": {("H", "A"): 8}},
        ),
        (
            {"fix H G at 0 cases", "grant H F", "link of H F to H G"},
            "both",
            {
                "overrides": [("H", "G", "fix", 0, ""), ("H", "F", "grant", None, "")],
                "links": [("F", "c", "any", "G", "inhouse")],
            },
        ),
    ],
)
def test_clashes_by_hand(expected: set[str], mode: str, facts: dict[str, Any]) -> None:
    """Overrides and the single rules they meet are named in words, and nothing else."""
    assert clash_of(mode, **facts) == expected


def test_demand_is_named_when_it_is_what_clashes() -> None:
    """Two fixes that exceed a cell clash with its demand, which must be among the members."""
    offers = {("H1", "G"): (9, 1), ("H2", "G"): (9, 1)}
    overrides = [("H1", "G", "fix", 5, ""), ("H2", "G", "fix", 5, "")]
    found = clash_of(offers=offers, demand={"G": 9}, overrides=overrides)
    assert found == {"fix H1 G at 5 cases", "fix H2 G at 5 cases", "demand of G (9 cases)"}


def test_a_core_that_the_solver_does_not_reduce(monkeypatch: pytest.MonkeyPatch) -> None:
    """CP-SAT need not return a small core: even if it returns everything it was asked, the clash is irreducible."""
    ask = clash._Question.core

    def everything(self: Any, members: list[int]) -> list[int] | None:
        return None if ask(self, members) is None else members

    monkeypatch.setattr(clash._Question, "core", everything)
    overrides = [GRANT, ("H", "F", "refuse", None, ""), ("H", "E", "grant", None, "")]
    offers = {("H", "G"): (5, 1), ("H", "F"): (5, 1), ("H", "E"): (5, 1)}
    links = [("G", "c", "any", "F", "inhouse"), ("E", "c", "any", "G", "inhouse")]
    found = clash_of(offers=offers, demand={"G": 9, "F": 9, "E": 9}, links=links, overrides=overrides)
    assert found == {"refuse H F", "link of H G to H F", "grant H E", "link of H E to H G"} or found == {
        "grant H G",
        "refuse H F",
        "link of H G to H F",
    }


def test_no_clash() -> None:
    """Without overrides the empty allocation is one; refusals alone never clash."""
    assert infeasibility(small()) is None
    overrides = [("H", "G", "refuse", None, ""), ("H", "F", "fix", 0, "")]
    tables = plain_tables({("H", "G"): (5, 1), ("H", "F"): (5, 1)}, {"G": 9, "F": 0}, overrides=overrides)
    assert infeasibility(make(tables)) is None
    exempt = [GRANT, ("H", "G", "exempt", None, "links"), ("H", "G", "exempt", None, "threshold")]
    links = [("G", "c", "any", "G2", "inhouse")]
    tables = plain_tables({("H", "G"): (1, 1)}, {"G": 9, "G2": 9}, minimum={"G": 5}, links=links, overrides=exempt)
    assert infeasibility(make(tables)) is None


@pytest.mark.parametrize("name", ["big_m_tight@highs", "strengthened@highs", "semicontinuous@highs"])
def test_a_method_reports_the_clash(name: str) -> None:
    """`infeasible` comes with the clash, whether presolve or the solver found it."""
    overrides = [GRANT, ("H", "F", "refuse", None, "")]
    links = [("G", "c", "any", "F", "inhouse")]
    instance = make(
        plain_tables({("H", "G"): (5, 1), ("H", "F"): (5, 1)}, {"G": 9, "F": 9}, links=links, overrides=overrides)
    )
    result = method(name).solve(instance)
    assert result.status is Status.INFEASIBLE
    assert set(result.clash) == {"grant H G", "refuse H F", "link of H G to H F"}
    assert (result.primal, result.dual, result.volumes) == (None, None, None)
