"""Row families against rows written by hand, and whole formulations against all allocations, without a solver."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from instances_for_tests import MODES, make, plain_tables, random_instance, small
from naive import Naive
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csr_array

from splgbench import registry
from splgbench.errors import InfeasibleError
from splgbench.instance import Instance
from splgbench.model import MipModel, ModelBuilder
from splgbench.offers import Offers, plain_offers
from splgbench.presolve import presolve
from splgbench.rows import RowFamily
from splgbench.rows.closures import closure_cuts, shared_link_cuts
from splgbench.rows.columns import (
    mandates,
    mandates_that_links_need,
    semicontinuous_volumes,
    tight_volumes,
    volumes,
)
from splgbench.rows.knapsacks import area_knapsack, cell_knapsack
from splgbench.rows.links import indicator_links, links_on_mandates, links_on_volumes, links_on_volumes_global
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_global, big_m_tight, indicator_thresholds


def column_names(model: MipModel) -> dict[int, str]:
    named = {int(column): f"x{k}" for k, column in enumerate(model.volume_column) if column >= 0}
    return named | {int(column): f"y{k}" for k, column in enumerate(model.mandate_column) if column >= 0}


def rows_of(
    instance: Instance, *families: RowFamily, offers: Callable[[Instance], Offers] = plain_offers, columns: Any = None
) -> list[str]:
    """The rows of families over x and y as text, e.g. ``x0 - 8 y0 <= 0``; offers are numbered as in the instance."""
    builder = ModelBuilder(instance.n_offers)
    seen = offers(instance)
    for family in (*(columns or (tight_volumes, mandates)), *families):
        family(builder, seen)
    model = builder.finish()
    names, texts = column_names(model), []
    condition = {
        int(row): f" if {names[int(column)]} = {value}"
        for row, column, value in zip(model.indicator_row, model.indicator_column, model.indicator_value, strict=True)
    }
    for row in range(model.n_rows):
        entries = range(model.row_start[row], model.row_start[row + 1])
        terms = sorted((names[int(model.row_columns[e])], int(model.row_values[e])) for e in entries)
        text = " ".join(f"{'-' if v < 0 else '+'} {'' if abs(v) == 1 else f'{abs(v)} '}{n}" for n, v in terms)
        low, high = model.row_lower[row], model.row_upper[row]
        assert np.isinf(low) != np.isinf(high), "every family writes one-sided rows"
        sense = f"<= {high:g}" if np.isfinite(high) else f">= {low:g}"
        texts.append(f"{text.removeprefix('+ ')} {sense}{condition.get(row, '')}")
    return texts


def columns_of(instance: Instance, *families: RowFamily) -> list[str]:
    """The columns as text, e.g. ``x0 in [0, 8] earns 5``."""
    builder = ModelBuilder(instance.n_offers)
    for family in families:
        family(builder, plain_offers(instance))
    model = builder.finish()
    texts = []
    for column, name in sorted(column_names(model).items(), key=lambda item: item[1]):
        kind = "whole " * bool(model.integer[column]) + "0 or " * bool(model.semicontinuous[column])
        earns = f" earns {model.objective[column]:g}" if model.objective[column] else ""
        texts.append(f"{name} {kind}in [{model.lower[column]:g}, {model.upper[column]:g}]{earns}")
    return texts


# Offers of the small instance: 0 H1 G1 (K 8, t 2), 1 H1 G2 (K 6, exempt: t 1), 2 H1 G3 (K 5, t 3),
# 3 H2 G1 (K 9, t 2), 4 H2 G3 (K 4, t 3, granted). B = 10, 7, 9; Q = 12, 5, 9, 4.
# G1 needs G3; G3 needs G1 in-house and G2 in the cooperation group.


def test_columns() -> None:
    """Volumes up to K or U with their utility, mandates with grants, semicontinuous volumes and their helpers."""
    earns = ["earns 5", "earns 3", "earns 4", "earns 2", "earns 6"]
    expected = [f"x{k} in [0, {u}] {e}" for k, (u, e) in enumerate(zip([8, 6, 5, 9, 4], earns, strict=True))]
    assert columns_of(small(), volumes) == expected
    assert columns_of(small(), tight_volumes) == expected
    expected = [f"x{k} in [0, {b}] {e}" for k, (b, e) in enumerate(zip([10, 7, 9, 10, 9], earns, strict=True))]
    assert columns_of(small("area"), volumes) == expected
    expected = [f"x{k} in [0, {u}] {e}" for k, (u, e) in enumerate(zip([10, 7, 5, 9, 4], earns, strict=True))]
    assert columns_of(small("area"), tight_volumes) == expected
    y = ["y0 whole in [0, 1]", "y1 whole in [0, 1]", "y2 whole in [0, 1]", "y3 whole in [0, 1]", "y4 whole in [1, 1]"]
    assert columns_of(small(), mandates) == y
    semicontinuous = [
        "x0 0 or in [2, 8] earns 5",
        "x1 0 or in [1, 6] earns 3",
        "x2 0 or in [3, 5] earns 4",
        "x3 0 or in [2, 9] earns 2",
        "x4 in [3, 4] earns 6",
    ]
    assert columns_of(small(), semicontinuous_volumes) == semicontinuous
    needed = columns_of(small(), semicontinuous_volumes, mandates_that_links_need)
    assert needed == [*semicontinuous, *(f"y{k} whole in [0, 1]" for k in range(5))]


def test_columns_of_fixed_and_refused_offers() -> None:
    """A fix holds x and y, a refusal and a fix of 0 close both; an offer that cannot reach t is closed by itself."""
    offers = {("H", "A"): (9, 1), ("H", "B"): (9, 1), ("H", "C"): (9, 1), ("H", "D"): (1, 1)}
    overrides = [("H", "A", "fix", 4, ""), ("H", "B", "refuse", None, ""), ("H", "C", "fix", 0, "")]
    links = [("A", "c", "any", g, "inhouse") for g in "BCD"]
    tables = plain_tables(offers, dict.fromkeys("ABCD", 9), minimum={"D": 2}, overrides=overrides, links=links)
    instance = make(tables, "group")
    x = ["x0 in [4, 4] earns 1", "x1 in [0, 0] earns 1", "x2 in [0, 0] earns 1"]
    y = ["y0 whole in [1, 1]", "y1 whole in [0, 0]", "y2 whole in [0, 0]", "y3 whole in [0, 1]"]
    assert columns_of(instance, tight_volumes, mandates) == [*x, "x3 in [0, 1] earns 1", *y]
    assert columns_of(instance, volumes, mandates) == [*x, "x3 in [0, 1] earns 1", *y]
    found = columns_of(instance, semicontinuous_volumes, mandates_that_links_need)
    assert found == [*x, "x3 in [0, 0] earns 1", *y[1:]]


def test_a_grant_that_cannot_hold_stays_infeasible() -> None:
    """An offer that must stand and has no room gets bounds that cross, not a case that nobody has."""
    tables = plain_tables({("H", "A"): (0, 1)}, {"A": 9}, overrides=[("H", "A", "grant", None, "")])
    assert columns_of(make(tables, "group"), semicontinuous_volumes) == ["x0 in [1, 0] earns 1"]
    assert columns_of(make(tables, "group"), tight_volumes, mandates) == ["x0 in [0, 0] earns 1", "y0 whole in [1, 1]"]


def test_supply_rows() -> None:
    """One demand row a cell; one area row a hospital-area, in the modes area and both only."""
    cells = ["x0 + x3 <= 10", "x1 <= 7", "x2 + x4 <= 9"]
    areas = ["x0 + x1 <= 12", "x2 <= 5", "x3 <= 9", "x4 <= 4"]
    for mode in MODES:
        expected = cells + areas * (mode in ("area", "both"))
        assert rows_of(small(mode), demand, area_capacity) == expected


def test_threshold_rows() -> None:
    """One M for all with two rows of minima; one M an offer with one threshold; or conditions."""
    minima = [2, 1, 3, 2, 3]
    expected = [f"x{k} - 10 y{k} <= 0" for k in range(5)]
    expected += ["x1 - y1 >= 0" if k == 1 else f"x{k} - {t} y{k} >= 0" for k, t in enumerate(minima)]
    assert rows_of(small(), big_m_global) == expected
    expected = [f"x{k} - {u} y{k} <= 0" for k, u in enumerate([8, 6, 5, 9, 4])] + expected[5:]
    assert rows_of(small(), big_m_tight) == expected
    expected = [f"x{k} <= 0 if y{k} = 0" for k in range(5)]
    expected += [f"x{k} >= {t} if y{k} = 1" for k, t in enumerate(minima)]
    assert rows_of(small(), indicator_thresholds) == expected
    plain = small(overrides=None)
    assert rows_of(plain, big_m_global)[5:] == [
        *("x0 - 2 y0 >= 0", "x1 - y1 >= 0", "x2 - 3 y2 >= 0", "x3 - 2 y3 >= 0", "x4 - 3 y4 >= 0"),
        "x1 - 4 y1 >= 0",
    ]
    assert rows_of(plain, big_m_tight)[6] == "x1 - 4 y1 >= 0"


def test_link_rows() -> None:
    """A row for each requirement, on volumes with one M or the offer's U, on mandates, or as a condition."""
    needs = [(0, 2), (3, 4), (2, 0), (4, 3), (2, 1), (4, 1)]
    largest = [8, 6, 5, 9, 4]
    assert sorted(rows_of(small(), links_on_mandates)) == sorted(
        f"y{k} - y{q} <= 0" if k < q else f"- y{q} + y{k} <= 0" for k, q in needs
    )
    assert sorted(rows_of(small(), links_on_volumes)) == sorted(f"x{k} - {largest[k]} y{q} <= 0" for k, q in needs)
    assert sorted(rows_of(small(), links_on_volumes_global)) == sorted(f"x{k} - 10 y{q} <= 0" for k, q in needs)
    assert sorted(rows_of(small(), indicator_links)) == sorted(f"y{q} >= 1 if y{k} = 1" for k, q in needs)


def test_link_rows_of_clauses() -> None:
    """An any-clause is one row over all its members, partners included; a clause nobody can meet closes the offer."""
    tables = plain_tables(
        {("H1", "G"): (9, 1), ("H1", "E"): (9, 1), ("H2", "E"): (9, 1), ("H2", "F"): (9, 1), ("H2", "G"): (9, 1)},
        {"G": 9, "E": 9, "F": 9, "X": 9},
        links=[
            ("G", "a", "any", "E", "cooperation"),
            ("G", "a", "any", "F", "inhouse"),
            ("E", "b", "any", "X", "inhouse"),
            ("F", "c", "any", "G", "cooperation"),
            ("F", "c", "any", "F", "inhouse"),
        ],
        networks={"H1": "net", "H2": "net"},
    )
    # 0 H1 E, 1 H1 G, 2 H2 E, 3 H2 F, 4 H2 G
    rows = ["- y0 + y1 - y2 <= 0", "- y0 - y2 - y3 + y4 <= 0", "y0 <= 0", "y2 <= 0"]
    assert sorted(rows_of(make(tables), links_on_mandates)) == sorted(rows)


KNAPSACKS = plain_tables(
    {(h, g): (9, 1) for h in ("H1", "H2") for g in ("G1", "G2", "G3")},
    {"G1": 10, "G2": 9, "G3": 3},
    minimum={"G1": 6, "G2": 2, "G3": 3},
    pairs={("H1", "A"): 10, ("H2", "A"): 20},
    overrides=[("H2", "G3", "exempt", None, "threshold")],
)


def test_knapsack_rows() -> None:
    """sum y <= floor(B / t) where t is equal, sum t y <= B where it is not, sum t y <= Q; only rows that can bite."""
    cells = ["y0 + y3 <= 1", "3 y2 + y5 <= 3"]
    for mode in MODES:
        areas = ["6 y0 + 2 y1 + 3 y2 <= 10"] * (mode in ("area", "both"))
        assert rows_of(make(KNAPSACKS, mode), cell_knapsack, area_knapsack, offers=presolve) == cells + areas


def test_closure_cuts() -> None:
    """What needs q in-house shares one Q under y_q; x_q joins in its own area; cooperation gives no such cut."""
    facts: dict[str, Any] = {
        "offers": {(h, g): (9, 1) for h in ("H1", "H2") for g in ("G1", "G2", "G3")},
        "demand": {"G1": 10, "G2": 9, "G3": 9},
        "pairs": {("H1", "A"): 10, ("H2", "A"): 11},
    }
    links = [("G1", "c", "all", "G3", "inhouse"), ("G2", "c", "any", "G3", "inhouse")]
    together = make(plain_tables(**facts, links=links))
    found = rows_of(together, closure_cuts, offers=presolve)
    assert found == ["x0 + x1 + x2 - 10 y2 <= 0", "x3 + x4 + x5 - 11 y5 <= 0"]
    apart = make(plain_tables(**facts, links=links, areas={"G3": "B"}))
    assert rows_of(apart, closure_cuts, offers=presolve) == ["x0 + x1 - 10 y2 <= 0", "x3 + x4 - 11 y5 <= 0"]
    assert rows_of(together.with_rules(capacity_mode="group"), closure_cuts, offers=presolve) == []
    wide = [("G1", "c", "all", "G3", "cooperation"), ("G2", "c", "any", "G3", "cooperation")]
    networks = {"H1": "net", "H2": "net"}
    cooperating = make(plain_tables(**facts, links=wide, networks=networks))
    assert rows_of(cooperating, closure_cuts, offers=presolve) == []
    shared = ["x0 + x1 - 10 y2 - 10 y5 <= 0", "x3 + x4 - 11 y2 - 11 y5 <= 0"]
    assert rows_of(cooperating, shared_link_cuts, offers=presolve) == shared
    assert rows_of(cooperating.with_rules(capacity_mode="none"), shared_link_cuts, offers=presolve) == []


# Whole formulations against all allocations


def points(model: MipModel, most: int) -> set[tuple[int, ...]]:
    """The volumes of all whole points with x <= most of a model that has columns x and y only."""
    whole = [
        [x for x in range(most + 1) if model.lower[c] <= x <= model.upper[c] or (model.semicontinuous[c] and x == 0)]
        for c in range(model.n_columns)
    ]
    choices = list(product(*whole))
    grid = np.array(choices, dtype=np.int64).reshape(len(choices), model.n_columns)
    value = grid @ csr_array((model.row_values, model.row_columns, model.row_start), shape=shape(model)).toarray().T
    holds = (value >= model.row_lower) & (value <= model.row_upper)
    for row, column, active in zip(model.indicator_row, model.indicator_column, model.indicator_value, strict=True):
        holds[:, row] |= grid[:, column] != active
    grid = grid[holds.all(axis=1)]
    volumes_ = np.zeros((len(grid), len(model.volume_column)), dtype=np.int64)
    with_x = model.volume_column >= 0
    volumes_[:, with_x] = grid[:, model.volume_column[with_x]]
    return set(map(tuple, volumes_.tolist()))


def shape(model: MipModel) -> tuple[int, int]:
    return model.n_rows, model.n_columns


def admits(model: MipModel, volumes_: tuple[int, ...]) -> bool:
    """Whether a model with further columns has a point with these volumes (asked of SciPy)."""
    x = np.array(volumes_)
    if (x[model.volume_column < 0] > 0).any():
        return False
    low, high = model.lower.copy(), model.upper.copy()
    columns = model.volume_column[model.volume_column >= 0]
    fixed = x[model.volume_column >= 0]
    if (fixed < low[columns]).any() or (fixed > high[columns]).any():
        return False
    low[columns] = high[columns] = fixed
    matrix = csr_array((model.row_values, model.row_columns, model.row_start), shape=shape(model))
    rows = LinearConstraint(matrix, model.row_lower, model.row_upper)
    return bool(milp(0 * low, constraints=rows, integrality=model.integer.astype(int), bounds=(low, high)).success)


@pytest.mark.parametrize("name", registry.names("formulations"))
def test_a_formulation_admits_exactly_the_allocations(name: str) -> None:
    """The whole points of a formulation, seen as volumes, are the allocations of the statement: all and no other."""
    formulation = registry.find("formulations", name)
    if formulation.unavailable():
        pytest.skip(formulation.unavailable())
    several = infeasible = 0
    for seed in range(56):
        sizes: dict[str, Any] = {"hospitals": 2, "groups": 2 + seed % 2, "most": 3, "eligibility": 0.75}
        instance, tables = random_instance(seed, gentle=seed % 8 >= 4, link_chance=0.8, **sizes)
        if not 0 < instance.n_offers <= 5:
            continue
        naive = Naive(tables, instance.capacity_mode)
        names = [instance.offer_name(k) for k in range(instance.n_offers)]
        expected = {tuple(cases.get(pair, 0) for pair in names) for cases in naive.allocations()}
        try:
            model = formulation.build(instance)
        except InfeasibleError:
            found = set()
        else:
            if model.n_columns == np.sum(model.volume_column >= 0) + np.sum(model.mandate_column >= 0):
                found = points(model, 3)
            elif seed < 36:
                anything = list(product(range(4), repeat=instance.n_offers))
                some = random.Random(seed).choices(anything, k=12) + sorted(expected)[-6:]
                expected &= set(some)
                found = {point for point in some if admits(model, point)}
            else:
                continue
        assert found == expected, seed
        several += len(expected) > 3
        infeasible += not expected
    assert several >= 3
    assert infeasible > 0
