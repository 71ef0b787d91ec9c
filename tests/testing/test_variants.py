"""Methods, checker and polish on drawn instances with extensions; valuations, frontiers and accounts; wrong ones fall.

`benchmarks/results/variant_mutants.csv` says which relation refutes which.
"""

from __future__ import annotations

from typing import Any

import pytest
from mutants_for_tests import EXAMPLES as MOST_EXAMPLES
from mutants_for_tests import refuting, rows_of

from splgbench.methods import method
from splgbench.testing import OWN, VARIANT_RELATIONS, examine
from splgbench.testing.mutants import KINDS_OF_VALUE, VARIANT_MUTANTS, relations_for
from splgbench.testing.plain_value import PlainAccount, PlainValuation

METHODS = ("linked@highs", "strengthened@cpsat")
EXAMPLES = 8
ROWS = rows_of("variant_mutants")


@pytest.mark.parametrize("name", VARIANT_RELATIONS)
def test_right_ones_pass(name: str) -> None:
    """A few draws of every relation; one draw serves all methods."""
    relation = VARIANT_RELATIONS[name]
    tool = OWN.get(relation.subject)
    subjects: Any = [method(other) for other in METHODS] if tool is None else {relation.subject: tool}
    examination = examine(relation, subjects, examples=EXAMPLES)
    assert (examination.refutation, examination.examples) == (None, EXAMPLES)


@pytest.mark.parametrize("name", VARIANT_MUTANTS)
def test_wrong_ones_fall(name: str) -> None:
    """A relation that the table names refutes each again."""
    mutant = VARIANT_MUTANTS[name]
    relation = {relation.name: relation for relation in relations_for(mutant)}[refuting(ROWS[name])]
    assert examine(relation, {name: mutant.make()}, examples=MOST_EXAMPLES, patience=0).refutation is not None


@pytest.mark.parametrize(("subject", "right"), [("valuation", PlainValuation()), ("account", PlainAccount())])
def test_what_mutants_depart_from_is_right(subject: str, right: Any) -> None:
    """The plain readings pass every relation, so that a mutant falls by its one wrong stage."""
    for relation in VARIANT_RELATIONS.values():
        if relation.subject == subject:
            assert examine(relation, {subject: right}, examples=EXAMPLES).refutation is None


def test_relations_and_mutants_are_named() -> None:
    """At least three mutants for each variant, value, frontier and fund; reasons are sentences; the table has all."""
    assert len(VARIANT_MUTANTS) >= 18
    for kind in KINDS_OF_VALUE:
        assert sum(mutant.kind == kind for mutant in VARIANT_MUTANTS.values()) >= 3
    assert all(relation.reason.endswith(".") for relation in VARIANT_RELATIONS.values())
    assert list(ROWS) == list(VARIANT_MUTANTS)
    assert all(row["relation"] for row in ROWS.values())
