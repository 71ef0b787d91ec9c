"""Any table of hospitals, groups and cases as an instance: the documented example, and every mistake named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.package import package_files, read_package
from splgbench.sources.table_import import import_table

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "import" / "three-valleys.toml"
TOML = EXAMPLE.read_text()
TABLE = EXAMPLE.with_suffix(".csv").read_text()
SHORT = 'name = "x"\ntable = "x.csv"\n[columns]\nhospital = "h"\ngroup = "g"\ncases = "n"\n'


def write(folder: Path, toml: str = TOML, table: str = TABLE) -> Path:
    (folder / "three-valleys.csv").write_text(table)
    (folder / "three-valleys.toml").write_text(toml)
    return folder / "three-valleys.toml"


def short(folder: Path, table: str, more: str = "") -> Path:
    (folder / "x.csv").write_text(table)
    (folder / "x.toml").write_text(SHORT + more)
    return folder / "x.toml"


# The example of the docs


def test_the_docs_show_the_example_as_it_is() -> None:
    docs = (ROOT / "docs" / "instances.md").read_text()
    for text in (TOML, TABLE):
        assert "".join(f"    {line}\n" if line else "\n" for line in text.splitlines()) in docs


def test_the_example_by_hand() -> None:
    """Mean cost of BEW1: (240 x 11,250.50 + 310 x 10,400 + 85 x 12,800) / 635 = 11,042.71."""
    found = import_table(EXAMPLE).to_tables()
    offers = {
        row[:2]: row[2:]
        for row in zip(*(found["offers"][name] for name in ("hospital", "group", "capacity", "utility")), strict=True)
    }
    mean = (240 * 11_250.50 + 310 * 10_400 + 85 * 12_800) / 635
    assert offers["Oberwald", "BEW1"] == (300, round(1.05 * round(10_000 * mean / 11_250.50)))
    assert offers["Mittelsee", "BEW1"] == (400, round(0.98 * round(10_000 * mean / 10_400)))
    assert offers["Oberwald", "BEW2"][0] == 95 * 130 // 100  # no capacity: 130 % of its cases
    assert offers["Unterach", "HER1"] == (60, 11_000)  # no cost: efficiency 1
    assert dict(zip(found["demand"]["group"], found["demand"]["cases"], strict=True)) == {
        "BEW1": 635,
        "BEW2": 165,
        "HER1": 240,
    }
    assert found["groups"]["minimum_cases"] == [50, 0, 25]
    assert found["groups"]["minimum_share_bp"] == [500] * 3
    pairs = found["area_capacity"]
    limits = dict(zip(zip(pairs["hospital"], pairs["area"], strict=True), pairs["capacity"], strict=True))
    assert limits["Oberwald", "Bewegungsapparat"] == 402  # 120 % of 335
    assert ("Unterach", "Herz") not in limits  # no cases: its capacities count


def test_the_command_writes_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(EXAMPLE), "-o", str(tmp_path / "out.zip")]) == 0
    assert read_package(tmp_path / "out.zip") == import_table(EXAMPLE)
    assert "three-valleys" in capsys.readouterr().out


def test_the_same_table_gives_the_same_bytes_and_parquet_the_same_instance(tmp_path: Path) -> None:
    """In Parquet, whole numbers with gaps are floats and codes may be numbers."""
    assert package_files(import_table(EXAMPLE)) == package_files(import_table(write(tmp_path)))
    pd.read_csv(EXAMPLE.with_suffix(".csv"), sep=";").to_parquet(tmp_path / "three-valleys.parquet")
    toml = tmp_path / "parquet.toml"
    toml.write_text(TOML.replace("three-valleys.csv", "three-valleys.parquet"))
    assert import_table(toml) == import_table(EXAMPLE)


def test_three_columns_are_enough_and_regions_make_cells(tmp_path: Path) -> None:
    plain = import_table(short(tmp_path, "h,g,n\nA,1,10\nB,1,20\n"))
    assert (plain.areas, plain.regions, plain.capacity_mode, plain.utility.tolist()) == (
        ("all",),
        (),
        "group",
        [10_000] * 2,
    )
    assert plain.capacity.tolist() == [12, 24]
    regional = import_table(short(tmp_path, "h,g,n,r\nA,1,10,north\nB,1,20,south\n", 'region = "r"\n'))
    assert regional.demand.tolist() == [10, 20]
    assert regional.regions == ("north", "south")


# What is wrong is named


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "95;;18900",
            "9,5;;18900",
            r"three-valleys\.csv, row 3, column Faelle: must be a whole number of at least 0 \(found '9,5'\)",
        ),
        ("95;;18900", "-5;;18900", "row 3, column Faelle"),
        ("95;;18900", ";;18900", "row 3, column Faelle"),
        ("95;;18900", "95;1.5;18900", "row 3, column Kapazitaet"),
        ("95;;18900", "95;;0", "row 3, column Fallkosten: must be a number above 0"),
        ("95;;18900", "95;;18'900", "row 3, column Fallkosten"),
        ("18900;1.05;", "18900;nan;", "row 3, column Qualitaet"),
        ("60;90;14200;;25", "60;90;14200;;26", "row 4, column Mindestfallzahl: a group has one minimum|row 7"),
        (
            "Oberwald;HER1;Herz",
            "Oberwald;HER1;Lunge",
            "column Leistungsbereich: a group has one area, and HER1 has Lunge in row 4",
        ),
        (
            "Oberwald;BEW2",
            "Oberwald;BEW1",
            r"row 3, column Leistungsgruppe: hospital and group must be unique \(first in row 2\)",
        ),
        ("Oberwald;BEW2", ";BEW2", "row 3, column Spital: must not be empty"),
        ("Oberwald;BEW2;", "Oberwald;BEW2;x;", "row 3: must have 8 fields as the header"),
        ("Kapazitaet", "Betten", r"row 1, column Kapazitaet: the column is missing, which columns\.capacity names"),
        ("Fallkosten", "Spital", "names a column twice: Spital"),
    ],
)
def test_a_broken_table_is_named_by_file_row_and_rule(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert TABLE.count(old) >= 1
    with pytest.raises(InputError, match=told):
        import_table(write(tmp_path, table=TABLE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'cost = "Fallkosten"',
            'costs = "Fallkosten"',
            r"three-valleys\.toml: columns\.costs is not known; there are hospital",
        ),
        ("[assumptions]", "[assumption]", "assumption is not known; there are name"),
        ("capacity_percent = 130", "capacity = 130", r"assumptions\.capacity is not known"),
        ("capacity_percent = 130", "capacity_percent = 1.3", r"assumptions\.capacity_percent must be a whole number"),
        ("capacity_percent = 130", "utility_scale = 0", r"assumptions\.utility_scale must be a whole number between 1"),
        ("= 500", "= 10001", r"assumptions\.minimum_share_bp must be a whole number between 0 and 10000"),
        ('cases = "Faelle"\n', "", r"columns\.cases must be given"),
        ('cases = "Faelle"', "cases = 3", r"columns\.cases must be the name of a column"),
        ('name = "three-valleys"', 'name = "Three Valleys"', "name must be lower-case"),
        ('table = "three-valleys.csv"\n', "", "table must be given"),
        ("three-valleys.csv", "three-valleys.xlsx", r"table must end in \.csv or \.parquet"),
        ("three-valleys.csv", "nowhere.csv", r"nowhere\.csv: cannot be read"),
        ('delimiter = ";"', 'delimiter = "::"', "delimiter must be a comma"),
        ("name =", "name", "must be TOML"),
        ("capacity_percent = 130", "efficiency_least_bp = 20000", "efficiency_least_bp must be at most"),
    ],
)
def test_a_broken_toml_file_is_named_by_key_and_rule(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert TOML.count(old) == 1
    with pytest.raises(InputError, match=told):
        import_table(write(tmp_path, toml=TOML.replace(old, new)))


def test_all_mistakes_are_told_at_once_in_the_order_of_the_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        import_table(short(tmp_path, "h,g,n\nA,1,x\n,1,2\nA,1,-3\n"))
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4, 4]


@pytest.mark.parametrize("data", [b"", b"h,g,n\n", b"h,g,n\nA,1,2", b"\xff\xfe"])
def test_an_empty_cut_or_foreign_table_is_refused(tmp_path: Path, data: bytes) -> None:
    path = short(tmp_path, "")
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.csv"):
        import_table(path)


def test_a_benefit_that_rounds_to_nothing_is_refused(tmp_path: Path) -> None:
    path = short(tmp_path, "h,g,n,q\nA,1,10,0.00001\n", 'quality = "q"\n')
    with pytest.raises(InputError, match=r"\.csv, row 2, column q: .* raise assumptions\.utility_scale"):
        import_table(path)


def test_nothing_is_written_of_a_broken_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = short(tmp_path, "h,g,n\nA,1,x\n")
    shutil.copytree(ROOT / "instances" / "us-miami-2011", tmp_path / "out")
    before = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert main(["import", str(path), "-o", str(tmp_path / "new")]) == 2
    assert main(["import", str(path), "-o", str(tmp_path / "out")]) == 2
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", "x.csv", "x.toml"]
    assert "x.csv, row 2, column n" in capsys.readouterr().err
