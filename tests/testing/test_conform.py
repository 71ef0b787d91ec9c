"""``splgbench conform`` as its users meet it: exit codes, the folder a failure leaves, crashes that hurt nobody."""

from __future__ import annotations

import json
from pathlib import Path

import highspy
import pytest
from wrong_methods import CORRECT, CRASHING, DECOMPOSITION, FORGETFUL

from splgbench import load, read_package, solve
from splgbench.cli import main
from splgbench.errors import InputError, UnsupportedError
from splgbench.methods import method
from splgbench.testing import RELATIONS, Refutation, conform
from splgbench.testing.blame import blame, filed
from splgbench.testing.subjects import runnable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, outside the repository."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"forgetful": FORGETFUL, "correct": CORRECT, "crashing": CRASHING}.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_a_wrong_file_is_refuted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At most 2 hospitals and 3 groups, and a folder from which the failure can be seen again."""
    earlier = folder / "refuted-forgetful"
    earlier.mkdir()
    (earlier / "REPORT.md").write_text("of another day")
    assert main(["conform", "forgetful.py", "--examples", "100", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["conforms"], told["relation"], told["folder"]) == (False, "oracle", "refuted-forgetful-2")
    assert [path.read_text() for path in earlier.iterdir()] == ["of another day"]
    case = folder / told["folder"]
    instance = read_package(case / "instance")
    assert instance.n_hospitals <= 2
    assert instance.n_groups <= 3
    report = (case / "REPORT.md").read_text()
    for part in ("The formulation: it is just as wrong on", "`linked@highs` | no contradiction", "highspy 1."):
        assert part in report
    facts = json.loads((case / "answers.json").read_text())
    exact, wrong = facts["answers"]["instance"]["exact"], facts["answers"]["instance"]["forgetful.py@highs"]
    assert (exact["status"], wrong["status"]) == ("optimal", "wrong")
    assert exact["primal"] != wrong["claimed_primal"]
    assert wrong["claimed_mandates"]
    # The model files hold the same wrong optimum, the copied file the same wrong method.
    for suffix in ("mps", "lp"):
        highs = highspy.Highs()
        highs.silent()
        highs.readModel(str(case / f"instance.{suffix}"))
        highs.run()
        assert abs(highs.getObjectiveValue()) == pytest.approx(wrong["claimed_primal"])
    assert solve(instance, f"{case / 'forgetful.py'}@highs").status == "wrong"
    assert main(["conform", "forgetful.py", "--examples", "100", "-o", "refuted-forgetful"]) == 2


def test_a_right_file_conforms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and one line that says how much was tried."""
    assert main(["conform", "correct.py@cpsat", "--examples", "2", "--relation", "oracle", "--relation", "fix"]) == 0
    assert "correct.py@cpsat conforms: 4 examples of 2 relations, seed 0" in capsys.readouterr().out
    assert sorted(entry.name for entry in folder.iterdir() if entry.suffix != ".py") == []


def test_a_crash_is_a_refutation(folder: Path) -> None:
    """A method that kills its process is refuted by that, on a small instance; this process lives on."""
    outcome = conform("crashing.py", examples=30, relations=["oracle"])
    assert outcome.crashed
    assert outcome.refutation is not None
    assert "SIGABRT" in outcome.refutation.sentence
    assert len(outcome.refutation.instance.areas) == 2
    assert outcome.refutation.instance.n_offers <= 4


def test_bad_requests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each gives one sentence and its exit code."""
    (folder / "empty.py").write_text("x = 1\n")
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "number.py").write_text("method = 3\n")
    cases = {
        ("nowhere.py",): (2, "no such Python file"),
        ("empty.py",): (2, "must name its formulation"),
        ("broken.py",): (2, "ZeroDivisionError"),
        ("number.py",): (2, "neither a formulation nor a decomposition"),
        ("nonsense",): (3, "no formulation named nonsense"),
        ("indicator@highs",): (3, "indicator rows"),
        ("linked@highs", "--relation", "love"): (3, "no relation named love"),
        ("linked@highs", "--examples", "0"): (2, "at least 1"),
        (): (2, "name a file or a method"),
    }
    for words, (code, sentence) in cases.items():
        assert main(["conform", *words]) == code, words
        error = capsys.readouterr().err
        assert sentence in error, words
        assert "Traceback" not in error
    assert main(["conform", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(RELATIONS)


def test_methods_from_files(folder: Path) -> None:
    """A file stands where a name stands, options included."""
    subject = method("correct.py@highs:volumes=integer")
    assert subject.name == "correct.py@highs:volumes=integer"
    assert subject.solve(load("easy")).primal == solve(load("easy")).primal
    with pytest.raises(InputError, match="needs a backend"):
        method("correct.py")


def test_a_backend_is_found() -> None:
    """HiGHS where it can, another where it cannot; what nothing takes is refused."""
    assert runnable("linked") == "linked@highs"
    assert runnable("indicator") == "indicator@scip"
    assert runnable("linked@cpsat:presolve=off") == "linked@cpsat:presolve=off"
    with pytest.raises(UnsupportedError):
        runnable("semicontinuous@pyomo")


def test_blame() -> None:
    """Wrong everywhere is the formulation's fault, wrong in one place the solver's."""
    refutation = Refutation("oracle", "mine@highs", "wrong", load("easy"), True)
    assert blame(refutation, {"mine@scip": "no", "linked@highs": None}).startswith("The formulation")
    assert blame(refutation, {"mine@scip": None, "mine@cpsat": None}).startswith("The backend `highs`")
    assert blame(refutation, {"mine@scip": None, "mine@cpsat": "no"}).startswith("Unclear")
    assert "No second backend" in blame(refutation, {"linked@highs": None})


def test_a_decomposition_in_a_file(folder: Path) -> None:
    """It needs no backend; an incumbent reported as a bound is found where the method is stopped early."""
    (folder / "hasty.py").write_text(DECOMPOSITION)
    outcome = conform("hasty.py", examples=300, relations=["early bound"])
    assert outcome.refutation is not None
    assert "bounds the optimum by" in outcome.refutation.sentence
    filed(outcome, folder / "case")
    report = (folder / "case" / "REPORT.md").read_text()
    assert "`hasty.py` as a whole is in question" in report
    assert "| `linked@highs` | no contradiction |" in report
