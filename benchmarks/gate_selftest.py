"""Is the gate to be trusted? Planted regressions must fail it, unchanged code must pass it, within its time.

    python benchmarks/gate_selftest.py            # what is left; interrupted and called again, it goes on
    python benchmarks/gate_selftest.py --most 3   # at most three runs now
    python benchmarks/gate_selftest.py --table    # benchmarks/results/gate.md from benchmarks/results/gate.csv

Every plant is a small edit of a source file in a clone of this repository; the gate there compares the revision with
the edited working copy. In the runs of unchanged code nothing is edited, and both sides are different folders.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resumable_csv
from gate.clocks import PAIRS, READINGS, THRESHOLD
from gate.trees import git

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "gate.csv"
COLUMNS = ("plant", "run", "revision", "exit_code", "failing", "first", "processor_s", "wall_s", "terms")
UNCHANGED = 10
LONGEST = 300.0
"""Seconds that a run may take."""


@dataclass(frozen=True)
class Plant:
    """A regression: in `file`, every old text of `edits` becomes the new one.

    Parameters
    ----------
    name, what : in the table.
    expected : part of the name of a figure that must be among those that fail.
    """

    name: str
    what: str
    file: str
    edits: tuple[tuple[str, str], ...]
    expected: str

    def put(self, root: Path) -> None:
        """Edit the file below `root`."""
        path = root / self.file
        text = path.read_text()
        for old, new in self.edits:
            if text.count(old) != 1:
                sys.exit(f"{self.file} has not exactly one place for the plant {self.name}")
            text = text.replace(old, new)
        path.write_text(text)


PLANTS = (
    Plant(
        "cut family removed",
        "`strengthened` without its closure cuts",
        "formulations/strengthened.py",
        (("        closure_cuts,\n", ""),),
        "solves.Relaxations.track_lp_gap(strengthened,",
    ),
    Plant(
        "builder 1.5 times slower",
        "`Formulation.build` idles for half of the time that it took",
        "src/splgbench/formulation.py",
        (
            (
                "        names = set(without)\n",
                "        import time\n\n        began = time.process_time()\n        names = set(without)\n",
            ),
            (
                "        return model.finish()\n",
                "        finished = model.finish()\n"
                "        until = began + 1.5 * (time.process_time() - began)\n"
                "        while time.process_time() < until:\n"
                "            pass\n"
                "        return finished\n",
            ),
        ),
        "models.Building.time_build(",
    ),
    Plant(
        "polish twice",
        "`polish` does everything twice",
        "src/splgbench/polish.py",
        (
            (
                "def polish(instance: Instance, mandates: BoolArray) -> Polished:\n",
                "def polish(instance: Instance, mandates: BoolArray) -> Polished:\n"
                "    _polish(instance, mandates)\n"
                "    return _polish(instance, mandates)\n\n\n"
                "def _polish(instance: Instance, mandates: BoolArray) -> Polished:\n",
            ),
        ),
        "engine.Judging.time_polish(",
    ),
)


def run(plant: Plant | None, number: int) -> dict[str, Any]:
    """One run of the gate in a clone: its row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        git(ROOT, "clone", "--quiet", "--shared", str(ROOT), str(clone))
        cache = ROOT / ".benchmarks"
        cache.mkdir(exist_ok=True)
        (clone / ".benchmarks").symlink_to(cache)
        if plant is not None:
            plant.put(clone)
        else:
            # Another tree with the same code, so that the two sides are two folders.
            (clone / "formulations" / "README.md").write_text(f"unchanged code, run {number}\n")
        report = Path(folder) / "gate.json"
        done = subprocess.run(
            [sys.executable, "-m", "gate", "HEAD", "--json", str(report)],
            cwd=clone,
            env={**os.environ, "PYTHONPATH": str(clone / "benchmarks")},
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            sys.exit(f"the gate could not tell: {done.stderr.strip()}")
        found = json.loads(report.read_text())
        revision = git(clone, "rev-parse", "--short", "HEAD")
    print(done.stdout, flush=True)
    failing = found["failing"]
    first = [name for name in failing if plant is not None and plant.expected in name][:1] or failing[:1]
    return {
        "plant": "unchanged" if plant is None else plant.name,
        "run": number,
        "revision": revision,
        "exit_code": done.returncode,
        "failing": len(failing),
        "first": next(iter(first), ""),
        "processor_s": found["processor_s"],
        "wall_s": found["wall_s"],
        "terms": f"{found['terms']}, Python {platform.python_version()}",
    }


def jobs(part: str) -> list[tuple[Plant | None, int]]:
    """The plants first, then the runs of unchanged code; or only one of the two."""
    planted: list[tuple[Plant | None, int]] = [(plant, 1) for plant in PLANTS]
    unchanged: list[tuple[Plant | None, int]] = [(None, number) for number in range(1, UNCHANGED + 1)]
    return {"all": planted + unchanged, "planted": planted, "unchanged": unchanged}[part]


def says_right(row: dict[str, str]) -> bool:
    """Whether a run said what it should."""
    plant = next((each for each in PLANTS if each.name == row["plant"]), None)
    if plant is None:
        return row["exit_code"] == "0"
    return row["exit_code"] == "1" and plant.expected in row["first"]


def right(row: dict[str, str]) -> bool:
    """Whether it said so in time."""
    return says_right(row) and float(row["wall_s"]) <= LONGEST


def table(rows: Sequence[dict[str, str]]) -> str:
    """The committed table."""
    said, good, planned = sum(map(says_right, rows)), sum(map(right, rows)), len(jobs("all"))
    lines = [
        "# The gate tested on itself",
        "",
        "Command: `python benchmarks/gate_selftest.py`, which can be interrupted; "
        f"{PAIRS} pairs of processes, {READINGS} readings each, threshold {THRESHOLD:g}.",
        "",
        f"Machine: {'; '.join(sorted({row['terms'] for row in rows}))}. What else it did is in the wall time.",
        "",
        f"{len(rows)} of {planned} runs done; {said} say what they should, {good} of them within {LONGEST:.0f} s.",
        "",
        "| code | should | says | figures that fail | one of them | processor s | wall s |",
        "| --- | --- | --- | ---: | --- | ---: | ---: |",
    ]
    what = {plant.name: plant.what for plant in PLANTS}
    for row in sorted(rows, key=lambda row: (row["plant"] not in what, int(row["run"]))):
        name = what.get(row["plant"], f"unchanged, run {row['run']}")
        should = "fail" if row["plant"] in what else "pass"
        says = {"0": "passes", "1": "fails"}[row["exit_code"]]
        figure = f"`{row['first']}`" if row["first"] else ""
        lines.append(
            f"| {name} | {should} | {says} | {row['failing']} | {figure} | "
            f"{float(row['processor_s']):.0f} | {float(row['wall_s']):.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("all", "planted", "unchanged"), default="all", help="which runs")
    parser.add_argument("--most", type=int, help="runs to do now")
    parser.add_argument("--table", action="store_true", help="write the table of what there is, and nothing else")
    arguments = parser.parse_args()
    if not arguments.table:
        done = {(row["plant"], int(row["run"])) for row in resumable_csv.read(RESULTS)}
        left = [
            job for job in jobs(arguments.only) if ("unchanged" if job[0] is None else job[0].name, job[1]) not in done
        ]
        for plant, number in left[: arguments.most]:
            resumable_csv.append(RESULTS, COLUMNS, [run(plant, number)])
    text = table(resumable_csv.read(RESULTS))
    RESULTS.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
