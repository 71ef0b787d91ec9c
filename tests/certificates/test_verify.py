"""The verifier against search: allocations, bounds for any multipliers, tampered certificates, what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances_for_tests import make, plain_tables, small

from splgbench import Instance, check
from splgbench.certificates import Certificate, DualPart, RefutedError, parse_certificate, read_certificate, verify
from splgbench.certificates.produce import derivable_rows, produce
from splgbench.certificates.verify import RELAXED, Rules, prove
from splgbench.errors import InputError
from splgbench.testing.oracles import by_search
from splgbench.testing.strategies import allocations, instances

SOURCES = Path(__file__).parents[2] / "src" / "splgbench"
quick = settings(derandomize=True, database=None, deadline=None, max_examples=80)


def rules_of(instance: Instance) -> Rules:
    return Rules(instance.to_tables(), instance.capacity_mode)


def drawn_part(data: st.DataObject, rules: Rules, kind: str) -> DualPart:
    """A dual part with multipliers at random for some of the rows that can be derived."""
    denominator = data.draw(st.sampled_from([1, 2, 3, 64]), label="denominator")
    budget = data.draw(st.sampled_from([0, 1, 3, 1000]), label="node_budget")
    rows: dict[str, list[tuple[list[Any], int]]] = {}
    for family, key in derivable_rows(rules):
        if kind == "lp" or family in RELAXED:
            most = 12 * denominator
            multiplier = data.draw(st.one_of(st.just(0), st.integers(0, most)), label=f"{family} {key}")
            rows.setdefault(family, []).append((key, multiplier))
    return DualPart(kind, 0, denominator, rows, budget)


@pytest.mark.parametrize("kind", ["lp", "lagrangian"])
@settings(quick, max_examples=150)
@given(data=st.data())
def test_bound_for_any_multipliers_is_at_least_the_optimum(kind: str, data: st.DataObject) -> None:
    """Whatever the multipliers, rows and node budget: the bound is one, and None only where no allocation exists."""
    instance = data.draw(instances())
    optimum = by_search(instance).optimum
    rules = rules_of(instance)
    bound = prove(rules, drawn_part(data, rules, kind))
    if bound is None:
        assert optimum is None
    elif optimum is not None:
        assert bound >= optimum


@quick
@given(data=st.data())
def test_primal_agrees_with_checker_and_search(data: st.DataObject) -> None:
    """Near feasibility the verifier accepts what the checker accepts, at the same value; the optimum above all."""
    instance = data.draw(instances())
    answer, rules = by_search(instance), rules_of(instance)
    if answer.cases is not None:
        assert rules.judge(answer.cases) == ("", answer.optimum)
    cases = data.draw(allocations(instance, answer.cases))
    verdict = check(instance, cases)
    broken, value = rules.judge(cases)
    assert (broken == "") == verdict.feasible
    if verdict.feasible:
        assert value == verdict.objective


@quick
@given(data=st.data())
def test_deductions_hold_in_every_optimum(data: st.DataObject) -> None:
    """No optimum uses an offer that is deduced dead, more than its largest volume, or less than what must stand."""
    instance = data.draw(instances())
    answer, rules = by_search(instance), rules_of(instance)
    if answer.cases is None:
        return
    volume = {rules.offer[pair]: x for pair, x in answer.cases.items() if x}
    assert not volume.keys() & rules.dead
    assert rules.stands <= volume.keys()
    assert all(x <= rules.high[k] for k, x in volume.items())


@settings(quick, max_examples=150)
@given(instance=instances())
def test_produced_certificate_verifies_after_a_round_trip(instance: Instance) -> None:
    """What is produced is verified, also from its file; infeasible overrides included."""
    answer = by_search(instance)
    made = produce(instance, answer.cases, rounds=3)
    text = json.loads(json.dumps(as_data(made)))
    verified = verify(instance, parse_certificate(text))
    assert verified.primal == answer.optimum
    for bound in verified.bounds.values():
        assert answer.optimum is None or (bound is not None and bound >= answer.optimum)


def as_data(certificate: Certificate) -> dict[str, Any]:
    """The JSON object that `Certificate.write` writes."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.json"
        certificate.write(path)
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


@pytest.fixture
def instance() -> Instance:
    return small(overrides=None)


@pytest.fixture
def honest(instance: Instance) -> dict[str, Any]:
    """A certificate of the optimum of the small instance."""
    return as_data(produce(instance, by_search(instance).cases, rounds=2))


def test_honest_certificate_holds(instance: Instance, honest: dict[str, Any]) -> None:
    """The starting point of the tampering below; its bounds are not far from the optimum."""
    verified = verify(instance, parse_certificate(honest))
    optimum = by_search(instance).optimum
    assert verified.primal == optimum
    assert optimum is not None
    assert all(bound is not None and optimum <= bound <= 1.2 * optimum for bound in verified.bounds.values())


@pytest.mark.parametrize("kind", [0, 1])
def test_bound_lower_than_proved_is_refuted(instance: Instance, honest: dict[str, Any], kind: int) -> None:
    """One unit less than the multipliers prove is a contradiction, one unit more is not."""
    honest["bounds"][kind]["bound"] += 1
    verify(instance, parse_certificate(honest))
    honest["bounds"][kind]["bound"] -= 2
    with pytest.raises(RefutedError, match=rf"certificate: field bounds\[{kind}\].bound: claims"):
        verify(instance, parse_certificate(honest))


def test_allocation_that_breaks_a_row_is_refuted(instance: Instance, honest: dict[str, Any]) -> None:
    """Each kind of row: a case too many, a case too few, a mandate that a link needs gone, no offer, below zero."""
    for row in honest["allocation"]:
        for changed in (row[2] + 100, 0, -1):
            broken = [[*other[:2], changed if other is row else other[2]] for other in honest["allocation"]]
            with pytest.raises(RefutedError, match=r"field (allocation|primal)"):
                verify(instance, parse_certificate(honest | {"allocation": broken}))
    with pytest.raises(RefutedError, match="9 cases of G2 at H2 are not possible"):
        verify(instance, parse_certificate(honest | {"allocation": [["H2", "G2", 9]]}))


def test_other_value_is_refuted(instance: Instance, honest: dict[str, Any]) -> None:
    """The stated objective must be that of the allocation; without an allocation there is none."""
    with pytest.raises(RefutedError, match="field primal: claims"):
        verify(instance, parse_certificate(honest | {"primal": honest["primal"] + 1}))
    with pytest.raises(RefutedError, match="worth None"):
        verify(instance, parse_certificate(honest | {"allocation": None}))


def test_other_instance_is_refused(honest: dict[str, Any]) -> None:
    """A certificate speaks of one instance."""
    with pytest.raises(InputError, match="field instance_hash"):
        verify(small("group", overrides=None), parse_certificate(honest))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"magic": [["H1", "G1", 1]]}, "no such family"),
        ({"demand": [["G9", "", 1]]}, "cannot derive the row demand of"),
        ({"demand": [["G1", 1]]}, "cannot derive the row demand of"),
        ({"demand": [[["G1"], {}, 1]]}, "cannot derive the row demand of"),
        ({"link": [["H1", "G1", "base", "G3", 1]]}, "cannot derive the row link of"),
        ({"link": [["H1", "G2", "base", None, 1]]}, "cannot derive the row link of"),
        ({"closure_cut": [["H1", "G2", "A", ["G3", "G1"], 1]]}, "not all of these offers need it"),
        ({"closure_cut": [["H1", "G3", "A", ["G3", "G1"], 1]]}, "not all of these offers need it"),
        ({"shared_link_cut": [["H1", "A", [], 1]]}, "cannot derive the row shared_link_cut"),
        ({"area_capacity": [["H1", "Z", 1]]}, "cannot derive the row area_capacity"),
    ],
)
def test_rows_that_do_not_follow_are_refused(
    instance: Instance, honest: dict[str, Any], rows: dict[str, Any], words: str
) -> None:
    """Families, offers, clauses and cuts must follow from the instance; coefficients are never read."""
    honest["bounds"][0]["rows"] = rows
    with pytest.raises(InputError, match=words):
        verify(instance, parse_certificate(honest))


def test_lagrangian_relaxes_only_what_couples_hospitals(instance: Instance, honest: dict[str, Any]) -> None:
    """A row that holds within a block has no place among the relaxed ones."""
    honest["bounds"][1]["rows"] = {"area_capacity": [["H1", "A", 1]]}
    with pytest.raises(InputError, match="lagrangian relaxes demand and cell_knapsack"):
        verify(instance, parse_certificate(honest))


def test_area_rows_need_a_mode_with_areas(honest: dict[str, Any]) -> None:
    """In mode group no area capacity holds, so no row may use it."""
    part = DualPart("lp", 10**9, 1, {"area_knapsack": [(["H1", "A"], 1)]})
    instance = small("group", overrides=None)
    with pytest.raises(InputError, match="cannot derive the row area_knapsack"):
        verify(instance, Certificate("", instance.instance_hash, None, None, (part,)))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("schema",), "splgbench-certificate-2", "field schema: must be splgbench-certificate-1"),
        (("instance_hash",), None, "field instance_hash: must be text"),
        (("primal",), 5.0, "field primal: must be a whole number"),
        (("allocation",), [["H1", "G1"]], r"field allocation\[0\]: must be \[hospital, group, cases\]"),
        (("allocation",), [["H1", "G1", True]], r"field allocation\[0\]: must be a whole number"),
        (
            ("allocation",),
            [["H1", "G1", 2], ["H1", "G1", 3]],
            r"field allocation\[1\]: hospital and",
        ),
        (("bounds",), {}, "field bounds: must be a list"),
        (("bounds", 0), 7, r"field bounds\[0\]: must be an object"),
        (("bounds", 0, "kind"), "magic", r"field bounds\[0\].kind: must be lp or lagrangian"),
        (("bounds", 0, "kind"), "lagrangian", "field bounds: must not hold a kind twice"),
        (("bounds", 0, "bound"), "9", r"field bounds\[0\].bound: must be a whole number"),
        (("bounds", 0, "denominator"), 0, r"field bounds\[0\].denominator: must be at least 1"),
        (("bounds", 1, "node_budget"), 10**7, r"field bounds\[1\].node_budget: must be from 0 to 1000000"),
        (("bounds", 0, "rows"), [], r"field bounds\[0\].rows: must be an object"),
        (("bounds", 0, "rows", "demand"), 3, r"field bounds\[0\].rows.demand: must be a list"),
        (("bounds", 0, "rows", "demand"), [[]], r"rows.demand\[0\]: must be \[key, ..., multiplier\]"),
        (
            ("bounds", 0, "rows", "demand"),
            [["G1", "", -1]],
            r"demand\[0\]: a multiplier must not be negative",
        ),
        (("bounds", 0, "rows", "demand"), [["G1", "", 0.5]], r"demand\[0\]: must be a whole number"),
    ],
)
def test_malformed_fields_are_named(honest: dict[str, Any], path: tuple[Any, ...], value: Any, words: str) -> None:
    """A field that is not as it must be is refused with its name."""
    at: Any = honest
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(InputError, match=words):
        parse_certificate(honest)


def test_negative_multiplier_is_refused_by_the_verifier_itself(instance: Instance) -> None:
    """The sign is checked where it matters, not only where files are read."""
    part = DualPart("lp", 10**9, 1, {"demand": [(["G1", ""], -1)]})
    with pytest.raises(InputError, match="must not be negative"):
        verify(instance, Certificate("", instance.instance_hash, None, None, (part,)))


def test_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    """The sentence names the file and the line."""
    (tmp_path / "broken.json").write_text('{"schema":\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.json, row \d: must be JSON"):
        read_certificate(tmp_path / "broken.json")


def test_cooperation_links_join_blocks() -> None:
    """By hospital alone each would earn nothing or miss the partner: the joint block finds the optimum."""
    tables = plain_tables(
        {("H1", "G1"): (10, 2), ("H2", "G2"): (10, 1)},
        {"G1": 10, "G2": 10},
        links=[("G1", "1", "any", "G2", "cooperation")],
        networks={"H1": "net", "H2": "net"},
    )
    instance = make(tables, "group")
    rules = rules_of(instance)
    assert len(rules.blocks()) == 1
    rows = {"demand": [(["G1", ""], 0), (["G2", ""], 1)]}
    # The demand of G2 costs 10 and its offer then gains nothing: 20 for G1, which needs G2 to stand.
    assert prove(rules, DualPart("lagrangian", 0, 1, rows, 100)) == by_search(instance).optimum == 30


def test_clash_of_overrides_is_proved() -> None:
    """A granted offer that cannot reach its threshold: every bound is None, and nothing crashes."""
    tables = plain_tables(
        {("H1", "G1"): (3, 1)}, {"G1": 9}, minimum={"G1": 5}, overrides=[("H1", "G1", "grant", None, "")]
    )
    instance = make(tables, "group")
    verified = verify(instance, produce(instance))
    assert (verified.primal, verified.bounds) == (None, {"lp": None, "lagrangian": None})


def test_smaller_budget_only_weakens_the_bound() -> None:
    """A node budget that is used up leaves an over-estimate: never below the exact bound."""
    tables = plain_tables(
        {("H1", f"G{i}"): (7, 1 + i % 3) for i in range(6)},
        dict.fromkeys((f"G{i}" for i in range(6)), 7),
        areas=dict.fromkeys((f"G{i}" for i in range(6)), "A"),
        minimum=dict.fromkeys((f"G{i}" for i in range(6)), 4),
        pairs={("H1", "A"): 17},
        links=[(f"G{i}", "1", "any", f"G{(i + 1) % 6}", "inhouse") for i in range(5)],
    )
    instance = make(tables, "both")
    part = DualPart("lagrangian", 0, 1, {}, 0)
    bounds = [prove(rules_of(instance), replace(part, node_budget=budget)) for budget in (0, 2, 5, 1000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == by_search(instance).optimum


def test_verifier_is_small_and_stands_alone() -> None:
    """Under 300 lines; no solver, no numerical library, nothing of formulations, rows, presolve, checker or polish."""
    assert len((SOURCES / "certificates" / "verify.py").read_text(encoding="utf-8").splitlines()) < 300
    script = f"""
import sys, types
for name, folder in (("splgbench", {str(SOURCES)!r}), ("splgbench.certificates", {str(SOURCES / "certificates")!r})):
    package = types.ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package
import splgbench.certificates.verify
print(*sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("splgbench.")}
    assert not loaded & {"highspy", "ortools", "pyscipopt", "scipy", "scipy.optimize"}
    assert ours == {
        "splgbench.certificates",
        "splgbench.certificates.certificate",
        "splgbench.certificates.numbers",
        "splgbench.certificates.verify",
        "splgbench.errors",
        "splgbench.files",
        "splgbench.instance",
        "splgbench.tables",
    }


def test_import_of_the_package_loads_no_solver_for_the_verifier() -> None:
    """Imported as users import it, the verifier still brings no solver and no formulation."""
    script = "import sys, splgbench.certificates.verify; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"highspy", "ortools", "pyscipopt", "scipy.optimize", "splgbench.formulations"}


def test_fee_of_a_mandate_is_spread_upwards() -> None:
    """Gain 2 x 3 less a fee of 1 is no whole gain per case: rounded down, the bound would fall below the optimum."""
    instance = make(plain_tables({("H1", "G1"): (3, 2)}, {"G1": 3}, minimum={"G1": 3}), "group")
    part = DualPart("lagrangian", 0, 1, {"cell_knapsack": [(["G1", ""], 1)]}, 100)
    bound = prove(rules_of(instance), part)
    assert bound is not None
    assert bound >= by_search(instance).optimum == 6


def test_full_mandate_does_not_end_the_filling() -> None:
    """A granted offer with nothing left to fill comes first by gain; what comes after it counts."""
    tables = plain_tables(
        {("H1", "G1"): (3, 9), ("H1", "G2"): (2, 1)},
        {"G1": 3, "G2": 2},
        minimum={"G1": 3},
        overrides=[("H1", "G1", "grant", None, "")],
    )
    instance = make(tables, "both")
    assert prove(rules_of(instance), DualPart("lagrangian", 0, 1, {}, 100)) == by_search(instance).optimum == 29
