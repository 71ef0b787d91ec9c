"""Deliberate changes: figures that may move, each with its reason, in `benchmarks/gate/allowed.toml`.

An entry accepts a change once: it counts while the base of the comparison does not have it, so it needs no clearing up
and hides nothing later.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from gate.trees import GateError, git

FILE = "benchmarks/gate/allowed.toml"


@dataclass(frozen=True)
class Allowed:
    """One entry.

    Parameters
    ----------
    figures : the figures' names, with * and ? for any text and any character.
    reason : why they may move.
    """

    figures: str
    reason: str

    def covers(self, name: str) -> bool:
        return fnmatchcase(name, self.figures.replace("[", "[[]"))


def parse(text: str, file: str = FILE) -> list[Allowed]:
    """The entries of a file.

    Raises
    ------
    GateError
        It is no TOML, or an entry lacks its figures or its reason.
    """
    try:
        tables = tomllib.loads(text).get("allow", [])
    except tomllib.TOMLDecodeError as error:
        raise GateError(f"{file}: {error}") from None
    entries = []
    for number, table in enumerate(tables if isinstance(tables, list) else [tables], 1):
        if not isinstance(table, dict) or set(table) != {"figures", "reason"}:
            raise GateError(f"{file}: entry {number} must have figures and reason, and nothing else")
        figures, reason = table["figures"], table["reason"]
        if not (isinstance(figures, str) and isinstance(reason, str) and figures.strip() and re.search(r"\w", reason)):
            raise GateError(f"{file}: entry {number}: figures and reason must be text that says something")
        entries.append(Allowed(figures, reason))
    return entries


def new_entries(root: Path, base: str, head_tree: str) -> list[Allowed]:
    """The entries that `head_tree` has and `base` does not have.

    Parameters
    ----------
    root : of the repository.
    base, head_tree : trees or commits.
    """
    known = parse(_text(root, base), f"{FILE} of the base")
    return [entry for entry in parse(_text(root, head_tree)) if entry not in known]


def _text(root: Path, tree: str) -> str:
    if not git(root, "ls-tree", "--name-only", tree, "--", FILE):
        return ""
    return git(root, "show", f"{tree}:{FILE}")


def allowing(entries: Iterable[Allowed], name: str) -> Allowed | None:
    """The first entry that covers a figure."""
    return next((entry for entry in entries if entry.covers(name)), None)
