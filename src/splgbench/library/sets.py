"""Named sets of instances: `instances/sets/NAME.csv`, one instance a line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from splgbench.errors import InputError
from splgbench.files import parse_csv
from splgbench.hashing import csv_line

PREFIX = "set:"
"""Begins a set's name where instances are named, too: `set:tiny`."""


def set_names() -> list[str]:
    """The sets of the library."""
    return sorted(entry.name.removesuffix(".csv") for entry in _folder().iterdir() if entry.name.endswith(".csv"))


def set_members(name: str) -> Mapping[str, Mapping[str, str]]:
    """By instance name, the other columns of a set's lines, in the order of the file.

    Raises
    ------
    InputError
        No such set.
    """
    if name not in set_names():
        raise InputError(f"no such set; there are {', '.join(set_names())}", name)
    file = f"{name}.csv"
    table = parse_csv("set", file, (_folder() / file).read_text("utf-8"))
    rows = (dict(zip(table.columns, cells, strict=True)) for cells in zip(*table.columns.values(), strict=True))
    return {row.pop("instance"): row for row in rows}


def set_text(members: Mapping[str, Mapping[str, str]]) -> str:
    """A set's file, its members in the given order."""
    columns = next(iter(members.values()), {})
    lines = [csv_line(("instance", *columns)), *(csv_line((name, *row.values())) for name, row in members.items())]
    return "\n".join(lines) + "\n"


def _folder() -> Traversable:
    return resources.files("splgbench.instances") / "sets"
