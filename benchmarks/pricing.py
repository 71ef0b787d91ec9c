"""How long the compiled pricing takes: processor time of the kernel in every round of column generation.

    python benchmarks/pricing.py            # runs what benchmarks/results/pricing.csv lacks
    python benchmarks/pricing.py --table    # only writes the table again

The rounds are those of `dantzig-wolfe-hospital` on the ten hard presets (26 hospitals, 145 groups), at the multipliers
that it asks for, one thread. What is timed is the call of the kernel: all blocks, plans included.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from resumable_csv import append, read

from splgbench import Limits, load
from splgbench.decomposition.block_pricing import plans
from splgbench.decomposition.column_generation import by_hospital
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Finished, Loop
from splgbench.decomposition.partition import partition
from splgbench.generator.screening import machine
from splgbench.trace import Recorder, Stop
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
NAMES = tuple(f"hard-h{number}" for number in range(1, 11))
COLUMNS = ("label", "instance", "blocks", "sets", "links", "rounds", "nodes", "median_ms", "p90_ms", "max_ms")


def measured(name: str, label: str) -> dict[str, Any]:
    """One run of column generation with every call of the kernel timed."""
    loop = Loop(load(name), Limits(), None, Recorder("pricing"), Stop())
    generation = by_hospital(loop, partition(loop.offers, "tied"))
    pricer = generation.relaxation.pricer
    kernel, spent = plans.price_blocks, []

    def timed(*arguments: Any) -> Any:
        began = time.thread_time_ns()
        answer = kernel(*arguments)
        spent.append(time.thread_time_ns() - began)
        return answer

    plans.price_blocks = timed
    try:
        generation.run()
    except Finished:
        pass
    finally:
        plans.price_blocks = kernel
    milliseconds = np.array(spent) / 1e6
    return {
        "label": label,
        "instance": name,
        "blocks": generation.relaxation.partition.n_blocks,
        "sets": len(pricer.structure.sub_mask),
        "links": len(pricer.structure.requests),
        "rounds": len(spent),
        "nodes": loop.counters["pricing_nodes"],
        "median_ms": round(float(np.median(milliseconds)), 3),
        "p90_ms": round(float(np.quantile(milliseconds, 0.9)), 3),
        "max_ms": round(float(milliseconds.max()), 3),
    }


def table(rows: list[dict[str, str]]) -> str:
    """The committed table."""
    shown = COLUMNS[1:]
    lines = [
        "# Pricing",
        "",
        "Command: `python benchmarks/pricing.py`. Milliseconds of processor time a round in the compiled kernel, over "
        "the rounds of one run of column generation; sets of mandates that are listed, and links between them.",
        "",
        f"Machine: {machine()}, shared. Versions: {', '.join(f'{name} {v}' for name, v in versions().items())}.",
    ]
    for label in dict.fromkeys(row["label"] for row in rows):
        lines += ["", f"## {label}", "", "| " + " | ".join(shown) + " |", "| --- |" + " ---: |" * (len(shown) - 1)]
        held = [row for row in rows if row["label"] == label]
        lines += ["| " + " | ".join(row[column] for column in shown) + " |" for row in held]
        medians = [float(row["median_ms"]) for row in held]
        lines += ["", f"Medians: {min(medians):.3f} to {max(medians):.3f} ms, mean {np.mean(medians):.3f} ms."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="Now", help="what the table calls these runs")
    parser.add_argument("--table", action="store_true", help="write the table of what is there")
    arguments = parser.parse_args()
    path = RESULTS / "pricing.csv"
    if not arguments.table:
        compile_kernels()
        done = {(row["label"], row["instance"]) for row in read(path)}
        for name in NAMES:
            if (arguments.label, name) not in done:
                row = measured(name, arguments.label)
                append(path, COLUMNS, [row])
                print(row, flush=True)
    (RESULTS / "pricing.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
