"""Two stores of one campaign against each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report.stores_for_tests import TERMS, a_run, a_store, golden_runs, records_of

from splgbench.cli import main
from splgbench.report.before_after import compare


def test_a_store_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing moved, and what was wrong before is still told: exit code 1."""
    store = str(a_store(tmp_path / "s.sqlite", golden_runs()))
    assert main(["compare-stores", store, store, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["only_before"], found["only_after"], found["reference_ratio"]) == (0, 0, 1.0)
    assert all(change["ratio"] == 1.0 and change["p_value"] == 1.0 for change in found["changes"])
    assert all(change["values"] == 0 and change["counters"] == [] for change in found["changes"])
    assert main(["compare-stores", store, store]) == 1
    assert "WRONG on two" in capsys.readouterr().out


def test_what_a_change_did(tmp_path: Path) -> None:
    """Half the time but for the shift, one more solved, more nodes; a cell that only one store has is counted."""
    before = [a_run("a@x", "one", wall=10.0), a_run("a@x", "two", "time-out"), a_run("a@x", "three")]
    after = [a_run("a@x", "one", wall=0.0, counters={"nodes": 7}), a_run("a@x", "two", wall=45.0)]
    comparison = compare(records_of(tmp_path / "b.sqlite", before), records_of(tmp_path / "a.sqlite", after), 10.0)
    (change,) = comparison.changes
    assert (change.pairs, change.solved, comparison.only_before) == (2, (1, 2), 1)
    assert change.ratio == pytest.approx((10 / 20 * 55 / 110) ** 0.5)
    assert change.counters == (("nodes", 1, 2.0),)
    assert change.values == 1
    assert change.gap == (0.5, 0.0)


def test_times_under_unequal_terms_are_not_compared(tmp_path: Path) -> None:
    """On another processor there is no ratio, and the term is named; answers are compared all the same."""
    before = records_of(tmp_path / "b.sqlite", [a_run("a@x")])
    after = records_of(tmp_path / "a.sqlite", [a_run("a@x", wall=9.0, terms={**TERMS, "processor": "Q"})])
    comparison = compare(before, after, 10.0)
    assert comparison.changes[0].ratio is None
    assert comparison.differing == {"processor": ["P, 2 cores", "Q"]}


def test_a_bound_that_the_other_store_refutes(tmp_path: Path) -> None:
    """After the change it proves 900; before there was a checked 1000: the run after is wrong."""
    before = records_of(tmp_path / "b.sqlite", [a_run("a@x")])
    after = records_of(tmp_path / "a.sqlite", [a_run("a@x", primal=900, dual=900.0)])
    (accusation,) = compare(before, after, 10.0).new_accusations
    assert accusation.run.dual == 900.0
    assert compare(after, before, 10.0).new_accusations == []


def test_stores_without_a_common_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to compare: bad input."""
    one, two = a_store(tmp_path / "1.sqlite", [a_run("a@x")]), a_store(tmp_path / "2.sqlite", [a_run("b@x")])
    assert main(["compare-stores", str(one), str(two)]) == 2
    assert "no cell in common" in capsys.readouterr().err
