"""Branch and price: exact answers with proof, valid bounds at every stop, states that can be taken up again."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instances_for_tests import make, plain_tables

from splgbench import Instance, method
from splgbench.decomposition import branching
from splgbench.decomposition.branching import Node, OpenNodes, PseudoCosts
from splgbench.decomposition.column_generation import ColumnGeneration
from splgbench.decomposition.settling import Settling
from splgbench.errors import InfeasibleError
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.limits import Limits
from splgbench.presolve import presolve
from splgbench.result import Result, Status
from splgbench.testing import Knobs, agreed, instances
from splgbench.trace import Event, Stop

FIXED = settings(
    derandomize=True, database=None, deadline=None, max_examples=100, suppress_health_check=list(HealthCheck)
)
TREE = generate(replace(load_preset("hard-h9"), name="tree", hospitals=8, groups=24, areas=6))
OPTIMUM = 18_318_948


def solved(instance: Instance, **limits: Any) -> Result:
    return method("branch-and-price").solve(instance, Limits(**limits))


def hardly_any_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The root is priced once, at first guesses, and no heuristic but the plans themselves: the tree does the rest."""

    def once(generation: ColumnGeneration) -> bool:
        generation.evaluate(generation.relaxation.first_multipliers())
        generation.master.solve(None)
        return False

    monkeypatch.setattr(ColumnGeneration, "run", once)
    monkeypatch.setattr(branching, "rens", lambda *_, **__: None)
    monkeypatch.setattr(branching, "repaired", lambda offers, _: offers.granted)
    home = method("branch-and-price").steps.__globals__  # type: ignore[attr-defined]
    monkeypatch.setitem(home, "rens", lambda *_: None)
    monkeypatch.setitem(home, "repaired", lambda offers, _: offers.granted)


def test_agrees_with_the_oracles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optimum with proof, or infeasible, on small instances; also where the tree does all the work."""
    nodes = {"whole": 0, "hardly any root": 0, "one round a node, no trials": 0}

    @FIXED
    @given(instances(Knobs(groups=5, offers=11)))
    def agree(instance: Instance) -> None:
        optimum = agreed(instance).optimum
        for way in nodes:
            with monkeypatch.context() as patch:
                if way != "whole":
                    hardly_any_root(patch)
                if way == "one round a node, no trials":
                    patch.setattr(branching, "ROUNDS", 1)
                    patch.setattr(branching, "MOST_TRIED", 0)
                result = solved(instance)
            if optimum is None:
                assert result.status is Status.INFEASIBLE
            else:
                assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, optimum, optimum), way
            nodes[way] += result.counters.get("nodes", 0)

    agree()
    assert nodes["hardly any root"] > 10
    assert nodes["one round a node, no trials"] > 10


def test_proves_an_instance_that_needs_a_tree() -> None:
    """An independent method says the same; a second run takes the same way."""
    direct = method("strengthened@highs").solve(TREE)
    first, second = solved(TREE), solved(TREE)
    assert (direct.status, direct.primal) == (Status.OPTIMAL, OPTIMUM)
    assert (first.status, first.primal, first.dual) == (Status.OPTIMAL, OPTIMUM, OPTIMUM)
    assert first.counters["nodes"] > 10
    assert first.counters == second.counters


@pytest.mark.parametrize("nodes", [500, 1])
def test_the_solver_settles_nodes(nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same optimum where the strengthened model settles what is left of nodes, or only tightens their bounds."""
    monkeypatch.setattr(branching, "LARGE", 1)
    monkeypatch.setattr(branching, "LEAF_NODES", nodes)
    result = solved(TREE)
    assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, OPTIMUM, OPTIMUM)
    assert result.counters["leaves"] > 0


def test_a_master_that_drops_columns_proves_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for hardly any columns the tree still ends with the optimum, no node being settled by the solver."""
    monkeypatch.setattr(branching, "LARGE", 10_000)
    monkeypatch.setattr(branching, "MOST_COLUMNS", 20)
    monkeypatch.setattr(branching, "COLUMNS_A_BLOCK", 4)
    result = solved(TREE)
    assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, OPTIMUM, OPTIMUM)
    assert result.counters["dropped_columns"] > 100


def test_bounds_hold_after_every_iteration() -> None:
    """Each bound on the way is valid, and so is what an iteration limit leaves, in the root and in the tree."""
    events: list[Event] = []
    whole = method("branch-and-price").solve(TREE, on_event=events.append)
    duals = [event.dual for event in events if event.dual is not None]
    assert duals == sorted(duals, reverse=True)
    assert all(dual >= OPTIMUM for dual in duals)
    for iterations in (*range(0, 100, 33), *range(100, whole.counters["iterations"], 47)):
        result = solved(TREE, iterations=iterations)
        assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL), result.message
        assert result.counters["iterations"] <= iterations
        assert result.dual is None or result.dual >= OPTIMUM
        assert result.primal is None or result.primal <= OPTIMUM


def with_state(path: Path, instance: Instance, **limits: Any) -> Result:
    return method(f"branch-and-price:state={path}").solve(instance, Limits(**limits))


def test_a_state_is_taken_up(tmp_path: Path) -> None:
    """Stopped again and again, the tree ends with the same optimum; bounds never rise, and the end is kept."""
    path = tmp_path / "tree.npz"
    duals, nodes = [], 0
    result = with_state(path, TREE, iterations=30)
    assert (result.status, path.exists()) == (Status.NODE_LIMIT, True)
    for _ in range(40):
        result = with_state(path, TREE, iterations=150)
        assert result.dual is not None
        duals.append(result.dual)
        nodes += result.counters.get("nodes", 0)
        if result.status is Status.OPTIMAL:
            break
    assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, OPTIMUM, OPTIMUM)
    assert len(duals) > 2
    assert duals == sorted(duals, reverse=True)
    assert nodes > 10
    again = with_state(path, TREE)
    assert (again.status, again.primal, again.dual) == (Status.OPTIMAL, OPTIMUM, OPTIMUM)
    assert again.counters.get("nodes", 0) <= 1


def test_an_interrupt_leaves_a_state(tmp_path: Path) -> None:
    """Stopped from outside, the bounds of the file are those of the result, and the next run ends the proof."""
    path = tmp_path / "tree.npz"
    stop = Stop()

    def on_event(event: Event) -> None:
        if event.source == "branching" and event.dual is not None:
            stop.set()

    result = method(f"branch-and-price:state={path}").solve(TREE, on_event=on_event, stop=stop)
    assert result.status is Status.INTERRUPTED
    with np.load(path) as state:
        assert result.dual is not None
        assert int(state["bounds"].max()) <= result.dual
        assert state["best"].tolist() == [result.primal]
    ended = with_state(path, TREE)
    assert (ended.status, ended.primal, ended.dual) == (Status.OPTIMAL, OPTIMUM, OPTIMUM)


def test_refuses_foreign_and_damaged_states(tmp_path: Path) -> None:
    """Another instance's state, other formats, flipped bytes and false arrays are errors, and the file stays."""
    path = tmp_path / "tree.npz"
    with_state(path, TREE, iterations=150)
    good = path.read_bytes()
    with np.load(path) as archive:
        arrays = dict(archive)
    assert len(arrays["bounds"])

    def refused(instance: Instance, says: str) -> None:
        before = path.read_bytes()
        result = with_state(path, instance)
        assert result.status is Status.ERROR
        assert says in result.message
        assert path.read_bytes() == before

    refused(make(plain_tables({("H", "A"): (5, 2)}, {"A": 3}), "group"), "belongs to another instance")
    for data in (b"", good[:-50], good[: len(good) // 2], b"PK" + good[2:40], b"not a state"):
        path.write_bytes(data)
        refused(TREE, "cannot be read as a state")
    middle = len(good) // 2
    path.write_bytes(good[:middle] + bytes(byte ^ 255 for byte in good[middle : middle + 20]) + good[middle + 20 :])
    refused(TREE, "cannot be read as a state")
    false = {
        "format": (np.array("splgbench-tree-0"), "must be a state of the format splgbench-state-1"),
        "best": (arrays["best"] + 1, "its allocation is not worth"),
        "bounds": (np.full_like(arrays["bounds"], np.nan), "bounds has a number that is not finite"),
        "states": (arrays["states"] * 3, "a fixing is none of -1, 0 and 1"),
        "root": (arrays["root"][1:], "root has the shape"),
        "multipliers_of": (arrays["multipliers_of"] + 10**6, "a node has no multipliers"),
    }
    for name, (array, says) in false.items():
        np.savez(path, **{**arrays, name: array})
        refused(TREE, says)
    np.savez(path, **{name: array for name, array in arrays.items() if name != "states"})
    refused(TREE, "is damaged: states is missing")
    assert "cannot write" in with_state(tmp_path / "nowhere" / "tree.npz", TREE, iterations=150).message


def test_settling_is_right() -> None:
    """What settling decides holds in every set of mandates that meets thresholds and links; a clash means none does."""
    clashes = decided = 0

    @FIXED
    @given(instances(Knobs(groups=4, offers=8)), st.data())
    def right(instance: Instance, data: st.DataObject) -> None:
        nonlocal clashes, decided
        try:
            offers = presolve(instance)
        except InfeasibleError:
            return
        free = np.flatnonzero(offers.live & ~offers.granted).tolist()
        state = np.where(offers.granted, 1, np.where(offers.live, 0, -1)).astype(np.int8)
        for k in free:
            state[k] = data.draw(st.sampled_from((-1, 0, 0, 0, 1)))
        settled = state.copy()
        fits = Settling(offers).settle(settled)
        members = [
            offers.links.member[offers.links.start[r] : offers.links.start[r + 1]] for r in range(offers.links.count)
        ]
        least = np.maximum(offers.threshold, offers.fixed)
        rows = [(instance.offer_cell, instance.demand)]
        if instance.limits_areas:
            rows.append((offers.pairs.of_offer, offers.pairs.capacity))
        sets = 0
        for sides in product((-1, 1), repeat=int((state == 0).sum())):
            full = state.copy()
            full[state == 0] = sides
            held = full > 0
            met = all(held[m].any() or not held[k] for k, m in zip(offers.links.offer, members, strict=True))
            room = all(
                (np.bincount(row, np.where(held, least, 0), minlength=len(limit)) <= limit).all() for row, limit in rows
            )
            if met and room:
                sets += 1
                assert fits
                assert (settled * full >= 0).all()
        clashes += not fits
        decided += fits and bool((settled != state).any())

    right()
    assert clashes + decided > 5


def test_open_nodes_come_by_bound() -> None:
    """The largest bound first, of equal ones the older."""
    nodes = OpenNodes()
    for number, bound in enumerate((3.0, 7.0, 5.0, 7.0)):
        nodes.push(Node(bound, np.zeros(1, dtype=np.int8), np.zeros(1), number))
    assert nodes.bound == 7.0
    assert [node.depth for node in nodes] == [1, 3, 2, 0]
    assert [nodes.pop().depth for _ in range(4)] == [1, 3, 2, 0]
    assert nodes.bound == -np.inf


def test_pseudo_costs_average_what_was_learnt() -> None:
    """Gains count per unit rounded away; what was never tried counts as the average; both sides make it reliable."""
    costs = PseudoCosts(3)
    for _ in range(branching.RELIABLE):
        costs.learn(0, -1, 2.0, 0.5)
    costs.learn(1, 1, 3.0, 0.25)
    assert not costs.reliable(0)
    scores = costs.scores(np.array([0, 2]), np.array([0.5, 0.25]))
    assert scores.tolist() == [(4 * 0.5) * (12 * 0.5), (4 * 0.25) * (12 * 0.75)]
    for _ in range(branching.RELIABLE):
        costs.learn(0, 1, 1.0, 1.0)
    assert costs.reliable(0)
