"""Step 6, overrides: planners' decisions on offers, what each costs, why some clash, and the record of all of them.

The record is a file of one JSON object a line. Lines are only ever added; each carries the SHA-256 of the line before
it, so that a line that is changed, taken out or moved shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from splgbench.clash import infeasibility
from splgbench.errors import InfeasibleError, InputError, OutputError, Problem
from splgbench.files import parse_json, read_text
from splgbench.instance import Instance
from splgbench.planning.assembly import OVERRIDE_COLUMNS
from splgbench.planning.solving import Solved, Solver
from splgbench.planning.tables import Columns, columns_of, sheet
from splgbench.transform import from_tables

PRICE_COLUMNS = ("decision", "benefit", "cost", "cost_share", "exact", "clash")
TOGETHER = "all together"
_FIRST = "0" * 64


def apply(instance: Instance, overrides: Any) -> Instance:
    """The instance with overrides added to those it has.

    Parameters
    ----------
    overrides : a table of the schema `overrides`: every row has a reason and an author.

    Raises
    ------
    InputError
        The table breaks its schema, or names what is no offer.
    """
    given = sheet("overrides", overrides)
    if not len(given):
        return instance
    tables = instance.to_tables()
    before = tables.get("overrides", {})
    count = len(next(iter(before.values()), ()))
    tables["overrides"] = {column: [*before.get(column, [""] * count), *given[column]] for column in OVERRIDE_COLUMNS}
    return from_tables(instance, tables)


@dataclass(frozen=True)
class Priced:
    """What overrides cost.

    Parameters
    ----------
    table : decision, benefit and cost in utility units, cost as a share of the benefit without overrides, exact (1:
        both optima are proved; 0: from the best allocations found), clash. One row a decision alone, one together.
        A cost below 0 is a gain: an exemption lifts a rule.
    instance : the instance with all overrides.
    clash : the smallest set of overrides and rules that clash; empty where an allocation exists.
    solved : the allocation under all overrides; None where they clash.
    """

    table: Columns
    instance: Instance
    clash: tuple[str, ...]
    solved: Solved | None


def price(instance: Instance, overrides: Any, solver: Solver) -> Priced:
    """The cost of each override in benefit, alone and together, by solving again.

    Parameters
    ----------
    instance : without the overrides.
    overrides : a table of the schema `overrides`.
    """
    given = sheet("overrides", overrides)
    base = solver.solve(instance)
    rows = []
    for row in range(len(given)):
        alone = {column: [given[column][row]] for column in given.columns}
        rows.append((_told(alone), *_priced(apply(instance, alone), base, solver)[0]))
    together = apply(instance, given)
    cells, clash, solved = _priced(together, base, solver)
    rows.append((TOGETHER, *cells))
    return Priced(columns_of(PRICE_COLUMNS, rows), together, clash, solved)


def _told(alone: Mapping[str, Sequence[Any]]) -> str:
    parts = (alone[column][0] for column in ("action", "hospital", "group", "cases", "rule"))
    return " ".join(str(part) for part in parts if part not in (None, ""))


def _priced(changed: Instance, base: Solved, solver: Solver) -> tuple[tuple[Any, ...], tuple[str, ...], Solved | None]:
    try:
        solved = solver.solve(changed)
    except InfeasibleError:
        clash = infeasibility(changed) or ()
        return (None, None, None, 1, "; ".join(clash)), clash, None
    cost = base.primal - solved.primal
    share = cost / base.primal if base.primal else 0.0
    return (solved.primal, cost, share, int(base.is_optimal and solved.is_optimal), ""), (), solved


# The record


def decisions(overrides: Any = None, admissions: Any = None) -> list[dict[str, Any]]:
    """Overrides and admissions as the record holds them, without dates of entry."""
    found: list[dict[str, Any]] = []
    for name in ("overrides", "admissions"):
        data = {"overrides": overrides, "admissions": admissions}[name]
        if data is not None:
            given = sheet(name, data)
            rows = zip(*given.columns.values(), strict=True)
            found += [{"table": name, **dict(zip(given.columns, row, strict=True))} for row in rows]
    return found


def read_record(path: Path) -> list[dict[str, Any]]:
    """The entries of a record, oldest first; none where there is no file.

    Raises
    ------
    InputError
        A line is no entry, or is not the one that was added after the line before it.
    """
    if not path.exists():
        return []
    entries = []
    before = _FIRST
    for number, line in enumerate(read_text(path).splitlines(), 1):
        entry = parse_json(line, str(path))
        if not isinstance(entry, dict) or entry.get("before") != before or not isinstance(entry.get("decision"), dict):
            rule = "must follow the line before it: the record was changed, and it may only be added to"
            raise InputError([Problem(str(path), number, None, rule)])
        before = hashlib.sha256(line.encode()).hexdigest()
        entries.append(entry)
    return entries


def standing(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The decisions that hold after all entries."""
    held: dict[str, dict[str, Any]] = {}
    for entry in entries:
        key = _canonical(entry["decision"])
        if entry["event"] == "taken":
            held[key] = entry["decision"]
        else:
            held.pop(key, None)
    return list(held.values())


def record(path: Path, present: Sequence[Mapping[str, Any]], now: datetime | None = None) -> int:
    """Add what has changed since the last entry: decisions taken, and decisions withdrawn; returns how many.

    Raises
    ------
    InputError
        The record was changed.
    OutputError
        It cannot be written.
    """
    entries = read_record(path)
    added = list(_changes(standing(entries), present))
    if not added:
        return 0
    stamp = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    lines = read_text(path).splitlines() if entries else []
    before = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else _FIRST
    try:
        with path.open("a", encoding="utf-8", newline="") as stream:
            for event, decision in added:
                entry = {"entered": stamp, "event": event, "decision": decision, "before": before}
                line = json.dumps(entry, ensure_ascii=False, sort_keys=True)
                stream.write(line + "\n")
                before = hashlib.sha256(line.encode()).hexdigest()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return len(added)


def _changes(
    held: Sequence[Mapping[str, Any]], present: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    old, new = ({_canonical(decision): decision for decision in listed} for listed in (held, present))
    yield from (("withdrawn", decision) for key, decision in old.items() if key not in new)
    yield from (("taken", decision) for key, decision in new.items() if key not in old)


def _canonical(decision: Mapping[str, Any]) -> str:
    return json.dumps(decision, sort_keys=True, ensure_ascii=False)
