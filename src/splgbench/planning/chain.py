"""The steps of a project, one after the other; a step whose inputs are as they were is not done again.

A step's inputs are its part of `project.toml`, the tables it reads and the files of the steps it follows. Their SHA-256
stands in `out/STEP/step.json` beside those of the files it wrote; it is done again if any of them differs.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from splgbench.errors import InfeasibleError, InputError, OutputError, SplgbenchError
from splgbench.files import parse_json, read_text, write_text
from splgbench.instance import Instance
from splgbench.package import read_package, write_package
from splgbench.planning import overrides as decided
from splgbench.planning.assembly import assemble, demand_of
from splgbench.planning.benefit import Benefit, BenefitRules
from splgbench.planning.eligibility import eligibility
from splgbench.planning.forecast import forecast
from splgbench.planning.hospital_list import hospital_list
from splgbench.planning.need import need
from splgbench.planning.project import PROJECT_FILE, Project
from splgbench.planning.report import write_report
from splgbench.planning.schemas import GOALS, SCENARIOS
from splgbench.planning.solving import Solved
from splgbench.planning.stability import across, prices
from splgbench.planning.tables import Sheet, columns_of, read_sheet, write_columns
from splgbench.planning.volume_dialogue import WITHDRAWAL_COLUMNS, monitor, withdrawal
from splgbench.versions import splgbench_version

RECORD = "decisions.jsonl"
"""The record of decisions, in the project's folder."""
_STATE = "step.json"
_SENSITIVITY_COLUMNS = ("setting", "benefit", "cases", "mandates", "gained", "lost", "note")


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    settings : tables of `project.toml` that it depends on.
    reads : tables of the project.
    follows : steps whose files it reads.
    """

    name: str
    settings: tuple[str, ...]
    reads: tuple[str, ...]
    follows: tuple[str, ...]
    run: Callable[[Run], None]


@dataclass(frozen=True)
class Done:
    """What became of a step: kept as it was, or done."""

    step: str
    kept: bool
    files: int


@dataclass(frozen=True)
class Run:
    """A step's view of the project.

    Parameters
    ----------
    folder : where the step writes.
    """

    project: Project
    folder: Path

    def given(self, table: str) -> Sheet | None:
        """A table of the project; None where it has none."""
        return self.project.sheet(table)

    def made(self, step: str, table: str) -> Sheet:
        """A table that another step handed over."""
        return read_sheet(table, self.folder.parent / step / f"{table}.csv")

    def file(self, step: str, name: str) -> Path:
        return self.folder.parent / step / name

    def write(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write a table."""
        write_columns(columns, self.folder / f"{name}.csv")


def run_project(project: Project, only: str | None = None, on_step: Callable[[Done], None] | None = None) -> list[Done]:
    """Run all steps up to `only`, or all.

    Parameters
    ----------
    on_step : told of each step when it is through.

    Raises
    ------
    InputError
        A table breaks its schema (all tables are read before the first step), or the record of decisions was changed.
    InfeasibleError
        The overrides clash; the message names the smallest clash.
    SplgbenchError
        A step failed.
    """
    out = project.folder / "out"
    project.check_tables()
    decided.read_record(project.folder / RECORD)
    done = []
    for step in STEPS:
        folder = out / step.name
        fingerprint = _fingerprint(project, step, out)
        kept = _is_as_it_was(folder, fingerprint)
        if not kept:
            with _fresh(folder):
                step.run(Run(project, folder))
            _note(folder, fingerprint)
        if step.name == "overrides":
            # Decisions that clash never held.
            taken = decided.decisions(project.sheet("overrides"), project.sheet("admissions"))
            decided.record(project.folder / RECORD, taken)
        done.append(Done(step.name, kept, sum(1 for _ in _files(folder))))
        if on_step is not None:
            on_step(done[-1])
        if step.name == only:
            break
    return done


# Whether a step is as it was


def _fingerprint(project: Project, step: Step, out: Path) -> str:
    parts: dict[str, Any] = {
        "splgbench": splgbench_version(),
        "step": step.name,
        "project": [project.name, project.title, project.kind, *project.sources],
        "settings": {name: project.settings.get(name) for name in step.settings},
        "tables": {name: _digest(project.path(name)) for name in step.reads},
        "follows": {name: _digests(out / name) for name in step.follows},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != _STATE)


def _digests(folder: Path) -> dict[str, str | None]:
    return {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}


def _is_as_it_was(folder: Path, fingerprint: str) -> bool:
    state = folder / _STATE
    if not state.is_file():
        return False
    try:
        noted = parse_json(read_text(state), str(state))
        return bool(noted["fingerprint"] == fingerprint and noted["files"] == _digests(folder))
    except (InputError, KeyError, TypeError):
        return False


def _note(folder: Path, fingerprint: str) -> None:
    text = json.dumps({"fingerprint": fingerprint, "files": _digests(folder)}, indent=1, sort_keys=True)
    write_text(folder / _STATE, text + "\n")


@contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """An empty folder; the state goes first, so that a step that breaks off counts as not done."""
    try:
        (folder / _STATE).unlink(missing_ok=True)
        if folder.is_dir():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        yield
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None


# The steps


def _need(run: Run) -> None:
    found = need(run.given("groups"), run.given("regions"), run.given("region_cases"), run.project.need)
    run.write("need", found.table)
    run.write("regions", found.regions)
    run.write("coefficients", found.coefficients)
    run.write("diagnostics", found.diagnostics)


def _forecast(run: Run) -> None:
    found = forecast(
        run.given("groups"),
        run.made("need", "need"),
        run.given("age_profiles"),
        run.given("population"),
        run.project.forecast,
        run.given("trends"),
    )
    run.write("forecast", found)


def _eligibility(run: Run) -> None:
    names = ("groups", "hospitals", "applications", "requirements", "facilities", "specialists", "admissions")
    found = eligibility(*(run.given(name) for name in names))
    for name in ("offers", "refusals", "links"):
        run.write(name, getattr(found, name))


def _judge(run: Run, rules: BenefitRules) -> tuple[Benefit, list[tuple[str, str]]]:
    """What judges, and the offers that are judged."""
    tables: dict[str, Any] = {name: run.given(name) for name in _SCORING}
    offers = run.made("eligibility", "offers")
    return Benefit(**tables, rules=rules), list(zip(offers["hospital"], offers["group"], strict=True))


def _benefit(run: Run) -> None:
    benefit, pairs = _judge(run, run.project.benefit)
    run.write("scores", benefit.scores(pairs))
    trees = ("\n".join([f"{g} at {h}", *benefit.explain(h, g).lines(1)]) for h, g in pairs)
    write_text(run.folder / "explained.txt", "\n\n".join(trees) + "\n")


def _instance(run: Run, scores: Any, scenario: str, year: int, costs: Any = None) -> Instance:
    project, rules = run.project, run.project.allocation
    return assemble(
        run.given("groups"),
        run.given("hospitals"),
        demand_of(run.made("forecast", "forecast"), scenario, year),
        run.made("eligibility", "offers"),
        scores,
        run.made("eligibility", "links"),
        run.given("area_capacity"),
        costs,
        capacity_mode=rules.capacity_mode,
        utility_scale=rules.utility_scale,
        name=project.name,
        metadata=_metadata(project, scenario, year),
    )


def _metadata(project: Project, scenario: str, year: int) -> dict[str, Any]:
    return {
        "title": project.title,
        "description": f"By the planning chain of splgbench: scenario {scenario}, year {year}; {project.kind} data.",
        "kind": project.kind,
        "sources": [{"title": source} for source in project.sources],
    }


def _allocation(run: Run) -> None:
    rules = run.project.allocation
    instance = _instance(run, run.made("benefit", "scores"), rules.scenario, rules.year, run.given("costs"))
    write_package(instance, run.folder / "instance.zip")
    _write_list(run, instance, rules.solver().solve(instance))


def _write_list(run: Run, instance: Instance, solved: Solved) -> None:
    tables: dict[str, Any] = {name: run.given(name) for name in _LISTING}
    share = run.project.allocation.canton_share
    found = hospital_list(instance, solved.volumes, **tables, canton_share=share)
    for name in ("mandates", "coverage", "travel", "costs"):
        run.write(name, getattr(found, name))
    value = {
        "method": run.project.allocation.method,
        "instance_hash": instance.instance_hash,
        "primal": solved.primal,
        "dual": solved.dual,
        "utility_scale": instance.utility_scale,
    }
    write_text(run.folder / "solution.json", json.dumps(value, indent=1) + "\n")


def _overrides(run: Run) -> None:
    free = read_package(run.file("allocation", "instance.zip"))
    table = run.given("overrides")
    solver = run.project.allocation.solver()
    if table is None or not len(table):
        run.write("prices", columns_of(decided.PRICE_COLUMNS, []))
        final, solved = free, solver.solve(free)
    else:
        priced = decided.price(free, table, solver)
        run.write("prices", priced.table)
        if priced.solved is None:
            raise InfeasibleError(f"the overrides clash: {'; '.join(priced.clash)}")
        final, solved = priced.instance, priced.solved
    write_package(final, run.folder / "instance.zip")
    write_package(final, run.folder / "instance")
    _write_list(run, final, solved)


def _volume_dialogue(run: Run) -> None:
    mandates, actuals = run.made("overrides", "mandates"), run.given("actuals")
    if actuals is not None:
        run.write("monitor", monitor(mandates, actuals, run.project.dialogue, run.given("season")))
    instance = read_package(run.file("overrides", "instance.zip"))
    solver = run.project.allocation.solver()
    rows, moved = [], []
    for hospital in run.project.withdrawals:
        if hospital not in instance.hospitals:
            raise InputError(f"[volume_dialogue] withdrawals names {hospital}, which is no hospital", PROJECT_FILE)
        found = withdrawal(instance, hospital, solver)
        moved += [(hospital, *cells) for cells in zip(*found.table.values(), strict=True)]
        rows.append((hospital, found.lost, found.unmet, int(found.exact)))
    run.write("withdrawals", columns_of(("hospital", "lost", "unmet", "exact"), rows))
    run.write("withdrawal_mandates", columns_of(("withdrawn", *WITHDRAWAL_COLUMNS), moved))


def _stability(run: Run) -> None:
    project, rules = run.project, run.project.stability
    instance = read_package(run.file("overrides", "instance.zip"))
    solver = project.allocation.solver()
    found = prices(instance, solver, rules.epsilon, rules.all_offers)
    run.write("prices", found.prices)
    run.write("impossible", columns_of(("hospital", "group"), found.impossible))
    base = solver.solve(instance)
    settings: dict[str, tuple[Instance, Solved]] = {"the plan": (instance, base)}
    rows: list[tuple[Any, ...]] = [("the plan", *_summary(instance, base, instance, base), "")]
    for name, make in _varied(run):
        try:
            other = decided.apply(make(), run.given("overrides")) if run.given("overrides") else make()
            solved = solver.solve(other)
        except SplgbenchError as error:
            rows.append((name, None, None, None, None, None, str(error).splitlines()[0]))
            continue
        settings[name] = (other, solved)
        rows.append((name, *_summary(other, solved, instance, base), ""))
    run.write("sensitivity", columns_of(_SENSITIVITY_COLUMNS, rows))
    run.write("across", across(settings))


def _varied(run: Run) -> Iterator[tuple[str, Callable[[], Instance]]]:
    """Settings beside the plan: each goal's weight up and down, and the other scenarios and years."""
    project = run.project
    scenario, year = project.allocation.scenario, project.allocation.year
    for goal in GOALS:
        for by in (project.stability.tilt, -project.stability.tilt):
            tilted = project.benefit.tilted(goal, by)
            yield f"weight of {goal} {by:+g}", partial(_under_weights, run, tilted)
    scores = run.made("benefit", "scores")
    for other in SCENARIOS:
        for at in project.forecast.horizon:
            if (other, at) != (scenario, year):
                yield f"{other} {at}", partial(_instance, run, scores, other, at)


def _under_weights(run: Run, rules: BenefitRules) -> Instance:
    benefit, pairs = _judge(run, rules)
    return _instance(run, benefit.scores(pairs), run.project.allocation.scenario, run.project.allocation.year)


def _summary(instance: Instance, solved: Solved, before: Instance, base: Solved) -> tuple[Any, ...]:
    held = {instance.offer_name(int(k)) for k in solved.volumes.nonzero()[0]}
    old = {before.offer_name(int(k)) for k in base.volumes.nonzero()[0]}
    return solved.primal, int(solved.volumes.sum()), len(held), len(held - old), len(old - held)


def _report(run: Run) -> None:
    write_report(run.project, run.folder.parent, run.folder)


_SCORING = ("groups", "indicators", "value_functions", "weights")
_LISTING = ("groups", "status_quo", "travel", "regions", "costs")
STEPS = (
    Step("need", ("need",), ("groups", "regions", "region_cases"), (), _need),
    Step("forecast", ("forecast",), ("groups", "age_profiles", "population", "trends"), ("need",), _forecast),
    Step(
        "eligibility",
        (),
        ("groups", "hospitals", "applications", "requirements", "facilities", "specialists", "admissions"),
        (),
        _eligibility,
    ),
    Step("benefit", ("benefit",), _SCORING, ("eligibility",), _benefit),
    Step(
        "allocation",
        ("allocation", "benefit"),
        (*_LISTING, "hospitals", "area_capacity"),
        ("forecast", "eligibility", "benefit"),
        _allocation,
    ),
    Step(
        "overrides",
        ("allocation",),
        (*_LISTING, "overrides", "admissions"),
        ("allocation",),
        _overrides,
    ),
    Step(
        "volume_dialogue",
        ("volume_dialogue", "allocation"),
        ("actuals", "season"),
        ("overrides",),
        _volume_dialogue,
    ),
    Step(
        "stability",
        ("stability", "allocation", "benefit", "forecast"),
        (*_SCORING, "hospitals", "area_capacity", "overrides"),
        ("forecast", "eligibility", "benefit", "overrides"),
        _stability,
    ),
    Step(
        "report",
        ("allocation", "need", "stability"),
        ("groups", "hospitals", "regions", "overrides", "admissions"),
        ("need", "forecast", "eligibility", "benefit", "allocation", "overrides", "volume_dialogue", "stability"),
        _report,
    ),
)
"""In their order."""
