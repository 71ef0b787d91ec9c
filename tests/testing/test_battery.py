"""The battery itself: every registered method passes, wrong ones fall and shrink, the same seed draws the same."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from wrong_methods import CORRECT, FORGETFUL, RAISING

from splgbench.checker import check
from splgbench.instance import Instance
from splgbench.methods import Method, method
from splgbench.polish import polish
from splgbench.testing import RELATIONS, TOOL_RELATIONS, Relation, examine, registered_methods, sweep
from splgbench.testing.relations.tools import best_of, value_of
from splgbench.testing.subjects import EXAMPLES, by_backend, strides
from splgbench.testing.trial import Trial
from splgbench.transform import to_tables

METHODS = registered_methods()
PIECES = by_backend(METHODS)
HALVES = {"some": ("highs", "pyomo", "decompositions")}
HALVES["others"] = tuple(piece for piece in PIECES if piece not in HALVES["some"])
"""Pieces by who tests them: drawing and searching once more for each piece would cost as much as some pieces do."""


@pytest.mark.parametrize("half", HALVES)
def test_every_registered_method_passes(half: str) -> None:
    """25 derandomised examples a relation; one draw serves all methods, slow ones take part in some."""
    methods = [subject for piece in HALVES[half] for subject in PIECES.get(piece, ())]
    for examination in sweep(RELATIONS.values(), methods, examples=EXAMPLES["ci"], strides=strides(methods, "ci")):
        assert examination.refutation is None, examination.refutation
        assert examination.examples == EXAMPLES["ci"]


def test_the_battery_has_every_formulation_and_presolve_off() -> None:
    """Nothing registered is missing; semicontinuous columns run with and without the solver's presolve."""
    heads = {re.split("[@:]", subject.name)[0] for subject in METHODS}
    assert heads >= {"big_m_literal", "big_m_tight", "linked", "indicator", "semicontinuous", "strengthened"}
    assert heads >= {"gdp_bigm", "gdp_hull"}
    names = {subject.name for subject in METHODS}
    assert names >= {"semicontinuous@highs:presolve=off", "semicontinuous@scip:presolve=off"}


@pytest.mark.parametrize("relation", TOOL_RELATIONS.values(), ids=TOOL_RELATIONS)
def test_checker_and_polish_pass(relation: Relation) -> None:
    """The tools agree with the search, which shares nothing with them."""
    tool: Any = {"checker": check, "polish": polish}[relation.subject]
    examination = examine(relation, {relation.subject: tool}, examples=60)
    assert (examination.refutation, examination.examples) == (None, 60)


def test_every_relation_says_why() -> None:
    """Names are distinct, reasons are sentences."""
    relations = [*RELATIONS.values(), *TOOL_RELATIONS.values()]
    assert len({relation.name for relation in relations}) == len(relations) == len(RELATIONS) + len(TOOL_RELATIONS)
    assert all(relation.reason.endswith(".") and len(relation.reason) > 20 for relation in relations)


def of_file(folder: Path, name: str, text: str) -> Method:
    (folder / name).write_text(text)
    return method(f"{folder / name}@highs")


def test_a_wrong_formulation_falls_and_shrinks(tmp_path: Path) -> None:
    """The forgotten link is found and made as small as it can be; the right one beside it is not accused."""
    wrong, right = of_file(tmp_path, "forgetful.py", FORGETFUL), of_file(tmp_path, "right.py", CORRECT)
    examination = examine(RELATIONS["oracle"], [right, wrong], examples=200)
    found = examination.refutation
    assert found is not None
    assert found.subject == wrong.name
    assert "link" in found.sentence
    assert found.instance.n_hospitals <= 2
    assert found.instance.n_groups <= 3
    assert 1 <= examination.examples <= 200
    # In a sweep it falls, too, and is shrunk the same way.
    swept = sweep([RELATIONS["oracle"]], [right, wrong], examples=200)[0].refutation
    assert swept is not None
    assert (swept.subject, swept.instance.n_hospitals) == (wrong.name, found.instance.n_hospitals)


def test_a_method_that_raises_is_refuted(tmp_path: Path) -> None:
    """An error of the author's own is an answer like any other."""
    found = examine(RELATIONS["oracle"], [of_file(tmp_path, "raising.py", RAISING)], examples=50).refutation
    assert found is not None
    assert "IndexError: area 1" in found.sentence
    assert len(found.instance.areas) == 2


def recorded(seed: int, drawn: list[tuple[str, Any]]) -> None:
    def note(_method: Method, trial: Trial, varied: Any) -> None:
        drawn.append((trial.instance.instance_hash, repr(varied)))

    examine(replace(RELATIONS["early bound"], contradiction=note), [METHODS[0]], examples=12, seed=seed)


def test_the_same_seed_draws_the_same() -> None:
    """Seeds decide the draws, and nothing else does."""
    runs: list[list[tuple[str, Any]]] = [[], [], []]
    for seed, drawn in zip((1, 1, 2), runs, strict=True):
        recorded(seed, drawn)
    assert len(runs[0]) == 12
    assert runs[0] == runs[1] != runs[2]


def test_draws_do_not_depend_on_what_is_loaded() -> None:
    """Another program, with other modules loaded, draws the same instances from the same seed."""
    code = (
        "{first}\nfrom hypothesis import given\nfrom splgbench.testing import instances\n"
        "from splgbench.testing.draws import reproducibly\nfound = []\n"
        "reproducibly('x', 1, 60, shrink=False)(given(instances())(lambda i: found.append(i.instance_hash)))()\n"
        "print(*found)"
    )
    programs = [code.format(first=first) for first in ("", "import statistics, splgbench.campaign, splgbench.cli")]
    answers = [subprocess.run([sys.executable, "-c", p], capture_output=True, text=True, check=True) for p in programs]
    assert len(answers[0].stdout.split()) == 60
    assert answers[0].stdout == answers[1].stdout


def test_strides_thin_out_slow_methods() -> None:
    """A method with stride n meets every n-th draw; relations with nothing to vary wait for another draw."""
    met: dict[str, int] = {}

    def note(subject: Method, _trial: Trial, _varied: Any) -> None:
        met[subject.name] = met.get(subject.name, 0) + 1

    def needs_links(_draw: st.DrawFn, trial: Trial) -> bool | None:
        return True if "links" in to_tables(trial.instance) else None

    fast, slow = METHODS[0], METHODS[1]
    relation = Relation("counted", "A test counts how often it is asked.", note, needs_links)
    examination = sweep([relation], [fast, slow], examples=20, strides={slow.name: 4})[0]
    assert (examination.examples, met) == (20, {fast.name: 20, slow.name: 5})


def test_what_the_search_says_of_allocations() -> None:
    """Values and refusals by hand: a threshold of 5, a link, a granted offer."""
    instance = Instance.from_tables(
        hospitals=["H"],
        groups={"group": ["A", "B"], "area": ["x", "x"], "minimum_cases": [5, 0]},
        demand={"group": ["A", "B"], "cases": [9, 4]},
        offers={"hospital": ["H", "H"], "group": ["A", "B"], "capacity": [8, 4], "utility": [3, 2]},
        links={"group": ["A"], "clause": ["1"], "mode": ["all"], "required": ["B"]},
        overrides={"hospital": ["H"], "group": ["B"], "action": ["grant"], "reason": ["needed"]},
        capacity_mode="both",
    )
    worth = {(8, 4): 32, (5, 1): 17, (4, 1): None, (5, 0): None, (9, 1): None, (0, 0): None, (0, 3): 6, (0, -1): None}
    for (a, b), value in worth.items():
        assert value_of(instance, {("H", "A"): a, ("H", "B"): b}) == value, (a, b)
    assert value_of(instance, {("H", "C"): 1}) is None
    best = {(True, True): 32, (False, True): 8, (True, False): None, (False, False): None}
    for held, value in best.items():
        assert best_of(instance, np.array(held)) == value, held


def test_the_documentation_names_every_relation() -> None:
    """The page for authors lists the relations with their reasons, as they are."""
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
    for relation in (*RELATIONS.values(), *TOOL_RELATIONS.values()):
        assert f"| {relation.name} | {relation.reason} |" in page
