"""Every formulation on every backend against brute force over mandates, on small random instances.

The volumes for each set of mandates come from the exact polish, so the optimum is known to the last unit.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest

from splgbench import registry
from splgbench.formulation import BuildsModels
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import Direct
from splgbench.model import MipModel
from splgbench.polish import polish
from splgbench.result import Status

MODES = ("group", "area", "both", "none")
SEEDS = range(60)
LIMITS = Limits(wall_time=20)


@cache
def random_instance(seed: int) -> Instance:
    """At most 10 offers with every rule of the model somewhere; the capacity mode goes round with the seed."""
    draw = random.Random(f"agreement {seed}")
    hospitals = [f"h{i}" for i in range(draw.randint(2, 3))]
    groups = [f"g{i}" for i in range(draw.randint(2, 4))]
    regions = ["north", "south"] if draw.random() < 0.4 else None
    places = regions or [""]
    pairs = [pair for pair in itertools.product(hospitals, groups) if draw.random() < 0.85]
    pairs = draw.sample(pairs, min(len(pairs), 9 if seed % 10 else 10))
    cooperation = draw.choice([["", "", ""], ["n", "n", ""], ["n", "n", "n"], ["", "n", "n"]])
    offers = {
        "hospital": [hospital for hospital, _ in pairs],
        "group": [group for _, group in pairs],
        "capacity": [draw.choice([0, draw.randint(1, 8), draw.randint(4, 14)]) for _ in pairs],
        "utility": [draw.randint(1, 30) for _ in pairs],
    }
    cells = list(itertools.product(groups, places))
    demand = {"group": [g for g, _ in cells], "cases": [draw.choice([0, 6, 11, 17]) for _ in cells]}
    if regions:
        offers["region"] = [draw.choice(places) for _ in pairs]
        demand["region"] = [region for _, region in cells]
    links = {"group": [], "clause": [], "mode": [], "required": [], "scope": []}
    for group in groups:
        for clause in range(draw.choice([0, 0, 1, 1, 2])):
            mode = draw.choice(["any", "all"])
            for required in draw.sample(groups, draw.randint(1, 2)):
                row = (group, f"c{clause}", mode, required, draw.choice(["inhouse", "cooperation"]))
                for column, cell in zip(links, row, strict=True):
                    links[column].append(cell)
    stated = [pair for pair in itertools.product(hospitals, ["a", "b"]) if draw.random() < 0.6]
    tables = {
        "hospitals": {"hospital": hospitals, "cooperation": cooperation[: len(hospitals)]},
        "areas": ["a", "b"],
        "groups": {
            "group": groups,
            "area": [draw.choice("ab") for _ in groups],
            "minimum_cases": [draw.choice([0, 0, 2, 5, 7]) for _ in groups],
            "minimum_share_bp": [draw.choice([0, 0, 700, 3333]) for _ in groups],
        },
        "regions": regions,
        "demand": demand,
        "offers": offers,
        "links": links,
        "area_capacity": {
            "hospital": [hospital for hospital, _ in stated],
            "area": [area for _, area in stated],
            "capacity": [draw.choice([0, 5, 9, 15]) for _ in stated],
        },
        "capacity_mode": MODES[seed % 4],
    }
    return Instance.from_tables(**tables, overrides=_overrides(draw, Instance.from_tables(**tables)))


def _overrides(draw: random.Random, instance: Instance) -> dict[str, list[object]]:
    rows: dict[str, list[object]] = {
        column: [] for column in ("hospital", "group", "action", "reason", "cases", "rule")
    }
    for k in range(instance.n_offers):
        hospital, group = instance.offer_name(k)
        for action in draw.choices(["", "grant", "refuse", "fix", "exempt"], [70, 7, 5, 8, 10]):
            cases = rule = None
            if action == "fix":
                cases = draw.choice([0, *_possible_cases(instance, k)])
            elif action == "exempt":
                rule = draw.choice(["threshold", "links"])
            if action:
                for column, cell in zip(rows, (hospital, group, action, "test", cases, rule), strict=True):
                    rows[column].append(cell)
    return rows


def _possible_cases(instance: Instance, k: int) -> list[int]:
    """Cases that a fix may name: those the exact polish can give to the offer when nothing else stands."""
    alone = np.arange(instance.n_offers) == k
    polished = polish(instance.with_rules(links=False), alone)
    return [] if polished.volumes is None else [int(polished.volumes[k])]


@cache
def best_value(seed: int) -> int | None:
    """The optimum by trying every set of mandates; None where none is feasible."""
    instance = random_instance(seed)
    values = (
        polish(instance, np.array(mandates, dtype=np.bool_)).objective
        for mandates in itertools.product((False, True), repeat=instance.n_offers)
    )
    return max((value for value in values if value is not None), default=None)


class Prebuilt:
    """A formulation that builds the model of an instance once for all backends that get the same rows."""

    def __init__(self, name: str) -> None:
        self.formulation: BuildsModels = registry.find("formulations", name)
        self.needs = self.formulation.needs
        self.at_least_as_strong_as = self.formulation.at_least_as_strong_as
        self.models: dict[tuple[Instance, object], MipModel] = {}

    def unavailable(self) -> str | None:
        return self.formulation.unavailable()

    def build(self, instance: Instance, backend: str | None = None, without: Iterable[str] = ()) -> MipModel:
        key = (instance, getattr(self.formulation, "left_out", {}).get(backend))
        if key not in self.models:
            self.models[key] = self.formulation.build(instance, backend, without)
        return self.models[key]


prebuilt = cache(Prebuilt)


def test_the_random_instances_hold_every_rule() -> None:
    """The comparison is worth what its instances contain."""
    instances = [random_instance(seed) for seed in SEEDS]
    assert {instance.capacity_mode for instance in instances} == set(MODES)
    actions = {action for instance in instances for action in instance.override_action}
    assert actions == {"grant", "refuse", "fix", "exempt"}
    assert {rule for instance in instances for rule in instance.override_rule} == {"", "threshold", "links"}
    clauses = {
        (is_all, wide)
        for instance in instances
        for i, is_all in enumerate(instance.clause_is_all.tolist())
        for wide in instance.required_in_cooperation[instance.clause_start[i] : instance.clause_start[i + 1]].tolist()
    }
    assert clauses == set(itertools.product((False, True), repeat=2))
    assert any(len(instance.regions) == 2 for instance in instances)
    assert any((instance.demand == 0).any() for instance in instances)
    assert any((instance.capacity == 0).any() for instance in instances)
    values = [best_value(seed) for seed in SEEDS]
    assert 3 <= values.count(None) <= len(values) // 3
    assert sum(value is not None and value > 0 for value in values) >= len(values) // 2


@pytest.mark.parametrize("backend_name", registry.names("backends"))
@pytest.mark.parametrize("formulation_name", registry.names("formulations"))
def test_agrees_with_brute_force(formulation_name: str, backend_name: str) -> None:
    """The optimum, or infeasible, to the last unit."""
    formulation, backend = prebuilt(formulation_name), registry.find("backends", backend_name)
    direct = Direct(formulation_name, formulation, backend)
    # A third of the instances for each backend keeps the test short; every formulation still meets all of them.
    at = registry.names("backends").index(backend_name)
    seeds = SEEDS[at % 3 :: 3]
    disagreeing: list[object] = []
    for seed in seeds:
        result, best = direct.solve(random_instance(seed), LIMITS), best_value(seed)
        if result.status is Status.UNSUPPORTED:
            pytest.skip(result.message)
        found = (result.status, result.primal, result.dual)
        if best is None:
            agrees = result.status is Status.INFEASIBLE
        else:
            agrees = found == (Status.OPTIMAL, best, best) and abs((result.claimed_primal or 0) - best) < 0.5
        if not agrees:
            disagreeing.append((seed, best, *found, result.claimed_primal, result.message))
    assert not disagreeing


@pytest.mark.parametrize("formulation_name", registry.names("formulations"))
def test_declared_strength_holds(formulation_name: str) -> None:
    """A formulation's LP bound is never above that of one it says it is at least as strong as."""
    stronger = Direct(formulation_name, prebuilt(formulation_name), registry.find("backends", "highs"))
    for name in stronger.formulation.at_least_as_strong_as:
        weaker = Direct(name, prebuilt(name), stronger.backend)
        for seed in SEEDS[::3]:
            if best_value(seed) is None:
                continue
            bounds = [direct.lp_bound(random_instance(seed)) for direct in (stronger, weaker)]
            assert bounds[0] <= bounds[1] + 1e-6, (seed, name, bounds)
