"""Drawing hard instances by a stated rule: the first seed on which a method still has a gap when its time is up.

Hardness varies with the seed as much as with the knobs, so a hard instance is drawn and then screened. Every seed that
was tried stays on record.
"""

from __future__ import annotations

import csv
import io
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, Problem, UnsupportedError
from splgbench.files import parse_csv, read_text, write_text
from splgbench.generator.generate import generate
from splgbench.generator.recipe import Recipe
from splgbench.limits import Limits
from splgbench.methods import Method
from splgbench.methods import method as method_of_name
from splgbench.result import Result, Status, relative_gap

SCREENING_METHOD = "linked@highs"
COLUMNS = (
    "recipe",
    "seed",
    "instance_hash",
    "method",
    "time_limit_s",
    "gap_threshold",
    "status",
    "primal",
    "dual",
    "gap",
    "wall_time_s",
    "run",
)


@dataclass(frozen=True)
class ScreeningRow:
    """One seed that was tried.

    Parameters
    ----------
    recipe, seed, instance_hash : what was drawn.
    method, time_limit_s, gap_threshold : the rule, one thread; the gap as a fraction.
    status, primal, dual : the checked outcome, in utility units; None where unknown.
    wall_time_s : seconds it took.
    terms : command, versions and machine.
    """

    recipe: str
    seed: int
    instance_hash: str
    method: str
    time_limit_s: float
    gap_threshold: float
    status: str
    primal: int | None
    dual: int | None
    wall_time_s: float
    terms: str

    @property
    def gap(self) -> float | None:
        """|dual - primal| / |primal|; None where unknown."""
        return relative_gap(self.primal, self.dual)

    @property
    def hard(self) -> bool:
        """Whether time ran out at the threshold or above; an unknown gap counts as 100 %."""
        return self.status == Status.TIME_OUT and (self.gap is None or self.gap >= self.gap_threshold)

    def answers(self, recipe: Recipe, instance_hash: str, method: str, wall_time: float, gap: float) -> bool:
        """Whether this row is the outcome of that very run."""
        mine = (self.recipe, self.seed, self.instance_hash, self.method, self.time_limit_s, self.gap_threshold)
        return mine == (recipe.name, recipe.seed, instance_hash, method, wall_time, gap)


@dataclass(frozen=True)
class Screening:
    """The outcome for one recipe.

    Parameters
    ----------
    seed : the first hard seed; None where no seed tried was hard.
    rows : the seeds that were tried, in order.
    """

    seed: int | None
    rows: tuple[ScreeningRow, ...]


def screen(
    recipe: Recipe,
    method: str | Method = SCREENING_METHOD,
    wall_time: float = 15,
    gap: float = 0.001,
    first_seed: int = 1,
    max_seeds: int = 50,
    on_result: Callable[[ScreeningRow], None] | None = None,
    *,
    known: Iterable[ScreeningRow] = (),
    command: str = "",
) -> Screening:
    """Try seeds in turn until one is hard. Solves, one thread at a time, for up to `max_seeds` x `wall_time` seconds.

    Parameters
    ----------
    recipe : its seed is replaced by the seed tried.
    method : what is run, one thread.
    wall_time : seconds it has.
    gap : relative gap, a fraction, that must be left; the method may stop once it is below.
    on_result : called with each row that was run afresh.
    known : rows of earlier screenings; a seed that has one is not run again.
    command : how the screening was started, for the record.

    Raises
    ------
    UnsupportedError
        The method cannot run.
    KeyboardInterrupt
        The method was interrupted; its row is dropped.
    """
    if isinstance(method, str):
        method = method_of_name(method)
    known = tuple(known)
    rows: list[ScreeningRow] = []
    for seed in range(first_seed, first_seed + max_seeds):
        drawn = replace(recipe, seed=seed)
        instance = generate(drawn)
        key = (drawn, instance.instance_hash, method.name, float(wall_time), float(gap))
        row = next((row for row in known if row.answers(*key)), None)
        if row is None:
            row = _row(drawn, method.solve(instance, Limits(wall_time=wall_time, gap=gap)), gap, command)
            if on_result is not None:
                on_result(row)
        rows.append(row)
        if row.hard:
            return Screening(seed, tuple(rows))
    return Screening(None, tuple(rows))


def screen_to_file(
    recipes: Iterable[Recipe],
    path: str | Path,
    method: str | Method = SCREENING_METHOD,
    wall_time: float = 15,
    gap: float = 0.001,
    first_seed: int = 1,
    max_seeds: int = 50,
    on_result: Callable[[ScreeningRow], None] | None = None,
    *,
    command: str = "",
) -> dict[str, Screening]:
    """Screen recipes, keeping the record in a file: rows it has are not run again, each new row is saved at once.

    Parameters
    ----------
    path : a CSV of `write_screening`; made where it does not exist.

    Returns
    -------
    dict
        The outcome by recipe name. The other parameters are those of `screen`.
    """
    path = Path(path)
    record = read_screening(path) if path.exists() else []

    def save(row: ScreeningRow) -> None:
        record.append(row)
        write_screening(record, path)
        if on_result is not None:
            on_result(row)

    return {
        recipe.name: screen(
            recipe, method, wall_time, gap, first_seed, max_seeds, save, known=tuple(record), command=command
        )
        for recipe in recipes
    }


def _row(recipe: Recipe, result: Result, gap: float, command: str) -> ScreeningRow:
    if result.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    if result.status is Status.UNSUPPORTED:
        raise UnsupportedError(f"{result.method}: {result.message}")
    assert result.limits.wall_time is not None
    return ScreeningRow(
        recipe=recipe.name,
        seed=recipe.seed,
        instance_hash=result.instance_hash,
        method=result.method,
        time_limit_s=float(result.limits.wall_time),
        gap_threshold=float(gap),
        status=str(result.status),
        primal=result.primal,
        dual=None if result.dual is None else int(result.dual),
        wall_time_s=round(result.wall_time_s, 2),
        terms=_terms(result, command),
    )


def _terms(result: Result, command: str) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in sorted(result.versions.items()))
    return "; ".join(part for part in (command, versions, machine()) if part)


def machine() -> str:
    """The processor's name and the number of its cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = (line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line)
        name = next(models, name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def write_screening(rows: Sequence[ScreeningRow], path: str | Path) -> None:
    """Write rows as CSV under a comment with the command, versions and machine of each run they come from."""
    runs = {terms: number for number, terms in enumerate(dict.fromkeys(row.terms for row in rows), 1)}
    text = io.StringIO()
    text.write("# Seeds tried for hard instances, one thread; hard: time-out with a gap of the threshold or more.\n")
    for terms, number in runs.items():
        text.write(f"# run {number}: {terms}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = vars(row) | {"gap": None if row.gap is None else f"{row.gap:.6f}", "run": runs[row.terms]}
        writer.writerow([values[column] for column in COLUMNS])
    write_text(Path(path), text.getvalue())


def read_screening(path: str | Path) -> list[ScreeningRow]:
    """Read rows that `write_screening` wrote.

    Raises
    ------
    InputError
        A file that is no such record.
    """
    file = str(path)
    lines = read_text(Path(path)).splitlines(keepends=True)
    comments = [line for line in lines if line.startswith("#")]
    table = parse_csv("screening", file, "".join(lines[len(comments) :]))
    if tuple(table.columns) != COLUMNS:
        raise InputError(f"must have the columns {', '.join(COLUMNS)}", file)
    terms = dict(line.rstrip("\n").removeprefix("# run ").split(": ", 1) for line in comments if line[:6] == "# run ")
    rows = []
    for number, cells in zip(table.rows, zip(*table.columns.values(), strict=True), strict=True):
        try:
            rows.append(_parsed(dict(zip(COLUMNS, cells, strict=True)), terms))
        except (ValueError, KeyError) as error:
            raise InputError([Problem(file, number + len(comments), None, f"is no screening row: {error}")]) from None
    return rows


def _parsed(cells: dict[str, str], terms: dict[str, str]) -> ScreeningRow:
    def whole(text: str) -> int | None:
        return int(text) if text else None

    numbers: dict[str, Any] = {
        "seed": int(cells["seed"]),
        "primal": whole(cells["primal"]),
        "dual": whole(cells["dual"]),
        **{name: float(cells[name]) for name in ("time_limit_s", "gap_threshold", "wall_time_s")},
    }
    texts: dict[str, Any] = {name: cells[name] for name in ("recipe", "instance_hash", "method", "status")}
    return ScreeningRow(**texts, **numbers, terms=terms[cells["run"]])
