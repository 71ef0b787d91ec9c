"""Model files of SCIP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splgbench.backends.scip import backend
from splgbench.errors import UnsupportedError
from splgbench.model import MipModel, ModelBuilder

pyscipopt = pytest.importorskip("pyscipopt")


def conditional(*, semicontinuous: bool = False) -> MipModel:
    """max x + 2 y with x in [2, 9] and x <= 4 while y = 1, x >= 5 while y = 0: 9."""
    builder = ModelBuilder(1)
    builder.x[:] = builder.add_columns("x", 1, lower=2.0, upper=9.0, objective=1.0, semicontinuous=semicontinuous)
    builder.y[:] = builder.add_columns("y", 1, upper=1.0, objective=2.0, integer=True)
    for value, lower, upper in ((1, -np.inf, 4.0), (0, 5.0, np.inf)):
        row = builder.add_rows("r", np.array([0, 1]), builder.x, 1.0, lower=lower, upper=upper)
        builder.only_if(row, builder.y, value)
    return builder.finish()


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_indicator_rows_survive_a_file(suffix: str, tmp_path: Path) -> None:
    """Conditional rows are in the file, for both values of the condition."""
    path = tmp_path / f"model{suffix}"
    backend.write(conditional(), path, ["volume", "mandate"], ["small", "large"])
    reader = pyscipopt.Model()
    reader.hideOutput()
    reader.readProblem(str(path))
    reader.optimize()
    assert reader.getObjVal() == pytest.approx(9)
    assert {column.name for column in reader.getVars()} >= {"volume", "mandate"}


def test_semicontinuous_columns_are_not_written(tmp_path: Path) -> None:
    """SCIP's writers would drop them without a word."""
    with pytest.raises(UnsupportedError, match="semicontinuous"):
        backend.write(conditional(semicontinuous=True), tmp_path / "model.lp", ["x", "y"], ["a", "b"])
