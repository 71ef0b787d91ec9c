"""What a page may ask: reads, acts and exports, each a function of a session; the server does the rest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from splgbench import registry
from splgbench.app import race, results
from splgbench.app.errands import Asked, LoadErrand, PriceErrand, ReadErrand, WhyNotErrand
from splgbench.app.grid import View
from splgbench.app.jobs import MEMORY, Job, Lane, start_errand, start_solves
from splgbench.app.live import Live
from splgbench.app.pool import Pool
from splgbench.app.session import Session, told
from splgbench.app.uploads import UNPACKED_LIMIT
from splgbench.app.workspace import DECISION_COLUMNS, EDITABLE, Workspace, decision_table, own_kind
from splgbench.errors import InputError
from splgbench.library.catalogue import Entry, catalogue
from splgbench.limits import Limits
from splgbench.methods import DEFAULT_METHOD
from splgbench.package import write_package
from splgbench.planning.overrides import Priced, apply
from splgbench.planning.tables import Columns, csv_text
from splgbench.result import relative_gap
from splgbench.tables import ACTIONS, EXEMPT_RULES

MOST_SECONDS = 86_400.0
MOST_THREADS = 64
LEAST_MEMORY = 256
QUESTION_SECONDS = 60.0
"""Limit of each solve of a price or an explanation where the page asks for none."""


@dataclass(frozen=True)
class Context:
    """What an action works on."""

    session: Session
    pool: Pool


Asking = Mapping[str, Any]
Handler = Callable[[Context, Asking], Any]
Writer = Callable[[Session, Mapping[str, str]], tuple[str, str, bytes]]


# Reads


def state(context: Context, _: Asking) -> dict[str, Any]:
    """Everything but tables: the instance, its changes, the runs, the job."""
    session = context.session
    with session.changing():
        running, runs, workspace = session.running, list(session.runs), session.workspace
    return {
        "instance": told(workspace),
        "runs": [run.as_json() for run in runs],
        "job": None if running is None else running.id,
        "job_kind": None if running is None else running.kind,
        "default_method": DEFAULT_METHOD,
        "actions": ACTIONS,
        "exempt_rules": EXEMPT_RULES,
        "most_racers": race.MOST_RACERS,
        "memory": MEMORY,
        "editable": EDITABLE,
    }


@cache
def _choices() -> dict[str, Any]:
    families: dict[str, list[dict[str, Any]]] = {}
    for entry in catalogue():
        families.setdefault(entry.family, []).append({"name": entry.name, "kind": entry.kind, "offers": _offers(entry)})
    return {
        "families": families,
        "formulations": registry.names("formulations"),
        "decompositions": registry.names("decompositions"),
        "backends": registry.names("backends"),
    }


def _offers(entry: Entry) -> int | None:
    return None if entry.features is None else entry.features.offers


def library(_: Context, __: Asking) -> dict[str, Any]:
    """Instances and methods there are."""
    return _choices()


def progress(context: Context, asked: Asking) -> dict[str, Any]:
    """How a job stands, with its curves or its answer."""
    job = context.session.job(str(asked.get("job", "")))
    found: dict[str, Any] = {
        "job": job.id,
        "kind": job.kind,
        "done": job.done,
        "seconds": job.seconds,
        "error": job.error,
    }
    if job.lanes:
        return found | race.curves(job.lanes) | {"live": _live(job)}
    if job.done and not job.error:
        found["answer"] = _answer(job.value)
    return found


def _live(job: Job) -> dict[str, Any] | None:
    """The best allocation of a solve under way, with its gap to the bound that is known by now."""
    best = None if job.live is None else job.live.best
    if best is None:
        return None
    duals = [event.dual for event in job.lanes[0].events[-1:] if event.dual is not None]
    return {
        "number": best.number,
        "primal": best.primal,
        "dual": duals[0] if duals else None,
        "gap": relative_gap(best.primal, duals[0] if duals else None),
        "origin": best.origin,
        "mandates": int((best.volumes > 0).sum()),
        "cases": int(best.volumes.sum()),
        "demand": int(job.live.instance.demand.sum()) if job.live is not None else 0,
    }


def _answer(value: Any) -> Any:
    if isinstance(value, Priced):
        return _price(value)
    return asdict(value) | {"exact": value.exact} if hasattr(value, "exact") else None


def _price(priced: Priced) -> dict[str, Any]:
    row = {name: cells[0] for name, cells in priced.table.items()}
    return {**row, "clash": list(priced.clash)}


def _run(context: Context, asked: Asking) -> results.Run:
    return context.session.run(str(asked.get("run", "")))


def curve(context: Context, asked: Asking) -> dict[str, Any]:
    """The curves of a run."""
    result = _run(context, asked).result
    return race.curves([Lane(result.method, list(result.trace), result)])


def heat(context: Context, asked: Asking) -> dict[str, Any]:
    """The heat map of a run."""
    return results.heat(
        _run(context, asked), _whole(asked, "page"), str(asked.get("text", "")), _whole(asked, "area_page")
    )


def _whole(asked: Asking, name: str) -> int:
    value = str(asked.get(name, "0"))
    if not (value.isdecimal() and len(value) < 10):
        raise InputError(f"{name} must be a whole number", "request")
    return int(value)


def coverage(context: Context, asked: Asking) -> dict[str, Any]:
    """A page of the coverage of groups."""
    return results.coverage(_run(context, asked), str(asked.get("text", ""))).page(View.of(asked))


def offers(context: Context, asked: Asking) -> dict[str, Any]:
    """A page of offers."""
    return results.offers(_run(context, asked), results.OfferFilter.of(asked)).page(View.of(asked))


def places(context: Context, asked: Asking) -> dict[str, Any]:
    """Hospitals on the map."""
    return results.places(_run(context, asked))


def difference(context: Context, asked: Asking) -> dict[str, Any]:
    """A page of what differs between two runs."""
    run, other = _run(context, asked), context.session.run(str(asked.get("other", "")))
    sums, grid = results.difference(run, other)
    return {"sums": sums, **grid.page(View.of(asked))}


def inputs(context: Context, asked: Asking) -> dict[str, Any]:
    """A page of numbers that can be edited."""
    table = str(asked.get("table", ""))
    grid = results.inputs(context.session.workspace.edited, table, str(asked.get("text", "")))
    return {"table": table, "editable": EDITABLE.get(table, ()), **grid.page(View.of(asked))}


# Acts


def load(context: Context, asked: Asking) -> dict[str, str]:
    """Load an instance of the library, by a name that the library lists."""
    name = asked.get("name")
    entry = next((entry for entry in catalogue() if entry.name == name), None)
    if entry is None:
        raise InputError(f"the library has no instance {name!r}", "instance")
    session, job = context.session, context.session.begin(Job("load"))
    start_errand(
        job, context.pool, LoadErrand(entry.name), lambda job: session.load(Workspace.of(job.value, entry.kind))
    )
    return {"job": job.id}


def read_upload(context: Context, path: Path, limit: int) -> dict[str, str]:
    """Read an uploaded package and begin with it."""
    session = context.session

    def then(job: Job) -> None:
        session.load(Workspace.of(job.value, own_kind("uploaded", job.value)))

    def clear(job: Job) -> None:
        shutil.rmtree(path.parent, ignore_errors=True)
        # Where it lay is nobody's business.
        job.error = job.error.replace(f"{path.parent}/", "")

    try:
        job = session.begin(Job("upload"))
    except InputError:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    start_errand(job, context.pool, ReadErrand(path, limit * UNPACKED_LIMIT), then, clear)
    return {"job": job.id}


def rules(context: Context, asked: Asking) -> dict[str, Any]:
    """Switch rules."""
    return _changed(context, lambda workspace: workspace.with_rules(asked))


def edit(context: Context, asked: Asking) -> dict[str, Any]:
    """Change a number."""
    table, column, row, value = (asked.get(name) for name in ("table", "column", "row", "value"))
    if type(row) is not int or not all(isinstance(text, str) for text in (table, column, value)):
        raise InputError("needs table, column, row and value", "edit")
    return _changed(context, lambda workspace: workspace.with_edit(str(table), str(column), row, str(value)))


def undo(context: Context, asked: Asking) -> dict[str, Any]:
    """Take an edit back."""
    number = asked.get("number")
    if type(number) is not int:
        raise InputError("needs a number", "undo")
    return _changed(context, lambda workspace: workspace.without_edit(number))


def _changed(context: Context, change: Callable[[Workspace], Workspace]) -> dict[str, Any]:
    with context.session.changing() as session:
        session.workspace = change(session.workspace)
    return state(context, {})


def limits_of(asked: Asking, time_limit: float = QUESTION_SECONDS) -> Limits:
    """The limits that a page asks for.

    Raises
    ------
    InputError
        No numbers, or beyond what the app allows.
    """
    defaults = {"time": time_limit, "gap": 0.0, "threads": 1, "seed": 0, "memory": MEMORY}
    numbers = defaults | {name: asked[name] for name in defaults if asked.get(name) is not None}
    for name, value in numbers.items():
        if type(value) not in ((int, float) if name in ("time", "gap") else (int,)):
            raise InputError(f"{name} must be a number", "limits")
    if numbers["time"] > MOST_SECONDS or numbers["threads"] > MOST_THREADS:
        raise InputError(f"at most {MOST_SECONDS:g} seconds and {MOST_THREADS} threads", "limits")
    if not LEAST_MEMORY <= numbers["memory"] < 2**31:
        raise InputError(f"at least {LEAST_MEMORY} MB of memory", "limits")
    return Limits(
        wall_time=float(numbers["time"]),
        gap=float(numbers["gap"]),
        threads=int(numbers["threads"]),
        seed=int(numbers["seed"]),
        memory=int(numbers["memory"]),
    )


def solve(context: Context, asked: Asking) -> dict[str, str]:
    """Solve the instance as it stands."""
    return _solves(context, "solve", [race.checked_method(asked.get("method", DEFAULT_METHOD))], limits_of(asked))


def start_race(context: Context, asked: Asking) -> dict[str, str]:
    """Solve it by several methods, side by side."""
    return _solves(context, "race", race.checked_racers(asked.get("methods")), limits_of(asked))


def _solves(context: Context, kind: str, methods: list[str], limits: Limits) -> dict[str, str]:
    session = context.session
    with session.changing():
        workspace = session.workspace
        job = session.begin(Job(kind, [Lane(method) for method in methods]))
        if kind == "solve":
            job.live = Live(workspace.instance, session.carried())

    def then(job: Job) -> None:
        session.keep(workspace, [lane.result for lane in job.lanes if lane.result is not None])

    start_solves(job, context.pool, workspace.instance, limits, then)
    return {"job": job.id}


def stop(context: Context, asked: Asking) -> dict[str, bool]:
    """Stop a job; a solve keeps its best checked allocation."""
    context.session.job(str(asked.get("job", ""))).stop.set()
    return {"stopping": True}


def price(context: Context, asked: Asking) -> dict[str, str]:
    """What a decision costs, before it is taken."""
    session, row = context.session, _decision(asked)
    with session.changing():
        workspace = session.workspace
        alone = decision_table((_with_words(row),))
        # What is no decision at all is refused here, in words, before anything is solved.
        apply(workspace.instance, alone)
        question = _question(context, workspace, asked)
        job = session.begin(Job("price"))

    def then(job: Job) -> None:
        session.priced[workspace.instance.instance_hash, row[:5]] = job.value.solved is not None

    start_errand(job, context.pool, PriceErrand(question, alone), then)
    return {"job": job.id}


def _question(context: Context, workspace: Workspace, asked: Asking) -> Asked:
    method = race.checked_method(asked.get("method", DEFAULT_METHOD))
    return Asked(workspace.instance, context.session.known(), method, limits_of(asked))


def _decision(asked: Asking) -> tuple[Any, ...]:
    """A row of `DECISION_COLUMNS`; what is not text is left to the table's own rules."""
    cells = {name: asked.get(name) for name in DECISION_COLUMNS}
    cells["date"] = datetime.now(UTC).date().isoformat()
    if cells["action"] != "fix":
        cells["cases"] = None
    if cells["action"] != "exempt":
        cells["rule"] = ""
    for name in ("reason", "author"):
        cell = cells[name]
        cells[name] = cell.strip() if isinstance(cell, str) else cell
    return tuple(cells.values())


def _with_words(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A decision may be priced before its reason is written down."""
    return (*row[:5], row[5] or "not yet given", row[6] or "not yet given", row[7])


def commit(context: Context, asked: Asking) -> dict[str, Any]:
    """Take a decision whose price was shown.

    Raises
    ------
    InputError
        It was not priced on the instance as it stands, clashes, or lacks reason or author.
    """
    row = _decision(asked)
    with context.session.changing() as session:
        workspace = session.workspace
        feasible = session.priced.get((workspace.instance.instance_hash, row[:5]))
        if feasible is None:
            raise InputError("see first what it costs: price it on the instance as it stands", "decision")
        if not feasible:
            raise InputError("it clashes with rules or other decisions", "decision")
        session.workspace = workspace.with_decisions((*workspace.decisions, row))
    return state(context, {})


def withdraw(context: Context, asked: Asking) -> dict[str, Any]:
    """Take a decision back."""
    number = asked.get("number")
    with context.session.changing() as session:
        decisions = session.workspace.decisions
        if type(number) is not int or not 0 <= number < len(decisions):
            raise InputError("no such decision", "decisions")
        session.workspace = session.workspace.with_decisions(decisions[:number] + decisions[number + 1 :])
    return state(context, {})


def why(context: Context, asked: Asking) -> dict[str, str]:
    """Why an offer has no mandate."""
    hospital, group = str(asked.get("hospital", "")), str(asked.get("group", ""))
    session = context.session
    with session.changing():
        workspace = session.workspace
        if (hospital, group) not in workspace.instance.offer_index:
            raise InputError(f"{hospital} makes no offer for {group}", "why not")
        question = _question(context, workspace, asked)
        job = session.begin(Job("why-not"))
    start_errand(job, context.pool, WhyNotErrand(question, hospital, group), lambda _: None)
    return {"job": job.id}


# Exports


def allocation(session: Session, query: Mapping[str, str]) -> tuple[str, str, bytes]:
    """The allocation of a run, as `splgbench check` reads it."""
    run = session.run(query.get("run", ""))
    found = run.result.allocation(run.instance)
    if found is None:
        raise InputError("the run has no allocation", "export")
    return f"{_file_name(session)}-run-{run.number}.csv", "text/csv", found.as_csv().encode()


def offers_csv(session: Session, query: Mapping[str, str]) -> tuple[str, str, bytes]:
    """The offers that the filters leave, as the page shows them."""
    run = session.run(query.get("run", ""))
    text = results.offers(run, results.OfferFilter.of(query)).csv(View.of(query))
    return f"{_file_name(session)}-offers-run-{run.number}.csv", "text/csv", text.encode()


def package(session: Session, _: Mapping[str, str]) -> tuple[str, str, bytes]:
    """The instance as it stands, rules, edits and decisions included, as a package."""
    with tempfile.TemporaryDirectory(prefix="splgbench-app-") as folder:
        path = Path(folder) / "package.zip"
        write_package(session.workspace.instance, path)
        return f"{_file_name(session)}.zip", "application/zip", path.read_bytes()


def decisions_csv(session: Session, _: Mapping[str, str]) -> tuple[str, str, bytes]:
    """The decisions with reasons, as a planning project takes them."""
    table: Columns = decision_table(session.workspace.decisions)
    return f"{_file_name(session)}-overrides.csv", "text/csv", csv_text(table).encode()


def _file_name(session: Session) -> str:
    name = session.workspace.base.name or "instance"
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in name)


READS: Mapping[str, Handler] = {
    "state": state,
    "library": library,
    "progress": progress,
    "curve": curve,
    "heat": heat,
    "coverage": coverage,
    "offers": offers,
    "places": places,
    "difference": difference,
    "inputs": inputs,
}
ACTS: Mapping[str, Handler] = {
    "load": load,
    "rules": rules,
    "edit": edit,
    "undo": undo,
    "solve": solve,
    "race": start_race,
    "stop": stop,
    "price": price,
    "commit": commit,
    "withdraw": withdraw,
    "why": why,
}
EXPORTS: Mapping[str, Writer] = {
    "allocation.csv": allocation,
    "offers.csv": offers_csv,
    "package.zip": package,
    "overrides.csv": decisions_csv,
}
