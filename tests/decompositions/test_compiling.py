"""What is compiled ahead of a solve is all that solves need, and once for each kernel."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from splgbench import load
from splgbench.decomposition.block_pricing import elimination, plans, tables
from splgbench.decomposition.block_pricing.structure import Structure
from splgbench.decomposition.partition import partition
from splgbench.decomposition.pricing import HospitalPricer
from splgbench.presolve import presolve

SOLVES = """
import importlib, json, pkgutil
from splgbench import load, method
from splgbench.decomposition import block_pricing, cell_hull, pricing
from splgbench.decomposition.compiling import compile_kernels
from splgbench.limits import Limits

names = [module.name for module in pkgutil.iter_modules(block_pricing.__path__)]
modules = [importlib.import_module(f"{block_pricing.__name__}.{name}") for name in names] + [cell_hull]
kernels = {value for module in modules for value in vars(module).values() if hasattr(value, "nopython_signatures")}

def compiled():
    return {f"{k.py_func.__module__}.{k.__name__}": len(k.nopython_signatures) for k in kernels}

compile_kernels()
counts = [compiled()]
for limit in (pricing.ENTRY_LIMIT, 0):
    pricing.ENTRY_LIMIT = limit
    for name in ("dantzig-wolfe-hospital:cuts=cells", "lagrangian-hospital", "branch-and-price", "auto", "lns"):
        result = method(name).solve(load("easy"), Limits(iterations=20))
        assert result.primal is not None, name
        counts.append(compiled())
print(json.dumps(counts))
"""


def test_solves_compile_nothing() -> None:
    """A process that has called `compile_kernels` has every kernel it needs, each for one kind of arguments."""
    run = subprocess.run([sys.executable, "-c", SOLVES], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    before, *after = json.loads(run.stdout)
    assert max(before.values()) == 1
    assert sum(before.values()) >= 4
    assert after == [before] * 10


def test_prices_of_any_layout_reach_the_same_kernel() -> None:
    """Strided and read-only prices are copied: nothing is compiled for them, and the plans are the same."""
    offers = presolve(load("easy"))
    pricer = HospitalPricer(offers, partition(offers, "tied"))
    rng = np.random.default_rng(1)
    gain, fee = rng.integers(1, 50, offers.instance.n_offers).astype(float), rng.random(offers.instance.n_offers)
    plain = pricer.price(gain, fee)
    compiled = len(plans.price_blocks.nopython_signatures)
    strided, locked = np.repeat(gain, 2)[::2], fee.copy()
    locked.flags.writeable = False
    other = pricer.price(strided, locked)
    assert len(plans.price_blocks.nopython_signatures) == compiled
    np.testing.assert_array_equal(other.volume, plain.volume)
    np.testing.assert_array_equal(other.bound, plain.bound)


def test_rows_are_the_same_where_room_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elimination that starts with room for one row, and enlarges it, writes the rows of one that has enough."""
    offers = presolve(load("easy"))
    pricer = HospitalPricer(offers, partition(offers, "hospital"))
    larger = {"rows": 0, "step": 0}

    def cramped(s: Structure, largest: int, widest: int) -> tables.Tables:
        t = tables.tables(s, largest, widest)
        return t._replace(
            row_room=1,
            term_room=1,
            step_room=1,
            entry_room=1,
            row_start=t.row_start[:2],
            row_width=t.row_width[:1],
            row_term=t.row_term[:1],
            step_key=t.step_key[:1],
            step_at=t.step_at[:1],
        )

    def more_rows(t: tables.Tables) -> tables.Tables:
        larger["rows"] += 1
        return tables.more_rows(t)

    def wider_step(t: tables.Tables) -> tables.Tables:
        larger["step"] += 1
        return tables.wider_step(t)

    monkeypatch.setattr(elimination, "tables", cramped)
    monkeypatch.setattr(elimination, "more_rows", more_rows)
    monkeypatch.setattr(elimination, "wider_step", wider_step)
    cramped_rows = elimination.eliminate(pricer.structure, 2_000)
    monkeypatch.undo()
    rows = elimination.eliminate(pricer.structure, 2_000)
    assert min(larger.values()) > 2
    assert len(rows.width) > 100
    for one, other in zip(cramped_rows, rows, strict=True):
        np.testing.assert_array_equal(one, other)
