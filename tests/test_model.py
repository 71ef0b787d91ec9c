"""The solver-neutral model: the builder's arrays, permutations, relaxation, starts and what a solution says."""

from __future__ import annotations

import numpy as np
import pytest
from instances_for_tests import MODES, random_instance, small
from naive import Naive, solved

from splgbench import registry
from splgbench.methods import method, permuted
from splgbench.model import MipModel, ModelBuilder

IMPLICIT = ("big_m_literal", "big_m_tight", "linked", "strengthened")
"""Formulations that are plain MILPs: SciPy can solve what they build."""


def built() -> MipModel:
    """Three columns and four rows through every verb of the builder, one of them empty."""
    builder = ModelBuilder(2)
    builder.x[:] = builder.add_columns("x", 2, lower=[1, 0], upper=7, objective=[5, 4], semicontinuous=True, of="offer")
    builder.y[1:] = builder.add_columns("y", 1, upper=1, integer=True)
    rows = builder.add_rows("a", np.array([0, 2, 2]), np.array([0, 2]), [3, -1], lower=[0, -np.inf], upper=[np.inf, 6])
    assert rows.tolist() == [0, 1]
    rows = builder.add_pair_rows("b", np.array([1]), 1, np.array([2]), -7, upper=0)
    assert rows.tolist() == [2]
    rows = builder.add_sum_rows("c", np.array([1, 0, 1]), np.array([2, 0, 1]), [9, 8, 7], n_rows=3, upper=[1, 2, 3])
    assert rows.tolist() == [3, 4, 5]
    builder.only_if(rows[:1], np.array([2]), 1)
    return builder.finish()


def dense(model: MipModel) -> np.ndarray:
    matrix = np.zeros((model.n_rows, model.n_columns))
    for row in range(model.n_rows):
        for entry in range(model.row_start[row], model.row_start[row + 1]):
            matrix[row, model.row_columns[entry]] += model.row_values[entry]
    return matrix


def test_builder() -> None:
    """Blocks are joined in the order they come; scalars spread; scattered sums find their rows, empty ones too."""
    model = built()
    assert model.objective.tolist() == [5, 4, 0]
    assert model.lower.tolist() == [1, 0, 0]
    assert model.upper.tolist() == [7, 7, 1]
    assert model.integer.tolist() == [False, False, True]
    assert model.semicontinuous.tolist() == [True, True, False]
    assert dense(model).tolist() == [[3, 0, -1], [0, 0, 0], [0, 1, -7], [8, 0, 0], [0, 7, 9], [0, 0, 0]]
    assert model.row_lower.tolist() == [0, -np.inf, -np.inf, -np.inf, -np.inf, -np.inf]
    assert model.row_upper.tolist() == [np.inf, 6, 0, 1, 2, 3]
    assert model.volume_column.tolist() == [0, 1]
    assert model.mandate_column.tolist() == [-1, 2]
    indicator = (model.indicator_row, model.indicator_column, model.indicator_value)
    assert [part.tolist() for part in indicator] == [[3], [2], [1]]
    blocks = [(block.family, block.start, block.stop) for block in (*model.column_blocks, *model.row_blocks)]
    assert blocks == [("x", 0, 2), ("y", 2, 3), ("a", 0, 2), ("b", 2, 3), ("c", 3, 6)]
    sizes = {"rows": 6, "columns": 3, "entries": 7, "integers": 1, "semicontinuous": 2, "indicators": 1}
    assert model.size() == sizes


def test_an_empty_builder() -> None:
    """No columns and no rows make a model with empty arrays, which can be permuted and relaxed."""
    nothing = np.zeros(0, dtype=np.int64)
    for model in (ModelBuilder(0).finish(), ModelBuilder(0).finish().permuted(nothing, nothing).relaxed()):
        assert (model.n_columns, model.n_rows, model.n_entries, model.row_start.tolist()) == (0, 0, 0, [0])
        assert model.mandates(np.zeros(0)).tolist() == []


def test_permuted_is_the_same_model_in_another_order() -> None:
    """Column j and row i of the permuted model are column p[j] and row q[i] of the original; the maps follow."""
    model = built()
    columns, rows = np.array([2, 0, 1]), np.array([3, 1, 4, 0, 5, 2])
    other = model.permuted(columns, rows)
    assert dense(other).tolist() == dense(model)[np.ix_(rows, columns)].tolist()
    for name in ("objective", "lower", "upper", "integer", "semicontinuous"):
        assert getattr(other, name).tolist() == getattr(model, name)[columns].tolist()
    for name in ("row_lower", "row_upper"):
        assert getattr(other, name).tolist() == getattr(model, name)[rows].tolist()
    assert other.volume_column.tolist() == [1, 2]
    assert other.mandate_column.tolist() == [-1, 0]
    assert (other.indicator_row.tolist(), other.indicator_column.tolist()) == ([0], [0])
    back = other.permuted(np.argsort(columns), np.argsort(rows))
    assert dense(back).tolist() == dense(model).tolist()
    assert back.volume_column.tolist() == model.volume_column.tolist()


@pytest.mark.parametrize("name", IMPLICIT)
def test_permuted_models_have_the_same_optimum(name: str) -> None:
    """Original and permuted models of random instances have the optimum of the statement (solved by SciPy)."""
    formulation = registry.find("formulations", name)
    compared = 0
    for seed in range(10):
        instance, tables = random_instance(seed, hospitals=4, groups=5, most=20, gentle=True, overrides=0)
        model = formulation.build(instance)
        expected = Naive(tables, instance.capacity_mode).solved()
        assert solved(model) == expected
        assert solved(permuted(model, seed)) == expected
        assert solved(model.with_integer_volumes()) == expected
        compared += bool(expected)
    assert compared > 5


def test_permutations_depend_on_the_seed_alone() -> None:
    """A seed names one order of rows and columns, the same on every machine; another seed gives another."""
    model = registry.find("formulations", "linked").build(small())
    one, again, other = permuted(model, 1), permuted(model, 1), permuted(model, 2)
    assert one.objective.tolist() == again.objective.tolist()
    assert one.volume_column.tolist() == again.volume_column.tolist()
    assert one.volume_column.tolist() != other.volume_column.tolist()


def test_a_permuted_solve_gives_the_same_allocation_value() -> None:
    """Mandates are read back through the permuted columns: the checked value is that of the plain solve."""
    for mode in MODES:
        instance = small(mode)
        plain = method("linked@highs").solve(instance)
        for permutation in range(3):
            other = method("linked@highs").solve(instance, permutation=permutation)
            assert (other.status, other.primal) == (plain.status, plain.primal)


def test_relaxed() -> None:
    """The relaxation drops integrality and lets semicontinuous columns start at 0."""
    model = built().relaxed()
    assert model.lower.tolist() == [0, 0, 0]
    assert not model.integer.any()
    assert not model.semicontinuous.any()
    assert built().lower.tolist() == [1, 0, 0]


def test_mandates_of_a_solution() -> None:
    """y says who has a mandate; x tells it where x is semicontinuous or above 0 throughout, whatever y says."""
    builder = ModelBuilder(5)
    # continuous with y, semicontinuous without y, semicontinuous with y, granted (lower = 1) with y, no x at all
    builder.x[:4] = builder.add_columns("x", 4, lower=[0, 6, 6, 1], upper=9)
    builder.y[[0, 2, 3]] = builder.add_columns("y", 3, upper=1, integer=True)
    model = builder.finish()
    model.semicontinuous[[1, 2]] = True
    assert model.mandates(np.array([5, 6, 6, 1, 0, 0, 0])).tolist() == [False, True, True, True, False]
    assert model.mandates(np.array([0, 0, 0, 1, 1, 1, 1])).tolist() == [True, False, True, True, False]
    assert model.mandates(np.array([1e-3, 2.9, 2.9, 1, 1e-7, 1e-7, 0])).tolist() == [False, False, False, True, False]
    assert model.mandates(np.array([5, 3.1, 0, 1, 0.9999999, 0, 1])).tolist() == [True, True, False, True, False]


def test_start_values() -> None:
    """A known allocation fills the columns of x and y that there are."""
    columns, values = built().start_values(np.array([3, 0]))
    assert dict(zip(columns.tolist(), values.tolist(), strict=True)) == {0: 3, 1: 0, 2: 0}
    for cases in (1, 4):
        columns, values = built().start_values(np.array([0, cases]))
        assert dict(zip(columns.tolist(), values.tolist(), strict=True)) == {0: 0, 1: cases, 2: 1}
