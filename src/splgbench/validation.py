"""The one door: tables become an `Instance` or every broken rule is reported.

Each check is a rule of the model or of the package format; `Problem.rule` states it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from splgbench.errors import InputError, Problem
from splgbench.instance import Instance, IntArray
from splgbench.tables import CAPACITY_MODES, SCHEMA_VERSION, TABLE, TABLES, Column, Table

LARGEST = 2**62
"""Sums of cases and the objective stay below this, so that int64 arithmetic is exact everywhere."""

_WHOLE = re.compile(r"[0-9]{1,100}")


def build_instance(
    tables: Mapping[str, Table],
    *,
    capacity_mode: str,
    utility_scale: int,
    name: str,
    metadata: Mapping[str, Any],
    extensions: Mapping[str, Any] | None = None,
) -> Instance:
    """Validate tables and build the instance.

    Parameters
    ----------
    extensions : entries by name, as the package has them.

    Raises
    ------
    InputError
        With all problems found, sorted by table and row.
    """
    door = _Door(tables, capacity_mode, utility_scale)
    instance = door.build(name, metadata)
    if instance is None:
        raise InputError(door.sorted_problems())
    if not extensions:
        return instance
    from splgbench.extensions import with_extensions

    return with_extensions(instance, extensions)


def cell_problems(tables: Mapping[str, Table]) -> tuple[Problem, ...]:
    """What is wrong with the cells of single tables, where others cannot be read and rules across them not judged."""
    door = _Door(tables, "both", 1)
    for name in tables:
        door.parse(name)
    # Whether region columns are due depends on a table that may be the broken one.
    return tuple(problem for problem in door.sorted_problems() if problem.column != "region")


class _Door:
    """Collects problems while it parses the tables in their order."""

    def __init__(self, tables: Mapping[str, Table], capacity_mode: str, utility_scale: int) -> None:
        self.tables = tables
        self.capacity_mode = capacity_mode
        self.utility_scale = utility_scale
        self.problems: list[Problem] = []

    def sorted_problems(self) -> list[Problem]:
        order = {self._file(spec.name): position for position, spec in enumerate(TABLES)}
        return sorted(self.problems, key=lambda p: (order.get(p.file, -1), -1 if p.row is None else p.row))

    def build(self, name: str, metadata: Mapping[str, Any]) -> Instance | None:
        self._check_frame()
        columns = {spec.name: self.parse(spec.name) for spec in TABLES}
        hospitals = self._keys(columns["hospitals"], "hospitals", "hospital")
        areas = self._keys(columns["areas"], "areas", "area")
        groups = self._keys(columns["groups"], "groups", "group")
        regions = self._keys(columns["regions"], "regions", "region")
        group_area = self._refer(columns["groups"], "groups", "area", areas, "areas")
        self._check_shares(columns["groups"])
        demand = self._demand(columns["demand"], groups, regions)
        offers = self._offers(columns["offers"], hospitals, groups, regions)
        links = self._links(columns["links"], groups)
        pairs = self._area_capacity(columns["area_capacity"], hospitals, areas)
        overrides = self._overrides(columns["overrides"], hospitals, groups, offers)
        self._check_sizes(columns)
        if self.problems:
            return None

        group_table, hospital_table = columns["groups"], columns["hospitals"]
        hospital_rows, area_rows = _sorted_rows(hospitals), _sorted_rows(areas)
        group_rows, region_rows = _sorted_rows(groups), _sorted_rows(regions)
        hospital_at, area_at = _positions(hospitals), _positions(areas)
        group_at, region_at = _positions(groups), _positions(regions)

        # Cells: the stated ones and those that offers name.
        no_region = {"": 0}
        region_of = region_at or no_region
        stated = {(group_at[g], region_of[r]): cases for (g, r), (cases, _) in demand.items()}
        offered = {(group_at[g], region_of[r]) for (_, g), (_, _, r, _) in offers.items()}
        cells = sorted(stated.keys() | offered)
        cell_at = {cell: position for position, cell in enumerate(cells)}

        offer_keys = sorted(offers, key=lambda key: (hospital_at[key[0]], group_at[key[1]]))
        offer_at = {key: position for position, key in enumerate(offer_keys)}
        clause_keys = sorted(links, key=lambda key: (group_at[key[0]], key[1]))
        clause_members = [
            sorted(links[key][1], key=lambda member: (group_at[member[0]], member[1])) for key in clause_keys
        ]
        members = [member for clause in clause_members for member in clause]
        pair_keys = sorted(pairs, key=lambda key: (hospital_at[key[0]], area_at[key[1]]))
        override_rows = sorted(overrides, key=lambda row: (offer_at[row[0]], row[1], row[3]))

        row_orders = {
            "hospitals": hospital_rows,
            "areas": area_rows,
            "groups": group_rows,
            "regions": region_rows,
            "demand": [demand[key][1] for key in sorted(demand, key=lambda k: (group_at[k[0]], k[1]))],
            "offers": [offers[key][3] for key in offer_keys],
            "links": [member[2] for member in members],
            "area_capacity": [pairs[key][1] for key in pair_keys],
            "overrides": [row[4] for row in override_rows],
        }
        instance = Instance(
            name=name,
            capacity_mode=self.capacity_mode,
            utility_scale=int(self.utility_scale),
            hospitals=tuple(hospital_at),
            cooperation=tuple(hospital_table["cooperation"][row] for row in hospital_rows),
            areas=tuple(area_at),
            groups=tuple(group_at),
            group_area=_ints(area_at[group_area[row]] for row in group_rows),
            minimum_cases=_ints(group_table["minimum_cases"][row] for row in group_rows),
            minimum_share_bp=_ints(group_table["minimum_share_bp"][row] for row in group_rows),
            regions=tuple(region_at),
            cell_group=_ints(cell[0] for cell in cells),
            cell_region=_ints(cell[1] for cell in cells),
            demand=_ints(stated.get(cell, 0) for cell in cells),
            demand_stated=np.array([cell in stated for cell in cells], dtype=np.bool_),
            offer_hospital=_ints(hospital_at[h] for h, _ in offer_keys),
            offer_group=_ints(group_at[g] for _, g in offer_keys),
            offer_cell=_ints(cell_at[group_at[key[1]], region_of[offers[key][2]]] for key in offer_keys),
            capacity=_ints(offers[key][0] for key in offer_keys),
            utility=_ints(offers[key][1] for key in offer_keys),
            clause_group=_ints(group_at[key[0]] for key in clause_keys),
            clause_name=tuple(key[1] for key in clause_keys),
            clause_is_all=np.array([links[key][0] == "all" for key in clause_keys], dtype=np.bool_),
            clause_start=np.cumsum([0, *map(len, clause_members)], dtype=np.int64),
            required_group=_ints(group_at[member[0]] for member in members),
            required_in_cooperation=np.array([member[1] == "cooperation" for member in members], dtype=np.bool_),
            stated_pair_hospital=_ints(hospital_at[h] for h, _ in pair_keys),
            stated_pair_area=_ints(area_at[a] for _, a in pair_keys),
            stated_pair_capacity=_ints(pairs[key][0] for key in pair_keys),
            override_offer=_ints(offer_at[row[0]] for row in override_rows),
            override_action=tuple(row[1] for row in override_rows),
            override_cases=_ints(-1 if row[2] is None else row[2] for row in override_rows),
            override_rule=tuple(row[3] for row in override_rows),
            notes={table: self._notes(table, rows) for table, rows in row_orders.items()},
            metadata=metadata,
        )
        self._check_fixes(instance, [row[4] for row in override_rows])
        return None if self.problems else instance

    # Places

    def _file(self, table: str) -> str:
        return self.tables[table].file if table in self.tables else table

    def _report(self, table: str, row: int | None, column: str | None, rule: str, value: object = None) -> None:
        """Report a problem; `row` counts the table's rows from 0."""
        if row is not None:
            row = self.tables[table].rows[row]
        self.problems.append(Problem(self._file(table), row, column, rule, value))

    def _is_empty(self, table: str, column: str, row: int) -> bool:
        cells = self.tables[table].columns.get(column)
        return cells is None or cells[row] in (None, "")

    # Cells of one table

    def _check_frame(self) -> None:
        if self.capacity_mode not in CAPACITY_MODES:
            modes = ", ".join(CAPACITY_MODES)
            self.problems.append(
                Problem("datapackage.json", None, "capacity_mode", f"must be one of {modes}", self.capacity_mode)
            )
        scale = self.utility_scale
        if isinstance(scale, bool) or not isinstance(scale, int | np.integer) or not 1 <= scale < LARGEST:
            rule = "must be a whole number of at least 1"
            self.problems.append(Problem("datapackage.json", None, "utility_scale", rule, scale))
        for spec in TABLES:
            if spec.required and spec.name not in self.tables:
                rule = f"schema {SCHEMA_VERSION} needs the table {spec.name}"
                self.problems.append(Problem("datapackage.json", None, "resources", rule))

    def parse(self, name: str) -> dict[str, list[Any]]:
        """The known columns of a table, typed; cells that break a rule become None."""
        spec, table = TABLE[name], self.tables.get(name)
        with_regions = "regions" in self.tables
        parsed: dict[str, list[Any]] = {}
        for column in spec.columns:
            present = table is not None and column.name in table.columns
            region_column = column.name == "region" and name != "regions"
            required = column.required or (region_column and with_regions)
            if region_column and present and not with_regions:
                self._report(name, None, "region", "needs a regions table in the package")
            if table is None or not present:
                if table is not None and required:
                    self._report(name, None, column.name, "the column is missing")
                parsed[column.name] = [None if required else column.default] * (table.length if table else 0)
            else:
                cells = table.columns[column.name]
                parsed[column.name] = self._cells(name, column, required, cells)
        return parsed

    def _cells(self, table: str, column: Column, required: bool, cells: Sequence[Any]) -> list[Any]:
        if column.kind == "whole":
            return [self._whole(table, column, row, cell) for row, cell in enumerate(cells)]
        parsed: list[Any] = []
        for row, cell in enumerate(cells):
            text = self._text(table, column, row, cell)
            if text == "" and required:
                self._report(table, row, column.name, "must not be empty")
                text = None
            elif column.kind == "choice" and text == "":
                text = str(column.default)
            elif column.kind == "choice" and text is not None and text not in column.choices:
                self._report(table, row, column.name, f"must be one of {', '.join(column.choices)}", cell)
                text = None
            parsed.append(text)
        return parsed

    def _whole(self, table: str, column: Column, row: int, cell: Any) -> int | None:
        if cell is None or cell == "":
            if column.required:
                self._report(table, row, column.name, "must not be empty")
                return None
            return column.default  # type: ignore[return-value]
        number: int | None = None
        if isinstance(cell, str) and _WHOLE.fullmatch(cell):
            number = int(cell)
        elif isinstance(cell, int | np.integer) and not isinstance(cell, bool):
            number = int(cell)
        if number is None or number < 0:
            self._report(table, row, column.name, "must be a whole number of at least 0", cell)
            return None
        if number >= LARGEST:
            self._report(table, row, column.name, "must be below 2^62", cell)
            return None
        return number

    def _text(self, table: str, column: Column, row: int, cell: Any) -> str | None:
        if cell is None:
            return ""
        if isinstance(cell, str):
            if not cell.isascii() and not _encodable(cell):
                self._report(table, row, column.name, "must be Unicode text", cell)
                return None
            return str(cell)
        if isinstance(cell, int | np.integer) and not isinstance(cell, bool):
            return str(int(cell))
        if column.kind == "text" and not column.hashed:
            return str(cell)
        self._report(table, row, column.name, "must be text", cell)
        return None

    def _notes(self, table: str, order: Sequence[int]) -> dict[str, tuple[Any, ...]]:
        """Columns that are kept and not interpreted, in the order of the arrays."""
        if table not in self.tables:
            return {}
        spec, columns = TABLE[table], self.tables[table].columns
        kept = [
            name
            for name in columns
            if (known := spec.column(name)) is None or (known.kind == "text" and not known.hashed)
        ]
        return {name: tuple(columns[name][row] for row in order) for name in kept}

    # Keys and references

    def _keys(self, columns: dict[str, list[Any]], table: str, column: str) -> dict[str, int]:
        """Row number of each key."""
        rows: dict[str, int] = {}
        for row, key in enumerate(columns[column]):
            if key in rows:
                first = self.tables[table].rows[rows[key]]
                self._report(table, row, column, f"must be unique (first in row {first})", key)
            elif key is not None:
                rows[key] = row
        return rows

    def _refer(
        self, columns: dict[str, list[Any]], table: str, column: str, keys: dict[str, int], target: str
    ) -> list[str]:
        for row, key in enumerate(columns[column]):
            if key is not None and key not in keys:
                article = "an" if column == "area" else "a"
                self._report(table, row, column, f"must be {article} {column} of the table {target}", key)
        return columns[column]

    def _check_shares(self, groups: dict[str, list[Any]]) -> None:
        for row, share in enumerate(groups["minimum_share_bp"]):
            if share is not None and share > 10_000:
                rule = "must be at most 10000 basis points (100 %)"
                self._report("groups", row, "minimum_share_bp", rule, share)

    def _unique(self, table: str, row: int, column: str, key: tuple[str, ...], first: int) -> None:
        rule = f"{' and '.join(TABLE_KEYS[table])} must be unique (first in row {self.tables[table].rows[first]})"
        self._report(table, row, column, rule, ", ".join(part for part in key if part))

    def _demand(
        self, columns: dict[str, list[Any]], groups: dict[str, int], regions: dict[str, int]
    ) -> dict[tuple[str, str], tuple[int, int]]:
        """(group, region) to (cases, row); region "" where there are none."""
        self._refer(columns, "demand", "group", groups, "groups")
        if regions or "regions" in self.tables:
            self._refer(columns, "demand", "region", regions, "regions")
        cells: dict[tuple[str, str], tuple[int, int]] = {}
        for row, (group, cases, region) in enumerate(
            zip(columns["group"], columns["cases"], columns["region"], strict=True)
        ):
            if None in (group, cases, region):
                continue
            key = (group, region)
            if key in cells:
                self._unique("demand", row, "group", key, cells[key][1])
            else:
                cells[key] = (cases, row)
        return cells

    def _offers(
        self,
        columns: dict[str, list[Any]],
        hospitals: dict[str, int],
        groups: dict[str, int],
        regions: dict[str, int],
    ) -> dict[tuple[str, str], tuple[int, int, str, int]]:
        """(hospital, group) to (capacity, utility, region, row)."""
        self._refer(columns, "offers", "hospital", hospitals, "hospitals")
        self._refer(columns, "offers", "group", groups, "groups")
        if regions or "regions" in self.tables:
            self._refer(columns, "offers", "region", regions, "regions")
        offers: dict[tuple[str, str], tuple[int, int, str, int]] = {}
        cells = zip(*(columns[name] for name in ("hospital", "group", "capacity", "utility", "region")), strict=True)
        for row, (hospital, group, capacity, utility, region) in enumerate(cells):
            if utility is not None and utility < 1:
                rule = "must be at least 1 (a benefit that rounds to 0: raise utility_scale)"
                self._report("offers", row, "utility", rule, utility)
            if None in (hospital, group):
                continue
            key = (hospital, group)
            if key in offers:
                self._unique("offers", row, "group", key, offers[key][3])
            else:
                offers[key] = (capacity, utility, region, row)
        return offers

    def _links(
        self, columns: dict[str, list[Any]], groups: dict[str, int]
    ) -> dict[tuple[str, str], tuple[str, list[tuple[str, str, int]]]]:
        """(group, clause) to (mode, members as (group, scope, row))."""
        self._refer(columns, "links", "group", groups, "groups")
        for row, required in enumerate(columns["required"]):
            if required is not None and required not in groups:
                self._report("links", row, "required", "must be a group of the table groups", required)
        clauses: dict[tuple[str, str], tuple[str, list[tuple[str, str, int]]]] = {}
        seen: dict[tuple[str, ...], int] = {}
        cells = zip(*(columns[name] for name in ("group", "clause", "mode", "required", "scope")), strict=True)
        for row, (group, clause, mode, required, scope) in enumerate(cells):
            if None in (group, clause, mode, required, scope):
                continue
            member = (group, clause, required, scope)
            if member in seen:
                self._unique("links", row, "required", member, seen[member])
                continue
            seen[member] = row
            clause_mode, members = clauses.setdefault((group, clause), (mode, []))
            if clause_mode != mode:
                self._report("links", row, "mode", f"a clause has one mode, and this one began as {clause_mode}", mode)
            members.append((required, scope, row))
        return clauses

    def _area_capacity(
        self, columns: dict[str, list[Any]], hospitals: dict[str, int], areas: dict[str, int]
    ) -> dict[tuple[str, str], tuple[int, int]]:
        """(hospital, area) to (capacity, row)."""
        self._refer(columns, "area_capacity", "hospital", hospitals, "hospitals")
        self._refer(columns, "area_capacity", "area", areas, "areas")
        pairs: dict[tuple[str, str], tuple[int, int]] = {}
        for row, (hospital, area, capacity) in enumerate(
            zip(columns["hospital"], columns["area"], columns["capacity"], strict=True)
        ):
            if None in (hospital, area):
                continue
            key = (hospital, area)
            if key in pairs:
                self._unique("area_capacity", row, "area", key, pairs[key][1])
            else:
                pairs[key] = (capacity, row)
        return pairs

    def _overrides(
        self,
        columns: dict[str, list[Any]],
        hospitals: dict[str, int],
        groups: dict[str, int],
        offers: dict[tuple[str, str], tuple[int, int, str, int]],
    ) -> list[tuple[tuple[str, str], str, int | None, str, int]]:
        """Rows ((hospital, group), action, cases, rule, row)."""
        self._refer(columns, "overrides", "hospital", hospitals, "hospitals")
        self._refer(columns, "overrides", "group", groups, "groups")
        rows: list[tuple[tuple[str, str], str, int | None, str, int]] = []
        seen: dict[tuple[str, ...], int] = {}
        cells = zip(*(columns[name] for name in ("hospital", "group", "action", "cases", "rule")), strict=True)
        for row, (hospital, group, action, cases, rule) in enumerate(cells):
            if None in (hospital, group, action, rule):
                continue
            if hospital in hospitals and group in groups and (hospital, group) not in offers:
                value = f"{hospital}, {group}"
                self._report("overrides", row, "group", "an override must name an existing offer", value)
                continue
            if action == "fix" and cases is None and self._is_empty("overrides", "cases", row):
                self._report("overrides", row, "cases", "fix needs a number of cases")
            if action != "fix" and cases is not None:
                self._report("overrides", row, "cases", "cases stand only with fix", cases)
            if action == "exempt" and rule == "":
                self._report("overrides", row, "rule", "exempt needs a rule: threshold or links")
            if action != "exempt" and rule != "":
                self._report("overrides", row, "rule", "a rule stands only with exempt", rule)
            key = (hospital, group, rule if action == "exempt" else "")
            if key in seen:
                first = self.tables["overrides"].rows[seen[key]]
                rule_text = (
                    f"an offer is exempted from a rule once (first in row {first})"
                    if action == "exempt"
                    else f"an offer has at most one of grant, refuse and fix (first in row {first})"
                )
                self._report("overrides", row, "action", rule_text, action)
                continue
            seen[key] = row
            rows.append(((hospital, group), action, cases, rule, row))
        return rows

    # Sizes and fixes

    def _check_sizes(self, columns: dict[str, dict[str, list[Any]]]) -> None:
        """Sums and the objective must stay exact in int64."""
        for table, column in (("demand", "cases"), ("offers", "capacity"), ("area_capacity", "capacity")):
            total = sum(cases for cases in columns[table][column] if cases is not None)
            if total >= LARGEST:
                self._report(table, None, column, "the sum must be below 2^62", total)
        cases = sum(cases for cases in columns["demand"]["cases"] if cases is not None)
        utility = max((u for u in columns["offers"]["utility"] if u is not None), default=0)
        if cases * utility >= LARGEST:
            rule = "total demand times the largest utility must be below 2^62 (lower utility_scale)"
            self._report("offers", None, "utility", rule, cases * utility)
        if cases * len(columns["hospitals"]["hospital"]) >= LARGEST:
            rule = "total demand times the number of hospitals must be below 2^62"
            self._report("demand", None, "cases", rule, cases)

    def _check_fixes(self, instance: Instance, rows: Sequence[int]) -> None:
        """A fix is 0 or lies between the offer's threshold t_k and its largest volume U_k."""
        from splgbench.volumes import largest_volumes, thresholds

        if "fix" not in instance.override_action:
            return
        t, u = thresholds(instance), largest_volumes(instance)
        for position, action in enumerate(instance.override_action):
            k, cases = int(instance.override_offer[position]), int(instance.override_cases[position])
            if action == "fix" and cases > 0 and not t[k] <= cases <= u[k]:
                rule = f"a fix must be 0 or between the threshold {t[k]} and the largest volume {u[k]} of the offer"
                self._report("overrides", rows[position], "cases", rule, cases)


TABLE_KEYS = {
    "demand": ("group", "region"),
    "offers": ("hospital", "group"),
    "links": ("group", "clause", "required", "scope"),
    "area_capacity": ("hospital", "area"),
}


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sorted_rows(keys: dict[str, int]) -> list[int]:
    return [keys[key] for key in sorted(keys)]


def _positions(keys: dict[str, int]) -> dict[str, int]:
    return {key: position for position, key in enumerate(sorted(keys))}


def _ints(values: Any) -> IntArray:
    return np.fromiter(values, dtype=np.int64)
