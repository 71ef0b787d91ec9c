"""``splgbench court``: who is set apart, and how small a large contradiction becomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wrong_methods import FORGETFUL

from splgbench import read_package
from splgbench.cli import main
from splgbench.result import Result, Status
from splgbench.testing.court import quarantined


def answer(name: str, status: Status, primal: int | None, dual: float | None) -> Result:
    return Result(status, name, "i", "h", primal=primal, dual=dual)


def test_quarantine() -> None:
    """A bound below a checked allocation is wrong, so is a denial of one, and what the checker refuses."""
    results = [
        answer("good", Status.OPTIMAL, 10, 10.0),
        answer("low", Status.TIME_OUT, 7, 8.0),
        answer("denier", Status.INFEASIBLE, None, None),
        answer("liar", Status.WRONG, None, 12.0),
        answer("slow", Status.TIME_OUT, 5, 30.0),
        answer("unable", Status.UNSUPPORTED, None, None),
    ]
    apart = quarantined(results)
    assert set(apart) == {"low", "denier", "liar"}
    assert "good has a checked allocation of 10" in apart["low"]
    assert quarantined([result for result in results if result.method not in apart]) == {}


def test_a_large_contradiction_becomes_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The wrong method is set apart on a cut of the real instance, and a part of it of two groups shows why."""
    monkeypatch.chdir(tmp_path)
    Path("forgetful.py").write_text(FORGETFUL)
    words = ["court", "us-miami-2011", "--cut", "6x10", "--methods", "forgetful.py@highs", "linked@highs"]
    assert main([*words, "--time-limit", "30", "--patience", "60", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert list(told["quarantined"]) == ["forgetful.py@highs"]
    assert told["verdict"].startswith("CONTRADICTION")
    assert "1 proofs" in told["verdict_of_the_others"]
    case = Path(told["folders"]["forgetful.py@highs"])
    instance = read_package(case / "instance")
    assert (instance.n_hospitals, instance.n_groups) == (1, 2)
    report = (case / "REPORT.md").read_text()
    assert "`forgetful.py@highs` is wrong" in report
    assert "| exact search and CP-SAT | optimal |" in report


def test_no_contradiction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert main(["court", "easy", "--methods", "linked@highs", "linked@cpsat", "--time-limit", "30"]) == 0
    assert "all bounds interlock: 2 answers, 2 proofs" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
