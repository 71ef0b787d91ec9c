"""Two stores of one campaign against each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report.stores_for_tests import TERMS, a_run, a_store, golden_runs, records_of

from splgbench.campaign.store import Store
from splgbench.cli import main
from splgbench.report.before_after import change_table, compare
from splgbench.report.records import read_records


def test_a_store_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing moved, and what was wrong before is still told: exit code 1."""
    store = str(a_store(tmp_path / "s.sqlite", golden_runs()))
    assert main(["compare-stores", store, store, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["only_before"], found["only_after"], found["reference_ratio"]) == (0, 0, 1.0)
    sound = {change["method"]: (change["ratio"], change["p_value"]) for change in found["changes"] if change["pairs"]}
    assert sound == dict.fromkeys(("linked@highs", "strengthened@highs", "linked@scip"), (1.0, 1.0))
    assert [change["refuted"] for change in found["changes"] if change["method"] == "liar@highs"] == [6]
    assert all(change["values"] == 0 and change["counters"] == [] for change in found["changes"])
    assert main(["compare-stores", store, store]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[:12]] == [
        *["WRONG before, on two"] * 3,
        *["WRONG before, on one"] * 3,
        *["WRONG after, on two"] * 3,
        *["WRONG after, on one"] * 3,
    ]


def test_refuted_answers_enter_no_average(tmp_path: Path) -> None:
    """A liar's cells are counted and enter nothing: neither solved nor gap, neither time nor answers nor counters."""
    lie = {"primal": 900, "dual": 900.0, "counters": {"nodes": 1}}
    before = [a_run("a@x", "one", wall=8.0), a_run("a@x", "two", wall=8.0), a_run("b@x", "one"), a_run("b@x", "two")]
    after = [
        a_run("a@x", "one", wall=8.0),
        a_run("a@x", "two", wall=0.0, **lie),
        a_run("b@x", "one", wall=0.0, **lie),
        a_run("b@x", "two", "wrong", 0.0, message="the checker refuses it"),
    ]
    comparison = compare(records_of(tmp_path / "b.sqlite", before), records_of(tmp_path / "a.sqlite", after), 10.0)
    a, b = comparison.changes
    assert (a.pairs, a.refuted, a.solved, a.gap) == (1, 1, (1, 1), (0.0, 0.0))
    assert (a.ratio, a.values, a.counters) == (1.0, 0, ())
    assert (b.pairs, b.refuted, b.solved, b.gap, b.ratio) == (0, 2, (0, 0), None, None)
    assert len(comparison.new_accusations) == 3
    assert change_table(comparison, 10.0).rows[1][:7] == ["b@x", 0, 2, 0, 0, None, None]


def test_an_answer_of_before_that_the_change_refutes(tmp_path: Path) -> None:
    """Before it proved 900; after there is a checked 1000: told first and left out, but no fault of the change."""
    before = a_store(tmp_path / "b.sqlite", [a_run("a@x", wall=0.1, primal=900, dual=900.0), a_run("a@x", "two")])
    after = a_store(tmp_path / "a.sqlite", [a_run("a@x"), a_run("a@x", "two")])
    with Store(before) as first, Store(after) as second:
        comparison = compare(read_records(first), read_records(second), 10.0)
    assert (comparison.changes[0].refuted, comparison.changes[0].ratio) == (1, 1.0)
    assert (len(comparison.old_accusations), comparison.new_accusations) == (1, [])
    assert main(["compare-stores", str(before), str(after)]) == 0


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
