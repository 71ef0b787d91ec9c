"""Value: the worked example of docs/value.md, the instance that comes of it, and tables that break a rule."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from splgbench.cli import main
from splgbench.errors import InputError, SplgbenchError
from splgbench.instance import Instance
from splgbench.package import read_package
from splgbench.planning.schemas import as_markdown
from splgbench.testing.plain_value import PlainValuation
from splgbench.value.outcomes import Objective, Value, ValueRules, read_value, with_value
from splgbench.value.schemas import SECTIONS

TABLES = Path("docs/examples/value")
NAMES = ("conditions", "outcome_set", "outcomes", "cycle_costs")


def example() -> Instance:
    """The hospitals, groups and offers of the example import, without its other rules."""
    offers = [
        ("Mittelsee", "BEW1", 400),
        ("Mittelsee", "BEW2", 110),
        ("Mittelsee", "HER1", 260),
        ("Oberwald", "BEW1", 300),
        ("Oberwald", "BEW2", 123),
        ("Oberwald", "HER1", 90),
        ("Unterach", "BEW1", 150),
        ("Unterach", "HER1", 60),
    ]
    hospital, group, capacity = zip(*offers, strict=True)
    return Instance.from_tables(
        hospitals=["Mittelsee", "Oberwald", "Unterach"],
        groups={"group": ["BEW1", "BEW2", "HER1"], "area": ["B", "B", "H"], "minimum_cases": [50, 0, 25]},
        demand={"group": ["BEW1", "BEW2", "HER1"], "cases": [635, 165, 240]},
        offers={"hospital": hospital, "group": group, "capacity": capacity, "utility": [1] * len(offers)},
        name="three-valleys",
    )


def tables() -> dict[str, dict[str, list[Any]]]:
    """The example's tables as columns of text."""
    found = {}
    for name in NAMES:
        with (TABLES / f"{name}.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        found[name] = {column: [row[column] for row in rows] for column in rows[0]}
    return found


def changed(table: str, column: str, row: int, cell: Any) -> dict[str, dict[str, list[Any]]]:
    """The example's tables with another cell; rows from 1."""
    found = tables()
    found[table][column][row - 1] = cell
    return found


def without(table: str, row: int) -> dict[str, dict[str, list[Any]]]:
    """The example's tables without a row."""
    found = tables()
    for cells in found[table].values():
        del cells[row - 1]
    return found


def test_the_worked_example() -> None:
    """Line by line as the page prints it."""
    page = Path("docs/value.md").read_text("utf-8")
    lines = list(read_value(TABLES).explain("Mittelsee", "BEW1").lines())
    assert "\n".join(f"    {line}" for line in lines) in page


def test_utilities_are_the_equations_in_fractions() -> None:
    """Every offer's value, points and cost, computed apart from the tables in exact fractions, rounded half up."""
    instance = example()
    for objective in Objective:
        found = with_value(instance, read_value(TABLES), objective)
        plain = PlainValuation()(instance, tables(), str(objective))
        assert found.utility.tolist() == plain.utility.tolist()
        assert found.notes["offers"]["cost"] == plain.notes["offers"]["cost"]


def test_only_the_utilities_of_the_instance_change(tmp_path: Path) -> None:
    """With the old ones back it is the same content; the package that is written reads back."""
    instance = example()
    valued = with_value(instance, read_value(TABLES))
    assert valued != instance
    assert valued.name == "three-valleys-value"
    assert valued.utility_scale == 100
    ones = dict(valued.to_tables()["offers"], utility=[1] * 8)
    assert Instance.from_tables(**{**valued.to_tables(), "offers": ones}) == instance
    assert with_value(instance, read_value(TABLES)) == valued


def test_missing_measures_follow_the_rule() -> None:
    """Of 9 patients asked about angina nothing follows: the weight goes to the rest, counts 0 points, or the mean."""

    def points(missing: str) -> float:
        tree = read_value(TABLES, ValueRules(missing, least_patients=10)).explain("Unterach", "HER1")
        found = tree.children[0].children[0].points
        assert found is not None
        return found

    survival, angina, readmission = 50.0, (60 + 44) / 2, 40.0
    assert points("redistribute") == pytest.approx((0.5 * survival + 0.2 * readmission) / 0.7)
    assert points("worst") == pytest.approx(0.5 * survival + 0.2 * readmission)
    assert points("mean") == pytest.approx(0.5 * survival + 0.3 * angina + 0.2 * readmission)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (changed("conditions", "share_bp", 1, 5_000), r"shares of group BEW1 must sum to 10000 \(found 9500\)"),
        (changed("outcome_set", "weight", 1, 0.4), r"outcome_set, column weight: the weights of hip must sum to 1"),
        (
            changed("outcome_set", "direction", 2, "down"),
            r"outcome_set, row 2, column direction: must be one of higher",
        ),
        (changed("outcome_set", "high", 1, 0), r"outcome_set, row 1, column high: must be above low, 0"),
        (changed("outcome_set", "reported_by", 1, "nobody"), r"row 1, column reported_by: must be one of patient"),
        (
            changed("outcome_set", "condition", 1, "wrist"),
            r"outcome_set, row 1, column condition: must be in the table",
        ),
        (
            changed("outcomes", "measure", 4, "angina"),
            r"outcomes, row 4, column measure: must be a measure of its cond",
        ),
        (changed("outcomes", "value", 2, "good"), r"outcomes, row 2, column value: must be a finite number"),
        (changed("cycle_costs", "cost", 3, -1), r"cycle_costs, row 3, column cost: must be at least 0"),
        (
            changed("cycle_costs", "condition", 1, "wrist"),
            r"cycle_costs, row 1, column condition: must be in the table",
        ),
        (without("cycle_costs", 1), r"cycle_costs, row 1, column phase: Oberwald must have every phase"),
        (without("outcome_set", 10), r"the weights of coronary must sum to 1 \(found 0.8\)"),
    ],
)
def test_tables_that_break_a_rule_are_refused(given: dict[str, Any], message: str) -> None:
    """With table, row, column and rule."""
    with pytest.raises(InputError, match=message):
        Value(*(given[name] for name in NAMES))


def test_all_broken_files_are_told_at_once(tmp_path: Path) -> None:
    """A file that is missing, and a line of another."""
    for name in NAMES[:-1]:
        (tmp_path / f"{name}.csv").write_text(
            (TABLES / f"{name}.csv").read_text().replace("Oberwald,hip,return", "Oberwald,hip,")
        )
    with pytest.raises(InputError) as raised:
        read_value(tmp_path)
    told = [str(problem) for problem in raised.value.problems]
    assert len(told) == 2
    assert told[0].endswith("outcomes.csv, row 4, column measure: must not be empty")
    assert "cycle_costs.csv: cannot be read" in told[1]


def test_offers_without_value_are_refused() -> None:
    """A group without condition, a hospital without cost or measures, a cycle that costs nothing, a value of 0."""
    instance = example()
    given = tables()
    for cells in given["conditions"].values():
        del cells[2]
    given["outcome_set"] = {name: [*cells[:5], *cells[7:]] for name, cells in given["outcome_set"].items()}
    for table in ("outcomes", "cycle_costs"):
        kept = [at for at, name in enumerate(given[table]["condition"]) if name != "spine"]
        given[table] = {column: [cells[at] for at in kept] for column, cells in given[table].items()}
    with pytest.raises(InputError, match="must name a condition of the group BEW2"):
        with_value(instance, Value(*(given[name] for name in NAMES)))
    given = tables()
    kept = [at for at, name in enumerate(given["cycle_costs"]["hospital"]) if name != "Unterach"]
    given["cycle_costs"] = {column: [cells[at] for at in kept] for column, cells in given["cycle_costs"].items()}
    with pytest.raises(InputError, match="must have the cost of hip at Unterach"):
        with_value(instance, Value(*(given[name] for name in NAMES)))
    with pytest.raises(SplgbenchError, match="value of hip at Unterach: no measure that weighs has a value"):
        with_value(instance, read_value(TABLES, ValueRules(least_patients=60)))
    given = tables()
    at = [row for row, cells in enumerate(zip(*given["cycle_costs"].values(), strict=True)) if "coronary" in cells[:2]]
    for row in at:
        given["cycle_costs"]["cost"][row] = 0
    with pytest.raises(InputError, match="the cycle of care must cost something"):
        Value(*(given[name] for name in NAMES))
    given = changed("outcomes", "value", 26, 80)
    given["outcomes"]["value"][26:] = [0, 90]
    with pytest.raises(InputError, match=r"column utility: must be .*\(found 0\)"):
        with_value(instance, Value(*(given[name] for name in NAMES)))


def test_rules_that_cannot_be_are_refused() -> None:
    """An unknown rule for missing measures, patients below 0."""
    with pytest.raises(InputError, match="must be one of redistribute, worst, mean"):
        ValueRules("best")
    with pytest.raises(InputError, match="at least 0"):
        ValueRules(least_patients=-1)


def test_the_command_writes_a_package_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the page types."""
    assert main(["import", "docs/examples/import/three-valleys.toml", "-o", str(tmp_path / "plain")]) == 0
    assert main(["value", str(tmp_path / "plain"), str(TABLES), "-o", str(tmp_path / "by-value")]) == 0
    valued = read_package(tmp_path / "by-value")
    assert valued.utility[valued.offer_index["Mittelsee", "BEW1"]] == 7272
    assert valued.notes["offers"]["cost"][valued.offer_index["Mittelsee", "BEW1"]] == "18000"
    capsys.readouterr()
    assert main(["value", str(tmp_path / "plain"), str(TABLES), "--explain", "Mittelsee", "BEW1"]) == 0
    assert capsys.readouterr().out.startswith("value 72.72 x 1.0000\n  hip 72.22 x 0.5500\n")


def test_the_page_of_tables_is_up_to_date() -> None:
    """docs/value-tables.md is what the schemas say."""
    assert Path("docs/value-tables.md").read_text("utf-8").endswith(as_markdown(SECTIONS))
