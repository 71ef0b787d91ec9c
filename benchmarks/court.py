"""The battery over every registered method with the nightly number of examples and several seeds.

    nice python benchmarks/court.py                 # runs what benchmarks/results/court.csv lacks
    python benchmarks/court.py --table              # only writes the table again

One piece is a seed and a class of methods, in a process of its own: those on HiGHS, and all others. A finished piece is
written to the CSV, one line a relation, and its methods are not put to that seed again. The same seed gives the same
draws to both classes.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench.generator.screening import machine
from splgbench.methods import Direct, Method, method
from splgbench.testing import RELATIONS, registered_methods, sweep
from splgbench.testing.subjects import EXAMPLES, STRIDES, strides
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
PIECES = ("HiGHS", "others")
COLUMNS = ("seed", "piece", "relation", "examples", "refuted", "sentence", "cpu_s", "methods", "versions")


def piece_of(subject: Method) -> str:
    """The class that a method runs with."""
    return "HiGHS" if isinstance(subject, Direct) and subject.backend.name == "highs" else "others"


def run_piece(seed: int, piece: str, names: list[str], examples: int) -> list[dict[str, Any]]:
    """All relations for some methods with one seed."""
    began = time.process_time()
    methods = [method(name) for name in names]
    found = sweep(RELATIONS.values(), methods, examples=examples, seed=seed, strides=strides(methods, "nightly"))
    used = versions()
    for subject in methods:
        if isinstance(subject, Direct):
            used |= subject.backend.versions()
    return [
        {
            "seed": seed,
            "piece": piece,
            "relation": examination.relation,
            "examples": examination.examples,
            "refuted": examination.refutation.subject if examination.refutation else "",
            "sentence": examination.refutation.sentence if examination.refutation else "",
            "cpu_s": round(time.process_time() - began),
            "methods": " ".join(names),
            "versions": ", ".join(f"{package} {version}" for package, version in used.items()),
        }
        for examination in found
    ]


def run(seeds: list[int], examples: int, workers: int, path: Path) -> None:
    """Run the methods that the file lacks."""
    done = {(int(row["seed"]), name) for row in read(path) for name in row["methods"].split()}
    todo: dict[tuple[int, str], list[str]] = {}
    for subject in sorted(registered_methods(), key=lambda subject: PIECES.index(piece_of(subject))):
        for seed in seeds:
            if (seed, subject.name) not in done:
                todo.setdefault((seed, piece_of(subject)), []).append(subject.name)
    with ProcessPoolExecutor(workers, max_tasks_per_child=1) as pool:
        pieces = [pool.submit(run_piece, *piece, names, examples) for piece, names in todo.items()]
        for future in as_completed(pieces):
            rows = future.result()
            append(path, COLUMNS, rows)
            refuted = [row["sentence"] for row in rows if row["refuted"]]
            print(rows[0]["seed"], rows[0]["piece"], f"{rows[0]['cpu_s']} s", refuted, flush=True)


def table(rows: list[dict[str, str]]) -> str:
    """The committed table."""
    seeds = sorted({int(row["seed"]) for row in rows})
    pieces: dict[str, list[str]] = {}
    for row in rows:
        known = pieces.setdefault(row["piece"], [])
        known += [name for name in row["methods"].split() if name not in known]
    methods = [name for names in pieces.values() for name in names]
    used = dict(part.split(" ", 1) for row in rows for part in row["versions"].split(", "))
    stride = STRIDES["nightly"]
    lines = [
        "# Every registered method under every relation",
        "",
        "Command: `nice python benchmarks/court.py`.",
        "",
        "A number is the examples drawn without a contradiction by any method. An example serves all methods on HiGHS; "
        f"decompositions take part in every {stride['decompositions']}th, methods on other backends in every "
        f"{stride['other backends']}th, those that go through Pyomo (the gdp formulations, too) in every "
        f"{stride['Pyomo']}th: the slower, the rarer.",
        "",
        *(f"- {piece}: {', '.join(f'`{name}`' for name in names)}" for piece, names in pieces.items()),
        "",
        f"Machine: {machine()}, shared. Versions: {', '.join(f'{name} {version}' for name, version in used.items())}.",
        "",
        "| relation | " + " | ".join(f"seed {seed}" for seed in seeds) + " |",
        "| --- |" + " --- |" * len(seeds),
    ]
    for relation in RELATIONS:
        cells = [
            _cell([r for r in rows if (int(r["seed"]), r["relation"]) == (seed, relation)], methods) for seed in seeds
        ]
        lines.append(f"| {relation} | " + " | ".join(cells) + " |")
    refuted = [row for row in rows if row["refuted"]]
    seconds = sum({(row["seed"], row["piece"]): int(row["cpu_s"]) for row in rows}.values())
    drawn = sum(int(row["examples"]) for row in rows)
    lines += [
        "",
        f"{drawn:,} examples put to a class of methods, {len(refuted)} refutations, {seconds:,} s of processor time.",
    ]
    lines += [f"- seed {row['seed']}, {row['relation']}: {row['sentence']}" for row in refuted]
    return "\n".join(lines) + "\n"


def _cell(rows: list[dict[str, str]], methods: list[str]) -> str:
    refuted = [row["piece"] for row in rows if row["refuted"]]
    done = {name for row in rows for name in row["methods"].split()}
    missing = [name for name in methods if name not in done]
    told = [f"REFUTED on {', '.join(refuted)}"] if refuted else []
    told += [f"not run: {', '.join(missing)}"] if missing else []
    least = min((int(row["examples"]) for row in rows), default=0)
    return "; ".join([str(least), *told])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--examples", type=int, default=EXAMPLES["nightly"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "court.csv"
    if not arguments.table:
        run(arguments.seeds, arguments.examples, arguments.workers, path)
    (RESULTS / "court.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
