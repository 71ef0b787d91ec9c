"""Models made small: the same optimum as the whole with the same columns fixed, and the same refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instances_for_tests import make, plain_tables

from splgbench import load, registry
from splgbench.backends.base import SolverStatus, Task
from splgbench.backends.highs import HighsBackend
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.shrinking import shrunk
from splgbench.errors import InfeasibleError
from splgbench.instance import BoolArray
from splgbench.limits import NO_LIMITS
from splgbench.model import Block, FloatArray, MipModel
from splgbench.polish import polish
from splgbench.presolve import presolve
from splgbench.testing import Knobs, instances
from splgbench.trace import Recorder

FIXED = settings(
    derandomize=True, database=None, deadline=None, max_examples=120, suppress_health_check=list(HealthCheck)
)


def optimum(model: MipModel, constant: float = 0.0) -> float | None:
    """The optimum of a model; None where it has no solution."""
    solution = HighsBackend().solve_here(model, Task(NO_LIMITS, Recorder("highs")), constant=constant)
    return solution.primal if solution.status is SolverStatus.FINISHED else None


def with_known(model: MipModel, instance, mandates: BoolArray) -> FloatArray | None:  # type: ignore[no-untyped-def]
    """The solution that mandates with their best volumes are; None where they admit none."""
    polished = polish(instance, mandates)
    if polished.volumes is None:
        return None
    columns, values = model.start_values(polished.volumes)
    known = np.zeros(model.n_columns)
    known[columns] = values
    return known


@FIXED
@given(instances(Knobs(groups=5, offers=12)), st.data())
def test_the_optimum_stays(instance, data):  # type: ignore[no-untyped-def]
    """Mandates fixed at random, or around an allocation: the small model is worth what the whole is."""
    try:
        model = registry.find("formulations", "strengthened").build(instance, "highs")
    except InfeasibleError:
        return
    n = instance.n_offers
    fix = np.array(data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=n, max_size=n)))
    mandates = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    known = with_known(model, instance, mandates)
    if known is not None:
        fix = np.where(fix == 2, 2, mandates)
    lower, upper = model.lower.copy(), model.upper.copy()
    for k in np.flatnonzero(model.mandate_column >= 0).tolist():
        y, x = model.mandate_column[k], model.volume_column[k]
        if fix[k] == 0 and lower[y] == 0:
            upper[[y, x]] = 0.0
        if fix[k] == 1 and upper[y] == 1:
            lower[y] = 1.0
    if (lower > upper).any():
        return
    whole = optimum(replace(model, lower=lower, upper=upper))
    for hint in (None, known):
        part = shrunk(model, lower, upper, hint)
        if part is None:
            assert whole is None
            continue
        value = optimum(part.model, part.constant)
        assert (value is None) == (whole is None)
        if value is not None and whole is not None:
            assert value == pytest.approx(whole, abs=0.5)


def test_what_is_decided_is_gone() -> None:
    """With the mandates of all areas but one fixed as an allocation has them, only columns of that area are left."""
    instance = load("easy")
    offers = presolve(instance)
    model = registry.find("formulations", "strengthened").build(instance, "highs")
    mandates = repaired(offers, instance.utility * offers.largest)
    known = with_known(model, instance, mandates)
    assert known is not None
    area = instance.group_area[instance.offer_group]
    free = offers.live & (area == np.bincount(area[mandates]).argmax())
    lower, upper = model.lower.copy(), model.upper.copy()
    held, gone = np.flatnonzero(offers.live & ~free & mandates), np.flatnonzero(offers.live & ~free & ~mandates)
    lower[model.mandate_column[held]] = 1.0
    upper[model.mandate_column[gone]] = 0.0
    part, plain = shrunk(model, lower, upper, known), shrunk(model, lower, upper)
    assert part is not None
    assert plain is not None
    left = offers.live & part.kept[model.mandate_column]
    assert left.any()
    assert not (left & ~free).any()
    assert not (part.kept[model.volume_column] & offers.live & ~free).any()
    # Without the known solution the volumes of the other areas are still open.
    assert (plain.kept[model.volume_column] & offers.live & ~free).any()


def test_bounds_that_contradict_the_rows() -> None:
    """A mandate granted in a cell whose demand another one takes whole: no model is left."""
    tables = plain_tables({("H", "A"): (5, 2), ("I", "A"): (5, 2)}, {"A": 5}, minimum={"A": 4})
    model = registry.find("formulations", "strengthened").build(make(tables, "group"), "highs")
    lower = model.lower.copy()
    lower[model.mandate_column] = 1.0
    assert shrunk(model, lower, model.upper) is None


def test_the_constant_is_part_of_values_and_bounds() -> None:
    """HiGHS states value and bound with the constant; so it does of a model without columns."""
    model = registry.find("formulations", "strengthened").build(
        make(plain_tables({("H", "A"): (5, 2)}, {"A": 3}), "group"), "highs"
    )
    assert optimum(model, 100.0) == pytest.approx(106.0)
    fixed = np.array([3.0, 1.0])[np.argsort(np.append(model.volume_column, model.mandate_column))]
    part = shrunk(model, fixed, fixed)
    assert part is not None
    assert (part.model.n_columns, part.constant) == (0, 6.0)
    assert optimum(part.model, part.constant) == 6.0
    assert part.whole(np.zeros(0)).tolist() == fixed.tolist()


def test_entries_of_0_say_nothing() -> None:
    """A row 0 y >= 0, or 0 y <= 0, binds nobody; rows of extensions may hold such entries."""
    instance = make(plain_tables({("H", "G"): (3, 1)}, {"G": 3}), "group")
    plain = registry.find("formulations", "linked").build(instance, "highs")
    n = plain.n_rows
    model = replace(
        plain,
        row_start=np.append(plain.row_start, plain.row_start[-1] + np.arange(1, 3)),
        row_columns=np.append(plain.row_columns, [plain.mandate_column[0]] * 2),
        row_values=np.append(plain.row_values, [0.0, 0.0]),
        row_lower=np.append(plain.row_lower, [0.0, -np.inf]),
        row_upper=np.append(plain.row_upper, [np.inf, 0.0]),
        row_blocks=(*plain.row_blocks, Block("nothing", n, n + 2)),
    )
    part = shrunk(model, model.lower.copy(), model.upper.copy())
    assert part is not None
    assert optimum(part.model, part.constant) == 3
