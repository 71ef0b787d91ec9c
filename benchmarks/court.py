"""The battery over every registered method with the nightly number of examples and several seeds.

    nice python benchmarks/court.py                 # runs what benchmarks/results/court.csv lacks
    python benchmarks/court.py --table              # only writes the table again

One piece is a seed and a backend, in a process of its own; a finished piece is written to the CSV, one line a
relation, and is not repeated. The same seed gives the same draws to every backend.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench.generator.screening import machine
from splgbench.methods import Direct
from splgbench.testing import RELATIONS, registered_methods, sweep
from splgbench.testing.subjects import EXAMPLES, STRIDES, by_backend, strides
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("seed", "piece", "relation", "methods", "examples", "refuted", "sentence", "cpu_s", "versions")


def run_piece(seed: int, piece: str, examples: int) -> list[dict[str, Any]]:
    """All relations for the methods of one backend with one seed."""
    began = time.process_time()
    methods = by_backend(registered_methods())[piece]
    found = sweep(RELATIONS.values(), methods, examples=examples, seed=seed, strides=strides(methods, "nightly"))
    used = versions()
    for method in methods:
        if isinstance(method, Direct):
            used |= method.backend.versions()
    return [
        {
            "seed": seed,
            "piece": piece,
            "relation": examination.relation,
            "methods": len(methods),
            "examples": examination.examples,
            "refuted": examination.refutation.subject if examination.refutation else "",
            "sentence": examination.refutation.sentence if examination.refutation else "",
            "cpu_s": round(time.process_time() - began),
            "versions": ", ".join(f"{package} {version}" for package, version in used.items()),
        }
        for examination in found
    ]


def run(seeds: list[int], examples: int, workers: int, path: Path) -> None:
    """Run the pieces that the file lacks."""
    done = {(int(row["seed"]), row["piece"]) for row in read(path)}
    pieces = by_backend(registered_methods())
    todo = [(seed, piece) for seed in seeds for piece in pieces if (seed, piece) not in done]
    with ProcessPoolExecutor(workers, max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(run_piece, *task, examples) for task in todo]):
            rows = future.result()
            append(path, COLUMNS, rows)
            refuted = [row["sentence"] for row in rows if row["refuted"]]
            print(rows[0]["seed"], rows[0]["piece"], f"{rows[0]['cpu_s']} s", refuted, flush=True)


def table(rows: list[dict[str, str]]) -> str:
    """The committed table."""
    seeds = sorted({int(row["seed"]) for row in rows})
    pieces = {row["piece"]: int(row["methods"]) for row in rows}
    used = dict(part.split(" ", 1) for row in rows for part in row["versions"].split(", "))
    slower, slowest = STRIDES["nightly"]
    lines = [
        "# Every registered method under every relation",
        "",
        "Command: `nice python benchmarks/court.py`.",
        "",
        f"Methods: {', '.join(f'{count} on {piece}' for piece, count in pieces.items())}. A number is the examples "
        "drawn without a contradiction by any method of the backend, which each example serves; SCIP, SciPy and Gurobi "
        f"take part in every {slower}th, methods that go through Pyomo in every {slowest}th.",
        "",
        f"Machine: {machine()}, shared. Versions: {', '.join(f'{name} {version}' for name, version in used.items())}.",
        "",
        "| relation | " + " | ".join(f"seed {seed}" for seed in seeds) + " |",
        "| --- |" + " --- |" * len(seeds),
    ]
    for relation in RELATIONS:
        cells = [
            _cell([r for r in rows if (int(r["seed"]), r["relation"]) == (seed, relation)], pieces) for seed in seeds
        ]
        lines.append(f"| {relation} | " + " | ".join(cells) + " |")
    refuted = [row for row in rows if row["refuted"]]
    seconds = sum({(row["seed"], row["piece"]): int(row["cpu_s"]) for row in rows}.values())
    drawn = sum(int(row["examples"]) for row in rows)
    lines += [
        "",
        f"{drawn:,} examples put to a backend's methods, {len(refuted)} refutations, {seconds:,} s of processor time.",
    ]
    lines += [f"- seed {row['seed']}, {row['relation']}: {row['sentence']}" for row in refuted]
    return "\n".join(lines) + "\n"


def _cell(rows: list[dict[str, str]], pieces: dict[str, int]) -> str:
    refuted = [row["piece"] for row in rows if row["refuted"]]
    missing = [piece for piece in pieces if piece not in {row["piece"] for row in rows}]
    told = [f"REFUTED on {', '.join(refuted)}"] if refuted else []
    told += [f"not run: {', '.join(missing)}"] if missing else []
    least = min((int(row["examples"]) for row in rows), default=0)
    return "; ".join([str(least), *told])


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
