"""How the command line prints: tables and progress on a terminal, plain text in a pipe, one object for --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from splgbench.instance import Instance


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_error(text: str) -> None:
    """A message on standard error."""
    print(f"splgbench: {text}", file=sys.stderr)


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table; numbers right-aligned. In a pipe it is as wide as it needs to be."""
    rows = [[_cell(cell) for cell in row] for row in rows]
    console = Console(width=None if sys.stdout.isatty() else 250, highlight=False, markup=False)
    table = Table(title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for position, name in enumerate(header):
        numeric = all(_is_number(row[position]) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_written(instance: Instance, path: Path, *, as_json: bool) -> None:
    """What was written where, of a command that makes an instance package."""
    facts = {
        "written": str(path),
        "instance": instance.name,
        "instance_hash": instance.instance_hash,
        "hospitals": instance.n_hospitals,
        "groups": instance.n_groups,
        "offers": instance.n_offers,
    }
    if as_json:
        print_json(facts)
    else:
        print_table(("written", ""), facts.items())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _is_number(text: str) -> bool:
    return text == "-" or text.rstrip(" %").replace(",", "").replace(".", "").replace("-", "").isdigit()
