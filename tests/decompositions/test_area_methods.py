"""Decompositions by area: exact answers on small instances, bounds that hold at every stop, every kind of link."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from instances_for_tests import make, plain_tables, random_instance
from scipy.sparse import csr_array

from splgbench import load, method, registry
from splgbench.decomposition.area_problems import AreaProblems, PromiseMaster
from splgbench.decomposition.area_relaxation import AreaRelaxation
from splgbench.decomposition.benders import BendersMaster, VolumeProblem
from splgbench.decomposition.blocks import BlockModel, cut_into_blocks
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.partition import partition
from splgbench.decomposition.subproblems import Subproblems
from splgbench.errors import InfeasibleError, InputError, UnsupportedError
from splgbench.instance import BoolArray, Instance
from splgbench.limits import NO_LIMITS, Limits
from splgbench.polish import polish
from splgbench.presolve import Presolved, presolve
from splgbench.result import Status
from splgbench.testing.oracles import agreed
from splgbench.trace import Event, Recorder, Stop
from splgbench.transform import cut

EXACT = ("benders-area", "benders-area@scip", "benders-logic-area", "benders-logic-area@scip")
"""Those that end with a proof where nothing stops them."""
NAMES = ("lagrangian-area", "lagrangian-area:update=volume", "lagrangian-area@scip", *EXACT)
CROSSED = cut(load("hard-h4"), 6, 20)
"""Two thirds of its requirements cross areas."""
OPTIMUM = 73_617_727


def cut_by_area(instance: Instance, formulation: str = "strengthened") -> BlockModel:
    """The model of an instance as blocks."""
    model = registry.find("formulations", formulation).build(instance, "highs")
    return cut_into_blocks(model, partition(presolve(instance), "area"))


def loop_of(instance: Instance, limits: Limits = NO_LIMITS) -> Loop:
    """A loop that nobody watches."""
    return Loop(instance, limits, None, Recorder("test"), Stop())


def test_the_optimum_of_crossed() -> None:
    """The number the tests below lean on, proved by a direct method."""
    result = method("strengthened@highs").solve(CROSSED)
    assert (result.status, result.primal) == ("optimal", OPTIMUM)


@pytest.mark.parametrize("name", [*NAMES, "lagrangian-area:formulation=linked"])
def test_answers_of_random_instances(name: str) -> None:
    """Every mode, regions, overrides and cooperation across areas: proofs are the optimum, bounds lie above it."""
    proofs = 0
    for seed in range(40):
        instance, _ = random_instance(seed, link_chance=0.9)
        optimum = agreed(instance).optimum
        result = method(name).solve(instance)
        assert (result.status is Status.INFEASIBLE) == (optimum is None), (seed, result.message)
        if optimum is None:
            continue
        assert result.status in (Status.OPTIMAL, Status.NODE_LIMIT), (seed, result.message)
        assert result.dual is not None
        assert result.dual >= optimum
        assert result.primal is None or result.primal <= optimum
        proofs += result.status is Status.OPTIMAL
        assert result.status is Status.OPTIMAL or name not in EXACT, seed
    assert proofs >= 25


@pytest.mark.parametrize("name", EXACT)
def test_a_larger_one(name: str) -> None:
    """108 offers, until nothing is left to cut; SCIP's tolerance may leave some units of 7 * 10^7 to Benders' cuts."""
    result = method(name).solve(CROSSED)
    assert result.status == "optimal" or name == "benders-area@scip"
    assert result.primal == OPTIMUM
    assert result.dual is not None
    assert OPTIMUM <= result.dual <= OPTIMUM + 10


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold_after_every_iteration(name: str) -> None:
    """Stopped after any number of rounds, bound and allocation lie on their sides of the optimum."""
    for iterations in range(8):
        result = method(name).solve(CROSSED, Limits(iterations=iterations))
        assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL), result.message
        assert result.counters["iterations"] <= iterations
        assert (result.dual is None) == (iterations == 0)
        assert result.dual is None or result.dual >= OPTIMUM
        assert result.primal is None or result.primal <= OPTIMUM


@pytest.mark.parametrize("name", NAMES)
def test_events_tell_bounds_as_they_come(name: str) -> None:
    """Duals fall, primals rise, all on their side of the optimum; the last ones are the result's."""
    events: list[Event] = []
    result = method(name).solve(CROSSED, Limits(iterations=20), on_event=events.append)
    duals = [event.dual for event in events if event.dual is not None]
    primals = [event.primal for event in events if event.primal is not None]
    assert duals == sorted(duals, reverse=True)
    assert primals == sorted(primals)
    assert duals[-1] >= OPTIMUM - 0.5
    assert result.primal == primals[-1] <= OPTIMUM


@pytest.mark.parametrize("name", NAMES)
def test_a_stop_from_outside(name: str) -> None:
    """Set at the first bound, it ends the loop with that bound and an allocation or none."""
    stop = Stop()

    def on_event(event: Event) -> None:
        if event.dual is not None:
            stop.set()

    result = method(name).solve(CROSSED, on_event=on_event, stop=stop)
    assert result.status in (Status.INTERRUPTED, Status.OPTIMAL)
    assert result.dual is not None
    assert result.dual >= OPTIMUM


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_instances(name: str) -> None:
    """No live offer, one hospital, zero demand, an area of 24 groups with a link into another."""
    many = [f"G{i:02}" for i in range(24)]
    wide = plain_tables(
        {("H", group): (3, 1 + i % 5) for i, group in enumerate(many)} | {("H", "Z"): (2, 1)},
        dict.fromkeys(many, 3) | {"Z": 2},
        areas={"Z": "other"},
        minimum=dict.fromkeys(many, 2),
        links=[("G04", "c", "all", "Z", "inhouse")],
        pairs={("H", "A"): 20},
    )
    cases: list[tuple[dict[str, Any], int]] = [
        (plain_tables({("H", "A"): (0, 1)}, {"A": 3}), 0),
        (plain_tables({("H", "A"): (5, 2)}, {"A": 0}), 0),
        (plain_tables({("H", "A"): (5, 2)}, {"A": 3}), 6),
        (plain_tables({}, {"A": 3}), 0),
    ]
    for tables, optimum in cases:
        result = method(name).solve(make(tables, "group"))
        assert (result.status, result.primal, result.dual) == ("optimal", optimum, optimum)
    result = method(name).solve(make(wide, "both"))
    assert (result.status, result.primal) == ("optimal", 4 * 3 * 5 + 2 * 3 * 4 + 2 * 4 + 2 * 1)


def test_what_joins_areas() -> None:
    """Links that cross areas couple, in-house or in cooperation; those within an area and idle rows do not."""
    offers = {(h, g): (9, 2) for h in "HI" for g in "ABC"}
    links = [
        ("A", "c", "all", "B", "inhouse"),
        ("B", "c", "any", "C", "cooperation"),
    ]
    instance = make(
        plain_tables(
            offers,
            {"A": 9, "B": 9, "C": 18},
            areas={"A": "x", "B": "x", "C": "y"},
            minimum={"A": 2, "B": 2, "C": 2},
            links=links,
            networks={"H": "net", "I": "net"},
        ),
        "group",
    )
    found = cut_by_area(instance, "linked")
    mandates = found.model.mandate_column
    index = instance.offer_index
    assert len(found.coupling_rows) == 2
    for row, hospital in enumerate("HI"):
        entries = dict(zip(found.coupling[[row]].tocoo().col.tolist(), found.coupling[[row]].data, strict=True))
        assert entries == {
            mandates[index[hospital, "B"]]: 1,
            mandates[index["H", "C"]]: -1,
            mandates[index["I", "C"]]: -1,
        }
    blocks = {frozenset(instance.offer_name(int(k))[1] for k in block.offers) for block in found.blocks}
    assert blocks == {frozenset("AB"), frozenset("C")}
    whole = np.concatenate([block.columns for block in found.blocks])
    assert sorted(whole.tolist()) == list(range(found.model.n_columns))


def test_a_formulation_that_cannot_be_cut() -> None:
    """Conditional rows have no price."""
    with pytest.raises(UnsupportedError, match="without conditional rows"):
        cut_by_area(CROSSED, "indicator")
    assert method("lagrangian-area:formulation=indicator").solve(CROSSED).status is Status.UNSUPPORTED


def test_bounds_of_blocks_that_nobody_solves() -> None:
    """A bound at other prices is shifted, never reused: with stale blocks L stays above L, and falls back to it."""
    found = cut_by_area(CROSSED)
    rng = np.random.default_rng(7)
    fresh, stale = (
        AreaRelaxation(loop, found, Subproblems(loop, "highs")) for loop in (loop_of(CROSSED), loop_of(CROSSED))
    )
    without = stale.evaluate(np.zeros(stale.n_rows), seconds=0.0)
    assert not without.closed
    assert without.bound == found.model.objective @ found.model.upper
    first = stale.on_grid(2e5 * rng.random(stale.n_rows))
    exact = stale.evaluate(first)
    assert exact.closed
    assert stale.evaluate(first, seconds=0.0).bound == exact.bound
    reused = 0
    for _ in range(6):
        prices = stale.on_grid(first * rng.uniform(0.7, 1.3, stale.n_rows))
        at_prices = fresh.evaluate(prices).bound
        shifted = stale.evaluate(prices, seconds=0.0)
        assert not shifted.closed
        assert shifted.bound >= at_prices
        assert shifted.bound < without.bound
        reused += exact.bound < at_prices
    # At some of these prices the bound of the first ones would have been wrong.
    assert reused


def test_a_subproblem_stopped_early_counts_with_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solvers that stop at their first incumbent leave L above L."""
    found = cut_by_area(CROSSED)
    prices = np.full(len(found.limit), 1e5)
    relaxation = AreaRelaxation(loop_of(CROSSED), found, Subproblems(loop_of(CROSSED), "highs"))
    exact = relaxation.evaluate(prices).bound
    open_ = AreaRelaxation(loop_of(CROSSED), found, Subproblems(loop_of(CROSSED), "highs")).evaluate(prices, gap=0.5)
    assert open_.bound >= exact
    assert not open_.closed


def test_subproblems() -> None:
    """An LP with whole mandates needs no search, infeasibility has no bound, a set stop leaves the trivial one."""
    instance = make(plain_tables({("H", "A"): (5, 2), ("I", "A"): (5, 1)}, {"A": 5}, minimum={"A": 2}), "group")
    model = registry.find("formulations", "strengthened").build(instance, "highs")
    loop = loop_of(instance)
    answer = Subproblems(loop, "highs").solve(model)
    assert (answer.bound, answer.closed, loop.counters["nodes"]) == (10, True, 0)
    broken = replace(
        model, row_lower=np.where(model.row_upper == 5, 99, model.row_lower), row_upper=model.row_upper + 99
    )
    assert Subproblems(loop, "highs").solve(broken).bound == -np.inf
    loop.stop.set()
    answer = Subproblems(loop, "highs").solve(model)
    assert (answer.bound, answer.values, answer.closed) == (15, None, False)


def test_prices_are_whole_parts_of_utilities() -> None:
    """On small values they are finer than one unit; L is then a sum of exact parts."""
    instance, _ = random_instance(3, mode="both", gentle=True)
    relaxation = AreaRelaxation(loop_of(instance), cut_by_area(instance), Subproblems(loop_of(instance), "highs"))
    assert relaxation.scale == 1024
    prices = relaxation.on_grid(np.linspace(-1.0, 2.0, relaxation.n_rows))
    assert (prices >= 0).all()
    bound = relaxation.evaluate(prices).bound
    assert bound * relaxation.scale == int(bound * relaxation.scale)


def test_infeasible_areas() -> None:
    """Overrides that clash within an area are named, with the same clash as elsewhere."""
    tables = plain_tables(
        {("H", "A"): (5, 2), ("I", "A"): (5, 2), ("H", "B"): (5, 1)},
        {"A": 5, "B": 5},
        areas={"B": "other"},
        minimum={"A": 3},
        links=[("A", "c", "all", "B", "inhouse")],
        overrides=[("H", "A", "grant", None, ""), ("I", "A", "grant", None, "")],
    )
    with pytest.raises(InfeasibleError):
        presolve(make(tables, "group"))
    for name in NAMES:
        result = method(name).solve(make(tables, "group"))
        assert result.status is Status.INFEASIBLE
        assert result.clash


def test_names_and_refusals() -> None:
    """A method's name says its backend and options; what does not exist is refused."""
    assert method("lagrangian-area").name == "lagrangian_area"
    assert method("lagrangian-area@scip:update=volume").name == "lagrangian_area@scip:update=volume"
    assert method("lagrangian-area").reason_against(CROSSED, Limits(nodes=3)) == "lagrangian_area has no node limits"
    with pytest.raises(InputError):
        method("lagrangian-area:update=luck")
    with pytest.raises(UnsupportedError):
        method("lagrangian-area@abacus")


@pytest.mark.parametrize("name", NAMES)
def test_a_time_limit_keeps_the_best(name: str) -> None:
    """Ended by the clock, the answer has a bound or says why not."""
    result = method(name).solve(load("hard-h4"), Limits(wall_time=0.3))
    assert result.status == "time-out"
    assert result.dual is None or result.dual >= 576_997_124


def sets_of(offers: Presolved) -> list[BoolArray]:
    """Every set of live offers that keeps grants and links."""
    live, links = np.flatnonzero(offers.live), offers.links
    found = []
    for number in range(2 ** len(live)):
        held = np.zeros(len(offers.live), dtype=np.bool_)
        held[live] = number >> np.arange(len(live)) & 1
        met = [
            held[links.member[links.start[r] : links.start[r + 1]]].any() or not held[links.offer[r]]
            for r in range(links.count)
        ]
        if all(met) and held[offers.granted].all():
            found.append(held)
    return found


def drawn(n: int) -> list[tuple[Instance, Presolved]]:
    """Small instances with live offers, fixed volumes and all modes."""
    found = []
    for seed in range(4 * n):
        instance, _ = random_instance(seed, link_chance=0.9, overrides=0.8, gentle=bool(seed % 2))
        try:
            offers = presolve(instance)
        except InfeasibleError:
            continue
        if 2 <= offers.live.sum() <= 9 and len(found) < n:
            found.append((instance, offers))
    return found


def test_cuts_lie_above_every_allocation() -> None:
    """For every set of mandates: volumes exist just if the master's rows hold, and cuts at any prices hold."""
    rng = np.random.default_rng(11)
    seen = refused = 0
    for instance, offers in drawn(25):
        problem = VolumeProblem(offers)
        master = BendersMaster(problem).base
        rows = csr_array((master.row_values, master.row_columns, master.row_start), (master.n_rows, master.n_columns))
        lp = problem.first_prices(None)
        assert lp is not None
        pool = [problem.cuts(prices) for prices in (lp, 3 * rng.random(len(lp)), 9 * rng.random(len(lp)))]
        for held in sets_of(offers):
            y = held[problem.live].astype(np.float64)
            fits = (rows[:, : len(y)] @ y <= master.row_upper).all()
            polished = polish(instance, held)
            assert fits == (polished.volumes is not None)
            refused += not fits
            if polished.volumes is None:
                continue
            seen += 1
            values = np.zeros(problem.n_blocks)
            np.add.at(values, problem.block, problem.gain * polished.volumes[problem.live])
            assert all((cuts.at(y)[np.argsort(cuts.block)] >= values).all() for cuts in pool)
    assert seen > 300
    assert refused > 100


def test_cuts_are_exact_where_they_are_made() -> None:
    """At their own mandates cuts add up to the exact value, also when moved a little, which helps at the core."""
    better = 0
    for instance, offers in drawn(25):
        problem = VolumeProblem(offers)
        sets = [held for held in sets_of(offers) if polish(instance, held).volumes is not None]
        core = np.mean([held[problem.live] for held in sets], axis=0) if sets else np.zeros(0)
        for held in sets[::5]:
            y = held[problem.live].astype(np.float64)
            plain, moved = (
                problem.prices(point, None, network_only=True) for point in (y, (1 - 1e-4) * y + 1e-4 * core)
            )
            assert plain is not None
            assert moved is not None
            assert problem.cuts(plain).at(y).sum() == polish(instance, held).objective
            assert problem.cuts(moved).at(y).sum() == polish(instance, held).objective
            gain = problem.cuts(plain).at(core).sum() - problem.cuts(moved).at(core).sum()
            assert gain >= -1e-6
            better += gain > 1e-6
    assert better > 10


def holds(master: PromiseMaster, b: int, promises: BoolArray, value: float) -> bool:
    """Whether a master's cuts let a block be worth `value` under promises."""
    solution = np.zeros(master.base.n_columns)
    solution[master.column] = promises[master.problems.shared]
    row = master.utility[[b]].tocoo()
    solution[row.col[:1]] = value / row.data[:1]
    return bool((master.cuts @ solution <= master.limit + 1e-6).all())


def test_promises_part_the_problem() -> None:
    """The best promises give the optimum; cuts from any part of what binds, and at any prices, hold at all promises."""
    seen = cuts = unmet = priced = 0
    rng = np.random.default_rng(5)
    for instance, offers in drawn(30):
        loop = loop_of(instance)
        found = cut_by_area(instance)
        problems = AreaProblems(found, offers.granted, Subproblems(loop, "highs"))
        if not 1 <= len(problems.shared) <= 5:
            continue
        seen += 1
        blocks = range(len(found.blocks))
        promises, values = [], []
        for number in range(2 ** len(problems.shared)):
            z = offers.granted.copy()
            z[problems.shared] |= (number >> np.arange(len(problems.shared)) & 1).astype(bool)
            promises.append(z)
            values.append([problems.value(b, problems.binding(b, z)).bound for b in blocks])
        best = max(sum(row) for row in values)
        assert (None if best == -np.inf else best) == agreed(instance).optimum
        for b, z in product(blocks, promises):
            part, answer = problems.grown(b, problems.binding(b, z))
            assert answer.bound == problems.value(b, problems.binding(b, z)).bound
            part, answer = problems.shrunk(b, part, answer.bound, tries=9)
            assert answer.bound == problems.value(b, problems.binding(b, z)).bound
            bounds = [PromiseMaster(problems)]
            bounds[0].add(b, part, answer.bound)
            # No prices where an area cannot keep even parts of the promises.
            prices = problems.priced(b, z + rng.random(len(z)) * (1 - z))
            if prices is not None:
                bounds.append(PromiseMaster(problems))
                bounds[1].add_priced(b, *prices)
            cuts += 1
            priced += prices is not None
            unmet += answer.bound == -np.inf
            for master in bounds:
                for other, row in zip(promises, values, strict=True):
                    if row[b] > -np.inf:
                        assert holds(master, b, other, row[b])
            # At its own promises the first one allows no more than the value.
            assert not part or not holds(bounds[0], b, z, max(answer.bound, -1.0) + 1.0)
    assert seen >= 8
    assert cuts > 50
    assert priced > 50
    assert unmet
