"""Every rule of the model and the format, broken one at a time and all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from instances_for_tests import MODES, Tables, make, plain_tables, small_tables, write_by_hand

from splgbench.errors import InputError, Problem
from splgbench.instance import Instance
from splgbench.package import read_package

LARGEST = 2**62


def problems(tables: Tables, mode: str = "both", **settings: Any) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        make(tables, mode, **settings)
    return caught.value.problems


def with_cell(table: str, column: str, row: int, value: object) -> Tables:
    """`small_tables` with one cell changed; rows count from 1."""
    tables = small_tables()
    tables[table][column][row - 1] = value
    return tables


def with_row(table: str, *cells: object) -> Tables:
    """`small_tables` with one row more."""
    tables = small_tables()
    for column, cell in zip(tables[table].values(), cells, strict=True):
        column.append(cell)
    return tables


def without_column(table: str, column: str) -> Tables:
    tables = small_tables()
    del tables[table][column]
    return tables


def with_regions(**changes: Any) -> Tables:
    """`small_tables` in two regions; `changes` replace the region columns of demand and offers."""
    tables = small_tables()
    tables["regions"] = {"region": ["north", "south"]}
    tables["demand"]["region"] = changes.get("demand", ["north", "south", "north"])
    tables["offers"]["region"] = changes.get("offers", ["north", "south", "north", "north", "north"])
    return tables


# (what is broken, tables, table, row, column, words of the rule)
BROKEN: list[tuple[str, Tables, str, int | None, str | None, str]] = [
    ("empty key", with_cell("hospitals", "hospital", 1, ""), "hospitals", 1, "hospital", "must not be empty"),
    ("hospital twice", with_row("hospitals", "H1", ""), "hospitals", 3, "hospital", "unique (first in row"),
    ("area twice", with_row("areas", "B"), "areas", 3, "area", "unique (first in row"),
    ("group twice", with_row("groups", "G1", "A", 0, 0), "groups", 4, "group", "unique (first in row"),
    ("unknown area", with_cell("groups", "area", 2, "Z"), "groups", 2, "area", "must be an area of the table areas"),
    ("empty area", with_cell("groups", "area", 2, ""), "groups", 2, "area", "must not be empty"),
    ("negative minimum", with_cell("groups", "minimum_cases", 1, -1), "groups", 1, "minimum_cases", "at least 0"),
    ("minimum as float", with_cell("groups", "minimum_cases", 1, 2.5), "groups", 1, "minimum_cases", "whole number"),
    ("minimum as word", with_cell("groups", "minimum_cases", 1, "two"), "groups", 1, "minimum_cases", "whole number"),
    (
        "share above 100 %",
        with_cell("groups", "minimum_share_bp", 3, 10_001),
        "groups",
        3,
        "minimum_share_bp",
        "at most 10000 basis points",
    ),
    ("share as fraction", with_cell("groups", "minimum_share_bp", 3, 0.5), "groups", 3, "minimum_share_bp", "whole"),
    ("cell twice", with_row("demand", "G2", 1), "demand", 4, "group", "group and region must be unique"),
    ("demand of nothing", with_cell("demand", "group", 1, "G9"), "demand", 1, "group", "group of the table groups"),
    ("negative demand", with_cell("demand", "cases", 3, -4), "demand", 3, "cases", "at least 0"),
    ("demand as float", with_cell("demand", "cases", 3, 4.0), "demand", 3, "cases", "whole number"),
    ("demand with a fraction", with_cell("demand", "cases", 3, "4.5"), "demand", 3, "cases", "whole number"),
    ("empty demand", with_cell("demand", "cases", 3, ""), "demand", 3, "cases", "must not be empty"),
    ("demand too large", with_cell("demand", "cases", 3, LARGEST), "demand", 3, "cases", "below 2^62"),
    ("demand beyond int64", with_cell("demand", "cases", 3, 10**25), "demand", 3, "cases", "below 2^62"),
    (
        "offer twice",
        with_row("offers", "H1", "G2", 1, 1),
        "offers",
        6,
        "group",
        "hospital and group must be unique (first in row",
    ),
    ("offer of nobody", with_cell("offers", "hospital", 4, "H9"), "offers", 4, "hospital", "of the table hospitals"),
    ("offer of nothing", with_cell("offers", "group", 4, "G9"), "offers", 4, "group", "of the table groups"),
    ("negative capacity", with_cell("offers", "capacity", 2, -1), "offers", 2, "capacity", "at least 0"),
    ("capacity as float", with_cell("offers", "capacity", 2, 1.5), "offers", 2, "capacity", "whole number"),
    ("capacity in words", with_cell("offers", "capacity", 2, "1e3"), "offers", 2, "capacity", "whole number"),
    ("no utility", with_cell("offers", "utility", 2, ""), "offers", 2, "utility", "must not be empty"),
    ("utility of 0", with_cell("offers", "utility", 2, 0), "offers", 2, "utility", "at least 1"),
    ("link of nothing", with_cell("links", "group", 1, "G9"), "links", 1, "group", "of the table groups"),
    ("link to nothing", with_cell("links", "required", 1, "G9"), "links", 1, "required", "of the table groups"),
    ("clause without name", with_cell("links", "clause", 1, ""), "links", 1, "clause", "must not be empty"),
    ("unknown link mode", with_cell("links", "mode", 1, "some"), "links", 1, "mode", "must be one of any, all"),
    ("clause of two modes", with_cell("links", "mode", 3, "any"), "links", 3, "mode", "a clause has one mode"),
    ("unknown scope", with_cell("links", "scope", 3, "abroad"), "links", 3, "scope", "must be one of inhouse"),
    ("member twice", with_row("links", "G1", "base", "any", "G3", "inhouse"), "links", 4, "required", "unique"),
    ("pair of nobody", with_row("area_capacity", "H9", "A", 1), "area_capacity", 2, "hospital", "table hospitals"),
    ("pair of nowhere", with_row("area_capacity", "H1", "Z", 1), "area_capacity", 2, "area", "of the table areas"),
    ("pair twice", with_row("area_capacity", "H1", "A", 1), "area_capacity", 2, "area", "hospital and area must be"),
    ("negative pair", with_row("area_capacity", "H2", "A", -1), "area_capacity", 2, "capacity", "at least 0"),
    (
        "override of no offer",
        with_row("overrides", "H2", "G2", "grant", "why", None, ""),
        "overrides",
        3,
        "group",
        "must name an existing offer",
    ),
    ("override of nobody", with_cell("overrides", "hospital", 1, "H9"), "overrides", 1, "hospital", "table hospitals"),
    ("override of nothing", with_cell("overrides", "group", 1, "G9"), "overrides", 1, "group", "table groups"),
    ("unknown action", with_cell("overrides", "action", 1, "allow"), "overrides", 1, "action", "must be one of grant"),
    ("override without reason", with_cell("overrides", "reason", 1, ""), "overrides", 1, "reason", "not be empty"),
    ("fix without cases", with_cell("overrides", "action", 1, "fix"), "overrides", 1, "cases", "fix needs"),
    ("cases with grant", with_cell("overrides", "cases", 1, 3), "overrides", 1, "cases", "cases stand only with fix"),
    ("rule with grant", with_cell("overrides", "rule", 1, "links"), "overrides", 1, "rule", "only with exempt"),
    ("exempt without rule", with_cell("overrides", "rule", 2, ""), "overrides", 2, "rule", "exempt needs a rule"),
    ("unknown rule", with_cell("overrides", "rule", 2, "demand"), "overrides", 2, "rule", "must be one of threshold"),
    (
        "grant and refuse",
        with_row("overrides", "H2", "G3", "refuse", "why", None, ""),
        "overrides",
        3,
        "action",
        "at most one of grant, refuse and fix (first in row",
    ),
    (
        "exempted twice",
        with_row("overrides", "H1", "G2", "exempt", "why", None, "threshold"),
        "overrides",
        3,
        "action",
        "exempted from a rule once (first in row",
    ),
    (
        "fix below the threshold",
        with_row("overrides", "H1", "G1", "fix", "why", 1, ""),
        "overrides",
        3,
        "cases",
        "between the threshold 2 and the largest volume 8",
    ),
    (
        "fix above the largest volume",
        with_row("overrides", "H1", "G1", "fix", "why", 9, ""),
        "overrides",
        3,
        "cases",
        "between the threshold 2 and the largest volume 8",
    ),
    ("missing column", without_column("offers", "capacity"), "offers", None, "capacity", "the column is missing"),
    ("missing key", without_column("hospitals", "hospital"), "hospitals", None, "hospital", "the column is missing"),
    ("missing reason", without_column("overrides", "reason"), "overrides", None, "reason", "the column is missing"),
    (
        "unknown region of demand",
        with_regions(demand=["north", "south", "west"]),
        "demand",
        3,
        "region",
        "of the table regions",
    ),
    (
        "unknown region of an offer",
        with_regions(offers=["north", "west", "north", "north", "north"]),
        "offers",
        2,
        "region",
        "of the table regions",
    ),
    ("empty region", with_regions(demand=["north", "", "north"]), "demand", 2, "region", "must not be empty"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=[case[0] for case in BROKEN])
def test_one_broken_rule_is_named_with_its_place(broken: tuple[Any, ...]) -> None:
    """A broken rule gives one problem that names table, row, column and rule; nothing else is blamed."""
    what, tables, table, row, column, rule = broken
    found = problems(tables)
    hit = [p for p in found if (p.file, p.row, p.column) == (table, row, column) and rule in p.rule]
    assert hit, f"{what}: {found}"
    if (table, column) != ("hospitals", "hospital"):  # a hospital that goes missing is missed elsewhere, too
        assert len(found) == 1, f"{what}: {found}"


@pytest.mark.parametrize("broken", BROKEN, ids=[case[0] for case in BROKEN])
def test_in_a_file_the_row_is_its_line(broken: tuple[Any, ...], tmp_path: Path) -> None:
    """Read from CSV, the same problem carries the file's name and the line the row stands on (the header is 1)."""
    _, tables, table, row, column, rule = broken
    with pytest.raises(InputError) as caught:
        read_package(write_by_hand(tables, tmp_path / "package"))
    place = (f"{table}.csv", None if row is None else row + 1, column)
    hit = [p for p in caught.value.problems if (p.file, p.row, p.column) == place and rule in p.rule]
    assert hit, caught.value.problems
    assert all(part in str(hit[0]) for part in (place[0], *(() if row is None else (f"row {row + 1}",)), rule))


def test_the_untouched_tables_are_legal(tmp_path: Path) -> None:
    """The tables that the cases above break are legal, in memory and on disk, with regions and without."""
    for mode in MODES:
        assert make(small_tables(), mode) == read_package(write_by_hand(small_tables(), tmp_path / mode, mode))
    assert make(with_regions()).regions == ("north", "south")


def test_all_problems_come_at_once_in_file_order() -> None:
    """Errors in several tables are reported together, sorted by table and row, each with the value found."""
    tables = small_tables()
    tables["groups"]["minimum_share_bp"][1] = 10_001
    tables["demand"]["cases"] = [-1, 7, 2.5]
    tables["offers"]["group"][4] = "G9"
    tables["offers"]["capacity"][0] = "many"
    tables["links"]["required"][0] = "G8"
    tables["overrides"]["action"][0] = "fix"
    del tables["overrides"]["reason"]
    found = problems(tables, mode="sometimes", utility_scale=0)
    assert [(p.file, p.row, p.column, p.value) for p in found] == [
        ("datapackage.json", None, "capacity_mode", "sometimes"),
        ("datapackage.json", None, "utility_scale", 0),
        ("groups", 2, "minimum_share_bp", 10_001),
        ("demand", 1, "cases", -1),
        ("demand", 3, "cases", 2.5),
        ("offers", 1, "capacity", "many"),
        ("offers", 5, "group", "G9"),
        ("links", 1, "required", "G8"),
        ("overrides", None, "reason", None),
        ("overrides", 1, "group", "H2, G3"),
    ]


def test_rows_without_a_key_are_not_twins() -> None:
    """Two rows whose key is missing are two missing keys, not one key twice."""
    keys = {"demand": "group", "offers": "hospital", "links": "required", "area_capacity": "area"}
    for table, column in keys.items():
        broken = small_tables()
        for cells in broken[table].values():
            cells.append(cells[0])
        broken[table][column][0] = broken[table][column][-1] = ""
        last = len(broken[table][column])
        assert [(p.row, p.rule) for p in problems(broken)] == [(1, "must not be empty"), (last, "must not be empty")]


def test_many_problems_are_kept_and_the_message_stays_short() -> None:
    """A thousand broken rows are all in `problems`; the message shows the first twenty and counts the rest."""
    tables = plain_tables({(f"H{i:04}", "G"): (1, 0) for i in range(1000)}, {"G": 5})
    with pytest.raises(InputError) as caught:
        make(tables)
    assert len(caught.value.problems) == 1000
    assert str(caught.value).count("\n") == 20
    assert str(caught.value).endswith("... and 980 more")


@pytest.mark.parametrize("scale", [0, -1, 1.5, True, "1", None, LARGEST])
def test_utility_scale_is_a_whole_number(scale: object) -> None:
    """Utilities are points times a whole scale of at least 1."""
    assert [p.column for p in problems(small_tables(), utility_scale=scale)] == ["utility_scale"]


@pytest.mark.parametrize("mode", ["", "Group", None, "area,group", 3])
def test_capacity_mode_is_one_of_four(mode: Any) -> None:
    """Anything but group, area, both and none is refused."""
    assert [p.column for p in problems(small_tables(), mode=mode)] == ["capacity_mode"]


@pytest.mark.parametrize("table", ["hospitals", "groups", "demand", "offers"])
def test_required_tables(table: str) -> None:
    """A package without a required table is refused by name (areas in memory come from the groups)."""
    tables = small_tables()
    given: dict[str, Any] = dict.fromkeys(("hospitals", "groups", "demand", "offers")) | tables
    given[table] = None
    with pytest.raises(InputError, match=f"needs the table {table}"):
        Instance.from_tables(**given)


def test_region_columns_stand_and_fall_with_the_regions_table() -> None:
    """Without regions no table has a region column; with regions demand and offers must have one."""
    tables = with_regions()
    del tables["regions"]
    found = problems(tables)
    assert [(p.file, p.row, p.column) for p in found] == [("demand", None, "region"), ("offers", None, "region")]
    tables = small_tables() | {"regions": {"region": ["north"]}}
    found = problems(tables)
    assert {(p.file, p.column, p.rule) for p in found} >= {
        ("demand", "region", "the column is missing"),
        ("offers", "region", "the column is missing"),
    }


def test_one_group_may_have_a_cell_in_each_region() -> None:
    """(group, region) is the key of demand: two regions are two cells, one region twice is an error."""
    tables = with_regions()
    for column, cell in zip(tables["demand"].values(), ("G1", 4, "south"), strict=True):
        column.append(cell)
    instance = make(tables)
    assert instance.demand[instance.cell_group == 0].tolist() == [10, 4]
    tables["demand"]["region"][3] = "north"
    (found,) = problems(tables)
    assert (found.row, found.value) == (4, "G1, north")


def test_fixes_keep_their_bounds_in_every_mode() -> None:
    """A fix is 0 or between t and U: U takes K in group and both, Q in area and both; an exemption lowers t to 1."""
    # B = 9, m = 3, K = 5, Q = 7.
    legal = {"group": range(3, 6), "area": range(3, 8), "both": range(3, 6), "none": range(3, 10)}
    for mode, cases in legal.items():
        for exempt in (False, True):
            rows: list[Any] = [("H", "G", "exempt", None, "threshold")] if exempt else []
            low = 1 if exempt else cases.start
            for value in range(11):
                tables = plain_tables(
                    {("H", "G"): (5, 1)},
                    {"G": 9},
                    minimum={"G": 3},
                    pairs={("H", "A"): 7},
                    overrides=[("H", "G", "fix", value, ""), *rows],
                )
                if value == 0 or low <= value < cases.stop:
                    make(tables, mode)
                else:
                    found = problems(tables, mode)
                    assert [(p.file, p.row, p.column, p.value) for p in found] == [("overrides", 1, "cases", value)]


def test_a_fix_is_blamed_once_for_its_cases() -> None:
    """Cases that are no number are one problem, not also missing; a column that is not there misses every fix."""
    tables = with_row("overrides", "H1", "G1", "fix", "why", "four", "")
    assert [(p.row, p.column, p.value) for p in problems(tables)] == [(3, "cases", "four")]
    del tables["overrides"]["cases"]
    assert [(p.row, p.rule) for p in problems(tables)] == [(3, "fix needs a number of cases")]


def test_an_offer_may_be_exempt_and_fixed_but_never_fixed_twice() -> None:
    """At most one of grant, refuse and fix; both exemptions may stand beside it."""
    rows = [("H", "G", "exempt", None, "threshold"), ("H", "G", "exempt", None, "links")]
    actions: list[Any] = [("grant", None), ("refuse", None), ("fix", 2)]
    for action, cases in actions:
        tables = plain_tables({("H", "G"): (5, 1)}, {"G": 9}, overrides=[*rows, ("H", "G", action, cases, "")])
        assert len(make(tables).override_action) == 3
        for other, more in actions:
            doubled = [*rows, ("H", "G", action, cases, ""), ("H", "G", other, more, "")]
            tables = plain_tables({("H", "G"): (5, 1)}, {"G": 9}, overrides=doubled)
            assert [p.row for p in problems(tables)] == [4]


def test_sums_stay_inside_int64() -> None:
    """Cells below 2^62 whose sum, or whose worth, is not are refused: int64 must hold every sum and the objective."""
    half = 2**61
    tables = plain_tables({("H", "G1"): (1, 1)}, {"G1": half, "G2": half})
    assert {p.rule for p in problems(tables)} >= {"the sum must be below 2^62"}
    tables = plain_tables({("H", "G1"): (half, 1), ("H", "G2"): (half, 1)}, {"G1": 1, "G2": 1})
    assert [(p.file, p.column) for p in problems(tables)] == [("offers", "capacity")]
    tables = plain_tables({("H", "G1"): (1, 2**31)}, {"G1": 2**31})
    assert [(p.file, p.column) for p in problems(tables)] == [("offers", "utility")]
    assert make(plain_tables({("H", "G1"): (1, 2**31)}, {"G1": 2**31 - 1})).utility.tolist() == [2**31]
    crowd = plain_tables({("H1", "G1"): (1, 1), ("H2", "G1"): (1, 1)}, {"G1": half})
    assert [(p.file, p.column) for p in problems(crowd)] == [("demand", "cases")]


@pytest.mark.parametrize(
    "cell",
    [True, np.bool_(True), 5.0, np.float64(5), float("nan"), "5.0", " 5", "+5", "5 ", "0x5", "٥", "", None, b"5"],
)
def test_what_is_no_whole_number(cell: object) -> None:
    """Floats (even whole ones), truth values, padded or signed text and foreign digits are no numbers of cases."""
    tables = small_tables()
    tables["offers"]["capacity"][1] = cell
    tables["offers"]["capacity"][2] = "5"  # text digits are what CSV brings
    (found,) = problems(tables)
    assert (found.file, found.row, found.column) == ("offers", 2, "capacity")


@pytest.mark.parametrize("cell", [1.5, True, b"H1", ["H1"], "\ud800"])
def test_what_is_no_key(cell: object) -> None:
    """Keys are text (or whole numbers, as a data frame reads them); text that is no Unicode is refused, too."""
    tables = plain_tables({("H1", "G"): (1, 1)}, {"G": 1})
    tables["areas"]["area"] = ["A", cell]
    (found,) = problems(tables)
    assert (found.file, found.row, found.column) == ("areas", 2, "area")


def test_tables_of_the_wrong_shape() -> None:
    """Columns of unequal length, a bare word for a column and things that are no tables get one sentence each."""
    tables: dict[str, Any] = small_tables()
    with pytest.raises(InputError, match="same number of rows"):
        make(tables | {"areas": {"area": ["A", "B"], "name": ["one"]}})
    with pytest.raises(InputError, match="areas, column area: must be a column"):
        make(tables | {"areas": {"area": "AB"}})
    with pytest.raises(InputError, match="areas, column area: must be a column"):
        make(tables | {"areas": {"area": 5}})
    with pytest.raises(InputError, match="cannot read a table from int"):
        make(tables | {"areas": 5})
