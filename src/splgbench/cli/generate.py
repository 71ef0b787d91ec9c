"""``splgbench generate``: a synthetic instance from a preset or a recipe of your own."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_written
from splgbench.errors import InputError, OutputError
from splgbench.files import write_text
from splgbench.generator.generate import fund_contract, generate, value_tables
from splgbench.generator.presets import load_preset, preset_names
from splgbench.generator.recipe import KNOBS, Recipe, read_recipe, recipe_text
from splgbench.package import write_package
from splgbench.planning.tables import write_columns
from splgbench.value.fund import fund_text

EXAMPLES = """  splgbench generate hard-h4 -o h4                       the preset with its screened seed
  splgbench generate hard-h4 --seed 7 -o h4-seed-7.zip
  splgbench generate basel --set rho=2.8 --set hospitals=40 -o wide
  splgbench generate my-recipe.toml --seed 3 -o mine
  splgbench generate easy --set conditions=2 --set years=5 --set fund=0.9 -o funded --tables tables
  splgbench generate basel --recipe > my-recipe.toml     every knob with its value, to start from"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "generate", run, "generate a synthetic instance package", EXAMPLES)
    parser.add_argument("preset", metavar="PRESET", help=f"a recipe file or one of {', '.join(preset_names())}")
    parser.add_argument("--seed", metavar="N", type=int, help="the seed (default: the recipe's)")
    parser.add_argument("--set", metavar="KNOB=VALUE", action="append", default=[], help="change a knob (repeatable)")
    parser.add_argument("--recipe", action="store_true", help="print the recipe instead of writing an instance")
    parser.add_argument("--parquet", action="store_true", help="tables as Parquet instead of CSV")
    parser.add_argument(
        "--tables", metavar="FOLDER", type=Path, help="write outcomes, costs and the fund's contract behind it, too"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="a folder or a .zip")


def run(arguments: argparse.Namespace) -> int:
    recipe = _recipe(arguments)
    if arguments.recipe:
        if arguments.json:
            print_json(recipe.as_text())
        else:
            print(recipe_text(recipe), end="")
        return 0
    if arguments.output is None:
        raise InputError("needs a folder or .zip to write to", "-o")
    instance = generate(recipe)
    if arguments.tables is not None:
        _write_tables(recipe, arguments.tables)
    write_package(instance, arguments.output, table_format="parquet" if arguments.parquet else "csv")
    print_written(instance, arguments.output, as_json=arguments.json)
    return 0


def _write_tables(recipe: Recipe, folder: Path) -> None:
    """The tables of outcomes and costs, and the fund's contract with its risk groups."""
    tables, terms = value_tables(recipe), fund_contract(recipe)
    if not tables and terms is None:
        raise InputError("needs a recipe with conditions or a fund", "--tables")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None
    for name, columns in tables.items():
        write_columns(columns, folder / f"{name}.csv")
    if terms is not None:
        contract, risk_groups = terms
        write_columns(risk_groups, folder / "risk_groups.csv")
        write_text(folder / "contract.toml", fund_text(f"Fund of {recipe.name}", contract, "risk_groups.csv"))


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """The preset or file, with the knobs the command line changes."""
    path = Path(arguments.preset)
    recipe = read_recipe(path) if path.suffix == ".toml" else load_preset(arguments.preset)
    changes: dict[str, Any] = {}
    for setting in arguments.set:
        knob, equals, value = setting.partition("=")
        if not equals or knob not in KNOBS:
            raise InputError(f"must be KNOB=VALUE with a knob of {', '.join(KNOBS)}, not {setting!r}", "--set")
        changes[knob] = value
    if arguments.seed is not None:
        changes["seed"] = arguments.seed
    return replace(recipe, **changes)
