"""Overrides: what each costs, alone and together, why some clash, and a record that only grows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from planning_for_tests import both, decision, instance, solver

from splgbench.errors import InputError
from splgbench.planning.overrides import TOGETHER, apply, decisions, price, read_record, record, standing

GRANT = decision("grant", "East", "HIP")
REFUSE = decision("refuse", "North", "HIP")


def test_costs_alone_and_together() -> None:
    """By hand: granting East moves 10 hips from South (3 points each); refusing North moves 40, 20 of them to East."""
    found = price(instance(), both(GRANT, REFUSE), solver())
    rows = {row[0]: row[1:] for row in zip(*found.table.values(), strict=True)}
    assert rows["grant East HIP"] == (700, 30, 30 / 730, 1, "")
    # South 40 x 8 + East 20 x 5 + 210 = 630
    assert rows["refuse North HIP"] == (630, 100, 100 / 730, 1, "")
    assert rows[TOGETHER] == (630, 100, 100 / 730, 1, "")
    assert found.clash == ()
    assert found.solved is not None
    assert found.instance.override_action == ("grant", "refuse")


def test_an_exemption_is_a_gain() -> None:
    """Where the threshold binds, lifting it raises the benefit: the cost is below 0."""
    tables = instance().to_tables()
    tables["demand"]["cases"] = [45, 30]
    given = type(instance()).from_tables(**tables)
    found = price(given, decision("exempt", "South", "HIP", rule="threshold"), solver()).table
    # 35 North + 10 South against 40 North + 5 South
    assert found["cost"][0] == (35 * 9 + 10 * 8) - (40 * 9 + 5 * 8) == -5


def test_a_clash_is_explained_by_its_smallest_set() -> None:
    """Seven mandates of 10 do not fit: fixing 40 + 20 cases leaves none of 60 for the third."""
    fixes = both(
        decision("fix", "North", "HIP", cases=40), decision("fix", "South", "HIP", cases=20), GRANT | {"cases": [None]}
    )
    found = price(instance(), fixes, solver())
    assert found.solved is None
    assert set(found.clash) == {
        "fix North HIP at 40 cases",
        "fix South HIP at 20 cases",
        "grant East HIP",
        "demand of HIP (60 cases)",
    }
    assert found.table["clash"][-1] == "; ".join(found.clash)
    assert found.table["clash"][:3] == ["", "", ""]


def test_overrides_need_a_reason_and_an_author() -> None:
    """The row and the rule are named; so is an override of what is no offer."""
    with pytest.raises(InputError, match="overrides, row 1, column reason: must not be empty"):
        apply(instance(), GRANT | {"reason": [""]})
    with pytest.raises(InputError, match="overrides, row 1, column author: must not be empty"):
        apply(instance(), GRANT | {"author": [None]})
    with pytest.raises(InputError, match="must name an existing offer"):
        apply(instance(), decision("grant", "North", "KNEE"))


def test_the_record_only_grows(tmp_path: Path) -> None:
    """Decisions are entered once; what is withdrawn is entered as such; the past stays."""
    path, when = tmp_path / "decisions.jsonl", datetime(2026, 1, 2, tzinfo=UTC)
    assert record(path, decisions(GRANT), when) == 1
    first = path.read_text("utf-8")
    assert record(path, decisions(GRANT), when) == 0
    assert record(path, decisions(both(GRANT, REFUSE)), when) == 1
    assert record(path, decisions(REFUSE), when) == 1
    assert path.read_text("utf-8").startswith(first)
    entries = read_record(path)
    assert [entry["event"] for entry in entries] == ["taken", "taken", "withdrawn"]
    assert [decision["hospital"] for decision in standing(entries)] == ["North"]
    assert entries[0]["decision"]["author"] == "A. Planner"


@pytest.mark.parametrize("damage", ["changed", "removed", "swapped"])
def test_a_record_that_was_changed_is_refused(tmp_path: Path, damage: str) -> None:
    """A line changed, taken out or moved breaks the chain of hashes."""
    path = tmp_path / "decisions.jsonl"
    for given in (GRANT, both(GRANT, REFUSE), REFUSE):
        record(path, decisions(given))
    lines = path.read_text("utf-8").splitlines(keepends=True)
    if damage == "changed":
        entry = json.loads(lines[0])
        entry["decision"]["reason"] = "another"
        lines[0] = json.dumps(entry) + "\n"
    elif damage == "removed":
        del lines[1]
    else:
        lines[0], lines[1] = lines[1], lines[0]
    path.write_text("".join(lines), "utf-8")
    with pytest.raises(InputError, match=r"decisions.jsonl, row [12]: must follow the line before it"):
        record(path, decisions(GRANT))
