"""How long it takes to build `linked` for a large instance and hand it to HiGHS, and how much memory.

    python benchmarks/model_building.py -o benchmarks/results/model_building.md

The same model is built five ways: by splgbench's arrays, by splgbench's arrays that are already finished (passing
alone), by vectorised linopy, by PuLP and by Pyomo. Each way runs in a fresh process per round, the ways in turn, so
that the ratios within a round are paired. Peers write what their users write: one expression per row in PuLP and Pyomo,
whole arrays in linopy.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highspy
import numpy as np

from splgbench import registry
from splgbench.backends.highs import pass_model
from splgbench.generator.generate import generate
from splgbench.generator.recipe import read_recipe
from splgbench.instance import Instance
from splgbench.model import MipModel
from splgbench.offers import Offers, plain_offers
from splgbench.solver_libraries import version_of

RECIPE = "benchmarks/recipes/wide-1700x65.toml"


def highs_with(model: MipModel) -> highspy.Highs:
    """A HiGHS that holds the model."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    pass_model(highspy, highs, model)
    return highs


def arrays(instance: Instance) -> tuple[float, tuple[int, int]]:
    """splgbench: build and pass."""
    linked = registry.find("formulations", "linked")
    began = time.perf_counter()
    highs = highs_with(linked.build(instance))
    return time.perf_counter() - began, (highs.getNumRow(), highs.getNumCol())


def passing_alone(instance: Instance) -> tuple[float, tuple[int, int]]:
    """splgbench: pass arrays that are finished."""
    model = registry.find("formulations", "linked").build(instance)
    began = time.perf_counter()
    highs = highs_with(model)
    return time.perf_counter() - began, (highs.getNumRow(), highs.getNumCol())


def linopy_way(instance: Instance) -> tuple[float, tuple[int, int]]:
    """linopy with one call per row family."""
    import linopy
    import xarray

    began = time.perf_counter()
    offers = plain_offers(instance)
    model = linopy.Model()
    offer = xarray.DataArray(np.arange(instance.n_offers), dims="offer")
    upper = xarray.DataArray(offers.largest.astype(float), dims="offer", coords={"offer": offer.values})
    x = model.add_variables(lower=0, upper=upper, coords=[offer.values], dims=["offer"], name="x")
    y = model.add_variables(binary=True, coords=[offer.values], dims=["offer"], name="y")
    for name, index, limit in (
        ("demand", instance.offer_cell, instance.demand),
        ("area_capacity", offers.pairs.of_offer, offers.pairs.capacity),
    ):
        used = np.unique(index)
        label = xarray.DataArray(index, dims="offer", coords={"offer": offer.values}, name=name)
        bound = xarray.DataArray(limit[used].astype(float), dims=name, coords={name: used})
        model.add_constraints((1 * x).groupby(label).sum() <= bound, name=name)
    threshold = xarray.DataArray(offers.threshold.astype(float), dims="offer", coords={"offer": offer.values})
    model.add_constraints(x - upper * y <= 0, name="volume_needs_mandate")
    model.add_constraints(x - threshold * y >= 0, name="threshold")
    links = offers.links
    entry_row = np.concatenate((np.arange(links.count), links.of_member))
    entry_offer = np.concatenate((links.offer, links.member))
    coefficient = np.concatenate((np.ones(links.count), -np.ones(len(links.member))))
    entries = np.arange(len(entry_offer))
    chosen = y.sel(offer=xarray.DataArray(entry_offer, dims="entry", coords={"entry": entries}))
    weight = xarray.DataArray(coefficient, dims="entry", coords={"entry": entries})
    row = xarray.DataArray(entry_row, dims="entry", coords={"entry": entries}, name="link")
    model.add_constraints((weight * chosen).groupby(row).sum() <= 0, name="link")
    utility = xarray.DataArray(instance.utility.astype(float), dims="offer", coords={"offer": offer.values})
    model.add_objective((utility * x).sum(), sense="max")
    highs = linopy.io.to_highspy(model)
    return time.perf_counter() - began, (highs.getNumRow(), highs.getNumCol())


def _rows_as_lists(offers: Offers) -> tuple[dict[int, list[int]], dict[int, list[int]], list[list[int]]]:
    """Offers per cell, offers per hospital-area, members per requirement: what row-wise modelling loops over."""
    by_cell: dict[int, list[int]] = {}
    by_pair: dict[int, list[int]] = {}
    for k, (c, p) in enumerate(zip(offers.instance.offer_cell.tolist(), offers.pairs.of_offer.tolist(), strict=True)):
        by_cell.setdefault(c, []).append(k)
        by_pair.setdefault(p, []).append(k)
    member, start = offers.links.member.tolist(), offers.links.start.tolist()
    return by_cell, by_pair, [member[start[r] : start[r + 1]] for r in range(offers.links.count)]


def pulp_way(instance: Instance) -> tuple[float, tuple[int, int]]:
    """PuLP, one expression per row, handed to HiGHS by its own interface."""
    import pulp

    began = time.perf_counter()
    offers = plain_offers(instance)
    by_cell, by_pair, members = _rows_as_lists(offers)
    t, u, utility = offers.threshold.tolist(), offers.largest.tolist(), instance.utility.tolist()
    problem = pulp.LpProblem("linked", pulp.LpMaximize)
    x = [pulp.LpVariable(f"x{k}", 0, u[k]) for k in range(instance.n_offers)]
    y = [pulp.LpVariable(f"y{k}", cat="Binary") for k in range(instance.n_offers)]
    problem += pulp.LpAffineExpression((x[k], utility[k]) for k in range(instance.n_offers))
    for c, held in by_cell.items():
        problem += pulp.LpAffineExpression((x[k], 1) for k in held) <= int(instance.demand[c])
    for p, held in by_pair.items():
        problem += pulp.LpAffineExpression((x[k], 1) for k in held) <= int(offers.pairs.capacity[p])
    for k in range(instance.n_offers):
        problem += x[k] - u[k] * y[k] <= 0
        problem += x[k] - t[k] * y[k] >= 0
    for r, k in enumerate(offers.links.offer.tolist()):
        problem += pulp.LpAffineExpression([(y[k], 1), *((y[q], -1) for q in members[r])]) <= 0
    solver = pulp.HiGHS(msg=False)
    solver.createAndConfigureSolver(problem)
    solver.buildSolverModel(problem)
    highs = problem.solverModel
    return time.perf_counter() - began, (highs.getNumRow(), highs.getNumCol())


def pyomo_way(instance: Instance) -> tuple[float, tuple[int, int]]:
    """Pyomo with indexed components, handed to HiGHS by its persistent interface."""
    import pyomo.environ as pyo
    from pyomo.contrib.appsi.solvers import Highs

    began = time.perf_counter()
    offers = plain_offers(instance)
    by_cell, by_pair, members = _rows_as_lists(offers)
    t, u, utility = offers.threshold.tolist(), offers.largest.tolist(), instance.utility.tolist()
    owner = offers.links.offer.tolist()
    model = pyo.ConcreteModel()
    model.offers = pyo.RangeSet(0, instance.n_offers - 1)
    model.x = pyo.Var(model.offers, bounds=lambda _, k: (0, u[k]))
    model.y = pyo.Var(model.offers, domain=pyo.Binary)
    model.objective = pyo.Objective(
        expr=pyo.quicksum(utility[k] * model.x[k] for k in model.offers), sense=pyo.maximize
    )
    model.demand = pyo.Constraint(
        list(by_cell), rule=lambda m, c: pyo.quicksum(m.x[k] for k in by_cell[c]) <= int(instance.demand[c])
    )
    model.area = pyo.Constraint(
        list(by_pair), rule=lambda m, p: pyo.quicksum(m.x[k] for k in by_pair[p]) <= int(offers.pairs.capacity[p])
    )
    model.closed = pyo.Constraint(model.offers, rule=lambda m, k: m.x[k] - u[k] * m.y[k] <= 0)
    model.threshold = pyo.Constraint(model.offers, rule=lambda m, k: m.x[k] - t[k] * m.y[k] >= 0)
    model.links = pyo.Constraint(
        range(len(owner)), rule=lambda m, r: m.y[owner[r]] - pyo.quicksum(m.y[q] for q in members[r]) <= 0
    )
    solver = Highs()
    solver.set_instance(model)
    highs = solver._solver_model
    return time.perf_counter() - began, (highs.getNumRow(), highs.getNumCol())


WAYS: dict[str, Callable[[Instance], tuple[float, tuple[int, int]]]] = {
    "arrays": arrays,
    "passing alone": passing_alone,
    "linopy": linopy_way,
    "PuLP": pulp_way,
    "Pyomo": pyomo_way,
}


def measure(way: str, recipe: str) -> dict[str, Any]:
    """One way in this process: seconds, size, and the growth of its peak memory."""
    instance = generate(read_recipe(recipe))
    _ = instance.offer_index
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, size = WAYS[way](instance)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "rows": size[0], "columns": size[1], "peak_mb": (after - before) / 1024}


def table(rounds: list[dict[str, dict[str, Any]]], recipe: str) -> str:
    """The committed table."""
    base = "arrays"
    lines = [
        "# Building `linked` and handing it to HiGHS",
        "",
        "Command: `python benchmarks/model_building.py -o benchmarks/results/model_building.md`",
        "",
        f"Recipe: `{recipe}`; {rounds[0][base]['rows']:,} rows, {rounds[0][base]['columns']:,} columns; "
        f"{len(rounds)} rounds, each way in a fresh process, medians; ratios are paired within a round.",
        "",
        f"Machine: {platform.machine()}, {_cpu()}, shared. Python {platform.python_version()}, "
        + ", ".join(f"{p} {version_of(p)}" for p in ("numpy", "highspy", "linopy", "pulp", "pyomo"))
        + ".",
        "",
        "| way | seconds | time / arrays (min to max) | peak memory above the instance, MB |",
        "| --- | --- | --- | --- |",
    ]
    for way in WAYS:
        seconds = statistics.median(one[way]["seconds"] for one in rounds)
        ratios = [one[way]["seconds"] / one[base]["seconds"] for one in rounds]
        memory = statistics.median(one[way]["peak_mb"] for one in rounds)
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        lines.append(f"| {way} | {seconds:.3f} | {spread} | {memory:.0f} |")
    excess = [one["arrays"]["seconds"] - 1.5 * one["passing alone"]["seconds"] for one in rounds]
    lines += [
        "",
        f"Arrays minus 1.5 times passing alone: {statistics.median(excess):.3f} s (at most {max(excess):.3f}).",
    ]
    return "\n".join(lines) + "\n"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=list(WAYS), help="measure one way in this process and print JSON")
    parser.add_argument("--recipe", default=RECIPE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(measure(arguments.way, arguments.recipe)))
        return
    rounds = []
    for _ in range(arguments.rounds):
        one = {}
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--recipe", arguments.recipe]
            one[way] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])
            print(way, one[way], flush=True)
        rounds.append(one)
    sizes = {(entry["rows"], entry["columns"]) for one in rounds for entry in one.values()}
    if len(sizes) != 1:
        sys.exit(f"the ways do not build the same model: {sizes}")
    text = table(rounds, arguments.recipe)
    if arguments.output:
        arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
