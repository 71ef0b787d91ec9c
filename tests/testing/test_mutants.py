"""Every wrong subject is refuted by the relation that the committed table names; its right counterpart is not."""

from __future__ import annotations

import statistics

import pytest
from mutants_for_tests import EXAMPLES, refuting, rows_of

from splgbench.testing import RELATIONS, examine
from splgbench.testing.mutants import KINDS, MUTANTS, relations_for
from splgbench.testing.mutants.toy_lagrangian import ToyLagrangian

ROWS = rows_of("mutants")


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
    relation = {relation.name: relation for relation in relations_for(mutant)}[refuting(ROWS[name])]
    assert examine(relation, {name: mutant.make()}, examples=EXAMPLES, patience=0).refutation is not None


@pytest.mark.parametrize("name", RELATIONS)
def test_right_decomposition_passes(name: str) -> None:
    """What the wrong decompositions depart from is right."""
    assert examine(RELATIONS[name], [ToyLagrangian()], examples=5, patience=0).refutation is None
