"""Partitions of the offers into blocks, and what couples the blocks (model statement, fact 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from splgbench.errors import InputError, Problem, UnsupportedError
from splgbench.files import parse_csv, read_text
from splgbench.instance import BoolArray, IntArray
from splgbench.presolve import Presolved

KINDS = ("hospital", "tied", "area", "region", "component")


@dataclass(frozen=True)
class Partition:
    """A block for every live offer, and the rows and links that join several blocks.

    Parameters
    ----------
    kind : one of `KINDS`, "district" or "custom".
    block : shape (K,), the block of each live offer, -1 for the others.
    n_blocks : how many there are.
    coupling_cells : shape (C,), cells whose demand row can bind and joins blocks.
    coupling_pairs : shape (P,), hospital-areas whose capacity row can bind and joins blocks.
    coupling_links : shape (R,), requirements with a member in another block than their offer.
    """

    kind: str
    block: IntArray
    n_blocks: int
    coupling_cells: BoolArray
    coupling_pairs: BoolArray
    coupling_links: BoolArray

    def offers(self, number: int) -> IntArray:
        """The live offers of a block."""
        return np.flatnonzero(self.block == number)


def partition(offers: Presolved, kind: str) -> Partition:
    """A partition by hospital, by ties, by area, region or connected component.

    By hospital, hospitals that live cooperation links join are one block. Tied are offers that live links or an area
    capacity that can bind join: the finest blocks that only demand couples.

    Raises
    ------
    UnsupportedError
        No such kind.
    """
    instance = offers.instance
    if kind == "hospital":
        return labelled(offers, kind, _joined(instance.offer_hospital, instance.n_hospitals, offers))
    if kind == "tied":
        return labelled(offers, kind, _tied(offers))
    if kind == "area":
        return labelled(offers, kind, instance.group_area[instance.offer_group])
    if kind == "region":
        region = np.maximum(instance.cell_region, 0)
        return labelled(offers, kind, region[instance.offer_cell])
    if kind == "component":
        return labelled(offers, kind, offers.component)
    raise UnsupportedError(f"no partition by {kind}; there are {', '.join(KINDS)}")


def chosen_partition(offers: Presolved, choice: str) -> Partition:
    """The partition that an option of a method names: one of `KINDS`, or a file as `read_partition` takes it.

    Raises
    ------
    UnsupportedError
        Neither a kind nor the name of a CSV file.
    InputError
        The file is no map.
    """
    return read_partition(offers, Path(choice)) if is_map_file(choice) else partition(offers, choice)


def is_map_file(choice: str) -> bool:
    """Whether the option of a method names a file with a map of blocks rather than a kind of partition."""
    return choice.endswith(".csv")


def read_partition(offers: Presolved, path: Path) -> Partition:
    """A partition from a CSV file: a column `block`, and one or more of `hospital`, `group`, `area` and `region`.

    A row puts all live offers of its hospital, group, area and region into its block, whose name is free.

    Raises
    ------
    InputError
        The file cannot be read, lacks a column, has one that it must not have, names no block, what the instance does
        not have or the same twice, or leaves a live offer without a block.
    """
    instance, file = offers.instance, str(path)
    table = parse_csv("partition", file, read_text(path))
    offer_area = instance.group_area[instance.offer_group]
    offer_region = instance.cell_region[instance.offer_cell]
    known = {
        "hospital": (instance.hospitals, instance.offer_hospital),
        "group": (instance.groups, instance.offer_group),
        "area": (instance.areas, offer_area),
        "region": (instance.regions, offer_region),
    }
    keys = [name for name in table.columns if name != "block"]
    if "block" not in table.columns or not keys or not set(keys) <= known.keys():
        raise InputError("must have a column block and one or more of hospital, group, area, region", file)
    problems: list[Problem] = []
    block_of: dict[tuple[str, ...], str] = {}
    for at, row in enumerate(table.rows):
        key = tuple(str(table.columns[name][at]) for name in keys)
        for name, value in zip(keys, key, strict=True):
            if value not in known[name][0]:
                problems.append(Problem(file, row, name, f"must be a {name} of the instance", value))
        if key in block_of:
            problems.append(Problem(file, row, None, "must not name the same offers twice", ", ".join(key)))
        block_of[key] = str(table.columns["block"][at])
        if not block_of[key]:
            problems.append(Problem(file, row, "block", "must name a block"))
    if problems:
        raise InputError(problems)
    number = {name: at for at, name in enumerate(dict.fromkeys(block_of.values()))}
    label = np.zeros(instance.n_offers, dtype=np.int64)
    for k in np.flatnonzero(offers.live).tolist():
        key = tuple(names[places[k]] if places[k] >= 0 else "" for names, places in (known[name] for name in keys))
        if key not in block_of:
            raise InputError(f"has no block for {', '.join(key)}", file)
        label[k] = number[block_of[key]]
    return labelled(offers, "custom", label)


def custom_partition(offers: Presolved, block_of: Mapping[tuple[str, str], int]) -> Partition:
    """A partition given as a block number for every live offer (hospital, group).

    Raises
    ------
    InputError
        A live offer has no block.
    """
    instance = offers.instance
    label = np.zeros(instance.n_offers, dtype=np.int64)
    for k in np.flatnonzero(offers.live).tolist():
        name = instance.offer_name(k)
        if name not in block_of:
            raise InputError(f"has no block for the offer {name}", "partition")
        label[k] = block_of[name]
    return labelled(offers, "custom", label)


def _joined(hospital: IntArray, n_hospitals: int, offers: Presolved) -> IntArray:
    """Hospital blocks: hospitals with a live link between their offers are one."""
    owner, member = hospital[offers.links.offer[offers.links.of_member]], hospital[offers.links.member]
    graph = coo_array((np.ones(len(owner), dtype=np.bool_), (owner, member)), shape=(n_hospitals, n_hospitals))
    _, label = connected_components(graph, directed=False)
    return label[hospital].astype(np.int64) if len(hospital) else hospital


def _tied(offers: Presolved) -> IntArray:
    """Blocks of offers that live links or binding area capacities join."""
    links, n, live = offers.links, offers.instance.n_offers, np.flatnonzero(offers.live)
    bound = live[offers.binding_pairs[offers.pairs.of_offer[live]]]
    owner = np.concatenate((links.offer[links.of_member], bound))
    other = np.concatenate((links.member, n + offers.pairs.of_offer[bound]))
    size = n + len(offers.pairs.capacity)
    graph = coo_array((np.ones(len(owner), dtype=np.bool_), (owner, other)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    found: IntArray = label[:n].astype(np.int64)
    return found


def labelled(offers: Presolved, kind: str, label: IntArray) -> Partition:
    """The partition whose blocks are the live offers of one label each.

    Parameters
    ----------
    kind : what it is called.
    label : shape (K,), any numbers from 0 on.
    """
    instance, links = offers.instance, offers.links
    block = np.full(instance.n_offers, -1, dtype=np.int64)
    live = np.flatnonzero(offers.live)
    numbers, block[live] = np.unique(label[live], return_inverse=True)
    couples = np.zeros(links.count, dtype=np.bool_)
    other = block[links.member] != block[links.offer[links.of_member]]
    couples[links.of_member[other]] = True
    return Partition(
        kind,
        block,
        len(numbers),
        offers.binding_cells & _several(instance.offer_cell[live], block[live], instance.n_cells),
        offers.binding_pairs & _several(offers.pairs.of_offer[live], block[live], len(offers.pairs.capacity)),
        couples,
    )


def _several(row: IntArray, block: IntArray, n_rows: int) -> BoolArray:
    """Rows that hold offers of more than one block."""
    least, most = np.full(n_rows, np.iinfo(np.int64).max), np.full(n_rows, -1)
    np.minimum.at(least, row, block)
    np.maximum.at(most, row, block)
    return most > least
