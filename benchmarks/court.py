"""The battery over every registered method with the nightly number of examples and several seeds.

    nice python benchmarks/court.py                 # runs what benchmarks/results/court.csv lacks
    python benchmarks/court.py --table              # only writes the table again

Every finished relation is one line of the CSV; lines that stand there are not repeated. Each relation runs in a
process of its own.
"""

from __future__ import annotations

import argparse
import csv
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from splgbench.generator.screening import machine
from splgbench.testing.battery import examine
from splgbench.testing.relations import RELATIONS
from splgbench.testing.subjects import EXAMPLES, registered_methods, strides
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("seed", "relation", "examples", "methods", "refuted", "sentence", "cpu_s", "versions")


def one(seed: int, relation: str, examples: int) -> dict[str, Any]:
    """One relation, one seed."""
    began = time.process_time()
    methods = registered_methods()
    examination = examine(
        RELATIONS[relation], methods, examples=examples, seed=seed, strides=strides(methods, "nightly")
    )
    found = examination.refutation
    every: dict[str, str] = {}
    for method in methods:
        every |= getattr(getattr(method, "backend", None), "versions", dict)()
    return {
        "seed": seed,
        "relation": relation,
        "examples": examination.examples,
        "methods": len(methods),
        "refuted": found.subject if found else "",
        "sentence": found.sentence if found else "",
        "cpu_s": round(time.process_time() - began),
        "versions": ", ".join(f"{name} {version}" for name, version in sorted({**versions(), **every}.items())),
    }


def read(path: Path) -> list[dict[str, str]]:
    """The lines of the CSV."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def run(seeds: list[int], examples: int, workers: int, path: Path) -> None:
    """Run what the file lacks."""
    done = {(int(row["seed"]), row["relation"]) for row in read(path)}
    todo = [(seed, relation) for seed in seeds for relation in RELATIONS if (seed, relation) not in done]
    with ProcessPoolExecutor(workers, max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(one, *task, examples) for task in todo]):
            row = future.result()
            fresh = not path.exists()
            with path.open("a", newline="") as stream:
                writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
                if fresh:
                    writer.writeheader()
                writer.writerow(row)
            print(row["seed"], row["relation"], row["examples"], row["sentence"], f"{row['cpu_s']} s", flush=True)


def table(rows: list[dict[str, str]]) -> str:
    """The committed table."""
    seeds = sorted({int(row["seed"]) for row in rows})
    cells = {(int(row["seed"]), row["relation"]): row for row in rows}
    lines = [
        "# Every registered method under every relation",
        "",
        f"Command: `nice python benchmarks/court.py`. {rows[0]['methods']} methods; each draw serves all of them, "
        "methods that go through Pyomo every 25th draw. A number is the examples drawn without a contradiction.",
        "",
        f"Machine: {machine()}, shared. Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        "| relation | " + " | ".join(f"seed {seed}" for seed in seeds) + " |",
        "| --- |" + " ---: |" * len(seeds),
    ]
    for relation in RELATIONS:
        shown = [_cell(cells.get((seed, relation))) for seed in seeds]
        lines.append(f"| {relation} | " + " | ".join(shown) + " |")
    refuted = [row for row in rows if row["refuted"]]
    lines += [
        "",
        f"{len(rows)} runs, {sum(int(row['examples']) for row in rows):,} examples, {len(refuted)} refutations.",
    ]
    lines += [f"- seed {row['seed']}, {row['relation']}: {row['sentence']}" for row in refuted]
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, str] | None) -> str:
    if row is None:
        return "not run"
    return f"REFUTED after {row['examples']}" if row["refuted"] else row["examples"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--examples", type=int, default=EXAMPLES["nightly"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "court.csv"
    if not arguments.table:
        run(arguments.seeds, arguments.examples, arguments.workers, path)
    (RESULTS / "court.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
