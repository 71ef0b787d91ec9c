"""What a certificate file holds (docs/certificates.md), with a sentence for every field that is not as it must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, SplgbenchError
from splgbench.files import parse_json, read_text, write_text

SCHEMA = "splgbench-certificate-1"
KINDS = ("lp", "lagrangian")
BUDGET_LIMIT = 1_000_000
"""Most search nodes that a certificate may ask of its verifier for one hospital block."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class DualPart:
    """A bound and the multipliers that prove it.

    Parameters
    ----------
    kind : "lp" or "lagrangian".
    bound : the stated bound in utility units.
    denominator : what every multiplier is divided by.
    rows : by family, the key of each row and its multiplier (numerator).
    node_budget : search nodes for each hospital block (kind lagrangian).
    """

    kind: str
    bound: int
    denominator: int
    rows: Mapping[str, list[tuple[list[Any], int]]]
    node_budget: int = 0


@dataclass(frozen=True)
class Certificate:
    """An allocation and proved bounds for one instance.

    Parameters
    ----------
    instance, instance_hash : what it is for.
    primal : the stated value of the allocation in utility units; None without one.
    cases : the allocation, whole cases by (hospital, group); None without one.
    parts : the dual parts.
    claims : method, primal and dual of the result it was made for; never used in a proof.
    file : where it was read, for messages.
    """

    instance: str
    instance_hash: str
    primal: int | None
    cases: Mapping[Pair, int] | None
    parts: tuple[DualPart, ...]
    claims: Mapping[str, Any] = field(default_factory=dict)
    file: str = "certificate"

    def write(self, path: Path) -> None:
        """Write the JSON file, one line a row."""
        cases = None if self.cases is None else [[h, g, x] for (h, g), x in sorted(self.cases.items())]
        head = {
            "schema": SCHEMA,
            "instance": self.instance,
            "instance_hash": self.instance_hash,
            "claims": dict(self.claims),
            "primal": self.primal,
            "allocation": cases,
        }
        lines = [f" {_dumped(key)}: {_dumped(value)}" for key, value in head.items()]
        parts = ",\n".join(_part_text(part) for part in self.parts)
        write_text(path, "{\n" + ",\n".join(lines) + f',\n "bounds": [\n{parts}\n ]\n}}\n')


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _part_text(part: DualPart) -> str:
    settings = {
        "kind": part.kind,
        "bound": part.bound,
        "denominator": part.denominator,
        "node_budget": part.node_budget,
    }
    families = []
    for family, rows in part.rows.items():
        entries = ",\n".join(f"    {_dumped([*key, multiplier])}" for key, multiplier in rows)
        families.append(f"   {_dumped(family)}: [\n{entries}\n   ]")
    return "  {" + _dumped(settings)[1:-1] + ', "rows": {\n' + ",\n".join(families) + "\n  }}"


def read_certificate(path: str | Path) -> Certificate:
    """Read a certificate.

    Raises
    ------
    InputError
        With file and field of what is no certificate of this schema.
    """
    return parse_certificate(parse_json(read_text(Path(path)), str(path)), str(path))


def parse_certificate(data: Any, file: str = "certificate") -> Certificate:
    """The certificate of a parsed JSON text; raises `InputError` as `read_certificate` does."""
    fields = _Fields(file)
    data = fields.typed(data, dict, "(top)")
    if data.get("schema") != SCHEMA:
        raise fields.error("schema", f"must be {SCHEMA}", data.get("schema"))
    bounds = fields.typed(data.get("bounds"), list, "bounds")
    parts = [fields.part(part, f"bounds[{number}]") for number, part in enumerate(bounds)]
    if len({part.kind for part in parts}) < len(parts):
        raise fields.error("bounds", "must not hold a kind twice", [part.kind for part in parts])
    return Certificate(
        instance=fields.typed(data.get("instance"), str, "instance"),
        instance_hash=fields.typed(data.get("instance_hash"), str, "instance_hash"),
        primal=None if data.get("primal") is None else fields.typed(data["primal"], int, "primal"),
        cases=None if data.get("allocation") is None else fields.cases(data["allocation"]),
        parts=tuple(parts),
        claims=fields.typed(data.get("claims", {}), dict, "claims"),
        file=file,
    )


class RefutedError(SplgbenchError):
    """A claim that the instance contradicts."""

    exit_code = 1


@dataclass(frozen=True)
class Verified:
    """The allocation's value (None without one) and, by kind, the least proved bound (None: no allocation exists)."""

    primal: int | None
    bounds: Mapping[str, int | None]


class _Fields:
    def __init__(self, file: str) -> None:
        self.file = file

    def error(self, name: str, rule: str, found: object) -> InputError:
        text = repr(found)
        return InputError(f"field {name}: {rule} (found {text[:80]})", self.file)

    def typed(self, value: Any, kind: type, name: str) -> Any:
        if not isinstance(value, kind) or isinstance(value, bool):
            words = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
            raise self.error(name, f"must be {words[kind]}", value)
        return value

    def cases(self, rows: Any) -> dict[Pair, int]:
        cases: dict[Pair, int] = {}
        for number, row in enumerate(self.typed(rows, list, "allocation")):
            name = f"allocation[{number}]"
            if len(self.typed(row, list, name)) != 3:
                raise self.error(name, "must be [hospital, group, cases]", row)
            pair = self.typed(row[0], str, name), self.typed(row[1], str, name)
            if pair in cases:
                raise self.error(name, "hospital and group must be unique", pair)
            cases[pair] = self.typed(row[2], int, name)
        return cases

    def part(self, data: Any, name: str) -> DualPart:
        kind = self.typed(data, dict, name).get("kind")
        if kind not in KINDS:
            raise self.error(f"{name}.kind", f"must be {' or '.join(KINDS)}", kind)
        denominator = self.typed(data.get("denominator"), int, f"{name}.denominator")
        if denominator < 1:
            raise self.error(f"{name}.denominator", "must be at least 1", denominator)
        budget = self.typed(data.get("node_budget", 0), int, f"{name}.node_budget")
        if not 0 <= budget <= BUDGET_LIMIT:
            raise self.error(f"{name}.node_budget", f"must be from 0 to {BUDGET_LIMIT}", budget)
        rows = {
            family: [self.row(entry, f"{name}.rows.{family}[{number}]") for number, entry in enumerate(entries)]
            for family, entries in self.typed(data.get("rows"), dict, f"{name}.rows").items()
            if self.typed(entries, list, f"{name}.rows.{family}") is entries
        }
        return DualPart(kind, self.typed(data.get("bound"), int, f"{name}.bound"), denominator, rows, budget)

    def row(self, entry: Any, name: str) -> tuple[list[Any], int]:
        if not self.typed(entry, list, name):
            raise self.error(name, "must be [key, ..., multiplier]", entry)
        *key, multiplier = entry
        if self.typed(multiplier, int, name) < 0:
            raise self.error(name, "a multiplier must not be negative", multiplier)
        return key, multiplier
