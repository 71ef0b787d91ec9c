"""Every formulation on every backend on 200 small generated instances and a cut of the real one: do they agree?

    python benchmarks/agreement.py -o benchmarks/results/agreement.md

The instances come from eight variants of one small recipe (capacity modes, regions, cooperation links, exhaustive
links, minimum shares) with 25 seeds each. Every pair must report the same optimum to the last unit, or say why it
cannot run.
"""

from __future__ import annotations

import argparse
import collections
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from splgbench import Limits, load, method
from splgbench.generator.generate import generate
from splgbench.generator.recipe import Recipe
from splgbench.generator.screening import machine
from splgbench.instance import Instance
from splgbench.methods import all_direct_methods
from splgbench.result import Result, Status
from splgbench.transform import cut
from splgbench.verdict import contradictions

SMALL: dict[str, Any] = {
    "hospitals": 5,
    "groups": 9,
    "areas": 3,
    "demand_median": 60,
    "eligibility": "0.7",
    "rho": "2.5",
    "rho_area": "1.2",
    "threshold_low": "0.3",
    "threshold_high": "1",
    "in_area_links": "0.6",
    "cross_links": "0.6",
}
VARIANTS: dict[str, dict[str, Any]] = {
    "both": {},
    "group": {"capacity_mode": "group"},
    "area": {"capacity_mode": "area"},
    "none": {"capacity_mode": "none"},
    "shares": {"share_max_bp": 2000},
    "cooperation": {"cooperation_groups": 2, "cooperation_links": "0.7"},
    "regions": {"regions": 2, "supraregional": "0.4", "hospitals": 6},
    "dense links": {"in_area_links": "1", "cross_links": "1", "basic_links": "0.8"},
}
SEEDS = 25


def instances() -> Iterator[tuple[str, Instance]]:
    """(variant, instance)."""
    for variant, knobs in VARIANTS.items():
        recipe = Recipe(**{"name": "small-" + variant.replace(" ", "-"), **SMALL, **knobs})
        for seed in range(1, SEEDS + 1):
            yield variant, generate(replace(recipe, seed=seed))
    yield "us-miami-2011, cut 8x20", cut(load("us-miami-2011"), 8, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    methods = {name: method(name) for name in all_direct_methods()}
    counts: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in methods}
    reasons: dict[str, str] = {}
    failures: list[str] = []
    sizes: dict[str, list[Instance]] = collections.defaultdict(list)
    versions: dict[str, str] = {}
    began = time.perf_counter()
    for variant, instance in instances():
        sizes[variant].append(instance)
        results: list[Result] = []
        for name, solver in methods.items():
            result = solver.solve(instance, Limits(wall_time=arguments.time_limit))
            counts[name][str(result.status)] += 1
            versions |= result.versions
            if result.status is Status.UNSUPPORTED:
                reasons[name] = result.message
            elif result.status is not Status.OPTIMAL:
                failures.append(f"{instance.name}: {name} ended {result.status}: {result.message}")
            results.append(result)
        optima = {result.primal for result in results if result.status is Status.OPTIMAL}
        if len(optima) != 1:
            failures.append(f"{instance.name}: optima {sorted(map(str, optima))}")
        failures += [f"{instance.name}: {contradiction.text}" for contradiction in contradictions(results)]
    lines = [
        "# Do all pairs agree?",
        "",
        "Command: `python benchmarks/agreement.py -o benchmarks/results/agreement.md`",
        "",
        f"Machine: {machine()}; Python {platform.python_version()}; "
        + ", ".join(f"{package} {version}" for package, version in sorted(versions.items()))
        + ".",
        "",
        f"{sum(map(len, sizes.values()))} instances: "
        + "; ".join(
            f"{variant} ({len(held)}, up to {max(i.n_offers for i in held)} offers)" for variant, held in sizes.items()
        )
        + f". Gap asked for 0, at most {arguments.time_limit:g} s each.",
        "",
        "| pair | optimal | other | |",
        "| --- | --- | --- | --- |",
    ]
    for name, count in counts.items():
        other = sum(number for status, number in count.items() if status not in ("optimal", "unsupported"))
        lines.append(f"| `{name}` | {count['optimal']} | {other} | {reasons.get(name, '')} |")
    verdict = "All pairs that can run report the same optimum on every instance." if not failures else "DISAGREEMENT"
    lines += ["", verdict, ""] + [f"- {failure}" for failure in failures]
    text = "\n".join(lines).rstrip() + "\n"
    if arguments.output:
        arguments.output.write_text(text)
    print(text)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
