"""``splgbench certify`` as a user meets it: claims beside proofs, contradictions, files that say something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from splgbench import Instance, write_package
from splgbench.cli import main


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A two-hospital package with a link and a threshold; its optimum is 59."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["A", "B"], "area": ["x", "y"], "minimum_cases": [5, 0]},
        demand={"group": ["A", "B"], "cases": [10, 7]},
        offers={"hospital": ["H1", "H2", "H2"], "group": ["A", "A", "B"], "capacity": [5, 6, 7], "utility": [3, 4, 5]},
        links={"group": ["A"], "clause": ["1"], "mode": ["any"], "required": ["B"]},
        name="small",
    )
    write_package(instance, tmp_path / "small")
    return tmp_path / "small"


@pytest.fixture
def result(package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A result file of that package."""
    assert main(["solve", str(package), "-o", str(tmp_path / "result.json"), "--time-limit", "20"]) == 0
    capsys.readouterr()
    return tmp_path / "result.json"


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main([str(word) for word in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def changed(path: Path, **fields: Any) -> Path:
    """A copy of a JSON file with other values in some fields."""
    target = path.with_name("changed.json")
    target.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")
    return target


def test_result_is_certified_and_its_certificate_verifies(
    package: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result gives a certificate; the certificate alone, and the result with it, say the same."""
    certificate = tmp_path / "certificate.json"
    made = run(capsys, "certify", result, "--instance", package, "-o", certificate, "--json")
    alone = run(capsys, "certify", certificate, "--instance", package, "--json")
    beside = run(capsys, "certify", result, "--instance", package, "--certificate", certificate, "--json")
    assert made[0] == alone[0] == beside[0] == 0
    told = json.loads(made[1])
    assert told == json.loads(alone[1]) == json.loads(beside[1])
    assert (told["method"], told["primal"], told["claimed_dual"]) == ("auto", 59, 59)
    assert (told["dual"], told["gap"], told["dual_claim"]) == (59, 0.0, "verified")
    code, out, _ = run(capsys, "certify", result, "--instance", package)
    assert code == 0
    assert "primal  claimed 59, verified 59" in out
    assert "the gap proved without the solver is 0 %" in out


def test_tighter_claim_is_not_verified_but_not_wrong(
    package: Path, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worse allocation with the bound 58: above its value, below what can be proved."""
    worse = [{"hospital": "H2", "group": "B", "cases": 7}]
    path = changed(result, allocation=worse, primal=35, dual=40, claimed_dual=40.0)
    code, out, _ = run(capsys, "certify", path, "--instance", package)
    assert code == 0
    assert "dual    claimed 40, not verified" in out


def test_contradictions_end_with_1(package: Path, result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bound below the value, another value, an allocation that breaks a rule, a certificate that is not proved."""
    code, out, _ = run(capsys, "certify", changed(result, dual=50), "--instance", package)
    assert code == 1
    assert "contradiction: the claimed dual 50 lies below the checked value 59" in out
    code, _, err = run(capsys, "certify", changed(result, primal=60), "--instance", package)
    assert code == 1
    assert "field primal: claims 60, the allocation is worth 59" in err
    broken = [{"hospital": "H1", "group": "A", "cases": 5}]
    code, _, err = run(capsys, "certify", changed(result, allocation=broken, primal=15), "--instance", package)
    assert code == 1
    assert "field allocation: link: H1 has A without one of B" in err


def test_certificate_that_claims_too_much_ends_with_1(
    package: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its stated bound must follow from its multipliers; its claims must not contradict its own allocation."""
    certificate = tmp_path / "certificate.json"
    run(capsys, "certify", result, "--instance", package, "-o", certificate)
    data = json.loads(certificate.read_text(encoding="utf-8"))
    data["bounds"][0]["bound"] -= 1
    code, _, err = run(capsys, "certify", changed(certificate, bounds=data["bounds"]), "--instance", package)
    assert code == 1
    assert "field bounds[0].bound: claims 58, 59 is proved" in err
    code, out, _ = run(capsys, "certify", changed(certificate, claims={"primal": 60}), "--instance", package)
    assert code == 1
    assert "contradiction: the claimed primal is 60, the allocation is worth 59" in out


def test_bad_input_ends_with_2(package: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another instance, a name the library does not have, no JSON, no object, a field of the wrong type."""
    code, _, err = run(capsys, "certify", result)
    assert (code, "small is not in the library; say which it is with --instance" in err) == (2, True)
    code, _, err = run(capsys, "certify", result, "--instance", package, "--without", "links")
    assert (code, "field instance_hash: is not that of small" in err) == (2, True)
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    code, _, err = run(capsys, "certify", tmp_path / "list.json")
    assert (code, "must be a result or a certificate" in err) == (2, True)
    (tmp_path / "list.json").write_text("{", encoding="utf-8")
    assert run(capsys, "certify", tmp_path / "list.json")[0] == 2
    code, _, err = run(capsys, "certify", changed(result, dual="59"), "--instance", package)
    assert (code, "field dual: must be a number" in err) == (2, True)
    code, _, err = run(capsys, "certify", changed(result, dual=float("nan")), "--instance", package, "--json")
    assert code == 2
    assert run(capsys, "certify", tmp_path / "missing.json")[0] == 2


def test_infeasible_result_has_no_bound_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Overrides that clash: no allocation, and the verifier proves that there is none."""
    instance = Instance.from_tables(
        hospitals=["H1"],
        groups={"group": ["A"], "area": ["x"], "minimum_cases": [5]},
        demand={"group": ["A"], "cases": [9]},
        offers={"hospital": ["H1"], "group": ["A"], "capacity": [3], "utility": [1]},
        overrides={"hospital": ["H1"], "group": ["A"], "action": ["grant"], "reason": ["a promise"]},
        name="clash",
    )
    write_package(instance, tmp_path / "clash")
    assert run(capsys, "solve", tmp_path / "clash", "-o", tmp_path / "result.json")[0] == 4
    code, out, _ = run(capsys, "certify", tmp_path / "result.json", "--instance", tmp_path / "clash")
    assert code == 0
    assert "no allocation exists" in out


def test_name_of_a_generated_instance_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`easy-s1` is the recipe `easy` with its seed; the hash decides whether it is the same."""
    assert run(capsys, "solve", "easy", "--time-limit", 20, "-o", tmp_path / "result.json")[0] == 0
    code, out, _ = run(capsys, "certify", tmp_path / "result.json", "--rounds", 1)
    assert code == 0
    assert "proved  lagrangian" in out
