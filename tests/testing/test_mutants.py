"""Every wrong subject is refuted by the relation that the committed table names; its right counterpart is not."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

import pytest

from splgbench.testing import RELATIONS, examine
from splgbench.testing.mutants import KINDS, MUTANTS, relations_for
from splgbench.testing.mutants.toy_lagrangian import ToyLagrangian

TABLE = Path(__file__).parents[2] / "benchmarks" / "results" / "mutants.csv"
EXAMPLES = 300
"""The battery's draws depend on the version of hypothesis, so the table's numbers are not repeated to the letter."""
QUICK = 10
"""Where the first relation needed more examples, the test takes another one that the table names."""

with TABLE.open(newline="") as stream:
    ROWS = {row["mutant"]: row for row in csv.DictReader(stream)}


def _relation(name: str) -> str:
    row = ROWS[name]
    others = [other for other in row["also_refuted_by"].split("; ") if other not in ("", "none")]
    return others[0] if others and int(row["examples"]) > QUICK else row["relation"]


def test_the_table_is_about_all_mutants() -> None:
    """The committed table has one line for each mutant, in order, and every one is refuted."""
    assert list(ROWS) == list(MUTANTS)
    assert [row["kind"] for row in ROWS.values()] == [mutant.kind for mutant in MUTANTS.values()]
    assert all(row["relation"] for row in ROWS.values())


def test_enough_mutants_die_soon() -> None:
    """At least 40, of every kind, and half of them within 50 examples."""
    assert len(MUTANTS) >= 40
    assert {mutant.kind for mutant in MUTANTS.values()} == set(KINDS)
    assert statistics.median(int(row["examples_in_all"]) for row in ROWS.values()) < 50


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_refuted(name: str) -> None:
    """A relation that the table names refutes the mutant again."""
    mutant = MUTANTS[name]
    relation = {relation.name: relation for relation in relations_for(mutant)}[_relation(name)]
    assert examine(relation, {name: mutant.make()}, examples=EXAMPLES, patience=0).refutation is not None


@pytest.mark.parametrize("name", RELATIONS)
def test_right_decomposition_passes(name: str) -> None:
    """What the wrong decompositions depart from is right."""
    assert examine(RELATIONS[name], [ToyLagrangian()], examples=5, patience=0).refutation is None
