"""What CP-SAT refuses, and the bounds it derives for columns that have none."""

from __future__ import annotations

import numpy as np

from splgbench.backends.cpsat import backend, finite_bounds
from splgbench.limits import Limits
from splgbench.model import MipModel, ModelBuilder


def volume_under_mandate(m: float, worth: float = 3.0) -> MipModel:
    """max worth * x with x <= m y and no bound on x."""
    builder = ModelBuilder(1)
    builder.x[:] = builder.add_columns("x", 1, objective=worth)
    builder.y[:] = builder.add_columns("y", 1, upper=1.0, integer=True)
    builder.add_pair_rows("volume_needs_mandate", builder.x, 1.0, builder.y, -m, upper=0.0)
    return builder.finish()


def test_bounds_from_rows() -> None:
    """x <= 7 y bounds x by 7; a second row passes that on, either way round."""
    builder = ModelBuilder(0)
    x, z, free = (builder.add_columns("x", 1, lower=low) for low in (0.0, 0.0, -np.inf))
    y = builder.add_columns("y", 1, upper=1.0, integer=True)
    builder.add_pair_rows("r", x, 1.0, y, -7.0, upper=0.0)
    builder.add_pair_rows("r", z, 2.0, x, -1.0, upper=4.0)
    builder.add_pair_rows("r", free, 1.0, z, 1.0, lower=-3.0, upper=9.0)
    lower, upper = finite_bounds(builder.finish())
    assert upper.tolist() == [7, 5, 9, 1]
    assert lower.tolist() == [0, 0, -8, 0]


def test_bounds_that_no_row_gives() -> None:
    """A conditional row bounds nothing, and such a column is refused."""
    builder = ModelBuilder(1)
    builder.x[:] = builder.add_columns("x", 1, objective=1.0)
    builder.y[:] = builder.add_columns("y", 1, upper=1.0, integer=True)
    row = builder.add_rows("r", np.array([0, 1]), builder.x, 1.0, upper=3.0)
    builder.only_if(row, builder.y, 1)
    model = builder.finish()
    assert np.isinf(finite_bounds(model)[1][0])
    assert backend.reason_against(model, Limits()) == "it takes bounded columns only"


def test_numbers_it_refuses() -> None:
    """Coefficients must be whole and sums must fit into 64 bits, the objective included."""
    assert backend.reason_against(volume_under_mandate(2.0**40), Limits()) is None
    assert backend.reason_against(volume_under_mandate(2.5), Limits()) == "it takes whole coefficients only"
    large = "its sums are too large for 64 bits"
    assert backend.reason_against(volume_under_mandate(2.0**62), Limits()) == large
    assert backend.reason_against(volume_under_mandate(2.0**40, worth=2.0**40), Limits()) == large


def test_continuous_columns_it_refuses() -> None:
    """Volumes become whole; what else is continuous cannot."""
    model = volume_under_mandate(7.0)
    assert backend.reason_against(model.relaxed(), Limits()) == "no continuous columns other than volumes"
