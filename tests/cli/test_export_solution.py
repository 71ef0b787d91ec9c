"""Model files with their solution, read back by the solvers themselves."""

from __future__ import annotations

import json

import highspy
import pytest

from splgbench.cli import main
from splgbench.library.best_known import best_known

NAME = "tiny/capacity-both/rules-plain/seed-1"


def by_highs(model, solution):
    """HiGHS's objective of the solution it reads, whether it is feasible, and the optimum it finds from there."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    assert highs.readModel(str(model)) == highspy.HighsStatus.kOk
    assert highs.readSolution(str(solution), 0) == highspy.HighsStatus.kOk
    values, costs = highs.getSolution().col_value, highs.getLp().col_cost_
    rows, lp = highs.getSolution().row_value, highs.getLp()
    assert all(lp.col_lower_[i] <= value <= lp.col_upper_[i] for i, value in enumerate(values))
    read = sum(cost * value for cost, value in zip(costs, values, strict=True))
    feasible = all(
        low - 1e-9 <= row <= up + 1e-9 for low, row, up in zip(lp.row_lower_, rows, lp.row_upper_, strict=True)
    )
    highs.run()
    return read, feasible, highs.getInfo().objective_function_value


def by_scip(model, solution):
    """The same from SCIP."""
    pyscipopt = pytest.importorskip("pyscipopt")
    scip = pyscipopt.Model()
    scip.hideOutput()
    scip.readProblem(str(model))
    read = scip.readSolFile(str(solution))
    value, feasible = scip.getSolObjVal(read), scip.checkSol(read)
    scip.addSol(read)
    scip.optimize()
    return value, feasible, scip.getObjVal()


@pytest.mark.parametrize("reader", [by_highs, by_scip])
@pytest.mark.parametrize("formulation", ["big_m_literal", "linked", "strengthened", "gdp_bigm", "gdp_hull"])
def test_mps_and_solution_lead_to_the_same_optimum(tmp_path, capsys, formulation, reader):
    """The best known allocation is feasible for the model and worth what the library says, and so is the optimum."""
    model, solution = tmp_path / "m.mps", tmp_path / "m.sol"
    command = ["export", NAME, "--formulation", formulation, "-o", str(model), "--solution", str(solution), "--json"]
    assert main(command) == 0
    primal = best_known()[NAME].primal
    assert json.loads(capsys.readouterr().out)["objective"] == primal
    assert solution.read_text().startswith(f"=obj= {primal}\n")
    read, feasible, optimum = reader(model, solution)
    assert feasible
    assert read == pytest.approx(primal, abs=1e-6)
    assert optimum == pytest.approx(primal, abs=1e-6)


def test_a_given_allocation_on_a_larger_model(tmp_path, capsys):
    """A result file beside the model of a cut of the real instance."""
    result, model, solution = tmp_path / "r.json", tmp_path / "m.mps", tmp_path / "m.sol"
    cut = ["us-miami-2011", "--cut", "6x8"]
    assert main(["solve", *cut, "--method", "strengthened@highs", "-o", str(result)]) == 0
    files = ["-o", str(model), "--solution", str(solution), "--allocation", str(result)]
    assert main(["export", *cut, "--formulation", "linked", *files]) == 0
    primal = json.loads(result.read_text())["primal"]
    for reader in (by_highs, by_scip):
        read, feasible, optimum = reader(model, solution)
        assert feasible
        assert (read, optimum) == (pytest.approx(primal, abs=1e-6), pytest.approx(primal, abs=1e-6))


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--formulation", "linked", "-o", "m.mps", "--solution", "m.txt"], 2, "must end in .sol"),
        (["-o", "package", "--solution", "m.sol"], 3, "--solution needs --formulation"),
        (
            ["--without", "links", "--formulation", "linked", "-o", "m.mps", "--solution", "m.sol"],
            2,
            "is for the instance",
        ),
        (["--formulation", "linked", "-o", "m.mps", "--allocation", "none.csv", "--solution", "m.sol"], 2, "none.csv"),
    ],
)
def test_what_cannot_be_written(tmp_path, monkeypatch, capsys, arguments, code, told):
    """Each refusal says why."""
    monkeypatch.chdir(tmp_path)
    assert main(["export", NAME, *arguments]) == code
    assert told in capsys.readouterr().err
