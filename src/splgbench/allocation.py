"""An allocation: whole cases per offer, on disk as CSV or JSON with the hash of its instance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, Problem
from splgbench.files import parse_csv, parse_json, read_text, write_text
from splgbench.hashing import csv_line
from splgbench.instance import Instance, IntArray

COLUMNS = ("hospital", "group", "cases")
_WHOLE = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True)
class Allocation:
    """Cases per (hospital, group), as claimed; `splgbench.check` judges them.

    Parameters
    ----------
    cases : whole cases by (hospital, group); pairs that are not named have none.
    instance_hash : the instance it was made for, or None where its source does not say.
    objective : the claimed value in utility units, or None.
    """

    cases: Mapping[tuple[str, str], int]
    instance_hash: str | None = None
    objective: int | None = None

    @classmethod
    def of_volumes(cls, instance: Instance, volumes: IntArray, objective: int | None = None) -> Allocation:
        """The allocation that gives offer k `volumes[k]` cases (shape (K,))."""
        named = {instance.offer_name(int(k)): int(volumes[k]) for k in volumes.nonzero()[0]}
        return cls(named, instance.instance_hash, objective)

    def write(self, path: str | Path) -> None:
        """Write CSV (header comments carry the hash and the objective) or, for a name in .json, JSON."""
        path = Path(path)
        if path.suffix == ".json":
            write_text(path, json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n")
            return
        write_text(path, self.as_csv())

    def as_csv(self) -> str:
        """The allocation as CSV; header comments carry the hash and the objective."""
        rows = sorted((h, g, cases) for (h, g), cases in self.cases.items() if cases != 0)
        lines = []
        if self.instance_hash is not None:
            lines.append(f"# instance_hash: {self.instance_hash}")
        if self.objective is not None:
            lines.append(f"# objective: {self.objective}")
        lines += [csv_line(COLUMNS), *map(csv_line, rows)]
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The allocation as one JSON object."""
        rows = sorted((h, g, cases) for (h, g), cases in self.cases.items() if cases != 0)
        return {
            "instance_hash": self.instance_hash,
            "objective": self.objective,
            "allocation": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
        }


def read_allocation(path: str | Path, instance: Instance | None = None) -> Allocation:
    """Read an allocation written as CSV or JSON (a result file of `splgbench solve -o` included).

    A plain CSV without hash is taken as it is; a JSON file next to the CSV with the same stem may carry the
    hash and the objective.

    Parameters
    ----------
    instance : refuse an allocation that was made for another instance.

    Raises
    ------
    InputError
        Broken rows, or a hash that is not the instance's.
    """
    path = Path(path)
    text = read_text(path)
    allocation = _from_json(path, text) if path.suffix == ".json" else _from_csv(path, text)
    if instance is not None and allocation.instance_hash not in (None, instance.instance_hash):
        raise InputError(
            f"is for the instance {str(allocation.instance_hash)[:12]}, not for {instance.name or 'this one'} "
            f"({instance.instance_hash[:12]})",
            str(path),
        )
    return allocation


def _from_csv(path: Path, text: str) -> Allocation:
    header: dict[str, Any] = {}
    comments = 0
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comments += 1
        key, _, value = line.lstrip("# ").partition(":")
        header[key.strip()] = value.strip()
    sibling = path.with_suffix(".json")
    if "instance_hash" not in header and sibling.is_file():
        beside = _json_object(sibling, read_text(sibling))
        header |= {key: beside[key] for key in ("instance_hash", "objective") if key in beside}
    body = "".join(text.splitlines(keepends=True)[comments:])
    table = parse_csv("allocation", str(path), body, lines_before=comments)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError([Problem(str(path), comments + 1, column, "the column is missing") for column in missing])
    rows = zip(*(table.columns[column] for column in COLUMNS), strict=True)
    cases = _cases(str(path), rows, table.rows)
    return Allocation(cases, header.get("instance_hash"), _objective(path, header.get("objective")))


def _from_json(path: Path, text: str) -> Allocation:
    data = _json_object(path, text)
    rows = data.get("allocation")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("must hold a list allocation of objects with hospital, group and cases", str(path))
    cells = [tuple(row.get(column) for column in COLUMNS) for row in rows]
    objective = data.get("objective", data.get("primal"))
    return Allocation(
        _cases(str(path), cells, range(1, len(cells) + 1)), data.get("instance_hash"), _objective(path, objective)
    )


def _json_object(path: Path, text: str) -> dict[str, Any]:
    data = parse_json(text, str(path))
    if not isinstance(data, dict):
        raise InputError("must be a JSON object", str(path))
    return data


def _objective(path: Path, value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise InputError([Problem(str(path), None, "objective", "must be a whole number", value)])


def _cases(file: str, rows: Iterable[tuple[Any, ...]], numbers: Iterable[int]) -> dict[tuple[str, str], int]:
    """Parse rows. Negative or unknown entries are kept for the checker; broken ones are refused here."""
    problems: list[Problem] = []
    cases: dict[tuple[str, str], int] = {}
    for number, (hospital, group, value) in zip(numbers, rows, strict=True):
        if not isinstance(hospital, str) or not isinstance(group, str):
            problems.append(Problem(file, number, None, "hospital and group must be text", (hospital, group)))
            continue
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            problems.append(Problem(file, number, "cases", "must be a whole number", value))
        elif (hospital, group) in cases:
            problems.append(Problem(file, number, None, "hospital and group must be unique", f"{hospital}, {group}"))
        else:
            cases[hospital, group] = value
    if problems:
        raise InputError(problems)
    return cases
