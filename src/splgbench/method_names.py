"""Many methods by one pattern."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

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


def canonical(name: str) -> str:
    """One spelling for a method: underscores, options in alphabetical order; a file's path stays as it is."""
    head, _, tail = name.partition(":")
    if not head.partition("@")[0].endswith(".py"):
        head = registry.normal_name(head)
    options = sorted(registry.normal_name(key) + equals + value for key, equals, value in _options(tail))
    return head + (":" + ",".join(options) if options else "")


def _options(tail: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in tail.split(",") if part]
