"""The size-limited licence of the pip package."""

from __future__ import annotations

import numpy as np
import pytest

from splgbench.backends.base import SolverStatus, Task
from splgbench.backends.gurobi import FREE_SIZE, backend
from splgbench.limits import Limits
from splgbench.model import ModelBuilder
from splgbench.trace import Recorder

reason = backend.unavailable()
if reason is not None:
    pytest.skip(reason, allow_module_level=True)


def test_a_model_beyond_the_licence() -> None:
    """It is refused with the reason, and an error message where it is solved all the same."""
    builder = ModelBuilder(0)
    builder.add_columns("x", FREE_SIZE + 1, upper=1.0, objective=1.0)
    model = builder.finish()
    refused = backend.reason_against(model, Limits())
    if refused is None:
        pytest.skip("a full licence")
    assert "licence" in refused
    solution = backend.solve(model, Task(Limits(), Recorder("gurobi")))
    assert solution.status is SolverStatus.ERROR
    assert "licen" in solution.message


def test_both_sides_of_a_ranged_row_count() -> None:
    """Gurobi's rows have one side, so a ranged row is two for the licence."""
    builder = ModelBuilder(0)
    x = builder.add_columns("x", 1, upper=1.0, objective=1.0)
    n = FREE_SIZE // 2 + 1
    builder.add_rows("r", np.arange(n + 1), np.repeat(x, n), 1.0, lower=0.0, upper=1.0)
    refused = backend.reason_against(builder.finish(), Limits())
    if refused is None:
        pytest.skip("a full licence")
    assert "licence" in refused
