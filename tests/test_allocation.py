"""Allocations on disk: what is written is read back, and what is broken is named with its row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from instances_for_tests import make, plain_tables, small

from splgbench.allocation import Allocation, read_allocation
from splgbench.errors import InputError, OutputError

CASES = {("H1", "G1"): 5, ("H1", "G3"): 3, ("H2", "G3"): 4}


def refused(path: Path, instance: Any = None) -> InputError:
    with pytest.raises(InputError) as caught:
        read_allocation(path, instance)
    return caught.value


@pytest.mark.parametrize("name", ["allocation.csv", "allocation.json", "allocation.txt"])
def test_round_trip(name: str, tmp_path: Path) -> None:
    """CSV (header comments) and JSON keep cases, hash and claimed objective."""
    instance = small()
    one = Allocation(CASES | {("H2", "G1"): 0}, instance.instance_hash, 61)
    one.write(tmp_path / name)
    again = read_allocation(tmp_path / name, instance)
    assert again == Allocation(CASES, instance.instance_hash, 61)
    assert list(again.cases) == sorted(CASES)
    again.write(tmp_path / f"again-{name}")
    assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()


def test_written_csv_to_the_letter(tmp_path: Path) -> None:
    """Comments carry hash and objective; rows are sorted, without zeros; negative claims are not hidden."""
    Allocation({("H2", "G"): 2, ("H1", "a,b"): 3, ("H1", "G"): 0, ("H3", "G"): -1}, "abc", 7).write(tmp_path / "a.csv")
    text = '# instance_hash: abc\n# objective: 7\nhospital,group,cases\nH1,"a,b",3\nH2,G,2\nH3,G,-1\n'
    assert (tmp_path / "a.csv").read_text() == text
    Allocation({}).write(tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text() == "hospital,group,cases\n"
    assert read_allocation(tmp_path / "empty.csv") == Allocation({})


def test_volumes_become_an_allocation() -> None:
    """`of_volumes` names the offers that have cases and carries the instance's hash."""
    instance = small()
    one = Allocation.of_volumes(instance, np.array([5, 0, 3, 0, 4]), 61)
    assert one == Allocation(CASES, instance.instance_hash, 61)
    assert all(type(cases) is int for cases in one.cases.values())


@pytest.mark.parametrize("key", ["a,b", 'say "x"', "two\nlines", "Zürich", "# no comment", "\u2028", " padded "])
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_keys_of_any_text(name: str, key: str, tmp_path: Path) -> None:
    """Any key that an instance may have comes back as it is."""
    one = Allocation({(key, key): 3}, "hash", None)
    one.write(tmp_path / name)
    assert read_allocation(tmp_path / name) == one


def test_plain_csv_and_its_sibling(tmp_path: Path) -> None:
    """A CSV without header comments is taken as it is; a JSON of the same stem may carry the hash and the claim."""
    (tmp_path / "a.csv").write_text("group,hospital,note,cases\nG,H,x,4\n")
    assert read_allocation(tmp_path / "a.csv", small()) == Allocation({("H", "G"): 4})
    (tmp_path / "a.json").write_text(json.dumps({"instance_hash": "abc", "objective": 8, "else": []}))
    assert read_allocation(tmp_path / "a.csv") == Allocation({("H", "G"): 4}, "abc", 8)
    assert "is for the instance abc" in str(refused(tmp_path / "a.csv", small()))
    (tmp_path / "a.csv").write_text("# instance_hash: xyz\nhospital,group,cases\nH,G,4\n")
    assert read_allocation(tmp_path / "a.csv") == Allocation({("H", "G"): 4}, "xyz", None)


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_another_instances_allocation_is_refused(name: str, tmp_path: Path) -> None:
    """A hash that is not the instance's is refused; without an instance, or without a hash, nothing is compared."""
    Allocation(CASES, small().instance_hash).write(tmp_path / name)
    other = small("none")
    message = str(refused(tmp_path / name, other))
    assert small().instance_hash[:12] in message
    assert other.instance_hash[:12] in message
    assert read_allocation(tmp_path / name).cases == CASES
    Allocation(CASES).write(tmp_path / f"plain-{name}")
    assert read_allocation(tmp_path / f"plain-{name}", other).cases == CASES


HEADER = "# instance_hash: abc\n# objective: 5\nhospital,group,cases\n"


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        (HEADER + "H,G,4.0\n", 4, "cases", "whole number"),
        (HEADER + "H,G,4\nH,G2,\n", 5, "cases", "whole number"),
        (HEADER + "H,G,4\nH,G2,1\nH,G,4\n", 6, None, "hospital and group must be unique"),
        (HEADER + 'H,G,4\n"H\n2",G2,x\n', 5, "cases", "whole number"),
        (HEADER + "H,G,4\nH,G2\n", 5, None, "must have 3 fields"),
        (HEADER + "H,G,4\nH,G2,5", 5, None, "may be truncated"),
        (HEADER + 'H,G,4\nH,"G2,5\n', 5, None, "must be valid CSV"),
        (HEADER.replace("cases", "volume") + "H,G,4\n", 3, "cases", "the column is missing"),
        (HEADER.replace("cases", "group") + "H,G,4\n", 3, None, "names a column twice"),
        ("# objective: five\nhospital,group,cases\n", None, "objective", "whole number"),
        ("# objective: 5\n", None, None, "must have a header line"),
        ("", None, None, "must have a header line"),
    ],
)
def test_broken_csv(text: str, row: int | None, column: str | None, words: str, tmp_path: Path) -> None:
    """A broken row is told with its line in the file, the comments above the header counted."""
    (tmp_path / "a.csv").write_text(text)
    problem = refused(tmp_path / "a.csv").problems[0]
    assert (problem.file, problem.row, problem.column) == (str(tmp_path / "a.csv"), row, column), problem
    assert words in problem.rule


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ("{", None, "must be JSON"),
        ("[]", None, "must be a JSON object"),
        ("[" * 100_000, None, "must be JSON"),
        ('{"instance_hash": "abc"}', None, "must hold a list allocation"),
        ('{"allocation": {"H": 3}}', None, "must hold a list allocation"),
        ('{"allocation": ["H"]}', None, "must hold a list allocation"),
        ('{"allocation": [{"hospital": "H", "group": "G", "cases": 3.0}]}', 1, "whole number"),
        ('{"allocation": [{"hospital": "H", "group": "G", "cases": true}]}', 1, "whole number"),
        ('{"allocation": [{"hospital": "H", "group": "G"}]}', 1, "whole number"),
        ('{"allocation": [{"hospital": 1, "group": "G", "cases": 3}]}', 1, "must be text"),
        ('{"allocation": [], "objective": 2.5}', None, "whole number"),
    ],
)
def test_broken_json(text: str, row: int | None, words: str, tmp_path: Path) -> None:
    """JSON that is no allocation, or holds something else than whole cases, is refused with its entry."""
    (tmp_path / "a.json").write_text(text)
    problem = refused(tmp_path / "a.json").problems[0]
    assert problem.file == str(tmp_path / "a.json")
    if row is not None:
        assert problem.row == row
    assert words in problem.rule


def test_all_broken_rows_come_at_once(tmp_path: Path) -> None:
    """Every row that is wrong is in one report."""
    (tmp_path / "a.csv").write_text("hospital,group,cases\nH,G,x\nH,G2,1\nH,G2,2\nH,G3,1.5\n")
    assert [problem.row for problem in refused(tmp_path / "a.csv").problems] == [2, 4, 5]


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    """A missing file, bytes that are no text and a folder that is not there each give one sentence."""
    assert "cannot be read" in str(refused(tmp_path / "nowhere.csv"))
    (tmp_path / "a.csv").write_bytes(b"hospital,group,cases\nH\xff,G,1\n")
    assert refused(tmp_path / "a.csv").problems[0].row == 2
    with pytest.raises(OutputError, match="cannot write"):
        Allocation(CASES).write(tmp_path / "nowhere" / "a.csv")
    assert sorted(part.name for part in tmp_path.iterdir()) == ["a.csv"]


def test_negative_and_unknown_entries_are_left_to_the_checker(tmp_path: Path) -> None:
    """The reader refuses what is no allocation; what is a bad one, the checker judges."""
    (tmp_path / "a.csv").write_text("hospital,group,cases\nH,G,-3\nX,Y,99999999999999999999\n")
    assert "whole number" in str(refused(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_text("hospital,group,cases\nH,G,-3\nX,Y,9\n")
    instance = make(plain_tables({("H", "G"): (4, 1)}, {"G": 4}))
    assert read_allocation(tmp_path / "a.csv", instance).cases == {("H", "G"): -3, ("X", "Y"): 9}
