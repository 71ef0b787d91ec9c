"""Three independent ways to the exact optimum of a tiny instance.

- `enumerated`: every set of mandates, best first by an upper bound, volumes by the exact polish.
- `by_cpsat`: CP-SAT in integers, from the fields of the instance.
- `by_search`: depth-first branch and bound in plain Python with its own flow; it shares no code with anything else
  here: neither thresholds, links, rows, polish nor checker.

They are checked against each other first; only then do they judge methods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splgbench.coupling import cpsat_rows
from splgbench.extensions import entries_of
from splgbench.instance import Instance
from splgbench.polish import polish
from splgbench.requirements import requirements
from splgbench.solver_libraries import load_ortools
from splgbench.testing.search import search
from splgbench.volumes import fixings, largest_volumes, pairs, thresholds

ENUMERATED_OFFERS = 14
"""`enumerated` looks at 2^K sets."""


@dataclass(frozen=True)
class Answer:
    """The exact answer to an instance.

    Parameters
    ----------
    optimum : in utility units; None where no allocation exists.
    cases : an optimal allocation by (hospital, group); None likewise.
    """

    optimum: int | None
    cases: dict[tuple[str, str], int] | None


def enumerated(instance: Instance) -> Answer:
    """The optimum by brute force over mandates with exact flow.

    Raises
    ------
    ValueError
        More than `ENUMERATED_OFFERS` offers.
    """
    n = instance.n_offers
    if n > ENUMERATED_OFFERS:
        raise ValueError(f"{n} offers are too many to enumerate")
    sets = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    t, largest, fix = thresholds(instance), largest_volumes(instance), fixings(instance)
    allowed = (sets | ~fix.granted).all(axis=1) & ~(sets & (fix.refused | (t > largest))).any(axis=1)
    links = requirements(instance)
    for r in range(links.count):
        met = sets[:, links.member[links.start[r] : links.start[r + 1]]].any(axis=1)
        allowed &= met | ~sets[:, links.offer[r]]
    sets = sets[allowed]
    # Utility of each set with every cell filled to its demand by its best mandates, area capacities ignored.
    bound = np.zeros(len(sets), dtype=np.int64)
    for c in range(instance.n_cells):
        offers = np.flatnonzero(instance.offer_cell == c)
        left = np.full(len(sets), instance.demand[c])
        for k in offers[np.argsort(-instance.utility[offers], kind="stable")]:
            given = np.where(sets[:, k], np.minimum(left, largest[k]), 0)
            bound += given * instance.utility[k]
            left = left - given
    bound += sum(extension.rows().most_worth for extension in instance.extensions.values())
    best, volumes = None, None
    for position in np.argsort(-bound, kind="stable"):
        if best is not None and bound[position] <= best:
            break
        polished = polish(instance, sets[position])
        if polished.objective is not None and (best is None or polished.objective > best):
            best, volumes = polished.objective, polished.volumes
    if volumes is None:
        return Answer(None, None)
    return Answer(best, {instance.offer_name(int(k)): int(volumes[k]) for k in np.flatnonzero(volumes)})


def by_cpsat(instance: Instance) -> Answer:
    """The optimum by CP-SAT, stated in integers with conditional rows.

    Raises
    ------
    RuntimeError
        CP-SAT gives no proof.
    """
    cp_model = load_ortools("ortools.sat.python.cp_model")
    model = cp_model.CpModel()
    n = instance.n_offers
    t, largest, fix = thresholds(instance), largest_volumes(instance), fixings(instance)
    x = [model.new_int_var(0, int(largest[k]), f"x{k}") for k in range(n)]
    y = [model.new_bool_var(f"y{k}") for k in range(n)]
    for k in range(n):
        model.add(x[k] >= int(t[k])).only_enforce_if(y[k])
        model.add(x[k] == 0).only_enforce_if(y[k].negated())
        if fix.granted[k]:
            model.add(y[k] == 1)
        if fix.cases[k] >= 0:
            model.add(x[k] == int(fix.cases[k]))
        if fix.refused[k]:
            model.add(y[k] == 0)
    for c in range(instance.n_cells):
        model.add(sum(x[k] for k in np.flatnonzero(instance.offer_cell == c)) <= int(instance.demand[c]))
    pair = pairs(instance)
    if instance.limits_areas:
        for p, capacity in enumerate(pair.capacity.tolist()):
            model.add(sum(x[k] for k in np.flatnonzero(pair.of_offer == p)) <= capacity)
    links = requirements(instance)
    for r in range(links.count):
        members = links.member[links.start[r] : links.start[r + 1]].tolist()
        model.add_bool_or([y[q] for q in members] + [y[links.offer[r]].negated()])
    worth = [int(instance.utility[k]) * x[k] for k in range(n)]
    for extension in instance.extensions.values():
        stated = cpsat_rows(model, extension.rows(), x, y)
        worth += stated.worth
        for total, low, high, _ in stated.sums:
            if not isinstance(total, int):
                model.add_linear_constraint(total, low, high)
    model.maximize(sum(worth))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return Answer(None, None)
    if status != cp_model.OPTIMAL:
        raise RuntimeError(f"CP-SAT ended with {solver.status_name(status)}")
    cases = {instance.offer_name(k): int(solver.value(x[k])) for k in range(n) if solver.value(x[k])}
    return Answer(round(solver.objective_value), cases)


def by_search(instance: Instance) -> Answer:
    """The optimum by plain branch and bound (`splgbench.testing.search`)."""
    optimum, cases = search(instance.to_tables(), instance.capacity_mode, entries_of(instance))
    return Answer(optimum, cases)


ORACLES = {"enumerated": enumerated, "cpsat": by_cpsat, "search": by_search}


def agreed(instance: Instance) -> Answer:
    """The answer that `cpsat` and `search` share (and `enumerated`, where the instance is small enough).

    Raises
    ------
    AssertionError
        The oracles disagree: no method can be judged.
    """
    answers = {name: oracle(instance) for name, oracle in ORACLES.items() if name != "enumerated"}
    if instance.n_offers <= ENUMERATED_OFFERS:
        answers["enumerated"] = enumerated(instance)
    optima = {name: answer.optimum for name, answer in answers.items()}
    if len(set(optima.values())) != 1:
        raise AssertionError(f"the oracles disagree: {optima}")
    return answers["search"]
