"""State files and study logs: one format for all loops, nothing believed that is not proved again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from instances_for_tests import make, plain_tables

from splgbench import Instance, load, method
from splgbench.errors import InputError
from splgbench.limits import Limits
from splgbench.result import Result, Status
from splgbench.transform import cut

CROSSED = cut(load("hard-h4"), 6, 30)
OPTIMUM = 99_388_026
STOPPED = {
    "lagrangian-hospital": 30,
    "lagrangian-area": 4,
    "dantzig-wolfe-hospital": 45,
    "dantzig-wolfe-region:blocks=area": 8,
    "benders-area": 4,
    "benders-logic-area": 6,
    "lns": 30,
    "branch-and-price": 45,
}
"""Iterations after which a method has a bound and is not done."""


def solved(name: str, option: str, path: Path, instance: Instance = CROSSED, **limits: Any) -> Result:
    return method(f"{name}{',' if ':' in name else ':'}{option}={path}").solve(instance, Limits(**limits))


def test_the_optimum_of_crossed() -> None:
    """The number the tests below lean on, proved by a direct method."""
    result = method("strengthened@highs").solve(CROSSED)
    assert (result.status, result.primal) == (Status.OPTIMAL, OPTIMUM)


@pytest.mark.parametrize("name", STOPPED)
def test_a_state_is_taken_up(name: str, tmp_path: Path) -> None:
    """After as many iterations again, bound and value are no worse; what was known is known from the start."""
    path = tmp_path / "state.npz"
    first = solved(name, "state", path, iterations=STOPPED[name])
    assert first.status is Status.NODE_LIMIT, first.message
    assert path.exists()
    again = solved(name, "state", path, iterations=STOPPED[name])
    assert again.status in (Status.NODE_LIMIT, Status.OPTIMAL), again.message
    assert first.dual is not None
    assert again.dual is not None
    assert OPTIMUM <= again.dual <= first.dual + 1
    assert first.primal is not None
    assert again.primal is not None
    assert first.primal <= again.primal <= OPTIMUM
    assert again.trace[0].source == "state"
    assert again.trace[0].primal == first.primal


@pytest.mark.parametrize("name", [*STOPPED, "auto"])
def test_what_is_no_state_is_refused(name: str, tmp_path: Path) -> None:
    """Another instance's state, another method's, half a file, false arrays: errors that say so; the file stays."""
    path = tmp_path / "state.npz"
    solved(name, "state", path, iterations=STOPPED.get(name, 0))
    if name == "auto":
        solved(name, "state", path)
    good = path.read_bytes()
    with np.load(path) as archive:
        arrays = dict(archive)

    def refused(says: str, who: str = name, instance: Instance = CROSSED) -> None:
        before = path.read_bytes()
        result = solved(who, "state", path, instance)
        assert result.status is Status.ERROR
        assert says in result.message
        assert path.read_bytes() == before

    offers = {(h, g): (5, 2) for h in "HI" for g in "AB"}
    tiny = make(plain_tables(offers, {"A": 6, "B": 6}, areas={"A": "x", "B": "y"}, minimum={"A": 3, "B": 3}), "group")
    refused("belongs to another instance", instance=tiny)
    refused("belongs to another method", who="lns" if name != "lns" else "auto")
    path.write_bytes(good[: len(good) // 2])
    refused("cannot be read as a state")
    path.write_text("hello")
    refused("cannot be read as a state: it is no archive of NumPy's")
    changes: dict[str, Any] = {"best": (arrays["best"] + 1, "its allocation is not worth")}
    for own in ("multipliers", "prices"):
        if own in arrays and arrays[own].size:
            changes[own] = (arrays[own] * np.nan, f"{own} has a number that is not finite")
    if "column_offer" in arrays:
        changes["column_offer"] = (arrays["column_offer"] + CROSSED.n_offers, "offers that do not exist")
        changes["column_block"] = (arrays["column_block"] * 0 - 1, "does not belong to its block")
        changes["column_cases"] = (arrays["column_cases"][1:], "column_cases has the shape")
    for key, (array, says) in changes.items():
        np.savez(path, **{**arrays, key: array})
        refused(says)
    assert "cannot write" in solved(name, "state", tmp_path / "nowhere" / "s.npz").message


@pytest.mark.parametrize("name", [name for name in STOPPED if name != "branch-and-price"])
def test_no_bound_is_believed(name: str, tmp_path: Path) -> None:
    """Whatever multipliers and prices a file has, the bound is valid: it is computed anew."""
    path = tmp_path / "state.npz"
    solved(name, "state", path, iterations=STOPPED[name])
    with np.load(path) as archive:
        arrays = dict(archive)
    assert not {"bound", "bounds", "dual"} & arrays.keys()
    for factor in (0.0, -1.0, 0.37, 1e3):
        false = {key: array * factor for key, array in arrays.items() if key in ("multipliers", "prices")}
        np.savez(path, **{**arrays, **false})
        result = solved(name, "state", path, iterations=3)
        assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL), result.message
        assert result.dual is None or result.dual >= OPTIMUM
        assert result.primal is not None
        assert result.primal <= OPTIMUM


KINDS = {
    "lagrangian-hospital": {"bounds", "multipliers"},
    "lagrangian-area": {"bounds", "multipliers"},
    "dantzig-wolfe-hospital": {"bounds", "multipliers", "column"},
    "dantzig-wolfe-region:blocks=area": {"bounds", "multipliers", "column"},
    "benders-area": {"bounds", "cut"},
    "benders-logic-area": {"bounds", "cut"},
    "lns": {"bounds", "multipliers", "column"},
    "branch-and-price": {"bounds", "multipliers", "column"},
}


@pytest.mark.parametrize("name", KINDS)
def test_the_log_tells_what_happened(name: str, tmp_path: Path) -> None:
    """Every line is one of the documented kinds; the bounds are those of the trace; without a log all is the same."""
    path = tmp_path / "log.jsonl"
    result = solved(name, "log", path, iterations=STOPPED[name])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["kind"] for line in lines} == KINDS[name]
    assert all(line["time"] >= 0 and line["iteration"] >= 0 for line in lines)
    told = [(line["primal"], line["dual"], line["source"]) for line in lines if line["kind"] == "bounds"]
    assert told == [(event.primal, event.dual, event.source) for event in result.trace]
    assert all(line["bound"] >= OPTIMUM - 1 for line in lines if line["kind"] == "multipliers")
    _check_rows(lines)
    plain = method(name).solve(CROSSED, Limits(iterations=STOPPED[name]))
    assert (plain.primal, plain.dual, plain.counters) == (result.primal, result.dual, result.counters)


def _check_rows(lines: list[dict[str, Any]]) -> None:
    """Columns, cuts and multipliers name what there is; columns are worth their cases."""
    index, utility = CROSSED.offer_index, CROSSED.utility.tolist()
    for line in lines:
        if line["kind"] == "column":
            assert line["value"] == sum(utility[index[h, g]] * cases for h, g, cases in line["cases"])
        if line["kind"] == "cut":
            assert all((h, g) in index for h, g, _ in line["weights"])
        if line["kind"] == "multipliers":
            assert all(len(row) == 4 and row[3] > 0 for row in line["prices"])


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    """A log without a folder is an error of the solve; an option that no method has is one of the name."""
    result = solved("lagrangian-hospital", "log", tmp_path / "nowhere" / "log.jsonl")
    assert result.status is Status.ERROR
    assert "cannot write" in result.message
    with pytest.raises((InputError, TypeError)):
        method("lagrangian-hospital:luck=1")
