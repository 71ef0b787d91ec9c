"""What names of methods say: many by one pattern, one spelling, the file they come from."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from pathlib import Path

from splgbench import registry
from splgbench.errors import UnsupportedError
from splgbench.methods import all_direct_methods


def expand(patterns: Iterable[str]) -> list[str]:
    """Method names with * and `all` written out, in order, each once.

    A * stands for any part of a name; options after a colon go to every match.

    Raises
    ------
    UnsupportedError
        A pattern that nothing matches.
    """
    names: dict[str, None] = {}
    for pattern in patterns:
        head, colon, options = pattern.partition(":")
        if head == "all":
            names.update(dict.fromkeys(name + colon + options for name in all_direct_methods()))
        elif "*" in head:
            matching = fnmatch.filter(all_direct_methods(), registry.normal_name(head))
            if not matching:
                raise UnsupportedError(f"no method matches {head}; `splgbench list` shows them")
            names.update(dict.fromkeys(name + colon + options for name in matching))
        else:
            names[pattern] = None
    return list(names)


def file_of(name: str) -> Path | None:
    """The Python file that a method's name gives, or None for a registered method."""
    head = name.partition("@")[0].partition(":")[0]
    return Path(head) if head.endswith(".py") else None


def options_of(name: str) -> dict[str, str]:
    """The options that stand in a method's name, by key."""
    return {registry.normal_name(key): value for key, _, value in _options(name.partition(":")[2])}


def canonical(name: str) -> str:
    """One spelling for a method: underscores, options in alphabetical order; a file's path stays as it is."""
    head, _, tail = name.partition(":")
    if file_of(head) is None:
        head = registry.normal_name(head)
    options = sorted(registry.normal_name(key) + equals + value for key, equals, value in _options(tail))
    return head + (":" + ",".join(options) if options else "")


def _options(tail: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in tail.split(",") if part]
