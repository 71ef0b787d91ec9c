"""``splgbench screen``: draw seeds until a recipe gives an instance that is hard by a stated rule."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_table
from splgbench.generator.presets import load_preset, write_presets
from splgbench.generator.recipe import read_recipe
from splgbench.generator.screening import SCREENING_METHOD, ScreeningRow, screen_to_file
from splgbench.isolation import Isolated
from splgbench.readable import percent

EXAMPLES = """  splgbench screen hard-h1 hard-h4 -o screening.csv
  splgbench screen my-recipe.toml --time-limit 30 --gap 0.01 -o mine.csv
  splgbench screen hard-h4 --from-seed 101 --seeds 20 -o more.csv

A seed is hard if the method, one thread, still has the gap when its time is up. Seeds that the file already
holds under the same rule are not run again."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "screen", run, "find the first seeds on which a recipe is hard", EXAMPLES)
    parser.add_argument("recipes", metavar="RECIPE", nargs="+", help="presets or recipe files")
    parser.add_argument("--method", metavar="M", default=SCREENING_METHOD, help=f"default {SCREENING_METHOD}")
    parser.add_argument("--time-limit", metavar="S", type=float, default=15.0, help="seconds a seed (default 15)")
    parser.add_argument("--gap", metavar="G", type=float, default=0.001, help="gap that must be left (default 0.001)")
    parser.add_argument("--from-seed", metavar="N", type=int, default=1, help="the first seed tried (default 1)")
    parser.add_argument("--seeds", metavar="N", type=int, default=50, help="seeds tried at most (default 50)")
    parser.add_argument("--write-presets", metavar="FOLDER", type=Path, help="write the seeds found into its recipes")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the record, a CSV")


def run(arguments: argparse.Namespace) -> int:
    recipes = [read_recipe(name) if name.endswith(".toml") else load_preset(name) for name in arguments.recipes]

    def show(row: ScreeningRow) -> None:
        if not arguments.json:
            gap = percent(row.gap) or "unknown"
            print(f"{row.recipe} seed {row.seed}: {row.status}, gap {gap}, {row.wall_time_s:.1f} s", flush=True)

    outcome = screen_to_file(
        recipes,
        arguments.output,
        Isolated(arguments.method),
        arguments.time_limit,
        arguments.gap,
        arguments.from_seed,
        arguments.seeds,
        show,
        command=f"splgbench screen {' '.join(arguments.recipes)} --method {arguments.method} "
        f"--time-limit {arguments.time_limit:g} --gap {arguments.gap:g}",
    )
    found = {name: screening.seed for name, screening in outcome.items()}
    if arguments.write_presets is not None:
        write_presets(arguments.write_presets, {name: seed for name, seed in found.items() if seed is not None})
    if arguments.json:
        print_json({"seeds": found, "tried": {name: len(screening.rows) for name, screening in outcome.items()}})
    else:
        print_table(
            ("recipe", "first hard seed", "seeds tried"),
            [(name, found[name], len(screening.rows)) for name, screening in outcome.items()],
        )
    return 0
