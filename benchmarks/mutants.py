"""Which relation of the battery refutes each deliberately wrong subject, and after how many examples?

    nice python benchmarks/mutants.py               # runs what benchmarks/results/mutants.csv lacks
    nice python benchmarks/mutants.py --variants    # those of extensions, value and fund: variant_mutants.csv
    python benchmarks/mutants.py --table            # only writes the table again

Every mutant is put to the relations in registry order until one refutes it, then to all of them with fewer examples.
Every finished mutant is one line of the CSV; lines that stand there are not repeated.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench.generator.screening import machine
from splgbench.solver_libraries import version_of
from splgbench.testing import RELATIONS, TOOL_RELATIONS, VARIANT_RELATIONS, Trial, examine
from splgbench.testing.mutants import MUTANTS, VARIANT_MUTANTS, Mutant, relations_for
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
COLUMNS = (
    "mutant",
    "kind",
    "what_is_wrong",
    "relation",
    "examples",
    "examples_in_all",
    "contradiction",
    "also_refuted_by",
    "versions",
)
EXAMPLES = 100
EXAMPLES_IN_ALL_RELATIONS = 15
SEED = 0
EVERY = MUTANTS | VARIANT_MUTANTS
EVERY_RELATION = RELATIONS | TOOL_RELATIONS | VARIANT_RELATIONS
PAGES = {"mutants": MUTANTS, "variant_mutants": VARIANT_MUTANTS}
"""The mutants of each table."""


def first(name: str) -> dict[str, str]:
    """The first relation that refutes a mutant."""
    mutant = EVERY[name]
    row = dict.fromkeys(COLUMNS, "") | {"mutant": name, "kind": mutant.kind, "what_is_wrong": mutant.what_is_wrong}
    drawn = 0
    for relation in relations_for(mutant):
        examination = examine(relation, {name: mutant.make()}, examples=EXAMPLES, seed=SEED, patience=0)
        drawn += examination.examples
        if examination.refutation is not None:
            row |= {"relation": relation.name, "examples": str(examination.examples)}
            row["contradiction"] = examination.refutation.sentence
            break
    every = versions() | {package: version_of(package) or "missing" for package in ("highspy", "hypothesis")}
    row["examples_in_all"] = str(drawn)
    row["versions"] = ", ".join(f"{package} {version}" for package, version in sorted(every.items()))
    return row


def refuted_by(name: str) -> set[str]:
    """The mutants that a relation refutes within few examples; one draw serves all of them."""
    relation = EVERY_RELATION[name]
    subjects = {mutant.name: mutant.make() for mutant in EVERY.values() if relation in relations_for(mutant)}
    refuted: set[str] = set()

    def contradiction(_: Any, trial: Trial, varied: Any) -> None:
        for mutant in subjects.keys() - refuted:
            try:
                sentence = relation.contradiction(subjects[mutant], trial, varied)
            except Exception as error:
                sentence = str(error)
            if sentence is not None:
                refuted.add(mutant)

    every = replace(relation, contradiction=contradiction)
    examine(every, {"all": None}, examples=EXAMPLES_IN_ALL_RELATIONS, seed=SEED)
    return refuted


def read_in_order(path: Path, mutants: Mapping[str, Mutant]) -> list[dict[str, str]]:
    """The lines of the CSV that are about mutants there are, in their order."""
    rows = {row["mutant"]: row for row in read(path)}
    return [rows[name] for name in mutants if name in rows]


def write(rows: list[dict[str, str]], path: Path) -> None:
    """The lines, in the order of the mutants."""
    path.unlink(missing_ok=True)
    append(path, COLUMNS, rows)


def run(workers: int, path: Path, mutants: Mapping[str, Mutant]) -> None:
    """Run what the file lacks: first one relation for every mutant, then all."""
    done = {row["mutant"] for row in read_in_order(path, mutants)}
    with ProcessPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(first, name) for name in mutants if name not in done]):
            row = future.result()
            append(path, COLUMNS, [row])
            print(
                row["mutant"], row["relation"] or "SURVIVES", row["examples_in_all"], row["contradiction"], flush=True
            )
        rows = read_in_order(path, mutants)
        if not all(row["also_refuted_by"] for row in rows):
            of = {relation.name for mutant in mutants.values() for relation in relations_for(mutant)}
            names = [name for name in EVERY_RELATION if name in of]
            refuted = dict(zip(names, pool.map(refuted_by, names), strict=True))
            for row in rows:
                also = [name for name in names if row["mutant"] in refuted[name] and name != row["relation"]]
                row["also_refuted_by"] = "; ".join(also) or "none"
            write(rows, path)
    write(read_in_order(path, mutants), path)


def table(rows: list[dict[str, str]], page: str) -> str:
    """The committed table."""
    killed = [row for row in rows if row["relation"]]
    total = statistics.median(int(row["examples_in_all"]) for row in killed)
    alone = statistics.median(int(row["examples"]) for row in killed)
    option = "" if page == "mutants" else " --variants"
    lines = [
        "# Which relation refutes each wrong subject?",
        "",
        f"Command: `nice python benchmarks/mutants.py{option}`. Relations in registry order, up to {EXAMPLES} "
        f"examples each, seed {SEED}, until one refutes the mutant. *Examples* counts those of that "
        "relation, *in all* those of the relations before it, too. *Also* lists the other relations that "
        f"refute it within {EXAMPLES_IN_ALL_RELATIONS} examples.",
        "",
        f"Machine: {machine()}, shared. Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        f"**{len(killed)} of {len(rows)} refuted; median {alone:g} examples of the refuting relation, "
        f"{total:g} in all.**",
        "",
        "| mutant | kind | what is wrong | refuted by | examples | in all | contradiction | also |",
        "| --- | --- | --- | --- | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        cells = [row[column].replace("|", "/") for column in COLUMNS[:-1]]
        cells[3] = cells[3] or "NONE"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--variants", action="store_true", help="those of extensions, value and fund")
    arguments = parser.parse_args()
    page = "variant_mutants" if arguments.variants else "mutants"
    path = RESULTS / f"{page}.csv"
    if not arguments.table:
        run(arguments.workers, path, PAGES[page])
    (RESULTS / f"{page}.md").write_text(table(read_in_order(path, PAGES[page]), page))


if __name__ == "__main__":
    main()
