"""One body of tests over all backends: small models with known answers, limits, stops and news."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from splgbench import registry
from splgbench.backends.base import ABSOLUTE_GAP, TOLERANCES, Backend, Solution, SolverStatus, Start, Task
from splgbench.capabilities import Capability
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import interruptible, method
from splgbench.model import MipModel, ModelBuilder
from splgbench.trace import Event, Recorder, Stop

INF = np.inf
Row = tuple[dict[int, float], float, float]


@pytest.fixture(params=registry.names("backends"))
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = registry.find("backends", request.param)
    reason = found.unavailable()
    if reason is not None:
        pytest.skip(reason)
    warm(found.name)
    return found


@cache
def warm(name: str) -> None:
    """Solve once, so that no time limit has to pay for loading the library."""
    registry.find("backends", name).solve(knapsack(), Task(Limits(), Recorder(name)))


def column(
    lower: float = 0, upper: float = 1, worth: float = 0, *, whole: bool = True, semicontinuous: bool = False
) -> dict[str, Any]:
    return {
        "lower": lower,
        "upper": upper,
        "objective": worth,
        "integer": whole and not semicontinuous,
        "semicontinuous": semicontinuous,
    }


def model_of(
    columns: list[dict[str, Any]], rows: list[Row], conditions: dict[int, tuple[int, int]] | None = None
) -> MipModel:
    """A model from column options, rows (entries, lower, upper) and row -> (column, value) conditions.

    Every column stands for an offer: as mandate where it is whole, as volume where it is not.
    """
    builder = ModelBuilder(len(columns))
    for j, options in enumerate(columns):
        number = builder.add_columns("column", 1, **options)
        (builder.y if options["integer"] else builder.x)[j] = number[0]
    for i, (entries, lower, upper) in enumerate(rows):
        at = np.array(list(entries), dtype=np.int64)
        values = np.array(list(entries.values()), dtype=np.float64)
        number = builder.add_rows("row", np.array([0, len(at)]), at, values, lower=lower, upper=upper)
        if conditions and i in conditions:
            builder.only_if(number, np.array([conditions[i][0]]), conditions[i][1])
    return builder.finish()


def knapsack() -> MipModel:
    """10 a + 13 b + 7 c with weights 3, 4, 2 and room 6: b and c, 20."""
    return model_of([column(worth=10), column(worth=13), column(worth=7)], [({0: 3, 1: 4, 2: 2}, -INF, 6)])


def market_split(seed: int = 1, n: int = 35, rows: int = 4) -> tuple[MipModel, Start]:
    """Equations with 0/1 columns that hide one solution: hard for branch and bound (Cornuejols and Dawande 1999)."""
    draw = random.Random(seed)
    hidden = [draw.randint(0, 1) for _ in range(n)]
    equations = []
    for _ in range(rows):
        weights = {j: float(draw.randint(1, 99)) for j in range(n)}
        total = sum(weights[j] * hidden[j] for j in range(n))
        equations.append((weights, total, total))
    model = model_of([column(worth=draw.randint(1, 9)) for _ in range(n)], equations)
    return model, Start(np.arange(n), np.array(hidden, dtype=np.float64))


def solved(
    backend: Backend,
    model: MipModel,
    limits: Limits | None = None,
    on_event: Callable[[Event], None] | None = None,
    **options: Any,
) -> Solution:
    """The answer, or a skip where the backend refuses."""
    limits = limits or Limits(wall_time=20)
    reason = backend.reason_against(model, limits)
    if reason is not None:
        pytest.skip(reason)
    return backend.solve(model, Task(limits, Recorder(backend.name, on_event), **options))


def needs(backend: Backend, capability: Capability) -> None:
    if capability not in backend.capabilities:
        pytest.skip(f"no {capability.value}")


# Answers


def test_knapsack(backend: Backend) -> None:
    """A small integer model is solved to proof, and what the solver says of it fits together."""
    solution = solved(backend, knapsack())
    assert solution.status is SolverStatus.FINISHED
    assert solution.values is not None
    assert solution.values.round().tolist() == [0, 1, 1]
    assert solution.primal == pytest.approx(20)
    assert solution.dual == pytest.approx(20)
    assert solution.effective["mip_rel_gap"] == 0
    assert solution.effective["mip_abs_gap"] == ABSOLUTE_GAP
    assert solution.effective["threads"] == 1
    exact = backend.name == "cpsat"
    for name, asked in TOLERANCES.items():
        assert solution.effective[name] == (0 if exact else asked)
        assert solution.effective.get(f"requested_{name}") == (None if exact else asked)


def test_presolve_off(backend: Backend) -> None:
    """The solver's own presolve can be switched off, and the record says so."""
    solution = solved(backend, knapsack(), presolve=False)
    assert solution.primal == pytest.approx(20)
    assert solution.effective["presolve"] == "off"
    assert solved(backend, knapsack()).effective["presolve"] != "off"


def test_linear_program(backend: Backend) -> None:
    """An LP is solved as one: primal and dual are its fractional optimum."""
    needs(backend, Capability.RELAXATION)
    solution = solved(backend, knapsack().relaxed())
    assert solution.status is SolverStatus.FINISHED
    assert solution.primal == pytest.approx(20.25)
    assert solution.dual == pytest.approx(20.25)


def test_no_linear_program(backend: Backend) -> None:
    """A backend without LPs refuses one instead of rounding it."""
    if Capability.RELAXATION in backend.capabilities:
        pytest.skip("solves LPs")
    assert backend.reason_against(knapsack().relaxed(), Limits()) is not None


@pytest.mark.parametrize(("room", "value"), [(3, 6), (4, 20), (6, 30), (9, 45), (10, 47)], ids=str)
def test_semicontinuous(backend: Backend, room: int, value: int) -> None:
    """A column is 0 or at least its threshold: 5 x (0 or 4 to 9) and 2 z share the room."""
    model = model_of(
        [column(4, 9, 5, semicontinuous=True), column(0, INF, 2, whole=False)], [({0: 1, 1: 1}, -INF, room)]
    )
    solution = solved(backend, model)
    assert solution.primal == pytest.approx(value)
    assert solution.dual == pytest.approx(value)


@pytest.mark.parametrize("seed", range(12))
def test_semicontinuous_random(backend: Backend, seed: int) -> None:
    """Random semicontinuous models agree with LPs over every choice of columns at 0."""
    draw = random.Random(seed)
    bounds = [(low, low + draw.randint(0, 6)) for low in (draw.randint(1, 8) for _ in range(5))]
    worth = [draw.randint(-2, 9) for _ in bounds]
    rows = [({j: float(draw.randint(0, 1)) for j in range(5)}, -INF, draw.randint(4, 20)) for _ in range(4)]
    rows.append((dict.fromkeys(range(5), 1.0), draw.randint(0, 6), INF))
    columns = [column(low, high, u, semicontinuous=True) for (low, high), u in zip(bounds, worth, strict=True)]
    matrix = [[entries[j] for j in range(5)] for entries, _, _ in rows[:-1]] + [[-1.0] * 5]
    limits = [high for _, _, high in rows[:-1]] + [-rows[-1][1]]
    values = []
    for on in itertools.product((False, True), repeat=5):
        held = [bound if open_ else (0, 0) for bound, open_ in zip(bounds, on, strict=True)]
        answer = linprog([-u for u in worth], matrix, limits, bounds=held)
        if answer.status == 0:
            values.append(-answer.fun)
    solution = solved(backend, model_of(columns, rows))
    if values:
        assert solution.primal == pytest.approx(max(values))
        assert solution.dual == pytest.approx(max(values))
    else:
        assert solution.status is SolverStatus.INFEASIBLE


@pytest.mark.parametrize("value", [0, 1])
def test_indicator(backend: Backend, value: int) -> None:
    """Rows hold while their binary column has the value, with either side, both or an equation."""
    cheap = 3 if value else -3  # The value that lets the rows go is the worse one by 3.
    for lower, upper, best in ((-INF, 4, 4), (7, INF, 10), (5, 6, 6), (2, 2, 2)):
        model = model_of(
            [column(worth=cheap), column(0, 10, 1, whole=False)], [({1: 1}, lower, upper)], {0: (0, value)}
        )
        solution = solved(backend, model)
        held = best + max(cheap, 0) if value else best
        let_go = 10 + (0 if value else cheap)
        assert solution.primal == pytest.approx(max(held, let_go))
        assert solution.dual == pytest.approx(max(held, let_go))


def test_indicator_on_a_fixed_column(backend: Backend) -> None:
    """A mandate that a planner fixed still rules its rows."""
    for fixed, best in ((0, 10), (1, 4)):
        model = model_of([column(fixed, fixed), column(0, 10, 1, whole=False)], [({1: 1}, -INF, 4)], {0: (0, 1)})
        assert solved(backend, model).primal == pytest.approx(best)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ([column(0, 5, 1)], [({0: 2}, 3, 3)]),
        ([column(5, 3, 1)], [({0: 1}, -INF, 9)]),
        ([column(7, 0, 1)], []),
        ([column(0, 3, 1)], [({0: 1}, 5, 4)]),
        ([column(0, 3, 1)], [({}, -INF, -1)]),
        ([column(1, 1), column(0, 0)], [({0: 1, 1: -1}, -INF, 0)]),
    ],
    ids=["rows", "crossed-bounds", "crossed-binary", "crossed-row", "row-without-entries", "fixed"],
)
def test_infeasible(backend: Backend, columns: list[dict[str, Any]], rows: list[Row]) -> None:
    """Infeasible is a status, never a crash and never an answer."""
    solution = solved(backend, model_of(columns, rows))
    assert solution.status is SolverStatus.INFEASIBLE
    assert solution.values is None
    assert solution.primal is None


def test_empty_model(backend: Backend) -> None:
    """No columns and no rows: solved, worth 0."""
    solution = solved(backend, model_of([], []))
    assert solution.status is SolverStatus.FINISHED
    assert solution.values is not None
    assert solution.values.shape == (0,)
    assert solution.primal == solution.dual == 0


@pytest.mark.parametrize(
    ("columns", "rows", "value"),
    [
        ([column(0, 3, 2)], [], 6),
        ([column(0, 3, 2), column(2, 7)], [({0: 1}, -INF, 2)], 4),
        ([column(0, 3, 2)], [({}, -INF, 4), ({0: 1}, -INF, INF)], 6),
        ([column(-INF, INF, whole=False), column(0, 4, 2)], [({0: 1, 1: 1}, -2, 3)], 8),
        ([column(-4, -2, -1), column(0, 4, 2)], [({0: -1, 1: 1}, -INF, 5)], 6 + 2),
        ([column(0, INF, 3, whole=False), column()], [({0: 1, 1: -7}, -INF, 0)], 21),
    ],
    ids=["no-rows", "column-without-row", "idle-rows", "free-column", "negative", "bound-from-row"],
)
def test_odd_models(backend: Backend, columns: list[dict[str, Any]], rows: list[Row], value: float) -> None:
    """Columns without rows, rows that say nothing, bounds on neither side."""
    solution = solved(backend, model_of(columns, rows))
    assert solution.status is SolverStatus.FINISHED
    assert solution.primal == pytest.approx(value)
    assert solution.dual == pytest.approx(value)


# Starts


@pytest.mark.parametrize("open_columns", [0, 3])
def test_start(backend: Backend, open_columns: int) -> None:
    """A known solution is taken up, also where some columns are left for the solver to complete."""
    needs(backend, Capability.START)
    model, start = market_split()
    start = Start(start.columns[open_columns:], start.values[open_columns:])
    solution = solved(backend, model, Limits(wall_time=0.5), start=start)
    assert solution.values is not None
    assert solution.primal is not None
    assert solution.primal >= model.objective @ market_split()[1].values - 1e-6


def test_start_with_indicator_rows(backend: Backend) -> None:
    """A start is taken up although conditional rows do not hold in it."""
    needs(backend, Capability.START)
    split, start = market_split()
    n = split.n_columns
    columns = [column(worth=worth) for worth in split.objective.tolist()]
    rows: list[Row] = [
        (dict(zip(range(n), split.row_values[i * n : (i + 1) * n].tolist(), strict=True)), low, low)
        for i, low in enumerate(split.row_lower.tolist())
    ]
    off = start.values.tolist().index(0.0)
    rows.append((dict.fromkeys(range(n), 1.0), -INF, 1.0))
    model = model_of(columns, rows, {len(rows) - 1: (off, 1)})
    solution = solved(backend, model, Limits(wall_time=0.5), start=start)
    assert solution.primal is not None
    assert solution.primal >= model.objective @ start.values - 1e-6


# Limits


def test_time_limit(backend: Backend) -> None:
    """The solver ends at the time limit and says why."""
    began = time.perf_counter()
    solution = solved(backend, market_split()[0], Limits(wall_time=0.3))
    assert solution.status is SolverStatus.TIME_LIMIT
    assert time.perf_counter() - began < 2


def test_no_time_at_all(backend: Backend) -> None:
    """A bound is true or not there, however early the solver has to end."""
    for wall_time in (1e-9, 1e-4, 1e-3, 1e-2):
        solution = solved(backend, knapsack(), Limits(wall_time=wall_time))
        assert solution.status in (SolverStatus.TIME_LIMIT, SolverStatus.FINISHED)
        assert solution.dual is None or solution.dual >= 20 - 1e-6


def test_node_limit(backend: Backend) -> None:
    """The solver ends at the node limit and says why; a backend that counts no nodes refuses."""
    solution = solved(backend, market_split()[0], Limits(wall_time=20, nodes=5))
    assert solution.status is SolverStatus.NODE_LIMIT
    assert solution.counters.get("nodes", 0) <= 10


def test_seed_and_gap(backend: Backend) -> None:
    """Seed and gap reach the solver."""
    solution = solved(backend, knapsack(), Limits(seed=7, gap=0.25))
    assert solution.effective["mip_rel_gap"] == 0.25
    if Capability.SEED in backend.capabilities:
        assert solution.effective["random_seed"] == 7


def test_threads(backend: Backend) -> None:
    """Two threads are used, or refused."""
    limits = Limits(threads=2, wall_time=20)
    if Capability.THREADS in backend.capabilities:
        assert solved(backend, knapsack(), limits).effective["threads"] == 2
    else:
        assert backend.reason_against(knapsack(), limits) == "no several threads"


def test_memory_limit_is_accepted(backend: Backend) -> None:
    """A generous memory limit changes nothing."""
    assert solved(backend, knapsack(), Limits(memory=4000)).primal == pytest.approx(20)


# Stops


def test_stop_before(backend: Backend) -> None:
    """A stop that is set already leaves nothing to do."""
    stop = Stop()
    stop.set()
    solution = solved(backend, market_split()[0], Limits(wall_time=2.5), stop=stop)
    assert solution.status is SolverStatus.INTERRUPTED


def test_stop_from_another_thread(backend: Backend) -> None:
    """The solver ends soon after the stop is set."""
    stop = Stop()
    threading.Timer(0.3, stop.set).start()
    began = time.perf_counter()
    solution = solved(backend, market_split()[0], Limits(wall_time=2.5), stop=stop)
    assert solution.status is SolverStatus.INTERRUPTED
    assert time.perf_counter() - began < 2


def test_interrupt_from_the_keyboard(backend: Backend) -> None:
    """A real SIGINT ends the solve through the stop, without an exception."""
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    began = time.perf_counter()
    with interruptible(Stop()) as stop:
        timer.start()
        try:
            solution = solved(backend, market_split()[0], Limits(wall_time=2.5), stop=stop)
        finally:
            timer.cancel()
            timer.join()
    assert solution.status is SolverStatus.INTERRUPTED
    assert time.perf_counter() - began < 2


# News


def test_events(backend: Backend) -> None:
    """Bounds come while the solver works, and they enclose the optimum."""
    needs(backend, Capability.EVENTS)
    draw = random.Random(3)
    columns = [column(worth=draw.randint(20, 60)) for _ in range(60)]
    rows: list[Row] = [({j: float(draw.randint(10, 60)) for j in range(60)}, -INF, 700.0) for _ in range(10)]
    news: list[Event] = []
    solution = solved(backend, model_of(columns, rows), Limits(wall_time=1), news.append)
    assert solution.primal is not None
    primals = [event.primal for event in news if event.primal is not None]
    duals = [event.dual for event in news if event.dual is not None]
    assert primals
    assert duals
    assert primals == sorted(primals)
    assert max(primals) <= solution.primal + 1e-6
    assert min(duals) >= solution.primal - 1e-6
    with_mandates = [event for event in news if event.mandates is not None]
    assert with_mandates
    worth = np.array([options["objective"] for options in columns])
    for event in with_mandates:
        assert event.mandates is not None
        assert event.primal == pytest.approx(float(worth @ event.mandates))


def test_a_handler_that_fails(backend: Backend) -> None:
    """What an event handler raises reaches the caller."""
    needs(backend, Capability.EVENTS)

    def fail(_event: Event) -> None:
        raise LookupError("from the handler")

    with pytest.raises(LookupError, match="from the handler"):
        solved(backend, knapsack(), None, fail)


# Files


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_write(backend: Backend, suffix: str, tmp_path: Path) -> None:
    """A written model carries the names and has the same optimum when HiGHS reads it."""
    needs(backend, Capability.WRITE)
    highspy = pytest.importorskip("highspy")
    path = tmp_path / f"model{suffix}"
    backend.write(knapsack(), path, ["first", "second", "third"], ["room"])
    text = path.read_text()
    assert all(name in text for name in ("first", "second", "third", "room"))
    reader = highspy.Highs()
    reader.setOptionValue("output_flag", False)
    reader.readModel(str(path))
    reader.run()
    assert abs(reader.getInfo().objective_function_value) == pytest.approx(20)


@pytest.mark.parametrize("name", ["highs", "scipy_milp"])
def test_semicontinuous_columns_too_large_for_highs(name: str) -> None:
    """HiGHS takes them up to 100,000; above that it would end in an error, so the model is refused with the reason."""

    def instance(cases: int) -> Instance:
        return Instance.from_tables(
            hospitals=["H"],
            groups={"group": ["G"], "area": ["A"], "minimum_cases": [3]},
            demand={"group": ["G"], "cases": [cases]},
            offers={"hospital": ["H"], "group": ["G"], "capacity": [cases], "utility": [2]},
        )

    subject = method(f"semicontinuous@{name}")
    assert subject.solve(instance(100_000)).primal == 200_000
    refused = subject.solve(instance(100_001))
    assert (refused.status, refused.message) == ("unsupported", f"{name}: no semicontinuous columns above 100,000")
    assert method(f"linked@{name}").solve(instance(100_001)).primal == 200_002
