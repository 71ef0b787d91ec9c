"""``splgbench import``: a table of hospitals, groups and cases becomes an instance package."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_written
from splgbench.package import write_package
from splgbench.sources.table_import import import_table

EXAMPLES = """  splgbench import docs/examples/import/three-valleys.toml -o three-valleys
  splgbench import mine.toml -o mine.zip           (docs/instances.md explains the TOML file)"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "import", run, "make an instance of a table of hospitals, groups and cases", EXAMPLES)
    parser.add_argument("mapping", metavar="TABLE.toml", type=Path, help="says which column is what")
    parser.add_argument("--parquet", action="store_true", help="tables as Parquet instead of CSV")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="a folder or a .zip")


def run(arguments: argparse.Namespace) -> int:
    instance = import_table(arguments.mapping)
    write_package(instance, arguments.output, table_format="parquet" if arguments.parquet else "csv")
    print_written(instance, arguments.output, as_json=arguments.json)
    return 0
