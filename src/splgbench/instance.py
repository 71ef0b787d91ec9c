"""An instance of the SPLG allocation problem: immutable whole-number arrays over offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from splgbench.extensions.base import Extension

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Instance:
    """Immutable arrays over offers, validated once where they are made (`Instance.from_tables`, `load`).

    Keys are sorted as text, offers by (hospital, group), cells by (group, region), clauses by (group,
    clause): the same content gives the same arrays, whatever the order of the rows it came in.
    Symbols are those of the model: offer k = (h, g), cell c = (r, g), area a.

    Parameters
    ----------
    name, metadata : what the package says of itself; not part of the content.
    capacity_mode : "group", "area", "both" or "none".
    utility_scale : utility units per point.
    hospitals, areas, groups, regions : keys; `regions` is empty where the package has no regions table.
    cooperation : shape (H,), the name of the hospital's cooperation group or "".
    group_area : shape (G,), the area a of g.
    minimum_cases : shape (G,), m_g in cases.
    minimum_share_bp : shape (G,), v_g in basis points of the cell's demand.
    cell_group, cell_region : shape (C,).
    demand : shape (C,), B_c in cases.
    demand_stated : shape (C,), False where no row of the demand table names the cell (then B_c = 0).
    offer_hospital, offer_group, offer_cell : shape (K,).
    capacity : shape (K,), K_k in cases.
    utility : shape (K,), u_k in utility units per case.
    clause_group, clause_name, clause_is_all : one entry a link clause.
    clause_start : shape (clauses + 1,), where the members of each clause begin.
    required_group, required_in_cooperation : one entry a clause member.
    stated_pair_hospital, stated_pair_area, stated_pair_capacity : the rows of the area_capacity table.
    override_offer, override_action, override_cases, override_rule : one entry an override; cases -1
        and rule "" where the action has none.
    notes : per table, the columns that are kept and not interpreted, aligned with the arrays.
    extensions : what couples more than the plain model does, by name (`splgbench.extensions`); part of the content.
    """

    name: str
    capacity_mode: str
    utility_scale: int
    hospitals: tuple[str, ...]
    cooperation: tuple[str, ...]
    areas: tuple[str, ...]
    groups: tuple[str, ...]
    group_area: IntArray
    minimum_cases: IntArray
    minimum_share_bp: IntArray
    regions: tuple[str, ...]
    cell_group: IntArray
    cell_region: IntArray
    demand: IntArray
    demand_stated: BoolArray
    offer_hospital: IntArray
    offer_group: IntArray
    offer_cell: IntArray
    capacity: IntArray
    utility: IntArray
    clause_group: IntArray
    clause_name: tuple[str, ...]
    clause_is_all: BoolArray
    clause_start: IntArray
    required_group: IntArray
    required_in_cooperation: BoolArray
    stated_pair_hospital: IntArray
    stated_pair_area: IntArray
    stated_pair_capacity: IntArray
    override_offer: IntArray
    override_action: tuple[str, ...]
    override_cases: IntArray
    override_rule: tuple[str, ...]
    notes: Mapping[str, Mapping[str, tuple[Any, ...]]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._freeze()

    def _freeze(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        object.__setattr__(
            self, "notes", MappingProxyType({k: MappingProxyType(dict(v)) for k, v in self.notes.items()})
        )
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        object.__setattr__(self, "extensions", MappingProxyType(dict(self.extensions)))

    def __getstate__(self) -> dict[str, Any]:
        state = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        state["notes"] = {table: dict(columns) for table, columns in self.notes.items()}
        state["metadata"] = dict(self.metadata)
        state["extensions"] = dict(self.extensions)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and self.instance_hash == other.instance_hash

    def __hash__(self) -> int:
        return hash(self.instance_hash)

    def __repr__(self) -> str:
        return (
            f"Instance({self.name or 'unnamed'}: {self.n_hospitals} hospitals, {self.n_groups} groups, "
            f"{len(self.areas)} areas, {self.n_cells} cells, {self.n_offers} offers, {self.capacity_mode})"
        )

    @classmethod
    def from_tables(
        cls,
        *,
        hospitals: Any,
        groups: Any,
        demand: Any,
        offers: Any,
        areas: Any = None,
        regions: Any = None,
        links: Any = None,
        area_capacity: Any = None,
        overrides: Any = None,
        capacity_mode: str = "group",
        utility_scale: int = 1,
        name: str = "",
        metadata: Mapping[str, Any] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> Instance:
        """Build and validate an instance from tables in memory.

        Parameters
        ----------
        hospitals, areas, groups, regions, demand, offers, links, area_capacity, overrides : pandas,
            polars or pyarrow tables, numpy structured arrays or mappings of columns, with the columns of
            the instance package; hospitals, areas and regions may be plain lists of keys. `areas=None`
            takes the areas that `groups` names.
        capacity_mode : "group", "area", "both" or "none".
        utility_scale : utility units per point.
        name : the instance's name.
        metadata : further top-level entries for `datapackage.json` (title, sources, licenses).
        extensions : entries by name, as the package has them under `splgbench.extensions`.

        Raises
        ------
        InputError
            With every broken rule, its table, row, column and value.
        """
        from splgbench.tables import as_table
        from splgbench.validation import build_instance

        given = {
            "hospitals": hospitals,
            "areas": areas,
            "groups": groups,
            "regions": regions,
            "demand": demand,
            "offers": offers,
            "links": links,
            "area_capacity": area_capacity,
            "overrides": overrides,
        }
        tables = {key: as_table(key, data) for key, data in given.items() if data is not None}
        if areas is None and "groups" in tables and "area" in tables["groups"].columns:
            named = {cell for cell in tables["groups"].columns["area"] if cell not in (None, "")}
            tables["areas"] = as_table("areas", {"area": sorted(named, key=str)})
        return build_instance(
            tables,
            capacity_mode=capacity_mode,
            utility_scale=utility_scale,
            name=name,
            metadata=metadata or {},
            extensions=extensions or {},
        )

    # Sizes

    @property
    def n_hospitals(self) -> int:
        return len(self.hospitals)

    @property
    def n_groups(self) -> int:
        return len(self.groups)

    @property
    def n_areas(self) -> int:
        return len(self.areas)

    @property
    def n_cells(self) -> int:
        return len(self.demand)

    @property
    def n_offers(self) -> int:
        return len(self.utility)

    @property
    def n_clauses(self) -> int:
        return len(self.clause_group)

    # Rules that are on

    @property
    def limits_groups(self) -> bool:
        """Whether x_k <= K_k holds."""
        return self.capacity_mode in ("group", "both")

    @property
    def limits_areas(self) -> bool:
        """Whether sum of x_k over a hospital's area <= Q_{h,a} holds."""
        return self.capacity_mode in ("area", "both")

    # Content

    @cached_property
    def plain(self) -> Instance:
        """The instance without its extensions: itself where it has none."""
        return replace(self, extensions={}) if self.extensions else self

    @cached_property
    def instance_hash(self) -> str:
        """SHA-256 of the content in hex; independent of row order, names, coordinates and reasons."""
        from splgbench.hashing import instance_hash

        return instance_hash(self)

    @cached_property
    def offer_index(self) -> Mapping[tuple[str, str], int]:
        """Offer number by (hospital, group) key."""
        pairs = zip(self.offer_hospital.tolist(), self.offer_group.tolist(), strict=True)
        return MappingProxyType({(self.hospitals[h], self.groups[g]): k for k, (h, g) in enumerate(pairs)})

    def offer_name(self, k: int) -> tuple[str, str]:
        """(hospital, group) of offer k."""
        return self.hospitals[self.offer_hospital[k]], self.groups[self.offer_group[k]]

    def cell_name(self, c: int) -> str:
        """The cell's group, with its region where there are regions."""
        group = self.groups[self.cell_group[c]]
        return f"{group} in {self.regions[self.cell_region[c]]}" if self.regions else group

    def with_rules(
        self,
        *,
        capacity_mode: str | None = None,
        minimum_cases: bool = True,
        minimum_share: bool = True,
        links: bool = True,
        overrides: bool = True,
    ) -> Instance:
        """The same instance with rules switched off (another instance, with another hash).

        Parameters
        ----------
        capacity_mode : the new capacity mode; None keeps the present one.
        minimum_cases, minimum_share, links, overrides : False drops the rule.
        """
        from splgbench.transform import with_rules

        return with_rules(
            self,
            capacity_mode=capacity_mode,
            minimum_cases=minimum_cases,
            minimum_share=minimum_share,
            links=links,
            overrides=overrides,
        )

    def to_tables(self) -> dict[str, dict[str, list[Any]]]:
        """The instance as columns of its package tables (`Instance.from_tables` reads them back).

        Extensions are no tables: `splgbench.extensions.entries_of` has their entries.
        """
        from splgbench.transform import to_tables

        return to_tables(self)
