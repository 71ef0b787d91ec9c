"""Bounds of decompositions by hospital, proved again in whole numbers by the verifier."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from splgbench import Instance, load
from splgbench.certificates.produce import produce
from splgbench.certificates.verify import verify
from splgbench.cli import main
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.presolve import presolve


@pytest.mark.parametrize("name", ["dantzig-wolfe-hospital", "lagrangian-hospital", "auto"])
def test_the_bound_is_proved_from_the_multipliers(name: str) -> None:
    """Without a search of its own the certificate proves the Lagrangian bound that the trace shows."""
    instance = load("easy")
    result = method(name).solve(instance, Limits(iterations=60))
    of_relaxation = [e.dual for e in result.trace if e.source in ("pricing", "lagrangian") and e.dual is not None]
    certificate = produce(instance, rounds=1, multipliers=result.multipliers)
    proved = verify(instance, certificate).bounds["lagrangian"]
    assert proved is not None
    assert proved == pytest.approx(min(of_relaxation), abs=2)


def test_multipliers_are_named_by_group_and_region() -> None:
    """Every price stands under its cell; regions are named where there are any."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        regions=["N", "S"],
        groups={"group": ["A"], "area": ["x"], "minimum_cases": [3]},
        demand={"group": ["A", "A"], "region": ["N", "S"], "cases": [5, 4]},
        offers={
            "hospital": ["H1", "H2"],
            "group": ["A", "A"],
            "region": ["S", "S"],
            "capacity": [4, 4],
            "utility": [3, 2],
        },
    )
    offers = presolve(instance)
    relaxation = HospitalRelaxation(offers, partition(offers, "hospital"))
    prices = [2.0] * relaxation.n_rows
    named = relaxation.named(relaxation.first_multipliers() * 0 + prices)
    assert named == {"demand": [(("A", "S"), 2.0)], "cell_knapsack": [(("A", "S"), 2.0)]}


def test_certify_takes_what_a_result_brings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A result file of Dantzig-Wolfe proves its own bound; damaged multipliers are refused by name."""
    file = tmp_path / "result.json"
    assert main(["solve", "easy", "--method", "dantzig-wolfe-hospital", "--time-limit", "30", "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["certify", str(file), "--rounds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bounds"]["lagrangian"] > 0
    result = json.loads(file.read_text())
    for damaged in ({"demand": [["A", 1]]}, [1], {"demand": [[["A", ""], float("nan")]]}):
        file.write_text(json.dumps(result | {"multipliers": damaged}))
        assert main(["certify", str(file)]) == 2
        assert "field multipliers" in capsys.readouterr().err
