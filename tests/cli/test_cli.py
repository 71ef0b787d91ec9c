"""The command line as a user meets it: outputs, exit codes, one sentence for every error, no partial files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from splgbench import Instance, load, read_package, write_package
from splgbench.cli import main
from splgbench.method_names import expand

KEYS = {
    "status",
    "primal",
    "dual",
    "gap",
    "claimed_primal",
    "wall_time_s",
    "build_time_s",
    "method",
    "instance",
    "instance_hash",
    "seed",
    "threads",
    "versions",
    "trace",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A two-hospital package with a link and a threshold."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["A", "B"], "area": ["x", "y"], "minimum_cases": [5, 0]},
        demand={"group": ["A", "B"], "cases": [10, 7]},
        offers={
            "hospital": ["H1", "H2", "H2"],
            "group": ["A", "A", "B"],
            "capacity": [5, 6, 7],
            "utility": [3, 4, 5],
        },
        links={"group": ["A"], "clause": ["1"], "mode": ["any"], "required": ["B"]},
        name="small",
    )
    write_package(instance, tmp_path / "small")
    return tmp_path / "small"


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main([str(word) for word in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_solve_json_is_one_object_with_the_promised_keys(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one JSON object and nothing else, with null for what is unknown."""
    code, out, err = run(capsys, "solve", small, "--json", "--time-limit", 20)
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert set(result) >= KEYS
    assert (result["status"], result["primal"], result["dual"], result["gap"]) == ("optimal", 59, 59, 0.0)
    assert result["method"] == "auto"


def test_solve_writes_result_and_allocation_that_check_accepts(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """-o writes the object with the allocation; check reads both forms and recomputes the value."""
    for name in ("result.json", "allocation.csv"):
        code, _, _ = run(capsys, "solve", small, "-o", tmp_path / name, "--time-limit", 20)
        assert code == 0
        code, out, _ = run(capsys, "check", small, tmp_path / name)
        assert (code, out) == (0, "feasible, objective 59\n")
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["allocation"] == [
        {"hospital": "H2", "group": "A", "cases": 6},
        {"hospital": "H2", "group": "B", "cases": 7},
    ]


def test_solve_starts_from_its_own_answer(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--start takes a result file; a backend that cannot start says so with exit code 3."""
    run(capsys, "solve", small, "-o", tmp_path / "r.json", "--time-limit", 20)
    code, out, _ = run(capsys, "solve", small, "--start", tmp_path / "r.json", "--json", "--time-limit", 20)
    assert (code, json.loads(out)["primal"]) == (0, 59)
    code, out, _ = run(capsys, "solve", small, "--start", tmp_path / "r.json", "--method", "linked@scipy_milp")
    assert code == 3
    assert "no warm starts" in out


def test_wrong_allocations_are_refused_with_numbers(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """check prints every violation with its amount and ends with code 1, also for a false claim."""
    (tmp_path / "a.csv").write_text("hospital,group,cases\nH1,A,9\nH2,B,7\n")
    code, out, _ = run(capsys, "check", small, tmp_path / "a.csv", "--json")
    verdict = json.loads(out)
    assert code == 1
    assert {(v["rule"], v["hospital"], v["amount"]) for v in verdict["violations"]} == {
        ("capacity", "H1", 4),
        ("link", "H1", 1),
    }
    (tmp_path / "b.csv").write_text("# objective: 36\nhospital,group,cases\nH2,B,7\n")
    code, out, _ = run(capsys, "check", small, tmp_path / "b.csv")
    assert code == 1
    assert "claims 36, the allocation is worth 35" in out


def test_rules_can_be_switched_off(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--without changes the instance and its hash."""
    _, out, _ = run(capsys, "validate", small, "--json")
    before = json.loads(out)
    _, out, _ = run(capsys, "validate", small, "--json", "--without", "links", "--without", "capacity")
    after = json.loads(out)
    assert (before["link_clauses"], after["link_clauses"]) == (1, 0)
    assert (before["capacity_mode"], after["capacity_mode"]) == ("group", "none")
    assert before["instance_hash"] != after["instance_hash"]


def test_compare_ends_with_a_verdict(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """compare shows all methods, the unsupported ones with their reason, and one verdict line."""
    methods = ["linked@highs", "strengthened@cpsat", "indicator@highs"]
    code, out, _ = run(capsys, "compare", small, "--methods", *methods, "--time-limit", 20)
    assert code == 0
    assert "highs has no indicator rows" in out
    assert out.splitlines()[-1] == "all bounds interlock: 2 answers, 2 proofs, all of the optimum 59"
    code, out, _ = run(capsys, "compare", small, "--methods", *methods[:2], "--time-limit", 20, "--json")
    assert json.loads(out)["contradictions"] == []


def test_patterns_stand_for_methods() -> None:
    """* and all are written out; a name given twice runs once."""
    assert expand(["linked@highs", "linked@highs"]) == ["linked@highs"]
    assert set(expand(["linked@*"])) >= {"linked@highs", "linked@scip", "linked@cpsat"}
    assert set(expand(["*@highs"])) < set(expand(["all"]))


def test_relax_orders_formulations_by_their_bounds(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LP bounds lie above the optimum, and a stronger formulation's is no higher."""
    names = ["big_m_literal@highs", "big_m_tight@highs", "linked@highs", "strengthened@highs"]
    code, out, _ = run(capsys, "relax", small, "--methods", *names, "--json")
    bounds = [row["lp_bound"] for row in json.loads(out)["relaxations"]]
    assert code == 0
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] >= 59 - 1e-6


def test_generate_is_reproducible_and_knobs_can_be_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same preset and seed give the same bytes; --set and --seed change them; a zip is a package, too."""
    for name in ("a", "b"):
        assert run(capsys, "generate", "easy", "--seed", 3, "-o", tmp_path / name)[0] == 0
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    run(capsys, "generate", "easy", "--seed", 3, "--set", "hospitals=9", "-o", tmp_path / "c.zip")
    assert read_package(tmp_path / "c.zip").n_hospitals == 9
    code, out, _ = run(capsys, "generate", "hard-h4", "--recipe")
    assert code == 0
    assert "rho = 3.95" in out


@pytest.mark.parametrize(
    ("formulation", "file"), [("linked", "m.mps"), ("strengthened", "m.lp"), ("indicator", "m.lp")]
)
def test_exported_models_give_the_same_optimum_when_read_back(
    formulation: str, file: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Model files have readable names and another solver's reader finds the optimum in them."""
    pyscipopt = pytest.importorskip("pyscipopt")
    code, _, _ = run(capsys, "export", small, "--formulation", formulation, "-o", tmp_path / file)
    assert code == 0
    assert "x_H2_A" in (tmp_path / file).read_text()
    model = pyscipopt.Model()
    model.hideOutput()
    model.readProblem(str(tmp_path / file))
    model.optimize()
    assert abs(model.getObjVal()) == pytest.approx(59)


def test_export_writes_packages_too(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a formulation the instance itself is written, as CSV or Parquet."""
    assert run(capsys, "export", small, "--parquet", "-o", tmp_path / "p.zip")[0] == 0
    assert read_package(tmp_path / "p.zip") == read_package(small)


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """list --json holds the instances, formulations and backends with their needs and versions."""
    code, out, _ = run(capsys, "list", "--json")
    found = json.loads(out)
    assert code == 0
    assert {"us-miami-2011", "easy", "basel", "hard-h10"} <= {entry["name"] for entry in found["instances"]}
    assert {"highs", "scip", "cpsat", "scipy_milp", "pyomo", "gurobi"} == {e["name"] for e in found["backends"]}
    assert run(capsys, "list")[0] == 0


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["solve", "nowhere"], 2, "no such folder, zip or library instance"),
        (["solve", "SMALL", "--method", "nothing@highs"], 3, "no formulation named nothing"),
        (["solve", "SMALL", "--method", "linked"], 2, "needs a backend"),
        (["solve", "SMALL", "--method", "linked@highs:color=red"], 2, "no option color"),
        (["solve", "SMALL", "--method", "auto:color=red"], 2, "auto has no option color; there are state, log"),
        (["solve", "SMALL", "--time-limit", "-1"], 2, "time limit must be above 0"),
        (["solve", "SMALL", "--without", "gravity"], 2, "no rule named gravity"),
        (["solve", "SMALL", "--cut", "8"], 2, "must be written HxG"),
        (["solve", "SMALL", "-o", "/nowhere/r.json"], 2, "cannot write /nowhere/r.json"),
        (["solve", "SMALL", "--start", "missing.csv"], 2, "missing.csv"),
        (["check", "SMALL", "missing.csv"], 2, "missing.csv"),
        (["export", "SMALL", "--formulation", "indicator@highs", "-o", "m.txt"], 2, "must end in .mps or .lp"),
        (["export", "SMALL", "--formulation", "linked@cpsat", "-o", "m.lp"], 3, "no model files"),
        (["export", "SMALL", "--formulation", "linked", "-o", "/nowhere/m.lp"], 2, "cannot write /nowhere/m.lp"),
        (["generate", "hard-h99", "-o", "x"], 2, "no such recipe"),
        (["generate", "easy", "--set", "colour=1", "-o", "x"], 2, "--set"),
        (["generate", "easy", "--set", "rho=much", "-o", "x"], 2, "rho"),
        (["generate", "easy"], 2, "needs a folder"),
        (["generate", "easy", "-o", "/nowhere/x"], 2, "cannot write /nowhere/x"),
    ],
)
def test_errors_are_one_clear_sentence(
    argv: list[str],
    code: int,
    words: str,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each error names what is wrong, has its exit code, no traceback, and leaves no file behind."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    found, out, err = run(capsys, *(str(small) if word == "SMALL" else word for word in argv))
    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert list(work.iterdir()) == []
    found, out, _ = run(capsys, *(str(small) if word == "SMALL" else word for word in argv), "--json")
    assert found == code
    assert words in json.loads(out)["error"]


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_what_nobody_expected_has_an_exit_code_of_its_own(
    flag: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traceback is no contradiction: 6 and not Python's 1, which says that answers are wrong."""

    def fail(_arguments: object) -> int:
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr("splgbench.cli.listing.run", fail)
    code, out, err = run(capsys, "list", *flag)
    assert code == 6
    assert "Traceback" in err
    told = json.loads(out)["error"] if flag else err.splitlines()[-1]
    assert "ZeroDivisionError: no such luck" in told


def test_bad_packages_name_file_row_and_rule(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Problems of all tables are reported together."""
    offers = small / "offers.csv"
    offers.write_text(offers.read_text().replace("H1,A,5,3", "H1,A,-5,3.5") + "H2,B,1,1\n")
    code, _, err = run(capsys, "validate", small)
    assert code == 2
    assert "offers.csv, row 2, column capacity: must be a whole number of at least 0 (found '-5')" in err
    assert "offers.csv, row 2, column utility: must be a whole number of at least 0 (found '3.5')" in err
    assert "offers.csv, row 5, column group: hospital and group must be unique (first in row 4)" in err


def test_infeasible_overrides_exit_with_4_and_a_clash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An instance whose overrides clash is answered by an irreducible set of them."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["A"], "area": ["x"], "minimum_cases": [6]},
        demand={"group": ["A"], "cases": [10]},
        offers={"hospital": ["H1", "H2"], "group": ["A", "A"], "capacity": [9, 9], "utility": [3, 4]},
        overrides={
            "hospital": ["H1", "H2"],
            "group": ["A", "A"],
            "action": ["grant", "grant"],
            "reason": ["it is near", "it is good"],
        },
    )
    write_package(instance, tmp_path / "p")
    code, out, _ = run(capsys, "solve", tmp_path / "p", "--json")
    result = json.loads(out)
    assert (code, result["status"], result["primal"]) == (4, "infeasible", None)
    assert sorted(result["clash"]) == [
        "demand of A (10 cases)",
        "grant H1 A",
        "grant H2 A",
        "minimum cases of A at H1 (6 cases)",
        "minimum cases of A at H2 (6 cases)",
    ]


def test_an_interrupt_keeps_the_best_checked_allocation(tmp_path: Path) -> None:
    """Ctrl-C ends a long solve with exit code 0 and the best allocation so far, exactly checked."""
    out, log = tmp_path / "r.json", tmp_path / "solver.log"
    words = ["solve", "hard-h4", "--method", "linked@highs", "--log", str(log), "-o", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "splgbench", *words], stdout=subprocess.PIPE, text=True)
    # A letter before the number of nodes stands for a new incumbent.
    while process.poll() is None and not (log.exists() and re.search(r"^ [A-Z] +\d", log.read_text(), re.MULTILINE)):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "interrupted" in text
    result = json.loads(out.read_text())
    assert result["status"] == "interrupted"
    assert result["primal"] > 0


def test_a_memory_limit_is_enforced_from_outside(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker above its limit is killed, and that is an answer (exit code 0)."""
    code, out, _ = run(capsys, "solve", small, "--memory-limit", 1, "--json")
    assert code == 0
    assert json.loads(out)["status"] == "out-of-memory"


def test_newer_highspy_runs_in_a_process_of_its_own(small: Path, tmp_path: Path) -> None:
    """A highspy that cannot join ortools is noticed by its version, and the answer is the same."""
    newest = tmp_path / "newest"
    made = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(newest), "highspy==1.15.1"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"highspy 1.15.1 cannot be installed here: {made.stderr.strip()[-200:]}")
    environment = {**os.environ, "PYTHONPATH": str(newest)}
    program = [sys.executable, "-m", "splgbench", "compare", str(small), "--json", "--methods"]
    methods = ["linked@highs", "semicontinuous@highs", "linked@cpsat", "linked@pyomo", "strengthened@highs"]
    ran = subprocess.run([*program, *methods], env=environment, capture_output=True, text=True, check=True)
    answer = json.loads(ran.stdout)
    assert {result["status"] for result in answer["results"]} == {"optimal"}
    assert answer["results"][0]["versions"]["highspy"] == "1.15.1"
    # A program that loaded the clashing library itself gets one sentence.
    script = "import highspy, splgbench; print(splgbench.solve(splgbench.load('us-miami-2011')).message)"
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "cannot share a process and highspy is already loaded here" in ran.stdout


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command explains itself with examples."""
    for command in (
        "list",
        "validate",
        "generate",
        "solve",
        "compare",
        "relax",
        "check",
        "export",
        "screen",
        "import",
        "instances",
        "value",
        "frontier",
        "fund",
        "evaluate",
    ):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert "examples:" in capsys.readouterr().out


def test_library_names_load() -> None:
    """Packages and recipes of the library are found by name."""
    assert load("us-miami-2011").n_offers == 1540
    assert load("easy").n_hospitals == 12


def test_no_allocation_to_write(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A CSV that was there stays, nobody is told that it was written, and the exit code is not 0."""
    target = tmp_path / "allocation.csv"
    target.write_text("old")
    code, out, err = run(capsys, "solve", small, "--memory-limit", "1", "-o", target)
    assert (code, target.read_text()) == (5, "old")
    assert "there is no allocation to write" in err
    assert "written" not in out


def test_compare_says_when_nothing_is_there(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern without a match is an error; where nobody answers the exit code says so."""
    code, _, err = run(capsys, "compare", small, "--methods", "strenghtened@*")
    assert (code, "no method matches strenghtened@*" in err) == (3, True)
    assert expand(["link*@highs"]) == ["linked@highs"]
    code, out, _ = run(capsys, "compare", small, "--methods", "indicator@highs")
    assert (code, "unsupported" in out) == (3, True)


def test_names_too_long_for_a_file_system(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, no traceback."""
    code, _, err = run(capsys, "validate", "a" * 5000)
    assert (code, "cannot be read" in err) == (2, True)
    code, _, err = run(capsys, "export", small, "-o", tmp_path / f"{'b' * 300}.zip")
    assert (code, "cannot write" in err) == (2, True)


def test_a_start_beyond_all_numbers(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cases that no 64-bit sum can hold are refused."""
    start = tmp_path / "start.csv"
    start.write_text("hospital,group,cases\nH1,A,9999999999999999999\n")
    code, _, err = run(capsys, "solve", small, "--start", start)
    assert (code, "no number of cases" in err) == (2, True)
