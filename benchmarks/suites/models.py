"""Size of models, and how long it takes to build them and to hand them to a solver."""

from __future__ import annotations

from typing import Any

from .cases import FORMULATIONS, INSTANCES, TINY
from .workbench import Figures, Workbench, figure, instance, once, skipped

BACKENDS = ("highs", "scip")
"""Formulations differ between these: families that hurt a solver are left out for it."""
BY_PYOMO = ("gdp_bigm", "gdp_hull")
"""Formulations that Pyomo transforms object by object: half a minute of work on the instances of the full run."""


def formulation_of(name: str, instance_name: str) -> Any:
    """The formulation.

    Raises
    ------
    NotImplementedError
        There is none in the version that is measured, it cannot be built here, or it is not asked on this instance.
    """
    from splgbench import registry
    from splgbench.errors import UnsupportedError

    if name in BY_PYOMO and instance_name not in TINY:
        raise skipped(f"{name} is measured on the tiny instances only")
    try:
        found = registry.find("formulations", name)
    except UnsupportedError as reason:
        raise skipped(str(reason)) from None
    missing = found.unavailable()
    if missing is not None:
        raise skipped(missing)
    return found


class Sizes(Workbench):
    """Rows, columns, nonzeros and memory of a model as the backend gets it."""

    params = (FORMULATIONS, BACKENDS, INSTANCES)
    param_names = ("formulation", "backend", "instance")

    def setup(self, formulation: str, backend: str, name: str) -> None:
        self.figures = once(f"size-{formulation}-{backend}-{name}", lambda: _sizes(formulation, backend, name))

    def track_rows(self, *case: str) -> float:
        return figure(self.figures, "rows")

    def track_columns(self, *case: str) -> float:
        return figure(self.figures, "columns")

    def track_nonzeros(self, *case: str) -> float:
        return figure(self.figures, "entries")

    def track_peak_memory(self, *case: str) -> float:
        return figure(self.figures, "peak_memory")

    track_rows.unit = "rows"  # type: ignore[attr-defined]
    track_columns.unit = "columns"  # type: ignore[attr-defined]
    track_nonzeros.unit = "nonzeros"  # type: ignore[attr-defined]
    track_peak_memory.unit = "bytes"  # type: ignore[attr-defined]


def _sizes(formulation: str, backend: str, name: str) -> Figures:
    """The size, and the most memory that Python and numpy held at once while it was built (bytes, by tracemalloc)."""
    import gc
    import tracemalloc

    found, data = formulation_of(formulation, name), instance(name)
    found.build(data, backend)  # whatever is imported or cached at first use
    gc.collect()
    tracemalloc.start()
    try:
        size = found.build(data, backend).size()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return {**size, "peak_memory": peak}


class Building(Workbench):
    """Clocks of the way from an instance to a solver that holds the model."""

    params = (FORMULATIONS, INSTANCES)
    param_names = ("formulation", "instance")

    def setup(self, formulation: str, name: str) -> None:
        self.formulation, self.instance = formulation_of(formulation, name), instance(name)
        self.formulation.build(self.instance, "highs")

    def time_build(self, _formulation: str, _name: str) -> None:
        self.formulation.build(self.instance, "highs")

    def peakmem_build(self, _formulation: str, _name: str) -> None:
        self.formulation.build(self.instance, "highs")


class Passing(Workbench):
    """Clock of handing a finished model to HiGHS."""

    params = (FORMULATIONS, INSTANCES)
    param_names = ("formulation", "instance")

    def setup(self, formulation: str, name: str) -> None:
        from splgbench.backends.highs import pass_model
        from splgbench.solver_libraries import highspy_needs_own_process, load_highspy

        if highspy_needs_own_process():
            raise skipped("this highspy works in a process of its own")
        self.highspy, self.pass_model = load_highspy(), pass_model
        self.model = formulation_of(formulation, name).build(instance(name), "highs")
        if self.model.semicontinuous.any() and self.model.upper[self.model.semicontinuous].max() > 1e5:
            raise skipped("HiGHS takes no semicontinuous columns above 100,000")
        if len(self.model.indicator_row):
            raise skipped("HiGHS takes no indicator rows")

    def time_pass(self, _formulation: str, _name: str) -> None:
        highs = self.highspy.Highs()
        highs.setOptionValue("output_flag", False)
        self.pass_model(self.highspy, highs, self.model)
