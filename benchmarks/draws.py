"""What drawn instances exercise, and how long drawing takes.

python benchmarks/draws.py -o benchmarks/results/draws.md
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import hypothesis
from hypothesis import given

from splgbench.generator.screening import machine
from splgbench.instance import Instance
from splgbench.testing import instances, survey
from splgbench.testing.draws import reproducibly
from splgbench.testing.features import FEATURES
from splgbench.versions import versions


def drawn(count: int, seed: int) -> tuple[list[Instance], float]:
    """Instances of one seed, and seconds of processor time for drawing them."""
    found: list[Instance] = []

    @reproducibly("draws", seed, count, shrink=False)
    @given(instances())
    def keep(instance: Instance) -> None:
        found.append(instance)

    began = time.process_time()
    keep()
    return found, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    columns, seconds = [], []
    for seed in arguments.seeds:
        found, spent = drawn(arguments.draws, seed)
        total, counts = survey(found)
        columns.append([f"{100 * counts[feature] / total:.1f} %" for feature in FEATURES])
        seconds.append(f"{1000 * spent / total:.0f} ms")
    lines = [
        "# What drawn instances exercise",
        "",
        f"Command: `python benchmarks/draws.py -o benchmarks/results/draws.md`. {arguments.draws} instances a seed "
        "with the default knobs. A rule binds where the optimum changes without it, demand where a cell is filled.",
        "",
        f"Machine: {machine()}, shared. Versions: {', '.join(f'{name} {v}' for name, v in versions().items())}, "
        f"hypothesis {hypothesis.__version__}.",
        "",
        "| part of the draws with | " + " | ".join(f"seed {seed}" for seed in arguments.seeds) + " |",
        "| --- |" + " ---: |" * len(arguments.seeds),
    ]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, *cells in zip(FEATURES, *columns, strict=True)]
    lines.append("| processor time a draw | " + " | ".join(seconds) + " |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
