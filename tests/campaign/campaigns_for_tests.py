"""Campaigns of the hostile method on a tiny package, for the tests of this folder."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from splgbench import Instance, write_package
from splgbench.campaign.cells import Cell
from splgbench.campaign.execution import Finished, Handling, not_run
from splgbench.campaign.executors import Arrival, Executor, OnStart
from splgbench.campaign.local import LocalExecutor
from splgbench.campaign.manifest import make_manifest
from splgbench.campaign.plan import Plan, make_plan
from splgbench.campaign.runner import Session, pending_cells, run_cells
from splgbench.campaign.spec import parse_campaign
from splgbench.campaign.store import Store
from splgbench.result import Status
from splgbench.trace import Stop

HOSTILE = Path(__file__).with_name("hostile.py")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def tiny() -> Instance:
    """Two hospitals, one group; granting nothing is legal and worth 0."""
    return Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["A"], "area": ["x"], "minimum_cases": [2]},
        demand={"group": ["A"], "cases": [10]},
        offers={"hospital": ["H1", "H2"], "group": ["A", "A"], "capacity": [5, 6], "utility": [3, 4]},
        name="tiny",
    )


def hostile(deed: str, **options: Any) -> str:
    """The name of the hostile method with a deed."""
    return f"{HOSTILE}:deed={deed}" + "".join(f",{key}={value}" for key, value in options.items())


def write_campaign(folder: Path, methods: Iterable[str], extra: str = "[limits]\nwall_time = 60") -> Path:
    """A campaign file over the tiny package.

    Parameters
    ----------
    extra : the other tables as TOML.
    """
    if not (folder / "tiny").exists():
        write_package(tiny(), folder / "tiny")
    names = ", ".join(f'"{name}"' for name in methods)
    file = folder / "campaign.toml"
    file.write_text(f'name = "test"\n[[instances]]\npackages = "tiny"\n[[methods]]\nnames = [{names}]\n{extra}\n')
    return file


def plan_of(folder: Path, methods: Iterable[str], extra: str = "[limits]\nwall_time = 60", **options: Any) -> Plan:
    """The plan of `write_campaign`."""
    file = write_campaign(folder, methods, extra)
    return make_plan(parse_campaign(file.read_text(), file), **options)


def run_plan(plan: Plan, store: Store, executor: Executor | None = None, **options: Any) -> Session:
    """Run what is pending."""
    executor = executor or LocalExecutor(2)
    manifest = make_manifest(plan, executor.name, 2, "splgbench run")
    return run_cells(plan, pending_cells(plan, store), store, executor, manifest, **options)


class Pretender:
    """An executor that runs nothing: every cell ends as its status says.

    Parameters
    ----------
    status : how.
    most : cells after which it is interrupted.
    """

    name = "pretender"

    def __init__(self, status: Status = Status.TIME_OUT, most: int = 10**6) -> None:
        self.status, self.most = status, most

    def run(self, cells: Sequence[Cell], handling: Handling, stop: Stop, on_start: OnStart) -> Iterator[Arrival]:
        for number, cell in enumerate(cells):
            if number == self.most:
                stop.set()
                yield Arrival(not_run(cell, Status.INTERRUPTED, ""), 0.0)
                return
            finished = not_run(cell, self.status, "", attempts=1)
            yield Arrival(Finished(cell, finished.row, {"trace.csv": b"time,primal,dual,source\n1,2,3,x\n"}), 0.0)


def benchmark(name: str) -> ModuleType:
    """A script of `benchmarks/` as a module."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
