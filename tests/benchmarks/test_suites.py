"""The asv suites: what they are told to compare with, how they skip, and the files that start them elsewhere."""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path

import perf_history
import pytest
import yaml
from suites import decompositions, engine, models, solves, workbench
from suites.cases import BACKENDS, BEST_KNOWN, DECOMPOSITIONS, FORMULATIONS, INSTANCES, TINY, make
from suites.engine import feasible_mandates
from suites.workbench import once

from splgbench import registry
from splgbench.limits import Limits
from splgbench.methods import Direct, method
from splgbench.polish import polish

ROOT = Path(__file__).parents[2]


def test_the_suites_run_over_everything_there_is() -> None:
    """Names are read from folders, without importing anything; they are those of the registry."""
    assert registry.names("formulations") == FORMULATIONS
    assert registry.names("decompositions") == DECOMPOSITIONS
    assert registry.names("backends") == BACKENDS
    assert set(BEST_KNOWN) == set(INSTANCES)


@pytest.mark.parametrize("name", TINY)
def test_best_known_values_of_the_tiny_instances_are_optima(name: str) -> None:
    """Gaps are taken against them, so they must not move."""
    result = method("strengthened@highs").solve(make(name), Limits())
    assert (str(result.status), result.primal) == ("optimal", BEST_KNOWN[name])


@pytest.mark.parametrize("name", TINY)
def test_the_mandates_that_are_polished_and_checked_are_feasible(name: str) -> None:
    """And there are some: the clock of a polish of nothing says nothing."""
    mandates = feasible_mandates(make(name))
    assert mandates.sum() > 10
    assert polish(make(name), mandates).objective


def test_figures_of_one_solve_agree_with_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A solve is done once for all its figures; root, tree and LP bound the optimum."""
    monkeypatch.chdir(tmp_path)
    case = ("strengthened", "highs", "tiny-linked")
    lp, root, tree, sizes = solves.Relaxations(), solves.Roots(), solves.Trees(), models.Sizes()
    for suite in (lp, root, tree, sizes):
        suite.setup(*case)
    assert lp.track_lp_gap(*case) >= root.track_root_gap(*case) >= 0
    assert root.track_cuts(*case) >= 0
    assert tree.track_value(*case) <= BEST_KNOWN["tiny-linked"] <= tree.track_bound(*case)
    assert tree.track_nodes(*case) >= 1
    assert tree.track_simplex_iterations(*case) > 0
    strengthened = method("strengthened@highs")
    assert isinstance(strengthened, Direct)
    model = strengthened.build(make("tiny-linked"))
    counted = [count(*case) for count in (sizes.track_rows, sizes.track_columns, sizes.track_nonzeros)]
    assert counted == [model.n_rows, model.n_columns, model.n_entries]
    assert sizes.track_peak_memory(*case) > 0
    rounds, pair = decompositions.Rounds(), ("dantzig_wolfe_hospital", "tiny-real")
    rounds.setup(*pair)
    assert rounds.track_bound_gap(*pair) >= 0
    assert rounds.track_pricing_rounds(*pair) > 0
    assert math.isnan(rounds.track_simplex_iterations(*pair))


@pytest.mark.parametrize(
    ("suite", "case", "reason"),
    [
        (solves.Trees, ("indicator", "highs", "tiny-real"), "indicator"),
        (solves.Roots, ("linked", "cpsat", "tiny-real"), "node limit"),
        (solves.Trees, ("gdp_hull", "highs", "basel"), "tiny instances only"),
        (solves.Trees, ("no_such", "highs", "tiny-real"), "no formulation named no_such"),
        (models.Building, ("no_such", "tiny-real"), "no formulation named no_such"),
        (models.Sizes, ("gdp_hull", "scip", "linked"), "tiny instances only"),
        (decompositions.Rounds, ("benders_area", "basel"), "tiny instances only"),
        (decompositions.ToGap, ("dantzig_wolfe_region", "tiny-real"), "one block by region"),
    ],
)
def test_what_cannot_run_is_skipped_with_its_reason(
    suite: type, case: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not failed; and the second figure of the same solve says the same."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with pytest.raises(NotImplementedError, match=reason):
            suite().setup(*case)


def test_a_skip_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that cannot be done is not tried again."""
    monkeypatch.chdir(tmp_path)
    tried = []

    def measure() -> dict[str, float]:
        tried.append(1)
        raise NotImplementedError("never here")

    for _ in range(3):
        with pytest.raises(NotImplementedError, match="never here"):
            once("work", measure)
    assert len(tried) == 1


def test_no_module_of_the_suites_has_a_name_that_asv_reads() -> None:
    """asv looks for a benchmark's attributes in its module, too: a function called `rounds` ends the discovery."""
    read = {"processes", "sample_time", "warmup_time", "number", "repeat", "rounds", "timeout", "unit", "version"}
    read |= {"params", "param_names", "setup", "teardown", "setup_cache", "pretty_name", "pretty_source", "type"}
    for module in (decompositions, engine, models, solves, workbench):
        assert not read & set(vars(module)), module.__name__


def test_the_history_names_figures_as_asv_does() -> None:
    """asv writes parameters as Python would, in quotes."""
    for case in (("strengthened", "highs", "tiny-linked"), ("dantzig_wolfe_hospital", "tiny-real")):
        assert re.search(perf_history.BENCH, f"solves.Trees.track_nodes({', '.join(map(repr, case))})")
    assert not re.search(perf_history.BENCH, "models.Sizes.track_rows('indicator', 'highs', 'tiny-real')")


def test_asv_has_the_versions_of_the_constraints() -> None:
    """Every package splgbench needs, and those of scip and pyomo, pinned; each solver once in its newest version."""
    text = (ROOT / "asv.conf.json").read_text()
    conf = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    pins = dict(
        line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    pinned = {package: versions[0] for package, versions in conf["matrix"]["req"].items()}
    assert pinned == {package: pins[package] for package in pinned}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["scip"], *extras["pyomo"]]
    assert {re.split(r"[<>=!]", requirement)[0] for requirement in needed} <= set(pinned)
    newest = [{package for package, version in entry["req"].items() if not version} for entry in conf["include"]]
    assert newest == [{"highspy"}, {"pyscipopt"}, {"ortools"}]
    for entry in conf["include"]:
        assert {
            **entry["req"],
            **{package: pinned[package] for package in pinned if not entry["req"][package]},
        } == pinned
    assert all("--no-deps" in command for command in (*conf["build_command"], *conf["install_command"]))


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.stem)
def test_workflows_are_yaml_of_the_expected_shape(file: Path) -> None:
    """Jobs with steps that use an action or run a command; targets of make exist."""
    workflow = yaml.safe_load(file.read_text())
    # YAML 1.1 reads the key `on` as true.
    assert {"name", True, "jobs", "permissions"} <= set(workflow)
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            for target in re.findall(r"^\s*make ([\w-]+)", step.get("run", ""), flags=re.MULTILINE):
                assert target in targets
