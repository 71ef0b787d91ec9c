"""One instance under work: what it was loaded as, and every number, rule and decision changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library.catalogue import KINDS
from splgbench.planning.overrides import apply
from splgbench.planning.tables import Columns, columns_of
from splgbench.tables import CAPACITY_MODES
from splgbench.transform import from_tables
from splgbench.volumes import pairs

EDITABLE: Mapping[str, tuple[str, ...]] = {
    "offers": ("capacity", "utility"),
    "groups": ("minimum_cases", "minimum_share_bp"),
    "demand": ("cases",),
    "area_capacity": ("capacity",),
}
"""Numbers that can be edited, by table."""
DECISION_COLUMNS = ("hospital", "group", "action", "cases", "rule", "reason", "author", "date")


@dataclass(frozen=True)
class Rules:
    """Which rules are on.

    Parameters
    ----------
    capacity_mode : "group", "area", "both" or "none".
    """

    capacity_mode: str
    minimum_cases: bool = True
    minimum_share: bool = True
    links: bool = True

    def told(self, mode: str) -> str:
        """What differs from an instance of a capacity mode with all rules on; "" for nothing."""
        parts = [f"capacity {self.capacity_mode}"] if self.capacity_mode != mode else []
        for name in ("minimum_cases", "minimum_share", "links"):
            if not getattr(self, name):
                parts.append(f"no {name.replace('_', ' ')}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Edit:
    """One number changed.

    Parameters
    ----------
    table, column : of the package.
    row : number of the offer, group, cell or hospital-area pair.
    value : as typed; the package's own rules judge it.
    before : what stood there.
    label : the row for people.
    """

    table: str
    column: str
    row: int
    value: str
    before: int
    label: str


@dataclass(frozen=True)
class Workspace:
    """An instance and its changes; every change gives a new workspace, so that a refused one leaves no trace.

    Parameters
    ----------
    base : as loaded.
    kind : of the data, in words: "semi-synthetic", "uploaded", ...
    edits : numbers changed, oldest first.
    rules : which are on.
    decisions : overrides committed here, rows by `DECISION_COLUMNS`.
    edited, instance : the instance after the edits; after rules and decisions, too.
    """

    base: Instance
    kind: str
    rules: Rules
    edited: Instance
    instance: Instance
    edits: tuple[Edit, ...] = ()
    decisions: tuple[tuple[Any, ...], ...] = field(default=())

    @classmethod
    def of(cls, base: Instance, kind: str) -> Workspace:
        """An instance without changes."""
        return cls(base, kind, Rules(base.capacity_mode), base, base)

    def with_rules(self, changes: Mapping[str, Any]) -> Workspace:
        """With rules switched, by name.

        Raises
        ------
        InputError
            No such rule or capacity mode, or a decision that the rules forbid.
        """
        known = {
            "capacity_mode": CAPACITY_MODES,
            **dict.fromkeys(("minimum_cases", "minimum_share", "links"), (True, False)),
        }
        for name, value in changes.items():
            if name not in known or value not in known[name] or type(value) is not type(known[name][0]):
                raise InputError(f"no rule {name} with {value!r}", "rules")
        rules = replace(self.rules, **changes)
        return replace(self, rules=rules, instance=_ruled(self.edited, rules, self.decisions))

    def with_edit(self, table: str, column: str, row: int, value: str) -> Workspace:
        """With a number changed.

        Raises
        ------
        InputError
            No such number, or a value that the package's rules refuse.
        """
        before, label = current_number(self.edited, table, column, row)
        return self._with_edits((*self.edits, Edit(table, column, row, value.strip(), before, label)))

    def without_edit(self, number: int) -> Workspace:
        """With an edit taken back.

        Raises
        ------
        InputError
            No such edit.
        """
        if not 0 <= number < len(self.edits):
            raise InputError("no such edit", "edits")
        return self._with_edits(self.edits[:number] + self.edits[number + 1 :])

    def _with_edits(self, edits: tuple[Edit, ...]) -> Workspace:
        edited = _edited(self.base, edits)
        return replace(self, edits=edits, edited=edited, instance=_ruled(edited, self.rules, self.decisions))

    def with_decisions(self, decisions: tuple[tuple[Any, ...], ...]) -> Workspace:
        """With other decisions.

        Raises
        ------
        InputError
            A decision without reason or author, on no offer, or against another one.
        """
        return replace(self, decisions=decisions, instance=_ruled(self.edited, self.rules, decisions))


def own_kind(origin: str, instance: Instance) -> str:
    """The kind of a user's own data, with what the package says of itself: "uploaded, semi-synthetic"."""
    stated = instance.metadata.get("kind")
    return f"{origin}, {stated}" if stated in KINDS else origin


def decision_table(decisions: tuple[tuple[Any, ...], ...]) -> Columns:
    """Decisions as a table of the schema `overrides`."""
    return columns_of(DECISION_COLUMNS, decisions)


def _ruled(edited: Instance, rules: Rules, decisions: tuple[tuple[Any, ...], ...]) -> Instance:
    switched = edited
    if rules.told(edited.capacity_mode):
        switched = edited.with_rules(
            capacity_mode=rules.capacity_mode,
            minimum_cases=rules.minimum_cases,
            minimum_share=rules.minimum_share,
            links=rules.links,
        )
    return apply(switched, decision_table(decisions)) if decisions else switched


def current_number(instance: Instance, table: str, column: str, row: int) -> tuple[int, str]:
    """A number that can be edited, and its row for people.

    Raises
    ------
    InputError
        There is none.
    """
    if column not in EDITABLE.get(table, ()):
        raise InputError(f"{table} {column} cannot be edited", "edit")
    values = numbers_of(instance, table, column)
    if not 0 <= row < len(values):
        raise InputError(f"no row {row} in {table}", "edit")
    return int(values[row]), row_label(instance, table, row)


def numbers_of(instance: Instance, table: str, column: str) -> Any:
    """The numbers of a column that can be edited, in the order of offers, groups, cells or hospital-area pairs."""
    return {
        ("offers", "capacity"): lambda: instance.capacity,
        ("offers", "utility"): lambda: instance.utility,
        ("groups", "minimum_cases"): lambda: instance.minimum_cases,
        ("groups", "minimum_share_bp"): lambda: instance.minimum_share_bp,
        ("demand", "cases"): lambda: instance.demand,
        ("area_capacity", "capacity"): lambda: pairs(instance).capacity,
    }[table, column]()


def row_label(instance: Instance, table: str, row: int) -> str:
    """A row of a table that can be edited, for people."""
    if table == "offers":
        return " ".join(instance.offer_name(row))
    if table == "groups":
        return instance.groups[row]
    if table == "demand":
        return instance.cell_name(row)
    pair = pairs(instance)
    return f"{instance.hospitals[int(pair.hospital[row])]} {instance.areas[int(pair.area[row])]}"


def _edited(base: Instance, edits: tuple[Edit, ...]) -> Instance:
    """The instance with its numbers changed, validated like any other."""
    if not edits:
        return base
    tables = base.to_tables()
    for edit in edits:
        table, row = _place(base, tables, edit)
        tables[table][edit.column][row] = edit.value
    return from_tables(base, tables)


def _place(base: Instance, tables: dict[str, dict[str, list[Any]]], edit: Edit) -> tuple[str, int]:
    """Table and row of an edit; a demand or an area capacity that was not written out gets a row."""
    if edit.table in ("offers", "groups"):
        return edit.table, edit.row
    if edit.table == "demand":
        group, region = base.groups[base.cell_group[edit.row]], int(base.cell_region[edit.row])
        keys = {"group": group, **({"region": base.regions[region]} if base.regions else {})}
    else:
        pair = pairs(base)
        keys = {
            "hospital": base.hospitals[int(pair.hospital[edit.row])],
            "area": base.areas[int(pair.area[edit.row])],
        }
    columns = tables.setdefault(edit.table, {name: [] for name in (*keys, edit.column)})
    found = next(_matching(columns, keys), None)
    if found is None:
        found = len(columns[edit.column])
        for name, cells in columns.items():
            cells.append(keys.get(name, ""))
    return edit.table, found


def _matching(columns: Mapping[str, list[Any]], keys: Mapping[str, str]) -> Iterator[int]:
    cells = zip(*(columns[name] for name in keys), strict=True)
    wanted = tuple(keys.values())
    return (row for row, found in enumerate(cells) if found == wanted)


def hospital_places(instance: Instance) -> tuple[Any, Any] | None:
    """Latitude and longitude of the hospitals, shape (H,) each, NaN where unknown; None where no hospital has them."""
    notes = instance.notes.get("hospitals", {})
    if "latitude" not in notes or "longitude" not in notes:
        return None
    latitude, longitude = (np.array([_number(cell) for cell in notes[name]]) for name in ("latitude", "longitude"))
    known = np.isfinite(latitude) & np.isfinite(longitude) & (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    if not known.any():
        return None
    return np.where(known, latitude, np.nan), np.where(known, longitude, np.nan)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def names_of(instance: Instance, table: str, keys: tuple[str, ...]) -> list[str]:
    """Names of hospitals, areas or groups; the key where a name is missing."""
    given = instance.notes.get(table, {}).get("name", ())
    return [str(given[i]) if i < len(given) and given[i] else key for i, key in enumerate(keys)]
