"""Projects: run end to end, resumed step by step, refused where a table is wrong; the example is what it says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from splgbench import registry
from splgbench.cli import main
from splgbench.errors import InfeasibleError, InputError
from splgbench.library import load
from splgbench.library.catalogue import catalogue
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.package import read_package
from splgbench.planning.chain import RECORD, STEPS, run_project
from splgbench.planning.example import example_tables, write_example
from splgbench.planning.project import Project, read_project
from splgbench.planning.schemas import SCHEMAS, as_markdown
from splgbench.planning.tables import Columns, Sheet, read_sheet, write_columns
from splgbench.result import Status
from splgbench.transform import cut
from splgbench.value.frontier import offer_costs

GROUPS = ("E.1.1.M", "I.1.1.M", "I.1.2.M", "I.1.3.M", "I.2.2.M")
HOSPITALS = ("gesundheitszentrum-fricktal", "praxisklinik-rennbahn-ag", "st-claraspital", "universitaetsspital-basel")


@pytest.fixture(scope="session")
def example() -> dict[str, Columns]:
    """The tables of the example project."""
    return example_tables()


def small(tables: dict[str, Columns]) -> dict[str, Columns]:
    """Five groups and four hospitals of the example."""
    keep = {"group": {*GROUPS, ""}, "hospital": set(HOSPITALS)}
    found = {}
    for name, columns in tables.items():
        count = len(next(iter(columns.values())))
        rows = [r for r in range(count) if all(columns[key][r] in kept for key, kept in keep.items() if key in columns)]
        found[name] = {column: [cells[row] for row in rows] for column, cells in columns.items()}
    return found


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, example: dict[str, Columns]) -> Path:
    """A small project on the disk, not to be changed."""
    path = tmp_path_factory.mktemp("fresh") / "project"
    write_example_file(path)
    for name, columns in small(example).items():
        write_columns(columns, path / "tables" / f"{name}.csv")
    change(path, "withdrawals", '["praxisklinik-rennbahn-ag"]')
    change(path, "draws", "20")
    change(path, "tilt", "0.1\nall_offers = false")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, fresh: Path) -> Path:
    """The small project after its steps, not to be changed."""
    path = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(fresh, path)
    assert all(ran(read_project(path)).values())
    return path


@pytest.fixture
def folder(tmp_path: Path, fresh: Path) -> Path:
    """The small project, to be changed."""
    return Path(shutil.copytree(fresh, tmp_path / "project"))


def write_example_file(path: Path) -> None:
    from splgbench.planning.example import project_file

    (path / "tables").mkdir(parents=True)
    (path / "project.toml").write_text(project_file(), "utf-8")


def change(path: Path, key: str, value: str) -> None:
    """Another value of a key of project.toml."""
    file = path / "project.toml"
    text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", file.read_text("utf-8"))
    assert count == 1
    file.write_text(text, "utf-8")


def edit(path: Path, table: str, **columns: Any) -> None:
    """Replace columns of a table by lists, or its cells by a function."""
    file = path / "tables" / f"{table}.csv"
    held = dict(read_sheet(table, file).columns)
    for name, given in columns.items():
        held[name] = given(held[name]) if callable(given) else given
    write_columns(held, file)


def ran(project: Project) -> dict[str, bool]:
    """Which steps were done rather than kept."""
    return {done.step: not done.kept for done in run_project(project)}


def test_a_project_resumes(tmp_path: Path, finished: Path) -> None:
    """No step is done twice; another setting or table redoes what depends on it, and nothing else."""
    folder = Path(shutil.copytree(finished, tmp_path / "project"))
    again = ran(read_project(folder))
    assert list(again) == [step.name for step in STEPS]
    assert not any(again.values())
    # A file that somebody changed is made anew, and what follows stays where the file comes out the same.
    mandates = folder / "out" / "allocation" / "mandates.csv"
    text = mandates.read_text("utf-8")
    mandates.write_text("hospital\n", "utf-8")
    assert [step for step, done in ran(read_project(folder)).items() if done] == ["allocation"]
    assert mandates.read_text("utf-8") == text
    edit(folder, "trends", percent_per_year=lambda cells: [cell - 5 for cell in cells])
    done = run_project(read_project(folder), "allocation")
    assert [each.step for each in done if not each.kept] == ["forecast", "allocation"]


def test_what_a_project_writes(finished: Path) -> None:
    """Tables of the schemas, a package that the library reads, a page that fetches nothing, and the record."""
    out = finished / "out"
    for schema in SCHEMAS.values():
        if schema.made_by:
            assert len(read_sheet(schema.name, out / schema.made_by / f"{schema.name}.csv"))
    instance = load(out / "overrides" / "instance")
    assert instance == read_package(out / "overrides" / "instance.zip")
    demand = dict(zip(instance.groups, instance.demand.tolist(), strict=True))
    forecast = read_sheet("forecast", out / "forecast" / "forecast.csv")
    rows = forecast.rows("scenario", "year", "group", "cases")
    assert demand == {group: cases for _, s, y, group, cases in rows if (s, y) == ("active", 2028)}
    moved = (out / "volume_dialogue" / "withdrawal_mandates.csv").read_text("utf-8").splitlines()
    assert moved[0] == "withdrawn,hospital,group,before,after,change"
    assert all(line.startswith("praxisklinik-rennbahn-ag,") for line in moved[1:])
    assert "praxisklinik-rennbahn-ag,praxisklinik-rennbahn-ag,I.1.1.M,73,0,-73" in moved
    page = (out / "report" / "index.html").read_text("utf-8")
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "Not a plan for anyone" in page
    events = [json.loads(line)["event"] for line in (finished / RECORD).read_text("utf-8").splitlines()]
    assert events == ["taken"]


def test_clashing_decisions_stop_the_chain_with_their_clash(folder: Path) -> None:
    """Exit code 4, the smallest set of decisions and rules, and no entry in the record."""
    columns: dict[str, list[Any]] = {
        "hospital": ["st-claraspital"] * 2,
        "group": ["I.1.2.M", "I.1.1.M"],
        "action": ["grant", "refuse"],
        "reason": ["why"] * 2,
        "author": ["A. Planner"] * 2,
    }
    write_columns(columns, folder / "tables" / "overrides.csv")
    with pytest.raises(InfeasibleError, match="the overrides clash: ") as caught:
        run_project(read_project(folder), "overrides")
    assert caught.value.exit_code == 4
    assert set(str(caught.value).removeprefix("the overrides clash: ").split("; ")) == {
        "grant st-claraspital I.1.2.M",
        "refuse st-claraspital I.1.1.M",
        "link of st-claraspital I.1.2.M to st-claraspital I.1.1.M",
    }
    assert not (folder / RECORD).exists()


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        (
            "groups",
            {"stay": lambda cells: ["long", *cells[1:]]},
            r"groups.csv, row 2, column stay: must be a finite number",
        ),
        (
            "groups",
            {"level": lambda cells: ["top", *cells[1:]]},
            r"groups.csv, row 2, column level: must be one of basic",
        ),
        (
            "applications",
            {"group": lambda cells: ["X", *cells[1:]]},
            r"applications.csv, row 2, column group: must be in",
        ),
        ("applications", {"capacity": lambda cells: [-1, *cells[1:]]}, r"row 2, column capacity: must be at least 0"),
        (
            "overrides",
            {"author": lambda cells: [""] * len(cells)},
            r"overrides.csv, row 2, column author: must not be empty",
        ),
        ("weights", {"weight": lambda cells: [0.9, *cells[1:]]}, r"weights of level basic, goal care must sum to 1"),
        (
            "population",
            {"year": lambda cells: [2022] * len(cells)},
            r"year and age and sex must be unique \(first in row 2\)",
        ),
    ],
)
def test_wrong_tables_are_refused_with_file_row_and_rule(
    folder: Path, table: str, columns: dict[str, Any], message: str
) -> None:
    """Also where the table belongs to a late step."""
    edit(folder, table, **columns)
    with pytest.raises(InputError, match=message):
        run_project(read_project(folder))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("specification", "5", r"\[need\] specification must be a whole number between 1 and 4"),
        ("horizon", "[2020]", r"\[forecast\] the horizon must lie after the base year"),
        ("year", "2029", r"\[allocation\] year must be a year of the horizon"),
        ("scenario", '"hopeful"', r"\[allocation\] scenario must be passive or active or restrictive"),
        ("epsilon", "2", r"\[stability\] epsilon must lie between 0 and 1"),
        ("missing", '"guess"', r"\[benefit\] missing must be redistribute or worst or mean"),
        ("kind", '"fake"', r"kind must be real or semi-synthetic or synthetic"),
    ],
)
def test_wrong_settings_are_refused(folder: Path, key: str, value: str, message: str) -> None:
    """With table, key and rule."""
    change(folder, key, value)
    with pytest.raises(InputError, match=message):
        read_project(folder)


def test_unknown_settings_and_missing_tables_are_refused(folder: Path) -> None:
    """A misspelt key is not passed over, and a table that must be there is named."""
    file = folder / "project.toml"
    file.write_text(file.read_text("utf-8") + "epsilom = 1\n", "utf-8")
    with pytest.raises(InputError, match=r"\[stability\] epsilom is no key of this table"):
        read_project(folder)
    with pytest.raises(InputError, match=r"must be a folder with a project.toml"):
        read_project(folder / "tables")
    change(folder, "epsilom", "0")
    file.write_text(file.read_text("utf-8").replace("epsilom = 0\n", ""), "utf-8")
    (folder / "tables" / "weights.csv").unlink()
    with pytest.raises(InputError, match=r"weights.csv: the project needs this table"):
        run_project(read_project(folder))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Writes the example, refuses to write over it, runs as far as it is told."""
    target = tmp_path / "demo"
    assert main(["plan", str(target), "--example", "basel-2022"]) == 0
    assert main(["plan", str(target), "--example", "basel-2022"]) == 2
    assert "the folder is not empty" in capsys.readouterr().err
    assert main(["plan", str(target), "--until", "need", "--json"]) == 0
    assert [step["step"] for step in json.loads(capsys.readouterr().out)["steps"]] == ["need"]


def test_the_example_makes_the_instance_of_the_library(tmp_path: Path) -> None:
    """plan-basel-2022 is what the chain makes, to the last number, and says that it is semi-synthetic."""
    write_example(tmp_path)
    run_project(read_project(tmp_path), "overrides")
    made = read_package(tmp_path / "out" / "overrides" / "instance")
    shipped = load("plan-basel-2022")
    assert [entry.kind for entry in catalogue("plan-basel-2022")] == ["semi-synthetic"]
    assert [entry.kind for entry in catalogue("us-miami-2011")] == ["real"]
    assert made == shipped
    assert "semi-synthetic" in shipped.metadata["description"]
    # 0.9 points of CHF 11,601.
    assert offer_costs(made)[made.offer_index["bethesda-spital-ag", "E.1.1.M"]] == 10_441
    offers = read_sheet("offers", tmp_path / "out" / "eligibility" / "offers.csv")
    admitted = [row for row in zip(*offers.columns.values(), strict=True) if row[3]]
    assert [row[3:] for row in admitted] == [
        ("basic_package", "acute geriatrics beside rehabilitation", "example planner")
    ]


def _methods() -> list[str]:
    """Every formulation, every backend and every decomposition once."""
    formulations = [f"{name}@highs" for name in registry.names("formulations")]
    backends = [f"strengthened@{name}" for name in registry.names("backends")]
    return sorted({*formulations, *backends, *registry.names("decompositions")})


@pytest.mark.parametrize("name", _methods())
def test_every_method_takes_the_instance(name: str) -> None:
    """On a cut of it: the method's own reason where it cannot, else a checked allocation and no contradiction."""
    instance = cut(load("plan-basel-2022"), 4, 5)
    chosen = method(name)
    result = chosen.solve(instance, Limits(wall_time=20))
    if result.status is Status.UNSUPPORTED:
        assert result.message
        return
    assert result.status in (Status.OPTIMAL, Status.GAP_CLOSED, Status.TIME_OUT, Status.NODE_LIMIT), result.message
    best = method("strengthened@highs").solve(instance).primal
    assert result.primal is not None
    assert best is not None
    assert result.primal <= best
    if result.status is Status.OPTIMAL:
        assert result.primal == best


def test_the_page_of_tables_is_up_to_date() -> None:
    """docs/planning-tables.md is what the schemas say."""
    assert Path("docs/planning-tables.md").read_text("utf-8").endswith(as_markdown())


def test_the_example_s_tables_obey_their_schemas(example: dict[str, Columns]) -> None:
    """And are the same whenever they are made."""
    for name, columns in example.items():
        assert len(Sheet(name, columns)) == len(next(iter(columns.values())))
    assert example == example_tables()
