"""Every decomposition against the oracles on small drawn instances, to the end and stopped after every iteration.

    nice python benchmarks/oracle_table.py              # runs what benchmarks/results/oracle_table.csv lacks
    python benchmarks/oracle_table.py --table           # only writes the table again

Instances are drawn with the strategies of `splgbench.testing` (all capacity modes, demand cells in two regions,
cooperation links, overrides) in pieces with a seed each; a piece is an entry of the CSV. Three oracles that share no
code agree on the optimum of every one. Each method solves each instance to its end, and every bound and every value
that it tells on the way must lie on its side of the optimum. One instance in `STRIDE` is solved again with an iteration
limit of 0, 1, 2, ... up to what the method took, and the results are held against the optimum. What does not hold stays
in the CSV with the first case.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from hypothesis import given
from resumable_csv import append, read
from splgbench.decompositions import auto

from splgbench.generator.screening import machine
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.result import Result, Status
from splgbench.testing import Knobs, agreed, instances
from splgbench.testing.draws import reproducibly
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
METHODS = (
    "lagrangian-hospital",
    "lagrangian-hospital:update=volume",
    "lagrangian-area",
    "lagrangian-area:update=volume",
    "dantzig-wolfe-hospital",
    "dantzig-wolfe-hospital:cuts=cells",
    "dantzig-wolfe-region",
    "branch-and-price",
    "benders-area",
    "benders-logic-area",
    "lns",
    "auto",
    "auto, nothing small",
)
"""`auto` gives instances of this size to a solver; as the last one it does not."""
ANSWERS = ("optimal", "no proof", "infeasible", "unsupported", "wrong")
FEATURES = ("mode group", "mode area", "mode both", "mode none", "regions", "cooperation", "overrides")
COLUMNS = (
    "piece",
    "method",
    *ANSWERS,
    "furthest",
    "events",
    "stops",
    "wrong bounds",
    "first",
    "reasons",
    "cpu_s",
    *FEATURES,
)
PIECE, PIECES = 50, 20
STRIDE = 10
EVERY = 30
"""Iterations up to which every limit is tried; beyond, the step doubles."""
KNOBS = Knobs(groups=5, offers=12)


SMALL = auto.SMALL


def drawn(piece: int) -> list[Instance]:
    """The instances of a piece."""
    found: list[Instance] = []

    @reproducibly("oracle table", piece, PIECE, shrink=False)
    @given(instances(KNOBS))
    def keep(instance: Instance) -> None:
        found.append(instance)

    keep()
    return found


def features(found: list[Instance]) -> dict[str, int]:
    """How many instances have what a decomposition may stumble over."""
    counts: dict[str, int] = dict.fromkeys(FEATURES, 0)
    for instance in found:
        counts[f"mode {instance.capacity_mode}"] += 1
        counts["regions"] += len(instance.regions) > 1
        tables = instance.to_tables()
        counts["cooperation"] += "cooperation" in tables.get("links", {}).get("scope", [])
        counts["overrides"] += bool(tables.get("overrides", {}).get("hospital", []))
    return counts


def answer(result: Result, optimum: int | None) -> str:
    """One of `ANSWERS`."""
    if result.status is Status.UNSUPPORTED:
        return "unsupported"
    if optimum is None:
        return "infeasible" if result.status is Status.INFEASIBLE else "wrong"
    if result.status is Status.OPTIMAL:
        return "optimal" if result.primal == result.dual == optimum else "wrong"
    ended = result.status is Status.NODE_LIMIT
    return "no proof" if ended and between(result, optimum) else "wrong"


def between(result: Result, optimum: int | None) -> bool:
    """Whether a stopped method's bound and allocation lie on their sides of the optimum."""
    if optimum is None:
        return result.primal is None
    return result.status in (Status.OPTIMAL, Status.NODE_LIMIT) and holds(result.primal, result.dual, optimum)


def holds(primal: float | None, dual: float | None, optimum: int) -> bool:
    """Whether a value and a bound lie on their sides of the optimum."""
    return (primal is None or primal <= optimum) and (dual is None or dual >= optimum)


def run_piece(piece: int, name: str, found: list[Instance], optima: list[int | None]) -> dict[str, Any]:
    """One method on the instances of a piece."""
    began = time.process_time()
    auto.SMALL = 0 if "," in name else SMALL
    subject = method(name.partition(",")[0])
    row: dict[str, Any] = {"piece": piece, "method": name, **dict.fromkeys(ANSWERS, 0)}
    row |= {"furthest": 0, "events": 0, "stops": 0, "wrong bounds": 0, "first": "", "reasons": "", **features(found)}
    reasons: set[str] = set()
    for number, (instance, optimum) in enumerate(zip(found, optima, strict=True)):
        result = subject.solve(instance)
        told = answer(result, optimum)
        row[told] += 1
        if told == "wrong":
            row["first"] = row["first"] or f"{number}: {result.status} {result.primal} {result.dual}, {optimum}"
        if told == "unsupported":
            reasons.add(result.message)
            continue
        if optimum is not None and told == "no proof":
            gap = max(abs(optimum - (result.primal or 0)), abs((result.dual or 0) - optimum))
            row["furthest"] = max(row["furthest"], round(gap, 3))
        row["events"] += len(result.trace)
        if optimum is not None:
            crossed = [event for event in result.trace if not holds(event.primal, event.dual, optimum)]
            row["wrong bounds"] += len(crossed)
            row["first"] = row["first"] or (f"{number}: {crossed[0]}, {optimum}" if crossed else "")
        for iterations in limits(result.counters.get("iterations", 0)) if number % STRIDE == 0 else []:
            stopped = subject.solve(instance, Limits(iterations=iterations))
            row["stops"] += 1
            if not between(stopped, optimum):
                row["wrong bounds"] += 1
                row["first"] = row["first"] or (
                    f"{number} after {iterations}: {stopped.status} {stopped.primal} {stopped.dual}, {optimum}"
                )
    return row | {"reasons": "; ".join(sorted(reasons)), "cpu_s": round(time.process_time() - began)}


def limits(last: int) -> list[int]:
    """Iteration limits below what a method took: all of them at first, then in steps that double."""
    found = list(range(min(last, EVERY)))
    while len(found) == EVERY and 2 * found[-1] < last:
        found.append(2 * found[-1])
    return found


def table(rows: list[dict[str, str]]) -> str:
    """The committed table."""
    pieces = {int(row["piece"]) for row in rows}
    first = [row for row in rows if row["method"] == rows[0]["method"]]
    parts = [f"{feature} {sum(int(row[feature]) for row in first)}" for feature in FEATURES]
    lines = [
        "# Every decomposition against the oracles",
        "",
        "Command: `nice python benchmarks/oracle_table.py`.",
        "",
        f"{PIECE * len(pieces)} drawn instances of up to {KNOBS.hospitals} hospitals and {KNOBS.offers} offers: "
        f"{', '.join(parts)}. The optimum is the one that three oracles without common code agree on. A method's "
        "answer is the optimum with proof; or bounds on either side of it and no proof (how far off at most stands "
        "beside it); or infeasible, where no allocation exists; or a refusal with its reason. Bounds told: events of "
        f"these runs. Stops: runs of every {STRIDE}th instance with an iteration limit, each from 0 on (above {EVERY}: "
        "in steps that double). Wrong is a bound below the optimum or a value above it, in either.",
        "",
        f"Machine: {machine()}, shared. Versions: {', '.join(f'{name} {v}' for name, v in versions().items())}.",
        "",
        "| method | instances | "
        + " | ".join(ANSWERS)
        + " | no proof: furthest, units | bounds told | stops | wrong |",
        "| --- |" + " ---: |" * (len(ANSWERS) + 5),
    ]
    for name in METHODS:
        held = [row for row in rows if row["method"] == name]
        if held:
            numbers = [
                sum(int(row[column]) for row in held) for column in (*ANSWERS, "events", "stops", "wrong bounds")
            ]
            furthest = max(float(row["furthest"]) for row in held)
            cells = [PIECE * len(held), *numbers[: len(ANSWERS)], f"{furthest:g}", *numbers[len(ANSWERS) :]]
            lines.append(f"| `{name}` | " + " | ".join(map(str, cells)) + " |")
    reasons = sorted({f"`{row['method']}`: {row['reasons']}" for row in rows if row["reasons"]})
    wrong = [f"`{row['method']}`, piece {row['piece']}, instance {row['first']}" for row in rows if row["first"]]
    lines += ["", *(f"- unsupported by {reason}" for reason in reasons), *(f"- WRONG: {one}" for one in wrong)]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="write the table of what is there")
    parser.add_argument("--pieces", type=int, default=PIECES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    arguments = parser.parse_args()
    path = RESULTS / "oracle_table.csv"
    if not arguments.table:
        done = {(int(row["piece"]), row["method"]) for row in read(path)}
        for piece in range(1, arguments.pieces + 1):
            todo = [name for name in arguments.methods if (piece, name) not in done]
            if not todo:
                continue
            found = drawn(piece)
            optima = [agreed(instance).optimum for instance in found]
            for name in todo:
                row = run_piece(piece, name, found, optima)
                append(path, COLUMNS, [row])
                print(
                    piece,
                    name,
                    {key: row[key] for key in (*ANSWERS, "stops", "wrong bounds", "first", "cpu_s")},
                    flush=True,
                )
    (RESULTS / "oracle_table.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
