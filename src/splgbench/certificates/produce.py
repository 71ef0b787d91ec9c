"""Making certificates: LP duals of all rows that the verifier can derive, as rationals, and what they prove.

Nothing here has to be trusted: a multiplier that is a little off costs a little of the bound, which the verifier
recomputes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from splgbench.certificates.certificate import Certificate, DualPart, Pair
from splgbench.certificates.improve import improve
from splgbench.certificates.numbers import Place
from splgbench.certificates.verify import RELAXED, Row, Rules, prove
from splgbench.errors import UnsupportedError
from splgbench.instance import Instance

DENOMINATOR = 2**24
NODE_BUDGET = 20_000
"""Search nodes that a produced certificate gives each hospital block."""
ROUNDS = 30
"""Evaluations of the Lagrangian bound."""


def produce(
    instance: Instance,
    cases: Mapping[Pair, int] | None = None,
    claims: Mapping[str, Any] | None = None,
    node_budget: int = NODE_BUDGET,
    rounds: int = ROUNDS,
    multipliers: Mapping[str, Iterable[tuple[Sequence[str], float]]] | None = None,
) -> Certificate:
    """A certificate with an LP bound and a Lagrangian bound.

    Parameters
    ----------
    cases : the allocation to certify; None for bounds alone.
    claims : what the result says of itself, kept for comparison.
    node_budget : search nodes for each hospital block of the Lagrangian bound.
    rounds : evaluations of the Lagrangian bound in search of better multipliers; 0 keeps the first.
    multipliers : where the search begins, as in `Result`; the LP's where there are none.

    Raises
    ------
    UnsupportedError
        The instance has extensions.
    """
    if instance.extensions:
        raise UnsupportedError("certificates say nothing of extensions: certify the plain instance")
    rules = Rules(instance.to_tables(), instance.capacity_mode)
    rows = lp_multipliers(rules)
    primal = None if cases is None else rules.judge(cases)[1]
    better = improve(rules, _relaxed(rules, rows, multipliers), primal, DENOMINATOR, rounds, node_budget)
    relaxed = {family: [entry for entry in entries if entry[1]] for family, entries in better.items()}
    parts = (
        DualPart("lp", 0, DENOMINATOR, rows),
        DualPart("lagrangian", 0, DENOMINATOR, relaxed, node_budget),
    )
    return Certificate(
        instance=instance.name,
        instance_hash=instance.instance_hash,
        primal=primal,
        cases=cases,
        parts=tuple(replace(part, bound=prove(rules, part) or 0) for part in parts),
        claims=claims or {},
    )


def _relaxed(
    rules: Rules,
    rows: Mapping[str, list[tuple[list[Any], int]]],
    multipliers: Mapping[str, Iterable[tuple[Sequence[str], float]]] | None,
) -> dict[str, list[tuple[list[Any], int]]]:
    """The multipliers of every row that the kind `lagrangian` may relax, zeros included: those given, else the LP's."""
    known = {(family, *key): m for family in RELAXED for key, m in rows.get(family, [])}
    if multipliers:
        given = ((family, key, price) for family, prices in multipliers.items() for key, price in prices)
        known = {(family, *key): max(0, round(price * DENOMINATOR)) for family, key, price in given}
    start: dict[str, list[tuple[list[Any], int]]] = defaultdict(list)
    for family, key in derivable_rows(rules):
        if family in RELAXED:
            start[family].append((key, known.get((family, *key), 0)))
    return dict(start)


def derivable_rows(rules: Rules) -> Iterator[tuple[str, list[Any]]]:
    """Family and key of every row that the verifier can derive and that may tighten the LP bound."""
    for (kind, first, second), offers in rules.members.items():
        if not offers:
            continue
        yield "demand" if kind == "cell" else "area_capacity", [first, second]
        if sum(rules.low[k] for k in offers) > rules.limit[kind, first, second]:
            yield f"{'cell' if kind == 'cell' else 'area'}_knapsack", [first, second]
    for k in rules.live:
        yield "volume_needs_mandate", list(rules.name[k])
        yield "threshold", list(rules.name[k])
        for clause, required in rules.alive[k]:
            yield "link", [*rules.name[k], clause, required]
    if any(pair in rules.limit for pair in rules.pair):
        yield from _cuts(rules)


def _cuts(rules: Rules) -> Iterator[tuple[str, list[Any]]]:
    """Closure cuts and shared link cuts that join at least two offers."""
    closures: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    shared: dict[tuple[Place, frozenset[int]], dict[str, list[Any]]] = defaultdict(dict)
    for k in rules.live:
        (_, hospital, area), group = rules.pair[k], rules.name[k][1]
        for q in rules.closure([k]):
            if rules.name[q][0] == hospital and q != k:
                closures[hospital, rules.name[q][1], area].add(group)
                if rules.pair[q] == rules.pair[k]:
                    closures[hospital, rules.name[q][1], area].add(rules.name[q][1])
        for (clause, required), at in rules.alive[k].items():
            if len(at) > 1:
                shared[rules.pair[k], at].setdefault(group, [group, clause, required])
    for key, groups in closures.items():
        if len(groups) > 1:
            yield "closure_cut", [*key, sorted(groups)]
    for ((_, hospital, area), _), needs in shared.items():
        if len(needs) > 1:
            yield "shared_link_cut", [hospital, area, list(needs.values())]


def lp_multipliers(rules: Rules) -> dict[str, list[tuple[list[Any], int]]]:
    """Dual values of the LP over all derivable rows, as numerators over `DENOMINATOR`; zeros left out."""
    named = list(derivable_rows(rules))
    rows = [rules.row(family, key) for family, key in named]
    if not rows:
        return {}
    multipliers = [max(0, round(float(value) * DENOMINATOR)) for value in _duals(rules, rows)]
    _settle(rules, named, rows, multipliers)
    by_family: dict[str, list[tuple[list[Any], int]]] = defaultdict(list)
    for (family, key), multiplier in zip(named, multipliers, strict=True):
        if multiplier:
            by_family[family].append((key, multiplier))
    return dict(by_family)


def _duals(rules: Rules, rows: list[Row]) -> np.ndarray:
    """Duals of: maximise u x over the rows and the box; zeros where the LP has no optimum."""
    n = len(rules.utility)
    entries = [
        (i, shift + k, a)
        for i, row in enumerate(rows)
        for shift, part in ((0, row[0]), (n, row[1]))
        for k, a in part.items()
    ]
    at, column, value = zip(*entries, strict=True)
    matrix = csr_array((np.array(value, dtype=float), (at, column)), shape=(len(rows), 2 * n))
    high, low = np.zeros(2 * n), np.zeros(2 * n)
    live, stands = rules.live, sorted(rules.stands)
    high[live], high[[n + k for k in live]] = [rules.high[k] for k in live], 1
    low[stands], low[[n + k for k in stands]] = [rules.low[k] for k in stands], 1
    limit = np.array([row[2] for row in rows], dtype=float)
    utility = np.concatenate((-np.array(rules.utility, dtype=float), np.zeros(n)))
    if (low > high).any():
        return np.zeros(len(rows))
    from scipy.optimize import linprog

    solved = linprog(utility, A_ub=matrix, b_ub=limit, bounds=np.column_stack((low, high)), method="highs")
    return -solved.ineqlin.marginals if solved.status == 0 else np.zeros(len(rows))


def _settle(rules: Rules, named: list[tuple[str, list[Any]]], rows: list[Row], multipliers: list[int]) -> None:
    """Choose the multipliers of `volume_needs_mandate` so that no volume has a positive reduced cost left.

    Rounding would cost up to U_k times its error there, and costs it once in y_k instead.
    """
    gain = [DENOMINATOR * u for u in rules.utility]
    own = {}
    for i, ((family, _), (of_volume, _, _)) in enumerate(zip(named, rows, strict=True)):
        if family == "volume_needs_mandate":
            own[next(iter(of_volume))] = i
        elif multipliers[i]:
            for k, a in of_volume.items():
                gain[k] -= multipliers[i] * a
    for k, i in own.items():
        multipliers[i] = max(0, gain[k])
