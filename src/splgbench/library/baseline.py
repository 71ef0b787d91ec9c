"""The baseline of the benchmark set: committed runs of campaigns, the classes they lead to, and `BASELINE.md`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from splgbench.campaign.store import Store
from splgbench.errors import InputError, Problem
from splgbench.files import parse_csv
from splgbench.library.best_known import BestKnown, library_name
from splgbench.library.features import Features
from splgbench.readable import percent
from splgbench.report.measures import shifted_geometric_mean
from splgbench.result import Status, relative_gap

RUNS_FILE = "baseline_runs.csv"
CLASSES = ("easy", "hard", "open", "unmeasured")
EASY_LIMIT_S = 15.0
"""Seconds of wall time within which an easy instance is solved by a method of the baseline."""
CLASS_RULE = (
    f"Easy: a run of the table below proved the optimum within {EASY_LIMIT_S:g} s, on one thread; hard: not so, but",
    "the best known value is proved (certified, or claimed by a solver); open: a gap is left; unmeasured: no run yet.",
)
SHIFT = 1.0
"""Seconds; of the shifted geometric mean."""


@dataclass(frozen=True)
class BaselineRun:
    """One run of a campaign on an instance of the library.

    Parameters
    ----------
    instance, instance_hash, method : what was run on what.
    time_limit_s, node_limit, threads : the terms; node_limit None for none.
    status, primal, dual : the checked outcome, in utility units.
    wall_time_s : seconds.
    versions, machine : of the solver and the processor.
    """

    instance: str
    instance_hash: str
    method: str
    time_limit_s: float
    node_limit: int | None
    threads: int
    status: str
    primal: int | None
    dual: int | None
    wall_time_s: float
    versions: str
    machine: str

    @property
    def key(self) -> tuple[Any, ...]:
        """What a later run takes the place of."""
        return self.instance, self.method, self.time_limit_s, self.node_limit, self.threads

    @property
    def proves(self) -> bool:
        """Whether it ended with the optimum proved."""
        return self.status == Status.OPTIMAL


COLUMNS = tuple(entry.name for entry in fields(BaselineRun))


def store_runs(path: Path) -> list[BaselineRun]:
    """The runs of a store on instances of the library.

    Raises
    ------
    InputError
        The store cannot be read.
    """
    with Store(path) as store:
        machines = {
            session["session"]: str(session["manifest"].get("machine", {}).get("processor", ""))
            for session in store.rows("sessions")
        }
        found = [_run(row, machines) for row in store.runs() if row["permutation"] is None]
        return [run for run in found if run.instance]


def _run(row: Mapping[str, Any], machines: Mapping[str, str]) -> BaselineRun:
    return BaselineRun(
        instance=library_name(row["instance"], row["instance_hash"]),
        instance_hash=row["instance_hash"],
        method=row["method"],
        time_limit_s=row["wall_time_limit_s"],
        node_limit=row["node_limit"],
        threads=row["threads"],
        status=row["status"],
        primal=row["primal"],
        dual=None if row["dual"] is None else int(row["dual"]),
        wall_time_s=round(row["wall_time_s"] or 0.0, 2),
        versions=", ".join(f"{package} {version}" for package, version in sorted(row["versions"].items())),
        machine=machines.get(row["session"], ""),
    )


def runs_text(runs: Iterable[BaselineRun]) -> str:
    """Runs as CSV; of those with the same key the last one stays."""
    kept = {run.key: run for run in runs}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run in sorted(kept.values(), key=lambda run: (run.instance, run.method, run.time_limit_s, run.node_limit or 0)):
        writer.writerow("" if cell is None else cell for cell in astuple(run))
    return text.getvalue()


def parse_runs(text: str, file: str) -> list[BaselineRun]:
    """Reads `runs_text` back.

    Raises
    ------
    InputError
        The file holds something else.
    """
    table = parse_csv("baseline_runs", file, text)
    if tuple(table.columns) != COLUMNS:
        raise InputError(f"must have the columns {', '.join(COLUMNS)}", file)
    runs = []
    for line, cells in zip(table.rows, zip(*table.columns.values(), strict=True), strict=True):
        row: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
        try:
            for column in ("node_limit", "primal", "dual"):
                row[column] = int(row[column]) if row[column] else None
            runs.append(
                BaselineRun(
                    **row
                    | {
                        "time_limit_s": float(row["time_limit_s"]),
                        "threads": int(row["threads"]),
                        "wall_time_s": float(row["wall_time_s"]),
                    }
                )
            )
        except ValueError as error:
            raise InputError([Problem(file, line, None, f"must hold numbers: {error}")]) from None
    return runs


def committed_runs() -> list[BaselineRun]:
    """The runs as they stand in the library."""
    file = resources.files("splgbench.instances") / RUNS_FILE
    return parse_runs(file.read_text("utf-8"), RUNS_FILE)


def class_of(name: str, runs: Iterable[BaselineRun], best: BestKnown | None) -> str:
    """Of `CLASSES`, by `CLASS_RULE`; runs with a node limit do not count."""
    own = [run for run in runs if run.instance == name and run.node_limit is None]
    if any(run.proves and run.wall_time_s <= EASY_LIMIT_S for run in own):
        return "easy"
    if best is not None and best.status in ("optimal", "optimal-claimed"):
        return "hard"
    return "open" if own else "unmeasured"


def page(
    members: Mapping[str, Mapping[str, str]],
    runs: Sequence[BaselineRun],
    best: Mapping[str, BestKnown],
    features: Mapping[str, Features],
) -> str:
    """`BASELINE.md`: the benchmark set with values, bounds, gaps and times.

    Parameters
    ----------
    members : of the set by name, with their class.
    """
    runs = [run for run in runs if run.instance in members]
    timed = [run for run in runs if run.node_limit is None]
    rooted = [run for run in runs if run.node_limit is not None]
    methods = sorted({(run.method, run.time_limit_s) for run in timed})
    roots = sorted({run.method for run in rooted})
    by_key = {(run.instance, run.method, run.time_limit_s): run for run in timed}
    root_by_key = {(run.instance, run.method): run for run in rooted}
    classes = Counter(row["class"] for row in members.values())
    statuses = Counter(best[name].status if name in best else "unknown" for name in members)
    lines = [
        "# Baseline of the benchmark set",
        "",
        "Made by `splgbench instances baseline` from `instances/best_known.csv`, `instances/features.csv` and",
        "`instances/baseline_runs.csv`; not to be edited. [docs/instances.md](docs/instances.md) explains the columns.",
        "",
        f"{len(members)} instances: {', '.join(f'{classes[name]} {name}' for name in CLASSES if classes[name])}. "
        f"Best known: {', '.join(f'{count} {status}' for status, count in sorted(statuses.items()))}.",
        *CLASS_RULE,
        "",
        "Dual bounds marked * are claimed by a solver; the others are proved in whole numbers (`splgbench certify`).",
        "Times are seconds of wall time of one run on one thread, of a machine shared with other work: they sort",
        "instances, they do not rank methods. `>` marks a run without proof at its limit, with the gap that it left.",
        "",
        *_table(
            (
                *("instance", "class", "H x G", "offers", "primal", "dual", "gap"),
                *(f"LP gap `{name}`" for name in ("linked", "strengthened")),
                *(f"root gap `{name}`" for name in roots),
                *(f"`{name}`, {limit:g} s" for name, limit in methods),
            ),
            [
                (
                    name,
                    row["class"],
                    *_sizes(features.get(name)),
                    *_bounds(best.get(name)),
                    *_lp_gaps(features.get(name), best.get(name)),
                    *(_root(root_by_key.get((name, method)), best.get(name)) for method in roots),
                    *(_time(by_key.get((name, *method))) for method in methods),
                )
                for name, row in members.items()
            ],
        ),
        "",
        "## Methods",
        "",
        f"Shifted geometric mean of the wall times (shift {SHIFT:g} s), a run without proof counting with its limit.",
        "Methods are compared under one limit, on the instances that all of them ran on; those that ran on less than",
        "half of what another one ran on under that limit are left out.",
        "",
        *_table(
            ("method", "limit", "runs", *(f"proved, {name}" for name in CLASSES[:3]), "mean, s"),
            _summary(members, methods, by_key),
        ),
        "",
        "## Versions and machines",
        "",
        *(f"- {text}" for text in sorted({f"{run.method}: {run.versions}; {run.machine}" for run in runs})),
    ]
    return "\n".join(lines) + "\n"


def _summary(
    members: Mapping[str, Mapping[str, str]],
    methods: Sequence[tuple[str, float]],
    by_key: Mapping[tuple[str, str, float], BaselineRun],
) -> list[tuple[str, ...]]:
    rows = []
    for limit in sorted({limit for _, limit in methods}):
        ran = {
            method: {name for name in members if (name, method, limit) in by_key}
            for method in sorted(method for method, of_limit in methods if of_limit == limit)
        }
        most = max(len(names) for names in ran.values())
        ran = {method: names for method, names in ran.items() if 2 * len(names) >= most}
        common = [name for name in members if all(name in names for names in ran.values())]
        for method in ran:
            found = [by_key[name, method, limit] for name in common]
            proved = Counter(members[run.instance]["class"] for run in found if run.proves)
            times = [min(run.wall_time_s, limit) if run.proves else limit for run in found]
            mean = f"{shifted_geometric_mean(times, SHIFT):.1f}" if times else "-"
            rows.append(
                (f"`{method}`", f"{limit:g} s", str(len(found)), *(str(proved[name]) for name in CLASSES[:3]), mean)
            )
    return rows


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    marks = ["---" if position == 0 else "--:" for position in range(len(header))]
    return [f"| {' | '.join(cells)} |" for cells in (header, marks, *rows)]


def _sizes(known: Features | None) -> tuple[str, str]:
    return ("-", "-") if known is None else (f"{known.hospitals} x {known.groups}", f"{known.offers:,}")


def _bounds(known: BestKnown | None) -> tuple[str, str, str]:
    if known is None:
        return "-", "-", "-"
    dual = "-" if known.dual is None else f"{known.dual:,}{'' if known.dual_kind == 'certified' else '*'}"
    return f"{known.primal:,}", dual, percent(known.gap) or "-"


def _lp_gaps(known: Features | None, best: BestKnown | None) -> tuple[str, str]:
    if known is None or best is None:
        return "-", "-"
    bounds = known.lp_linked, known.lp_strengthened
    first, second = (percent(relative_gap(best.primal, bound)) or "-" for bound in bounds)
    return first, second


def _root(run: BaselineRun | None, best: BestKnown | None) -> str:
    if run is None or best is None:
        return "-"
    return percent(relative_gap(best.primal, run.dual)) or "-"


def _time(run: BaselineRun | None) -> str:
    if run is None:
        return "-"
    if run.proves:
        return f"{run.wall_time_s:.1f}"
    gap = percent(relative_gap(run.primal, run.dual))
    return f"> {gap}" if gap else f"> {run.status}"
