"""Methods, checker and polish on drawn instances with extensions; wrong readings of extensions fall."""

from __future__ import annotations

from typing import Any

import pytest

from splgbench.checker import check
from splgbench.methods import method
from splgbench.polish import polish
from splgbench.testing import examine
from splgbench.testing.mutants import VARIANT_MUTANTS, relations_for
from splgbench.testing.relations import VARIANT_RELATIONS

METHODS = ("linked@highs", "strengthened@cpsat")
EXAMPLES = 8


@pytest.mark.parametrize("name", VARIANT_RELATIONS)
def test_right_ones_pass(name: str) -> None:
    """A few draws of every relation; one draw serves all methods."""
    relation = VARIANT_RELATIONS[name]
    tools: dict[str, Any] = {"checker": check, "polish": polish}
    tool = tools.get(relation.subject)
    subjects: Any = [method(other) for other in METHODS] if tool is None else {relation.subject: tool}
    examination = examine(relation, subjects, examples=EXAMPLES)
    assert (examination.refutation, examination.examples) == (None, EXAMPLES)


@pytest.mark.parametrize("name", VARIANT_MUTANTS)
def test_wrong_ones_fall(name: str) -> None:
    """One of the relations of its extension refutes each."""
    mutant = VARIANT_MUTANTS[name]
    found = (examine(relation, {name: mutant.make()}, examples=120, patience=0) for relation in relations_for(mutant))
    assert any(examination.refutation is not None for examination in found)


def test_relations_and_mutants_are_named() -> None:
    """At least three mutants for each extension; reasons are sentences."""
    assert len(VARIANT_MUTANTS) >= 18
    assert all(relation.reason.endswith(".") for relation in VARIANT_RELATIONS.values())
