"""A planning project: a folder with `project.toml` and tables, read and checked before any step runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splgbench.campaign.tables import TableReader
from splgbench.errors import InputError, Problem
from splgbench.files import read_text
from splgbench.limits import Limits
from splgbench.planning.benefit import MISSING_RULES, BenefitRules
from splgbench.planning.forecast import ForecastRules
from splgbench.planning.hospital_list import CANTON_SHARE
from splgbench.planning.need import FAMILIES, NeedRules
from splgbench.planning.schemas import SCENARIOS
from splgbench.planning.solving import Solver
from splgbench.planning.tables import Sheet, read_sheet
from splgbench.planning.volume_dialogue import DialogueRules
from splgbench.tables import CAPACITY_MODES

PROJECT_FILE = "project.toml"
BLOCKS = ("demography", "health", "social", "economy")
"""Blocks of covariates; specification n has the first n of them."""
REQUIRED = (
    "groups",
    "regions",
    "region_cases",
    "age_profiles",
    "population",
    "hospitals",
    "applications",
    "requirements",
    "indicators",
    "value_functions",
    "weights",
)
OPTIONAL = (
    "trends",
    "facilities",
    "specialists",
    "admissions",
    "area_capacity",
    "travel",
    "costs",
    "status_quo",
    "overrides",
    "actuals",
    "season",
)
KINDS = ("real", "semi-synthetic", "synthetic")


@dataclass(frozen=True)
class AllocationRules:
    """What is allocated and how.

    Parameters
    ----------
    scenario, year : of the forecast, whose cases are the demand.
    method : of the framework; limits : of each solve.
    capacity_mode : of the instance. utility_scale : utility units a point. canton_share : per cent.
    """

    scenario: str
    year: int
    method: str
    limits: Limits
    capacity_mode: str
    utility_scale: int
    canton_share: int

    def solver(self) -> Solver:
        return Solver(self.method, self.limits)


@dataclass(frozen=True)
class StabilityRules:
    """What is varied.

    Parameters
    ----------
    epsilon : part of the optimum within which a mandate flips.
    tilt : by how much each goal's weight is moved, up and down.
    all_offers : price offers without mandate, too.
    """

    epsilon: float
    tilt: float
    all_offers: bool


@dataclass(frozen=True)
class Project:
    """A project as read.

    Parameters
    ----------
    folder : where it lies. name, title, kind : what it says of itself; kind is one of `KINDS`.
    settings : the file's tables as they stand, for fingerprints.
    withdrawals : hospitals whose withdrawal is tried out.
    """

    folder: Path
    name: str
    title: str
    kind: str
    sources: tuple[str, ...]
    need: NeedRules
    forecast: ForecastRules
    benefit: BenefitRules
    allocation: AllocationRules
    dialogue: DialogueRules
    withdrawals: tuple[str, ...]
    stability: StabilityRules
    settings: Mapping[str, Any] = field(repr=False)

    @property
    def covariates(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for columns in self.need.specifications.values() for c in columns))

    def path(self, table: str) -> Path:
        """Where a table lies."""
        return self.folder / "tables" / f"{table}.csv"

    def sheet(self, table: str) -> Sheet | None:
        """A table, or None where the project has none.

        Raises
        ------
        InputError
            With file, row, column and rule of everything that is wrong; or a table that must be there is missing.
        """
        path = self.path(table)
        if not path.is_file():
            if table in REQUIRED:
                raise InputError("the project needs this table", str(path))
            return None
        return read_sheet(table, path, self.covariates if table == "regions" else ())

    def check_tables(self) -> None:
        """Read all tables once, so that a late step's broken table shows before the first step runs.

        Raises
        ------
        InputError
            With file, row, column and rule of everything that is wrong in any of them.
        """
        problems: list[Problem] = []
        for table in (*REQUIRED, *OPTIONAL):
            try:
                self.sheet(table)
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(problems)


def read_project(folder: Path) -> Project:
    """Read `project.toml` of a folder.

    Raises
    ------
    InputError
        With the table, the key and the rule of everything that is wrong.
    """
    path = folder / PROJECT_FILE
    if not path.is_file():
        raise InputError(f"must be a folder with a {PROJECT_FILE}", str(folder))
    try:
        given = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"must be TOML: {error}", str(path)) from None
    problems: list[Problem] = []
    project = _Reader(folder, str(path), given, problems).project()
    if problems:
        raise InputError(problems)
    return project


class _Reader:
    """Reads one project file table by table."""

    def __init__(self, folder: Path, file: str, given: Mapping[str, Any], problems: list[Problem]) -> None:
        self.folder, self.file, self.given, self.problems = folder, file, given, problems
        self.top = TableReader(file, "", given, problems)

    def project(self) -> Project:
        name = self.top.text("name")
        if not name or "/" in name or "\\" in name:
            self.top.problem("name", "must be there, without / and \\", name)
        project = Project(
            folder=self.folder,
            name=name,
            title=self.top.text("title", name),
            kind=self.top.text("kind", "real", KINDS),
            sources=self.top.texts("sources"),
            need=self._need(),
            forecast=self._forecast(),
            benefit=self._benefit(),
            allocation=self._allocation(),
            dialogue=self._dialogue(),
            withdrawals=self._withdrawals,
            stability=self._stability(),
            settings=self.given,
        )
        self.top.finish()
        horizon, year = project.forecast.horizon, project.allocation.year
        if not self.problems and year not in horizon:
            self.top.problem("[allocation] year", f"must be a year of the horizon {', '.join(map(str, horizon))}", year)
        return project

    def _table(self, name: str) -> TableReader:
        self.top.given(name)
        return TableReader(self.file, name, self.given.get(name, {}), self.problems)

    def _need(self) -> NeedRules:
        table = self._table("need")
        blocks = [table.texts(block) for block in BLOCKS]
        if not blocks[0]:
            table.problem(BLOCKS[0], "must name at least one covariate")
        last = max((number for number, block in enumerate(blocks, 1) if block), default=1)
        specifications = {
            number: tuple(dict.fromkeys(column for block in blocks[:number] for column in block))
            for number in range(1, last + 1)
        }
        specification = table.whole("specification", min(3, last), 1, last)
        rules = NeedRules(
            specifications,
            specification=specification,
            family=table.text("family", "auto", FAMILIES),  # type: ignore[arg-type]
            fitted_on=table.text("fitted_on", "outside", ("all", "outside")),  # type: ignore[arg-type]
            supply_share=table.whole("supply_share", 50, 0, 100),
            least_cases=table.whole("least_cases", 15),
            level=_fraction(table, "level", 0.95),
        )
        table.finish()
        return rules

    def _forecast(self) -> ForecastRules:
        table = self._table("forecast")
        arguments = {
            "base_year": table.whole("base_year", 2000, 1900, 2200),
            "horizon": table.several("horizon", int, 2001),
            "occupancy": _fraction(table, "occupancy", 0.85),
            "draws": table.whole("draws", 1000, 0, 10**6),
            "seed": table.whole("seed", 0),
            "level": _fraction(table, "level", 0.95),
        }
        table.finish()
        return self._made(ForecastRules, arguments) or ForecastRules(2000, (2001,))

    def _benefit(self) -> BenefitRules:
        table = self._table("benefit")
        arguments: dict[str, Any] = {
            "missing": table.text("missing", MISSING_RULES[0], MISSING_RULES),
            "limit": table.number("limit", 0.1),
        }
        self._scale = table.whole("utility_scale", 100, 1)
        for key in ("goals", "efficiency"):
            if table.given(key):
                arguments[key] = self._weights(f"benefit.{key}", table.table[key])
        table.finish()
        return self._made(BenefitRules, arguments) or BenefitRules()

    def _weights(self, name: str, given: Any) -> dict[str, float]:
        table = TableReader(self.file, name, given, self.problems)
        weights = {}
        for key, value in table.table.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
                table.problem(key, "must be a number", value)
            else:
                weights[key] = float(value)
        return weights

    def _allocation(self) -> AllocationRules:
        table = self._table("allocation")
        time_limit = table.number("time_limit", 60.0)
        rules = AllocationRules(
            scenario=table.text("scenario", "active", SCENARIOS),
            year=table.whole("year", 2001, 1900, 2200),
            method=table.text("method", "auto"),
            limits=Limits(wall_time=time_limit or None, seed=table.whole("seed", 0)),
            capacity_mode=table.text("capacity_mode", "group", CAPACITY_MODES),
            utility_scale=self._scale,
            canton_share=table.whole("canton_share", CANTON_SHARE, 0, 100),
        )
        table.finish()
        return rules

    def _dialogue(self) -> DialogueRules:
        table = self._table("volume_dialogue")
        rules = DialogueRules(table.number("watch", 0.95), table.number("tolerance", 0.05))
        self._withdrawals = table.texts("withdrawals")
        table.finish()
        return rules

    def _stability(self) -> StabilityRules:
        table = self._table("stability")
        rules = StabilityRules(
            _fraction(table, "epsilon", 0.001), _fraction(table, "tilt", 0.1), table.flag("all_offers", True)
        )
        table.finish()
        return rules

    def _made(self, kind: Any, arguments: Mapping[str, Any]) -> Any:
        """An object whose own rules count as the file's."""
        try:
            return kind(**arguments)
        except InputError as error:
            self.problems += [Problem(self.file, None, None, f"[{p.file}] {p.rule}", p.value) for p in error.problems]
            return None


def _fraction(table: TableReader, key: str, default: float) -> float:
    value = table.number(key, default)
    if not 0 <= value <= 1:
        table.problem(key, "must lie between 0 and 1", value)
        return default
    return value
