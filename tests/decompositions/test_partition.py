"""Partitions: blocks of live offers, and exactly the rows and links that join them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from instances_for_tests import make, plain_tables, small_tables

from splgbench.decomposition.partition import Partition, chosen_partition, custom_partition, partition
from splgbench.errors import InputError, UnsupportedError
from splgbench.instance import Instance
from splgbench.presolve import Presolved, presolve


def blocks(offers: Presolved, found: Partition) -> set[frozenset[tuple[str, str]]]:
    """The blocks by the names of their offers."""
    name = offers.instance.offer_name
    return {frozenset(name(int(k)) for k in found.offers(b)) for b in range(found.n_blocks)}


def two_by_two(**more: object) -> Instance:
    """Two hospitals, two groups in two areas, capacity well above demand."""
    return make(plain_tables({(h, g): (8, 2) for h in "HI" for g in "AB"}, {"A": 9, "B": 9}) | more)  # type: ignore[arg-type]


def test_by_hospital_and_by_area() -> None:
    """Demand joins hospitals; nothing joins areas without links."""
    offers = presolve(two_by_two())
    by_hospital = partition(offers, "hospital")
    assert blocks(offers, by_hospital) == {frozenset({(h, "A"), (h, "B")}) for h in "HI"}
    assert by_hospital.coupling_cells.all()
    assert not by_hospital.coupling_links.any()
    by_cell = custom_partition(offers, {(h, g): "AB".index(g) for h in "HI" for g in "AB"})
    assert not by_cell.coupling_cells.any()


def test_a_cell_that_cannot_bind_joins_nothing() -> None:
    """With demand for all, hospitals are apart, as components too."""
    instance = make(plain_tables({(h, "A"): (8, 2) for h in "HI"}, {"A": 16}))
    offers = presolve(instance)
    assert not partition(offers, "hospital").coupling_cells.any()
    assert partition(offers, "component").n_blocks == 2


def test_cooperation_links_join_hospitals() -> None:
    """Hospitals whose live links cross are one block; without the links they are two."""
    tables = small_tables()
    joined = presolve(make(tables))
    assert partition(joined, "hospital").n_blocks == 1
    tables["links"] = {key: cells[:2] for key, cells in tables["links"].items()}
    assert partition(presolve(make(tables)), "hospital").n_blocks == 2


def test_by_region() -> None:
    """A block a region; a hospital-area in two regions couples them."""
    instance = Instance.from_tables(
        hospitals=["H"],
        groups={"group": ["A", "B"], "area": ["x", "x"]},
        regions=["r", "s"],
        demand={"group": ["A", "B"], "region": ["r", "s"], "cases": [5, 5]},
        offers={
            "hospital": ["H", "H"],
            "group": ["A", "B"],
            "region": ["r", "s"],
            "capacity": [5, 5],
            "utility": [1, 1],
        },
        area_capacity={"hospital": ["H"], "area": ["x"], "capacity": [6]},
        capacity_mode="both",
    )
    found = partition(presolve(instance), "region")
    assert found.n_blocks == 2
    assert found.coupling_pairs.all()


def test_what_is_no_partition() -> None:
    """An unknown kind, and a map that forgets an offer."""
    offers = presolve(two_by_two())
    with pytest.raises(UnsupportedError, match="no partition by love"):
        partition(offers, "love")
    with pytest.raises(InputError, match="has no block for the offer"):
        custom_partition(offers, {("H", "A"): 0})


def test_a_map_in_a_file(tmp_path: Path) -> None:
    """By one name or several; coupling rows are derived as for the kinds."""
    offers = presolve(two_by_two())
    path = tmp_path / "map.csv"
    path.write_text("hospital,block\nH,valley\nI,town\n")
    found = chosen_partition(offers, str(path))
    assert blocks(offers, found) == blocks(offers, partition(offers, "hospital"))
    assert np.array_equal(found.coupling_cells, partition(offers, "hospital").coupling_cells)
    path.write_text("hospital,group,block\nH,A,1\nI,A,1\nH,B,1\nI,B,2\n")
    found = chosen_partition(offers, str(path))
    assert (found.kind, found.n_blocks, int(found.coupling_cells.sum())) == ("custom", 2, 1)
    path.write_text("area,block\nA,all\n")
    assert chosen_partition(offers, str(path)).n_blocks == 1
    assert chosen_partition(offers, "area").kind == "area"


def test_what_is_no_map(tmp_path: Path) -> None:
    """Each mistake with its file, row and rule."""
    offers = presolve(two_by_two())
    path = tmp_path / "map.csv"
    for text, says in (
        ("hospital,site\nH,1\n", "must have a column block and one or more of"),
        ("block\n1\n", "must have a column block and one or more of"),
        ("hospital,block\nH,1\nX,2\n", "row 3, column hospital: must be a hospital of the instance \\(found 'X'\\)"),
        ("hospital,block\nH,1\nH,2\n", "row 3: must not name the same offers twice"),
        ("hospital,block\nH,1\nI,\n", "row 3, column block: must name a block"),
        ("hospital,block\nH,1\n", "has no block for I"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            chosen_partition(offers, str(path))
    with pytest.raises(InputError, match="cannot be read"):
        chosen_partition(offers, str(tmp_path / "none.csv"))


def test_no_live_offer() -> None:
    """Nothing to part."""
    instance = make(plain_tables({("H", "A"): (0, 1)}, {"A": 3}), "group")
    assert partition(presolve(instance), "hospital").n_blocks == 0
    assert np.array_equal(partition(presolve(instance), "hospital").block, [-1])
