"""The committed tables of mutants, and the quickest relation that they name for each."""

from __future__ import annotations

import csv
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
QUICK = 10
"""Where the first relation needed more examples, tests take another one that the table names."""
EXAMPLES = 300
"""The battery's draws depend on the version of hypothesis, so the table's numbers are not repeated to the letter."""


def rows_of(page: str) -> dict[str, dict[str, str]]:
    """The lines of a table by mutant."""
    with (RESULTS / f"{page}.csv").open(newline="") as stream:
        return {row["mutant"]: row for row in csv.DictReader(stream)}


def refuting(row: dict[str, str]) -> str:
    """A relation that refutes the mutant soon."""
    others = [other for other in row["also_refuted_by"].split("; ") if other not in ("", "none")]
    return others[0] if others and int(row["examples"]) > QUICK else row["relation"]
